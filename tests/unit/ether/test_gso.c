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

#define CANARY 0xc5

static uint8_t gso_frame[SEGMENT_MAX], want[SEGMENT_MAX], got[SEGMENT_MAX];

static size_t min(size_t x, size_t y)
{
	return x < y ? x : y;
}

static size_t build_gso(const struct segment *s, uint16_t gso_size,
			struct offload *o)
{
	return segment_build_gso(gso_frame, sizeof(gso_frame), s, gso_size, o);
}

/* The next segment as one frame in `got`; its length, or 0. */
static size_t next_frame(struct gso *g)
{
	struct gso_segment seg;

	memset(got, CANARY, GSO_HEADER_MAX + 1);
	if (!gso_next(g, got, &seg)) {
		ck_assert_ptr_null(seg.payload);
		ck_assert_uint_eq(seg.payload_len, 0);
		ck_assert_uint_eq(got[0], CANARY);
		return 0;
	}
	ck_assert_uint_eq(got[g->header_len], CANARY);
	ck_assert_uint_ge(seg.payload_len, 1);
	memcpy(got + g->header_len, seg.payload, seg.payload_len);
	return g->header_len + seg.payload_len;
}

/* Splits at frame_max and compares each segment with what the builder makes. */
static void split_as_expected(struct gso *g, const struct segment *s,
			      size_t frame_max, size_t size)
{
	size_t count = gso_split(g, frame_max), at = 0;

	ck_assert_uint_eq(count, (s->payload_len + size - 1) / size);
	for (unsigned i = 0; i < count; i++, at += size) {
		struct segment e = segment_of_gso(s, at, size, i);
		struct offload o;
		size_t len = segment_build(want, sizeof(want), &e, &o);

		if (g->complete)
			segment_complete(want, len, &o);
		ck_assert_uint_eq(next_frame(g), len);
		segment_assert_sound(got, len, &g->offload);
		ck_assert_mem_eq(got, want, len);
		ck_assert_int_eq(g->offload.csum_partial, !g->complete);
		if (g->complete)
			continue;
		ck_assert_uint_eq(g->offload.csum_start, o.csum_start);
		ck_assert_uint_eq(g->offload.csum_offset, o.csum_offset);
		ck_assert_int_eq(g->offload.gso, OFFLOAD_GSO_NONE);
		ck_assert_uint_eq(g->offload.hdr_len, 0);
	}
	ck_assert_uint_eq(next_frame(g), 0);
	ck_assert_uint_eq(next_frame(g), 0);
}

static void assert_refused(const uint8_t *frame, size_t len,
			   const struct offload *o, const char *what)
{
	uint8_t *copy = test_copy(frame, len);
	struct gso_segment seg;
	struct gso g;

	ck_assert_msg(gso_begin_frame(&g, copy, len, o) == DROP_offload_bad,
		      "%s", what);
	ck_assert_uint_eq(g.header_len, 0);
	ck_assert(!gso_next(&g, got, &seg));
	free(copy);
}

#define ALL_FLAGS \
	(SEGMENT_ACK | SEGMENT_PSH | SEGMENT_FIN | SEGMENT_CWR | SEGMENT_ECE)

