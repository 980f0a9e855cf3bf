/* For tests: the two ends of a session, without the handshake before it. */
#ifndef TAPD_TESTS_SESSIONS_H
#define TAPD_TESTS_SESSIONS_H

#include <stddef.h>
#include <stdint.h>

#include "tunnel/session.h"

#define SESSIONS_A_INDEX UINT32_C(0xa0a0a000)
#define SESSIONS_B_INDEX UINT32_C(0xb0b0b0b0)

struct sessions {
	struct aead *aead;
	struct session a; /* initiated */
	struct session b; /* responded */
};

/* backend: aead_new's; NULL for the fastest. */
void sessions_init(struct sessions *s, const char *backend, uint64_t now_us);
void sessions_free(struct sessions *s);

/* What a handshake between the two leaves, for session_init. */
struct noise sessions_noise(bool initiator);

/* The salt that everything here is sealed under. */
extern const uint8_t sessions_salt[WIRE_SALT_LEN];

/* Seals len bytes to out; the datagram's length, 0 if it was refused. */
size_t sessions_seal(struct session *s, const void *bytes, size_t len,
		     uint8_t *out, uint64_t now_us);
/* Opens a copy of a datagram, without regard for what it says. */
enum drop_reason sessions_unseal(struct session *s, const uint8_t *datagram,
				 size_t len, uint64_t now_us);

#endif
