/* The sessions of one peer, and the one that is sent on. */
#ifndef TAPD_NODE_PEER_SESSIONS_H
#define TAPD_NODE_PEER_SESSIONS_H

#include "node/peers.h"

/* The bridge may send to it while it has a session to send on, and is not given up. */
void peer_sendable(struct node *n, const struct peer *peer);
/* Our public key is smaller than the peer's: who gives way where both began. */
bool peer_we_are_smaller(const struct node *n, const struct peer *peer);
/* Takes a session of the pool over. Where all places are taken, the session goes
 * that either end is least likely to send on; never the current one. */
void peer_session_add(struct node *n, struct peer *peer, struct session *s);
/* Chooses the session to send on; the others retire. True if it changed. */
bool peer_choose_session(struct peer *peer, bool we_are_smaller,
			 uint64_t now_us);
/* Copies of the peer have its keys: nothing of it is accepted any more, and sessions
 * that are no younger are wiped. The caller arms its timer. */
void peer_session_burn(struct node *n, struct peer *peer, struct session *s,
		       uint64_t now_us);
void peer_session_drop(struct node *n, struct peer *peer, struct session *s);
void peer_sessions_drop(struct node *n, struct peer *peer);

#endif
