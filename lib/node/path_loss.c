#include "node/path_loss.h"

#include "node/leg.h"
#include "node/paths.h"
#include "node/probe.h"
#include "node/seek.h"

/*
 * While a peer is reached by a relay, what arrives there is counted: a probe asks each
 * ten seconds, if twenty datagrams were sent since. How many had been sent is noted with
 * the question, so what is under way when the answer comes is no loss. What went other
 * ways, or was to show how large a datagram may be, is left out; that it may arrive hides
 * some loss, and never makes any.
 */
#define WINDOW_US (10 * CLOCK_S)
#define AGAIN_US  (1 * CLOCK_S)
#define ENOUGH	  20

static uint64_t sent_by_path(const struct peer *peer)
{
	return peer->liveness.sent - peer->liveness.strayed_ever -
	       peer->paths.sized;
}

static bool is_counted(const struct peer *peer)
{
	return peer->current && peer->state == PEER_UP &&
	       path_is_relayed(&peer->path);
}

static uint64_t path_loss_deadline(struct node *n, struct peer *peer,
				   uint64_t now_us)
{
	(void)n;
	(void)now_us;
	return is_counted(peer) ? peer->paths.loss.next_us : CLOCK_NEVER;
}

static void path_loss_due(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct path_loss *l = &peer->paths.loss;

	if (!is_counted(peer) || now_us < l->next_us)
		return;
	if (l->leg != peer->path.way.remote.leg)
		*l = (struct path_loss){ .leg = peer->path.way.remote.leg };
	if (l->known && sent_by_path(peer) - l->sent < ENOUGH) {
		l->next_us = now_us + WINDOW_US;
		return;
	}
	l->asked_us = now_us;
	l->asked_sent = sent_by_path(peer);
	l->next_us = now_us + AGAIN_US;
	probe_send(n, peer, &peer->path.way, now_us);
}

/* False if the peer began to count anew: it says that it sent less than was heard of it.
 * The slack is for what was on its way here at the last answer. */
static bool counts_on(const struct path_loss *l, const struct wire_probe *echo,
		      uint64_t heard)
{
	const uint64_t sent = echo->sent - l->peer_sent;

	return echo->sent >= l->peer_sent && echo->received >= l->received &&
	       heard - l->heard <= sent + sent / 16 + 2;
}

/* What is lost may be lost on every way. So a relay that loses is kept until another way
 * has echoed. */
static void leave(struct node *n, struct peer *peer, uint32_t leg,
		  uint64_t now_us)
{
	leg_is_bad(n, leg, now_us);
	paths_ask_spares(n, peer, now_us);
	seek_other_relay(n, peer, now_us);
}

static bool path_loss_echoed(struct node *n, const struct reading *r,
			     const struct wire_probe *echo)
{
	struct path_loss *l = &r->peer->paths.loss;
	const uint64_t sent = l->asked_sent - l->sent;
	const uint64_t arrived = echo->received - l->received;
	const uint64_t heard = r->peer->liveness.received;
	const bool known = l->known && counts_on(l, echo, heard);

	if (!l->asked_us || echo->time_us != l->asked_us ||
	    l->leg != r->peer->path.way.remote.leg ||
	    !path_brings(&r->peer->path, r->from))
		return false;
	l->known = true;
	l->asked_us = 0;
	l->sent = l->asked_sent;
	l->received = echo->received;
	l->peer_sent = echo->sent;
	l->heard = heard;
	l->next_us = r->now_us + WINDOW_US;
	if (known && sent >= ENOUGH && arrived < sent &&
	    sent - arrived > sent / 5)
		leave(n, r->peer, l->leg, r->now_us);
	return false;
}

const struct control path_loss_control = {
	.deadline = path_loss_deadline,
	.due = path_loss_due,
	.echoed = path_loss_echoed,
};
