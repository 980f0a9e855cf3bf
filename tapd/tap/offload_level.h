/* What is left to the kernel, and what it leaves to us, on both sides. */
#ifndef TAPD_TAP_OFFLOAD_LEVEL_H
#define TAPD_TAP_OFFLOAD_LEVEL_H

#include <stdbool.h>

#include "node/node.h"
#include "tapd/conf/conf.h"
#include "tapd/tap/captures.h"
#include "tapd/tap/tap.h"
#include "tapd/underlay/udp.h"

/*
 * Each direction has levels of its own: GSO frames from the TAP, merges
 * for it, runs to the sockets and from them. Where a level fails, at the start or
 * at run time, the next one below is used. Peers on other levels do not notice,
 * since each datagram stands alone.
 */
#define OFFLOAD_WHY_LEN 96

struct offload_levels {
	enum tap_offload tap;
	enum conf_merge merge;
	enum udp_batching send, receive; /* as last applied */
	struct capture capture;		 /* on the TAP, that is served now */
	/* Why nothing is merged now; "" if it is. */
	char unmerged[OFFLOAD_WHY_LEN];
};

/* Goes as far up as the configuration lets it and the kernel can, and tells the
 * node. At the start, after a reload, and when the TAP was made again. */
void offload_level_apply(struct offload_levels *o, const struct conf *c,
			 struct tap *tap, struct udp *udp, struct node *node);
/* After a frame was refused: if it was a GSO frame, there will be no more. */
void offload_level_refused(struct offload_levels *o, const struct conf *c,
			   const struct tap *tap, struct node *node);

/*
 * Whether somebody captures on the TAP (capture_watch.h). As long as somebody does,
 * frames are written to it complete and as they were sent, whatever the levels.
 */
void offload_level_capture(struct offload_levels *o, const struct conf *c,
			   const struct tap *tap, struct node *node,
			   const struct capture *capture);

#endif
