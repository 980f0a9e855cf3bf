#include <check.h>
#include <string.h>

#include "base/checksum.h"
#include "ether/igmp.h"
#include "support/group_equal.h"
#include "support/heard.h"
#include "support/main.h"
#include "support/parsed.h"
#include "support/pcap.h"
#include "support/rng.h"

static const uint8_t mac[ETH_ADDR_LEN] = { 2, 0, 0, 0, 0, 9 };

/* ---- reports ---- */

START_TEST(old_reports_want_their_group)
{
	struct heard h = hear_igmp("12000000 ef010203");

	ck_assert_int_eq(h.m.kind, REPORT_MEMBERS);
	ck_assert_uint_eq(h.m.version, 1);
	ck_assert_uint_eq(h.count, 1);
	ck_assert(report_is_old(&h.m));
	heard_assert(&h, 0, "239.1.2.3", REPORT_WANTS, false);
	h = hear_igmp("16000000 ef010203");
	ck_assert_uint_eq(h.m.version, 2);
	ck_assert_uint_eq(h.count, 1);
	heard_assert(&h, 0, "239.1.2.3", REPORT_WANTS, false);
}
END_TEST

START_TEST(leave_leaves_its_group)
{
	struct heard h = hear_igmp("17000000 ef010203");

	ck_assert_uint_eq(h.count, 1);
	heard_assert(&h, 0, "239.1.2.3", REPORT_LEAVES, false);
}
END_TEST

START_TEST(each_record_type_says_its_own)
{
	struct heard h = hear_igmp("22000000 0000 0008"
				   "01 00 0001 ef010001 0a000001"
				   "02 00 0000 ef010002"
				   "03 00 0001 ef010003 0a000001"
				   "03 00 0000 ef010004"
				   "04 00 0000 ef010005"
				   "05 00 0002 e8010006 0a000001 0a000002"
				   "06 00 0001 e8010007 0a000001"
				   "01 00 0000 ef010008");

	ck_assert_int_eq(h.m.kind, REPORT_MEMBERS);
	ck_assert_uint_eq(h.m.version, 3);
	ck_assert(!report_is_old(&h.m));
	ck_assert_uint_eq(h.count, 8);
	heard_assert(&h, 0, "239.1.0.1", REPORT_WANTS, true);
	heard_assert(&h, 1, "239.1.0.2", REPORT_WANTS, true);
	heard_assert(&h, 2, "239.1.0.3", REPORT_WANTS, false);
	heard_assert(&h, 3, "239.1.0.4", REPORT_LEAVES, false);
	heard_assert(&h, 4, "239.1.0.5", REPORT_WANTS, false);
	heard_assert(&h, 5, "232.1.0.6", REPORT_WANTS, false);
	heard_assert(&h, 6, "232.1.0.7", REPORT_UNSURE, false);
	heard_assert(&h, 7, "239.1.0.8", REPORT_WANTS, true);
}
END_TEST

START_TEST(auxiliary_data_and_unknown_records_are_skipped)
{
	struct heard h = hear_igmp("22000000 0000 0003"
				   "04 02 0000 ef010001 01020304 05060708"
				   "07 01 0001 00000000 0a000001 deadbeef"
				   "04 00 0000 ef010002"
				   "deadbeef"); /* what follows is ignored */

	ck_assert_uint_eq(h.count, 2);
	heard_assert(&h, 0, "239.1.0.1", REPORT_WANTS, false);
	heard_assert(&h, 1, "239.1.0.2", REPORT_WANTS, false);
}
END_TEST

START_TEST(report_may_be_empty)
{
	struct heard h = hear_igmp("22000000 0000 0000");

	ck_assert_int_eq(h.m.kind, REPORT_MEMBERS);
	ck_assert_uint_eq(h.count, 0);
	h = hear_igmp("22000000 0000 0001 09 00 0000 ef010001");
	ck_assert_int_eq(h.m.kind, REPORT_MEMBERS);
	ck_assert_uint_eq(h.count, 0);
}
END_TEST

