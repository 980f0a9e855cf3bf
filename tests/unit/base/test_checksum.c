#include <check.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "support/main.h"
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

static const struct unit_test tests[] = {
	UNIT_TEST(published_example),
	UNIT_TEST(what_carries_its_checksum_sums_to_zero),
	UNIT_TEST(pieces_sum_as_the_whole_and_an_odd_end_is_padded),
	UNIT_TEST(many_carries_are_all_added),
};

UNIT_MAIN("checksum", tests)
