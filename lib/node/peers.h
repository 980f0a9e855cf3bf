/* The peer table: who is out there, where, since when, and how much. */
#ifndef TAPD_NODE_PEERS_H
#define TAPD_NODE_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/counters.h"
#include "base/key.h"
#include "base/table.h"
#include "base/timer.h"
#include "node/liveness.h"
#include "node/pmtu.h"
#include "tunnel/cookie.h"
#include "tunnel/noise.h"
#include "tunnel/session.h"

/*
 * Two kinds of objects, on purpose apart. A *peer* is an identity: a public
 * key that proved itself. An *endpoint* is an address and port: one that
 * somebody wants a peer at, or where a peer was heard. An address says nothing
 * about who is there until a handshake ends, and one peer may answer at several
 * (a dual-stack name), so endpoints are dialled and peers have sessions.
 *
 *	endpoint.peer  who answered there last
 *	peer.endpoint  where its datagrams go
 *
 * Both tables are bounded. An endpoint lives while a source wants it or a peer's
 * datagrams go there: two peers' may, when one took the other's address. A peer lives until the table is full and it is the longest
 * down that nobody wants, or it has been down for `expire`.
 */

/* Two hosts that list three addresses of each other begin with six. */
#define PEERS_SESSIONS 8

/* Why no peer is up at an endpoint; shown to people. */
enum endpoint_why {
	ENDPOINT_DIALLING, /* first tries */
	ENDPOINT_NO_ANSWER,
	ENDPOINT_OTHER_SECRET, /* its handshakes fail our mac1 */
	ENDPOINT_UNTRUSTED,
	ENDPOINT_DUPLICATE,
	ENDPOINT_IGNORED, /* handshake complete, then silence */
	ENDPOINT_SELF,
	ENDPOINT_RECURSION,
	ENDPOINT_VERSION,
	ENDPOINT_UNREACHABLE,
	ENDPOINT_FULL,
	ENDPOINT_WHY_COUNT
};
/* For people. port: ours, for "is UDP … open". Returns buf. */
const char *endpoint_why_print(enum endpoint_why why, uint16_t port, char *buf,
			       size_t len);

enum peer_state { PEER_CONNECTING, PEER_UP, PEER_DOWN };

enum peer_why {
	PEER_WHY_NONE,
	PEER_WHY_HANDSHAKE, /* not yet through */
	PEER_WHY_SILENT,
	PEER_WHY_DEAF,
	PEER_WHY_BYE,
	PEER_WHY_EXPIRED, /* keys ran out before a rekey succeeded */
	PEER_WHY_UNTRUSTED,
	PEER_WHY_FULL, /* a wanted one took its place */
	PEER_WHY_COUNT
};
const char *peer_why_print(enum peer_why why, uint16_t port, char *buf,
			   size_t len);

struct peer;

/* Retry: 0.5 s, doubling to 4 s, ±25 %. */
#define DIAL_FIRST_US (500 * CLOCK_MS)
#define DIAL_LAST_US  (4 * CLOCK_S)

struct endpoint {
	struct addr addr;
	uint32_t sources; /* bits of enum node_source: who wants it */
	struct peer *peer;
	uint32_t users; /* peers whose datagrams go here */
	enum endpoint_why why;

	/* dialling: armed while it should end in a session */
	struct timer timer;
	uint32_t attempts; /* since something was last heard from there */
	uint32_t mark;	   /* the last list of a source it was found in */

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

struct peer {
	struct public_key key;
	uint16_t port; /* the bridge's: slot + 1 */
	enum peer_state state;
	enum peer_why why;
	char name[WIRE_NAME_MAX + 1];
	uint16_t tap_mtu;
	uint64_t epoch;
	uint64_t timestamp_us; /* wall clock of its last confirmed initiation */

	struct endpoint *endpoint;
	struct session sessions[PEERS_SESSIONS];
	struct session *current; /* sent on, or NULL; open */

	struct liveness liveness;
	struct pmtu pmtu;
	struct timer timer;
	uint64_t state_us; /* when the state was entered */

	/* a second host with this key, on probation; see node/peering.c */
	uint32_t rival; /* its candidate's slot, or TABLE_NONE */
	uint64_t rival_us, rival_probe_us;

	/* the path it seems to have moved to, until an echo came from there */
	struct addr move_to;
	uint64_t move_token; /* in the probes sent there; 0: none */
	uint64_t move_probe_us;

	struct counters tx, rx;
};

struct peers {
	struct table *by_key;  /* public key → struct peer */
	struct table *by_addr; /* addr_key → struct endpoint */
};

/* False if memory is short. Endpoints are bounded at three a peer. */
bool peers_init(struct peers *p, uint32_t peers_max,
		const uint8_t seed[TABLE_SEED_LEN]);
/* Wipes every key and frees. */
void peers_free(struct peers *p);

struct peer *peers_find(const struct peers *p, const struct public_key *key);
/* A new peer with no endpoint and no sessions; NULL if the table is full. */
struct peer *peers_add(struct peers *p, const struct public_key *key);
/* The bridge port's peer, or NULL. */
struct peer *peers_at_port(const struct peers *p, uint16_t port);
/* The peer that may go for another: not up, not wanted, longest in that state. */
struct peer *peers_longest_down(const struct peers *p);
/* Where none is down, the one that may go for a wanted one: not wanted, the last
 * that came up. */
struct peer *peers_last_up(const struct peers *p);
/* Wipes its sessions and unbinds it. The caller cancelled its timer. */
void peers_remove(struct peers *p, struct peer *peer);
/* Walks: start with TABLE_NONE. NULL at the end. */
struct peer *peers_next(const struct peers *p, uint32_t *at);

struct endpoint *endpoints_find(const struct peers *p, const struct addr *addr);
/* Finds or makes it; NULL if the table is full. */
struct endpoint *endpoints_add(struct peers *p, const struct addr *addr);
/* The caller cancelled its timer and pending handshake. */
void endpoints_remove(struct peers *p, struct endpoint *e);
struct endpoint *endpoints_next(const struct peers *p, uint32_t *at);

/* True if some source wants an endpoint this peer answers at. */
bool peer_wanted(const struct peers *p, const struct peer *peer);

/* A place for a session: an empty one, else the one that either end is least
 * likely to send on, for the caller to wipe. Never the current one. */
struct session *peer_session_slot(struct peer *peer, bool we_are_smaller);
/* Chooses the session to send on; the others retire. True if it changed. */
bool peer_choose_session(struct peer *peer, bool we_are_smaller,
			 uint64_t now_us);

#endif
