/* TCP segments and UDP datagrams for tests, built and checked field by field. */
#include "support/segments.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#include "support/alloc.h"

#define TCP 6
#define UDP 17

/* One word at a time, with the carry brought round at once (RFC 1071). */
static uint16_t sum_words(uint16_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i += 2) {
		uint32_t word =
			(uint32_t)p[i] << 8 | (i + 1 < len ? p[i + 1] : 0u);

		word += sum;
		sum = (uint16_t)((word & 0xffff) + (word >> 16));
	}
	return sum;
}

static uint16_t pseudo_header(const uint8_t *ip, uint8_t proto, size_t l4_len)
{
	bool ipv6 = ip[0] >> 4 == 6;
	uint8_t tail[8] = { 0 };
	uint16_t sum =
		ipv6 ? sum_words(0, ip + 8, 32) : sum_words(0, ip + 12, 8);

	store_be32(tail, (uint32_t)l4_len);
	tail[7] = proto;
	return sum_words(sum, tail, sizeof(tail));
}

static bool same_sum(uint16_t x, uint16_t y)
{
	return x % 0xffff == y % 0xffff;
}

uint8_t segment_byte(uint32_t at)
{
	return (uint8_t)(at * 2654435761u >> 24);
}

static size_t ip_header_len(const struct segment *s)
{
	return (s->ipv6 ? 40 : 20) + s->ip_options;
}

static size_t l4_header_len(const struct segment *s)
{
	return s->udp ? 8 : 20 + s->options;
}

size_t segment_headers_len(const struct segment *s)
{
	return 14 + 4 * s->tags + ip_header_len(s) + l4_header_len(s);
}

static void put_mac(struct writer *w, uint8_t n)
{
	writer_u32(w, 0x02000000);
	writer_u16(w, n);
}

/* RFC 1112, 6.4; RFC 2464, 7. */
static void put_group_mac(struct writer *w, const struct segment *s)
{
	if (s->ipv6) {
		writer_u32(w, 0x33330001);
		writer_u16(w, s->dst);
	} else {
		writer_u32(w, 0x01005e01);
		writer_u16(w, (uint16_t)(0x0100 | s->dst));
	}
}

static void put_ethernet(struct writer *w, const struct segment *s)
{
	if (s->group)
		put_group_mac(w, s);
	else
		put_mac(w, s->dst);
	put_mac(w, s->src);
	for (unsigned i = 0; i < s->tags; i++) {
		writer_u16(w, i + 1 < s->tags ? 0x88a8 : 0x8100);
		writer_u16(w, (uint16_t)(s->vlan + i));
	}
	writer_u16(w, s->ipv6 ? 0x86dd : 0x0800);
}

static void put_v4(struct writer *w, const struct segment *s, size_t l4_len)
{
	uint8_t *ip = w->start + w->len;
	size_t header = ip_header_len(s);

	writer_u8(w, (uint8_t)(0x40 | header / 4));
	writer_u8(w, s->tos);
	writer_u16(w, (uint16_t)(header + l4_len));
	writer_u16(w, s->id);
	writer_u16(w, s->df ? 0x4000 : 0);
	writer_u8(w, s->ttl);
	writer_u8(w, s->udp ? UDP : TCP);
	writer_u16(w, 0);
	writer_u32(w, 0x0a4d0000u | s->src);
	writer_u32(w, (s->group ? 0xef010100u : 0x0a4d0000u) | s->dst);
	for (size_t i = 0; i < s->ip_options; i++)
		writer_u8(w, 1); /* no operation */
	if (writer_ok(w))
		store_be16(ip + 10, (uint16_t)~sum_words(0, ip, header));
}

/* Destination options of up to 64 bytes each, or 1024 if there are many: readers
 * follow only so many headers. */
static void put_extensions(struct writer *w, const struct segment *s)
{
	const size_t most = s->ip_options > 512 ? 1024 : 64;

	for (size_t left = s->ip_options; left > 0;) {
		size_t len = left < most ? left : most;

		left -= len;
		writer_u8(w, left ? 60 : s->udp ? UDP : TCP);
		writer_u8(w, (uint8_t)(len / 8 - 1));
		writer_u8(w, 1); /* PadN, as far as that goes */
		writer_u8(w, (uint8_t)(len - 4));
		writer_zeros(w, len - 4);
	}
}

static void put_v6(struct writer *w, const struct segment *s, size_t l4_len)
{
	writer_u32(w, 0x60000000u | (uint32_t)s->tos << 20 | s->label);
	writer_u16(w, (uint16_t)(s->ip_options + l4_len));
	writer_u8(w, s->ip_options ? 60 : s->udp ? UDP : TCP);
	writer_u8(w, s->ttl);
	writer_u64(w, UINT64_C(0xfd77000000000000));
	writer_u64(w, s->src);
	writer_u64(w, s->group ? UINT64_C(0xff0e000000000000)
			       : UINT64_C(0xfd77000000000000));
	writer_u64(w, (s->group ? 0x10000u : 0u) | s->dst);
	put_extensions(w, s);
}

