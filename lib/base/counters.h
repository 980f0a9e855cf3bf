/* How much passed: of a node, and of each peer. */
#ifndef TAPD_BASE_COUNTERS_H
#define TAPD_BASE_COUNTERS_H

#include <stdint.h>

/* bytes: of UDP payload. */
struct counters {
	uint64_t frames, datagrams, bytes;
};

#endif
