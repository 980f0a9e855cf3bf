#include "member.h"

#include <string.h>

#include "fuzz.h"

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
	/* The node's and its peer's are 1 and 2: side_start. */
	for (unsigned i = 0; i < MEMBER_KEYS; i++) {
		memset(m->private_keys[i], 1 + (int)i, KEY_LEN);
		HOLDS(noise_public(m->keys[i].bytes, m->private_keys[i]));
	}
}

void member_start(struct member *m, struct side *victim,
		  const struct addr *peer, unsigned blind)
{
	static const struct addr v6 = { .ip = { 0xfd, [15] = 3 },
					.port = WIRE_PORT },
				 other_v6 = { .ip = { 0xfd, [15] = 4 },
					      .port = 1024 };
	struct addr *a = m->addrs;

	m->victim = victim;
	m->rng = rng_init(3);
	m->index = 1000;
	m->blind = blind | 1U << MEMBER_AT_HONEST;
	a[MEMBER_AT_V4] = addr_v4(0x0a090003, WIRE_PORT);
	a[MEMBER_AT_V6] = v6;
	a[MEMBER_AT_OTHER] = addr_v4(0x0a090004, 4242);
	a[MEMBER_AT_OTHER_V6] = other_v6;
	a[MEMBER_AT_LEG] = a[MEMBER_AT_V4];
	a[MEMBER_AT_LEG].leg = 7;
	a[MEMBER_AT_PORT] = addr_v4(0x0a090003, 4243);
	a[MEMBER_AT_HONEST_LEG] = a[MEMBER_AT_HONEST] = *peer;
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
		if (m->blind & 1U << i)
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
	side_receive(m->victim, &m->addrs[at], bytes, len);
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
			      sides_now.mono_us);
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
				    .tap_mtu = SIDE_TAP_MTU,
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

static void begin(const struct member *m, struct noise *noise, bool initiator,
		  const void *prologue, size_t prologue_len, unsigned key,
		  unsigned secret)
{
	HOLDS(noise_init(noise, initiator, prologue, prologue_len,
			 m->secrets[secret].psk, m->private_keys[key],
			 m->keys[key].bytes));
}

void member_initiate(struct member *m, unsigned key, unsigned at,
		     unsigned secret, uint64_t timestamp_us, bool cookie)
{
	struct member_pending *p = pending_new(m, key, at, secret);
	uint8_t ephemeral[KEY_LEN], timestamp[WIRE_TIMESTAMP_LEN];
	struct wire_initiation i = { .sender = p->index };

	begin(m, &p->noise, true, WIRE_PROLOGUE, strlen(WIRE_PROLOGUE), key,
	      secret);
	rng_bytes(&m->rng, ephemeral, sizeof(ephemeral));
	store_be64(timestamp, timestamp_us);
	HOLDS(noise_write1(&p->noise, ephemeral, timestamp, sizeof(timestamp),
			   i.noise));
	wire_pack_initiation(&i, p->initiation);
	cookie_set_mac1(&m->secrets[secret], p->initiation,
			WIRE_INITIATION_LEN);
	if (cookie && m->has_cookie[at])
		cookie_set_mac2(m->cookies[at], p->initiation,
				WIRE_INITIATION_LEN);
	member_send(m, at, p->initiation, WIRE_INITIATION_LEN);
}

/* The prologue that binds a rekey to the session which carries it. */
static size_t rekey_prologue(const struct session *s,
			     uint8_t out[10 + NOISE_HASH_LEN])
{
	memcpy(out, "tapd rekey", 10);
	memcpy(out + 10, s->hash, NOISE_HASH_LEN);
	return 10 + NOISE_HASH_LEN;
}

void member_rekey(struct member *m, struct member_session *s, unsigned at,
		  unsigned key, unsigned secret)
{
	struct member_pending *p = pending_new(m, key, at, secret);
	uint8_t prologue[10 + NOISE_HASH_LEN], ephemeral[KEY_LEN];
	uint8_t record[WIRE_REKEY_1_LEN];
	struct wire_rekey_1 one = { .sender = p->index };

	p->rekey = true;
	begin(m, &p->noise, true, prologue,
	      rekey_prologue(&s->session, prologue), key, secret);
	rng_bytes(&m->rng, ephemeral, sizeof(ephemeral));
	HOLDS(noise_write1(&p->noise, ephemeral, NULL, 0, one.noise));
	wire_pack_rekey_1(&one, record);
	HOLDS(cookie_mac1(&m->secrets[secret], record + WIRE_RECORD_LEN,
			  WIRE_REKEY_1_LEN - WIRE_RECORD_LEN - WIRE_MAC_LEN,
			  record + WIRE_REKEY_1_LEN - WIRE_MAC_LEN));
	member_say(m, s, at, record, sizeof(record));
}

