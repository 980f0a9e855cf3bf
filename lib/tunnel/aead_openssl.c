/* AES-256-GCM by OpenSSL's EVP: everywhere, and well on arm64. */
#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "tunnel/aead_backend.h"

/*
 * The library's handle is the fetched cipher: fetching takes locks and string
 * compares, so it happens once. A key holds a context for each direction, keyed
 * once; a message sets nothing but the nonce.
 */
struct openssl_key {
	EVP_CIPHER_CTX *seal, *open;
};

static void *start(void)
{
	return EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
}

static void stop(void *library)
{
	EVP_CIPHER_free(library);
}

static void key_free(void *library, void *key)
{
	struct openssl_key *k = key;

	(void)library;
	/* These cleanse the schedules. NULL is fine. */
	EVP_CIPHER_CTX_free(k->seal);
	EVP_CIPHER_CTX_free(k->open);
	free(k);
}

static void *key_new(void *library, const uint8_t key[AEAD_KEY_LEN])
{
	struct openssl_key *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->seal = EVP_CIPHER_CTX_new();
	k->open = EVP_CIPHER_CTX_new();
	if (k->seal && k->open &&
	    EVP_EncryptInit_ex2(k->seal, library, key, NULL, NULL) == 1 &&
	    EVP_DecryptInit_ex2(k->open, library, key, NULL, NULL) == 1)
		return k;
	key_free(library, k);
	return NULL;
}

/* EVP_CipherUpdate counts in int. ad is told from text by out being NULL. */
static bool update(EVP_CIPHER_CTX *ctx, uint8_t *out, const void *in,
		   size_t len)
{
	int written;

	if (!len)
		return true;
	return len <= INT_MAX &&
	       EVP_CipherUpdate(ctx, out, &written, in, (int)len) == 1;
}

static bool seal(void *library, void *key, const uint8_t nonce[AEAD_NONCE_LEN],
		 const void *ad, size_t ad_len, const uint8_t *in, size_t len,
		 uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = ((struct openssl_key *)key)->seal;
	int written;

	(void)library;
	if (EVP_EncryptInit_ex2(ctx, NULL, NULL, nonce, NULL) != 1 ||
	    !update(ctx, NULL, ad, ad_len) || !update(ctx, out, in, len))
		return false;
	return EVP_EncryptFinal_ex(ctx, out + len, &written) == 1 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_LEN,
				   out + len) == 1;
}

static bool open_sealed(void *library, void *key,
			const uint8_t nonce[AEAD_NONCE_LEN], const void *ad,
			size_t ad_len, uint8_t *data, size_t len,
			const uint8_t tag[AEAD_TAG_LEN])
{
	EVP_CIPHER_CTX *ctx = ((struct openssl_key *)key)->open;
	/* Final writes nothing in GCM, and data may be null. */
	uint8_t expected[AEAD_TAG_LEN], none[AEAD_TAG_LEN];
	int written;

	(void)library;
	/* The ctrl takes a pointer to non-const and reads from it. */
	memcpy(expected, tag, sizeof(expected));
	if (EVP_DecryptInit_ex2(ctx, NULL, NULL, nonce, NULL) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_LEN,
				expected) == 1 &&
	    update(ctx, NULL, ad, ad_len) && update(ctx, data, data, len) &&
	    EVP_DecryptFinal_ex(ctx, none, &written) == 1)
		return true;
	if (len)
		memset(data, 0, len);
	return false;
}

const struct aead_backend aead_openssl = {
	.name = "openssl",
	.start = start,
	.stop = stop,
	.key_new = key_new,
	.key_free = key_free,
	.seal = seal,
	.open = open_sealed,
};