START_TEST(tagged_report_names_its_vlan)
{
	uint8_t frame[REPORT_MAX];
	size_t len = igmp_frame(frame, 77,
				"22000000 0000 0001"
				"04 00 0000 ef010001");
	struct heard h = hear(frame, len);

	ck_assert_uint_eq(h.m.vlan, 77);
	ck_assert_uint_eq(h.records[0].group.vlan, 77);
}
END_TEST

/* ---- queries ---- */

static const struct {
	const char *hex;
	uint8_t version;
	uint32_t response_ms;
	uint32_t group;
} queries[] = {
	{ "11000000 00000000", 1, 10000, 0 },
	{ "11640000 00000000", 2, 10000, 0 },
	{ "110a0000 e1010103", 2, 1000, 0xe1010103 },
	{ "11640000 00000000 027d0000", 3, 10000, 0 },
	{ "117f0000 00000000 027d0000", 3, 12700, 0 },
	/* 0x80: 16 << 3; 0xff: 31 << 10 (RFC 3376, 4.1.1) */
	{ "11800000 00000000 027d0000", 3, 12800, 0 },
	{ "11ff0000 00000000 027d0000", 3, 3174400, 0 },
	{ "110a0000 ef010203 0a7d0000", 3, 1000, 0xef010203 },
	{ "110a0000 ef010203 027d0002 0a000001 0a000002", 3, 1000, 0xef010203 },
};

START_TEST(queries_of_each_version)
{
	struct heard h = hear_igmp(queries[_i].hex);
	struct group want = { .vlan = 0 };

	if (queries[_i].group)
		want = group_v4(0, queries[_i].group);
	ck_assert_int_eq(h.m.kind, REPORT_QUERY);
	ck_assert_uint_eq(h.m.version, queries[_i].version);
	ck_assert_uint_eq(h.m.response_ms, queries[_i].response_ms);
	ck_assert(group_equal(&h.m.group, &want));
	ck_assert(h.m.has_source);
}
END_TEST

START_TEST(query_of_a_snooping_switch_has_no_source)
{
	uint8_t frame[REPORT_MAX];
	size_t len = igmp_frame(frame, 0, "11640000 00000000 027d0000");
	struct heard h;

	store_be32(frame + 26, 0);
	h = hear(frame, len);
	ck_assert_int_eq(h.m.kind, REPORT_QUERY);
	ck_assert(!h.m.has_source);
}
END_TEST

START_TEST(built_query_is_as_it_should_be)
{
	/* RFC 3376 and RFC 2113; checksums as another program puts them */
	static const char want[] =
		"\x01\x00\x5e\x00\x00\x01\x02\x00\x00\x00\x00\x09\x08\x00"
		"\x46\xc0\x00\x24\x00\x00\x40\x00\x01\x02\x04\x13"
		"\x00\x00\x00\x00\xe0\x00\x00\x01\x94\x04\x00\x00"
		"\x11\x0a\xec\x78\x00\x00\x00\x00\x02\x7d\x00\x00";
	uint8_t frame[IGMP_QUERY_MAX];
	const struct group all = { .vlan = 0 };

	ck_assert_uint_eq(igmp_build_query(frame, &all, 1000, mac), 50);
	ck_assert_mem_eq(frame, want, 50);
}
END_TEST

START_TEST(built_query_parses_to_itself)
{
	static const uint16_t vlans[] = { 0, 1, 4094 };
	static const uint32_t ips[] = { 0, 0xef010203, 0xe8808080 };
	uint8_t frame[IGMP_QUERY_MAX];
	const uint16_t vlan = vlans[_i % 3];
	const uint32_t ip = ips[_i / 3];
	struct group group = { .vlan = vlan }, to;
	struct eth_view v;
	struct heard h;
	size_t len;

	if (ip)
		group = group_v4(vlan, ip);
	len = igmp_build_query(frame, &group, 12700, mac);
	ck_assert_uint_eq(len, vlan ? 54 : 50);
	ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
	ck_assert_mem_eq(v.src, mac, ETH_ADDR_LEN);
	ck_assert_uint_eq(v.vlan, vlan);
	ck_assert_int_eq(group_of_frame(&v, &to), ip != 0);
	ck_assert_uint_eq(
		checksum_fold(checksum_add(0, frame + v.l3_offset, 24)), 0);
	h = hear(frame, len);
	ck_assert_int_eq(h.m.kind, REPORT_QUERY);
	ck_assert_uint_eq(h.m.version, 3);
	ck_assert_uint_eq(h.m.response_ms, 12700);
	ck_assert(group_equal(&h.m.group, &group));
	ck_assert(!h.m.has_source);
}
END_TEST

