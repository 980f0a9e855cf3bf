/*
 * Whom to ask for a leg to a host that is sought. Theory:
 *
 * Peers that say WIRE_CAN_RELAY are asked first, for the legs that they grant last: those
 * that told of the host, then the others; after them those that told of it and do not
 * relay, with whom a handshake can be had; and last those that lost what they carried to
 * it, for that may be lost on every way. Of each, the one that loses least is first, then
 * the nearest. Which of them has the host up is not known; one that has not says so
 * within a round trip, and the next is asked. When all were asked there is a pause, each
 * time a longer one, unless another relay comes up.
 *
 * Who is sought may be any member's invention, a thousand of them. So a bounded number of
 * legs is under way, and a turn looks through all peers for a few hosts only; hosts that
 * were peers have their turn before the others.
 */
#include "node/seek.h"

#include <string.h>

#include "node/legs.h"
#include "node/sought.h"

/* A relay answers so many asks a second: relay.c. */
#define ASK_PACE_US (150 * CLOCK_MS)
/* Until somebody is up by a leg, or it was for nothing. */
#define MEET_US (5 * CLOCK_S)
/* What is under way is looked at again, and places taken meanwhile are asked for. */
#define CROWDED_US (250 * CLOCK_MS)
/* Between two turns; of those that are peers, and of the others, it looks for a relay for
 * so many. */
#define TURN_US	   (100 * CLOCK_MS)
#define TURN_LOOKS 16
/* Between two times that one relay appears; some may follow each other at once. */
#define AGAIN_US    (10 * CLOCK_S)
#define AGAIN_BURST 4
/* Peers that are tried although nobody says that they know the host, if no other could
 * help in the first round. */
#define GUESSES 2

static const uint64_t pauses_us[] = { 10 * CLOCK_S, 60 * CLOCK_S,
				      600 * CLOCK_S };
#define PAUSES (sizeof(pauses_us) / sizeof(pauses_us[0]))

/* ---- whom to ask ---- */

enum { FIT_BAD = 1, FIT_GUESS, FIT_TOLD, FIT_RELAY, FIT_RELAY_TOLD };

/* For one more leg to that key. */
static bool has_place(const struct node *n, const struct peer *relay,
		      const struct public_key *far)
{
	return !public_key_equal(&relay->key, far) &&
	       !leg_find_pair(n, relay->port, far) &&
	       n->legs->relays[relay->port].count < LEGS_OF_RELAY_MAX;
}

/* The greater, the sooner; 0: not at all. */
static unsigned int fitness(const struct node *n, const struct sought *s,
			    const struct peer *peer, uint64_t now_us)
{
	const bool relays = peer->capabilities & WIRE_CAN_RELAY;
	bool told = false;

	if (!leg_may_relay(peer) || port_set_has(&s->tried, peer->port) ||
	    !has_place(n, peer, &s->key))
		return 0;
	if (leg_was_bad(n, peer->port, &s->key, now_us))
		return relays ? FIT_BAD : 0;
	for (size_t i = 0; i < SOUGHT_INFORMANTS; i++)
		told |= s->informants[i] == peer->port;
	if (relays)
		return told ? FIT_RELAY_TOLD : FIT_RELAY;
	if (told)
		return FIT_TOLD;
	return s->failures && s->guessed < GUESSES ? FIT_GUESS : 0;
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
static bool is_better(const struct sought *s, const struct peer *a,
		      const struct peer *b)
{
	if (s->met && a->wanted != b->wanted)
		return a->wanted;
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

		if (!f || f < *fit || (f == *fit && !is_better(s, peer, best)))
			continue;
		best = peer;
		*fit = f;
	}
	return best;
}

/* ---- those that are sought ---- */

/* Legs that are under way, and what this turn may still do. */
struct under_way {
	uint32_t all;
	uint32_t hearsay; /* to hosts that peers tell of whom no source lists */
	uint8_t of[NODE_PEERS_MAX + 1]; /* by informant */
	uint32_t looks;			/* for a relay, in this turn */
};

/* Nobody tells of it, any more, whom a source of ours lists: peers_note_wanted was
 * called. */
static bool is_hearsay(const struct node *n, const struct sought *s)
{
	for (size_t i = 0; i < SOUGHT_INFORMANTS; i++) {
		const struct peer *informant =
			peers_at_port(n, s->informants[i]);

		if (informant && informant->wanted)
			return false;
	}
	return true;
}

/* peer: who it is, or NULL. */
static void count_one(const struct node *n, struct under_way *w,
		      const struct sought *s, const struct peer *peer)
{
	w->all++;
	if (peer || !is_hearsay(n, s))
		return;
	w->hearsay++;
	if (w->of[s->informants[0]] < UINT8_MAX)
		w->of[s->informants[0]]++;
}