static const struct {
	const char *what;
	struct segment s;
	uint16_t gso_size;
} gso_samples[] = {
	{ "TCP over IPv4",
	  { .flags = ALL_FLAGS, .df = true, .payload_len = 10000 },
	  1460 },
	{ "a multiple of the MSS",
	  { .flags = ALL_FLAGS, .payload_len = 14480, .options = 12 },
	  1448 },
	{ "one byte more", { .flags = ALL_FLAGS, .payload_len = 14481 }, 1448 },
	{ "one segment", { .flags = ALL_FLAGS, .payload_len = 1448 }, 1448 },
	{ "less than one", { .flags = ALL_FLAGS, .payload_len = 1 }, 1448 },
	{ "as large as a TAP hands over",
	  { .flags = SEGMENT_ACK, .payload_len = 65495 },
	  1448 },
	{ "TCP over IPv6",
	  { .flags = ALL_FLAGS, .ipv6 = true, .payload_len = 60000 },
	  1428 },
	{ "a tag",
	  { .flags = ALL_FLAGS, .tags = 1, .vlan = 7, .payload_len = 9999 },
	  1001 },
	{ "two tags, options everywhere",
	  { .flags = ALL_FLAGS,
	    .tags = 2,
	    .ip_options = 40,
	    .options = 40,
	    .payload_len = 9999 },
	  1000 },
	{ "extension headers",
	  { .flags = ALL_FLAGS,
	    .ipv6 = true,
	    .ip_options = 80,
	    .options = 40,
	    .tags = 2,
	    .payload_len = 9999 },
	  1000 },
	{ "three tags, behind which checksums are completed",
	  { .flags = ALL_FLAGS, .tags = 3, .vlan = 9, .payload_len = 9999 },
	  1001 },
	{ "four tags, IPv6, UDP",
	  { .udp = true, .ipv6 = true, .tags = 4, .payload_len = 9999 },
	  1001 },
	{ "long extension headers",
	  { .flags = ALL_FLAGS,
	    .ipv6 = true,
	    .ip_options = 2048,
	    .payload_len = 30000 },
	  1000 },
	{ "sequence and ID that wrap",
	  { .flags = ALL_FLAGS,
	    .seq = 0xfffffa00,
	    .id = 0xfffe,
	    .payload_len = 9999 },
	  500 },
	{ "UDP over IPv4", { .udp = true, .payload_len = 30000 }, 1200 },
	{ "UDP over IPv6",
	  { .udp = true, .ipv6 = true, .tags = 1, .payload_len = 30001 },
	  1200 },
	{ "UDP of one byte each", { .udp = true, .payload_len = 64 }, 1 },
	{ "UDP larger than any MTU",
	  { .udp = true, .payload_len = 65507 },
	  65507 },
};

static size_t build_nth(int i, struct segment *s, struct offload *o)
{
	*s = gso_samples[i].s;
	s->src = 1;
	s->dst = 2;
	return build_gso(s, gso_samples[i].gso_size, o);
}

START_TEST(segments_are_what_their_sender_would_have_sent)
{
	struct segment s;
	struct offload o;
	struct gso g;
	size_t len = build_nth(_i, &s, &o);

	ck_assert_int_eq(gso_begin_frame(&g, gso_frame, len, &o), DROP_NONE);
	ck_assert_uint_eq(g.header_len, segment_headers_len(&s));
	split_as_expected(&g, &s, SIZE_MAX, gso_samples[_i].gso_size);
}
END_TEST

START_TEST(one_gso_frame_is_split_for_many_peers_and_left_as_it_was)
{
	struct segment s;
	struct offload o;
	struct gso g;
	size_t len = build_nth(_i, &s, &o), size = gso_samples[_i].gso_size;
	uint8_t *copy = test_copy(gso_frame, len);

	ck_assert_int_eq(gso_begin_frame(&g, copy, len, &o), DROP_NONE);
	for (size_t room = 60; room <= 2000; room += 333) {
		size_t frame_max = segment_headers_len(&s) + room;
		size_t fits = room < GSO_PAYLOAD_MIN || s.udp ? size
							      : min(size, room);

		split_as_expected(&g, &s, frame_max, fits);
		gso_split(&g, frame_max); /* abandoned after one segment */
		ck_assert_uint_ne(next_frame(&g), 0);
	}
	ck_assert_mem_eq(copy, gso_frame, len);
	free(copy);
}
END_TEST

START_TEST(tcp_is_split_to_fit_unless_hardly_anything_would)
{
	struct segment s = { .src = 1, .dst = 2, .payload_len = 5000 };
	struct offload o;
	struct gso g;
	size_t len = build_gso(&s, 1460, &o), headers = 54;

	ck_assert_int_eq(gso_begin_frame(&g, gso_frame, len, &o), DROP_NONE);
	split_as_expected(&g, &s, headers + 1461, 1460);
	split_as_expected(&g, &s, headers + 1459, 1459);
	split_as_expected(&g, &s, headers + GSO_PAYLOAD_MIN, GSO_PAYLOAD_MIN);
	split_as_expected(&g, &s, headers + GSO_PAYLOAD_MIN - 1, 1460);
	split_as_expected(&g, &s, headers, 1460);
	split_as_expected(&g, &s, 0, 1460);
}
END_TEST

