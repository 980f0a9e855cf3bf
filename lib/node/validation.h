/* A peer seems to have moved: is it really there? */
#ifndef TAPD_NODE_VALIDATION_H
#define TAPD_NODE_VALIDATION_H

#include "node/peer.h"

extern const struct control validation_control;

/* A datagram of the peer's open session came from there; it has this size, and is
 * the newest so far. */
void validation_heard(struct node *n, struct peer *peer,
		      const struct addr *from, size_t size, uint64_t now_us);

#endif
