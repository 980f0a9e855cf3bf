#include "node/liveness.h"

#include <string.h>

#include "tunnel/session.h"

/*
 * Two clocks run against the peer: since it was last heard, and since we first
 * sent what it has not reported. Both are paced alike:
 *
 *	0 ...... quiet ............ limit - quiet ........... limit ...........
 *	 nothing  every interval/4   every interval/16         every interval/4
 *
 * where limit is down_after × interval and quiet one interval. The burst before
 * the limit is what loss cannot get through: at 20 % each way an exchange fails
 * with 0.36, twenty of them with 10^-9.
 *
 * Who probes: of an idle pair one end is enough, for a probe is life to the one
 * and its echo to the other. So the end whose last news was an echo goes on
 * probing, and the other waits a little longer than an interval.
 *
 * Is the peer deaf? Its reports say how many of ours it has opened, not when.
 * When the count moved we place the moment it last heard us (peer_heard_us)
 * among what was sent since the last move, in proportion to how much of it
 * arrived: right if the rest was lost in one piece, which is what a cut does,
 * and never wrong by more than the time between two moves. The verdict needs
 * all of: the limit has passed since that moment; we have been sending unheard
 * for all but one quiet of it; and a report of the last quiet still says so.
 * A peer that reports nothing is silent or idle, not deaf.
 *
 * What went another way than the path in use is in its count too. As long as that
 * alone may be what it heard, its count stands still: or a peer that left an
 * address, and whose probes are answered where they come from, would never be
 * missed where our frames go.
 */

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t elapsed(uint64_t since_us, uint64_t now_us)
{
	return now_us > since_us ? now_us - since_us : 0;
}

void liveness_init(struct liveness *l, uint64_t now_us)
{
	*l = (struct liveness){
		.heard_us = now_us,
		.sent_us = now_us,
		.peer_heard_us = now_us,
		.bucket_us = now_us,
	};
}

/* ---- what happened ---- */

void liveness_announced(struct liveness *l)
{
	if (l->expected > l->expected_at[0])
		l->expected--;
}

void liveness_arrived(struct liveness *l)
{
	l->expected++;
}

void liveness_sent(struct liveness *l, uint64_t n, uint64_t now_us)
{
	if (!n)
		return;
	l->sent += n;
	l->sent_us = now_us;
	if (!l->unheard_us)
		l->unheard_us = later(now_us, 1); /* 0 means none */
}

void liveness_strayed(struct liveness *l, uint64_t n)
{
	l->strayed += n;
	l->strayed_ever += n;
}

void liveness_received_beside(struct liveness *l, uint64_t advance)
{
	l->received++;
	l->expected += advance;
}

void liveness_received(struct liveness *l, uint64_t advance, uint64_t now_us)
{
	liveness_received_beside(l, advance);
	l->heard_us = now_us;
}

void liveness_switched(struct liveness *l, uint64_t now_us)
{
	l->heard_us = now_us;
	l->peer_heard_us = now_us;
	l->sent_heard = l->sent;
	l->unheard_us = 0;
	l->strayed = 0;
	l->strayed_before = 0;
}

/* The peer's count of ours differs from the last one: forwards because it heard
 * us, or backwards because it began to count again, having heard us too. */
static void moved(struct liveness *l, uint64_t peer_received)
{
	uint64_t outstanding = l->sent - l->sent_heard;
	uint64_t heard = peer_received - l->peer_received;
	uint64_t span = elapsed(l->unheard_us, l->sent_us);

	l->peer_heard_us = l->sent_us;
	if (l->unheard_us && heard < outstanding)
		l->peer_heard_us -= (uint64_t)((double)span *
					       (double)(outstanding - heard) /
					       (double)(outstanding - 1));
	l->peer_received = peer_received;
	l->sent_heard = l->sent;
	l->unheard_us = 0;
}

void liveness_report(struct liveness *l, const struct wire_probe *p, bool small,
		     uint64_t now_us)
{
	uint64_t heard = p->received - l->peer_received;

	if (heard > l->strayed + l->strayed_before) {
		moved(l, p->received);
	} else {
		l->still_us = now_us;
		l->peer_received = p->received;
		l->sent_heard += heard;
	}
	l->strayed_before = l->strayed;
	l->strayed = 0;
	if (p->echo && small)
		l->echoed_us = now_us;
}

void liveness_probed(struct liveness *l, uint64_t now_us)
{
	l->probed_us = now_us;
}

/* ---- what it can have heard ---- */

