/* Networks that fail and heal. */
#include <inttypes.h>

#include "scenario.h"

#define DOWN_WITHIN_US (4 * SIM_S)
#define BACK_WITHIN_US (6 * SIM_S)

/* Of host and the others: is each side's view of the other this? */
static bool all_views(const struct sim *s, unsigned host, bool up)
{
	for (unsigned i = 0; i < s->host_count; i++)
		if (i != host && (sim_is_up(s, i, host) != up ||
				  sim_is_up(s, host, i) != up))
			return false;
	return true;
}

/* Waits for that; how long it took, or limit. */
static uint64_t await_views(struct sim *s, unsigned host, bool up,
			    uint64_t limit)
{
	uint64_t start = s->net.now_us;

	while (!s->failed && !all_views(s, host, up)) {
		if (s->net.now_us - start > limit) {
			sim_fail(s,
				 "h%u is not %s everywhere after %" PRIu64
				 " ms",
				 host, up ? "up" : "down", limit / SIM_MS);
			break;
		}
		sim_run(s, 10 * SIM_MS);
	}
	return s->net.now_us - start;
}

/* Down at all others within 4 s, back within 6 s of healing, whether the cut
 * lasted seconds or longer than keys live. */
static void cut_off(struct sim *s)
{
	static const uint64_t lasts[] = { 5, 20, 60, 200, 400 };
	unsigned host;

	mesh_up(s, 2, 8);
	sim_run(s, rng_below(&s->net.rng, 200 * SIM_S));
	if (rng_chance(&s->net.rng, 0.5))
		traffic_start(s, 100 * SIM_MS, 4);
	sim_run(s, SIM_S);
	host = any_host(s);
	sim_isolate(s, host, true);
	await_views(s, host, false, DOWN_WITHIN_US);
	check_why(s, host, any_other(s, host), "no answer");
	sim_run(s, lasts[rng_below(&s->net.rng, 5)] * SIM_S +
			   rng_below(&s->net.rng, 4 * SIM_S));
	sim_isolate(s, host, false);
	await_views(s, host, true, BACK_WITHIN_US);
	traffic_stop(s);
	mesh_check(s);
	sim_check_events(s, NODE_PEER_DOWN, 2 * (s->host_count - 1),
			 "peers went down and up in turns");
}

/* Shorter than it takes to notice: nobody goes down. */
static void short_cut(struct sim *s)
{
	unsigned host;

	mesh_up(s, 2, 8);
	sim_run(s, rng_below(&s->net.rng, 150 * SIM_S));
	host = any_host(s);
	sim_isolate(s, host, true);
	sim_run(s, rng_range(&s->net.rng, 100 * SIM_MS, 1500 * SIM_MS));
	sim_isolate(s, host, false);
	sim_run(s, 10 * SIM_S);
	sim_check_events(s, NODE_PEER_DOWN, 0, "a peer went down");
	mesh_check(s);
}

/* One direction of one link is cut: both ends notice and say so, nobody else
 * does, and it heals. */
static void one_way(struct sim *s)
{
	unsigned n = mesh_up(s, 2, 6), a = any_host(s), b = any_other(s, a);
	uint64_t start;

	sim_run(s, rng_below(&s->net.rng, 150 * SIM_S));
	net_link(&s->net, a, b)->cut = true;
	sim_note(s, "h%u no longer reaches h%u", a, b);
	sim_run(s, 5 * SIM_S);
	if (sim_is_up(s, a, b) || sim_is_up(s, b, a))
		sim_fail(s, "h%u and h%u are up over half a link", a, b);
	check_why(s, a, b, "");
	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < n; j++)
			if (i != j && !(i == a && j == b) &&
			    !(i == b && j == a) && !sim_is_up(s, i, j))
				sim_fail(s, "h%u lost h%u too", i, j);
	sim_run(s, rng_below(&s->net.rng, 300 * SIM_S));
	net_link(&s->net, a, b)->cut = false;
	start = s->net.now_us;
	sim_await(s, sim_mesh_up, BACK_WITHIN_US, "mesh after one-way cut");
	sim_note(s, "back after %" PRIu64 " ms",
		 (s->net.now_us - start) / SIM_MS);
	mesh_check(s);
	sim_check_events(s, NODE_PEER_DOWN, 2, "two peers went down");
}

/* One-way from the first moment: never up, and `why` says something. */
static void one_way_start(struct sim *s)
{
	uint64_t ups;

	sim_add_mesh(s, 2);
	net_link(&s->net, 0, 1)->cut = true;
	sim_start_all(s);
	sim_run(s, rng_range(&s->net.rng, 20 * SIM_S, 200 * SIM_S));
	ups = sim_events(s, NODE_PEER_UP);
	if (ups != 0)
		sim_fail(s, "up over half a link");
	check_why(s, 1, 0, "no answer");
	check_why(s, 0, 1, "no answer");
	net_link(&s->net, 0, 1)->cut = false;
	sim_await(s, sim_mesh_up, BACK_WITHIN_US, "mesh after one-way cut");
	mesh_check(s);
}

