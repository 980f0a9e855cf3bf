/* Legs that this host joins: what it carries for others. */
#ifndef TAPD_NODE_RELAY_H
#define TAPD_NODE_RELAY_H

#include "base/bucket.h"
#include "node/peers.h"
#include "node/shares.h"

#define RELAY_LEGS_MAX	  1024
#define RELAY_LEGS_OF_KEY 64
#define RELAY_ASKED_BY	  8 /* not agreed to yet, from one address */
#define RELAY_ASKS	  8 /* a second, of one peer */
#define RELAY_BRIEF	  20
#define RELAY_BRIEF_LEN	  1280
#define RELAY_BRIEF_US	  (10 * CLOCK_S)
#define RELAY_IDLE_US	  (60 * CLOCK_S)
#define RELAY_DATAGRAMS	  50000 /* a second, of one leg */
#define RELAY_BYTES	  64000000

struct relay_end {
	struct public_key key;
	uint16_t port;	/* the peer's */
	uint32_t index; /* ours, of what it sends */
	uint32_t its;	/* its own, of what it is sent; 0: it has not agreed */
	uint64_t offered_us; /* when last; 0: not yet */
};

/* Two peers that it joins. */
struct relayed {
	struct relay_end ends[2];
	uint16_t pair[2]; /* their ports, the smaller first: its key */
	bool lasting;
	struct addr asker; /* where the first asked from, without port */
	uint64_t born_us;
	uint64_t used_us;
	uint32_t left; /* datagrams of a brief one */
	struct bucket datagrams, bytes;
	/* It is freed with the next turn of the timer, and they are told why then. */
	bool over;
	uint8_t reason;
};

struct relay {
	struct table *by_pair;	/* struct relayed */
	struct table *by_index; /* ours → struct relay_index */
	uint16_t *legs_of;	/* by port */
	struct shares *askers;	/* of legs, by where they were asked from */
	struct bucket *asks;	/* by port */
	struct timer timer;
	uint64_t datagrams, bytes; /* carried, as they left */
};

/* False if memory is short. */
bool relay_init(struct node *n, const uint8_t seed[TABLE_SEED_LEN]);
void relay_free(struct node *n);
void relay_timer(struct node *n, uint64_t now_us);

/* The peer asks for a leg to that key, or agrees to one. index: its own. */
enum drop_reason relay_asked(struct node *n, const struct reading *r,
			     const struct public_key *far, uint32_t index);
/* The peer wants that leg no more, or not at all. */
void relay_ended(struct node *n, const struct peer *peer,
		 const struct public_key *far, uint64_t now_us);
/* A relayed message with a leg that ends not here, as wire_classify let it through:
 * goes on to the other end. */
enum drop_reason relay_forward(struct node *n, const struct way *from,
			       uint32_t leg, const uint8_t *datagram,
			       size_t len, uint64_t now_us);
/* What is carried has changed: legs end that are not what they were granted as. */
void relay_set(struct node *n, uint64_t now_us);

extern const struct control relay_control;

#endif
