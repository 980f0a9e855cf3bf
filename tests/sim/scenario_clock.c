/* Clocks that are stepped, and hosts that sleep: keys are made anew. */
#include <string.h>

#include "scenario.h"

#define HOUR_US	  (INT64_C(3600) * 1000000)
#define STRICT_US (30 * SIM_MS)

/* As the daemon does once it sees that the wall clock was stepped. */
static void step(struct sim *s, unsigned host, int64_t us)
{
	struct host *h = &s->hosts[host];

	if (!h->node || s->failed)
		return;
	sim_note(s, "h%u's wall clock is stepped", host);
	h->wall_offset_us += us;
	node_renew(h->node, host_clock(h));
	host_settle(h);
}

/* … once it sees that it slept, or is told to. */
static void forget(struct sim *s, unsigned host)
{
	struct host *h = &s->hosts[host];

	if (!h->node || s->failed)
		return;
	sim_note(s, "h%u forgets its keys", host);
	node_forget(h->node, host_clock(h));
	host_settle(h);
}

/* Frames all the while, which must all arrive; and sessions end that otherwise
 * would have lived for minutes. */
static void steps(struct sim *s, uint64_t hosts, bool back)
{
	unsigned n = s->host_count, times = 20;

	sim_run(s, SIM_S);
	traffic_strict(s, true);
	traffic_start(s, STRICT_US, 6);
	for (unsigned i = 0; i < times; i++) {
		int64_t us = back || (i & 1 && rng_chance(&s->net.rng, 0.5))
				     ? -HOUR_US
				     : HOUR_US;

		for (unsigned j = 0; j < n; j++)
			if (hosts >> j & 1)
				step(s, j, us);
		sim_run(s, 30 * SIM_S);
	}
	traffic_stop(s);
	sim_run(s, 3 * SIM_S);
	traffic_check(s);
	traffic_strict(s, false);
	sim_check_events(s, NODE_PEER_DOWN, 0, "a step took a peer down");
	sim_check_events(s, NODE_PEER_RESTARTED, 0, "a step is a restart");
	for (unsigned i = 0; i < n; i++) {
		unsigned each = sim_sessions(s, i) / (n - 1);

		if (each < times / 2 - 1 || each > 4 * times)
			sim_fail(s, "h%u used %u sessions a peer", i, each);
	}
	mesh_check(s);
}

static void steps_of_all(struct sim *s)
{
	unsigned n = mesh_up(s, 2, 5);

	steps(s, (UINT64_C(1) << n) - 1, rng_chance(&s->net.rng, 0.5));
}

/* Of two hosts only one: where there are more, others' sessions stay as they are,
 * and what is counted would be another's. */
static void steps_of_one(struct sim *s)
{
	mesh_up(s, 2, 2);
	steps(s, 1, rng_chance(&s->net.rng, 0.5));
}

/* … where one datagram in ten is lost. */
static void steps_lossy(struct sim *s)
{
	struct link l = link_ideal();

	mesh_up(s, 2, 5);
	l.loss = 0.1;
	net_all_links(&s->net, &l);
	for (unsigned i = 0; i < 20; i++) {
		for (unsigned j = 0; j < s->host_count; j++)
			if (rng_chance(&s->net.rng, 0.5))
				step(s, j, HOUR_US);
		sim_run(s, 30 * SIM_S);
	}
	sim_check_events(s, NODE_PEER_DOWN, 0, "a step took a peer down");
	sim_heal(s);
	mesh_check(s);
}

static bool all_up(struct sim *s)
{
	return sim_mesh_up(s);
}

/* It sleeps, and everybody takes it for dead or does not even notice. */
static void sleeps(struct sim *s)
{
	unsigned host;

	mesh_up(s, 2, 6);
	traffic_start(s, 100 * SIM_MS, 4);
	for (int i = 0; i < 5 && !s->failed; i++) {
		host = any_host(s);
		sim_run(s, rng_below(&s->net.rng, 20 * SIM_S));
		sim_pause(s, host);
		sim_run(s, rng_chance(&s->net.rng, 0.5)
				   ? rng_range(&s->net.rng, 2, 10) * SIM_S
				   : rng_range(&s->net.rng, 180, 1000) * SIM_S);
		s->hosts[host].paused = false;
		forget(s, host);
		s->hosts[host].paused = true;
		sim_resume(s, host);
		sim_await(s, all_up, 5 * SIM_S, "a host that woke up");
	}
	traffic_stop(s);
	mesh_check(s);
}

/* `tapctl rekey` on one host, and on all at once: nobody is down for it, and after
 * a second nothing more is lost. */
static void forgets(struct sim *s)
{
	unsigned n = mesh_up(s, 2, 6);

	for (int i = 0; i < 5 && !s->failed; i++) {
		bool all = rng_chance(&s->net.rng, 0.3);

		sim_run(s, rng_below(&s->net.rng, 150 * SIM_S));
		for (unsigned j = 0; j < n; j++)
			if (all || j == (unsigned)i % n)
				forget(s, j);
		sim_run(s, SIM_S);
		traffic_check_reach(s);
	}
	sim_check_events(s, NODE_PEER_DOWN, 0, "a rekey took a peer down");
	mesh_check(s);
}

const struct scenario scenarios_clock[] = {
	{ "clock/steps_of_all", steps_of_all, 10 },
	{ "clock/steps_of_one", steps_of_one, 10 },
	{ "clock/steps_lossy", steps_lossy, 10 },
	{ "clock/sleeps", sleeps, 20 },
	{ "clock/forgets", forgets, 20 },
	{ 0 },
};
