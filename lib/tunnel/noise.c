/* Noise_IXpsk2_25519_AESGCM_SHA256, and the hashes around it. */
#include "tunnel/noise.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>
#include <sys/uio.h>

#include "base/bytes.h"
#include "tunnel/aead_backend.h"

/* ---- hashes ---- */

static bool sha256(uint8_t out[NOISE_HASH_LEN], const void *a, size_t a_len,
		   const void *b, size_t b_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
		  EVP_DigestUpdate(ctx, a, a_len) == 1 &&
		  EVP_DigestUpdate(ctx, b, b_len) == 1 &&
		  EVP_DigestFinal_ex(ctx, out, NULL) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

static bool hmac_init(EVP_MAC_CTX *ctx, const void *key, size_t key_len)
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest,
						 0),
		OSSL_PARAM_construct_end(),
	};

	/* A null key means "the one set before", not an empty one. */
	return EVP_MAC_init(ctx, key_len ? key : (const void *)"", key_len,
			    params) == 1;
}

static bool hmac_pieces(uint8_t out[NOISE_HASH_LEN], const void *key,
			size_t key_len, const struct iovec *pieces, size_t n)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
	bool ok = ctx && hmac_init(ctx, key, key_len);
	size_t len;

	for (size_t i = 0; ok && i < n; i++)
		ok = !pieces[i].iov_len ||
		     EVP_MAC_update(ctx, pieces[i].iov_base,
				    pieces[i].iov_len) == 1;
	ok = ok && EVP_MAC_final(ctx, out, &len, NOISE_HASH_LEN) == 1;
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
	if (!ok)
		memset(out, 0, NOISE_HASH_LEN);
	return ok;
}

/* An iovec serves for reading, too; it only lacks the const. */
static struct iovec piece(const void *bytes, size_t len)
{
	return (struct iovec){ (void *)(uintptr_t)bytes, len };
}

bool hmac_sha256(uint8_t out[32], const void *key, size_t key_len,
		 const void *a, size_t a_len, const void *b, size_t b_len)
{
	const struct iovec pieces[] = { piece(a, a_len), piece(b, b_len) };

	return hmac_pieces(out, key, key_len, pieces, 2);
}

bool hkdf_sha256(uint8_t *out, size_t out_len, const void *salt,
		 size_t salt_len, const void *ikm, size_t ikm_len,
		 const void *info, size_t info_len)
{
	uint8_t prk[NOISE_HASH_LEN], t[NOISE_HASH_LEN];
	uint8_t counter = 0;
	bool ok;

	if (out_len > (size_t)255 * NOISE_HASH_LEN)
		return false;
	ok = hmac_sha256(prk, salt, salt_len, ikm, ikm_len, NULL, 0);
	for (size_t at = 0; ok && at < out_len; at += sizeof(t)) {
		size_t left = out_len - at;
		struct iovec pieces[] = { piece(t, counter ? sizeof(t) : 0),
					  piece(info, info_len),
					  piece(&counter, 1) };

		counter++;
		ok = hmac_pieces(t, prk, sizeof(prk), pieces, 3);
		memcpy(out + at, t, left < sizeof(t) ? left : sizeof(t));
	}
	bytes_wipe(prk, sizeof(prk));
	bytes_wipe(t, sizeof(t));
	if (!ok)
		memset(out, 0, out_len);
	return ok;
}

/* ---- X25519 ---- */

static bool derive(uint8_t out[NOISE_KEY_LEN], EVP_PKEY *ours, EVP_PKEY *theirs)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(ours, NULL);
	size_t len = NOISE_KEY_LEN;
	bool ok = ctx && EVP_PKEY_derive_init(ctx) == 1 &&
		  EVP_PKEY_derive_set_peer(ctx, theirs) == 1 &&
		  EVP_PKEY_derive(ctx, out, &len) == 1 && len == NOISE_KEY_LEN;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}

bool noise_dh(uint8_t out[NOISE_KEY_LEN],
	      const uint8_t private_key[NOISE_KEY_LEN],
	      const uint8_t public_key[NOISE_KEY_LEN])
{
	static const uint8_t zeros[NOISE_KEY_LEN];
	EVP_PKEY *ours = EVP_PKEY_new_raw_private_key(
		EVP_PKEY_X25519, NULL, private_key, NOISE_KEY_LEN);
	EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key(
		EVP_PKEY_X25519, NULL, public_key, NOISE_KEY_LEN);
	bool ok = ours && theirs && derive(out, ours, theirs);

	EVP_PKEY_free(ours);
	EVP_PKEY_free(theirs);
	/* OpenSSL refuses low-order points itself; other libcryptos may not. */
	if (ok && !bytes_equal(out, zeros, sizeof(zeros)))
		return true;
	bytes_wipe(out, NOISE_KEY_LEN);
	return false;
}

