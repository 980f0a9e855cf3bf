/* Traffic per second, over the last few, without a clock of its own. */
#ifndef TAPD_CONTROL_RATES_H
#define TAPD_CONTROL_RATES_H

#include <stdint.h>

#include "node/node.h"

/* Per second. */
struct traffic_rates {
	double tx_frames, tx_bytes, rx_frames, rx_bytes;
};

/*
 * Samples of the node's counters and of every peer's. They are taken when
 * traffic passes, at most one a second, so that an idle daemon sleeps.
 */
struct rates;

/* NULL if memory is short. */
struct rates *rates_new(void);
void rates_free(struct rates *r);

/* Takes a sample if the last one is a second old. */
void rates_sample(struct rates *r, const struct node *n, uint64_t now_us);

/* The rates from the oldest useful sample until now: the node's, and those of a
 * peer as node_next_peer just gave it (zeros if it is new). */
struct traffic_rates rates_of_node(const struct rates *r, const struct node *n,
				   uint64_t now_us);
struct traffic_rates rates_of_peer(const struct rates *r,
				   const struct node_peer_info *p,
				   uint64_t now_us);

#endif
