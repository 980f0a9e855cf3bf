#include "node/peer.h"

#include <string.h>

/* ---- the table ---- */

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

bool peer_wanted(const struct node *n, const struct peer *peer)
{
	uint32_t at = TABLE_NONE;
	const struct endpoint *e;

	while ((e = endpoints_next(n, &at)))
		if (e->peer == peer && e->sources)
			return true;
	return false;
}

/* Notes which peers some source wants: one walk over the endpoints for all. */
static void note_wanted(struct node *n)
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

/* a goes rather than b, which is in the same state and holds as much: the longest
 * down, or the last that came up. */
static bool goes_first(const struct peer *a, const struct peer *b)
{
	return a->state == PEER_DOWN ? a->state_us < b->state_us
				     : a->state_us > b->state_us;
}

/* Of the holder of most, among those in that state. */
static struct peer *most_held(const struct node *n, enum peer_state state,
			      struct share_counts *most)
{
	uint32_t at = TABLE_NONE;
	struct peer *peer, *first = NULL;

	while ((peer = peers_next(n, &at))) {
		struct share_counts counts;
		int more;

		if (peer->state != state || peer->wanted)
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

	note_wanted(n);
	shares_clear(n->peer_shares);
	while ((peer = peers_next(n, &at)))
		if (!peer->wanted)
			shares_add(n->peer_shares, &peer->path.way.remote);
	peer = most_held(n, PEER_DOWN, &most);
	if (peer)
		return peer;
	peer = most_held(n, PEER_UP, &most);
	if (!peer || wanted)
		return peer;
	shares_add(n->peer_shares, newcomer);
	own = shares_of(n->peer_shares, newcomer);
	most = shares_of(n->peer_shares, &peer->path.way.remote);
	return shares_compare(&most, &own) > 0 ? peer : NULL;
}

/* Wipes it, and gives its place in the pool back. */
static void session_free(struct node *n, struct session *s)
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
		session_free(n, peer->sessions[i]);
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

enum node_peer_state peer_state_of(const struct peer *peer)
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

void peer_emit(struct node *n, enum node_event_type type,
	       const struct peer *peer, const struct addr *at,
	       const struct addr *other, const char *text)
{
	struct node_event event = {
		.type = type,
		.key = peer->key,
		.peer = peer->name,
		.text = text,
		.wanted = peer_wanted(n, peer),
	};

	if (at)
		event.at = *at;
	if (other)
		event.other = *other;
	node_emit(n, event);
}

struct liveness_config peer_liveness_config(const struct node *n)
{
	return (struct liveness_config){ n->config.interval_us,
					 n->config.down_after };
}

bool peer_we_are_smaller(const struct node *n, const struct peer *peer)
{
	return public_key_compare(&n->key, &peer->key) < 0;
}

bool peer_wants_handshake(const struct node *n, const struct peer *peer,
			  uint64_t now_us)
{
	struct liveness_config c = peer_liveness_config(n);

	return liveness_doubtful(&peer->liveness, &c, now_us) ||
	       now_us - peer->current->born_us >= SESSION_REKEY_RESPONDER_US ||
	       peer->rekey.tries >= REKEY_TRIES;
}

/* ---- when to look after it ---- */

static uint64_t peer_deadline(struct node *n, struct peer *peer,
			      uint64_t now_us)
{
	uint64_t due = now_us + n->config.interval_us;

	for (size_t i = 0; i < PEERS_SESSIONS; i++)
		if (peer->sessions[i])
			due = clock_earlier(
				due,
				session_deadline(peer->sessions[i], now_us));
	if (peer->state == PEER_DOWN && !peer->given_up)
		due = clock_earlier(due, peer->state_us + NODE_FLOOD_DOWN_US);
	due = clock_earlier(due, control_deadline(n, peer, now_us));
	return due > now_us ? due : now_us + CLOCK_MS;
}

void peer_arm(struct node *n, struct peer *peer, uint64_t now_us)
{
	timers_set(&n->timers, &peer->timer, peer_deadline(n, peer, now_us));
}

/* ---- sessions ---- */

/* The bridge may send to it while it has a session to send on, and is not given
 * up. */
static void peer_sendable(struct node *n, const struct peer *peer)
{
	bridge_port_set_live(n->bridge, peer->port,
			     peer->current && !peer->given_up);
}

static void give_up_if_gone(struct node *n, struct peer *peer, uint64_t now_us)
{
	if (peer->state != PEER_DOWN || peer->given_up ||
	    now_us - peer->state_us < NODE_FLOOD_DOWN_US)
		return;
	peer->given_up = true;
	peer_sendable(n, peer);
	/* It may have been heard since, and learned from. */
	bridge_port_lose_macs(n->bridge, peer->port, now_us);
}

static struct session **place_of(struct peer *peer, const struct session *s)
{
	size_t i = 0;

