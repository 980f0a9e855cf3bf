/* 32-byte keys as users see them: 44 characters of base64, as wg(8) prints. */
#ifndef TAPD_BASE_KEY_H
#define TAPD_BASE_KEY_H

#include <stdbool.h>
#include <stdint.h>

#define KEY_LEN	   32
#define KEY_STRLEN 45 /* base64 (RFC 4648, section 4) and its NUL */

/* A node's X25519 public key: its identity. */
struct public_key {
	uint8_t bytes[KEY_LEN];
};

bool public_key_equal(const struct public_key *a, const struct public_key *b);
/* Bytewise order, most significant first: <0, 0, >0. */
int public_key_compare(const struct public_key *a, const struct public_key *b);

/* Base64 of 32 bytes, padded. Returns buf. */
const char *key_print(const uint8_t key[KEY_LEN], char buf[KEY_STRLEN]);
/* Exactly 44 characters that decode to 32 bytes, canonically (no stray bits);
 * otherwise false and key zeroed. Not constant time. */
bool key_parse(uint8_t key[KEY_LEN], const char *text);

#endif