bool noise_public(uint8_t public_key[NOISE_KEY_LEN],
		  const uint8_t private_key[NOISE_KEY_LEN])
{
	EVP_PKEY *ours = EVP_PKEY_new_raw_private_key(
		EVP_PKEY_X25519, NULL, private_key, NOISE_KEY_LEN);
	size_t len = NOISE_KEY_LEN;
	bool ok = ours &&
		  EVP_PKEY_get_raw_public_key(ours, public_key, &len) == 1 &&
		  len == NOISE_KEY_LEN;

	EVP_PKEY_free(ours);
	if (!ok)
		memset(public_key, 0, NOISE_KEY_LEN);
	return ok;
}

/* ---- the symmetric state (section 5.2) ---- */

static bool mix_hash(struct noise *n, const void *data, size_t len)
{
	return sha256(n->h, n->h, sizeof(n->h), data, len);
}

/* With mix_hash_too, MixKeyAndHash: the middle third goes into h. */
static bool mix(struct noise *n, const uint8_t ikm[NOISE_KEY_LEN],
		bool mix_hash_too)
{
	uint8_t t[3 * NOISE_HASH_LEN];
	size_t len = (mix_hash_too ? 3 : 2) * (size_t)NOISE_HASH_LEN;
	bool ok = hkdf_sha256(t, len, n->ck, sizeof(n->ck), ikm, NOISE_KEY_LEN,
			      NULL, 0);

	if (ok && mix_hash_too)
		ok = mix_hash(n, t + NOISE_HASH_LEN, NOISE_HASH_LEN);
	if (ok) {
		memcpy(n->ck, t, sizeof(n->ck));
		memcpy(n->k, t + len - NOISE_KEY_LEN, sizeof(n->k));
		n->n = 0;
	}
	bytes_wipe(t, sizeof(t));
	return ok;
}

static bool mix_dh(struct noise *n, const uint8_t private_key[NOISE_KEY_LEN],
		   const uint8_t public_key[NOISE_KEY_LEN])
{
	uint8_t shared[NOISE_KEY_LEN];
	bool ok = noise_dh(shared, private_key, public_key) &&
		  mix(n, shared, false);

	bytes_wipe(shared, sizeof(shared));
	return ok;
}

/* An ephemeral key, ours or theirs; in psk patterns it is also mixed into the
 * key (section 9.2), so that message 1 is already encrypted. */
static bool mix_ephemeral(struct noise *n, const uint8_t e[NOISE_KEY_LEN])
{
	return mix_hash(n, e, NOISE_KEY_LEN) && mix(n, e, false);
}

static void nonce_of(uint8_t nonce[AEAD_NONCE_LEN], uint64_t n)
{
	memset(nonce, 0, AEAD_NONCE_LEN);
	store_be64(nonce + AEAD_NONCE_LEN - 8, n);
}

/* EncryptAndHash: len + AEAD_TAG_LEN bytes to out. */
static bool seal_and_hash(struct noise *n, const void *text, size_t len,
			  uint8_t *out)
{
	void *library = aead_openssl.start();
	void *key = library ? aead_openssl.key_new(library, n->k) : NULL;
	uint8_t nonce[AEAD_NONCE_LEN];
	bool ok;

	nonce_of(nonce, n->n++);
	ok = key &&
	     aead_openssl.seal(library, key, nonce, n->h, sizeof(n->h), text,
			       len, out) &&
	     mix_hash(n, out, len + AEAD_TAG_LEN);
	if (key)
		aead_openssl.key_free(library, key);
	if (library)
		aead_openssl.stop(library);
	return ok;
}

/* DecryptAndHash: len bytes to out, len + AEAD_TAG_LEN being read. */
static bool open_and_hash(struct noise *n, const uint8_t *in, size_t len,
			  uint8_t *out)
{
	void *library = aead_openssl.start();
	void *key = library ? aead_openssl.key_new(library, n->k) : NULL;
	uint8_t nonce[AEAD_NONCE_LEN];
	bool ok;

	nonce_of(nonce, n->n++);
	if (len)
		memcpy(out, in, len);
	ok = key &&
	     aead_openssl.open(library, key, nonce, n->h, sizeof(n->h), out,
			       len, in + len) &&
	     mix_hash(n, in, len + AEAD_TAG_LEN);
	if (key)
		aead_openssl.key_free(library, key);
	if (library)
		aead_openssl.stop(library);
	return ok;
}

/* ---- the pattern (section 7.5, IX with psk2) ---- */

/* Where the parts of either message lie: e, sealed s, sealed payload. */
#define SEALED_S  NOISE_KEY_LEN
#define SEALED_P  (SEALED_S + NOISE_KEY_LEN + AEAD_TAG_LEN)
#define LEAST_LEN (SEALED_P + AEAD_TAG_LEN)

