/*
 * Sessions become peers. Theory:
 *
 * A completed handshake says which public key is at the other end. It does not
 * say whether that is the process we know: it may have restarted, it may be a
 * second address of the same one, or a second host with a copy of its disk. The
 * hello's epoch, drawn at each start, tells:
 *
 *	same epoch                     one more session of the same process
 *	other epoch, same address      it restarted: replace
 *	other epoch, peer not up       it restarted elsewhere: replace
 *	other epoch, other address     a rival: the one we know is probed; if it
 *	                               echoes within a second the rival is
 *	                               refused, by name; if not it restarted
 *
 * So a session waits as a candidate, at most five seconds, until the hello came
 * and this is decided. It carries no frames until then.
 *
 * Invariant: whatever a candidate does, the peer whose key it shows keeps its
 * sessions until the rule above says "replace".
 */
#include <string.h>

#include "node/node_impl.h"

struct candidate *candidate_new(struct node *n, uint32_t index)
{
	struct index_entry *entry = table_find(n->indices, &index);
	struct candidate *c = table_insert(n->candidates, &index);

	if (!c)
		return NULL;
	c->session.local = index;
	c->timer.kind = NODE_TIMER_CANDIDATE;
	c->timer.owner = c;
	*entry = (struct index_entry){ .kind = INDEX_CANDIDATE,
				       .candidate = c,
				       .session = &c->session };
	return c;
}

/* Not the session's own: one that could not be made has none. */
static uint32_t index_of(const struct node *n, const struct candidate *c)
{
	uint32_t index;

	memcpy(&index, table_key(n->candidates, c), sizeof(index));
	return index;
}

/* Leaves the index to whoever took the session over. */
static void candidate_free(struct node *n, struct candidate *c)
{
	uint32_t index = index_of(n, c);

	if (c->rival_of)
		c->rival_of->rival = TABLE_NONE;
	timers_cancel(&n->timers, &c->timer);
	table_remove(n->candidates, &index);
}

void candidate_drop(struct node *n, struct candidate *c)
{
	uint32_t index = index_of(n, c);

	if (c->session.stage == SESSION_HALF_OPEN)
		n->half_open--;
	table_remove(n->indices, &index);
	session_wipe(&c->session);
	candidate_free(n, c);
}

void candidate_timer(struct node *n, struct candidate *c, uint64_t now_us)
{
	uint64_t dies_us = c->session.born_us + SESSION_HALF_OPEN_US;

	if (now_us >= dies_us) {
		if (c->dialled && !c->dialled->peer)
			c->dialled->why = ENDPOINT_IGNORED;
		candidate_drop(n, c);
		return;
	}
	if (c->session.initiator && !c->rival_of) {
		send_candidate_hello(n, c, now_us);
		if (dies_us > now_us + SESSION_HELLO_US)
			dies_us = now_us + SESSION_HELLO_US;
	}
	timers_set(&n->timers, &c->timer, dies_us);
}

static void refuse(struct node *n, struct candidate *c, enum drop_reason reason,
		   enum endpoint_why why, uint64_t now_us)
{
	struct node_event event = { .type = NODE_PEER_REFUSED,
				    .key = c->key,
				    .peer = c->hello.name,
				    .at = c->at,
				    .text = drop_text(reason) };

	node_drop(n, reason);
	if (c->dialled && !c->dialled->peer)
		c->dialled->why = why;
	endpoint_blame(n, &c->at, why);
	if (node_event_allowed(n, NODE_PEER_REFUSED, now_us))
		n->ops.event(n->user, &event);
	candidate_drop(n, c);
}

static void bind(struct endpoint *e, struct peer *peer)
{
	e->peer = peer;
	e->why = ENDPOINT_DIALLING;
}

/* Moves the candidate's session into the peer. */
static struct session *attach(struct node *n, struct candidate *c,
			      struct peer *peer, uint64_t now_us)
{
	struct session *s = peer_session_slot(
		peer, public_key_compare(&n->key, &peer->key) < 0);
	struct endpoint *at = endpoint_get(n, &c->at);
	struct index_entry *entry;
	uint32_t index = index_of(n, c);

	if (s->stage != SESSION_NONE)
		peer_session_drop(n, peer, s);
	*s = c->session;
	bytes_wipe(&c->session, sizeof(c->session));
	entry = table_find(n->indices, &index);
	*entry = (struct index_entry){ .kind = INDEX_SESSION,
				       .peer = peer,
				       .session = s };
	if (!s->initiator)
		peer->timestamp_us = c->timestamp_us;
	if (c->dialled)
		bind(c->dialled, peer);
	if (at) {
		bind(at, peer);
		if (!peer->endpoint || peer->state != PEER_UP)
			peer_set_endpoint(n, peer, at, now_us);
	}
	candidate_free(n, c);
	return s;
}

static void adopt_hello(struct peer *peer, const struct wire_hello *hello)
{
	peer->epoch = hello->epoch;
	peer->tap_mtu = hello->tap_mtu;
	memcpy(peer->name, hello->name, sizeof(peer->name));
}

/* The candidate that contests the peer's place, or NULL. */
static struct candidate *rival_of(const struct node *n, const struct peer *peer)
{
	return peer->rival == TABLE_NONE ? NULL
					 : table_at(n->candidates, peer->rival);
}

/* The peer is another process now, which may be the rival's, heard at another of
 * its addresses. If it is a third one, the rival has to wait for its answer. */
static void rival_reconsider(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct candidate *rival = rival_of(n, peer);

	peer->rival_us = now_us;
	if (!rival || rival->hello.epoch != peer->epoch)
		return;
	rival->rival_of = NULL;
	peer->rival = TABLE_NONE;
}

