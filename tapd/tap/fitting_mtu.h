/* What MTU an interface may have over a network below that is not sealed. */
#ifndef TAPD_TAP_FITTING_MTU_H
#define TAPD_TAP_FITTING_MTU_H

#include <stdbool.h>

#include "tapd/conf/conf.h"

/*
 * What is sealed is split to what passes; what is not goes in one piece or not at all.
 * The network below is taken to pass underlay_mtu, or what the interface does by which
 * the first peer with an address is reached, or else `device`, or the default route;
 * 1500 if there is none.
 */

/* The largest that fits; 0: it is sealed, and every one does. */
unsigned fitting_mtu(const struct conf *c);
/* Sets interface.mtu if it is not configured. False with *error, "FILE:LINE:
 * interface.mtu: …", to be freed, if what is configured does not fit. */
bool fitting_mtu_set(struct conf *c, char **error);

#endif
