/* The interface's address may be made from another one's. */
#ifndef TAPD_TAP_ADDRESS_FROM_H
#define TAPD_TAP_ADDRESS_FROM_H

#include <stdbool.h>

#include "base/addr.h"

/* In place of a name: the interface of the default route. */
#define ADDRESS_FROM_DEFAULT "default"

/*
 * The host bits of *address are replaced by those of the first global address
 * of its family that the interface called from has: 10.77.0.0/16 and 10.9.3.4
 * make 10.77.3.4/16. Many underlays have no global IPv6: then the link-local
 * address serves, whose host bits are as much the host's own. The default route
 * is that of the address's family, or else of the other one; the TAP, which is
 * called tap, is never meant. False with *error, to be freed: what is missing,
 * and which interfaces there are.
 */
bool address_take_host_bits(const char *from, const char *tap,
			    struct prefix *address, char **error);

#endif
