/*
 * Who is dialled, and when. An endpoint's timer is armed while dialling it should
 * end in a session: a source wants it and nobody answers, the peer behind it is
 * down, it is so silent that it may have restarted, or its keys were not renewed
 * within its session (rekey.c). When
 * the timer finds nothing to do it is not armed again; whoever changes one of those
 * conditions calls endpoint_dial_now.
 *
 * A source may list an address at which a peer answered that is elsewhere now. That is
 * another way to it, a spare (paths.c), or another host's by now: while the spare does
 * not echo it is dialled each minute.
 */
#include "node/dial.h"

#include <string.h>

#include "node/hints.h"
#include "node/leg.h"
#include "node/paths.h"
#include "node/plain_peers.h"
#include "node/send.h"
#include "node/wanted.h"

/* ---- message 1 ---- */

/* Our clock, but never twice the same and never backwards. */
static uint64_t next_timestamp(struct node *n, struct clock now)
{
	n->timestamp_us++;
	if (now.wall_us > n->timestamp_us)
		n->timestamp_us = now.wall_us;
	return n->timestamp_us;
}

static bool write_initiation(struct node *n, struct endpoint *e,
			     struct clock now,
			     uint8_t noise_message[WIRE_NOISE1_LEN])
{
	uint8_t ephemeral[NOISE_KEY_LEN], timestamp[WIRE_TIMESTAMP_LEN];
	bool ok;

	store_be64(timestamp, next_timestamp(n, now));
	node_random(n, ephemeral, sizeof(ephemeral));
	ok = noise_init(&e->pending.noise, true, WIRE_PROLOGUE,
			strlen(WIRE_PROLOGUE),
			n->secrets[e->pending.secret].psk,
			n->config.private_key, n->key.bytes) &&
	     noise_write1(&e->pending.noise, ephemeral, timestamp,
			  sizeof(timestamp), noise_message);
	bytes_wipe(ephemeral, sizeof(ephemeral));
	return ok;
}

/*
 * Which of our addresses it leaves from is the kernel's choice, until an answer
 * shows one. But where a peer is sent to already it goes as its datagrams do, for a
 * filter on the way may know no other; if that brings no answer, each second try
 * is the kernel's choice again, for our address may be what fails.
 */
static struct way way_to(const struct node *n, const struct endpoint *e)
{
	struct way way = { .remote = e->addr };

	if (e->peer && e->peer->endpoint == e &&
	    e->attempts / n->secrets_count % 2 == 0)
		way.local = e->peer->path.way.local;
	return way;
}

/* One initiation, in place of the one in flight. With two secrets, tries take
 * turns, so that hosts meet in whatever order they were given the new one. */
static void dial(struct node *n, struct endpoint *e, struct clock now,
		 uint32_t secret, bool cookied)
{
	struct index_entry entry = { .kind = INDEX_PENDING, .endpoint = e };
	struct wire_initiation m = { 0 };
	uint8_t bytes[WIRE_INITIATION_LEN];
	const struct way way = way_to(n, e);

	endpoint_cancel(n, e);
	e->pending.secret = secret;
	e->pending.cookied = cookied;
	if (!write_initiation(n, e, now, m.noise))
		return;
	m.sender = e->pending.index = node_index_new(n, &entry);
	if (!m.sender)
		return;
	wire_pack_initiation(&m, bytes);
	cookie_set_mac1(&n->secrets[secret], bytes, sizeof(bytes));
	memcpy(e->pending.mac1, bytes + sizeof(bytes) - WIRE_MAC1_FROM_END,
	       WIRE_MAC_LEN);
	if (e->cookie_us && now.mono_us - e->cookie_us < COOKIE_USE_US)
		cookie_set_mac2(e->cookie, bytes, sizeof(bytes));
	send_message(n, &way, bytes, sizeof(bytes));
}

void dial_again(struct node *n, struct endpoint *e, struct clock now)
{
	if (!e->pending.cookied)
		dial(n, e, now, e->pending.secret, true);
}

/* ---- when ---- */

/* Dials of whoever is at the end of a leg, after which it has shown that it is not. */
#define BY_LEG_TRIES 5

/* The key at the end of a leg is known before anybody answers. A brief one carries no
 * more than some tries. */
static bool wants_dial_by_leg(const struct node *n, const struct endpoint *e,
			      uint64_t now_us)
{
	const struct public_key *far = leg_far(n, e->addr.leg);
	const struct peer *peer = far ? peers_find(n, far) : NULL;

	if (!far)
		return false;
	if (peer && peer->state == PEER_UP && peer->current)
		return peer->endpoint == e &&
		       peer_wants_handshake(n, peer, now_us);
	if (peer && peer->endpoint == e && peer->current)
		return leg_is_lasting(n, e->addr.leg);
	return e->attempts < BY_LEG_TRIES * n->secrets_count;
}

/* The peer that answered here is up elsewhere, and a source wants whoever is here. */
static bool is_left(const struct endpoint *e)
{
	const struct peer *peer = e->peer;

	return e->sources && !e->addr.leg && peer && peer->state == PEER_UP &&
	       peer->current && peer->endpoint != e;
}

static bool wants_dial(const struct node *n, struct endpoint *e,
		       uint64_t now_us)
{
	const struct peer *peer = e->peer;

	if (e->addr.leg)
		return wants_dial_by_leg(n, e, now_us);
	if (!peer)
		return e->sources || e->hinted;
	if (peer->state != PEER_UP || !peer->current)
		return e->sources || peer->endpoint == e;
	if (is_left(e))
		return now_us - peer->state_us >= ENDPOINT_LEFT_US &&
		       !paths_has_spare(peer, &e->addr);
	return peer->endpoint == e && peer_wants_handshake(n, peer, now_us);
}

