#include "node/sight.h"

static void show(const struct node *n, const struct peer *peer,
		 struct node_sight sight)
{
	if (peer) {
		sight.peer = peer->name;
		sight.key = n->plain ? NULL : &peer->key;
	}
	n->seen(n->user, &sight);
}

static void show_wire_frame(const struct node *n, const struct peer *peer,
			    const struct wire_frame *frame, bool from_tap,
			    enum drop_reason reason)
{
	const uint8_t *pieces[] = { frame->bytes };
	const size_t lens[] = { frame->len };
	const struct node_sight sight = {
		.pieces = pieces,
		.lens = lens,
		.count = 1,
		.offload = { .csum_partial = frame->csum_partial,
			     .csum_start = frame->csum_start,
			     .csum_offset = frame->csum_offset },
		.from_tap = from_tap,
		.reason = reason,
	};

	show(n, peer, sight);
}

void sight_record(const struct node *n, const struct peer *peer,
		  const uint8_t *record, size_t len)
{
	struct cursor c = cursor_init(record, len);
	struct wire_record r;
	struct wire_frame frame;

	if (wire_next_record(&c, &r) &&
	    wire_unpack_frame(&frame, &r) == DROP_NONE)
		show_wire_frame(n, peer, &frame, true, DROP_NONE);
}

void sight_frame(const struct node *n, const struct peer *peer,
		 const uint8_t *frame, size_t len)
{
	const struct wire_frame whole = { .bytes = frame, .len = len };

	show_wire_frame(n, peer, &whole, true, DROP_NONE);
}

void sight_segments(const struct node *n, const struct peer *peer,
		    struct gso *g, size_t frame_max)
{
	uint8_t header[GSO_HEADER_MAX];
	struct gso_segment s;

	gso_split(g, frame_max);
	while (gso_next(g, header, &s)) {
		const uint8_t *pieces[] = { header, s.payload };
		const size_t lens[] = { g->header_len, s.payload_len };
		const struct node_sight sight = {
			.pieces = pieces,
			.lens = lens,
			.count = 2,
			.offload = g->offload,
			.from_tap = true,
		};

		show(n, peer, sight);
	}
}

void sight_arrival(const struct node *n, const struct peer *peer,
		   const struct wire_frame *frame, enum drop_reason reason)
{
	show_wire_frame(n, peer, frame, false, reason);
}

void sight_dropped(const struct node *n, const struct frame *frame,
		   enum drop_reason reason)
{
	const uint8_t *pieces[] = { frame->iov[0].iov_base };
	const size_t lens[] = { frame->iov[0].iov_len };
	const struct node_sight sight = {
		.pieces = pieces,
		.lens = lens,
		.count = 1,
		.offload = frame->offload,
		.from_tap = true,
		.reason = reason,
	};

	show(n, NULL, sight);
}
