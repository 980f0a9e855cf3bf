/* This host's own addresses. */
#ifndef TAPD_DISCOVER_OWN_HOST_H
#define TAPD_DISCOVER_OWN_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"

/* The addresses of this host's interfaces, but for that one: as many as there are and there
 * is room for. They have no port. */
size_t own_host_addresses(struct addr *out, size_t max, const char *interface);
/* True if one of them, whatever its port, is an address of an interface of this host but
 * for that one, or of its loopback. */
bool own_host_is_among(const struct addr *list, size_t count,
		       const char *interface);
/* The address from which it sends to there, without port; "" if it does not. Returns
 * out. */
const char *own_host_towards(const struct addr *to, char out[ADDR_STRLEN]);

#endif
