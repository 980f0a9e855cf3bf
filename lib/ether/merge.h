/* Merges segments that peers sent into GSO frames for the TAP (GRO). */
#ifndef TAPD_ETHER_MERGE_H
#define TAPD_ETHER_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/frame.h"
#include "ether/eth.h"

/*
 * The frames of one batch become the frames of one write, in the order in which
 * they came, except that a segment that continues a held frame joins it at that
 * frame's place. So nothing waits. Which frames a segment may overtake in this way
 * depends on which held frames are still open:
 *
 *   - A flow is a peer and the addresses and ports of TCP over plain IP (no
 *     fragment, no option, no extension header). It has at most one open frame,
 *     its last one. A segment that does not continue it closes it and, if it
 *     could itself be continued, is the new one. So flows pass one another, and
 *     within a flow all stays in order.
 *   - Any other frame closes all open frames of its peer: what came before it
 *     leaves before it, what comes later leaves later.
 *   - UDP is such a frame. If wanted, a datagram joins the one before it,
 *     provided nothing else came from its peer in between.
 *   - Frames of different peers have no order and never merge.
 *
 * TCP segments merge if their headers are equal but for lengths, checksums,
 * sequence, PSH and IPv4 ID: that is MACs, tags, TOS, flow label, TTL, DF, ACK,
 * window and options. A segment with flags other than ACK and PSH, without
 * payload, or with a wrong IPv4 checksum never merges. The sequence must continue.
 * All are of one size but the last, which may be shorter; PSH and a shorter
 * segment close the frame. Without DF
 * the ID must count up, as it will again if the GSO frame is split (RFC 6864: it
 * means nothing with DF). At most MERGE_SEGMENTS_MAX segments and an IP
 * packet of 65,535 bytes.
 *
 * Only partial checksums merge (csum_partial, into csum_partial): they cost
 * nothing to keep. Complete ones come from peers without offloads; to merge
 * them they would all have to be verified first.
 *
 * Peers may be hostile: everything is read from the bytes, nothing is waited for,
 * every table is bounded. Flows that collide in the table cost each other merges,
 * never order.
 */
struct merge;

#define MERGE_SEGMENTS_MAX 64  /* UDP_MAX_SEGMENTS of older kernels */
#define MERGE_FRAMES	   256 /* handed to `write` at a time */
#define MERGE_BUFFERS	   512 /* of all those frames: iovecs */
#define MERGE_NO_TOKEN	   UINT32_MAX

enum merge_mode {
	MERGE_OFF, /* every frame as it came */
	MERGE_TCP,
	MERGE_TCP_UDP,
};

struct merge_ops {
	/*
	 * Writes the frames in order; borrowed until it returns. A GSO frame
	 * is its first segment, headers included, and then the payloads of the
	 * others, an iovec each. Must not call merge_add or _flush.
	 */
	void (*write)(void *user, const struct frame *frames, size_t count);
	/* After `write`: the bytes of this frame are the caller's again. */
	void (*release)(void *user, uint32_t token);
};

/* NULL if memory is short. Ports are below `ports`, at least 1. Starts in
 * MERGE_TCP. ops is kept. */
struct merge *merge_new(uint32_t ports, const struct merge_ops *ops,
			void *user);
void merge_free(struct merge *c);

/* From the next frame on. */
void merge_set_mode(struct merge *c, enum merge_mode mode);

/*
 * Takes a frame that `port` sent. v: from eth_parse; a partial checksum has
 * passed eth_csum_valid. The bytes are borrowed until they are written, and
 * the headers are modified if others join them. token: is given to `release` after
 * that, unless it is MERGE_NO_TOKEN. Calls merge_flush if there is no room.
 */
void merge_add(struct merge *c, uint16_t port, const struct eth_view *v,
	       uint8_t *frame, size_t len, const struct offload *offload,
	       uint32_t token);
/*
 * A short way for most of a bulk transfer: true if the frame continues the TCP frame
 * that the port last sent, and then it has joined that. Whatever was decided for that
 * frame holds for this one too, as it was for its headers: these are compared, byte by
 * byte, but for what differs from segment to segment. False: nothing has changed, and
 * the frame is to be looked at and given to merge_add.
 */
bool merge_continues(struct merge *c, uint16_t port, uint8_t *frame, size_t len,
		     const struct offload *offload, uint32_t token);
/* Writes all held frames; to be called at the end of each batch. */
void merge_flush(struct merge *c);

#endif
