/* GSO frames as eth_parse_gso reads them; partial checksums completed. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "ether/eth.h"
#include "support/alloc.h"
#include "support/main.h"
#include "support/rng.h"
#include "support/segments.h"

static uint8_t frame[SEGMENT_MAX];

static struct eth_view parse_gso(size_t len)
{
	uint8_t *copy = test_copy(frame, len);
	struct eth_view v;

	ck_assert_int_eq(eth_parse_gso(&v, copy, len), DROP_NONE);
	free(copy);
	return v;
}

static void assert_same_view(const struct eth_view *x, const struct eth_view *y)
{
	ck_assert_int_eq(x->l3, y->l3);
	ck_assert_uint_eq(x->l3_offset, y->l3_offset);
	ck_assert_uint_eq(x->l3_end, y->l3_end);
	ck_assert_uint_eq(x->l4_offset, y->l4_offset);
	ck_assert_uint_eq(x->ip_proto, y->ip_proto);
	ck_assert_mem_eq(x->ip_src, y->ip_src, sizeof(x->ip_src));
	ck_assert_mem_eq(x->ip_dst, y->ip_dst, sizeof(x->ip_dst));
}

static const struct segment gso_samples[] = {
	{ .src = 1, .dst = 2, .payload_len = 60000, .options = 12 },
	{ .src = 1, .dst = 2, .payload_len = 60000, .udp = true },
	{ .src = 1, .dst = 2, .payload_len = 60000, .ipv6 = true },
	{ .src = 1, .dst = 2, .payload_len = 3000, .tags = 1 },
	{ .src = 1, .dst = 2, .payload_len = 3000, .tags = 2, .ip_options = 8 },
	{ .src = 1,
	  .dst = 2,
	  .payload_len = 3000,
	  .ipv6 = true,
	  .ip_options = 80 },
};

START_TEST(gso_frame_whose_length_is_right_reads_as_any_frame)
{
	struct eth_view v, gso_frame;
	struct offload o;
	size_t len = segment_build(frame, sizeof(frame), &gso_samples[_i], &o);

	ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
	gso_frame = parse_gso(len);
	assert_same_view(&v, &gso_frame);
	ck_assert_uint_eq(v.l3_end, len);
	ck_assert(eth_csum_valid(&v, len, o.csum_start, o.csum_offset));
}
END_TEST

/* A plain parse believes the length, so that the headers go unread. */
START_TEST(gso_frame_ends_with_the_bytes_whatever_its_length_says)
{
	static const uint16_t lies[] = { 0, 1, 19, 20, 100, 65535 };
	struct offload o;
	size_t len = segment_build(frame, sizeof(frame), &gso_samples[_i], &o);
	struct eth_view honest = parse_gso(len), v;
	size_t at = honest.l3_offset + (gso_samples[_i].ipv6 ? 4u : 2u);

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		store_be16(frame + at, lies[i]);
		v = parse_gso(len);
		assert_same_view(&v, &honest);
		ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
		ck_assert_uint_ne(v.l3_end, len);
	}
	store_be16(frame + at, 0);
	eth_parse(&v, frame, len);
	ck_assert_uint_eq(v.l4_offset, 0);
	ck_assert(!eth_csum_valid(&v, len, o.csum_start, o.csum_offset));
}
END_TEST

START_TEST(gso_frame_may_be_longer_than_an_ip_packet)
{
	struct segment s = gso_samples[_i];
	struct offload o;
	struct eth_view v;
	size_t len;

	s.payload_len = 65535 - segment_headers_len(&s);
	len = segment_build(frame, sizeof(frame), &s, &o);
	v = parse_gso(len + 15);
	ck_assert_uint_eq(v.l3_end, len + 15);
	ck_assert_uint_eq(v.l4_offset, o.csum_start);
}
END_TEST

