/* tunnel/noise: published values, and hostile handshakes. */
#include <check.h>
#include <openssl/evp.h>
#include <string.h>

#include "support/low_order.h"
#include "support/main.h"
#include "support/nonce.h"
#include "support/vectors.h"
#include "tunnel/aead.h"
#include "tunnel/noise.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

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
		ck_assert(aead_seal(keys[i % 2], nonce_of(i / 2 - 1).bytes,
				    NULL, 0, &in, 1, out));
		ck_assert_mem_eq(out, sealed, len + 16);
		ck_assert(aead_open(keys[i % 2], nonce_of(i / 2 - 1).bytes,
				    NULL, 0, sealed, len + 16));
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
	ck_assert(aead_seal(key, nonce_of(0).bytes, h, 32, &text[0], 1,
			    out + 32));
	attacker_mix(h, ck, k, out + 32, 48, false);
	ck_assert(aead_seal(key, nonce_of(1).bytes, h, 32, &text[1], 1,
			    out + 80));
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

static const struct unit_test tests[] = {
	UNIT_CASE("published"),
	UNIT_TEST(handshake_of_cacophony),
	UNIT_TEST(handshake_of_the_vector_file),
	UNIT_CASE("attacks", .timeout_s = 60),
	UNIT_TEST(message_1_with_any_bit_flipped_is_refused),
	UNIT_TEST(message_1_of_another_length_is_refused),
	UNIT_TEST(forged_answers_do_not_spoil_the_pending_handshake),
	UNIT_TEST(another_prologue_is_refused),
	UNIT_TEST(another_psk_is_refused_in_message_2),
	UNIT_TEST(the_answer_to_another_initiation_is_refused),
	UNIT_TEST(a_static_key_without_its_private_half_completes_nothing),
	UNIT_TEST(low_order_static_keys_complete_nothing),
	UNIT_TEST(low_order_ephemeral_keys_get_no_answer),
	UNIT_TEST(a_wiped_state_holds_nothing),
};

UNIT_MAIN("noise", tests)
