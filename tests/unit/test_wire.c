/* tunnel/wire: every message and record there and back, and hostile ones. */
#include <assert.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tunnel/wire.h"
#include "vectors.h"

static_assert(WIRE_INITIATION_LEN == 144, "initiation is pinned");
static_assert(WIRE_RESPONSE_LEN == 140, "response is pinned");
static_assert(WIRE_COOKIE_LEN == 56, "cookie is pinned");
static_assert(WIRE_DATA_HEADER_LEN == 16, "data header is pinned");
static_assert(WIRE_DATA_OVERHEAD == 32, "data overhead is pinned");
static_assert(WIRE_RECORD_LEN == 4, "record header is pinned");
static_assert(WIRE_FRAGMENT_LEN == 6, "fragment header is pinned");
static_assert(WIRE_PROBE_LEN == 40, "probe is pinned");
static_assert(WIRE_HELLO_MAX == 84, "the longest hello is pinned");
/* No reply is larger than its question. */
static_assert(WIRE_RESPONSE_LEN <= WIRE_INITIATION_LEN, "no amplification");
static_assert(WIRE_COOKIE_LEN <= WIRE_RESPONSE_LEN, "no amplification");

static bool all_zero(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++) {
		if (p[i])
			return false;
	}
	return true;
}

/* Distinct bytes, so that a field out of place shows. */
static void number(uint8_t *p, size_t len, uint8_t from)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(from + i);
}

/* ---- classify ---- */

static const struct {
	uint8_t type;
	size_t len;
} messages[] = {
	{ WIRE_INITIATION, WIRE_INITIATION_LEN },
	{ WIRE_RESPONSE, WIRE_RESPONSE_LEN },
	{ WIRE_COOKIE, WIRE_COOKIE_LEN },
};

START_TEST(handshake_messages_have_one_length)
{
	uint8_t bytes[256] = { 0 };

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		bytes[0] = messages[i].type;
		for (size_t len = 0; len <= sizeof(bytes); len++) {
			enum wire_type type = WIRE_DATA;
			enum drop_reason why = wire_classify(bytes, len, &type);

			if (len == messages[i].len) {
				ck_assert_int_eq(why, DROP_NONE);
				ck_assert_uint_eq(type, messages[i].type);
				continue;
			}
			ck_assert_int_eq(why, len < 4 ? DROP_datagram_short
						      : DROP_datagram_length);
			ck_assert_uint_eq(type, 0);
		}
	}
}
END_TEST

START_TEST(data_has_at_least_header_and_tag)
{
	uint8_t bytes[2048] = { WIRE_DATA };
	enum wire_type type;

	for (size_t len = 0; len < sizeof(bytes); len++) {
		enum drop_reason why = wire_classify(bytes, len, &type);

		ck_assert_int_eq(why, len < WIRE_DATA_OVERHEAD
					      ? DROP_datagram_short
					      : DROP_NONE);
		ck_assert_uint_eq(type,
				  len < WIRE_DATA_OVERHEAD ? 0 : WIRE_DATA);
	}
}
END_TEST

START_TEST(unknown_types_are_refused)
{
	uint8_t bytes[WIRE_INITIATION_LEN] = { 0 };
	enum wire_type type;

	for (int t = 0; t < 256; t++) {
		if (t >= WIRE_INITIATION && t <= WIRE_DATA)
			continue;
		bytes[0] = (uint8_t)t;
		ck_assert_int_eq(wire_classify(bytes, sizeof(bytes), &type),
				 DROP_datagram_type);
	}
}
END_TEST

START_TEST(other_lanes_and_reserved_bits_are_refused)
{
	uint8_t bytes[WIRE_INITIATION_LEN] = { WIRE_INITIATION };
	enum wire_type type;

	for (int lane = 1; lane < 256; lane++) {
		bytes[1] = (uint8_t)lane;
		ck_assert_int_eq(wire_classify(bytes, sizeof(bytes), &type),
				 DROP_datagram_lane);
	}
	bytes[1] = 0;
	for (int bit = 0; bit < 16; bit++) {
		store_be16(bytes + 2, (uint16_t)(1 << bit));
		ck_assert_int_eq(wire_classify(bytes, sizeof(bytes), &type),
				 DROP_datagram_type);
	}
}
END_TEST

/* ---- messages ---- */

