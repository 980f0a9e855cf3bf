#include "tapd/tap_events.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sysexits.h>

#include "tapd/carrier.h"
#include "tapd/conf/conf.h"
#include "tapd/daemon_state.h"
#include "tapd/discover/resolve.h"
#include "tapd/discover/sources.h"
#include "tapd/entry.h"
#include "tapd/hooks.h"
#include "tapd/log/log.h"
#include "tapd/outgoing.h"
#include "tapd/recursion.h"
#include "tapd/sockets.h"
#include "tapd/stop.h"
#include "tapd/tap/capture_watch.h"
#include "tapd/tap/host_watch.h"
#include "tapd/tap/interface.h"
#include "tapd/tap/own_addresses.h"
#include "tapd/unwatch.h"
#include "tapd/wanted.h"

/* Somebody deleted it. Programs that used it have lost it, but those that come
 * find it again. */
static void open_again(struct daemon *d)
{
	const char *name = d->conf->interface.name;
	char *error = NULL;

	log_warning("%s was deleted: making it again", name);
	daemon_unwatch_interface(d);
	host_watch_lost(d->host_watch, d->now);
	if (!interface_open_again(d->interface, &error) ||
	    !daemon_watch_interface(d)) {
		log_error("%s was deleted and cannot be made again: %s", name,
			  error ? error : "out of memory");
		free(error);
		daemon_stop(d, EX_OSERR);
		return;
	}
	daemon_set_offloads(d);
	daemon_begin_carrier(d);
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

void daemon_set_offloads(struct daemon *d)
{
	offload_level_apply(&d->offloads, d->conf, interface_tap(d->interface),
			    d->udp, d->node);
}

/* Who sees what is written to it? */
static void look_for_captures(struct daemon *d)
{
	const struct capture capture = capture_watch_look(
		d->capture_watch, interface_link(d->interface), d->now.mono_us);

	offload_level_capture(&d->offloads, d->conf,
			      interface_tap(d->interface), d->node, &capture);
}

static void on_capture_look(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;

	(void)fd;
	(void)what;
	daemon_enter(d);
	look_for_captures(d);
	daemon_leave(d);
}

/* ---- its frames ---- */

/* After frames were read: did it say that it is unwell? */
static void look_after(struct daemon *d, int error)
{
	const struct timeval pause = { .tv_sec = 1 };

	if (error == 0)
		return;
	if (!tap_is_alive(interface_tap(d->interface))) {
		open_again(d);
	} else {
		/* It is down, or unwell: no use asking at once. */
		event_del(d->tap_event);
		evtimer_add(d->tap_pause, &pause);
	}
}

static void on_tap(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;

	(void)fd;
	(void)what;
	daemon_enter(d);
	look_after(d, daemon_move_frames(d));
	daemon_leave(d);
}

/* ---- its other side ---- */

/* The node may be the querier of the TAP: it asks who wants what. */
static bool is_asked(const struct conf *c)
{
	return c->multicast_snooping && c->multicast_querier;
}

/* What its queue may hold was there when this began; what comes meanwhile does
 * not keep us here. */
static void drain_tap(struct daemon *d)
{
	look_after(
		d,
		daemon_drain_frames(
			d,
			link_state(interface_link(d->interface))->queue_len));
}

void daemon_before_tick(struct daemon *d)
{
	if (is_asked(d->conf) && !evtimer_pending(d->tap_pause, NULL) &&
	    host_watch_before_tick(d->host_watch, interface_link(d->interface),
				   d->now))
		drain_tap(d);
}

static void look(struct daemon *d)
{
	host_watch_look(d->host_watch, interface_link(d->interface), d->now);
}

static void on_look(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;

	(void)fd;
	(void)what;
	daemon_enter(d);
	look(d);
	daemon_leave(d);
}

/* False if memory is short. */
static bool set_looking(struct daemon *d)
{
	const struct timeval second = { .tv_sec = 1 };

	if (!d->look_event) /* stopping */
		return true;
	if (!is_asked(d->conf))
		return event_del(d->look_event) == 0;
	if (evtimer_pending(d->look_event, NULL))
		return true;
	look(d);
	return event_add(d->look_event, &second) == 0;
}

void daemon_set_multicast(struct daemon *d)
{
	node_set_multicast(d->node, d->conf->multicast_snooping,
			   d->conf->multicast_querier, d->now);
	if (!set_looking(d))
		log_error("out of memory: %s is not looked at",
			  d->conf->interface.name);
}

/* ---- its link ---- */

static void follow_own_addresses(struct daemon *d)
{
	const struct link_state *s = link_state(interface_link(d->interface));
	struct node_tap_address own[NODE_TAP_ADDRESSES_MAX];
	size_t configured_count, left_out, count;
	const struct prefix *configured =
		interface_addresses(d->interface, &configured_count);

	count = own_addresses(s, configured, configured_count,
			      own_addresses_clock(), d->now, own, &left_out);
	if (left_out > 0 && left_out != d->own_left_out)
		log_warning("%s has more than %d addresses: %zu of them are not"
			    " announced to peers that come up",
			    s->name, NODE_TAP_ADDRESSES_MAX, left_out);
	d->own_left_out = left_out;
	node_set_tap_addresses(d->node, own, count,
			       own_addresses_forwards(s->name), d->now);
}

void daemon_follow_link(struct daemon *d)
{
	const struct link_state *s = link_state(interface_link(d->interface));

	if (s->mtu != d->tap_mtu && s->mtu <= UINT16_MAX) {
		d->tap_mtu = (uint16_t)s->mtu;
		node_set_tap_mtu(d->node, d->tap_mtu, d->now);
	}
	node_set_tap_mac(d->node, s->mac, d->now);
	daemon_follow_uppers(d);
	follow_own_addresses(d);
	host_watch_follow(d->host_watch, interface_link(d->interface), d->now);
}

/* It was moved away and back. */
static void link_again(struct daemon *d)
{
	char *error = NULL;

	daemon_unwatch_interface(d);
	if (!interface_link_again(d->interface, &error))
		log_warning("%s", error ? error : "out of memory");
	free(error);
	if (daemon_watch_interface(d)) {
		daemon_follow_link(d);
		return;
	}
	log_error("out of memory");
	daemon_stop(d, EX_OSERR);
}

static void on_link(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;

	(void)fd;
	(void)what;
	daemon_enter(d);
	switch (interface_follow(d->interface)) {
	case INTERFACE_SAME: /* or moved to another network namespace */
		host_watch_follow(d->host_watch, interface_link(d->interface),
				  d->now);
		if (!link_state(interface_link(d->interface))->present)
			follow_own_addresses(d);
		break;
	case INTERFACE_CHANGED:
		daemon_follow_link(d);
		break;
	case INTERFACE_BACK:
		link_again(d);
		break;
	case INTERFACE_GONE:
		open_again(d);
		break;
	}
	if (!d->stopping && daemon_follow_device(d)) {
		daemon_set_offloads(d);
		daemon_follow_uppers(d);
	}
	if (!d->stopping && link_others_changed(interface_link(d->interface))) {
		resolve_links_changed(d->resolve);
		sources_links_changed(d->sources);
		daemon_follow_uppers(d);
	}
	if (!d->stopping)
		daemon_addresses_changed(d);
	daemon_leave(d);
}

bool daemon_watch_interface(struct daemon *d)
{
	const struct timeval second = { .tv_sec = 1 };

	d->tap_event = event_new(d->base, tap_fd(interface_tap(d->interface)),
				 EV_READ | EV_PERSIST, on_tap, d);
	d->link_event =
		event_new(d->base, link_fd(interface_link(d->interface)),
			  EV_READ | EV_PERSIST, on_link, d);
	d->tap_pause = evtimer_new(d->base, on_tap_pause, d);
	d->look_event = event_new(d->base, -1, EV_PERSIST, on_look, d);
	d->capture_event =
		event_new(d->base, -1, EV_PERSIST, on_capture_look, d);
	look_for_captures(d);
	return d->tap_event && d->link_event && d->tap_pause && d->look_event &&
	       d->capture_event && event_add(d->capture_event, &second) == 0 &&
	       event_add(d->tap_event, NULL) == 0 &&
	       event_add(d->link_event, NULL) == 0 && set_looking(d) &&
	       daemon_watch_queue(d);
}
