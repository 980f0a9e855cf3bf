/*
 * fleet: a large mesh from one seed, by hand: fleet 512. One seed, all started at once;
 * then all restarted; then at rest. It checks that all meet all, and prints the rest.
 * The links are ideal, and nobody sends frames: for what may go wrong there is sim.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "node/node.h"
#include "support/alloc.h"
#include "support/net.h"

#define FLEET_MAX  NODE_PEERS_MAX
#define MS	   UINT64_C(1000)
#define S	   UINT64_C(1000000)
#define LATENCY_US (500)
#define NET	   0x0a000000u
/* UDP payload of an Ethernet's packets. */
#define LINK_MAX 1472
#define LIMIT_US (60 * S)
/* Until then sizes are searched for, and peers asked whom they have up. */
#define SETTLE_US (90 * S)
#define REST_US	  (30 * S)

enum { TICK = EVENT_OTHERS };

struct traffic {
	uint64_t datagrams, bytes;
};

struct station {
	struct fleet *fleet;
	unsigned index;
	struct node *node;
	struct node_config config;
	struct addr addr;
	struct rng random;
	uint64_t tick_us; /* when the queued tick is due */
	uint64_t up[FLEET_MAX / 64];
};

struct fleet {
	struct queue *queue;
	uint64_t now_us;
	struct station *stations;
	unsigned count;
	uint64_t ups; /* of all pairs, both ways */
	struct traffic sent;
};

static struct clock clock_of(const struct fleet *f)
{
	return (struct clock){ .mono_us = f->now_us,
			       .wall_us = f->now_us + 1000000 * S };
}

/* ---- the nodes' surroundings ---- */

static void random_bytes(void *user, void *buf, size_t len)
{
	struct station *st = user;

	rng_bytes(&st->random, buf, len);
}

static struct station *station_at(struct fleet *f, const struct addr *a)
{
	const unsigned index = (unsigned)a->ip[14] << 8 | a->ip[15];

	if (index >= f->count || !addr_equal(&f->stations[index].addr, a))
		return NULL;
	return &f->stations[index];
}

static void send_one(struct station *from, const struct addr *to,
		     const uint8_t *bytes, size_t len)
{
	struct fleet *f = from->fleet;
	struct station *other = station_at(f, to);

	if (len > LINK_MAX) { /* says the kernel */
		node_send_failed(from->node, to, DROP_send_too_big, len, 1,
				 clock_of(f));
		return;
	}
	f->sent.datagrams++;
	f->sent.bytes += len;
	if (other)
		queue_push(
			f->queue, f->now_us + LATENCY_US, EVENT_ARRIVAL,
			other->index,
			flight_new(NET_HOSTS_MAX, &from->addr, to, bytes, len));
}

static void udp_send(void *user, const struct datagram_run *runs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct datagram_run *r = &runs[i];
		size_t each = r->segment_len ? r->segment_len : r->len;

		for (size_t at = 0; at < r->len; at += each)
			send_one(user, &r->remote, r->data + at,
				 r->len - at < each ? r->len - at : each);
	}
}

static void tap_write(void *user, const struct frame *frames, size_t n)
{
	(void)user;
	(void)frames;
	(void)n;
}

static void note_up(struct station *st, const struct addr *at, bool up)
{
	const struct station *other = station_at(st->fleet, at);
	uint64_t bit, *word;

	if (!other)
		return;
	word = &st->up[other->index / 64];
	bit = UINT64_C(1) << other->index % 64;
	if (up && !(*word & bit))
		st->fleet->ups++;
	if (!up && (*word & bit))
		st->fleet->ups--;
	*word = up ? *word | bit : *word & ~bit;
}

static void event(void *user, const struct node_event *e)
{
	if (e->type == NODE_PEER_UP)
		note_up(user, &e->at, true);
	else if (e->type == NODE_PEER_DOWN)
		note_up(user, &e->at, false);
}

static const struct node_ops ops = {
	.random = random_bytes,
	.udp_send = udp_send,
	.tap_write = tap_write,
	.event = event,
};

/* ---- the course of time ---- */

static void settle(struct station *st)
{
	struct fleet *f = st->fleet;
	uint64_t due = node_deadline(st->node);

	if (due < f->now_us)
		due = f->now_us;
	if (due == st->tick_us)
		return;
	st->tick_us = due;
	if (due != CLOCK_NEVER)
		queue_push(f->queue, due, TICK, st->index, NULL);
}

static void arrive(struct station *st, struct flight *flight)
{
	struct datagram_run run = { .data = flight->bytes,
				    .len = flight->len,
				    .remote = flight->from,
				    .local = flight->to };

	if (st->node) {
		node_from_udp(st->node, &run, 1, clock_of(st->fleet));
		settle(st);
	}
	free(flight);
}

static void tick(struct station *st)
{
	if (!st->node || st->tick_us > st->fleet->now_us)
		return;
	st->tick_us = CLOCK_NEVER;
	node_tick(st->node, clock_of(st->fleet));
	settle(st);
}

