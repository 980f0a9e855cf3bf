#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "ether/gso.h"
#include "ether/merge.h"
#include "ether/vnet.h"
#include "support/alloc.h"
#include "support/frame_len.h"
#include "support/gso_frame.h"
#include "support/main.h"
#include "support/rng.h"
#include "support/segments.h"

#define PORTS	     4
#define ARRIVALS_MAX 2000

/* A frame that came in, in a buffer of its own. */
struct arrival {
	uint8_t *bytes, *original;
	size_t len, headers;
	struct offload offload;
	uint16_t port;
	unsigned written, released; /* how often */
	size_t frame;		    /* the output frame it went into */
	size_t place;		    /* its place in the whole output */
};

static struct arrival arrivals[ARRIVALS_MAX];
static size_t arrivals_count;
/* The frames written so far, each flat. */
static struct written {
	uint8_t *bytes;
	size_t len, iovcnt, first; /* first: its arrival */
	struct offload offload;
} frames[ARRIVALS_MAX];
static size_t frames_count, iovecs_count, writes;
static struct merge *c;

/* The arrival whose buffer holds these bytes. */
static size_t arrival_of(const uint8_t *bytes)
{
	for (size_t i = 0; i < arrivals_count; i++)
		if (bytes >= arrivals[i].bytes &&
		    bytes < arrivals[i].bytes + arrivals[i].len)
			return i;
	ck_abort_msg("bytes that nobody gave");
}

/* The first iovec is a whole frame; the others are payloads. */
static void take_iovec(size_t n, const struct iovec *iov)
{
	struct arrival *a;
	size_t i;

	if (iov->iov_len == 0)
		ck_abort_msg("an empty iovec");
	i = arrival_of(iov->iov_base);
	a = &arrivals[i];
	ck_assert_ptr_eq(iov->iov_base, a->bytes + (n ? a->headers : 0));
	ck_assert_uint_eq(iov->iov_len, a->len - (n ? a->headers : 0));
	a->written++;
	a->frame = frames_count;
	a->place = iovecs_count++;
	if (n == 0)
		frames[frames_count].first = i;
	ck_assert_uint_eq(a->port, arrivals[frames[frames_count].first].port);
}

static void take_frame(const struct frame *f)
{
	struct written *w = &frames[frames_count];

	ck_assert_uint_ge(f->iovcnt, 1);
	ck_assert_uint_le(f->iovcnt, MERGE_SEGMENTS_MAX);
	*w = (struct written){ .len = frame_len(f),
			       .iovcnt = f->iovcnt,
			       .offload = f->offload };
	w->bytes = test_alloc(w->len);
	for (size_t i = 0, at = 0; i < f->iovcnt; at += f->iov[i++].iov_len) {
		memcpy(w->bytes + at, f->iov[i].iov_base, f->iov[i].iov_len);
		take_iovec(i, &f->iov[i]);
	}
	frames_count++;
}

static void write_frames(void *user, const struct frame *f, size_t count)
{
	ck_assert_ptr_eq(user, &frames);
	ck_assert_uint_ge(count, 1);
	ck_assert_uint_le(count, MERGE_FRAMES);
	for (size_t i = 0; i < count; i++)
		take_frame(&f[i]);
	writes++;
}

static void release_frame(void *user, uint32_t token)
{
	ck_assert_ptr_eq(user, &frames);
	ck_assert_uint_lt(token, arrivals_count);
	ck_assert_uint_eq(arrivals[token].written, 1);
	arrivals[token].released++;
}

static const struct merge_ops ops = { write_frames, release_frame };

static void setup(void)
{
	c = merge_new(PORTS, &ops, &frames);
	ck_assert_ptr_nonnull(c);
}

static void forget_all(void)
{
	for (size_t i = 0; i < arrivals_count; i++) {
		free(arrivals[i].bytes);
		free(arrivals[i].original);
	}
	for (size_t i = 0; i < frames_count; i++)
		free(frames[i].bytes);
	arrivals_count = frames_count = iovecs_count = writes = 0;
}

static void teardown(void)
{
	forget_all();
	merge_free(c);
}

static void add_bytes(uint16_t port, const uint8_t *bytes, size_t len,
		      size_t headers, const struct offload *o)
{
	struct arrival *a = &arrivals[arrivals_count];
	struct eth_view v;

	ck_assert_uint_lt(arrivals_count, ARRIVALS_MAX);
	*a = (struct arrival){ .bytes = test_copy(bytes, len),
			       .original = test_copy(bytes, len),
			       .len = len,
			       .headers = headers,
			       .offload = *o,
			       .port = port };
	ck_assert_int_eq(eth_parse(&v, a->bytes, len), DROP_NONE);
	arrivals_count++;
	/* Every other frame is offered to the short way, which must lead where the
	 * long one does. */
	if (arrivals_count % 2 == 0 &&
	    merge_continues(c, port, a->bytes, len, o,
			    (uint32_t)(arrivals_count - 1)))
		return;
	merge_add(c, port, &v, a->bytes, len, o,
		  (uint32_t)(arrivals_count - 1));
}

static uint8_t scratch[SEGMENT_MAX];

