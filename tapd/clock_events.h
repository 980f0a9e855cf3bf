/* Sleep, clones and steps of the wall clock: the node is told. */
#ifndef TAPD_CLOCK_EVENTS_H
#define TAPD_CLOCK_EVENTS_H

struct daemon;

/* From now on. What this kernel cannot tell is left out. */
void daemon_watch_clocks(struct daemon *d);
void daemon_unwatch_clocks(struct daemon *d);

#endif
