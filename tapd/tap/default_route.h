/* The interface of the default route. */
#ifndef TAPD_TAP_DEFAULT_ROUTE_H
#define TAPD_TAP_DEFAULT_ROUTE_H

#include <net/if.h>
#include <stdbool.h>

/*
 * Writes the name of the interface by which the main table's default route of
 * that family leaves: that of the lowest metric, and of one by several ways the
 * first that is not down. What leads to the interface called except does not
 * count: a TAP is no way to its own underlay. False if there is none, or the
 * kernel cannot be asked.
 */
bool default_route_find(bool v4, const char *except, char name[IF_NAMESIZE]);

#endif
