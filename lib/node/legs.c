/*
 * Legs that end here. Theory:
 *
 * A host that is sought (sought.h) is dialled by a leg that another peer grants. Every
 * peer grants one for a handshake; those that say WIRE_CAN_RELAY grant lasting ones, and
 * are asked first: those that told of the host, then the others, the one that loses
 * least first, then the nearest. Which of them has the host up is not known; one that has
 * not says so within a round trip, and the next is asked. When all were asked there is a
 * pause, each time a longer one, unless another relay comes up.
 *
 *	asked	  the ask is repeated, four times in two seconds
 *	offered	  the relay has both ends' word: the leg is dialled, and whatever session
 *		  there is tries it
 *	used	  as long as the peer's path goes by it, and a while longer
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
#define AGREES 8
/* A relay answers so many asks a second: relay.c. */
#define ASK_PACE_US	(150 * CLOCK_MS)
#define AGREER_WAITS_US (1 * CLOCK_S)
/* Until somebody is up by it, or it was for nothing. */
#define MEET_US	 (5 * CLOCK_S)
#define BRIEF_US (12 * CLOCK_S)
/* No path in use goes by it: it is given back. */
#define UNUSED_US (60 * CLOCK_S)
/* To see whether a path does. */
#define LOOK_US (1 * CLOCK_S)
/* Places taken meanwhile are asked for again. */
#define CROWDED_US (250 * CLOCK_MS)
/* A turn of those that are sought: for so many of them at most, all peers are looked
 * through for a relay. Who tells of a thousand costs no more. */
#define TURN_US	   (50 * CLOCK_MS)
#define TURN_LOOKS 8
/* Between two times that one relay appears; some may follow each other at once. */
#define AGAIN_US    (10 * CLOCK_S)
#define AGAIN_BURST 4
/* Peers that are tried although nobody says that they know the host, if no other could
 * help in the first round. */
#define GUESSES 2

static const uint64_t pauses_us[] = { 10 * CLOCK_S, 60 * CLOCK_S,
				      600 * CLOCK_S };
#define PAUSES (sizeof(pauses_us) / sizeof(pauses_us[0]))

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

/* ---- a leg that both ends agreed to ---- */

static struct way way_of(const struct leg *leg)
{
	return (struct way){ .remote = leg->addr };
}

static bool is_direct(const struct node *n, const struct peer *peer,
		      uint64_t now_us)
{
	struct liveness_config c = peer_liveness_config(n);

	return peer->state == PEER_UP && !peer->path.way.remote.leg &&
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
	const bool other = leg->relay_index != m->index;

	leg->relay_index = m->index;
	/* One that lasts is ended; it is not made a brief one, which nobody probes. */
	leg->lasting |= m->lasting;
	if (!leg->ready_us)
		ready(n, leg, now_us, now_us);
	else if (leg->asked ? other : now_us - leg->ask_us < ASK_AGAIN_US / 2)
		return;
	/* It may not have ours. */
	if (!leg->asked && leg->asks < AGREES)
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

	return peer && peer->path.way.remote.leg == leg->index;
}

/* Offers that nobody asked for, and that led to nobody yet, leave room for others: when
 * there are many, the relay that has most of them gives its oldest. */
static bool has_room_for_offer(struct node *n, const struct peer *relay,
			       uint64_t now_us)
{
	uint16_t of[NODE_PEERS_MAX + 1] = { 0 }, most = 0;
	uint32_t at = TABLE_NONE, all = 0;
	struct leg *leg, *oldest = NULL;

	while ((leg = legs_next(n, &at))) {
		if (leg->over || leg->asked || is_used(n, leg))
			continue;
		all++;
		if (++of[leg->relay] > of[most])
			most = leg->relay;
	}
	if (all < LEGS_OFFERED_MAX)
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
	legs_want(n, &peer->key, 0, now_us);
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
}