static void add_segment(uint16_t port, const struct segment *s)
{
	struct offload o;
	size_t len = segment_build(scratch, sizeof(scratch), s, &o);

	ck_assert_uint_ne(len, 0);
	add_bytes(port, scratch, len, segment_headers_len(s), &o);
}

static void add_arp(uint16_t port)
{
	static const struct offload none;

	memset(scratch, 0, 60);
	scratch[11] = 1;
	store_be16(scratch + 12, ETH_TYPE_ARP);
	add_bytes(port, scratch, 60, 60, &none);
}

/* A segment as it was, but for the IPv4 ID that DF makes meaningless. */
static void assert_as_sent(uint8_t *have, uint8_t *sent, size_t len)
{
	struct eth_view v;

	ck_assert_int_eq(eth_parse(&v, sent, len), DROP_NONE);
	if (v.l3 == ETH_L3_IPV4 && (sent[v.l3_offset + 6] & 0x40)) {
		memset(have + v.l3_offset + 4, 0, 2);
		memset(sent + v.l3_offset + 4, 0, 2);
		memset(have + v.l3_offset + 10, 0, 2);
		memset(sent + v.l3_offset + 10, 0, 2);
	}
	ck_assert_mem_eq(have, sent, len);
}

/* Splits a GSO frame: out come the segments that went in. */
static void assert_splits_back(struct written *w)
{
	struct gso g;
	struct gso_segment seg;
	size_t i = w->first;

	segment_assert_sound(w->bytes, w->len, &w->offload);
	ck_assert_uint_eq(w->offload.hdr_len, arrivals[i].headers);
	ck_assert_int_eq(gso_begin_frame(&g, w->bytes, w->len, &w->offload),
			 DROP_NONE);
	ck_assert_uint_eq(gso_split(&g, SIZE_MAX), w->iovcnt);
	for (; gso_next(&g, scratch, &seg); i++) {
		while (arrivals[i].frame != (size_t)(w - frames))
			i++;
		ck_assert_uint_eq(g.header_len + seg.payload_len,
				  arrivals[i].len);
		memcpy(scratch + g.header_len, seg.payload, seg.payload_len);
		segment_assert_sound(scratch, arrivals[i].len, &g.offload);
		assert_as_sent(scratch, arrivals[i].original, arrivals[i].len);
	}
}

static void assert_same_offload(const struct offload *x,
				const struct offload *y)
{
	uint8_t packed[2][VNET_HDR_LEN];

	vnet_pack(x, packed[0]);
	vnet_pack(y, packed[1]);
	ck_assert_mem_eq(packed[0], packed[1], VNET_HDR_LEN);
}

/* All frames were written once, GSO frames can be split back, others are unchanged. */
static void flush(void)
{
	merge_flush(c);
	for (size_t i = 0; i < arrivals_count; i++) {
		ck_assert_uint_eq(arrivals[i].written, 1);
		ck_assert_uint_eq(arrivals[i].released, 1);
	}
	for (size_t i = 0; i < frames_count; i++) {
		const struct arrival *a = &arrivals[frames[i].first];

		if (frames[i].iovcnt > 1) {
			assert_splits_back(&frames[i]);
			continue;
		}
		ck_assert_uint_eq(frames[i].len, a->len);
		ck_assert_mem_eq(frames[i].bytes, a->original, a->len);
		assert_same_offload(&frames[i].offload, &a->offload);
	}
}

static struct segment tcp(void)
{
	return (struct segment){ .src = 1,
				 .dst = 2,
				 .ttl = 64,
				 .id = 100,
				 .df = true,
				 .src_port = 5000,
				 .dst_port = 80,
				 .seq = 1000,
				 .ack = 77,
				 .flags = SEGMENT_ACK,
				 .window = 500,
				 .options = 12,
				 .option = 1,
				 .payload_len = 1000 };
}

static struct segment udp(void)
{
	struct segment s = tcp();

	s.udp = true;
	s.seq = 0;
	s.payload_len = 300;
	return s;
}

static void next(struct segment *s)
{
	s->seq += s->udp ? 0 : (uint32_t)s->payload_len;
	s->id++;
}

/* `count` segments, each of which continues the one before; *s is the next. */
static void add_stream(uint16_t port, struct segment *s, int count)
{
	for (int i = 0; i < count; i++, next(s))
		add_segment(port, s);
}

/* So many frames were written in all. */
static void flush_into(size_t count)
{
	flush();
	ck_assert_uint_eq(frames_count, count);
}

/* ---- what merges ---- */

static void assert_gso(const struct written *w, enum offload_gso gso,
		       uint16_t size)
{
	ck_assert_int_eq(w->offload.gso, gso);
	ck_assert_uint_eq(w->offload.gso_size, size);
	ck_assert(w->offload.csum_partial && !w->offload.ecn);
}

START_TEST(segments_of_a_flow_become_one_gso_frame)
{
	struct segment s = tcp();

	s.ipv6 = _i & 1;
	s.tags = (unsigned)_i / 2;
	s.vlan = 9;
	add_stream(1, &s, 10);
	flush_into(1);
	ck_assert_uint_eq(frames[0].iovcnt, 10);
	assert_gso(&frames[0], s.ipv6 ? OFFLOAD_GSO_TCPV6 : OFFLOAD_GSO_TCPV4,
		   1000);
	ck_assert_uint_eq(frames[0].len, segment_headers_len(&s) + 10000);
}
END_TEST

