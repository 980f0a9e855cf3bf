/* Messages 1 to 3 that come in. */
#ifndef TAPD_NODE_HANDSHAKE_H
#define TAPD_NODE_HANDSHAKE_H

#include "node/core.h"

/* An initiation, response or cookie: it has its type's length. */
void handshake_in(struct node *n, enum wire_type type, const struct way *from,
		  uint8_t *datagram, size_t len, struct clock now);

#endif
