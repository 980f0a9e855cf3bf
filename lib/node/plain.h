/* The plain side of a node: VXLAN and GRE, in place of sessions. */
#ifndef TAPD_NODE_PLAIN_H
#define TAPD_NODE_PLAIN_H

#include "node/peers.h"
#include "plain/gre.h"
#include "plain/runs.h"
#include "plain/vxlan.h"

/*
 * A node that speaks plain has n->plain, and a sealed one has not: that is the one
 * difference. Its peers are struct peers without sessions (plain_peers.c), its frames
 * travel behind a header that is the same for all of them (plain_transmit.c,
 * plain_receive.c), and who wants which group it asks its peers itself
 * (plain_groups.c). None of the control protocols runs.
 */

/* A port's part in multicast, and the address that answers it: plain_groups.c. */
struct plain_port {
	struct node *node;
	uint16_t port;
	/* What is behind it is asked who wants what; NULL: there was no memory. */
	struct querier *querier;
	uint64_t now_us; /* of the tick under way, for its queries */
	uint64_t
		asked_us; /* when it last sent to the address that answers it */
	/* Until when a querier is behind it, which hears our reports; and a router,
	 * which gets every group. */
	uint64_t queried_until_us, routed_until_us;
};

#define PLAIN_OWN_MAX 4

struct plain {
	uint8_t header[GRE_LEN_MAX > VXLAN_LEN ? GRE_LEN_MAX : VXLAN_LEN];
	size_t header_len;
	uint8_t spread_key[SIPHASH_KEY_LEN];
	struct runs runs;
	struct table *places; /* address without a port → struct place */
	struct addr
		own[PLAIN_OWN_MAX]; /* of ours, that something was sent to */
	uint32_t own_next;
	uint32_t selves;	  /* listed endpoints that are ourselves */
	struct plain_port *ports; /* by port */
	/* The least size of all peers' datagrams; SIZE_MAX: none is known. */
	size_t size_min;
};

static_assert(sizeof(((struct plain *)0)->header) <= FRAME_HEADROOM,
	      "header and frame are one piece");

/* False if memory is short. */
bool plain_init(struct node *n, const uint8_t seed[TABLE_SEED_LEN]);
void plain_free(struct node *n);

/* The largest frame for that peer, as far as is known: SIZE_MAX. */
size_t plain_frame_max(const struct node *n, const struct peer *peer);
/* Counts what was laid down for a peer since runs_begin. */
void plain_count(struct node *n, struct peer *peer, uint64_t frames,
		 uint64_t now_us);
/* A frame of the node's own, to that peer. It leaves with the next flush. */
void plain_send_frame(struct node *n, struct peer *peer, const uint8_t *frame,
		      size_t len, uint64_t now_us);

static inline void plain_flush(struct node *n)
{
	if (n->plain)
		runs_flush(&n->plain->runs);
}

#endif
