/* The frames by which a test of a group is heard: UDP, which applications do not see. */
#ifndef TAPD_ETHER_TEST_FRAME_H
#define TAPD_ETHER_TEST_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ether/eth.h"
#include "ether/group.h"

/* From this port, and to it. */
#define TEST_FRAME_PORT 9 /* discard, RFC 863 */
/* Ethernet, IPv6 or less, UDP, and the payload: "tapd" sequence(4) token(8). */
#define TEST_FRAME_PAYLOAD 16
#define TEST_FRAME_MAX \
	(ETH_HEADER_LEN + IPV6_HEADER_LEN + UDP_HEADER_LEN + TEST_FRAME_PAYLOAD)

struct test_frame {
	struct group group; /* of no VLAN */
	uint32_t sequence;
	uint64_t token; /* names the test */
};

/*
 * Makes one. dst: the group's MAC, or one host's: then that host alone gets it, as a
 * packet to the group, to which nobody answers. ip: the source, of the group's family;
 * IPv4 as v4-mapped. Time to live is 1. Returns its length.
 */
size_t test_frame_make(const struct test_frame *t,
		       const uint8_t dst[ETH_ADDR_LEN],
		       const uint8_t src[ETH_ADDR_LEN], const uint8_t ip[16],
		       uint8_t out[TEST_FRAME_MAX]);

/* A frame that may be one: worth to be read. */
static inline bool test_frame_possible(const struct eth_view *v,
				       const uint8_t *frame)
{
	return v->ip_proto == INET_PROTO_UDP && v->l4_offset &&
	       v->l3_end >= v->l4_offset + UDP_HEADER_LEN +
				    (uint32_t)TEST_FRAME_PAYLOAD &&
	       frame[v->l4_offset + 2] == TEST_FRAME_PORT >> 8 &&
	       frame[v->l4_offset + 3] == (TEST_FRAME_PORT & 0xff);
}

/* Of a frame that test_frame_possible. False if it is none after all. */
bool test_frame_read(const struct eth_view *v, const uint8_t *frame,
		     struct test_frame *out);

#endif
