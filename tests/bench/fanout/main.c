/*
 * Fan-out without a network: seventeen nodes in one process. The first sends, all
 * the others receive, by node.h's public calls alone and a clock that stands still.
 * What a profiler counts of it is the nodes' own work, the same in every run.
 *
 *   fanout [AEAD]
 *
 * Under callgrind (with --collect-atstart=no) there are two dumps: "send" is what
 * node_from_tap costs (with node_flush, where there is one), "receive" what node_from_udp does; without
 * what they call of this file. Standard output says what was done, as "name=value".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/node.h"

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_TOGGLE_COLLECT      ((void)0)
#define CALLGRIND_DUMP_STATS_AT(name) ((void)0)
#endif

/* All that differs between the commits that are compared. */
#if __has_include("base/datagram.h")
#include "base/datagram.h"
typedef struct datagram_run run_type;
typedef struct datagram_run received_type;
#define RUN_TO		   remote
#define RECEIVED_FROM	   remote
#define NODE_FLUSH(n, now) ((void)0)
#else
typedef struct node_run run_type;
typedef struct node_received received_type;
#define RUN_TO		   to
#define RECEIVED_FROM	   from
#define NODE_FLUSH(n, now) node_flush(n, now)
#endif

#define RECEIVERS 16
#define NODES	  (RECEIVERS + 1)
#define FRAME_LEN 64
#define BATCH	  16  /* frames a read of the TAP */
#define WARM	  16  /* reads before what is counted */
#define READS	  128 /* that are counted */
#define PORT	  8273
#define STEP_US	  (10 * CLOCK_MS)
#define UP_WITHIN (30 * CLOCK_S)

#define ETH_LEN 14
#define IP_LEN	20
#define UDP_LEN 8

struct host {
	struct node *node;
	struct addr addr;
	uint64_t random;
};

struct packet {
	size_t from, to; /* hosts */
	size_t len;
	uint8_t bytes[1500];
};

static struct host hosts[NODES];
static struct packet wire[RECEIVERS * READS * 2];
static size_t wire_count;
static uint64_t delivered, datagrams;
static struct clock now = { .mono_us = CLOCK_S,
			    .wall_us = UINT64_C(1700000000) * CLOCK_S };

static void die(const char *why)
{
	fprintf(stderr, "fanout: %s\n", why);
	exit(1);
}

/* ---- what is counted ---- */

static bool counting;

/* Returns what was before. */
static bool count(bool on)
{
	bool was = counting;

	if (on != was)
		CALLGRIND_TOGGLE_COLLECT;
	counting = on;
	return was;
}

/* ---- what the nodes call ---- */

/* SplitMix64: the same bytes in every run. */
static void on_random(void *user, void *buf, size_t len)
{
	struct host *h = user;
	uint8_t *bytes = buf;
	bool was = count(false);

	for (size_t i = 0; i < len; i++) {
		uint64_t z = h->random += UINT64_C(0x9e3779b97f4a7c15);

		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		bytes[i] = (uint8_t)(z >> 56);
	}
	count(was);
}

static size_t host_at(const struct addr *addr)
{
	for (size_t i = 0; i < NODES; i++)
		if (addr_equal(&hosts[i].addr, addr))
			return i;
	die("a datagram to nobody");
	return 0;
}

static void send_one(size_t from, size_t to, const uint8_t *data, size_t len)
{
	struct packet *p = &wire[wire_count++];

	if (wire_count == sizeof(wire) / sizeof(wire[0]))
		die("the wire is full");
	if (len > sizeof(p->bytes))
		die("a datagram is larger than the underlay takes");
	*p = (struct packet){ .from = from, .to = to, .len = len };
	memcpy(p->bytes, data, len);
}

static void on_udp_send(void *user, const run_type *runs, size_t n)
{
	size_t from = (size_t)((struct host *)user - hosts);
	bool was = count(false);

	for (size_t i = 0; i < n; i++) {
		const run_type *r = &runs[i];
		size_t segment = r->segment_len ? r->segment_len : r->len;

		for (size_t at = 0; at < r->len; at += segment) {
			size_t left = r->len - at;

			send_one(from, host_at(&r->RUN_TO), r->data + at,
				 left < segment ? left : segment);
			datagrams++;
		}
	}
	count(was);
}

/* A merged frame is as many as it has segments. */
static void on_tap_write(void *user, const struct frame *frames, size_t n)
{
	bool was = count(false);

	(void)user;
	for (size_t i = 0; i < n; i++) {
		size_t segment = frames[i].offload.gso_size, len = 0;

		for (size_t j = 0; j < frames[i].iovcnt; j++)
			len += frames[i].iov[j].iov_len;
		len -= ETH_LEN + IP_LEN + UDP_LEN;
		delivered += segment ? (len + segment - 1) / segment : 1;
	}
	count(was);
}

static void on_event(void *user, const struct node_event *event)
{
	(void)user;
	(void)event;
}

static const struct node_ops ops = {
	.random = on_random,
	.udp_send = on_udp_send,
	.tap_write = on_tap_write,
	.event = on_event,
};

/* ---- the mesh ---- */

static void host_open(struct host *h, const char *aead)
{
	size_t index = (size_t)(h - hosts);
	struct node_config config = {
		.secrets_count = 1,
		.tap_mtu = 1450,
		.underlay_mtu = 1500,
		.interval_us = CLOCK_S,
		.down_after = 3,
		.expire_us = 300 * CLOCK_S,
		.snooping = true,
		.querier = true,
		.tap_takes = { .partial = true, .tcp = true, .udp = true },
		.aead = aead,
	};
	const char *error;

	h->random = index;
	h->addr = addr_v4((uint32_t)(0x0a090001 + index), PORT);
	memset(config.secrets[0], 0xff, KEY_LEN);
	memset(config.private_key, (int)(index + 1), KEY_LEN);
	snprintf(config.name, sizeof(config.name), "host%zu", index);
	h->node = node_new(&config, &ops, h, now, &error);
	if (!h->node)
		die(error);
}

