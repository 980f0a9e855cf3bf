/* Meshes that come up: who lists whom, over which addresses, how lossy. */
#include <string.h>

#include "scenario.h"

unsigned any_host(struct sim *s)
{
	return (unsigned)rng_below(&s->net.rng, s->host_count);
}

unsigned any_other(struct sim *s, unsigned host)
{
	unsigned other = (unsigned)rng_below(&s->net.rng, s->host_count - 1);

	return other < host ? other : other + 1;
}

void check_why(struct sim *s, unsigned host, unsigned other, const char *text)
{
	struct node_peer_info info;

	if (s->failed)
		return;
	if (!sim_peer_info(s, host, other, &info))
		sim_fail(s, "h%u lists nothing about h%u", host, other);
	else if (!strstr(info.reason, text))
		sim_fail(s, "h%u says of h%u \"%s\" and not \"%s\"", host,
			 other, info.reason, text);
}

unsigned mesh_up(struct sim *s, unsigned low, unsigned high)
{
	unsigned n = (unsigned)rng_range(&s->net.rng, low, high);

	sim_add_mesh(s, n);
	for (unsigned i = 0; i < n; i++) {
		sim_start(s, i);
		sim_run(s, rng_below(&s->net.rng, SIM_S / n));
	}
	sim_await(s, sim_mesh_up, HEAL_US, "full mesh");
	return n;
}

void mesh_check(struct sim *s)
{
	uint64_t interval_us = 0;

	for (unsigned i = 0; i < s->host_count; i++)
		if (s->hosts[i].config.interval_us > interval_us)
			interval_us = s->hosts[i].config.interval_us;
	sim_await(s, sim_mesh_up, HEAL_US, "full mesh after the faults");
	/* A peer that moved is followed when it no longer hears us. */
	sim_run(s, 4 * interval_us);
	sim_check_peers(s);
	traffic_check_reach(s);
}

static void start(struct sim *s)
{
	mesh_up(s, 2, 8);
	mesh_check(s);
	traffic_strict(s, true);
	traffic_start(s, 20 * SIM_MS, 8);
	sim_run(s, 10 * SIM_S);
	traffic_stop(s);
	sim_run(s, 3 * SIM_S);
	traffic_check(s);
	sim_check_events(s, NODE_PEER_DOWN, 0, "a peer went down");
	sim_check_events(s, NODE_DUPLICATE_KEY, 0, "a duplicate key");
	sim_check_events(s, NODE_OWN_KEY, 0, "a clone of our key");
}

/* Both ends of every pair dial in the same microsecond, over links of the same
 * delay: no side ever hears of the other before it has dialled itself. */
static void simultaneous(struct sim *s)
{
	uint64_t delay = rng_range(&s->net.rng, 50, 100 * SIM_MS);
	struct link l = { .delay_min_us = delay, .delay_max_us = delay };

	net_all_links(&s->net, &l);
	sim_add_mesh(s, (unsigned)rng_range(&s->net.rng, 2, 8));
	sim_start_all(s);
	sim_await(s, sim_mesh_up, 5 * SIM_S, "full mesh");
	mesh_check(s);
	sim_run(s, 60 * SIM_S);
	sim_check_events(s, NODE_PEER_DOWN, 0, "a peer went down");
}

static void lossy(struct sim *s)
{
	struct link l = {
		.loss = (double)rng_below(&s->net.rng, 20) / 100,
		.dup = (double)rng_below(&s->net.rng, 20) / 100,
		.reorder = (double)rng_below(&s->net.rng, 30) / 100,
		.delay_min_us = rng_below(&s->net.rng, 20 * SIM_MS),
	};

	l.delay_max_us = l.delay_min_us + rng_below(&s->net.rng, 50 * SIM_MS);
	net_all_links(&s->net, &l);
	mesh_up(s, 2, 8);
	traffic_start(s, 20 * SIM_MS, 8);
	sim_run(s, 20 * SIM_S);
	traffic_stop(s);
	sim_heal(s);
	mesh_check(s);
}

/* Of every pair one lists the other, or both do. */
static void one_sided(struct sim *s)
{
	unsigned n = (unsigned)rng_range(&s->net.rng, 2, 8);

	for (unsigned i = 0; i < n; i++)
		sim_add_host(s);
	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = 0; j < i; j++) {
			unsigned who = (unsigned)rng_below(&s->net.rng, 3);

			if (who != 0)
				sim_want(s, i, j);
			if (who != 1)
				sim_want(s, j, i);
		}
	}
	sim_start_all(s);
	mesh_check(s);
	sim_run(s, 300 * SIM_S);
	sim_check_events(s, NODE_PEER_DOWN, 0, "a peer went down");
	mesh_check(s);
}

/* One hub that lists nobody; the others list it alone. */
static void hub(struct sim *s)
{
	unsigned n = (unsigned)rng_range(&s->net.rng, 2, 8);

	for (unsigned i = 0; i < n; i++)
		sim_add_host(s);
	for (unsigned i = 1; i < n; i++)
		sim_want(s, i, 0);
	sim_start_all(s);
	sim_run(s, 5 * SIM_S);
	for (unsigned i = 1; i < n; i++)
		if (!sim_is_up(s, 0, i) || !sim_is_up(s, i, 0))
			sim_fail(s, "h0 and h%u are not up", i);
	traffic_check_reach(s);
}

