#include "support/member.h"

#include <string.h>

#include "support/holds.h"

#define HELLO_SIZE 128 /* of the datagram */

/* ---- its life ---- */

void member_init(struct member *m)
{
	uint8_t psk[KEY_LEN];

	memset(m, 0, sizeof(*m));
	m->aead = aead_new("openssl");
	HOLDS(m->aead);
	for (unsigned i = 0; i < MEMBER_SECRETS; i++) {
		memset(psk, 9 + (int)i, sizeof(psk));
		secret_init(&m->secrets[i], psk);
	}
	/* A fuzzed node's and its peer's are 1 and 2. */
	for (unsigned i = 0; i < MEMBER_KEYS; i++) {
		uint8_t key[KEY_LEN];

		memset(key, 1 + (int)i, sizeof(key));
		member_set_key(m, i, key);
	}
}

void member_set_key(struct member *m, unsigned key,
		    const uint8_t private_key[KEY_LEN])
{
	memcpy(m->private_keys[key], private_key, KEY_LEN);
	HOLDS(noise_public(m->keys[key].bytes, private_key));
}

void member_set_secret(struct member *m, unsigned secret,
		       const uint8_t psk[KEY_LEN])
{
	secret_init(&m->secrets[secret], psk);
}

void member_start(struct member *m, const struct member_world *world)
{
	static const struct addr v6 = { .ip = { 0xfd, [15] = 3 },
					.port = WIRE_PORT },
				 other_v6 = { .ip = { 0xfd, [15] = 4 },
					      .port = 1024 };
	struct addr *a = m->addrs;

	m->world = *world;
	m->world.blind |= 1U << MEMBER_AT_HONEST;
	m->rng = rng_init(3);
	m->index = 1000;
	a[MEMBER_AT_V4] = addr_v4(0x0a090003, WIRE_PORT);
	a[MEMBER_AT_V6] = v6;
	a[MEMBER_AT_OTHER] = addr_v4(0x0a090004, 4242);
	a[MEMBER_AT_OTHER_V6] = other_v6;
	a[MEMBER_AT_LEG] = a[MEMBER_AT_V4];
	a[MEMBER_AT_LEG].leg = 7;
	a[MEMBER_AT_PORT] = addr_v4(0x0a090003, 4243);
	a[MEMBER_AT_HONEST_LEG] = a[MEMBER_AT_HONEST] = world->honest;
	a[MEMBER_AT_HONEST_LEG].leg = 7;
	for (unsigned i = 0; i < MEMBER_KEYS; i++)
		m->epochs[i] = 70 + i;
}

static void forget_mail(struct member_mail *mail)
{
	free(mail->bytes);
	*mail = (struct member_mail){ .bytes = NULL };
}

void member_stop(struct member *m)
{
	for (unsigned i = 0; i < MEMBER_SESSIONS; i++)
		session_wipe(&m->sessions[i].session);
	for (size_t i = 0; i < m->inbox_count; i++)
		forget_mail(&m->inbox[i]);
	for (unsigned i = 0; i < MEMBER_POOL; i++)
		forget_mail(&m->pool[i]);
	memset(m->sessions, 0, sizeof(m->sessions));
	memset(m->pending, 0, sizeof(m->pending));
	memset(m->to, 0, sizeof(m->to));
	memset(m->from, 0, sizeof(m->from));
	memset(m->has_cookie, 0, sizeof(m->has_cookie));
	m->inbox_count = m->next_pool = m->next_pending = m->next_session = 0;
	m->does = m->answer_key = m->elsewhere = 0;
	m->is_honest = false;
}

/* ---- what it sees ---- */

static struct member_mail mail_of(const uint8_t *bytes, size_t len, unsigned at)
{
	struct member_mail mail = { .bytes = malloc(len ? len : 1),
				    .len = len,
				    .at = at };

	HOLDS(mail.bytes);
	memcpy(mail.bytes, bytes, len);
	return mail;
}

void member_overhears(struct member *m, const uint8_t *bytes, size_t len)
{
	struct member_mail *place = &m->pool[m->next_pool++ % MEMBER_POOL];

	forget_mail(place);
	*place = mail_of(bytes, len, 0);
}

static void put(struct member *m, const struct member_mail *mail)
{
	if (m->inbox_count < MEMBER_INBOX)
		m->inbox[m->inbox_count++] = *mail;
	else
		free(mail->bytes);
}

void member_passes_on(struct member *m, unsigned at, const uint8_t *bytes,
		      size_t len)
{
	struct member_mail mail = mail_of(bytes, len, at);

	mail.passed_on = true;
	put(m, &mail);
}

void member_sees(struct member *m, const struct addr *to, const uint8_t *bytes,
		 size_t len)
{
	for (unsigned i = 0; i < MEMBER_ADDRS; i++) {
		struct member_mail mail;

		if (!addr_equal(to, &m->addrs[i]))
			continue;
		m->to[i] += len;
		if (m->world.blind & 1U << i)
			return;
		mail = mail_of(bytes, len, i);
		put(m, &mail);
		member_overhears(m, bytes, len);
		return;
	}
}

/* ---- what it sends ---- */

void member_send(struct member *m, unsigned at, const uint8_t *bytes,
		 size_t len)
{
	m->from[at] += len;
	member_overhears(m, bytes, len);
	m->world.deliver(m->world.user, &m->addrs[at], bytes, len);
}

struct member_session *member_session(struct member *m, unsigned which)
{
	struct member_session *s = &m->sessions[which % MEMBER_SESSIONS];

	return s->session.send_key ? s : NULL;
}

