/* RA guard: what would change a host's routes (RFC 6105). */
#ifndef TAPD_ETHER_RA_GUARD_H
#define TAPD_ETHER_RA_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ether/eth.h"

/*
 * The TAP is a port of a LAN, never an uplink: no other host on it has a word in
 * where this one sends its packets. True for a frame that eth_parse took if it is
 *
 *	an IPv6 router advertisement or redirect, an IPv4 redirect;
 *	any Neighbour Discovery with a fragment header (illegal: RFC 6980);
 *	an IPv6 packet that hides whether it is one of these (RFC 7113), and that
 *	a host might take for one: to a group, to a link-local address, or with
 *	the hop limit that Neighbour Discovery has;
 *
 * whatever its destination, and behind any number of tags.
 */
bool ra_guard_forbids(const struct eth_view *v, const uint8_t *frame,
		      size_t len);

#endif