START_TEST(initiation_round_trip)
{
	struct wire_initiation in, out;
	uint8_t bytes[WIRE_INITIATION_LEN], again[WIRE_INITIATION_LEN];
	static const uint8_t prefix[] = { 1, 0, 0, 0, 0xa1, 0xb2, 0xc3, 0xd4 };
	enum wire_type type;

	in.sender = 0xa1b2c3d4;
	number(in.noise, sizeof(in.noise), 1);
	number(in.mac1, sizeof(in.mac1), 0xc0);
	number(in.mac2, sizeof(in.mac2), 0xe0);
	wire_pack_initiation(&in, bytes);
	ck_assert_int_eq(wire_classify(bytes, sizeof(bytes), &type), DROP_NONE);
	ck_assert_uint_eq(type, WIRE_INITIATION);
	ck_assert_mem_eq(bytes, prefix, sizeof(prefix));
	ck_assert_mem_eq(bytes + 8, in.noise, WIRE_NOISE1_LEN);
	ck_assert_mem_eq(bytes + sizeof(bytes) - WIRE_MAC1_FROM_END, in.mac1,
			 WIRE_MAC_LEN);
	ck_assert_mem_eq(bytes + sizeof(bytes) - WIRE_MAC2_FROM_END, in.mac2,
			 WIRE_MAC_LEN);
	wire_unpack_initiation(&out, bytes);
	ck_assert_uint_eq(out.sender, in.sender);
	wire_pack_initiation(&out, again);
	ck_assert_mem_eq(again, bytes, sizeof(bytes));
}
END_TEST

START_TEST(response_round_trip)
{
	struct wire_response in, out;
	uint8_t bytes[WIRE_RESPONSE_LEN], again[WIRE_RESPONSE_LEN];
	static const uint8_t prefix[] = { 2,	0,    0,    0,	  0xa1, 0xb2,
					  0xc3, 0xd4, 0x01, 0x02, 0x03, 0x04 };
	enum wire_type type;

	in.sender = 0xa1b2c3d4;
	in.receiver = 0x01020304;
	number(in.noise, sizeof(in.noise), 1);
	number(in.mac1, sizeof(in.mac1), 0xc0);
	number(in.mac2, sizeof(in.mac2), 0xe0);
	wire_pack_response(&in, bytes);
	ck_assert_int_eq(wire_classify(bytes, sizeof(bytes), &type), DROP_NONE);
	ck_assert_uint_eq(type, WIRE_RESPONSE);
	ck_assert_mem_eq(bytes, prefix, sizeof(prefix));
	ck_assert_mem_eq(bytes + 12, in.noise, WIRE_NOISE2_LEN);
	ck_assert_mem_eq(bytes + sizeof(bytes) - WIRE_MAC1_FROM_END, in.mac1,
			 WIRE_MAC_LEN);
	ck_assert_mem_eq(bytes + sizeof(bytes) - WIRE_MAC2_FROM_END, in.mac2,
			 WIRE_MAC_LEN);
	wire_unpack_response(&out, bytes);
	ck_assert_uint_eq(out.sender, in.sender);
	ck_assert_uint_eq(out.receiver, in.receiver);
	wire_pack_response(&out, again);
	ck_assert_mem_eq(again, bytes, sizeof(bytes));
}
END_TEST

START_TEST(cookie_round_trip)
{
	struct wire_cookie in, out;
	uint8_t bytes[WIRE_COOKIE_LEN], again[WIRE_COOKIE_LEN];
	static const uint8_t prefix[] = { 3, 0, 0, 0, 0x0a, 0x0b, 0x0c, 0x0d };
	enum wire_type type;

	in.receiver = 0x0a0b0c0d;
	number(in.nonce, sizeof(in.nonce), 1);
	number(in.sealed, sizeof(in.sealed), 0x40);
	wire_pack_cookie(&in, bytes);
	ck_assert_int_eq(wire_classify(bytes, sizeof(bytes), &type), DROP_NONE);
	ck_assert_uint_eq(type, WIRE_COOKIE);
	ck_assert_mem_eq(bytes, prefix, sizeof(prefix));
	ck_assert_mem_eq(bytes + 8, in.nonce, sizeof(in.nonce));
	ck_assert_mem_eq(bytes + 24, in.sealed, sizeof(in.sealed));
	wire_unpack_cookie(&out, bytes);
	ck_assert_uint_eq(out.receiver, in.receiver);
	wire_pack_cookie(&out, again);
	ck_assert_mem_eq(again, bytes, sizeof(bytes));
}
END_TEST

