/* When the daemon has had its slice of the CPU, and others are to be asked. */
#ifndef TAPD_RIGHTS_SLICE_H
#define TAPD_RIGHTS_SLICE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Who asks for slices of 100 µs (cpu_share.h) does not get them: that a slice is over is
 * seen at the kernel's tick, every 4 ms as distributions build it, or when somebody is
 * woken there. So a daemon that finds work all the time runs up to a tick, and then
 * whoever is due, as long: to a program that shares the CPU, or to another tapd, each
 * frame may come that much late. So it gives way by itself (sched_yield) after a slice in
 * which it did not sleep. The kernel goes on with it at once if it is its turn still.
 *
 * What has slept since has a slice of its own: to give way costs the rest of one.
 */
#define SLICE_US 100
/* Between two turns of the loop: longer, and it slept, or was made to wait. */
#define SLICE_PAUSE_US 20

/* All zero to begin with. */
struct slice {
	uint64_t since_us;
	uint64_t asked_us; /* 0: it found something */
};

/* The loop asks for what there is, now; */
void slice_asks(struct slice *s, uint64_t now_us);
/* and has found it: now, the first time after it asked. */
void slice_finds(struct slice *s, uint64_t now_us);
/* Since it began, or was woken, it has been running for a slice. */
bool slice_is_over(const struct slice *s, uint64_t now_us);
void slice_begins(struct slice *s, uint64_t now_us);

#endif
