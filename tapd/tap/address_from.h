/* The interface's address may be made from another one's. */
#ifndef TAPD_TAP_ADDRESS_FROM_H
#define TAPD_TAP_ADDRESS_FROM_H

#include <stdbool.h>

#include "base/addr.h"

/*
 * The host bits of *address are replaced by those of the first global address
 * of its family that the named interface has: 10.77.0.0/16 and 10.9.3.4 make
 * 10.77.3.4/16. Many underlays have no global IPv6: then the link-local address
 * serves, whose host bits are as much the host's own. False with *error.
 */
bool address_take_host_bits(const char *interface, struct prefix *address,
			    char **error);

#endif
