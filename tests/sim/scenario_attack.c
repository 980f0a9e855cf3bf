/* What an outsider tries; sim.h lists what must hold meanwhile. */
#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>

#include "scenario.h"

#define RECORD_MAX 512
/* glibc's cache of free blocks by thread: those up to this size, fewer of each. */
#define CACHED_MAX  1032
#define CACHED_EACH 16

static void unharmed(struct sim *s)
{
	sim_check_events(s, NODE_PEER_DOWN, 0, "an outsider took a peer down");
	sim_check_events(s, NODE_PEER_MOVED, 0, "an outsider moved a peer");
	sim_check_events(s, NODE_PEER_RESTARTED, 0, "an outsider is a restart");
	sim_check_events(s, NODE_DUPLICATE_KEY, 0, "an outsider is a clone");
	sim_check_events(s, NODE_OWN_KEY, 0, "an outsider is our clone");
}

/* Everything he has, while frames flow and keys change. */
static void everything(struct sim *s)
{
	attacker_listen(s, RECORD_MAX);
	mesh_up(s, 2, 6);
	traffic_strict(s, true);
	traffic_start(s, 100 * SIM_MS, 4);
	attacker_flood(s, 600, 300 * SIM_MS);
	traffic_stop(s);
	sim_run(s, 3 * SIM_S);
	traffic_check(s);
	unharmed(s);
	mesh_check(s);
}

/* Datagrams are held back and arrive from his address first: they are genuine,
 * and yet the peer has not moved. */
static void theft(struct sim *s)
{
	attacker_listen(s, RECORD_MAX);
	mesh_up(s, 2, 6);
	sim_run(s, 2 * SIM_S);
	s->outside.theft = 0.1;
	traffic_start(s, 100 * SIM_MS, 4);
	sim_run(s, 150 * SIM_S);
	attacker_flood(s, 200, 20 * SIM_MS);
	traffic_stop(s);
	s->outside.theft = 0;
	unharmed(s);
	sim_run(s, 3 * SIM_S);
	mesh_check(s);
}

/* Every handshake comes back to its sender as if from whom it was sent to, and
 * first: nobody takes himself for his peer, or gives up dialling it. */
static void mirror(struct sim *s)
{
	unsigned host;

	s->outside.mirror = 1;
	sim_add_mesh(s, (unsigned)rng_range(&s->net.rng, 2, 6));
	for (unsigned i = 0; i < s->host_count; i++) {
		sim_forget_wants(s, i);
		for (unsigned j = 0; j < s->host_count; j++)
			if (i != j)
				sim_want(s, i, j);
	}
	sim_start_all(s);
	sim_await(s, sim_mesh_up, 5 * SIM_S, "mesh among mirrors");
	sim_run(s, 200 * SIM_S);
	host = any_host(s);
	sim_restart(s, host);
	sim_await(s, sim_mesh_up, 3 * SIM_S, "restart among mirrors");
	sim_check_events(s, NODE_PEER_DOWN, 0, "a mirror took a peer down");
	sim_check_events(s, NODE_SELF, 0, "a mirror is oneself");
	sim_check_events(s, NODE_OWN_KEY, 0, "a mirror is a clone");
	mesh_check(s);
}

/* Recorded handshakes rain on a host that restarts, which knows no timestamps
 * any more: it is back as fast as without. */
static void restart_under_replays(struct sim *s)
{
	unsigned host;

	attacker_listen(s, RECORD_MAX);
	mesh_up(s, 2, 6);
	for (unsigned i = 0; i < s->host_count; i++) {
		sim_run(s, SIM_S);
		sim_restart(s, i);
		sim_await(s, sim_mesh_up, HEAL_US, "mesh after a restart");
	}
	sim_run(s, rng_below(&s->net.rng, 130 * SIM_S));
	host = any_host(s);
	sim_restart(s, host);
	for (unsigned i = 0; i < 1000 && !s->failed; i++) {
		attacker_attack(s, ATTACK_HANDSHAKE);
		sim_run(s, 3 * SIM_MS);
	}
	if (!sim_mesh_up(s))
		sim_fail(s, "replays keep h%u from coming back in 3 s", host);
	sim_run(s, 10 * SIM_S);
	mesh_check(s);
}

