/* mac1 and mac2: the handshake's protection against denial of service. */
#include "tunnel/cookie.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "tunnel/noise.h"

#define MAC1_INFO   "tapd mac1"
#define COOKIE_INFO "tapd cookie"

static_assert(COOKIE_LEN == WIRE_MAC_LEN, "a cookie is a mac");

/* The first half of HMAC-SHA-256. */
static bool mac(uint8_t out[WIRE_MAC_LEN], const void *key, size_t key_len,
		const void *bytes, size_t len)
{
	uint8_t full[NOISE_HASH_LEN];
	bool ok = hmac_sha256(full, key, key_len, bytes, len, NULL, 0);

	memcpy(out, full, WIRE_MAC_LEN);
	bytes_wipe(full, sizeof(full));
	return ok;
}

/* ---- mac1 ---- */

void secret_init(struct secret *s, const uint8_t psk[32])
{
	memcpy(s->psk, psk, sizeof(s->psk));
	/* Out of memory: a key that matches no peer's, but that no stranger
	 * knows either. */
	if (!hkdf_sha256(s->mac1_key, sizeof(s->mac1_key), NULL, 0, psk, 32,
			 MAC1_INFO, strlen(MAC1_INFO)))
		memcpy(s->mac1_key, psk, sizeof(s->mac1_key));
}

void secret_wipe(struct secret *s)
{
	bytes_wipe(s, sizeof(*s));
}

bool cookie_mac1(const struct secret *s, const uint8_t *bytes, size_t len,
		 uint8_t mac1[WIRE_MAC_LEN])
{
	return mac(mac1, s->mac1_key, sizeof(s->mac1_key), bytes, len);
}

void cookie_set_mac1(const struct secret *s, uint8_t *message, size_t len)
{
	size_t covered = len - WIRE_MAC1_FROM_END;

	mac(message + covered, s->mac1_key, sizeof(s->mac1_key), message,
	    covered);
}

bool cookie_check_mac1(const struct secret *s, const uint8_t *message,
		       size_t len)
{
	size_t covered = len - WIRE_MAC1_FROM_END;
	uint8_t expected[WIRE_MAC_LEN];

	return mac(expected, s->mac1_key, sizeof(s->mac1_key), message,
		   covered) &&
	       bytes_equal(expected, message + covered, WIRE_MAC_LEN);
}

/* ---- the answerer ---- */

bool cookie_jar_turn(struct cookie_jar *j, uint64_t now_us,
		     const uint8_t random[32])
{
	uint64_t age_us = now_us - j->made_us;

	if (j->made_us && age_us <= COOKIE_LIFE_US)
		return false;
	/* The key before is no key, or older than a cookie may get. */
	if (!j->made_us || age_us > 2 * COOKIE_LIFE_US)
		memcpy(j->key[1], random, sizeof(j->key[1]));
	else
		memcpy(j->key[1], j->key[0], sizeof(j->key[1]));
	memcpy(j->key[0], random, sizeof(j->key[0]));
	j->made_us = now_us ? now_us : 1;
	return true;
}

static bool bake(const uint8_t key[32], const struct addr *for_whom,
		 uint8_t cookie[COOKIE_LEN])
{
	uint8_t where[ADDR_KEY_LEN];

	addr_key(for_whom, where);
	return mac(cookie, key, 32, where, sizeof(where));
}

bool cookie_check_mac2(const struct cookie_jar *j, const struct addr *from,
		       const uint8_t *message, size_t len)
{
	static const uint8_t none[WIRE_MAC_LEN];
	size_t covered = len - WIRE_MAC2_FROM_END;
	uint8_t cookie[COOKIE_LEN], expected[WIRE_MAC_LEN];
	bool equal = false;

	if (!j->made_us || bytes_equal(message + covered, none, sizeof(none)))
		return false;
	for (int i = 0; i < 2 && !equal; i++)
		equal = bake(j->key[i], from, cookie) &&
			mac(expected, cookie, sizeof(cookie), message,
			    covered) &&
			bytes_equal(expected, message + covered, WIRE_MAC_LEN);
	bytes_wipe(cookie, sizeof(cookie));
	return equal;
}

/* The key a cookie travels under is new with every nonce of its message, so that
 * GCM's can stay zero. */
static const uint8_t zero_nonce[AEAD_NONCE_LEN];

static struct aead_key *key_of(struct aead *aead, const struct secret *s,
			       const uint8_t nonce[WIRE_COOKIE_NONCE_LEN],
			       const uint8_t mac1[WIRE_MAC_LEN])
{
	uint8_t info[sizeof(COOKIE_INFO) - 1 + WIRE_COOKIE_NONCE_LEN +
		     WIRE_MAC_LEN];
	struct writer w = writer_init(info, sizeof(info));
	struct aead_key *k = NULL;
	uint8_t key[AEAD_KEY_LEN];

	writer_bytes(&w, COOKIE_INFO, strlen(COOKIE_INFO));
	writer_bytes(&w, nonce, WIRE_COOKIE_NONCE_LEN);
	writer_bytes(&w, mac1, WIRE_MAC_LEN);
	assert(writer_ok(&w) && w.len == sizeof(info));
	if (hkdf_sha256(key, sizeof(key), NULL, 0, s->psk, sizeof(s->psk), info,
			sizeof(info)))
		k = aead_key_new(aead, key);
	bytes_wipe(key, sizeof(key));
	return k;
}

bool cookie_answer(const struct cookie_jar *j, struct aead *aead,
		   const struct secret *s, const struct addr *to,
		   uint32_t receiver, const uint8_t mac1[WIRE_MAC_LEN],
		   const uint8_t nonce[WIRE_COOKIE_NONCE_LEN],
		   uint8_t out[WIRE_COOKIE_LEN])
{
	struct wire_cookie m = { .receiver = receiver };
	struct aead_key *k = key_of(aead, s, nonce, mac1);
	uint8_t cookie[COOKIE_LEN];
	struct iovec in = { cookie, sizeof(cookie) };
	bool ok = k && j->made_us && bake(j->key[0], to, cookie) &&
		  aead_seal(k, zero_nonce, NULL, 0, &in, 1, m.sealed);

	memcpy(m.nonce, nonce, sizeof(m.nonce));
	if (ok)
		wire_pack_cookie(&m, out);
	bytes_wipe(cookie, sizeof(cookie));
	aead_key_free(k);
	return ok;
}

/* ---- the asker ---- */

bool cookie_open(struct aead *aead, const struct secret *s,
		 const struct wire_cookie *m, const uint8_t mac1[WIRE_MAC_LEN],
		 uint8_t cookie[COOKIE_LEN])
{
	struct aead_key *k = key_of(aead, s, m->nonce, mac1);
	uint8_t sealed[sizeof(m->sealed)];
	bool ok;

	memcpy(sealed, m->sealed, sizeof(sealed));
	ok = k && aead_open(k, zero_nonce, NULL, 0, sealed, sizeof(sealed));
	if (ok)
		memcpy(cookie, sealed, COOKIE_LEN);
	else
		memset(cookie, 0, COOKIE_LEN);
	bytes_wipe(sealed, sizeof(sealed));
	aead_key_free(k);
	return ok;
}

void cookie_set_mac2(const uint8_t cookie[COOKIE_LEN], uint8_t *message,
		     size_t len)
{
	size_t covered = len - WIRE_MAC2_FROM_END;

	mac(message + covered, cookie, COOKIE_LEN, message, covered);
}
