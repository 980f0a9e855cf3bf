/*
 * All keys anew. Theory:
 *
 * A node whose memory was copied, or put back, has keys that another holds, too,
 * and counters that were used before. Salts keep nonces apart (tunnel/pack.h); but
 * the sooner such keys end, the better. What hints at it is of two kinds.
 *
 * A hard sign is one that only this host can give: it slept, its hypervisor says
 * that it was cloned, somebody asks for it. Then node_forget wipes every key at
 * once and draws a new epoch, so peers take this node for one that restarted. What
 * they are sent meanwhile is lost.
 *
 * A soft sign is one that a stranger may give: the wall clock was stepped, which
 * whoever answers this host's NTP can do, to all hosts at once. It must cost
 * nothing: node_renew makes every session anew while the old one is still in use,
 * spread over RENEW_SPREAD_US, each at most once a minute. Epoch, MAC
 * addresses and groups stay.
 *
 * The timestamp of the last initiation survives both. If the clock that it comes
 * from went back, the next one is one more.
 */
#include "node/renew.h"

#include "node/candidate.h"
#include "node/rekey.h"

/* ---- at once ---- */

static void dial_all(struct node *n, uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct endpoint *e;

	while ((e = endpoints_next(n, &at))) {
		/* Spread, so that one of two ends is usually first. */
		uint64_t spread =
			node_jitter(n, NODE_SPREAD_US) - NODE_SPREAD_US * 3 / 4;

		endpoint_cancel(n, e);
		e->attempts = 0;
		timers_set(&n->timers, &e->timer, now_us + spread);
	}
}

size_t node_forget(struct node *n, struct clock now)
{
	uint32_t at = TABLE_NONE;
	struct candidate *c;
	struct peer *peer;
	size_t count = 0;

	if (n->plain)
		return 0;
	while ((c = candidates_next(n, &at)))
		candidate_drop(n, c);
	at = TABLE_NONE;
	while ((peer = peers_next(n, &at))) {
		for (size_t i = 0; i < PEERS_SESSIONS; i++)
			count += peer->sessions[i] != NULL;
		peer_sessions_drop(n, peer);
		rekey_forget(n, peer);
		peer->renew_us = 0;
		peer->shown_epoch = 0;
		peer_arm(n, peer, now.mono_us);
	}
	node_random(n, &n->epoch, sizeof(n->epoch));
	dial_all(n, now.mono_us);
	return count;
}

/* ---- one after the other ---- */

void node_renew(struct node *n, struct clock now)
{
	uint32_t at = TABLE_NONE;
	struct peer *peer;

	while (!n->plain && (peer = peers_next(n, &at))) {
		uint64_t from_us = now.mono_us;
		uint32_t r;

		if (peer->renew_us) /* still to come, so it serves for this */
			continue;
		if (peer->renewed_us &&
		    from_us < peer->renewed_us + RENEW_PAUSE_US)
			from_us = peer->renewed_us + RENEW_PAUSE_US;
		node_random(n, &r, sizeof(r));
		peer->renew_us =
			from_us + RENEW_SPREAD_US * (r >> 8) / (1 << 24);
		peer_arm(n, peer, now.mono_us);
	}
}

static uint64_t renew_deadline(struct node *n, struct peer *peer,
			       uint64_t now_us)
{
	(void)n;
	(void)now_us;
	return peer->renew_us ? peer->renew_us : CLOCK_NEVER;
}

/* Of a session that is not sent on any more, the end comes sooner. */
static void hurry(struct session *s, uint64_t now_us)
{
	s->brief = true;
	if (s->retire_us != CLOCK_NEVER)
		s->retire_us =
			clock_earlier(s->retire_us, now_us + SESSION_BRIEF_US);
}

static void renew_due(struct node *n, struct peer *peer, uint64_t now_us)
{
	(void)n;
	if (!peer->renew_us || now_us < peer->renew_us)
		return;
	peer->renew_us = 0;
	peer->renewed_us = now_us;
	for (size_t i = 0; i < PEERS_SESSIONS; i++)
		if (peer->sessions[i])
			hurry(peer->sessions[i], now_us);
	if (peer->current)
		peer->current->renew = true;
}

const struct control renew_control = {
	.deadline = renew_deadline,
	.due = renew_due,
};
