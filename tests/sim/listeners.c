/* Who is a member of what, from the start of the world to its quiet end. */
#include "listeners.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "bridge/router.h"

#include "listeners_impl.h"
#include "traffic.h"
#include "traffic_frames.h"

/* From a join or a leave to its report. */
#define AT_ONCE_US (3 * SIM_MS)

const uint16_t listeners_vlans[VLANS] = { 0, 5, 9 };

/* ---- the start ---- */

/* Neighbours share a MAC, as 32 IPv4 groups do, or each has its own. */
static struct group make_group(unsigned i, bool share)
{
	unsigned low = share ? i / 2 : i;
	uint16_t vlan = listeners_vlans[i / 2 % 4 % VLANS];
	struct group g = { .vlan = vlan };

	if (i / 2 % 3 != 2)
		return group_v4(vlan, (i % 2 ? 0xef010000 : 0xee010000) + low);
	g.ip[0] = 0xff;
	g.ip[1] = i % 2 ? 0x05 : 0x0e;
	store_be32(g.ip + 12, 0x10000 + low);
	return g;
}

/* mDNS, which every interface has joined. */
static struct group make_base(unsigned vlan, bool v6)
{
	struct group g = group_v4(listeners_vlans[vlan], 0xe00000fb);

	if (!v6)
		return g;
	memset(g.ip, 0, sizeof(g.ip));
	g.ip[0] = 0xff;
	g.ip[1] = 0x02;
	g.ip[15] = 0xfb;
	return g;
}

static void add_interfaces(struct kernel *k, const struct listeners_config *c)
{
	struct sim *s = k->host->sim;
	unsigned n = 1;

	while (n < INTERFACES_MAX && rng_chance(&s->net.rng, c->macvlan))
		n++;
	k->interface_count = n;
	k->listens = rng_chance(&s->net.rng, 0.5);
	k->loses = rng_chance(&s->net.rng, c->lossy) ? 0.3 : 0;
	for (unsigned i = 0; i < n; i++) {
		struct interface *at = &k->interfaces[i];

		frame_host_mac(at->mac, k->host->index);
		at->mac[3] = (uint8_t)i;
		at->firewalled = rng_chance(&s->net.rng, c->firewalled);
		at->old = !at->firewalled && rng_chance(&s->net.rng, c->old);
		/* Else nobody could know of who joined before the start. */
		k->listens |= at->firewalled;
		sim_note(s, "h%u.%u%s%s", k->host->index, i,
			 at->old ? " is old" : "",
			 at->firewalled ? " hears no query" : "");
	}
}

static void add_kernel(struct listeners *l, struct host *h,
		       const struct listeners_config *c)
{
	struct kernel *k = &l->kernels[h->index];
	struct sim *s = l->sim;

	*k = (struct kernel){ .host = h, .wake_us = CLOCK_NEVER };
	h->config.snooping = h->config.querier = true;
	add_interfaces(k, c);
	k->known_us = test_alloc(l->count * sizeof(*k->known_us));
	memset(k->known_us, 0xff, l->count * sizeof(*k->known_us));
	k->first_us = test_alloc(l->count * sizeof(*k->first_us));
	memset(k->first_us, 0xff, l->count * sizeof(*k->first_us));
	k->left_us = test_zalloc(l->count, sizeof(*k->left_us));
	memset(k->general_us, 0xff, sizeof(k->general_us));
	k->all_us = CLOCK_NEVER;
	k->joined = test_zalloc((size_t)k->interface_count * l->count,
				sizeof(*k->joined));
	for (unsigned i = 0; i < k->interface_count; i++) {
		for (unsigned g = 0; g < l->count; g++) {
			struct joined *j = kernel_joined(k, i, g);

			j->change_us = j->answer_us = CLOCK_NEVER;
			j->joined = g >= l->group_count ||
				    rng_chance(&s->net.rng, c->joined);
		}
	}
	k->look_us = s->net.now_us + rng_below(&s->net.rng, SIM_S);
	kernel_wake(k, k->look_us);
}