/* ---- what it does about what it sees ---- */

static struct member_session *keep_session(struct member *m,
					   const struct noise *noise,
					   bool initiator, uint32_t local,
					   uint32_t remote, unsigned key,
					   unsigned at)
{
	struct member_session *s =
		&m->sessions[m->next_session++ % MEMBER_SESSIONS];

	session_wipe(&s->session);
	*s = (struct member_session){ .key = key, .at = at };
	HOLDS(session_init(&s->session, m->aead, noise, initiator, local,
			   remote, sides_now.mono_us));
	return s;
}

static struct member_pending *find_pending(struct member *m, uint32_t index,
					   bool rekey)
{
	for (unsigned i = 0; i < MEMBER_PENDING; i++)
		if (index && m->pending[i].index == index &&
		    m->pending[i].rekey == rekey)
			return &m->pending[i];
	return NULL;
}

/* Message 2 came, of either kind of handshake. */
static void complete(struct member *m, struct member_pending *p, unsigned at,
		     const uint8_t *noise2, size_t len, uint32_t remote)
{
	if (!p || !noise_read2(&p->noise, noise2, len, NULL))
		return;
	keep_session(m, &p->noise, true, p->index, remote, p->key, at);
	p->index = 0;
}

static void response_in(struct member *m, unsigned at, const uint8_t *bytes)
{
	struct wire_response two;

	wire_unpack_response(&two, bytes);
	complete(m, find_pending(m, two.receiver, false), at, two.noise,
		 sizeof(two.noise), two.sender);
}

static void cookie_in(struct member *m, unsigned at, const uint8_t *bytes)
{
	struct member_pending *p;
	struct wire_cookie three;

	wire_unpack_cookie(&three, bytes);
	p = find_pending(m, three.receiver, false);
	if (!p || !cookie_open(m->aead, &m->secrets[p->secret], &three,
			       p->initiation + WIRE_INITIATION_LEN -
				       WIRE_MAC1_FROM_END,
			       m->cookies[at]))
		return;
	m->has_cookie[at] = true;
	if (m->does & MEMBER_COOKIES)
		member_initiate(m, p->key, at, p->secret, sides_now.wall_us,
				true);
}

static void initiation_in(struct member *m, unsigned at, const uint8_t *bytes)
{
	uint8_t ephemeral[KEY_LEN], timestamp[WIRE_TIMESTAMP_LEN];
	uint8_t out[WIRE_RESPONSE_LEN];
	struct wire_response two = { .sender = ++m->index };
	struct wire_initiation one;
	struct noise noise;
	unsigned secret = 0;

	wire_unpack_initiation(&one, bytes);
	while (!cookie_check_mac1(&m->secrets[secret], bytes,
				  WIRE_INITIATION_LEN))
		if (++secret == MEMBER_SECRETS)
			return;
	begin(m, &noise, false, WIRE_PROLOGUE, strlen(WIRE_PROLOGUE),
	      m->answer_key, secret);
	if (!noise_read1(&noise, one.noise, sizeof(one.noise), timestamp))
		return;
	rng_bytes(&m->rng, ephemeral, sizeof(ephemeral));
	HOLDS(noise_write2(&noise, ephemeral, NULL, 0, two.noise));
	two.receiver = one.sender;
	wire_pack_response(&two, out);
	cookie_set_mac1(&m->secrets[secret], out, sizeof(out));
	keep_session(m, &noise, false, two.sender, one.sender, m->answer_key,
		     at);
	member_send(m, at, out, sizeof(out));
}

/* ---- records ---- */

static void rekey_1_in(struct member *m, struct member_session *s, unsigned at,
		       const struct wire_record *r)
{
	uint8_t prologue[10 + NOISE_HASH_LEN], ephemeral[KEY_LEN];
	uint8_t record[WIRE_REKEY_2_LEN];
	struct wire_rekey_2 two = { .sender = ++m->index };
	struct wire_rekey_1 one;
	struct noise noise;
	unsigned key = s->key;

	if (wire_unpack_rekey_1(&one, r) != DROP_NONE)
		return;
	for (unsigned secret = 0; secret < MEMBER_SECRETS; secret++) {
		begin(m, &noise, false, prologue,
		      rekey_prologue(&s->session, prologue), key, secret);
		if (!noise_read1(&noise, one.noise, sizeof(one.noise), NULL))
			continue;
		rng_bytes(&m->rng, ephemeral, sizeof(ephemeral));
		if (!noise_write2(&noise, ephemeral, NULL, 0, two.noise))
			return;
		two.receiver = one.sender;
		wire_pack_rekey_2(&two, record);
		member_say(m, s, at, record, sizeof(record));
		keep_session(m, &noise, false, two.sender, one.sender, key, at);
		return;
	}
}

