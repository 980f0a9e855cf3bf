#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "plain/spread.h"
#include "support/main.h"
#include "support/segments.h"

static const uint8_t key[SIPHASH_KEY_LEN] = { 1, 2, 3 };

static uint16_t spread(const struct segment *s)
{
	static uint8_t frame[SEGMENT_MAX];
	struct offload o;
	struct eth_view v;
	const size_t len = segment_build(frame, sizeof(frame), s, &o);

	ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
	return spread_of(key, &v, frame);
}

static const struct segment tcp = { .src = 1,
				    .dst = 2,
				    .src_port = 4000,
				    .dst_port = 80,
				    .flags = SEGMENT_ACK,
				    .payload_len = 100 };

START_TEST(one_flow_has_one)
{
	struct segment s = tcp;

	s.seq += 1000;
	s.id++;
	s.payload_len = 5;
	s.tos = 4;
	ck_assert_uint_eq(spread(&s), spread(&tcp));
	s.ipv6 = true;
	ck_assert_uint_eq(spread(&s), spread(&s));
}
END_TEST

START_TEST(what_tells_flows_apart)
{
	struct segment s[7];

	for (size_t i = 0; i < 7; i++)
		s[i] = tcp;
	s[1].src = 3;
	s[2].dst = 3;
	s[3].src_port++;
	s[4].dst_port++;
	s[5].udp = true;
	s[6].ipv6 = true;
	for (size_t i = 0; i < 7; i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_uint_ne(spread(&s[i]), spread(&s[j]));
}
END_TEST

START_TEST(many_flows_are_spread_evenly)
{
	unsigned at[16] = { 0 };
	struct segment s = tcp;

	for (unsigned i = 0; i < 1600; i++) {
		s.src_port = (uint16_t)(1000 + i);
		at[spread(&s) % 16]++;
	}
	for (unsigned i = 0; i < 16; i++) {
		ck_assert_uint_gt(at[i], 50);
		ck_assert_uint_lt(at[i], 150);
	}
}
END_TEST

/* None of a packet's fragments but the first has its ports. */
START_TEST(fragments_go_together)
{
	static uint8_t frame[SEGMENT_MAX];
	struct segment s = tcp;
	struct offload o;
	struct eth_view v;
	size_t len;
	uint16_t first;

	s.udp = true;
	len = segment_build(frame, sizeof(frame), &s, &o);
	frame[20] = 0x20; /* more fragments */
	ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
	first = spread_of(key, &v, frame);
	frame[20] = 0;
	frame[21] = 100;
	frame[34] ^= 0xff;
	ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
	ck_assert_uint_eq(spread_of(key, &v, frame), first);
}
END_TEST

START_TEST(nobody_without_the_key_knows_it)
{
	static const uint8_t other[SIPHASH_KEY_LEN] = { 1, 2, 4 };
	static uint8_t frame[SEGMENT_MAX];
	struct offload o;
	struct eth_view v;

	(void)segment_build(frame, sizeof(frame), &tcp, &o);
	ck_assert_int_eq(eth_parse(&v, frame, 100), DROP_NONE);
	ck_assert_uint_ne(spread_of(key, &v, frame),
			  spread_of(other, &v, frame));
}
END_TEST

START_TEST(what_is_not_ip_goes_by_its_macs)
{
	uint8_t frame[60] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x06 };
	struct eth_view v;
	uint16_t first;

	ck_assert_int_eq(eth_parse(&v, frame, sizeof(frame)), DROP_NONE);
	first = spread_of(key, &v, frame);
	ck_assert_uint_ne(first, 0);
	frame[30] = 1;
	ck_assert_uint_eq(spread_of(key, &v, frame), first);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("spread"),
	UNIT_TEST(one_flow_has_one),
	UNIT_TEST(what_tells_flows_apart),
	UNIT_TEST(many_flows_are_spread_evenly),
	UNIT_TEST(fragments_go_together),
	UNIT_TEST(nobody_without_the_key_knows_it),
	UNIT_TEST(what_is_not_ip_goes_by_its_macs),
};

UNIT_MAIN("spread", tests)
