#include "tapd/entry.h"

#include <event2/event.h>
#include <time.h>

#include "tapd/carrier.h"
#include "tapd/control/rates.h"
#include "tapd/daemon_state.h"
#include "tapd/service.h"

/* libevent reads a clock that moves with the kernel's tick; without this the
 * timer fires early, a few times in a row. */
#define TIMER_SLACK_US 4000

static uint64_t read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * CLOCK_S + (uint64_t)t.tv_nsec / 1000;
}

uint64_t daemon_monotonic_us(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

static void set_timer(struct daemon *d)
{
	uint64_t due = node_deadline(d->node), wait = 0;
	struct timeval delay;

	if (due >= d->timer_us)
		return;
	if (due > d->now.mono_us)
		wait = due - d->now.mono_us + TIMER_SLACK_US;
	delay = (struct timeval){
		.tv_sec = (time_t)(wait / CLOCK_S),
		.tv_usec = (suseconds_t)(wait % CLOCK_S),
	};
	evtimer_add(d->timer, &delay);
	d->timer_us = due;
}

void daemon_enter(struct daemon *d)
{
	d->now = (struct clock){
		.mono_us = daemon_monotonic_us(),
		.wall_us = read_clock(CLOCK_REALTIME),
	};
	slice_finds(&d->slice, d->now.mono_us);
}

void daemon_leave(struct daemon *d)
{
	if (d->stopping) /* perhaps because the interface is lost */
		return;
	if (d->peers_changed) {
		daemon_follow_peers(d);
		daemon_tell_manager(d);
	}
	rates_sample(d->rates, d->node, d->now.mono_us);
	set_timer(d);
}
