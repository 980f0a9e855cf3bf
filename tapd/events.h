/* What happens to peers, as lines of the log. */
#ifndef TAPD_EVENTS_H
#define TAPD_EVENTS_H

#include "node/node.h"

/* One line: the peer, what, and why. The node limits those that strangers can
 * cause. */
void announce(const struct node_event *e);

#endif
