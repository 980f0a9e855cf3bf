/* tunnel/wire: the body of every record there and back, and hostile ones. */
#include <assert.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/alloc.h"
#include "support/main.h"
#include "tunnel/wire.h"

static_assert(WIRE_RECORD_LEN == 4, "record header is pinned");
static_assert(WIRE_FRAGMENT_LEN == 6, "fragment header is pinned");
static_assert(WIRE_PROBE_LEN == 68, "probe is pinned");
static_assert(WIRE_HELLO_MAX == 91, "the longest hello is pinned");
static_assert(WIRE_GROUPS_LEN == 24, "groups' fixed fields are pinned");

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

/* A record over a copy of the body that ends where its allocation ends, so
 * that a sanitizer sees any read past it. The caller frees body. */
static struct wire_record record_over(uint8_t kind, uint8_t flags,
				      const uint8_t *body, size_t len)
{
	struct wire_record r = { kind, flags, (uint16_t)len, NULL };
	uint8_t *copy = test_copy(body, len);

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
	.tap_mac = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 },
	.name = "web-1.Example_x",
};

START_TEST(hello_round_trip)
{
	static const uint8_t expected[] = {
		3,    3,    0,	  39,				/* record */
		2,    0,    0x05, 0xdc, 0x80, 0,    0,	  1,	/* … caps */
		0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, /* epoch */
		0x52, 0x54, 0,	  0x12, 0x34, 0x56, 0,		/* MAC */
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
	ck_assert_mem_eq(h.tap_mac, hello.tap_mac, sizeof(h.tap_mac));
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
	bytes[4] = 3;
	ck_assert_int_eq(wire_unpack_hello(&h, &r), DROP_NONE);
	ck_assert_uint_eq(h.version, 3);
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
	bytes[4 + 23] = 0;
	ck_assert_int_eq(wire_unpack_hello(&h, &r), DROP_record_bad);
}
END_TEST

START_TEST(hello_with_a_name_of_64_is_bad)
{
	uint8_t body[24 + 64];
	struct wire_record r = { WIRE_HELLO, 0, sizeof(body), body };
	struct wire_hello h;

	memset(body, 'x', sizeof(body));
	body[23] = 64;
	ck_assert_int_eq(wire_unpack_hello(&h, &r), DROP_record_bad);
	body[23] = 63;
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
	.digest = 0x6162636465666768,
	.list = 0x71727374,
	.observed = { .ip = { 0xfd, [15] = 2 }, .port = 0x5354 },
};

START_TEST(probe_round_trip)
{
	static const uint8_t expected[WIRE_PROBE_LEN] = {
		4,    1,    0,	  64,	1,    2,    3,	  4,	5,
		6,    7,    8,	  0x11, 0x12, 0x13, 0x14, 0x15, 0x16,
		0x17, 0x18, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27,
		0x28, 0x31, 0x32, 0x33, 0x34, 0x41, 0x42, 0x43, 0x44,
		0x51, 0x52, 0x53, 0x54, 0x61, 0x62, 0x63, 0x64, 0x65,
		0x66, 0x67, 0x68, 0x71, 0x72, 0x73, 0x74, 0xfd, [67] = 2
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
	ck_assert_uint_eq(p.digest, probe.digest);
	ck_assert_uint_eq(p.list, probe.list);
	ck_assert(addr_equal(&p.observed, &probe.observed));
}
END_TEST

START_TEST(a_probe_of_a_later_version_may_be_longer)
{
	uint8_t bytes[WIRE_PROBE_LEN + 8] = { 0 };

	wire_pack_probe(&probe, bytes);
	for (size_t n = 0; n <= sizeof(bytes) - 4; n++) {
		struct wire_record r = record_over(WIRE_PROBE, 0, bytes + 4, n);
		struct wire_probe p;

		if (n >= WIRE_PROBE_LEN - WIRE_RECORD_LEN) {
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

/* ---- groups ---- */

static const struct wire_groups groups = {
	.router = true,
	.ack = true,
	.epoch = 0x0123456789abcdef,
	.base = 0x11121314,
	.version = 0x21222324,
	.latest = 0x31323334,
};

static const struct wire_change changes[] = {
	{ false, 0, { [10] = 0xff, 0xff, 239, 1, 2, 3 } },
	{ true, 4095, { [10] = 0xff, 0xff, 224, 0, 1, 0 } },
	{ false, 1, { [10] = 0xff, 0xff } }, /* of a VLAN */
	{ true, 2, { 0xff, 0x05, [15] = 9 } },
	{ false, 3, { 0xff, 0x0e, [8] = 1, 2, 3, 4, 5, 6, 7, 8 } },
};
#define CHANGES (sizeof(changes) / sizeof(changes[0]))

static size_t pack_groups(const struct wire_groups *g, size_t count,
			  uint8_t out[256])
{
	size_t len = WIRE_GROUPS_LEN;

	for (size_t i = 0; i < count; i++)
		len += wire_pack_change(&changes[i], out + len);
	wire_pack_groups(g, len - WIRE_GROUPS_LEN, out);
	return len;
}

static struct wire_record record_of(const uint8_t *bytes, size_t len)
{
	struct cursor c = cursor_init(bytes, len);
	struct wire_record r;

	ck_assert(wire_next_record(&c, &r));
	ck_assert(cursor_done(&c));
	return r;
}

START_TEST(groups_are_these_bytes)
{
	static const uint8_t expected[] = {
		5,    6,    0,	  60,				/* record */
		0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, /* epoch */
		0x11, 0x12, 0x13, 0x14,				/* base */
		0x21, 0x22, 0x23, 0x24,				/* version */
		0x31, 0x32, 0x33, 0x34,				/* latest */
		0,    0,    0,	  239,	1,    2,    3,		/* joined */
		1,    0x0f, 0xff, 224,	0,    1,    0,		/* left */
		0,    0,    1,	  0,	0,    0,    0,		/* VLAN 1 */
		3,    0,    2,	  0xff, 0x05, 0,    0,	  0,	/* left */
		0,    0,    0,	  0,	0,    0,    0,	  0,	/* … */
		0,    0,    9,
	};
	uint8_t bytes[256];

	ck_assert_uint_eq(pack_groups(&groups, 4, bytes), sizeof(expected));
	ck_assert_mem_eq(bytes, expected, sizeof(expected));
}
END_TEST

START_TEST(groups_round_trip)
{
	uint8_t bytes[256];

	for (unsigned int flags = 0; flags < 8; flags++) {
		struct wire_groups out, in = groups;
		struct wire_change change;
		struct wire_record r;

		in.want_all = flags & 1;
		in.router = flags & 2;
		in.ack = flags & 4;
		r = record_of(bytes, pack_groups(&in, CHANGES, bytes));
		ck_assert_uint_eq(r.flags, flags);
		ck_assert_int_eq(wire_unpack_groups(&out, &r), DROP_NONE);
		ck_assert(out.want_all == in.want_all);
		ck_assert(out.router == in.router && out.ack == in.ack);
		ck_assert_uint_eq(out.epoch, in.epoch);
		ck_assert_uint_eq(out.base, in.base);
		ck_assert_uint_eq(out.version, in.version);
		ck_assert_uint_eq(out.latest, in.latest);
		for (size_t i = 0; i < CHANGES; i++) {
			ck_assert(wire_next_change(&out, &change));
			ck_assert_int_eq(change.left, changes[i].left);
			ck_assert_uint_eq(change.vlan, changes[i].vlan);
			ck_assert_mem_eq(change.ip, changes[i].ip, 16);
		}
		ck_assert(!wire_next_change(&out, &change));
		ck_assert(!wire_next_change(&out, &change));
	}
}
END_TEST

START_TEST(groups_cut_within_a_change_are_bad_and_say_nothing)
{
	uint8_t bytes[256];
	size_t len = pack_groups(&groups, CHANGES, bytes) - WIRE_RECORD_LEN;
	/* where a change ends */
	static const size_t whole[] = { 20, 27, 34, 41, 60, 79 };
	size_t at = 0;

	ck_assert_uint_eq(len, 79);
	for (size_t n = 0; n <= len; n++) {
		struct wire_record r =
			record_over(WIRE_GROUPS, 0, bytes + 4, n);
		struct wire_groups g;

		if (n == whole[at]) {
			at++;
			ck_assert_int_eq(wire_unpack_groups(&g, &r), DROP_NONE);
		} else {
			ck_assert_int_eq(wire_unpack_groups(&g, &r),
					 DROP_record_bad);
			ck_assert(all_zero(&g, sizeof(g)));
		}
		record_free(&r);
	}
	ck_assert_uint_eq(at, 6);
}
END_TEST

START_TEST(groups_with_a_change_of_unknown_kind_are_bad)
{
	uint8_t bytes[256];
	size_t len = pack_groups(&groups, CHANGES, bytes);

	for (unsigned int bit = 2; bit < 8; bit++) {
		struct wire_groups g;
		struct wire_record r;

		/* the third, so that two are fine */
		bytes[WIRE_GROUPS_LEN + 14] = (uint8_t)(1u << bit);
		r = record_of(bytes, len);
		ck_assert_int_eq(wire_unpack_groups(&g, &r), DROP_record_bad);
		ck_assert(all_zero(&g, sizeof(g)));
	}
}
END_TEST

START_TEST(groups_lead_forward_and_not_beyond_the_latest)
{
	static const struct {
		uint32_t base, version, latest;
		bool fine;
	} versions[] = {
		{ 0, 1, 1, true },
		{ 0, 1, 2, true },
		{ 4, 5, 5, true },
		{ 1, UINT32_MAX, UINT32_MAX, true },
		{ 0, UINT32_MAX - 1, UINT32_MAX, true },
		{ 0, 0, 0, false },
		{ 0, 0, 1, false },
		{ 1, 1, 1, false },
		{ 5, 4, 5, false },
		{ 0, 2, 1, false },
		{ 0, UINT32_MAX, 0, false },
		{ UINT32_MAX, 0, 0, false },
		{ UINT32_MAX, UINT32_MAX, UINT32_MAX, false },
	};
	uint8_t bytes[256];

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		struct wire_groups g = { .base = versions[i].base,
					 .version = versions[i].version,
					 .latest = versions[i].latest };
		struct wire_record r =
			record_of(bytes, pack_groups(&g, 1, bytes));

		ck_assert_int_eq(wire_unpack_groups(&g, &r),
				 versions[i].fine ? DROP_NONE
						  : DROP_record_bad);
	}
}
END_TEST

START_TEST(unknown_flags_of_groups_drop_the_record)
{
	uint8_t bytes[256];
	size_t len = pack_groups(&groups, CHANGES, bytes);

	for (unsigned int flags = 8; flags < 256; flags++) {
		struct wire_groups g;
		struct wire_record r;

		bytes[1] = (uint8_t)flags;
		r = record_of(bytes, len);
		ck_assert_int_eq(wire_unpack_groups(&g, &r), DROP_record_flag);
		ck_assert(all_zero(&g, sizeof(g)));
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
		if (flags >= 4) {
			ck_assert_int_eq(wire_unpack_hello(&h, &r),
					 DROP_record_flag);
			ck_assert_int_eq(wire_unpack_probe(&p, &r),
					 DROP_record_flag);
			ck_assert(all_zero(&h, sizeof(h)));
			ck_assert(all_zero(&p, sizeof(p)));
		}
		ck_assert(all_zero(&frame, sizeof(frame)));
		ck_assert(all_zero(&fragment, sizeof(fragment)));
	}
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

static const struct unit_test tests[] = {
	UNIT_TEST(frame_with_complete_checksums),
	UNIT_TEST(frame_with_a_partial_checksum),
	UNIT_TEST(frame_without_room_for_its_checksum_fields),
	UNIT_TEST(fragment_round_trip),
	UNIT_TEST(fragments_without_a_piece_are_bad),
	UNIT_TEST(fragments_end_within_65535),
	UNIT_TEST(hello_round_trip),
	UNIT_TEST(hello_with_the_longest_name),
	UNIT_TEST(hello_of_a_later_version_may_be_longer),
	UNIT_TEST(every_truncation_of_hello_is_bad),
	UNIT_TEST(hello_with_a_hostile_name_is_bad),
	UNIT_TEST(hello_with_a_name_of_64_is_bad),
	UNIT_TEST(probe_round_trip),
	UNIT_TEST(a_probe_of_a_later_version_may_be_longer),
	UNIT_TEST(groups_are_these_bytes),
	UNIT_TEST(groups_round_trip),
	UNIT_TEST(groups_cut_within_a_change_are_bad_and_say_nothing),
	UNIT_TEST(groups_with_a_change_of_unknown_kind_are_bad),
	UNIT_TEST(groups_lead_forward_and_not_beyond_the_latest),
	UNIT_TEST(unknown_flags_of_groups_drop_the_record),
	UNIT_TEST(unknown_flags_drop_their_record),
	UNIT_TEST(names),
};

UNIT_MAIN("wire_records", tests)