/* IPv4 and IPv6 addresses of one host, all listed: one peer, no alarm. */
static void dual_stack(struct sim *s)
{
	unsigned n = (unsigned)rng_range(&s->net.rng, 2, 6);

	for (unsigned i = 0; i < n; i++) {
		sim_add_host(s);
		if (rng_chance(&s->net.rng, 0.8))
			sim_give_addr(s, i, FAMILY_V6);
	}
	sim_want_all(s);
	sim_start_all(s);
	mesh_check(s);
	sim_run(s, 200 * SIM_S);
	mesh_check(s);
	sim_check_events(s, NODE_PEER_DOWN, 0, "a peer went down");
	sim_check_events(s, NODE_DUPLICATE_KEY, 0, "a duplicate key");
	sim_check_events(s, NODE_PEER_RESTARTED, 0, "a restart");
	sim_check_events(s, NODE_OWN_KEY, 0, "a clone of our key");
}

static void only_self(struct sim *s)
{
	struct node_status status;

	sim_add_mesh(s, 1);
	if (rng_chance(&s->net.rng, 0.5)) {
		sim_give_addr(s, 0, FAMILY_V6);
		sim_forget_wants(s, 0);
		sim_want(s, 0, 0);
	}
	sim_start(s, 0);
	sim_run(s, 60 * SIM_S);
	if (s->failed)
		return;
	node_status(s->hosts[0].node, &status);
	if (status.peers_up != 0 || sim_events(s, NODE_PEER_UP) != 0)
		sim_fail(s, "h0 is its own peer");
	if (sim_events(s, NODE_SELF) == 0)
		sim_fail(s, "h0 never says that it listed itself");
	sim_check_events(s, NODE_OWN_KEY, 0, "a clone of our key");
	if (s->hosts[0].sent_datagrams > 200)
		sim_fail(s, "h0 sends itself %u datagrams a minute",
			 (unsigned)s->hosts[0].sent_datagrams);
}

/* Timers come late, as on a busy host. */
static void late_ticks(struct sim *s)
{
	s->tick_late_us = rng_range(&s->net.rng, SIM_MS, 300 * SIM_MS);
	mesh_up(s, 2, 6);
	traffic_start(s, 50 * SIM_MS, 4);
	sim_run(s, 200 * SIM_S);
	traffic_stop(s);
	mesh_check(s);
	sim_check_events(s, NODE_PEER_DOWN, 0, "a peer went down");
}

/* Jumbo frames in fragments, between hosts of different MTUs. */
static void large_frames(struct sim *s)
{
	static const uint16_t mtus[] = { 1500, 4000, 9000, 576 };
	uint16_t mtu = mtus[rng_below(&s->net.rng, 4)];
	unsigned n = (unsigned)rng_range(&s->net.rng, 2, 5);

	sim_add_mesh(s, n);
	for (unsigned i = 0; i < n; i++)
		s->hosts[i].config.tap_mtu = mtu;
	sim_start_all(s);
	mesh_check(s);
	traffic_strict(s, true);
	traffic_start(s, 5 * SIM_MS, 8);
	sim_run(s, 5 * SIM_S);
	traffic_stop(s);
	sim_run(s, 3 * SIM_S);
	traffic_check(s);
}

/* A virtual MAC moves from host to host, as VRRP's does: after the new owner's
 * first frame it is the only one that gets unicast for it. */
static void virtual_mac(struct sim *s)
{
	unsigned n = mesh_up(s, 3, 8);

	sim_run(s, SIM_S);
	traffic_strict(s, true);
	for (int turn = 0; turn < 6 && !s->failed; turn++) {
		unsigned owner = any_host(s);
		struct traffic_spec announce = { TRAFFIC_BROADCAST, .len = 60,
						 .from_vmac = true };
		struct traffic_spec use = { TRAFFIC_VMAC, .len = 400 };
		uint64_t was;

		traffic_send(s, owner, &announce, 1);
		sim_run(s, 10 * SIM_MS);
		was = traffic_delivered(s);
		for (unsigned i = 0; i < n; i++)
			if (i != owner)
				traffic_send(s, i, &use, 1);
		sim_run(s, 10 * SIM_MS);
		if (traffic_delivered(s) != was + n - 1)
			sim_fail(s, "frames to h%u's virtual MAC went astray",
				 owner);
	}
	sim_run(s, 3 * SIM_S);
	traffic_check(s);
}

const struct scenario scenarios_mesh[] = {
	{ "mesh/start", start, 40 },
	{ "mesh/simultaneous", simultaneous, 40 },
	{ "mesh/lossy", lossy, 60 },
	{ "mesh/one_sided", one_sided, 30 },
	{ "mesh/hub", hub, 20 },
	{ "mesh/dual_stack", dual_stack, 30 },
	{ "mesh/only_self", only_self, 10 },
	{ "mesh/late_ticks", late_ticks, 20 },
	{ "mesh/large_frames", large_frames, 20 },
	{ "mesh/virtual_mac", virtual_mac, 20 },
	{ 0 },
};
