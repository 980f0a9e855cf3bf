/* Legs that end here: ways to peers that another peer relays. */
#ifndef TAPD_NODE_LEG_H
#define TAPD_NODE_LEG_H

#include "node/peers.h"

/*
 * A leg is half of what a relay joins: between it and this host. It leads to one far
 * key, and whatever comes by it that shows another is dropped. Its index, ours, is what
 * the relay puts into the messages that it hands us, and the leg of an address
 * (base/addr.h); ip and port beside it are the relay's, where that was when the leg was
 * made. A message that is to go by a leg goes where the relay is now, with the relay's
 * own index: leg_resolve.
 *
 * How legs come about is legs.h's.
 */
#define LEGS_MAX	  512
#define LEGS_OF_RELAY_MAX 128
/* That nobody here asked for; and of these, that no path goes by. */
#define LEGS_UNASKED_MAX 384
#define LEGS_OFFERED_MAX 256

struct leg {
	uint32_t index;	      /* ours */
	uint32_t relay_index; /* 0: not offered yet */
	struct public_key far;
	struct addr addr;  /* the endpoint */
	uint16_t relay;	   /* its port; 0: it is gone */
	bool lasting;	   /* carries more than a handshake */
	bool asked;	   /* by us first */
	bool over;	   /* it is freed with the next turn of the timer */
	bool tell;	   /* … and the relay is told then */
	uint8_t asks;	   /* sent */
	uint64_t ask_us;   /* when the last was */
	uint64_t ready_us; /* when both had agreed; 0: not yet */
	uint64_t used_us;  /* when either end's path last went by it */
};

/* A relay that did badly for a key. */
struct leg_bad {
	uint16_t relay;
	struct public_key far;
	uint64_t until_us;
};
#define LEGS_BAD_MAX 64
#define LEGS_BAD_US  (600 * CLOCK_S)

struct legs {
	struct table *by_index; /* struct leg */
	struct table *by_pair; /* the relay's port, the far key → our index */
	struct legs_relay *relays; /* by port */
	struct leg_bad bad[LEGS_BAD_MAX];
	uint32_t bad_next;
	uint64_t bad_until_us; /* all of them */
	struct timer timer;
};

/* What is known of a peer as a relay of ours. */
struct legs_relay {
	uint16_t count;	     /* legs */
	bool relays;	     /* it says so, and can */
	uint64_t next_us;    /* it is not asked for another before */
	uint64_t again_us;   /* up to when its coming up was paid for */
	uint64_t said_us;    /* all that are sought are asked for then */
	struct bucket heard; /* records of its that are read */
};

/* False if memory is short. */
bool leg_init(struct node *n, const uint8_t seed[TABLE_SEED_LEN]);
void leg_free_all(struct node *n);

/* That is not over; or NULL. */
struct leg *leg_find(const struct node *n, uint32_t index);
struct leg *leg_find_pair(const struct node *n, uint16_t relay,
			  const struct public_key *far);
/* Walks all, also those that are over: start with TABLE_NONE. NULL at the end. */
struct leg *legs_next(const struct node *n, uint32_t *at);
/* A leg to that key by that peer, not agreed to yet. NULL if there is no room. */
struct leg *leg_new(struct node *n, const struct peer *relay,
		    const struct public_key *far);
/* It is of no use from now on. tell: the relay does not know. */
void leg_end(struct node *n, struct leg *leg, bool tell, uint64_t now_us);
/* Takes it from the tables. */
void leg_remove(struct node *n, struct leg *leg);
void legs_arm(struct node *n, uint64_t due_us);

/* The peer can relay: it is up, and by a path of its own. */
bool leg_may_relay(const struct peer *peer);
/* The relay's peer, if it can; or NULL. */
struct peer *leg_relay_of(const struct node *n, const struct leg *leg);

/*
 * The way on the wire: for leg 0 the same, else to the relay, with remote.leg = the
 * relay's own index. False: that leg is gone, or its relay is not up by a direct path.
 */
bool leg_resolve(const struct node *n, const struct way *way, struct way *wire);
/* The relay's peer, or NULL: of a way whose remote.leg is that. */
const struct peer *leg_relay(const struct node *n, uint32_t leg);
/* False if it is gone. */
bool leg_is_lasting(const struct node *n, uint32_t leg);
/* The other end's path in use goes by it; 0: no leg. */
void leg_is_used(const struct node *n, uint32_t leg, uint64_t now_us);
/* NULL if it is gone. */
const struct public_key *leg_far(const struct node *n, uint32_t leg);
/* True if whoever has that key may be at the other end of that way. */
bool leg_may_lead_to(const struct node *n, const struct addr *remote,
		     const struct public_key *key);
/* A way for a handshake alone: no frames go there, and nobody is up by it. */
static inline bool leg_is_brief(const struct node *n, const struct addr *remote)
{
	return remote->leg && !leg_is_lasting(n, remote->leg);
}
/* What goes by it does not arrive: for ten minutes its relay is the last to be asked for
 * that key. */
void leg_is_bad(struct node *n, uint32_t leg, uint64_t now_us);
bool leg_was_bad(const struct node *n, uint16_t relay,
		 const struct public_key *far, uint64_t now_us);
/* The peer at that port is down, another process, or another peer. */
void leg_forget_bad(struct node *n, uint16_t relay);

#endif
