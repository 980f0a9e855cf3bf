/* What there is to see of a node. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "node/groups.h"
#include "node/leg.h"
#include "node/loop.h"
#include "node/observed.h"
#include "node/relay.h"
#include "node/wanted.h"

static void show_nat(const struct node *n, struct node_nat_info *out)
{
	struct observed o;

	observed_sum(n, &o);
	out->count = o.seen_count;
	for (size_t i = 0; i < o.seen_count; i++)
		out->observed[i] = o.seen[i];
	out->translated = o.translated;
	out->symmetric = o.symmetric;
}

static_assert(NODE_OBSERVED_MAX == OBSERVED_MAX, "room for all");

void node_status(const struct node *n, struct node_status *out)
{
	uint32_t at = TABLE_NONE;
	const struct peer *peer;

	*out = (struct node_status){
		.key = n->key,
		.aead = n->plain ? "none" : aead_name(n->aead),
		.tx = n->lane.tx,
		.rx = n->lane.rx,
		.fdb_count = fdb_count(bridge_fdb(n->bridge)),
		.fdb_moves = fdb_moves(bridge_fdb(n->bridge)),
		.rekeys = n->rekeys
	};
	while ((peer = peers_next(n, &at))) {
		out->peers_total++;
		out->peers_up += peer->state == PEER_UP;
		out->peers_relayed += peer->state == PEER_UP &&
				      peer->endpoint &&
				      path_is_relayed(&peer->path);
	}
	out->peers_total += wanted_review(n);
	show_nat(n, &out->nat);
	if (n->relay)
		out->relay = (struct node_relay_info){
			.legs = table_count(n->relay->by_pair),
			.datagrams = n->relay->datagrams,
			.bytes = n->relay->bytes,
		};
}

/* What its endpoint was blamed for says more than that nothing is heard. */
static void show_why(const struct node *n, const struct peer *peer,
		     struct node_peer_info *out)
{
	const struct endpoint *e = peer->endpoint;
	enum endpoint_reason reason =
		e ? endpoint_shown_reason(e) : ENDPOINT_DIALLING;

	if (peer->state == PEER_UP)
		return;
	out->unheard = peer->reason == PEER_REASON_SILENT ||
		       peer->reason == PEER_REASON_HANDSHAKE;
	if (reason != ENDPOINT_DIALLING && reason != ENDPOINT_NO_ANSWER) {
		out->unheard = reason == ENDPOINT_UNREACHABLE;
		endpoint_why(e, out->reason, sizeof(out->reason));
	} else {
		peer_why(n, peer, out->reason, sizeof(out->reason));
	}
	/* The way to its relay says nothing of it. */
	out->unheard &= !out->relayed;
}

/* It answers from another address than it is listed with. */
static void show_listed(const struct node *n, const struct peer *peer,
			struct node_peer_info *out)
{
	uint32_t at = TABLE_NONE;
	const struct endpoint *e;

	while (!out->has_listed && (e = endpoints_next(n, &at)))
		if (e->peer == peer && e->sources) {
			out->has_listed = true;
			out->listed = e->addr;
		}
}

static void show_via(const struct node *n, const struct peer *peer,
		     struct node_peer_info *out)
{
	const struct peer *relay;

	out->symmetric = peer->punch.symmetric;
	out->relayed = peer->endpoint && path_is_relayed(&peer->path);
	if (!out->relayed)
		return;
	relay = leg_relay(n, peer->path.way.remote.leg);
	if (relay)
		memcpy(out->via, relay->name, sizeof(out->via));
}

static void show_counts(const struct peer *peer, struct node_peer_info *out)
{
	out->tx = peer->tx;
	out->rx = peer->rx;
	out->sessions = peer->opened;
	out->sessions_incomplete = peer->incomplete;
	out->downs[NODE_DOWN_SILENT] = peer->downs[PEER_REASON_SILENT];
	out->downs[NODE_DOWN_DEAF] = peer->downs[PEER_REASON_DEAF];
	out->downs[NODE_DOWN_BYE] = peer->downs[PEER_REASON_BYE];
	out->downs[NODE_DOWN_EXPIRED] = peer->downs[PEER_REASON_EXPIRED];
}

