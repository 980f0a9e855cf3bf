#include "tapd/signals.h"

#include <event2/event.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/daemon_state.h"
#include "tapd/entry.h"
#include "tapd/log/log.h"
#include "tapd/reload.h"
#include "tapd/stop.h"

static void on_stop_signal(evutil_socket_t number, short what, void *user)
{
	struct daemon *d = user;

	(void)what;
	if (d->stopping) { /* told twice: do not wait for the hook */
		event_base_loopbreak(d->base);
		return;
	}
	log_info("%s: stopping", strsignal(number));
	daemon_enter(d);
	daemon_stop(d, 0);
	daemon_leave(d);
}

static void on_reload_signal(evutil_socket_t number, short what, void *user)
{
	struct daemon *d = user;
	char *error = NULL;
	json_t *changes;

	(void)number;
	(void)what;
	if (d->stopping)
		return;
	daemon_enter(d);
	changes = daemon_reload(d, &error);
	if (!changes)
		log_error("reload: nothing changed: %s", error);
	json_decref(changes);
	free(error);
	daemon_leave(d);
}

static bool add(struct daemon *d, unsigned at, int number,
		event_callback_fn call)
{
	d->signals[at] = evsignal_new(d->base, number, call, d);
	return d->signals[at] && event_add(d->signals[at], NULL) == 0;
}

bool daemon_watch_signals(struct daemon *d)
{
	return add(d, 0, SIGTERM, on_stop_signal) &&
	       add(d, 1, SIGINT, on_stop_signal) &&
	       add(d, 2, SIGHUP, on_reload_signal);
}
