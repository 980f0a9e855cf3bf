/* All there is to know of a peer, as JSON: peers NAME. */
#ifndef TAPD_CONTROL_PEER_DETAILS_H
#define TAPD_CONTROL_PEER_DETAILS_H

#include "tapd/control/control.h"
#include "tapd/control/snapshot.h"

/* Of so many groups that a peer joined the names are shown; all are counted. */
#define PEER_DETAILS_GROUPS 1000

/*
 * The peers that `which` means, each as a row of `peers` with more: its groups are
 * looked for while frames pass. The snapshot is needed until this returns, its node
 * until the list is freed. NULL with *error (to be freed) if there is none, or
 * memory is short.
 */
struct control_list *peer_details(const struct snapshot *s, const char *which,
				  char **error);

#endif
