/* Frames that are shown to whoever captures. */
#ifndef TAPD_NODE_SIGHT_H
#define TAPD_NODE_SIGHT_H

#include "node/peers.h"

/* Each only while somebody captures: n->seen is not NULL. */
/* A frame record that a peer is sent. */
void sight_record(const struct node *n, const struct peer *peer,
		  const uint8_t *record, size_t len);
/* A frame that a peer is sent, with a complete checksum. */
void sight_frame(const struct node *n, const struct peer *peer,
		 const uint8_t *frame, size_t len);
/* The segments of a GSO frame, split for datagrams that hold frames of that size. */
void sight_segments(const struct node *n, const struct peer *peer,
		    struct gso *g, size_t frame_max);
/* A frame of a peer's that goes to the TAP, or does not. */
void sight_arrival(const struct node *n, const struct peer *peer,
		   const struct wire_frame *frame, enum drop_reason reason);
/* A frame from the TAP that nobody is sent. */
void sight_dropped(const struct node *n, const struct frame *frame,
		   enum drop_reason reason);

#endif
