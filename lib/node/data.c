/* Frames: from the TAP to the peers that should have them, and back. */
#include <string.h>

#include "node/node_impl.h"

/* Frames whose verdicts are taken before the first of them is packed. */
#define CHUNK 64

/* A frame on its way out, as a record. */
struct outgoing {
	const uint8_t *record;
	size_t len;
	struct port_set ports;
};

/* The largest frame the TAP may carry whose record still has a length. */
static size_t frame_max(const struct node *n)
{
	size_t most = UINT16_MAX - WIRE_RECORD_LEN - WIRE_FRAME_CSUM_LEN;
	size_t max = eth_frame_max(n->config.tap_mtu);

	return max < most ? max : most;
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

/* What the frame teaches us, wherever it goes. */
static void note(struct node *n, const struct forward *f, uint64_t now_us)
{
	if (f->full)
		node_drop(n, DROP_fdb_full);
	querier_saw_vlan(n->querier, f->view.vlan, now_us);
}

static enum drop_reason classify(struct node *n, const struct frame *f,
				 struct outgoing *o, uint64_t now_us)
{
	const uint8_t *frame = f->iov[0].iov_base;
	size_t len = f->iov[0].iov_len;
	struct forward forward;

	forward_from_tap(&n->tables, frame, len, frame_max(n), now_us,
			 &forward);
	note(n, &forward, now_us);
	if (forward.membership.kind != MEMBERSHIP_NONE || forward.router)
		membership_from_tap(n, &forward, now_us);
	if (forward.reason != DROP_NONE)
		return forward.reason;
	if (!offload_ok(&f->offload, &forward.view, len))
		return DROP_offload_bad;
	if (is_recursive(n, &forward.view, frame, len))
		return DROP_recursion;
	o->ports = forward.ports;
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
		if (!port_set_has(&out[i].ports, peer->port))
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

/* A join that was read before these frames is declared before they leave. */
static void send_chunk(struct node *n, const struct outgoing *out, size_t count,
		       uint64_t now_us)
{
	struct port_set takers = { .words = { 0 } };

	membership_tell(n, now_us);
	for (size_t i = 0; i < count; i++)
		port_set_add_all(&takers, &out[i].ports);
	for (int port = port_set_next(&takers, -1); port >= 0;
	     port = port_set_next(&takers, port))
		pack(n, peers_at_port(&n->peers, (uint16_t)port), out, count,
		     now_us);
}

void node_from_tap(struct node *n, const struct frame *frames, size_t count,
		   struct clock now)
{
	struct outgoing out[CHUNK];
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
	enum drop_reason reason;
	struct forward forward;

	forward_from_port(&n->tables, peer->port, frame->bytes, frame->len,
			  frame_max(n), now_us, &forward);
	note(n, &forward, now_us);
	if (forward.membership.kind == MEMBERSHIP_BAD)
		node_drop(n, DROP_membership_bad);
	reason = forward.reason;
	if (reason == DROP_NONE && frame->csum_partial &&
	    !eth_csum_valid(&forward.view, frame->len, frame->csum_start,
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
	membership_tell(n, now.mono_us); /* perhaps of a VLAN, new to us */
	batch_flush(&n->batch);
}
