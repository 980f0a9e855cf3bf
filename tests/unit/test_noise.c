/* tunnel/noise: published values, and hostile handshakes. */
#include <check.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tunnel/aead.h"
#include "tunnel/noise.h"
#include "tunnel/wire.h"
#include "vectors.h"

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

/* The points of order 1, 2, 4 and 8, also unreduced: RFC 7748's u coordinates
 * 0, 1, p - 1, p, p + 1 and the two of order 8 (Bernstein, cr.yp.to/ecdh.html).
 */
static const char *const low_order[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
};

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

/* ---- the handshake against cacophony ---- */

#define MESSAGES 6

struct handshake_vector {
	const char *prologue, *psk;
	const char *init_static, *init_ephemeral;
	const char *resp_static, *resp_ephemeral;
	const char *hash;
	struct {
		const char *payload, *ciphertext;
	} messages[MESSAGES];
};

/* Noise_IXpsk2_25519_AESGCM_SHA256 of cacophony (haskell-cryptography),
 * vectors/cacophony.txt. */
static const struct handshake_vector cacophony = {
	.prologue = "4a6f686e2047616c74",
	.psk = "54686973206973206d792041757374726961"
	       "6e20706572737065637469766521",
	.init_static = "e61ef9919cde45dd5f82166404bd08e38bceb5"
		       "dfdfded0a34c8df7ed542214d1",
	.init_ephemeral = "893e28b9dc6ca8d611ab664754b8ceb7bac511"
			  "7349a4439a6b0569da977c464a",
	.resp_static = "4a3acbfdb163dec651dfa3194dece676d43702"
		       "9c62a408b4c5ea9114246e4893",
	.resp_ephemeral = "bbdb4cdbd309f1a1f2e1456967fe288cadd6f7"
			  "12d65dc7b7793d5e63da6b375b",
	.hash = "08828c700999da6ff082b66b995d22c7abd22eb9"
		"d5accc9b317825821c3b66c4",
	.messages = {
		{ "4c756477696720766f6e204d69736573",
		  "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c"
		  "79442387cee0a3690d4c61c1a4b4b2bb6baccfa74d7a4b584fbcbd817aef"
		  "4e531b81910d4ed1cfea1043f7c656c83c2f8d170f18760994e3ab79468d"
		  "43afcd7b875e13e009098ba9ebec3c5e9cb4c71923ae" },
		{ "4d757272617920526f746862617264",
		  "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f14480"
		  "8843ff6058fa17ffbc87ea4f15ba2a7f548e38971e34132a95e18d4b0bbd"
		  "72afb3eff04691c7d022588086e2201b080faf5cfa7bb3d8685f87b91f88"
		  "479775e168c3e3e0b7ee709f33f014eafae8337157" },
		{ "462e20412e20486179656b",
		  "faa25ad4f84dcc3ed56a274fa29b83502831ec34a291b80916b9d3" },
		{ "4361726c204d656e676572",
		  "620fcdd4e894d4aaf966e2b4f91d333e782502a16845e34d16dfef" },
		{ "4a65616e2d426170746973746520536179",
		  "9facb2e74dc34a965e951b53bbf94027243399937cd5fdf5db47cc3e6502"
		  "46f0d1" },
		{ "457567656e2042f6686d20766f6e2042617765726b",
		  "b94b20a27b5e4d8f577268727cc5d376d324bbb17af8a3bf5d43f355c6ac"
		  "ff4fc20389fa18" },
	},
};

/* Messages after the handshake: sealed with no associated data, each side
 * counting from 0, the initiator first. */
static void check_transport(const struct handshake_vector *v,
			    const uint8_t i_send[32], const uint8_t r_send[32])
{
	struct aead *a = aead_new(NULL);
	struct aead_key *keys[2];

	ck_assert_ptr_nonnull(a);
	keys[0] = aead_key_new(a, i_send);
	keys[1] = aead_key_new(a, r_send);
	for (size_t i = 2; i < MESSAGES; i++) {
		uint8_t payload[64], sealed[80], out[80];
		size_t len = hex_decode(payload, 64, v->messages[i].payload);
		struct iovec in = { payload, len };

		hex_exact(sealed, len + 16, v->messages[i].ciphertext);
		ck_assert(aead_seal(keys[i % 2], i / 2 - 1, NULL, 0, &in, 1,
				    out));
		ck_assert_mem_eq(out, sealed, len + 16);
		ck_assert(aead_open(keys[i % 2], i / 2 - 1, NULL, 0, sealed,
				    len + 16));
		ck_assert_mem_eq(sealed, payload, len);
	}
	aead_key_free(keys[0]);
	aead_key_free(keys[1]);
	aead_free(a);
}

