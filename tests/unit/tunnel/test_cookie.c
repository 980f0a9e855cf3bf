/* tunnel/cookie: mac1 keeps strangers out, mac2 keeps spoofers out. */
#include <check.h>
#include <string.h>

#include "support/main.h"
#include "support/nonce.h"
#include "tunnel/cookie.h"
#include "tunnel/noise.h"

static const uint8_t psk[32] = "sixteen and sixteen make 32 byt";
static const uint8_t nonce[WIRE_COOKIE_NONCE_LEN] = "random, they say";

struct fixture {
	struct secret secret;
	struct aead *aead;
	struct cookie_jar jar;
	struct addr asker;
	uint8_t message[WIRE_INITIATION_LEN];
};

/* An initiation with its mac1, and an answerer with one key. */
static struct fixture set_up(void)
{
	struct fixture f = { .asker = addr_v4(0x0a090002, WIRE_PORT) };
	struct wire_initiation m = { .sender = 7 };
	uint8_t random[32];

	secret_init(&f.secret, psk);
	f.aead = aead_new(NULL);
	ck_assert_ptr_nonnull(f.aead);
	memset(random, 1, sizeof(random));
	ck_assert(cookie_jar_turn(&f.jar, CLOCK_S, random));
	for (size_t i = 0; i < sizeof(m.noise); i++)
		m.noise[i] = (uint8_t)i;
	wire_pack_initiation(&m, f.message);
	cookie_set_mac1(&f.secret, f.message, sizeof(f.message));
	return f;
}

static uint8_t *mac1_of(struct fixture *f)
{
	return f->message + sizeof(f->message) - WIRE_MAC1_FROM_END;
}

static uint8_t *mac2_of(struct fixture *f)
{
	return f->message + sizeof(f->message) - WIRE_MAC2_FROM_END;
}

/* Asks for a cookie and puts the mac2 made with it on the message. */
static void get_cookie(struct fixture *f)
{
	uint8_t bytes[WIRE_COOKIE_LEN], cookie[COOKIE_LEN];
	struct wire_cookie m;
	enum wire_type type;

	ck_assert(cookie_answer(&f->jar, f->aead, &f->secret, &f->asker, 7,
				mac1_of(f), nonce, bytes));
	ck_assert_int_eq(wire_classify(bytes, sizeof(bytes), &type), DROP_NONE);
	ck_assert_uint_eq(type, WIRE_COOKIE);
	wire_unpack_cookie(&m, bytes);
	ck_assert_uint_eq(m.receiver, 7);
	ck_assert(cookie_open(f->aead, &f->secret, &m, mac1_of(f), cookie));
	cookie_set_mac2(cookie, f->message, sizeof(f->message));
}

static bool mac2_is_good(const struct fixture *f)
{
	return cookie_check_mac2(&f->jar, &f->asker, f->message,
				 sizeof(f->message));
}

static bool turn(struct fixture *f, uint64_t now_us, uint8_t fill)
{
	uint8_t random[32];

	memset(random, fill, sizeof(random));
	return cookie_jar_turn(&f->jar, now_us, random);
}

/* ---- mac1 ---- */

START_TEST(mac1_is_the_documented_hash)
{
	struct fixture f = set_up();
	uint8_t key[32], expected[32];

	ck_assert(hkdf_sha256(key, 32, NULL, 0, psk, 32, "tapd mac1", 9));
	ck_assert(hmac_sha256(expected, key, 32, f.message,
			      sizeof(f.message) - 32, NULL, 0));
	ck_assert_mem_eq(mac1_of(&f), expected, WIRE_MAC_LEN);
	aead_free(f.aead);
}
END_TEST

