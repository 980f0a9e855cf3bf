/* Who is who: cloned keys, and keys that are not trusted. */
#include "scenario.h"

static bool original_up(struct sim *s)
{
	for (unsigned i = 1; i < s->host_count; i++)
		if (s->hosts[i].identity == i && !(s->hosts[i].up & 1))
			return false;
	return true;
}

/* Of two hosts with one key each other host has chosen one; the one that it
 * refuses does not believe to be up there. */
static void check_refused(struct sim *s, unsigned copy)
{
	const unsigned both[2] = { 0, copy };
	struct node_peer_info info;

	for (unsigned i = 1; i < s->host_count && !s->failed; i++) {
		if (i == copy || !sim_peer_info(s, i, 0, &info))
			continue;
		for (int k = 0; k < 2; k++)
			if (!addr_equal(&info.endpoint,
					&s->hosts[both[k]].addr[FAMILY_V4]) &&
			    sim_is_up(s, both[k], i))
				sim_fail(s, "h%u has h%u up, which refuses it",
					 both[k], i);
	}
}

/* A disk is cloned under a live host: the original stays, the clone is named
 * on both sides; when the original goes, the clone takes its place. */
static void clone(struct sim *s)
{
	unsigned n = mesh_up(s, 2, 6), copy;
	struct traffic_spec all = { TRAFFIC_BROADCAST, .len = 200 };
	struct traffic_spec one = { TRAFFIC_UNICAST, .other = 0, .len = 200 };

	sim_run(s, rng_below(&s->net.rng, 150 * SIM_S));
	copy = sim_add_host(s);
	sim_clone_key(s, copy, 0);
	for (unsigned i = 0; i < n; i++)
		sim_want(s, copy, i);
	if (rng_chance(&s->net.rng, 0.5))
		s->hosts[copy].wall_offset_us += SIM_YEAR;
	sim_start(s, copy);
	for (int i = 0; i < 300; i++) {
		uint64_t was = traffic_delivered(s);

		traffic_send(s, 0, &all, 1);
		sim_run(s, 100 * SIM_MS);
		if (traffic_delivered(s) < was + n - 1)
			sim_fail(s, "the clone keeps the original's frames");
		was = traffic_delivered(s);
		traffic_send(s, 1, &one, 1);
		sim_run(s, 100 * SIM_MS);
		if (traffic_delivered(s) < was + 1)
			sim_fail(s, "the clone gets the original's frames");
	}
	sim_check_events(s, NODE_PEER_DOWN, 0, "the clone took a peer down");
	if (sim_events(s, NODE_DUPLICATE_KEY) == 0)
		sim_fail(s, "no peer names the duplicate key");
	check_refused(s, copy);
	if (sim_events(s, NODE_OWN_KEY) == 0)
		sim_fail(s, "neither the original nor the clone names itself");
	sim_crash(s, 0);
	sim_run(s, 4 * SIM_S);
	sim_await(s, original_up, HEAL_US, "the clone in the original's place");
	sim_run(s, 100 * SIM_S);
}

/* Two clones start together: one of them is up everywhere and stays. */
static void clones_together(struct sim *s)
{
	unsigned n = (unsigned)rng_range(&s->net.rng, 2, 5), copy;
	uint64_t downs;

	sim_add_mesh(s, n);
	copy = sim_add_host(s);
	sim_clone_key(s, copy, 0);
	for (unsigned i = 0; i < n; i++) {
		sim_want(s, copy, i);
		sim_want(s, i, copy);
	}
	sim_start_all(s);
	sim_await(s, original_up, HEAL_US, "one of the clones");
	sim_run(s, 10 * SIM_S);
	downs = sim_events(s, NODE_PEER_DOWN);
	check_refused(s, copy);
	sim_run(s, 120 * SIM_S);
	sim_check_events(s, NODE_PEER_DOWN, downs, "the clones take turns");
	if (sim_events(s, NODE_DUPLICATE_KEY) == 0)
		sim_fail(s, "no peer names the duplicate key");
}

static void trust(struct sim *s, unsigned host, const struct public_key *keys,
		  size_t count)
{
	struct host *h = &s->hosts[host];

	if (s->failed)
		return;
	node_set_trusted(h->node, keys, count, host_clock(h));
	host_settle(h);
}

/* The last host is trusted by nobody: it is refused and named; then everybody
 * is told to trust it, and then no longer. */
