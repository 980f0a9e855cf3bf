/* tunnel/aead: both backends against published values and each other. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "support/main.h"
#include "support/nonce.h"
#include "support/rng.h"
#include "support/vectors.h"
#include "tunnel/aead.h"
#include "tunnel/aead_backend.h"

static const char *const names[] = { "openssl", "ipsec-mb" };
#define BACKENDS ((int)(sizeof(names) / sizeof(names[0])))

/* NULL if this machine or build lacks it, which is said. */
static struct aead *backend(int i)
{
	struct aead *a = aead_new(names[i]);

	if (a)
		ck_assert_str_eq(aead_name(a), names[i]);
	else
		printf("skipped: no %s here\n", names[i]);
	return a;
}

/* The same bytes in every run. */
static struct rng rng;

static void fill_random(uint8_t *p, size_t len)
{
	rng_bytes(&rng, p, len);
}

/* ---- published values ---- */

#define KEY_0                              \
	"00000000000000000000000000000000" \
	"00000000000000000000000000000000"
#define KEY_F                              \
	"feffe9928665731c6d6a8f9467308308" \
	"feffe9928665731c6d6a8f9467308308"
#define TEXT_60                            \
	"d9313225f88406e5a55909c5aff5269a" \
	"86a7a9531534f7da2e4c303d8a318a72" \
	"1c3c0c95956809532fcf0e2449a6b525" \
	"b16aedf5aa0de657ba637b39"
#define SEALED_60                          \
	"522dc1f099567d07f47f37a32a84427d" \
	"643a8cdcbfe5c0c97598a2bd2555d1aa" \
	"8cb08e48590dbb3da7b08b1056828838" \
	"c5f61e6393ba7a0abcc9f662"

/* McGrew, Viega: The Galois/Counter Mode of Operation, appendix B, test cases
 * 13 to 16: those with a 256-bit key and a 96-bit IV. */
static const struct {
	const char *key, *nonce, *ad, *text, *sealed, *tag;
} published[] = {
	{ KEY_0, "000000000000000000000000", "", "", "",
	  "530f8afbc74536b9a963b4f1c4cb738b" },
	{ KEY_0, "000000000000000000000000", "",
	  "00000000000000000000000000000000",
	  "cea7403d4d606b6e074ec5d3baf39d18",
	  "d0d1c8a799996bf0265b98b5d48ab919" },
	{ KEY_F, "cafebabefacedbaddecaf888", "", TEXT_60 "1aafd255",
	  SEALED_60 "898015ad", "b094dac5d93471bdec1a502270e3cc6c" },
	{ KEY_F, "cafebabefacedbaddecaf888",
	  "feedfacedeadbeeffeedfacedeadbeefabaddad2", TEXT_60, SEALED_60,
	  "76fc6ece0f4e1768cddf8853bb2d551b" },
};

START_TEST(gcm_specification_values)
{
	struct aead *a = backend(_i);

	if (!a)
		return;
	for (size_t i = 0; i < sizeof(published) / sizeof(published[0]); i++) {
		uint8_t key[32], nonce[12], ad[32], text[64], sealed[80];
		uint8_t out[80];
		struct iovec in = { text, 0 };
		struct aead_key *k;
		size_t ad_len;

		hex_exact(key, 32, published[i].key);
		hex_exact(nonce, 12, published[i].nonce);
		ad_len = hex_decode(ad, sizeof(ad), published[i].ad);
		in.iov_len = hex_decode(text, sizeof(text), published[i].text);
		hex_exact(sealed, in.iov_len, published[i].sealed);
		hex_exact(sealed + in.iov_len, 16, published[i].tag);
		k = aead_key_new(a, key);
		ck_assert_ptr_nonnull(k);
		ck_assert(aead_seal(k, nonce, ad, ad_len, &in, 1, out));
		ck_assert_mem_eq(out, sealed, in.iov_len + 16);
		ck_assert(
			aead_open(k, nonce, ad, ad_len, out, in.iov_len + 16));
		if (in.iov_len)
			ck_assert_mem_eq(out, text, in.iov_len);
		aead_key_free(k);
	}
	aead_free(a);
}
END_TEST

