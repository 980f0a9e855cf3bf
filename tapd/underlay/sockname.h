/* struct addr as the kernel's struct sockaddr, and back. */
#ifndef TAPD_UNDERLAY_SOCKNAME_H
#define TAPD_UNDERLAY_SOCKNAME_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/addr.h"

union sockname {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* As AF_INET (IPv4 only) or AF_INET6 (IPv4 is mapped). Returns the length. */
socklen_t sockname_from_addr(union sockname *name, const struct addr *a,
			     int family);
/* False, and *a zeroed, if the family is neither. The name need not be
 * aligned. */
bool sockname_to_addr(struct addr *a, const void *name);

#endif
