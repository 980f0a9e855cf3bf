/* The interfaces above another: VLANs, macvlans, the bridge that it is a port of. */
#ifndef TAPD_TAP_ABOVE_H
#define TAPD_TAP_ABOVE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What the interface carries, they see: those that are made upon it (IFLA_LINK), its
 * master (IFLA_MASTER), and what is above these in turn. Of one network namespace.
 */
struct above;

/* Of the namespace that the calling thread is in, for good. NULL without netlink or
 * memory. */
struct above *above_new(void);
void above_free(struct above *a);

/* Finds out what is above the interface with this index now. 0, or -errno: then
 * nothing is. */
int above_find(struct above *a, unsigned index);
bool above_has(const struct above *a, unsigned index);

#endif
