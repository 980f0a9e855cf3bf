/* The addresses and routes that an interface is to have. */
#ifndef TAPD_TAP_INTERFACE_PLAN_H
#define TAPD_TAP_INTERFACE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "tapd/conf/conf.h"
#include "tapd/tap/link.h"

#define INTERFACE_ADDRESSES_MAX \
	(sizeof(((struct conf *)0)->interface.address) / sizeof(struct prefix))

#define IPV6_MTU_MIN 1280 /* RFC 8200, section 5 */

/* What a configuration comes to on this host. */
struct interface_plan {
	struct prefix addresses[INTERFACE_ADDRESSES_MAX];
	size_t addresses_count;
	bool multicast_route; /* and that of the limited broadcast */
	/* There can be none: waiting for what address_from names is no use. */
	bool refused;
};

/* Finds out what there is to find out, and changes nothing: the first step of a
 * reload. False with *error (to be freed) if address_from leads nowhere, or to
 * addresses that other hosts may have. */
bool interface_plan(struct interface_plan *plan, const struct conf *c,
		    char **error);
/* The same at boot, when the interface that address_from names may be about to get
 * its address: blocks for up to 3 s. */
bool interface_plan_wait(struct interface_plan *plan, const struct conf *c,
			 char **error);

/*
 * What fails is logged, see ip_command.h.
 */

/* Adds what is missing; routes only while it is up. */
void interface_plan_set(const struct interface_plan *plan, struct link *link);
/*
 * What is to go, goes once what is to come is there (interface_plan_set): what others
 * have there, a VIP or a route, then never loses its subnet, or all of IPv4.
 */

/* Removes what an earlier run set, by another configuration, and this one does not. */
void interface_plan_remove_leftovers(const struct interface_plan *plan,
				     struct link *link);
/* Removes what the old configuration set and the new one does not. */
void interface_plan_take_back(const struct interface_plan *old,
			      const struct interface_plan *plan,
			      struct link *link);

#endif