static void untrusted(struct sim *s)
{
	struct public_key keys[8];
	unsigned n = (unsigned)rng_range(&s->net.rng, 2, 6), last = n - 1;

	sim_add_mesh(s, n);
	sim_start_all(s);
	for (unsigned i = 0; i < n; i++) {
		keys[i] = s->hosts[i].key;
		sim_crash(s, i);
	}
	for (unsigned i = 0; i < n; i++) {
		s->hosts[i].config.trusted = i == last ? NULL : keys;
		s->hosts[i].config.trusted_count = i == last ? 0 : n - 1;
		sim_start(s, i);
	}
	sim_run(s, HEAL_US);
	for (unsigned i = 0; i < n && !s->failed; i++)
		for (unsigned j = 0; j < n; j++)
			if (i != j &&
			    sim_is_up(s, i, j) != (i != last && j != last))
				sim_fail(s, "h%u has h%u %s", i, j,
					 sim_is_up(s, i, j) ? "up" : "down");
	check_why(s, 0, last, "not trusted");
	if (sim_events(s, NODE_PEER_REFUSED) == 0)
		sim_fail(s, "nobody says that a key was refused");
	for (unsigned i = 0; i < last; i++)
		trust(s, i, keys, n);
	mesh_check(s);
	for (unsigned i = 0; i < last; i++)
		trust(s, i, keys, n - 1);
	sim_run(s, 100 * SIM_MS);
	for (unsigned i = 0; i < last; i++)
		if (sim_is_up(s, i, last))
			sim_fail(s, "h%u keeps a key it no longer trusts", i);
	for (unsigned i = 0; i < last; i++)
		trust(s, i, NULL, 0);
	mesh_check(s);
}

#define NEW_KEYS 1000

/* What the others know of all those hosts is bounded. */
static void check_tables(struct sim *s)
{
	for (unsigned i = 1; i < s->host_count && !s->failed; i++) {
		const struct node_config *c = &s->hosts[i].config;
		struct node_status status;

		node_status(s->hosts[i].node, &status);
		if (status.peers_total > c->peers_max ||
		    status.fdb_count > c->fdb_capacity)
			sim_fail(s, "h%u has %u peers and %u MACs", i,
				 status.peers_total, status.fdb_count);
	}
}

/* Those that stay hear each other, and everybody the newcomer that is up. */
static void say_all(struct sim *s)
{
	struct traffic_spec all = { TRAFFIC_BROADCAST, .len = 100 };

	traffic_strict(s, true);
	for (unsigned i = 0; i < s->host_count; i++) {
		struct traffic_spec one = { TRAFFIC_UNICAST,
					    .other =
						    1 + i % (s->host_count - 1),
					    .len = 100 };

		traffic_send(s, i, &all, 1);
		if (one.other != i)
			traffic_send(s, i, &one, 1);
	}
	traffic_strict(s, false);
	traffic_check(s);
}

/* A host that keeps nothing on its disk is restarted again and again: each time it is
 * another host, at the same address, and up as soon. */
static void new_keys(struct sim *s)
{
	unsigned n = (unsigned)rng_range(&s->net.rng, 3, 5);
	uint32_t max = (uint32_t)rng_range(&s->net.rng, 8, 64);
	uint64_t up_us;

	sim_add_mesh(s, n);
	for (unsigned i = 0; i < n; i++)
		s->hosts[i].config.peers_max = max;
	sim_start_all(s);
	sim_await(s, sim_mesh_up, HEAL_US, "full mesh");
	up_us = s->net.now_us;
	for (int i = 0; i < NEW_KEYS && !s->failed; i++) {
		if (rng_chance(&s->net.rng, 0.3))
			sim_stop(s, 0);
		else
			sim_crash(s, 0);
		sim_new_key(s, 0);
		if (rng_chance(&s->net.rng, 0.2))
			sim_run(s, rng_below(&s->net.rng, 5 * SIM_S));
		sim_start(s, 0);
		sim_await(s, sim_mesh_up, 3 * SIM_S, "a host with a new key");
		say_all(s);
		sim_run(s, 150 * SIM_MS + rng_below(&s->net.rng, SIM_S / 2));
		check_tables(s);
		if (!sim_mesh_up(s))
			sim_fail(s, "a host with a new key goes down again");
	}
	for (unsigned i = 1; i < n; i++)
		for (unsigned j = 1; j < n; j++)
			if (i != j && s->hosts[i].up_us[j] > up_us)
				sim_fail(s, "h%u had h%u down", i, j);
	sim_run(s, 400 * SIM_S);
	mesh_check(s);
}

const struct scenario scenarios_identity[] = {
	{ "identity/clone", clone, 40 },
	{ "identity/clones_together", clones_together, 40 },
	{ "identity/untrusted", untrusted, 30 },
	{ "identity/new_keys", new_keys, 1 },
	{ 0 },
};
