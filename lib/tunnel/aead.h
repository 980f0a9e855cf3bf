/* AES-256-GCM over pieces, by the fastest library present. NIST SP 800-38D. */
#ifndef TAPD_TUNNEL_AEAD_H
#define TAPD_TUNNEL_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define AEAD_KEY_LEN   32
#define AEAD_TAG_LEN   16
#define AEAD_NONCE_LEN 12

/* A backend at work: its library's manager, its fetched cipher. */
struct aead;
/* One key's expanded schedule. */
struct aead_key;

/*
 * "ipsec-mb" (x86-64, where it was found at build and runs here), "openssl",
 * or NULL for the fastest that works. NULL if the one named is not there.
 */
struct aead *aead_new(const char *backend);
void aead_free(struct aead *a);
const char *aead_name(const struct aead *a);

/* NULL if memory is short. The key bytes may be wiped afterwards. */
struct aead_key *aead_key_new(struct aead *a, const uint8_t key[AEAD_KEY_LEN]);
/* Wipes the schedule. NULL is fine. */
void aead_key_free(struct aead_key *k);

/*
 * Seals the pieces of in, one after the other, to out: the ciphertext, then the
 * tag. The caller never uses a nonce twice with one key. out does not overlap the
 * pieces, but a single piece may be out itself (in place). False only if the
 * library fails; out then holds no text.
 */
bool aead_seal(struct aead_key *k, const uint8_t nonce[AEAD_NONCE_LEN],
	       const void *ad, size_t ad_len, const struct iovec *in,
	       size_t incnt, uint8_t *out);

/*
 * Opens len bytes (ciphertext, then tag) in place. False if the tag is wrong
 * or len < AEAD_TAG_LEN; the bytes are then zeroed or garbage, never to be used.
 */
bool aead_open(struct aead_key *k, const uint8_t nonce[AEAD_NONCE_LEN],
	       const void *ad, size_t ad_len, uint8_t *data, size_t len);

#endif
