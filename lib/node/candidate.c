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
 *	other epoch, other address     a duplicate: it is put on probation, and
 *	                               the one we know is probed; if that one
 *	                               echoes within a second the duplicate is
 *	                               refused, by name; if not, it restarted
 *
 * So a session waits as a candidate, at most five seconds, until the hello came
 * and this is decided. It carries no frames until then.
 *
 * Invariant: whatever a candidate does, the peer whose key it shows keeps its
 * sessions until the rule above says "replace".
 */
#include "node/candidate.h"

#include <assert.h>
#include <string.h>

#include "node/hello.h"
#include "node/leg.h"
#include "node/paths.h"
#include "node/probe.h"

/* ---- the table ---- */

struct candidate *candidate_new(struct node *n, uint32_t index)
{
	struct index_entry *entry = table_find(n->indices, &index);
	struct candidate *c = table_insert(n->candidates, &index);

	if (!c)
		return NULL;
	/* The pool has room for all of them, and for all of every peer's. */
	c->session = table_insert(n->sessions, &index);
	assert(c->session);
	c->timer.kind = NODE_TIMER_CANDIDATE;
	c->timer.owner = c;
	*entry = (struct index_entry){ .kind = INDEX_CANDIDATE,
				       .candidate = c,
				       .session = c->session };
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

	if (c->duplicate_of)
		c->duplicate_of->duplicate = NULL;
	table_remove(n->asked, c->mac1);
	timers_cancel(&n->timers, &c->timer);
	table_remove(n->candidates, &index);
}

static void give_place_back(struct node *n, struct candidate *c)
{
	if (!c->placed)
		return;
	c->placed = false;
	n->half_open--;
	shares_remove(n->half_open_shares, &c->holder);
}

struct candidate *candidate_asked(const struct node *n,
				  const uint8_t mac1[WIRE_MAC_LEN])
{
	const uint32_t *index = table_find(n->asked, mac1);

	return index ? table_find(n->candidates, index) : NULL;
}

void candidate_note_asked(struct node *n, struct candidate *c,
			  const uint8_t mac1[WIRE_MAC_LEN])
{
	uint32_t *index = table_insert(n->asked, mac1);

	memcpy(c->mac1, mac1, WIRE_MAC_LEN);
	if (index)
		*index = c->session->local;
}

void candidate_confirm(struct node *n, struct candidate *c, uint32_t index,
		       uint64_t now_us)
{
	if (index == c->session->also_local)
		c->at = c->also;
	c->session->stage = SESSION_CONFIRMED;
	c->session->confirmed_us = now_us;
	give_place_back(n, c);
}

void candidate_drop(struct node *n, struct candidate *c)
{
	uint32_t index = index_of(n, c);

	give_place_back(n, c);
	table_remove(n->indices, &index);
	table_remove(n->indices, &c->session->also_local);
	session_wipe(c->session);
	table_remove(n->sessions, &index);
	candidate_free(n, c);
}

struct candidate *candidates_next(const struct node *n, uint32_t *at)
{
	*at = table_next(n->candidates, *at);
	return *at == TABLE_NONE ? NULL : table_at(n->candidates, *at);
}

void candidates_free(struct node *n)
{
	uint32_t at = TABLE_NONE;
	struct candidate *c;

	/* A node that node_new left half made has no handshakes. */
	while (n->candidates && n->indices && (c = candidates_next(n, &at)))
		candidate_drop(n, c);
	table_free(n->candidates);
}

/* ---- what becomes of it ---- */

static void refuse(struct node *n, struct candidate *c, enum drop_reason drop,
		   enum endpoint_reason reason)
{
	struct node_event event = { .type = NODE_PEER_REFUSED,
				    .key = c->key,
				    .peer = c->hello.name,
				    .at = c->at.remote,
				    .text = drop_text(drop),
				    .wanted = endpoints_wanted(n,
							       &c->at.remote) };

	node_drop(n, drop);
	peers_set_reason(n, &c->at.remote, reason);
	node_emit(n, event);
	candidate_drop(n, c);
}

static void bind(struct endpoint *e, struct peer *peer)
{
	e->peer = peer;
	endpoint_answers(e);
}

/* The candidate's session is the peer's. */
static struct session *attach(struct node *n, struct candidate *c,
			      struct peer *peer, uint64_t now_us)
{
	struct session *s = c->session;
	struct endpoint *at = endpoint_get(n, &c->at.remote);

