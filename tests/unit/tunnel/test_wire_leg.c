/* tunnel/wire_leg: legs and addresses, there and back, and hostile ones. */
#include <assert.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/alloc.h"
#include "support/main.h"
#include "tunnel/wire_leg.h"

static_assert(WIRE_LEG_LEN == 44, "a leg is pinned");
static_assert(WIRE_ADDRESSES_LEN_MAX == 164, "eight addresses are, too");
static_assert(WIRE_LEG_ASK == 1 && WIRE_LEG_OFFER == 2 && WIRE_LEG_END == 3,
	      "what is said is pinned");
static_assert(WIRE_LEG_GONE == 5, "why legs end is pinned");

static struct wire_record record_in(const uint8_t *bytes, size_t len)
{
	return (struct wire_record){ bytes[0], bytes[1],
				     (uint16_t)(len - WIRE_RECORD_LEN),
				     bytes + WIRE_RECORD_LEN };
}

/* ---- legs ---- */

static const struct wire_leg legs[] = {
	{ false, WIRE_LEG_ASK, 0, 0x11223344, { 1, [31] = 2 } },
	{ true, WIRE_LEG_OFFER, 0, 1, { 3, [31] = 4 } },
	{ false, WIRE_LEG_END, WIRE_LEG_SPENT, 0, { 5, [31] = 6 } },
	{ false, WIRE_LEG_END, 200, 0, { 0 } }, /* a later version's reason */
	{ true, 77, 88, 99, { 7 } },		/* a later version's kind */
};

/* And what a later version appends is ignored. */
START_TEST(a_leg_comes_back_as_it_was)
{
	const struct wire_leg *l = &legs[_i];
	uint8_t bytes[WIRE_LEG_LEN + 3] = { 0 };

	wire_pack_leg(l, bytes);
	ck_assert_uint_eq(bytes[0], 10);
	ck_assert_uint_eq(load_be16(bytes + 2), 40);
	for (size_t len = WIRE_RECORD_LEN; len <= sizeof(bytes); len++) {
		uint8_t *copy = test_copy(bytes, len);
		struct wire_record r = record_in(copy, len);
		struct wire_leg got;

		memset(&got, 0xff, sizeof(got));
		ck_assert_int_eq(wire_unpack_leg(&got, &r),
				 len < WIRE_LEG_LEN ? DROP_record_bad
						    : DROP_NONE);
		ck_assert_int_eq(got.lasting,
				 len >= WIRE_LEG_LEN && l->lasting);
		ck_assert_uint_eq(got.what, len < WIRE_LEG_LEN ? 0 : l->what);
		ck_assert_uint_eq(got.reason,
				  len < WIRE_LEG_LEN ? 0 : l->reason);
		ck_assert_uint_eq(got.index, len < WIRE_LEG_LEN ? 0 : l->index);
		if (len >= WIRE_LEG_LEN)
			ck_assert_mem_eq(got.key, l->key, sizeof(l->key));
		free(copy);
	}
}
END_TEST

/* Nobody could send on it. */
START_TEST(an_ask_or_offer_with_no_index_is_malformed)
{
	uint8_t bytes[WIRE_LEG_LEN];

	for (unsigned what = 0; what < 256; what++) {
		const struct wire_leg l = { .what = (uint8_t)what };
		struct wire_record r;
		struct wire_leg got;

		wire_pack_leg(&l, bytes);
		r = record_in(bytes, sizeof(bytes));
		ck_assert_int_eq(wire_unpack_leg(&got, &r),
				 what == WIRE_LEG_ASK || what == WIRE_LEG_OFFER
					 ? DROP_record_bad
					 : DROP_NONE);
	}
}
END_TEST

START_TEST(a_leg_with_an_unknown_flag_is_refused_and_reserved_bits_are_not)
{
	uint8_t bytes[WIRE_LEG_LEN];
	struct wire_record r;
	struct wire_leg got;

	wire_pack_leg(&legs[0], bytes);
	r = record_in(bytes, sizeof(bytes));
	for (unsigned bit = 1; bit < 8; bit++) {
		r.flags = (uint8_t)(1u << bit);
		ck_assert_int_eq(wire_unpack_leg(&got, &r), DROP_record_flag);
		ck_assert_uint_eq(got.index, 0);
	}
	r.flags = 0;
	bytes[WIRE_RECORD_LEN + 2] = 0xff;
	ck_assert_int_eq(wire_unpack_leg(&got, &r), DROP_NONE);
	ck_assert_uint_eq(got.index, legs[0].index);
}
END_TEST

/* ---- addresses ---- */

static struct wire_addresses some(size_t count)
{
	struct wire_addresses a = { .count = count };

