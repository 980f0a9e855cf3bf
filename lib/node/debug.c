#include "node/debug.h"

#include <assert.h>
#include <string.h>

#include "node/candidate.h"
#include "node/exchange.h"
#include "node/groups.h"
#include "node/hints.h"

static_assert(NODE_DEBUG_HALF_OPEN_LOAD == NODE_HALF_OPEN_LOAD, "one bound");
static_assert(NODE_DEBUG_HALF_OPEN_MAX == NODE_HALF_OPEN_MAX, "one bound");
static_assert(NODE_DEBUG_HANDSHAKE_RATE == NODE_HANDSHAKE_RATE, "one rate");
static_assert(NODE_DEBUG_COOKIE_RATE == NODE_COOKIE_RATE, "one rate");
static_assert(NODE_DEBUG_SPREAD_US == NODE_SPREAD_US, "one spread");
static_assert(NODE_DEBUG_CHUNK == LANE_CHUNK, "one size");
static_assert(NODE_DEBUG_SESSIONS >= PEERS_SESSIONS, "room for all");

/* FNV-1a. */
static uint64_t digest(const void *bytes, size_t len)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);
	const uint8_t *at = bytes;

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ at[i]) * UINT64_C(0x100000001b3);
	return sum;
}

static uint32_t count_stray_sessions(const struct node *n)
{
	uint32_t at = TABLE_NONE;
	uint32_t owned = table_count(n->candidates);
	const struct peer *peer;

	while ((peer = peers_next(n, &at)))
		for (size_t i = 0; i < PEERS_SESSIONS; i++)
			owned += peer->sessions[i] != NULL;
	return table_count(n->sessions) - owned;
}

static uint32_t count_stray_indices(const struct node *n)
{
	uint32_t at = TABLE_NONE, stray = 0;

	while ((at = table_next(n->indices, at)) != TABLE_NONE) {
		const struct index_entry *entry = table_at(n->indices, at);
		uint32_t index;

		if (!entry->session)
			continue;
		memcpy(&index, table_key(n->indices, entry), sizeof(index));
		stray += index != entry->session->local &&
			 index != entry->session->also_local;
	}
	return stray;
}

void node_debug(const struct node *n, struct node_debug *out)
{
	*out = (struct node_debug){
		.peers = table_count(n->peers.by_key),
		.endpoints = table_count(n->peers.by_addr),
		.half_open = n->half_open,
		.pending = table_count(n->candidates),
		.indices = table_count(n->indices),
		.stray_sessions = count_stray_sessions(n),
		.stray_indices = count_stray_indices(n),
		.epoch = n->epoch,
		.timestamp_us = n->timestamp_us,
		.trusts_all = n->trusted == NULL,
		.tap_takes = n->config.tap_takes,
		.version = declaration_version(n->declaration),
		.announced = n->announced,
		.joined = declaration_joined(n->declaration),
		.left = declaration_left(n->declaration),
		.incomplete = declaration_is_incomplete(n->declaration),
		.wants_all = n->want_all_sent,
		.list = n->exchange->version,
		.digest = n->exchange->digest,
		.hints = table_count(n->hints->by_addr),
		.dialled = n->hints->dialled,
		.groups = mdb_count(bridge_mdb(n->bridge)),
		.querier_us = querier_deadline(n->querier),
	};
}

static struct node_debug_session show_session(const struct session *s)
{
	struct node_debug_session out;

	/* Padding too: tests compare all its bytes. */
	memset(&out, 0, sizeof(out));
	out.local = s->local;
	out.remote = s->remote;
	out.initiator = s->initiator;
	memcpy(out.secret, s->psk, sizeof(out.secret));
	memcpy(out.hash, s->hash, sizeof(out.hash));
	out.born_us = s->born_us;
	out.sent = s->counter;
	out.received = s->replay.next;
	out.window = digest(&s->replay, sizeof(s->replay));
	return out;
}

static void show_sessions(const struct peer *peer, struct node_debug_peer *out)
{
	for (size_t i = 0; i < PEERS_SESSIONS; i++)
		if (peer->sessions[i])
			out->sessions[out->sessions_count++] =
				show_session(peer->sessions[i]);
	out->has_current = peer->current != NULL;
	if (peer->current)
		out->current = show_session(peer->current);
}

bool node_debug_peer(const struct node *n, const struct public_key *key,
		     struct node_debug_peer *out)
{
	const struct peer *peer = peers_find(n, key);
	const struct port_groups *groups;

	memset(out, 0, sizeof(*out));
	if (!peer)
		return false;
	out->state = peer_state_of(peer);
	out->epoch = peer->epoch;
	out->timestamp_us = peer->timestamp_us;
	out->has_endpoint = peer->endpoint != NULL;
	if (peer->endpoint)
		out->endpoint = peer->endpoint->addr;
	out->datagram_size = peer->path.pmtu.size;
	out->contested = peer->duplicate != NULL;
	show_sessions(peer, out);
	out->datagrams = peer->liveness.sent;
	groups = &n->ports[peer->port];
	out->announced = groups->announced;
	out->registered = groups->registered;
	out->wants_all = groups->want_all;
	out->router = groups->router;
	out->flooded = bridge_port_is_flood(n->bridge, peer->port);
	out->sent = groups->sent;
	out->acked = groups->acked;
	out->flight = groups->flight;
	return true;
}

bool node_debug_endpoint(const struct node *n, const struct addr *at,
			 struct node_debug_endpoint *out)
{
	const struct endpoint *e = endpoints_find(n, at);

	memset(out, 0, sizeof(*out));
	if (!e)
		return false;
	out->wanted = e->sources != 0;
	out->has_peer = e->peer != NULL;
	if (e->peer)
		out->peer = e->peer->key;
	return true;
}

/* ---- what a datagram says ---- */

static const struct session *session_of(const struct node *n, uint32_t local)
{
	const struct index_entry *entry = table_find(n->indices, &local);

	return entry && entry->kind != INDEX_PENDING ? entry->session : NULL;
}

bool node_debug_open(const struct node *n, const uint8_t *datagram, size_t len,
		     uint8_t *records, size_t *records_len)
{
	const struct session *s;
	uint8_t nonce[WIRE_NONCE_LEN];
	struct wire_data header;
	uint8_t *body = records;

	*records_len = 0;
	if (len < WIRE_DATA_OVERHEAD || datagram[0] != WIRE_DATA)
		return false;
	wire_unpack_data(&header, datagram);
	s = session_of(n, header.receiver);
	if (!s)
		return false;
	memcpy(body, datagram + WIRE_DATA_HEADER_LEN,
	       len - WIRE_DATA_HEADER_LEN);
	wire_data_nonce(datagram, nonce);
	if (!aead_open(s->receive_key, nonce, datagram, WIRE_DATA_HEADER_LEN,
		       body, len - WIRE_DATA_HEADER_LEN))
		return false;
	*records_len = len - WIRE_DATA_OVERHEAD;
	return true;
}

size_t node_debug_seal(struct node *n, const struct public_key *to,
		       const uint8_t *records, size_t len, uint64_t now_us,
		       uint8_t *out)
{
	const struct iovec piece = { (void *)(uintptr_t)records, len };
	struct peer *peer = peers_find(n, to);
	uint8_t salt[WIRE_SALT_LEN];

	if (!peer || !peer->current)
		return 0;
	node_random(n, salt, sizeof(salt));
	/* Or the peer would have heard more of us than we sent: copied.c. */
	liveness_sent(&peer->liveness, 1, now_us);
	return session_seal(peer->current, salt, &piece, 1, out, now_us);
}
