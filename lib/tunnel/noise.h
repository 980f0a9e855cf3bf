/* Noise_IXpsk2_25519_AESGCM_SHA256, and the hashes around it. Noise rev 34. */
#ifndef TAPD_TUNNEL_NOISE_H
#define TAPD_TUNNEL_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOISE_KEY_LEN  32
#define NOISE_HASH_LEN 32

/*
 *	-> e, s
 *	<- e, ee, se, s, es, psk
 *
 * State machine: NOISE_START → initiator writes or responder reads message 1 →
 * responder writes or initiator reads message 2 → noise_split. Ephemeral keys
 * are arguments (the library has no randomness of its own). A failed read
 * leaves the state as it was, so a forged answer does not spoil a pending
 * handshake. All of it is wiped by noise_wipe.
 */
struct noise {
	uint8_t h[NOISE_HASH_LEN];
	uint8_t ck[NOISE_HASH_LEN];
	uint8_t k[NOISE_KEY_LEN];
	uint64_t n;
	bool initiator;
	uint8_t psk[NOISE_KEY_LEN];
	uint8_t s_private[NOISE_KEY_LEN], s_public[NOISE_KEY_LEN];
	uint8_t e_private[NOISE_KEY_LEN], e_public[NOISE_KEY_LEN];
	uint8_t rs[NOISE_KEY_LEN]; /* the other's static, once read */
	uint8_t re[NOISE_KEY_LEN]; /* the other's ephemeral, once read */
	/* After message 2: what the initiator and the responder send with. */
	uint8_t keys[2][NOISE_KEY_LEN];
};

/* X25519 (RFC 7748). The product; false if it is all zero (low-order point) or
 * the library fails. */
bool noise_dh(uint8_t out[NOISE_KEY_LEN],
	      const uint8_t private_key[NOISE_KEY_LEN],
	      const uint8_t public_key[NOISE_KEY_LEN]);
/* The public key of a private key; false if the library fails. */
bool noise_public(uint8_t public_key[NOISE_KEY_LEN],
		  const uint8_t private_key[NOISE_KEY_LEN]);

/* False only if the library fails. s_public must belong to s_private. */
bool noise_init(struct noise *n, bool initiator, const void *prologue,
		size_t prologue_len, const uint8_t psk[NOISE_KEY_LEN],
		const uint8_t s_private[NOISE_KEY_LEN],
		const uint8_t s_public[NOISE_KEY_LEN]);

/* Message 1: 32 + 48 + payload_len + 16 bytes to out. */
bool noise_write1(struct noise *n, const uint8_t e_private[NOISE_KEY_LEN],
		  const void *payload, size_t payload_len, uint8_t *out);
/* False if it does not decrypt; payload gets len - 96 bytes. */
bool noise_read1(struct noise *n, const uint8_t *in, size_t len,
		 uint8_t *payload);
/* Message 2: 32 + 48 + payload_len + 16 bytes. */
bool noise_write2(struct noise *n, const uint8_t e_private[NOISE_KEY_LEN],
		  const void *payload, size_t payload_len, uint8_t *out);
bool noise_read2(struct noise *n, const uint8_t *in, size_t len,
		 uint8_t *payload);

/* After message 2: this side's sending and receiving keys (either role). */
void noise_split(const struct noise *n, uint8_t send[NOISE_KEY_LEN],
		 uint8_t receive[NOISE_KEY_LEN]);
void noise_wipe(struct noise *n);

/* HMAC-SHA-256 (RFC 2104) of two pieces; either may be empty. False, and out
 * zeroed, only if the library fails. */
bool hmac_sha256(uint8_t out[32], const void *key, size_t key_len,
		 const void *a, size_t a_len, const void *b, size_t b_len);
/* HKDF-SHA-256 (RFC 5869), extract (salt may be empty) and expand. False if
 * out_len > 255 * 32, or, with out zeroed, if the library fails. */
bool hkdf_sha256(uint8_t *out, size_t out_len, const void *salt,
		 size_t salt_len, const void *ikm, size_t ikm_len,
		 const void *info, size_t info_len);

#endif