/*
 * The peer's count less ours is how far it is ahead. It gets ahead of where it was at
 * its first report by no more than what was on its way then, and falls behind by what
 * is lost. So a bound that is never lowered is safe, and finds ever less: what was lost
 * for good has to be taken off.
 *
 * That something was not heard within the limit does not say that it is lost: networks,
 * and strangers at an address that the peer has left, can hold datagrams back and let
 * all of them arrive at once, as long as their keys live. So the bound is lowered to the
 * most that the peer was ahead, of what had been sent a limit before, in the whole life
 * of keys. Only who holds some back all that time, and others by turns, can still have
 * us believe what is not so, and costs us a handshake.
 */

/* Datagrams that the network doubled on the way to a session that was not open. */
#define OVERHEARD_SLACK 2

static uint64_t limit_of(const struct liveness_config *c)
{
	return c->interval_us * c->down_after;
}

/* Both may have wrapped, and the peer may say any number. */
static bool is_more(uint64_t a, uint64_t b)
{
	return a - b - 1 < UINT64_MAX / 2;
}

static uint64_t all_sent(const struct liveness *l)
{
	return l->sent + l->most.early;
}

void liveness_sent_early(struct liveness *l, uint64_t n)
{
	l->most.early += n;
}

static void forget_reports(struct liveness *l, uint64_t dead)
{
	uint64_t early = l->most.early;

	memset(&l->most, 0, sizeof(l->most));
	l->most.early = early;
	l->most.dead = dead;
}

static void begin_span(struct liveness *l, uint64_t ahead, uint64_t now_us)
{
	l->most.span_ahead = ahead;
	l->most.span_sent = all_sent(l);
	l->most.span_us = now_us;
}

/* All that was sent and is not dead may be on its way, or held back. */
static void first_report(struct liveness *l, uint64_t received, uint64_t now_us)
{
	l->most.ahead = received - l->most.dead;
	begin_span(l, l->most.ahead, now_us);
}

/* ahead: of what had been sent a limit before. */
static void note_ahead(struct liveness *l, uint64_t ahead, uint64_t now_us)
{
	l->most.known = true;
	if (is_more(ahead, l->most.span_ahead))
		l->most.span_ahead = ahead;
	if (now_us - l->most.span_us < SESSION_LIFE_US)
		return;
	if (is_more(l->most.ahead, l->most.span_ahead))
		l->most.ahead = l->most.span_ahead;
	l->most.dead = l->most.span_sent;
	begin_span(l, ahead, now_us);
}

bool liveness_overheard(struct liveness *l, const struct liveness_config *c,
			uint64_t received, uint64_t now_us)
{
	const uint64_t sent = all_sent(l);
	bool noted = true;

	/* It counts anew, or is several that do not know of each other. */
	if (received < l->most.last)
		forget_reports(l, l->most.dead);
	l->most.last = received;
	if (!l->most.next_us)
		first_report(l, received, now_us);
	else if (now_us - l->most.next_us >= limit_of(c))
		note_ahead(l, received - l->most.next_sent, now_us);
	else
		noted = false;
	if (noted) {
		l->most.next_sent = sent;
		l->most.next_us = now_us;
	}
	return l->most.known &&
	       is_more(received - sent, l->most.ahead + OVERHEARD_SLACK);
}

void liveness_forget_reports(struct liveness *l)
{
	forget_reports(l, all_sent(l));
}

void liveness_init_again(struct liveness *l, uint64_t now_us)
{
	uint64_t sent = l->sent;
	struct liveness before = *l;

	liveness_init(l, now_us);
	l->most = before.most;
	l->most.ahead += sent;
	l->most.span_ahead += sent;
	l->most.span_sent -= sent;
	l->most.next_sent -= sent;
	l->most.dead -= sent;
}

/* ---- what follows ---- */

/* One interval, or less where down_after leaves no time to ask after one. */
static uint64_t quiet_of(const struct liveness_config *c)
{
	uint64_t third = limit_of(c) / 3;

	return c->interval_us < third ? c->interval_us : third;
}

static uint64_t doubt_of(const struct liveness_config *c)
{
	return quiet_of(c) * 3 / 2;
}

static uint64_t deaf_at(const struct liveness *l,
			const struct liveness_config *c)
{
	uint64_t limit = limit_of(c);

	return later(l->peer_heard_us + limit,
		     l->unheard_us + limit - quiet_of(c));
}

