#include "tapd/manager_events.h"

#include <event2/event.h>

#include "tapd/daemon_state.h"
#include "tapd/entry.h"
#include "tapd/manager/notify.h"
#include "tapd/service.h"
#include "tapd/unwatch.h"

static void on_second(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;

	(void)fd;
	(void)what;
	daemon_enter(d);
	daemon_tell_manager(d);
	daemon_leave(d);
}

static void on_watchdog(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	(void)user;
	notify_alive();
}

/* Called every so often, from now on; NULL if memory is short. */
static struct event *call_every(struct daemon *d, uint64_t us,
				event_callback_fn call)
{
	const struct timeval period = {
		.tv_sec = (time_t)(us / CLOCK_S),
		.tv_usec = (suseconds_t)(us % CLOCK_S),
	};
	struct event *e = event_new(d->base, -1, EV_PERSIST, call, d);

	if (e && event_add(e, &period) != 0)
		daemon_free_event(&e);
	return e;
}

bool daemon_watch_manager(struct daemon *d)
{
	const uint64_t watchdog_us = notify_watchdog_us();

	if (!notify_is_wanted())
		return true;
	d->progress.started_us = d->now.mono_us;
	d->manager_event = call_every(d, CLOCK_S, on_second);
	/* At half of the interval: one that is late does no harm. */
	if (watchdog_us > 1)
		d->watchdog_event = call_every(d, watchdog_us / 2, on_watchdog);
	daemon_tell_manager(d);
	return d->manager_event && (watchdog_us <= 1 || d->watchdog_event);
}

void daemon_unwatch_manager(struct daemon *d)
{
	daemon_free_event(&d->manager_event);
	daemon_free_event(&d->watchdog_event);
}