START_TEST(a_lone_segment_is_no_gso_frame)
{
	struct segment s = tcp();

	add_segment(1, &s);
	flush_into(1);
	ck_assert_int_eq(frames[0].offload.gso, OFFLOAD_GSO_NONE);
}
END_TEST

START_TEST(shorter_segment_is_the_last)
{
	struct segment s = tcp();

	add_stream(1, &s, 1);
	s.payload_len = 999;
	add_stream(1, &s, 3);
	flush_into(2);
	ck_assert_uint_eq(frames[0].iovcnt, 2);
	ck_assert_uint_eq(frames[1].iovcnt, 2);
	assert_gso(&frames[1], OFFLOAD_GSO_TCPV4, 999);
}
END_TEST

START_TEST(push_joins_and_ends_the_frame)
{
	struct segment s = tcp();

	for (int i = 0; i < 7; i++, next(&s)) {
		s.flags = SEGMENT_ACK | (i % 3 == 2 ? SEGMENT_PSH : 0);
		add_segment(1, &s);
	}
	flush_into(3);
	ck_assert_uint_eq(frames[0].iovcnt, 3);
	ck_assert_uint_eq(frames[1].iovcnt, 3);
	ck_assert_uint_eq(frames[2].iovcnt, 1);
	ck_assert_uint_eq(frames[0].bytes[14 + 20 + 13],
			  SEGMENT_ACK | SEGMENT_PSH);
}
END_TEST

START_TEST(nothing_joins_a_first_segment_with_push)
{
	struct segment s = tcp();

	s.flags |= SEGMENT_PSH;
	add_stream(1, &s, 3);
	flush_into(3);
}
END_TEST

START_TEST(sequence_and_id_may_wrap)
{
	struct segment s = tcp();

	s.seq = UINT32_MAX - 1500;
	s.id = UINT16_MAX - 1;
	s.df = false;
	add_stream(1, &s, 5);
	flush_into(1);
}
END_TEST

START_TEST(gso_frame_has_64_segments_at_most)
{
	struct segment s = _i ? udp() : tcp();

	merge_set_mode(c, MERGE_TCP_UDP);
	s.payload_len = 100;
	add_stream(1, &s, 150);
	flush_into(3);
	ck_assert_uint_eq(frames[0].iovcnt, 64);
	ck_assert_uint_eq(frames[1].iovcnt, 64);
	ck_assert_uint_eq(frames[2].iovcnt, 22);
}
END_TEST

/* A last segment that fills the packet, or passes it by one byte. */
START_TEST(gso_frame_is_one_ip_packet_at_most)
{
	struct segment s = tcp();
	size_t headers = s.options + 20 + (_i & 1 ? 40 : 20);

	s.ipv6 = _i & 1;
	s.payload_len = 8000;
	add_stream(1, &s, 8);
	s.payload_len = 65535 - headers - 64000 + (_i & 2 ? 1 : 0);
	add_segment(1, &s);
	flush_into(_i & 2 ? 2 : 1);
	ck_assert_uint_eq(frames[0].iovcnt, _i & 2 ? 8 : 9);
}
END_TEST

START_TEST(largest_frames_pass)
{
	struct segment s = tcp();

	s.ipv6 = _i & 1;
	s.payload_len = 65535 - segment_headers_len(&s) + 14;
	add_stream(1, &s, 2);
	flush_into(2);
}
END_TEST

/* ---- what does not ---- */

#define IP 14
#define L4 34

