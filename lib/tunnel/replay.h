/* The sliding window against replays. RFC 6479. */
#ifndef TAPD_TUNNEL_REPLAY_H
#define TAPD_TUNNEL_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#define REPLAY_WORDS 128 /* a power of two: a word's place is a mask away */
/* Counters this far behind the highest are still told apart. */
#define REPLAY_WINDOW ((REPLAY_WORDS - UINT64_C(1)) * 64)
/* Counters from here on are refused: no key lives that long. */
#define REPLAY_LIMIT (UINT64_C(1) << 31)

/* Zeroed: nothing seen. */
struct replay {
	uint64_t next; /* highest accepted + 1; 0: none */
	uint64_t bits[REPLAY_WORDS];
};

/* True if counter may still be accepted. Changes nothing: ask before the tag
 * is checked, then accept. */
bool replay_fresh(const struct replay *r, uint64_t counter);
/* True if it was accepted, and not too long ago to tell. */
bool replay_seen(const struct replay *r, uint64_t counter);
/* Marks counter as seen, once its tag was checked. False if it was not fresh. */
bool replay_accept(struct replay *r, uint64_t counter);

#endif
