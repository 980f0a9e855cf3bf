/* How legs that end here come about, and end. */
#ifndef TAPD_NODE_LEGS_H
#define TAPD_NODE_LEGS_H

#include "node/leg.h"

extern const struct control legs_control;

void legs_timer(struct node *n, uint64_t now_us);
/* Asks that peer for a leg to that key. NULL if there is no room, or one to it is about
 * to go. */
struct leg *legs_ask(struct node *n, const struct peer *relay,
		     const struct public_key *far, uint64_t now_us);

#endif