static bool is_deaf(const struct liveness *l, const struct liveness_config *c,
		    uint64_t now_us)
{
	uint64_t at = deaf_at(l, c);

	return l->unheard_us && now_us >= at && l->still_us >= at - quiet_of(c);
}

enum liveness_verdict liveness_verdict(const struct liveness *l,
				       const struct liveness_config *c,
				       uint64_t now_us)
{
	if (elapsed(l->heard_us, now_us) >= limit_of(c))
		return LIVENESS_SILENT;
	if (is_deaf(l, c, now_us))
		return LIVENESS_DEAF;
	return LIVENESS_UP;
}

bool liveness_doubtful(const struct liveness *l,
		       const struct liveness_config *c, uint64_t now_us)
{
	uint64_t doubt = doubt_of(c);

	return elapsed(l->heard_us, now_us) >= doubt ||
	       (l->unheard_us && elapsed(l->unheard_us, now_us) >= doubt);
}

/* How long this end waits before it asks. The low bits of the moment serve as
 * jitter: without it two ends that once probed at the same time always would.*/
static uint64_t patience(const struct liveness *l,
			 const struct liveness_config *c)
{
	uint64_t quiet = quiet_of(c);
	uint64_t jitter = l->heard_us % (quiet / 16 + 1);

	if (l->heard_us == l->echoed_us)
		return quiet + jitter;
	return quiet + quiet / 8 + jitter;
}

/* When the pace asks for the next probe, on a clock that began at since_us and
 * takes the peer down at limit_us. */
static uint64_t paced(const struct liveness *l, const struct liveness_config *c,
		      uint64_t since_us, uint64_t limit_us)
{
	uint64_t slow = l->probed_us + c->interval_us / 4;
	uint64_t fast = l->probed_us + c->interval_us / 16;
	uint64_t first = since_us + patience(l, c);
	uint64_t hurry = later(first, limit_us - quiet_of(c));
	uint64_t at = later(first, slow);

	if (at < hurry)
		return at;
	at = later(hurry, fast);
	if (at < limit_us)
		return at;
	return later(limit_us, slow);
}

/* The earlier of at and a moment at which an answer changes, unless a probe was
 * sent since that moment: then whoever sent it has looked. */
static uint64_t sooner(const struct liveness *l, uint64_t at, uint64_t change)
{
	return change > l->probed_us && change < at ? change : at;
}

uint64_t liveness_deadline(const struct liveness *l,
			   const struct liveness_config *c)
{
	uint64_t silent = l->heard_us + limit_of(c);
	uint64_t at = paced(l, c, l->heard_us, silent);

	at = sooner(l, at, l->heard_us + doubt_of(c));
	at = sooner(l, at, silent);
	if (l->unheard_us) {
		uint64_t deaf = deaf_at(l, c);
		uint64_t unheard = paced(l, c, l->unheard_us, deaf);

		at = unheard < at ? unheard : at;
		at = sooner(l, at, l->unheard_us + doubt_of(c));
		at = sooner(l, at, deaf);
	}
	return at;
}

bool liveness_wants_probe(const struct liveness *l,
			  const struct liveness_config *c, uint64_t now_us)
{
	return now_us >= liveness_deadline(l, c);
}

/* ---- loss ---- */

/*
 * Both counts are noted at the start of every bucket; loss is what they have
 * drifted apart since the oldest note, 60 to 70 s ago. A datagram that came
 * late was counted as lost in one bucket and as surplus in the next: clamped.
 */
void liveness_roll(struct liveness *l, uint64_t now_us)
{
	uint64_t passed =
		elapsed(l->bucket_us, now_us) / LIVENESS_LOSS_BUCKET_US;

	l->bucket_us += passed * LIVENESS_LOSS_BUCKET_US;
	for (unsigned i = 0; i < passed && i <= LIVENESS_LOSS_BUCKETS; i++) {
		memmove(&l->expected_at[1], l->expected_at,
			sizeof(l->expected_at) - sizeof(l->expected_at[0]));
		memmove(&l->received_at[1], l->received_at,
			sizeof(l->received_at) - sizeof(l->received_at[0]));
		l->expected_at[0] = l->expected;
		l->received_at[0] = l->received;
	}
}

double liveness_loss(const struct liveness *l)
{
	uint64_t expected = l->expected - l->expected_at[LIVENESS_LOSS_BUCKETS];
	uint64_t received = l->received - l->received_at[LIVENESS_LOSS_BUCKETS];

	if (received >= expected)
		return 0;
	return (double)(expected - received) / (double)expected;
}
