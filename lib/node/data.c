/* Frames: from the TAP to the peers that should have them, and back. */
#include <string.h>

#include "node/node_impl.h"

/* DHCP, whose readers look at raw frames and at their checksums. */
#define PORT_BOOTPS 67
#define PORT_BOOTPC 68

/* A frame on its way out: a record, or a super-frame that becomes many. */
struct outgoing {
	const uint8_t *record;
	size_t len;
	struct gso *super;
	struct port_set ports;
};

/* The largest frame the TAP may carry whose record still has a length. */
static size_t frame_max(const struct node *n)
{
	size_t most = UINT16_MAX - WIRE_RECORD_LEN - WIRE_FRAME_CSUM_LEN;
	size_t max = eth_frame_max(n->config.tap_mtu);

	return max < most ? max : most;
}

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

static enum drop_reason make_record(struct outgoing *o, const struct frame *f,
				    const struct eth_view *view)
{
	uint8_t *frame = f->iov[0].iov_base;
	size_t len = f->iov[0].iov_len;

	if (f->offload.csum_partial &&
	    !eth_csum_valid(view, len, f->offload.csum_start,
			    f->offload.csum_offset))
		return DROP_offload_bad;
	o->super = NULL;
	o->record = put_header(frame, len, &f->offload);
	o->len = (size_t)(frame - o->record) + len;
	return DROP_NONE;
}

static enum drop_reason take_super(struct node *n, struct outgoing *o,
				   const struct frame *f)
{
	struct gso *g = &n->supers[n->supers_count];
	enum drop_reason reason = gso_begin(g, f->iov[0].iov_base,
					    f->iov[0].iov_len, &f->offload);

	if (reason == DROP_NONE && g->header_len + g->size_max > frame_max(n))
		reason = DROP_frame_long;
	if (reason != DROP_NONE)
		return reason;
	o->super = g;
	n->supers_count++;
	return DROP_NONE;
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
	const bool super = f->offload.gso != OFFLOAD_GSO_NONE;
	struct forward forward;

	forward_from_tap(&n->tables, frame, len, super ? 0 : frame_max(n),
			 now_us, &forward);
	note(n, &forward, now_us);
	if (forward.membership.kind != REPORT_NONE || forward.router)
		groups_from_tap(n, &forward, now_us);
	if (forward.reason != DROP_NONE)
		return forward.reason;
	if (is_recursive(n, &forward.view, frame, len))
		return DROP_recursion;
	o->ports = forward.ports;
	return super ? take_super(n, o, f) : make_record(o, f, &forward.view);
}

/* The segments of a super-frame, each no larger than a datagram holds if it may
 * be cut at all. Their headers stay until they are sealed: see NODE_SEGMENTS. */
static void pack_super(struct node *n, struct peer *peer, struct gso *g)
{
	struct packer *b = &n->packer;
	const size_t extra = WIRE_RECORD_LEN + WIRE_FRAME_CSUM_LEN;
	struct gso_segment s;

	gso_cut(g, pack_record_max(b) - extra);
	for (;;) {
		uint8_t *header = n->headers[n->header_at] + FRAME_HEADROOM;
		const uint8_t *record;

		if (!gso_next(g, header, &s))
			return;
		record = put_header(header, g->header_len + s.payload_len,
				    &g->offload);
		pack_add_two(b, record,
			     (size_t)(header - record) + g->header_len,
			     s.payload, s.payload_len);
		n->header_at = (n->header_at + 1) % NODE_SEGMENTS;
		peer->tx.frames++;
	}
}

/* All that one peer should have of the chunk, in order. */
static void pack(struct node *n, struct peer *peer, const struct outgoing *out,
		 size_t count, uint64_t now_us)
{
	struct packer *b = &n->packer;

	pack_begin(b, peer->current, &peer->endpoint->addr, peer->pmtu.size,
		   now_us);
	for (size_t i = 0; i < count; i++) {
		if (!port_set_has(&out[i].ports, peer->port))
			continue;
		if (out[i].super) {
			pack_super(n, peer, out[i].super);
			continue;
		}
		pack_add(b, out[i].record, out[i].len);
		peer->tx.frames++;
	}
	pack_end(b);
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

	groups_tell(n, now_us);
	for (size_t i = 0; i < count; i++)
		port_set_add_all(&takers, &out[i].ports);
	for (int port = port_set_next(&takers, -1); port >= 0;
	     port = port_set_next(&takers, port))
		pack(n, peers_at_port(&n->peers, (uint16_t)port), out, count,
		     now_us);
	n->supers_count = 0;
}

