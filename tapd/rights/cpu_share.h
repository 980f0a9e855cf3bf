/* How soon the daemon gets a CPU that others want too. */
#ifndef TAPD_RIGHTS_CPU_SHARE_H
#define TAPD_RIGHTS_CPU_SHARE_H

/*
 * While other programs use the CPUs a frame waits for each daemon on its way to have its
 * turn. A turn is short, as a batch is, and without frames there is none. So the daemon
 * takes a nice value of -10, and slices of 100 µs: EEVDF (sched(7)), since Linux 6.12,
 * gives a task that wants less at a time its turn sooner. Its short sleeps end in time,
 * not within the 50 µs of others' timer slack. Its policy stays SCHED_OTHER: who floods
 * it must not take the CPU away from everybody else.
 *
 * Where the kernel groups tasks by session (autogroup), a nice value counts within the
 * session only. The group's own is left alone: a daemon that always comes before whoever
 * sends to it finds one frame at a time, and a flood takes the CPU from all others.
 *
 * What was set by whoever starts it is left alone: a nice value that is not 0, and a
 * policy that is not SCHED_OTHER.
 */

/* For the daemon, after the helper was forked, which would inherit it, and before the
 * right to it is dropped. What fails is left out; the log has an info line of it if the
 * right to the nice value is missing. */
void cpu_share_raise(void);

/* For the helper, and so for what it runs: slices of the usual length, and 0 in place of
 * a nice value below. */
void cpu_share_restore(void);

#endif