	for (size_t i = 0; i < count; i++) {
		a.is[i].observed = i % 2;
		a.is[i].addr = addr_v4(0x0a090000 + (uint32_t)i,
				       (uint16_t)(60000 + i));
	}
	return a;
}

START_TEST(addresses_come_back_as_they_were)
{
	for (size_t count = 0; count <= WIRE_ADDRESSES_MAX; count++) {
		const struct wire_addresses a = some(count);
		uint8_t bytes[WIRE_ADDRESSES_LEN_MAX];
		size_t len = wire_pack_addresses(&a, bytes);
		struct wire_record r = record_in(bytes, len);
		struct wire_addresses got;

		ck_assert_uint_eq(bytes[0], 14);
		ck_assert_uint_eq(len, 4 + 20 * count);
		ck_assert_uint_eq(load_be16(bytes + 2), len - WIRE_RECORD_LEN);
		ck_assert_int_eq(wire_unpack_addresses(&got, &r), DROP_NONE);
		ck_assert_uint_eq(got.count, count);
		for (size_t i = 0; i < count; i++) {
			ck_assert_int_eq(got.is[i].observed, i % 2);
			ck_assert(addr_equal(&got.is[i].addr, &a.is[i].addr));
		}
	}
}
END_TEST

START_TEST(an_address_that_is_cut_short_spoils_the_record)
{
	const struct wire_addresses a = some(WIRE_ADDRESSES_MAX);
	uint8_t bytes[WIRE_ADDRESSES_LEN_MAX];
	size_t whole = wire_pack_addresses(&a, bytes);

	for (size_t len = WIRE_RECORD_LEN; len <= whole; len++) {
		uint8_t *copy = test_copy(bytes, len);
		struct wire_record r = record_in(copy, len);
		struct wire_addresses got;
		bool cut = r.len % WIRE_ADDRESS_LEN != 0;

		memset(&got, 0xff, sizeof(got));
		ck_assert_int_eq(wire_unpack_addresses(&got, &r),
				 cut ? DROP_record_bad : DROP_NONE);
		ck_assert_uint_eq(got.count,
				  cut ? 0 : r.len / (size_t)WIRE_ADDRESS_LEN);
		free(copy);
	}
}
END_TEST

START_TEST(unknown_kinds_are_skipped_and_a_ninth_address_is_not_read)
{
	uint8_t bytes[WIRE_RECORD_LEN + 20 * WIRE_ADDRESS_LEN] = { 0 };
	struct wire_record r = record_in(bytes, sizeof(bytes));
	struct wire_addresses got;

	/* 0, 1, 2, 3, 0, 1, … as kinds: every second is known. */
	for (uint8_t i = 0; i < 20; i++) {
		uint8_t *at = bytes + WIRE_RECORD_LEN + i * WIRE_ADDRESS_LEN;

		at[0] = i % 4;
		store_be16(at + 2, i);
	}
	ck_assert_int_eq(wire_unpack_addresses(&got, &r), DROP_NONE);
	ck_assert_uint_eq(got.count, WIRE_ADDRESSES_MAX);
	for (size_t i = 0; i < got.count; i++) {
		ck_assert_uint_eq(got.is[i].addr.port, i / 2 * 4 + i % 2 + 1);
		ck_assert_int_eq(got.is[i].observed, i % 2);
	}
}
END_TEST

START_TEST(the_longest_record_of_addresses_is_read_to_its_end)
{
	const size_t len = UINT16_MAX / WIRE_ADDRESS_LEN * WIRE_ADDRESS_LEN;
	uint8_t *body = test_zalloc(len, 1);
	struct wire_record r = { WIRE_ADDRESSES, 0, (uint16_t)len, body };
	struct wire_addresses got;

	body[len - WIRE_ADDRESS_LEN] = 2;
	ck_assert_int_eq(wire_unpack_addresses(&got, &r), DROP_NONE);
	ck_assert_uint_eq(got.count, 1);
	ck_assert(got.is[0].observed);
	r.flags = 1;
	ck_assert_int_eq(wire_unpack_addresses(&got, &r), DROP_record_flag);
	ck_assert_uint_eq(got.count, 0);
	free(body);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_EACH(a_leg_comes_back_as_it_was, legs),
	UNIT_TEST(an_ask_or_offer_with_no_index_is_malformed),
	UNIT_TEST(
		a_leg_with_an_unknown_flag_is_refused_and_reserved_bits_are_not),
	UNIT_TEST(addresses_come_back_as_they_were),
	UNIT_TEST(an_address_that_is_cut_short_spoils_the_record),
	UNIT_TEST(unknown_kinds_are_skipped_and_a_ninth_address_is_not_read),
	UNIT_TEST(the_longest_record_of_addresses_is_read_to_its_end),
};

UNIT_MAIN("wire_leg", tests)
