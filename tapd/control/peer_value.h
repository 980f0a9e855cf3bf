/* A peer as tapctl shows it, and which peer somebody means. */
#ifndef TAPD_CONTROL_PEER_VALUE_H
#define TAPD_CONTROL_PEER_VALUE_H

#include <jansson.h>

#include "tapd/control/snapshot.h"

/* A row of `peers`: a new value, or NULL if memory is short. */
json_t *peer_value(const struct snapshot_peer *peer, uint64_t now_us);

/* The name of the relay that carries for it, or null. */
json_t *peer_via(const struct node_peer_info *peer);

/* True if that text means the peer: its name, the beginning of its key, four
 * characters or more, or its endpoint, with the port or without. */
bool peer_is(const struct node_peer_info *peer, const char *which);

#endif
