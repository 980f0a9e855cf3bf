#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ether/eth.h"
#include "support/alloc.h"
#include "support/frames.h"
#include "support/main.h"
#include "support/parsed.h"
#include "support/pcap.h"

static struct frame_parsed parse_sample(const char *name)
{
	uint8_t frame[SAMPLE_MAX];
	size_t len = sample_decode(frame, name);

	return frame_parse(frame, len);
}

/* ---- Ethernet and tags ---- */

START_TEST(untagged_frame)
{
	struct frame_parsed p = parse_sample("ptp");

	ck_assert_int_eq(p.reason, DROP_NONE);
	ck_assert_mem_eq(p.v.dst, "\x01\x1b\x19\0\0\0", 6);
	ck_assert_mem_eq(p.v.src, "\x74\x83\xef\x01\xac\x5b", 6);
	ck_assert_uint_eq(p.v.vlan, 0);
	ck_assert_uint_eq(p.v.type, 0x88f7);
	ck_assert_uint_eq(p.v.l3_offset, 14);
	ck_assert_int_eq(p.v.l3, ETH_L3_OTHER);
}
END_TEST

START_TEST(length_of_802_3_frame_is_its_type)
{
	struct frame_parsed p = parse_sample("rstp");

	ck_assert_int_eq(p.reason, DROP_NONE);
	ck_assert_uint_eq(p.v.type, 39);
	ck_assert_int_eq(p.v.l3, ETH_L3_OTHER);
}
END_TEST

START_TEST(outer_tag_names_the_vlan)
{
	struct frame_parsed p = parse_sample("qinq arp");

	ck_assert_int_eq(p.reason, DROP_NONE);
	ck_assert_uint_eq(p.v.vlan, 200);
	ck_assert_uint_eq(p.v.type, ETH_TYPE_ARP);
	ck_assert_uint_eq(p.v.l3_offset, 22);
}
END_TEST

START_TEST(priority_and_dei_are_not_the_vlan)
{
	uint8_t buf[64];
	struct writer w = writer_init(buf, sizeof(buf));
	struct frame_parsed p;

	put_eth(&w, 2, 1, ETH_TYPE_VLAN);
	writer_u16(&w, 0xf005);
	writer_u16(&w, ETH_TYPE_ARP);
	p = frame_parse_written(&w);
	ck_assert_uint_eq(p.v.vlan, 5);
	store_be16(buf + 14, 0xe000); /* priority-tagged */
	p = frame_parse_written(&w);
	ck_assert_uint_eq(p.v.vlan, 0);
	ck_assert_uint_eq(p.v.type, ETH_TYPE_ARP);
	ck_assert_uint_eq(p.v.l3_offset, 18);
}
END_TEST

START_TEST(third_tag_is_the_type)
{
	uint8_t buf[64];
	struct writer w = writer_init(buf, sizeof(buf));
	struct frame_parsed p;

	put_eth(&w, 2, 1, ETH_TYPE_QINQ);
	writer_u32(&w, 0x00018100);
	writer_u32(&w, 0x00028100);
	writer_u32(&w, 0x00030800);
	p = frame_parse_written(&w);
	ck_assert_int_eq(p.reason, DROP_NONE);
	ck_assert_uint_eq(p.v.vlan, 1);
	ck_assert_uint_eq(p.v.type, ETH_TYPE_VLAN);
	ck_assert_uint_eq(p.v.l3_offset, 22);
	ck_assert_int_eq(p.v.l3, ETH_L3_OTHER);
}
END_TEST

START_TEST(ip_behind_two_tags_is_found)
{
	uint8_t buf[128];
	struct writer w = writer_init(buf, sizeof(buf));
	struct frame_parsed p;

	put_eth(&w, 2, 1, ETH_TYPE_QINQ);
	writer_u32(&w, 0x00018100);
	writer_u16(&w, 2);
	writer_u16(&w, ETH_TYPE_IPV6);
	put_ipv6(&w, 17, 8);
	put_udp(&w, 8273, 0);
	p = frame_parse_written(&w);
	ck_assert_int_eq(p.v.l3, ETH_L3_IPV6);
	ck_assert_uint_eq(p.v.l4_offset, 62);
	ck_assert_uint_eq(p.v.l3_end, 70);
}
END_TEST

