/* Machines that are cloned, put back to a snapshot, or stand still and go on. */
#include "scenario.h"

/* Then each has keys of its own again. */
#define COPIES_HEAL_US (5 * SIM_S)
/* Counters of long ago are replays as any: a copy that uses them hears no answer, is
 * down, and finds out by what the peer has heard. */
#define FOUND_OUT_US (15 * SIM_S)
#define SPEAK_US     (100 * SIM_MS)
/* Until each knows how much the others have heard of it. */
#define KNOWN_US (8 * SIM_S)

/* low to high hosts; all that the first is told is kept. */
static unsigned begin(struct sim *s, unsigned low, unsigned high)
{
	unsigned n = (unsigned)rng_range(&s->net.rng, low, high);

	sim_add_mesh(s, n);
	memory_keep(s, 0);
	for (unsigned i = 0; i < n; i++) {
		sim_start(s, i);
		sim_run(s, rng_below(&s->net.rng, SIM_S / n));
	}
	sim_await(s, sim_mesh_up, HEAL_US, "full mesh");
	return n;
}

/* Everybody broadcasts now and then for us. */
static void speak(struct sim *s, uint64_t us)
{
	struct traffic_spec all = { TRAFFIC_BROADCAST, .len = 200 };

	for (uint64_t end = s->net.now_us + us; s->net.now_us < end;) {
		for (unsigned i = 0; i < s->host_count; i++)
			if (rng_chance(&s->net.rng, 0.5))
				traffic_send(s, i, &all, 1);
		sim_run(s, SPEAK_US);
	}
}

static bool hears(struct sim *s, unsigned from, unsigned to)
{
	struct traffic_spec all = { TRAFFIC_BROADCAST, .len = 200 };

	traffic_send(s, from, &all, 1);
	sim_run(s, 10 * SIM_MS);
	return traffic_last_reached(s, to);
}

/* The one of the two that this host hears and that hears it; of two, or of none, it
 * fails. */
static unsigned one_of(struct sim *s, unsigned host, unsigned copy)
{
	const unsigned two[2] = { 0, copy };
	unsigned found = SIM_HOSTS_MAX;

	for (int i = 0; i < 2 && !s->failed; i++) {
		bool out = hears(s, two[i], host), in = hears(s, host, two[i]);

		if (out != in || (out && found < SIM_HOSTS_MAX))
			sim_fail(s, "h%u and h%u hear each other by half", host,
				 two[i]);
		if (out)
			found = two[i];
	}
	if (found == SIM_HOSTS_MAX)
		sim_fail(s, "h%u hears neither h0 nor its copy", host);
	return found;
}

/* A second machine goes on from what the first was, now or some time ago, elsewhere:
 * all it lets go is sealed under other nonces, and within seconds each host has
 * chosen one of the two, and stays with it. Both speak at once, and use one counter
 * twice, or the copy's are of the past. */
static void cloned(struct sim *s, bool same)
{
	struct traffic_spec all = { TRAFFIC_BROADCAST, .len = 200 };
	static const uint64_t ago[] = { 0, 0, 1, 10, 60 };
	unsigned n = begin(s, 2, 5), copy, chosen[SIM_HOSTS_MAX];
	uint64_t us = ago[rng_below(&s->net.rng, 5)] * SIM_S;

	speak(s, KNOWN_US + us + rng_below(&s->net.rng, 130 * SIM_S));
	copy = sim_add_host(s);
	sim_clone_key(s, copy, 0);
	memory_copy(s, 0, copy, us, same);
	if (!us) {
		traffic_send(s, 0, &all, 1);
		traffic_send(s, copy, &all, 1);
	}
	speak(s, us ? FOUND_OUT_US : COPIES_HEAL_US);
	for (unsigned i = 1; i < n; i++)
		chosen[i] = one_of(s, i, copy);
	for (int k = 0; k < 10 && !s->failed; k++) {
		speak(s, SIM_S);
		for (unsigned i = 1; i < n; i++)
			if (one_of(s, i, copy) != chosen[i])
				sim_fail(s, "the copies take turns at h%u", i);
	}
	/* Who is refused finds its peers down; they do not. */
	for (unsigned i = 1; i < n; i++)
		if (s->hosts[i].events[NODE_PEER_DOWN])
			sim_fail(s, "a copy took a peer of h%u down", i);
	if (!sim_events(s, NODE_DUPLICATE_KEY) || !sim_events(s, NODE_COPIED))
		sim_fail(s, "nobody names the copy");
}

static void clone(struct sim *s)
{
	cloned(s, false);
}

static void clone_same(struct sim *s)
{
	cloned(s, true);
}

/* ---- one machine, whose time is another than the others' ---- */

/* All hear each other again. */
static void check_healed(struct sim *s)
{
	sim_run(s, COPIES_HEAL_US);
	if (!sim_mesh_up(s))
		sim_fail(s, "not healed in 5 s");
	traffic_check_reach(s);
}

/* Put back to a snapshot, more than once; the wall clock and the generator, too, or
 * not. */
static void put_back(struct sim *s)
{
	static const uint64_t ago[] = { 1, 2, 5, 10, 30, 170, 200 };
	uint64_t us;

	begin(s, 2, 5);
	traffic_start(s, 100 * SIM_MS, 4);
	for (int i = 0; i < 3 && !s->failed; i++) {
		us = ago[rng_below(&s->net.rng, 7)] * SIM_S;
		sim_run(s, KNOWN_US + us + rng_below(&s->net.rng, 60 * SIM_S));
		memory_put_back(s, 0, us, rng_chance(&s->net.rng, 0.5),
				rng_chance(&s->net.rng, 0.5));
		check_healed(s);
	}
	traffic_stop(s);
	mesh_check(s);
}

/* A machine that stands still, and its clocks with it, does not know that it did. */
static void stands_still(struct sim *s)
{
	static const uint64_t lasts[] = { 10, 200, 1000 };
	struct host *h;
	unsigned host;
	uint64_t us;

	mesh_up(s, 2, 6);
	traffic_start(s, 100 * SIM_MS, 4);
	for (int i = 0; i < 3 && !s->failed; i++) {
		us = lasts[rng_below(&s->net.rng, 3)] * SIM_S;
		sim_run(s, rng_below(&s->net.rng, 150 * SIM_S));
		host = any_host(s);
		h = &s->hosts[host];
		sim_pause(s, host);
		sim_run(s, us);
		h->mono_offset_us -= (int64_t)us;
		if (rng_chance(&s->net.rng, 0.5))
			h->wall_offset_us -= (int64_t)us;
		sim_resume(s, host);
		check_healed(s);
	}
	traffic_stop(s);
	mesh_check(s);
}

const struct scenario scenarios_copies[] = {
	{ "copies/clone", clone, 30 },
	{ "copies/clone_same", clone_same, 30 },
	{ "copies/put_back", put_back, 15 },
	{ "copies/stands_still", stands_still, 8 },
	{ 0 },
};
