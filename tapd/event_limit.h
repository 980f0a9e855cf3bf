/* How often events of peers are logged. */
#ifndef TAPD_EVENT_LIMIT_H
#define TAPD_EVENT_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"
#include "node/node.h"

/*
 * Each type of event has a bucket for each peer, and one for all: of peers that are
 * wanted, and of others. A member that restarts all day costs its own lines only;
 * one that makes up keys, or addresses, costs those of the type, of peers that
 * nobody listed. What was left out is counted.
 *
 * A known peer is its key; who was refused, the address, for keys cost nothing.
 */

/* Lines at once, and then one in this time. The first of all are enough for the
 * largest mesh to come up. */
#define EVENT_LIMIT_PEER_BURST 8
#define EVENT_LIMIT_PEER_US    (10 * CLOCK_S)
#define EVENT_LIMIT_TYPE_BURST (UINT64_C(2) * NODE_PEERS_MAX)
#define EVENT_LIMIT_TYPE_US    (1 * CLOCK_S)
/* Places for peers: two that share one have a full bucket each time they take it
 * from the other. */
#define EVENT_LIMIT_PLACES 2048

/* A bucket is the time at which it is full again. */
struct event_limit {
	uint8_t seed[SIPHASH_KEY_LEN];		/* to be set: random */
	uint64_t types_us[2][NODE_EVENT_COUNT]; /* [1]: of wanted peers */
	struct {
		uint64_t who;
		uint64_t full_us;
	} places[EVENT_LIMIT_PLACES];
	uint64_t left_out[NODE_EVENT_COUNT];
};

/* False if the event is one too many; then it is counted. */
bool event_limit_allows(struct event_limit *l, const struct node_event *e,
			uint64_t now_us);
/* "12 up, 3 refused": what was left out since this was called last. Returns how
 * many in all. */
uint64_t event_limit_take_left_out(struct event_limit *l, char *buf,
				   size_t size);

#endif
