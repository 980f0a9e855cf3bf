/* Peers that met over a relay look for a way of their own. */
#ifndef TAPD_NODE_PUNCH_H
#define TAPD_NODE_PUNCH_H

#include "node/peer.h"

extern const struct control punch_control;

/* A node begins without any. */
void punch_init(struct node *n, uint64_t now_us);

#endif
