/* Control records to a peer, sealed. */
#ifndef TAPD_NODE_SEND_H
#define TAPD_NODE_SEND_H

#include "node/peer.h"

/* The size that a small control datagram may have on any path, over a relay's leg, too. */
#define CONTROL_SIZE (PMTU_MIN_V4 - WIRE_RELAYED_LEN)

/*
 * Seals one record as a datagram of its own on session s, and counts it. peer:
 * NULL while the session is a candidate's. padded_to: the UDP payload to fill up
 * to; 0: not at all. It leaves with the next flush.
 */
void send_record(struct node *n, struct peer *peer, struct session *s,
		 const struct way *to, const uint8_t *record, size_t len,
		 size_t padded_to, uint64_t now_us);
/* A copy of a whole message, of a handshake. */
void send_message(struct node *n, const struct way *to, const uint8_t *message,
		  size_t len);

#endif
