/* A peer whose memory was copied or put back; and our own. */
#ifndef TAPD_NODE_COPIED_H
#define TAPD_NODE_COPIED_H

#include "node/peer.h"

extern const struct control copied_control;

/* What came on r's session was refused as a replay. True if it proves that the
 * peer's state was copied: the session has ended then, and the peer is told. The datagram
 * is overwritten. */
bool copied_check(struct node *n, struct reading *r, uint8_t *datagram);

#endif
