/* Which way the routing table sends what goes to a peer. */
#ifndef TAPD_UNDERLAY_ROUTES_H
#define TAPD_UNDERLAY_ROUTES_H

#include <stdbool.h>

#include "base/addr.h"
#include "tapd/underlay/routing.h"

struct routes;

/* For datagrams of that routing, which is copied. NULL: the kernel cannot be asked. */
struct routes *routes_open(const struct routing *routing);
void routes_close(struct routes *r);
/* Readable when routes or addresses change; routes_read takes that in. */
int routes_fd(const struct routes *r);
void routes_read(struct routes *r);
/* The interface by which a datagram to that address leaves: its index; 0: none, or
 * it is not known. */
unsigned routes_interface(struct routes *r, const struct addr *to);

#endif