/* It was offered, and no path in use ever went by it. */
static bool led_to_nobody(const struct leg *leg)
{
	return !leg->asked && leg->used_us == leg->ready_us;
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
	if (now_us - leg->used_us >= UNUSED_US ||
	    ((!leg->lasting || led_to_nobody(leg)) &&
	     now_us - leg->ready_us >= BRIEF_US))
		leg_end(n, leg, true, now_us);
	return leg->over ? now_us : now_us + LOOK_US;
}

static uint64_t tend_legs(struct node *n, uint64_t now_us)
{
	uint64_t due_us = CLOCK_NEVER;
	uint32_t at = TABLE_NONE;
	struct leg *leg;

	while ((leg = legs_next(n, &at)))
		due_us = clock_earlier(due_us, tend_leg(n, leg, now_us));
	return due_us;
}

/* ---- whom to ask ---- */

/* The greater, the sooner; 0: not at all. */
static unsigned int fitness(const struct node *n, const struct sought *s,
			    const struct peer *peer, uint64_t now_us)
{
	const bool relays = peer->capabilities & WIRE_CAN_RELAY;
	bool told = false;

	if (!leg_may_relay(peer) || port_set_has(&s->tried, peer->port) ||
	    public_key_equal(&peer->key, &s->key) ||
	    leg_find_pair(n, peer->port, &s->key) ||
	    n->legs->relays[peer->port].count >= LEGS_OF_RELAY_MAX ||
	    leg_was_bad(n, peer->port, &s->key, now_us))
		return 0;
	for (size_t i = 0; i < SOUGHT_INFORMANTS; i++)
		told |= s->informants[i] == peer->port;
	if (relays)
		return told ? 4 : 3;
	if (told)
		return 2;
	return s->failures && s->guessed < GUESSES ? 1 : 0;
}

static bool is_nearer(const struct peer *a, const struct peer *b)
{
	/* To a percent: what is less is chance. */
	const int loss_a = (int)(100 * liveness_loss(&a->liveness));
	const int loss_b = (int)(100 * liveness_loss(&b->liveness));

	if (loss_a != loss_b)
		return loss_a < loss_b;
	return a->path.rtt_us < b->path.rtt_us;
}

/* After one that led to nothing, those that this host's own sources list come first: of
 * others a liar has as many as it likes. */
static bool is_better(const struct node *n, const struct sought *s,
		      const struct peer *a, const struct peer *b)
{
	if (s->met && peer_wanted(n, a) != peer_wanted(n, b))
		return peer_wanted(n, a);
	return is_nearer(a, b);
}

static struct peer *choose_relay(const struct node *n, const struct sought *s,
				 unsigned int *fit, uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct peer *peer, *best = NULL;

	*fit = 0;
	while ((peer = peers_next(n, &at))) {
		unsigned int f = fitness(n, s, peer, now_us);

		if (!f || f < *fit ||
		    (f == *fit && !is_better(n, s, peer, best)))
			continue;
		best = peer;
		*fit = f;
	}
	return best;
}

/* ---- those that are sought ---- */

struct under_way {
	uint32_t all;
	uint32_t looks;	  /* for a relay, in this turn */
	uint32_t hearsay; /* of informants that no source of ours lists */
	uint8_t of[NODE_PEERS_MAX + 1]; /* by informant */
};

static bool is_hearsay(const struct node *n, const struct sought *s)
{
	const struct peer *informant = peers_at_port(n, s->informants[0]);

	return s->informants[0] && (!informant || !peer_wanted(n, informant));
}

static void count_under_way(const struct node *n, struct under_way *w)
{
	uint32_t at = TABLE_NONE;
	const struct sought *s;

	memset(w, 0, sizeof(*w));
	while ((s = sought_next(n, &at))) {
		if (!s->leg)
			continue;
		w->all++;
		w->hearsay += is_hearsay(n, s) && !peers_find(n, &s->key);
		if (w->of[s->informants[0]] < UINT8_MAX)
			w->of[s->informants[0]]++;
	}
}

