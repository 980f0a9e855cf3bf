/* What there is to see of one peer. */
#include <assert.h>
#include <string.h>

#include "node/groups.h"

static void add_path(struct node_peer_detail *out, enum node_path_use use,
		     const struct way *way)
{
	struct node_path_info *p = &out->paths[out->paths_count++];

	*p = (struct node_path_info){ .use = use, .remote = way->remote };
	p->has_local = way_is_pinned(way);
	if (p->has_local)
		p->local = way->local;
}

static void show_path(const struct node *n, const struct peer *peer,
		      struct node_peer_detail *out)
{
	const struct path *path = &peer->path;
	struct node_path_info *used;

	if (!peer->endpoint)
		return;
	used = &out->paths[out->paths_count];
	add_path(out, NODE_PATH_USED, &path->way);
	used->rtt_us = path->rtt_us;
	if (peer->current || n->plain) {
		used->size = path->pmtu.size;
		used->size_max = path->pmtu.max;
		used->probed_size = path->pmtu.probed_size;
	}
	if (peer->paths.moving.token)
		add_path(out, NODE_PATH_VALIDATED, &peer->paths.moving.to);
}

/* Other addresses at which it answered, or answers still. */
static void show_others(const struct node *n, const struct peer *peer,
			struct node_peer_detail *out)
{
	const struct endpoint *e;
	uint32_t at = TABLE_NONE;

	while ((e = endpoints_next(n, &at))) {
		const struct way way = { .remote = e->addr };

		if (e->peer != peer || e == peer->endpoint)
			continue;
		if (out->paths_count < NODE_PATHS_MAX)
			add_path(out, NODE_PATH_KNOWN, &way);
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
