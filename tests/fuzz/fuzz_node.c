/*
 * Two whole nodes with a session between them. An input is a list of steps: a
 * stranger's datagrams, an insider's records (sealed with the session's own
 * keys, so that what lies behind the tag is reached), frames on either TAP
 * (reports of groups among them), and time. Every input starts from two new nodes, so a crash can be repeated.
 */
#include <string.h>

#include "ether/eth.h"
#include "fuzz.h"
#include "node/debug.h"
#include "support/rng.h"
#include "tunnel/wire.h"

#define TAP_MTU	  1500
#define QUEUE_MAX 64
#define STEPS_MAX 32
/* Of virtual time: past a rekey and the death of the keys before. */
#define TIME_MAX_US (200 * CLOCK_S)

struct side {
	struct node *node;
	struct side *other;
	struct addr addr;
	struct rng rng;
	uint64_t sent, written; /* bytes to the network, frames to the TAP */
	/* Bytes to and from an address that an insider claims to be at. */
	uint64_t sent_to_third, from_third;
	/* datagrams on their way to the other side */
	struct {
		uint8_t *bytes;
		size_t len;
	} queue[QUEUE_MAX];
	size_t queued;
};

static struct clock now;

static const struct addr third = {
	.ip = { [10] = 0xff, [11] = 0xff, 10, 9, 0, 254 }, .port = 4243
};

/* ---- what the nodes see of the world ---- */

static void op_random(void *user, void *buf, size_t len)
{
	struct side *s = user;

	rng_bytes(&s->rng, buf, len);
}

static void enqueue(struct side *s, const uint8_t *bytes, size_t len)
{
	uint8_t *copy;

	if (s->queued == QUEUE_MAX)
		return;
	copy = malloc(len);
	HOLDS(copy);
	memcpy(copy, bytes, len);
	s->queue[s->queued].bytes = copy;
	s->queue[s->queued++].len = len;
}

static void op_udp_send(void *user, const struct datagram_run *runs, size_t n)
{
	struct side *s = user;

	for (size_t i = 0; i < n; i++) {
		size_t segment = runs[i].segment_len;

		HOLDS(runs[i].len > 0 && runs[i].len <= DATAGRAM_RUN_LEN_MAX);
		HOLDS(segment > 0 && segment <= runs[i].len);
		s->sent += runs[i].len;
		touch(runs[i].data, runs[i].len);
		if (addr_equal(&runs[i].remote, &third))
			s->sent_to_third += runs[i].len;
		if (!addr_equal(&runs[i].remote, &s->other->addr))
			continue;
		for (size_t at = 0; at < runs[i].len; at += segment)
			enqueue(s, runs[i].data + at,
				runs[i].len - at < segment ? runs[i].len - at
							   : segment);
	}
}

static void op_tap_write(void *user, const struct frame *frames, size_t n)
{
	struct side *s = user;

	for (size_t i = 0; i < n; i++) {
		const struct frame *f = &frames[i];
		const uint8_t *bytes = f->iov[0].iov_base;
		size_t len = f->iov[0].iov_len;
		struct eth_view v;

		HOLDS(f->iovcnt == 1 && len <= eth_frame_max(TAP_MTU));
		touch(bytes, len);
		HOLDS(eth_parse(&v, bytes, len) == DROP_NONE);
		HOLDS(!f->offload.csum_partial ||
		      eth_csum_valid(&v, len, f->offload.csum_start,
				     f->offload.csum_offset));
		s->written++;
	}
}

static void op_event(void *user, const struct node_event *event)
{
	(void)user;
	HOLDS(strlen(event->peer) <= NODE_NAME_MAX);
	touch((const uint8_t *)event->text, strlen(event->text));
}

static const struct node_ops ops = { op_random, op_udp_send, op_tap_write,
				     op_event };

/* ---- the world ---- */

