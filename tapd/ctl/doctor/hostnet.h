/* Interfaces, addresses and routes of this network namespace. */
#ifndef TAPD_CTL_DOCTOR_HOSTNET_H
#define TAPD_CTL_DOCTOR_HOSTNET_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct hostnet_link {
	unsigned index;
	unsigned master; /* the bridge it is a port of; 0: none */
	unsigned below;	 /* what a VLAN or macvlan is on; 0: nothing here */
	char name[IF_NAMESIZE];
	char kind[16]; /* "macvlan", "bridge", "veth", …; "" of a card */
	uint32_t mtu;
	bool up, loopback;
};

struct hostnet_address {
	unsigned index; /* of the interface */
	struct prefix prefix;
	bool duplicate; /* duplicate address detection failed */
};

/* A route of the main table by one interface. */
struct hostnet_route {
	unsigned index;
	struct prefix to;
	bool kernel; /* of an address, which the kernel made */
};

struct hostnet {
	struct hostnet_link *links;
	size_t links_count, links_size;
	struct hostnet_address *addresses;
	size_t addresses_count, addresses_size;
	struct hostnet_route *routes;
	size_t routes_count, routes_size;
};

/* What the kernel tells within 2 s, or in five tries if it changes meanwhile. False
 * if it does not tell all: then it is empty. */
bool hostnet_take(struct hostnet *n);
void hostnet_free(struct hostnet *n);

const struct hostnet_link *hostnet_link_named(const struct hostnet *n,
					      const char *name);
const struct hostnet_link *hostnet_link_of(const struct hostnet *n,
					   unsigned index);
/* Whether a link is the other, or a VLAN, macvlan or bridge above it. */
bool hostnet_is_above(const struct hostnet *n, unsigned index, unsigned other);

#endif