/* Hosts that this one's own sources list come before those that were peers, and these
 * before those that are hearsay, of which one peer's are no more than some, and all
 * peers' that nobody lists leave room for what listed ones tell. */
static bool is_crowded(const struct node *n, const struct under_way *w,
		       const struct sought *s)
{
	const struct peer *peer = peers_find(n, &s->key);

	if (peer)
		return !peer_wanted(n, peer) && w->all >= 2 * SOUGHT_UNDER_WAY;
	if (w->all >= SOUGHT_UNDER_WAY)
		return true;
	return is_hearsay(n, s) &&
	       (w->of[s->informants[0]] >= SOUGHT_UNDER_WAY_EACH ||
		/* and what was begun in this turn, whoever told of it */
		w->hearsay + w->looks >=
			SOUGHT_UNDER_WAY - SOUGHT_UNDER_WAY_EACH);
}

/* All that there are were asked. */
static void round_failed(struct node *n, struct sought *s, uint64_t now_us)
{
	/* Who was met and cannot be reached will not be so soon. */
	if (s->met && !s->failures)
		s->failures = 1;
	s->next_us = now_us + node_jitter(n, pauses_us[s->failures]);
	if (s->failures + 1u < PAUSES)
		s->failures++;
	memset(&s->tried, 0, sizeof(s->tried));
	s->guessed = 0;
	s->met = false;
}

static uint64_t ask_somebody(struct node *n, struct sought *s, uint64_t now_us)
{
	unsigned int fit;
	struct peer *relay = choose_relay(n, s, &fit, now_us);
	struct leg *leg;

	if (!relay) {
		round_failed(n, s, now_us);
		return s->next_us;
	}
	if (now_us < n->legs->relays[relay->port].next_us)
		return n->legs->relays[relay->port].next_us;
	leg = leg_new(n, relay, &s->key);
	if (!leg) /* one to it is about to go, or all places are taken */
		return now_us + CROWDED_US;
	port_set_add(&s->tried, relay->port);
	if (fit == 1)
		s->guessed++;
	s->leg = leg->index;
	leg->asked = true;
	n->legs->relays[relay->port].next_us = now_us + ASK_PACE_US;
	say_ask(n, leg, now_us);
	return leg->ask_us + ASK_AGAIN_US;
}

/* What becomes of the leg that is under way; false: there is none any more. */
static bool is_under_way(struct node *n, struct sought *s, uint64_t now_us)
{
	struct leg *leg = leg_find(n, s->leg);

	if (leg && leg->ready_us)
		s->met = true;
	if (leg && leg->ready_us && leg->lasting &&
	    now_us - leg->ready_us >= MEET_US) {
		port_set_add(&s->tried, leg->relay);
		leg_end(n, leg, true, now_us);
		leg = NULL;
	}
	if (!leg)
		s->leg = 0;
	return leg != NULL;
}

/* When it is to be looked at again; CLOCK_NEVER: it is sought no more. */
static uint64_t tend_sought(struct node *n, struct sought *s,
			    struct under_way *w, uint64_t now_us)
{
	const struct peer *peer = peers_find(n, &s->key);
	uint64_t due_us;

	if ((peer && peer->state == PEER_UP) || !node_trusts(n, &s->key) ||
	    (!peer && now_us - s->told_us >= SOUGHT_FORGET_US)) {
		sought_remove(n, s);
		return CLOCK_NEVER;
	}
	if (s->leg && is_under_way(n, s, now_us))
		return now_us + CROWDED_US;
	if (now_us < s->next_us)
		return s->next_us;
	if (is_crowded(n, w, s))
		return now_us + CROWDED_US;
	if (w->looks == TURN_LOOKS)
		return now_us + TURN_US;
	w->looks++;
	due_us = ask_somebody(n, s, now_us);
	if (s->leg) {
		w->all++;
		w->of[s->informants[0]]++;
	}
	return due_us;
}

