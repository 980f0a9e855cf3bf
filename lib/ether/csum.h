/* TCP and UDP checksums of frames that come from hosts without our offloads. */
#ifndef TAPD_ETHER_CSUM_H
#define TAPD_ETHER_CSUM_H

#include "base/frame.h"
#include "ether/eth.h"

/*
 * Makes a complete checksum partial, in place, so that segments can be merged for
 * the TAP and its kernel need not sum them again: only after it was verified, which
 * costs a walk over the payload.
 *
 * Some hosts leave theirs partial, and a datagram without room for offload metadata
 * cannot say so: a kernel's VXLAN device does, when what it sends goes to a host
 * beside it and never over a wire. Such a checksum is exactly the pseudo header's sum,
 * and not a right one. It is taken for what it is.
 *
 * True: the frame's checksum is partial now, and *o says how. False, nothing changed
 * and *o zero: no TCP or UDP, a fragment, UDP without a checksum, a wrong one, which is
 * for the receiver to find, or a right one that nobody wants partial.
 *
 * v: from eth_parse.
 */
bool csum_make_partial(const struct eth_view *v, uint8_t *frame, size_t len,
		       bool wanted, struct offload *o);

#endif
