/* The TAP's side of the loop: frames are read, its link is followed. */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sysexits.h>

#include "tapd/daemon_state.h"
#include "tapd/log.h"

/* Somebody deleted it. Programs that used it have lost it, but those that come
 * find it again. */
static void open_again(struct daemon *d)
{
	const char *name = d->conf->interface.name;
	char *error = NULL;

	log_warning("%s was deleted: making it again", name);
	daemon_unwatch_interface(d);
	if (!interface_open_again(d->interface, &error) ||
	    !daemon_watch_interface(d)) {
		log_error("%s was deleted and cannot be made again: %s", name,
			  error ? error : "out of memory");
		free(error);
		daemon_stop(d, EX_OSERR);
		return;
	}
	d->carrier = !d->conf->interface.carrier_peers;
	d->peers_changed = true;
	daemon_follow_link(d);
	daemon_run_up_hook(d);
}

static void on_tap_pause(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;

	(void)fd;
	(void)what;
	event_add(d->tap_event, NULL);
}

static void on_tap(evutil_socket_t fd, short what, void *user)
{
	const struct timeval pause = { .tv_sec = 1 };
	struct daemon *d = user;
	struct tap_batch batch;

	(void)fd;
	(void)what;
	daemon_enter(d);
	batch = tap_read(interface_tap(d->interface));
	if (batch.bad > 0)
		node_count_drop(d->node, DROP_offload_bad, batch.bad);
	if (batch.count > 0) {
		node_from_tap(d->node, batch.frames, batch.count, d->now);
		node_flush(d->node, d->now);
	}
	if (batch.error != 0 && batch.error != -EAGAIN) {
		if (!tap_is_alive(interface_tap(d->interface))) {
			open_again(d);
		} else {
			/* It is down, or unwell: no use asking at once. */
			event_del(d->tap_event);
			evtimer_add(d->tap_pause, &pause);
		}
	}
	daemon_leave(d);
}

static bool is_link_local(const struct addr *a)
{
	return a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

void daemon_follow_link(struct daemon *d)
{
	const struct link_state *s = link_state(interface_link(d->interface));
	struct prefix prefixes[NODE_PREFIXES_MAX];
	size_t count = 0;

	if (s->mtu != d->tap_mtu && s->mtu <= UINT16_MAX) {
		d->tap_mtu = (uint16_t)s->mtu;
		node_set_tap_mtu(d->node, d->tap_mtu, d->now);
	}
	/* fe80::/64 is on every interface: it says nothing about this one. */
	for (unsigned i = 0; i < s->address_count; i++)
		if (!is_link_local(&s->addresses[i].addr) &&
		    count < NODE_PREFIXES_MAX)
			prefixes[count++] = s->addresses[i];
	node_set_tap_prefixes(d->node, prefixes, count, d->now);
}

static void on_link(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;

	(void)fd;
	(void)what;
	daemon_enter(d);
	switch (interface_follow(d->interface)) {
	case INTERFACE_SAME:
		break;
	case INTERFACE_CHANGED:
		daemon_follow_link(d);
		break;
	case INTERFACE_GONE:
		open_again(d);
		break;
	}
	daemon_leave(d);
}

bool daemon_watch_interface(struct daemon *d)
{
	d->tap_event = event_new(d->base, tap_fd(interface_tap(d->interface)),
				 EV_READ | EV_PERSIST, on_tap, d);
	d->link_event =
		event_new(d->base, link_fd(interface_link(d->interface)),
			  EV_READ | EV_PERSIST, on_link, d);
	d->tap_pause = evtimer_new(d->base, on_tap_pause, d);
	return d->tap_event && d->link_event && d->tap_pause &&
	       event_add(d->tap_event, NULL) == 0 &&
	       event_add(d->link_event, NULL) == 0;
}

void daemon_unwatch_interface(struct daemon *d)
{
	daemon_free_event(&d->tap_event);
	daemon_free_event(&d->link_event);
	daemon_free_event(&d->tap_pause);
}
