/* What becomes of a peer. */
#ifndef TAPD_NODE_PEER_H
#define TAPD_NODE_PEER_H

#include "node/peer_sessions.h"

/* As others see it. */
enum node_peer_state peer_state_of(const struct peer *peer);
/* Tells the owner of something that happened to the peer. at, other and text may
 * be NULL. */
void peer_emit(struct node *n, enum node_event_type type,
	       const struct peer *peer, const struct addr *at,
	       const struct addr *other, const char *text);
/* Why it is not up, for people. */
void peer_why(const struct node *n, const struct peer *peer, char *buf,
	      size_t len);
struct liveness_config peer_liveness_config(const struct node *n);
void peer_arm(struct node *n, struct peer *peer, uint64_t now_us);
void peer_timer(struct node *n, struct peer *peer, uint64_t now_us);

/* ---- its life ---- */

/* A handshake is to run for it although it is up: it may have restarted, or has not
 * got new keys within its session in time. */
bool peer_wants_handshake(const struct node *n, const struct peer *peer,
			  uint64_t now_us);
/* Both hellos are through: frames may go. */
void peer_session_opened(struct node *n, struct peer *peer, struct session *s,
			 uint64_t now_us);
/* Takes over what its hello says of it, but for the epoch. */
void peer_adopt(struct node *n, struct peer *peer,
		const struct wire_hello *hello);
/* What was measured of it says nothing any more: it is another process, or was
 * away. */
void peer_measure_anew(struct peer *peer, uint64_t now_us);
/* A datagram of its session opened. beside: it is a probe or echo of another path than
 * the one in use, of whose life it says nothing. */
void peer_datagram_in(struct peer *peer, struct session *s, uint64_t advance,
		      bool beside, uint64_t now_us);
/* A datagram of its was read to the end. A peer that was down is up again once it
 * is heard and says that it hears us. */
void peer_alive(struct node *n, struct peer *peer, uint64_t now_us);
/* True if `len` bytes more may go back the way a datagram of its came: to an address
 * where nobody has shown to receive, no more in all than came from there. */
bool peer_may_answer(struct reading *r, size_t len);
/* Its datagrams go there, and leave from that address of ours, or, if that is all
 * zero, from the one that the kernel chooses. */
void peer_set_endpoint(struct node *n, struct peer *peer, struct endpoint *e,
		       const struct addr *local, uint64_t now_us);
void peer_down(struct node *n, struct peer *peer, enum peer_reason reason,
	       uint64_t now_us);
/* Removes it. Its wanted endpoints stay, and are dialled. */
void peer_drop(struct node *n, struct peer *peer, enum peer_reason reason,
	       uint64_t now_us);

/* The epoch that this peer is shown; it may be NULL. */
static inline uint64_t peer_shown_epoch(const struct node *n,
					const struct peer *peer)
{
	return peer && peer->shown_epoch ? peer->shown_epoch : n->epoch;
}

#endif
