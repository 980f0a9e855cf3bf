/*
 * A ping is a probe like any other (probe.c): its echo is the answer, so each peer
 * answers, of any version. It carries a random token in the place of the time, by which
 * it is known when it comes back.
 *
 * The largest size is searched with several sizes at once, between one that came
 * through and one that did not; the echo says which came. First the size in use, and a
 * byte more: that is the answer for most paths. Then PING_SIZES in equal steps, a few
 * times each, for one that is lost by chance would end the search too low.
 */
#include "node/ping.h"

#include <stdlib.h>

#include "node/probe.h"
#include "node/send.h"

#define TRIES	 4
#define ROUND_US (100 * CLOCK_MS) /* and twice the round trip */

static_assert(NODE_PING_SIZE_MIN == PROBE_SIZE, "a probe, not padded");
static_assert(NODE_PING_SIZE_MAX == PMTU_MAX, "the largest that is sent");

bool ping_init(struct node *n)
{
	n->pings = calloc(1, sizeof(*n->pings));
	if (!n->pings)
		return false;
	n->pings->timer.kind = NODE_TIMER_PING;
	return true;
}

void ping_free(struct node *n)
{
	free(n->pings);
}

static struct peer *peer_up_of(const struct node *n, const struct ping *p)
{
	struct peer *peer = peers_find(n, &p->to);

	return peer && peer->state == PEER_UP && peer->current ? peer : NULL;
}

static void arm(struct node *n)
{
	uint64_t due_us = CLOCK_NEVER;

	for (int i = 0; i < NODE_PINGS_MAX; i++) {
		const struct ping *p = &n->pings->ping[i];

		if (p->used && p->searches && !p->done)
			due_us = clock_earlier(due_us, p->next_us);
	}
	timers_set(&n->timers, &n->pings->timer, due_us);
}

/* ---- the search ---- */

/* Sizes to try between what comes through and what does not, in equal steps. */
static void choose_sizes(struct ping *p)
{
	const unsigned span = p->high - p->low;

	p->sizes_count = 0;
	for (unsigned i = 1; i <= PING_SIZES; i++) {
		uint16_t size =
			(uint16_t)(p->low + span * i / (PING_SIZES + 1));
		size_t count = p->sizes_count;

		if (size > p->low && (!count || size > p->sizes[count - 1]))
			p->sizes[p->sizes_count++] = size;
	}
	/* Of a few all are tried. */
	if (span <= PING_SIZES + 1)
		for (p->sizes_count = 0; p->sizes_count < span - 1;
		     p->sizes_count++)
			p->sizes[p->sizes_count] =
				(uint16_t)(p->low + 1 + p->sizes_count);
	p->tries = 0;
}

static bool is_open(const struct ping *p, uint16_t size)
{
	return size > p->low && size < p->high;
}

/* Whatever was tried often enough, and did not come, does not. */
static void give_sizes_up(struct ping *p)
{
	for (size_t i = 0; i < p->sizes_count; i++)
		if (is_open(p, p->sizes[i]))
			p->high = p->sizes[i];
}

static bool any_is_open(const struct ping *p)
{
	for (size_t i = 0; i < p->sizes_count; i++)
		if (is_open(p, p->sizes[i]))
			return true;
	return false;
}

static void try_sizes(struct node *n, struct ping *p, struct peer *peer,
		      uint64_t now_us)
{
	p->tries++;
	p->next_us = now_us + ROUND_US + 2 * (uint64_t)peer->path.rtt_us;
	for (size_t i = 0; i < p->sizes_count; i++)
		if (is_open(p, p->sizes[i]))
			probe_send_token_sized(n, peer, p->token, p->sizes[i],
					       now_us);
}

static void search(struct node *n, struct ping *p, uint64_t now_us)
{
	struct peer *peer = peer_up_of(n, p);

	if (!peer) {
		p->done = true;
		return;
	}
	if (any_is_open(p) && p->tries < TRIES) {
		try_sizes(n, p, peer, now_us);
		return;
	}
	give_sizes_up(p);
	if (p->high - p->low <= 1) {
		p->done = true;
		return;
	}
	choose_sizes(p);
	try_sizes(n, p, peer, now_us);
}

