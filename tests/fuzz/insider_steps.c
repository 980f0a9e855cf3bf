#include "insider_steps.h"

#include <string.h>

#include "fuzz.h"

const uint8_t *insider_take(struct cursor *c, size_t *len)
{
	*len = cursor_u16(c);
	if (*len > c->left)
		*len = c->left;
	return cursor_take(c, *len);
}

void insider_initiate(struct member *m, struct cursor *c)
{
	unsigned key = cursor_u8(c) % MEMBER_KEYS;
	unsigned at = cursor_u8(c) % MEMBER_ADDRS;
	uint8_t how = cursor_u8(c);
	const uint64_t times[] = { sides_now.wall_us,
				   sides_now.wall_us + 86400 * CLOCK_S, 0,
				   UINT64_MAX };

	member_initiate(m, key, at, how >> 3 & 1, times[how & 3], how & 4);
}

void insider_flood(struct member *m, struct cursor *c)
{
	unsigned key = cursor_u8(c) % MEMBER_KEYS, at = cursor_u8(c);
	uint8_t count = cursor_u8(c) % 128;

	for (uint8_t i = 0; i < count; i++)
		member_initiate(m, key, (at + i) % MEMBER_ADDRS, 0,
				sides_now.wall_us + i, false);
}

void insider_replay(struct member *m, struct cursor *c)
{
	const struct member_mail *mail;
	uint8_t which = cursor_u8(c), at = cursor_u8(c), how = cursor_u8(c);
	uint8_t *copy;

	mail = &m->pool[(m->next_pool + which) % MEMBER_POOL];
	if (!mail->bytes || !mail->len)
		return;
	copy = malloc(mail->len);
	HOLDS(copy);
	memcpy(copy, mail->bytes, mail->len);
	if (how)
		copy[how * (mail->len - 1) / UINT8_MAX] ^= how;
	/* The pool may take another's place of this. */
	member_send(m, at % MEMBER_ADDRS, copy, mail->len);
	free(copy);
}

void insider_hello(struct member *m, struct cursor *c)
{
	struct member_session *s = member_session(m, cursor_u8(c));
	unsigned at = cursor_u8(c) % MEMBER_ADDRS;
	uint8_t how = cursor_u8(c);
	uint64_t epoch = how & 4 ? how >> 4 : 0;

	if (!s)
		return;
	if (how & 8)
		epoch = m->honest_epoch;
	member_hello(m, s, at, how & 1, how & 2,
		     epoch ? epoch : m->epochs[s->key]);
}

void insider_say(struct member *m, struct cursor *c)
{
	struct member_session *s = member_session(m, cursor_u8(c));
	unsigned at = cursor_u8(c) % MEMBER_ADDRS;
	const uint8_t *bytes;
	uint8_t *records;
	struct wire_record r;
	struct cursor in;
	size_t len;

	bytes = insider_take(c, &len);
	if (!s || !cursor_ok(c))
		return;
	records = malloc(len + 1);
	HOLDS(records);
	memcpy(records, bytes, len);
	for (in = cursor_init(records, len); wire_next_record(&in, &r);)
		if (r.kind == WIRE_GROUPS && r.len >= 8 && !load_be64(r.body))
			store_be64(records + (r.body - records),
				   m->epochs[s->key]);
	member_say(m, s, at, records, len);
	free(records);
}

void insider_garbage(struct member *m, struct cursor *c)
{
	struct member_session *s = member_session(m, cursor_u8(c));
	unsigned at = cursor_u8(c) % MEMBER_ADDRS;
	struct wire_data header = { .counter = cursor_u16(c) };
	const uint8_t *bytes;
	uint8_t *out;
	size_t len;

	bytes = insider_take(c, &len);
	if (!s || !cursor_ok(c))
		return;
	out = malloc(WIRE_DATA_HEADER_LEN + len);
	HOLDS(out);
	header.receiver = s->session.remote;
	wire_pack_data(&header, out);
	memcpy(out + WIRE_DATA_HEADER_LEN, bytes, len);
	member_send(m, at, out, WIRE_DATA_HEADER_LEN + len);
	free(out);
}

void insider_raw(struct member *m, struct cursor *c)
{
	unsigned at = cursor_u8(c) % MEMBER_ADDRS;
	uint8_t how = cursor_u8(c);
	const uint8_t *bytes;
	uint8_t *copy;
	size_t len;

	bytes = insider_take(c, &len);
	if (!cursor_ok(c) || !len)
		return;
	copy = malloc(len);
	HOLDS(copy);
	memcpy(copy, bytes, len);
	if ((how & 1) && len >= WIRE_MAC1_FROM_END)
		cookie_set_mac1(&m->secrets[how >> 2 & 1], copy, len);
	if ((how & 2) && len >= WIRE_MAC1_FROM_END && m->has_cookie[at])
		cookie_set_mac2(m->cookies[at], copy, len);
	member_send(m, at, copy, len);
	free(copy);
}

void insider_rekey(struct member *m, struct cursor *c)
{
	struct member_session *s = member_session(m, cursor_u8(c));
	unsigned at = cursor_u8(c) % MEMBER_ADDRS;
	unsigned key = cursor_u8(c) % (MEMBER_KEYS + 1);
	uint8_t how = cursor_u8(c);

	if (s)
		member_rekey(m, s, at, key == MEMBER_KEYS ? s->key : key,
			     how & 1);
}

void insider_rewind_counter(struct member *m, struct cursor *c)
{
	struct member_session *s = member_session(m, cursor_u8(c));
	uint32_t by = cursor_u8(c);

	if (s)
		s->session.counter -=
			by < s->session.counter ? by : s->session.counter;
}

void insider_behave(struct member *m, struct cursor *c)
{
	uint8_t as;

	m->does = cursor_u8(c);
	as = cursor_u8(c);
	m->answer_key = (as & 15) % MEMBER_KEYS;
	m->elsewhere = (as >> 4) % MEMBER_ADDRS;
	m->epochs[m->answer_key] += m->does >> 7;
}