static void start_side(struct noise *n, bool initiator,
		       const struct handshake_vector *v)
{
	uint8_t prologue[64], psk[32], s[32], s_public[32];
	size_t len = hex_decode(prologue, sizeof(prologue), v->prologue);

	hex_exact(psk, 32, v->psk);
	hex_exact(s, 32, initiator ? v->init_static : v->resp_static);
	ck_assert(noise_public(s_public, s));
	ck_assert(noise_init(n, initiator, prologue, len, psk, s, s_public));
}

static void check_vector(const struct handshake_vector *v)
{
	uint8_t e[32], payload[64], out[256], expected[256], read[64], h[32];
	uint8_t i_send[32], i_receive[32], r_send[32], r_receive[32];
	struct noise i, r;
	size_t len;

	start_side(&i, true, v);
	start_side(&r, false, v);

	len = hex_decode(payload, 64, v->messages[0].payload);
	hex_exact(expected, len + 96, v->messages[0].ciphertext);
	hex_exact(e, 32, v->init_ephemeral);
	ck_assert(noise_write1(&i, e, payload, len, out));
	ck_assert_mem_eq(out, expected, len + 96);
	ck_assert(noise_read1(&r, out, len + 96, read));
	ck_assert_mem_eq(read, payload, len);
	ck_assert_mem_eq(r.rs, i.s_public, 32);

	len = hex_decode(payload, 64, v->messages[1].payload);
	hex_exact(expected, len + 96, v->messages[1].ciphertext);
	hex_exact(e, 32, v->resp_ephemeral);
	ck_assert(noise_write2(&r, e, payload, len, out));
	ck_assert_mem_eq(out, expected, len + 96);
	ck_assert(noise_read2(&i, out, len + 96, read));
	ck_assert_mem_eq(read, payload, len);
	ck_assert_mem_eq(i.rs, r.s_public, 32);

	hex_exact(h, 32, v->hash);
	ck_assert_mem_eq(i.h, h, 32);
	ck_assert_mem_eq(r.h, h, 32);
	noise_split(&i, i_send, i_receive);
	noise_split(&r, r_send, r_receive);
	ck_assert_mem_eq(i_send, r_receive, 32);
	ck_assert_mem_eq(r_send, i_receive, 32);
	check_transport(v, i_send, r_send);
}

START_TEST(handshake_of_cacophony)
{
	check_vector(&cacophony);
}
END_TEST

START_TEST(handshake_of_the_vector_file)
{
	json_t *root = vectors_load("noise-25519-aesgcm-sha256.json");
	const json_t *vector, *message;
	size_t i, j, run = 0;

	json_array_foreach(json_object_get(root, "vectors"), i, vector)
	{
		struct handshake_vector v = { 0 };

		if (strcmp(vectors_string(vector, "protocol_name"),
			   "Noise_IXpsk2_25519_AESGCM_SHA256") != 0)
			continue;
		v.prologue = vectors_string(vector, "init_prologue");
		v.psk = json_string_value(json_array_get(
			json_object_get(vector, "init_psks"), 0));
		v.init_static = vectors_string(vector, "init_static");
		v.init_ephemeral = vectors_string(vector, "init_ephemeral");
		v.resp_static = vectors_string(vector, "resp_static");
		v.resp_ephemeral = vectors_string(vector, "resp_ephemeral");
		v.hash = vectors_string(vector, "handshake_hash");
		json_array_foreach(json_object_get(vector, "messages"), j,
				   message)
		{
			ck_assert_uint_lt(j, MESSAGES);
			v.messages[j].payload =
				vectors_string(message, "payload");
			v.messages[j].ciphertext =
				vectors_string(message, "ciphertext");
		}
		ck_assert_uint_eq(j, MESSAGES);
		check_vector(&v);
		run++;
	}
	ck_assert(!root || run == 1);
	json_decref(root);
}
END_TEST

