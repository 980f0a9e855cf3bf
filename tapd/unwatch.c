#include "tapd/unwatch.h"

#include <event2/event.h>

#include "tapd/daemon_state.h"

void daemon_free_event(struct event **e)
{
	if (*e)
		event_free(*e);
	*e = NULL;
}

void daemon_unwatch_interface(struct daemon *d)
{
	daemon_free_event(&d->tap_event);
	daemon_free_event(&d->link_event);
	daemon_free_event(&d->tap_pause);
	daemon_free_event(&d->look_event);
	daemon_free_event(&d->capture_event);
	daemon_free_event(&d->queue_event);
}

void daemon_unwatch_sockets(struct daemon *d)
{
	for (unsigned i = 0; i < UDP_SOCKETS_MAX; i++) {
		daemon_free_event(&d->sockets[i].event);
		daemon_free_event(&d->sockets[i].strangers);
	}
	for (unsigned i = 0; i < UDP_SENDERS_MAX; i++)
		daemon_free_event(&d->senders[i].room);
}