static void rekey_2_in(struct member *m, unsigned at,
		       const struct wire_record *r)
{
	struct wire_rekey_2 two;

	if (wire_unpack_rekey_2(&two, r) == DROP_NONE)
		complete(m, find_pending(m, two.receiver, true), at, two.noise,
			 sizeof(two.noise), two.sender);
}

static void hello_in(struct member *m, struct member_session *s, unsigned at,
		     const struct wire_record *r)
{
	struct wire_hello hello;

	if (wire_unpack_hello(&hello, r) != DROP_NONE || !hello.want)
		return;
	member_hello(m, s, at, true, !s->greeted, m->epochs[s->key]);
	s->greeted = true;
}

static void probe_in(struct member *m, struct member_session *s, unsigned at,
		     const struct wire_record *r, size_t size)
{
	uint8_t record[WIRE_PROBE_LEN];
	struct wire_probe probe;

	if (wire_unpack_probe(&probe, r) != DROP_NONE || probe.echo)
		return;
	probe.echo = true;
	probe.size = (uint16_t)size;
	probe.own = probe.held = 0;
	probe.observed = m->victim->addr;
	wire_pack_probe(&probe, record);
	member_say(m, s, at, record, sizeof(record));
}

static void record_in(struct member *m, struct member_session *s, unsigned at,
		      const struct wire_record *r, size_t size)
{
	if (r->kind == WIRE_HELLO && (m->does & MEMBER_GREETS))
		hello_in(m, s, at, r);
	else if (r->kind == WIRE_PROBE && (m->does & MEMBER_ECHOES))
		probe_in(m, s, at, r, size);
	else if (r->kind == WIRE_REKEY_1 && (m->does & MEMBER_REKEYS))
		rekey_1_in(m, s, at, r);
	else if (r->kind == WIRE_REKEY_2)
		rekey_2_in(m, at, r);
}

/* Its own sessions' keys are its own: what the node seals for them opens. */
static void data_in(struct member *m, struct member_mail *mail)
{
	struct member_session *s = NULL;
	struct wire_record r;
	struct wire_data header;
	const uint8_t *records;
	struct cursor c;
	uint64_t advance;
	unsigned at;
	size_t len;

	wire_unpack_data(&header, mail->bytes);
	for (unsigned i = 0; i < MEMBER_SESSIONS; i++)
		if (m->sessions[i].session.send_key &&
		    m->sessions[i].session.local == header.receiver)
			s = &m->sessions[i];
	if (!s || session_unseal(&s->session, mail->bytes, mail->len,
				 sides_now.mono_us, &records, &len,
				 &advance) != DROP_NONE)
		return;
	at = m->does & MEMBER_STRAYS ? m->elsewhere : mail->at;
	for (c = cursor_init(records, len); wire_next_record(&c, &r);)
		/* A rekey may have taken the place of the session. */
		if (s->session.local == header.receiver)
			record_in(m, s, at, &r, mail->len);
	HOLDS(cursor_ok(&c));
}

static void mail_in(struct member *m, struct member_mail *mail)
{
	enum wire_type type;

	if (mail->passed_on) {
		member_send(m, mail->at, mail->bytes, mail->len);
		return;
	}
	HOLDS(wire_classify(mail->bytes, mail->len, &type) == DROP_NONE);
	switch (type) {
	case WIRE_INITIATION:
		if (m->does & MEMBER_ANSWERS)
			initiation_in(m, mail->at, mail->bytes);
		break;
	case WIRE_RESPONSE:
		response_in(m, mail->at, mail->bytes);
		break;
	case WIRE_COOKIE:
		cookie_in(m, mail->at, mail->bytes);
		break;
	case WIRE_DATA:
		data_in(m, mail);
		break;
	}
}

void member_turn(struct member *m)
{
	struct member_mail inbox[MEMBER_INBOX];
	size_t n = m->inbox_count;

	memcpy(inbox, m->inbox, sizeof(inbox));
	m->inbox_count = 0;
	for (size_t i = 0; i < n; i++) {
		mail_in(m, &inbox[i]);
		free(inbox[i].bytes);
	}
}
