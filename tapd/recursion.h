/* No datagram to a peer may go through the overlay itself. */
#ifndef TAPD_RECURSION_H
#define TAPD_RECURSION_H

#include <stdbool.h>

#include "base/addr.h"

struct daemon;

/* Begins to follow the routes. Where the kernel cannot be asked, the data path alone
 * finds out. False if memory is short. */
bool daemon_watch_routes(struct daemon *d);
void daemon_unwatch_routes(struct daemon *d);
/* True if the route to that address leads into the TAP, or a device above it. Asks the
 * kernel: some 10 us. */
bool daemon_leads_inside(const struct daemon *d, const struct addr *to);
/* Asks for the routes to all wanted peers, soon: they, or what is wanted, changed. */
void daemon_check_routes(struct daemon *d);
/* The TAP is there, or an interface came, went or changed: which are the TAP and above
 * it is found out again. */
void daemon_follow_uppers(struct daemon *d);

#endif