/* ---- attacks ---- */

static const char *const malformed[] = {
	"",   /* no message at all */
	"11", /* cut short */
	"16000000 ef0102",
	"16000000 0a000001", /* no group */
	"16000000 00000000",
	"17000000 ffffffff",
	"11640000 0a000001",
	"11640000 00000000 02", /* between v2 and v3 */
	"11640000 00000000 027d00",
	"11640000 00000000 027d0001", /* a source that is not there */
	"11640000 00000000 027dffff",
	"22000000 0000 0001", /* no record */
	"22000000 0000 ffff 04 00 0000 ef010001",
	"22000000 0000 0001 04 00 0000 ef0100",
	"22000000 0000 0001 04 00 0001 ef010001",
	"22000000 0000 0001 04 00 ffff ef010001 0a000001",
	"22000000 0000 0001 04 01 0000 ef010001",
	"22000000 0000 0001 04 ff 0000 ef010001 00000000",
	"22000000 0000 0001 04 00 0000 0a000001",
	"22000000 0000 0002 04 00 0000 ef010001 04 00 0000 7f000001",
	"22000000 0000 0002 04 00 0000 ef010001 09 00 0001 00000000",
};

START_TEST(malformed_is_told_apart)
{
	struct heard h = hear_igmp(malformed[_i]);

	ck_assert_int_eq(h.m.kind, REPORT_BAD);
}
END_TEST

static const char report[] = "22000000 0000 0002 04 00 0001 ef010001 0a000001"
			     "03 00 0000 ef010002";

