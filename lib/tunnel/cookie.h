/* mac1 and mac2: the handshake's protection against denial of service. */
#ifndef TAPD_TUNNEL_COOKIE_H
#define TAPD_TUNNEL_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "tunnel/aead.h"
#include "tunnel/wire.h"

/*
 * mac1 = HMAC-SHA-256/128 under HKDF(secret, info "tapd mac1") over the message
 * up to mac1: who lacks the secret costs one hash and gets no answer.
 *
 * mac2 = HMAC-SHA-256/128 under a cookie over the message up to mac2, or zeros.
 * A cookie is HMAC-SHA-256/128 under a random key, changed every two minutes,
 * over the asker's address and port: it proves that he receives there. It
 * travels sealed under HKDF(secret, info "tapd cookie" ‖ nonce ‖ mac1) with GCM
 * nonce 0 and no associated data, mac1 being that of the message it answers.
 * (The scheme is WireGuard's, NDSS 2017, section 5.4.7, with AES-GCM.)
 */

#define COOKIE_LEN     16
#define COOKIE_LIFE_US (120 * CLOCK_S)
/* An asker stops using a cookie a little before the answerer may refuse it. */
#define COOKIE_USE_US (115 * CLOCK_S)

/* A network secret with what is derived from it once. */
struct secret {
	uint8_t psk[32];
	uint8_t mac1_key[32];
};

void secret_init(struct secret *s, const uint8_t psk[32]);
void secret_wipe(struct secret *s);

/* mac1 over len bytes. False, and mac zeroed, only if the library fails. */
bool cookie_mac1(const struct secret *s, const uint8_t *bytes, size_t len,
		 uint8_t mac1[WIRE_MAC_LEN]);
/* Over a packed initiation or response of len bytes. */
void cookie_set_mac1(const struct secret *s, uint8_t *message, size_t len);
bool cookie_check_mac1(const struct secret *s, const uint8_t *message,
		       size_t len);

/* The answerer: two random keys, the current and the one before. */
struct cookie_jar {
	uint8_t key[2][32];
	uint64_t made_us; /* of key[0]; 0: none yet */
};

/* Moves to a fresh key if the current one is older than COOKIE_LIFE_US; to be
 * called before the two below, which know no time. random: 32 bytes, used only
 * then. True if they were used. */
bool cookie_jar_turn(struct cookie_jar *j, uint64_t now_us,
		     const uint8_t random[32]);
/* True if the message's mac2 was made with a cookie of ours for this address
 * under the current key or the one before. mac2 of zeros is false. */
bool cookie_check_mac2(const struct cookie_jar *j, const struct addr *from,
		       const uint8_t *message, size_t len);
/* The answer to a message (its mac1 at WIRE_MAC1_FROM_END): a packed cookie
 * message. nonce is random. False if a library fails, or the jar is empty. */
bool cookie_answer(const struct cookie_jar *j, struct aead *aead,
		   const struct secret *s, const struct addr *to,
		   uint32_t receiver, const uint8_t mac1[WIRE_MAC_LEN],
		   const uint8_t nonce[WIRE_COOKIE_NONCE_LEN],
		   uint8_t out[WIRE_COOKIE_LEN]);

/* The asker: opens the cookie that answers the message whose mac1 is given.
 * False, and cookie zeroed, if it was not sealed for that message. */
bool cookie_open(struct aead *aead, const struct secret *s,
		 const struct wire_cookie *m, const uint8_t mac1[WIRE_MAC_LEN],
		 uint8_t cookie[COOKIE_LEN]);
void cookie_set_mac2(const uint8_t cookie[COOKIE_LEN], uint8_t *message,
		     size_t len);

#endif
