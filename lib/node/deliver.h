/* Frames from peers, to the TAP. */
#ifndef TAPD_NODE_DELIVER_H
#define TAPD_NODE_DELIVER_H

#include "ether/merge.h"
#include "node/peers.h"

/* What the merging of frames needs of a node that is being made. */
extern const struct merge_ops node_merge_ops;

/*
 * A frame of the peer gets its verdict, and if nothing is wrong with it, goes to the
 * TAP with the next flush of the merge table. Its bytes are borrowed until then, and
 * written in. reassembly_slot: where it lies if it was reassembled, which is released
 * then; TABLE_NONE: it was not.
 */
void deliver_frame(struct node *n, struct peer *peer,
		   const struct wire_frame *frame, uint32_t reassembly_slot,
		   uint64_t now_us);

#endif
