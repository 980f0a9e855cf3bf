/* Datagrams that are sent or received together. */
#ifndef TAPD_BASE_DATAGRAM_H
#define TAPD_BASE_DATAGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/* At most this many datagrams are in one run (UDP_MAX_SEGMENTS of older kernels),
 * and at most this many bytes (UDP over IPv4). */
#define DATAGRAM_RUN_SEGMENTS 64
#define DATAGRAM_RUN_LEN_MAX  65507

/*
 * A run: datagrams to or from one address, one after the other in one buffer, as
 * UDP_SEGMENT sends and UDP_GRO receives them. All but the last are segment_len
 * long. segment_len 0: a single datagram.
 */
struct datagram_run {
	struct addr remote; /* whom they go to, or who sent them */
	uint8_t *data;
	size_t len;
	size_t segment_len;
};

#endif
