/* A peer seems to have moved: is it really there? */
#ifndef TAPD_NODE_VALIDATION_H
#define TAPD_NODE_VALIDATION_H

#include "node/peer.h"

extern const struct control validation_control;

/* A datagram of the peer's open session came, the newest so far. */
void validation_heard(struct node *n, struct reading *r);

#endif
