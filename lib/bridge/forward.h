/* The verdict: who should have a frame that was read from the TAP. */
#ifndef TAPD_BRIDGE_FORWARD_H
#define TAPD_BRIDGE_FORWARD_H

#include "base/drop.h"
#include "bridge/eth.h"
#include "bridge/fdb.h"

enum verdict_kind { VERDICT_DROP, VERDICT_PORT, VERDICT_FLOOD };

struct verdict {
	enum verdict_kind kind;
	enum drop_reason reason; /* for DROP */
	uint16_t port;		 /* for PORT: a peer's, never the TAP's */
};

/*
 * Learns the source as local (but not from IGMP or MLD) and decides:
 * group addresses and unknown unicast to all peers, a known MAC to its port, a
 * MAC on our own side of the TAP to nobody (DROP_frame_local). len is the
 * frame's length, max the largest allowed (DROP_frame_long; 0 for super-frames,
 * whose segments fit by construction). *view is filled whenever the frame could
 * be parsed. *full is set if the source could not be learned.
 */
struct verdict forward_from_tap(struct fdb *fdb, const uint8_t *frame,
				size_t len, size_t max, uint64_t now_us,
				struct eth_view *view, bool *full);

/*
 * The same for a frame that `port` (a peer) sent us. Split horizon: it goes
 * into the TAP or nowhere, never to another peer. DROP_NONE: write it.
 */
enum drop_reason forward_from_port(struct fdb *fdb, uint16_t port,
				   const uint8_t *frame, size_t len, size_t max,
				   uint64_t now_us, struct eth_view *view,
				   bool *full);

#endif
