/* Who says to have an address: ARP (RFC 826, 5227) and Neighbour Discovery (RFC 4861). */
#ifndef TAPD_ETHER_NEIGHBOUR_H
#define TAPD_ETHER_NEIGHBOUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ether/eth.h"

/* Ethernet, IPv6, and an advertisement with the one option. */
#define NEIGHBOUR_FRAME_MAX (ETH_HEADER_LEN + 40 + 32)

/*
 * Makes the frame by which a host says unasked that an address is at its MAC, so that
 * others replace what they remember: an ARP announcement in its request form (RFC
 * 5227, 3), to all; or an unsolicited advertisement with the override flag (RFC 4861,
 * 7.2.6), to ff02::1. ip: IPv4 as v4-mapped. router: this host forwards IPv6. Returns
 * its length.
 */
size_t neighbour_announce(const uint8_t ip[16], const uint8_t mac[ETH_ADDR_LEN],
			  bool router, uint8_t out[NEIGHBOUR_FRAME_MAX]);

/* What one such frame says. */
struct neighbour_claim {
	uint8_t ip[16]; /* IPv4 as v4-mapped */
	uint8_t mac[ETH_ADDR_LEN];
};

/*
 * True if the sender of an untagged frame says that it has an address, or asks whether
 * it may take it: an ARP packet from that address, or a probe for it; a solicitation
 * from it, or one from the unspecified address for it; an advertisement of it.
 */
bool neighbour_claims(const struct eth_view *v, const uint8_t *frame,
		      size_t len, struct neighbour_claim *out);

#endif
