#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "ether/gso.h"
#include "support/alloc.h"
#include "support/gso_frame.h"
#include "support/main.h"
#include "support/rng.h"
#include "support/segments.h"

static uint8_t whole[SEGMENT_MAX], want[SEGMENT_MAX], got[SEGMENT_MAX];

static size_t next_frame(struct gso *g, uint8_t *to)
{
	struct gso_segment seg;

	if (!gso_next(g, to, &seg))
		return 0;
	memcpy(to + g->header_len, seg.payload, seg.payload_len);
	return g->header_len + seg.payload_len;
}

/* That `rest` is what follows the first segment of `whole`, byte for byte. */
static void assert_rest(size_t whole_len, const struct offload *whole_o,
			const uint8_t *rest, size_t len,
			const struct offload *o)
{
	struct gso all, left;
	size_t want_len = 0, got_len;

	ck_assert_int_eq(gso_begin_frame(&all, whole, whole_len, whole_o),
			 DROP_NONE);
	(void)next_frame(&all, want);
	if (o->gso == OFFLOAD_GSO_NONE) {
		ck_assert_uint_eq(next_frame(&all, want), len);
		ck_assert_mem_eq(rest, want, len);
		ck_assert_uint_eq(o->gso_size, 0);
		segment_assert_sound(rest, len, o);
		ck_assert_uint_eq(next_frame(&all, want), 0);
		return;
	}
	ck_assert_int_eq(o->gso, whole_o->gso);
	ck_assert_int_eq(gso_begin_frame(&left, rest, len, o), DROP_NONE);
	while ((got_len = next_frame(&left, got)) > 0) {
		want_len = next_frame(&all, want);
		ck_assert_uint_eq(got_len, want_len);
		ck_assert_mem_eq(got, want, want_len);
		segment_assert_sound(got, got_len, &left.offload);
	}
	ck_assert_uint_ne(want_len, 0);
	ck_assert_uint_eq(next_frame(&all, want), 0);
}

/* What would be lost is the first segment of `whole`; and it is asked for in vain where
 * nothing would be skipped. */
static void assert_first(size_t len, const struct offload *o, bool is_cut)
{
	struct gso all, g;

	ck_assert_int_eq(gso_may_skip_first(&g, whole, len, o), is_cut);
	if (!is_cut)
		return;
	ck_assert_int_eq(gso_begin_frame(&all, whole, len, o), DROP_NONE);
	ck_assert_uint_eq(next_frame(&g, got), next_frame(&all, want));
	ck_assert_mem_eq(got, want, g.header_len + g.at);
}

static bool is_to_be_cut(const struct segment *s, uint16_t size)
{
	return !s->udp && s->tags < 3 && s->payload_len > size &&
	       segment_headers_len(s) <= size;
}

/* Skips one segment after the other, until there is one. */
static void skip_all(const struct segment *s, uint16_t size)
{
	struct offload o, before;
	size_t len = segment_build_gso(whole, sizeof(whole), s, size, &o);
	uint8_t *copy = test_copy(whole, len), *frame = copy;
	size_t skipped = 0;

	before = o;
	assert_first(len, &o, is_to_be_cut(s, size));
	if (!is_to_be_cut(s, size)) {
		ck_assert(!gso_skip_first(&frame, &len, &o));
		ck_assert_ptr_eq(frame, copy);
		ck_assert_mem_eq(&o, &before, sizeof(o));
		ck_assert_mem_eq(copy, whole, len);
		free(copy);
		return;
	}
	for (size_t whole_len = len; gso_skip_first(&frame, &len, &o);
	     skipped++) {
		ck_assert(frame >= copy);
		ck_assert_uint_eq(len, whole_len - size);
		ck_assert(!o.ecn);
		assert_rest(whole_len, &before, frame, len, &o);
		memcpy(whole, frame, len);
		whole_len = len;
		before = o;
	}
	ck_assert_uint_eq(skipped, (s->payload_len - 1) / size);
	ck_assert_int_eq(o.gso, OFFLOAD_GSO_NONE);
	free(copy);
}

#define ALL_FLAGS \
	(SEGMENT_ACK | SEGMENT_PSH | SEGMENT_FIN | SEGMENT_CWR | SEGMENT_ECE)

static const struct {
	const char *what;
	struct segment s;
	uint16_t gso_size;
} samples[] = {
	{ "three and a bit",
	  { .flags = ALL_FLAGS, .payload_len = 4400 },
	  1448 },
	{ "two, the last of one byte",
	  { .flags = ALL_FLAGS, .payload_len = 1449 },
	  1448 },
	{ "exactly two", { .flags = ALL_FLAGS, .payload_len = 2896 }, 1448 },
	{ "one: nothing would be left",
	  { .flags = ALL_FLAGS, .payload_len = 1448 },
	  1448 },
	{ "less than one", { .flags = ALL_FLAGS, .payload_len = 1 }, 1448 },
	{ "the largest", { .flags = ALL_FLAGS, .payload_len = 65495 }, 1448 },
	{ "IPv6, options",
	  { .ipv6 = true,
	    .flags = ALL_FLAGS,
	    .options = 12,
	    .payload_len = 30000 },
	  1428 },
	{ "two tags, IP options",
	  { .tags = 2,
	    .vlan = 7,
	    .ip_options = 40,
	    .options = 40,
	    .payload_len = 9999 },
	  1000 },
	{ "extension headers",
	  { .ipv6 = true, .ip_options = 80, .tags = 1, .payload_len = 9999 },
	  1000 },
	{ "headers as long as a segment", { .payload_len = 999 }, 54 },
	{ "headers longer by a byte", { .payload_len = 999 }, 53 },
	{ "three tags: complete checksums",
	  { .tags = 3, .payload_len = 9999 },
	  1000 },
	{ "UDP", { .udp = true, .payload_len = 9999 }, 1000 },
	{ "sequence and ID that wrap",
	  { .seq = 0xfffffff0, .id = 0xffff, .payload_len = 9999 },
	  1000 },
};