START_TEST(data_header_round_trip)
{
	struct wire_data out, in = { 0x11223344, 0x0102030405060708 };
	uint8_t bytes[WIRE_DATA_OVERHEAD] = { 0 };
	static const uint8_t expected[WIRE_DATA_HEADER_LEN] = {
		4, 0, 0, 0, 0x11, 0x22, 0x33, 0x44, 1, 2, 3, 4, 5, 6, 7, 8
	};
	enum wire_type type;

	wire_pack_data(&in, bytes);
	ck_assert_mem_eq(bytes, expected, sizeof(expected));
	ck_assert_int_eq(wire_classify(bytes, sizeof(bytes), &type), DROP_NONE);
	wire_unpack_data(&out, bytes);
	ck_assert_uint_eq(out.receiver, in.receiver);
	ck_assert_uint_eq(out.counter, in.counter);
}
END_TEST

/* ---- the walk over records ---- */

START_TEST(records_are_walked_to_the_end)
{
	uint8_t bytes[64] = { 0 };
	struct wire_record r;
	struct cursor c;

	wire_pack_record(bytes, WIRE_BYE, 0, 0);
	wire_pack_record(bytes + 4, (enum wire_kind)200, 0x80, 3);
	wire_pack_record(bytes + 11, WIRE_PAD, 0, 5);
	c = cursor_init(bytes, 20);
	ck_assert(wire_next_record(&c, &r));
	ck_assert_uint_eq(r.kind, WIRE_BYE);
	ck_assert_uint_eq(r.len, 0);
	ck_assert(wire_next_record(&c, &r));
	ck_assert_uint_eq(r.kind, 200);
	ck_assert_uint_eq(r.flags, 0x80);
	ck_assert_uint_eq(r.len, 3);
	ck_assert_ptr_eq(r.body, bytes + 8);
	ck_assert(wire_next_record(&c, &r));
	ck_assert_uint_eq(r.kind, WIRE_PAD);
	ck_assert(!wire_next_record(&c, &r));
	ck_assert(cursor_done(&c));
	ck_assert(all_zero(&r, sizeof(r)));
}
END_TEST

START_TEST(an_empty_datagram_has_no_records)
{
	struct cursor c = cursor_init(NULL, 0);
	struct wire_record r;

	ck_assert(!wire_next_record(&c, &r));
	ck_assert(cursor_done(&c));
}
END_TEST

START_TEST(truncated_records_fail_the_cursor)
{
	uint8_t bytes[10] = { 0 };

	wire_pack_record(bytes, WIRE_FRAME, 0, 6);
	for (size_t len = 1; len < sizeof(bytes); len++) {
		struct cursor c = cursor_init(bytes, len);
		struct wire_record r;

		ck_assert(!wire_next_record(&c, &r));
		ck_assert(!cursor_ok(&c));
		ck_assert(all_zero(&r, sizeof(r)));
		/* And stays there. */
		ck_assert(!wire_next_record(&c, &r));
	}
}
END_TEST

START_TEST(a_length_past_the_end_fails_the_cursor)
{
	uint8_t bytes[10] = { 0 };
	struct wire_record r;

	for (uint32_t len = 7; len <= UINT16_MAX; len += 251) {
		struct cursor c = cursor_init(bytes, sizeof(bytes));

		wire_pack_record(bytes, WIRE_FRAME, 0, (uint16_t)len);
		ck_assert(!wire_next_record(&c, &r));
		ck_assert(!cursor_ok(&c));
	}
}
END_TEST

/* ---- records ---- */

/* A record over a copy of the body that ends where its allocation ends, so
 * that a sanitizer sees any read past it. The caller frees body. */
static struct wire_record record_over(uint8_t kind, uint8_t flags,
				      const uint8_t *body, size_t len)
{
	struct wire_record r = { kind, flags, (uint16_t)len, NULL };
	uint8_t *copy = malloc(len ? len : 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, body, len);
	r.body = copy;
	return r;
}

static void record_free(struct wire_record *r)
{
	free((void *)(uintptr_t)r->body);
}