/* Replays at a rate that calls for cookies, while a host joins that nobody
 * knows. */
static void join_under_flood(struct sim *s)
{
	unsigned fresh;

	attacker_listen(s, RECORD_MAX);
	mesh_up(s, 2, 5);
	sim_run(s, rng_below(&s->net.rng, 20 * SIM_S));
	for (int i = 0; i < 1000; i++)
		attacker_attack(s, ATTACK_HANDSHAKE);
	fresh = sim_add_host(s);
	for (unsigned i = 0; i < fresh; i++)
		sim_want(s, fresh, i);
	sim_start(s, fresh);
	for (int i = 0; i < 8000 && !s->failed && !sim_mesh_up(s); i++) {
		attacker_attack(s, ATTACK_HANDSHAKE);
		sim_run(s, SIM_MS);
	}
	if (!sim_mesh_up(s))
		sim_fail(s, "a flood of replays keeps h%u out for 8 s", fresh);
	sim_check_events(s, NODE_PEER_DOWN, 0, "the flood took a peer down");
	sim_run(s, 10 * SIM_S);
	mesh_check(s);
}

/* Replayed and redirected from the past: recorded under keys long wiped. */
static void old_records(struct sim *s)
{
	attacker_listen(s, RECORD_MAX);
	mesh_up(s, 2, 4);
	traffic_start(s, 100 * SIM_MS, 4);
	sim_run(s, 20 * SIM_S);
	traffic_stop(s);
	sim_run(s, rng_range(&s->net.rng, 100 * SIM_S, 400 * SIM_S));
	for (unsigned i = 0; i < 2000 && !s->failed; i++)
		attacker_attack(s, rng_chance(&s->net.rng, 0.5)
					   ? ATTACK_REPLAY
					   : ATTACK_REDIRECT);
	unharmed(s);
	mesh_check(s);
}

/* glibc keeps up to seven blocks of each small size for its next caller, and counts them
 * as in use. In a process that has only begun they come together bit by bit, which would
 * look as if something were left behind; so it is given all of them at once. */
static void fill_malloc_caches(void)
{
	void *blocks[CACHED_EACH];

	for (size_t len = 8; len <= CACHED_MAX; len += 16) {
		for (size_t i = 0; i < CACHED_EACH; i++)
			blocks[i] = test_alloc(len);
		for (size_t i = 0; i < CACHED_EACH; i++)
			free(blocks[i]);
	}
}

/* Without what the outsider remembers; 0 if malloc does not count. */
static size_t memory_in_use(const struct sim *s)
{
	struct mallinfo2 m;
	size_t all;

	fill_malloc_caches();
	m = mallinfo2();
	all = m.uordblks + m.hblkhd;
	return all > 0 ? all - s->outside.record.len : 0;
}

/* Memory is flat under a flood (malloc's own count; nothing to see where a
 * sanitizer replaces it). */
static void memory(struct sim *s)
{
	size_t before, after;

	attacker_listen(s, RECORD_MAX);
	mesh_up(s, 2, 4);
	attacker_flood(s, 4000, SIM_MS);
	sim_run(s, 20 * SIM_S);
	before = memory_in_use(s);
	attacker_flood(s, 20000, 200);
	sim_run(s, 20 * SIM_S);
	after = memory_in_use(s);
	sim_note(s, "%zu bytes in use before, %zu after", before, after);
	if (after > before + 65536)
		sim_fail(s, "the flood left %zu bytes behind", after - before);
	unharmed(s);
	mesh_check(s);
}

const struct scenario scenarios_attack[] = {
	{ "attack/everything", everything, 40 },
	{ "attack/theft", theft, 30 },
	{ "attack/mirror", mirror, 20 },
	{ "attack/restart_under_replays", restart_under_replays, 20 },
	{ "attack/join_under_flood", join_under_flood, 20 },
	{ "attack/old_records", old_records, 20 },
	{ "attack/memory", memory, 2 },
	{ 0 },
};
