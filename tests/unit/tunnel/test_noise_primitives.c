/* tunnel/noise: X25519, HMAC and HKDF against published values. */
#include <check.h>
#include <string.h>

#include "support/low_order.h"
#include "support/main.h"
#include "support/vectors.h"
#include "tunnel/noise.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- X25519 ---- */

static const struct {
	const char *private_key, *public_key, *shared;
} rfc7748[] = {
	/* Section 5.2. */
	{ "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
	  "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
	  "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552" },
	{ "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
	  "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
	  "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957" },
	/* Section 6.1, either side. */
	{ "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
	  "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
	  "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742" },
	{ "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
	  "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
	  "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742" },
};

START_TEST(x25519_of_rfc_7748)
{
	uint8_t private_key[32], public_key[32], shared[32], out[32];

	for (size_t i = 0; i < COUNT(rfc7748); i++) {
		hex_exact(private_key, 32, rfc7748[i].private_key);
		hex_exact(public_key, 32, rfc7748[i].public_key);
		hex_exact(shared, 32, rfc7748[i].shared);
		ck_assert(noise_dh(out, private_key, public_key));
		ck_assert_mem_eq(out, shared, 32);
	}
	/* Each public key of section 6.1 belongs to the other's private one. */
	hex_exact(private_key, 32, rfc7748[2].private_key);
	hex_exact(public_key, 32, rfc7748[3].public_key);
	ck_assert(noise_public(out, private_key));
	ck_assert_mem_eq(out, public_key, 32);
}
END_TEST

START_TEST(x25519_iterated_as_in_rfc_7748)
{
	uint8_t k[32] = { 9 }, u[32] = { 9 }, out[32], expected[32];

	for (int i = 1; i <= 1000; i++) {
		ck_assert(noise_dh(out, k, u));
		memcpy(u, k, 32);
		memcpy(k, out, 32);
		if (i == 1) {
			hex_exact(expected, 32,
				  "422c8e7a6227d7bca1350b3e2bb7279f"
				  "7897b87bb6854b783c60e80311ae3079");
			ck_assert_mem_eq(k, expected, 32);
		}
	}
	hex_exact(expected, 32,
		  "684cf59ba83309552800ef566f2f4d3c"
		  "1c3887c49360e3875f2eb94d99532c51");
	ck_assert_mem_eq(k, expected, 32);
}
END_TEST

START_TEST(low_order_points_give_no_secret)
{
	static const uint8_t zeros[32];
	uint8_t private_key[32], point[32], out[32];

	hex_exact(private_key, 32, rfc7748[0].private_key);
	for (size_t i = 0; i < COUNT(low_order); i++) {
		hex_exact(point, 32, low_order[i]);
		memset(out, 0xff, 32);
		ck_assert(!noise_dh(out, private_key, point));
		ck_assert_mem_eq(out, zeros, 32);
		/* The unused top bit changes nothing. */
		point[31] |= 0x80;
		ck_assert(!noise_dh(out, private_key, point));
	}
}
END_TEST

START_TEST(wycheproof_x25519)
{
	json_t *root = vectors_load("wycheproof-x25519_test.json");
	static const uint8_t zeros[32];
	const json_t *group, *test;
	size_t i, j, run = 0, zero = 0;

	json_array_foreach(json_object_get(root, "testGroups"), i, group)
		json_array_foreach(json_object_get(group, "tests"), j, test)
	{
		uint8_t private_key[32], public_key[32], shared[32], out[32];
		bool made;

		hex_exact(private_key, 32, vectors_string(test, "private"));
		hex_exact(public_key, 32, vectors_string(test, "public"));
		hex_exact(shared, 32, vectors_string(test, "shared"));
		made = noise_dh(out, private_key, public_key);
		ck_assert_mem_eq(out, shared, 32);
		ck_assert(made == (memcmp(shared, zeros, 32) != 0));
		zero += !made;
		run++;
	}
	ck_assert(!root || (run == 518 && zero > 0));
	json_decref(root);
}
END_TEST

/* ---- hashes ---- */

