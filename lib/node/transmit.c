/* Frames from the TAP, to the peers that should have them. */
#include <assert.h>
#include <string.h>

#include "base/checksum.h"
#include "node/groups.h"
#include "node/leg.h"
#include "node/loop.h"
#include "node/plain_transmit.h"
#include "node/pmtu.h"
#include "node/sight.h"

/* What a segment's record has besides its frame. */
#define GSO_RECORD_EXTRA (WIRE_RECORD_LEN + WIRE_FRAME_CSUM_LEN)

/* Puts a frame record's header, and what it says of a partial checksum, before
 * the frame. Returns where the record begins. */
static uint8_t *put_header(uint8_t *frame, size_t len, const struct offload *o)
{
	uint8_t *at = frame;

	if (o->csum_partial) {
		at -= WIRE_FRAME_CSUM_LEN;
		store_be16(at, o->csum_start);
		store_be16(at + 2, o->csum_offset);
	}
	len += (size_t)(frame - at);
	at -= WIRE_RECORD_LEN;
	wire_pack_record(at, WIRE_FRAME,
			 o->csum_partial ? WIRE_FRAME_CSUM_PARTIAL : 0,
			 (uint16_t)len);
	return at;
}

/*
 * A checksum that is partial on the wire is the frame's own TCP or UDP header's:
 * receivers take no other. The TAP, a card that sums anything, also leaves us those
 * of headers further in (VXLAN, IPIP, GRE, more tags than we read) and of whatever
 * a packet socket names. They are completed here.
 */
static enum drop_reason settle_checksum(struct offload *o, uint8_t *frame,
					size_t len, const struct eth_view *view)
{
	if (!o->csum_partial ||
	    eth_csum_valid(view, len, o->csum_start, o->csum_offset))
		return DROP_NONE;
	if (!checksum_complete(frame, len, o->csum_start, o->csum_offset))
		return DROP_offload_bad;
	o->csum_partial = false;
	return DROP_NONE;
}

static enum drop_reason make_record(struct outgoing *o, const struct frame *f,
				    const struct eth_view *view)
{
	uint8_t *frame = f->iov[0].iov_base;
	size_t len = f->iov[0].iov_len;
	struct offload offload = f->offload;
	enum drop_reason reason = settle_checksum(&offload, frame, len, view);

	if (reason != DROP_NONE)
		return reason;
	o->gso = NULL;
	o->record = put_header(frame, len, &offload);
	o->len = (size_t)(frame - o->record) + len;
	return DROP_NONE;
}

static enum drop_reason take_gso(struct node *n, struct outgoing *o,
				 const struct frame *f,
				 const struct eth_view *view)
{
	struct gso *g = &n->lane.gso[n->lane.gso_count];
	enum drop_reason reason = gso_begin(g, view, f->iov[0].iov_base,
					    f->iov[0].iov_len, &f->offload);

	if (reason == DROP_NONE &&
	    g->header_len + g->size_max > node_frame_max(n))
		reason = DROP_frame_long;
	if (reason != DROP_NONE)
		return reason;
	if (n->plain)
		gso_complete(g);
	o->gso = g;
	n->lane.gso_count++;
	return DROP_NONE;
}

static bool is_our_socket(const struct node *n, const struct addr *src)
{
	for (size_t i = 0; i < n->sockets_count; i++)
		if (n->sockets[i].port == src->port &&
		    (addr_is_any(&n->sockets[i]) ||
		     memcmp(n->sockets[i].ip, src->ip, sizeof(src->ip)) == 0))
			return true;
	return false;
}

/* A datagram of our own underlay that was routed into our own overlay. An address
 * alone says nothing: an application may send to one that is an endpoint too. */
static bool is_recursive(struct node *n, const struct eth_view *view,
			 const uint8_t *frame, size_t len)
{
	struct addr src, dst;
	struct endpoint *e;

	if (!eth_udp_addrs(view, frame, len, &src, &dst) ||
	    !is_our_socket(n, &src))
		return false;
	e = endpoints_find(n, &dst);
	if (!e)
		return false;
	/* Whatever else is found wrong with it follows from this. */
	e->reason = ENDPOINT_RECURSION;
	return true;
}

void node_set_sockets(struct node *n, const struct addr *bound, size_t count)
{
	if (count > NODE_SOCKETS_MAX)
		count = NODE_SOCKETS_MAX;
	if (count > 0)
		memcpy(n->sockets, bound, count * sizeof(*bound));
	n->sockets_count = count;
}

static enum drop_reason classify(struct node *n, const struct frame *f,
				 struct outgoing *o, uint64_t now_us)
{
	const uint8_t *frame = f->iov[0].iov_base;
	size_t len = f->iov[0].iov_len;
	const bool gso = f->offload.gso != OFFLOAD_GSO_NONE;
	struct forward forward;

	forward_from_tap(bridge_tables(n->bridge), frame, len,
			 gso ? 0 : node_frame_max(n), now_us, &forward);
	if (forward.full)
		node_drop(n, DROP_fdb_full);
	local_groups_saw_vlan(n, forward.view.vlan, now_us);
	if (forward.membership.kind != REPORT_NONE || forward.router)
		local_groups_from_tap(n, &forward, now_us);
	if (forward.reason == DROP_NONE)
		loop_spare(n, &forward, now_us);
	if (forward.reason != DROP_NONE)
		return forward.reason;
	if (n->plain ? plain_is_recursive(n, &forward.view, frame, len)
		     : is_recursive(n, &forward.view, frame, len))
		return DROP_recursion;
	o->ports = forward.ports;
	if (n->plain && !gso)
		return plain_take(n, o, f, &forward.view);
	if (n->plain)
		o->spread = plain_spread(n, &forward.view, frame);
	return gso ? take_gso(n, o, f, &forward.view)
		   : make_record(o, f, &forward.view);
}

