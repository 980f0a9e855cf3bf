/* Randomness for tests that repeats: every choice of a run follows from its seed. */
#ifndef TAPD_TESTS_RNG_H
#define TAPD_TESTS_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SplitMix64 (Steele, Lea, Flood 2014): one word of state, good enough to
 * decide who loses which datagram. It stands in for the cryptographic
 * generator too, for a run must repeat. */
struct rng {
	uint64_t state;
};

/* Any seed will do, 0 and its neighbours too. */
struct rng rng_init(uint64_t seed);
uint64_t rng_u64(struct rng *r);
/* 0..n-1; 0 if n is 0. */
uint64_t rng_below(struct rng *r, uint64_t n);
/* low..high, both included. */
uint64_t rng_range(struct rng *r, uint64_t low, uint64_t high);
/* True with this probability. */
bool rng_chance(struct rng *r, double probability);
void rng_bytes(struct rng *r, void *buf, size_t len);

#endif
