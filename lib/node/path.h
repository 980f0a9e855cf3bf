/* The way that a peer's datagrams take. */
#ifndef TAPD_NODE_PATH_H
#define TAPD_NODE_PATH_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/datagram.h"
#include "node/pmtu.h"

/*
 * A path is a local and a remote address, the size that its datagrams may have,
 * its round-trip time, and, while its peer seems to have moved, the way that is
 * being validated (validation.c). A peer has one.
 */
struct path {
	struct way way; /* where its datagrams go, and leave from */
	struct pmtu pmtu;
	uint32_t rtt_us; /* smoothed, RFC 6298; 0: unknown */
	struct {
		struct way to;
		uint64_t token; /* in the probes sent there; 0: none */
		uint64_t probe_us;
	} validation;
};
static_assert(offsetof(struct path, pmtu.size) <= sizeof(struct way),
	      "which way and how large, which each datagram needs, come first");

/* Its datagrams go that way from now on, and the search for a size begins again.
 * underlay_mtu: as the administrator fixed it, or 0. */
void path_set_way(struct path *p, const struct way *way, uint16_t underlay_mtu,
		  uint64_t now_us);

/* True if that is its way, as far as the way is known. */
bool path_goes(const struct path *p, const struct way *way);

/* An echo came to the probe that was sent at probe_us, which is the peer's word:
 * one that cannot be is no measurement. */
void path_echoed(struct path *p, uint64_t probe_us, uint64_t now_us);

#endif
