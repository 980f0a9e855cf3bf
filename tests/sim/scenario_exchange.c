/* Hosts that know one other, and are told of the rest. */
#include <inttypes.h>
#include <string.h>

#include "scenario.h"

#define MEET_US (10 * SIM_S)
/* Once all have met, what is still to be asked is asked within this. */
#define QUIET_US (60 * SIM_S)
/* A host is asked for its whole list this often at most: 10 min, -25 %. */
#define WHOLE_US (450 * SIM_S)

/* ---- worlds ---- */

/* Every host lists the first one, itself too, as one file for all does. */
static void seed_world(struct sim *s, unsigned n)
{
	s->exchange = true;
	for (unsigned i = 0; i < n; i++)
		sim_add_host(s);
	for (unsigned i = 0; i < n; i++)
		sim_want(s, i, 0);
}

/* n more, none of them running. */
static void add_newcomers(struct sim *s, unsigned n)
{
	while (n-- > 0)
		sim_want(s, sim_add_host(s), 0);
}

/* Ethernet with 0 to 5 % loss. */
static void some_loss(struct sim *s)
{
	struct link l = link_ideal();

	l.loss = (double)((s->seed - 1) % 6) / 100;
	l.datagram_max = 1472;
	l.too_big_tells = true;
	net_all_links(&s->net, &l);
}

static bool trusts(const struct host *h, const struct host *o)
{
	for (size_t i = 0; i < h->config.trusted_count; i++)
		if (public_key_equal(&h->config.trusted[i], &o->key))
			return true;
	return !h->config.trusted;
}

/* Nothing keeps the two apart for good. */
static bool may_meet(const struct sim *s, unsigned a, unsigned b)
{
	const struct host *h = &s->hosts[a], *o = &s->hosts[b];

	return h->node && o->node && trusts(h, o) && trusts(o, h) &&
	       !s->net.links[a * NET_HOSTS_MAX + b].cut;
}

/* Everybody has up whom it may meet, and nobody else. */
static bool all_met(struct sim *s)
{
	for (unsigned i = 0; i < s->host_count; i++)
		for (unsigned j = 0; j < s->host_count; j++)
			if (i != j && s->hosts[i].node && s->hosts[j].node &&
			    sim_is_up(s, i, j) != may_meet(s, i, j))
				return false;
	return true;
}

/* ---- figures ---- */

static uint64_t sent(const struct sim *s)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < s->host_count; i++)
		n += s->hosts[i].sent_datagrams;
	return n;
}

/* Until holds(s) is true; datagrams a host, which are no more than `most`. */
static void await_cheap(struct sim *s, bool (*holds)(struct sim *s),
			uint64_t limit_us, uint64_t most, const char *what)
{
	const uint64_t before = sent(s);
	const uint64_t took = sim_await(s, holds, limit_us, what);
	const uint64_t each = (sent(s) - before) / s->host_count;

	sim_measured(s,
		     "%s of %u: %" PRIu64 " ms, %" PRIu64 " datagrams a host",
		     what, s->host_count, took / SIM_MS, each);
	if (each > most)
		sim_fail(s, "%s takes %" PRIu64 " datagrams a host", what,
			 each);
}

/* Nobody asks, and nobody tells. */
static void check_quiet(struct sim *s, uint64_t us)
{
	struct watch_counts all;

	watch_begin(s);
	sim_run(s, us);
	all = watch_of_all(s);
	sim_measured(s, "exchange of %u in %" PRIu64 " s of rest: %.1f bytes/s",
		     s->host_count, us / SIM_S,
		     (double)all.exchange_bytes * SIM_S / (double)us);
	if (all.questions || all.lists)
		sim_fail(s,
			 "%" PRIu64 " questions and %" PRIu64 " lists in rest",
			 all.questions, all.lists);
}

/* ---- from one seed ---- */

