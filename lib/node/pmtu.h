/* The datagram size of one path, by probing: RFC 8899, in its terms. */
#ifndef TAPD_NODE_PMTU_H
#define TAPD_NODE_PMTU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

/* UDP payloads. IPv4's 576 less headers needs no proof: RFC 8899's MIN_PLPMTU, then
 * its BASE_PLPMTU and MAX_PLPMTU. */
#define PMTU_MIN_V4 548
#define PMTU_BASE   1200
#define PMTU_MAX    9188 /* a 9216-byte IPv4 packet less its headers */

/*
 * The path drops packets silently and says nothing, so the only proof of a size
 * is an echo to a probe that was padded to it. State: `size` (the PLPMTU) is in use;
 * `probed_size`, if any, is in flight. The sizes to probe are a short table of
 * those that real paths have, and last `max`.
 *
 * Up: an echo makes the probed size the size in use, and the next one is probed at
 * once. After PMTU_MAX_PROBES lost probes of one size, those above wait
 * PMTU_RAISE_US.
 *
 * Down: the size in use is itself confirmed every PMTU_CONFIRM_US, while datagrams that
 * need a proof are sent, and else every PMTU_IDLE_US: between two hosts with nothing to
 * say to each other it would be most of what they send. Two such probes lost in a row
 * are a black hole: back to the base, or from the base to the minimum, and the search
 * begins again at once, for the loss may have been chance.
 * A wrong fall costs a few round trips of smaller datagrams, and a black hole is
 * left after PMTU_CONFIRM_US + 2 × PMTU_PROBE_US of use.
 *
 * A loss counts only if a small probe got through meanwhile: a path that is cut,
 * or loses everything, says nothing about sizes.
 *
 * Nothing sent before is cut anew: a new size holds from the next frame on.
 */
#define PMTU_MAX_PROBES	    3
#define PMTU_CONFIRM_PROBES 2
#define PMTU_PROBE_US	    (500 * CLOCK_MS) /* PROBE_TIMER */
#define PMTU_CONFIRM_US	    (5 * CLOCK_S)    /* CONFIRMATION_TIMER */
#define PMTU_IDLE_US	    (30 * CLOCK_S)
#define PMTU_RAISE_US	    (60 * CLOCK_S) /* PMTU_RAISE_TIMER */

struct pmtu {
	uint16_t size;	      /* in use */
	uint16_t min, max;    /* of it; equal: the administrator fixed it */
	uint16_t probed_size; /* in flight, or 0; size itself: a confirmation */
	uint8_t overhead;     /* of a leg; or 0 */
	uint8_t probe_count;  /* of that size: lost, in a row */
	bool used;	      /* above min, since it was last confirmed */
	uint64_t probed_us;   /* when the last probe was sent */
	uint64_t confirm_us;  /* when to confirm the size */
	uint64_t raise_us;    /* when to probe above the size */
};

/*
 * v6: the peer's endpoint is IPv6, which guarantees the base: it is where an
 * IPv6 peer starts, and its minimum. An IPv4 peer starts at PMTU_MIN_V4 and
 * probes the base at once. overhead: what a relay's leg takes of each datagram,
 * 0 without one; whether the relay and the hop behind it speak IPv6 is not known
 * then, and PMTU_MIN_V4 less that is the minimum. max: the largest payload to try. fixed: not 0 → use
 * exactly this and never probe.
 */
void pmtu_init(struct pmtu *p, bool v6, uint8_t overhead, uint16_t max,
	       uint16_t fixed, uint64_t now_us);
/* It was in use before, and is again: its size has to show at once that it still
 * gets through. */
void pmtu_resume(struct pmtu *p, uint64_t now_us);

/*
 * The UDP payload to pad a probe to now, or 0 if none is due. The caller sends
 * it at once *and beside it, as a datagram of its own, a small one*, so that
 * there is something to compare with. small_ok_us: when the echo of a small
 * probe was last heard. To be called while the peer is up.
 */
uint16_t pmtu_probe(struct pmtu *p, uint64_t small_ok_us, uint64_t now_us);
/* A datagram of that payload was sent. True if pmtu_deadline is another now. */
static inline bool pmtu_sent(struct pmtu *p, size_t payload)
{
	if (p->used || payload <= p->min)
		return false;
	p->used = true;
	return true;
}
/* An echo said that a datagram of `size` arrived. True if `size` in use grew. */
bool pmtu_echoed(struct pmtu *p, uint16_t size, uint64_t now_us);
/* Our own kernel refused a datagram of `size` (EMSGSIZE). True if the size in
 * use shrank. */
bool pmtu_too_big(struct pmtu *p, uint16_t size, uint64_t now_us);
/* The largest of the sizes that real paths have below this one, or PMTU_MIN_V4. */
uint16_t pmtu_size_below(size_t size);
/* When pmtu_probe wants to be called again; CLOCK_NEVER: not at all. */
uint64_t pmtu_deadline(const struct pmtu *p);

#endif
