#include <check.h>
#include <string.h>

#include "base/key.h"
#include "support/main.h"

static const struct {
	const char *name;
	uint8_t first, step;
	const char *text;
} keys[] = {
	/* RFC 4648's alphabet from end to end; checked with base64(1). */
	{ "zeros", 0, 0, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" },
	{ "ones", 0xff, 0, "//////////////////////////////////////////8=" },
	{ "counting", 0, 1, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" },
	{ "high", 0xfb, 0, "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=" },
};

static void fill(uint8_t key[KEY_LEN], size_t i)
{
	for (size_t b = 0; b < KEY_LEN; b++)
		key[b] = (uint8_t)(keys[i].first + b * keys[i].step);
}

START_TEST(prints_and_parses_base64)
{
	uint8_t key[KEY_LEN], parsed[KEY_LEN];
	char buf[KEY_STRLEN];

	fill(key, (size_t)_i);
	ck_assert_str_eq(key_print(key, buf), keys[_i].text);
	ck_assert_msg(key_parse(parsed, keys[_i].text), "%s", keys[_i].name);
	ck_assert_mem_eq(parsed, key, KEY_LEN);
}
END_TEST

/* RFC 7748, section 6.1: Alice's public key; base64 by wg(8)'s rules. */
START_TEST(matches_a_published_key)
{
	static const uint8_t alice[KEY_LEN] = {
		0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54,
		0x74, 0x8b, 0x7d, 0xdc, 0xb4, 0x3e, 0xf7, 0x5a,
		0x0d, 0xbf, 0x3a, 0x0d, 0x26, 0x38, 0x1a, 0xf4,
		0xeb, 0xa4, 0xa9, 0x8e, 0xaa, 0x9b, 0x4e, 0x6a,
	};
	char buf[KEY_STRLEN];

	ck_assert_str_eq(key_print(alice, buf),
			 "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=");
}
END_TEST

static const char *const bad[] = {
	"",
	"=",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
	" AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	/* stray bits: two texts for one key */
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAC=",
	/* other alphabets */
	"AAAAAAAA-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	"AAAAAAAA_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	"AAAAAAAA=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	"AAAAAAAA AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	"AAAAAAAA\200AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
};

START_TEST(refuses_anything_else_and_leaves_zeros)
{
	static const uint8_t zeros[KEY_LEN];
	uint8_t key[KEY_LEN];

	memset(key, 0xaa, sizeof(key));
	ck_assert_msg(!key_parse(key, bad[_i]), "\"%s\"", bad[_i]);
	ck_assert_mem_eq(key, zeros, KEY_LEN);
}
END_TEST

START_TEST(compares_most_significant_byte_first)
{
	struct public_key a = { { 1, 0xff } }, b = { { 2, 0 } };

	ck_assert(public_key_compare(&a, &b) < 0);
	ck_assert(public_key_compare(&b, &a) > 0);
	ck_assert(!public_key_equal(&a, &b));
	b = a;
	ck_assert(public_key_compare(&a, &b) == 0);
	ck_assert(public_key_equal(&a, &b));
	b.bytes[KEY_LEN - 1] = 0x80;
	ck_assert(public_key_compare(&a, &b) < 0);
	ck_assert(!public_key_equal(&a, &b));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_EACH(prints_and_parses_base64, keys),
	UNIT_TEST(matches_a_published_key),
	UNIT_EACH(refuses_anything_else_and_leaves_zeros, bad),
	UNIT_TEST(compares_most_significant_byte_first),
};

UNIT_MAIN("key", tests)