START_TEST(every_cut_of_a_gso_frame_is_read_in_bounds)
{
	struct offload o;
	struct eth_view v;
	size_t len = segment_build(frame, sizeof(frame), &gso_samples[_i], &o);

	for (size_t cut = 0; cut < 300 && cut < len; cut++) {
		uint8_t *copy = test_copy(frame, cut);

		if (eth_parse_gso(&v, copy, cut) == DROP_NONE)
			ck_assert(v.l4_offset < cut && v.l3_end <= cut);
		free(copy);
	}
}
END_TEST

static struct segment random_segment(struct rng *r)
{
	struct segment s = { .src = 1, .dst = 2 };

	s.ipv6 = rng_chance(r, 0.5);
	s.udp = rng_chance(r, 0.5);
	s.tags = (unsigned)rng_below(r, 3);
	s.ip_options = 8 * rng_below(r, 3);
	s.options = 4 * rng_below(r, 11);
	s.src_port = (uint16_t)rng_u64(r);
	s.seq = (uint32_t)rng_u64(r);
	s.payload_len = rng_below(r, 1500);
	return s;
}

START_TEST(completed_checksum_is_the_one_a_full_sum_gives)
{
	struct rng r = rng_init((uint64_t)_i);
	struct offload o, complete = { 0 };
	struct segment s = random_segment(&r);
	size_t len = segment_build(frame, sizeof(frame), &s, &o);
	uint8_t *copy = test_copy(frame, len);
	struct eth_view v;

	ck_assert_int_eq(eth_parse(&v, copy, len), DROP_NONE);
	ck_assert(eth_csum_valid(&v, len, o.csum_start, o.csum_offset));
	eth_csum_complete(&v, copy, o.csum_offset);
	segment_assert_sound(copy, len, &complete);
	segment_complete(frame, len, &o);
	ck_assert_mem_eq(copy, frame, len);
	free(copy);
}
END_TEST

START_TEST(padding_has_no_part_in_the_checksum)
{
	struct segment s = {
		.src = 1, .dst = 2, .udp = true, .payload_len = 5
	};
	struct offload o, complete = { 0 };
	size_t len = segment_build(frame, sizeof(frame), &s, &o);
	struct eth_view v;

	memset(frame + len, 0xa5, 20);
	ck_assert_int_eq(eth_parse(&v, frame, len + 20), DROP_NONE);
	eth_csum_complete(&v, frame, o.csum_offset);
	segment_assert_sound(frame, len, &complete);
	ck_assert_uint_eq(frame[len], 0xa5);
}
END_TEST

/* Payloads of two bytes take every value, so that one sums to zero. */
START_TEST(udp_checksum_of_zero_is_written_as_ffff)
{
	struct segment s = {
		.src = 1, .dst = 2, .udp = true, .payload_len = 2
	};
	struct offload o;
	size_t len = segment_build(frame, sizeof(frame), &s, &o);
	uint8_t *field = frame + o.csum_start + o.csum_offset;
	uint16_t partial = load_be16(field);
	unsigned ffff = 0;
	struct eth_view v;

	ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
	for (uint32_t value = 0; value <= 0xffff; value++) {
		store_be16(frame + len - 2, (uint16_t)value);
		store_be16(field, partial);
		eth_csum_complete(&v, frame, o.csum_offset);
		ck_assert_uint_ne(load_be16(field), 0);
		ffff += load_be16(field) == 0xffff;
	}
	ck_assert_uint_ge(ffff, 1);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("GSO frames"),
	UNIT_EACH(gso_frame_whose_length_is_right_reads_as_any_frame,
		  gso_samples),
	UNIT_EACH(gso_frame_ends_with_the_bytes_whatever_its_length_says,
		  gso_samples),
	UNIT_EACH(gso_frame_may_be_longer_than_an_ip_packet, gso_samples),
	UNIT_EACH(every_cut_of_a_gso_frame_is_read_in_bounds, gso_samples),
	UNIT_CASE("completed checksums"),
	UNIT_LOOP(completed_checksum_is_the_one_a_full_sum_gives, 200),
	UNIT_TEST(padding_has_no_part_in_the_checksum),
	UNIT_TEST(udp_checksum_of_zero_is_written_as_ffff),
};

UNIT_MAIN("eth_gso", tests)