START_TEST(segment_is_never_longer_than_an_ip_packet)
{
	struct segment s = { .src = 1, .dst = 2, .ipv6 = _i & 1 };
	struct offload o;
	struct gso g;
	size_t len;

	/* The bytes that two tags need, but no tag. */
	s.payload_len = ETH_OVERHEAD_MAX + 65535 - segment_headers_len(&s);
	len = build_gso(&s, 65535, &o);
	ck_assert_int_eq(gso_begin_frame(&g, gso_frame, len, &o), DROP_NONE);
	split_as_expected(&g, &s, SIZE_MAX, 65535 - (s.ipv6 ? 60 : 40));
	split_as_expected(&g, &s, SIZE_MAX - 1, 65535 - (s.ipv6 ? 60 : 40));
	assert_refused(gso_frame, len + 1, &o, "more than the largest frame");
}
END_TEST

START_TEST(lengths_of_the_gso_frame_itself_are_not_believed)
{
	static const uint16_t lies[] = { 0, 1, 20, 21, 60, 1500, 65535 };
	struct segment s;
	struct offload o;
	struct gso g;
	size_t len = build_nth(_i, &s, &o);
	size_t ip = 14 + 4 * s.tags;

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		store_be16(gso_frame + ip + (s.ipv6 ? 4 : 2), lies[i]);
		if (s.udp)
			store_be16(gso_frame + o.csum_start + 4, lies[i]);
		o.hdr_len = lies[i];
		ck_assert_int_eq(gso_begin_frame(&g, gso_frame, len, &o),
				 DROP_NONE);
		split_as_expected(&g, &s, SIZE_MAX, gso_samples[_i].gso_size);
	}
}
END_TEST

START_TEST(cwr_leaves_once_whether_or_not_ecn_is_said)
{
	struct segment s = { .src = 1,
			     .dst = 2,
			     .flags = SEGMENT_ACK | SEGMENT_CWR,
			     .payload_len = 4000 };
	struct offload o;
	struct gso g;
	size_t len = build_gso(&s, 1000, &o);

	o.ecn = _i != 0;
	ck_assert_int_eq(gso_begin_frame(&g, gso_frame, len, &o), DROP_NONE);
	split_as_expected(&g, &s, SIZE_MAX, 1000);
	ck_assert(!g.offload.ecn);
}
END_TEST

static struct segment random_gso(struct rng *r)
{
	struct segment s = { .src = 1, .dst = 2, .ttl = 64 };

	s.ipv6 = rng_chance(r, 0.5);
	s.udp = rng_chance(r, 0.3);
	s.tags = (unsigned)rng_below(r, 5);
	s.vlan = (uint16_t)rng_below(r, 4000);
	s.tos = (uint8_t)rng_u64(r);
	s.id = (uint16_t)rng_u64(r);
	s.df = rng_chance(r, 0.5);
	s.ip_options = 8 * rng_below(r, s.ipv6 ? 14 : 6);
	s.seq = (uint32_t)rng_u64(r);
	s.ack = (uint32_t)rng_u64(r);
	s.flags = (uint8_t)rng_u64(r);
	s.window = (uint16_t)rng_u64(r);
	s.options = 4 * rng_below(r, 11);
	s.option = (uint8_t)rng_u64(r);
	s.payload_len = 1 + rng_below(r, 65000);
	return s;
}

START_TEST(any_gso_frame_is_split_right)
{
	struct rng r = rng_init((uint64_t)_i);
	struct segment s = random_gso(&r);
	uint16_t size = (uint16_t)(32 + rng_below(&r, 9000));
	size_t room = GSO_PAYLOAD_MIN + rng_below(&r, 3000);
	struct offload o;
	struct gso g;
	size_t len = build_gso(&s, size, &o);
	uint8_t *copy = test_copy(gso_frame, len);

	ck_assert_int_eq(gso_begin_frame(&g, copy, len, &o), DROP_NONE);
	split_as_expected(&g, &s, SIZE_MAX, size);
	split_as_expected(&g, &s, segment_headers_len(&s) + room,
			  s.udp ? size : min(size, room));
	free(copy);
}
END_TEST

/* ---- attacks ---- */

