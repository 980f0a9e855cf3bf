/* The way that a peer's datagrams take. */
#ifndef TAPD_NODE_PATH_H
#define TAPD_NODE_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "node/pmtu.h"

/*
 * A path is a local and a remote address, the size that its datagrams may have,
 * and, while its peer seems to have moved, the address that is being validated
 * (validation.c). A peer has one.
 */
struct path {
	struct addr remote; /* where its datagrams go */
	struct pmtu pmtu;
	struct addr local; /* where it addresses us; not yet known: zero */
	struct {
		struct addr to;
		uint64_t token; /* in the probes sent there; 0: none */
		uint64_t probe_us;
	} validation;
};

/* Its datagrams go there from now on, and the search for a size begins again.
 * underlay_mtu: as the administrator fixed it, or 0. */
void path_set_remote(struct path *p, const struct addr *remote,
		     uint16_t underlay_mtu, uint64_t now_us);

#endif
