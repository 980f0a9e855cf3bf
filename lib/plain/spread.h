/* What tells flows apart on the way: the outer source port. */
#ifndef TAPD_PLAIN_SPREAD_H
#define TAPD_PLAIN_SPREAD_H

#include "base/siphash.h"
#include "ether/eth.h"

/*
 * Networks and cards spread flows by the outer header, which between two hosts differs
 * by its source port alone. So that is a hash of the inner frame's flow (RFC 7348, 5):
 * its MACs, and of an IP packet its addresses, protocol and ports. The fragments of a
 * packet are one flow, whatever else is between its hosts. Under a key, so that nobody
 * outside can have all flows take one way.
 *
 * Never 0. v: of that frame, GSO or not.
 */
uint16_t spread_of(const uint8_t key[SIPHASH_KEY_LEN], const struct eth_view *v,
		   const uint8_t *frame);

#endif
