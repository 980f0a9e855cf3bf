/* tunnel/wire: every message, and the walk over records, there and back. */
#include <assert.h>
#include <check.h>
#include <string.h>

#include "support/main.h"
#include "tunnel/wire.h"

static_assert(WIRE_INITIATION_LEN == 144, "initiation is pinned");
static_assert(WIRE_RESPONSE_LEN == 140, "response is pinned");
static_assert(WIRE_COOKIE_LEN == 56, "cookie is pinned");
static_assert(WIRE_DATA_HEADER_LEN == 16, "data header is pinned");
static_assert(WIRE_DATA_OVERHEAD == 32, "data overhead is pinned");
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
		if (t >= WIRE_INITIATION && t <= WIRE_RELAYED)
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
	struct wire_data out,
		in = { 0x11223344, 0, { 1, 2, 3, 4, 5, 6 }, 0x0708090a };
	static const uint8_t expected_nonce[WIRE_NONCE_LEN] = { 1, 2, 3, 4,
								5, 6, 0, 9,
								7, 8, 9, 10 };
	uint8_t nonce[WIRE_NONCE_LEN];
	uint8_t bytes[WIRE_DATA_OVERHEAD] = { 0 };
	static const uint8_t expected[WIRE_DATA_HEADER_LEN] = {
		4, 0, 1, 2, 0x11, 0x22, 0x33, 0x44, 3, 4, 5, 6, 7, 8, 9, 10
	};
	enum wire_type type;

	wire_pack_data(&in, bytes);
	ck_assert_mem_eq(bytes, expected, sizeof(expected));
	ck_assert_int_eq(wire_classify(bytes, sizeof(bytes), &type), DROP_NONE);
	wire_unpack_data(&out, bytes);
	ck_assert_uint_eq(out.receiver, in.receiver);
	ck_assert_mem_eq(out.salt, in.salt, WIRE_SALT_LEN);
	ck_assert_uint_eq(out.counter, in.counter);
	in.lane = 9;
	wire_pack_data(&in, bytes);
	wire_data_nonce(bytes, nonce);
	ck_assert_mem_eq(nonce, expected_nonce, sizeof(nonce));
	ck_assert_int_eq(wire_classify(bytes, sizeof(bytes), &type),
			 DROP_datagram_lane);
}
END_TEST

START_TEST(relayed_header_round_trip)
{
	struct wire_relayed out, in = { 0x11223344 };
	uint8_t bytes[WIRE_RELAYED_LEN + WIRE_DATA_OVERHEAD] = {
		[WIRE_RELAYED_LEN] = WIRE_DATA
	};
	static const uint8_t expected[WIRE_RELAYED_LEN] = { 5,	  0,	0,
							    0,	  0x11, 0x22,
							    0x33, 0x44 };
	enum wire_type type;

	wire_pack_relayed(&in, bytes);
	ck_assert_mem_eq(bytes, expected, sizeof(expected));
	ck_assert_int_eq(wire_classify(bytes, sizeof(bytes), &type), DROP_NONE);
	ck_assert_uint_eq(type, WIRE_RELAYED);
	wire_unpack_relayed(&out, bytes);
	ck_assert_uint_eq(out.leg, in.leg);
}
END_TEST

/* Whatever is in a relayed message is what would be let through by itself. */
START_TEST(what_a_relayed_message_carries_has_to_be_one_by_itself)
{
	uint8_t bytes[WIRE_RELAYED_LEN + 200] = { 5, [7] = 1 };
	uint8_t *inner = bytes + WIRE_RELAYED_LEN;
	enum wire_type type, inner_type;

	for (unsigned t = 0; t < 256; t++) {
		inner[0] = (uint8_t)t;
		for (size_t len = 0; len <= 200; len++) {
			bool ok = wire_classify(inner, len, &inner_type) ==
				  DROP_NONE;

			ck_assert_int_eq(wire_classify(bytes,
						       WIRE_RELAYED_LEN + len,
						       &type),
					 ok ? DROP_NONE : DROP_relayed_bad);
			ck_assert_uint_eq(type, ok ? WIRE_RELAYED : 0);
		}
	}
	inner[0] = WIRE_COOKIE;
	for (size_t i = 1; i < 4; i++) {
		inner[i] = 1; /* its lane, its reserved bytes */
		ck_assert_int_eq(
			wire_classify(bytes, WIRE_RELAYED_LEN + WIRE_COOKIE_LEN,
				      &type),
			DROP_relayed_bad);
		inner[i] = 0;
	}
}
END_TEST

START_TEST(a_relayed_message_in_a_relayed_message_is_refused)
{
	uint8_t bytes[2 * WIRE_RELAYED_LEN + WIRE_DATA_OVERHEAD] = {
		5, [7] = 1, [8] = 5, [15] = 1, [16] = WIRE_DATA
	};
	enum wire_type type;

	ck_assert_int_eq(wire_classify(bytes + 8, sizeof(bytes) - 8, &type),
			 DROP_NONE);
	ck_assert_int_eq(wire_classify(bytes, sizeof(bytes), &type),
			 DROP_relayed_bad);
	ck_assert_uint_eq(type, 0);
}
END_TEST

START_TEST(a_relayed_message_of_no_leg_or_another_lane_is_refused)
{
	uint8_t bytes[WIRE_RELAYED_LEN + WIRE_DATA_OVERHEAD] = {
		5, [7] = 1, [8] = WIRE_DATA
	};
	enum wire_type type;

	for (size_t len = 0; len < WIRE_RELAYED_LEN; len++)
		ck_assert_int_eq(wire_classify(bytes, len, &type),
				 DROP_datagram_short);
	bytes[7] = 0;
	ck_assert_int_eq(wire_classify(bytes, sizeof(bytes), &type),
			 DROP_relayed_bad);
	bytes[7] = 1;
	bytes[1] = 1;
	ck_assert_int_eq(wire_classify(bytes, sizeof(bytes), &type),
			 DROP_datagram_lane);
	bytes[1] = 0;
	bytes[2] = 1;
	ck_assert_int_eq(wire_classify(bytes, sizeof(bytes), &type),
			 DROP_datagram_type);
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

static const struct unit_test tests[] = {
	UNIT_CASE("messages"),
	UNIT_TEST(handshake_messages_have_one_length),
	UNIT_TEST(data_has_at_least_header_and_tag),
	UNIT_TEST(unknown_types_are_refused),
	UNIT_TEST(other_lanes_and_reserved_bits_are_refused),
	UNIT_TEST(initiation_round_trip),
	UNIT_TEST(response_round_trip),
	UNIT_TEST(cookie_round_trip),
	UNIT_TEST(data_header_round_trip),
	UNIT_TEST(relayed_header_round_trip),
	UNIT_TEST(what_a_relayed_message_carries_has_to_be_one_by_itself),
	UNIT_TEST(a_relayed_message_in_a_relayed_message_is_refused),
	UNIT_TEST(a_relayed_message_of_no_leg_or_another_lane_is_refused),
	UNIT_CASE("records"),
	UNIT_TEST(records_are_walked_to_the_end),
	UNIT_TEST(an_empty_datagram_has_no_records),
	UNIT_TEST(truncated_records_fail_the_cursor),
	UNIT_TEST(a_length_past_the_end_fails_the_cursor),
};

UNIT_MAIN("wire", tests)
