/*
 * A peer's life: up, down, moved, rekeyed, forgotten. Each peer has one timer,
 * set to the earliest of its deadlines when something made one earlier. What
 * makes them later (every datagram does) leaves the timer alone: it fires, finds
 * nothing due, and is set anew. So the data path never touches the heap.
 */
#include <string.h>

#include "node/node_impl.h"

static struct liveness_config liveness_config(const struct node *n)
{
	return (struct liveness_config){ n->config.interval_us,
					 n->config.down_after };
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t peer_deadline(struct node *n, struct peer *peer,
			      uint64_t now_us)
{
	struct liveness_config c = liveness_config(n);
	uint64_t due = now_us + n->config.interval_us;

	for (size_t i = 0; i < PEERS_SESSIONS; i++) {
		struct session *s = &peer->sessions[i];

		if (s->stage == SESSION_NONE)
			continue;
		due = earlier(due, session_deadline(s, now_us));
		if (!s->hello_acked)
			due = earlier(due, s->hello_us);
	}
	if (peer->rival != TABLE_NONE)
		due = earlier(due, earlier(peer->rival_probe_us,
					   peer->rival_us + NODE_RIVAL_US));
	if (peer->current) {
		due = earlier(due, liveness_deadline(&peer->liveness, &c));
		due = earlier(due, pmtu_deadline(&peer->pmtu));
		due = earlier(due, groups_deadline(n, peer));
	}
	return due > now_us ? due : now_us + CLOCK_MS;
}

/* The bridge may send to it while it has a session to send on. */
static void peer_sendable(struct node *n, const struct peer *peer)
{
	port_set_put(&n->tables.live, peer->port, peer->current != NULL);
}

void peer_arm(struct node *n, struct peer *peer, uint64_t now_us)
{
	timers_set(&n->timers, &peer->timer, peer_deadline(n, peer, now_us));
}

void peer_session_drop(struct node *n, struct peer *peer, struct session *s)
{
	uint32_t index = s->local;

	table_remove(n->indices, &index);
	frag_forget_session(n->frag, peer->port, index);
	if (peer->current == s)
		peer->current = NULL;
	peer_sendable(n, peer);
	session_wipe(s);
}

void peer_sessions_drop(struct node *n, struct peer *peer)
{
	for (size_t i = 0; i < PEERS_SESSIONS; i++)
		if (peer->sessions[i].stage != SESSION_NONE)
			peer_session_drop(n, peer, &peer->sessions[i]);
}

static void peer_leave_endpoint(struct node *n, struct peer *peer)
{
	struct endpoint *e = peer->endpoint;

	if (!e)
		return;
	peer->endpoint = NULL;
	e->users--;
	endpoint_release(n, e);
}

void peer_drop(struct node *n, struct peer *peer, enum peer_why why,
	       uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct endpoint *e;

	if (peer->rival != TABLE_NONE)
		candidate_drop(n, table_at(n->candidates, peer->rival));
	peer_down(n, peer, why, now_us);
	/* The port is the next peer's: nothing learned since may stay. */
	fdb_flush_port(n->tables.fdb, peer->port);
	groups_peer_gone(n, peer);
	peer_sessions_drop(n, peer);
	timers_cancel(&n->timers, &peer->timer);
	peer_leave_endpoint(n, peer);
	while ((e = endpoints_next(&n->peers, &at))) {
		if (e->peer != peer)
			continue;
		e->peer = NULL;
		endpoint_release(n, e);
	}
	peers_remove(&n->peers, peer);
}

/* What the user's underlay_mtu leaves for UDP payload; 0: find out. */
static uint16_t fixed_size(uint16_t underlay_mtu, const struct addr *to)
{
	uint16_t headers = addr_is_v4(to) ? 20 + 8 : 40 + 8;

	if (!underlay_mtu)
		return 0;
	return underlay_mtu - headers < PMTU_MAX
		       ? (uint16_t)(underlay_mtu - headers)
		       : PMTU_MAX;
}

void peer_set_endpoint(struct node *n, struct peer *peer, struct endpoint *e,
		       uint64_t now_us)
{
	e->peer = peer;
	e->why = ENDPOINT_DIALLING;
	if (peer->endpoint == e)
		return;
	e->users++;
	peer_leave_endpoint(n, peer);
	peer->endpoint = e;
	pmtu_init(&peer->pmtu, !addr_is_v4(&e->addr), PMTU_MAX,
		  fixed_size(n->config.underlay_mtu, &e->addr), now_us);
}

static bool smaller(const struct node *n, const struct peer *peer)
{
	return public_key_compare(&n->key, &peer->key) < 0;
}

static void peer_up(struct node *n, struct peer *peer, uint64_t now_us)
{
	if (peer->state == PEER_UP)
		return;
	peer->state = PEER_UP;
	peer->why = PEER_WHY_NONE;
	peer->endpoint->why = ENDPOINT_DIALLING;
	peer->state_us = now_us;
	node_emit(n, NODE_PEER_UP, peer, &peer->endpoint->addr, NULL, "");
	groups_peer_up(n, peer, now_us);
}

void peer_session_opened(struct node *n, struct peer *peer, struct session *s,
			 uint64_t now_us)
{
	bool was_mute = peer->state == PEER_UP && !peer->current;

	s->stage = SESSION_OPEN;
	if (peer->state != PEER_UP)
		liveness_init(&peer->liveness, now_us);
	peer_choose_session(peer, smaller(n, peer), now_us);
	peer_sendable(n, peer);
	peer_up(n, peer, now_us);
	if (was_mute) /* what changed meanwhile could not be told */
		groups_peer_up(n, peer, now_us);
	peer_arm(n, peer, now_us);
}

/* Every address it answers at is dialled again. */
static void redial(struct node *n, struct peer *peer, uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct endpoint *e;

	while ((e = endpoints_next(&n->peers, &at)))
		if (e->peer == peer)
			endpoint_kick(n, e, now_us);
}

void peer_down(struct node *n, struct peer *peer, enum peer_why why,
	       uint64_t now_us)
{
	bool was_up = peer->state == PEER_UP;
	char text[96];

	if (peer->state == PEER_DOWN)
		return;
	peer->state = PEER_DOWN;
	peer->why = why;
	peer->state_us = now_us;
	fdb_flush_port(n->tables.fdb, peer->port);
	groups_peer_gone(n, peer);
	redial(n, peer, now_us);
	if (!was_up)
		return;
	peer_why_print(why,
		       peer->endpoint ? peer->endpoint->addr.port : WIRE_PORT,
		       text, sizeof(text));
	node_emit(n, NODE_PEER_DOWN, peer,
		  peer->endpoint ? &peer->endpoint->addr : NULL, NULL, text);
}

void peer_heard(struct peer *peer, struct session *s, uint64_t advance,
		uint64_t now_us)
{
	/* Hellos are answered where they are heard: they say nothing about the
	 * path that frames take. */
	if (s->stage != SESSION_OPEN)
		return;
	liveness_received(&peer->liveness, advance, now_us);
	/* The other end still sends on it: keys outlive the wish to retire. */
	if (s->retire_us != CLOCK_NEVER)
		s->retire_us = now_us + SESSION_RETIRE_US;
}

void peer_read(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct liveness_config c = liveness_config(n);

	if (peer->state != PEER_DOWN || !peer->current)
		return;
	endpoint_heard(n, peer->endpoint, now_us);
	/* If its keys are about to run out, the handshake that is under way
	 * brings it up. */
	if (liveness_verdict(&peer->liveness, &c, now_us) != LIVENESS_UP ||
	    liveness_doubtful(&peer->liveness, &c, now_us) ||
	    session_wants_rekey(peer->current, now_us))
		return;
	peer_up(n, peer, now_us);
	peer_arm(n, peer, now_us);
}

/* If we know the address for the peer's already, it merely has two; else it
 * seems to have moved, and an echo from there proves it. The probe is no larger
 * than what was heard, for it may go to somebody who only passed that on. */
void peer_heard_from(struct node *n, struct peer *peer, const struct addr *from,
		     size_t size, uint64_t now_us)
{
	struct liveness_config c = liveness_config(n);
	const struct endpoint *e = endpoints_find(&n->peers, from);

	if (!peer->current || !peer->endpoint ||
	    addr_equal(from, &peer->endpoint->addr) ||
	    size < WIRE_DATA_OVERHEAD + WIRE_PROBE_LEN)
		return;
	if (e && e->peer == peer &&
	    !liveness_doubtful(&peer->liveness, &c, now_us))
		return;
	if (endpoint_is_recursive(n, from))
		return;
	if (peer->move_token && now_us - peer->move_probe_us < NODE_MOVE_US)
		return;
	if (!peer->move_token || !addr_equal(&peer->move_to, from)) {
		node_random(n, &peer->move_token, sizeof(peer->move_token));
		peer->move_to = *from;
	}
	peer->move_probe_us = now_us;
	send_move_probe(n, peer, now_us);
}

/* No session to send on. One whose keys ran out is down; one that lost them with
 * its secret is asked for others, and has until it counts as silent. One that
 * was not up and has not even a session under way is down, and dialled. */
static void sessionless(struct node *n, struct peer *peer, bool ran_out,
			bool under_way, uint64_t now_us)
{
	if (peer->state == PEER_UP && ran_out)
		peer_down(n, peer, PEER_WHY_EXPIRED, now_us);
	else if (peer->state != PEER_UP && !under_way)
		peer_down(n, peer, PEER_WHY_HANDSHAKE, now_us);
}

static void tend_sessions(struct node *n, struct peer *peer, uint64_t now_us)
{
	bool had = peer->current != NULL, under_way = false;

	for (size_t i = 0; i < PEERS_SESSIONS; i++) {
		struct session *s = &peer->sessions[i];

		if (s->stage == SESSION_NONE)
			continue;
		if (session_expired(s, now_us) ||
		    (s->stage != SESSION_OPEN &&
		     now_us - s->born_us >= SESSION_HALF_OPEN_US)) {
			peer_session_drop(n, peer, s);
			continue;
		}
		if (!s->hello_acked && now_us >= s->hello_us) {
			/* Until a peer is up, where it was heard is not where
			 * it is: it is answered, and not sent more. */
			if (s->initiator || peer->state == PEER_UP)
				send_hello(n, peer, s, &peer->endpoint->addr,
					   s->hello_heard, now_us);
			s->hello_us = now_us + SESSION_HELLO_US;
		}
		under_way = true;
	}
	if (!peer->current)
		peer_choose_session(peer, smaller(n, peer), now_us);
	peer_sendable(n, peer);
	if (!peer->current)
		sessionless(n, peer, had, under_way, now_us);
}

static void tend_rival(struct node *n, struct peer *peer, uint64_t now_us)
{
	if (now_us - peer->rival_us >= NODE_RIVAL_US) {
		rival_wins(n, peer, now_us);
		return;
	}
	if (now_us >= peer->rival_probe_us) {
		if (peer->current)
			send_probe(n, peer, &peer->endpoint->addr, now_us);
		peer->rival_probe_us = now_us + NODE_RIVAL_PROBE_US;
	}
}

/* Also of a peer without a session, whose secret was taken away. */
static void tend_verdict(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct liveness_config c = liveness_config(n);
	enum liveness_verdict verdict =
		liveness_verdict(&peer->liveness, &c, now_us);

	liveness_roll(&peer->liveness, now_us);
	if (verdict != LIVENESS_UP && peer->state == PEER_UP)
		peer_down(n, peer,
			  verdict == LIVENESS_DEAF ? PEER_WHY_DEAF
						   : PEER_WHY_SILENT,
			  now_us);
}

static void tend_liveness(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct liveness_config c = liveness_config(n);
	uint16_t size;

	if (session_wants_rekey(peer->current, now_us) ||
	    peer->current->renew ||
	    liveness_doubtful(&peer->liveness, &c, now_us))
		endpoint_kick(n, peer->endpoint, now_us);
	if (liveness_wants_probe(&peer->liveness, &c, now_us)) {
		liveness_probed(&peer->liveness, now_us);
		send_probe(n, peer, &peer->endpoint->addr, now_us);
	}
	groups_tend(n, peer, now_us);
	size = pmtu_probe(&peer->pmtu, peer->liveness.echoed_us, now_us);
	if (size)
		send_size_probes(n, peer, size, now_us);
}

void peer_timer(struct node *n, struct peer *peer, uint64_t now_us)
{
	tend_sessions(n, peer, now_us);
	if (peer->rival != TABLE_NONE)
		tend_rival(n, peer, now_us);
	tend_verdict(n, peer, now_us);
	if (peer->current)
		tend_liveness(n, peer, now_us);
	if (peer->state != PEER_UP &&
	    now_us - peer->state_us >= n->config.expire_us &&
	    !peer_wanted(&n->peers, peer)) {
		peer_drop(n, peer, PEER_WHY_SILENT, now_us);
		return;
	}
	peer_arm(n, peer, now_us);
}
