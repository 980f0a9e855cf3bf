/* Hosts that are wanted and not reached directly: a leg is asked for. */
#ifndef TAPD_NODE_SOUGHT_H
#define TAPD_NODE_SOUGHT_H

#include "bridge/port_set.h"
#include "node/peers.h"

/* As many as there are hints, and peers. */
#define SOUGHT_MAX(n) (3 * (n)->config.peers_max)
/* Legs that are asked for, or not in use yet, at a time; of those that one peer told
 * of. */
#define SOUGHT_UNDER_WAY      32
#define SOUGHT_UNDER_WAY_EACH 8
/* Whom nobody tells of any more, and who is no peer, is forgotten. */
#define SOUGHT_FORGET_US (1260 * CLOCK_S)

enum { SOUGHT_INFORMANTS = 3 };

struct sought {
	struct public_key key;
	/* Ports of peers that have it up, as they say; those that are 0 are last. */
	uint16_t informants[SOUGHT_INFORMANTS];
	uint32_t leg;	       /* under way; 0: none */
	struct port_set tried; /* in this round, by port */
	uint8_t guessed; /* peers tried of whom nobody says that they know it */
	uint8_t failures; /* rounds in a row */
	bool met;	  /* in this round a leg was made: it led to nothing */
	uint64_t next_us; /* nothing is done before */
	uint64_t told_us;
};

struct search {
	struct table *by_key; /* struct sought */
	uint16_t *told;	      /* by port: hosts whose first informant it is */
	struct timer timer;
	uint32_t last;	  /* of the last turn: the slot up to which it came */
	uint64_t turn_us; /* when that was */
};

/* False if memory is short. */
bool sought_init(struct node *n, const uint8_t seed[TABLE_SEED_LEN]);
void sought_free(struct node *n);
/*
 * Somebody with that key is wanted, and is not reached directly: a leg is asked for.
 * informant: the port of a peer that has it up, 0: unknown. Bounded; what is beyond is
 * forgotten, and said again by whoever wants it.
 */
void sought_want(struct node *n, const struct public_key *key,
		 uint16_t informant, uint64_t now_us);
/* They have a turn then, or sooner. */
void sought_arm(struct node *n, uint64_t due_us);
/* Walks: start with TABLE_NONE. NULL at the end. */
struct sought *sought_next(const struct node *n, uint32_t *at);
struct sought *sought_find(const struct node *n, const struct public_key *key);
void sought_remove(struct node *n, struct sought *s);
/* The port is another peer's from now on, or nobody's. */
void sought_informant_gone(struct node *n, uint16_t port);
/* There is another relay: whoever was not reached may be, within a second from then. */
void sought_again(struct node *n, uint64_t at_us);

#endif
