/* Do the clocks say that this host slept, or that its wall clock was stepped? */
#ifndef TAPD_CLOCK_WATCH_H
#define TAPD_CLOCK_WATCH_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Three clocks of Linux run apart in ways that tell what happened: CLOCK_BOOTTIME
 * gets ahead of CLOCK_MONOTONIC while the machine sleeps, and by nothing else, so
 * nobody else can bring that about. CLOCK_REALTIME gets away from both when it is
 * stepped, by whoever answers this host's NTP, too.
 *
 * They cannot be read at once, and a virtual machine may be paused between two of
 * them. So the others are read between two readings of CLOCK_BOOTTIME, and what
 * they say counts only if these are near. A slow slew of NTP is no step: the watch
 * is to look every minute or so.
 */
#define CLOCK_WATCH_STEP_US UINT64_C(2000000)
#define CLOCK_WATCH_NEAR_US UINT64_C(100000)
#define CLOCK_WATCH_EVERY_S 60

struct clock_reading {
	uint64_t boot_us; /* read first, */
	uint64_t mono_us, wall_us;
	uint64_t boot_after_us; /* and last */
};

struct clock_watch {
	bool begun;
	uint64_t slept_us; /* boot - mono */
	uint64_t wall_us;  /* wall - boot; it may wrap */
};

enum clock_sign {
	CLOCK_SIGN_NONE,
	CLOCK_SIGN_STEPPED, /* by more than CLOCK_WATCH_STEP_US, either way */
	CLOCK_SIGN_SLEPT,   /* … for longer; whatever the wall clock did */
};

struct clock_reading clock_read(void);
/* What happened since the last look; nothing did before the first. */
enum clock_sign clock_watch_look(struct clock_watch *w,
				 const struct clock_reading *r);

#endif
