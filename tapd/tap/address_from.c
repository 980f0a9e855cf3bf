#include "tapd/tap/address_from.h"

#include <ifaddrs.h>
#include <string.h>

#include "tapd/common/error.h"
#include "tapd/underlay/sockname.h"

/* The first global address, or else the first link-local one. */
static bool find_address_of(const char *interface, bool v4, struct addr *out)
{
	struct ifaddrs *all = NULL;
	bool found = false;
	struct addr a;

	if (getifaddrs(&all) < 0)
		return false;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		if (strcmp(i->ifa_name, interface) != 0 || !i->ifa_addr ||
		    !sockname_to_addr(&a, i->ifa_addr) || addr_is_v4(&a) != v4)
			continue;
		if (!found ||
		    (addr_is_link_local(out) && !addr_is_link_local(&a)))
			*out = a;
		found = true;
	}
	freeifaddrs(all);
	return found;
}

static void replace_host_bits(struct prefix *p, const struct addr *from)
{
	unsigned bits = p->len + (addr_is_v4(&p->addr) ? 96U : 0U);

	for (unsigned i = 0; i < 16; i++) {
		unsigned net = bits > 8 * i ? bits - 8 * i : 0;
		uint8_t host = (uint8_t)(net >= 8 ? 0 : 0xff >> net);

		p->addr.ip[i] = (uint8_t)((p->addr.ip[i] & ~host) |
					  (from->ip[i] & host));
	}
}

bool address_take_host_bits(const char *interface, struct prefix *address,
			    char **error)
{
	bool v4 = addr_is_v4(&address->addr);
	char text[PREFIX_STRLEN];
	struct addr from;

	if (!find_address_of(interface, v4, &from)) {
		error_set(error,
			  "address_from: %s has no %s address to take the"
			  " host bits of %s from: give it one, or write the"
			  " whole address",
			  interface, v4 ? "IPv4" : "IPv6",
			  prefix_print(address, text));
		return false;
	}
	replace_host_bits(address, &from);
	return true;
}