void listeners_add(struct sim *s, const struct listeners_config *config)
{
	struct listeners *l = test_zalloc(1, sizeof(*l));

	s->listeners = l;
	l->sim = s;
	l->group_count = config->groups;
	l->count = l->group_count + 2 * VLANS;
	l->groups = test_zalloc(l->count, sizeof(*l->groups));
	/* Who is seen listening to a MAC may hide behind another group's. */
	for (unsigned i = 0; i < l->group_count; i++)
		l->groups[i] = make_group(i, config->firewalled <= 0);
	for (unsigned v = 0; v < 2 * VLANS; v++)
		l->groups[l->group_count + v] = make_base(v / 2, v % 2);
	l->kernels = test_zalloc(SIM_HOSTS_MAX, sizeof(*l->kernels));
	for (unsigned i = 0; i < s->host_count; i++)
		add_kernel(l, &s->hosts[i], config);
}

void listeners_free(struct sim *s)
{
	struct listeners *l = s->listeners;

	if (!l)
		return;
	s->listeners = NULL;
	for (unsigned i = 0; i < SIM_HOSTS_MAX; i++) {
		free(l->kernels[i].joined);
		free(l->kernels[i].known_us);
		free(l->kernels[i].first_us);
		free(l->kernels[i].left_us);
	}
	free(l->kernels);
	free(l->groups);
	free(l);
}

/* A new node knows nothing, and so wants everything. */
void listeners_started(struct host *h)
{
	struct listeners *l = h->sim->listeners;
	struct kernel *k;

	if (!l)
		return;
	k = &l->kernels[h->index];
	k->lost = false;
	k->queue_count = 0;
	k->router_us = k->routed_us = 0;
	k->all_us = CLOCK_NEVER;
	for (unsigned g = 0; g < l->count; g++) {
		for (unsigned i = 0; i < k->interface_count; i++) {
			struct joined *j = kernel_joined(k, i, g);

			j->heard = j->lingers = false;
		}
		k->first_us[g] = CLOCK_NEVER;
		k->known_us[g] = CLOCK_NEVER;
		if (kernel_is_member(k, g))
			k->known_us[g] = k->first_us[g] = h->sim->net.now_us;
	}
	want_consider(k);
	if (!k->tap_down)
		node_tap_up(h->node, host_clock(h));
}

/* ---- what happens ---- */

static void change(struct kernel *k, struct joined *j, uint8_t reports)
{
	struct sim *s = k->host->sim;

	if (k->changes_us < s->net.now_us)
		k->changes_us =
			s->net.now_us + rng_below(&s->net.rng, AT_ONCE_US);
	j->left = k->tap_down ? 0 : reports;
	j->change_us = CLOCK_NEVER;
	if (!j->left)
		return;
	j->change_us = k->changes_us;
	kernel_wake(k, j->change_us);
}

void listeners_join(struct sim *s, unsigned host, unsigned interface,
		    unsigned group)
{
	struct kernel *k = &s->listeners->kernels[host];
	struct joined *j = kernel_joined(k, interface, group);

	if (j->joined)
		return;
	sim_note(s, "h%u.%u joins group %u", host, interface, group);
	j->joined = true;
	j->lingers = j->silenced = false;
	want_consider(k);
	if (k->all_us != CLOCK_NEVER)
		want_now(k, group);
	change(k, j, 2);
}

void listeners_leave(struct sim *s, unsigned host, unsigned interface,
		     unsigned group)
{
	struct kernel *k = &s->listeners->kernels[host];
	struct joined *j = kernel_joined(k, interface, group);

	if (!j->joined)
		return;
	sim_note(s, "h%u.%u leaves group %u", host, interface, group);
	j->joined = false;
	j->lingers = k->interfaces[interface].firewalled && k->host->node;
	j->answer_us = CLOCK_NEVER;
	k->left_us[group] = s->net.now_us;
	if (!kernel_is_member(k, group))
		k->known_us[group] = CLOCK_NEVER;
	if (k->interfaces[interface].old)
		change(k, j, j->silenced ? 0 : 1);
	else
		change(k, j, 2);
}