static void one_seed(struct sim *s)
{
	some_loss(s);
	seed_world(s, 64);
	sim_start_all(s);
	await_cheap(s, sim_mesh_up, MEET_US, 6600, "mesh from one seed");
	sim_run(s, rng_below(&s->net.rng, 100 * SIM_S));
	for (unsigned i = 0; i < s->host_count; i++)
		sim_crash(s, i);
	sim_run(s, rng_below(&s->net.rng, 10 * SIM_S));
	sim_start_all(s);
	await_cheap(s, sim_mesh_up, MEET_US, 6600, "mesh after all restarted");
	sim_run(s, 20 * SIM_S);
	sim_check_events(s, NODE_PEER_DOWN, 0, "a peer went down");
	sim_check_events(s, NODE_DUPLICATE_KEY, 0, "a duplicate key");
	sim_heal(s);
	mesh_check(s);
}

/* One by one, each when it likes. */
static void one_by_one(struct sim *s)
{
	some_loss(s);
	seed_world(s, (unsigned)rng_range(&s->net.rng, 8, 24));
	for (unsigned i = 0; i < s->host_count; i++) {
		sim_start(s, i);
		sim_run(s, rng_below(&s->net.rng, 20 * SIM_S));
	}
	sim_await(s, sim_mesh_up, MEET_US, "mesh of who came one by one");
	sim_heal(s);
	mesh_check(s);
	sim_run(s, QUIET_US);
	check_quiet(s, QUIET_US);
}

/* Newcomers know a seed that dies 2 s after they met it. */
static void seed_dies(struct sim *s)
{
	unsigned n = (unsigned)rng_range(&s->net.rng, 1, 16);
	uint64_t start;

	some_loss(s);
	seed_world(s, n);
	sim_start_all(s);
	sim_await(s, sim_mesh_up, MEET_US, "mesh from one seed");
	sim_run(s, rng_below(&s->net.rng, 150 * SIM_S));
	add_newcomers(s, (unsigned)rng_range(&s->net.rng, 2, 16));
	start = s->net.now_us;
	for (; n < s->host_count; n++)
		sim_start(s, n);
	for (unsigned i = 1; i < s->host_count && !s->failed; i++)
		while (!sim_is_up(s, 0, i) && !s->failed) {
			if (s->net.now_us - start > MEET_US)
				sim_fail(s, "h%u does not meet the seed", i);
			sim_run(s, 10 * SIM_MS);
		}
	sim_run(s, 2 * SIM_S);
	if (rng_chance(&s->net.rng, 0.5))
		sim_crash(s, 0);
	else
		sim_stop(s, 0);
	sim_await(s, sim_mesh_up, MEET_US, "mesh without its seed");
	sim_heal(s);
	mesh_check(s);
}

/* It comes back at another address, which nobody lists, and lists one of them. */
static void seed_moves(struct sim *s)
{
	some_loss(s);
	seed_world(s, (unsigned)rng_range(&s->net.rng, 2, 16));
	sim_start_all(s);
	sim_await(s, sim_mesh_up, MEET_US, "mesh from one seed");
	sim_run(s, rng_below(&s->net.rng, 150 * SIM_S));
	if (rng_chance(&s->net.rng, 0.5))
		sim_crash(s, 0);
	else
		sim_stop(s, 0);
	sim_run(s, rng_below(&s->net.rng, 30 * SIM_S));
	sim_move(s, 0);
	sim_want(s, 0, any_other(s, 0));
	if (rng_chance(&s->net.rng, 0.3))
		sim_new_key(s, 0);
	sim_start(s, 0);
	sim_await(s, sim_mesh_up, MEET_US, "mesh with the seed elsewhere");
	sim_heal(s);
	mesh_check(s);
}

/* ---- two that become one ---- */

#define HALF 16

static bool halves_up(struct sim *s)
{
	for (unsigned i = 0; i < s->host_count; i++)
		for (unsigned j = 0; j < s->host_count; j++)
			if (i != j && i / HALF == j / HALF &&
			    !sim_is_up(s, i, j))
				return false;
	return true;
}

static void two_meshes(struct sim *s)
{
	const unsigned a = (unsigned)rng_below(&s->net.rng, HALF);
	const unsigned b = (unsigned)rng_range(&s->net.rng, HALF, 2 * HALF - 1);

	some_loss(s);
	s->exchange = true;
	while (s->host_count < 2 * HALF)
		sim_add_host(s);
	for (unsigned i = 0; i < s->host_count; i++)
		sim_want(s, i, i / HALF * HALF);
	sim_start_all(s);
	sim_await(s, halves_up, MEET_US, "two meshes");
	sim_run(s, rng_below(&s->net.rng, 200 * SIM_S));
	sim_want(s, a, b);
	sim_apply_wants(s, a);
	await_cheap(s, sim_mesh_up, 22 * SIM_S, 2100, "mesh of two meshes");
	sim_heal(s);
	mesh_check(s);
}