/* ---- the handshake against docs/PROTOCOL ---- */

/* Opens a data message of the appendix; returns the records' length. */
static size_t open_data(const char *name, const uint8_t key[32],
			const char *index, uint64_t counter, uint8_t *data,
			size_t size)
{
	size_t len = protocol_vector(name, data, size);
	struct aead *a = aead_new(NULL);
	struct aead_key *k = aead_key_new(a, key);
	struct wire_data header;
	enum wire_type type;
	uint8_t expected[4];

	protocol_exact(index, expected, sizeof(expected));
	ck_assert_int_eq(wire_classify(data, len, &type), DROP_NONE);
	ck_assert_uint_eq(type, WIRE_DATA);
	wire_unpack_data(&header, data);
	ck_assert_uint_eq(header.receiver, load_be32(expected));
	ck_assert_uint_eq(header.counter, counter);
	ck_assert(aead_open(k, counter, data, WIRE_DATA_HEADER_LEN,
			    data + WIRE_DATA_HEADER_LEN,
			    len - WIRE_DATA_HEADER_LEN));
	aead_key_free(k);
	aead_free(a);
	return len - WIRE_DATA_OVERHEAD;
}

/* The records follow one another in the opened message, and end it. */
static void check_records(const char *const names[], size_t count,
			  const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t record[128];
		size_t n = protocol_vector(names[i], record, sizeof(record));

		ck_assert_uint_le(n, len);
		ck_assert_mem_eq(at, record, n);
		at += n;
		len -= n;
	}
	ck_assert_uint_eq(len, 0);
}

static void protocol_side(struct noise *n, bool initiator)
{
	const char *private_name =
		initiator ? "initiator_private" : "responder_private";
	const char *public_name =
		initiator ? "initiator_public" : "responder_public";
	uint8_t psk[32], s[32], s_public[32], computed[32];

	protocol_exact("secret", psk, 32);
	protocol_exact(private_name, s, 32);
	protocol_exact(public_name, s_public, 32);
	ck_assert(noise_public(computed, s));
	ck_assert_mem_eq(computed, s_public, 32);
	ck_assert(noise_init(n, initiator, WIRE_PROLOGUE, strlen(WIRE_PROLOGUE),
			     psk, s, s_public));
}

START_TEST(handshake_of_the_protocol_document)
{
	uint8_t e[32], bytes[WIRE_INITIATION_LEN], out[WIRE_NOISE1_LEN];
	uint8_t stamp[WIRE_TIMESTAMP_LEN], read[WIRE_TIMESTAMP_LEN];
	uint8_t expected[32], i_send[32], r_send[32];
	struct wire_initiation m1;
	struct wire_response m2;
	struct noise i, r;

	protocol_side(&i, true);
	protocol_side(&r, false);
	protocol_exact("initiation", bytes, WIRE_INITIATION_LEN);
	wire_unpack_initiation(&m1, bytes);
	protocol_exact("timestamp", stamp, sizeof(stamp));
	protocol_exact("initiator_ephemeral", e, 32);
	ck_assert(noise_write1(&i, e, stamp, sizeof(stamp), out));
	ck_assert_mem_eq(out, m1.noise, WIRE_NOISE1_LEN);
	ck_assert(noise_read1(&r, m1.noise, WIRE_NOISE1_LEN, read));
	ck_assert_mem_eq(read, stamp, sizeof(stamp));

	protocol_exact("response", bytes, WIRE_RESPONSE_LEN);
	wire_unpack_response(&m2, bytes);
	protocol_exact("responder_ephemeral", e, 32);
	ck_assert(noise_write2(&r, e, NULL, 0, out));
	ck_assert_mem_eq(out, m2.noise, WIRE_NOISE2_LEN);
	ck_assert(noise_read2(&i, m2.noise, WIRE_NOISE2_LEN, NULL));

	protocol_exact("handshake_hash", expected, 32);
	ck_assert_mem_eq(i.h, expected, 32);
	noise_split(&i, i_send, r_send);
	protocol_exact("initiator_key", expected, 32);
	ck_assert_mem_eq(i_send, expected, 32);
	protocol_exact("responder_key", expected, 32);
	ck_assert_mem_eq(r_send, expected, 32);
}
END_TEST