/* 20 % loss for 20 s takes nobody down. */
static void heavy_loss(struct sim *s)
{
	struct link l = link_ideal();

	mesh_up(s, 2, 8);
	if (rng_chance(&s->net.rng, 0.5))
		traffic_start(s, 50 * SIM_MS, 4);
	/* Also while rekeying. */
	sim_run(s, rng_range(&s->net.rng, SIM_S, 130 * SIM_S));
	l.loss = 0.2;
	net_all_links(&s->net, &l);
	sim_run(s, 20 * SIM_S);
	sim_heal(s);
	sim_run(s, 5 * SIM_S);
	traffic_stop(s);
	sim_check_events(s, NODE_PEER_DOWN, 0, "a peer went down at 20 % loss");
	mesh_check(s);
}

/* The process is stopped and goes on (SIGSTOP, a live migration). */
static void paused(struct sim *s)
{
	static const uint64_t lasts[] = { 1, 4, 30, 179, 181, 700 };
	unsigned host;

	mesh_up(s, 2, 6);
	traffic_start(s, 50 * SIM_MS, 4);
	sim_run(s, rng_below(&s->net.rng, 150 * SIM_S));
	host = any_host(s);
	sim_pause(s, host);
	sim_run(s, lasts[rng_below(&s->net.rng, 6)] * SIM_S);
	sim_resume(s, host);
	sim_await(s, sim_mesh_up, BACK_WITHIN_US, "mesh after a pause");
	traffic_stop(s);
	sim_run(s, 3 * SIM_S);
	mesh_check(s);
}

/* A path that silently drops what is larger than 600 bytes: small frames
 * always pass, large ones as soon as the node has found out, which without traffic
 * takes half a minute. */
static void narrow_path(struct sim *s)
{
	unsigned n = mesh_up(s, 2, 4);
	bool tells = rng_chance(&s->net.rng, 0.5);

	sim_run(s, rng_below(&s->net.rng, 20 * SIM_S));
	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = 0; j < n; j++) {
			net_link(&s->net, i, j)->datagram_max =
				(uint16_t)rng_range(&s->net.rng, 548, 1000);
			net_link(&s->net, i, j)->too_big_tells = tells;
		}
	}
	if (rng_chance(&s->net.rng, 0.5))
		traffic_start(s, 200 * SIM_MS, 2);
	sim_run(s, 45 * SIM_S);
	traffic_stop(s);
	sim_run(s, SIM_S); /* what is under way arrives */
	for (unsigned i = 0; i < n && !s->failed; i++) {
		struct traffic_spec all = { TRAFFIC_BROADCAST, .len = 1514 };
		uint64_t was = traffic_delivered(s);

		traffic_send(s, i, &all, 1);
		sim_run(s, SIM_S);
		if (traffic_delivered(s) != was + n - 1)
			sim_fail(s, "large frames of h%u do not fit the path",
				 i);
	}
	sim_check_events(s, NODE_PEER_DOWN, 0, "a peer went down");
	sim_heal(s);
	mesh_check(s);
}

/* The same from the first moment. */
static void narrow_from_start(struct sim *s)
{
	unsigned n = (unsigned)rng_range(&s->net.rng, 2, 4);
	struct link l = link_ideal();

	l.datagram_max = (uint16_t)rng_range(&s->net.rng, 548, 1000);
	net_all_links(&s->net, &l);
	sim_add_mesh(s, n);
	sim_start_all(s);
	sim_await(s, sim_mesh_up, 5 * SIM_S, "mesh over a narrow path");
	sim_run(s, 20 * SIM_S);
	for (unsigned i = 0; i < n && !s->failed; i++) {
		struct traffic_spec all = { TRAFFIC_BROADCAST, .len = 1514 };
		uint64_t was = traffic_delivered(s);

		traffic_send(s, i, &all, 1);
		sim_run(s, SIM_S);
		if (traffic_delivered(s) != was + n - 1)
			sim_fail(s, "large frames of h%u do not fit the path",
				 i);
	}
	sim_check_events(s, NODE_PEER_DOWN, 0, "a peer went down");
}

const struct scenario scenarios_faults[] = {
	{ "fault/cut_off", cut_off, 60 },
	{ "fault/short_cut", short_cut, 30 },
	{ "fault/one_way", one_way, 40 },
	{ "fault/one_way_start", one_way_start, 20 },
	{ "fault/heavy_loss", heavy_loss, 60 },
	{ "fault/paused", paused, 40 },
	{ "fault/narrow_path", narrow_path, 20 },
	{ "fault/narrow_from_start", narrow_from_start, 20 },
	{ 0 },
};
