/* eth's view of IPv6, UDP, TCP and membership; test_eth.c has the rest. */
#include <check.h>
#include <string.h>

#include "ether/eth.h"
#include "support/frames.h"
#include "support/main.h"
#include "support/parsed.h"

#define IP_AT 14 /* untagged */

static uint8_t buf[70000];
static struct writer w;

static void setup(void)
{
	w = writer_init(buf, sizeof(buf));
}

/* An extension header of len bytes, a multiple of 8. Its body is no header, so a
 * parser that lands in it goes astray. */
static void put_extension(uint8_t next, size_t len)
{
	writer_u8(&w, next);
	writer_u8(&w, (uint8_t)(len / 8 - 1));
	for (size_t i = 2; i < len; i++)
		writer_u8(&w, 0xee);
}

static void put_fragment(uint8_t next, uint16_t offset_and_flag)
{
	writer_u16(&w, (uint16_t)(next << 8));
	writer_u16(&w, offset_and_flag);
	writer_u32(&w, 0x12345678);
}

/* The payload length of the IPv6 packet that ends here. */
static void close_ipv6(void)
{
	store_be16(buf + IP_AT + 4, (uint16_t)(w.len - IP_AT - 40));
}

static void open_ipv6(uint8_t next)
{
	put_eth(&w, 2, 1, ETH_TYPE_IPV6);
	put_ipv6(&w, next, 0);
}

/* ---- IPv6 ---- */

START_TEST(ipv6_fields)
{
	uint8_t frame[SAMPLE_MAX];
	size_t len = sample_decode(frame, "ospfv3");
	struct frame_parsed p = frame_parse(frame, len);

	ck_assert_int_eq(p.v.l3, ETH_L3_IPV6);
	ck_assert_uint_eq(p.v.ip_proto, 89);
	frame_assert_ip(p.v.ip_src, "fe80::1");
	frame_assert_ip(p.v.ip_dst, "ff02::5");
	ck_assert_uint_eq(p.v.l4_offset, 54);
	ck_assert_uint_eq(p.v.l3_end, 90);
	ck_assert(!p.v.ip_fragment);
}
END_TEST

static const struct {
	const char *what;
	size_t at;
	uint16_t value;
	bool ip, l4;
} ipv6_changes[] = {
	{ "version 4", 14, 0x4000, false, false },
	{ "version 15", 14, 0xf000, false, false },
	{ "one byte more than the frame", 18, 37, false, false },
	{ "payload length 65535", 18, 65535, false, false },
	{ "no payload, or a jumbogram", 18, 0, true, false },
	{ "one byte of payload", 18, 1, true, true },
	{ "traffic class and flow label", 14, 0x6fff, true, true },
};

START_TEST(ipv6_headers_that_lie)
{
	uint8_t frame[SAMPLE_MAX];
	size_t len = sample_decode(frame, "ospfv3");
	struct frame_parsed p;

	store_be16(frame + ipv6_changes[_i].at, ipv6_changes[_i].value);
	p = frame_parse(frame, len);
	ck_assert_int_eq(p.reason, DROP_NONE);
	ck_assert_msg((p.v.l3 == ETH_L3_IPV6) == ipv6_changes[_i].ip, "%s",
		      ipv6_changes[_i].what);
	ck_assert_msg((p.v.l4_offset != 0) == ipv6_changes[_i].l4, "%s",
		      ipv6_changes[_i].what);
}
END_TEST

/* RFC 2675: hop-by-hop with a jumbo payload option and payload length 0. */
START_TEST(jumbogram_reads_as_empty)
{
	struct frame_parsed p;

	open_ipv6(0);
	writer_u32(&w, 0x1100c204);
	writer_u32(&w, 65600);
	put_udp(&w, 1, 65592);
	p = frame_parse_written(&w);
	ck_assert_int_eq(p.v.l3, ETH_L3_IPV6);
	ck_assert_uint_eq(p.v.l3_end, 54);
	ck_assert_uint_eq(p.v.ip_proto, 0);
	ck_assert_uint_eq(p.v.l4_offset, 0);
}
END_TEST

