/* Datagrams that are sent or received together. */
#ifndef TAPD_BASE_DATAGRAM_H
#define TAPD_BASE_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/* At most this many datagrams are in one run (UDP_MAX_SEGMENTS of older kernels),
 * and at most this many bytes (UDP over IPv4). */
#define DATAGRAM_RUN_SEGMENTS 64
#define DATAGRAM_RUN_LEN_MAX  65507

/*
 * The two addresses between which a datagram travels. local is ours: the one that
 * it was sent to, with the socket's port, or is to leave from. All zero: not
 * known, or whichever the kernel chooses.
 */
struct way {
	struct addr remote, local;
};

/* The same, to the last byte. */
static inline bool way_equal(const struct way *a, const struct way *b)
{
	return addr_equal(&a->remote, &b->remote) &&
	       addr_equal(&a->local, &b->local);
}

/* False: the local address is not known, or the kernel's choice. */
static inline bool way_is_pinned(const struct way *w)
{
	return w->local.port != 0;
}

/*
 * A run: datagrams that go, or came, one way, one after the other in one buffer,
 * as UDP_SEGMENT sends and UDP_GRO receives them. All but the last are segment_len
 * long. segment_len 0: a single datagram.
 */
struct datagram_run {
	struct addr remote; /* whom they go to, or who sent them */
	struct addr local;  /* of the way, as above */
	uint8_t *data;
	size_t len;
	size_t segment_len;
	/* Sent, of a plain encapsulation: a hash of the frames' flow. It says which of
	 * the owner's source ports they leave from, so that networks can spread flows;
	 * datagrams of one flow have one. 0: of no flow. */
	uint16_t spread;
	/* Sent, between two peers that this host relays: what is its own comes before. */
	bool carried;
};

#endif
