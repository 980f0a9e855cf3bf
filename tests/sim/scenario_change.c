/* Hosts that change: restarts, moves, wrong clocks, and all of it at once. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "scenario.h"

#define RESTART_US (3 * SIM_S)

static uint64_t wait_before(struct sim *s)
{
	/* Young sessions, and sessions about to rekey. */
	return rng_chance(&s->net.rng, 0.5)
		       ? rng_below(&s->net.rng, 10 * SIM_S)
		       : rng_below(&s->net.rng, 190 * SIM_S);
}

/* kill -9 and a new start: back in every peer within 3 s. */
static void restart(struct sim *s)
{
	unsigned host;

	mesh_up(s, 2, 8);
	sim_run(s, wait_before(s));
	host = any_host(s);
	sim_crash(s, host);
	sim_run(s, rng_chance(&s->net.rng, 0.5)
			   ? 0
			   : rng_below(&s->net.rng, 5 * SIM_S));
	if (rng_chance(&s->net.rng, 0.3)) /* the whole host booted */
		s->hosts[host].mono_offset_us = -(int64_t)s->net.now_us + 1000;
	sim_start(s, host);
	sim_await(s, sim_mesh_up, RESTART_US, "mesh after a restart");
	mesh_check(s);
}

/* The same for a host that lists nobody: the others must find out. */
static void restart_unlisting(struct sim *s)
{
	unsigned host;
	uint64_t start;

	mesh_up(s, 2, 8);
	sim_run(s, wait_before(s));
	host = any_host(s);
	sim_crash(s, host);
	sim_forget_wants(s, host);
	sim_start(s, host);
	start = s->net.now_us;
	sim_await(s, sim_mesh_up, RESTART_US, "mesh after a restart");
	sim_note(s, "back after %" PRIu64 " ms",
		 (s->net.now_us - start) / SIM_MS);
	mesh_check(s);
}

/* The same with the clock set back, by seconds or years. */
static void restart_clock_back(struct sim *s)
{
	unsigned host;

	mesh_up(s, 2, 8);
	sim_run(s, wait_before(s));
	host = any_host(s);
	sim_crash(s, host);
	s->hosts[host].wall_offset_us -= rng_chance(&s->net.rng, 0.5)
						 ? SIM_YEAR * 20
						 : 30 * (int64_t)SIM_S;
	if (rng_chance(&s->net.rng, 0.3))
		sim_forget_wants(s, host);
	sim_start(s, host);
	sim_await(s, sim_mesh_up, RESTART_US, "mesh after a restart");
	mesh_check(s);
}

/* The same at another address, which nobody lists: that its clock is wrong and
 * not its handshake a replay, the cookie alone can tell. */
static void restart_elsewhere_clock_back(struct sim *s)
{
	unsigned n = (unsigned)rng_range(&s->net.rng, 2, 6), host;
	uint64_t start;

	for (unsigned i = 0; i < n; i++)
		sim_add_host(s);
	for (unsigned i = 1; i < n; i++)
		sim_want(s, i, 0);
	sim_start_all(s);
	sim_run(s, 5 * SIM_S + wait_before(s));
	host = (unsigned)rng_range(&s->net.rng, 1, n - 1);
	sim_crash(s, host);
	sim_move(s, host);
	s->hosts[host].wall_offset_us -= SIM_YEAR;
	sim_start(s, host);
	start = s->net.now_us;
	while (!s->failed &&
	       !(sim_is_up(s, 0, host) && sim_is_up(s, host, 0))) {
		if (s->net.now_us - start > RESTART_US)
			sim_fail(s, "h%u is not back in 3 s", host);
		sim_run(s, 10 * SIM_MS);
	}
	sim_run(s, 5 * SIM_S);
	traffic_check_reach(s);
}

/* A running node goes to 2099, is restarted there, and comes back, running or
 * with another restart. */
static void clock_2099(struct sim *s)
{
	unsigned host;
	int64_t was;

	mesh_up(s, 2, 6);
	sim_run(s, wait_before(s));
	host = any_host(s);
	was = s->hosts[host].wall_offset_us;
	s->hosts[host].wall_offset_us += 75 * SIM_YEAR;
	sim_note(s, "h%u is in 2099", host);
	if (rng_chance(&s->net.rng, 0.5))
		sim_restart(s, host);
	sim_run(s, rng_range(&s->net.rng, 5 * SIM_S, 400 * SIM_S));
	s->hosts[host].wall_offset_us = was;
	sim_note(s, "h%u is back from 2099", host);
	if (rng_chance(&s->net.rng, 0.5))
		sim_restart(s, host);
	sim_run(s, 400 * SIM_S);
	if (sim_events(s, NODE_PEER_DOWN) > 0)
		sim_fail(s, "a wrong clock took a peer down");
	mesh_check(s);
}