START_TEST(offload_that_does_not_fit_is_refused)
{
	struct segment s;
	struct offload right, o;
	size_t len = build_nth(_i, &s, &right);

	for (int gso = OFFLOAD_GSO_NONE; gso <= OFFLOAD_GSO_UDP_L4; gso++) {
		o = right;
		o.gso = (enum offload_gso)gso;
		if (o.gso != right.gso)
			assert_refused(gso_frame, len, &o, "another GSO type");
	}
	o = right;
	o.csum_partial = false;
	assert_refused(gso_frame, len, &o, "a complete checksum");
	o = right;
	o.csum_start++;
	assert_refused(gso_frame, len, &o, "checksum from elsewhere");
	o.csum_start = 65535;
	assert_refused(gso_frame, len, &o, "checksum from outside");
	o = right;
	o.csum_offset = s.udp ? 16 : 6;
	assert_refused(gso_frame, len, &o, "the other protocol's checksum");
	o.csum_offset = 65535;
	assert_refused(gso_frame, len, &o, "checksum to outside");
	o = right;
	o.gso_size = 0;
	assert_refused(gso_frame, len, &o, "segments of no size");
}
END_TEST

START_TEST(segments_beyond_count_are_refused)
{
	struct segment s = {
		.src = 1, .dst = 2, .udp = _i & 1, .payload_len = 60000
	};
	struct offload o;
	struct gso g;
	size_t len = build_gso(&s, 29, &o);

	assert_refused(gso_frame, len, &o, "2069 segments");
	o.gso_size = 1;
	assert_refused(gso_frame, len, &o, "60000 segments");
	o.gso_size = 30;
	ck_assert_int_eq(gso_begin_frame(&g, gso_frame, len, &o), DROP_NONE);
	ck_assert_uint_eq(gso_split(&g, 0), 2000);
}
END_TEST

START_TEST(no_split_makes_more_segments_than_promised)
{
	struct segment s = { .src = 1, .dst = 2, .payload_len = 65495 };
	struct offload o;
	struct gso g;
	size_t len = build_gso(&s, 65495, &o);

	ck_assert_int_eq(gso_begin_frame(&g, gso_frame, len, &o), DROP_NONE);
	for (size_t max = 0; max < 1000; max++)
		ck_assert_uint_le(gso_split(&g, max), GSO_SEGMENTS_MAX);
}
END_TEST

START_TEST(tcp_header_must_lie_in_the_frame)
{
	struct segment s;
	struct offload o;
	struct gso g;
	size_t len = build_nth(_i, &s, &o);
	size_t l4 = o.csum_start;

	if (s.udp)
		return;
	for (unsigned words = 0; words < 16; words++) {
		gso_frame[l4 + 12] = (uint8_t)(words << 4);
		if (words < 5 || l4 + 4u * words >= len)
			assert_refused(gso_frame, len, &o, "data offset");
		else
			ck_assert_int_eq(
				gso_begin_frame(&g, gso_frame, len, &o),
				DROP_NONE);
	}
}
END_TEST

START_TEST(headers_have_a_bound)
{
	struct segment s = {
		.src = 1, .dst = 2, .ipv6 = true, .payload_len = 5000
	};
	struct offload o;
	struct gso g;
	size_t len;

	s.ip_options = 4000;
	s.options = 20;
	len = build_gso(&s, 1000, &o);
	ck_assert_uint_eq(segment_headers_len(&s), 4094);
	ck_assert_int_eq(gso_begin_frame(&g, gso_frame, len, &o), DROP_NONE);
	split_as_expected(&g, &s, SIZE_MAX, 1000);
	s.options = 24;
	len = build_gso(&s, 1000, &o);
	assert_refused(gso_frame, len, &o, "4098 bytes of headers");
}
END_TEST

START_TEST(fragments_are_refused)
{
	struct segment s = {
		.src = 1, .dst = 2, .udp = _i & 1, .payload_len = 5000
	};
	struct offload o;
	size_t len = build_gso(&s, 1000, &o);

	store_be16(gso_frame + 20, 0x2000);
	assert_refused(gso_frame, len, &o, "the first IPv4 fragment");
	store_be16(gso_frame + 20, 0x0001);
	assert_refused(gso_frame, len, &o, "a later IPv4 fragment");
	s.ipv6 = true;
	s.ip_options = 8;
	len = build_gso(&s, 1000, &o);
	gso_frame[20] = 44; /* destination options become a fragment header */
	assert_refused(gso_frame, len, &o, "an atomic IPv6 fragment");
}
END_TEST

START_TEST(udp_datagrams_that_no_ip_packet_holds_are_refused)
{
	struct segment s = {
		.src = 1, .dst = 2, .udp = true, .payload_len = 65507
	};
	struct offload o;
	size_t len = build_gso(&s, 65535, &o);

	assert_refused(gso_frame, len + 1, &o, "65536 bytes of IP");
}
END_TEST

