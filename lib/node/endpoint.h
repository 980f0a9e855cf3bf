/* Addresses at which a peer may be: wanted by a source, or heard from. */
#ifndef TAPD_NODE_ENDPOINT_H
#define TAPD_NODE_ENDPOINT_H

#include "node/core.h"
#include "node/reason.h"
#include "tunnel/noise.h"

/*
 * Two kinds of objects, on purpose apart. A *peer* is an identity: a public key
 * that proved itself. An *endpoint* is an address and port. An address says
 * nothing about who is there until a handshake ends, and one peer may answer at
 * several (a dual-stack name), so endpoints are dialled and peers have sessions.
 *
 *	endpoint.peer  who answered there last
 *	peer.endpoint  where its datagrams go
 *
 * The table is bounded. An endpoint lives while a source wants it or a peer's
 * datagrams go there: two peers' may, when one took the other's address.
 */

/* Retry: 0.5 s, doubling to 4 s, ±25 %. */
#define DIAL_FIRST_US (500 * CLOCK_MS)
#define DIAL_LAST_US  (4 * CLOCK_S)
/* One whose peer is up elsewhere. */
#define ENDPOINT_LEFT_US (60 * CLOCK_S)

struct endpoint {
	struct addr addr;
	uint32_t sources; /* bits of enum node_source: who wants it */
	/* Of each that does, the number of the host whose address it is. */
	uint16_t hosts[NODE_SOURCE_COUNT];
	bool hinted; /* a peer told of it, and it is tried: hints.c */
	bool by_leg; /* it is at the end of a leg that is there: leg.h */
	struct peer *peer;
	uint32_t users; /* peers whose datagrams go here */
	enum endpoint_reason reason;
	bool into_tap;	  /* its route leads there: not dialled */
	uint64_t self_us; /* plain: when it was found to be ourselves */

	/* dialling: armed while it should end in a session */
	struct timer timer;
	uint32_t attempts; /* since something was last heard from there */
	uint32_t mark;	   /* the last list of a source it was found in */

	/* What came from there, or seemed to, without proof: for people only. Since a
	 * peer was last found there. */
	struct {
		uint32_t other_secret; /* initiations that fail our mac1 */
		uint32_t mirrored;     /* our own */
	} heard;

	/* its own place and rate, if a source wants it: admission.c */
	uint32_t reserved; /* index of the half-open session */
	uint64_t reserve_us;

	/* the initiation in flight; pending.index 0: none */
	struct {
		uint32_t index;
		struct noise noise;
		uint8_t mac1[WIRE_MAC_LEN];
		uint32_t secret; /* which of the node's */
		bool cookied;	 /* a cookie was already used for it */
		bool mirrored;	 /* it came back to us */
	} pending;
	uint8_t cookie[COOKIE_LEN];
	uint64_t cookie_us; /* when it came; 0: none */
};

struct endpoint *endpoints_find(const struct node *n, const struct addr *addr);
/* True if a source lists it. */
bool endpoints_wanted(const struct node *n, const struct addr *addr);
/* Walks: start with TABLE_NONE. NULL at the end. */
struct endpoint *endpoints_next(const struct node *n, uint32_t *at);
/* Finds or makes it; NULL if the table is full. */
struct endpoint *endpoints_add(struct node *n, const struct addr *addr);
/* Wipes what it holds. The caller cancelled its timer and handshake. */
void endpoints_remove(struct node *n, struct endpoint *e);
/* max: beside those at the ends of legs, which take no place of others. False if memory
 * is short. */
bool endpoints_init(struct node *n, uint32_t max, uint32_t by_leg_max,
		    const uint8_t seed[TABLE_SEED_LEN]);
/* Wipes all that the endpoints hold, and frees. */
void endpoints_free(struct node *n);

/* Finds or makes an endpoint, removing one that nobody needs to make room; NULL
 * if all are needed. */
struct endpoint *endpoint_get(struct node *n, const struct addr *addr);
/* Removes it if nobody needs it. */
void endpoint_release(struct node *n, struct endpoint *e);
/* An initiation that fails our mac1 came from there, or seemed to. */
void endpoint_other_secret(struct node *n, const struct addr *from);
/* A peer answers there: what was heard before says nothing any more. */
void endpoint_answers(struct endpoint *e);
/* What people are told of it: the reason, or what was heard from there meanwhile. */
enum endpoint_reason endpoint_shown_reason(const struct endpoint *e);
/* Writes what people are told of it as a sentence. Returns buf. */
const char *endpoint_why(const struct endpoint *e, char *buf, size_t len);
/* Dialling it again soon will not help: its reason is a lasting one. */
bool endpoint_is_refused(const struct endpoint *e);
/* Starts dialling now, unless it is being dialled. */
void endpoint_dial_now(struct node *n, struct endpoint *e, uint64_t now_us);
/* Something true was heard from there: dial again soon. */
void endpoint_alive(struct node *n, struct endpoint *e, uint64_t now_us);
/* Gives up the handshake in flight, and wipes it. */
void endpoint_cancel(struct node *n, struct endpoint *e);

#endif
