#include "tapd/discover/own_host.h"

#include <ifaddrs.h>
#include <string.h>
#include <unistd.h>

#include "tapd/underlay/sockname.h"

static bool same_ip(const struct addr *a, const struct addr *b)
{
	return memcmp(a->ip, b->ip, sizeof(a->ip)) == 0 && a->scope == b->scope;
}

static bool is_among(const struct addr *list, size_t count,
		     const struct addr *own)
{
	for (size_t i = 0; i < count; i++)
		if (same_ip(&list[i], own))
			return true;
	return false;
}

size_t own_host_addresses(struct addr *out, size_t max, const char *interface)
{
	struct ifaddrs *all = NULL;
	size_t count = 0;

	if (getifaddrs(&all) < 0)
		return 0;
	for (const struct ifaddrs *i = all; i && count < max; i = i->ifa_next)
		if (i->ifa_addr && strcmp(i->ifa_name, interface) != 0 &&
		    sockname_to_addr(&out[count], i->ifa_addr))
			count++;
	freeifaddrs(all);
	return count;
}

bool own_host_is_among(const struct addr *list, size_t count,
		       const char *interface)
{
	struct ifaddrs *all = NULL;
	bool found = false;
	struct addr own;

	for (size_t i = 0; i < count; i++)
		found |= addr_is_loopback(&list[i]);
	if (found || getifaddrs(&all) < 0)
		return found;
	for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next)
		found = i->ifa_addr && strcmp(i->ifa_name, interface) != 0 &&
			sockname_to_addr(&own, i->ifa_addr) &&
			is_among(list, count, &own);
	freeifaddrs(all);
	return found;
}

const char *own_host_towards(const struct addr *to, char out[ADDR_STRLEN])
{
	const int family = addr_is_v4(to) ? AF_INET : AF_INET6;
	union sockname name;
	socklen_t len = sockname_from_addr(&name, to, family);
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct addr own;

	*out = '\0';
	if (fd < 0)
		return out;
	/* Nothing is sent: the kernel chooses a route. */
	if (connect(fd, &name.any, len) == 0) {
		len = sizeof(name);
		if (getsockname(fd, &name.any, &len) == 0 &&
		    sockname_to_addr(&own, &name))
			addr_print_host(&own, out);
	}
	close(fd);
	return out;
}
