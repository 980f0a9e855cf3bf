#include <check.h>
#include <string.h>

#include "base/bytes.h"
#include "ether/csum.h"
#include "support/main.h"
#include "support/segments.h"

static uint8_t frame[SEGMENT_MAX], before[SEGMENT_MAX];
static size_t len;
static struct eth_view v;
static struct offload o;

static const struct segment kinds[] = {
	{ .src = 1, .dst = 2, .flags = SEGMENT_ACK, .payload_len = 100 },
	{ .src = 1, .dst = 2, .flags = SEGMENT_ACK, .payload_len = 99 },
	{ .src = 1, .dst = 2, .udp = true, .payload_len = 7 },
	{ .src = 1, .dst = 2, .udp = true, .payload_len = 1400 },
	{ .src = 1, .dst = 2, .ipv6 = true, .payload_len = 1400 },
	{ .src = 1, .dst = 2, .ipv6 = true, .udp = true, .payload_len = 1 },
	{ .src = 1, .dst = 2, .tags = 2, .vlan = 7, .payload_len = 33 },
	{ .src = 1,
	  .dst = 2,
	  .ip_options = 8,
	  .options = 12,
	  .payload_len = 1 },
};

/* A frame, with a partial checksum; false: it has room for no such thing. */
static void build(const struct segment *s)
{
	len = segment_build(frame, sizeof(frame), s, &o);
	ck_assert_uint_gt(len, 0);
	ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
}

static void build_complete(const struct segment *s)
{
	build(s);
	segment_complete(frame, len, &o);
	memcpy(before, frame, len);
}

static bool make(bool wanted)
{
	o = (struct offload){ .gso_size = 77 };
	return csum_make_partial(&v, frame, len, wanted, &o);
}

static void assert_untouched(void)
{
	ck_assert(!o.csum_partial);
	ck_assert_uint_eq(o.gso_size, 0);
	ck_assert_mem_eq(frame, before, len);
}

START_TEST(right_one_is_made_partial_and_can_be_completed_again)
{
	build_complete(&kinds[_i]);
	ck_assert(make(true));
	segment_assert_sound(frame, len, &o);
	segment_complete(frame, len, &o);
	ck_assert_mem_eq(frame, before, len);
}
END_TEST

START_TEST(right_one_stays_where_that_is_not_wanted)
{
	build_complete(&kinds[_i]);
	ck_assert(!make(false));
	assert_untouched();
}
END_TEST

START_TEST(bare_pseudo_header_is_a_partial_one)
{
	const struct segment *s = &kinds[_i / 2];

	build(s);
	memcpy(before, frame, len);
	ck_assert(make(_i % 2));
	ck_assert_mem_eq(frame, before, len);
	segment_assert_sound(frame, len, &o);
}
END_TEST

START_TEST(wrong_one_is_the_receivers_to_find)
{
	for (size_t at = 14; at < 110; at += 7) {
		build_complete(&kinds[0]);
		frame[at] ^= 0x10;
		memcpy(before, frame, len);
		if (eth_parse(&v, frame, len) != DROP_NONE || at == 22)
			continue; /* TTL is no part of it */
		if (v.ip_proto != INET_PROTO_TCP || v.ip_fragment)
			continue;
		if (at >= 18 && at < 22)
			continue; /* nor is the ID */
		ck_assert(!make(true));
		assert_untouched();
	}
}
END_TEST

START_TEST(udp_without_one_stays_without)
{
	build_complete(&kinds[2]);
	store_be16(frame + v.l4_offset + 6, 0);
	memcpy(before, frame, len);
	ck_assert(!make(true));
	assert_untouched();
}
END_TEST

START_TEST(fragments_and_others_have_none)
{
	build_complete(&kinds[0]);
	frame[20] |= 0x20;
	memcpy(before, frame, len);
	ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
	ck_assert(!make(true));
	assert_untouched();
	build_complete(&kinds[0]);
	frame[23] = INET_PROTO_ICMP;
	memcpy(before, frame, len);
	ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
	ck_assert(!make(true));
	assert_untouched();
}
END_TEST

/* Whatever is right is right either way: all values that the field can have. */
START_TEST(no_value_of_the_field_is_mistaken)
{
	struct segment s = kinds[2];
	unsigned partial = 0;

	for (unsigned value = 0; value < 0x10000; value++) {
		struct offload how;

		s.src_port = (uint16_t)value;
		build_complete(&s);
		(void)segment_build(frame, sizeof(frame), &s, &how);
		segment_complete(frame, len, &how);
		partial += make(true);
		segment_complete(frame, len, &o);
		ck_assert_mem_eq(frame, before, len);
	}
	ck_assert_uint_eq(partial, 0x10000);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("csum"),
	UNIT_EACH(right_one_is_made_partial_and_can_be_completed_again, kinds),
	UNIT_EACH(right_one_stays_where_that_is_not_wanted, kinds),
	UNIT_LOOP(bare_pseudo_header_is_a_partial_one, 2 * UNIT_COUNT(kinds)),
	UNIT_TEST(wrong_one_is_the_receivers_to_find),
	UNIT_TEST(udp_without_one_stays_without),
	UNIT_TEST(fragments_and_others_have_none),
	UNIT_TEST(no_value_of_the_field_is_mistaken),
};

UNIT_MAIN("csum", tests)
