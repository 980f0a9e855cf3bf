#include <check.h>
#include <string.h>

#include "ether/mld.h"
#include "support/frames.h"
#include "support/group_equal.h"
#include "support/heard.h"
#include "support/main.h"
#include "support/rng.h"

/* ff0e::N */
#define G1   "ff0e0000000000000000000000000001 "
#define G2   "ff0e0000000000000000000000000002 "
#define G3   "ff0e0000000000000000000000000003 "
#define G4   "ff0e0000000000000000000000000004 "
#define NONE "00000000000000000000000000000000 "
#define HOST "fd770000000000000000000000000001 "

static const uint8_t mac[ETH_ADDR_LEN] = { 2, 0, 0, 0, 0, 9 };

/* ---- reports ---- */

START_TEST(old_reports_want_or_leave_their_group)
{
	struct heard h = hear_mld("83000000 00000000" G1);

	ck_assert_int_eq(h.m.kind, REPORT_MEMBERS);
	ck_assert(h.m.v6);
	ck_assert_uint_eq(h.m.version, 1);
	ck_assert_uint_eq(h.count, 1);
	ck_assert(report_is_old(&h.m));
	heard_assert(&h, 0, "ff0e::1", REPORT_WANTS, false);
	h = hear_mld("84000000 00000000" G1);
	ck_assert_uint_eq(h.count, 1);
	heard_assert(&h, 0, "ff0e::1", REPORT_LEAVES, false);
}
END_TEST

START_TEST(each_record_type_says_its_own)
{
	struct heard h = hear_mld(
		"8f000000 0000 0007"
		"01 00 0001" G1 HOST "02 00 0000" G2 "03 00 0001" G3 HOST
		"03 00 0000" G4 "04 01 0000" G1 "01020304"
		"05 00 0002" G2 HOST HOST "06 00 0001" G3 HOST);

	ck_assert_int_eq(h.m.kind, REPORT_MEMBERS);
	ck_assert_uint_eq(h.m.version, 2);
	ck_assert(!report_is_old(&h.m));
	ck_assert_uint_eq(h.count, 7);
	heard_assert(&h, 0, "ff0e::1", REPORT_WANTS, true);
	heard_assert(&h, 1, "ff0e::2", REPORT_WANTS, true);
	heard_assert(&h, 2, "ff0e::3", REPORT_WANTS, false);
	heard_assert(&h, 3, "ff0e::4", REPORT_LEAVES, false);
	heard_assert(&h, 4, "ff0e::1", REPORT_WANTS, false);
	heard_assert(&h, 5, "ff0e::2", REPORT_WANTS, false);
	heard_assert(&h, 6, "ff0e::3", REPORT_UNSURE, false);
}
END_TEST

START_TEST(unknown_records_are_skipped)
{
	struct heard h = hear_mld("8f000000 0000 0002"
				  "00 00 0001" NONE HOST "02 00 0000" G1);

	ck_assert_uint_eq(h.count, 1);
	heard_assert(&h, 0, "ff0e::1", REPORT_WANTS, true);
}
END_TEST

START_TEST(first_report_of_a_host_has_no_source)
{
	uint8_t frame[REPORT_MAX];
	size_t len = mld_frame(frame, 5, "8f000000 0000 0001 04 00 0000" G1);
	struct heard h;

	memset(frame + 18 + 8, 0, 16);
	mld_repair(frame, len);
	h = hear(frame, len);
	ck_assert_uint_eq(h.count, 1);
	ck_assert_uint_eq(h.m.vlan, 5);
	heard_assert(&h, 0, "ff0e::1", REPORT_WANTS, false);
}
END_TEST

/* ---- queries ---- */

static const struct {
	const char *hex;
	uint8_t version;
	uint32_t response_ms;
	const char *group;
} queries[] = {
	{ "82000000 27100000" NONE, 1, 10000, "::" },
	{ "82000000 03e80000" G1, 1, 1000, "ff0e::1" },
	{ "82000000 27100000" NONE "027d0000", 2, 10000, "::" },
	{ "82000000 7fff0000" NONE "027d0000", 2, 32767, "::" },
	/* 0x1000 << 3, 0x1fff << 10 (RFC 3810, 5.1.3) */
	{ "82000000 80000000" NONE "027d0000", 2, 32768, "::" },
	{ "82000000 ffff0000" NONE "027d0000", 2, 8387584, "::" },
	{ "82000000 03e80000" G1 "0a7d0001" HOST, 2, 1000, "ff0e::1" },
};

