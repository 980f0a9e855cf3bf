#include "tapd/underlay/sockname.h"

#include <stddef.h>
#include <string.h>

socklen_t sockname_from_addr(union sockname *name, const struct addr *a,
			     int family)
{
	memset(name, 0, sizeof(*name));
	if (family == AF_INET) {
		name->v4.sin_family = AF_INET;
		name->v4.sin_port = htons(a->port);
		memcpy(&name->v4.sin_addr, a->ip + 12, 4);
		return sizeof(name->v4);
	}
	name->v6.sin6_family = AF_INET6;
	name->v6.sin6_port = htons(a->port);
	name->v6.sin6_scope_id = a->scope;
	memcpy(&name->v6.sin6_addr, a->ip, 16);
	return sizeof(name->v6);
}

bool sockname_to_addr(struct addr *a, const void *name)
{
	union sockname n;
	sa_family_t family;

	memcpy(&family,
	       (const char *)name + offsetof(struct sockaddr, sa_family),
	       sizeof(family));
	*a = (struct addr){ 0 };
	if (family == AF_INET) {
		memcpy(&n.v4, name, sizeof(n.v4));
		*a = addr_v4(ntohl(n.v4.sin_addr.s_addr), ntohs(n.v4.sin_port));
		return true;
	}
	if (family != AF_INET6)
		return false;
	memcpy(&n.v6, name, sizeof(n.v6));
	memcpy(a->ip, &n.v6.sin6_addr, 16);
	a->port = ntohs(n.v6.sin6_port);
	/* Elsewhere a scope means nothing, and would make two of one. */
	if (IN6_IS_ADDR_LINKLOCAL(&n.v6.sin6_addr))
		a->scope = n.v6.sin6_scope_id;
	return true;
}
