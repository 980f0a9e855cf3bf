/* Time as the library sees it: an argument, never a system call. */
#ifndef TAPD_BASE_CLOCK_H
#define TAPD_BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_MS UINT64_C(1000)
#define CLOCK_S	 UINT64_C(1000000)
/* "No deadline". */
#define CLOCK_NEVER UINT64_MAX

/*
 * One reading of both clocks, in microseconds. mono_us never goes back, and goes on
 * while the machine sleeps; it drives every timer. wall_us counts from the Unix epoch, may jump, and is
 * used for nothing but the timestamp in a handshake initiation.
 */
struct clock {
	uint64_t mono_us;
	uint64_t wall_us;
};

/* CLOCK_NEVER is later than any time. */
static inline uint64_t clock_earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

#endif