/* Whoever has a node's key, and knows its epoch, is that node. */
static void note_epochs(struct member *m, const struct member_session *s,
			const uint8_t *records, size_t len)
{
	struct cursor c = cursor_init(records, len);
	struct wire_record r;
	struct wire_hello h;

	if (s->key != MEMBER_KEY_HONEST)
		return;
	while (wire_next_record(&c, &r))
		if (r.kind == WIRE_HELLO &&
		    wire_unpack_hello(&h, &r) == DROP_NONE &&
		    h.epoch == m->honest_epoch)
			m->is_honest = true;
}

void member_say(struct member *m, struct member_session *s, unsigned at,
		const uint8_t *records, size_t len)
{
	struct iovec piece = { (void *)(uintptr_t)records, len };
	uint8_t *out = malloc(len + WIRE_DATA_OVERHEAD);
	uint8_t salt[WIRE_SALT_LEN];
	size_t sealed;

	HOLDS(out);
	note_epochs(m, s, records, len);
	rng_bytes(&m->rng, salt, sizeof(salt));
	sealed = session_seal(&s->session, salt, &piece, 1, out,
			      m->world.now->mono_us);
	if (sealed)
		member_send(m, at, out, sealed);
	free(out);
}

void member_hello(struct member *m, struct member_session *s, unsigned at,
		  bool ack, bool want, uint64_t epoch)
{
	struct wire_hello hello = { .ack = ack,
				    .want = want,
				    .version = WIRE_VERSION,
				    .tap_mtu = MEMBER_TAP_MTU,
				    .capabilities = m->capabilities,
				    .epoch = epoch,
				    .name = "member" };
	uint8_t records[HELLO_SIZE - WIRE_DATA_OVERHEAD] = { 0 };
	size_t len = wire_pack_hello(&hello, records);
	const size_t rest = sizeof(records) - len;

	wire_pack_record(records + len, WIRE_PAD, 0,
			 (uint16_t)(rest - WIRE_RECORD_LEN));
	member_say(m, s, at, records, sizeof(records));
}

static struct member_pending *pending_new(struct member *m, unsigned key,
					  unsigned at, unsigned secret)
{
	struct member_pending *p =
		&m->pending[m->next_pending++ % MEMBER_PENDING];

	*p = (struct member_pending){
		.index = ++m->index, .key = key, .at = at, .secret = secret
	};
	return p;
}

void member_noise(const struct member *m, struct noise *noise, bool initiator,
		  const void *prologue, size_t prologue_len, unsigned key,
		  unsigned secret)
{
	HOLDS(noise_init(noise, initiator, prologue, prologue_len,
			 m->secrets[secret].psk, m->private_keys[key],
			 m->keys[key].bytes));
}

const uint8_t *member_make(struct member *m, unsigned key, unsigned at,
			   unsigned secret, uint64_t timestamp_us)
{
	struct member_pending *p = pending_new(m, key, at, secret);
	uint8_t ephemeral[KEY_LEN], timestamp[WIRE_TIMESTAMP_LEN];
	struct wire_initiation i = { .sender = p->index };

	member_noise(m, &p->noise, true, WIRE_PROLOGUE, strlen(WIRE_PROLOGUE),
		     key, secret);
	rng_bytes(&m->rng, ephemeral, sizeof(ephemeral));
	store_be64(timestamp, timestamp_us);
	HOLDS(noise_write1(&p->noise, ephemeral, timestamp, sizeof(timestamp),
			   i.noise));
	wire_pack_initiation(&i, p->initiation);
	cookie_set_mac1(&m->secrets[secret], p->initiation,
			WIRE_INITIATION_LEN);
	return p->initiation;
}

void member_initiate(struct member *m, unsigned key, unsigned at,
		     unsigned secret, uint64_t timestamp_us, bool cookie)
{
	uint8_t initiation[WIRE_INITIATION_LEN];

	memcpy(initiation, member_make(m, key, at, secret, timestamp_us),
	       sizeof(initiation));
	if (cookie && m->has_cookie[at])
		cookie_set_mac2(m->cookies[at], initiation,
				WIRE_INITIATION_LEN);
	member_send(m, at, initiation, WIRE_INITIATION_LEN);
}

size_t member_rekey_prologue(const struct session *s,
			     uint8_t out[10 + NOISE_HASH_LEN])
{
	memcpy(out, WIRE_REKEY_PROLOGUE, 10);
	memcpy(out + 10, s->hash, NOISE_HASH_LEN);
	return 10 + NOISE_HASH_LEN;
}

void member_rekey_record(struct member *m, const struct member_session *s,
			 unsigned key, unsigned secret,
			 uint8_t record[WIRE_REKEY_1_LEN])
{
	struct member_pending *p = pending_new(m, key, s->at, secret);
	uint8_t prologue[10 + NOISE_HASH_LEN], ephemeral[KEY_LEN];
	struct wire_rekey_1 one = { .sender = p->index };

	p->rekey = true;
	member_noise(m, &p->noise, true, prologue,
		     member_rekey_prologue(&s->session, prologue), key, secret);
	rng_bytes(&m->rng, ephemeral, sizeof(ephemeral));
	HOLDS(noise_write1(&p->noise, ephemeral, NULL, 0, one.noise));
	wire_pack_rekey_1(&one, record);
	HOLDS(cookie_mac1(&m->secrets[secret], record + WIRE_RECORD_LEN,
			  WIRE_REKEY_MAC1_COVERS,
			  record + WIRE_REKEY_1_LEN - WIRE_MAC_LEN));
}

void member_rekey(struct member *m, struct member_session *s, unsigned at,
		  unsigned key, unsigned secret)
{
	uint8_t record[WIRE_REKEY_1_LEN];

	member_rekey_record(m, s, key, secret, record);
	member_say(m, s, at, record, sizeof(record));
}
