/*
 * Handshake messages as a stranger sends them, and as an insider does. A fuzzer
 * cannot guess an AEAD tag, so most of what it could reach lies behind tags it
 * is given: the first byte chooses which.
 */
#include <string.h>

#include "base/bytes.h"
#include "fuzz.h"
#include "tunnel/cookie.h"
#include "tunnel/noise.h"

#define LEN1 WIRE_NOISE1_LEN
#define LEN2 WIRE_NOISE2_LEN

static struct {
	struct secret secret;
	struct aead *aead;
	struct noise initiator, responder; /* as noise_init leaves them */
	struct noise pending;		   /* message 1 is written */
	uint8_t message1[LEN1];
} world;

static void side_init(struct noise *n, bool initiator, uint8_t fill)
{
	uint8_t s_private[NOISE_KEY_LEN], s_public[NOISE_KEY_LEN];

	memset(s_private, fill, sizeof(s_private));
	HOLDS(noise_public(s_public, s_private));
	HOLDS(noise_init(n, initiator, WIRE_PROLOGUE, strlen(WIRE_PROLOGUE),
			 world.secret.psk, s_private, s_public));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	uint8_t psk[32], e[NOISE_KEY_LEN],
		timestamp[WIRE_TIMESTAMP_LEN] = { 1 };

	(void)argc;
	(void)argv;
	memset(psk, 7, sizeof(psk));
	memset(e, 8, sizeof(e));
	secret_init(&world.secret, psk);
	world.aead = aead_new("openssl");
	HOLDS(world.aead);
	side_init(&world.initiator, true, 1);
	side_init(&world.responder, false, 2);
	world.pending = world.initiator;
	HOLDS(noise_write1(&world.pending, e, timestamp, sizeof(timestamp),
			   world.message1));
	return 0;
}

/* A datagram of a stranger, whom mac1 is no hindrance. */
static void stranger(const uint8_t *data, size_t size)
{
	uint8_t payload[WIRE_TIMESTAMP_LEN], out[LEN2], cookie[COOKIE_LEN];
	struct noise n;
	union {
		struct wire_initiation initiation;
		struct wire_response response;
		struct wire_cookie cookie;
	} m;
	enum wire_type type;

	if (wire_classify(data, size, &type) != DROP_NONE)
		return;
	switch (type) {
	case WIRE_INITIATION:
		wire_unpack_initiation(&m.initiation, data);
		cookie_check_mac1(&world.secret, data, size);
		n = world.responder;
		if (noise_read1(&n, m.initiation.noise, LEN1, payload))
			noise_write2(&n, n.h, NULL, 0, out);
		else
			HOLDS(!memcmp(&n, &world.responder, sizeof(n)));
		break;
	case WIRE_RESPONSE:
		wire_unpack_response(&m.response, data);
		cookie_check_mac1(&world.secret, data, size);
		n = world.pending;
		if (!noise_read2(&n, m.response.noise, LEN2, NULL))
			HOLDS(!memcmp(&n, &world.pending, sizeof(n)));
		break;
	case WIRE_COOKIE:
		wire_unpack_cookie(&m.cookie, data);
		cookie_open(world.aead, &world.secret, &m.cookie, data, cookie);
		break;
	case WIRE_DATA:
	case WIRE_RELAYED:
		break;
	}
}

/* Any static key, any ephemeral one, any timestamp. */
static void insider_message1(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_init(data, size);
	uint8_t e[NOISE_KEY_LEN], re[NOISE_KEY_LEN];
	uint8_t timestamp[WIRE_TIMESTAMP_LEN], payload[WIRE_TIMESTAMP_LEN];
	uint8_t message1[LEN1], message2[LEN2];
	struct noise i = world.initiator, r = world.responder;

	cursor_copy(&c, i.s_public, sizeof(i.s_public));
	cursor_copy(&c, e, sizeof(e));
	cursor_copy(&c, timestamp, sizeof(timestamp));
	cursor_copy(&c, re, sizeof(re));
	HOLDS(noise_write1(&i, e, timestamp, sizeof(timestamp), message1));
	HOLDS(noise_read1(&r, message1, LEN1, payload));
	HOLDS(!memcmp(r.rs, i.s_public, NOISE_KEY_LEN));
	HOLDS(!memcmp(payload, timestamp, sizeof(timestamp)));
	/* An ephemeral key that no private one belongs to, low-order too. */
	if (cursor_ok(&c))
		memcpy(r.re, re, sizeof(re));
	noise_write2(&r, e, NULL, 0, message2);
}

