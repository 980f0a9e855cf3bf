/*
 * Legs that end here. Theory:
 *
 * A leg begins with an ask of ours, for a host that is sought (seek.c), or with a relay's
 * offer, for somebody who asked for us. Every peer grants one for a handshake; those that
 * say WIRE_CAN_RELAY grant lasting ones.
 *
 *	asked	  the ask is repeated, four times in two seconds
 *	offered	  the relay has both ends' word: the leg is dialled, and whatever session
 *		  there is tries it
 *	used	  as long as either end's path goes by it, and a while longer; the two
 *		  may each use another
 *
 * The far end gets the offer first, and agrees by asking in turn. It lets the asker
 * dial, and dials itself if nothing comes.
 *
 * What a relay does costs its own legs alone: LEGS_OF_RELAY_MAX of LEGS_MAX are its,
 * its records are read at a bounded rate, and an agreement is said again only so often.
 */
#include "node/legs.h"

#include <string.h>

#include "node/paths.h"
#include "node/relay.h"
#include "node/send.h"
#include "node/sought.h"
#include "tunnel/wire_leg.h"

#define ASK_AGAIN_US (500 * CLOCK_MS)
#define ASKS	     4
/* An offer that is repeated: our agreement may be lost. */
#define AGREES		8
#define AGREER_WAITS_US (1 * CLOCK_S)
/* Until somebody is up by one that nobody asked for, or that is for a handshake. */
#define BRIEF_US (12 * CLOCK_S)
/* No path in use goes by it: it is given back. */
#define UNUSED_US (60 * CLOCK_S)
/* Its peer went down: it is asked for anew. */
#define BROKEN_US (5 * CLOCK_S)
/* To see whether a path does. */
#define LOOK_US (1 * CLOCK_S)

/* ---- what is said ---- */

static void say(struct node *n, struct peer *relay, enum wire_leg_what what,
		const struct leg *leg, uint64_t now_us)
{
	struct wire_leg m = { .what = (uint8_t)what };
	uint8_t record[WIRE_LEG_LEN];

	if (what != WIRE_LEG_END)
		m.index = leg->index;
	memcpy(m.key, leg->far.bytes, sizeof(m.key));
	wire_pack_leg(&m, record);
	send_record(n, relay, relay->current, &relay->path.way, record,
		    sizeof(record), 0, now_us);
}

static void say_ask(struct node *n, struct leg *leg, uint64_t now_us)
{
	struct peer *relay = leg_relay_of(n, leg);

	leg->ask_us = now_us;
	leg->asks++;
	if (relay)
		say(n, relay, WIRE_LEG_ASK, leg, now_us);
}

struct leg *legs_ask(struct node *n, const struct peer *relay,
		     const struct public_key *far, uint64_t now_us)
{
	struct leg *leg = leg_new(n, relay, far);

	if (!leg)
		return NULL;
	leg->asked = true;
	say_ask(n, leg, now_us);
	legs_arm(n, now_us + ASK_AGAIN_US);
	return leg;
}

/* ---- a leg that both ends agreed to ---- */

static struct way way_of(const struct leg *leg)
{
	return (struct way){ .remote = leg->addr };
}

static bool is_direct(const struct node *n, const struct peer *peer,
		      uint64_t now_us)
{
	struct liveness_config c = peer_liveness_config(n);

	return peer->state == PEER_UP && !path_is_relayed(&peer->path) &&
	       !liveness_doubtful(&peer->liveness, &c, now_us);
}

/* The leg can be sent on: whoever is at its end is dialled, and tried. */
static void ready(struct node *n, struct leg *leg, uint64_t dial_us,
		  uint64_t now_us)
{
	struct peer *peer = peers_find(n, &leg->far);
	const struct way way = way_of(leg);
	struct endpoint *e = endpoint_get(n, &leg->addr);

	leg->ready_us = leg->used_us = now_us;
	legs_arm(n, now_us + LOOK_US);
	if (!e) {
		leg_end(n, leg, true, now_us);
		return;
	}
	e->by_leg = true;
	e->attempts = 0;
	timers_set(&n->timers, &e->timer, dial_us);
	if (peer && peer->current && leg->lasting)
		paths_try(n, peer, &way, PATH_RELAYED, now_us);
}

