/* Probes that the owner asks for: is a peer there, how far, and how large. */
#ifndef TAPD_NODE_PING_H
#define TAPD_NODE_PING_H

#include "node/ask.h"
#include "node/peer.h"

extern const struct control ping_control;

#define PING_SIZES 8

struct ping {
	bool used;
	struct public_key to;
	uint64_t token; /* in its probes; never 0 */
	uint64_t sent_us;
	bool done; /* it is answered, or over */
	uint32_t rtt_us;
	/* The largest that came through; a search's begins at what every path takes.
	 * What is `high` or larger does not. */
	uint16_t low, high;
	bool searches;
	uint16_t sizes[PING_SIZES]; /* under way */
	size_t sizes_count;
	unsigned tries;	  /* of them, so far */
	uint64_t next_us; /* of the next try */
};

struct pings {
	struct timer timer;
	struct ping ping[NODE_PINGS_MAX];
};

/* False if memory is short. */
bool ping_init(struct node *n);
void ping_free(struct node *n);
void ping_timer(struct node *n, uint64_t now_us);
/* Our own kernel takes no datagram of that size for that address. */
void ping_too_big(struct node *n, const struct peer *peer, size_t size);

#endif
