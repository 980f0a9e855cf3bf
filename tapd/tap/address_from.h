/* The interface's address may be made from another one's. */
#ifndef TAPD_TAP_ADDRESS_FROM_H
#define TAPD_TAP_ADDRESS_FROM_H

#include "base/addr.h"

/* In place of a name, and no interface's: Linux has a setting that is called so. */
#define ADDRESS_FROM_DEFAULT "default"

/*
 * The host bits of *address are replaced by those of the first global address
 * of its family that the interface called from has: 10.77.0.0/16 and 10.9.3.4
 * make 10.77.3.4/16. Many underlays have no global IPv6: then the link-local
 * address serves, whose host bits are as much the host's own.
 *
 * ADDRESS_FROM_DEFAULT is the interface of the default route of the address's
 * family; where there is none for IPv6, that of IPv4's, for it has a link-local
 * address. The TAP, which is called tap, is never meant.
 */
enum address_from {
	ADDRESS_FROM_TAKEN,
	/* It may come yet. *error, to be freed, says what is missing, and which
	 * interfaces there are. */
	ADDRESS_FROM_MISSING,
	/* Two hosts of that interface's subnet could get the same address, as its
	 * host part is longer than what is taken of it. *error says what to do. */
	ADDRESS_FROM_REFUSED,
};

enum address_from address_take_host_bits(const char *from, const char *tap,
					 struct prefix *address, char **error);

#endif