static void wycheproof_case(struct aead *a, const json_t *test)
{
	bool valid = strcmp(vectors_string(test, "result"), "valid") == 0;
	uint8_t key[32], nonce[12], ad[1024], text[1024], out[1040];
	uint8_t sealed[1040];
	struct iovec in = { text, 0 };
	struct aead_key *k;
	size_t ad_len, sealed_len;

	vectors_hex(test, "key", key, sizeof(key));
	vectors_hex(test, "iv", nonce, sizeof(nonce));
	ad_len = vectors_hex(test, "aad", ad, sizeof(ad));
	in.iov_len = vectors_hex(test, "msg", text, sizeof(text));
	sealed_len = vectors_hex(test, "ct", sealed, sizeof(sealed) - 16);
	sealed_len += vectors_hex(test, "tag", sealed + sealed_len, 16);
	ck_assert_uint_eq(sealed_len, in.iov_len + 16);

	k = aead_key_new(a, key);
	ck_assert_ptr_nonnull(k);
	ck_assert(aead_seal(k, nonce, ad, ad_len, &in, 1, out));
	ck_assert(valid == (memcmp(out, sealed, sealed_len) == 0));
	ck_assert(valid == aead_open(k, nonce, ad, ad_len, sealed, sealed_len));
	if (valid && in.iov_len)
		ck_assert_mem_eq(sealed, text, in.iov_len);
	aead_key_free(k);
}

START_TEST(wycheproof)
{
	json_t *root = vectors_load("wycheproof-aes_gcm_test.json");
	struct aead *a = backend(_i);
	const json_t *group, *test;
	size_t i, j, run = 0;

	json_array_foreach(json_object_get(root, "testGroups"), i, group)
	{
		if (json_integer_value(json_object_get(group, "keySize")) !=
			    256 ||
		    json_integer_value(json_object_get(group, "ivSize")) !=
			    96 ||
		    json_integer_value(json_object_get(group, "tagSize")) !=
			    128)
			continue;
		json_array_foreach(json_object_get(group, "tests"), j, test)
		{
			if (!a)
				continue;
			wycheproof_case(a, test);
			run++;
		}
	}
	ck_assert(!a || !root || run == 66);
	json_decref(root);
	aead_free(a);
}
END_TEST

/* ---- our use of it ---- */

struct fixture {
	struct aead *a;
	struct aead_key *k;
};

/* False if the backend is not here. */
static bool set_up(struct fixture *f, int i)
{
	uint8_t key[32];

	f->a = backend(i);
	if (!f->a)
		return false;
	rng.state = 1;
	fill_random(key, sizeof(key));
	f->k = aead_key_new(f->a, key);
	ck_assert_ptr_nonnull(f->k);
	return true;
}

static void tear_down(struct fixture *f)
{
	aead_key_free(f->k);
	aead_free(f->a);
}

START_TEST(one_piece_is_sealed_in_place)
{
	uint8_t text[1500], buf[1516], out[1516];
	struct iovec in = { text, sizeof(text) };
	struct iovec same = { buf, sizeof(text) };
	struct fixture f;

	if (!set_up(&f, _i))
		return;
	fill_random(text, sizeof(text));
	memcpy(buf, text, sizeof(text));
	ck_assert(aead_seal(f.k, nonce_of(7).bytes, "header", 6, &in, 1, out));
	ck_assert(
		aead_seal(f.k, nonce_of(7).bytes, "header", 6, &same, 1, buf));
	ck_assert_mem_eq(buf, out, sizeof(out));
	ck_assert(aead_open(f.k, nonce_of(7).bytes, "header", 6, buf,
			    sizeof(buf)));
	ck_assert_mem_eq(buf, text, sizeof(text));
	tear_down(&f);
}
END_TEST