/* The relay started anew what it had begun, or says again what it said. */
static void offered_again(struct node *n, struct leg *leg,
			  const struct wire_leg *m, uint64_t now_us)
{
	const bool anew = leg->ready_us && leg->relay_index != m->index;

	leg->relay_index = m->index;
	/* One that lasts is ended; it is not made a brief one, which nobody probes. */
	leg->lasting |= m->lasting;
	if (!leg->ready_us)
		ready(n, leg, now_us, now_us);
	else if (!anew && now_us - leg->ask_us < ASK_AGAIN_US / 2)
		return;
	if (anew)
		leg->asks = 0;
	/* It may not have ours. */
	if ((anew || !leg->asked) && leg->asks < AGREES)
		say_ask(n, leg, now_us);
}

static bool may_agree(const struct node *n, const struct public_key *far,
		      uint64_t now_us)
{
	const struct peer *peer = peers_find(n, far);

	return !public_key_equal(far, &n->key) && node_trusts(n, far) &&
	       (!peer || !is_direct(n, peer, now_us));
}

static void refuse_offer(struct node *n, struct peer *relay,
			 const struct public_key *far, uint64_t now_us)
{
	const struct leg none = { .far = *far };

	say(n, relay, WIRE_LEG_END, &none, now_us);
}

static bool is_used(const struct node *n, const struct leg *leg)
{
	const struct peer *peer = peers_find(n, &leg->far);

	return peer && peer->state != PEER_DOWN &&
	       peer->path.way.remote.leg == leg->index;
}

/* Offers that nobody asked for leave room for those that somebody does; and those that led
 * to nobody yet for others: when there are many, the relay that has most of them gives its
 * oldest. */
static bool has_room_for_offer(struct node *n, const struct peer *relay,
			       uint64_t now_us)
{
	uint16_t of[NODE_PEERS_MAX + 1] = { 0 }, most = 0;
	uint32_t at = TABLE_NONE, all = 0, unasked = 0;
	struct leg *leg, *oldest = NULL;

	if (table_count(n->legs->by_index) < LEGS_OFFERED_MAX)
		return true;
	while ((leg = legs_next(n, &at))) {
		if (leg->over || leg->asked)
			continue;
		unasked++;
		if (is_used(n, leg))
			continue;
		all++;
		if (++of[leg->relay] > of[most])
			most = leg->relay;
	}
	if (all < LEGS_OFFERED_MAX && unasked < LEGS_UNASKED_MAX)
		return true;
	if (of[most] <= of[relay->port])
		return false;
	while ((leg = legs_next(n, &at)))
		if (leg->relay == most && !leg->over && !leg->asked &&
		    !is_used(n, leg) &&
		    (!oldest || leg->ready_us < oldest->ready_us))
			oldest = leg;
	leg_end(n, oldest, true, now_us);
	return true;
}

static void offer_in(struct node *n, struct peer *relay,
		     const struct wire_leg *m, const struct public_key *far,
		     uint64_t now_us)
{
	struct leg *leg = leg_find_pair(n, relay->port, far);
	struct sought *s = sought_find(n, far);

	if (leg) {
		offered_again(n, leg, m, now_us);
		return;
	}
	if (may_agree(n, far, now_us) && has_room_for_offer(n, relay, now_us))
		leg = leg_new(n, relay, far);
	if (!leg) {
		refuse_offer(n, relay, far, now_us);
		return;
	}
	leg->relay_index = m->index;
	leg->lasting = m->lasting;
	if (s && !s->leg)
		s->leg = leg->index;
	ready(n, leg, now_us + AGREER_WAITS_US, now_us);
	say_ask(n, leg, now_us);
}

static enum drop_reason leg_in(struct node *n, struct reading *r,
			       const struct wire_record *record)
{
	struct wire_leg m;
	struct public_key far;
	enum drop_reason reason = wire_unpack_leg(&m, record);
	struct leg *leg;

	if (reason != DROP_NONE)
		return reason;
	memcpy(far.bytes, m.key, sizeof(far.bytes));
	if (m.what == WIRE_LEG_ASK)
		return relay_asked(n, r, &far, m.index);
	if (!bucket_take(&n->legs->relays[r->peer->port].heard, r->now_us))
		return DROP_leg_rate;
	if (m.what == WIRE_LEG_OFFER && leg_may_relay(r->peer)) {
		offer_in(n, r->peer, &m, &far, r->now_us);
	} else if (m.what == WIRE_LEG_END) {
		/* Either of us may be the relay. */
		relay_ended(n, r->peer, &far, r->now_us);
		leg = leg_find_pair(n, r->peer->port, &far);
		if (leg)
			leg_end(n, leg, false, r->now_us);
	}
	return DROP_NONE;
}

