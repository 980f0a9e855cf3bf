#include "node/peer_sessions.h"

#include "node/leg.h"

bool peer_we_are_smaller(const struct node *n, const struct peer *peer)
{
	return public_key_compare(&n->key, &peer->key) < 0;
}

void peer_sendable(struct node *n, const struct peer *peer)
{
	bridge_port_set_live(n->bridge, peer->port,
			     peer->current && !peer->given_up &&
				     !leg_is_brief(n, &peer->path.way.remote));
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
	/* A candidate's hellos, which nobody counted: the peer may hear them late. */
	liveness_sent_early(&peer->liveness, s->counter);
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
	peers_session_free(n, s);
}

void peer_sessions_drop(struct node *n, struct peer *peer)
{
	for (size_t i = 0; i < PEERS_SESSIONS; i++)
		if (peer->sessions[i])
			peer_session_drop(n, peer, peer->sessions[i]);
}