START_TEST(rest_is_the_other_segments)
{
	struct segment s = samples[_i].s;

	s.src = 1;
	s.dst = 2;
	skip_all(&s, samples[_i].gso_size);
}
END_TEST

START_TEST(rest_of_any_frame_is_the_other_segments)
{
	struct rng r = rng_init((uint64_t)_i);

	for (int i = 0; i < 30; i++) {
		struct segment s = { .src = 1,
				     .dst = 2,
				     .ipv6 = rng_chance(&r, 0.5),
				     .tags = (unsigned)rng_below(&r, 4),
				     .vlan = 5,
				     .tos = (uint8_t)rng_u64(&r),
				     .id = (uint16_t)rng_u64(&r),
				     .seq = (uint32_t)rng_u64(&r),
				     .flags = (uint8_t)rng_u64(&r),
				     .options = 4 * rng_below(&r, 11) };

		s.ip_options = 8 * rng_below(&r, 6);
		s.payload_len = 1 + rng_below(&r, 20000);
		skip_all(&s, (uint16_t)rng_range(&r, 100, 9000));
	}
}
END_TEST

START_TEST(longest_segment_leaves_an_ordinary_frame)
{
	struct segment s = { .src = 1, .dst = 2, .ipv6 = _i & 1 };
	struct offload o;
	size_t len;
	uint8_t *frame = whole;

	/* More than fits in IP, by the bytes that two tags would need. */
	s.payload_len = ETH_OVERHEAD_MAX + 65535 - segment_headers_len(&s);
	len = segment_build_gso(whole, sizeof(whole), &s, 65535, &o);
	ck_assert(gso_skip_first(&frame, &len, &o));
	ck_assert_int_eq(o.gso, OFFLOAD_GSO_NONE);
	ck_assert_uint_eq(len, segment_headers_len(&s) + 8);
	segment_assert_sound(frame, len, &o);
}
END_TEST

/* Its addresses may be others than those of the partial sum. */
static void assert_ordinary(const uint8_t *frame, size_t len,
			    const struct offload *o)
{
	struct eth_view v;

	ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
	ck_assert_uint_eq(v.l3_end, len);
	ck_assert(eth_csum_valid(&v, len, o->csum_start, o->csum_offset));
}

/* What is refused is not changed; what is not is a frame that gso takes. */
START_TEST(changed_frames_are_cut_in_bounds_or_left)
{
	struct rng r = rng_init((uint64_t)_i);

	for (int i = 0; i < 300; i++) {
		struct segment s = { .src = 1,
				     .dst = 2,
				     .ipv6 = rng_chance(&r, 0.5),
				     .tags = (unsigned)rng_below(&r, 3),
				     .payload_len = 1 + rng_below(&r, 3000) };
		struct offload o, before;
		size_t len =
			segment_build_gso(whole, sizeof(whole), &s, 700, &o);
		size_t cut = rng_chance(&r, 0.3) ? rng_below(&r, len) : len;
		const size_t was = cut;
		uint8_t *copy, *frame;
		struct gso g;

		for (uint64_t n = rng_below(&r, 4); n > 0; n--)
			whole[rng_below(&r, 150)] = (uint8_t)rng_u64(&r);
		o.gso_size = (uint16_t)rng_below(&r, 2000);
		before = o;
		frame = copy = test_copy(whole, cut);
		if (gso_skip_first(&frame, &cut, &o)) {
			ck_assert_ptr_eq(frame + cut, copy + was);
			if (o.gso != OFFLOAD_GSO_NONE)
				ck_assert_int_eq(
					gso_begin_frame(&g, frame, cut, &o),
					DROP_NONE);
			else
				assert_ordinary(frame, cut, &o);
		} else {
			ck_assert_ptr_eq(frame, copy);
			ck_assert_uint_eq(cut, was);
			ck_assert_mem_eq(&o, &before, sizeof(o));
			ck_assert_mem_eq(copy, whole, was);
		}
		free(copy);
	}
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("skips"),
	UNIT_EACH(rest_is_the_other_segments, samples),
	UNIT_LOOP(rest_of_any_frame_is_the_other_segments, 30),
	UNIT_LOOP(longest_segment_leaves_an_ordinary_frame, 2),
	UNIT_CASE("attacks"),
	UNIT_LOOP(changed_frames_are_cut_in_bounds_or_left, 50),
};

UNIT_MAIN("gso_skip", tests)
