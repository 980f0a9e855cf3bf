/* What is left to the kernel, and what it leaves to us, on both sides. */
#ifndef TAPD_OFFLOADS_H
#define TAPD_OFFLOADS_H

#include <jansson.h>
#include <stdbool.h>

#include "node/node.h"
#include "tapd/conf.h"
#include "tapd/tap.h"
#include "tapd/udp.h"

/*
 * Each direction goes down a ladder of its own: super-frames from the TAP, merges
 * for it, runs to the sockets and from them. Where a rung fails, at the start or
 * at run time, the next one below is used. Peers on other rungs do not notice,
 * since each datagram stands alone.
 */
struct offloads {
	enum tap_offload tap;
	enum conf_merge merge;
	enum udp_batching send, receive; /* as last applied */
};

/* Goes as far up as the configuration lets it and the kernel can, and tells the
 * node. At the start, after a reload, and when the TAP was made again. */
void offloads_apply(struct offloads *o, const struct conf *c, struct tap *tap,
		    struct udp *udp, struct node *node);
/* After a frame was refused: if it was a super-frame, there will be no more. */
void offloads_refused(struct offloads *o, const struct conf *c,
		      const struct tap *tap, struct node *node);
/* {"tap": …, "merge": …, "send": …, "receive": …}, in the words of the
 * configuration. */
json_t *offloads_report(const struct offloads *o, const struct udp *udp);

#endif
