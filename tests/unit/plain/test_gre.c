#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "plain/gre.h"
#include "support/alloc.h"
#include "support/main.h"
#include "support/vectors.h"

static size_t frame_at, frame_len;

static enum drop_reason take(const char *hex, bool keyed, uint32_t key)
{
	uint8_t bytes[64], *copy;
	const size_t len = hex_decode(bytes, sizeof(bytes), hex);
	const uint8_t *frame = NULL;
	enum drop_reason reason;

	copy = test_copy(bytes, len);
	frame_len = 0;
	reason = gre_take(copy, len, keyed, key, &frame, &frame_len);
	frame_at = frame ? (size_t)(frame - copy) : 0;
	ck_assert_int_eq(reason == DROP_NONE, frame != NULL);
	ck_assert(!frame || frame_at + frame_len == len);
	free(copy);
	return reason;
}

/* RFC 2784, section 2; RFC 2890, section 2; the protocol is RFC 1701's table's. */
START_TEST(header_is_the_rfcs)
{
	uint8_t header[GRE_LEN_MAX], want[GRE_LEN_MAX];

	ck_assert_uint_eq(gre_put(header, false, 5), 4);
	hex_exact(want, 4, "00006558");
	ck_assert_mem_eq(header, want, 4);
	ck_assert_uint_eq(gre_put(header, true, 0xdeadbeef), 8);
	hex_exact(want, 8, "20006558 deadbeef");
	ck_assert_mem_eq(header, want, 8);
}
END_TEST

START_TEST(frame_is_what_follows)
{
	ck_assert_int_eq(take("00006558 aabbcc", false, 0), DROP_NONE);
	ck_assert_uint_eq(frame_at, 4);
	ck_assert_int_eq(take("20006558 0000002a aabbcc", true, 42), DROP_NONE);
	ck_assert_uint_eq(frame_at, 8);
	ck_assert_int_eq(take("20006558 00000000 aabbcc", true, 0), DROP_NONE);
	ck_assert_int_eq(take("00006558", false, 0), DROP_NONE);
	ck_assert_uint_eq(frame_len, 0);
}
END_TEST

START_TEST(sequence_number_is_skipped)
{
	ck_assert_int_eq(take("10006558 00000007 aa", false, 0), DROP_NONE);
	ck_assert_uint_eq(frame_at, 8);
	ck_assert_int_eq(take("30006558 0000002a 00000007 aa", true, 42),
			 DROP_NONE);
	ck_assert_uint_eq(frame_at, 12);
}
END_TEST

START_TEST(reserved_bits_are_ignored)
{
	ck_assert_int_eq(take("03f86558 aa", false, 0), DROP_NONE);
}
END_TEST

/* Header and frame, whose length may be odd, sum to nothing. */
START_TEST(checksum_is_verified)
{
	uint8_t bytes[21];
	const uint8_t *frame;
	size_t len;

	hex_exact(bytes, 12, "b0006558 00000000 0000002a");
	memset(bytes + 12, 0, 4);
	memset(bytes + 16, 0xa5, 5);
	store_be16(bytes + 4,
		   checksum_fold(checksum_add(0, bytes, sizeof(bytes))));
	ck_assert_int_eq(gre_take(bytes, sizeof(bytes), true, 42, &frame, &len),
			 DROP_NONE);
	ck_assert_ptr_eq(frame, bytes + 16);
	ck_assert_uint_eq(len, 5);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		/* What is left of the flags says that it has a checksum. */
		bytes[i] ^= 1;
		ck_assert_int_ne(
			gre_take(bytes, sizeof(bytes), true, 42, &frame, &len),
			DROP_NONE);
		bytes[i] ^= 1;
	}
	bytes[20] ^= 0x80;
	ck_assert_int_eq(gre_take(bytes, sizeof(bytes), true, 42, &frame, &len),
			 DROP_gre_checksum);
}
END_TEST

START_TEST(key_is_the_networks_or_none)
{
	ck_assert_int_eq(take("20006558 0000002b aa", true, 42), DROP_gre_key);
	ck_assert_int_eq(take("00006558 0000002a aa", true, 42), DROP_gre_key);
	ck_assert_int_eq(take("20006558 0000002a aa", false, 42), DROP_gre_key);
	ck_assert_int_eq(take("20006558 00000000 aa", false, 0), DROP_gre_key);
}
END_TEST

START_TEST(attack_other_kinds_and_short_headers_are_dropped)
{
	static const char *const bad[] = {
		"",
		"00",
		"000065",
		"20006558",
		"20006558 000000",
		"10006558 0000",
		"80006558 0000",
		"b0006558 00000000 0000002a 000000",
		"00000800 45", /* IPv4 */
		"000086dd 60",
		"000088be aa",		/* ERSPAN */
		"00016558 aa",		/* version 1: PPTP */
		"00076558 aa",		/* any other */
		"40006558 00000000 aa", /* routing: RFC 1701 */
		"08006558 aa",		/* strict source route */
		"04006558 aa",		/* recursion */
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(take(bad[i], bad[i][0] == '2', 0),
				 DROP_gre_bad);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("gre"),
	UNIT_TEST(header_is_the_rfcs),
	UNIT_TEST(frame_is_what_follows),
	UNIT_TEST(sequence_number_is_skipped),
	UNIT_TEST(reserved_bits_are_ignored),
	UNIT_TEST(checksum_is_verified),
	UNIT_TEST(key_is_the_networks_or_none),
	UNIT_TEST(attack_other_kinds_and_short_headers_are_dropped),
};

UNIT_MAIN("gre", tests)
