#include "ether/ecn.h"

#include <check.h>
#include <string.h>

#include "base/bytes.h"
#include "support/main.h"
#include "support/rng.h"
#include "support/segments.h"

static uint8_t frame[SEGMENT_MAX], before[SEGMENT_MAX];

/* Marks a segment: whether it was, and it is sound but for the two bits. */
static bool mark(const struct segment *s)
{
	struct eth_view v;
	struct offload o;
	size_t len = segment_build(frame, sizeof(frame), s, &o);
	bool marked;

	ck_assert_uint_ne(len, 0);
	memcpy(before, frame, len);
	ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
	marked = ecn_mark(&v, frame);
	if (!marked) {
		ck_assert_mem_eq(frame, before, len);
		return false;
	}
	segment_assert_sound(frame, len, &o);
	struct segment same = *s;
	same.tos |= 3;
	ck_assert_uint_eq(segment_build(before, sizeof(before), &same, &o),
			  len);
	ck_assert_mem_eq(frame, before, len);
	return true;
}

START_TEST(what_says_that_it_understands_is_marked)
{
	for (unsigned tos = 0; tos < 256; tos++) {
		struct segment s = { .src = 1,
				     .dst = 2,
				     .ipv6 = _i & 1,
				     .tags = (unsigned)_i >> 1,
				     .vlan = 7,
				     .tos = (uint8_t)tos,
				     .payload_len = 100 };

		ck_assert_int_eq(mark(&s), (tos & 3) != 0);
	}
}
END_TEST

START_TEST(checksum_is_right_whatever_is_in_the_header)
{
	struct rng r = rng_init((uint64_t)_i);

	for (int i = 0; i < 20000; i++) {
		struct segment s = { .src = (uint8_t)rng_u64(&r),
				     .dst = (uint8_t)rng_u64(&r),
				     .udp = rng_chance(&r, 0.5),
				     .id = (uint16_t)rng_u64(&r),
				     .ttl = (uint8_t)rng_u64(&r),
				     .tos = (uint8_t)(rng_u64(&r) | 1),
				     .ip_options = 4 * rng_below(&r, 11) };

		s.src |= 1;
		ck_assert(mark(&s));
	}
}
END_TEST

/* Sums that are 0 or 0xffff on either side of the mark. */
START_TEST(checksum_is_right_at_its_ends)
{
	unsigned ends = 0;

	for (unsigned id = 0; id < 65536; id++) {
		struct segment s = { .src = 1,
				     .dst = 2,
				     .id = (uint16_t)id,
				     .tos = (uint8_t)(1 + id % 3) };

		ck_assert(mark(&s));
		ends += load_be16(frame + 24) == 0;
	}
	ck_assert_uint_ge(ends, 1);
}
END_TEST

START_TEST(what_is_no_ip_is_left)
{
	struct segment s = { .src = 1, .dst = 2, .tags = 3, .tos = 1 };

	ck_assert(!mark(&s));
	s.ipv6 = true;
	ck_assert(!mark(&s));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("marks"),
	UNIT_LOOP(what_says_that_it_understands_is_marked, 6),
	UNIT_LOOP(checksum_is_right_whatever_is_in_the_header, 3),
	UNIT_TEST(checksum_is_right_at_its_ends),
	UNIT_TEST(what_is_no_ip_is_left),
};

UNIT_MAIN("ecn", tests)