static void hosts_open(const char *aead)
{
	struct addr others[NODES];

	for (size_t i = 0; i < NODES; i++)
		host_open(&hosts[i], aead);
	for (size_t i = 0; i < NODES; i++) {
		size_t n = 0;

		for (size_t j = 0; j < NODES; j++)
			if (j != i)
				others[n++] = hosts[j].addr;
		node_want(hosts[i].node, NODE_SOURCE_PEERS, others, n, now);
	}
}

/* What lies on the wire; what a batch sent one host is handed over together. */
static void deliver(void)
{
	received_type together[BATCH * 2];

	for (size_t at = 0; at < wire_count;) {
		size_t to = wire[at].to, n = 0;

		while (at < wire_count && wire[at].to == to &&
		       n < sizeof(together) / sizeof(together[0])) {
			together[n++] = (received_type){
				.RECEIVED_FROM = hosts[wire[at].from].addr,
				.data = wire[at].bytes,
				.len = wire[at].len,
			};
			at++;
		}
		count(true);
		node_from_udp(hosts[to].node, together, n, now);
		count(false);
	}
	wire_count = 0;
}

static bool all_up(void)
{
	for (size_t i = 0; i < NODES; i++) {
		struct node_status status;

		node_status(hosts[i].node, &status);
		if (status.peers_up != RECEIVERS)
			return false;
	}
	return true;
}

/* Until all are up, and two intervals more: groups are told, all is quiet. */
static void mesh_up(void)
{
	uint64_t begin = now.mono_us, end = 0;

	while (!end || now.mono_us < end) {
		for (size_t i = 0; i < NODES; i++)
			if (node_deadline(hosts[i].node) <= now.mono_us)
				node_tick(hosts[i].node, now);
		deliver();
		if (!end && all_up())
			end = now.mono_us + 2 * CLOCK_S;
		if (!end && now.mono_us - begin > UP_WITHIN)
			die("the mesh does not come up");
		now.mono_us += STEP_US;
		now.wall_us += STEP_US;
	}
}

/* ---- the frames ---- */

/* UDP to 239.8.27.3, its checksum complete: a datagram without one. */
static void frame_fill(uint8_t *f)
{
	static const uint8_t head[ETH_LEN + IP_LEN + UDP_LEN] = {
		0x01, 0x00,
		0x5e, 0x08,
		0x1b, 0x03, /* to the group's MAC */
		0x02, 0x00,
		0x00, 0x00,
		0x00, 0x01,
		0x08, 0x00,
		0x45, 0,
		0,    FRAME_LEN - ETH_LEN,
		0,    0,
		0x40, 0,
		1,    17,
		0,    0,
		10,   77,
		0,    1,
		239,  8,
		27,   3,
		0x15, 0x18,
		0x15, 0x18,
		0,    FRAME_LEN - ETH_LEN - IP_LEN,
	};
	uint32_t sum = 0;

	memcpy(f, head, sizeof(head));
	memset(f + sizeof(head), 0x55, FRAME_LEN - sizeof(head));
	for (size_t i = ETH_LEN; i < ETH_LEN + IP_LEN; i += 2)
		sum += (uint32_t)f[i] << 8 | f[i + 1];
	sum = ~((sum & 0xffff) + (sum >> 16));
	f[ETH_LEN + 10] = (uint8_t)(sum >> 8);
	f[ETH_LEN + 11] = (uint8_t)sum;
}

static void send_batch(void)
{
	static uint8_t space[BATCH][FRAME_HEADROOM + FRAME_LEN];
	struct iovec pieces[BATCH];
	struct frame frames[BATCH];

	for (size_t i = 0; i < BATCH; i++) {
		frame_fill(space[i] + FRAME_HEADROOM);
		pieces[i] =
			(struct iovec){ space[i] + FRAME_HEADROOM, FRAME_LEN };
		frames[i] = (struct frame){ .iov = &pieces[i], .iovcnt = 1 };
	}
	count(true);
	node_from_tap(hosts[0].node, frames, BATCH, now);
	NODE_FLUSH(hosts[0].node, now);
	count(false);
}

int main(int argc, char **argv)
{
	uint64_t sent = (uint64_t)READS * BATCH;
	struct node_status status;

	hosts_open(argc > 1 ? argv[1] : NULL);
	mesh_up();
	for (size_t i = 0; i < WARM; i++)
		send_batch();
	deliver();
	delivered = datagrams = 0;
	CALLGRIND_DUMP_STATS_AT("before");

	for (size_t i = 0; i < READS; i++)
		send_batch();
	CALLGRIND_DUMP_STATS_AT("send");
	if (delivered)
		die("a frame that nobody received yet is delivered");
	deliver();
	CALLGRIND_DUMP_STATS_AT("receive");

	node_status(hosts[0].node, &status);
	printf("aead=%s receivers=%d frame=%d sent=%llu datagrams=%llu "
	       "delivered=%llu\n",
	       status.aead, RECEIVERS, FRAME_LEN, (unsigned long long)sent,
	       (unsigned long long)datagrams, (unsigned long long)delivered);
	if (delivered != sent * RECEIVERS)
		die("not every frame was delivered");
	for (size_t i = 0; i < NODES; i++)
		node_free(hosts[i].node);
	return 0;
}
