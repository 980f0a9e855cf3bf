#include "node/plpmtud.h"

#include "node/leg.h"
#include "node/probe.h"

/* A way for a handshake alone has nothing left for it. */
static bool is_searched(const struct node *n, const struct peer *peer)
{
	return peer->current && !leg_is_brief(n, &peer->path.way.remote);
}

static uint64_t plpmtud_deadline(struct node *n, struct peer *peer,
				 uint64_t now_us)
{
	(void)now_us;
	return is_searched(n, peer) ? pmtu_deadline(&peer->path.pmtu)
				    : CLOCK_NEVER;
}

static void plpmtud_due(struct node *n, struct peer *peer, uint64_t now_us)
{
	uint16_t size;

	if (!is_searched(n, peer))
		return;
	size = pmtu_probe(&peer->path.pmtu, peer->liveness.echoed_us, now_us);
	if (size)
		probe_send_sized(n, peer, size, now_us);
}

static bool plpmtud_echoed(struct node *n, const struct reading *r,
			   const struct wire_probe *echo)
{
	if (path_brings(&r->peer->path, r->from) &&
	    pmtu_echoed(&r->peer->path.pmtu, echo->size, r->now_us))
		peer_arm(n, r->peer, r->now_us);
	return false;
}

const struct control plpmtud_control = {
	.deadline = plpmtud_deadline,
	.due = plpmtud_due,
	.echoed = plpmtud_echoed,
};
