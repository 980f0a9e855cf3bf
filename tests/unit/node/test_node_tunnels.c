/* lib/node: partial checksums of other headers than the frame's own, completed
 * before they are sent. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/inet.h"
#include "support/frames.h"
#include "support/main.h"
#include "support/rng.h"
#include "support/segments.h"
#include "support/three.h"

#define FRAME_MAX 1514

static uint8_t frame[FRAME_MAX];

/* Sends it from a; it must come out at b, and is returned. */
static const struct written *carry(size_t len, const struct offload *o)
{
	host_forget_written(b);
	host_tap_offload(a, frame, len, *o);
	arrive();
	ck_assert_uint_eq(b->written_count, 1);
	ck_assert_uint_eq(b->written[0].len, len);
	ck_assert_uint_eq(host_drops_total(b), 0);
	return &b->written[0];
}

/* What a card writes (the sum is made for itself), in `frame`. */
static void complete(size_t len, const struct offload *o)
{
	uint8_t *field = frame + o->csum_start + o->csum_offset;
	uint32_t sum = 0;

	for (size_t i = o->csum_start; i < len; i++)
		sum += (uint32_t)frame[i] << ((i - o->csum_start) & 1 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	sum = sum == 0xffff ? 0xffff : ~sum & 0xffff;
	store_be16(field, (uint16_t)sum);
}

static void assert_completed(size_t len, const struct offload *o)
{
	const struct written *w = carry(len, o);

	ck_assert(!w->offload.csum_partial);
	complete(len, o);
	ck_assert_mem_eq(w->bytes, frame, len);
}

/* ---- tunnels ---- */

enum { VXLAN, VXLAN6, IPIP, GRE, TAGS_3, TAGS_5, MPLS, PPPOE, NESTED, TUNNELS };

/* What is before the inner frame; returns whether its Ethernet header is in it. */
static bool put_outer(struct writer *w, int tunnel, size_t inner)
{
	bool ethernet = tunnel == VXLAN || tunnel == VXLAN6 || tunnel == NESTED;

	if (!ethernet)
		inner -= ETH_HEADER_LEN;
	put_eth(w, 2, 1, tunnel == VXLAN6 ? ETH_TYPE_IPV6 : ETH_TYPE_IPV4);
	if (tunnel == NESTED) {
		put_ipv4(w, 17, 8 + 8 + ETH_HEADER_LEN + 28 + 8 + inner);
		put_udp_header(w, 5001, 4789,
			       8 + ETH_HEADER_LEN + 28 + 8 + inner);
		writer_u64(w, UINT64_C(0x0800000000000500));
		put_eth(w, 4, 3, ETH_TYPE_IPV4);
	}
	switch (tunnel) {
	case NESTED:
	case VXLAN:
		put_ipv4(w, 17, 8 + 8 + inner);
		put_udp_header(w, 5000, 4789, 8 + inner);
		writer_u64(w, UINT64_C(0x0800000000000700));
		break;
	case VXLAN6:
		put_ipv6(w, 17, 8 + 8 + inner);
		put_udp_header(w, 5000, 4789, 8 + inner);
		writer_u64(w, UINT64_C(0x0800000000000700));
		break;
	case IPIP:
		put_ipv4(w, 4, inner);
		break;
	case GRE:
		put_ipv4(w, 47, 4 + inner);
		writer_u32(w, ETH_TYPE_IPV4);
		break;
	case TAGS_3:
	case TAGS_5:
		w->len -= 2;
		for (int i = 0; i < (tunnel == TAGS_3 ? 3 : 5); i++)
			writer_u32(w, 0x88a80007u + (uint32_t)i);
		writer_u16(w, ETH_TYPE_IPV4);
		break;
	case MPLS:
		w->len -= 2;
		writer_u16(w, 0x8847);
		writer_u32(w, 0x00010140);
		break;
	case PPPOE:
		w->len -= 2;
		writer_u16(w, 0x8864);
		writer_u32(w, 0x11000001);
		writer_u16(w, (uint16_t)(inner + 2));
		writer_u16(w, 0x0021);
		break;
	}
	return ethernet;
}

static const struct segment inners[] = {
	{ .src = 3, .dst = 4, .payload_len = 1000, .flags = SEGMENT_ACK },
	{ .src = 3, .dst = 4, .payload_len = 1001, .options = 12 },
	{ .src = 3, .dst = 4, .payload_len = 999, .udp = true },
	{ .src = 3, .dst = 4, .payload_len = 1, .udp = true },
	{ .src = 3, .dst = 4, .payload_len = 700, .ipv6 = true },
	{ .src = 3, .dst = 4, .payload_len = 701, .ipv6 = true, .udp = true },
};
#define INNERS (sizeof(inners) / sizeof(inners[0]))

/* As a tunnel over tap0 leaves it: the outer header is whole, the inner is not. */
START_TEST(an_inner_checksum_is_completed)
{
	const struct segment *s = &inners[(size_t)_i % INNERS];
	const struct offload whole = { 0 };
	static uint8_t inner[FRAME_MAX];
	struct writer w = writer_init(frame, sizeof(frame));
	struct offload o;
	size_t len = segment_build(inner, sizeof(inner), s, &o), from, at;
	const struct written *got;

	from = put_outer(&w, _i / (int)INNERS, len) ? 0 : ETH_HEADER_LEN;
	at = w.len;
	writer_bytes(&w, inner + from, len - from);
	ck_assert(writer_ok(&w));
	o.csum_start = (uint16_t)(o.csum_start + at - from);
	hosts_mesh(&h, 2);
	got = carry(w.len, &o);
	ck_assert(!got->offload.csum_partial);
	ck_assert_mem_eq(got->bytes, frame, at);
	memcpy(inner + from, got->bytes + at, len - from);
	segment_assert_sound(inner, len, &whole);
}
END_TEST

START_TEST(a_checksum_behind_two_tags_stays_partial)
{
	const struct segment s = {
		.src = 1, .dst = 2, .tags = 2, .payload_len = 1000
	};
	struct offload o;
	size_t len = segment_build(frame, sizeof(frame), &s, &o);
	const struct written *w;

	hosts_mesh(&h, 2);
	w = carry(len, &o);
	ck_assert(w->offload.csum_partial);
	ck_assert_mem_eq(w->bytes, frame, len);
}
END_TEST

/* ---- any place ---- */

static void fill(struct rng *r, size_t len)
{
	static const uint16_t types[] = { 0x0800, 0x86dd, 0x8100, 0x88a8,
					  0x8847, 0x0806, 0x88b5, 0x0026 };
	struct writer w = writer_init(frame, sizeof(frame));

	put_eth(&w, 2, 1, types[rng_below(r, 8)]);
	while (w.len < len)
		writer_u8(&w, (uint8_t)rng_u64(r));
	if (rng_chance(r, 0.5))
		frame[ETH_HEADER_LEN] = 0x45; /* half an IPv4 header */
}

START_TEST(a_checksum_anywhere_in_a_frame_is_completed)
{
	struct rng r = rng_init((uint64_t)_i);

	hosts_mesh(&h, 2);
	for (int i = 0; i < 50; i++) {
		size_t len = 60 + rng_below(&r, 1400), start, offset;
		struct offload o = { .csum_partial = true };

		fill(&r, len);
		start = ETH_HEADER_LEN +
			rng_below(&r, len - ETH_HEADER_LEN - 1);
		offset = rng_below(&r, len - start - 1);
		o.csum_start = (uint16_t)start;
		o.csum_offset = (uint16_t)offset;
		assert_completed(len, &o);
	}
}
END_TEST

START_TEST(the_last_two_bytes_are_inside_and_the_next_are_not)
{
	struct rng r = rng_init(1);
	struct offload o = { .csum_partial = true };
	const size_t len = 91;
	uint64_t refused = 0;

	hosts_mesh(&h, 2);
	fill(&r, len);
	for (uint16_t start = ETH_HEADER_LEN; start <= len; start++) {
		o.csum_start = start;
		o.csum_offset = (uint16_t)(len - 2 - start);
		if (start <= len - 2)
			assert_completed(len, &o);
		host_forget_written(b);
		o.csum_offset = (uint16_t)(len - 1 - start);
		host_tap_offload(a, frame, len, o);
		arrive();
		ck_assert_uint_eq(b->written_count, 0);
		ck_assert_uint_eq(host_drops(a, DROP_offload_bad), ++refused);
	}
}
END_TEST

/* ---- GSO frames ---- */

static const struct segment gso_samples[] = {
	{ .src = 1, .dst = 2, .tags = 3, .payload_len = 60000 },
	{ .src = 1, .dst = 2, .tags = 3, .udp = true, .payload_len = 30001 },
	{ .src = 1, .dst = 2, .tags = 5, .ipv6 = true, .payload_len = 60001 },
	{ .src = 1,
	  .dst = 2,
	  .ipv6 = true,
	  .ip_options = 320,
	  .payload_len = 60000 },
	{ .src = 1,
	  .dst = 2,
	  .ipv6 = true,
	  .ip_options = 1024,
	  .tags = 4,
	  .payload_len = 60000 },
};
#define GSO_SIZE 400

/* Behind more tags than a receiver reads, or with longer headers than a GSO frame
 * has as a rule. Many at once, so that headers come to lie where others were. */
START_TEST(an_unusual_gso_frame_arrives_in_whole_segments)
{
	const struct segment *s = &gso_samples[_i];
	static uint8_t bytes[SEGMENT_MAX];
	struct offload o;
	size_t len = segment_build_gso(bytes, sizeof(bytes), s, GSO_SIZE, &o);
	size_t headers = segment_headers_len(s), at = 0, frames = 0;

	hosts_mesh(&h, 2);
	for (int i = 0; i < 3; i++)
		host_tap_offload(a, bytes, len, o);
	host_receive_all(b);
	for (size_t i = 0; i < b->written_count; i++) {
		const struct written *w = &b->written[i];
		size_t payload = w->len - headers;

		ck_assert_int_eq(w->offload.csum_partial, s->tags <= 2);
		segment_assert_sound(w->bytes, w->len, &w->offload);
		ck_assert_mem_eq(w->bytes + headers, bytes + headers + at,
				 payload);
		at += payload;
		frames += at == s->payload_len;
		at %= s->payload_len;
	}
	ck_assert_uint_eq(frames, 3);
	ck_assert_uint_eq(host_drops_total(a) + host_drops_total(b), 0);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("partial checksums further in", .setup = three_setup,
		  .teardown = three_teardown),
	UNIT_LOOP(an_inner_checksum_is_completed, TUNNELS *INNERS),
	UNIT_TEST(a_checksum_behind_two_tags_stays_partial),
	UNIT_LOOP(a_checksum_anywhere_in_a_frame_is_completed, 20),
	UNIT_EACH(an_unusual_gso_frame_arrives_in_whole_segments, gso_samples),
	UNIT_TEST(the_last_two_bytes_are_inside_and_the_next_are_not),
};

UNIT_MAIN("node tunnels", tests)
