/* Frames for tests of the fair queue: of a kind, a flow and a number. */
#ifndef TAPD_TESTS_QUEUE_FRAMES_H
#define TAPD_TESTS_QUEUE_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "base/frame.h"

enum queue_kind {
	QUEUE_TCP,
	QUEUE_TCP_GSO, /* in segments of 1448 bytes */
	QUEUE_TCP_ECN, /* the same, of a sender that is told by marks */
	QUEUE_UDP,
	QUEUE_GROUP, /* UDP to a group address */
	QUEUE_ARP,
	QUEUE_IGMP,
	QUEUE_KINDS
};

/* The shortest frame with all its headers and its number. */
#define QUEUE_FRAME_MIN 78

/* Writes the headers, and the number before the frame's end. The rest is as it was. */
void queue_frame(uint8_t *frame, size_t len, enum queue_kind kind,
		 unsigned flow, uint64_t number, struct offload *o);
/* Of a frame, or what is left of it. */
uint64_t queue_frame_number(const uint8_t *frame, size_t len);
enum queue_kind queue_frame_kind(const struct frame *f);
unsigned queue_frame_flow(const uint8_t *frame);

#endif
