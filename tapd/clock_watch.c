#include "tapd/clock_watch.h"

#include <time.h>

#include "base/clock.h"

static uint64_t read_one(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * CLOCK_S + (uint64_t)t.tv_nsec / 1000;
}

struct clock_reading clock_read(void)
{
	struct clock_reading r;

	r.boot_us = read_one(CLOCK_BOOTTIME);
	r.mono_us = read_one(CLOCK_MONOTONIC);
	r.wall_us = read_one(CLOCK_REALTIME);
	r.boot_after_us = read_one(CLOCK_BOOTTIME);
	return r;
}

enum clock_sign clock_watch_look(struct clock_watch *w,
				 const struct clock_reading *r)
{
	const struct clock_watch before = *w;

	if (r->boot_after_us - r->boot_us > CLOCK_WATCH_NEAR_US)
		return CLOCK_SIGN_NONE; /* the next look sees it */
	*w = (struct clock_watch){
		.begun = true,
		.slept_us = r->boot_us - r->mono_us,
		.wall_us = r->wall_us - r->boot_us,
	};
	if (!before.begun)
		return CLOCK_SIGN_NONE;
	if ((int64_t)(w->slept_us - before.slept_us) >
	    (int64_t)CLOCK_WATCH_STEP_US)
		return CLOCK_SIGN_SLEPT;
	/* Less than a step either way: one comparison, for it wraps. */
	if (w->wall_us - before.wall_us + CLOCK_WATCH_STEP_US >
	    2 * CLOCK_WATCH_STEP_US)
		return CLOCK_SIGN_STEPPED;
	return CLOCK_SIGN_NONE;
}
