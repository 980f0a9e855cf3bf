#include "sides.h"

#include <string.h>

#include "ether/eth.h"
#include "fuzz.h"
#include "tunnel/wire.h"

/* Far more than any timers of two nodes need in a step: one that does not move on is
 * a loop without end. */
#define TURNS_MAX 100000

#define GROUPS_MAX 8
#define MDB_MAX	   16

struct clock sides_now;

/* ---- what the nodes see of the world ---- */

static void op_random(void *user, void *buf, size_t len)
{
	struct side *s = user;

	rng_bytes(&s->rng, buf, len);
}

static void enqueue(struct side *s, const uint8_t *bytes, size_t len)
{
	uint8_t *copy;

	if (s->queued == SIDE_QUEUE_MAX) {
		s->lost++;
		return;
	}
	copy = malloc(len);
	HOLDS(copy);
	memcpy(copy, bytes, len);
	s->queue[s->queued++] = (struct side_datagram){ copy, len };
}

static void op_udp_send(void *user, const struct datagram_run *runs, size_t n)
{
	struct side *s = user;

	for (size_t i = 0; i < n; i++) {
		const struct addr *to = &runs[i].remote;
		size_t segment = runs[i].segment_len;

		HOLDS(runs[i].len > 0 && runs[i].len <= DATAGRAM_RUN_LEN_MAX);
		HOLDS(segment > 0 && segment <= runs[i].len);
		s->sent += runs[i].len;
		touch(runs[i].data, runs[i].len);
		for (size_t at = 0; at < runs[i].len; at += segment) {
			size_t left = runs[i].len - at;
			size_t len = left < segment ? left : segment;

			if (s->sends &&
			    !s->sends(s, to, runs[i].data + at, len))
				continue;
			if (addr_equal(to, &s->other->addr))
				enqueue(s, runs[i].data + at, len);
		}
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

		HOLDS(f->iovcnt == 1 && len <= eth_frame_max(SIDE_TAP_MTU));
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

static const struct node_ops ops = { .random = op_random,
				     .udp_send = op_udp_send,
				     .tap_write = op_tap_write,
				     .event = op_event };

/* ---- the world ---- */

void sides_begin(void)
{
	sides_now = (struct clock){ .mono_us = CLOCK_S,
				    .wall_us = 1700000 * CLOCK_S };
}

struct node_config side_limits(void)
{
	return (struct node_config){
		.secrets_count = 1,
		.tap_mtu = SIDE_TAP_MTU,
		.interval_us = CLOCK_S,
		.down_after = 3,
		.expire_us = 300 * CLOCK_S,
		.snooping = true,
		.querier = true,
		.groups_max = GROUPS_MAX,
		.mdb_capacity = MDB_MAX,
		.peers_max = 4,
		.fdb_capacity = 64,
		.fdb_per_peer = 16,
		.frag_buffers = 4,
		.frame_max = 4096,
		.aead = "openssl",
	};
}

void side_start(struct side *s, struct side *other, uint8_t number,
		const struct node_config *limits)
{
	struct node_config config = *limits;
	const char *error = NULL;

	memset(s, 0, sizeof(*s));
	s->other = other;
	s->rng = rng_init(number);
	s->addr = addr_v4(0x0a090000 + number, WIRE_PORT);
	memset(config.private_key, number, sizeof(config.private_key));
	memset(config.secrets[0], 9, sizeof(config.secrets[0]));
	config.name[0] = (char)('a' + number);
	s->node = node_new(&config, &ops, s, sides_now, &error);
	HOLDS(s->node);
}

void side_stop(struct side *s)
{
	node_free(s->node);
	for (size_t i = 0; i < s->queued; i++)
		free(s->queue[i].bytes);
}

void side_receive(struct side *s, const struct addr *from, const uint8_t *bytes,
		  size_t len)
{
	struct datagram_run r = { .remote = *from,
				  .local = s->addr,
				  .len = len };

	r.data = malloc(len ? len : 1);
	HOLDS(r.data);
	memcpy(r.data, bytes, len);
	node_from_udp(s->node, &r, 1, sides_now);
	free(r.data);
}

void side_from_tap(struct side *s, const uint8_t *bytes, size_t len)
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
	node_from_tap(s->node, &f, 1, sides_now);
	free(buf);
}

void side_deliver(struct side *from)
{
	size_t n = from->queued;

	for (size_t i = 0; i < n; i++) {
		uint8_t *bytes = from->queue[i].bytes;

		side_receive(from->other, &from->addr, bytes,
			     from->queue[i].len);
		free(bytes);
	}
	memmove(from->queue, from->queue + n,
		(from->queued - n) * sizeof(from->queue[0]));
	from->queued -= n;
}

/* When something is due next; datagrams take a millisecond. */
static uint64_t next_due(const struct side *a, const struct side *b)
{
	uint64_t due_us =
		clock_earlier(node_deadline(a->node), node_deadline(b->node));

	if (a->queued || b->queued)
		due_us = clock_earlier(due_us, sides_now.mono_us + CLOCK_MS);
	return due_us > sides_now.mono_us ? due_us : sides_now.mono_us + 1;
}

static void go_to(uint64_t us)
{
	sides_now.wall_us += us - sides_now.mono_us;
	sides_now.mono_us = us;
}

void sides_pass(struct side *a, struct side *b, uint64_t us, void (*turn)(void))
{
	uint64_t end_us = sides_now.mono_us + us, due_us;
	int turns = 0;

	while ((due_us = next_due(a, b)) <= end_us) {
		HOLDS(turns++ < TURNS_MAX);
		go_to(due_us);
		side_deliver(a);
		side_deliver(b);
		if (turn)
			turn();
		node_tick(a->node, sides_now);
		node_tick(b->node, sides_now);
	}
	if (sides_now.mono_us < end_us)
		go_to(end_us);
}

bool side_has_other_up(const struct side *s)
{
	struct node_debug_peer peer;
	struct node_status status;

	node_status(s->other->node, &status);
	return node_debug_peer(s->node, &status.key, &peer) &&
	       peer.state == NODE_PEER_STATE_UP && peer.has_current;
}

/* ---- what holds of every node ---- */

static void check_peer(const struct node *n, const struct public_key *key,
		       uint32_t version)
{
	struct node_debug_peer peer;

	HOLDS(node_debug_peer(n, key, &peer));
	HOLDS(peer.sessions_count <= NODE_DEBUG_SESSIONS);
	/* One that was gone may hold what an earlier life of it was told. */
	HOLDS(!peer.sent || peer.acked <= peer.sent);
	HOLDS(peer.sent <= version);
	/* In doubt, flood. */
	HOLDS(peer.flooded ||
	      (peer.state == NODE_PEER_STATE_UP && peer.registered &&
	       peer.registered == peer.announced && !peer.wants_all));
}

static void check_groups(const struct node *n, const struct node_debug *debug)
{
	struct node_flooded_info flooded;
	struct node_multicast_status status;
	struct node_group_info group;
	struct node_iter member, at_group = { 0 }, at_flooded = { 0 };
	size_t groups = 0;

	while (node_next_group(n, &at_group, &group)) {
		const char *name;

		groups++;
		member = (struct node_iter){ 0 };
		while ((name = node_next_member(n, &group, &member)))
			touch((const uint8_t *)name, strlen(name));
	}
	HOLDS(groups <= MDB_MAX + GROUPS_MAX);
	while (node_next_flooded(n, &at_flooded, &flooded))
		HOLDS(flooded.peer && flooded.reason);
	node_multicast_status(n, &status);
	HOLDS(status.groups <= GROUPS_MAX);
	HOLDS(!status.wants_all == !debug->wants_all);
}

void side_check(const struct side *s)
{
	const struct node *n = s->node;
	const struct node_config limits = side_limits();
	struct node_iter at_peer = { 0 };
	struct node_peer_info peer;
	struct node_status status;
	struct node_debug debug;

	node_debug(n, &debug);
	node_status(n, &status);
	while (node_next_peer(n, &at_peer, &peer))
		if (peer.has_key)
			check_peer(n, &peer.key, debug.version);
	check_groups(n, &debug);
	HOLDS(debug.groups <= MDB_MAX);
	HOLDS(debug.announced == debug.version);
	HOLDS(debug.peers <= limits.peers_max);
	HOLDS(status.fdb_count <= limits.fdb_capacity);
	HOLDS(debug.half_open <= NODE_DEBUG_HALF_OPEN_MAX);
	HOLDS(debug.half_open <= debug.pending);
	HOLDS(debug.endpoints <= NODE_ENDPOINTS_MAX);
	HOLDS(debug.stray_sessions == 0 && debug.stray_indices == 0);
}