void ping_timer(struct node *n, uint64_t now_us)
{
	for (int i = 0; i < NODE_PINGS_MAX; i++) {
		struct ping *p = &n->pings->ping[i];

		if (p->used && p->searches && !p->done && now_us >= p->next_us)
			search(n, p, now_us);
	}
	arm(n);
}

void ping_too_big(struct node *n, const struct peer *peer, size_t size)
{
	for (int i = 0; i < NODE_PINGS_MAX; i++) {
		struct ping *p = &n->pings->ping[i];

		if (p->used && p->searches && size > p->low && size < p->high &&
		    public_key_equal(&p->to, &peer->key))
			p->high = (uint16_t)size;
	}
}

/* ---- echoes ---- */

static void took(struct node *n, struct ping *p, uint16_t size, uint64_t now_us)
{
	if (!p->searches) {
		if (p->done || now_us - p->sent_us >= NODE_PING_US)
			return;
		p->done = true;
		p->low = size;
		p->rtt_us = (uint32_t)(now_us - p->sent_us);
		if (!p->rtt_us)
			p->rtt_us = 1;
		return;
	}
	if (!is_open(p, size))
		return;
	p->low = size;
	if (!any_is_open(p))
		p->next_us = now_us;
	arm(n);
}

static bool ping_echoed(struct node *n, const struct reading *r,
			const struct wire_probe *echo)
{
	for (int i = 0; i < NODE_PINGS_MAX; i++) {
		struct ping *p = &n->pings->ping[i];

		if (!p->used || p->token != echo->time_us ||
		    !public_key_equal(&p->to, &r->peer->key))
			continue;
		took(n, p, echo->size, r->now_us);
		return true;
	}
	return false;
}

const struct control ping_control = { .echoed = ping_echoed };

/* ---- what the owner asks ---- */

/* A place for one to a peer that is up; -1: there is none. */
static int begin(struct node *n, const struct public_key *to, uint64_t now_us)
{
	for (int i = 0; i < NODE_PINGS_MAX; i++) {
		struct ping *p = &n->pings->ping[i];

		if (p->used)
			continue;
		*p = (struct ping){ .to = *to, .sent_us = now_us };
		if (!peer_up_of(n, p))
			return -1;
		p->used = true;
		while (!p->token)
			node_random(n, &p->token, sizeof(p->token));
		return i;
	}
	return -1;
}

int node_ping_begin(struct node *n, const struct public_key *to, uint16_t size,
		    struct clock now)
{
	int i = begin(n, to, now.mono_us);
	struct ping *p;

	if (i < 0)
		return i;
	p = &n->pings->ping[i];
	probe_send_token_sized(n, peer_up_of(n, p), p->token, size,
			       now.mono_us);
	pack_flush(&n->lane.packer);
	return i;
}

int node_ping_largest(struct node *n, const struct public_key *to,
		      struct clock now)
{
	int i = begin(n, to, now.mono_us);
	struct ping *p;
	struct peer *peer;

	if (i < 0)
		return i;
	p = &n->pings->ping[i];
	peer = peer_up_of(n, p);
	p->searches = true;
	p->low = CONTROL_SIZE;
	p->high = PMTU_MAX + 1;
	p->sizes[0] = peer->path.pmtu.size;
	p->sizes[1] = (uint16_t)(peer->path.pmtu.size + 1);
	p->sizes_count = 2;
	try_sizes(n, p, peer, now.mono_us);
	pack_flush(&n->lane.packer);
	arm(n);
	return i;
}

void node_ping_look(const struct node *n, int ping, struct node_ping *out,
		    struct clock now)
{
	const struct ping *p = &n->pings->ping[ping];

	*out = (struct node_ping){
		.done = p->done || (!p->searches &&
				    now.mono_us - p->sent_us >= NODE_PING_US),
		.rtt_us = p->rtt_us,
		.size = p->low,
	};
}

void node_ping_end(struct node *n, int ping)
{
	n->pings->ping[ping].used = false;
	arm(n);
}