START_TEST(data_of_the_protocol_document)
{
	static const char *const from_initiator[] = { "record_hello",
						      "record_frame" };
	static const char *const from_responder[] = {
		"record_frame_partial", "record_fragment", "record_echo",
		"record_pad", "record_bye"
	};
	uint8_t key[32], data[512];
	size_t len;

	protocol_exact("initiator_key", key, 32);
	len = open_data("data_initiator", key, "responder_index", 0, data,
			sizeof(data));
	check_records(from_initiator, COUNT(from_initiator),
		      data + WIRE_DATA_HEADER_LEN, len);
	protocol_exact("responder_key", key, 32);
	len = open_data("data_responder", key, "initiator_index", 1, data,
			sizeof(data));
	check_records(from_responder, COUNT(from_responder),
		      data + WIRE_DATA_HEADER_LEN, len);
}
END_TEST

/* ---- hostile handshakes ---- */

#define TIMESTAMP 8
#define LEN1	  (96 + TIMESTAMP)
#define LEN2	  96

static const uint8_t timestamp[TIMESTAMP] = { 0, 6, 1, 2, 3, 4, 5, 6 };

/* Two sides, and the genuine messages between them. */
struct pair {
	struct noise i, r;
	uint8_t e_i[32], e_r[32];
	uint8_t message1[LEN1], message2[LEN2];
};

static void pair_init(struct pair *p)
{
	start_side(&p->i, true, &cacophony);
	start_side(&p->r, false, &cacophony);
	hex_exact(p->e_i, 32, cacophony.init_ephemeral);
	hex_exact(p->e_r, 32, cacophony.resp_ephemeral);
	ck_assert(
		noise_write1(&p->i, p->e_i, timestamp, TIMESTAMP, p->message1));
}

/* The responder reads message 1 and answers; its state before is kept. */
static void pair_answer(struct pair *p)
{
	struct noise before = p->r;
	uint8_t payload[TIMESTAMP];

	ck_assert(noise_read1(&p->r, p->message1, LEN1, payload));
	ck_assert_mem_eq(payload, timestamp, TIMESTAMP);
	ck_assert(noise_write2(&p->r, p->e_r, NULL, 0, p->message2));
	p->r = before;
}

/* Refused, nothing let out, and the state as it was. */
static void refused1(struct noise *r, const uint8_t *message, size_t len)
{
	struct noise before = *r;
	uint8_t payload[256] = { 0 };

	ck_assert(!noise_read1(r, message, len, payload));
	ck_assert_mem_eq(r, &before, sizeof(before));
	for (size_t i = 0; i < sizeof(payload); i++)
		ck_assert_uint_eq(payload[i], 0);
}

static void refused2(struct noise *i, const uint8_t *message, size_t len)
{
	struct noise before = *i;
	uint8_t payload[256];

	ck_assert(!noise_read2(i, message, len, payload));
	ck_assert_mem_eq(i, &before, sizeof(before));
}