static void side_start(struct side *s, struct side *other, uint8_t number)
{
	struct node_config config = {
		.secrets_count = 1,
		.tap_mtu = TAP_MTU,
		.interval_us = CLOCK_S,
		.down_after = 3,
		.expire_us = 300 * CLOCK_S,
		.snooping = true,
		.querier = true,
		.groups_max = 8,
		.mdb_capacity = 16,
		.peers_max = 4,
		.fdb_capacity = 64,
		.fdb_per_peer = 16,
		.frag_buffers = 4,
		.frame_max = 4096,
		.aead = "openssl",
	};
	const char *error = NULL;

	memset(s, 0, sizeof(*s));
	s->other = other;
	s->rng = rng_init(number);
	s->addr = addr_v4(0x0a090000 + number, WIRE_PORT);
	memset(config.private_key, number, sizeof(config.private_key));
	memset(config.secrets[0], 9, sizeof(config.secrets[0]));
	config.name[0] = (char)('a' + number);
	s->node = node_new(&config, &ops, s, now, &error);
	HOLDS(s->node);
}

/* A datagram as the kernel hands it over: a heap copy, opened in place. */
static void receive(struct side *s, const struct addr *from,
		    const uint8_t *bytes, size_t len)
{
	struct datagram_run r = { .remote = *from, .len = len };

	r.data = malloc(len ? len : 1);
	HOLDS(r.data);
	memcpy(r.data, bytes, len);
	node_from_udp(s->node, &r, 1, now);
	free(r.data);
}

static void deliver(struct side *from)
{
	size_t n = from->queued;

	for (size_t i = 0; i < n; i++) {
		uint8_t *bytes = from->queue[i].bytes;

		receive(from->other, &from->addr, bytes, from->queue[i].len);
		free(bytes);
	}
	memmove(from->queue, from->queue + n,
		(from->queued - n) * sizeof(from->queue[0]));
	from->queued -= n;
}

/* Lets that much time pass, with every timer at its time. */
static void pass(struct side *a, struct side *b, uint64_t us)
{
	uint64_t end_us = now.mono_us + us;

	for (int i = 0; i < 1000; i++) {
		uint64_t due_us = node_deadline(a->node);
		uint64_t step_us;

		if (node_deadline(b->node) < due_us)
			due_us = node_deadline(b->node);
		/* Datagrams take a millisecond. */
		if ((a->queued || b->queued) && due_us > now.mono_us + CLOCK_MS)
			due_us = now.mono_us + CLOCK_MS;
		if (due_us > end_us)
			break;
		step_us = due_us > now.mono_us ? due_us - now.mono_us : 1;
		now.mono_us += step_us;
		now.wall_us += step_us;
		deliver(a);
		deliver(b);
		node_tick(a->node, now);
		node_tick(b->node, now);
	}
	if (now.mono_us < end_us) {
		now.wall_us += end_us - now.mono_us;
		now.mono_us = end_us;
	}
}

static bool up(const struct side *s)
{
	struct node_status status;

	node_status(s->node, &status);
	return status.peers_up == 1;
}

/* ---- what holds of multicast ---- */

static void check_peer(const struct node *n, const struct public_key *key,
		       uint32_t version)
{
	struct node_debug_peer peer;

	HOLDS(node_debug_peer(n, key, &peer));
	HOLDS(peer.acked <= peer.sent);
	HOLDS(peer.sent <= version);
	/* In doubt, flood. */
	HOLDS(peer.flooded ||
	      (peer.state == NODE_PEER_STATE_UP && peer.registered &&
	       peer.registered == peer.announced && !peer.wants_all));
}

static void check_membership(const struct side *s)
{
	const struct node *n = s->node;
	struct node_flooded_info flooded;
	struct node_multicast_status status;
	struct node_group_info group;
	struct node_iter member, at_peer = { 0 }, at_flooded = { 0 };
	struct node_peer_info peer;
	struct node_iter at_group = { 0 };
	struct node_debug debug;
	size_t groups = 0;

	node_debug(n, &debug);
	while (node_next_peer(n, &at_peer, &peer))
		if (peer.has_key)
			check_peer(n, &peer.key, debug.version);
	while (node_next_group(n, &at_group, &group)) {
		const char *name;

		groups++;
		member = (struct node_iter){ 0 };
		while ((name = node_next_member(n, &group, &member)))
			touch((const uint8_t *)name, strlen(name));
	}
	HOLDS(groups <= 16 + 8);
	HOLDS(debug.groups <= 16);
	while (node_next_flooded(n, &at_flooded, &flooded))
		HOLDS(flooded.peer && flooded.reason);
	node_multicast_status(n, &status);
	HOLDS(status.groups <= 8);
	HOLDS(debug.announced == debug.version);
	HOLDS(!status.wants_all == !debug.wants_all);
}

/* ---- steps ---- */