/* The leg that is under way; NULL: there is none any more. */
static struct leg *leg_under_way(struct node *n, struct sought *s,
				 uint64_t now_us)
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
	return leg;
}

/* Those that this host asked for: of what is offered to it anybody has as many as it
 * likes. */
static void count_under_way(struct node *n, struct under_way *w,
			    uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct sought *s;

	memset(w, 0, sizeof(*w));
	while ((s = sought_next(n, &at))) {
		const struct peer *peer =
			s->leg ? peers_find(n, &s->key) : NULL;
		const struct leg *leg;

		if (!s->leg || (peer && peer->state == PEER_UP))
			continue;
		leg = leg_under_way(n, s, now_us);
		if (leg && leg->asked)
			count_one(n, w, s, peer);
	}
}

/* Hosts that this one's own sources list come before those that were peers, and these
 * before those that are hearsay, of which one peer's are no more than some, and all
 * peers' that nobody lists leave room for what listed ones tell. */
static bool is_crowded(const struct node *n, const struct under_way *w,
		       const struct sought *s, const struct peer *peer)
{
	if (peer)
		return !peer->wanted && w->all >= 2 * SOUGHT_UNDER_WAY;
	if (w->all >= SOUGHT_UNDER_WAY)
		return true;
	return is_hearsay(n, s) &&
	       (w->of[s->informants[0]] >= SOUGHT_UNDER_WAY_EACH ||
		w->hearsay >= SOUGHT_UNDER_WAY - SOUGHT_UNDER_WAY_EACH);
}

static bool has_relay(const struct node *n)
{
	uint32_t at = TABLE_NONE;
	const struct peer *peer;

	while ((peer = peers_next(n, &at)))
		if (leg_may_relay(peer))
			return true;
	return false;
}

/* All that there are were asked. If there was none that is no failure of theirs: a peer
 * that relays nothing but handshakes may be up soon. */
static void round_failed(struct node *n, struct sought *s, uint64_t now_us)
{
	/* Who was met and cannot be reached will not be so soon. */
	if (s->met && !s->failures)
		s->failures = 1;
	s->next_us = now_us + node_jitter(n, pauses_us[s->failures]);
	if (s->failures + 1u < PAUSES && (s->failures || has_relay(n)))
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
	leg = legs_ask(n, relay, &s->key, now_us);
	if (!leg) /* one to it is about to go, or all places are taken */
		return now_us + CROWDED_US;
	port_set_add(&s->tried, relay->port);
	if (fit == FIT_GUESS)
		s->guessed++;
	s->leg = leg->index;
	n->legs->relays[relay->port].next_us = now_us + ASK_PACE_US;
	return now_us + CROWDED_US;
}

/* When it is to be looked at again; CLOCK_NEVER: it is sought no more. peer: who it is,
 * or NULL. */
static uint64_t tend_sought(struct node *n, struct sought *s,
			    const struct peer *peer, struct under_way *w,
			    uint64_t now_us)
{
	uint64_t due_us;

	if ((peer && peer->state == PEER_UP) || !node_trusts(n, &s->key) ||
	    (!peer && now_us >= s->told_us + SOUGHT_FORGET_US)) {
		sought_remove(n, s);
		return CLOCK_NEVER;
	}
	if (s->leg)
		return now_us + CROWDED_US;
	if (now_us < s->next_us)
		return s->next_us;
	if (is_crowded(n, w, s, peer))
		return s->next_us = now_us + CROWDED_US;
	w->looks++;
	due_us = ask_somebody(n, s, now_us);
	if (s->leg)
		count_one(n, w, s, peer);
	return due_us;
}

/* Those in the slots after `from`, up to `to`, that are peers, or that are not. */
static uint64_t tend_range(struct node *n, struct under_way *w, bool peers,
			   uint32_t from, uint32_t to, uint64_t now_us)
{
	uint64_t due_us = CLOCK_NEVER;
	struct sought *s;

	while ((s = sought_next(n, &from)) && from <= to) {
		const uint32_t looks = w->looks;
		const struct peer *peer;

		/* As most are: who it is does not matter. */
		if (!s->leg &&
		    (now_us < s->next_us || w->looks == TURN_LOOKS)) {
			due_us = clock_earlier(due_us, s->next_us);
			continue;
		}
		peer = peers_find(n, &s->key);
		if ((peer != NULL) != peers)
			continue;
		due_us = clock_earlier(due_us,
				       tend_sought(n, s, peer, w, now_us));
		if (w->looks != looks && !peers)
			n->search->last = from;
	}
	return due_us;
}