/* An answer under any static key, its own or not, to any ephemeral one. */
static void insider_message2(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_init(data, size);
	uint8_t e[NOISE_KEY_LEN], payload[WIRE_TIMESTAMP_LEN];
	uint8_t message2[LEN2], keys[4][NOISE_KEY_LEN];
	struct noise i = world.pending, r = world.responder;
	bool own;

	cursor_copy(&c, e, sizeof(e));
	cursor_copy(&c, r.s_private, sizeof(r.s_private));
	HOLDS(noise_public(r.s_public, r.s_private));
	own = c.left < NOISE_KEY_LEN;
	if (!own)
		cursor_copy(&c, r.s_public, sizeof(r.s_public));
	HOLDS(noise_read1(&r, world.message1, LEN1, payload));
	if (!noise_write2(&r, e, NULL, 0, message2))
		return;
	if (!noise_read2(&i, message2, LEN2, NULL)) {
		HOLDS(!own);
		HOLDS(!memcmp(&i, &world.pending, sizeof(i)));
		return;
	}
	HOLDS(!memcmp(i.rs, r.s_public, NOISE_KEY_LEN));
	noise_split(&i, keys[0], keys[1]);
	noise_split(&r, keys[3], keys[2]);
	HOLDS(!memcmp(keys[0], keys[2], NOISE_KEY_LEN));
	HOLDS(!memcmp(keys[1], keys[3], NOISE_KEY_LEN));
}

/* Macs and a cookie for any message from anywhere; one flipped bit voids them. */
static void macs(const uint8_t *data, size_t size)
{
	uint8_t message[WIRE_INITIATION_LEN], bytes[WIRE_COOKIE_LEN];
	uint8_t random[32], cookie[COOKIE_LEN], mac1[WIRE_MAC_LEN];
	struct cursor c = cursor_init(data, size);
	struct cookie_jar jar = { .made_us = 0 };
	struct addr from = { .port = cursor_u16(&c) };
	uint16_t bit = cursor_u16(&c) % (WIRE_INITIATION_LEN * 8);
	struct wire_cookie m;

	cursor_copy(&c, from.ip, sizeof(from.ip));
	cursor_copy(&c, random, sizeof(random));
	cursor_copy(&c, message, sizeof(message));
	HOLDS(cookie_jar_turn(&jar, 1, random));
	cookie_set_mac1(&world.secret, message, sizeof(message));
	memcpy(mac1, message + sizeof(message) - WIRE_MAC1_FROM_END,
	       sizeof(mac1));
	HOLDS(cookie_answer(&jar, world.aead, &world.secret, &from, 1, mac1,
			    random, bytes));
	wire_unpack_cookie(&m, bytes);
	HOLDS(cookie_open(world.aead, &world.secret, &m, mac1, cookie));
	cookie_set_mac2(cookie, message, sizeof(message));
	HOLDS(cookie_check_mac1(&world.secret, message, sizeof(message)));
	HOLDS(cookie_check_mac2(&jar, &from, message, sizeof(message)));
	message[bit / 8] ^= (uint8_t)(1 << bit % 8);
	HOLDS(!cookie_check_mac2(&jar, &from, message, sizeof(message)));
	HOLDS(cookie_check_mac1(&world.secret, message, sizeof(message)) ==
	      (bit / 8 >= WIRE_INITIATION_LEN - WIRE_MAC2_FROM_END));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	switch (data[0] % 4) {
	case 0:
		stranger(data + 1, size - 1);
		break;
	case 1:
		insider_message1(data + 1, size - 1);
		break;
	case 2:
		insider_message2(data + 1, size - 1);
		break;
	case 3:
		macs(data + 1, size - 1);
		break;
	}
	return 0;
}
