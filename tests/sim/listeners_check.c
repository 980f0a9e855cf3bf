/* The quiet end: who must get nothing, and what every node must list. */
#include <stdlib.h>
#include <string.h>

#include "base/drop.h"

#include "listeners_impl.h"
#include "traffic.h"

static unsigned find_group(const struct listeners *l,
			   const struct node_group_info *info)
{
	unsigned g = 0;

	while (g < l->group_count &&
	       (l->groups[g].vlan != info->vlan ||
		memcmp(l->groups[g].ip, info->ip, sizeof(info->ip)) != 0))
		g++;
	return g;
}

/* What the node cannot know for sure. */
static bool is_vague(struct kernel *k, unsigned group)
{
	bool vague = !kernel_is_asked(k) || kernel_has_unheard(k, group);

	for (unsigned i = 0; i < k->interface_count; i++)
		vague |= kernel_joined(k, i, group)->lingers;
	return vague;
}

static uint64_t listed_members(struct sim *s, const struct host *h,
			       const struct node_group_info *info)
{
	uint64_t set = info->local ? UINT64_C(1) << h->index : 0;
	const char *name;
	struct node_iter at = { 0 };

	while ((name = node_next_member(h->node, info, &at))) {
		unsigned i = 0;

		while (i < s->host_count &&
		       strcmp(name, s->hosts[i].config.name) != 0)
			i++;
		if (i == s->host_count || set >> i & 1)
			sim_fail(s, "h%u lists \"%s\" in a group, or twice",
				 h->index, name);
		else
			set |= UINT64_C(1) << i;
	}
	return set;
}

static void check_list(struct sim *s, const struct host *h, unsigned group,
		       uint64_t listed)
{
	for (unsigned i = 0; i < s->host_count; i++) {
		struct kernel *k = &s->listeners->kernels[i];
		bool is = s->hosts[i].node && kernel_is_member(k, group);

		if ((listed >> i & 1) != is && !is_vague(k, group))
			sim_fail(s, "h%u %s h%u in group %u", h->index,
				 is ? "does not list" : "lists", i, group);
	}
}

static void check_groups(struct sim *s, const struct host *h)
{
	struct listeners *l = s->listeners;
	uint64_t *listed = test_zalloc(l->count, sizeof(*listed));
	struct node_group_info info;
	struct node_iter at = { 0 };

	while (node_next_group(h->node, &at, &info)) {
		unsigned g = find_group(l, &info);

		if (g == l->group_count)
			sim_fail(s, "h%u lists a group of nobody's", h->index);
		else if (listed[g])
			sim_fail(s, "h%u lists group %u twice", h->index, g);
		else
			listed[g] = listed_members(s, h, &info);
	}
	for (unsigned g = 0; g < l->group_count && !s->failed; g++)
		check_list(s, h, g, listed[g]);
	free(listed);
}

/* Nobody is flooded without a reason that lasts. */
static void check_flooded(struct sim *s, const struct host *h)
{
	struct kernel *k = &s->listeners->kernels[h->index];
	struct node_multicast_status status;
	struct node_flooded_info info;
	struct node_iter at = { 0 };

	want_consider(k);
	node_multicast_status(h->node, &status);
	if (kernel_is_asked(k) && !k->router_us && !want_is_unsure(k) &&
	    status.wants_all)
		sim_fail(s, "h%u wants every group: %s", h->index,
			 status.wants_all);
	while (node_next_flooded(h->node, &at, &info)) {
		for (unsigned i = 0; i < s->host_count; i++) {
			struct kernel *other = &s->listeners->kernels[i];

			want_consider(other);
			if (s->hosts[i].node &&
			    strcmp(info.peer, s->hosts[i].config.name) == 0 &&
			    other->all_us == CLOCK_NEVER &&
			    !want_is_unsure(other))
				sim_fail(s, "h%u floods h%u: %s", h->index, i,
					 info.reason);
		}
	}
}

static void check_drops(struct sim *s, const struct host *h)
{
	static const enum drop_reason never[] = {
		DROP_record_bad,  DROP_record_flag,  DROP_membership_bad,
		DROP_groups_full, DROP_groups_epoch,
	};

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (sim_drops(s, h->index, never[i]))
			sim_fail(s, "h%u counts %s", h->index,
				 drop_name(never[i]));
}

/* A VLAN is asked about, and so known, once a frame of it was seen. */
static void show_vlans(struct sim *s)
{
	for (unsigned i = 0; i < s->host_count; i++) {
		for (unsigned v = 0; v < VLANS; v++) {
			struct traffic_spec all = {
				TRAFFIC_BROADCAST, .len = 100,
				.vlan = listeners_vlans[v]
			};

			traffic_send(s, i, &all, 1);
		}
	}
	sim_run(s, 5 * SIM_S + 4 * s->tick_late_us);
}

static void send_to_groups(struct sim *s, unsigned host, unsigned sample)
{
	struct listeners *l = s->listeners;
	unsigned n = sample ? sample : l->group_count;

	for (unsigned i = 0; i < n && !s->failed; i++) {
		struct traffic_spec spec = { TRAFFIC_GROUP, .len = 90,
					     .group = &l->groups[i] };

		if (sample)
			spec.group = listeners_any(s);
		traffic_send(s, host, &spec, 1);
	}
}

void listeners_check(struct sim *s, unsigned sample)
{
	struct listeners *l = s->listeners;

	show_vlans(s);
	sim_note(s, "nobody but members may get a frame");
	l->quiet = true;
	for (unsigned i = 0; i < s->host_count; i++)
		send_to_groups(s, i, sample);
	sim_run(s, 3 * SIM_S);
	traffic_check(s);
	for (unsigned i = 0; i < s->host_count && !s->failed; i++) {
		const struct host *h = &s->hosts[i];

		if (!h->node)
			continue;
		check_groups(s, h);
		check_flooded(s, h);
		check_drops(s, h);
	}
	l->quiet = false;
}