START_TEST(frame_with_complete_checksums)
{
	uint8_t body[60];
	struct wire_record r = { WIRE_FRAME, 0, sizeof(body), body };
	struct wire_frame f;

	number(body, sizeof(body), 0);
	ck_assert_int_eq(wire_unpack_frame(&f, &r), DROP_NONE);
	ck_assert(!f.csum_partial);
	ck_assert_uint_eq(f.csum_start, 0);
	ck_assert_ptr_eq(f.bytes, body);
	ck_assert_uint_eq(f.len, sizeof(body));
}
END_TEST

START_TEST(frame_with_a_partial_checksum)
{
	static const uint8_t body[] = { 0, 34, 0, 16, 0xaa, 0xbb };
	struct wire_record r = { WIRE_FRAME, WIRE_FRAME_CSUM_PARTIAL,
				 sizeof(body), body };
	struct wire_frame f;

	ck_assert_int_eq(wire_unpack_frame(&f, &r), DROP_NONE);
	ck_assert(f.csum_partial);
	ck_assert_uint_eq(f.csum_start, 34);
	ck_assert_uint_eq(f.csum_offset, 16);
	ck_assert_ptr_eq(f.bytes, body + 4);
	ck_assert_uint_eq(f.len, 2);
}
END_TEST

START_TEST(frame_without_room_for_its_checksum_fields)
{
	static const uint8_t body[WIRE_FRAME_CSUM_LEN] = { 0, 34, 0, 16 };

	for (size_t len = 0; len < sizeof(body); len++) {
		struct wire_record r = record_over(
			WIRE_FRAME, WIRE_FRAME_CSUM_PARTIAL, body, len);
		struct wire_frame f;

		ck_assert_int_eq(wire_unpack_frame(&f, &r), DROP_record_bad);
		ck_assert(all_zero(&f, sizeof(f)));
		record_free(&r);
	}
}
END_TEST

START_TEST(fragment_round_trip)
{
	uint8_t bytes[WIRE_RECORD_LEN + WIRE_FRAGMENT_LEN + 5] = { 0 };
	static const uint8_t expected[] = { 2,	  1,	0,    11,   0xde,
					    0xad, 0xbe, 0xef, 0x12, 0x34 };
	struct wire_fragment f;
	struct wire_record r;
	struct cursor c = cursor_init(bytes, sizeof(bytes));

	wire_pack_fragment(bytes, 0xdeadbeef, 0x1234, true, 5);
	ck_assert_mem_eq(bytes, expected, sizeof(expected));
	ck_assert(wire_next_record(&c, &r));
	ck_assert_int_eq(wire_unpack_fragment(&f, &r), DROP_NONE);
	ck_assert_uint_eq(f.id, 0xdeadbeef);
	ck_assert_uint_eq(f.offset, 0x1234);
	ck_assert(f.last);
	ck_assert_uint_eq(f.len, 5);
	ck_assert_ptr_eq(f.piece, bytes + 10);

	wire_pack_fragment(bytes, 0, 0, false, 5);
	ck_assert_uint_eq(bytes[1], 0);
}
END_TEST

START_TEST(fragments_without_a_piece_are_bad)
{
	static const uint8_t body[WIRE_FRAGMENT_LEN] = { 0, 0, 0, 1, 0, 0 };

	for (size_t len = 0; len <= sizeof(body); len++) {
		struct wire_record r = record_over(WIRE_FRAGMENT, 0, body, len);
		struct wire_fragment f;

		ck_assert_int_eq(wire_unpack_fragment(&f, &r),
				 DROP_fragment_bad);
		ck_assert(all_zero(&f, sizeof(f)));
		record_free(&r);
	}
}
END_TEST

START_TEST(fragments_end_within_65535)
{
	uint8_t body[WIRE_FRAGMENT_LEN + 2] = { 0, 0, 0, 1, 0xff, 0xfd };
	struct wire_record r = { WIRE_FRAGMENT, 0, sizeof(body), body };
	struct wire_fragment f;

	ck_assert_int_eq(wire_unpack_fragment(&f, &r), DROP_NONE);
	store_be16(body + 4, 0xfffe);
	ck_assert_int_eq(wire_unpack_fragment(&f, &r), DROP_fragment_bad);
	store_be16(body + 4, 0xffff);
	ck_assert_int_eq(wire_unpack_fragment(&f, &r), DROP_fragment_bad);
}
END_TEST

