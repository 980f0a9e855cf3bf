#include "queue/codel.h"

/* A time of standing that begins so soon after the last one goes on where that had
 * got to (RFC 8289, 4.2). */
#define MEMORY_US (16 * CODEL_INTERVAL_US)
/* Who floods for hours makes no more of them; signals are 4 us apart then. */
#define COUNT_MAX (1U << 24)

static uint64_t square_root(uint64_t of)
{
	uint64_t root = 0, bit = (uint64_t)1 << 32;

	for (; bit > 0; bit >>= 1)
		if ((root + bit) <= of / (root + bit))
			root += bit;
	return root;
}

/* The interval, divided by the square root of how many signals there were. */
static uint64_t spacing(uint32_t count)
{
	return (CODEL_INTERVAL_US << 10) / square_root((uint64_t)count << 20);
}

static bool stands(struct codel *c, uint64_t sojourn_us, bool last,
		   uint64_t now_us)
{
	if (sojourn_us < CODEL_TARGET_US || last) {
		c->above_us = 0;
		return false;
	}
	if (c->above_us == 0)
		c->above_us = now_us;
	return now_us - c->above_us >= CODEL_INTERVAL_US;
}

static void begin(struct codel *c, uint64_t now_us)
{
	const uint32_t signals = c->count - c->count_at_start;
	const bool lately =
		c->next_us != 0 &&
		(now_us < c->next_us || now_us - c->next_us < MEMORY_US);

	c->signalling = true;
	c->count = lately && signals > 1 ? signals : 1;
	c->count_at_start = c->count;
	c->next_us = now_us + spacing(c->count);
}

bool codel_signals(struct codel *c, uint64_t sojourn_us, bool last,
		   uint64_t now_us)
{
	if (!stands(c, sojourn_us, last, now_us)) {
		c->signalling = false;
		return false;
	}
	if (!c->signalling) {
		begin(c, now_us);
		return true;
	}
	if (now_us < c->next_us)
		return false;
	if (c->count < COUNT_MAX)
		c->count++;
	c->next_us += spacing(c->count);
	return true;
}

void codel_is_empty(struct codel *c)
{
	c->above_us = 0;
}
