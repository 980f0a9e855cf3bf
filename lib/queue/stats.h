/* What the queue's parts count, and whom they show what they drop. */
#ifndef TAPD_QUEUE_STATS_H
#define TAPD_QUEUE_STATS_H

#include <stdint.h>

#include "base/drop.h"
#include "base/frame.h"

struct slot;

/* A frame that is dropped, in at most two pieces; borrowed. Of a GSO frame that loses
 * its first segment, only that one. reason: DROP_queue_full, _delay. It may not call
 * the queue. */
typedef void queue_dropped(void *user, const struct frame *frame,
			   enum drop_reason reason);

struct queue_stats {
	uint64_t full;	/* frames dropped for want of room */
	uint64_t delay; /* frames dropped, and segments, because a flow stood */
	uint64_t marks; /* frames marked for the same reason */
	queue_dropped *dropped; /* NULL: nobody looks */
	void *user;
};

/* The slot's frame is dropped: counts it, and shows it. */
void stats_drop(struct queue_stats *stats, const struct slot *s,
		enum drop_reason reason);
/* And that it loses its first segment, if that is possible: false, and it is dropped as
 * a whole, if not. */
bool stats_drop_first(struct queue_stats *stats, struct slot *s,
		      enum drop_reason reason);

#endif