/* Those in the slots after `from`, up to `to`. */
static uint64_t tend_range(struct node *n, struct under_way *w, uint32_t from,
			   uint32_t to, uint64_t now_us)
{
	uint64_t due_us = CLOCK_NEVER;
	struct sought *s;

	while ((s = sought_next(n, &from)) && from <= to) {
		const uint32_t looks = w->looks;

		due_us = clock_earlier(due_us, tend_sought(n, s, w, now_us));
		if (w->looks != looks)
			n->legs->sought_at = from;
	}
	return due_us;
}

/* From where the last turn looked last, all around. */
static uint64_t tend_all(struct node *n, uint64_t now_us)
{
	const uint32_t last = n->legs->sought_at;
	struct under_way w;
	uint64_t due_us;

	if (now_us < n->legs->sought_us + TURN_US)
		return n->legs->sought_us + TURN_US;
	n->legs->sought_us = now_us;
	count_under_way(n, &w);
	due_us = tend_range(n, &w, last, TABLE_NONE - 1, now_us);
	if (last == TABLE_NONE)
		return due_us;
	return clock_earlier(due_us,
			     tend_range(n, &w, TABLE_NONE, last, now_us));
}

void legs_timer(struct node *n, uint64_t now_us)
{
	const uint64_t legs_us = tend_legs(n, now_us);
	const uint64_t due_us = clock_earlier(legs_us, tend_all(n, now_us));

	if (due_us != CLOCK_NEVER)
		legs_arm(n, due_us > now_us ? due_us : now_us + CLOCK_MS);
}

/* ---- what happens to peers ---- */

static void end_by(struct node *n, const struct peer *relay)
{
	uint32_t at = TABLE_NONE;
	struct leg *leg;

	if (!n->legs->relays[relay->port].count)
		return;
	while ((leg = legs_next(n, &at)))
		if (leg->relay == relay->port)
			leg_end(n, leg, false, 0);
}

/* All relays are asked again. For one that comes and goes that is so after a while. */
static void relay_appeared(struct node *n, const struct peer *peer,
			   uint64_t now_us)
{
	struct legs_relay *relay = &n->legs->relays[peer->port];
	uint64_t due_us = now_us;

	if (relay->again_us < now_us)
		relay->again_us = now_us;
	if (relay->again_us - now_us > (AGAIN_BURST - 1) * AGAIN_US)
		due_us = relay->again_us - (AGAIN_BURST - 1) * AGAIN_US;
	else
		relay->again_us += AGAIN_US;
	sought_again(n, due_us);
}

static void legs_peer_up(struct node *n, struct peer *peer, uint64_t now_us)
{
	if (peer->capabilities & WIRE_CAN_RELAY)
		relay_appeared(n, peer, now_us);
}

void legs_hello(struct node *n, const struct peer *peer,
		const struct wire_hello *hello, uint64_t now_us)
{
	if (hello->capabilities & ~peer->capabilities & WIRE_CAN_RELAY)
		relay_appeared(n, peer, now_us);
}

static void legs_peer_gone(struct node *n, struct peer *peer)
{
	end_by(n, peer);
	sought_informant_gone(n, peer->port);
}

static void legs_peer_removed(struct node *n, struct peer *peer)
{
	legs_peer_gone(n, peer);
	n->legs->relays[peer->port].next_us = 0;
}

/* Whoever is not heard by the path that it had is sought. */
static void legs_due(struct node *n, struct peer *peer, uint64_t now_us)
{
	if (peer->state == PEER_DOWN && (peer->reason == PEER_REASON_NO_RELAY ||
					 peer->reason == PEER_REASON_SILENT ||
					 peer->reason == PEER_REASON_DEAF ||
					 peer->reason == PEER_REASON_EXPIRED))
		legs_want(n, &peer->key, 0, now_us);
}

const struct control legs_control = {
	.kind = WIRE_LEG,
	.record = leg_in,
	.peer_up = legs_peer_up,
	.peer_gone = legs_peer_gone,
	.peer_removed = legs_peer_removed,
	.due = legs_due,
};