START_TEST(mac1_covers_every_bit_before_it)
{
	struct fixture f = set_up();
	size_t covered = sizeof(f.message) - WIRE_MAC2_FROM_END;

	ck_assert(cookie_check_mac1(&f.secret, f.message, sizeof(f.message)));
	for (size_t bit = 0; bit < covered * 8; bit++) {
		f.message[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert(!cookie_check_mac1(&f.secret, f.message,
					     sizeof(f.message)));
		f.message[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	/* And leaves mac2 alone, which is put on later. */
	memset(mac2_of(&f), 0xff, WIRE_MAC_LEN);
	ck_assert(cookie_check_mac1(&f.secret, f.message, sizeof(f.message)));
	aead_free(f.aead);
}
END_TEST

START_TEST(mac1_of_another_secret_is_refused)
{
	struct fixture f = set_up();
	struct secret other;
	uint8_t key[32];

	memcpy(key, psk, sizeof(key));
	for (size_t bit = 0; bit < 256; bit++) {
		key[bit / 8] ^= (uint8_t)(1 << bit % 8);
		secret_init(&other, key);
		ck_assert(!cookie_check_mac1(&other, f.message,
					     sizeof(f.message)));
		key[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	aead_free(f.aead);
}
END_TEST

START_TEST(mac1_of_a_response)
{
	struct wire_response m = { .sender = 1, .receiver = 2 };
	uint8_t bytes[WIRE_RESPONSE_LEN];
	struct fixture f = set_up();

	wire_pack_response(&m, bytes);
	ck_assert(!cookie_check_mac1(&f.secret, bytes, sizeof(bytes)));
	cookie_set_mac1(&f.secret, bytes, sizeof(bytes));
	ck_assert(cookie_check_mac1(&f.secret, bytes, sizeof(bytes)));
	aead_free(f.aead);
}
END_TEST

START_TEST(a_wiped_secret_holds_nothing)
{
	struct fixture f = set_up();

	secret_wipe(&f.secret);
	for (size_t i = 0; i < sizeof(f.secret); i++)
		ck_assert_uint_eq(((const uint8_t *)&f.secret)[i], 0);
	aead_free(f.aead);
}
END_TEST

/* ---- mac2 ---- */

START_TEST(a_cookie_comes_and_is_accepted)
{
	struct fixture f = set_up();

	ck_assert(!mac2_is_good(&f));
	get_cookie(&f);
	ck_assert(mac2_is_good(&f));
	ck_assert(cookie_check_mac1(&f.secret, f.message, sizeof(f.message)));
	aead_free(f.aead);
}
END_TEST

START_TEST(a_cookie_is_good_for_later_messages)
{
	uint8_t bytes[WIRE_COOKIE_LEN], cookie[COOKIE_LEN];
	struct fixture f = set_up();
	struct wire_cookie m;

	ck_assert(cookie_answer(&f.jar, f.aead, &f.secret, &f.asker, 7,
				mac1_of(&f), nonce, bytes));
	wire_unpack_cookie(&m, bytes);
	ck_assert(cookie_open(f.aead, &f.secret, &m, mac1_of(&f), cookie));
	f.message[20] ^= 1;
	cookie_set_mac1(&f.secret, f.message, sizeof(f.message));
	cookie_set_mac2(cookie, f.message, sizeof(f.message));
	ck_assert(mac2_is_good(&f));
	aead_free(f.aead);
}
END_TEST

START_TEST(mac2_covers_every_bit_of_the_message)
{
	struct fixture f = set_up();

	get_cookie(&f);
	for (size_t bit = 0; bit < sizeof(f.message) * 8; bit++) {
		f.message[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert(!mac2_is_good(&f));
		f.message[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	ck_assert(mac2_is_good(&f));
	aead_free(f.aead);
}
END_TEST

START_TEST(a_cookie_is_bound_to_address_and_port)
{
	struct fixture f = set_up();

	get_cookie(&f);
	f.asker.port++;
	ck_assert(!mac2_is_good(&f));
	f.asker.port--;
	f.asker.ip[15]++;
	ck_assert(!mac2_is_good(&f));
	f.asker.ip[15]--;
	f.asker.scope = 3;
	ck_assert(!mac2_is_good(&f));
	f.asker.scope = 0;
	ck_assert(mac2_is_good(&f));
	aead_free(f.aead);
}
END_TEST

START_TEST(a_cookie_outlives_one_turn_of_the_key)
{
	struct fixture f = set_up();

	get_cookie(&f);
	ck_assert(!turn(&f, CLOCK_S + COOKIE_LIFE_US, 2));
	ck_assert(turn(&f, CLOCK_S + COOKIE_LIFE_US + 1, 2));
	ck_assert(mac2_is_good(&f));
	ck_assert(!turn(&f, CLOCK_S + 2 * COOKIE_LIFE_US, 3));
	ck_assert(mac2_is_good(&f));
	ck_assert(turn(&f, CLOCK_S + 2 * COOKIE_LIFE_US + 2, 3));
	ck_assert(!mac2_is_good(&f));
	aead_free(f.aead);
}
END_TEST

START_TEST(a_cookie_does_not_outlive_a_long_silence)
{
	struct fixture f = set_up();

	get_cookie(&f);
	ck_assert(turn(&f, CLOCK_S + 2 * COOKIE_LIFE_US + 1, 2));
	ck_assert(!mac2_is_good(&f));
	aead_free(f.aead);
}
END_TEST

START_TEST(an_empty_jar_accepts_nothing)
{
	static const uint8_t zero_key[32];
	uint8_t out[WIRE_COOKIE_LEN], cookie[32], where[ADDR_KEY_LEN];
	struct fixture f = set_up();

	/* What an attacker would make who guesses that the keys are zero. */
	addr_key(&f.asker, where);
	ck_assert(hmac_sha256(cookie, zero_key, 32, where, sizeof(where), NULL,
			      0));
	cookie_set_mac2(cookie, f.message, sizeof(f.message));
	/* With one key made, the one before must not be zero either. */
	ck_assert(!mac2_is_good(&f));
	memset(&f.jar, 0, sizeof(f.jar));
	ck_assert(!mac2_is_good(&f));
	ck_assert(!cookie_answer(&f.jar, f.aead, &f.secret, &f.asker, 7,
				 mac1_of(&f), nonce, out));
	aead_free(f.aead);
}
END_TEST

START_TEST(a_jar_works_at_time_zero)
{
	struct fixture f = set_up();

	memset(&f.jar, 0, sizeof(f.jar));
	ck_assert(turn(&f, 0, 9));
	ck_assert(!turn(&f, 1, 10));
	get_cookie(&f);
	ck_assert(mac2_is_good(&f));
	aead_free(f.aead);
}
END_TEST

/* ---- the cookie message ---- */

START_TEST(the_cookie_message_is_sealed_as_documented)
{
	uint8_t bytes[WIRE_COOKIE_LEN], info[11 + 16 + 16] = "tapd cookie";
	uint8_t key[32], where[ADDR_KEY_LEN], cookie[32];
	struct fixture f = set_up();
	struct wire_cookie m;
	struct aead_key *k;

	ck_assert(cookie_answer(&f.jar, f.aead, &f.secret, &f.asker, 7,
				mac1_of(&f), nonce, bytes));
	wire_unpack_cookie(&m, bytes);
	ck_assert_mem_eq(m.nonce, nonce, sizeof(nonce));
	memcpy(info + 11, nonce, 16);
	memcpy(info + 27, mac1_of(&f), 16);
	ck_assert(hkdf_sha256(key, 32, NULL, 0, psk, 32, info, sizeof(info)));
	k = aead_key_new(f.aead, key);
	ck_assert(aead_open(k, nonce_of(0).bytes, NULL, 0, m.sealed,
			    sizeof(m.sealed)));
	aead_key_free(k);
	addr_key(&f.asker, where);
	ck_assert(hmac_sha256(cookie, f.jar.key[0], 32, where, sizeof(where),
			      NULL, 0));
	ck_assert_mem_eq(m.sealed, cookie, COOKIE_LEN);
	aead_free(f.aead);
}
END_TEST

static void refused(struct fixture *f, const struct wire_cookie *m,
		    const struct secret *s, const uint8_t mac1[WIRE_MAC_LEN])
{
	static const uint8_t zeros[COOKIE_LEN];
	uint8_t cookie[COOKIE_LEN];

	memset(cookie, 0xff, sizeof(cookie));
	ck_assert(!cookie_open(f->aead, s, m, mac1, cookie));
	ck_assert_mem_eq(cookie, zeros, sizeof(zeros));
}

START_TEST(forged_cookie_messages_are_refused)
{
	uint8_t bytes[WIRE_COOKIE_LEN], other_psk[32] = { 0 };
	uint8_t cookie[COOKIE_LEN];
	struct fixture f = set_up();
	struct wire_cookie m;
	struct secret other;

	ck_assert(cookie_answer(&f.jar, f.aead, &f.secret, &f.asker, 7,
				mac1_of(&f), nonce, bytes));
	/* Type and index are not sealed: they only find the handshake. */
	for (size_t bit = 8 * 8; bit < sizeof(bytes) * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		wire_unpack_cookie(&m, bytes);
		refused(&f, &m, &f.secret, mac1_of(&f));
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	wire_unpack_cookie(&m, bytes);
	secret_init(&other, other_psk);
	refused(&f, &m, &other, mac1_of(&f));
	/* Recorded, and played to another initiation. */
	mac1_of(&f)[0] ^= 1;
	refused(&f, &m, &f.secret, mac1_of(&f));
	mac1_of(&f)[0] ^= 1;
	ck_assert(cookie_open(f.aead, &f.secret, &m, mac1_of(&f), cookie));
	aead_free(f.aead);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("mac1"),
	UNIT_TEST(mac1_is_the_documented_hash),
	UNIT_TEST(mac1_covers_every_bit_before_it),
	UNIT_TEST(mac1_of_another_secret_is_refused),
	UNIT_TEST(mac1_of_a_response),
	UNIT_TEST(a_wiped_secret_holds_nothing),
	UNIT_CASE("mac2"),
	UNIT_TEST(a_cookie_comes_and_is_accepted),
	UNIT_TEST(a_cookie_is_good_for_later_messages),
	UNIT_TEST(mac2_covers_every_bit_of_the_message),
	UNIT_TEST(a_cookie_is_bound_to_address_and_port),
	UNIT_TEST(a_cookie_outlives_one_turn_of_the_key),
	UNIT_TEST(a_cookie_does_not_outlive_a_long_silence),
	UNIT_TEST(an_empty_jar_accepts_nothing),
	UNIT_TEST(a_jar_works_at_time_zero),
	UNIT_CASE("cookie message"),
	UNIT_TEST(the_cookie_message_is_sealed_as_documented),
	UNIT_TEST(forged_cookie_messages_are_refused),
};

UNIT_MAIN("cookie", tests)
