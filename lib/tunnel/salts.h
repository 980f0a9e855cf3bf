/* Which salt came with which counter: what tells a copied sender from a replay. */
#ifndef TAPD_TUNNEL_SALTS_H
#define TAPD_TUNNEL_SALTS_H

#include <stdbool.h>
#include <stdint.h>

#include "tunnel/wire.h"

/*
 * A sender seals runs of consecutive counters under one salt (pack.h). What is kept
 * is the first counter that came of each of the last SALTS_RUNS, in order; all up to
 * the next one's have its salt. A counter that comes twice with two salts was sealed
 * twice, which one process never does: its memory was copied, or put back.
 *
 * Invariant: of a counter that was accepted and is not below the first that is
 * kept, the salt is the one it came with, whatever the order of arrival.
 */
#define SALTS_RUNS 16

/* Zeroed: none came. */
struct salts {
	uint32_t count;
	struct {
		uint32_t first;
		uint8_t salt[WIRE_SALT_LEN];
	} runs[SALTS_RUNS]; /* by counter, the oldest first */
};

/* A counter was accepted with this salt. */
void salts_note(struct salts *s, uint32_t counter,
		const uint8_t salt[WIRE_SALT_LEN]);
/* True if a counter that was accepted came with another salt than this; false
 * if that is not known. */
bool salts_differ(const struct salts *s, uint32_t counter,
		  const uint8_t salt[WIRE_SALT_LEN]);

#endif
