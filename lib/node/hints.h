/* Hosts that peers told us of, and which of them are tried. */
#ifndef TAPD_NODE_HINTS_H
#define TAPD_NODE_HINTS_H

#include "node/endpoint.h"
#include "node/shares.h"

/*
 * A hint is a peer's word: somebody with that key is at that address. It is no
 * endpoint that anybody wants. It becomes one that is dialled, for three tries; if
 * nobody answers, it waits for longer each time.
 *
 * Every member may make up hints, for addresses of hosts that never heard of this
 * network; so what they cost others is bounded, whoever the member is:
 *
 *  - at one address two ports are tried, and in one /64 eight addresses, but for
 *    those that answer: what does not counts for as long as it is remembered;
 *  - one node begins with another hint each HINTS_PACE_US, but for the first minute
 *    in which it is with others, when it has nobody and all are told of;
 *  - never tried are ports below 1024, loopback, link-local, what leads into our own
 *    TAP, and whoever is up, or not trusted.
 *
 * Whoever does not answer at once, or is not dialled, may be behind a NAT that lets
 * nobody in: a leg is asked for (sought.h).
 *
 * … and what they cost honest ones:
 *
 *  - HINTS_DIALLED are dialled at a time, HINTS_DIALLED_EACH of one informant, the
 *    informants in turn; what two of them tell comes first;
 *  - whose hints fail HINTS_FAILED times in a row, or lead into our TAP, is not listened
 *    to for a while;
 *  - when the table is full, whoever told most gives a place.
 *
 * All that is by number, and keys cost nothing: many members could fill every place at
 * an address that is an honest host's, and make whoever is honest look like a liar by
 * being up there alone. An informant that one of our own sources lists is no such: what
 * it tells is a class of its own, which has its own places at each address and every
 * second turn. Each class leaves HINTS_DIALLED_EACH to the other.
 */
#define HINTS_DIALLED	   32
#define HINTS_DIALLED_EACH 8
#define HINTS_FAILED	   16
#define HINTS_MUTE_US	   (600 * CLOCK_S)
/* No answer for so long: it may be behind a NAT. */
#define HINTS_UNHEARD_US (1 * CLOCK_S)
/* Initiations of one that does not answer, with each secret. */
#define HINTS_TRIES 3
/* Four initiations a second, if nobody answers. */
#define HINTS_PACE_US	    (750 * CLOCK_MS)
#define HINTS_PACE_YOUNG_US (5 * CLOCK_MS)
#define HINTS_YOUNG_US	    (60 * CLOCK_S)
/* What nobody tells of any more is forgotten after two rounds of whole lists. */
#define HINTS_FORGET_US (1260 * CLOCK_S)

enum { HINTS_INFORMANTS = 2 };

enum hint_class {
	HINTS_ANYBODYS,
	HINTS_LISTED, /* of an informant that a source lists */
	HINTS_CLASSES
};

struct hint {
	struct addr addr;
	struct public_key key;
	uint16_t informants[HINTS_INFORMANTS]; /* ports; 0: none */
	uint8_t failures;		       /* in a row */
	bool dialled;			       /* now */
	uint64_t dialled_us;		       /* … since */
	bool counted;	  /* in its class's shares: it is dialled, or failed */
	uint8_t class;	  /* enum hint_class */
	uint64_t next_us; /* not tried before */
	uint64_t failed_us; /* last */
	uint64_t told_us;   /* last */
};

/* What is known of an informant, by its port. */
struct informant {
	uint16_t told;	  /* hints whose first informant it is */
	uint16_t dialled; /* of them */
	uint16_t failed;  /* in a row */
	bool listed;	  /* by a source: its hints are of that class */
	uint64_t mute_until_us;
};

struct hints {
	struct table *by_addr; /* struct hint */
	/* Those counted, by address without port. */
	struct shares *shares[HINTS_CLASSES];
	struct informant *informants;
	struct timer timer;
	uint64_t young_until_us;
	uint64_t next_us; /* none is begun with before */
	uint32_t dialled; /* of all classes */
	uint32_t dialled_of[HINTS_CLASSES];
	uint16_t last; /* the informant whose turn it was */
	uint8_t last_class;
};

/* False if memory is short. */
bool hints_init(struct node *n, const uint8_t seed[TABLE_SEED_LEN]);
void hints_free(struct node *n);

/* The first peer is up: there is much to learn. */
void hints_begin(struct node *n, uint64_t now_us);
/* That was less than HINTS_YOUNG_US ago. */
bool hints_are_young(const struct node *n, uint64_t now_us);
/* The peer at that port tells of a host. False if it is not tried, and counted. */
bool hints_add(struct node *n, uint16_t informant, const struct public_key *key,
	       const struct addr *addr, uint64_t now_us);
/* It is one that a source lists, or not. */
void hints_informant_listed(struct node *n, uint16_t informant, bool listed);
/* It is down, or another process. Its hints stay. */
void hints_informant_gone(struct node *n, uint16_t informant);
/* The port is another peer's from now on, or nobody's. */
void hints_informant_removed(struct node *n, uint16_t informant);
/* Nobody is to be found by hints any more: what is dialled is dialled to its end. */
void hints_stop(struct node *n);
/* A peer came up, maybe by a hint. */
void hints_peer_up(struct node *n, uint64_t now_us);
/* True if the endpoint is tried for a hint. Then, if it was dialled often enough, it
 * is no more, and nobody may need it: it is to be released. */
bool hints_give_up(struct node *n, struct endpoint *e, uint64_t now_us);
void hints_timer(struct node *n, uint64_t now_us);

#endif