static_assert(3 * (FRAME_HEADROOM + GSO_HEADER_MAX) +
			      LANE_SEGMENTS * FRAME_HEADROOM + PMTU_MAX <=
		      LANE_HEADERS,
	      "a header is sealed before its place is used again");

/* Where a header of that length is kept until it is sealed; headroom before it. */
static uint8_t *header_place(struct lane *l, size_t len)
{
	uint8_t *header;

	if (LANE_HEADERS - l->header_at < FRAME_HEADROOM + len)
		l->header_at = 0;
	header = l->headers + l->header_at + FRAME_HEADROOM;
	l->header_at += FRAME_HEADROOM + len;
	return header;
}

/* The segments of a GSO frame, each no larger than a datagram holds if it may
 * be split at all. */
static void pack_gso(struct node *n, struct peer *peer, struct gso *g)
{
	struct packer *b = &n->lane.packer;
	struct gso_segment s;

	gso_split(g, pack_record_max(b) - GSO_RECORD_EXTRA);
	for (;;) {
		uint8_t *header = header_place(&n->lane, g->header_len);
		const uint8_t *record;

		if (!gso_next(g, header, &s))
			return;
		record = put_header(header, g->header_len + s.payload_len,
				    &g->offload);
		pack_add_two(b, record,
			     (size_t)(header - record) + g->header_len,
			     s.payload, s.payload_len);
		peer->tx.frames++;
	}
}

/* All that one peer should have of the chunk, in order. */
static void pack(struct node *n, struct peer *peer, const struct outgoing *out,
		 size_t count, uint64_t now_us)
{
	struct packer *b = &n->lane.packer;
	const struct way *way = &peer->path.way;
	struct way wire;

	if (way->remote.leg) {
		if (!leg_resolve(n, way, &wire)) {
			node_drop(n, DROP_leg_unknown);
			return;
		}
		way = &wire;
	}
	n->lane.header_at = 0; /* what was packed before is sealed */
	pack_begin(b, peer->current, way, peer->path.pmtu.size, now_us);
	for (size_t i = 0; i < count; i++) {
		if (!port_set_has(&out[i].ports, peer->port))
			continue;
		if (out[i].gso) {
			pack_gso(n, peer, out[i].gso);
			continue;
		}
		pack_add(b, out[i].record, out[i].len);
		peer->tx.frames++;
	}
	pack_end(b);
	peer->tx.datagrams += b->sealed;
	peer->tx.bytes += b->bytes;
	n->lane.tx.datagrams += b->sealed;
	n->lane.tx.bytes += b->bytes;
	n->lane.drops[DROP_key_exhausted] += b->exhausted;
	if (b->sealed)
		liveness_sent(&peer->liveness, b->sealed, now_us);
	if (pmtu_sent(&peer->path.pmtu, b->largest))
		peer_arm(n, peer, now_us);
}

/* The same, as it was packed, to who captures. */
static void show(struct node *n, const struct peer *peer,
		 const struct outgoing *out, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!port_set_has(&out[i].ports, peer->port))
			continue;
		if (out[i].gso)
			sight_segments(n, peer, out[i].gso,
				       pack_record_max(&n->lane.packer) -
					       GSO_RECORD_EXTRA);
		else
			sight_record(n, peer, out[i].record, out[i].len);
	}
}

/* A join that was read before these frames is declared before they leave. */
static void send_chunk(struct node *n, const struct outgoing *out, size_t count,
		       uint64_t now_us)
{
	struct port_set takers = { .words = { 0 } };

	groups_tell(n, now_us);
	if (n->plain) {
		plain_send(n, out, count, now_us);
		n->lane.gso_count = 0;
		return;
	}
	for (size_t i = 0; i < count; i++)
		port_set_add_all(&takers, &out[i].ports);
	for (int port = port_set_next(&takers, -1); port >= 0;
	     port = port_set_next(&takers, port)) {
		struct peer *peer = peers_at_port(n, (uint16_t)port);

		pack(n, peer, out, count, now_us);
		if (n->seen)
			show(n, peer, out, count);
	}
	n->lane.gso_count = 0;
}

static void drop(struct node *n, const struct frame *frame,
		 enum drop_reason reason)
{
	node_drop(n, reason);
	if (n->seen)
		sight_dropped(n, frame, reason);
}

void node_from_tap(struct node *n, const struct frame *frames, size_t count,
		   struct clock now)
{
	const size_t len_max = n->plain ? PLAIN_CHUNK_LEN : SIZE_MAX;
	struct outgoing out[LANE_CHUNK];
	size_t ready = 0, len = 0;

	n->lane.tx.frames += count;
	for (size_t i = 0; i < count; i++) {
		enum drop_reason reason =
			classify(n, &frames[i], &out[ready], now.mono_us);

		if (reason != DROP_NONE)
			drop(n, &frames[i], reason);
		else
			ready++;
		len += frames[i].iov[0].iov_len;
		if (ready == LANE_CHUNK || len > len_max) {
			send_chunk(n, out, ready, now.mono_us);
			ready = len = 0;
		}
	}
	send_chunk(n, out, ready, now.mono_us);
	pack_flush(&n->lane.packer);
	plain_flush(n);
}
