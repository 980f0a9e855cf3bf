/*
 * When to ask for the next frame again and again instead of sleeping for it.
 *
 * A request goes one way and its response the other, and for each the daemon is
 * woken: on a host whose CPUs are idle the wake-up takes longer than all else. So
 * after a lone frame that was lately always answered soon, from the other side,
 * the daemon asks for the answer until the limit has passed (as net.core.busy_poll
 * does for sockets, and halt polling for guests).
 *
 * Invariants: a stream, one-way or with acknowledgements, is never polled for,
 * since its turns have more than a lone frame or come from one side only. Waiting
 * in vain costs one limit, and is not tried again on that side before
 * BUSY_POLL_PROOF more answers came soon.
 */
#ifndef TAPD_BUSY_POLL_H
#define TAPD_BUSY_POLL_H

#include <stdbool.h>
#include <stdint.h>

#define BUSY_POLL_PROOF 3

enum busy_poll_side { BUSY_POLL_TAP, BUSY_POLL_UDP };

/* All zero to begin with. */
struct busy_poll {
	uint64_t limit_us; /* 0: never poll */
	uint64_t turn_us;
	enum busy_poll_side side; /* of the last turn, and whether it had one */
	bool lone;		  /* frame, no super-frame */
	unsigned answered[2];	  /* in a row, soon, by side of the request */
};

/* A turn of the loop read something. */
void busy_poll_turn(struct busy_poll *p, enum busy_poll_side side, bool lone,
		    uint64_t now_us);

/* Until when it is worth to ask; in the past (or 0): sleep. */
uint64_t busy_poll_until(const struct busy_poll *p);

#endif