/* Changes of the second of two segments that would merge. */
static const struct change {
	const char *what;
	enum { V4 = 1, V6 = 2, ANY = 3 } ip;
	enum { SPEC, BYTE, FLAG } how;
	size_t at; /* offset in struct segment, or in the frame */
	uint32_t value;
	bool merges;
} changes[] = {
#define FIELD(f) offsetof(struct segment, f)
	{ "as it was", ANY, FLAG, 0, SEGMENT_ACK, true },
	{ "PSH", ANY, FLAG, 0, SEGMENT_ACK | SEGMENT_PSH, true },
	{ "no ACK", ANY, FLAG, 0, 0, false },
	{ "FIN", ANY, FLAG, 0, SEGMENT_ACK | SEGMENT_FIN, false },
	{ "SYN", ANY, FLAG, 0, SEGMENT_ACK | SEGMENT_SYN, false },
	{ "RST", ANY, FLAG, 0, SEGMENT_ACK | SEGMENT_RST, false },
	{ "URG", ANY, FLAG, 0, SEGMENT_ACK | SEGMENT_URG, false },
	{ "ECE", ANY, FLAG, 0, SEGMENT_ACK | SEGMENT_ECE, false },
	{ "CWR", ANY, FLAG, 0, SEGMENT_ACK | SEGMENT_CWR, false },
	{ "a gap", ANY, SPEC, FIELD(seq), 2001, false },
	{ "an overlap", ANY, SPEC, FIELD(seq), 1999, false },
	{ "a duplicate", ANY, SPEC, FIELD(seq), 1000, false },
	{ "the one before", ANY, SPEC, FIELD(seq), 0, false },
	{ "half the space away", ANY, SPEC, FIELD(seq), 0x800007d0, false },
	{ "another ACK", ANY, SPEC, FIELD(ack), 78, false },
	{ "another window", ANY, SPEC, FIELD(window), 501, false },
	{ "an urgent pointer", ANY, SPEC, FIELD(urgent), 1, false },
	{ "a reserved bit", ANY, SPEC, FIELD(reserved), 1, false },
	{ "other options", ANY, SPEC, FIELD(option), 2, false },
	{ "fewer options", ANY, SPEC, FIELD(options), 8, false },
	{ "another source port", ANY, SPEC, FIELD(src_port), 5001, false },
	{ "another destination port", ANY, SPEC, FIELD(dst_port), 81, false },
	{ "another TOS", ANY, SPEC, FIELD(tos), 4, false },
	{ "congestion experienced", ANY, SPEC, FIELD(tos), 3, false },
	{ "another TTL", ANY, SPEC, FIELD(ttl), 63, false },
	{ "another ID", V4, SPEC, FIELD(id), 7, true },
	{ "no DF", V4, SPEC, FIELD(df), 0, false },
	{ "another flow label", V6, SPEC, FIELD(label), 1, false },
	{ "another source", ANY, SPEC, FIELD(src), 3, false },
	{ "another destination", ANY, SPEC, FIELD(dst), 3, false },
	{ "a tag", ANY, SPEC, FIELD(tags), 1, false },
	{ "IP options", ANY, SPEC, FIELD(ip_options), 8, false },
	{ "longer", ANY, SPEC, FIELD(payload_len), 1001, false },
	{ "shorter", ANY, SPEC, FIELD(payload_len), 1, true },
	{ "no payload", ANY, SPEC, FIELD(payload_len), 0, false },
	{ "another source MAC", ANY, BYTE, 11, 9, false },
	{ "another destination MAC", ANY, BYTE, 5, 9, false },
	{ "a wrong IPv4 checksum", V4, BYTE, IP + 11, 0xbb, false },
	{ "a first fragment", V4, BYTE, IP + 6, 0x20, false },
	{ "a later fragment", V4, BYTE, IP + 7, 1, false },
	{ "the reserved IPv4 bit", V4, BYTE, IP + 6, 0xc0, false },
	{ "a data offset of 16", V4, BYTE, L4 + 12, 0x40, false },
	{ "a data offset of 60", V4, BYTE, L4 + 12, 0xf0, false },
#undef FIELD
};

static void set_field(struct segment *s, const struct change *ch)
{
	uint8_t *field = (uint8_t *)s + ch->at;

	switch (ch->at) {
	case offsetof(struct segment, src):
	case offsetof(struct segment, dst):
	case offsetof(struct segment, tos):
	case offsetof(struct segment, ttl):
	case offsetof(struct segment, reserved):
	case offsetof(struct segment, option):
		*field = (uint8_t)ch->value;
		break;
	case offsetof(struct segment, df):
		s->df = ch->value;
		break;
	case offsetof(struct segment, id):
	case offsetof(struct segment, src_port):
	case offsetof(struct segment, dst_port):
	case offsetof(struct segment, window):
	case offsetof(struct segment, urgent):
		memcpy(field, &(uint16_t){ (uint16_t)ch->value }, 2);
		break;
	case offsetof(struct segment, options):
	case offsetof(struct segment, ip_options):
	case offsetof(struct segment, payload_len):
		memcpy(field, &(size_t){ ch->value }, sizeof(size_t));
		break;
	default:
		memcpy(field, &ch->value, sizeof(ch->value));
	}
}

/* The second segment is changed; does it merge? */
static void run_change(const struct change *ch, bool ipv6)
{
	struct segment s = tcp();
	struct offload o;
	size_t len;

	s.ipv6 = ipv6;
	s.vlan = 5;
	add_stream(1, &s, 1);
	if (ch->how == SPEC)
		set_field(&s, ch);
	if (ch->how == FLAG)
		s.flags = (uint8_t)ch->value;
	len = segment_build(scratch, sizeof(scratch), &s, &o);
	if (ch->how == BYTE)
		scratch[ch->at] = (uint8_t)ch->value;
	add_bytes(1, scratch, len, segment_headers_len(&s), &o);
	flush();
	ck_assert_msg(frames_count == (ch->merges ? 1 : 2), "%s, IPv%d",
		      ch->what, ipv6 ? 6 : 4);
	ck_assert_uint_eq(frames[0].first, 0);
	forget_all();
}

START_TEST(segments_that_differ_do_not_merge)
{
	if (changes[_i].ip & V4)
		run_change(&changes[_i], false);
	if (changes[_i].ip & V6)
		run_change(&changes[_i], true);
}
END_TEST

/* Not even an equal segment. */
START_TEST(nothing_joins_a_segment_that_may_not_merge)
{
	static const uint8_t flags[] = { 0,
					 SEGMENT_ACK | SEGMENT_SYN,
					 SEGMENT_ACK | SEGMENT_FIN,
					 SEGMENT_ACK | SEGMENT_ECE,
					 SEGMENT_ACK | SEGMENT_CWR,
					 SEGMENT_ACK | SEGMENT_URG,
					 SEGMENT_ACK };

	for (size_t i = 0; i < sizeof(flags); i++) {
		struct segment s = tcp();

		s.flags = flags[i];
		s.reserved = flags[i] == SEGMENT_ACK ? 1 : 0;
		add_stream(1, &s, 2);
		flush_into(2);
		forget_all();
	}
}
END_TEST