START_TEST(every_flipped_bit_of_a_message_is_seen)
{
	uint8_t frame[REPORT_MAX];
	size_t len = igmp_frame(frame, 0, report);

	for (size_t bit = (14 + 24) * 8; bit < len * 8; bit++) {
		frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert_int_eq(hear(frame, len).m.kind, REPORT_BAD);
		frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	ck_assert_int_eq(hear(frame, len).m.kind, REPORT_MEMBERS);
}
END_TEST

START_TEST(report_cut_short_says_nothing)
{
	uint8_t frame[REPORT_MAX];
	size_t len = igmp_frame(frame, 0, report);

	for (size_t cut = 14 + 24; cut < len; cut++) {
		store_be16(frame + 16, (uint16_t)(cut - 14));
		igmp_repair(frame, cut);
		ck_assert_int_eq(hear(frame, cut).m.kind, REPORT_BAD);
	}
}
END_TEST

START_TEST(fragments_are_not_read)
{
	uint8_t frame[REPORT_MAX];
	size_t len = igmp_frame(frame, 0, report);

	store_be16(frame + 20, 0x2000); /* the first of several */
	ck_assert_int_eq(hear(frame, len).m.kind, REPORT_BAD);
	store_be16(frame + 20, 0x2005);
	ck_assert_int_eq(hear(frame, len).m.kind, REPORT_BAD);
	store_be16(frame + 20, 0x4000);
	ck_assert_int_eq(hear(frame, len).m.kind, REPORT_MEMBERS);
}
END_TEST

START_TEST(padding_is_not_read)
{
	uint8_t frame[REPORT_MAX];
	size_t len = igmp_frame(frame, 0, "16000000 ef010203");

	memset(frame + len, 0xff, 20);
	ck_assert_int_eq(hear(frame, len + 20).m.kind, REPORT_MEMBERS);
}
END_TEST

START_TEST(unknown_types_say_nothing_of_groups)
{
	struct heard h = hear_igmp("13000000 00000000"); /* DVMRP */

	ck_assert_int_eq(h.m.kind, REPORT_OTHER);
	h = hear_igmp("30140000 007d0002"); /* MRD */
	ck_assert_int_eq(h.m.kind, REPORT_OTHER);
}
END_TEST

START_TEST(other_frames_are_none)
{
	uint8_t frame[SAMPLE_MAX];

	for (size_t i = 0; i < SAMPLES; i++) {
		size_t len = sample_decode(frame, samples[i].name);
		bool igmp = strncmp(samples[i].name, "igmp", 4) == 0;

		ck_assert_int_eq(hear(frame, len).m.kind != REPORT_NONE, igmp);
	}
}
END_TEST

/* With the checksum put right, so that the parser behind it is reached. */
START_TEST(random_messages_break_nothing)
{
	struct rng rng = rng_init((uint64_t)_i);
	uint8_t frame[REPORT_MAX];

	for (int n = 0; n < 500; n++) {
		size_t len = igmp_frame(frame, 0, report);
		uint64_t flips = 1 + rng_below(&rng, 4);

		while (flips-- > 0)
			frame[38 + rng_below(&rng, len - 38)] =
				(uint8_t)rng_u64(&rng);
		igmp_repair(frame, len);
		hear(frame, len);
	}
}
END_TEST

/* ---- captures ---- */

static const struct {
	const char *file;
	unsigned int queries, wants, leaves;
	uint8_t version;
} captures[] = {
	{ "IGMP_V1.pcap", 3, 24, 0, 1 },
	{ "IGMP_V2.pcap", 4, 12, 2, 2 },
	{ "igmpv3-queries.pcap", 6, 0, 0, 3 },
};

START_TEST(captures_are_read)
{
	unsigned int query_count = 0, wants = 0, leaves = 0;
	struct pcap_frame frame;
	struct pcap p;

	if (!pcap_open(&p, captures[_i].file))
		return;
	while (pcap_next(&p, &frame)) {
		struct heard h = hear(frame.bytes, frame.len);

		ck_assert_uint_eq(h.m.version, captures[_i].version);
		if (h.m.kind == REPORT_QUERY)
			query_count++;
		else if (h.records[0].says == REPORT_LEAVES)
			leaves++;
		else
			wants++;
		ck_assert_uint_eq(h.count, h.m.kind == REPORT_MEMBERS);
	}
	pcap_close(&p);
	ck_assert_uint_eq(query_count, captures[_i].queries);
	ck_assert_uint_eq(wants, captures[_i].wants);
	ck_assert_uint_eq(leaves, captures[_i].leaves);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_TEST(old_reports_want_their_group),
	UNIT_TEST(leave_leaves_its_group),
	UNIT_TEST(each_record_type_says_its_own),
	UNIT_TEST(auxiliary_data_and_unknown_records_are_skipped),
	UNIT_TEST(report_may_be_empty),
	UNIT_TEST(tagged_report_names_its_vlan),
	UNIT_EACH(queries_of_each_version, queries),
	UNIT_TEST(query_of_a_snooping_switch_has_no_source),
	UNIT_TEST(built_query_is_as_it_should_be),
	UNIT_LOOP(built_query_parses_to_itself, 9),
	UNIT_EACH(malformed_is_told_apart, malformed),
	UNIT_TEST(every_flipped_bit_of_a_message_is_seen),
	UNIT_TEST(report_cut_short_says_nothing),
	UNIT_TEST(fragments_are_not_read),
	UNIT_TEST(padding_is_not_read),
	UNIT_TEST(unknown_types_say_nothing_of_groups),
	UNIT_TEST(other_frames_are_none),
	UNIT_LOOP(random_messages_break_nothing, 20),
	UNIT_EACH(captures_are_read, captures),
};

UNIT_MAIN("igmp", tests)