START_TEST(frames_without_a_whole_header_are_short)
{
	uint8_t frame[SAMPLE_MAX];
	size_t len = sample_decode(frame, "qinq arp");

	for (size_t cut = 0; cut <= len; cut++) {
		struct frame_parsed p = frame_parse(frame, cut);

		ck_assert_int_eq(p.reason,
				 cut < 18 ? DROP_frame_short : DROP_NONE);
	}
	len = sample_decode(frame, "rstp");
	for (size_t cut = 0; cut <= len; cut++) {
		struct frame_parsed p = frame_parse(frame, cut);

		ck_assert_int_eq(p.reason,
				 cut < 14 ? DROP_frame_short : DROP_NONE);
	}
}
END_TEST

START_TEST(second_tag_cut_short_is_the_type)
{
	uint8_t frame[SAMPLE_MAX];
	struct frame_parsed p;

	sample_decode(frame, "qinq arp");
	p = frame_parse(frame, 21);
	ck_assert_int_eq(p.reason, DROP_NONE);
	ck_assert_uint_eq(p.v.vlan, 200);
	ck_assert_uint_eq(p.v.type, ETH_TYPE_VLAN);
	ck_assert_uint_eq(p.v.l3_offset, 18);
}
END_TEST

START_TEST(source_must_be_one_station)
{
	static const uint8_t broadcast[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff
	};
	uint8_t frame[SAMPLE_MAX];
	size_t len = sample_decode(frame, "vrrp");

	frame[6] |= 1;
	ck_assert_int_eq(frame_parse(frame, len).reason, DROP_frame_bad_source);
	memcpy(frame + 6, broadcast, 6);
	ck_assert_int_eq(frame_parse(frame, len).reason, DROP_frame_bad_source);
	memset(frame + 6, 0, 6);
	ck_assert_int_eq(frame_parse(frame, len).reason, DROP_frame_bad_source);
	frame[11] = 1;
	ck_assert_int_eq(frame_parse(frame, len).reason, DROP_NONE);
}
END_TEST

START_TEST(group_addresses)
{
	static const uint8_t broadcast[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff
	};
	static const uint8_t multicast[] = { 1, 0, 0x5e, 0, 0, 1 };
	static const uint8_t unicast[] = { 2, 0xff, 0xff, 0xff, 0xff, 0xff };

	ck_assert(eth_is_group(broadcast));
	ck_assert(eth_is_group(multicast));
	ck_assert(!eth_is_group(unicast));
}
END_TEST

START_TEST(mtu_leaves_room_for_two_tags)
{
	ck_assert_uint_eq(eth_frame_max(1500), 1522);
	ck_assert_uint_eq(eth_frame_max(65535), 65557);
}
END_TEST

/* ---- IPv4 ---- */

START_TEST(ipv4_fields)
{
	struct frame_parsed p = parse_sample("vrrp");

	ck_assert_int_eq(p.v.l3, ETH_L3_IPV4);
	ck_assert_uint_eq(p.v.ip_proto, 112);
	frame_assert_ip(p.v.ip_src, "10.0.0.91");
	frame_assert_ip(p.v.ip_dst, "224.0.0.18");
	ck_assert(!p.v.ip_fragment);
	ck_assert_uint_eq(p.v.l4_offset, 34);
	ck_assert_uint_eq(p.v.l3_end, 62);
}
END_TEST

START_TEST(padding_is_no_part_of_the_packet)
{
	struct frame_parsed p = parse_sample("igmp query");

	ck_assert_uint_eq(p.len, 60);
	ck_assert_uint_eq(p.v.l3_end, 42);
}
END_TEST

START_TEST(ipv4_options_are_skipped)
{
	struct frame_parsed p = parse_sample("igmp report");

	ck_assert_uint_eq(p.v.l4_offset, 38);
	ck_assert_uint_eq(p.v.ip_proto, 2);
}
END_TEST

/* What makes an IPv4 header impossible, as a change to the VRRP sample: its
 * IP packet is 48 bytes long. */
static const struct {
	const char *what;
	size_t at;
	uint16_t value;
	bool ip, l4;
} ipv4_changes[] = {
	{ "as it was", 14, 0x4500, true, true },
	{ "version 6", 14, 0x6500, false, false },
	{ "version 0", 14, 0x0500, false, false },
	{ "header of 0 bytes", 14, 0x4000, false, false },
	{ "header of 16 bytes", 14, 0x4400, false, false },
	{ "header as long as the packet", 14, 0x4c00, true, false },
	{ "header longer than the packet", 14, 0x4d00, false, false },
	{ "longest header", 14, 0x4f00, false, false },
	{ "total length 0", 16, 0, false, false },
	{ "total length less than the header", 16, 19, false, false },
	{ "no payload", 16, 20, true, false },
	{ "one byte of payload", 16, 21, true, true },
	{ "one byte more than the frame", 16, 49, false, false },
	{ "total length 65535", 16, 65535, false, false },
	{ "DF", 20, 0x4000, true, true },
	{ "reserved bit", 20, 0x8000, true, true },
	{ "first fragment", 20, 0x2000, true, true },
	{ "second fragment", 20, 0x2001, true, false },
	{ "last fragment", 20, 0x1fff, true, false },
};

