/* Identities: who is out there, its sessions, since when, and how much. */
#ifndef TAPD_NODE_PEERS_H
#define TAPD_NODE_PEERS_H

#include <assert.h>
#include <stddef.h>

#include "node/control.h"
#include "node/core.h"
#include "node/endpoint.h"
#include "node/liveness.h"
#include "node/path.h"
#include "node/punch_state.h"
#include "node/reason.h"
#include "node/rekey_state.h"
#include "tunnel/session.h"

/* Two hosts that list three addresses of each other begin with six. */
#define PEERS_SESSIONS 8

enum peer_state { PEER_CONNECTING, PEER_UP, PEER_DOWN };

/*
 * The first lines hold what sending a frame needs, in the order in which it is
 * needed; a table of hundreds of peers is walked frame by frame. The sessions
 * themselves, a thousand bytes each, are in the node's pool.
 */
struct peer {
	struct session *current; /* sent on, or NULL; open */
	uint16_t port;		 /* the bridge's */
	enum peer_state state;
	struct counters tx;
	struct path path;
	struct liveness liveness;

	struct counters rx;
	struct endpoint *endpoint; /* path.way.remote's, or NULL */
	struct timer timer;
	struct public_key key;
	enum peer_reason reason;
	char name[WIRE_NAME_MAX + 1];
	uint32_t capabilities; /* WIRE_CAN_* */
	uint16_t tap_mtu;
	uint8_t tap_mac[6]; /* zero: not known */
	uint64_t epoch;
	/* The epoch that we show it, since it said that our state was copied; 0:
	 * the node's own. */
	uint64_t shown_epoch;
	bool overheard; /* it has heard more of us than we sent: copied.c */
	uint64_t timestamp_us; /* wall clock of its last confirmed initiation */
	uint64_t state_us;     /* when the state was entered */
	/* When its session is renewed, and was last: renew.c; 0: not, never. */
	uint64_t renew_us, renewed_us;
	/* A second host with this key, on probation: candidate.c. */
	struct candidate *duplicate; /* or NULL */
	bool owes_probe;	     /* it asked what we hold now */
	bool suggested;		     /* another peer told of it */
	bool wanted;		     /* as peers_note_wanted last found it */
	bool given_up;		     /* down for NODE_FLOOD_DOWN_US or more */
	struct rekey_state rekey;
	uint8_t announcements; /* of our addresses that it is still to get, */
	uint64_t announce_us;  /* from then on */

	/* Frames of our side that it sent back, since then, and until when it is not
	 * flooded to: loop.c. */
	uint32_t came_back;
	uint64_t came_back_us, stopped_until_us;
	/* The beginning of a frame that it sent, since then, and how often it came. */
	uint8_t circling[64];
	uint32_t circling_len, circled;
	bool circles; /* it came too often before that, too */
	uint64_t circling_us;

	uint64_t opened, incomplete; /* sessions, in all */
	uint64_t downs[PEER_REASON_COUNT];

	struct session *sessions[PEERS_SESSIONS]; /* NULL: a free place */
	struct path_spares paths;		  /* besides the one in use */
	struct punch_state punch;
};
static_assert(offsetof(struct peer, path.pmtu.size) < 2 * 64,
	      "which way, on which session, how large, how much: two lines");
static_assert(offsetof(struct peer, liveness) <= 4 * 64,
	      "what sending writes is near");

/*
 * The table is bounded. A peer lives until the table is full and it has been down
 * for longest of those that no source wants, or until it has been down for
 * `expire`.
 *
 * A peer that goes down is sent floods for a while, since it may hear us and come
 * back. Then it is given up: probed and dialled, and sent no frames until it is up
 * again, so that hosts which are gone for good do not cost what live ones do.
 *
 * Each peer has one timer, set to the earliest of its deadlines when something
 * made one earlier. What makes them later (every datagram does) leaves the timer
 * alone: it fires, finds nothing due, and is set again. So the data path never
 * touches the heap.
 */
struct peer *peers_find(const struct node *n, const struct public_key *key);
/* A new peer with no endpoint and no sessions; NULL if the table is full. */
struct peer *peers_add(struct node *n, const struct public_key *key,
		       uint64_t now_us);
/* Wipes its sessions and unbinds it. The caller cancelled its timer. */
void peers_remove(struct node *n, struct peer *peer);
/* Wipes it, and gives its place in the pool back. NULL is fine. */
void peers_session_free(struct node *n, struct session *s);
/* The bridge port's peer, or NULL. */
struct peer *peers_at_port(const struct node *n, uint16_t port);
/* Walks: start with TABLE_NONE. NULL at the end. */
struct peer *peers_next(const struct node *n, uint32_t *at);
/* The peer that may be removed for one at that address, or NULL. Never a wanted one;
 * of those that are down, of the holder of most (shares.h), the one that has been
 * for longest. If none is down: of the holder of most the last that came up, but for
 * one that is not wanted itself only if that holds more than it would. */
struct peer *peers_evictable(struct node *n, const struct addr *newcomer,
			     bool wanted);
/* Bits of enum node_source: those that want an endpoint that this peer answers at. */
uint32_t peer_sources(const struct node *n, const struct peer *peer);
/* True if there is one. */
bool peer_wanted(const struct node *n, const struct peer *peer);
/* Notes in `wanted` of each peer whether there is: one walk for all. Who looks at many
 * peers calls it first, for peer_wanted is a walk each. */
void peers_note_wanted(const struct node *n);
/* Says why no peer is up at that address, if none is. */
void peers_set_reason(struct node *n, const struct addr *addr,
		      enum endpoint_reason reason);
/* False if memory is short. */
bool peers_init(struct node *n, uint32_t max,
		const uint8_t seed[TABLE_SEED_LEN]);
/* Wipes all sessions, and frees. */
void peers_free(struct node *n);

#endif