bool noise_init(struct noise *n, bool initiator, const void *prologue,
		size_t prologue_len, const uint8_t psk[NOISE_KEY_LEN],
		const uint8_t s_private[NOISE_KEY_LEN],
		const uint8_t s_public[NOISE_KEY_LEN])
{
	/* Exactly HASHLEN bytes: the name is h, unhashed (section 5.2). */
	static const char name[] = "Noise_IXpsk2_25519_AESGCM_SHA256";

	static_assert(sizeof(name) - 1 == NOISE_HASH_LEN, "a hash long");
	memset(n, 0, sizeof(*n));
	n->initiator = initiator;
	memcpy(n->h, name, sizeof(n->h));
	memcpy(n->ck, name, sizeof(n->ck));
	memcpy(n->psk, psk, sizeof(n->psk));
	memcpy(n->s_private, s_private, sizeof(n->s_private));
	memcpy(n->s_public, s_public, sizeof(n->s_public));
	return mix_hash(n, prologue, prologue_len);
}

static bool set_ephemeral(struct noise *n, const uint8_t e[NOISE_KEY_LEN])
{
	memcpy(n->e_private, e, sizeof(n->e_private));
	return noise_public(n->e_public, e);
}

static bool split(struct noise *n)
{
	return hkdf_sha256(n->keys[0], sizeof(n->keys), n->ck, sizeof(n->ck),
			   NULL, 0, NULL, 0);
}

/* Every message works on a copy, which replaces the state if all went well. */
static bool commit(struct noise *n, struct noise *copy, bool ok)
{
	if (ok)
		*n = *copy;
	noise_wipe(copy);
	return ok;
}

bool noise_write1(struct noise *n, const uint8_t e_private[NOISE_KEY_LEN],
		  const void *payload, size_t payload_len, uint8_t *out)
{
	struct noise c = *n;
	bool ok;

	assert(n->initiator);
	ok = set_ephemeral(&c, e_private) && mix_ephemeral(&c, c.e_public) &&
	     seal_and_hash(&c, c.s_public, NOISE_KEY_LEN, out + SEALED_S) &&
	     seal_and_hash(&c, payload, payload_len, out + SEALED_P);
	memcpy(out, c.e_public, NOISE_KEY_LEN);
	return commit(n, &c, ok);
}

bool noise_read1(struct noise *n, const uint8_t *in, size_t len,
		 uint8_t *payload)
{
	struct noise c = *n;
	bool ok;

	assert(!n->initiator);
	if (len < LEAST_LEN)
		return commit(n, &c, false);
	memcpy(c.re, in, sizeof(c.re));
	ok = mix_ephemeral(&c, c.re) &&
	     open_and_hash(&c, in + SEALED_S, NOISE_KEY_LEN, c.rs) &&
	     open_and_hash(&c, in + SEALED_P, len - LEAST_LEN, payload);
	return commit(n, &c, ok);
}

bool noise_write2(struct noise *n, const uint8_t e_private[NOISE_KEY_LEN],
		  const void *payload, size_t payload_len, uint8_t *out)
{
	struct noise c = *n;
	bool ok;

	assert(!n->initiator);
	ok = set_ephemeral(&c, e_private) && mix_ephemeral(&c, c.e_public) &&
	     mix_dh(&c, c.e_private, c.re) && mix_dh(&c, c.e_private, c.rs) &&
	     seal_and_hash(&c, c.s_public, NOISE_KEY_LEN, out + SEALED_S) &&
	     mix_dh(&c, c.s_private, c.re) && mix(&c, c.psk, true) &&
	     seal_and_hash(&c, payload, payload_len, out + SEALED_P) &&
	     split(&c);
	memcpy(out, c.e_public, NOISE_KEY_LEN);
	return commit(n, &c, ok);
}

bool noise_read2(struct noise *n, const uint8_t *in, size_t len,
		 uint8_t *payload)
{
	struct noise c = *n;
	bool ok;

	assert(n->initiator);
	if (len < LEAST_LEN)
		return commit(n, &c, false);
	memcpy(c.re, in, sizeof(c.re));
	ok = mix_ephemeral(&c, c.re) && mix_dh(&c, c.e_private, c.re) &&
	     mix_dh(&c, c.s_private, c.re) &&
	     open_and_hash(&c, in + SEALED_S, NOISE_KEY_LEN, c.rs) &&
	     mix_dh(&c, c.e_private, c.rs) && mix(&c, c.psk, true) &&
	     open_and_hash(&c, in + SEALED_P, len - LEAST_LEN, payload) &&
	     split(&c);
	return commit(n, &c, ok);
}

void noise_split(const struct noise *n, uint8_t send[NOISE_KEY_LEN],
		 uint8_t receive[NOISE_KEY_LEN])
{
	memcpy(send, n->keys[n->initiator ? 0 : 1], NOISE_KEY_LEN);
	memcpy(receive, n->keys[n->initiator ? 1 : 0], NOISE_KEY_LEN);
}

void noise_wipe(struct noise *n)
{
	bytes_wipe(n, sizeof(*n));
}