/* The same key from another process: nothing of the old one holds any more. */
static void restart(struct node *n, struct peer *peer,
		    const struct candidate *c, uint64_t now_us)
{
	bool was_up = peer->state == PEER_UP;

	peer_sessions_drop(n, peer);
	fdb_flush_port(n->tables.fdb, peer->port);
	groups_peer_gone(n, peer);
	liveness_init(&peer->liveness, now_us);
	peer->timestamp_us = 0;
	peer->move_token = 0;
	peer->state = PEER_CONNECTING;
	peer->why = PEER_WHY_HANDSHAKE;
	peer->state_us = now_us;
	adopt_hello(peer, &c->hello);
	rival_reconsider(n, peer, now_us);
	if (was_up)
		node_emit(n, NODE_PEER_RESTARTED, peer, &c->at, NULL, "");
}

/* Of a full table one goes that nobody wants. Who fills it with keys of his own
 * keeps no host out that is configured. */
static void make_room(struct node *n, const struct candidate *c,
		      uint64_t now_us)
{
	const struct endpoint *at = endpoints_find(&n->peers, &c->at);
	struct peer *peer = peers_longest_down(&n->peers);

	if (!peer && at && at->sources)
		peer = peers_last_up(&n->peers);
	if (!peer)
		return;
	if (peer->current)
		send_bye(n, peer, now_us);
	peer_drop(n, peer, PEER_WHY_FULL, now_us);
}

static struct peer *welcome(struct node *n, const struct candidate *c,
			    uint64_t now_us)
{
	struct peer *peer = peers_add(&n->peers, &c->key);

	if (!peer) {
		make_room(n, c, now_us);
		peer = peers_add(&n->peers, &c->key);
	}
	if (!peer)
		return NULL;
	peer->timer.kind = NODE_TIMER_PEER;
	peer->timer.owner = peer;
	peer->state_us = now_us;
	liveness_init(&peer->liveness, now_us);
	groups_peer_gone(n, peer);
	adopt_hello(peer, &c->hello);
	return peer;
}

/* A second host shows the key of a peer that is up: ask the one we know. */
static void contest(struct node *n, struct candidate *c, struct peer *peer,
		    uint64_t now_us)
{
	const struct candidate *rival = rival_of(n, peer);

	/* Itself, or one more session of the same process: it waits. */
	if (rival && rival->hello.epoch == c->hello.epoch)
		return;
	if (rival) {
		refuse(n, c, DROP_duplicate_key, ENDPOINT_DUPLICATE, now_us);
		return;
	}
	c->rival_of = peer;
	peer->rival = table_slot(n->candidates, c);
	peer->rival_us = now_us;
	peer->rival_probe_us = now_us;
	peer_arm(n, peer, now_us);
}

void rival_refute(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct candidate *c = table_at(n->candidates, peer->rival);

	if (node_event_allowed(n, NODE_DUPLICATE_KEY, now_us))
		node_emit(n, NODE_DUPLICATE_KEY, peer, &peer->endpoint->addr,
			  &c->at, "");
	refuse(n, c, DROP_duplicate_key, ENDPOINT_DUPLICATE, now_us);
}

void rival_wins(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct candidate *c = table_at(n->candidates, peer->rival);
	struct session *s;

	restart(n, peer, c, now_us);
	s = attach(n, c, peer, now_us);
	s->hello_heard = true;
	s->hello_us = now_us;
	peer_arm(n, peer, now_us);
}

/* A host that holds our own private key, and a session to prove it. */
static void clone(struct node *n, struct candidate *c, uint64_t now_us)
{
	node_drop(n, DROP_own_key);
	endpoint_blame(n, &c->at, ENDPOINT_DUPLICATE);
	if (node_event_allowed(n, NODE_OWN_KEY, now_us))
		node_emit(n, NODE_OWN_KEY, NULL, &c->at, NULL, "");
	candidate_drop(n, c);
}

/* True if its place is not to be had for a hello: it is up, or it is just
 * opening a session there. */
static bool holds_its_place(const struct peer *peer)
{
	for (size_t i = 0; i < PEERS_SESSIONS; i++)
		if (peer->sessions[i].stage == SESSION_CONFIRMED)
			return true;
	return peer->state == PEER_UP;
}

struct session *candidate_identify(struct node *n, struct candidate *c,
				   const struct wire_hello *hello,
				   struct peer **peer, uint64_t now_us)
{
	struct peer *p = peers_find(&n->peers, &c->key);

	c->hello = *hello;
	if (public_key_equal(&c->key, &n->key)) {
		clone(n, c, now_us);
		return NULL;
	}
	if (hello->version != WIRE_VERSION) {
		refuse(n, c, DROP_version, ENDPOINT_VERSION, now_us);
		return NULL;
	}
	if (endpoint_is_recursive(n, &c->at)) {
		refuse(n, c, DROP_recursion, ENDPOINT_RECURSION, now_us);
		return NULL;
	}
	if (!p) {
		p = endpoint_get(n, &c->at) ? welcome(n, c, now_us) : NULL;
		if (!p) {
			refuse(n, c, DROP_peers_full, ENDPOINT_FULL, now_us);
			return NULL;
		}
	} else if (p->epoch != hello->epoch) {
		if (holds_its_place(p) && p->endpoint &&
		    !addr_equal(&p->endpoint->addr, &c->at)) {
			contest(n, c, p, now_us);
			return NULL;
		}
		restart(n, p, c, now_us);
	}
	*peer = p;
	return attach(n, c, p, now_us);
}