/* One event, if there is one until then. */
static bool step(struct fleet *f, uint64_t end_us)
{
	const struct event *next = queue_first(f->queue);
	struct event e;

	if (!next || next->at_us > end_us) {
		f->now_us = end_us;
		return false;
	}
	e = queue_pop(f->queue);
	f->now_us = e.at_us;
	if (e.kind == TICK)
		tick(&f->stations[e.host]);
	else
		arrive(&f->stations[e.host], e.flight);
	return true;
}

static void run(struct fleet *f, uint64_t us)
{
	const uint64_t end_us = f->now_us + us;

	while (step(f, end_us))
		;
}

/* ---- the fleet ---- */

static void station_init(struct fleet *f, unsigned index, struct rng *rng,
			 const uint8_t secret[KEY_LEN])
{
	struct station *st = &f->stations[index];

	*st = (struct station){
		.fleet = f,
		.index = index,
		.addr = addr_v4(NET + index, NODE_PORT),
		.random = rng_init(rng_u64(rng)),
		.config = {
			.secrets_count = 1,
			.tap_mtu = 1500,
			.interval_us = S,
			.down_after = 3,
			.expire_us = 300 * S,
			.peer_exchange = true,
			.fdb_capacity = 1024,
			.groups_max = 64,
			.mdb_capacity = 1024,
			.frag_buffers = 4,
			.frame_max = 2048,
		},
	};
	rng_bytes(rng, st->config.private_key, KEY_LEN);
	memcpy(st->config.secrets[0], secret, KEY_LEN);
	snprintf(st->config.name, sizeof(st->config.name), "host-%u", index);
}

static struct fleet *fleet_new(unsigned count)
{
	struct fleet *f = test_zalloc(1, sizeof(*f));
	struct rng rng = rng_init(count);
	uint8_t secret[KEY_LEN];

	f->queue = queue_new();
	f->now_us = S;
	f->count = count;
	f->stations = test_zalloc(count, sizeof(*f->stations));
	rng_bytes(&rng, secret, sizeof(secret));
	for (unsigned i = 0; i < count; i++)
		station_init(f, i, &rng, secret);
	return f;
}

/* Of all, none says goodbye. */
static void crash_all(struct fleet *f)
{
	for (unsigned i = 0; i < f->count; i++) {
		struct station *st = &f->stations[i];

		node_free(st->node);
		st->node = NULL;
		st->tick_us = CLOCK_NEVER;
		memset(st->up, 0, sizeof(st->up));
	}
	f->ups = 0;
}

static void start_all(struct fleet *f)
{
	for (unsigned i = 0; i < f->count; i++) {
		struct station *st = &f->stations[i];
		const char *error;

		st->tick_us = CLOCK_NEVER;
		st->node = node_new(&st->config, &ops, st, clock_of(f), &error);
		if (!st->node) {
			fprintf(stderr, "fleet: %s\n", error);
			exit(2);
		}
		node_want(st->node, NODE_SOURCE_PEERS, &f->stations[0].addr, 1,
			  clock_of(f));
		settle(st);
	}
}

static void fleet_free(struct fleet *f)
{
	crash_all(f);
	queue_free(f->queue);
	free(f->stations);
	free(f);
}

/* ---- what is printed ---- */

static bool all_up(const struct fleet *f)
{
	return f->ups == (uint64_t)f->count * (f->count - 1);
}

static double cpu_seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

/* Starts all, and waits until each has each other up. */
static bool meet(struct fleet *f, const char *what)
{
	const double cpu = cpu_seconds();
	const uint64_t start_us = f->now_us;
	const struct traffic before = f->sent;

	start_all(f);
	while (!all_up(f) && f->now_us - start_us < LIMIT_US)
		step(f, start_us + LIMIT_US);
	printf("%s: %" PRIu64 " of %" PRIu64 " up after %" PRIu64
	       " ms; a node sent %" PRIu64 " datagrams, %" PRIu64
	       " bytes (%.0f s of CPU)\n",
	       what, f->ups, (uint64_t)f->count * (f->count - 1),
	       (f->now_us - start_us) / MS,
	       (f->sent.datagrams - before.datagrams) / f->count,
	       (f->sent.bytes - before.bytes) / f->count, cpu_seconds() - cpu);
	return all_up(f);
}

/* UDP payload that a node sends and gets, by its peers. */
static bool rest(struct fleet *f)
{
	struct traffic before;
	double pairs;

	run(f, SETTLE_US);
	before = f->sent;
	run(f, REST_US);
	/* What one sends another gets. */
	pairs = (double)f->count * (f->count - 1) / 2 * REST_US / S;
	printf("at rest: %.2f datagrams/s and %.0f bytes/s between a node and "
	       "each of its peers, both ways together\n",
	       (double)(f->sent.datagrams - before.datagrams) / pairs,
	       (double)(f->sent.bytes - before.bytes) / pairs);
	return all_up(f);
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 64;
	struct fleet *f;
	bool ok;

	if (argc > 2 || count < 2 || count > FLEET_MAX) {
		fprintf(stderr, "usage: fleet [2…%d]\n", FLEET_MAX);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	f = fleet_new((unsigned)count);
	ok = meet(f, "all started");
	if (ok) {
		run(f, 5 * S);
		crash_all(f);
		ok = meet(f, "all restarted");
	}
	ok = ok && rest(f);
	fleet_free(f);
	return !ok;
}