START_TEST(without_df_the_id_must_count_up)
{
	struct segment s = tcp();

	s.df = false;
	add_stream(1, &s, 2);
	s.id++;
	add_segment(1, &s);
	flush_into(2);
	ck_assert_uint_eq(frames[0].iovcnt, 2);
}
END_TEST

START_TEST(complete_checksums_do_not_merge)
{
	struct segment s = tcp();
	struct offload o, none = { 0 };

	for (int i = 0; i < 3; i++, next(&s)) {
		size_t len = segment_build(scratch, sizeof(scratch), &s, &o);

		if (i < 2)
			segment_complete(scratch, len, &o);
		add_bytes(1, scratch, len, segment_headers_len(&s),
			  i < 2 ? &none : &o);
	}
	flush_into(3);
}
END_TEST

START_TEST(padding_never_becomes_payload)
{
	struct segment s = tcp();
	struct offload o;
	size_t len;

	s.payload_len = 4;
	add_stream(1, &s, 1);
	s.payload_len = 3;
	len = segment_build(scratch, sizeof(scratch), &s, &o);
	scratch[len] = 0;
	add_bytes(1, scratch, len + 1, segment_headers_len(&s), &o);
	flush_into(2);
}
END_TEST

START_TEST(checksum_of_another_place_does_not_merge)
{
	struct segment s = tcp();
	struct offload o;

	for (int i = 0; i < 2; i++, next(&s)) {
		size_t len = segment_build(scratch, sizeof(scratch), &s, &o);

		o.csum_offset = 18;
		add_bytes(1, scratch, len, segment_headers_len(&s), &o);
	}
	flush_into(2);
}
END_TEST

START_TEST(gso_frame_from_a_peer_passes_as_it_is)
{
	struct segment s = tcp();
	struct offload o;
	size_t len = segment_build(scratch, sizeof(scratch), &s, &o);

	o.gso = OFFLOAD_GSO_TCPV4;
	o.gso_size = 10;
	add_bytes(1, scratch, len, segment_headers_len(&s), &o);
	next(&s);
	add_segment(1, &s);
	flush_into(2);
}
END_TEST

/* ---- order ---- */

START_TEST(flows_pass_one_another)
{
	struct segment s[3] = { tcp(), tcp(), tcp() };

	s[1].src_port++;
	s[2].dst = 3;
	for (int i = 0; i < 30; i++) {
		add_segment(1, &s[i % 3]);
		next(&s[i % 3]);
	}
	flush_into(3);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(frames[i].first, i);
		ck_assert_uint_eq(frames[i].iovcnt, 10);
	}
}
END_TEST

START_TEST(segment_that_cannot_merge_closes_its_flow_only)
{
	struct segment x = tcp(), y = tcp(), ack;

	y.src_port++;
	add_segment(1, &x);
	add_segment(1, &y);
	next(&x);
	next(&y);
	ack = x;
	ack.payload_len = 0;
	add_segment(1, &ack);
	add_segment(1, &x);
	add_segment(1, &y);
	flush_into(4);
	ck_assert_uint_eq(frames[0].first, 0);
	ck_assert_uint_eq(frames[1].iovcnt, 2);
	ck_assert_uint_eq(frames[2].first, 2);
	ck_assert_uint_eq(frames[3].first, 3);
}
END_TEST

START_TEST(retransmission_does_not_overtake)
{
	struct segment s = tcp(), again = s;

	add_stream(1, &s, 3);
	add_segment(1, &again);
	add_stream(1, &s, 2);
	flush_into(3);
	ck_assert_uint_eq(frames[0].iovcnt, 3);
	ck_assert_uint_eq(frames[1].first, 3);
	ck_assert_uint_eq(frames[2].iovcnt, 2);
}
END_TEST

START_TEST(other_frame_closes_its_own_peers_flows_only)
{
	struct segment x = tcp(), y = tcp();

	add_segment(1, &x);
	add_segment(2, &y);
	add_arp(1);
	next(&x);
	next(&y);
	add_segment(1, &x);
	add_segment(2, &y);
	next(&x);
	add_segment(1, &x);
	flush_into(4);
	ck_assert_uint_eq(frames[0].first, 0);
	ck_assert_uint_eq(frames[1].iovcnt, 2); /* of peer 2 */
	ck_assert_uint_eq(frames[2].first, 2);	/* the ARP */
	ck_assert_uint_eq(frames[3].iovcnt, 2); /* after it */
}
END_TEST

START_TEST(peers_never_merge)
{
	struct segment s = tcp();

	for (uint16_t i = 0; i < 4; i++, next(&s))
		add_segment(i % 2, &s);
	flush_into(4);
}
END_TEST

START_TEST(tcp_with_ip_options_or_fragmented_closes_all)
{
	struct segment x = tcp(), other = tcp();
	struct offload o;
	size_t len;

	other.src_port = 9;
	other.ip_options = _i ? 0 : 8;
	add_segment(1, &x);
	len = segment_build(scratch, sizeof(scratch), &other, &o);
	scratch[20] |= _i ? 0x20 : 0;
	add_bytes(1, scratch, len, segment_headers_len(&other), &o);
	next(&x);
	add_segment(1, &x);
	flush_into(3);
}
END_TEST