/* RFC 4231, section 4; all of it in hex. */
static const struct {
	const char *key, *text, *mac;
} rfc4231[] = {
	{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
	  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
	{ "4a656665",
	  "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  "dddddddddddddddddddddddddddddddddddddddddddddddddd"
	  "dddddddddddddddddddddddddddddddddddddddddddddddddd",
	  "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
	{ "0102030405060708090a0b0c0d0e0f10111213141516171819",
	  "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
	  "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
	  "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
	/* The RFC gives half of it. */
	{ "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
	  "546573742057697468205472756e636174696f6e",
	  "a3b6167473100ee06e0c796c2955552b" },
};

START_TEST(hmac_of_rfc_4231)
{
	uint8_t key[64], text[64], mac[32], out[32];

	for (size_t i = 0; i < COUNT(rfc4231); i++) {
		size_t key_len = hex_decode(key, 64, rfc4231[i].key);
		size_t len = hex_decode(text, 64, rfc4231[i].text);
		size_t mac_len = hex_decode(mac, 32, rfc4231[i].mac);

		/* Wherever it is cut in two. */
		for (size_t at = 0; at <= len; at++) {
			ck_assert(hmac_sha256(out, key, key_len, text, at,
					      text + at, len - at));
			ck_assert_mem_eq(out, mac, mac_len);
		}
	}
}
END_TEST

START_TEST(hmac_under_a_long_key)
{
	static const char text[] =
		"Test Using Larger Than Block-Size Key - Hash Key First";
	uint8_t key[131], out[32], mac[32];

	/* RFC 4231, section 4.7. */
	memset(key, 0xaa, sizeof(key));
	hex_exact(mac, 32,
		  "60e431591ee0b67f0d8a26aacbf5b77f"
		  "8e0bc6213728c5140546040f0ee37f54");
	ck_assert(hmac_sha256(out, key, sizeof(key), text, sizeof(text) - 1,
			      NULL, 0));
	ck_assert_mem_eq(out, mac, 32);
}
END_TEST

/* RFC 5869, appendix A, the SHA-256 cases. */
static const struct {
	const char *ikm, *salt, *info, *okm;
} rfc5869[] = {
	{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
	  "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
	  "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
	  "34007208d5b887185865" },
	{ "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	  "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
	  "404142434445464748494a4b4c4d4e4f",
	  "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
	  "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
	  "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
	  "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
	  "d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"
	  "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
	  "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
	  "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
	  "cc30c58179ec3e87c14c01d5c1f3434f1d87" },
	{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
	  "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
	  "9d201395faa4b61a96c8" },
};

START_TEST(hkdf_of_rfc_5869)
{
	uint8_t ikm[80], salt[80], info[80], okm[82], out[82];

	for (size_t i = 0; i < COUNT(rfc5869); i++) {
		size_t ikm_len = hex_decode(ikm, 80, rfc5869[i].ikm);
		size_t salt_len = hex_decode(salt, 80, rfc5869[i].salt);
		size_t info_len = hex_decode(info, 80, rfc5869[i].info);
		size_t len = hex_decode(okm, 82, rfc5869[i].okm);

		ck_assert(hkdf_sha256(out, len, salt, salt_len, ikm, ikm_len,
				      info, info_len));
		ck_assert_mem_eq(out, okm, len);
	}
}
END_TEST

START_TEST(hkdf_ends_at_255_blocks)
{
	static uint8_t out[255 * 32 + 1];

	ck_assert(hkdf_sha256(out, 0, NULL, 0, "k", 1, NULL, 0));
	ck_assert(hkdf_sha256(out, sizeof(out) - 1, NULL, 0, "k", 1, NULL, 0));
	ck_assert(!hkdf_sha256(out, sizeof(out), NULL, 0, "k", 1, NULL, 0));
}
END_TEST

START_TEST(wycheproof_hkdf)
{
	json_t *root = vectors_load("wycheproof-hkdf_sha256_test.json");
	static uint8_t okm[16384], out[16384];
	const json_t *group, *test;
	size_t i, j, run = 0;

	json_array_foreach(json_object_get(root, "testGroups"), i, group)
		json_array_foreach(json_object_get(group, "tests"), j, test)
	{
		uint8_t ikm[256], salt[256], info[256];
		size_t ikm_len = vectors_hex(test, "ikm", ikm, 256);
		size_t salt_len = vectors_hex(test, "salt", salt, 256);
		size_t info_len = vectors_hex(test, "info", info, 256);
		size_t len = (size_t)json_integer_value(
			json_object_get(test, "size"));
		bool valid = !strcmp(vectors_string(test, "result"), "valid");

		ck_assert_uint_le(len, sizeof(out));
		ck_assert(valid == hkdf_sha256(out, len, salt, salt_len, ikm,
					       ikm_len, info, info_len));
		if (valid) {
			hex_exact(okm, len, vectors_string(test, "okm"));
			ck_assert_mem_eq(out, okm, len);
		}
		run++;
	}
	ck_assert(!root || run == 86);
	json_decref(root);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("x25519", .timeout_s = 60),
	UNIT_TEST(x25519_of_rfc_7748),
	UNIT_TEST(x25519_iterated_as_in_rfc_7748),
	UNIT_TEST(low_order_points_give_no_secret),
	UNIT_TEST(wycheproof_x25519),
	UNIT_CASE("hashes"),
	UNIT_TEST(hmac_of_rfc_4231),
	UNIT_TEST(hmac_under_a_long_key),
	UNIT_TEST(hkdf_of_rfc_5869),
	UNIT_TEST(hkdf_ends_at_255_blocks),
	UNIT_TEST(wycheproof_hkdf),
};

UNIT_MAIN("noise_primitives", tests)