static void show_peer(const struct node *n, const struct peer *peer,
		      struct node_peer_info *out)
{
	*out = (struct node_peer_info){
		.has_key = !n->plain,
		.key = peer->key,
		.has_endpoint = peer->endpoint != NULL,
		.sources = peer_sources(n, peer),
		.suggested = peer->suggested,
		.state = peer_state_of(peer),
		.rtt_us = peer->path.rtt_us,
		.loss = liveness_loss(&peer->liveness),
		.datagram_size =
			peer->current || n->plain ? peer->path.pmtu.size : 0,
		.tap_mtu = peer->tap_mtu,
		.up_since_us = peer->state == PEER_UP ? peer->state_us : 0,
		.heard_us = peer->liveness.heard_us,
		.looped_us = loop_began_us(peer),
	};
	show_counts(peer, out);
	out->wanted = out->sources != 0;
	memcpy(out->name, peer->name, sizeof(out->name));
	if (peer->endpoint)
		out->endpoint = peer->endpoint->addr;
	if (out->wanted && peer->endpoint && !peer->endpoint->sources)
		show_listed(n, peer, out);
	show_via(n, peer, out);
	out->has_local = way_is_pinned(&peer->path.way);
	if (out->has_local)
		out->local = peer->path.way.local;
	show_why(n, peer, out);
}

static void show_endpoint(const struct endpoint *e, struct node_peer_info *out)
{
	const enum endpoint_reason reason = endpoint_shown_reason(e);

	*out = (struct node_peer_info){
		.has_endpoint = true,
		.endpoint = e->addr,
		.wanted = true,
		.sources = e->sources,
		.state = NODE_PEER_STATE_CONNECTING,
		.unheard = reason == ENDPOINT_NO_ANSWER ||
			   reason == ENDPOINT_UNREACHABLE,
	};
	endpoint_why(e, out->reason, sizeof(out->reason));
}

static const struct peer *next_peer(const struct node *n, struct node_iter *it)
{
	while (it->slot < table_capacity(n->peers.by_key)) {
		const struct peer *peer = table_at(n->peers.by_key, it->slot++);

		if (peer)
			return peer;
	}
	return NULL;
}

static bool next_lone_endpoint(const struct node *n, struct node_iter *it,
			       struct node_peer_info *out)
{
	while (it->slot < table_capacity(n->peers.by_addr)) {
		const struct endpoint *e =
			table_at(n->peers.by_addr, it->slot++);

		if (!e || !wanted_stands_alone(n, e))
			continue;
		show_endpoint(e, out);
		return true;
	}
	return false;
}

/* Peers, then hosts of which none is known. */
bool node_next_peer(const struct node *n, struct node_iter *it,
		    struct node_peer_info *out)
{
	if (it->table == 0) {
		const struct peer *peer = next_peer(n, it);

		if (peer) {
			show_peer(n, peer, out);
			return true;
		}
		*it = (struct node_iter){ .table = 1 };
		wanted_review(n);
	}
	return next_lone_endpoint(n, it, out);
}

void node_traffic(const struct node *n, struct node_traffic *out)
{
	*out = (struct node_traffic){ n->lane.tx, n->lane.rx };
}

bool node_next_peer_traffic(const struct node *n, struct node_iter *it,
			    const struct public_key **key,
			    struct node_traffic *out)
{
	const struct peer *peer = next_peer(n, it);

	if (!peer)
		return false;
	*key = &peer->key;
	*out = (struct node_traffic){ peer->tx, peer->rx };
	return true;
}

/* The slot after which a table's own walk goes on: an iterator counts from 1. */
static uint32_t slot_of(const struct node_iter *it)
{
	return it->slot ? it->slot - 1 : TABLE_NONE;
}

bool node_next_mac(const struct node *n, struct node_iter *it,
		   struct node_fdb_info *out, uint64_t now_us)
{
	struct fdb_entry entry;
	const struct peer *peer;
	uint32_t slot = slot_of(it);

