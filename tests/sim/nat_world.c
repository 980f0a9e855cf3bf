/* Hosts behind NATs that know one public host. */
#include "nat_world.h"

#define PUBLIC_NET 0xc6120000u /* 198.18.0.0/15 */

/* ---- the world ---- */

static void add_behind(struct sim *s, const struct nat_plan *plan)
{
	unsigned left = plan->behind,
		 kind = (unsigned)rng_below(&s->net.rng, 3);

	while (left > 0) {
		unsigned nat = nat_add(s, (enum nat_kind)(kind++ % NAT_KINDS));
		unsigned n = (unsigned)rng_range(&s->net.rng, 1, plan->crowd);

		for (; n > 0 && left > 0; n--, left--)
			nat_put(s, sim_add_host(s), nat);
	}
}

void nat_world_links(struct sim *s)
{
	for (unsigned i = 0; i < s->host_count; i++) {
		for (unsigned j = 0; j < i; j++) {
			const bool near = nat_of(s, i) < NATS_MAX &&
					  nat_of(s, i) == nat_of(s, j);
			uint64_t us = rng_range(&s->net.rng, 100,
						near ? 300 : 20 * SIM_MS);
			struct link *there = net_link(&s->net, i, j);
			struct link *back = net_link(&s->net, j, i);

			there->delay_min_us = there->delay_max_us = us;
			back->delay_min_us = back->delay_max_us = us;
		}
	}
}

void nat_world(struct sim *s, const struct nat_plan *plan)
{
	s->addr_net = PUBLIC_NET;
	s->exchange = true;
	for (unsigned i = 0; i < plan->publics; i++)
		s->hosts[sim_add_host(s)].config.relay =
			i + plan->relays >= plan->publics;
	add_behind(s, plan);
	for (unsigned i = 1; i < s->host_count; i++)
		sim_want(s, i, 0);
	nat_world_links(s);
}

void nat_two_apart(struct sim *s, unsigned publics, unsigned relays)
{
	const struct nat_plan plan = {
		.publics = publics, .relays = relays, .behind = 2, .crowd = 1
	};

	nat_world(s, &plan);
	for (unsigned i = publics; i < publics + 2; i++)
		nat_change(s, nat_of(s, i), NAT_SYMMETRIC);
}

void nat_several_apart(struct sim *s, unsigned relays)
{
	const struct nat_plan plan = { .publics = relays + 1,
				       .relays = relays,
				       .behind = (unsigned)rng_range(
					       &s->net.rng, 4, 8),
				       .crowd = 2 };

	nat_world(s, &plan);
	for (unsigned i = plan.publics; i < s->host_count; i++)
		if (rng_chance(&s->net.rng, 0.7))
			nat_change(s, nat_of(s, i), NAT_SYMMETRIC);
}

void nat_world_start(struct sim *s, uint64_t within_us)
{
	for (unsigned i = 0; i < s->host_count; i++) {
		sim_start(s, i);
		sim_run(s,
			rng_below(&s->net.rng, 2 * within_us / s->host_count));
	}
}

/* ---- who reaches whom ---- */

bool nat_can_meet(const struct sim *s, unsigned a, unsigned b)
{
	const unsigned na = nat_of(s, a), nb = nat_of(s, b);
	bool symmetric, cone;

	if (na == NATS_MAX || nb == NATS_MAX || na == nb)
		return true;
	symmetric = nat_kind(s, na) == NAT_SYMMETRIC ||
		    nat_kind(s, nb) == NAT_SYMMETRIC;
	cone = nat_kind(s, na) == NAT_FULL_CONE ||
	       nat_kind(s, nb) == NAT_FULL_CONE;
	return cone || !symmetric;
}

static enum reached reached_by(const struct node_peer_info *info)
{
	if (info->state != NODE_PEER_STATE_UP)
		return REACHED_NOT;
	return info->endpoint.leg ? REACHED_BY_RELAY : REACHED_DIRECTLY;
}

enum reached nat_reached(struct sim *s, unsigned host, unsigned other)
{
	struct node_peer_info info;

	if (!sim_is_up(s, host, other) || !sim_peer_info(s, host, other, &info))
		return REACHED_NOT;
	return reached_by(&info);
}

/* A pair that met before a box changed may go on. */
static bool is_at_best(const struct sim *s, unsigned host, unsigned other,
		       enum reached reached)
{
	return reached == REACHED_DIRECTLY ||
	       (reached == REACHED_BY_RELAY && !nat_can_meet(s, host, other));
}

bool nat_all_up(struct sim *s)
{
	return sim_mesh_up(s);
}

static unsigned host_of(const struct sim *s, const struct public_key *key)
{
	unsigned i = 0;

	while (i < s->host_count && !public_key_equal(&s->hosts[i].key, key))
		i++;
	return i;
}

static bool host_is_at_best(struct sim *s, unsigned host)
{
	struct node_iter at = { 0 };
	struct node_peer_info info;

	while (node_next_peer(s->hosts[host].node, &at, &info)) {
		unsigned i =
			info.has_key ? host_of(s, &info.key) : s->host_count;

		if (i < s->host_count && s->hosts[i].node &&
		    !is_at_best(s, host, i, reached_by(&info)))
			return false;
	}
	return true;
}

bool nat_all_at_best(struct sim *s)
{
	bool all = sim_mesh_up(s);

	for (unsigned i = 0; all && i < s->host_count; i++)
		all = !s->hosts[i].node || host_is_at_best(s, i);
	return all;
}

void nat_note_rest(struct sim *s)
{
	static const char *const names[] = { "not up", "by a relay", "direct" };

	for (unsigned i = 0; i < s->host_count; i++) {
		for (unsigned j = 0; j < s->host_count; j++) {
			enum reached r;

			if (i == j || !s->hosts[i].node || !s->hosts[j].node)
				continue;
			r = nat_reached(s, i, j);
			if (!is_at_best(s, i, j, r))
				sim_note(s, "h%u (NAT %u) has h%u (NAT %u) %s",
					 i, nat_of(s, i), j, nat_of(s, j),
					 names[r]);
		}
	}
}

/* ---- frames ---- */

void nat_check_frames(struct sim *s)
{
	traffic_stop(s);
	sim_run(s, 3 * SIM_S);
	traffic_check_reach(s);
}

void nat_steady(struct sim *s, uint64_t period_us)
{
	s->steady_downs = sim_events_of_hosts(s, NODE_PEER_DOWN);
	traffic_strict(s, true);
	traffic_start(s, period_us, 4);
}

void nat_was_steady(struct sim *s)
{
	traffic_stop(s);
	sim_run(s, 3 * SIM_S);
	traffic_check(s);
	traffic_strict(s, false);
	if (sim_events_of_hosts(s, NODE_PEER_DOWN) != s->steady_downs)
		sim_fail(s, "a host went down");
}
