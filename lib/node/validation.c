#include "node/validation.h"

#include "node/probe.h"

/*
 * A peer that is heard from an address not known to be its own seems to have
 * moved, and only an echo from there proves it: anybody on the path can send on
 * what it recorded, from wherever it likes.
 *
 * The probe carries a random number in the place of the time. Our clock is no
 * secret, and an echo made up by a peer that does not receive there would send its
 * traffic to somebody who never asked for it. It is no larger than what was heard,
 * for it may reach somebody who only passed that on.
 */

void validation_heard(struct node *n, struct peer *peer,
		      const struct addr *from, size_t size, uint64_t now_us)
{
	struct liveness_config c = peer_liveness_config(n);
	const struct endpoint *e = endpoints_find(n, from);

	if (!peer->current || !peer->endpoint ||
	    addr_equal(from, &peer->path.remote) ||
	    size < WIRE_DATA_OVERHEAD + WIRE_PROBE_LEN)
		return;
	if (e && e->peer == peer &&
	    !liveness_doubtful(&peer->liveness, &c, now_us))
		return;
	if (endpoint_is_recursive(n, from))
		return;
	if (peer->path.validation.token &&
	    now_us - peer->path.validation.probe_us < NODE_MOVE_US)
		return;
	if (!peer->path.validation.token ||
	    !addr_equal(&peer->path.validation.to, from)) {
		node_random(n, &peer->path.validation.token,
			    sizeof(peer->path.validation.token));
		peer->path.validation.to = *from;
	}
	peer->path.validation.probe_us = now_us;
	probe_send_token(n, peer, &peer->path.validation.to,
			 peer->path.validation.token, now_us);
}

static void validated(struct node *n, const struct reading *r)
{
	struct peer *peer = r->peer;
	struct endpoint *e;

	if (!addr_equal(r->from, &peer->path.validation.to))
		return;
	peer->path.validation.token = 0;
	e = endpoint_get(n, r->from);
	if (!e || e == peer->endpoint)
		return;
	peer_set_endpoint(n, peer, e, r->now_us);
	peer_emit(n, NODE_PEER_MOVED, peer, &e->addr, NULL, "");
	peer_arm(n, peer, r->now_us);
}

static bool validation_echoed(struct node *n, const struct reading *r,
			      const struct wire_probe *echo)
{
	if (!r->peer->path.validation.token ||
	    echo->time_us != r->peer->path.validation.token)
		return false;
	validated(n, r);
	return true;
}

const struct control validation_control = { .echoed = validation_echoed };
