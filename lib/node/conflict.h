/* Two hosts with one address or MAC: a peer shows what is our TAP's own. */
#ifndef TAPD_NODE_CONFLICT_H
#define TAPD_NODE_CONFLICT_H

#include <string.h>

#include "node/peer.h"

/*
 * Nobody forbids it on an Ethernet, and each of the two works for some of the others,
 * so that it looks like anything but what it is. The owner is told as soon as a
 * peer's ARP, Neighbour Discovery, hello or frame shows it, and again while that
 * goes on.
 */

/* What is worth a closer look: most frames are not. */
static inline bool conflict_possible(const struct node *n,
				     const struct eth_view *v)
{
	return v->type == ETH_TYPE_ARP || v->ip_proto == INET_PROTO_ICMPV6 ||
	       memcmp(v->src, n->config.tap_mac, ETH_ADDR_LEN) == 0;
}
/* A frame of the peer, which was parsed. */
void conflict_frame(struct node *n, const struct peer *peer,
		    const struct eth_view *v, const uint8_t *frame, size_t len,
		    uint64_t now_us);
/* Its hello was taken over. */
void conflict_hello(struct node *n, const struct peer *peer, uint64_t now_us);
/* What holds as long as a peer is up is seen again. */
void conflict_age(struct node *n, uint64_t now_us);
/* It was shown so lately that saying it is ours would only make two hosts contend. */
bool conflict_silences(const struct own_address *own, uint64_t now_us);

#endif
