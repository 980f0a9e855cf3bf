/* How every callback begins and ends: the time, and when to wake up next. */
#ifndef TAPD_ENTRY_H
#define TAPD_ENTRY_H

#include <stdint.h>

struct daemon;

/* Every entry from outside, the event loop or tapctl, that has the node do
 * something begins and ends so. */
void daemon_enter(struct daemon *d);
void daemon_leave(struct daemon *d);

/* The node's clock, now: CLOCK_BOOTTIME, which does not stand still while the machine
 * sleeps, for then keys get old, too. */
uint64_t daemon_monotonic_us(void);

#endif
