#include "tapd/rights/slice.h"

void slice_asks(struct slice *s, uint64_t now_us)
{
	s->asked_us = now_us;
}

void slice_finds(struct slice *s, uint64_t now_us)
{
	if (s->asked_us != 0 && now_us - s->asked_us > SLICE_PAUSE_US)
		s->since_us = now_us;
	s->asked_us = 0;
}

bool slice_is_over(const struct slice *s, uint64_t now_us)
{
	return now_us - s->since_us >= SLICE_US;
}

void slice_begins(struct slice *s, uint64_t now_us)
{
	s->since_us = now_us;
}
