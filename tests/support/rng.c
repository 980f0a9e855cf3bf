/* Randomness that repeats. */
#include "support/rng.h"

#include <string.h>

struct rng rng_init(uint64_t seed)
{
	return (struct rng){ .state = seed };
}

uint64_t rng_u64(struct rng *r)
{
	uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
	return n > 0 ? rng_u64(r) % n : 0;
}

uint64_t rng_range(struct rng *r, uint64_t low, uint64_t high)
{
	return low + rng_below(r, high - low + 1);
}

bool rng_chance(struct rng *r, double probability)
{
	/* No draw for the common "never", so that adding a fault to one link
	 * does not change what the others do. */
	if (probability <= 0)
		return false;
	return (double)(rng_u64(r) >> 11) * 0x1p-53 < probability;
}

void rng_bytes(struct rng *r, void *buf, size_t len)
{
	uint8_t *at = buf;

	while (len > 0) {
		uint64_t word = rng_u64(r);
		size_t n = len < sizeof(word) ? len : sizeof(word);

		memcpy(at, &word, n);
		at += n;
		len -= n;
	}
}
