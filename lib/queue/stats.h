/* What the queue's parts count. */
#ifndef TAPD_QUEUE_STATS_H
#define TAPD_QUEUE_STATS_H

#include <stdint.h>

struct queue_stats {
	uint64_t full;	/* frames dropped for want of room */
	uint64_t delay; /* frames dropped, and segments, because a flow stood */
	uint64_t marks; /* frames marked for the same reason */
};

#endif