START_TEST(message_1_with_any_bit_flipped_is_refused)
{
	struct pair p;
	uint8_t payload[TIMESTAMP];

	pair_init(&p);
	for (size_t bit = 0; bit < LEN1 * 8; bit++) {
		p.message1[bit / 8] ^= (uint8_t)(1 << bit % 8);
		refused1(&p.r, p.message1, LEN1);
		p.message1[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	ck_assert(noise_read1(&p.r, p.message1, LEN1, payload));
}
END_TEST

START_TEST(message_1_of_another_length_is_refused)
{
	uint8_t longer[LEN1 + 32] = { 0 };
	struct pair p;

	pair_init(&p);
	memcpy(longer, p.message1, LEN1);
	for (size_t len = 0; len <= sizeof(longer); len++) {
		if (len != LEN1)
			refused1(&p.r, longer, len);
	}
}
END_TEST

START_TEST(forged_answers_do_not_spoil_the_pending_handshake)
{
	uint8_t longer[LEN2 + 32] = { 0 };
	struct pair p;

	pair_init(&p);
	pair_answer(&p);
	for (size_t bit = 0; bit < LEN2 * 8; bit++) {
		p.message2[bit / 8] ^= (uint8_t)(1 << bit % 8);
		refused2(&p.i, p.message2, LEN2);
		p.message2[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	memcpy(longer, p.message2, LEN2);
	for (size_t len = 0; len <= sizeof(longer); len++) {
		if (len != LEN2)
			refused2(&p.i, longer, len);
	}
	/* After all those the genuine answer completes. */
	ck_assert(noise_read2(&p.i, p.message2, LEN2, NULL));
}
END_TEST

START_TEST(another_prologue_is_refused)
{
	struct handshake_vector v = cacophony;
	struct noise other;
	struct pair p;

	pair_init(&p);
	v.prologue = "4a6f686e2047616c75";
	start_side(&other, false, &v);
	refused1(&other, p.message1, LEN1);
}
END_TEST

START_TEST(another_psk_is_refused_in_message_2)
{
	uint8_t payload[TIMESTAMP];
	struct pair p;

	/* The psk comes in at message 2's end; mac1 is what stops strangers. */
	pair_init(&p);
	p.r.psk[31] ^= 1;
	ck_assert(noise_read1(&p.r, p.message1, LEN1, payload));
	ck_assert(noise_write2(&p.r, p.e_r, NULL, 0, p.message2));
	refused2(&p.i, p.message2, LEN2);
}
END_TEST

START_TEST(the_answer_to_another_initiation_is_refused)
{
	struct pair p, q;

	pair_init(&p);
	pair_init(&q);
	q.e_i[0] ^= 8;
	start_side(&q.i, true, &cacophony);
	ck_assert(noise_write1(&q.i, q.e_i, timestamp, TIMESTAMP, q.message1));
	pair_answer(&q);
	refused2(&p.i, q.message2, LEN2);
	ck_assert(noise_read2(&q.i, q.message2, LEN2, NULL));
}
END_TEST

START_TEST(a_static_key_without_its_private_half_completes_nothing)
{
	uint8_t payload[TIMESTAMP];
	struct pair p;

	/* An insider shows the victim's public key and has only his own. */
	pair_init(&p);
	start_side(&p.i, true, &cacophony);
	p.i.s_private[5] ^= 1;
	ck_assert(noise_write1(&p.i, p.e_i, timestamp, TIMESTAMP, p.message1));
	/* Message 1 is taken: it proves no key. */
	ck_assert(noise_read1(&p.r, p.message1, LEN1, payload));
	ck_assert(noise_write2(&p.r, p.e_r, NULL, 0, p.message2));
	refused2(&p.i, p.message2, LEN2);
}
END_TEST

START_TEST(low_order_static_keys_complete_nothing)
{
	uint8_t payload[TIMESTAMP];
	struct pair p;

	for (size_t i = 0; i < COUNT(low_order); i++) {
		/* The initiator's: the answer cannot be made. */
		pair_init(&p);
		start_side(&p.i, true, &cacophony);
		hex_exact(p.i.s_public, 32, low_order[i]);
		ck_assert(noise_write1(&p.i, p.e_i, timestamp, TIMESTAMP,
				       p.message1));
		ck_assert(noise_read1(&p.r, p.message1, LEN1, payload));
		ck_assert_mem_eq(p.r.rs, p.i.s_public, 32);
		ck_assert(!noise_write2(&p.r, p.e_r, NULL, 0, p.message2));

		/* The responder's: the answer is refused. */
		pair_init(&p);
		hex_exact(p.r.s_public, 32, low_order[i]);
		pair_answer(&p);
		refused2(&p.i, p.message2, LEN2);
	}
}
END_TEST

/* Noise as an attacker would write it, who chooses e as he likes. */
static void attacker_mix(uint8_t h[32], uint8_t ck[32], uint8_t k[32],
			 const uint8_t *data, size_t len, bool key)
{
	uint8_t joined[256], t[64];

	memcpy(joined, h, 32);
	memcpy(joined + 32, data, len);
	ck_assert_int_eq(
		EVP_Digest(joined, 32 + len, h, NULL, EVP_sha256(), NULL), 1);
	if (!key)
		return;
	ck_assert(hkdf_sha256(t, 64, ck, 32, data, len, NULL, 0));
	memcpy(ck, t, 32);
	memcpy(k, t + 32, 32);
}

static void attacker_write1(const struct noise *start, const uint8_t e[32],
			    uint8_t out[LEN1])
{
	struct aead *a = aead_new("openssl");
	uint8_t h[32], ck[32], k[32], s[32], ts[TIMESTAMP];
	struct iovec text[2] = { { s, 32 }, { ts, TIMESTAMP } };
	struct aead_key *key;

	memcpy(h, start->h, 32);
	memcpy(ck, start->ck, 32);
	memcpy(s, start->s_public, 32);
	memcpy(ts, timestamp, TIMESTAMP);
	memcpy(out, e, 32);
	attacker_mix(h, ck, k, e, 32, true);
	key = aead_key_new(a, k);
	ck_assert(aead_seal(key, 0, h, 32, &text[0], 1, out + 32));
	attacker_mix(h, ck, k, out + 32, 48, false);
	ck_assert(aead_seal(key, 1, h, 32, &text[1], 1, out + 80));
	aead_key_free(key);
	aead_free(a);
}

START_TEST(low_order_ephemeral_keys_get_no_answer)
{
	uint8_t e[32], e_public[32], payload[TIMESTAMP], forged[LEN1];
	struct noise start;
	struct pair p;

	/* The attacker's Noise is right: it writes what ours writes. */
	pair_init(&p);
	start_side(&start, true, &cacophony);
	hex_exact(e, 32, cacophony.init_ephemeral);
	ck_assert(noise_public(e_public, e));
	attacker_write1(&start, e_public, forged);
	ck_assert_mem_eq(forged, p.message1, LEN1);

	for (size_t i = 0; i < COUNT(low_order); i++) {
		pair_init(&p);
		hex_exact(e, 32, low_order[i]);
		attacker_write1(&start, e, forged);
		ck_assert(noise_read1(&p.r, forged, LEN1, payload));
		ck_assert(!noise_write2(&p.r, p.e_r, NULL, 0, p.message2));

		/* And in message 2. */
		pair_init(&p);
		pair_answer(&p);
		memcpy(p.message2, e, 32);
		refused2(&p.i, p.message2, LEN2);
	}
}
END_TEST

START_TEST(a_wiped_state_holds_nothing)
{
	struct pair p;

	pair_init(&p);
	noise_wipe(&p.i);
	for (size_t i = 0; i < sizeof(p.i); i++)
		ck_assert_uint_eq(((const uint8_t *)&p.i)[i], 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("noise");
	TCase *t = tcase_create("published");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, x25519_of_rfc_7748);
	tcase_add_test(t, x25519_iterated_as_in_rfc_7748);
	tcase_add_test(t, low_order_points_give_no_secret);
	tcase_add_test(t, wycheproof_x25519);
	tcase_add_test(t, hmac_of_rfc_4231);
	tcase_add_test(t, hmac_under_a_long_key);
	tcase_add_test(t, hkdf_of_rfc_5869);
	tcase_add_test(t, hkdf_ends_at_255_blocks);
	tcase_add_test(t, wycheproof_hkdf);
	tcase_add_test(t, handshake_of_cacophony);
	tcase_add_test(t, handshake_of_the_vector_file);
	tcase_add_test(t, handshake_of_the_protocol_document);
	tcase_add_test(t, data_of_the_protocol_document);
	suite_add_tcase(s, t);

	t = tcase_create("attacks");
	tcase_set_timeout(t, 60);
	tcase_add_test(t, message_1_with_any_bit_flipped_is_refused);
	tcase_add_test(t, message_1_of_another_length_is_refused);
	tcase_add_test(t, forged_answers_do_not_spoil_the_pending_handshake);
	tcase_add_test(t, another_prologue_is_refused);
	tcase_add_test(t, another_psk_is_refused_in_message_2);
	tcase_add_test(t, the_answer_to_another_initiation_is_refused);
	tcase_add_test(t,
		       a_static_key_without_its_private_half_completes_nothing);
	tcase_add_test(t, low_order_static_keys_complete_nothing);
	tcase_add_test(t, low_order_ephemeral_keys_get_no_answer);
	tcase_add_test(t, a_wiped_state_holds_nothing);
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
