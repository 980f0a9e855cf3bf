/* Checks of a network that is not sealed: rows of the table in checks.c. They find nothing
 * where it is. */
#ifndef TAPD_CONTROL_PLAIN_CHECKS_H
#define TAPD_CONTROL_PLAIN_CHECKS_H

#include "tapd/control/findings.h"

void check_not_sealed(const struct snapshot *s, struct findings *f);
/* The interface's MTU is larger than what fits. */
void check_mtu_does_not_fit(const struct snapshot *s, struct findings *f);
/* What fits does not pass on the way to a peer. */
void check_way_too_small(const struct snapshot *s, struct findings *f);
/* Nothing ever came from peers that are listed for a minute. */
void check_never_heard(const struct snapshot *s, struct findings *f);
/* Peers that never answered a query, or have a router. */
void check_ports_flooded(const struct snapshot *s, struct findings *f);

#endif
