/* At which addresses others see this host. */
#ifndef TAPD_NODE_OBSERVED_H
#define TAPD_NODE_OBSERVED_H

#include "node/peer.h"

/* An echo of the peer's came by its path in use, and says where it saw the probe. */
void observed_echo(struct node *n, const struct reading *r,
		   const struct wire_probe *echo);
/* It is gone, with what it said. */
void observed_forget(struct node *n, struct peer *peer);

/* The sum of what all peers say. */
void observed_sum(const struct node *n, struct observed *out);
/* The same, kept; borrowed until the node is called again. */
const struct observed *observed_of(struct node *n);
/* True if one of those addresses has that IP: who has it too is behind our NAT. */
bool observed_shares_ip(struct node *n, const struct addr *addr);

/* RFC 1918, RFC 6598, RFC 4193: an address that means another host in another
 * network. */
bool observed_is_private(const struct addr *addr);

#endif
