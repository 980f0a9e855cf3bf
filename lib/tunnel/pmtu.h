/* The datagram size of one peer, by probing. RFC 8899 in spirit. */
#ifndef TAPD_TUNNEL_PMTU_H
#define TAPD_TUNNEL_PMTU_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/* UDP payloads that need no proof: IPv4's 576 and IPv6's 1280 less headers. */
#define PMTU_MIN_V4 548
#define PMTU_MIN_V6 1232
#define PMTU_BASE   1200
#define PMTU_MAX    9188 /* a 9216-byte IPv4 packet less its headers */

/*
 * The path drops packets silently and says nothing, so the only proof of a size
 * is an echo to a probe that was padded to it. State: `size` is in use and was
 * proven; `probing` is a candidate in flight. Candidates come from a short
 * ladder of sizes that real paths have. Echo → the candidate becomes the size
 * and the next one is tried. PMTU_LOSSES lost probes of a candidate → it waits
 * PMTU_RAISE_US. The size in use is itself re-proven every PMTU_CONFIRM_US; two
 * lost in a row *while small probes pass* → back to the base, or, from the base
 * itself, to the minimum. Nothing sent before is cut anew: a new size holds
 * from the next frame on.
 */
#define PMTU_LOSSES	3
#define PMTU_TIMEOUT_US (500 * CLOCK_MS)
#define PMTU_CONFIRM_US (5 * CLOCK_S)
#define PMTU_RAISE_US	(60 * CLOCK_S)

struct pmtu {
	uint16_t size;	    /* in use */
	uint16_t min, max;  /* the ladder's ends */
	uint16_t candidate; /* in flight, or 0 */
	uint8_t lost;	    /* of the candidate in a row */
	uint16_t ceiling;   /* sizes from here on failed lately; 0: none */
	uint64_t sent_us;   /* of the candidate's last probe */
	uint64_t next_us;   /* when to probe again */
};

/*
 * v6: the peer's endpoint is IPv6, whose minimum is above the base. max: the
 * largest payload to try (PMTU_BASE until larger ones are wanted). fixed: not
 * 0 → use exactly this and never probe.
 */
void pmtu_init(struct pmtu *p, bool v6, uint16_t max, uint16_t fixed,
	       uint64_t now_us);

/*
 * The UDP payload to pad a probe to now, or 0 if none is due. The caller sends
 * it at once. small_ok_us: when an unpadded probe was last echoed: a loss
 * counts only if small probes pass.
 */
uint16_t pmtu_probe(struct pmtu *p, uint64_t small_ok_us, uint64_t now_us);
/* An echo said that a datagram of `size` arrived. True if `size` in use grew. */
bool pmtu_echoed(struct pmtu *p, uint16_t size, uint64_t now_us);
/* Our own kernel refused a datagram of `size` (EMSGSIZE). True if the size in
 * use shrank. */
bool pmtu_too_big(struct pmtu *p, uint16_t size, uint64_t now_us);
/* The endpoint moved: start over from the proven minimum. */
void pmtu_reset(struct pmtu *p, bool v6, uint64_t now_us);
/* When pmtu_probe wants to be called again. */
uint64_t pmtu_deadline(const struct pmtu *p);

#endif
