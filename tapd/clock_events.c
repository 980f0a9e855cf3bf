/*
 * A timer on CLOCK_REALTIME with TFD_TIMER_CANCEL_ON_SET is woken when that clock
 * is set, and when the machine comes back from sleep. Both are looked for then, and
 * once a minute. libevent's timers stand still during a sleep, so what they wait for
 * may be long past: the node's is set again.
 */
#include "tapd/clock_events.h"

#include <errno.h>
#include <event2/event.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "tapd/conf/encapsulation.h"
#include "tapd/daemon_state.h"
#include "tapd/entry.h"
#include "tapd/generation.h"
#include "tapd/log/log.h"
#include "tapd/rekey.h"
#include "tapd/unwatch.h"

static void stepped(struct daemon *d)
{
	if (!conf_is_sealed(d->conf))
		return;
	/* Whoever steps it may do so often. */
	if (!d->stepped_us || d->now.mono_us - d->stepped_us >= 60 * CLOCK_S) {
		log_info(
			"the wall clock was stepped: session keys are renewed");
		d->stepped_us = d->now.mono_us;
	}
	node_renew(d->node, d->now);
}

static void on_clock(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;
	enum clock_sign sign = CLOCK_SIGN_NONE;
	uint64_t expired;

	(void)what;
	/* It fails if it was woken early; why is what the clocks say. */
	if (read(fd, &expired, sizeof(expired)) < 0 && errno == EAGAIN)
		return;
	daemon_enter(d);
	/* The second time it is only for a pause in the first. */
	for (int i = 0; i < 2 && sign == CLOCK_SIGN_NONE; i++) {
		const struct clock_reading reading = clock_read();

		sign = clock_watch_look(&d->clock_watch, &reading);
	}
	switch (sign) {
	case CLOCK_SIGN_SLEPT:
		daemon_forget(d, "this host slept");
		break;
	case CLOCK_SIGN_STEPPED:
		stepped(d);
		break;
	case CLOCK_SIGN_NONE:
		break;
	}
	d->timer_us = CLOCK_NEVER;
	daemon_leave(d);
}

static void on_uevent(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;

	(void)what;
	if (!generation_changed(fd))
		return;
	daemon_enter(d);
	daemon_forget(d, "this machine was cloned or put back");
	daemon_leave(d);
}

/* A descriptor that is watched, or not if it is none. Takes it. */
static struct event *watch(struct daemon *d, int fd, event_callback_fn call,
			   const char *what)
{
	struct event *e = NULL;

	if (fd >= 0)
		e = event_new(d->base, fd, EV_READ | EV_PERSIST, call, d);
	if (e && event_add(e, NULL) == 0)
		return e;
	log_info("%s cannot be watched: tapctl rekey does what it would have"
		 " done",
		 what);
	daemon_free_event(&e);
	if (fd >= 0)
		close(fd);
	return NULL;
}

static int open_timer(void)
{
	struct itimerspec every = { .it_interval.tv_sec = CLOCK_WATCH_EVERY_S };
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd < 0)
		return -1;
	clock_gettime(CLOCK_REALTIME, &every.it_value);
	every.it_value.tv_sec += CLOCK_WATCH_EVERY_S;
	if (timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
			    &every, NULL) == 0)
		return fd;
	close(fd);
	return -1;
}

void daemon_watch_clocks(struct daemon *d)
{
	const struct clock_reading reading = clock_read();

	clock_watch_look(&d->clock_watch, &reading);
	d->clock_event = watch(d, open_timer(), on_clock, "the wall clock");
	d->generation_event = watch(d, generation_open(), on_uevent,
				    "the generation of this machine");
}

static void unwatch(struct event **e)
{
	int fd = *e ? event_get_fd(*e) : -1;

	daemon_free_event(e);
	if (fd >= 0)
		close(fd);
}

void daemon_unwatch_clocks(struct daemon *d)
{
	unwatch(&d->clock_event);
	unwatch(&d->generation_event);
}