	if (!fdb_next(bridge_fdb(n->bridge), &slot, &entry))
		return false;
	it->slot = slot + 1;
	*out = (struct node_fdb_info){ .vlan = entry.vlan,
				       .local = entry.port == FDB_PORT_LOCAL,
				       .age_us = now_us - entry.seen_us };
	memcpy(out->mac, entry.mac, sizeof(out->mac));
	peer = peers_at_port(n, entry.port);
	if (peer) {
		memcpy(out->owner, peer->name, sizeof(out->owner));
		out->owner_key = peer->key;
	}
	return true;
}

static bool next_own_group(const struct node *n, struct node_iter *it,
			   struct group *group)
{
	uint32_t slot = slot_of(it);

	if (!querier_next(n->querier, &slot, group))
		return false;
	it->slot = slot + 1;
	return true;
}

static bool next_foreign_group(const struct node *n, struct node_iter *it,
			       struct group *group)
{
	uint32_t slot = slot_of(it);
	struct mdb_entry entry;

	while (mdb_next(bridge_mdb(n->bridge), &slot, &entry)) {
		it->slot = slot + 1;
		*group = entry.group;
		if (!group_is_vlan(group) && !querier_wants(n->querier, group))
			return true;
	}
	return false;
}

static_assert(NODE_PORT_WORDS == PORT_SET_WORDS, "members are a port set");

/* Those of our side of the TAP, then those that only peers joined. */
bool node_next_group(const struct node *n, struct node_iter *it,
		     struct node_group_info *out)
{
	struct port_set members = { .words = { 0 } };
	struct group group;
	bool local = false;

	if (it->table == 0) {
		local = next_own_group(n, it, &group);
		if (!local)
			*it = (struct node_iter){ .table = 1 };
	}
	if (!local && !next_foreign_group(n, it, &group))
		return false;
	*out = (struct node_group_info){ .vlan = group.vlan, .local = local };
	memcpy(out->ip, group.ip, sizeof(out->ip));
	mdb_registered(bridge_mdb(n->bridge), &group, &members);
	memcpy(out->members, members.words, sizeof(out->members));
	return true;
}

const char *node_next_member(const struct node *n,
			     const struct node_group_info *group,
			     struct node_iter *it)
{
	struct port_set members;
	int port = (int)it->slot;

	memcpy(members.words, group->members, sizeof(members.words));
	while ((port = port_set_next(&members, port)) > 0) {
		const struct peer *peer = peers_at_port(n, (uint16_t)port);

		if (!peer) /* it was removed since */
			continue;
		it->slot = (uint32_t)port;
		return peer->name;
	}
	return NULL;
}

bool node_next_flooded(const struct node *n, struct node_iter *it,
		       struct node_flooded_info *out)
{
	int port = (int)it->slot;

	while (n->config.snooping &&
	       (port = port_set_next(bridge_live_ports(n->bridge), port)) > 0) {
		const struct peer *peer = peers_at_port(n, (uint16_t)port);

		it->slot = (uint32_t)port;
		out->peer = peer->name;
		out->reason = groups_why_flooded(n, peer);
		if (out->reason)
			return true;
	}
	return false;
}

void node_multicast_status(const struct node *n,
			   struct node_multicast_status *out)
{
	const unsigned int known = 1u << QUERIER_STARTING;

	*out = (struct node_multicast_status){
		.snooping = n->config.snooping,
		.querier = n->config.querier,
		.router = bridge_has_router(n->bridge),
		.groups = querier_count(n->querier),
	};
	out->wants_all = local_groups_why_all(n);
	if (!n->config.snooping || !n->config.querier)
		return;
	out->unknowable = querier_want_all(n->querier) & ~known;
	out->silent_v4 = querier_silent(n->querier, false);
	out->silent_v6 = querier_silent(n->querier, true);
}

const uint64_t *node_drops(const struct node *n)
{
	return n->lane.drops;
}