START_TEST(largest_packet_does_not_wrap_its_offsets)
{
	struct frame_parsed p;

	put_eth(&w, 2, 1, ETH_TYPE_QINQ);
	writer_u32(&w, 0x00018100);
	writer_u16(&w, 2);
	writer_u16(&w, ETH_TYPE_IPV6);
	put_ipv6(&w, 17, 65535);
	put_udp(&w, 8273, 65527);
	p = frame_parse_written(&w);
	ck_assert_uint_eq(p.v.l3_end, 22 + 40 + 65535);
	ck_assert(p.udp);
}
END_TEST

START_TEST(extension_headers_are_followed)
{
	struct frame_parsed p;

	open_ipv6(0);
	put_extension(43, 8);
	put_extension(60, 24);
	put_extension(51, 16);
	/* AH: its length is in 4-byte units, less two. */
	writer_u32(&w, 0x87040000);
	writer_zeros(&w, 20);
	put_extension(139, 24);
	put_extension(140, 8);
	put_extension(17, 2048);
	put_udp(&w, 8273, 4);
	close_ipv6();
	p = frame_parse_written(&w);
	ck_assert_uint_eq(p.v.ip_proto, 17);
	ck_assert_uint_eq(p.v.l4_offset, 54 + 8 + 24 + 16 + 24 + 24 + 8 + 2048);
	ck_assert(p.udp);
	ck_assert_uint_eq(p.udp_dst.port, 8273);
}
END_TEST

START_TEST(chain_of_more_than_eight_extensions_stays_unknown)
{
	struct frame_parsed p;

	open_ipv6(60);
	for (int i = 0; i < _i - 1; i++)
		put_extension(60, 8);
	put_extension(17, 8);
	put_udp(&w, 1, 0);
	close_ipv6();
	p = frame_parse_written(&w);
	ck_assert_int_eq(p.v.l3, ETH_L3_IPV6);
	ck_assert_uint_eq(p.v.ip_proto, _i <= 8 ? 17 : 0);
	ck_assert_uint_eq(p.v.l4_offset,
			  _i <= 8 ? 54u + 8u * (unsigned int)_i : 0u);
}
END_TEST

/* 8,000 headers, each the least there is. */
START_TEST(longest_chain_costs_no_more_than_eight)
{
	struct frame_parsed p;

	open_ipv6(0);
	for (int i = 0; i < 8000; i++)
		put_extension(i % 2 ? 0 : 60, 8);
	close_ipv6();
	p = frame_parse_written(&w);
	ck_assert_int_eq(p.v.l3, ETH_L3_IPV6);
	ck_assert_uint_eq(p.v.ip_proto, 0);
}
END_TEST

START_TEST(extension_past_the_end_stays_unknown)
{
	static const uint8_t protos[] = { 0, 43, 44, 51, 60, 135, 139, 140 };
	struct frame_parsed p;
	uint8_t proto = protos[_i];

	open_ipv6(proto);
	writer_u16(&w, 17 << 8 | 0xff); /* claims 1028 bytes or more */
	writer_zeros(&w, 62);
	close_ipv6();
	p = frame_parse_written(&w);
	ck_assert_int_eq(p.v.l3, ETH_L3_IPV6);
	if (proto == 44) /* a fragment header has no length */
		ck_assert_uint_eq(p.v.l4_offset, 62);
	else
		ck_assert_uint_eq(p.v.l4_offset, 0);
	ck_assert_uint_eq(p.v.ip_proto, proto == 44 ? 17 : 0);
}
END_TEST

/* Eight bytes too long, where the next header would be found in the padding. */
START_TEST(extension_may_end_with_the_packet_and_no_later)
{
	struct frame_parsed p;

	open_ipv6(60);
	put_extension(60, 8);
	put_extension(60, 16);
	put_extension(17, 24);
	close_ipv6();
	writer_zeros(&w, 64);
	p = frame_parse_written(&w);
	ck_assert_uint_eq(p.v.ip_proto, 17);
	ck_assert_uint_eq(p.v.l4_offset, 0);
	buf[IP_AT + 40 + 24 + 1]++;
	p = frame_parse_written(&w);
	ck_assert_uint_eq(p.v.ip_proto, 0);
}
END_TEST