START_TEST(ipv4_headers_that_lie)
{
	uint8_t frame[SAMPLE_MAX];
	size_t len = sample_decode(frame, "vrrp");
	struct frame_parsed p;

	store_be16(frame + ipv4_changes[_i].at, ipv4_changes[_i].value);
	p = frame_parse(frame, len);
	ck_assert_int_eq(p.reason, DROP_NONE);
	ck_assert_msg((p.v.l3 == ETH_L3_IPV4) == ipv4_changes[_i].ip, "%s",
		      ipv4_changes[_i].what);
	ck_assert_msg((p.v.l4_offset != 0) == ipv4_changes[_i].l4, "%s",
		      ipv4_changes[_i].what);
	if (ipv4_changes[_i].ip)
		ck_assert_uint_eq(p.v.ip_proto, 112);
	if (ipv4_changes[_i].at == 20)
		ck_assert_int_eq(p.v.ip_fragment,
				 (ipv4_changes[_i].value & 0x3fff) != 0);
}
END_TEST

/* ---- the captures ---- */

/* How many frames of a file have these fields, as tshark counts them. */
static const struct expectation {
	const char *file;
	unsigned int frames;
	uint16_t type;
	uint8_t proto;
	const char *dst; /* IP destination, or NULL for any */
	uint16_t vlan;
	uint16_t udp_port;
	bool membership;
} expectations[] = {
	{ "vrrp.pcap", 101, ETH_TYPE_IPV4, 112, "224.0.0.18", 0, 0, false },
	{ "vrrp.pcap", 64, ETH_TYPE_IPV6, 112, "ff02::12", 0, 0, false },
	{ "802.1ad_QinQ.pcap", 2, ETH_TYPE_ARP, 0, NULL, 200, 0, false },
	{ "802.1w_rapid_STP.pcap", 30, 39, 0, NULL, 0, 0, false },
	{ "HSRP_failover.pcap", 39, ETH_TYPE_IPV4, 17, "224.0.0.2", 0, 1985,
	  false },
	{ "IGMP_V1.pcap", 27, ETH_TYPE_IPV4, 2, NULL, 0, 0, true },
	{ "IGMP_V2.pcap", 18, ETH_TYPE_IPV4, 2, NULL, 0, 0, true },
	{ "igmpv3-queries.pcap", 6, ETH_TYPE_IPV4, 2, "224.0.0.1", 0, 0, true },
	{ "LLDP_and_CDP.pcap", 8, 0x88cc, 0, NULL, 0, 0, false },
	{ "LLDP_and_CDP.pcap", 2, 378, 0, NULL, 0, 0, false },
	{ "LLDP_and_CDP.pcap", 2, 374, 0, NULL, 0, 0, false },
	{ "OSPFv3_broadcast_adjacency.pcap", 23, ETH_TYPE_IPV6, 89, "ff02::5",
	  0, 0, false },
	{ "OSPFv3_broadcast_adjacency.pcap", 7, ETH_TYPE_IPV6, 89, "fe80::1", 0,
	  0, false },
	{ "OSPFv3_broadcast_adjacency.pcap", 8, ETH_TYPE_IPV6, 89, "fe80::2", 0,
	  0, false },
	{ "PIM-DM_pruning.pcap", 33, ETH_TYPE_IPV4, 103, "224.0.0.13", 0, 0,
	  false },
	{ "PIM-DM_pruning.pcap", 5, ETH_TYPE_IPV4, 17, "239.123.123.123", 0,
	  5001, false },
	{ "PIMv2_hellos.pcap", 6, ETH_TYPE_IPV4, 103, "224.0.0.13", 0, 0,
	  false },
	{ "ptp_ethernet.pcap", 205, 0x88f7, 0, NULL, 0, 0, false },
};