/* SIGTERM: the others know at once, and stop sending there. */
static void goodbye(struct sim *s)
{
	unsigned host;

	mesh_up(s, 2, 8);
	sim_run(s, wait_before(s));
	host = any_host(s);
	sim_stop(s, host);
	sim_run(s, 100 * SIM_MS);
	for (unsigned i = 0; i < s->host_count; i++)
		if (i != host && sim_is_up(s, i, host))
			sim_fail(s, "h%u missed h%u's goodbye", i, host);
	if (s->host_count > 2)
		traffic_check_reach(s);
	sim_run(s, rng_below(&s->net.rng, 20 * SIM_S));
	sim_start(s, host);
	sim_await(s, sim_mesh_up, RESTART_US, "mesh after a restart");
	mesh_check(s);
}

/* A NAT forgets its mapping: the session goes on from another address. */
static void move(struct sim *s)
{
	unsigned host;

	mesh_up(s, 2, 8);
	if (rng_chance(&s->net.rng, 0.5))
		traffic_start(s, 100 * SIM_MS, 4);
	sim_run(s, SIM_S + wait_before(s));
	host = any_host(s);
	sim_move(s, host);
	sim_run(s, 10 * SIM_S);
	traffic_stop(s);
	sim_check_events(s, NODE_PEER_DOWN, 0, "a move took a peer down");
	sim_check_events(s, NODE_DUPLICATE_KEY, 0, "a move is a duplicate key");
	if (sim_events(s, NODE_PEER_MOVED) < s->host_count - 1)
		sim_fail(s, "not everybody noticed the move");
	sim_run(s, 200 * SIM_S);
	mesh_check(s);
}

/* Two hosts swap addresses, running. */
static void swap(struct sim *s)
{
	unsigned a, b;
	struct addr addr;

	mesh_up(s, 2, 6);
	sim_run(s, wait_before(s));
	a = any_host(s);
	b = any_other(s, a);
	addr = s->hosts[a].addr[FAMILY_V4];
	s->hosts[a].addr[FAMILY_V4] = s->hosts[b].addr[FAMILY_V4];
	s->hosts[b].addr[FAMILY_V4] = addr;
	sim_note(s, "h%u and h%u swap addresses", a, b);
	sim_run(s, 5 * SIM_S);
	mesh_check(s);
	sim_run(s, 300 * SIM_S);
	mesh_check(s);
}

/* A hub that lists nobody, around which hosts go from address to address, also
 * to those that others have just left. */
static void musical_chairs(struct sim *s)
{
	unsigned n = (unsigned)rng_range(&s->net.rng, 3, 8);

	for (unsigned i = 0; i < n; i++)
		sim_add_host(s);
	for (unsigned i = 1; i < n; i++)
		sim_want(s, i, 0);
	sim_start_all(s);
	sim_run(s, 5 * SIM_S);
	for (int turn = 0; turn < 60; turn++) {
		unsigned a = (unsigned)rng_range(&s->net.rng, 1, n - 1);
		unsigned b = (unsigned)rng_range(&s->net.rng, 1, n - 1);
		struct addr addr = s->hosts[a].addr[FAMILY_V4];

		s->hosts[a].addr[FAMILY_V4] = s->hosts[b].addr[FAMILY_V4];
		s->hosts[b].addr[FAMILY_V4] = addr;
		if (rng_chance(&s->net.rng, 0.3))
			sim_move(s, b);
		if (rng_chance(&s->net.rng, 0.1))
			sim_restart(s, a);
		sim_run(s, rng_below(&s->net.rng, 4 * SIM_S));
	}
	sim_run(s, HEAL_US);
	for (unsigned i = 1; i < n; i++)
		if (!sim_is_up(s, 0, i) || !sim_is_up(s, i, 0))
			sim_fail(s, "h0 and h%u are not up", i);
	traffic_check_reach(s);
}

/* Not its own, which are one in each VLAN that it sends in. */
static unsigned macs_of_others(const struct host *h)
{
	struct node_fdb_info info;
	struct node_iter at = { 0 };
	unsigned n = 0;

	while (node_next_mac(h->node, &at, &info, host_clock(h).mono_us))
		n += !info.local;
	return n;
}

