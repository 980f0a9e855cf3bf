/* The long tables that tapctl shows, as JSON, row by row. */
#ifndef TAPD_CONTROL_LISTS_H
#define TAPD_CONTROL_LISTS_H

#include "tapd/control/control.h"
#include "tapd/control/snapshot.h"

/*
 * A table is read and sorted a row at a time while frames pass, and kept until all
 * of it was shown. What is in it from the first step to the last is shown once,
 * what comes or goes meanwhile may be missing. The snapshot is needed until these
 * return, its node until the list is freed. NULL if memory is short.
 */
struct control_list *list_peers(const struct snapshot *s);
/* By VLAN and MAC. */
struct control_list *list_fdb(const struct snapshot *s);
/* By VLAN and address; empty without snooping. A group is flooded if there are
 * peers that get every group, and why names them. */
struct control_list *list_groups(const struct snapshot *s);

#endif