/* The header is in the frame, in the padding, but not in the packet. */
START_TEST(extension_in_the_padding_is_not_followed)
{
	struct frame_parsed p;

	open_ipv6(0);
	put_extension(17, 8);
	put_udp(&w, 1, 0);
	for (uint16_t payload = 0; payload <= 16; payload++) {
		store_be16(buf + IP_AT + 4, payload);
		p = frame_parse_written(&w);
		ck_assert_uint_eq(p.v.ip_proto, payload < 8 ? 0 : 17);
		ck_assert_uint_eq(p.v.l4_offset, payload <= 8 ? 0 : 62);
		ck_assert_int_eq(p.udp, payload == 16);
	}
}
END_TEST

START_TEST(no_next_header_has_no_upper_layer)
{
	struct frame_parsed p;

	open_ipv6(59);
	writer_u32(&w, 0x82000000);
	close_ipv6();
	p = frame_parse_written(&w);
	ck_assert_uint_eq(p.v.ip_proto, 59);
	ck_assert_uint_eq(p.v.l4_offset, 0);
}
END_TEST

static const struct {
	const char *what;
	uint16_t offset_and_flag;
	uint8_t next, proto;
	size_t l4;
} fragments[] = {
	{ "atomic", 0x0000, 17, 17, 62 },
	{ "first", 0x0001, 17, 17, 62 },
	{ "second", 0x0009, 17, 17, 0 },
	{ "last", 0xfff8, 17, 17, 0 },
	{ "last, of a packet that begins with options", 0xfff8, 60, 0, 0 },
};

START_TEST(ipv6_fragments)
{
	struct frame_parsed p;

	open_ipv6(44);
	put_fragment(fragments[_i].next, fragments[_i].offset_and_flag);
	put_udp(&w, 8273, 8);
	close_ipv6();
	p = frame_parse_written(&w);
	ck_assert_msg(p.v.ip_fragment, "%s", fragments[_i].what);
	ck_assert_uint_eq(p.v.ip_proto, fragments[_i].proto);
	ck_assert_uint_eq(p.v.l4_offset, fragments[_i].l4);
	ck_assert(!p.udp);
	ck_assert(!eth_csum_valid(&p.v, p.len, 62, 6));
}
END_TEST

START_TEST(every_cut_of_a_long_chain_is_read_in_bounds)
{
	open_ipv6(0);
	put_extension(43, 8);
	put_extension(51, 8);
	writer_u32(&w, 0x2c010000);
	writer_zeros(&w, 8);
	put_fragment(60, 1);
	put_extension(58, 16);
	writer_u32(&w, 0x8f000000);
	writer_u32(&w, 0);
	for (size_t len = w.len; len >= IP_AT + 40; len--) {
		close_ipv6();
		frame_parse(buf, w.len);
		frame_parse(buf, len); /* longer than the frame */
		w.len = len - 1;
		store_be16(buf + IP_AT + 4, (uint16_t)(len - IP_AT - 40));
		frame_parse(buf, len); /* as long as the frame */
	}
}
END_TEST

/* ---- membership ---- */

START_TEST(igmp_is_membership)
{
	uint8_t frame[SAMPLE_MAX];
	size_t len = sample_decode(frame, "igmp report");

	ck_assert(frame_parse(frame, len).membership);
	len = sample_decode(frame, "igmp query");
	ck_assert(frame_parse(frame, len).membership);
	len = sample_decode(frame, "vrrp");
	ck_assert(!frame_parse(frame, len).membership);
}
END_TEST

/* As Linux sends it: behind a hop-by-hop router alert (RFC 3810, section 5). */
static void put_icmpv6_behind_router_alert(uint8_t type)
{
	open_ipv6(0);
	writer_u64(&w, UINT64_C(0x3a00050200000100));
	writer_u32(&w, (uint32_t)type << 24);
	writer_u32(&w, 0);
	close_ipv6();
}

START_TEST(mld_behind_hop_by_hop_is_membership)
{
	bool mld = _i == 130 || _i == 131 || _i == 132 || _i == 143;
	struct frame_parsed p;

	put_icmpv6_behind_router_alert((uint8_t)_i);
	p = frame_parse_written(&w);
	ck_assert_uint_eq(p.v.ip_proto, 58);
	ck_assert_uint_eq(p.v.l4_offset, 62);
	ck_assert_int_eq(p.membership, mld);
	/* The router alert is not needed. */
	setup();
	open_ipv6(58);
	writer_u64(&w, (uint64_t)_i << 56);
	close_ipv6();
	ck_assert_int_eq(frame_parse_written(&w).membership, mld);
}
END_TEST

