/* What a member does by itself about what it sees. */
#include "support/member.h"

#include <string.h>

#include "support/holds.h"

/* ---- handshakes ---- */

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
			   remote, m->world.now->mono_us));
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
		member_initiate(m, p->key, at, p->secret, m->world.now->wall_us,
				true);
}

static void initiation_in(struct member *m, unsigned at, const uint8_t *bytes)
{
	uint8_t ephemeral[KEY_LEN], timestamp[WIRE_TIMESTAMP_LEN];
	uint8_t out[WIRE_RESPONSE_LEN];
	const unsigned key = m->lives_at[at] ? m->lives_at[at] : m->answer_key;
	struct wire_response two = { .sender = ++m->index };
	struct wire_initiation one;
	struct noise noise;
	unsigned secret = 0;

	wire_unpack_initiation(&one, bytes);
	while (!cookie_check_mac1(&m->secrets[secret], bytes,
				  WIRE_INITIATION_LEN))
		if (++secret == MEMBER_SECRETS)
			return;
	member_noise(m, &noise, false, WIRE_PROLOGUE, strlen(WIRE_PROLOGUE),
		     key, secret);
	if (!noise_read1(&noise, one.noise, sizeof(one.noise), timestamp))
		return;
	rng_bytes(&m->rng, ephemeral, sizeof(ephemeral));
	HOLDS(noise_write2(&noise, ephemeral, NULL, 0, two.noise));
	two.receiver = one.sender;
	wire_pack_response(&two, out);
	cookie_set_mac1(&m->secrets[secret], out, sizeof(out));
	keep_session(m, &noise, false, two.sender, one.sender, key, at);
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
		member_noise(m, &noise, false, prologue,
			     member_rekey_prologue(&s->session, prologue), key,
			     secret);
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
	probe.digest = m->digest;
	probe.list = m->list;
	probe.observed = m->world.victim;
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
	else if (m->world.record)
		m->world.record(m->world.user, s, at, r);
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
				 m->world.now->mono_us, &records, &len,
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
	case WIRE_RELAYED: /* this member has no legs */
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
