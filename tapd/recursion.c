#include "tapd/recursion.h"

#include <event2/event.h>
#include <stdlib.h>

#include "tapd/daemon_state.h"
#include "tapd/entry.h"
#include "tapd/log/log.h"
#include "tapd/tap/interface.h"
#include "tapd/underlay/routes.h"
#include "tapd/unwatch.h"

/*
 * Each wanted endpoint's route is asked of the kernel: when it is wanted, and when
 * routes change. One that leads into the TAP, or a device above it, is not dialled. It
 * is a help, and no guard: what is routed there all the same is dropped by the node,
 * and what comes by there by the sockets.
 */

/* Questions in one turn of the loop: some 10 us each. */
#define QUESTIONS_A_TURN 64
/* Changes come in bursts. */
#define SETTLE_MS 100L

static bool is_inside(const struct daemon *d, unsigned interface)
{
	for (size_t i = 0; i < d->uppers_count; i++)
		if (d->uppers[i] == interface)
			return true;
	return false;
}

bool daemon_leads_inside(const struct daemon *d, const struct addr *to)
{
	return d->routes && is_inside(d, routes_interface(d->routes, to));
}

static void check_later(struct daemon *d, long ms)
{
	const struct timeval delay = { .tv_usec = ms * 1000 };

	if (d->routes && !evtimer_pending(d->routes_timer, NULL))
		evtimer_add(d->routes_timer, &delay);
}

/* The next of the wanted that was not asked for; NULL at the end. */
static const struct addr *next_wanted(struct daemon *d)
{
	while (d->routes_source < NODE_SOURCE_COUNT) {
		const struct wanted_list *w = &d->wanted[d->routes_source];

		if (d->routes_at < w->count)
			return &w->addrs[d->routes_at++];
		d->routes_source++;
		d->routes_at = 0;
	}
	return NULL;
}

/* A round that is under way is finished first: routes that change all the time must not
 * keep it from the last of the wanted. */
static void check_all(struct daemon *d, long ms)
{
	const bool pending =
		d->routes && evtimer_pending(d->routes_timer, NULL);
	const bool begun = d->routes_source > 0 || d->routes_at > 0;

	d->routes_again = pending && begun;
	if (pending)
		return;
	d->routes_source = (enum node_source)0;
	d->routes_at = 0;
	check_later(d, ms);
}

static void on_check(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;
	const struct addr *to = NULL;

	(void)fd;
	(void)what;
	daemon_enter(d);
	for (int i = 0; i < QUESTIONS_A_TURN && (to = next_wanted(d)); i++)
		node_set_recursive(
			d->node, to,
			is_inside(d, routes_interface(d->routes, to)), d->now);
	if (to)
		check_later(d, 0);
	else if (d->routes_again)
		check_all(d, SETTLE_MS);
	daemon_leave(d);
}

static void on_changed(evutil_socket_t fd, short what, void *user)
{
	struct daemon *d = user;

	(void)fd;
	(void)what;
	routes_read(d->routes);
	check_all(d, SETTLE_MS);
}

void daemon_check_routes(struct daemon *d)
{
	check_all(d, 0);
}

void daemon_follow_uppers(struct daemon *d)
{
	const struct link_state *s = link_state(interface_link(d->interface));

	d->uppers_count = s->present ? uppers_find(s->name, d->uppers) : 0;
	udp_set_inside(d->udp, d->uppers, d->uppers_count);
	daemon_check_routes(d);
}

bool daemon_watch_routes(struct daemon *d)
{
	d->routes = routes_open(&d->conf->routing);
	if (!d->routes) {
		log_warning("cannot ask for routes: a peer that is routed into"
			    " the overlay is found out late");
		return true;
	}
	d->routes_event = event_new(d->base, routes_fd(d->routes),
				    EV_READ | EV_PERSIST, on_changed, d);
	d->routes_timer = evtimer_new(d->base, on_check, d);
	return d->routes_event && d->routes_timer &&
	       event_add(d->routes_event, NULL) == 0;
}

void daemon_unwatch_routes(struct daemon *d)
{
	daemon_free_event(&d->routes_event);
	daemon_free_event(&d->routes_timer);
	routes_close(d->routes);
	d->routes = NULL;
}