static uint64_t retry_us(struct node *n, const struct endpoint *e)
{
	uint64_t us = DIAL_LAST_US;

	if (endpoint_is_refused(e))
		us = NODE_REFUSED_US;
	else if (is_left(e))
		us = ENDPOINT_LEFT_US;
	else if (e->hinted || e->by_leg) /* others wait for its place */
		us = DIAL_FIRST_US;
	else if (e->attempts < 3)
		us = DIAL_FIRST_US << e->attempts;
	return node_jitter(n, us);
}

/* Our initiation came back to us and nobody else answered it. */
static void found_self(struct node *n, struct endpoint *e, uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct endpoint *other;

	if (e->reason == ENDPOINT_SELF)
		return;
	e->reason = ENDPOINT_SELF;
	node_emit(n, (struct node_event){ .type = NODE_SELF, .at = e->addr });
	/* We have not been here before: what was ours may be another's now. */
	while ((other = endpoints_next(n, &at)))
		if (other != e && other->reason == ENDPOINT_SELF)
			timers_set(&n->timers, &other->timer, now_us);
}

void endpoint_timer(struct node *n, struct endpoint *e, struct clock now)
{
	if (!wants_dial(n, e, now.mono_us)) {
		endpoint_cancel(n, e);
		e->attempts = 0;
		if (is_left(e))
			timers_set(&n->timers, &e->timer,
				   now.mono_us +
					   node_jitter(n, ENDPOINT_LEFT_US));
		return;
	}
	if (hints_give_up(n, e, now.mono_us)) {
		endpoint_cancel(n, e);
		endpoint_release(n, e);
		return;
	}
	if (e->pending.mirrored)
		found_self(n, e, now.mono_us);
	if (e->into_tap) {
		endpoint_cancel(n, e);
		e->reason = ENDPOINT_RECURSION;
	} else {
		/* If it still is unreachable, or routed into the TAP, this will
		 * show again; and who ignores us has answered the last initiation. */
		if ((e->attempts >= 2 && e->reason == ENDPOINT_DIALLING) ||
		    (e->pending.index && e->reason == ENDPOINT_IGNORED) ||
		    e->reason == ENDPOINT_UNREACHABLE ||
		    e->reason == ENDPOINT_RECURSION)
			e->reason = ENDPOINT_NO_ANSWER;
		dial(n, e, now, e->attempts % n->secrets_count, false);
	}
	timers_set(&n->timers, &e->timer, now.mono_us + retry_us(n, e));
	if (e->attempts < UINT32_MAX)
		e->attempts++;
}

/* ---- what the owner wants ---- */

static void forget_endpoint(struct node *n, struct endpoint *e)
{
	if (e->sources || e->peer || e->hinted)
		return;
	endpoint_cancel(n, e);
	endpoint_release(n, e);
}

/* True if the endpoint is taken; false if there is no room for it. */
static bool want_one(struct node *n, enum node_source source,
		     const struct addr *addr, uint16_t host, uint64_t now_us)
{
	struct endpoint *e;

	e = endpoint_get(n, addr);
	if (!e)
		return false;
	wanted_list(n->wanted, source, e, host, e->mark == n->want_mark);
	e->mark = n->want_mark;
	if (!n->plain && !e->sources && !timer_armed(&e->timer)) {
		uint64_t spread =
			node_jitter(n, NODE_SPREAD_US) - NODE_SPREAD_US * 3 / 4;

		e->attempts = 0;
		timers_set(&n->timers, &e->timer, now_us + spread);
	}
	e->sources |= 1u << source;
	return true;
}

size_t node_want_hosts(struct node *n, enum node_source source,
		       const struct addr *endpoints, const uint16_t *hosts,
		       size_t count, struct clock now)
{
	const size_t last = NODE_ENDPOINTS_MAX - 1;
	uint32_t at = TABLE_NONE;
	struct endpoint *e;
	size_t refused = 0;

	n->want_mark++;
	wanted_begin(n->wanted, source);
	for (size_t i = 0; i < count; i++) {
		size_t host = hosts ? hosts[i] : i;

		if (host > last)
			host = last;
		if (!want_one(n, source, &endpoints[i], (uint16_t)host,
			      now.mono_us))
			refused++;
	}
	while ((e = endpoints_next(n, &at))) {
		if (e->mark == n->want_mark || !(e->sources & (1u << source)))
			continue;
		e->sources &= ~(1u << source);
		forget_endpoint(n, e);
	}
	if (n->plain)
		refused += plain_peers_review(n, now.mono_us);
	return refused;
}

size_t node_want(struct node *n, enum node_source source,
		 const struct addr *endpoints, size_t count, struct clock now)
{
	return node_want_hosts(n, source, endpoints, NULL, count, now);
}

void node_set_recursive(struct node *n, const struct addr *endpoint,
			bool recursive, struct clock now)
{
	struct endpoint *e = endpoints_find(n, endpoint);

	if (!e || e->into_tap == recursive)
		return;
	e->into_tap = recursive;
	if (recursive)
		node_emit(n, (struct node_event){ .type = NODE_RECURSION,
						  .at = e->addr,
						  .wanted = e->sources != 0 });
	if (recursive && (!e->peer || e->peer->state != PEER_UP))
		e->reason = ENDPOINT_RECURSION;
	if (n->plain) {
		e->reason = recursive ? ENDPOINT_RECURSION : ENDPOINT_DIALLING;
		plain_peers_review(n, now.mono_us);
	} else if (!recursive && e->reason == ENDPOINT_RECURSION) {
		e->reason = ENDPOINT_DIALLING;
		e->attempts = 0;
		timers_set(&n->timers, &e->timer, now.mono_us);
	}
}
