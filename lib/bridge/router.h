/* Multicast routers that do not query: PIM hellos and router discovery. */
#ifndef TAPD_BRIDGE_ROUTER_H
#define TAPD_BRIDGE_ROUTER_H

#include "base/clock.h"
#include "ether/eth.h"

/* How long what a router sent makes it one: RFC 3376, 8.5, its other querier
 * present interval. */
#define ROUTER_LIFE_US (255 * CLOCK_S)

/*
 * True if the frame's sender says that it routes multicast (RFC 4541, 2.1.1): a
 * PIMv2 hello (RFC 7761, 4.9.2), or a multicast router advertisement (RFC 4286)
 * in IGMP or ICMPv6. Queries say so too: see struct report's has_source.
 */
bool router_is_announced(const struct eth_view *v, const uint8_t *frame,
			 size_t len);

#endif