/* ---- its end ---- */

/* The peer's path may have gone by it. If that was for a handshake alone, no other was
 * found meanwhile. */
static void peer_loses(struct node *n, struct peer *peer, uint32_t leg,
		       bool lasting, uint64_t now_us)
{
	const bool was_down = peer->state == PEER_DOWN;

	paths_leg_gone(n, peer, leg, now_us);
	if (peer->state != PEER_DOWN)
		return;
	if (!was_down && !lasting)
		peer->reason = PEER_REASON_NO_RELAY;
	peer_arm(n, peer, now_us);
	sought_want(n, &peer->key, 0, now_us);
}

static void free_leg(struct node *n, struct leg *leg, uint64_t now_us)
{
	struct peer *peer = peers_find(n, &leg->far);
	struct endpoint *e = endpoints_find(n, &leg->addr);
	struct peer *relay = leg_relay_of(n, leg);
	const uint32_t index = leg->index;
	const bool lasting = leg->lasting;

	if (leg->tell && relay)
		say(n, relay, WIRE_LEG_END, leg, now_us);
	leg_remove(n, leg);
	if (e) {
		e->by_leg = false;
		endpoint_cancel(n, e);
		endpoint_release(n, e);
	}
	if (peer)
		peer_loses(n, peer, index, lasting, now_us);
	sought_arm(n, now_us); /* another relay may serve whoever is sought */
}

/* It was offered, and no path in use ever went by it, at either end. */
static bool led_to_nobody(const struct leg *leg)
{
	return !leg->asked && leg->used_us == leg->ready_us;
}

/* Whoever was reached by it is down: the relay may have ended it, and its word be lost. */
static bool is_broken(const struct node *n, const struct leg *leg,
		      uint64_t now_us)
{
	const struct peer *peer = peers_find(n, &leg->far);

	return peer && peer->state == PEER_DOWN && leg->lasting &&
	       peer->path.way.remote.leg == leg->index &&
	       now_us - leg->used_us >= BROKEN_US;
}

/* Looks after one; when it is to be looked at again. */
static uint64_t tend_leg(struct node *n, struct leg *leg, uint64_t now_us)
{
	if (!leg->over && !leg_relay_of(n, leg))
		leg_end(n, leg, false, now_us);
	if (!leg->over && !leg->ready_us &&
	    now_us - leg->ask_us >= ASK_AGAIN_US) {
		if (leg->asks >= ASKS)
			leg_end(n, leg, true, now_us);
		else
			say_ask(n, leg, now_us);
	}
	if (leg->over) {
		free_leg(n, leg, now_us);
		return CLOCK_NEVER;
	}
	if (!leg->ready_us)
		return leg->ask_us + ASK_AGAIN_US;
	if (is_used(n, leg))
		leg->used_us = now_us;
	if (now_us - leg->used_us >= UNUSED_US || is_broken(n, leg, now_us) ||
	    ((!leg->lasting || led_to_nobody(leg)) &&
	     now_us - leg->ready_us >= BRIEF_US))
		leg_end(n, leg, true, now_us);
	return leg->over ? now_us : now_us + LOOK_US;
}

void legs_timer(struct node *n, uint64_t now_us)
{
	uint64_t due_us = CLOCK_NEVER;
	uint32_t at = TABLE_NONE;
	struct leg *leg;

	while ((leg = legs_next(n, &at)))
		due_us = clock_earlier(due_us, tend_leg(n, leg, now_us));
	if (due_us != CLOCK_NEVER)
		legs_arm(n, due_us > now_us ? due_us : now_us + CLOCK_MS);
}

/* ---- what happens to peers ---- */

/* The hook is told no time: they end at once. */
static void legs_peer_gone(struct node *n, struct peer *relay)
{
	uint32_t at = TABLE_NONE;
	struct leg *leg;

	/* Another process may do better; and its port may be another peer's. */
	leg_forget_bad(n, relay->port);
	if (!n->legs->relays[relay->port].count)
		return;
	while ((leg = legs_next(n, &at)))
		if (leg->relay == relay->port)
			leg_end(n, leg, false, 0);
}

const struct control legs_control = {
	.kind = WIRE_LEG,
	.record = leg_in,
	.peer_gone = legs_peer_gone,
	.peer_removed = legs_peer_gone,
};
