/* The data path's scratch and counters: one a worker. */
#ifndef TAPD_NODE_LANE_H
#define TAPD_NODE_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/counters.h"
#include "base/drop.h"
#include "base/frame.h"
#include "ether/gso.h"
#include "ether/merge.h"
#include "tunnel/frag.h"
#include "tunnel/pack.h"

/* Frames whose verdicts are taken before the first of them is packed. */
#define LANE_CHUNK 64
/* Segments whose headers are kept until they are sealed: more than a datagram
 * has, at two pieces each. */
#define LANE_SEGMENTS (PACK_PIECES / 2 + 1)

/*
 * What packing, sealing, reassembly and merging write, for frames and for control
 * records alike. One thread works on a lane at a time, and today there is one lane.
 * The counters are the lane's too: a sum over all is what a node shows.
 */
struct lane {
	/* out: GSO frames of the chunk under way, and headers of their segments */
	struct packer packer;
	struct gso gso[LANE_CHUNK];
	size_t gso_count;
	uint8_t headers[LANE_SEGMENTS][FRAME_HEADROOM + GSO_HEADER_MAX];
	size_t header_at;

	/* in: records in reassembly, and frames on their way to the TAP */
	struct frag *frag;
	struct merge *merge;
	uint32_t reassembled; /* of those frames, that are in frag's buffers */

	struct counters tx, rx;
	uint64_t drops[DROP_REASON_COUNT];
};

#endif