	peer_session_add(n, peer, s);
	if (!s->initiator)
		peer->timestamp_us = c->timestamp_us;
	if (at) {
		bind(at, peer);
		if (!peer->endpoint || peer->state != PEER_UP)
			peer_set_endpoint(n, peer, at, &c->at.local, now_us);
		else
			(void)paths_try(n, peer, &c->at,
					c->at.remote.leg ? PATH_RELAYED
							 : PATH_DIRECT,
					now_us);
	}
	candidate_free(n, c);
	return s;
}

static void adopt_hello(struct node *n, struct peer *peer,
			const struct wire_hello *hello)
{
	peer->epoch = hello->epoch;
	peer_adopt(n, peer, hello);
}

/* The peer is another process now, which may be the duplicate's, heard at another
 * of its addresses. If it is a third one, the duplicate has to wait for its
 * answer. */
static void reconsider_duplicate(struct peer *peer, uint64_t now_us)
{
	struct candidate *c = peer->duplicate;

	if (!c)
		return;
	c->probation_us = now_us;
	if (c->hello.epoch != peer->epoch)
		return;
	c->duplicate_of = NULL;
	peer->duplicate = NULL;
}

/* The same key from another process: nothing of the old one holds any more. */
static void restart(struct node *n, struct peer *peer,
		    const struct candidate *c, uint64_t now_us)
{
	bool was_up = peer->state == PEER_UP;

	peer_sessions_drop(n, peer);
	bridge_port_lose_macs(n->bridge, peer->port, now_us);
	control_peer_gone(n, peer);
	peer_measure_anew(peer, now_us);
	liveness_forget_reports(&peer->liveness);
	peer->timestamp_us = 0;
	peer->state = PEER_CONNECTING;
	peer->reason = PEER_REASON_HANDSHAKE;
	peer->state_us = now_us;
	adopt_hello(n, peer, &c->hello);
	reconsider_duplicate(peer, now_us);
	if (was_up)
		peer_emit(n, NODE_PEER_RESTARTED, peer, &c->at.remote, NULL,
			  "");
}

/* Evicts a peer that no source lists, of the holder of most: who fills the table with
 * made-up keys makes room from his own. */
static void make_room(struct node *n, const struct candidate *c,
		      uint64_t now_us)
{
	const struct endpoint *at = endpoints_find(n, &c->at.remote);
	struct peer *peer =
		peers_evictable(n, &c->at.remote, at && at->sources);

	if (!peer)
		return;
	if (peer->current)
		bye_send(n, peer, now_us);
	peer_drop(n, peer, PEER_REASON_FULL, now_us);
}

static struct peer *create_peer(struct node *n, const struct candidate *c,
				uint64_t now_us)
{
	struct peer *peer = peers_add(n, &c->key, now_us);

	if (!peer) {
		make_room(n, c, now_us);
		peer = peers_add(n, &c->key, now_us);
	}
	if (!peer)
		return NULL;
	control_peer_gone(n, peer);
	adopt_hello(n, peer, &c->hello);
	return peer;
}

/* ---- two hosts with one key ---- */

/* A second host shows the key of a peer that is up: the one we know is asked. */
static enum candidate_fate put_on_probation(struct node *n, struct candidate *c,
					    struct peer *peer, uint64_t now_us)
{
	const struct candidate *first = peer->duplicate;

	if (first == c)
		return CANDIDATE_WAITS;
	/* One session waits for each rival. */
	if (first && first->hello.epoch == c->hello.epoch) {
		candidate_drop(n, c);
		return CANDIDATE_GONE;
	}
	if (first) {
		refuse(n, c, DROP_duplicate_key, ENDPOINT_DUPLICATE);
		return CANDIDATE_GONE;
	}
	c->duplicate_of = peer;
	peer->duplicate = c;
	c->probation_us = now_us;
	c->probe_us = now_us;
	timers_set(&n->timers, &c->timer, now_us + CLOCK_MS);
	return CANDIDATE_WAITS;
}

static void duplicate_refuted(struct node *n, struct peer *peer)
{
	struct candidate *c = peer->duplicate;

	peer_emit(n, NODE_DUPLICATE_KEY, peer, &peer->path.way.remote,
		  &c->at.remote, "");
	refuse(n, c, DROP_duplicate_key, ENDPOINT_DUPLICATE);
}

static void duplicate_wins(struct node *n, struct candidate *c, uint64_t now_us)
{
	struct peer *peer = c->duplicate_of;
	struct session *s;

	restart(n, peer, c, now_us);
	s = attach(n, c, peer, now_us);
	s->hello_heard = true;
	s->hello_us = now_us;
	peer_arm(n, peer, now_us);
}