START_TEST(nothing_at_all_can_be_sealed)
{
	struct iovec none[2] = { { NULL, 0 }, { NULL, 0 } };
	uint8_t tags[4][AEAD_TAG_LEN];
	struct fixture f;

	if (!set_up(&f, _i))
		return;
	for (size_t n = 0; n < 3; n++)
		ck_assert(aead_seal(f.k, nonce_of(1).bytes, NULL, 0, none, n,
				    tags[n]));
	ck_assert(aead_seal(f.k, nonce_of(1).bytes, NULL, 0, NULL, 0, tags[3]));
	for (size_t n = 1; n < 4; n++)
		ck_assert_mem_eq(tags[n], tags[0], AEAD_TAG_LEN);
	ck_assert(aead_open(f.k, nonce_of(1).bytes, NULL, 0, tags[0],
			    AEAD_TAG_LEN));
	ck_assert(!aead_open(f.k, nonce_of(2).bytes, NULL, 0, tags[0],
			     AEAD_TAG_LEN));
	ck_assert(!aead_open(f.k, nonce_of(1).bytes, "a", 1, tags[1],
			     AEAD_TAG_LEN));
	tear_down(&f);
}
END_TEST

START_TEST(associated_data_alone_is_authenticated)
{
	uint8_t tag[AEAD_TAG_LEN];
	struct fixture f;

	if (!set_up(&f, _i))
		return;
	ck_assert(aead_seal(f.k, nonce_of(1).bytes, "only this", 9, NULL, 0,
			    tag));
	ck_assert(aead_open(f.k, nonce_of(1).bytes, "only this", 9, tag,
			    sizeof(tag)));
	ck_assert(!aead_open(f.k, nonce_of(1).bytes, "only thIs", 9, tag,
			     sizeof(tag)));
	ck_assert(!aead_open(f.k, nonce_of(1).bytes, "only thi", 8, tag,
			     sizeof(tag)));
	tear_down(&f);
}
END_TEST

/* ---- attacks ---- */

#define VICTIM 77 /* four blocks and an odd rest */

static void refused(struct aead_key *k, uint64_t counter, const void *ad,
		    size_t ad_len, const uint8_t *sealed, size_t len)
{
	static const uint8_t zeros[VICTIM];
	uint8_t copy[VICTIM + AEAD_TAG_LEN];

	memcpy(copy, sealed, len);
	ck_assert(
		!aead_open(k, nonce_of(counter).bytes, ad, ad_len, copy, len));
	/* What was decrypted for nothing is not left behind. */
	if (len > AEAD_TAG_LEN)
		ck_assert_mem_eq(copy, zeros, len - AEAD_TAG_LEN);
}

