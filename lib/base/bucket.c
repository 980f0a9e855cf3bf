#include "base/bucket.h"

#include "base/clock.h"

static void bucket_fill(struct bucket *b, uint64_t now_us)
{
	b->tokens += (double)(now_us - b->at_us) * b->rate / (double)CLOCK_S;
	if (b->tokens > b->rate)
		b->tokens = b->rate;
	b->at_us = now_us;
}

bool bucket_take_many(struct bucket *b, uint32_t count, uint64_t now_us)
{
	bucket_fill(b, now_us);
	if (b->tokens < count)
		return false;
	b->tokens -= count;
	return true;
}

bool bucket_take(struct bucket *b, uint64_t now_us)
{
	return bucket_take_many(b, 1, now_us);
}

bool bucket_low(struct bucket *b, uint64_t now_us)
{
	bucket_fill(b, now_us);
	return b->tokens < b->rate / 2.0;
}
