/* Long runs: rekeys without a lost frame, hours of loss. */
#include "scenario.h"

#define REKEY_US (120 * SIM_S)

/* Ten minutes of frames over perfect links, across five rekeys. */
static void rekey(struct sim *s)
{
	unsigned n = mesh_up(s, 2, 4);

	sim_run(s, SIM_S);
	traffic_strict(s, true);
	traffic_start(s, 30 * SIM_MS, 6);
	sim_run(s, 600 * SIM_S);
	traffic_stop(s);
	sim_run(s, 3 * SIM_S);
	traffic_check(s);
	sim_check_events(s, NODE_PEER_DOWN, 0, "a rekey took a peer down");
	for (unsigned i = 0; i < n; i++) {
		unsigned each = sim_sessions(s, i) / (n - 1);

		if (each < 4 || each > 14)
			sim_fail(s, "h%u used %u sessions a peer in 10 minutes",
				 i, each);
	}
	mesh_check(s);
}

static void rekey_lossy(struct sim *s)
{
	struct link l = {
		.loss = 0.05,
		.dup = 0.05,
		.reorder = 0.1,
		.delay_min_us = rng_below(&s->net.rng, 80 * SIM_MS),
	};

	l.delay_max_us = l.delay_min_us + rng_below(&s->net.rng, 20 * SIM_MS);
	mesh_up(s, 2, 5);
	net_all_links(&s->net, &l);
	traffic_start(s, 100 * SIM_MS, 4);
	sim_run(s, 600 * SIM_S);
	traffic_stop(s);
	sim_check_events(s, NODE_PEER_DOWN, 0, "a peer went down at 5 % loss");
	sim_heal(s);
	mesh_check(s);
}

/* Nothing but probes. */
static void idle(struct sim *s)
{
	mesh_up(s, 2, 5);
	sim_run(s, 1800 * SIM_S);
	sim_check_events(s, NODE_PEER_DOWN, 0, "an idle peer went down");
	mesh_check(s);
}

/* 5 % loss for an hour takes nobody down. */
static void hour(struct sim *s)
{
	struct link l = link_ideal();

	l.loss = 0.05;
	mesh_up(s, 2, 4);
	net_all_links(&s->net, &l);
	for (int i = 0; i < 60; i++)
		sim_run(s, 60 * SIM_S);
	sim_check_events(s, NODE_PEER_DOWN, 0, "a peer went down at 5 % loss");
	sim_heal(s);
	mesh_check(s);
}

const struct scenario scenarios_time[] = {
	{ "time/rekey", rekey, 20 },
	{ "time/rekey_lossy", rekey_lossy, 20 },
	{ "time/idle", idle, 10 },
	{ "time/hour", hour, 10 },
	{ 0 },
};
