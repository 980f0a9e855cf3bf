/* What there is to see of a node. */
#include <stdio.h>
#include <string.h>

#include "node/node_impl.h"

/* An endpoint that stands for a peer nobody knows yet. Our own address is none,
 * from the moment when our initiation came back. */
static bool stands_alone(const struct endpoint *e)
{
	return e->sources && !e->peer && e->why != ENDPOINT_SELF &&
	       !e->pending.mirrored;
}

void node_status(const struct node *n, struct node_status *out)
{
	uint32_t at = TABLE_NONE;
	const struct endpoint *e;
	const struct peer *peer;

	*out = (struct node_status){ .key = n->key,
				     .aead = aead_name(n->aead),
				     .tx = n->tx,
				     .rx = n->rx,
				     .fdb_count = fdb_count(n->fdb) };
	while ((peer = peers_next(&n->peers, &at))) {
		out->peers_total++;
		out->peers_up += peer->state == PEER_UP;
	}
	at = TABLE_NONE;
	while ((e = endpoints_next(&n->peers, &at)))
		out->peers_total += stands_alone(e);
}

static struct node_counters counters(const struct peer_counters *c)
{
	return (struct node_counters){ c->frames, c->datagrams, c->bytes };
}

static enum node_peer_state state_of(const struct peer *peer)
{
	switch (peer->state) {
	case PEER_UP:
		return NODE_PEER_STATE_UP;
	case PEER_CONNECTING:
		return NODE_PEER_STATE_CONNECTING;
	case PEER_DOWN:
		break;
	}
	return NODE_PEER_STATE_DOWN;
}

/* What its endpoint was blamed for says more than that nothing is heard. */
static void show_why(const struct peer *peer, struct node_peer_info *out)
{
	const struct endpoint *e = peer->endpoint;

	if (peer->state == PEER_UP)
		return;
	if (e && e->why != ENDPOINT_DIALLING && e->why != ENDPOINT_NO_ANSWER)
		endpoint_why_print(e->why, e->addr.port, out->why,
				   sizeof(out->why));
	else
		peer_why_print(peer->why, out->endpoint.port, out->why,
			       sizeof(out->why));
}

static void show_peer(const struct node *n, const struct peer *peer,
		      struct node_peer_info *out)
{
	*out = (struct node_peer_info){
		.has_key = true,
		.key = peer->key,
		.has_endpoint = peer->endpoint != NULL,
		.wanted = peer_wanted(&n->peers, peer),
		.state = state_of(peer),
		.rtt_us = peer->liveness.rtt_us,
		.loss = liveness_loss(&peer->liveness),
		.datagram_size = peer->current ? peer->pmtu.size : 0,
		.tap_mtu = peer->tap_mtu,
		.up_since_us = peer->state == PEER_UP ? peer->state_us : 0,
		.heard_us = peer->liveness.heard_us,
		.tx = counters(&peer->tx),
		.rx = counters(&peer->rx),
	};
	memcpy(out->name, peer->name, sizeof(out->name));
	if (peer->endpoint)
		out->endpoint = peer->endpoint->addr;
	show_why(peer, out);
}

static void show_endpoint(const struct endpoint *e, struct node_peer_info *out)
{
	*out = (struct node_peer_info){
		.has_endpoint = true,
		.endpoint = e->addr,
		.wanted = true,
		.state = NODE_PEER_STATE_CONNECTING,
	};
	endpoint_why_print(e->why, e->addr.port, out->why, sizeof(out->why));
}

/* *at counts peers' slots first, then endpoints'. */
bool node_next_peer(const struct node *n, uint32_t *at,
		    struct node_peer_info *out, uint64_t now_us)
{
	uint32_t peers = table_capacity(n->peers.by_key);
	uint32_t endpoints = table_capacity(n->peers.by_addr);

	(void)now_us;
	for (; *at < peers + endpoints; ++*at) {
		if (*at < peers) {
			const struct peer *peer =
				table_at(n->peers.by_key, *at);

			if (!peer)
				continue;
			show_peer(n, peer, out);
		} else {
			const struct endpoint *e =
				table_at(n->peers.by_addr, *at - peers);

			if (!e || !stands_alone(e))
				continue;
			show_endpoint(e, out);
		}
		++*at;
		return true;
	}
	return false;
}

bool node_next_mac(const struct node *n, uint32_t *at,
		   struct node_fdb_info *out, uint64_t now_us)
{
	struct fdb_entry entry;
	const struct peer *peer;

	if (!fdb_next(n->fdb, at, &entry))
		return false;
	*out = (struct node_fdb_info){ .vlan = entry.vlan,
				       .local = entry.port == FDB_PORT_LOCAL,
				       .age_us = now_us - entry.seen_us };
	memcpy(out->mac, entry.mac, sizeof(out->mac));
	peer = peers_at_port(&n->peers, entry.port);
	if (peer) {
		memcpy(out->owner, peer->name, sizeof(out->owner));
		out->owner_key = peer->key;
	}
	return true;
}

const uint64_t *node_drops(const struct node *n)
{
	return n->drops;
}