START_TEST(queries_of_each_version)
{
	struct heard h = hear_mld(queries[_i].hex);
	struct group want = group_parse(0, queries[_i].group);

	ck_assert_int_eq(h.m.kind, REPORT_QUERY);
	ck_assert_uint_eq(h.m.version, queries[_i].version);
	ck_assert_uint_eq(h.m.response_ms, queries[_i].response_ms);
	ck_assert(group_equal(&h.m.group, &want));
	ck_assert(h.m.has_source);
}
END_TEST

START_TEST(built_query_is_as_it_should_be)
{
	/* RFC 3810 and RFC 2711; checksum as another program puts it */
	static const char want[] =
		"\x33\x33\x00\x00\x00\x01\x02\x00\x00\x00\x00\x09\x86\xdd"
		"\x60\x00\x00\x00\x00\x24\x00\x01"
		"\xfe\x80\0\0\0\0\0\0\x00\x00\x00\xff\xfe\x00\x00\x09"
		"\xff\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"
		"\x3a\x00\x05\x02\x00\x00\x01\x00"
		"\x82\x00\x7a\xb6\x03\xe8\x00\x00"
		"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\x7d\x00\x00";
	uint8_t frame[MLD_QUERY_MAX];
	const struct group all = { .vlan = 0 };

	ck_assert_uint_eq(mld_build_query(frame, &all, 1000, mac), 90);
	ck_assert_mem_eq(frame, want, 90);
}
END_TEST

START_TEST(built_query_parses_to_itself)
{
	static const uint16_t vlans[] = { 0, 1, 4094 };
	static const char *const ips[] = { "::", "ff0e::1", "ff38::8000:1" };
	uint8_t frame[MLD_QUERY_MAX];
	const uint16_t vlan = vlans[_i % 3];
	struct group group = group_parse(vlan, ips[_i / 3]), to;
	size_t len = mld_build_query(frame, &group, 32767, mac);
	struct eth_view v;
	struct heard h;

	ck_assert_uint_eq(len, vlan ? 94 : 90);
	ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
	ck_assert_mem_eq(v.src, mac, ETH_ADDR_LEN);
	ck_assert_uint_eq(v.vlan, vlan);
	ck_assert_int_eq(group_of_frame(&v, &to), _i / 3 != 0);
	h = hear(frame, len);
	ck_assert_int_eq(h.m.kind, REPORT_QUERY);
	ck_assert_uint_eq(h.m.version, 2);
	ck_assert_uint_eq(h.m.response_ms, 32767);
	ck_assert(group_equal(&h.m.group, &group));
}
END_TEST

/* ---- attacks ---- */

static const char *const malformed[] = {
	"82000000", /* cut short */
	"83000000 00000000 ff0e",
	"8f000000",
	"8f000000 0000",
	"83000000 00000000" NONE, /* no group */
	"83000000 00000000" HOST,
	"84000000 00000000" HOST,
	"82000000 27100000" HOST,
	"82000000 27100000" NONE "02", /* between v1 and v2 */
	"82000000 27100000" NONE "027d00",
	"82000000 27100000" NONE "027d0001", /* a source that is not there */
	"82000000 27100000" NONE "027dffff" HOST,
	"8f000000 0000 0001", /* no record */
	"8f000000 0000 ffff 04 00 0000" G1,
	"8f000000 0000 0001 04 00 0000 ff0e",
	"8f000000 0000 0001 04 00 0001" G1,
	"8f000000 0000 0001 04 00 ffff" G1 HOST,
	"8f000000 0000 0001 04 ff 0000" G1,
	"8f000000 0000 0001 04 00 0000" HOST,
	"8f000000 0000 0002 04 00 0000" G1 "04 00 0000" NONE,
	/* a v4-mapped address is no IPv6 group */
	"8f000000 0000 0001 04 00 0000 00000000000000000000ffffef010203",
};

START_TEST(malformed_is_told_apart)
{
	struct heard h = hear_mld(malformed[_i]);

	ck_assert_int_eq(h.m.kind, REPORT_BAD);
}
END_TEST

/* Hosts answer none of these, so they make nobody a router. */
START_TEST(query_that_no_host_answers_is_malformed)
{
	static const char query[] = "82000000 27100000" NONE "027d0000";
	uint8_t frame[REPORT_MAX], good[REPORT_MAX];
	size_t len = mld_frame(good, 0, query);

	ck_assert_int_eq(hear(good, len).m.kind, REPORT_QUERY);
	memcpy(frame, good, len);
	frame[14 + 7] = 64; /* hop limit */
	ck_assert_int_eq(hear(frame, len).m.kind, REPORT_BAD);
	memcpy(frame, good, len);
	store_be16(frame + 14 + 8, 0x2001); /* a global source */
	mld_repair(frame, len);
	ck_assert_int_eq(hear(frame, len).m.kind, REPORT_BAD);
	memset(frame + 14 + 8, 0, 16);
	mld_repair(frame, len);
	ck_assert_int_eq(hear(frame, len).m.kind, REPORT_BAD);
	memcpy(frame, good, len);
	frame[14 + 6] = 60; /* destination options instead of hop-by-hop */
	ck_assert_int_eq(hear(frame, len).m.kind, REPORT_BAD);
}
END_TEST

