/* The part of the queue whose order is kept: all that is not TCP. */
#ifndef TAPD_QUEUE_FIFO_H
#define TAPD_QUEUE_FIFO_H

#include "queue/flows.h"
#include "queue/stats.h"

/*
 * One FIFO, for Corosync's token must not overtake its data, and which peers a frame
 * goes to is not known yet. Fairness is in who loses: when there is no room, the flow
 * with the most frames of that size loses its newest, so that a thin stream beside a
 * flood loses nothing, also one to a group of hundreds.
 *
 * A flood would also make the others wait as long as the FIFO has room. Bursts may
 * wait; but once frames waited for FIFO_TARGET_US or more all through FIFO_INTERVAL_US
 * the FIFO stands, and for as long as that goes on, and FIFO_MEMORY_US more, the flow
 * that costs the most pays until the oldest frame waited less, and no more than
 * FIFO_MOST batches wait: what comes in faster than it ages would make others wait, too.
 * One batch may always wait.
 */
#define FIFO_TARGET_US	 (CLOCK_MS / 2)
#define FIFO_INTERVAL_US (20 * CLOCK_MS)
#define FIFO_MEMORY_US	 (100 * CLOCK_MS)
#define FIFO_KEEP	 64    /* frames, */
#define FIFO_KEEP_BYTES	 65536 /* or these */
#define FIFO_MOST	 3

struct fifo {
	struct slot_list order;
	struct flows flows;
	struct slots *slots;
	struct queue_stats *stats;
	uint32_t count; /* frames that wait, */
	uint64_t bytes; /* and what they are together */
	uint64_t
		above_us; /* since then frames waited too long; 0: they do not */
	uint64_t stands_until_us;
};

void fifo_init(struct fifo *f, struct slots *slots, struct queue_stats *stats);
/* The slot's len, receivers, at_us and flow are set; it is the queue's until it is
 * taken. */
void fifo_put(struct fifo *f, struct slot *s, uint64_t now_us);
/* It stands, as above: who has the most pays. */
bool fifo_stands(const struct fifo *f, uint64_t now_us);
/* The next to leave, to be given back to the slots; NULL: there is none. */
struct slot *fifo_take(struct fifo *f, uint64_t now_us);
/*
 * A frame of that size and flow is to come in and there is no slot. Drops the newest of
 * such size of the flow with the most; false if that would be this very frame: it is
 * not to come in, and is counted by whoever has it.
 */
bool fifo_make_room(struct fifo *f, enum slot_size size, uint32_t flow);

#endif
