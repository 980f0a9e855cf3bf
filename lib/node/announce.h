/* At which MAC our TAP's own addresses are: told to peers that come up. */
#ifndef TAPD_NODE_ANNOUNCE_H
#define TAPD_NODE_ANNOUNCE_H

#include "node/peer.h"

extern const struct control announce_control;

/* Every peer is told again: our MAC is another. */
void announce_repeat(struct node *n, uint64_t now_us);

#endif
