#include "tapd/underlay/send_limit.h"

#include "base/clock.h"

static uint32_t within(uint64_t bytes, uint32_t least, uint32_t most)
{
	if (bytes < least)
		return least;
	return bytes > most ? most : (uint32_t)bytes;
}

void send_limit_init(struct send_limit *l, uint64_t now_us)
{
	*l = (struct send_limit){ .bytes = SEND_LIMIT_START,
				  .ceiling = SEND_LIMIT_START,
				  .since_us = now_us };
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/*
 * What may lie in the socket of the larger limit, a batch above it, is to fit still in
 * the buffer of twice the limit that comes: an advert finds no room otherwise.
 */
static uint32_t least_after(const struct send_limit *l)
{
	const uint32_t batch = larger(l->batch, l->batch_before);

	return larger(l->bytes - l->bytes / 4, (l->bytes + batch + 1) / 2);
}

/* A second is over: what it showed. */
static void conclude(struct send_limit *l, uint64_t now_us)
{
	const uint64_t passed_us = now_us - l->since_us;
	uint32_t bytes = l->bytes;

	if (passed_us < CLOCK_S)
		return;
	/* More may lie in it than the limit is, for not all that is sent asks. */
	if (l->came)
		bytes -= l->left / 2 < bytes ? l->left / 2 : bytes;
	l->ceiling = within(l->sent * SEND_LIMIT_US / passed_us, SEND_LIMIT_MIN,
			    SEND_LIMIT_MAX);
	bytes = within(bytes, SEND_LIMIT_MIN, l->ceiling);
	l->bytes = larger(bytes, least_after(l));
	l->batch_before = l->batch;
	l->batch = 0;
	l->sent = 0;
	l->came = false;
	l->since_us = now_us;
}

bool send_limit_batch(struct send_limit *l, uint64_t bytes, uint64_t cost,
		      uint64_t now_us)
{
	const uint32_t before = l->bytes;
	const uint32_t batch = within(cost + cost / 4, 0, SEND_LIMIT_MAX);

	l->batch = larger(l->batch, batch);
	l->bytes = larger(l->bytes, batch);
	conclude(l, now_us);
	l->batch = larger(l->batch, batch);
	l->sent += bytes;
	return l->bytes != before;
}

bool send_limit_room(struct send_limit *l, uint32_t left, uint64_t now_us)
{
	const uint32_t before = l->bytes;

	if (left == 0 && l->bytes < l->ceiling)
		l->bytes = within((uint64_t)l->bytes * 2, 0, l->ceiling);
	if (!l->came || left < l->left)
		l->left = left;
	l->came = true;
	conclude(l, now_us);
	return l->bytes != before;
}
