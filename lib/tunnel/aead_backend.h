/* What an AES-256-GCM library must do for aead.c. */
#ifndef TAPD_TUNNEL_AEAD_BACKEND_H
#define TAPD_TUNNEL_AEAD_BACKEND_H

#include "tunnel/aead.h"

/*
 * library is what start returned; key what key_new returned. Lengths may be 0,
 * pointers to nothing may be NULL. The contracts of seal and open are those of
 * aead_seal and aead_open, but for the text to seal, which is one piece and may be
 * out itself, and for open's len, which counts the ciphertext without its tag.
 */
struct aead_backend {
	const char *name;
	/* NULL if the library does not work on this machine. */
	void *(*start)(void);
	void (*stop)(void *library);
	void *(*key_new)(void *library, const uint8_t key[AEAD_KEY_LEN]);
	/* Wipes the schedule. */
	void (*key_free)(void *library, void *key);
	bool (*seal)(void *library, void *key,
		     const uint8_t nonce[AEAD_NONCE_LEN], const void *ad,
		     size_t ad_len, const uint8_t *in, size_t len,
		     uint8_t *out);
	bool (*open)(void *library, void *key,
		     const uint8_t nonce[AEAD_NONCE_LEN], const void *ad,
		     size_t ad_len, uint8_t *data, size_t len,
		     const uint8_t tag[AEAD_TAG_LEN]);
};

extern const struct aead_backend aead_openssl;
#ifdef TAPD_HAVE_IPSEC_MB
extern const struct aead_backend aead_ipsec_mb;
#endif

#endif
