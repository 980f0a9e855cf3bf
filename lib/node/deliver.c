#include "node/deliver.h"

#include <string.h>

#include "ether/csum.h"
#include "node/answer.h"
#include "node/conflict.h"
#include "node/loop.h"
#include "node/plain_groups.h"
#include "node/sight.h"

/* DHCP, whose readers look at raw frames and at their checksums. */
#define PORT_BOOTPS 67
#define PORT_BOOTPC 68

static void write_frames(void *user, const struct frame *frames, size_t count)
{
	struct node *n = user;

	n->ops.tap_write(n->user, frames, count);
}

static void release(void *user, uint32_t reassembly_slot)
{
	struct node *n = user;

	n->lane.reassembled--;
	frag_release(n->lane.frag, reassembly_slot);
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
	merge_set_mode(n->lane.merge, !tcp	   ? MERGE_OFF
				      : takes->udp ? MERGE_TCP_UDP
						   : MERGE_TCP);
}

void node_set_router_advertisements(struct node *n, bool let_in)
{
	n->config.router_advertisements = let_in;
	bridge_set_router_advertisements(n->bridge, let_in);
}

static bool is_dhcp(const struct eth_view *v, const uint8_t *frame)
{
	uint16_t port;

	if (v->ip_proto != INET_PROTO_UDP || !v->l4_offset)
		return false;
	port = load_be16(frame + v->l4_offset + 2);
	return port == PORT_BOOTPS || port == PORT_BOOTPC;
}

/* The datagram, or reassembled record, is ours to write in; see node_from_udp.
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
	merge_add(n->lane.merge, peer->port, view, bytes, frame->len, &offload,
		  reassembly_slot);
}

/* The same, for a frame that says nothing of its checksum. */
static void tap_add_plain(struct node *n, const struct peer *peer,
			  const struct eth_view *view,
			  const struct wire_frame *frame)
{
	/* Whoever completes a partial one later sums to the frame's end, and what is
	 * behind the packet is not in the sum. */
	const bool padded = view->l3_end != frame->len;
	const bool wanted = n->config.tap_takes.partial && !padded &&
			    !is_dhcp(view, frame->bytes);
	struct wire_frame settled = *frame;
	struct offload o;

	settled.csum_partial = csum_make_partial(view, writable(frame->bytes),
						 frame->len, wanted, &o);
	if (settled.csum_partial && padded) {
		eth_csum_complete(view, writable(frame->bytes), o.csum_offset);
		settled.csum_partial = false;
	}
	settled.csum_start = o.csum_start;
	settled.csum_offset = o.csum_offset;
	tap_add(n, peer, view, &settled, TABLE_NONE);
}

static void frame_taken(struct node *n, struct peer *peer, uint32_t slot)
{
	peer->rx.frames++;
	n->lane.rx.frames++;
	if (slot != TABLE_NONE &&
	    ++n->lane.reassembled >= n->config.frag_buffers / 2)
		merge_flush(n->lane.merge);
}

static bool continues_last(struct node *n, const struct peer *peer,
			   const struct wire_frame *frame, uint32_t slot)
{
	const struct offload offload = { .csum_partial = frame->csum_partial,
					 .csum_start = frame->csum_start,
					 .csum_offset = frame->csum_offset };

	return frame->csum_partial &&
	       merge_continues(n->lane.merge, peer->port,
			       writable(frame->bytes), frame->len, &offload,
			       slot);
}

/* Whether it may go to the TAP; and learns what it says. */
static enum drop_reason judge(struct node *n, struct peer *peer,
			      const struct wire_frame *frame,
			      struct forward *forward, uint64_t now_us)
{
	const struct eth_view *view = &forward->view;
	enum drop_reason reason;

	forward_from_port(bridge_tables(n->bridge), peer->port, frame->bytes,
			  frame->len, node_frame_max(n), now_us, forward);
	if (forward->full)
		node_drop(n, DROP_fdb_full);
	if (forward->membership.kind == REPORT_BAD)
		node_drop(n, DROP_membership_bad);
	if (conflict_possible(n, view))
		conflict_frame(n, peer, view, frame->bytes, frame->len, now_us);
	reason = loop_check(n, peer, forward, frame->bytes, frame->len, now_us);
	if (n->plain)
		plain_groups_heard(n, peer, forward, now_us);
	if (forward->reason != DROP_NONE)
		return forward->reason;
	if (reason == DROP_NONE && frame->csum_partial &&
	    !eth_csum_valid(view, frame->len, frame->csum_start,
			    frame->csum_offset))
		return DROP_csum_bad;
	return reason;
}

void deliver_frame(struct node *n, struct peer *peer,
		   const struct wire_frame *frame, uint32_t reassembly_slot,
		   uint64_t now_us)
{
	enum drop_reason reason;
	struct forward forward;

	if (continues_last(n, peer, frame, reassembly_slot)) {
		if (n->seen)
			sight_arrival(n, peer, frame, DROP_NONE);
		frame_taken(n, peer, reassembly_slot);
		return;
	}
	reason = judge(n, peer, frame, &forward, now_us);
	if (n->seen)
		sight_arrival(n, peer, frame, reason);
	if (reason != DROP_NONE) {
		node_drop(n, reason);
		if (reassembly_slot != TABLE_NONE)
			frag_release(n->lane.frag, reassembly_slot);
		return;
	}
	if (test_frame_possible(&forward.view, frame->bytes))
		answer_heard(n, peer, &forward.view, frame->bytes, now_us);
	if (n->plain)
		tap_add_plain(n, peer, &forward.view, frame);
	else
		tap_add(n, peer, &forward.view, frame, reassembly_slot);
	frame_taken(n, peer, reassembly_slot);
}