void listeners_set_tap(struct sim *s, unsigned host, bool up)
{
	struct host *h = &s->hosts[host];
	struct kernel *k = &s->listeners->kernels[host];

	if (h->paused || s->failed || k->tap_down == !up)
		return;
	sim_note(s, "h%u: TAP is %s", host, up ? "up" : "down");
	k->tap_down = !up;
	k->untidy = true;
	want_consider(k);
	if (h->node && up)
		node_tap_up(h->node, host_clock(h));
	else if (h->node)
		node_tap_down(h->node, host_clock(h));
	host_settle(h);
	/* What is joined on the interface itself is reported anew, but not
	 * what is on the macvlans, which stay up. */
	for (unsigned i = 0; i < k->interface_count; i++) {
		for (unsigned g = 0; g < s->listeners->group_count; g++) {
			struct joined *j = kernel_joined(k, i, g);

			j->answer_us = CLOCK_NEVER;
			change(k, j, up && j->joined && i == 0 ? 2 : 0);
		}
		for (unsigned v = 0; v < 2 * VLANS; v++)
			k->general_us[i][v / 2][v % 2] = CLOCK_NEVER;
	}
}

void listeners_act(struct sim *s)
{
	unsigned host = (unsigned)rng_below(&s->net.rng, s->host_count);
	struct kernel *k = &s->listeners->kernels[host];
	unsigned interface =
		(unsigned)rng_below(&s->net.rng, k->interface_count);
	unsigned group =
		(unsigned)rng_below(&s->net.rng, s->listeners->group_count);

	if (kernel_joined(k, interface, group)->joined)
		listeners_leave(s, host, interface, group);
	else
		listeners_join(s, host, interface, group);
}

void listeners_churn(struct sim *s, unsigned times, uint64_t us)
{
	for (unsigned i = 0; i < times && !s->failed; i++) {
		listeners_act(s);
		traffic_check(s);
		sim_run(s, rng_below(&s->net.rng, 2 * us / times));
	}
}

void listeners_route(struct sim *s, unsigned host)
{
	struct listeners *l = s->listeners;
	struct kernel *k = &l->kernels[host];
	unsigned vlan = (unsigned)rng_below(&s->net.rng, VLANS);
	struct traffic_message query = { .must = 0 };
	uint8_t mac[6];
	bool v6 = rng_chance(&s->net.rng, 0.5),
	     old = rng_chance(&s->net.rng, 0.5);
	if (s->failed || !k->host->node || k->host->paused || k->tap_down)
		return;
	frame_host_mac(mac, host);
	mac[3] = 0xff;
	query.len = router_query_build(query.bytes, mac, listeners_vlans[vlan],
				       v6, old, l->serial++);
	for (unsigned i = 0; i < s->host_count; i++)
		if (i != host && want_must(s, host, i, want_since(0)))
			query.must |= UINT64_C(1) << i;
	sim_note(s, "h%u has a router", host);
	traffic_hand(s, host, &query, 1);
	want_consider(k);
	k->routed_us = s->net.now_us;
	if (!k->router_us)
		k->router_us = s->net.now_us;
	want_consider(k);
}

void listeners_set_multicast(struct sim *s, unsigned host, bool snooping,
			     bool querier)
{
	struct host *h = &s->hosts[host];

	if (s->failed || h->paused)
		return;
	sim_note(s, "h%u: snooping %d, querier %d", host, snooping, querier);
	h->config.snooping = snooping;
	h->config.querier = querier;
	s->listeners->kernels[host].untidy = true;
	want_consider(&s->listeners->kernels[host]);
	if (!h->node)
		return;
	node_set_multicast(h->node, snooping, querier, host_clock(h));
	host_settle(h);
}

void listeners_heal(struct sim *s)
{
	for (unsigned i = 0; i < s->host_count; i++)
		s->listeners->kernels[i].loses = 0;
}
