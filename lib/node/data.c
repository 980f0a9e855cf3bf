/* Frames: from the TAP to the peers that should have them, and back. */
#include <string.h>

#include "node/node_impl.h"

/* Frames whose verdicts are taken before the first of them is packed. */
#define CHUNK 64

/* A frame on its way out, as a record; port 0: to every peer. */
struct outgoing {
	const uint8_t *record;
	size_t len;
	uint16_t port;
};

/* The largest frame the TAP may carry whose record still has a length. */
static size_t frame_max(const struct node *n)
{
	size_t most = UINT16_MAX - WIRE_RECORD_LEN - WIRE_FRAME_CSUM_LEN;
	size_t max = eth_frame_max(n->config.tap_mtu);

	return max < most ? max : most;
}

static bool goes_to(const struct outgoing *o, const struct peer *peer)
{
	return !o->port || o->port == peer->port;
}

/* Puts the record's header into the frame's headroom. */
static void make_record(struct outgoing *o, const struct frame *f)
{
	uint8_t *frame = f->iov[0].iov_base;
	size_t len = f->iov[0].iov_len;
	uint8_t flags = 0;

	if (f->offload.csum_partial) {
		flags = WIRE_FRAME_CSUM_PARTIAL;
		frame -= WIRE_FRAME_CSUM_LEN;
		len += WIRE_FRAME_CSUM_LEN;
		store_be16(frame, f->offload.csum_start);
		store_be16(frame + 2, f->offload.csum_offset);
	}
	frame -= WIRE_RECORD_LEN;
	wire_pack_record(frame, WIRE_FRAME, flags, (uint16_t)len);
	o->record = frame;
	o->len = len + WIRE_RECORD_LEN;
}

static bool offload_ok(const struct offload *o, const struct eth_view *view,
		       size_t len)
{
	if (o->gso != OFFLOAD_GSO_NONE)
		return false;
	return !o->csum_partial ||
	       eth_csum_valid(view, len, o->csum_start, o->csum_offset);
}

/* A datagram of our own underlay that was routed into our own overlay. */
static bool is_recursive(const struct node *n, const struct eth_view *view,
			 const uint8_t *frame, size_t len)
{
	struct addr dst;

	return eth_udp_dst(view, frame, len, &dst) &&
	       endpoints_find(&n->peers, &dst);
}

static enum drop_reason classify(struct node *n, const struct frame *f,
				 struct outgoing *o, uint64_t now_us)
{
	const uint8_t *frame = f->iov[0].iov_base;
	size_t len = f->iov[0].iov_len;
	struct eth_view view;
	struct verdict verdict;
	const struct peer *peer;
	bool full = false;

	verdict = forward_from_tap(n->fdb, frame, len, frame_max(n), now_us,
				   &view, &full);
	if (full)
		node_drop(n, DROP_fdb_full);
	if (verdict.kind == VERDICT_DROP)
		return verdict.reason;
	if (!offload_ok(&f->offload, &view, len))
		return DROP_offload_bad;
	if (is_recursive(n, &view, frame, len))
		return DROP_recursion;
	o->port = 0;
	if (verdict.kind == VERDICT_PORT) {
		peer = peers_at_port(&n->peers, verdict.port);
		if (peer && peer->current)
			o->port = verdict.port;
	}
	make_record(o, f);
	return DROP_NONE;
}

/* All that one peer should have of the chunk, in order. */
static void pack(struct node *n, struct peer *peer, const struct outgoing *out,
		 size_t count, uint64_t now_us)
{
	struct batch *b = &n->batch;

	batch_begin(b, peer->current, &peer->endpoint->addr, peer->pmtu.size,
		    now_us);
	for (size_t i = 0; i < count; i++) {
		if (!goes_to(&out[i], peer))
			continue;
		batch_add(b, out[i].record, out[i].len);
		peer->tx.frames++;
	}
	batch_end(b);
	peer->tx.datagrams += b->sealed;
	peer->tx.bytes += b->bytes;
	n->tx.datagrams += b->sealed;
	n->tx.bytes += b->bytes;
	n->drops[DROP_key_exhausted] += b->exhausted;
	if (b->sealed)
		liveness_sent(&peer->liveness, b->sealed, now_us);
}

