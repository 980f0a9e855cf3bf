/* Reproducible randomness for tests: splitmix64 (Steele, Lea, Flood 2014). */
#ifndef TAPD_TESTS_SPLITMIX_H
#define TAPD_TESTS_SPLITMIX_H

#include <stdbool.h>
#include <stdint.h>

/* Any seed will do, 0 and its neighbours too. */
struct splitmix {
	uint64_t state;
};

static inline uint64_t splitmix_next(struct splitmix *s)
{
	uint64_t z = s->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* 0..n-1 */
static inline uint64_t splitmix_below(struct splitmix *s, uint64_t n)
{
	return splitmix_next(s) % n;
}

/* True in percent of 100 cases. */
static inline bool splitmix_chance(struct splitmix *s, unsigned percent)
{
	return splitmix_below(s, 100) < percent;
}

#endif
