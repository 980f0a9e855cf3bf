/* The paths of a peer: tried, kept warm, and changed for better ones. */
#ifndef TAPD_NODE_PATHS_H
#define TAPD_NODE_PATHS_H

#include "node/peer.h"

extern const struct control paths_control;

/* A datagram of the peer's open session came, the newest so far. */
void paths_heard(struct node *n, struct reading *r);

/*
 * A way that somebody suggested is tried: five probes in two seconds, and proven by
 * an echo that comes back that very way. One that is in use, or is being tried, or is
 * proven, is left alone; one that was given up is tried again. False if there is no
 * room for it, or no session to probe on.
 */
bool paths_try(struct node *n, struct peer *peer, const struct way *way,
	       enum path_rank rank, uint64_t now_us);

/* True if the peer echoes at that address, although its path in use goes elsewhere. */
bool paths_has_spare(const struct peer *peer, const struct addr *at);
/* True if what came that way came by the path in use or by a proven spare. */
bool paths_has(const struct peer *peer, const struct way *way);

/* That leg of ours is gone: nothing of it is kept, and if it was in use, the best
 * proven spare is; without one the peer goes down. */
void paths_leg_gone(struct node *n, struct peer *peer, uint32_t leg,
		    uint64_t now_us);
/* All that were proven are asked whether they are still ways. */
void paths_ask_spares(struct node *n, struct peer *peer, uint64_t now_us);
/* The kernel has no local address as that way's any more: it may choose another. */
void paths_local_gone(struct peer *peer, const struct way *way);

#endif
