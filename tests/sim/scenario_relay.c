/* Relays that die, lose frames, or reach each other only; and hosts beside them. */
#include <inttypes.h>

#include "hops.h"
#include "nat_world.h"

/* A peer is down after 3 to 4 s, and has another relay 5 s later. */
#define RELAYED_US (15 * SIM_S)
#define MEET_US	   (60 * SIM_S)
/* What is lost is counted over 10 s, twice perhaps. */
#define LOSSY_US (30 * SIM_S)

/* ---- relays that die ---- */

static unsigned any_relay(struct sim *s)
{
	unsigned i;

	do
		i = any_host(s);
	while (!s->hosts[i].config.relay);
	return i;
}

static unsigned relays_running(const struct sim *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->host_count; i++)
		n += s->hosts[i].node && s->hosts[i].config.relay;
	return n;
}

/* They crash, stop and come back, one always being there. */
static void die(struct sim *s)
{
	nat_several_apart(s, (unsigned)rng_range(&s->net.rng, 2, 3));
	nat_world_start(s, SIM_S);
	sim_await(s, nat_all_up, MEET_US, "mesh through NATs");
	traffic_start(s, 200 * SIM_MS, 4);
	for (int i = 0; i < 6 && !s->failed; i++) {
		unsigned relay = any_relay(s);
		uint64_t took;

		if (!s->hosts[relay].node)
			sim_start(s, relay);
		else if (rng_chance(&s->net.rng, 0.3) || relays_running(s) < 2)
			sim_restart(s, relay);
		else if (rng_chance(&s->net.rng, 0.5))
			sim_stop(s, relay);
		else
			sim_crash(s, relay);
		sim_run(s, 5 * SIM_S);
		took = sim_await(s, nat_all_up, RELAYED_US,
				 "mesh after a relay's death");
		sim_measured(s, "mesh after a relay's death: %" PRIu64 " ms",
			     took / SIM_MS + 5000);
		sim_run(s, rng_below(&s->net.rng, 30 * SIM_S));
	}
	for (unsigned i = 0; i < s->host_count; i++)
		sim_start(s, i);
	sim_run(s, 5 * SIM_S);
	sim_await(s, nat_all_up, RELAYED_US, "mesh after all");
	sim_await(s, nat_all_at_best, 90 * SIM_S, "all at best after all");
	nat_check_frames(s);
}

/* A frame from one of the two reaches the other. */
static bool is_heard(struct sim *s, unsigned from, unsigned to)
{
	const struct traffic_spec all = { TRAFFIC_BROADCAST, .len = 500 };

	traffic_send(s, from, &all, 1);
	sim_run(s, 50 * SIM_MS);
	return traffic_last_reached(s, to);
}

/* One loses all that is larger than a probe, and passes the rest: it is left. */
static void drops(struct sim *s)
{
	uint64_t start, heard_us = 0;
	unsigned bad;

	nat_two_apart(s, 3, 2);
	nat_world_start(s, SIM_S);
	sim_await(s, nat_all_up, MEET_US, "mesh through NATs");
	sim_run(s, rng_below(&s->net.rng, 60 * SIM_S));
	bad = hops_of(s, 1)->carried > hops_of(s, 2)->carried ? 1 : 2;
	sim_note(s, "h%u loses what it carries", bad);
	s->loses.relay = bad;
	s->loses.above = 150;
	start = s->net.now_us;
	while (s->net.now_us - start < LOSSY_US && !s->failed) {
		const bool there = is_heard(s, 3, 4), back = is_heard(s, 4, 3);

		if (!there || !back)
			heard_us = 0;
		else if (!heard_us)
			heard_us = s->net.now_us - start;
	}
	if (!heard_us)
		sim_fail(s, "a relay that loses frames is not left");
	sim_measured(s,
		     "a relay that loses frames is left after %" PRIu64 " ms",
		     heard_us / SIM_MS);
	nat_check_frames(s);
}

/* ---- one hop ---- */

/* Two relays reach a host by a third one only, which goes: each asks the other, and
 * nothing circles (hops.h). */
