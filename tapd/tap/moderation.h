/*
 * When to let lone frames gather for a moment instead of being woken for each.
 *
 * Frames that follow each other closely, but come one by one, each wake the daemon, and
 * at 15,000 a second that costs more than all else. So where frames are known to come
 * closer than the limit, the daemon sleeps for the limit and then looks, instead of
 * until something comes: two or three have gathered, and leave in one datagram. (Network
 * cards call it interrupt moderation, or coalescing.)
 *
 * It is for streams that go one way, for there nobody waits for an answer. What must
 * hold before it sleeps so:
 *
 *   - All frames of about the last MODERATION_TURNS turns of the loop that had any came
 *     from one side. What comes from the other begins the proof again. So requests and
 *     their responses are not held up, but for the first beside a stream; and busy_poll,
 *     which speaks only right after the side has changed, and this never speak of the
 *     same turn.
 *   - None was a TCP GSO frame: bulk gathers by itself, and has acknowledgements.
 *   - The mean interval between them is below the limit, so that a look finds more than
 *     one.
 *   - In this turn they were not closer than MODERATION_CLOSE_US, where a turn finds
 *     several anyway and to sleep would cost throughput, and not more than
 *     MODERATION_MOST, so that the turn has left none.
 *   - This turn's came within one limit of the last, or were found by a look. So after a
 *     pause nothing is delayed, and if a look finds nothing the daemon sleeps until
 *     something comes, as ever.
 *
 * So a frame is delayed by one limit at most, in each daemon on its way, and so is a
 * handshake or a timer that falls into one. Only frames count, read from the TAP or
 * written to it: no stranger makes us sleep.
 */
#ifndef TAPD_TAP_MODERATION_H
#define TAPD_TAP_MODERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/frame.h"
#include "tapd/tap/busy_poll.h"

#define MODERATION_TURNS    64
#define MODERATION_CLOSE_US 10
#define MODERATION_MOST	    32

struct moderation {
	uint64_t limit_us; /* 0: never */
	/* Of the frames before this turn: when they came, from where, and
	 * MODERATION_TURNS times the mean interval between them. */
	uint64_t last_us;
	enum busy_poll_side from;
	uint64_t intervals_us;
	bool looked; /* the turn began with a look */
	/* What this turn has found. */
	uint64_t turn_us;
	size_t count; /* each segment of a GSO frame is one */
	bool mixed;   /* from the other side, or TCP GSO frames */
};

/* To begin with, all zero, and at any time: the proof begins again. */
void moderation_set_limit(struct moderation *m, unsigned limit_us);

/* This turn found these, at least one. */
void moderation_frames(struct moderation *m, enum busy_poll_side from,
		       const struct frame *frames, size_t count,
		       uint64_t now_us);

/* At the end of each turn: for how long to sleep, and then to look without waiting; 0:
 * do not. */
uint64_t moderation_wait_us(struct moderation *m);

#endif
