#include <check.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "support/main.h"
#include "support/rng.h"
#include "support/vectors.h"

/* RFC 1071, section 3: the sum is ddf2. */
START_TEST(published_example)
{
	static const uint8_t bytes[] = { 0x00, 0x01, 0xf2, 0x03,
					 0xf4, 0xf5, 0xf6, 0xf7 };

	ck_assert_uint_eq(checksum_fold(checksum_add(0, bytes, sizeof(bytes))),
			  (uint16_t)~0xddf2);
}
END_TEST

START_TEST(what_carries_its_checksum_sums_to_zero)
{
	/* the IPv4 header of a captured VRRP advertisement */
	uint8_t header[20];

	hex_exact(header, sizeof(header),
		  "45000030 12340000 ff70bebc 0a00005b e0000012");
	ck_assert_uint_eq(checksum_fold(checksum_add(0, header, 20)), 0);
	header[3] ^= 1;
	ck_assert_uint_ne(checksum_fold(checksum_add(0, header, 20)), 0);
}
END_TEST

START_TEST(pieces_sum_as_the_whole_and_an_odd_end_is_padded)
{
	static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 0 };
	uint64_t sum = checksum_add(0, bytes, 2);

	sum = checksum_add(sum, bytes + 2, 3);
	ck_assert_uint_eq(sum, checksum_add(0, bytes, 6));
	ck_assert_uint_eq(checksum_fold(checksum_add(0, bytes, 0)), 0xffff);
}
END_TEST

START_TEST(many_carries_are_all_added)
{
	static uint8_t bytes[65536];

	memset(bytes, 0xff, sizeof(bytes));
	ck_assert_uint_eq(checksum_fold(checksum_add(0, bytes, sizeof(bytes))),
			  0);
}
END_TEST

/* Wherever it lies, and however long it is. */
START_TEST(agrees_with_a_naive_sum)
{
	struct rng rng = rng_init((uint64_t)_i);
	uint8_t bytes[300];

	for (int round = 0; round < 1000; round++) {
		const size_t at = rng_below(&rng, 16);
		const size_t len = rng_below(&rng, sizeof(bytes) - at + 1);
		uint32_t sum = 0;

		rng_bytes(&rng, bytes, sizeof(bytes));
		if (round % 3 == 0)
			memset(bytes, round % 2 ? 0xff : 0, sizeof(bytes));
		for (size_t i = 0; i < len; i++)
			sum += (uint32_t)bytes[at + i] << (i % 2 ? 0 : 8);
		sum = (sum & 0xffff) + (sum >> 16);
		sum = (sum & 0xffff) + (sum >> 16);
		ck_assert_uint_eq(
			checksum_fold(checksum_add(0, bytes + at, len)),
			(uint16_t)~sum);
	}
}
END_TEST

/* ---- completed ---- */

START_TEST(a_completed_checksum_sums_to_zero_from_its_start)
{
	uint8_t bytes[64];

	for (size_t start = 0; start <= sizeof(bytes); start++) {
		for (size_t offset = 0; offset <= sizeof(bytes) + 2; offset++) {
			uint8_t before[sizeof(bytes)];
			bool inside = start + offset + 2 <= sizeof(bytes);

			for (size_t i = 0; i < sizeof(bytes); i++)
				bytes[i] = (uint8_t)(37 * i + start + offset);
			memcpy(before, bytes, sizeof(bytes));
			/* The sum of nothing else. */
			if (inside)
				bytes[start + offset] =
					bytes[start + offset + 1] = 0;
			ck_assert_int_eq(checksum_complete(bytes, sizeof(bytes),
							   start, offset),
					 inside);
			if (!inside) {
				ck_assert_mem_eq(bytes, before, sizeof(bytes));
				continue;
			}
			memcpy(before + start + offset, bytes + start + offset,
			       2);
			ck_assert_mem_eq(bytes, before, sizeof(bytes));
			/* At an odd place its bytes are of two words. */
			if (offset % 2 == 0)
				ck_assert_uint_eq(
					checksum_fold(checksum_add(
						0, bytes + start,
						sizeof(bytes) - start)),
					0);
		}
	}
}
END_TEST

START_TEST(a_checksum_that_would_be_zero_is_ffff)
{
	uint8_t bytes[] = { 0x12, 0x34, 0xed, 0xcb, 0, 0 };

	ck_assert(checksum_complete(bytes, sizeof(bytes), 0, 4));
	ck_assert_uint_eq(load_be16(bytes + 4), 0xffff);
}
END_TEST

START_TEST(places_that_overflow_are_not_inside)
{
	uint8_t bytes[4] = { 0 };

	ck_assert(!checksum_complete(bytes, 4, SIZE_MAX, 0));
	ck_assert(!checksum_complete(bytes, 4, 0, SIZE_MAX));
	ck_assert(!checksum_complete(bytes, 4, 2, SIZE_MAX - 1));
	ck_assert(!checksum_complete(bytes, 0, 0, 0));
	ck_assert(!checksum_complete(bytes, 1, 0, 0));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_TEST(published_example),
	UNIT_TEST(what_carries_its_checksum_sums_to_zero),
	UNIT_TEST(pieces_sum_as_the_whole_and_an_odd_end_is_padded),
	UNIT_TEST(many_carries_are_all_added),
	UNIT_LOOP(agrees_with_a_naive_sum, 10),
	UNIT_TEST(a_completed_checksum_sums_to_zero_from_its_start),
	UNIT_TEST(a_checksum_that_would_be_zero_is_ffff),
	UNIT_TEST(places_that_overflow_are_not_inside),
};

UNIT_MAIN("checksum", tests)
