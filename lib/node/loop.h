/* Bridges in a circle: peers that send frames of our own side back. */
#ifndef TAPD_NODE_LOOP_H
#define TAPD_NODE_LOOP_H

#include "node/peers.h"

/*
 * Where two hosts bridge the same two networks, what is flooded comes back, is flooded
 * again, and goes round at line rate. What shows it is a MAC that the FDB has on our
 * own side and that comes from a peer; also the TAP's own, in a frame to a group. A few
 * such frames are a MAC that moves, as VRRP's does: it was ours and is the peer's from
 * then on. In a loop each frame of its owner moves it to our side again, and each that
 * comes back moves it away, hundreds of times a second.
 *
 * A frame may circle one way only, because the one of the other way was lost. Then no
 * MAC moves: each node of the circle sees it come from one side. But it is the very same
 * frame, to all, hundreds of times a second. Only a host whose TAP is a port of a bridge
 * looks for that: through others nothing circles, and frames of one content are
 * somebody's stream.
 *
 * Then nothing is flooded to that peer or from it for a second, and the owner is told
 * (NODE_LOOP). Frames to a MAC that is known go on. What is left of the circle are
 * LOOP_MAX frames a second.
 */
#define LOOP_MAX     100
#define LOOP_STOP_US (1 * CLOCK_S)

/* The FDB has moved a MAC from our side to a peer's. */
void loop_moved(struct node *n);
/* A frame of the peer got its verdict. DROP_loop: it was flooded, and may not be. */
enum drop_reason loop_check(struct node *n, struct peer *peer,
			    const struct forward *f, const uint8_t *frame,
			    size_t len, uint64_t now_us);
/* A frame from the TAP got its verdict, and nothing was found wrong: takes ports away
 * that are not flooded to. If none is left the reason is DROP_loop. */
void loop_spare(struct node *n, struct forward *f, uint64_t now_us);
/* When flooding to the peer was last stopped; 0: it never was. */
static inline uint64_t loop_began_us(const struct peer *peer)
{
	return peer->stopped_until_us ? peer->stopped_until_us - LOOP_STOP_US
				      : 0;
}

#endif
