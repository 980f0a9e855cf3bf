/* How legs that end here come about, and end. */
#ifndef TAPD_NODE_LEGS_H
#define TAPD_NODE_LEGS_H

#include "node/leg.h"

extern const struct control legs_control;

void legs_timer(struct node *n, uint64_t now_us);
/* The peer says what it can, before it is adopted: it may relay from now on. */
void legs_hello(struct node *n, const struct peer *peer,
		const struct wire_hello *hello, uint64_t now_us);

#endif
