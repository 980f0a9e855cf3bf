/* For tests: a network with a virtual clock. */
#include "support/net.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "support/alloc.h"

struct flight *flight_new(unsigned sender, const struct addr *from,
			  const struct addr *to, const uint8_t *bytes,
			  size_t len)
{
	struct flight *f = test_zalloc(1, sizeof(*f) + len);

	f->sender = sender;
	f->from = *from;
	f->to = *to;
	f->len = len;
	if (len > 0)
		memcpy(f->bytes, bytes, len);
	return f;
}

struct flight *flight_copy(const struct flight *f)
{
	return test_copy(f, sizeof(*f) + f->len);
}

/* ---- links ---- */

void net_init(struct net *n, uint64_t now_us, struct rng rng,
	      const struct link *like)
{
	*n = (struct net){ .now_us = now_us, .rng = rng };
	n->queue = queue_new();
	n->links = test_zalloc((size_t)NET_HOSTS_MAX * NET_HOSTS_MAX,
			       sizeof(*n->links));
	net_all_links(n, like);
}

void net_free(struct net *n)
{
	queue_free(n->queue);
	free(n->links);
}

struct link *net_link(struct net *n, unsigned from, unsigned to)
{
	return &n->links[from * NET_HOSTS_MAX + to];
}

static void link_set(struct link *l, const struct link *like)
{
	struct link was = *l;

	*l = *like;
	l->last_us = was.last_us;
	l->lost_us = was.lost_us;
	l->longest_us = was.longest_us;
	l->disordered = was.disordered || like->reorder > 0;
}

void net_all_links(struct net *n, const struct link *like)
{
	for (unsigned i = 0; i < NET_HOSTS_MAX; i++)
		for (unsigned j = 0; j < NET_HOSTS_MAX; j++)
			link_set(net_link(n, i, j), like);
}

void net_isolate(struct net *n, unsigned host, bool cut)
{
	for (unsigned i = 0; i < NET_HOSTS_MAX; i++) {
		if (i == host)
			continue;
		net_link(n, i, host)->cut = cut;
		net_link(n, host, i)->cut = cut;
	}
}

/* ---- datagrams ---- */

double net_draw_delay(struct net *n)
{
	return (double)rng_below(&n->rng, 1024) / 1024;
}

void net_launch(struct net *n, unsigned to, struct flight *f, uint64_t at_us)
{
	f->sent_us = n->now_us;
	queue_push(n->queue, at_us, EVENT_ARRIVAL, to, f);
}

/* One copy of a datagram on its way, delay after now. */
static void carry(struct net *n, struct link *l, unsigned to, struct flight *f,
		  uint64_t delay_us)
{
	uint64_t at = n->now_us + delay_us;

	if (rng_chance(&n->rng, l->reorder)) {
		/* Overtaken by what is sent in the next milliseconds. */
		at += rng_range(&n->rng, 1, 5 * CLOCK_MS);
	} else {
		if (at < l->last_us)
			at = l->last_us;
		l->last_us = at;
	}
	if (at - n->now_us > l->longest_us)
		l->longest_us = at - n->now_us;
	net_launch(n, to, f, at);
}

enum net_fate net_send(struct net *n, unsigned to, struct flight *f,
		       double delay)
{
	struct link *l = net_link(n, f->sender, to);
	uint64_t delay_us =
		l->delay_min_us +
		(uint64_t)(delay * (double)(l->delay_max_us - l->delay_min_us));

	if (l->datagram_max && f->len > l->datagram_max) {
		l->lost_us = n->now_us;
		return NET_TOO_BIG;
	}
	if (l->cut || rng_chance(&n->rng, l->loss)) {
		l->lost_us = n->now_us;
		return NET_LOST;
	}
	if (rng_chance(&n->rng, l->dup))
		carry(n, l, to, flight_copy(f), delay_us);
	carry(n, l, to, f, delay_us);
	return NET_SENT;
}