static const struct wire_hello hello = {
	.want = true,
	.ack = true,
	.version = WIRE_VERSION,
	.tap_mtu = 1500,
	.capabilities = 0x80000001,
	.epoch = 0x0123456789abcdef,
	.name = "web-1.Example_x",
};

START_TEST(hello_round_trip)
{
	static const uint8_t expected[] = {
		3,    3,    0,	  32,				/* record */
		1,    0,    0x05, 0xdc, 0x80, 0,    0,	  1,	/* … caps */
		0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, /* epoch */
		15,   'w',  'e',  'b',	'-',  '1',  '.',  'E',	'x', /* name */
		'a',  'm',  'p',  'l',	'e',  '_',  'x'
	};
	uint8_t bytes[WIRE_HELLO_MAX];
	size_t len = wire_pack_hello(&hello, bytes);
	struct cursor c = cursor_init(bytes, len);
	struct wire_record r;
	struct wire_hello h;

	ck_assert_uint_eq(len, sizeof(expected));
	ck_assert_mem_eq(bytes, expected, len);
	ck_assert(wire_next_record(&c, &r));
	ck_assert_int_eq(wire_unpack_hello(&h, &r), DROP_NONE);
	ck_assert(h.ack == hello.ack && h.want == hello.want);
	ck_assert_uint_eq(h.version, hello.version);
	ck_assert_uint_eq(h.tap_mtu, hello.tap_mtu);
	ck_assert_uint_eq(h.capabilities, hello.capabilities);
	ck_assert_uint_eq(h.epoch, hello.epoch);
	ck_assert_str_eq(h.name, hello.name);
}
END_TEST

START_TEST(hello_with_the_longest_name)
{
	struct wire_hello out, in = { .version = 1 };
	uint8_t bytes[WIRE_HELLO_MAX];
	struct wire_record r;
	struct cursor c;
	size_t len;

	memset(in.name, 'x', WIRE_NAME_MAX);
	len = wire_pack_hello(&in, bytes);
	ck_assert_uint_eq(len, WIRE_HELLO_MAX);
	c = cursor_init(bytes, len);
	ck_assert(wire_next_record(&c, &r));
	ck_assert_int_eq(wire_unpack_hello(&out, &r), DROP_NONE);
	ck_assert(!out.ack);
	ck_assert_str_eq(out.name, in.name);
}
END_TEST

START_TEST(hello_of_a_later_version_may_be_longer)
{
	uint8_t bytes[WIRE_HELLO_MAX + 9] = { 0 };
	size_t len = wire_pack_hello(&hello, bytes);
	struct wire_record r = { WIRE_HELLO, 0, (uint16_t)(len - 4 + 9),
				 bytes + 4 };
	struct wire_hello h;

	memset(bytes + len, '!', 9);
	bytes[4] = 2;
	ck_assert_int_eq(wire_unpack_hello(&h, &r), DROP_NONE);
	ck_assert_uint_eq(h.version, 2);
	ck_assert_str_eq(h.name, hello.name);
}
END_TEST

START_TEST(every_truncation_of_hello_is_bad)
{
	uint8_t bytes[WIRE_HELLO_MAX];
	size_t len = wire_pack_hello(&hello, bytes) - WIRE_RECORD_LEN;

	for (size_t n = 0; n < len; n++) {
		struct wire_record r = record_over(WIRE_HELLO, 0, bytes + 4, n);
		struct wire_hello h;

		ck_assert_int_eq(wire_unpack_hello(&h, &r), DROP_record_bad);
		ck_assert(all_zero(&h, sizeof(h)));
		record_free(&r);
	}
}
END_TEST

