/* Frames from the TAP, to plain peers. */
#ifndef TAPD_NODE_PLAIN_TRANSMIT_H
#define TAPD_NODE_PLAIN_TRANSMIT_H

#include "node/outgoing.h"
#include "node/plain.h"

/*
 * A plain datagram has no room for offload metadata: checksums leave complete. One
 * frame's is completed once, where it was read; a GSO frame's segments get theirs when
 * it is split. Whoever is behind it, the header is the same for all peers, so what
 * several of them get is laid down once: see plain/runs.h. That holds for GSO frames,
 * too, which are split once for all peers that get the same and have datagrams of the
 * same size.
 */

/* All frames of a chunk fit the pool as a rule, so that they need not be laid down
 * again for each peer: the chunk ends when it is that long. */
#define PLAIN_CHUNK_LEN (RUNS_POOL_LEN / 2)

/* Makes of an ordinary frame what is sent, in place. It is a GSO frame from then on if
 * it is of TCP and too long for a peer. */
enum drop_reason plain_take(struct node *n, struct outgoing *o,
			    const struct frame *f, const struct eth_view *view);
/* Of the frame's flow; 0 where that says nothing. */
uint16_t plain_spread(const struct node *n, const struct eth_view *view,
		      const uint8_t *frame);
/* A datagram of our own to a peer, that was routed into our own TAP. */
bool plain_is_recursive(const struct node *n, const struct eth_view *view,
			const uint8_t *frame, size_t len);
/* Sends the chunk to whoever should have it. */
void plain_send(struct node *n, const struct outgoing *out, size_t count,
		uint64_t now_us);

#endif
