/* Frames for tests: each function appends its header to what is there. */
#ifndef TAPD_TESTS_FRAMES_H
#define TAPD_TESTS_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "ether/eth.h"
#include "ether/group.h"

/* vlan 0: untagged. */
void put_ethernet(struct writer *w, const uint8_t dst[ETH_ADDR_LEN],
		  const uint8_t src[ETH_ADDR_LEN], uint16_t vlan,
		  uint16_t type);

/* Of the family of its addresses, which are 16 bytes: IPv4's are mapped. */
struct ip_header {
	uint8_t src[16], dst[16];
	uint8_t proto, ttl, tos;
	uint16_t id; /* IPv4 only */
	bool df;
	bool summed;	   /* else the checksum is zero */
	bool router_alert; /* RFC 2113, RFC 2711 */
	uint32_t label;	   /* IPv6 only */
};

void put_ip(struct writer *w, const struct ip_header *ip, size_t payload_len);
void put_udp_header(struct writer *w, uint16_t src_port, uint16_t dst_port,
		    size_t payload_len);
/* All the headers of a UDP packet to a group, from 10.77.0.1 or fe80::1 and from
 * the port that it goes to. */
void put_group_udp(struct writer *w, const struct group *to,
		   const uint8_t src[ETH_ADDR_LEN], uint16_t port,
		   size_t payload_len);

/*
 * The same with less to say. MACs are 02:00:00:00:00:0N, addresses 10.77.0.1 and
 * .2, or fd77::1 and ::2; put_udp adds a payload of zeros.
 */
void put_eth(struct writer *w, uint8_t dst, uint8_t src, uint16_t type);
void put_ipv4(struct writer *w, uint8_t proto, size_t payload_len);
void put_ipv6(struct writer *w, uint8_t next, size_t payload_len);
void put_udp(struct writer *w, uint16_t dst_port, size_t payload_len);

#endif