START_TEST(every_flipped_bit_is_refused)
{
	uint8_t text[VICTIM], sealed[VICTIM + AEAD_TAG_LEN], ad[16];
	struct iovec in = { text, sizeof(text) };
	struct fixture f;

	if (!set_up(&f, _i))
		return;
	fill_random(text, sizeof(text));
	fill_random(ad, sizeof(ad));
	ck_assert(aead_seal(f.k, nonce_of(5).bytes, ad, sizeof(ad), &in, 1,
			    sealed));
	for (size_t bit = 0; bit < sizeof(sealed) * 8; bit++) {
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		refused(f.k, 5, ad, sizeof(ad), sealed, sizeof(sealed));
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t bit = 0; bit < sizeof(ad) * 8; bit++) {
		ad[bit / 8] ^= (uint8_t)(1 << bit % 8);
		refused(f.k, 5, ad, sizeof(ad), sealed, sizeof(sealed));
		ad[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (int bit = 0; bit < 64; bit++)
		refused(f.k, 5 ^ UINT64_C(1) << bit, ad, sizeof(ad), sealed,
			sizeof(sealed));
	/* After all those the genuine one still opens. */
	ck_assert(aead_open(f.k, nonce_of(5).bytes, ad, sizeof(ad), sealed,
			    sizeof(sealed)));
	ck_assert_mem_eq(sealed, text, sizeof(text));
	tear_down(&f);
}
END_TEST

START_TEST(every_truncation_is_refused)
{
	uint8_t text[VICTIM], sealed[VICTIM + AEAD_TAG_LEN];
	struct iovec in = { text, sizeof(text) };
	struct fixture f;

	if (!set_up(&f, _i))
		return;
	fill_random(text, sizeof(text));
	ck_assert(aead_seal(f.k, nonce_of(5).bytes, "ad", 2, &in, 1, sealed));
	for (size_t len = 0; len < sizeof(sealed); len++)
		refused(f.k, 5, "ad", 2, sealed, len);
	tear_down(&f);
}
END_TEST

START_TEST(another_key_is_refused)
{
	uint8_t text[VICTIM], sealed[VICTIM + AEAD_TAG_LEN], key[32];
	struct iovec in = { text, sizeof(text) };
	struct aead_key *other;
	struct fixture f;

	if (!set_up(&f, _i))
		return;
	fill_random(text, sizeof(text));
	fill_random(key, sizeof(key));
	other = aead_key_new(f.a, key);
	ck_assert_ptr_nonnull(other);
	ck_assert(aead_seal(f.k, nonce_of(5).bytes, "ad", 2, &in, 1, sealed));
	refused(other, 5, "ad", 2, sealed, sizeof(sealed));
	aead_key_free(other);
	tear_down(&f);
}
END_TEST

/*
 * The library refuses arguments that it finds wrong by doing nothing. No caller
 * passes such ones; OpenSSL would read from the null pointer.
 */
START_TEST(what_the_library_refuses_is_neither_opened_nor_sent)
{
	static const uint8_t zeros[VICTIM + AEAD_TAG_LEN];
	uint8_t text[VICTIM] = "in the clear", out[VICTIM + AEAD_TAG_LEN];
	struct iovec pieces[] = { { text, 12 }, { text + 12, VICTIM - 12 } };
	struct fixture f;

	if (!set_up(&f, 1))
		return;
	for (size_t count = 0; count < 3; count++) {
		memset(out, 0, sizeof(out));
		ck_assert(!aead_seal(f.k, nonce_of(1).bytes, NULL, 1, pieces,
				     count, out));
		ck_assert_mem_eq(out, zeros, sizeof(out));
	}
	/* Tags that a buffer may happen to start as. */
	for (int byte = 0; byte < 256; byte++) {
		memset(out, byte, sizeof(out));
		ck_assert(!aead_open(f.k, nonce_of(1).bytes, NULL, 1, out,
				     sizeof(out)));
		ck_assert_mem_eq(out, zeros, VICTIM);
	}
	/* The next call is not held against it. */
	ck_assert(aead_seal(f.k, nonce_of(1).bytes, "ad", 2, pieces, 2, out));
	ck_assert(aead_open(f.k, nonce_of(1).bytes, "ad", 2, out, sizeof(out)));
	ck_assert_mem_eq(out, text, VICTIM);
	tear_down(&f);
}
END_TEST

/* ---- the backends against each other ---- */

#define SEED	  20240607
#define ROUNDS	  2000
#define TEXT_MAX  9200
#define PIECE_MAX 12
#define GUARD	  16

/* Cuts len bytes into up to PIECE_MAX pieces, some of them empty. */
static size_t cut(struct iovec *pieces, uint8_t *text, size_t len)
{
	size_t n = 1 + rng_below(&rng, PIECE_MAX), at = 0;

	for (size_t i = 0; i + 1 < n; i++) {
		size_t piece = rng_below(&rng, len - at + 1);

		if (rng_below(&rng, 8) == 0)
			piece = 0;
		pieces[i] = (struct iovec){ text + at, piece };
		at += piece;
	}
	pieces[n - 1] = (struct iovec){ text + at, len - at };
	return n;
}

static void agree(struct aead *const a[BACKENDS])
{
	static uint8_t text[TEXT_MAX];
	static uint8_t out[BACKENDS][GUARD + TEXT_MAX + AEAD_TAG_LEN + GUARD];
	uint8_t key[32], ad[40], guard[GUARD];
	size_t max = rng_chance(&rng, 0.75) ? 300 : TEXT_MAX;
	size_t len = rng_below(&rng, max);
	size_t shift = rng_below(&rng, GUARD);
	size_t ad_len = rng_below(&rng, 41);
	uint64_t counter = rng_u64(&rng) >> rng_below(&rng, 64);
	struct aead_key *k[BACKENDS];

	fill_random(text, len);
	fill_random(ad, sizeof(ad));
	fill_random(key, sizeof(key));
	memset(guard, 0xa5, sizeof(guard));
	for (int i = 0; i < BACKENDS; i++) {
		struct iovec pieces[PIECE_MAX];
		size_t n = cut(pieces, text, len);

		memset(out[i], 0xa5, sizeof(out[i]));
		k[i] = aead_key_new(a[i], key);
		ck_assert_ptr_nonnull(k[i]);
		ck_assert(aead_seal(k[i], nonce_of(counter).bytes, ad, ad_len,
				    pieces, n, out[i] + shift));
		ck_assert_mem_eq(out[i], guard, shift);
		ck_assert_mem_eq(out[i] + shift + len + AEAD_TAG_LEN, guard,
				 GUARD);
	}
	ck_assert_mem_eq(out[0], out[1], sizeof(out[0]));
	for (int i = 0; i < BACKENDS; i++) {
		ck_assert(aead_open(k[i], nonce_of(counter).bytes, ad, ad_len,
				    out[i] + shift, len + AEAD_TAG_LEN));
		if (len)
			ck_assert_mem_eq(out[i] + shift, text, len);
		aead_key_free(k[i]);
	}
}

START_TEST(backends_agree_on_random_pieces)
{
	struct aead *a[BACKENDS];

	for (int i = 0; i < BACKENDS; i++)
		a[i] = backend(i);
	rng.state = SEED;
	if (a[0] && a[1]) {
		printf("seed %d\n", SEED);
		for (int round = 0; round < ROUNDS; round++)
			agree(a);
	}
	for (int i = 0; i < BACKENDS; i++)
		aead_free(a[i]);
}
END_TEST

/* Also where ipsec-mb is not, as on arm64. */
START_TEST(the_fastest_that_is_here_is_the_default)
{
	struct aead *mb = aead_new("ipsec-mb"), *a = aead_new(NULL);

	ck_assert_ptr_nonnull(a);
	ck_assert_str_eq(aead_name(a), mb ? "ipsec-mb" : "openssl");
#ifdef __aarch64__
	ck_assert_ptr_null(mb);
#endif
	aead_free(a);
	aead_free(mb);
}
END_TEST

START_TEST(an_unknown_backend_is_refused)
{
	struct aead *a;

	ck_assert_ptr_null(aead_new("rot13"));
	ck_assert_ptr_null(aead_new(""));
	a = aead_new(NULL);
	ck_assert_ptr_nonnull(a);
	aead_free(a);
	aead_free(NULL);
	aead_key_free(NULL);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("published"),
	UNIT_LOOP(gcm_specification_values, BACKENDS),
	UNIT_LOOP(wycheproof, BACKENDS),
	UNIT_CASE("use"),
	UNIT_LOOP(one_piece_is_sealed_in_place, BACKENDS),
	UNIT_LOOP(nothing_at_all_can_be_sealed, BACKENDS),
	UNIT_LOOP(associated_data_alone_is_authenticated, BACKENDS),
	UNIT_TEST(the_fastest_that_is_here_is_the_default),
	UNIT_TEST(an_unknown_backend_is_refused),
	UNIT_CASE("attacks"),
	UNIT_LOOP(every_flipped_bit_is_refused, BACKENDS),
	UNIT_LOOP(every_truncation_is_refused, BACKENDS),
	UNIT_LOOP(another_key_is_refused, BACKENDS),
	UNIT_TEST(what_the_library_refuses_is_neither_opened_nor_sent),
	UNIT_CASE("agreement", .timeout_s = 60),
	UNIT_TEST(backends_agree_on_random_pieces),
};

UNIT_MAIN("aead", tests)
