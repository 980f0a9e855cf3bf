/* The way that a peer's datagrams take. */
#ifndef TAPD_NODE_PATH_H
#define TAPD_NODE_PATH_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "node/pmtu.h"

/*
 * A path is a local and a remote address, the size that its datagrams may have,
 * its round-trip time, and, while its peer seems to have moved, the address that is being validated
 * (validation.c). A peer has one.
 */
struct path {
	struct addr remote; /* where its datagrams go */
	struct pmtu pmtu;
	uint32_t rtt_us;   /* smoothed, RFC 6298; 0: unknown */
	struct addr local; /* where it addresses us; not yet known: zero */
	struct {
		struct addr to;
		uint64_t token; /* in the probes sent there; 0: none */
		uint64_t probe_us;
	} validation;
};
static_assert(offsetof(struct path, pmtu.size) <= 32,
	      "where to and how large, which each datagram needs, come first");

/* Its datagrams go there from now on, and the search for a size begins again.
 * underlay_mtu: as the administrator fixed it, or 0. */
void path_set_remote(struct path *p, const struct addr *remote,
		     uint16_t underlay_mtu, uint64_t now_us);

/* An echo came to the probe that was sent at probe_us, which is the peer's word:
 * one that cannot be is no measurement. */
void path_echoed(struct path *p, uint64_t probe_us, uint64_t now_us);

#endif