/* ---- what keeps digests apart for good ---- */

/* Two of 24 never meet: once that is known the exchange rests, but for a whole list
 * each 10 minutes. */
static void cut_pair(struct sim *s)
{
	const uint64_t rest_us = 20 * 60 * SIM_S;
	const unsigned a = 1, b = 2;
	struct watch_counts all;
	unsigned n;

	seed_world(s, 24);
	n = s->host_count;
	net_link(&s->net, a, b)->cut = true;
	net_link(&s->net, b, a)->cut = true;
	sim_start_all(s);
	sim_await(s, all_met, MEET_US, "mesh but for a pair");
	sim_run(s, QUIET_US);
	check_quiet(s, QUIET_US);
	watch_begin(s);
	sim_run(s, rest_us);
	all = watch_of_all(s);
	sim_measured(s,
		     "in 20 min of 24 hosts: %" PRIu64 " questions, %" PRIu64
		     " lists, %" PRIu64 " bytes, %" PRIu64 " initiations",
		     all.questions, all.lists, all.exchange_bytes,
		     all.initiations);
	if (all.questions > n * (rest_us / WHOLE_US + 1) ||
	    all.exchange_bytes > all.questions * (100 + n * WIRE_HOST_LEN))
		sim_fail(s, "the exchange of 24 hosts does not rest");
	if (!all_met(s))
		sim_fail(s, "a peer went down");
}

/* What one host says of whom it trusts. */
static void trust(struct sim *s, unsigned host, const struct public_key *keys,
		  size_t count)
{
	s->hosts[host].config.trusted = keys;
	s->hosts[host].config.trusted_count = count;
}

/* Keys are known once a node was made of them. */
static void make_keys(struct sim *s, struct public_key *keys)
{
	for (unsigned i = 0; i < s->host_count; i++) {
		sim_start(s, i);
		keys[i] = s->hosts[i].key;
		sim_crash(s, i);
	}
}

/* Some trust all, the seed among them; others but each other, and the seed. Who trusts
 * all, and is trusted by all, meets all, whenever it comes. */
static void trusted(struct sim *s)
{
	struct public_key keys[SIM_HOSTS_MAX] = { 0 }, few[SIM_HOSTS_MAX];
	const unsigned open = (unsigned)rng_range(&s->net.rng, 2, 10);
	const unsigned closed = (unsigned)rng_range(&s->net.rng, 2, 24);
	unsigned fresh, n = 0;

	some_loss(s);
	seed_world(s, open + closed + 1);
	fresh = s->host_count - 1;
	make_keys(s, keys);
	few[n++] = keys[0];
	for (unsigned i = open; i <= fresh; i++)
		few[n++] = keys[i];
	for (unsigned i = open; i < fresh; i++)
		trust(s, i, few, n);
	for (unsigned i = 0; i < fresh; i++)
		sim_start(s, i);
	sim_await(s, all_met, 2 * MEET_US, "mesh of who trust each other");
	sim_run(s, rng_below(&s->net.rng, 200 * SIM_S));
	sim_start(s, fresh);
	sim_await(s, all_met, MEET_US, "mesh with who trusts all");
	sim_run(s, QUIET_US + 10 * SIM_S);
	check_quiet(s, QUIET_US);
	if (!all_met(s))
		sim_fail(s, "a peer went down");
}

/* ---- off ---- */

static bool on(const struct sim *s, unsigned host)
{
	return s->hosts[host].config.peer_exchange;
}

/* Who takes part has met all; of two that do not each knows but the seed. */
static bool met_on(struct sim *s)
{
	for (unsigned i = 0; i < s->host_count; i++)
		for (unsigned j = 0; j < s->host_count; j++)
			if (i != j &&
			    sim_is_up(s, i, j) !=
				    (!i || !j || on(s, i) || on(s, j)))
				return false;
	return true;
}

