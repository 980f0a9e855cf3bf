#include "node/peers.h"

struct peer *peers_find(const struct node *n, const struct public_key *key)
{
	return table_find(n->peers.by_key, key->bytes);
}

struct peer *peers_next(const struct node *n, uint32_t *at)
{
	*at = table_next(n->peers.by_key, *at);
	return *at == TABLE_NONE ? NULL : table_at(n->peers.by_key, *at);
}

struct peer *peers_at_port(const struct node *n, uint16_t port)
{
	return bridge_port_owner(n->bridge, port);
}

struct peer *peers_add(struct node *n, const struct public_key *key,
		       uint64_t now_us)
{
	struct peer *peer = table_insert(n->peers.by_key, key->bytes);

	if (!peer)
		return NULL;
	peer->key = *key;
	peer->port = bridge_port_add(n->bridge, peer);
	peer->state = PEER_CONNECTING;
	peer->reason = PEER_REASON_HANDSHAKE;
	peer->state_us = now_us;
	peer->timer.kind = NODE_TIMER_PEER;
	peer->timer.owner = peer;
	liveness_init(&peer->liveness, now_us);
	return peer;
}

uint32_t peer_sources(const struct node *n, const struct peer *peer)
{
	uint32_t at = TABLE_NONE, sources = 0;
	const struct endpoint *e;

	while ((e = endpoints_next(n, &at)))
		if (e->peer == peer)
			sources |= e->sources;
	return sources;
}

bool peer_wanted(const struct node *n, const struct peer *peer)
{
	return peer_sources(n, peer) != 0;
}

void peers_note_wanted(const struct node *n)
{
	uint32_t at = TABLE_NONE;
	struct endpoint *e;
	struct peer *peer;

	while ((peer = peers_next(n, &at)))
		peer->wanted = false;
	at = TABLE_NONE;
	while ((e = endpoints_next(n, &at)))
		if (e->peer && e->sources)
			e->peer->wanted = true;
}

/* a goes rather than b, which holds as much: the longest down; of others one that never
 * was up, or the last that came. */
static bool goes_first(const struct peer *a, const struct peer *b)
{
	if (a->state != b->state)
		return a->state == PEER_CONNECTING;
	return a->state == PEER_DOWN ? a->state_us < b->state_us
				     : a->state_us > b->state_us;
}

/* Of the holder of most, among those that are down, or among the others. */
static struct peer *most_held(const struct node *n, bool down,
			      struct share_counts *most)
{
	uint32_t at = TABLE_NONE;
	struct peer *peer, *first = NULL;

	while ((peer = peers_next(n, &at))) {
		struct share_counts counts;
		int more;

		if ((peer->state == PEER_DOWN) != down || peer->wanted)
			continue;
		counts = shares_of(n->peer_shares, &peer->path.way.remote);
		more = first ? shares_compare(&counts, most) : 1;
		if (more < 0 || (more == 0 && !goes_first(peer, first)))
			continue;
		first = peer;
		*most = counts;
	}
	return first;
}

struct peer *peers_evictable(struct node *n, const struct addr *newcomer,
			     bool wanted)
{
	struct share_counts most = { { 0 } }, own;
	uint32_t at = TABLE_NONE;
	struct peer *peer;

	peers_note_wanted(n);
	shares_clear(n->peer_shares);
	while ((peer = peers_next(n, &at)))
		if (!peer->wanted)
			shares_add(n->peer_shares, &peer->path.way.remote);
	peer = most_held(n, true, &most);
	if (peer)
		return peer;
	peer = most_held(n, false, &most);
	if (!peer || wanted)
		return peer;
	shares_add(n->peer_shares, newcomer);
	own = shares_of(n->peer_shares, newcomer);
	most = shares_of(n->peer_shares, &peer->path.way.remote);
	return shares_compare(&most, &own) > 0 ? peer : NULL;
}

void peers_session_free(struct node *n, struct session *s)
{
	uint32_t index;

	if (!s)
		return;
	index = s->local;
	session_wipe(s);
	table_remove(n->sessions, &index);
}

void peers_remove(struct node *n, struct peer *peer)
{
	struct public_key key = peer->key;
	uint32_t at = TABLE_NONE;
	struct endpoint *e;

	while (n->peers.by_addr && (e = endpoints_next(n, &at)))
		if (e->peer == peer)
			e->peer = NULL;
	for (size_t i = 0; i < PEERS_SESSIONS; i++)
		peers_session_free(n, peer->sessions[i]);
	rekey_wipe(&peer->rekey);
	bridge_port_remove(n->bridge, peer->port);
	table_remove(n->peers.by_key, key.bytes);
}

bool peers_init(struct node *n, uint32_t max,
		const uint8_t seed[TABLE_SEED_LEN])
{
	n->peers.by_key = table_new(max, KEY_LEN, sizeof(struct peer), seed);
	return n->peers.by_key != NULL;
}

void peers_free(struct node *n)
{
	uint32_t at = TABLE_NONE;
	struct peer *peer;

	while (n->peers.by_key && (peer = peers_next(n, &at)))
		peers_remove(n, peer);
	table_free(n->peers.by_key);
	n->peers.by_key = NULL;
}

void peers_set_reason(struct node *n, const struct addr *addr,
		      enum endpoint_reason reason)
{
	struct endpoint *e = endpoints_find(n, addr);

	if (e && (!e->peer || e->peer->state != PEER_UP))
		e->reason = reason;
}
