/* Probes and echoes: whether a peer is there, both ways. */
#ifndef TAPD_NODE_PROBE_H
#define TAPD_NODE_PROBE_H

#include "node/peer.h"

extern const struct control probe_control;

/* A probe, or echo, that is not padded. */
#define PROBE_SIZE (WIRE_DATA_OVERHEAD + WIRE_PROBE_LEN)

/* to: normally the peer's path. The peer has a session to send on. */
void probe_send(struct node *n, struct peer *peer, const struct way *to,
		uint64_t now_us);
/* One padded to that size, which may be too large for the path; and before it a
 * small one, to compare with, that says so. */
void probe_send_sized(struct node *n, struct peer *peer, size_t size,
		      uint64_t now_us);
/* One that carries a random number in the place of the time: see paths.c. */
void probe_send_token(struct node *n, struct peer *peer, const struct way *to,
		      uint64_t token, uint64_t now_us);
/* The same, of a path that is to spare: the peer takes it for no move of ours. unsure: it
 * may lead nowhere, and the peer is told before, by the path in use, not to count that as
 * loss. */
void probe_send_beside(struct node *n, struct peer *peer, const struct way *to,
		       uint64_t token, bool unsure, uint64_t now_us);
/* The same on the peer's path, padded to that size; as probe_send_sized, if that is more
 * than a control datagram's. */
void probe_send_token_sized(struct node *n, struct peer *peer, uint64_t token,
			    size_t size, uint64_t now_us);

#endif