START_TEST(hello_with_a_hostile_name_is_bad)
{
	uint8_t bytes[WIRE_HELLO_MAX];
	size_t len = wire_pack_hello(&hello, bytes);
	struct wire_record r = { WIRE_HELLO, 0, (uint16_t)(len - 4),
				 bytes + 4 };
	struct wire_hello h;

	/* Every byte in the place of the name's last. */
	for (int b = 0; b < 256; b++) {
		bool fine = (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') ||
			    (b >= '0' && b <= '9') || b == '.' || b == '_' ||
			    b == '-';

		bytes[len - 1] = (uint8_t)b;
		ck_assert_int_eq(wire_unpack_hello(&h, &r),
				 fine ? DROP_NONE : DROP_record_bad);
	}
	bytes[len - 1] = 'x';
	bytes[4 + 16] = 0;
	ck_assert_int_eq(wire_unpack_hello(&h, &r), DROP_record_bad);
}
END_TEST

START_TEST(hello_with_a_name_of_64_is_bad)
{
	uint8_t body[17 + 64];
	struct wire_record r = { WIRE_HELLO, 0, sizeof(body), body };
	struct wire_hello h;

	memset(body, 'x', sizeof(body));
	body[16] = 64;
	ck_assert_int_eq(wire_unpack_hello(&h, &r), DROP_record_bad);
	body[16] = 63;
	ck_assert_int_eq(wire_unpack_hello(&h, &r), DROP_NONE);
	ck_assert_uint_eq(strlen(h.name), 63);
}
END_TEST

static const struct wire_probe probe = {
	.echo = true,
	.time_us = 0x0102030405060708,
	.sent = 0x1112131415161718,
	.received = 0x2122232425262728,
	.own = 0x31323334,
	.held = 0x41424344,
	.size = 0x5152,
};

START_TEST(probe_round_trip)
{
	static const uint8_t expected[WIRE_PROBE_LEN] = {
		4,    1,    0,	  36,	1,    2,    3,	  4,	5,    6,
		7,    8,    0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18,
		0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x31, 0x32,
		0x33, 0x34, 0x41, 0x42, 0x43, 0x44, 0x51, 0x52, 0,    0
	};
	uint8_t bytes[WIRE_PROBE_LEN] = { 0 };
	struct cursor c = cursor_init(bytes, sizeof(bytes));
	struct wire_record r;
	struct wire_probe p;

	wire_pack_probe(&probe, bytes);
	ck_assert_mem_eq(bytes, expected, sizeof(bytes));
	ck_assert(wire_next_record(&c, &r));
	ck_assert(cursor_done(&c));
	ck_assert_int_eq(wire_unpack_probe(&p, &r), DROP_NONE);
	ck_assert(p.echo);
	ck_assert_uint_eq(p.time_us, probe.time_us);
	ck_assert_uint_eq(p.sent, probe.sent);
	ck_assert_uint_eq(p.received, probe.received);
	ck_assert_uint_eq(p.own, probe.own);
	ck_assert_uint_eq(p.held, probe.held);
	ck_assert_uint_eq(p.size, probe.size);
}
END_TEST

START_TEST(a_probe_has_one_length)
{
	uint8_t bytes[WIRE_PROBE_LEN + 8] = { 0 };

	wire_pack_probe(&probe, bytes);
	for (size_t n = 0; n <= sizeof(bytes) - 4; n++) {
		struct wire_record r = record_over(WIRE_PROBE, 0, bytes + 4, n);
		struct wire_probe p;

		if (n == WIRE_PROBE_LEN - WIRE_RECORD_LEN) {
			ck_assert_int_eq(wire_unpack_probe(&p, &r), DROP_NONE);
		} else {
			ck_assert_int_eq(wire_unpack_probe(&p, &r),
					 DROP_record_bad);
			ck_assert(all_zero(&p, sizeof(p)));
		}
		record_free(&r);
	}
}
END_TEST

START_TEST(unknown_flags_drop_their_record)
{
	uint8_t body[64] = { 0 };
	struct wire_fragment fragment;
	struct wire_frame frame;
	struct wire_hello h;
	struct wire_probe p;

	for (int flags = 2; flags < 256; flags++) {
		struct wire_record r = { 0, (uint8_t)flags, sizeof(body),
					 body };

		ck_assert_int_eq(wire_unpack_frame(&frame, &r),
				 DROP_record_flag);
		ck_assert_int_eq(wire_unpack_fragment(&fragment, &r),
				 DROP_record_flag);
		ck_assert_int_eq(wire_unpack_probe(&p, &r), DROP_record_flag);
		if (flags >= 4)
			ck_assert_int_eq(wire_unpack_hello(&h, &r),
					 DROP_record_flag);
		ck_assert(all_zero(&frame, sizeof(frame)));
		ck_assert(all_zero(&fragment, sizeof(fragment)));
		ck_assert(all_zero(&p, sizeof(p)));
		if (flags >= 4)
			ck_assert(all_zero(&h, sizeof(h)));
	}
}
END_TEST

/* ---- docs/PROTOCOL ---- */

/* A record of the appendix: the one in bytes, and all of it. */
static struct wire_record protocol_record(const char *name, uint8_t *bytes,
					  size_t size)
{
	size_t len = protocol_vector(name, bytes, size);
	struct cursor c = cursor_init(bytes, len);
	struct wire_record r;

	ck_assert(wire_next_record(&c, &r));
	ck_assert(cursor_done(&c));
	return r;
}

START_TEST(messages_of_the_protocol_document)
{
	uint8_t initiator[4], responder[4], bytes[WIRE_INITIATION_LEN];
	struct wire_initiation m1;
	struct wire_response m2;
	struct wire_cookie m3;
	enum wire_type type;

	protocol_exact("initiator_index", initiator, 4);
	protocol_exact("responder_index", responder, 4);
	protocol_exact("initiation", bytes, WIRE_INITIATION_LEN);
	ck_assert_int_eq(wire_classify(bytes, WIRE_INITIATION_LEN, &type),
			 DROP_NONE);
	ck_assert_uint_eq(type, WIRE_INITIATION);
	wire_unpack_initiation(&m1, bytes);
	ck_assert_uint_eq(m1.sender, load_be32(initiator));
	ck_assert(all_zero(m1.mac2, sizeof(m1.mac2)));

	protocol_exact("response", bytes, WIRE_RESPONSE_LEN);
	ck_assert_int_eq(wire_classify(bytes, WIRE_RESPONSE_LEN, &type),
			 DROP_NONE);
	ck_assert_uint_eq(type, WIRE_RESPONSE);
	wire_unpack_response(&m2, bytes);
	ck_assert_uint_eq(m2.sender, load_be32(responder));
	ck_assert_uint_eq(m2.receiver, load_be32(initiator));
	ck_assert(all_zero(m2.mac2, sizeof(m2.mac2)));

	protocol_exact("cookie_message", bytes, WIRE_COOKIE_LEN);
	ck_assert_int_eq(wire_classify(bytes, WIRE_COOKIE_LEN, &type),
			 DROP_NONE);
	ck_assert_uint_eq(type, WIRE_COOKIE);
	wire_unpack_cookie(&m3, bytes);
	ck_assert_uint_eq(m3.receiver, load_be32(initiator));
}
END_TEST

START_TEST(frames_of_the_protocol_document)
{
	uint8_t bytes[128], whole[128];
	struct wire_record r;
	struct wire_fragment fragment;
	struct wire_frame f;
	size_t len;

	len = protocol_vector("record_frame", whole, sizeof(whole));
	r = protocol_record("record_frame", bytes, sizeof(bytes));
	ck_assert_uint_eq(r.kind, WIRE_FRAME);
	ck_assert_int_eq(wire_unpack_frame(&f, &r), DROP_NONE);
	ck_assert(!f.csum_partial);
	ck_assert_uint_eq(f.len, 42);

	r = protocol_record("record_frame_partial", bytes, sizeof(bytes));
	ck_assert_uint_eq(r.kind, WIRE_FRAME);
	ck_assert_int_eq(wire_unpack_frame(&f, &r), DROP_NONE);
	ck_assert(f.csum_partial);
	ck_assert_uint_eq(f.csum_start, 34);
	ck_assert_uint_eq(f.csum_offset, 6);
	ck_assert_uint_eq(f.len, 44);

	r = protocol_record("record_fragment", bytes, sizeof(bytes));
	ck_assert_uint_eq(r.kind, WIRE_FRAGMENT);
	ck_assert_int_eq(wire_unpack_fragment(&fragment, &r), DROP_NONE);
	ck_assert_uint_eq(fragment.id, 7);
	ck_assert(fragment.last);
	ck_assert_uint_eq(fragment.offset + fragment.len, len);
	ck_assert_mem_eq(fragment.piece, whole + fragment.offset, fragment.len);
}
END_TEST

START_TEST(other_records_of_the_protocol_document)
{
	uint8_t bytes[128], packed[WIRE_HELLO_MAX];
	struct wire_record r;
	struct wire_hello h;
	struct wire_probe p;

	r = protocol_record("record_hello", bytes, sizeof(bytes));
	ck_assert_uint_eq(r.kind, WIRE_HELLO);
	ck_assert_int_eq(wire_unpack_hello(&h, &r), DROP_NONE);
	ck_assert(h.want && !h.ack);
	ck_assert_uint_eq(h.version, WIRE_VERSION);
	ck_assert_uint_eq(h.tap_mtu, 1500);
	ck_assert_uint_eq(h.epoch, 0x0123456789abcdef);
	ck_assert_str_eq(h.name, "web1");
	ck_assert_uint_eq(wire_pack_hello(&h, packed), WIRE_RECORD_LEN + r.len);
	ck_assert_mem_eq(packed, bytes, WIRE_RECORD_LEN + r.len);

	r = protocol_record("record_echo", bytes, sizeof(bytes));
	ck_assert_uint_eq(r.kind, WIRE_PROBE);
	ck_assert_int_eq(wire_unpack_probe(&p, &r), DROP_NONE);
	ck_assert(p.echo);
	ck_assert_uint_eq(p.time_us, 1000000);
	ck_assert_uint_eq(p.sent, 3);
	ck_assert_uint_eq(p.received, 2);
	ck_assert_uint_eq(p.size, 548);
	wire_pack_probe(&p, packed);
	ck_assert_mem_eq(packed, bytes, WIRE_PROBE_LEN);

	r = protocol_record("record_pad", bytes, sizeof(bytes));
	ck_assert_uint_eq(r.kind, WIRE_PAD);
	r = protocol_record("record_bye", bytes, sizeof(bytes));
	ck_assert_uint_eq(r.kind, WIRE_BYE);
	ck_assert_uint_eq(r.len, 0);
}
END_TEST

START_TEST(names)
{
	static const char long_name[WIRE_NAME_MAX + 1] = { 0 };

	ck_assert(wire_name_valid("a", 1));
	ck_assert(wire_name_valid("-._", 3));
	ck_assert(!wire_name_valid("", 0));
	ck_assert(!wire_name_valid("a b", 3));
	ck_assert(!wire_name_valid("a\0b", 3));
	ck_assert(!wire_name_valid("\x1b[2J", 4));
	ck_assert(!wire_name_valid("n\xc3\xa4me", 5));
	ck_assert(!wire_name_valid(long_name, sizeof(long_name)));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("wire");
	TCase *t = tcase_create("messages");

	tcase_add_test(t, handshake_messages_have_one_length);
	tcase_add_test(t, data_has_at_least_header_and_tag);
	tcase_add_test(t, unknown_types_are_refused);
	tcase_add_test(t, other_lanes_and_reserved_bits_are_refused);
	tcase_add_test(t, initiation_round_trip);
	tcase_add_test(t, response_round_trip);
	tcase_add_test(t, cookie_round_trip);
	tcase_add_test(t, data_header_round_trip);
	suite_add_tcase(s, t);

	t = tcase_create("records");
	tcase_add_test(t, records_are_walked_to_the_end);
	tcase_add_test(t, an_empty_datagram_has_no_records);
	tcase_add_test(t, truncated_records_fail_the_cursor);
	tcase_add_test(t, a_length_past_the_end_fails_the_cursor);
	tcase_add_test(t, frame_with_complete_checksums);
	tcase_add_test(t, frame_with_a_partial_checksum);
	tcase_add_test(t, frame_without_room_for_its_checksum_fields);
	tcase_add_test(t, fragment_round_trip);
	tcase_add_test(t, fragments_without_a_piece_are_bad);
	tcase_add_test(t, fragments_end_within_65535);
	tcase_add_test(t, hello_round_trip);
	tcase_add_test(t, hello_with_the_longest_name);
	tcase_add_test(t, hello_of_a_later_version_may_be_longer);
	tcase_add_test(t, every_truncation_of_hello_is_bad);
	tcase_add_test(t, hello_with_a_hostile_name_is_bad);
	tcase_add_test(t, hello_with_a_name_of_64_is_bad);
	tcase_add_test(t, probe_round_trip);
	tcase_add_test(t, a_probe_has_one_length);
	tcase_add_test(t, unknown_flags_drop_their_record);
	tcase_add_test(t, names);
	suite_add_tcase(s, t);

	t = tcase_create("document");
	tcase_add_test(t, messages_of_the_protocol_document);
	tcase_add_test(t, frames_of_the_protocol_document);
	tcase_add_test(t, other_records_of_the_protocol_document);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	SRunner *sr = srunner_create(suite());
	int failed;

	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