/* A host that holds our own private key, and a session to prove it. */
static void own_key_conflict(struct node *n, struct candidate *c)
{
	node_drop(n, DROP_own_key);
	peers_set_reason(n, &c->at.remote, ENDPOINT_DUPLICATE);
	node_emit(n, (struct node_event){ .type = NODE_OWN_KEY,
					  .at = c->at.remote });
	candidate_drop(n, c);
}

/* True if its place is not to be had for a hello: it is up, or it is just
 * opening a session there. */
static bool holds_its_place(const struct peer *peer)
{
	for (size_t i = 0; i < PEERS_SESSIONS; i++)
		if (peer->sessions[i] &&
		    peer->sessions[i]->stage == SESSION_CONFIRMED)
			return true;
	return peer->state == PEER_UP;
}

enum candidate_fate candidate_identify(struct node *n, struct candidate *c,
				       const struct wire_hello *hello,
				       struct peer **peer,
				       struct session **session,
				       uint64_t now_us)
{
	struct peer *p = peers_find(n, &c->key);

	c->hello = *hello;
	if (!leg_may_lead_to(n, &c->at.remote, &c->key)) {
		node_drop(n, DROP_leg_unknown);
		candidate_drop(n, c);
		return CANDIDATE_GONE;
	}
	if (public_key_equal(&c->key, &n->key)) {
		own_key_conflict(n, c);
		return CANDIDATE_GONE;
	}
	if (hello->version != WIRE_VERSION) {
		refuse(n, c, DROP_version, ENDPOINT_VERSION);
		return CANDIDATE_GONE;
	}
	if (!p) {
		p = endpoint_get(n, &c->at.remote) ? create_peer(n, c, now_us)
						   : NULL;
		if (!p) {
			refuse(n, c, DROP_peers_full, ENDPOINT_FULL);
			return CANDIDATE_GONE;
		}
	} else if (p->epoch != hello->epoch) {
		if (holds_its_place(p) && p->endpoint &&
		    !addr_equal(&p->endpoint->addr, &c->at.remote))
			return put_on_probation(n, c, p, now_us);
		restart(n, p, c, now_us);
	}
	*peer = p;
	*session = attach(n, c, p, now_us);
	return CANDIDATE_DECIDED;
}

/* ---- time, and the life of the peer whose key it shows ---- */

/* Nobody answered its hellos: the other end is there, and ignores us. */
static void expire(struct node *n, struct candidate *c)
{
	struct endpoint *e =
		c->session->initiator ? endpoints_find(n, &c->at.remote) : NULL;

	if (e && !e->peer)
		e->reason = ENDPOINT_IGNORED;
	candidate_drop(n, c);
}

static void on_probation(struct node *n, struct candidate *c, uint64_t now_us)
{
	struct peer *peer = c->duplicate_of;

	if (now_us - c->probation_us >= NODE_PROBATION_US) {
		duplicate_wins(n, c, now_us);
		return;
	}
	if (now_us >= c->probe_us) {
		if (peer->current)
			probe_send(n, peer, &peer->path.way, now_us);
		c->probe_us = now_us + NODE_PROBATION_PROBE_US;
		peer_arm(n, peer, now_us);
	}
	timers_set(&n->timers, &c->timer,
		   clock_earlier(c->probe_us,
				 c->probation_us + NODE_PROBATION_US));
}

void candidate_timer(struct node *n, struct candidate *c, uint64_t now_us)
{
	uint64_t due = c->session->born_us + SESSION_HALF_OPEN_US;

	if (now_us >= due) {
		expire(n, c);
		return;
	}
	if (c->duplicate_of) {
		on_probation(n, c, now_us);
		return;
	}
	if (c->session->initiator) {
		hello_send_first(n, peers_find(n, &c->key), c->session, &c->at,
				 now_us);
		due = clock_earlier(due, now_us + SESSION_HELLO_US);
	}
	timers_set(&n->timers, &c->timer, due);
}

/* The peer answered a probe sent since its duplicate appeared. */
static bool candidate_echoed(struct node *n, const struct reading *r,
			     const struct wire_probe *echo)
{
	const struct candidate *c = r->peer->duplicate;

	/* Some probes carry a random number in the place of the time. */
	if (c && echo->time_us >= c->probation_us && echo->time_us <= r->now_us)
		duplicate_refuted(n, r->peer);
	return false;
}

static void candidate_peer_removed(struct node *n, struct peer *peer)
{
	if (peer->duplicate)
		candidate_drop(n, peer->duplicate);
}

const struct control candidate_control = {
	.peer_removed = candidate_peer_removed,
	.echoed = candidate_echoed,
};