START_TEST(batches_do_not_merge_with_one_another)
{
	struct segment s = tcp();

	merge_flush(c);
	ck_assert_uint_eq(writes, 0);
	for (int i = 0; i < 3; i++) {
		add_stream(1, &s, 2);
		merge_flush(c);
	}
	flush();
	ck_assert_uint_eq(writes, 3);
	ck_assert_uint_eq(frames_count, 3);
}
END_TEST

/* ---- UDP ---- */

START_TEST(datagrams_in_a_row_merge_if_wanted)
{
	struct segment s = udp();

	s.ipv6 = _i & 1;
	if (_i & 2)
		merge_set_mode(c, MERGE_TCP_UDP);
	add_stream(1, &s, 5);
	s.payload_len--;
	add_stream(1, &s, 2);
	flush_into(_i & 2 ? 2 : 7);
	if (_i & 2)
		assert_gso(&frames[0], OFFLOAD_GSO_UDP_L4, 300);
}
END_TEST

START_TEST(whatever_comes_between_parts_datagrams)
{
	struct segment s = udp(), between = _i == 1 ? udp() : tcp();

	merge_set_mode(c, MERGE_TCP_UDP);
	between.src_port = 9;
	between.payload_len = _i == 3 ? 0 : 300; /* a pure ACK */
	add_stream(1, &s, 1);
	if (_i == 0)
		add_arp(1);
	else
		add_segment(_i == 4 ? 2 : 1, &between);
	add_segment(1, &s);
	flush();
	/* Only another peer's frame does not come between. */
	ck_assert_uint_eq(frames_count, _i == 4 ? 2 : 3);
}
END_TEST

START_TEST(datagram_closes_its_peers_flows)
{
	struct segment d = udp(), s = tcp();

	if (_i)
		merge_set_mode(c, MERGE_TCP_UDP);
	add_stream(1, &s, 1);
	add_segment(1, &d);
	add_stream(1, &s, 2);
	flush_into(3);
	ck_assert_uint_eq(frames[2].iovcnt, 2);
}
END_TEST

START_TEST(datagrams_that_lie_or_are_empty_do_not_merge)
{
	struct segment s = udp();
	struct offload o;
	size_t len;

	merge_set_mode(c, MERGE_TCP_UDP);
	s.payload_len = _i == 0 ? 0 : 300;
	for (int i = 0; i < 3; i++, next(&s)) {
		len = segment_build(scratch, sizeof(scratch), &s, &o);
		if (_i > 0)
			store_be16(scratch + L4 + 4, _i == 1 ? 307 : 0);
		add_bytes(1, scratch, len, segment_headers_len(&s), &o);
	}
	flush_into(3);
}
END_TEST

START_TEST(nothing_merges_when_off)
{
	struct segment s = tcp(), d = udp();

	merge_set_mode(c, MERGE_OFF);
	for (int i = 0; i < 3; i++, next(&s), next(&d)) {
		add_segment(1, &s);
		add_segment(1, &d);
	}
	flush_into(6);
	for (size_t i = 0; i < 6; i++)
		ck_assert_uint_eq(frames[i].first, i);
}
END_TEST

/* ---- bounds ---- */

START_TEST(more_frames_than_fit_are_written_in_between)
{
	for (int i = 0; i < 2 * MERGE_FRAMES + 1; i++)
		add_arp((uint16_t)(i % PORTS));
	ck_assert_uint_eq(writes, 2);
	flush();
	ck_assert_uint_eq(writes, 3);
	for (size_t i = 0; i < frames_count; i++)
		ck_assert_uint_eq(frames[i].first, i);
}
END_TEST

START_TEST(more_iovecs_than_fit_are_written_in_between)
{
	struct segment s = tcp();

	s.payload_len = 10;
	add_stream(1, &s, 2 * MERGE_BUFFERS + 1);
	ck_assert_uint_eq(writes, 2);
	flush_into(2 * MERGE_BUFFERS / MERGE_SEGMENTS_MAX + 1);
}
END_TEST

/* More flows than the table holds; each still keeps its order. */
START_TEST(more_flows_than_fit_cost_merges_not_order)
{
	struct segment s[200];
	size_t merged = 0;

	for (size_t i = 0; i < 200; i++) {
		s[i] = tcp();
		s[i].payload_len = 50;
		s[i].src_port = (uint16_t)(1000 + i * 7);
	}
	for (size_t i = 0; i < 1000; i++, next(&s[(i - 1) % 200]))
		add_segment(1, &s[i % 200]);
	flush();
	for (size_t i = 200; i < 1000; i++)
		ck_assert_uint_gt(arrivals[i].place, arrivals[i - 200].place);
	for (size_t i = 0; i < frames_count; i++)
		merged += frames[i].iovcnt - 1;
	ck_assert_uint_ge(merged, 1);
}
END_TEST

/* ---- any traffic ---- */

#define FLOWS 6

static struct segment random_flow(struct rng *r, unsigned i)
{
	struct segment s = rng_chance(r, 0.3) ? udp() : tcp();

