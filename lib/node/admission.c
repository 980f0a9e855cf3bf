/*
 * Theory: every holder of the secret can have handshakes answered, four curve
 * operations each, and leave sessions half open; anybody can replay one that he
 * recorded. Both are bounded, the rate and the places, and what is bounded can be
 * used up. So that nobody uses it up for others:
 *
 *	- with room, nobody is refused, and no address need be proven;
 *	- above a fraction of either, a cookie must prove the address, and the second
 *	  half of the rate is parted evenly between the addresses that ask: shares.h;
 *	- a full table of places takes one from whoever holds most, the oldest first.
 *	  An honest handshake needs its place for one round trip;
 *	- an address that a source wants has a place and a handshake a second of its
 *	  own, once proven, that count nowhere else;
 *	- so has what is at the end of a leg, and no more than that: what comes by it is
 *	  one host's, whatever it is. A second later it may begin anew, for an answer that
 *	  was lost leaves a session half open for as long as a leg has to lead to somebody.
 */
#include "node/admission.h"

/* Between handshakes on the reserve of one wanted address. */
#define RESERVE_US (1 * CLOCK_S)

/* The first half of a second's rate is anybody's. */
#define RATE_PARTED (NODE_HANDSHAKE_RATE / 2)

bool admission_under_load(struct node *n, uint64_t now_us)
{
	return n->half_open >= NODE_HALF_OPEN_LOAD ||
	       bucket_low(&n->handshakes, now_us);
}

static bool reserve_is_free(const struct node *n, const struct endpoint *e,
			    uint64_t now_us)
{
	return e && (e->sources || e->by_leg) &&
	       (!e->reserve_us || now_us - e->reserve_us >= RESERVE_US) &&
	       !table_find(n->candidates, &e->reserved);
}

/* Ends the oldest half-open session of whoever holds most, the newcomer counted. */
static void make_room(struct node *n, const struct addr *newcomer)
{
	struct candidate *c, *victim = NULL;
	struct share_counts most = { { 0 } };
	uint32_t at = TABLE_NONE;

	shares_add(n->half_open_shares, newcomer);
	while ((c = candidates_next(n, &at))) {
		struct share_counts counts;
		int more;

		if (!c->placed)
			continue;
		counts = shares_of(n->half_open_shares, &c->holder);
		more = shares_compare(&counts, &most);
		if (victim && (more < 0 ||
			       (more == 0 && c->session->born_us >=
						     victim->session->born_us)))
			continue;
		victim = c;
		most = counts;
	}
	shares_remove(n->half_open_shares, newcomer);
	node_drop(n, DROP_handshake_half_open);
	if (victim)
		candidate_drop(n, victim);
}

static enum drop_reason take_by_leg(struct node *n, struct endpoint *e,
				    uint64_t now_us, struct admission *a)
{
	struct candidate *c =
		e ? table_find(n->candidates, &e->reserved) : NULL;

	*a = (struct admission){ .wanted = e };
	if (c && c->session->stage == SESSION_HALF_OPEN &&
	    now_us - e->reserve_us >= RESERVE_US)
		candidate_drop(n, c);
	if (!reserve_is_free(n, e, now_us))
		return DROP_handshake_rate;
	e->reserve_us = now_us;
	return DROP_NONE;
}

enum drop_reason admission_take(struct node *n, const struct way *from,
				bool proven, uint64_t now_us,
				struct admission *a)
{
	struct endpoint *e = endpoints_find(n, &from->remote);
	bool low;

	if (from->remote.leg)
		return take_by_leg(n, e, now_us, a);
	low = bucket_low(&n->handshakes, now_us);
	/* All that prove nothing are one holder. */
	*a = (struct admission){ .wanted = NULL };
	if (proven)
		a->holder = from->remote;
	if (proven && admission_under_load(n, now_us) &&
	    reserve_is_free(n, e, now_us)) {
		e->reserve_us = now_us;
		a->wanted = e;
		return DROP_NONE;
	}
	if (now_us - n->answered_us >= CLOCK_S) {
		shares_clear(n->answered);
		n->answered_us = now_us;
	}
	if ((low && !shares_within(n->answered, &a->holder, RATE_PARTED)) ||
	    !bucket_take(&n->handshakes, now_us))
		return DROP_handshake_rate;
	if (low)
		shares_add(n->answered, &a->holder);
	if (n->half_open >= NODE_HALF_OPEN_MAX)
		make_room(n, &a->holder);
	return DROP_NONE;
}

void admission_keep(struct node *n, struct candidate *c,
		    const struct admission *a)
{
	c->holder = a->holder;
	if (a->wanted) {
		a->wanted->reserved = c->session->local;
		return;
	}
	c->placed = true;
	n->half_open++;
	shares_add(n->half_open_shares, &c->holder);
}