/* Hosts that nobody lists come and go for ever: the dead are forgotten, and
 * who gets their place does not get their frames. */
static void come_and_go(struct sim *s)
{
	struct node_status status;
	unsigned n = (unsigned)rng_range(&s->net.rng, 3, 6);

	for (unsigned i = 0; i < n; i++)
		sim_add_host(s);
	for (unsigned i = 1; i < n; i++)
		sim_want(s, i, 0);
	s->hosts[0].config.peers_max = n - 1;
	s->hosts[0].config.expire_us = 10 * SIM_S;
	sim_start(s, 0);
	for (int turn = 0; turn < 30; turn++) {
		unsigned i = (unsigned)rng_range(&s->net.rng, 1, n - 1);

		if (!s->hosts[i].node)
			sim_start(s, i);
		else if (rng_chance(&s->net.rng, 0.5))
			sim_crash(s, i);
		else
			sim_stop(s, i);
		sim_run(s, rng_below(&s->net.rng, 10 * SIM_S));
		for (i = 0; i < n; i++)
			traffic_random(s, i, 8);
	}
	for (unsigned i = 1; i < n; i++)
		sim_crash(s, i);
	sim_run(s, 30 * SIM_S);
	if (s->failed)
		return;
	node_status(s->hosts[0].node, &status);
	if (status.peers_total != 0 || macs_of_others(&s->hosts[0]) != 0)
		sim_fail(s, "h0 remembers %u peers and %u MACs of theirs",
			 status.peers_total, macs_of_others(&s->hosts[0]));
	sim_start(s, 1);
	mesh_check(s);
}

/* A host dies and a new one gets its address; the dead one is forgotten. */
static void reused_address(struct sim *s)
{
	unsigned dead, fresh;
	struct node_peer_info info;

	mesh_up(s, 2, 7);
	sim_run(s, wait_before(s));
	dead = any_host(s);
	sim_crash(s, dead);
	fresh = sim_add_host(s);
	s->hosts[fresh].addr[FAMILY_V4] = s->hosts[dead].addr[FAMILY_V4];
	s->hosts[dead].has[FAMILY_V4] = false;
	memcpy(s->hosts[fresh].wants, s->hosts[dead].wants,
	       sizeof(s->hosts[fresh].wants));
	s->hosts[fresh].want_count = s->hosts[dead].want_count;
	sim_start(s, fresh);
	sim_await(s, sim_mesh_up, RESTART_US + 2 * SIM_S,
		  "mesh with a new host at an old address");
	mesh_check(s);
	sim_run(s, 320 * SIM_S);
	mesh_check(s);
	for (unsigned i = 0; i < s->host_count && !s->failed; i++)
		if (i != dead && sim_peer_info(s, i, dead, &info))
			sim_fail(s, "h%u still lists h%u", i, dead);
}

/* What SIGHUP and `ip link` change in a running node reaches its peers, also
 * over a link that loses the first word of it. */
static void renamed(struct sim *s)
{
	unsigned n = mesh_up(s, 2, 6), host = any_host(s);
	struct host *h = &s->hosts[host];
	struct link l = link_ideal();

	traffic_start(s, 10 * SIM_MS, 4);
	sim_run(s, wait_before(s));
	l.loss = 0.3;
	net_all_links(&s->net, &l);
	snprintf(h->config.name, sizeof(h->config.name), "other-%u", n);
	h->config.tap_mtu = 1400;
	node_set_name(h->node, h->config.name, host_clock(h));
	node_set_tap_mtu(h->node, h->config.tap_mtu, host_clock(h));
	host_settle(h);
	sim_run(s, 5 * SIM_S);
	traffic_stop(s);
	sim_check_peers(s);
	sim_check_events(s, NODE_PEER_DOWN, 0, "a new name took a peer down");
}

/* Endpoints come and go while nodes run; what is up stays up. */
static void rewanted(struct sim *s)
{
	unsigned n = mesh_up(s, 2, 6);

	for (int turn = 0; turn < 5 && !s->failed; turn++) {
		unsigned host = any_host(s);

		sim_forget_wants(s, host);
		for (unsigned i = 0; i < n; i++)
			if (rng_chance(&s->net.rng, 0.5))
				sim_want(s, host, i);
		sim_apply_wants(s, host);
		sim_run(s, rng_below(&s->net.rng, 100 * SIM_S));
	}
	sim_check_events(s, NODE_PEER_DOWN, 0, "a reload took a peer down");
	sim_check_events(s, NODE_PEER_RESTARTED, 0, "a reload is a restart");
	mesh_check(s);
}

