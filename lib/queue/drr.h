/* TCP's part of the queue: flows take turns, and hear when they stand (RFC 8290). */
#ifndef TAPD_QUEUE_DRR_H
#define TAPD_QUEUE_DRR_H

#include "queue/flows.h"
#include "queue/stats.h"

/*
 * Deficit round robin in bytes, a flow that just began before those that have long had
 * something here; CoDel in each flow. A signal is a mark where the transport
 * understands, and else the loss of a segment: of a GSO frame its first one, so that
 * the receiver sees a gap at once and the rest of the frame arrives.
 *
 * Invariants: a flow with a frame is in one of the two lists of turns; a flow that
 * stays below a quantum in a round waits for no other flow's second frame.
 */
#define DRR_QUANTUM 32768

struct drr {
	struct flows flows;
	struct flow_list fresh, old; /* by whose turn it is */
	struct slots *slots;
	struct queue_stats *stats;
	uint32_t count; /* frames that wait, */
	uint64_t bytes; /* and what they are together */
};

void drr_init(struct drr *d, struct slots *slots, struct queue_stats *stats);
/* The slot's len, at_us and flow are set; it is the queue's until it is taken. */
void drr_put(struct drr *d, struct slot *s);
/* The next to leave, to be given back to the slots; NULL: there is none (left). */
struct slot *drr_take(struct drr *d, uint64_t now_us);
/* Drops the oldest frame of that size of the flow with the most of them. False: no flow
 * has any, and nothing is dropped. */
bool drr_make_room(struct drr *d, enum slot_size size);

#endif
