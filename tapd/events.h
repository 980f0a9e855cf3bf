/* What happens to peers, as lines of the log. */
#ifndef TAPD_EVENTS_H
#define TAPD_EVENTS_H

#include "node/node.h"

struct daemon;

/* One line: the peer, what, and why; if it is not one too many (tapd/event_limit). */
void daemon_announce(struct daemon *d, const struct node_event *e);
/* An address, as in "10.9.0.2:8273 has the key of web1"; of a leg, that it is another
 * host than the one there. Returns buf. */
#define EVENTS_AT_STRLEN (ADDR_STRLEN + 24)
const char *events_print_at(const struct addr *at, char buf[EVENTS_AT_STRLEN]);
/* Says how many were. */
void daemon_announce_left_out(struct daemon *d);

#endif
