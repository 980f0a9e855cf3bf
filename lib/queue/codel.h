/* Controlled delay: when a queue that stands has to tell its senders (RFC 8289). */
#ifndef TAPD_QUEUE_CODEL_H
#define TAPD_QUEUE_CODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/*
 * RFC 8289 has 5 ms and 100 ms, for the Internet. A cloud's round trip is well below
 * a millisecond, and what shares the queue with bulk here are heartbeats.
 */
#define CODEL_TARGET_US	  (1 * CLOCK_MS)
#define CODEL_INTERVAL_US (20 * CLOCK_MS)

/* The state of one queue; all zero to begin with. */
struct codel {
	bool signalling;
	uint64_t above_us; /* since then + INTERVAL it stands; 0: it does not */
	uint64_t next_us;  /* when the next signal is due */
	uint32_t count;	   /* signals of this time of standing */
	uint32_t count_at_start;
};

/*
 * For each frame that leaves the queue, in order: how long it was there, and whether
 * it was the last one. True: its sender is to be told, by a mark or by its loss.
 */
bool codel_signals(struct codel *c, uint64_t sojourn_us, bool last,
		   uint64_t now_us);
/* The queue has lost its last frame otherwise: it does not stand. */
void codel_is_empty(struct codel *c);

#endif
