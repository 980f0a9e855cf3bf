#include "node/validation.h"

#include "node/probe.h"

/*
 * A peer that is heard from an address not known to be its own seems to have
 * moved, and only an echo from there proves it: anybody on the path can send on
 * what it recorded, from wherever it likes. So does one that addresses another of
 * our own addresses, and for the same reason: whoever sends a datagram on chooses
 * where to, too. The echo has to come back that very way, to the local address
 * that the probe left from.
 *
 * The probe carries a random number in the place of the time. Our clock is no
 * secret, and an echo made up by a peer that does not receive there would send its
 * traffic to somebody who never asked for it. It is no larger than what was heard,
 * for it may reach somebody who only passed that on.
 */

/* It is another address of the same peer's, and the one in use answers. */
static bool is_spare(const struct node *n, const struct peer *peer,
		     const struct addr *remote, uint64_t now_us)
{
	struct liveness_config c = peer_liveness_config(n);
	const struct endpoint *e = endpoints_find(n, remote);

	return e && e != peer->endpoint && e->peer == peer &&
	       !liveness_doubtful(&peer->liveness, &c, now_us);
}

void validation_heard(struct node *n, struct reading *r)
{
	struct path *path = &r->peer->path;

	if (!r->peer->current || !r->peer->endpoint ||
	    path_goes(path, r->from) || r->size < PROBE_SIZE)
		return;
	if (is_spare(n, r->peer, &r->from->remote, r->now_us))
		return;
	if (path->validation.token &&
	    r->now_us - path->validation.probe_us < NODE_MOVE_US)
		return;
	if (!path->validation.token ||
	    !way_equal(&path->validation.to, r->from)) {
		node_random(n, &path->validation.token,
			    sizeof(path->validation.token));
		path->validation.to = *r->from;
	}
	path->validation.probe_us = r->now_us;
	(void)peer_may_answer(r, PROBE_SIZE); /* as checked above */
	probe_send_token(n, r->peer, &path->validation.to,
			 path->validation.token, r->now_us);
}

static void validated(struct node *n, const struct reading *r)
{
	struct peer *peer = r->peer;
	struct endpoint *e;
	bool moved;

	if (!way_equal(r->from, &peer->path.validation.to))
		return;
	peer->path.validation.token = 0;
	e = endpoint_get(n, &r->from->remote);
	if (!e)
		return;
	moved = e != peer->endpoint;
	peer_set_endpoint(n, peer, e, &r->from->local, r->now_us);
	if (moved)
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
