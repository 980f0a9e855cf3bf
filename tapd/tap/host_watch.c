#include "tapd/tap/host_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/log/log.h"
#include "tapd/tap/listeners.h"

/* How old the last look may be when the node concludes something. */
#define FRESH_US (100 * CLOCK_MS)

struct host_watch {
	struct node *node;
	struct listeners *listeners;
	/* As the node knows it. */
	bool up;
	unsigned wants;
	uint64_t tx_dropped;
	uint64_t checked_us; /* before a tick; 0: never */
	/* What failed is logged once. */
	bool look_failed, listeners_failed;
};

struct host_watch *host_watch_new(struct node *n)
{
	struct host_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->node = n;
	w->listeners = listeners_new();
	if (w->listeners)
		return w;
	free(w);
	return NULL;
}

void host_watch_free(struct host_watch *w)
{
	if (!w)
		return;
	listeners_free(w->listeners);
	free(w);
}

static void tell_wants(struct host_watch *w, unsigned wants, struct clock now)
{
	if (wants == w->wants)
		return;
	w->wants = wants;
	node_set_tap_wants(w->node, wants, now);
}

static void tell_state(struct host_watch *w, const struct link_state *s,
		       struct clock now)
{
	if (s->running != w->up) {
		w->up = s->running;
		w->tx_dropped = s->tx_dropped;
		if (w->up)
			node_tap_up(w->node, now);
		else
			node_tap_down(w->node, now);
	} else if (s->tx_dropped > w->tx_dropped) {
		w->tx_dropped = s->tx_dropped;
		if (w->up)
			node_tap_dropped(w->node, now);
	}
}

/* A message may have been older than the last look. Of a count the larger
 * counts, and that it is all-multicast no more is for a look to say. */
void host_watch_follow(struct host_watch *w, const struct link *l,
		       struct clock now)
{
	const struct link_state *s = link_state(l);
	unsigned wants = w->wants & NODE_TAP_ALLMULTI;

	if (s->allmulti)
		wants |= NODE_TAP_ALLMULTI;
	if (s->enslaved)
		wants |= NODE_TAP_BRIDGED;
	tell_state(w, s, now);
	tell_wants(w, wants, now);
}

void host_watch_lost(struct host_watch *w, struct clock now)
{
	if (w->up)
		node_tap_down(w->node, now);
	w->up = false;
	w->checked_us = 0;
	tell_wants(w, 0, now);
}

/* Whether frames were dropped, or may have been. */
static bool look(struct host_watch *w, struct link *l, struct clock now)
{
	uint64_t dropped = w->tx_dropped;
	int err = link_ask(l);

	if (err < 0 && err != -ENODEV) {
		if (!w->look_failed)
			log_warning("%s: cannot ask the kernel about it: %s:"
				    " until it answers, this host gets every"
				    " multicast group",
				    link_state(l)->name, strerror(-err));
		w->look_failed = true;
		node_tap_dropped(w->node, now);
		return true;
	}
	w->look_failed = false;
	if (!link_state(l)->allmulti)
		tell_wants(w, w->wants & ~(unsigned)NODE_TAP_ALLMULTI, now);
	host_watch_follow(w, l, now);
	return w->tx_dropped != dropped;
}

void host_watch_look(struct host_watch *w, struct link *l, struct clock now)
{
	const uint8_t *macs;
	size_t count;
	int err;

	if (!w->up)
		return;
	look(w, l, now);
	err = listeners_read(w->listeners, link_state(l)->index);
	if (err < 0) {
		if (!w->listeners_failed)
			log_warning("/proc/net/dev_mcast: %s: members that a"
				    " firewall keeps silent are not noticed",
				    strerror(-err));
		w->listeners_failed = true;
		return;
	}
	w->listeners_failed = false;
	macs = listeners_macs(w->listeners, &count);
	if (w->up)
		node_tap_listening(w->node, macs, count, now);
}

bool host_watch_before_tick(struct host_watch *w, struct link *l,
			    struct clock now)
{
	if (!w->up || (w->checked_us && now.mono_us - w->checked_us < FRESH_US))
		return false;
	w->checked_us = now.mono_us;
	/* With frames lost the node concludes nothing: they need not be read
	 * now, when there is more to do than can be done. */
	return !look(w, l, now) && w->up;
}
