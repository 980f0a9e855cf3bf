/* A token bucket: how often something may happen. */
#ifndef TAPD_BASE_BUCKET_H
#define TAPD_BASE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

/* Gains `rate` tokens a second and holds those of one second at most. It begins
 * with the tokens that its owner sets. */
struct bucket {
	uint32_t rate;
	double tokens;
	uint64_t at_us; /* when tokens were last counted */
};

/* Takes a token; false if there is none. Time grows. */
bool bucket_take(struct bucket *b, uint64_t now_us);
/* Takes as many; false, and none are taken, if there are fewer. */
bool bucket_take_many(struct bucket *b, uint32_t count, uint64_t now_us);
/* True while the bucket is less than half full. */
bool bucket_low(struct bucket *b, uint64_t now_us);

#endif