/* Peers first. Of the others, from where the last turn looked last, all around. */
static uint64_t turn(struct node *n, uint64_t now_us)
{
	const uint32_t last = n->search->last;
	struct under_way w;
	uint64_t due_us;

	peers_note_wanted(n);
	count_under_way(n, &w, now_us);
	due_us = tend_range(n, &w, true, TABLE_NONE, TABLE_NONE - 1, now_us);
	w.looks = 0;
	due_us = clock_earlier(
		due_us, tend_range(n, &w, false, last, TABLE_NONE - 1, now_us));
	if (last == TABLE_NONE)
		return due_us;
	return clock_earlier(
		due_us, tend_range(n, &w, false, TABLE_NONE, last, now_us));
}

void seek_timer(struct node *n, uint64_t now_us)
{
	const uint64_t next_us = n->search->turn_us + TURN_US;
	uint64_t due_us = next_us;

	if (table_count(n->search->by_key) == 0)
		return;
	if (now_us >= next_us) {
		n->search->turn_us = now_us;
		due_us = turn(n, now_us);
	}
	if (due_us != CLOCK_NEVER)
		sought_arm(n, due_us > now_us ? due_us : now_us + CLOCK_MS);
}

/* ---- another relay, for who is up ---- */

/* Which of them has the peer up is not known: chance chooses, for one that is asked in
 * vain may be asked again. */
void seek_other_relay(struct node *n, const struct peer *peer, uint64_t now_us)
{
	uint32_t at = TABLE_NONE, count = 0, chance;
	struct peer *relay, *chosen = NULL;

	while ((relay = peers_next(n, &at))) {
		if (!leg_may_relay(relay) ||
		    !(relay->capabilities & WIRE_CAN_RELAY) ||
		    !has_place(n, relay, &peer->key) ||
		    leg_was_bad(n, relay->port, &peer->key, now_us) ||
		    now_us < n->legs->relays[relay->port].next_us)
			continue;
		node_random(n, &chance, sizeof(chance));
		if (chance % ++count == 0)
			chosen = relay;
	}
	if (chosen && legs_ask(n, chosen, &peer->key, now_us))
		n->legs->relays[chosen->port].next_us = now_us + ASK_PACE_US;
}

/* ---- what happens to peers ---- */

/* All relays are asked again. For one that comes and goes that is so after a while, and
 * said once. */
static void relay_appeared(struct node *n, const struct peer *peer,
			   uint64_t now_us)
{
	struct legs_relay *relay = &n->legs->relays[peer->port];
	uint64_t due_us = now_us;

	if (now_us < relay->said_us)
		return;
	if (relay->again_us < now_us)
		relay->again_us = now_us;
	if (relay->again_us - now_us > (AGAIN_BURST - 1) * AGAIN_US)
		due_us = relay->again_us - (AGAIN_BURST - 1) * AGAIN_US;
	else
		relay->again_us += AGAIN_US;
	relay->said_us = due_us;
	sought_again(n, due_us);
}

/* It can relay from now on, or no more. */
static void note_relay(struct node *n, const struct peer *peer,
		       uint32_t capabilities, uint64_t now_us)
{
	struct legs_relay *relay = &n->legs->relays[peer->port];
	const bool relays =
		leg_may_relay(peer) && capabilities & WIRE_CAN_RELAY;

	if (relays && !relay->relays)
		relay_appeared(n, peer, now_us);
	relay->relays = relays;
}

static void seek_peer_up(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct sought *s = sought_find(n, &peer->key);

	/* When it is sought again, it is from the beginning. */
	if (s)
		sought_remove(n, s);
	note_relay(n, peer, peer->capabilities, now_us);
}

void seek_hello(struct node *n, const struct peer *peer,
		const struct wire_hello *hello, uint64_t now_us)
{
	note_relay(n, peer, hello->capabilities, now_us);
}

static void seek_peer_gone(struct node *n, struct peer *peer)
{
	sought_informant_gone(n, peer->port);
	n->legs->relays[peer->port].relays = false;
}

static void seek_peer_removed(struct node *n, struct peer *peer)
{
	sought_informant_gone(n, peer->port);
	n->legs->relays[peer->port].next_us = 0;
	n->legs->relays[peer->port].said_us = 0;
}

/* Whoever is not heard by the path that it had is sought. And one that another had to
 * relay may relay itself once it has a path of its own. */
static void seek_due(struct node *n, struct peer *peer, uint64_t now_us)
{
	note_relay(n, peer, peer->capabilities, now_us);
	if (peer->state == PEER_DOWN && (peer->reason == PEER_REASON_NO_RELAY ||
					 peer->reason == PEER_REASON_SILENT ||
					 peer->reason == PEER_REASON_DEAF ||
					 peer->reason == PEER_REASON_EXPIRED))
		sought_want(n, &peer->key, 0, now_us);
}

const struct control seek_control = {
	.peer_up = seek_peer_up,
	.peer_gone = seek_peer_gone,
	.peer_removed = seek_peer_removed,
	.due = seek_due,
};
