#include "node/peer.h"

#include <stdio.h>
#include <string.h>

#include "node/leg.h"

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
	const struct peer *relay =
		peer->endpoint ? leg_relay(n, peer->path.way.remote.leg) : NULL;

	if (relay)
		event.via = relay->name;
	if (at)
		event.at = *at;
	if (other)
		event.other = *other;
	node_emit(n, event);
}

/* Of one that is reached by a relay, or was. False: that is not why. */
static bool relayed_why(const struct node *n, const struct peer *peer,
			char *buf, size_t len)
{
	const struct peer *relay;

	if (!peer->endpoint || !path_is_relayed(&peer->path) ||
	    peer->reason == PEER_REASON_NO_RELAY)
		return false;
	relay = leg_relay(n, peer->path.way.remote.leg);
	if (!relay)
		snprintf(buf, len, "no relay is left that both reach");
	else if (peer->reason == PEER_REASON_SILENT)
		snprintf(buf, len, "no answer through %s", relay->name);
	else
		return false;
	return true;
}

void peer_why(const struct node *n, const struct peer *peer, char *buf,
	      size_t len)
{
	if (!relayed_why(n, peer, buf, len))
		peer_reason_print(peer->reason,
				  peer->endpoint ? peer->endpoint->addr.port
						 : WIRE_PORT,
				  buf, len);
}

struct liveness_config peer_liveness_config(const struct node *n)
{
	return (struct liveness_config){ n->config.interval_us,
					 n->config.down_after };
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
	/* A plain one's timer is for its groups. */
	if (!n->plain)
		timers_set(&n->timers, &peer->timer,
			   peer_deadline(n, peer, now_us));
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
		struct endpoint *left = peer->endpoint;

		if (left && left->sources && !timer_armed(&left->timer))
			timers_set(&n->timers, &left->timer,
				   now_us + node_jitter(n, ENDPOINT_LEFT_US));
		e->users++;
		peer_leave_endpoint(n, peer);
		peer->endpoint = e;
	}
	path_set_way(&peer->path, &way, n->config.underlay_mtu, now_us);
	/* The one before may have been a leg that was gone already. */
	peer_sendable(n, peer);
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

void peer_adopt(struct node *n, struct peer *peer,
		const struct wire_hello *hello)
{
	peer->tap_mtu = hello->tap_mtu;
	peer->capabilities = hello->capabilities;
	memcpy(peer->tap_mac, hello->tap_mac, sizeof(peer->tap_mac));
	memcpy(peer->name, hello->name, sizeof(peer->name));
	if (peer->state == PEER_UP)
		bridge_port_set_mac(n->bridge, peer->port, peer->tap_mac);
}

/* By a way that is for a handshake alone, nobody is up. */
static void peer_up(struct node *n, struct peer *peer, uint64_t now_us)
{
	if (peer->state == PEER_UP)
		return;
	if (leg_is_brief(n, &peer->path.way.remote)) {
		peer->reason = PEER_REASON_NO_RELAY;
		return;
	}
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
	peer->opened++;
	n->rekeys += s->carried;
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
	peer->downs[reason]++;
	if (peer->endpoint && peer->endpoint->reason == ENDPOINT_RECURSION)
		endpoint_why(peer->endpoint, text, sizeof(text));
	else
		peer_why(n, peer, text, sizeof(text));
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
		      bool beside, uint64_t now_us)
{
	if (s->stage == SESSION_HALF_OPEN) {
		s->stage = SESSION_CONFIRMED;
		s->confirmed_us = now_us;
	}
	/* Hellos are answered where they are heard: they say nothing about the
	 * path that frames take. */
	if (s->stage != SESSION_OPEN)
		return;
	if (beside)
		liveness_received_beside(&peer->liveness, advance);
	else
		liveness_received(&peer->liveness, advance, now_us);
	/* The other end still sends on it: keys outlive the wish to retire. */
	if (s->retire_us != CLOCK_NEVER && !s->brief)
		s->retire_us = now_us + SESSION_RETIRE_US;
}

void peer_alive(struct node *n, struct peer *peer, uint64_t now_us)
{
	struct liveness_config c = peer_liveness_config(n);

	if (peer->state == PEER_UP || !peer->current ||
	    leg_is_brief(n, &peer->path.way.remote))
		return;
	if (peer->state == PEER_DOWN)
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
		if (s->stage != SESSION_OPEN &&
		    now_us - s->born_us >= SESSION_HALF_OPEN_US)
			peer->incomplete++;
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