static void set_exchange(struct sim *s, unsigned host, bool to)
{
	struct host *h = &s->hosts[host];

	h->config.peer_exchange = to;
	if (s->failed || !h->node)
		return;
	node_set_peer_exchange(h->node, to, host_clock(h));
	host_settle(h);
}

/* Some take no part: they do not learn of others, nor others by them. Then all do. */
static void off(struct sim *s)
{
	some_loss(s);
	seed_world(s, (unsigned)rng_range(&s->net.rng, 4, 16));
	for (unsigned i = 1; i < s->host_count; i++)
		set_exchange(s, i, rng_chance(&s->net.rng, 0.5));
	sim_start_all(s);
	/* Only one end of some pairs tries: if it is unlucky, 10 s later again. */
	sim_await(s, met_on, 2 * MEET_US, "mesh of who take part");
	sim_run(s, QUIET_US);
	if (!met_on(s))
		sim_fail(s, "who takes no part is told of others");
	for (unsigned i = 1; i < s->host_count; i++)
		set_exchange(s, i, true);
	sim_await(s, sim_mesh_up, 2 * MEET_US, "mesh once all take part");
	sim_check_events(s, NODE_PEER_DOWN, 0, "a peer went down");
	sim_heal(s);
	mesh_check(s);
}

/* The seed takes no part: it stays a hub. */
static void seed_off(struct sim *s)
{
	seed_world(s, (unsigned)rng_range(&s->net.rng, 3, 8));
	set_exchange(s, 0, false);
	sim_start_all(s);
	sim_run(s, MEET_US);
	watch_begin(s);
	sim_run(s, QUIET_US);
	for (unsigned i = 1; i < s->host_count; i++)
		for (unsigned j = 0; j < i; j++)
			if (sim_is_up(s, i, j) != (j == 0))
				sim_fail(s, "h%u has h%u %s", i, j,
					 j ? "up" : "down");
	if (watch_of_all(s).questions)
		sim_fail(s, "who takes no part is asked");
	traffic_check_reach(s);
}

/* ---- others in their places ---- */

/* A host is another one from now on, at its old address. */
static void replace(struct sim *s, unsigned host)
{
	if (rng_chance(&s->net.rng, 0.5))
		sim_crash(s, host);
	else
		sim_stop(s, host);
	sim_new_key(s, host);
	sim_run(s, rng_below(&s->net.rng, 5 * SIM_S));
	sim_start(s, host);
	sim_await(s, sim_mesh_up, MEET_US, "mesh with another at an address");
}

/* Each host in turn, the seed too; those that stay do not lose each other. */
static void replaced(struct sim *s)
{
	uint64_t up_us;
	unsigned n;

	some_loss(s);
	seed_world(s, (unsigned)rng_range(&s->net.rng, 4, 16));
	n = s->host_count;
	sim_start_all(s);
	sim_await(s, sim_mesh_up, MEET_US, "mesh from one seed");
	sim_run(s, rng_below(&s->net.rng, 150 * SIM_S));
	for (unsigned i = 0; i < n && !s->failed; i++) {
		up_us = s->net.now_us;
		replace(s, i);
		for (unsigned a = 0; a < n; a++)
			for (unsigned b = 0; b < n; b++)
				if (a != b && a != i && b != i &&
				    s->hosts[a].up_us[b] > up_us)
					sim_fail(s, "h%u had h%u down", a, b);
	}
	sim_heal(s);
	sim_run(s, 320 * SIM_S);
	mesh_check(s);
	check_quiet(s, QUIET_US);
}

const struct scenario scenarios_exchange[] = {
	{ "exchange/one_seed", one_seed, 2 },
	{ "exchange/one_by_one", one_by_one, 12 },
	{ "exchange/seed_dies", seed_dies, 24 },
	{ "exchange/seed_moves", seed_moves, 24 },
	{ "exchange/two_meshes", two_meshes, 6 },
	{ "exchange/cut_pair", cut_pair, 1 },
	{ "exchange/trusted", trusted, 12 },
	{ "exchange/off", off, 18 },
	{ "exchange/seed_off", seed_off, 6 },
	{ "exchange/replaced", replaced, 12 },
	{ 0 },
};