/* ---- everything at once ---- */

static void random_link(struct sim *s, struct link *l)
{
	l->loss = rng_chance(&s->net.rng, 0.5) ? 0 : 0.3;
	l->dup = rng_chance(&s->net.rng, 0.5) ? 0 : 0.2;
	l->reorder = rng_chance(&s->net.rng, 0.5) ? 0 : 0.2;
	l->disordered |= l->reorder > 0;
	l->cut = rng_chance(&s->net.rng, 0.3);
	l->delay_max_us = rng_range(&s->net.rng, 400, 200 * SIM_MS);
}

static void random_fault(struct sim *s)
{
	unsigned host = any_host(s), other = any_other(s, host);
	struct host *h = &s->hosts[host];

	switch (rng_below(&s->net.rng, 9)) {
	case 0:
		sim_isolate(s, host, rng_chance(&s->net.rng, 0.5));
		return;
	case 1:
	case 2:
		random_link(s, net_link(&s->net, host, other));
		return;
	case 3:
		sim_crash(s, host);
		return;
	case 4:
		sim_stop(s, host);
		return;
	case 5:
		sim_start(s, host);
		return;
	case 6:
		sim_move(s, host);
		return;
	case 7:
		if (h->paused)
			sim_resume(s, host);
		else
			sim_pause(s, host);
		return;
	default:
		h->wall_offset_us +=
			rng_chance(&s->net.rng, 0.5) ? SIM_YEAR : -SIM_YEAR;
		sim_note(s, "h%u's clock jumps", host);
		return;
	}
}

/* Many faults over minutes, then a mesh. Hosts that moved are dialled where they
 * are, as discovery would have it. */
static void chaos_from(struct sim *s)
{
	unsigned n = s->host_count;

	sim_start_all(s);
	sim_await(s, sim_mesh_up, HEAL_US, "full mesh");
	traffic_start(s, 50 * SIM_MS, 4);
	for (int i = 0; i < 40; i++) {
		random_fault(s);
		sim_run(s, rng_below(&s->net.rng, 8 * SIM_S));
	}
	traffic_stop(s);
	sim_heal(s);
	for (unsigned i = 0; i < n; i++) {
		sim_start(s, i);
		sim_forget_wants(s, i);
	}
	sim_want_all(s);
	for (unsigned i = 0; i < n; i++)
		sim_apply_wants(s, i);
	mesh_check(s);
	sim_run(s, 200 * SIM_S);
	mesh_check(s);
}

static void chaos(struct sim *s)
{
	sim_add_mesh(s, (unsigned)rng_range(&s->net.rng, 2, 8));
	chaos_from(s);
}

/* The same with IPv4 and IPv6, other intervals, and late timers. */
static void chaos_varied(struct sim *s)
{
	static const uint64_t intervals_ms[] = { 200, 500, 1000, 2000 };
	unsigned n = (unsigned)rng_range(&s->net.rng, 2, 6);

	s->tick_late_us = rng_below(&s->net.rng, 50 * SIM_MS);
	for (unsigned i = 0; i < n; i++) {
		sim_add_host(s);
		if (rng_chance(&s->net.rng, 0.5))
			sim_give_addr(s, i, FAMILY_V6);
		s->hosts[i].config.interval_us =
			intervals_ms[rng_below(&s->net.rng, 4)] * SIM_MS;
	}
	sim_want_all(s);
	chaos_from(s);
}

const struct scenario scenarios_change[] = {
	{ "change/restart", restart, 60 },
	{ "change/restart_unlisting", restart_unlisting, 40 },
	{ "change/restart_clock_back", restart_clock_back, 40 },
	{ "change/restart_elsewhere_clock_back", restart_elsewhere_clock_back,
	  30 },
	{ "change/clock_2099", clock_2099, 30 },
	{ "change/goodbye", goodbye, 30 },
	{ "change/move", move, 40 },
	{ "change/swap", swap, 30 },
	{ "change/reused_address", reused_address, 30 },
	{ "change/musical_chairs", musical_chairs, 30 },
	{ "change/come_and_go", come_and_go, 30 },
	{ "change/renamed", renamed, 30 },
	{ "change/rewanted", rewanted, 20 },
	{ "chaos/all", chaos, 100 },
	{ "chaos/varied", chaos_varied, 60 },
	{ 0 },
};
