/* Frames by flow: who has how much in a queue. */
#ifndef TAPD_QUEUE_FLOWS_H
#define TAPD_QUEUE_FLOWS_H

#include "queue/codel.h"
#include "queue/slots.h"

/* Flows that share a number share what one would get (RFC 8290, 4.2). */
#define FLOWS 1024

struct flow {
	struct slot_list slots; /* oldest first */
	uint64_t cost;		/* bytes, for each of their receivers */
	uint32_t counts[SLOT_SIZES];
	TAILQ_ENTRY(flow) in_active;

	/* What drr.c keeps of it. */
	enum flow_turn { FLOW_IDLE, FLOW_NEW, FLOW_OLD } turn;
	int64_t deficit;
	struct codel codel;
	TAILQ_ENTRY(flow) in_turn;
};
TAILQ_HEAD(flow_list, flow);

struct flows {
	struct flow all[FLOWS];
	struct flow_list active; /* those with a frame */
};

static inline uint64_t slot_cost(const struct slot *s)
{
	return (uint64_t)s->len * s->receivers;
}

void flows_init(struct flows *f);
/* Its flow's number is s->flow, below FLOWS. */
struct flow *flows_add(struct flows *f, struct slot *s);
void flows_remove(struct flows *f, struct slot *s);
/* The one with the most frames of that size, for slots are what there is too little
 * of; NULL: none has any. A walk over those with a frame. */
struct flow *flows_with_most(const struct flows *f, enum slot_size size);
/* The one that costs the most, for time is; one with a single frame does not count
 * for more than its like, however many that goes to. NULL: none has a frame. The same
 * walk. */
struct flow *flows_fattest(const struct flows *f);

#endif
