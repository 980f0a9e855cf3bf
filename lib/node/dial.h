/* Who is called, and when: endpoints, and message 1. */
#ifndef TAPD_NODE_DIAL_H
#define TAPD_NODE_DIAL_H

#include "node/peer.h"

void endpoint_timer(struct node *n, struct endpoint *e, struct clock now);
/* A cookie came for the initiation in flight: sends it once more, at once, but
 * only once for each try of the timer's. */
void dial_again(struct node *n, struct endpoint *e, struct clock now);

#endif