void node_from_tap(struct node *n, const struct frame *frames, size_t count,
		   struct clock now)
{
	struct outgoing out[NODE_CHUNK];
	size_t ready = 0;

	n->tx.frames += count;
	for (size_t i = 0; i < count; i++) {
		enum drop_reason reason =
			classify(n, &frames[i], &out[ready], now.mono_us);

		if (reason != DROP_NONE)
			node_drop(n, reason);
		else if (++ready == NODE_CHUNK) {
			send_chunk(n, out, ready, now.mono_us);
			ready = 0;
		}
	}
	send_chunk(n, out, ready, now.mono_us);
	pack_flush(&n->packer);
}

static void write_frames(void *user, const struct frame *frames, size_t count)
{
	struct node *n = user;

	n->ops.tap_write(n->user, frames, count);
}

static void release(void *user, uint32_t reassembly_slot)
{
	struct node *n = user;

	n->reassembled--;
	frag_release(n->frag, reassembly_slot);
}

const struct merge_ops node_merge_ops = {
	.write = write_frames,
	.release = release,
};

_Static_assert(MERGE_NO_TOKEN == TABLE_NONE,
	       "a frame that was not reassembled has no slot to release");

void node_set_tap_takes(struct node *n, const struct node_tap_takes *takes)
{
	bool tcp = takes->partial && takes->tcp;

	n->config.tap_takes = *takes;
	merge_set_mode(n->merge, !tcp	      ? MERGE_OFF
				 : takes->udp ? MERGE_TCP_UDP
					      : MERGE_TCP);
}

static bool is_dhcp(const struct eth_view *v, const uint8_t *frame)
{
	uint16_t port;

	if (v->ip_proto != ETH_IP_UDP || !v->l4_offset)
		return false;
	port = load_be16(frame + v->l4_offset + 2);
	return port == PORT_BOOTPS || port == PORT_BOOTPC;
}

/* The datagram, or reassembled record, is ours to write in; see node_received.
 * Records are parsed as const because nobody else has to. */
static uint8_t *writable(const uint8_t *bytes)
{
	const union {
		const uint8_t *in;
		uint8_t *out;
	} unconst = { .in = bytes };

	return unconst.out;
}

/* The frame goes to the TAP, perhaps merged with others. One that was reassembled
 * keeps its buffer until it is written: half of them stay for what is still to be
 * reassembled, by any peer. */
static void tap_add(struct node *n, const struct peer *peer,
		    const struct eth_view *view, const struct wire_frame *frame,
		    uint32_t reassembly_slot)
{
	uint8_t *bytes = writable(frame->bytes);
	struct offload offload = { .csum_partial = frame->csum_partial,
				   .csum_start = frame->csum_start,
				   .csum_offset = frame->csum_offset };

	if (offload.csum_partial &&
	    (!n->config.tap_takes.partial || is_dhcp(view, bytes))) {
		eth_csum_complete(view, bytes, offload.csum_offset);
		offload = (struct offload){ .csum_partial = false };
	}
	merge_add(n->merge, peer->port, view, bytes, frame->len, &offload,
		  reassembly_slot);
	if (reassembly_slot != TABLE_NONE &&
	    ++n->reassembled >= n->config.frag_buffers / 2)
		merge_flush(n->merge);
}

void frame_in(struct node *n, struct peer *peer, const struct wire_frame *frame,
	      uint32_t reassembly_slot, uint64_t now_us)
{
	enum drop_reason reason;
	struct forward forward;

	forward_from_port(&n->tables, peer->port, frame->bytes, frame->len,
			  frame_max(n), now_us, &forward);
	note(n, &forward, now_us);
	if (forward.membership.kind == REPORT_BAD)
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
	tap_add(n, peer, &forward.view, frame, reassembly_slot);
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

void node_from_udp(struct node *n, const struct datagram_run *datagrams,
		   size_t count, struct clock now)
{
	for (size_t i = 0; i < count; i++) {
		const struct datagram_run *run = &datagrams[i];
		size_t segment = run->segment_len ? run->segment_len : run->len;

		if (!run->len)
			node_drop(n, DROP_datagram_short);
		for (size_t at = 0; at < run->len; at += segment)
			datagram_in(n, &run->remote, run->data + at,
				    run->len - at < segment ? run->len - at
							    : segment,
				    now);
	}
	merge_flush(n->merge);
	groups_tell(n, now.mono_us); /* perhaps of a VLAN, new to us */
	pack_flush(&n->packer);
}
