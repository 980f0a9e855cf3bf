/* What happens to peers, as lines of the log. */
#ifndef TAPD_EVENTS_H
#define TAPD_EVENTS_H

#include "node/node.h"

struct daemon;

/* One line: the peer, what, and why; if it is not one too many (tapd/event_limit). */
void daemon_announce(struct daemon *d, const struct node_event *e);
/* Says how many were. */
void daemon_announce_left_out(struct daemon *d);

#endif