static void put_tcp(struct writer *w, const struct segment *s)
{
	writer_u32(w, s->seq);
	writer_u32(w, s->ack);
	writer_u8(w, (uint8_t)((20 + s->options) / 4 << 4 | s->reserved));
	writer_u8(w, s->flags);
	writer_u16(w, s->window);
	writer_u16(w, 0);
	writer_u16(w, s->urgent);
	for (size_t i = 0; i < s->options; i++)
		writer_u8(w, s->option);
}

size_t segment_build(uint8_t *out, size_t size, const struct segment *s,
		     struct offload *o)
{
	struct writer w = writer_init(out, size);
	size_t l4_len = l4_header_len(s) + s->payload_len;
	size_t l3, l4;

	put_ethernet(&w, s);
	l3 = w.len;
	if (s->ipv6)
		put_v6(&w, s, l4_len);
	else
		put_v4(&w, s, l4_len);
	l4 = w.len;
	writer_u16(&w, s->src_port);
	writer_u16(&w, s->dst_port);
	if (s->udp) {
		writer_u16(&w, (uint16_t)l4_len);
		writer_u16(&w, 0);
	} else {
		put_tcp(&w, s);
	}
	for (size_t i = 0; i < s->payload_len; i++)
		writer_u8(&w, segment_byte((uint32_t)i + s->seq));
	if (!writer_ok(&w))
		return 0;
	*o = (struct offload){ .csum_partial = true,
			       .csum_start = (uint16_t)l4,
			       .csum_offset = s->udp ? 6 : 16 };
	store_be16(out + l4 + o->csum_offset,
		   pseudo_header(out + l3, s->udp ? UDP : TCP, l4_len));
	return w.len;
}

size_t segment_build_gso(uint8_t *out, size_t size, const struct segment *s,
			 uint16_t gso_size, struct offload *o)
{
	size_t len = segment_build(out, size, s, o);

	ck_assert_uint_ne(len, 0);
	o->gso_size = gso_size;
	o->hdr_len = (uint16_t)segment_headers_len(s);
	if (s->udp)
		o->gso = OFFLOAD_GSO_UDP_L4;
	else
		o->gso = s->ipv6 ? OFFLOAD_GSO_TCPV6 : OFFLOAD_GSO_TCPV4;
	return len;
}

struct segment segment_of_gso(const struct segment *gso_frame, size_t at,
			      size_t size, unsigned index)
{
	struct segment s = *gso_frame;

	if (at + size > gso_frame->payload_len)
		s.payload_len = gso_frame->payload_len - at;
	else
		s.payload_len = size;
	s.id = (uint16_t)(gso_frame->id + index);
	s.seq = (uint32_t)(gso_frame->seq + at);
	if (at + size < gso_frame->payload_len)
		s.flags &= (uint8_t) ~(SEGMENT_FIN | SEGMENT_PSH);
	if (index > 0)
		s.flags &= (uint8_t)~SEGMENT_CWR;
	return s;
}

static struct eth_view view_of(const uint8_t *frame, size_t len)
{
	struct eth_view v;

	ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
	eth_skip_tags(&v, frame, len);
	ck_assert_int_ne(v.l3, ETH_L3_OTHER);
	ck_assert_uint_ne(v.l4_offset, 0);
	return v;
}

void segment_assert_sound(const uint8_t *frame, size_t len,
			  const struct offload *o)
{
	struct eth_view v = view_of(frame, len);
	const uint8_t *ip = frame + v.l3_offset, *l4 = frame + v.l4_offset;
	size_t l4_len = len - v.l4_offset;
	uint16_t pseudo = pseudo_header(ip, v.ip_proto, l4_len);

	ck_assert_uint_eq(v.l3_end, len);
	if (v.l3 == ETH_L3_IPV4)
		ck_assert_uint_eq(
			sum_words(0, ip, (size_t)v.l4_offset - v.l3_offset),
			0xffff);
	if (v.ip_proto == UDP)
		ck_assert_uint_eq(load_be16(l4 + 4), l4_len);
	if (!o->csum_partial) {
		ck_assert_uint_eq(sum_words(pseudo, l4, l4_len), 0xffff);
		return;
	}
	ck_assert(eth_csum_valid(&v, len, o->csum_start, o->csum_offset));
	ck_assert(same_sum(load_be16(l4 + o->csum_offset), pseudo));
}

void segment_complete(uint8_t *frame, size_t len, const struct offload *o)
{
	struct eth_view v = view_of(frame, len);
	uint8_t *l4 = frame + v.l4_offset;
	size_t l4_len = v.l3_end - v.l4_offset;
	uint16_t sum = pseudo_header(frame + v.l3_offset, v.ip_proto, l4_len);

	store_be16(l4 + o->csum_offset, 0);
	sum = (uint16_t)~sum_words(sum, l4, l4_len);
	if (sum == 0 && v.ip_proto == UDP)
		sum = 0xffff;
	store_be16(l4 + o->csum_offset, sum);
}