	while (peer->sessions[i] != s)
		i++;
	return &peer->sessions[i];
}

/* A free place, or that of the worst session. */
static struct session **place_for_one(const struct node *n, struct peer *peer)
{
	bool we_are_smaller = peer_we_are_smaller(n, peer);
	struct session **worst = NULL;

	for (size_t i = 0; i < PEERS_SESSIONS; i++) {
		struct session **at = &peer->sessions[i];

		if (!*at)
			return at;
		if (*at != peer->current &&
		    (!worst || session_better(*worst, *at, we_are_smaller)))
			worst = at;
	}
	return worst;
}

void peer_session_add(struct node *n, struct peer *peer, struct session *s)
{
	const struct index_entry entry = { .kind = INDEX_SESSION,
					   .peer = peer,
					   .session = s };
	struct session **place = place_for_one(n, peer);
	struct index_entry *also = table_find(n->indices, &s->also_local);

	if (*place)
		peer_session_drop(n, peer, *place);
	*place = s;
	*(struct index_entry *)table_find(n->indices, &s->local) = entry;
	if (also)
		*also = entry;
}

bool peer_choose_session(struct peer *peer, bool we_are_smaller,
			 uint64_t now_us)
{
	struct session *best = NULL, *before = peer->current;

	for (size_t i = 0; i < PEERS_SESSIONS; i++) {
		struct session *s = peer->sessions[i];

		if (s && s->stage == SESSION_OPEN && !s->burnt &&
		    !session_expired(s, now_us) &&
		    (!best || session_better(s, best, we_are_smaller)))
			best = s;
	}
	for (size_t i = 0; i < PEERS_SESSIONS; i++) {
		struct session *s = peer->sessions[i];

		if (!s)
			continue;
		if (s == best)
			s->retire_us = CLOCK_NEVER;
		else if (best && s->stage == SESSION_OPEN &&
			 s->retire_us == CLOCK_NEVER)
			s->retire_us = now_us + (s->brief ? SESSION_BRIEF_US
							  : SESSION_RETIRE_US);
	}
	peer->current = best;
	return best != before;
}

void peer_session_burn(struct node *n, struct peer *peer, struct session *s,
		       uint64_t now_us)
{
	for (size_t i = 0; i < PEERS_SESSIONS; i++) {
		struct session *other = peer->sessions[i];

		if (other && other != s && other->born_us <= s->born_us)
			peer_session_drop(n, peer, other);
	}
	s->burnt = true;
	s->hello_acked = true; /* none is sent any more */
	s->retire_us = now_us + SESSION_COPIED_US;
	peer_choose_session(peer, peer_we_are_smaller(n, peer), now_us);
	peer_sendable(n, peer);
	peer_arm(n, peer, now_us);
}

void peer_session_drop(struct node *n, struct peer *peer, struct session *s)
{
	table_remove(n->indices, &s->local);
	table_remove(n->indices, &s->also_local);
	frag_forget_session(n->lane.frag, peer->port, s->local);
	if (peer->current == s)
		peer->current = NULL;
	peer_sendable(n, peer);
	*place_of(peer, s) = NULL;
	session_free(n, s);
}

void peer_sessions_drop(struct node *n, struct peer *peer)
{
	for (size_t i = 0; i < PEERS_SESSIONS; i++)
		if (peer->sessions[i])
			peer_session_drop(n, peer, peer->sessions[i]);
}

/* ---- where it is ---- */

static void peer_leave_endpoint(struct node *n, struct peer *peer)
{
	struct endpoint *e = peer->endpoint;

	if (!e)
		return;
	peer->endpoint = NULL;
	e->users--;
	endpoint_release(n, e);
}

void peer_set_endpoint(struct node *n, struct peer *peer, struct endpoint *e,
		       const struct addr *local, uint64_t now_us)
{
	const struct way way = { .remote = e->addr, .local = *local };

	e->peer = peer;
	endpoint_answers(e);
	if (peer->endpoint == e) {
		if (way_equal(&peer->path.way, &way))
			return;
	} else {
		e->users++;
		peer_leave_endpoint(n, peer);
		peer->endpoint = e;
	}
	path_set_way(&peer->path, &way, n->config.underlay_mtu, now_us);
}

bool peer_may_answer(struct reading *r, size_t len)
{
	if (r->proven ||
	    addr_equal(&r->from->remote, &r->peer->path.way.remote))
		return true;
	if (r->size - r->answered < len)
		return false;
	r->answered += len;
	return true;
}

/* ---- its life ---- */

void peer_adopt(struct node *n, struct peer *peer,
		const struct wire_hello *hello)
{

	peer->tap_mtu = hello->tap_mtu;
	memcpy(peer->tap_mac, hello->tap_mac, sizeof(peer->tap_mac));
	memcpy(peer->name, hello->name, sizeof(peer->name));
	if (peer->state == PEER_UP)
		bridge_port_set_mac(n->bridge, peer->port, peer->tap_mac);
}

static void peer_up(struct node *n, struct peer *peer, uint64_t now_us)
{
	if (peer->state == PEER_UP)
		return;
	peer->state = PEER_UP;
	peer->reason = PEER_REASON_NONE;
	endpoint_answers(peer->endpoint);
	peer->state_us = now_us;
	peer->given_up = false;
	peer_sendable(n, peer);
	bridge_port_found(n->bridge, peer->port, peer->tap_mac);
	peer_emit(n, NODE_PEER_UP, peer, &peer->path.way.remote, NULL, "");
	control_peer_up(n, peer, now_us);
}

void peer_measure_anew(struct peer *peer, uint64_t now_us)
{
	liveness_init_again(&peer->liveness, now_us);
	peer->path.rtt_us = 0;
}

void peer_session_opened(struct node *n, struct peer *peer, struct session *s,
			 uint64_t now_us)
{
	bool was_mute = peer->state == PEER_UP && !peer->current;

	s->stage = SESSION_OPEN;
	if (peer->state != PEER_UP)
		peer_measure_anew(peer, now_us);
	peer_choose_session(peer, peer_we_are_smaller(n, peer), now_us);
	peer_sendable(n, peer);
	peer_up(n, peer, now_us);
	if (was_mute) /* what changed meanwhile could not be told */
		control_peer_up(n, peer, now_us);
	peer_arm(n, peer, now_us);
}

/* Every address it answers at is dialled again. */
static void redial(struct node *n, struct peer *peer, uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct endpoint *e;

	while ((e = endpoints_next(n, &at)))
		if (e->peer == peer)
			endpoint_dial_now(n, e, now_us);
}

void peer_down(struct node *n, struct peer *peer, enum peer_reason reason,
	       uint64_t now_us)
{
	bool was_up = peer->state == PEER_UP;
	char text[96];

	if (peer->state == PEER_DOWN)
		return;
	peer->state = PEER_DOWN;
	peer->reason = reason;
	peer->state_us = now_us;
	bridge_port_lose_macs(n->bridge, peer->port, now_us);
	control_peer_gone(n, peer);
	redial(n, peer, now_us);
	if (!was_up)
		return;
	if (peer->endpoint && peer->endpoint->reason == ENDPOINT_RECURSION)
		endpoint_why(peer->endpoint, text, sizeof(text));
	else
		peer_reason_print(reason,
				  peer->endpoint ? peer->endpoint->addr.port
						 : WIRE_PORT,
				  text, sizeof(text));
	peer_emit(n, NODE_PEER_DOWN, peer,
		  peer->endpoint ? &peer->path.way.remote : NULL, NULL, text);
}

void peer_drop(struct node *n, struct peer *peer, enum peer_reason reason,
	       uint64_t now_us)
{
	uint32_t at = TABLE_NONE;
	struct endpoint *e;

	control_peer_removed(n, peer);
	peer_down(n, peer, reason, now_us);
	/* The port is the next peer's: nothing learned since may stay. */
	bridge_port_lose_macs(n->bridge, peer->port, now_us);
	control_peer_gone(n, peer);
	peer_sessions_drop(n, peer);
	timers_cancel(&n->timers, &peer->timer);
	peer_leave_endpoint(n, peer);
	while ((e = endpoints_next(n, &at))) {
		if (e->peer != peer)
			continue;
		e->peer = NULL;
		endpoint_release(n, e);
	}
	peers_remove(n, peer);
}

void peer_datagram_in(struct peer *peer, struct session *s, uint64_t advance,
		      uint64_t now_us)
{
	if (s->stage == SESSION_HALF_OPEN) {
		s->stage = SESSION_CONFIRMED;
		s->confirmed_us = now_us;
	}
	/* Hellos are answered where they are heard: they say nothing about the
	 * path that frames take. */
	if (s->stage != SESSION_OPEN)
		return;
	liveness_received(&peer->liveness, advance, now_us);
	/* The other end still sends on it: keys outlive the wish to retire. */
	if (s->retire_us != CLOCK_NEVER && !s->brief)
		s->retire_us = now_us + SESSION_RETIRE_US;
}

void peer_alive(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct liveness_config c = peer_liveness_config(n);

	if (peer->state != PEER_DOWN || !peer->current)
		return;
	endpoint_alive(n, peer->endpoint, now_us);
	/* If its keys are about to run out, the handshake that is under way
	 * brings it up. */
	if (liveness_verdict(&peer->liveness, &c, now_us) != LIVENESS_UP ||
	    liveness_doubtful(&peer->liveness, &c, now_us) ||
	    session_wants_rekey(peer->current, now_us))
		return;
	peer_up(n, peer, now_us);
	peer_arm(n, peer, now_us);
}

/* No session to send on. One whose keys ran out is down; one that lost them with
 * its secret is asked for others, and has until it counts as silent. One that
 * was not up and has not even a session under way is down, and dialled. */
static void sessionless(struct node *n, struct peer *peer, bool ran_out,
			bool under_way, uint64_t now_us)
{
	if (peer->state == PEER_UP && ran_out)
		peer_down(n, peer, PEER_REASON_EXPIRED, now_us);
	else if (peer->state != PEER_UP && !under_way)
		peer_down(n, peer, PEER_REASON_HANDSHAKE, now_us);
}

static void tend_sessions(struct node *n, struct peer *peer, uint64_t now_us)
{
	bool had = peer->current != NULL, under_way = false;

	for (size_t i = 0; i < PEERS_SESSIONS; i++) {
		struct session *s = peer->sessions[i];

		if (!s)
			continue;
		if (session_expired(s, now_us) ||
		    (s->stage != SESSION_OPEN &&
		     now_us - s->born_us >= SESSION_HALF_OPEN_US)) {
			peer_session_drop(n, peer, s);
			continue;
		}
		under_way = true;
	}
	if (!peer->current)
		peer_choose_session(peer, peer_we_are_smaller(n, peer), now_us);
	peer_sendable(n, peer);
	if (!peer->current)
		sessionless(n, peer, had, under_way, now_us);
}

void peer_timer(struct node *n, struct peer *peer, uint64_t now_us)
{
	tend_sessions(n, peer, now_us);
	give_up_if_gone(n, peer, now_us);
	control_due(n, peer, now_us);
	if (peer->state != PEER_UP &&
	    now_us - peer->state_us >= n->config.expire_us &&
	    !peer_wanted(n, peer)) {
		peer_drop(n, peer, PEER_REASON_SILENT, now_us);
		return;
	}
	peer_arm(n, peer, now_us);
}