static const char report[] =
	"8f000000 0000 0002 04 00 0001" G1 HOST "03 00 0000" G2;

START_TEST(every_flipped_bit_of_a_message_is_seen)
{
	uint8_t frame[REPORT_MAX];
	size_t len = mld_frame(frame, 0, report);

	/* The type's own bits may make it another protocol's message. */
	for (size_t bit = (14 + 48 + 1) * 8; bit < len * 8; bit++) {
		frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert_int_eq(hear(frame, len).m.kind, REPORT_BAD);
		frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	ck_assert_int_eq(hear(frame, len).m.kind, REPORT_MEMBERS);
}
END_TEST

START_TEST(checksum_covers_the_addresses)
{
	uint8_t frame[REPORT_MAX];
	size_t len = mld_frame(frame, 0, report);

	for (size_t at = 14 + 8; at < 14 + 40; at++) {
		frame[at] ^= 0x10;
		ck_assert_int_eq(hear(frame, len).m.kind, REPORT_BAD);
		frame[at] ^= 0x10;
	}
}
END_TEST

START_TEST(report_cut_short_says_nothing)
{
	uint8_t frame[REPORT_MAX];
	size_t len = mld_frame(frame, 0, report);

	for (size_t cut = 14 + 48 + 1; cut < len; cut++) {
		store_be16(frame + 18, (uint16_t)(cut - 14 - 40));
		mld_repair(frame, cut);
		ck_assert_int_eq(hear(frame, cut).m.kind, REPORT_BAD);
	}
}
END_TEST

START_TEST(fragments_are_not_read)
{
	uint8_t frame[REPORT_MAX];
	size_t len = mld_frame(frame, 0, report);

	/* The hop-by-hop header becomes a fragment's, of as many bytes. */
	frame[14 + 6] = 44;
	memcpy(frame + 14 + 40, "\x3a\0\0\x01\0\0\0\x07", 8);
	ck_assert_int_eq(hear(frame, len).m.kind, REPORT_BAD);
	/* A later one does not even show that it is MLD. */
	frame[14 + 43] = 0x09;
	ck_assert_int_eq(hear(frame, len).m.kind, REPORT_NONE);
}
END_TEST

START_TEST(other_icmpv6_is_none)
{
	/* echo, neighbour solicitation, multicast router advertisement */
	static const char *const other[] = { "80000000 00010001",
					     ("87000000 00000000" HOST),
					     "97140000 007d0002" };

	ck_assert_int_eq(hear_mld(other[_i]).m.kind, REPORT_NONE);
}
END_TEST

START_TEST(random_messages_break_nothing)
{
	struct rng rng = rng_init((uint64_t)_i);
	uint8_t frame[REPORT_MAX];

	for (int n = 0; n < 500; n++) {
		size_t len = mld_frame(frame, 0, report);
		uint64_t flips = 1 + rng_below(&rng, 4);

		while (flips-- > 0)
			frame[54 + rng_below(&rng, len - 54)] =
				(uint8_t)rng_u64(&rng);
		mld_repair(frame, len);
		hear(frame, len);
	}
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_TEST(old_reports_want_or_leave_their_group),
	UNIT_TEST(each_record_type_says_its_own),
	UNIT_TEST(unknown_records_are_skipped),
	UNIT_TEST(first_report_of_a_host_has_no_source),
	UNIT_EACH(queries_of_each_version, queries),
	UNIT_TEST(built_query_is_as_it_should_be),
	UNIT_LOOP(built_query_parses_to_itself, 9),
	UNIT_EACH(malformed_is_told_apart, malformed),
	UNIT_TEST(query_that_no_host_answers_is_malformed),
	UNIT_TEST(every_flipped_bit_of_a_message_is_seen),
	UNIT_TEST(checksum_covers_the_addresses),
	UNIT_TEST(report_cut_short_says_nothing),
	UNIT_TEST(fragments_are_not_read),
	UNIT_LOOP(other_icmpv6_is_none, 3),
	UNIT_LOOP(random_messages_break_nothing, 20),
};

UNIT_MAIN("mld", tests)
