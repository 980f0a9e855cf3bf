/*
 * Whole nodes as a fuzz target drives them: what they see of the world, the network
 * between two of them, time, and what holds of every one. Each input starts from new
 * nodes, so a crash can be repeated.
 */
#ifndef TAPD_TESTS_FUZZ_SIDES_H
#define TAPD_TESTS_FUZZ_SIDES_H

#include "base/clock.h"
#include "node/debug.h"
#include "node/node.h"
#include "support/rng.h"

#define SIDE_TAP_MTU   1500
#define SIDE_QUEUE_MAX 64

struct side_datagram {
	uint8_t *bytes; /* a heap copy of exactly its length */
	size_t len;
};

struct side {
	struct node *node;
	struct side *other; /* at the other end of the network */
	struct addr addr;
	struct rng rng;
	uint64_t sent, written; /* bytes to the network, frames to the TAP */
	/* Sees each datagram it sends, while the node is at work: nothing may be
	 * called from here. False: it does not arrive. NULL: nobody cares. */
	bool (*sends)(struct side *s, const struct addr *to,
		      const uint8_t *bytes, size_t len);
	/* Datagrams on their way to the other side; how many found no room. */
	struct side_datagram queue[SIDE_QUEUE_MAX];
	size_t queued, lost;
};

/* The time of all of them. */
extern struct clock sides_now;

/* At the beginning of an input. */
void sides_begin(void);
/* 10.9.0.NUMBER, with a key made of that number and secrets made of the others. */
void side_start(struct side *s, struct side *other, uint8_t number,
		const struct node_config *limits);
void side_stop(struct side *s);
/* The bounds that small targets have; the rest is side_start's. */
struct node_config side_limits(void);

/* A datagram as the kernel hands it over: a heap copy, opened in place. */
void side_receive(struct side *s, const struct addr *from, const uint8_t *bytes,
		  size_t len);
void side_from_tap(struct side *s, const uint8_t *bytes, size_t len);
/* Hands over what is on its way from it. */
void side_deliver(struct side *from);
/* Lets that much time pass, with every timer at its time. turn, if not NULL, is
 * called whenever datagrams were delivered. */
void sides_pass(struct side *a, struct side *b, uint64_t us,
		void (*turn)(void));

/* It has the other side up, and keys to send to it. */
bool side_has_other_up(const struct side *s);
/* What holds of its multicast, and of the sizes of its tables. */
void side_check(const struct side *s);

#endif