static bool matches(const struct frame_parsed *p, const struct expectation *e)
{
	struct addr dst = { .port = 1 };

	if (e->dst)
		ck_assert(addr_parse(&dst, e->dst, 1));
	return p->reason == DROP_NONE && p->v.type == e->type &&
	       p->v.ip_proto == e->proto && p->v.vlan == e->vlan &&
	       p->membership == e->membership &&
	       (!e->dst || memcmp(p->v.ip_dst, dst.ip, 16) == 0) &&
	       p->udp == (e->udp_port != 0) && p->udp_dst.port == e->udp_port;
}

START_TEST(real_frames_read_as_tshark_reads_them)
{
	const struct expectation *e = &expectations[_i];
	unsigned int frames = 0;
	struct pcap_frame frame;
	struct pcap pcap;

	if (!pcap_open(&pcap, e->file))
		return;
	while (pcap_next(&pcap, &frame)) {
		struct frame_parsed p = frame_parse(frame.bytes, frame.len);

		if (matches(&p, e))
			frames++;
	}
	pcap_close(&pcap);
	ck_assert_uint_eq(frames, e->frames);
}
END_TEST

static const char *const captures[] = {
	"802.1ad_QinQ.pcap",
	"802.1w_rapid_STP.pcap",
	"HSRP_failover.pcap",
	"IGMP_V1.pcap",
	"IGMP_V2.pcap",
	"LLDP_and_CDP.pcap",
	"OSPFv3_broadcast_adjacency.pcap",
	"PIM-DM_pruning.pcap",
	"PIMv2_hellos.pcap",
	"hncp_dhcpv6data-oobr.pcap",
	"icmp6_nodeinfo_oobr.pcap",
	"igmpv3-queries.pcap",
	"pim_header_asan.pcap",
	"ptp_ethernet.pcap",
	"vrrp-vrrp_print-oobr.pcap",
	"vrrp.pcap",
};

/* Random changes; the seed is the test's iteration. */
static void parse_mutations(const uint8_t *frame, size_t len, int count)
{
	uint8_t *copy = test_alloc(len);

	for (int i = 0; i < count; i++) {
		size_t changes = (size_t)random() % 4 + 1;

		memcpy(copy, frame, len);
		for (size_t c = 0; c < changes; c++)
			copy[(size_t)random() % len] = (uint8_t)random();
		frame_parse(copy, len - (size_t)random() % 4 % len);
	}
	free(copy);
}

START_TEST(every_captured_frame_whole_cut_and_changed_is_read_in_bounds)
{
	struct pcap_frame frame;
	struct pcap pcap;

	srandom((unsigned int)_i);
	if (!pcap_open(&pcap, captures[_i]))
		return;
	while (pcap_next(&pcap, &frame)) {
		size_t headers = frame.len < 100 ? frame.len : 100;

		frame_parse(frame.bytes, frame.len);
		for (size_t cut = 0; cut < headers; cut++)
			frame_parse(frame.bytes, cut);
		parse_mutations(frame.bytes, headers, 50);
	}
	pcap_close(&pcap);
}
END_TEST

START_TEST(every_sample_whole_cut_and_changed_is_read_in_bounds)
{
	uint8_t frame[SAMPLE_MAX];
	size_t len = sample_decode(frame, samples[_i].name);

	srandom((unsigned int)_i);
	for (size_t cut = 0; cut <= len; cut++)
		frame_parse(frame, cut);
	parse_mutations(frame, len, 5000);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("frame"),
	UNIT_TEST(untagged_frame),
	UNIT_TEST(length_of_802_3_frame_is_its_type),
	UNIT_TEST(outer_tag_names_the_vlan),
	UNIT_TEST(priority_and_dei_are_not_the_vlan),
	UNIT_TEST(third_tag_is_the_type),
	UNIT_TEST(ip_behind_two_tags_is_found),
	UNIT_TEST(frames_without_a_whole_header_are_short),
	UNIT_TEST(second_tag_cut_short_is_the_type),
	UNIT_TEST(source_must_be_one_station),
	UNIT_TEST(group_addresses),
	UNIT_TEST(mtu_leaves_room_for_two_tags),
	UNIT_TEST(ipv4_fields),
	UNIT_TEST(padding_is_no_part_of_the_packet),
	UNIT_TEST(ipv4_options_are_skipped),
	UNIT_EACH(ipv4_headers_that_lie, ipv4_changes),
	UNIT_CASE("captures"),
	UNIT_EACH(real_frames_read_as_tshark_reads_them, expectations),
	UNIT_EACH(every_captured_frame_whole_cut_and_changed_is_read_in_bounds,
		  captures),
	UNIT_LOOP(every_sample_whole_cut_and_changed_is_read_in_bounds,
		  SAMPLES),
};

UNIT_MAIN("eth", tests)