START_TEST(mld_type_in_the_padding_is_no_membership)
{
	put_icmpv6_behind_router_alert(143);
	store_be16(buf + IP_AT + 4, 8);
	ck_assert(!frame_parse_written(&w).membership);
}
END_TEST

START_TEST(proto_2_in_ipv6_and_58_in_ipv4_are_no_membership)
{
	open_ipv6(2);
	writer_u64(&w, UINT64_C(0x1600000000000000));
	close_ipv6();
	ck_assert(!frame_parse_written(&w).membership);
	setup();
	put_eth(&w, 2, 1, ETH_TYPE_IPV4);
	put_ipv4(&w, 58, 8);
	writer_u64(&w, UINT64_C(0x8f00000000000000));
	ck_assert(!frame_parse_written(&w).membership);
}
END_TEST

/* ---- UDP destination ---- */

START_TEST(udp_destination_of_ipv4_and_ipv6)
{
	struct addr want;
	struct frame_parsed p;

	put_eth(&w, 2, 1, ETH_TYPE_IPV4);
	put_ipv4(&w, 17, 8);
	put_udp(&w, 8273, 0);
	p = frame_parse_written(&w);
	ck_assert(p.udp);
	ck_assert(addr_parse(&want, "10.77.0.2:8273", 0));
	ck_assert(addr_equal(&p.udp_dst, &want));

	setup();
	put_eth(&w, 2, 1, ETH_TYPE_IPV6);
	put_ipv6(&w, 17, 8);
	put_udp(&w, 8273, 0);
	p = frame_parse_written(&w);
	ck_assert(p.udp);
	ck_assert(addr_parse(&want, "[fd77::2]:8273", 0));
	ck_assert(addr_equal(&p.udp_dst, &want));
}
END_TEST

START_TEST(other_packets_have_no_udp_destination)
{
	static const struct addr zero;
	struct addr src, dst;
	struct frame_parsed p;

	put_eth(&w, 2, 1, ETH_TYPE_IPV4);
	put_ipv4(&w, 17, 8);
	put_udp(&w, 8273, 0);
	buf[IP_AT + 9] = 6; /* TCP */
	ck_assert(!frame_parse_written(&w).udp);
	buf[IP_AT + 9] = 17;
	store_be16(buf + IP_AT + 6, 0x2000); /* a fragment */
	ck_assert(!frame_parse_written(&w).udp);
	store_be16(buf + IP_AT + 6, 0);
	store_be16(buf + IP_AT + 2, 27); /* 7 bytes of UDP */
	ck_assert(!frame_parse_written(&w).udp);
	store_be16(buf + IP_AT + 2, 28);
	p = frame_parse_written(&w);
	ck_assert(p.udp);
	/* Fewer bytes than were parsed. */
	memset(&dst, 0xaa, sizeof(dst));
	ck_assert(eth_udp_addrs(&p.v, buf, p.len, &src, &dst));
	ck_assert_mem_eq(src.ip, p.v.ip_src, 16);
	ck_assert(!eth_udp_addrs(&p.v, buf, p.len - 1, &src, &dst));
	ck_assert(addr_equal(&dst, &zero) && addr_equal(&src, &zero));
}
END_TEST

/* ---- partial checksums ---- */

static struct eth_view l4_view(uint8_t proto, bool v6, size_t payload)
{
	setup();
	put_eth(&w, 2, 1, v6 ? ETH_TYPE_IPV6 : ETH_TYPE_IPV4);
	if (v6)
		put_ipv6(&w, proto, payload);
	else
		put_ipv4(&w, proto, payload);
	writer_zeros(&w, payload);
	return frame_parse_written(&w).v;
}

