/* What there is to see of one peer. */
#include <assert.h>
#include <string.h>

#include "node/groups.h"
#include "node/leg.h"

static struct node_path_info *add_path(const struct node *n,
				       struct node_peer_detail *out,
				       enum node_path_use use,
				       const struct way *way,
				       enum path_rank rank)
{
	struct node_path_info *p = &out->paths[out->paths_count++];
	const struct peer *relay = leg_relay(n, way->remote.leg);

	*p = (struct node_path_info){ .use = use,
				      .rank = (enum node_path_rank)rank,
				      .remote = way->remote };
	if (relay)
		memcpy(p->via, relay->name, sizeof(p->via));
	p->has_local = way_is_pinned(way);
	if (p->has_local)
		p->local = way->local;
	return p;
}

static_assert((int)NODE_RANK_RELAYED == (int)PATH_RELAYED &&
		      (int)NODE_RANK_DIRECT == (int)PATH_DIRECT &&
		      (int)NODE_RANK_LOCAL == (int)PATH_LOCAL,
	      "one order of ranks");

static void show_spares(const struct node *n, const struct peer *peer,
			struct node_peer_detail *out)
{
	for (size_t i = 0; i < PATH_SPARES; i++) {
		const struct path_spare *s = &peer->paths.spares[i];
		struct node_path_info *p;

		if (!s->taken)
			continue;
		p = add_path(n, out,
			     s->proven_us ? NODE_PATH_SPARE
					  : NODE_PATH_VALIDATED,
			     &s->path.way, s->path.rank);
		p->rtt_us = s->path.rtt_us;
		p->proven_us = s->proven_us;
	}
}

static bool is_shown(const struct node_peer_detail *out,
		     const struct addr *remote)
{
	for (size_t i = 0; i < out->paths_count; i++)
		if (addr_equal(&out->paths[i].remote, remote))
			return true;
	return false;
}

static void show_path(const struct node *n, const struct peer *peer,
		      struct node_peer_detail *out)
{
	const struct path *path = &peer->path;
	struct node_path_info *used;

	if (!peer->endpoint)
		return;
	used = add_path(n, out, NODE_PATH_USED, &path->way, path->rank);
	used->rtt_us = path->rtt_us;
	if (peer->current || n->plain) {
		used->size = path->pmtu.size;
		used->size_max = path->pmtu.max;
		used->probed_size = path->pmtu.probed_size;
	}
	show_spares(n, peer, out);
	if (peer->paths.moving.token &&
	    !is_shown(out, &peer->paths.moving.to.remote))
		(void)add_path(n, out, NODE_PATH_VALIDATED,
			       &peer->paths.moving.to,
			       peer->paths.moving.to.remote.leg ? PATH_RELAYED
								: PATH_DIRECT);
}

/* Other addresses at which it answered, or answers still. */
static void show_others(const struct node *n, const struct peer *peer,
			struct node_peer_detail *out)
{
	const struct endpoint *e;
	uint32_t at = TABLE_NONE;

	while ((e = endpoints_next(n, &at))) {
		const struct way way = { .remote = e->addr };

		if (e->peer != peer || is_shown(out, &e->addr))
			continue;
		if (out->paths_count < NODE_PATHS_MAX)
			(void)add_path(n, out, NODE_PATH_KNOWN, &way,
				       e->addr.leg ? PATH_RELAYED
						   : PATH_DIRECT);
	}
}

static void show_session(const struct peer *peer, const struct session *s,
			 struct node_peer_detail *out)
{
	struct node_session_info *info = &out->sessions[out->sessions_count++];

	*info = (struct node_session_info){
		.used = s == peer->current,
		.open = s->stage == SESSION_OPEN,
		.initiator = s->initiator,
		.carried = s->carried,
		.born_us = s->born_us,
		.sent = s->counter,
		.received = s->replay.next,
	};
}

static_assert(NODE_PEER_SESSIONS_MAX == PEERS_SESSIONS, "room for all");

bool node_peer_detail(const struct node *n, const struct public_key *key,
		      struct node_peer_detail *out)
{
	const struct peer *peer = peers_find(n, key);

	*out = (struct node_peer_detail){ .port = 0 };
	if (!peer)
		return false;
	out->port = peer->port;
	memcpy(out->tap_mac, peer->tap_mac, sizeof(out->tap_mac));
	out->state_since_us = peer->state_us;
	out->sent_us = peer->liveness.sent_us;
	out->gets_all = n->config.snooping ? groups_why_flooded(n, peer) : NULL;
	show_path(n, peer, out);
	show_others(n, peer, out);
	for (size_t i = 0; i < PEERS_SESSIONS; i++)
		if (peer->sessions[i])
			show_session(peer, peer->sessions[i], out);
	return true;
}