static void stranger(struct side *s, const uint8_t *bytes, size_t len)
{
	struct addr from = addr_v4(0x0a0900ff, 4242);
	uint64_t sent = s->sent, written = s->written;

	/* Half of them with the peer's address. */
	if (len % 2)
		from = s->other->addr;
	receive(s, &from, bytes, len);
	HOLDS(s->written == written);
	HOLDS(s->sent - sent <= len);
}

/* No input could guess it: groups that name none are given the sender's epoch. */
static void give_epoch(const struct side *s, uint8_t *bytes, size_t len)
{
	struct cursor c = cursor_init(bytes, len);
	struct wire_record r;
	struct node_debug debug;

	node_debug(s->node, &debug);
	while (wire_next_record(&c, &r))
		if (r.kind == WIRE_GROUPS && r.len >= 8 && !load_be64(r.body))
			store_be64(bytes + (r.body - bytes), debug.epoch);
}

/* claims: from an address where nobody answers. Nobody there is sent more than it
 * sent. */
static void insider(struct side *s, bool claims, const uint8_t *bytes,
		    size_t len)
{
	uint8_t *records = malloc(len ? len : 1);
	uint8_t *out = malloc(len + WIRE_DATA_OVERHEAD);
	struct node_status to;
	size_t sealed;

	HOLDS(out && records);
	node_status(s->other->node, &to);
	memcpy(records, bytes, len);
	give_epoch(s, records, len);
	sealed = node_debug_seal(s->node, &to.key, records, len, now.mono_us,
				 out);
	if (sealed && claims) {
		s->other->from_third += sealed;
		receive(s->other, &third, out, sealed);
	} else if (sealed) {
		receive(s->other, &s->addr, out, sealed);
	}
	HOLDS(s->other->sent_to_third <= s->other->from_third);
	free(out);
	free(records);
}

static void from_tap(struct side *s, const uint8_t *bytes, size_t len)
{
	uint8_t *buf = malloc(FRAME_HEADROOM + len);
	struct iovec iov = { buf + FRAME_HEADROOM, len };
	struct frame f = { .iov = &iov, .iovcnt = 1 };

	HOLDS(buf);
	memcpy(iov.iov_base, bytes, len);
	/* A checksum to complete, where the frame's last bytes say so. */
	if (len > 4 && bytes[len - 1] & 1) {
		f.offload.csum_partial = true;
		f.offload.csum_start = bytes[len - 2];
		f.offload.csum_offset = bytes[len - 3];
	}
	node_from_tap(s->node, &f, 1, now);
	free(buf);
}

static void steps(struct side *a, struct side *b, struct cursor *c)
{
	for (int i = 0; i < STEPS_MAX && c->left; i++) {
		uint8_t op = cursor_u8(c);
		size_t len = cursor_u16(c);
		struct side *s = op & 0x80 ? b : a;
		const uint8_t *bytes;

		if (!cursor_ok(c))
			return;
		if ((op & 3) == 3) {
			if (now.mono_us < TIME_MAX_US)
				pass(a, b, len * CLOCK_MS);
			check_membership(a);
			check_membership(b);
			continue;
		}
		if (len > c->left)
			len = c->left;
		bytes = cursor_take(c, len);
		if ((op & 3) == 0)
			stranger(s, bytes, len);
		else if ((op & 3) == 1)
			insider(s, op & 0x40, bytes, len);
		else
			from_tap(s, bytes, len);
		deliver(a);
		deliver(b);
	}
}

static void side_stop(struct side *s)
{
	node_free(s->node);
	for (size_t i = 0; i < s->queued; i++)
		free(s->queue[i].bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_init(data, size);
	static struct side a, b;

	now = (struct clock){ .mono_us = CLOCK_S,
			      .wall_us = 1700000 * CLOCK_S };
	side_start(&a, &b, 1);
	side_start(&b, &a, 2);
	node_want(a.node, NODE_SOURCE_PEERS, &b.addr, 1, now);
	pass(&a, &b, 2 * CLOCK_S);
	HOLDS(up(&a) && up(&b));
	node_tap_up(a.node, now);
	node_tap_up(b.node, now);
	pass(&a, &b, 3 * CLOCK_S);
	steps(&a, &b, &c);
	pass(&a, &b, CLOCK_S);
	check_membership(&a);
	check_membership(&b);
	side_stop(&a);
	side_stop(&b);
	return 0;
}
