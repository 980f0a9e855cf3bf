/*
 * For tests: one end of the protocol, spoken by hand. It may hold the secret and
 * still say what no node would.
 */
#ifndef TAPD_TESTS_OUTSIDER_H
#define TAPD_TESTS_OUTSIDER_H

#include "support/hosts.h"
#include "tunnel/aead.h"
#include "tunnel/cookie.h"
#include "tunnel/noise.h"
#include "tunnel/session.h"

struct outsider {
	struct addr at;
	uint8_t private_key[KEY_LEN];
	struct public_key key;
	struct secret secret;
	uint64_t epoch;
	uint8_t cookie[COOKIE_LEN];
	bool has_cookie;
	uint32_t index; /* its own, in the handshake under way */
	struct noise noise;
	struct aead *aead;
	struct session session;
	struct rng rng;
};

/* With the secret of hosts_init, at 10.9.1.seed, its key made from seed. */
void outsider_init(struct outsider *o, uint8_t seed);
void outsider_free(struct outsider *o);

/* Message 1, with the cookie if there is one. */
void outsider_initiate(struct outsider *o, uint64_t timestamp_us,
		       uint8_t out[WIRE_INITIATION_LEN]);
/* Keeps the cookie that answered message 1, and gives that its mac2. False if it
 * is none. */
bool outsider_take_cookie(struct outsider *o, const uint8_t *cookie,
			  uint8_t initiation[WIRE_INITIATION_LEN]);
/* Message 2 came: there is a session. False if it does not decrypt. */
bool outsider_complete(struct outsider *o, const uint8_t *response,
		       uint64_t now_us);
/* Message 2, to a message 1 that came: there is a session. */
void outsider_respond(struct outsider *o, const uint8_t *initiation,
		      uint8_t out[WIRE_RESPONSE_LEN], uint64_t now_us);

/* Message 1 of a rekey within the session, and its record; its key may be set to
 * another's before. The noise state is left in o->noise, the index in o->index. */
void outsider_rekey(struct outsider *o, uint8_t record[WIRE_REKEY_1_LEN]);
/* Message 2 of it came: there is a session in place of the one before. False if it
 * does not decrypt. */
bool outsider_rekeyed(struct outsider *o, const struct wire_rekey_2 *m,
		      uint64_t now_us);

/* Seals records on the session and hands them to the host. */
void outsider_send(struct outsider *o, struct host *host,
		   const uint8_t *records, size_t len);
void outsider_hello(struct outsider *o, struct host *host, bool ack, bool want);

/* Handshakes with the host, at once; then there is a session. False if the host
 * did not answer with message 2. */
bool outsider_shake_hands(struct outsider *o, struct host *host);
/* Says hello, too: the host has it up. */
void outsider_join(struct outsider *o, struct host *host);

#endif