	s.src_port = (uint16_t)(100 + i);
	s.ipv6 = rng_chance(r, 0.5);
	s.tags = (unsigned)rng_below(r, 3);
	s.df = rng_chance(r, 0.5);
	s.seq = s.udp ? 0 : (uint32_t)rng_u64(r);
	s.options = 4 * rng_below(r, 11);
	s.payload_len = 1 + rng_below(r, 300);
	return s;
}

/* Mostly a segment that continues the flow; now and then another. */
static void add_random(struct rng *r, uint16_t port, struct segment *flow)
{
	struct segment s = *flow;

	if (rng_chance(r, 0.1))
		s.flags ^= (uint8_t)(1u << rng_below(r, 8));
	if (rng_chance(r, 0.1))
		s.payload_len = rng_below(r, 2 * s.payload_len);
	if (rng_chance(r, 0.03))
		s.ack++;
	if (rng_chance(r, 0.03))
		s.seq -= s.udp ? 0 : (uint32_t)rng_below(r, 1000);
	if (rng_chance(r, 0.03))
		s.ip_options = 8;
	if (rng_chance(r, 0.03))
		s.id += 3;
	add_segment(port, &s);
	if (!rng_chance(r, 0.03)) {
		flow->seq = s.seq;
		flow->seq += s.udp ? 0 : (uint32_t)s.payload_len;
		flow->id = (uint16_t)(s.id + 1);
	}
}

/* Which of a peer's frames may pass one another: TCP of different flows that
 * the module may tell apart, hence without IP options. */
static bool may_pass(const struct arrival *x, const struct arrival *y)
{
	struct eth_view v, w;
	const struct arrival *const both[] = { x, y };

	for (int i = 0; i < 2; i++) {
		eth_parse(i ? &w : &v, both[i]->original, both[i]->len);
		if ((i ? &w : &v)->ip_proto != 6)
			return false;
	}
	if (v.l4_offset - v.l3_offset != (v.l3 == ETH_L3_IPV4 ? 20 : 40) ||
	    w.l4_offset - w.l3_offset != (w.l3 == ETH_L3_IPV4 ? 20 : 40))
		return false;
	return memcmp(x->original + v.l4_offset, y->original + w.l4_offset,
		      4) != 0 ||
	       v.l3 != w.l3;
}

static void assert_order(void)
{
	for (size_t j = 1; j < arrivals_count; j++)
		for (size_t i = 0; i < j; i++)
			if (arrivals[i].port == arrivals[j].port &&
			    arrivals[i].place > arrivals[j].place)
				ck_assert_msg(
					may_pass(&arrivals[i], &arrivals[j]),
					"%zu was overtaken by %zu", i, j);
}

static void any_traffic_keeps_its_order_and_can_be_split_back_at(int seed)
{
	struct rng r = rng_init((uint64_t)seed);
	struct segment flows[PORTS][FLOWS];
	double stay = (double)rng_below(&r, 95) / 100;
	unsigned port = 0, flow = 0;

	merge_set_mode(c, (enum merge_mode)(seed % 3));
	for (unsigned p = 0; p < PORTS; p++)
		for (unsigned i = 0; i < FLOWS; i++)
			flows[p][i] = random_flow(&r, i);
	for (int i = 0; i < 400; i++) {
		if (!rng_chance(&r, stay)) {
			port = (unsigned)rng_below(&r, PORTS);
			flow = (unsigned)rng_below(&r, FLOWS);
		}
		if (rng_chance(&r, 0.02))
			add_arp((uint16_t)port);
		else
			add_random(&r, (uint16_t)port, &flows[port][flow]);
		if (rng_chance(&r, 0.01))
			merge_flush(c);
	}
	flush();
	assert_order();
}

/* Ten a process: to fork takes longer than to run, under AddressSanitizer. */
START_TEST(any_traffic_keeps_its_order_and_can_be_split_back)
{
	for (int seed = 10 * _i; seed < 10 * _i + 10; seed++) {
		teardown();
		setup();
		any_traffic_keeps_its_order_and_can_be_split_back_at(seed);
	}
}
END_TEST

/* A GSO frame split for a peer arrives there as a GSO frame. */
static void what_was_split_is_merged_again_at(int seed)
{
	struct rng r = rng_init((uint64_t)seed);
	struct segment s = random_flow(&r, 0);
	uint16_t size = (uint16_t)(700 + rng_below(&r, 9000));
	struct gso_segment seg;
	struct offload o;
	struct gso g;
	uint8_t *gso_frame;
	size_t len;

	merge_set_mode(c, MERGE_TCP_UDP);
	s.payload_len = 2 * size + rng_below(&r, 40000);
	s.flags |= rng_chance(&r, 0.5) ? SEGMENT_PSH : 0;
	len = segment_build(scratch, sizeof(scratch), &s, &o);
	gso_frame = test_copy(scratch, len);
	o.gso_size = size;
	if (s.udp)
		o.gso = OFFLOAD_GSO_UDP_L4;
	else
		o.gso = s.ipv6 ? OFFLOAD_GSO_TCPV6 : OFFLOAD_GSO_TCPV4;
	ck_assert_int_eq(gso_begin_frame(&g, gso_frame, len, &o), DROP_NONE);
	while (gso_next(&g, scratch, &seg)) {
		memcpy(scratch + g.header_len, seg.payload, seg.payload_len);
		add_bytes(1, scratch, g.header_len + seg.payload_len,
			  g.header_len, &g.offload);
	}
	flush_into(1);
	ck_assert_uint_eq(frames[0].len, len);
	ck_assert_uint_eq(frames[0].offload.gso_size, size);
	ck_assert_int_eq(frames[0].offload.gso, o.gso);
	ck_assert_mem_eq(frames[0].bytes, gso_frame, len);
	free(gso_frame);
}

