/* What the sources of hosts need of the daemon around them. */
#ifndef TAPD_DISCOVER_DISCOVER_OPS_H
#define TAPD_DISCOVER_DISCOVER_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/node.h"

struct discover_ops {
	/* What that source lists is another than before. */
	void (*changed)(void *user, enum node_source which);
	uint64_t (*now_us)(void *user); /* monotonic */
	uint32_t (*peers_up)(void *user);
	/* True if one of them is an address of this host. */
	bool (*is_this_host)(void *user, const struct addr *list, size_t count);
	/* Fills a buffer with random bytes. */
	void (*random)(void *user, void *buf, size_t len);
};

#endif
