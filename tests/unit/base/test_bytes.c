#include <check.h>
#include <string.h>

#include "base/bytes.h"
#include "support/main.h"

START_TEST(loads_and_stores_are_big_endian)
{
	static const uint8_t wire[] = { 0x01, 0x23, 0x45, 0x67,
					0x89, 0xab, 0xcd, 0xef };
	uint8_t out[8];

	ck_assert_uint_eq(load_be16(wire), 0x0123);
	ck_assert_uint_eq(load_be32(wire), 0x01234567);
	ck_assert_uint_eq(load_be64(wire), UINT64_C(0x0123456789abcdef));
	store_be16(out, 0x0123);
	ck_assert_mem_eq(out, wire, 2);
	store_be32(out, 0x01234567);
	ck_assert_mem_eq(out, wire, 4);
	store_be64(out, UINT64_C(0x0123456789abcdef));
	ck_assert_mem_eq(out, wire, 8);
}
END_TEST

START_TEST(high_bits_do_not_sign_extend)
{
	static const uint8_t ones[8] = { 0xff, 0xff, 0xff, 0xff,
					 0xff, 0xff, 0xff, 0xff };

	ck_assert_uint_eq(load_be16(ones), UINT16_MAX);
	ck_assert_uint_eq(load_be32(ones), UINT32_MAX);
	ck_assert_uint_eq(load_be64(ones), UINT64_MAX);
}
END_TEST

START_TEST(cursor_reads_front_to_back)
{
	uint8_t wire[17] = { 0 }, copy[2];
	struct cursor c = cursor_init(wire, sizeof(wire));

	for (uint8_t i = 0; i < sizeof(wire); i++)
		wire[i] = i;
	ck_assert_uint_eq(cursor_u8(&c), 0x00);
	ck_assert_uint_eq(cursor_u16(&c), 0x0102);
	ck_assert_uint_eq(cursor_u32(&c), 0x03040506);
	ck_assert_uint_eq(cursor_u64(&c), UINT64_C(0x0708090a0b0c0d0e));
	ck_assert(!cursor_done(&c));
	cursor_copy(&c, copy, 1);
	ck_assert_uint_eq(copy[0], 0x0f);
	ck_assert_ptr_eq(cursor_take(&c, 1), wire + 16);
	ck_assert(cursor_ok(&c));
	ck_assert(cursor_done(&c));
}
END_TEST

START_TEST(cursor_past_the_end_yields_zeros_forever)
{
	static const uint8_t wire[] = { 1, 2, 3 };
	struct cursor c = cursor_init(wire, sizeof(wire));
	uint8_t copy[2] = { 9, 9 };

	ck_assert_uint_eq(cursor_u32(&c), 0);
	ck_assert(!cursor_ok(&c));
	/* Three bytes are there, but the error sticks. */
	ck_assert_uint_eq(cursor_u8(&c), 0);
	ck_assert_uint_eq(cursor_u16(&c), 0);
	ck_assert_uint_eq(cursor_u64(&c), 0);
	ck_assert_ptr_null(cursor_take(&c, 1));
	ck_assert_ptr_null(cursor_take(&c, 0));
	cursor_copy(&c, copy, sizeof(copy));
	ck_assert_uint_eq(copy[0] | copy[1], 0);
	ck_assert(!cursor_ok(&c));
	ck_assert(!cursor_done(&c));
}
END_TEST

START_TEST(cursor_resists_huge_lengths)
{
	static const uint8_t wire[4];
	struct cursor c = cursor_init(wire, sizeof(wire));

	cursor_u8(&c);
	ck_assert_ptr_null(cursor_take(&c, SIZE_MAX));
	ck_assert(!cursor_ok(&c));
}
END_TEST

START_TEST(cursor_over_nothing_is_done_at_once)
{
	struct cursor c = cursor_init(NULL, 0);

	cursor_copy(&c, NULL, 0);
	cursor_take(&c, 0);
	ck_assert(cursor_done(&c));
	ck_assert_uint_eq(cursor_u8(&c), 0);
	ck_assert(!cursor_ok(&c));
}
END_TEST

