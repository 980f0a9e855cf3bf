/* A list of hosts as addresses: those of its addresses, and those of its names. */
#ifndef TAPD_DISCOVER_HOSTS_H
#define TAPD_DISCOVER_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tapd/discover/resolve.h"

/*
 * Every known address of each host, at most max. hosts: for each the number of its
 * host, from 0: first those that are addresses, then the names.
 */
size_t hosts_addresses(const struct conf_peer *peers, size_t count,
		       const struct resolve *resolve, struct addr *out,
		       uint16_t *hosts, size_t max);

#endif
