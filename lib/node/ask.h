/* What a node asks of its peers for its owner: pings, tests of a group, the mesh. */
#ifndef TAPD_NODE_ASK_H
#define TAPD_NODE_ASK_H

#include "node/node.h"

/*
 * Each is begun, goes on with the node's own timers, and is looked at until it is done;
 * its owner then ends it, at any time. What is not known of a peer by then stays
 * unknown. Nothing of it is more than a few datagrams to each peer.
 */

/* ---- pings ---- */

#define NODE_PINGS_MAX	   16 /* at a time */
#define NODE_PING_SIZE_MIN 100
#define NODE_PING_SIZE_MAX 9188
/* An echo that comes later is none. */
#define NODE_PING_US (2 * CLOCK_S)

struct node_ping {
	bool done;
	uint32_t rtt_us; /* of a probe, when it is done; 0: no echo came */
	uint16_t size; /* of UDP payload: the largest that came through, or 0 */
};

/* One probe to a peer, in a datagram with so many bytes of UDP payload, on the path in
 * use. Returns a number; -1 if the peer is not up, or too many are under way. */
int node_ping_begin(struct node *n, const struct public_key *to, uint16_t size,
		    struct clock now);
/* Many, of several sizes, until the largest that comes through is known to the byte:
 * within some 10 s. */
int node_ping_largest(struct node *n, const struct public_key *to,
		      struct clock now);
void node_ping_look(const struct node *n, int ping, struct node_ping *out,
		    struct clock now);
void node_ping_end(struct node *n, int ping);

/* ---- a test of a group ---- */

#define NODE_TEST_FRAMES_MAX  100
#define NODE_TEST_INTERVAL_US (100 * CLOCK_MS)

enum node_test_began {
	NODE_TEST_BEGAN,
	NODE_TEST_BUSY,	 /* another one is under way */
	NODE_TEST_MAC,	 /* our own MAC is not known */
	NODE_TEST_GROUP, /* it is no multicast address */
};

/*
 * Sends so many frames to a group, one in each interval, as if they were read from the
 * TAP, and with each, one to each peer's own MAC. Then asks every peer what it heard.
 * group: IPv4 as v4-mapped.
 */
enum node_test_began node_test_begin(struct node *n, const uint8_t group[16],
				     unsigned frames, struct clock now);
/* True if nothing more is to come. */
bool node_test_done(const struct node *n);
/* Frames sent so far. */
unsigned node_test_sent(const struct node *n);
void node_test_end(struct node *n);

struct node_test_host {
	bool able;     /* it answers such questions */
	bool left;     /* it went down meanwhile */
	bool answered; /* what follows is known */
	bool member;   /* the group was joined there */
	bool all;      /* it gets every group: who joined may not be known */
	uint16_t heard, unicast; /* frames to the group, and to its own MAC */
	bool any;	   /* one to the group was heard: first_us is known */
	uint64_t first_us; /* from the first that was sent, by our clock */
};
/* Of a peer that was up when it began. False if it was not. */
bool node_test_host(const struct node *n, const struct public_key *key,
		    struct node_test_host *out);
/* The group goes to all whoever joined it: 224.0.0.0/24 and the like. */
bool node_test_is_for_all(const uint8_t group[16]);

/* ---- the mesh ---- */

struct node_mesh_host {
	const char *name; /* "" if not known; borrowed */
	const struct public_key *key;
	bool answered; /* all that it measures is known: its links are */
};

struct node_mesh_link {
	bool known;
	uint32_t rtt_us; /* 0: not known */
	float loss;	 /* 0 to 1 */
};

/* Asks every peer how its links to others are, for at most 20 s. False if memory is
 * short, or it is being asked already. */
bool node_mesh_begin(struct node *n, struct clock now);
bool node_mesh_done(const struct node *n);
void node_mesh_end(struct node *n);
/* The hosts are this one, then its peers, as they were when it began. */
size_t node_mesh_count(const struct node *n);
struct node_mesh_host node_mesh_host(const struct node *n, size_t i);
/* What host i measures of each, in their order; node_mesh_count of them. Borrowed until
 * the node is called again. */
const struct node_mesh_link *node_mesh_links(const struct node *n, size_t i);

#endif
