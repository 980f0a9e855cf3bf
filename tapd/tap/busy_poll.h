/*
 * When to ask for the next frame again and again instead of sleeping for it.
 *
 * A request goes one way and its response the other, and for each the daemon is
 * woken: on a host whose CPUs are idle the wake-up takes longer than all else. So
 * after a lone frame whose like was lately always answered soon, by a lone frame
 * from the other side, the daemon asks for the answer until the limit has passed
 * (as net.core.busy_poll does for sockets, and halt polling for guests).
 *
 * Invariants: only frames count, read from the TAP or written to it, so no
 * stranger makes us poll. What comes in batches or GSO frames, or from one side
 * only, is never polled for. Waiting in vain costs one limit, and is not tried
 * again on that side before BUSY_POLL_PROOF more answers came soon.
 */
#ifndef TAPD_TAP_BUSY_POLL_H
#define TAPD_TAP_BUSY_POLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/frame.h"

#define BUSY_POLL_PROOF 3

enum busy_poll_side { BUSY_POLL_TAP, BUSY_POLL_PEERS };

/* All zero to begin with, but for the limit. */
struct busy_poll {
	uint64_t limit_us; /* 0: never poll; may change at any time */
	/* The last frames: when they came, and from where. */
	uint64_t last_us;
	enum busy_poll_side from;
	bool lone;	      /* there was one, and no GSO frame */
	unsigned answered[2]; /* in a row and soon, by side of the request */
};

/* These came together, at least one. */
void busy_poll_frames(struct busy_poll *p, enum busy_poll_side from,
		      const struct frame *frames, size_t count,
		      uint64_t now_us);

/* Poll until this time; in the past (or 0): sleep. */
uint64_t busy_poll_until(const struct busy_poll *p);

#endif