START_TEST(every_cut_of_a_gso_frame_is_read_in_bounds)
{
	struct segment s;
	struct offload o;
	struct gso g;
	size_t headers, len = build_nth(_i, &s, &o);

	headers = segment_headers_len(&s);
	for (size_t cut = 0; cut <= len && cut < headers + 5; cut++) {
		uint8_t *copy = test_copy(gso_frame, cut);
		enum drop_reason reason = gso_begin_frame(&g, copy, cut, &o);

		ck_assert_int_eq(reason == DROP_NONE, cut > headers);
		if (reason == DROP_NONE)
			ck_assert_uint_eq(next_frame(&g),
					  min(cut, headers + o.gso_size));
		free(copy);
	}
}
END_TEST

/* Whatever is accepted is split into all of its payload, in frames that parse. */
static void split_anything(const uint8_t *frame, size_t len,
			   const struct offload *o, size_t frame_max)
{
	struct gso g;
	size_t at, count, n = 0;

	if (gso_begin_frame(&g, frame, len, o) != DROP_NONE)
		return;
	count = gso_split(&g, frame_max);
	ck_assert_uint_le(count, GSO_SEGMENTS_MAX);
	for (at = g.header_len; at < len; n++) {
		size_t got_len = next_frame(&g), payload;
		struct eth_view v;

		payload = got_len - g.header_len;
		ck_assert(payload <= len - at);
		ck_assert_mem_eq(got + g.header_len, frame + at, payload);
		ck_assert_int_eq(eth_parse(&v, got, got_len), DROP_NONE);
		if (g.offload.csum_partial)
			ck_assert(eth_csum_valid(&v, got_len,
						 g.offload.csum_start,
						 g.offload.csum_offset));
		eth_skip_tags(&v, got, got_len);
		ck_assert_uint_eq(v.l3_end, got_len);
		at += payload;
	}
	ck_assert_uint_eq(n, count);
	ck_assert_uint_eq(next_frame(&g), 0);
}

START_TEST(changed_gso_frames_are_split_in_bounds_or_refused)
{
	struct rng r = rng_init((uint64_t)_i);
	struct segment s = random_gso(&r);
	struct offload o;
	size_t len;

	s.payload_len = 1 + s.payload_len % 3000;
	len = build_gso(&s, 700, &o);
	for (int i = 0; i < 200; i++) {
		size_t cut =
			len - (rng_chance(&r, 0.3) ? rng_below(&r, len) : 0);
		uint8_t *copy = test_copy(gso_frame, cut);

		for (uint64_t n = rng_below(&r, 4); n > 0 && cut > 0; n--)
			copy[rng_below(&r, min(cut, 150))] =
				(uint8_t)rng_u64(&r);
		o.gso_size = (uint16_t)rng_below(&r, 2000);
		split_anything(copy, cut, &o, rng_below(&r, 2000));
		free(copy);
	}
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("split"),
	UNIT_EACH(segments_are_what_their_sender_would_have_sent, gso_samples),
	UNIT_EACH(one_gso_frame_is_split_for_many_peers_and_left_as_it_was,
		  gso_samples),
	UNIT_TEST(tcp_is_split_to_fit_unless_hardly_anything_would),
	UNIT_LOOP(segment_is_never_longer_than_an_ip_packet, 2),
	UNIT_EACH(lengths_of_the_gso_frame_itself_are_not_believed,
		  gso_samples),
	UNIT_LOOP(cwr_leaves_once_whether_or_not_ecn_is_said, 2),
	UNIT_LOOP(any_gso_frame_is_split_right, 200),
	UNIT_CASE("attacks"),
	UNIT_EACH(offload_that_does_not_fit_is_refused, gso_samples),
	UNIT_LOOP(segments_beyond_count_are_refused, 2),
	UNIT_TEST(no_split_makes_more_segments_than_promised),
	UNIT_EACH(tcp_header_must_lie_in_the_frame, gso_samples),
	UNIT_TEST(headers_have_a_bound),
	UNIT_LOOP(fragments_are_refused, 2),
	UNIT_TEST(udp_datagrams_that_no_ip_packet_holds_are_refused),
	UNIT_EACH(every_cut_of_a_gso_frame_is_read_in_bounds, gso_samples),
	UNIT_LOOP(changed_gso_frames_are_split_in_bounds_or_refused, 200),
};

UNIT_MAIN("gso", tests)
