/*
 * Who is dialled, and when. An endpoint's timer is armed while dialling it
 * should end in a session: a source wants it and nobody answers, the peer
 * behind it is down, its keys need renewal, or it is so silent that it may have
 * restarted. When the timer finds nothing to do it is not armed again; whoever
 * changes one of those conditions calls endpoint_kick.
 */
#include "node/node_impl.h"

bool endpoint_is_recursive(const struct node *n, const struct addr *addr)
{
	for (size_t i = 0; i < n->prefixes_count; i++)
		if (prefix_contains(&n->prefixes[i], addr))
			return true;
	return false;
}

static bool spare(const struct endpoint *e)
{
	return !e->sources && !e->users;
}

void endpoint_release(struct node *n, struct endpoint *e)
{
	uint32_t at = TABLE_NONE;

	if (!spare(e))
		return;
	handshake_cancel(n, e);
	timers_cancel(&n->timers, &e->timer);
	while ((at = table_next(n->candidates, at)) != TABLE_NONE) {
		struct candidate *c = table_at(n->candidates, at);

		if (c->dialled == e)
			c->dialled = NULL;
	}
	endpoints_remove(&n->peers, e);
}

struct endpoint *endpoint_get(struct node *n, const struct addr *addr)
{
	struct endpoint *e = endpoints_add(&n->peers, addr);
	uint32_t at = TABLE_NONE;

	if (!e) {
		while ((e = endpoints_next(&n->peers, &at)))
			if (spare(e))
				break;
		if (!e)
			return NULL;
		endpoint_release(n, e);
		e = endpoints_add(&n->peers, addr);
		if (!e)
			return NULL;
	}
	e->timer.kind = NODE_TIMER_ENDPOINT;
	e->timer.owner = e;
	return e;
}

/* Reasons that dialling again soon will not change. */
static bool refused(const struct endpoint *e)
{
	switch (e->why) {
	case ENDPOINT_UNTRUSTED:
	case ENDPOINT_DUPLICATE:
	case ENDPOINT_SELF:
	case ENDPOINT_RECURSION:
	case ENDPOINT_VERSION:
	case ENDPOINT_FULL:
		return true;
	case ENDPOINT_DIALLING:
	case ENDPOINT_NO_ANSWER:
	case ENDPOINT_OTHER_SECRET:
	case ENDPOINT_IGNORED:
	case ENDPOINT_UNREACHABLE:
	case ENDPOINT_WHY_COUNT:
		break;
	}
	return false;
}

void endpoint_kick(struct node *n, struct endpoint *e, uint64_t now_us)
{
	/* What it was refused for once may be long over. */
	bool waits =
		e->timer.due_us > now_us + DIAL_LAST_US * 5 / 4 && !refused(e);

	if (timer_armed(&e->timer) && !waits)
		return;
	e->attempts = 0;
	timers_set(&n->timers, &e->timer, now_us);
}

void endpoint_blame(struct node *n, const struct addr *addr,
		    enum endpoint_why why)
{
	struct endpoint *e = endpoints_find(&n->peers, addr);

	if (e && (!e->peer || e->peer->state != PEER_UP))
		e->why = why;
}

static bool wants_dial(const struct node *n, struct endpoint *e,
		       uint64_t now_us)
{
	struct liveness_config c = { n->config.interval_us,
				     n->config.down_after };
	const struct peer *peer = e->peer;

	if (!peer)
		return e->sources != 0;
	if (peer->state != PEER_UP || !peer->current)
		return e->sources || peer->endpoint == e;
	return peer->endpoint == e &&
	       (peer->current->renew ||
		session_wants_rekey(peer->current, now_us) ||
		liveness_doubtful(&peer->liveness, &c, now_us));
}

void endpoint_heard(struct node *n, struct endpoint *e, uint64_t now_us)
{
	/* Who refuses us for good also dials us; but whoever is heard where we
	 * were ourselves is another. */
	if (refused(e) && e->why != ENDPOINT_SELF)
		return;
	e->attempts = 0;
	if (timer_armed(&e->timer) && e->timer.due_us > now_us + DIAL_FIRST_US)
		timers_set(&n->timers, &e->timer,
			   now_us + node_jitter(n, DIAL_FIRST_US));
}

static uint64_t retry_us(struct node *n, const struct endpoint *e)
{
	uint64_t us = DIAL_LAST_US;

	if (refused(e))
		us = NODE_REFUSED_US;
	else if (e->attempts < 3)
		us = DIAL_FIRST_US << e->attempts;
	return node_jitter(n, us);
}

/* Our initiation came back to us and nobody else answered it. */
static void found_self(struct node *n, struct endpoint *e, uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct endpoint *other;

	if (e->why == ENDPOINT_SELF)
		return;
	e->why = ENDPOINT_SELF;
	node_emit(n, NODE_SELF, NULL, &e->addr, NULL, "");
	/* We have not been here before: what was ours may be another's now. */
	while ((other = endpoints_next(&n->peers, &at)))
		if (other != e && other->why == ENDPOINT_SELF)
			timers_set(&n->timers, &other->timer, now_us);
}

void endpoint_timer(struct node *n, struct endpoint *e, struct clock now)
{
	if (!wants_dial(n, e, now.mono_us)) {
		handshake_cancel(n, e);
		e->attempts = 0;
		return;
	}
	if (e->pending.mirrored)
		found_self(n, e, now.mono_us);
	if (endpoint_is_recursive(n, &e->addr)) {
		e->why = ENDPOINT_RECURSION;
	} else {
		/* If it still is unreachable, sending will say so again; and
		 * who ignores us has answered the last initiation. */
		if ((e->attempts >= 2 && e->why == ENDPOINT_DIALLING) ||
		    (e->pending.index && e->why == ENDPOINT_IGNORED) ||
		    e->why == ENDPOINT_UNREACHABLE)
			e->why = ENDPOINT_NO_ANSWER;
		handshake_dial(n, e, now);
	}
	timers_set(&n->timers, &e->timer, now.mono_us + retry_us(n, e));
	if (e->attempts < UINT32_MAX)
		e->attempts++;
}
