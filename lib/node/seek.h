/* Relays are asked for legs to the hosts that are sought. */
#ifndef TAPD_NODE_SEEK_H
#define TAPD_NODE_SEEK_H

#include "node/peer.h"

extern const struct control seek_control;

void seek_timer(struct node *n, uint64_t now_us);
/* What its relay carries is lost: another is asked for a leg, if there is one. */
void seek_other_relay(struct node *n, const struct peer *peer, uint64_t now_us);
/* The peer says what it can, before it is adopted: it may relay from now on. */
void seek_hello(struct node *n, const struct peer *peer,
		const struct wire_hello *hello, uint64_t now_us);

#endif
