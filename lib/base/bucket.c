#include "base/bucket.h"

#include "base/clock.h"

static void bucket_fill(struct bucket *b, uint64_t now_us)
{
	b->tokens += (double)(now_us - b->at_us) * b->rate / (double)CLOCK_S;
	if (b->tokens > b->rate)
		b->tokens = b->rate;
	b->at_us = now_us;
}

bool bucket_take(struct bucket *b, uint64_t now_us)
{
	bucket_fill(b, now_us);
	if (b->tokens < 1)
		return false;
	b->tokens -= 1;
	return true;
}

bool bucket_low(struct bucket *b, uint64_t now_us)
{
	bucket_fill(b, now_us);
	return b->tokens < b->rate / 2.0;
}
