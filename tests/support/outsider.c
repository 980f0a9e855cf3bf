/* For tests: one end of the protocol, spoken by hand. */
#include "support/outsider.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/alloc.h"

void outsider_init(struct outsider *o, uint8_t seed)
{
	uint8_t psk[KEY_LEN];

	*o = (struct outsider){ .at = addr_v4(0x0a090100u + seed, WIRE_PORT),
				.epoch = 77,
				.rng = rng_init(5000u + seed) };
	memset(psk, 0x5e, sizeof(psk));
	secret_init(&o->secret, psk);
	rng_bytes(&o->rng, o->private_key, KEY_LEN);
	ck_assert(noise_public(o->key.bytes, o->private_key));
	o->aead = aead_new(NULL);
	ck_assert_ptr_nonnull(o->aead);
}

void outsider_free(struct outsider *o)
{
	session_wipe(&o->session);
	aead_free(o->aead);
}

static void begin(struct outsider *o, bool initiator)
{
	ck_assert(noise_init(&o->noise, initiator, WIRE_PROLOGUE,
			     strlen(WIRE_PROLOGUE), o->secret.psk,
			     o->private_key, o->key.bytes));
	o->index = (uint32_t)rng_u64(&o->rng);
}

void outsider_initiate(struct outsider *o, uint64_t timestamp_us,
		       uint8_t out[WIRE_INITIATION_LEN])
{
	uint8_t ephemeral[KEY_LEN], timestamp[WIRE_TIMESTAMP_LEN];
	struct wire_initiation m = { 0 };

	begin(o, true);
	rng_bytes(&o->rng, ephemeral, sizeof(ephemeral));
	store_be64(timestamp, timestamp_us);
	ck_assert(noise_write1(&o->noise, ephemeral, timestamp,
			       sizeof(timestamp), m.noise));
	m.sender = o->index;
	wire_pack_initiation(&m, out);
	cookie_set_mac1(&o->secret, out, WIRE_INITIATION_LEN);
	if (o->has_cookie)
		cookie_set_mac2(o->cookie, out, WIRE_INITIATION_LEN);
}

bool outsider_take_cookie(struct outsider *o, const uint8_t *cookie,
			  uint8_t initiation[WIRE_INITIATION_LEN])
{
	const uint8_t *mac1 =
		initiation + WIRE_INITIATION_LEN - WIRE_MAC1_FROM_END;
	struct wire_cookie m;

	wire_unpack_cookie(&m, cookie);
	if (m.receiver != o->index ||
	    !cookie_open(o->aead, &o->secret, &m, mac1, o->cookie))
		return false;
	o->has_cookie = true;
	cookie_set_mac2(o->cookie, initiation, WIRE_INITIATION_LEN);
	return true;
}

static void keep_session(struct outsider *o, bool initiator, uint32_t remote,
			 uint64_t now_us)
{
	session_wipe(&o->session);
	ck_assert(session_init(&o->session, o->aead, &o->noise, initiator,
			       o->index, remote, now_us));
}

bool outsider_complete(struct outsider *o, const uint8_t *response,
		       uint64_t now_us)
{
	struct wire_response m;

	wire_unpack_response(&m, response);
	if (m.receiver != o->index ||
	    !noise_read2(&o->noise, m.noise, sizeof(m.noise), NULL))
		return false;
	keep_session(o, true, m.sender, now_us);
	return true;
}

void outsider_respond(struct outsider *o, const uint8_t *initiation,
		      uint8_t out[WIRE_RESPONSE_LEN], uint64_t now_us)
{
	uint8_t ephemeral[KEY_LEN], timestamp[WIRE_TIMESTAMP_LEN];
	struct wire_initiation m1;
	struct wire_response m2 = { 0 };

	wire_unpack_initiation(&m1, initiation);
	begin(o, false);
	ck_assert(
		noise_read1(&o->noise, m1.noise, sizeof(m1.noise), timestamp));
	rng_bytes(&o->rng, ephemeral, sizeof(ephemeral));
	ck_assert(noise_write2(&o->noise, ephemeral, NULL, 0, m2.noise));
	m2.sender = o->index;
	m2.receiver = m1.sender;
	wire_pack_response(&m2, out);
	cookie_set_mac1(&o->secret, out, WIRE_RESPONSE_LEN);
	keep_session(o, false, m1.sender, now_us);
}

void outsider_rekey(struct outsider *o, uint8_t record[WIRE_REKEY_1_LEN])
{
	uint8_t prologue[10 + NOISE_HASH_LEN], ephemeral[KEY_LEN];
	struct wire_rekey_1 m = { 0 };

	memcpy(prologue, WIRE_REKEY_PROLOGUE, 10);
	memcpy(prologue + 10, o->session.hash, NOISE_HASH_LEN);
	ck_assert(noise_init(&o->noise, true, prologue, sizeof(prologue),
			     o->secret.psk, o->private_key, o->key.bytes));
	rng_bytes(&o->rng, ephemeral, sizeof(ephemeral));
	ck_assert(noise_write1(&o->noise, ephemeral, NULL, 0, m.noise));
	o->index = m.sender = (uint32_t)rng_u64(&o->rng);
	wire_pack_rekey_1(&m, record);
	ck_assert(cookie_mac1(&o->secret, record + WIRE_RECORD_LEN,
			      WIRE_REKEY_MAC1_COVERS,
			      record + WIRE_REKEY_1_LEN - WIRE_MAC_LEN));
}

bool outsider_rekeyed(struct outsider *o, const struct wire_rekey_2 *m,
		      uint64_t now_us)
{
	if (m->receiver != o->index ||
	    !noise_read2(&o->noise, m->noise, sizeof(m->noise), NULL))
		return false;
	keep_session(o, true, m->sender, now_us);
	return true;
}

void outsider_send(struct outsider *o, struct host *host,
		   const uint8_t *records, size_t len)
{
	struct iovec piece = { (void *)(uintptr_t)records, len };
	uint8_t *datagram = test_alloc(len + WIRE_DATA_OVERHEAD);
	uint8_t salt[WIRE_SALT_LEN];

	rng_bytes(&o->rng, salt, sizeof(salt));
	ck_assert_uint_eq(session_seal(&o->session, salt, &piece, 1, datagram,
				       host->hosts->net.now_us),
			  len + WIRE_DATA_OVERHEAD);
	host_receive(host, &o->at, datagram, len + WIRE_DATA_OVERHEAD);
	free(datagram);
}

void outsider_hello(struct outsider *o, struct host *host, bool ack, bool want)
{
	struct wire_hello hello = { .ack = ack,
				    .want = want,
				    .version = WIRE_VERSION,
				    .tap_mtu = 1500,
				    .epoch = o->epoch,
				    .name = "outsider" };
	uint8_t record[WIRE_HELLO_MAX];

	outsider_send(o, host, record, wire_pack_hello(&hello, record));
}

bool outsider_shake_hands(struct outsider *o, struct host *host)
{
	struct hosts *h = host->hosts;
	uint8_t initiation[WIRE_INITIATION_LEN];
	size_t since = h->log_count;
	const struct flight *answer;

	outsider_initiate(o, hosts_clock(host).wall_us, initiation);
	host_receive(host, &o->at, initiation, sizeof(initiation));
	answer = hosts_sent(h, WIRE_RESPONSE, host, NULL, since, 0);
	return answer && outsider_complete(o, answer->bytes, h->net.now_us);
}

void outsider_join(struct outsider *o, struct host *host)
{
	ck_assert(outsider_shake_hands(o, host));
	outsider_hello(o, host, false, true);
	outsider_hello(o, host, true, false);
}
