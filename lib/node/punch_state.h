/* What a node knows of how others see it, and what punching has come to. */
#ifndef TAPD_NODE_PUNCH_STATE_H
#define TAPD_NODE_PUNCH_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bucket.h"

#define OBSERVED_MAX 4

/* Of a node; observed.c. */
struct observed {
	bool stale; /* what follows is to be made again */
	/* Where those that we reach directly see us, by most of them first. */
	struct addr seen[OBSERVED_MAX];
	size_t seen_count;
	/* Our own addresses in networks that are not the Internet. */
	struct addr local[OBSERVED_MAX];
	size_t local_count;
	/* Some see us at an address that is none of ours; and, of one and the same
	 * of ours, two see two. */
	bool translated, symmetric;
};

/* Of a node: probes of ways that peers suggest. */
struct punches {
	struct bucket probes;
};

/* Of a peer. */
struct punch_state {
	struct addr observed; /* where it sees us, */
	struct addr of;	      /* and which address of ours that is */
	uint64_t observed_us; /* since when; 0: it did not say */
	bool is_relayed;      /* as last found and told */
	bool told;	/* it is behind our NAT, and knows our addresses */
	bool symmetric; /* what it says of itself */
	uint32_t leg;	/* the one that was told of */
	uint8_t repeats;
	uint64_t begun_us; /* the round: addresses are sent, and awaited */
	uint64_t next_us;  /* when they are sent again */
	uint64_t sent_us;  /* when they were; 0: never */
	uint64_t heard_us; /* when its came; 0: never */
	uint64_t tried_us; /* when its were last tried; 0: never */
};

#endif
