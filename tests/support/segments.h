/* TCP segments and UDP datagrams for tests, built and checked field by field. */
#ifndef TAPD_TESTS_SEGMENTS_H
#define TAPD_TESTS_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/frame.h"
#include "ether/eth.h"

#define SEGMENT_FIN 0x01
#define SEGMENT_SYN 0x02
#define SEGMENT_RST 0x04
#define SEGMENT_PSH 0x08
#define SEGMENT_ACK 0x10
#define SEGMENT_URG 0x20
#define SEGMENT_ECE 0x40
#define SEGMENT_CWR 0x80

/* All zero but payload_len: untagged IPv4 TCP without flags. */
struct segment {
	uint8_t src, dst; /* last byte of the MACs and addresses */
	bool group;	  /* dst is a group's: 239.1.1.dst, ff0e::1:dst */
	unsigned tags;
	uint16_t vlan;
	bool ipv6, udp;
	uint8_t tos, ttl;
	uint32_t label; /* IPv6 */
	uint16_t id;	/* IPv4 */
	bool df;
	size_t ip_options; /* bytes: IPv4 options, or IPv6 extension headers */
	uint16_t src_port, dst_port;
	uint32_t seq, ack;
	uint8_t flags, reserved;
	uint16_t window, urgent;
	size_t options; /* bytes of TCP options */
	uint8_t option; /* what they are made of */
	size_t payload_len;
};

#define SEGMENT_MAX (ETH_OVERHEAD_MAX + 65535 + 1)

/*
 * The frame of a segment with a partial checksum, which *o describes; 0 if it
 * does not fit in size. The payload's bytes depend on where they are: in TCP on
 * their sequence, in UDP on their offset.
 */
size_t segment_build(uint8_t *out, size_t size, const struct segment *s,
		     struct offload *o);
/* The same of a GSO frame, whose payload is that of many segments. */
size_t segment_build_gso(uint8_t *out, size_t size, const struct segment *s,
			 uint16_t gso_size, struct offload *o);
/* What the segment at `at` of a GSO frame should be, if each has `size` bytes
 * of payload; it is the index-th. */
struct segment segment_of_gso(const struct segment *gso_frame, size_t at,
			      size_t size, unsigned index);
size_t segment_headers_len(const struct segment *s);
uint8_t segment_byte(uint32_t at);

/*
 * Fails unless the lengths are those of the frame, the IPv4 checksum is right,
 * and the TCP or UDP checksum is: as a partial one (the pseudo-header's sum) or
 * as a complete one. Sums for itself.
 */
void segment_assert_sound(const uint8_t *frame, size_t len,
			  const struct offload *o);
/* Completes the checksum, slowly. */
void segment_complete(uint8_t *frame, size_t len, const struct offload *o);

#endif