START_TEST(writer_writes_what_cursor_reads)
{
	uint8_t buf[20];
	struct writer w = writer_init(buf, sizeof(buf));
	struct cursor c;

	writer_u8(&w, 0xfe);
	writer_u16(&w, 0xfedc);
	writer_u32(&w, 0xfedcba98);
	writer_u64(&w, UINT64_C(0xfedcba9876543210));
	writer_bytes(&w, "abc", 3);
	writer_zeros(&w, 2);
	ck_assert(writer_ok(&w));
	ck_assert_uint_eq(w.len, sizeof(buf));

	c = cursor_init(buf, w.len);
	ck_assert_uint_eq(cursor_u8(&c), 0xfe);
	ck_assert_uint_eq(cursor_u16(&c), 0xfedc);
	ck_assert_uint_eq(cursor_u32(&c), 0xfedcba98);
	ck_assert_uint_eq(cursor_u64(&c), UINT64_C(0xfedcba9876543210));
	ck_assert_mem_eq(cursor_take(&c, 3), "abc", 3);
	ck_assert_uint_eq(cursor_u16(&c), 0);
	ck_assert(cursor_done(&c));
}
END_TEST

START_TEST(writer_never_passes_the_end)
{
	uint8_t buf[8];
	struct writer w = writer_init(buf, 3);

	memset(buf, 0x55, sizeof(buf));
	writer_u16(&w, 0x0102);
	writer_u16(&w, 0x0304);
	ck_assert(!writer_ok(&w));
	writer_u8(&w, 5); /* would fit, but the error sticks */
	writer_u32(&w, 6);
	writer_u64(&w, 7);
	writer_bytes(&w, "x", SIZE_MAX);
	writer_zeros(&w, SIZE_MAX);
	ck_assert_uint_eq(w.len, 2);
	ck_assert_uint_eq(load_be16(buf), 0x0102);
	for (size_t i = 2; i < sizeof(buf); i++)
		ck_assert_uint_eq(buf[i], 0x55);
}
END_TEST

START_TEST(writer_takes_empty_pieces)
{
	struct writer w = writer_init(NULL, 0);

	writer_bytes(&w, NULL, 0);
	writer_zeros(&w, 0);
	ck_assert(writer_ok(&w));
	writer_u8(&w, 1);
	ck_assert(!writer_ok(&w));
}
END_TEST

START_TEST(wipe_leaves_zeros)
{
	uint8_t secret[40];

	memset(secret, 0xaa, sizeof(secret));
	bytes_wipe(secret + 4, 32);
	for (size_t i = 0; i < sizeof(secret); i++)
		ck_assert_uint_eq(secret[i], i < 4 || i >= 36 ? 0xaa : 0);
}
END_TEST

START_TEST(equal_sees_a_difference_in_every_bit)
{
	uint8_t a[32] = { 0 }, b[32] = { 0 };

	ck_assert(bytes_equal(a, b, sizeof(a)));
	ck_assert(bytes_equal(a, b, 0));
	for (size_t bit = 0; bit < 8 * sizeof(a); bit++) {
		b[bit / 8] = (uint8_t)(1u << bit % 8);
		ck_assert(!bytes_equal(a, b, sizeof(a)));
		b[bit / 8] = 0;
	}
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_TEST(loads_and_stores_are_big_endian),
	UNIT_TEST(high_bits_do_not_sign_extend),
	UNIT_TEST(cursor_reads_front_to_back),
	UNIT_TEST(cursor_past_the_end_yields_zeros_forever),
	UNIT_TEST(cursor_resists_huge_lengths),
	UNIT_TEST(cursor_over_nothing_is_done_at_once),
	UNIT_TEST(writer_writes_what_cursor_reads),
	UNIT_TEST(writer_never_passes_the_end),
	UNIT_TEST(writer_takes_empty_pieces),
	UNIT_TEST(wipe_leaves_zeros),
	UNIT_TEST(equal_sees_a_difference_in_every_bit),
};

UNIT_MAIN("bytes", tests)
