/*
 * For tests: datagrams as an attacker makes them who does not hold the secret.
 * It reads everything, and so its best material is what it recorded.
 */
#ifndef TAPD_TESTS_FORGE_H
#define TAPD_TESTS_FORGE_H

#include "support/net.h"

/* No path carries more: PMTU_MAX. */
#define FORGE_MAX 9188

/* A sample of datagrams. */
struct record {
	struct flight **flights;
	size_t count, max;
	size_t len; /* bytes in them */
	uint64_t seen;
};

/* Room for max; before that it keeps none. */
void record_init(struct record *r, size_t max);
void record_free(struct record *r);
/* Consumes f. A full record is a fair sample of all there was, but that half of it
 * is for handshakes. */
void record_add(struct record *r, struct rng *rng, struct flight *f);
/* One of them, or of its handshakes; NULL if none was found. Borrowed until the
 * next is added. */
const struct flight *record_pick(const struct record *r, struct rng *rng,
				 bool handshake);

enum forgery {
	FORGE_RANDOM,	/* random bytes, mostly with a valid type */
	FORGE_TRUNCATE, /* a recorded datagram's beginning */
	FORGE_EXTEND,	/* a recorded datagram with bytes after it */
	FORGE_FLIP,	/* … with some bits changed */
	FORGE_SPLICE,	/* the beginning of one and the end of another */
	FORGE_NOTHING,	/* as it was */
};

/* A datagram made from f, which FORGE_RANDOM does without. Returns its length. */
size_t forge(enum forgery kind, const struct record *r, struct rng *rng,
	     const struct flight *f, uint8_t out[FORGE_MAX]);

#endif
