/* The interface of the default route. */
#ifndef TAPD_TAP_DEFAULT_ROUTE_H
#define TAPD_TAP_DEFAULT_ROUTE_H

#include <net/if.h>
#include <stdbool.h>

/*
 * Writes the name of the interface by which the main table's preferred default
 * route of that family leaves, whatever routes lead to the interface called
 * except: a TAP is no way to its own underlay. False if there is none, or the
 * kernel cannot be asked.
 */
bool default_route_find(bool v4, const char *except, char name[IF_NAMESIZE]);

#endif