static void send_chunk(struct node *n, const struct outgoing *out, size_t count,
		       uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	size_t floods = 0, takers = 0;
	struct peer *peer;

	for (size_t i = 0; i < count; i++)
		floods += !out[i].port;
	if (!floods) {
		for (size_t i = 0; i < count; i++) {
			size_t first = 0;

			while (out[first].port != out[i].port)
				first++;
			if (first == i)
				pack(n, peers_at_port(&n->peers, out[i].port),
				     out, count, now_us);
		}
		return;
	}
	while ((peer = peers_next(&n->peers, &at))) {
		if (!peer->current)
			continue;
		pack(n, peer, out, count, now_us);
		takers++;
	}
	if (!takers)
		n->drops[DROP_no_peer] += floods;
}

void node_from_tap(struct node *n, const struct frame *frames, size_t count,
		   struct clock now)
{
	struct outgoing out[CHUNK] = { 0 };
	size_t ready = 0;

	n->tx.frames += count;
	for (size_t i = 0; i < count; i++) {
		enum drop_reason reason =
			classify(n, &frames[i], &out[ready], now.mono_us);

		if (reason != DROP_NONE)
			node_drop(n, reason);
		else if (++ready == CHUNK) {
			send_chunk(n, out, ready, now.mono_us);
			ready = 0;
		}
	}
	if (ready)
		send_chunk(n, out, ready, now.mono_us);
}

void tap_flush(struct node *n)
{
	if (n->tap_count)
		n->ops.tap_write(n->user, n->tap_frames, n->tap_count);
	for (size_t i = 0; i < n->tap_count; i++)
		if (n->tap_slots[i] != TABLE_NONE)
			frag_release(n->frag, n->tap_slots[i]);
	n->tap_count = 0;
}

static void tap_add(struct node *n, const struct wire_frame *frame,
		    uint32_t reassembly_slot)
{
	/* The owner writes it out only; iovec has no const. */
	union {
		const uint8_t *in;
		void *out;
	} unconst = { .in = frame->bytes };
	size_t i = n->tap_count++;

	n->tap_iov[i] = (struct iovec){ unconst.out, frame->len };
	n->tap_frames[i] = (struct frame){
		.iov = &n->tap_iov[i],
		.iovcnt = 1,
		.offload = { .csum_partial = frame->csum_partial,
			     .csum_start = frame->csum_start,
			     .csum_offset = frame->csum_offset },
	};
	n->tap_slots[i] = reassembly_slot;
	if (n->tap_count == NODE_TAP_BATCH)
		tap_flush(n);
}

void frame_in(struct node *n, struct peer *peer, const struct wire_frame *frame,
	      uint32_t reassembly_slot, uint64_t now_us)
{
	struct eth_view view;
	bool full = false;
	enum drop_reason reason =
		forward_from_port(n->fdb, peer->port, frame->bytes, frame->len,
				  frame_max(n), now_us, &view, &full);

	if (full)
		node_drop(n, DROP_fdb_full);
	if (reason == DROP_NONE && frame->csum_partial &&
	    !eth_csum_valid(&view, frame->len, frame->csum_start,
			    frame->csum_offset))
		reason = DROP_csum_bad;
	if (reason != DROP_NONE) {
		node_drop(n, reason);
		if (reassembly_slot != TABLE_NONE)
			frag_release(n->frag, reassembly_slot);
		return;
	}
	peer->rx.frames++;
	n->rx.frames++;
	tap_add(n, frame, reassembly_slot);
}

static void datagram_in(struct node *n, const struct addr *from,
			uint8_t *datagram, size_t len, struct clock now)
{
	enum wire_type type;
	enum drop_reason reason = wire_classify(datagram, len, &type);

	if (reason != DROP_NONE)
		node_drop(n, reason);
	else if (type == WIRE_DATA)
		data_in(n, from, datagram, len, now.mono_us);
	else
		handshake_in(n, type, from, datagram, len, now);
}

void node_from_udp(struct node *n, const struct node_received *datagrams,
		   size_t count, struct clock now)
{
	for (size_t i = 0; i < count; i++) {
		const struct node_received *run = &datagrams[i];
		size_t segment = run->segment_len ? run->segment_len : run->len;

		if (!run->len)
			node_drop(n, DROP_datagram_short);
		for (size_t at = 0; at < run->len; at += segment)
			datagram_in(n, &run->from, run->data + at,
				    run->len - at < segment ? run->len - at
							    : segment,
				    now);
	}
	tap_flush(n);
	batch_flush(&n->batch);
}