START_TEST(csum_is_valid_only_where_the_header_has_it)
{
	for (int v6 = 0; v6 <= 1; v6++) {
		struct eth_view tcp = l4_view(6, v6, 20);
		struct eth_view udp = l4_view(17, v6, 20);
		uint16_t l4 = v6 ? 54 : 34;

		for (uint16_t start = 0; start < 100; start++) {
			for (uint16_t offset = 0; offset < 40; offset++) {
				bool at = start == l4;

				if (eth_csum_valid(&tcp, w.len, start,
						   offset) !=
				    (at && offset == 16))
					ck_abort_msg("TCP %u+%u", start,
						     offset);
				if (eth_csum_valid(&udp, w.len, start,
						   offset) !=
				    (at && offset == 6))
					ck_abort_msg("UDP %u+%u", start,
						     offset);
			}
		}
		ck_assert(!eth_csum_valid(&tcp, w.len, 65535, 16));
		ck_assert(!eth_csum_valid(&udp, w.len, l4, 65535));
	}
}
END_TEST

START_TEST(csum_of_other_protocols_is_invalid)
{
	for (unsigned int proto = 0; proto <= UINT8_MAX; proto++) {
		struct eth_view v = l4_view((uint8_t)proto, false, 40);

		ck_assert_int_eq(eth_csum_valid(&v, w.len, 34, 16), proto == 6);
		ck_assert_int_eq(eth_csum_valid(&v, w.len, 34, 6), proto == 17);
	}
}
END_TEST

START_TEST(csum_field_must_lie_inside_the_packet)
{
	struct eth_view v = l4_view(6, false, 17);

	ck_assert(!eth_csum_valid(&v, w.len, 34, 16));
	v = l4_view(6, false, 18);
	ck_assert(eth_csum_valid(&v, w.len, 34, 16));
	ck_assert(!eth_csum_valid(&v, w.len - 1, 34, 16));
	v = l4_view(17, false, 7);
	ck_assert(!eth_csum_valid(&v, w.len, 34, 6));
	v = l4_view(17, false, 8);
	ck_assert(eth_csum_valid(&v, w.len, 34, 6));
}
END_TEST

START_TEST(csum_of_a_frame_without_ip_is_invalid)
{
	uint8_t frame[SAMPLE_MAX];
	size_t len = sample_decode(frame, "ptp");
	struct frame_parsed p = frame_parse(frame, len);

	ck_assert(!eth_csum_valid(&p.v, p.len, 0, 16));
	ck_assert(!eth_csum_valid(&p.v, p.len, 0, 6));
	ck_assert(!eth_csum_valid(&p.v, p.len, 14, 16));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("ipv6", .setup = setup),
	UNIT_TEST(ipv6_fields),
	UNIT_EACH(ipv6_headers_that_lie, ipv6_changes),
	UNIT_TEST(jumbogram_reads_as_empty),
	UNIT_TEST(largest_packet_does_not_wrap_its_offsets),
	UNIT_TEST(extension_headers_are_followed),
	UNIT_RANGE(chain_of_more_than_eight_extensions_stays_unknown, 1, 12),
	UNIT_TEST(longest_chain_costs_no_more_than_eight),
	UNIT_LOOP(extension_past_the_end_stays_unknown, 8),
	UNIT_TEST(extension_may_end_with_the_packet_and_no_later),
	UNIT_TEST(extension_in_the_padding_is_not_followed),
	UNIT_TEST(no_next_header_has_no_upper_layer),
	UNIT_EACH(ipv6_fragments, fragments),
	UNIT_TEST(every_cut_of_a_long_chain_is_read_in_bounds),
	UNIT_CASE("upper layer", .setup = setup),
	UNIT_TEST(igmp_is_membership),
	UNIT_RANGE(mld_behind_hop_by_hop_is_membership, 125, 150),
	UNIT_TEST(mld_type_in_the_padding_is_no_membership),
	UNIT_TEST(proto_2_in_ipv6_and_58_in_ipv4_are_no_membership),
	UNIT_TEST(udp_destination_of_ipv4_and_ipv6),
	UNIT_TEST(other_packets_have_no_udp_destination),
	UNIT_TEST(csum_is_valid_only_where_the_header_has_it),
	UNIT_TEST(csum_of_other_protocols_is_invalid),
	UNIT_TEST(csum_field_must_lie_inside_the_packet),
	UNIT_TEST(csum_of_a_frame_without_ip_is_invalid),
};

UNIT_MAIN("eth_ip", tests)
