#include "tapd/tap/fitting_mtu.h"

#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tapd/common/error.h"
#include "tapd/conf/encapsulation.h"
#include "tapd/tap/default_route.h"
#include "tapd/underlay/routes.h"

#define USUAL_MTU 1500U
/* A VRF, which has none of its own, says more. */
#define PACKET_MAX 65535U
#define LEAST	   576U
#define IPV6_LEAST 1280U /* RFC 8200, section 5 */

/* 0: there is no such interface. */
static unsigned mtu_of(const char *name)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_mtu = 0 };
	int mtu = 0;

	if (fd < 0)
		return 0;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFMTU, &request) == 0)
		mtu = request.ifr_mtu;
	close(fd);
	return mtu > 0 ? (unsigned)mtu : 0;
}

/* A route to this host itself, which may be listed too, or into the TAP is no way. */
static bool is_way(unsigned index, const char *tap, char name[IF_NAMESIZE])
{
	return index && index != if_nametoindex("lo") &&
	       index != if_nametoindex(tap) && if_indextoname(index, name);
}

/* The interface by which the first peer is reached; false if none is. */
static bool towards_peers(const struct conf *c, char name[IF_NAMESIZE])
{
	struct routes *routes = routes_open(&c->routing);
	bool found = false;

	for (size_t i = 0; routes && i < c->peers_count && !found; i++)
		found = c->peers[i].is_addr &&
			is_way(routes_interface(routes, &c->peers[i].addr),
			       c->interface.name, name);
	routes_close(routes);
	return found;
}

static unsigned mtu_below(const struct conf *c)
{
	const char *tap = c->interface.name;
	char name[IF_NAMESIZE];
	unsigned mtu = 0;

	if (c->underlay_mtu)
		return c->underlay_mtu;
	if (towards_peers(c, name))
		mtu = mtu_of(name);
	else if (*c->routing.device)
		mtu = mtu_of(c->routing.device);
	else if (default_route_find(true, tap, name) ||
		 default_route_find(false, tap, name))
		mtu = mtu_of(name);
	return mtu && mtu <= PACKET_MAX ? mtu : USUAL_MTU;
}

unsigned fitting_mtu(const struct conf *c)
{
	return conf_is_sealed(c) ? 0 : conf_fitting_mtu(c, mtu_below(c));
}

/* As the configuration wants it of what it sets itself. */
static unsigned least_mtu(const struct conf *c)
{
	for (unsigned i = 0; i < c->interface.address_count; i++)
		if (!addr_is_v4(&c->interface.address[i].addr))
			return IPV6_LEAST;
	return LEAST;
}

bool fitting_mtu_set(struct conf *c, char **error)
{
	const char *at = c->mtu_at;
	unsigned fits;

	if (conf_is_sealed(c))
		return true;
	fits = fitting_mtu(c);
	if (!c->interface.mtu_set)
		c->interface.mtu = (uint16_t)fits;
	if (!c->interface.mtu_set && fits < least_mtu(c)) {
		error_set(error,
			  "interface.mtu: the network below passes %u bytes,"
			  " which leaves %u, and %u are needed%s; use another"
			  " network, or set underlay_mtu if it passes more",
			  fits + conf_overhead(c), fits, least_mtu(c),
			  least_mtu(c) == IPV6_LEAST ? " for an IPv6 address"
						     : "");
		return false;
	}
	if (c->interface.mtu <= fits)
		return true;
	error_set(error,
		  "%s%sinterface.mtu: %u does not fit into the %u bytes that"
		  " the network below passes: %s adds %u; use at most %u, or"
		  " set underlay_mtu if it passes more",
		  at ? at : "", at ? ": " : "", c->interface.mtu,
		  fits + conf_overhead(c),
		  conf_encapsulation_words[c->encapsulation], conf_overhead(c),
		  fits);
	return false;
}
