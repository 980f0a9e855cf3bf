/* Peers tell each other whom they have up. */
#ifndef TAPD_NODE_EXCHANGE_H
#define TAPD_NODE_EXCHANGE_H

#include <sys/queue.h>

#include "base/bucket.h"
#include "node/peer.h"

extern const struct control exchange_control;

/* What a peer and we know of each other's lists. By its port. */
struct port_exchange {
	/* our list */
	TAILQ_ENTRY(port_exchange) in_list;
	uint32_t listed; /* the version it came in with; 0: it is not */
	struct addr at;	 /* where it is, as listed */
	/* questions of its */
	uint64_t answered_us; /* 0: none yet */
	/* its list, as it last said */
	uint64_t digest;
	uint32_t list;	     /* its version; 0: it said nothing */
	uint64_t differs_us; /* since when its digest is not ours; 0: it is */
	/* our questions */
	uint32_t held;	   /* the version we have of it */
	uint64_t asked_us; /* when last; 0: not yet */
	uint32_t room;	   /* hosts of an answer that are still read */
};
TAILQ_HEAD(exchange_list, port_exchange);

struct exchange {
	struct port_exchange *ports;
	struct exchange_list list; /* the last change last */
	uint32_t version;	   /* of the list */
	uint32_t listed;	   /* how many are in it */
	uint64_t digest;	   /* of the keys in it, and ours */
	uint64_t ask_us;	   /* nobody is asked before */
	bool asked_listed; /* the last that was asked is listed by a source */
	uint64_t anew_us;  /* then somebody is asked for the whole */
	/* What answers may cost: hosts told a second, and lists by address. */
	uint64_t second_us;
	uint32_t told;
	struct shares *asked;
};

/* False if memory is short. */
bool exchange_init(struct node *n, const uint8_t seed[TABLE_SEED_LEN]);
void exchange_free(struct node *n);
/* Hosts that were not wanted when they were told of may be so now: all lists are asked
 * for from the beginning. */
void exchange_ask_anew(struct node *n, uint64_t now_us);

#endif