/* Ten a process: to fork takes longer than to run, under AddressSanitizer. */
START_TEST(what_was_split_is_merged_again)
{
	for (int seed = 10 * _i; seed < 10 * _i + 10; seed++) {
		teardown();
		setup();
		what_was_split_is_merged_again_at(seed);
	}
}
END_TEST

/* Anything in any header of one that would merge: no byte is lost. */
static void changed_segments_pass_whole_at(int seed)
{
	struct rng r = rng_init((uint64_t)seed);
	struct segment s = random_flow(&r, 0);
	size_t in = 0, out = 0;

	merge_set_mode(c, MERGE_TCP_UDP);
	for (int i = 0; i < 50; i++, next(&s)) {
		struct offload o;
		size_t len = segment_build(scratch, sizeof(scratch), &s, &o);
		size_t headers = segment_headers_len(&s);

		while (rng_chance(&r, 0.3))
			scratch[rng_below(&r, headers)] ^=
				(uint8_t)(1u << rng_below(&r, 8));
		scratch[6] &= 0xfe; /* no multicast source */
		len -= rng_chance(&r, 0.1) ? rng_below(&r, len - 17) : 0;
		add_bytes(1, scratch, len, headers, &o);
		in += len;
	}
	merge_flush(c);
	for (size_t i = 0; i < frames_count; i++)
		out += frames[i].len +
		       (frames[i].iovcnt - 1) * segment_headers_len(&s);
	ck_assert_uint_eq(in, out);
	for (size_t i = 0; i < arrivals_count; i++)
		ck_assert_uint_eq(arrivals[i].released, 1);
}

/* Ten a process: to fork takes longer than to run, under AddressSanitizer. */
START_TEST(changed_segments_pass_whole)
{
	for (int seed = 10 * _i; seed < 10 * _i + 10; seed++) {
		teardown();
		setup();
		changed_segments_pass_whole_at(seed);
	}
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("merge", .setup = setup, .teardown = teardown),
	UNIT_LOOP(segments_of_a_flow_become_one_gso_frame, 6),
	UNIT_TEST(a_lone_segment_is_no_gso_frame),
	UNIT_TEST(shorter_segment_is_the_last),
	UNIT_TEST(push_joins_and_ends_the_frame),
	UNIT_TEST(nothing_joins_a_first_segment_with_push),
	UNIT_TEST(sequence_and_id_may_wrap),
	UNIT_LOOP(gso_frame_has_64_segments_at_most, 2),
	UNIT_LOOP(gso_frame_is_one_ip_packet_at_most, 4),
	UNIT_LOOP(largest_frames_pass, 2),
	UNIT_EACH(segments_that_differ_do_not_merge, changes),
	UNIT_TEST(nothing_joins_a_segment_that_may_not_merge),
	UNIT_TEST(without_df_the_id_must_count_up),
	UNIT_TEST(complete_checksums_do_not_merge),
	UNIT_TEST(padding_never_becomes_payload),
	UNIT_TEST(checksum_of_another_place_does_not_merge),
	UNIT_TEST(gso_frame_from_a_peer_passes_as_it_is),
	UNIT_CASE("order", .setup = setup, .teardown = teardown),
	UNIT_TEST(flows_pass_one_another),
	UNIT_TEST(segment_that_cannot_merge_closes_its_flow_only),
	UNIT_TEST(retransmission_does_not_overtake),
	UNIT_TEST(other_frame_closes_its_own_peers_flows_only),
	UNIT_TEST(peers_never_merge),
	UNIT_LOOP(tcp_with_ip_options_or_fragmented_closes_all, 2),
	UNIT_TEST(batches_do_not_merge_with_one_another),
	UNIT_LOOP(datagrams_in_a_row_merge_if_wanted, 4),
	UNIT_LOOP(whatever_comes_between_parts_datagrams, 5),
	UNIT_LOOP(datagram_closes_its_peers_flows, 2),
	UNIT_LOOP(datagrams_that_lie_or_are_empty_do_not_merge, 3),
	UNIT_TEST(nothing_merges_when_off),
	UNIT_CASE("traffic", .setup = setup, .teardown = teardown),
	UNIT_TEST(more_frames_than_fit_are_written_in_between),
	UNIT_TEST(more_iovecs_than_fit_are_written_in_between),
	UNIT_TEST(more_flows_than_fit_cost_merges_not_order),
	UNIT_LOOP(any_traffic_keeps_its_order_and_can_be_split_back, 30),
	UNIT_LOOP(what_was_split_is_merged_again, 10),
	UNIT_LOOP(changed_segments_pass_whole, 20),
};

UNIT_MAIN("merge", tests)
