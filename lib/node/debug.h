/* What tests may know of a node beyond node.h: by its meaning, not by where it is
 * kept. Nothing but tests includes this. */
#ifndef TAPD_NODE_DEBUG_H
#define TAPD_NODE_DEBUG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/key.h"
#include "node/node.h"

/* Bounds that tests reach; see where each is enforced. */
enum {
	/* Handshakes answered and not yet confirmed; who asks beyond the first
	 * must show a cookie. */
	NODE_DEBUG_HALF_OPEN_LOAD = 64,
	NODE_DEBUG_HALF_OPEN_MAX = 256,
	/* Handshakes answered, and cookies given, a second. */
	NODE_DEBUG_HANDSHAKE_RATE = 500,
	NODE_DEBUG_COOKIE_RATE = 50000,
	/* First dials are spread over this long. */
	NODE_DEBUG_SPREAD_US = 100000,
	/* Frames whose verdicts are taken before the first is packed. */
	NODE_DEBUG_CHUNK = 64,
	/* Sessions of one peer. */
	NODE_DEBUG_SESSIONS = 8,
};

struct node_debug {
	uint32_t peers;	    /* keys that proved themselves */
	uint32_t endpoints; /* addresses wanted, or that a peer is sent to at */
	uint32_t half_open; /* handshakes answered, no data received yet */
	uint32_t pending;   /* sessions that are no peer's yet, half open ones
			     * among them */
	uint32_t indices;   /* local indices in use: of dials and sessions */
	/* In the pool and nobody's; one that is not in the pool was wiped. */
	uint32_t stray_sessions;
	/* Indices of ours bound to a session that is not, or no more, theirs. */
	uint32_t stray_indices;

	uint64_t epoch;
	uint64_t timestamp_us; /* of our last initiation; 0: none */
	bool trusts_all;       /* no list of trusted keys */
	struct node_tap_takes tap_takes;

	/* What we declare to our peers of groups on our side. */
	uint32_t version;      /* of the declaration, which begins with 1 */
	uint32_t announced;    /* the version peers were last told of */
	uint32_t joined, left; /* groups in it */
	bool incomplete;       /* it had no room for all */
	bool wants_all;	       /* … and says so */

	uint32_t list;	  /* the version of our list of peers; 0: none */
	uint64_t digest;  /* of their keys, and ours */
	uint32_t hints;	  /* hosts that peers told of, and not known */
	uint32_t dialled; /* of them, now */

	uint32_t groups; /* that peers joined, all together */
	/* When the querier of our side is due, or CLOCK_NEVER. */
	uint64_t querier_us;
};

void node_debug(const struct node *n, struct node_debug *out);

struct node_debug_session {
	uint32_t local, remote;	 /* indices: what each end is sent data with */
	bool initiator;		 /* we are */
	uint8_t secret[KEY_LEN]; /* it was made with */
	uint8_t hash[32];	 /* of its handshake */
	uint64_t born_us;
	uint64_t sent;	   /* datagrams so far: the next counter */
	uint64_t received; /* one past the highest counter received */
	uint64_t window;   /* a digest of which counters were received */
};

struct node_debug_peer {
	enum node_peer_state state;
	uint64_t epoch;
	uint64_t timestamp_us; /* of its last confirmed initiation; 0: none */
	bool has_endpoint;
	struct addr endpoint;	/* where its datagrams go */
	uint16_t datagram_size; /* of its path, up or not */
	bool contested;		/* a second host with its key is on probation */

	/* All it can send to us on; one of them is sent on, or none. */
	size_t sessions_count;
	struct node_debug_session sessions[NODE_DEBUG_SESSIONS];
	bool has_current;
	struct node_debug_session current;

	uint64_t datagrams; /* sent to it so far, as our probes count them */

	/* What it declared of its groups; versions, 0: none. */
	uint32_t announced;  /* the newest it spoke of */
	uint32_t registered; /* the one that we forward by */
	bool wants_all, router;
	bool flooded; /* it gets every group, for that or another reason */
	/* What we declared to it. */
	uint32_t sent, acked; /* versions; 0: none */
	uint32_t flight;      /* records since all was acknowledged */
};

/* False if there is no such peer. */
bool node_debug_peer(const struct node *n, const struct public_key *key,
		     struct node_debug_peer *out);

struct node_debug_endpoint {
	bool wanted; /* by any node_source */
	bool has_peer;
	struct public_key peer; /* that answered there last */
};

/* False if it is not known. */
bool node_debug_endpoint(const struct node *n, const struct addr *at,
			 struct node_debug_endpoint *out);

/*
 * Opens a data message to n as n would if it arrived now, and changes nothing:
 * neither n nor the datagram. records: room for len bytes; *records_len: what is
 * in them. False if it belongs to no session here or does not open; that it is
 * old, or a replay, is no reason.
 */
bool node_debug_open(const struct node *n, const uint8_t *datagram, size_t len,
		     uint8_t *records, size_t *records_len);

/* Seals records as n's next data message to a peer. out: room for len +
 * WIRE_DATA_OVERHEAD. The length of it; 0 if n has no session to send on. */
size_t node_debug_seal(struct node *n, const struct public_key *to,
		       const uint8_t *records, size_t len, uint64_t now_us,
		       uint8_t *out);

#endif