static void circle(struct sim *s)
{
	static const unsigned relays[] = { 1, 2 };
	const unsigned far = 3;
	const struct nat_plan plan = {
		.publics = 4, .relays = 4, .behind = 2, .crowd = 1
	};

	nat_world(s, &plan);
	for (unsigned i = 0; i < s->host_count; i++) {
		if (i == 0 || i == far)
			continue;
		net_link(&s->net, i, far)->cut = true;
		net_link(&s->net, far, i)->cut = true;
	}
	nat_world_start(s, SIM_S);
	sim_await(s, nat_all_up, MEET_US, "mesh around cut links");
	for (unsigned i = 0; i < 2; i++)
		if (nat_reached(s, relays[i], far) != REACHED_BY_RELAY)
			sim_fail(s, "h%u has h%u without a relay", relays[i],
				 far);
	traffic_start(s, 100 * SIM_MS, 4);
	sim_run(s, 10 * SIM_S);
	sim_crash(s, 0);
	sim_run(s, 100 * SIM_S);
	for (unsigned i = 0; i < 2; i++)
		if (sim_is_up(s, relays[i], far))
			sim_fail(s, "h%u has h%u, which none reaches",
				 relays[i], far);
	sim_start(s, 0);
	sim_await(s, nat_all_up, MEET_US, "mesh with the third relay again");
	traffic_stop(s);
}

/* Two hosts with one key behind NATs: the others have one of them up, and stay. */
static void clones(struct sim *s)
{
	unsigned copy, first = 2 + s->seed % 2;
	uint64_t downs;

	nat_two_apart(s, first, first - 1);
	copy = sim_add_host(s);
	nat_put(s, copy, nat_add(s, NAT_SYMMETRIC));
	sim_clone_key(s, copy, first);
	sim_want(s, copy, 0);
	nat_world_links(s);
	nat_world_start(s, SIM_S);
	sim_run(s, 30 * SIM_S);
	if (!sim_is_up(s, first + 1, first))
		sim_fail(s, "neither of the clones is up");
	downs = sim_events(s, NODE_PEER_DOWN);
	sim_run(s, 120 * SIM_S);
	sim_check_events(s, NODE_PEER_DOWN, downs, "the clones take turns");
	if (sim_events(s, NODE_DUPLICATE_KEY) == 0)
		sim_fail(s, "no peer names the duplicate key");
}

static void lose_of_all(struct sim *s, double loss)
{
	for (unsigned i = 0; i < s->host_count; i++)
		for (unsigned j = 0; j < s->host_count; j++)
			if (i != j)
				net_link(&s->net, i, j)->loss = loss;
}

/* On every link, so that no relay is better than another: what takes down nobody who is
 * reached directly takes down nobody who is relayed. */
static void lossy(struct sim *s)
{
	uint64_t downs;

	nat_two_apart(s, 3, 1 + s->seed % 2);
	nat_world_start(s, SIM_S);
	sim_await(s, nat_all_up, MEET_US, "mesh through NATs");
	sim_run(s, 10 * SIM_S);
	downs = sim_events(s, NODE_PEER_DOWN);
	if (s->seed % 3 == 0)
		traffic_start(s, 200 * SIM_MS, 4);
	lose_of_all(s, 0.05);
	sim_run(s, 900 * SIM_S);
	lose_of_all(s, 0.2);
	sim_run(s, 20 * SIM_S);
	lose_of_all(s, 0.05);
	sim_run(s, 60 * SIM_S);
	traffic_stop(s);
	sim_check_events(s, NODE_PEER_DOWN, downs, "loss takes a peer down");
	lose_of_all(s, 0);
	sim_run(s, 5 * SIM_S);
	nat_check_frames(s);
}

/* ---- who does not hold the secret ---- */

/* It reads and sends on what relays carry, too. */
static void attacked(struct sim *s)
{
	nat_several_apart(s, 2);
	nat_world_start(s, SIM_S);
	sim_await(s, nat_all_up, MEET_US, "mesh through NATs");
	sim_run(s, 10 * SIM_S);
	attacker_listen(s, 2000);
	traffic_start(s, 50 * SIM_MS, 4);
	sim_run(s, 2 * SIM_S);
	attacker_flood(s, 5000, SIM_MS);
	traffic_stop(s);
	sim_run(s, 3 * SIM_S);
	if (!nat_all_up(s))
		sim_fail(s, "an attacker took a peer down");
	nat_check_frames(s);
}

const struct scenario scenarios_relay[] = {
	{ "relay/die", die, 6 },
	{ "relay/drops", drops, 4 },
	{ "relay/circle", circle, 4 },
	{ "relay/clones", clones, 6 },
	{ "relay/attacked", attacked, 4 },
	{ "relay/lossy", lossy, 6 },
	{ 0 },
};
