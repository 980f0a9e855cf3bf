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
/*
 * Headers of segments are kept until they are sealed, in a ring that holds more than
 * an open datagram does: headroom and header of each of its segments, one header
 * that began in the datagram before, the next one, and what is left unused at the
 * ring's end. Headers are short as a rule; only a few lines of it are used then.
 */
#define LANE_SEGMENTS (PACK_PIECES / 2)
#define LANE_HEADERS  32768

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
	uint8_t headers[LANE_HEADERS];
	size_t header_at; /* where the next one's headroom begins */

	/* in: records in reassembly, and frames on their way to the TAP */
	struct frag *frag;
	struct merge *merge;
	uint32_t reassembled; /* of those frames, that are in frag's buffers */

	struct counters tx, rx;
	uint64_t drops[DROP_REASON_COUNT];
};

#endif
