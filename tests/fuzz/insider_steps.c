#include "insider_steps.h"

#include <string.h>

#include "fuzz.h"
#include "tunnel/wire_leg.h"

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

/* ---- legs ---- */

#define HEARD_MAX 8

/* The node's indices of legs, as it told them. */
static uint32_t heard[HEARD_MAX];
static unsigned heard_next;

void insider_forget(void)
{
	memset(heard, 0, sizeof(heard));
	heard_next = 0;
}

void insider_hears(void *user, struct member_session *s, unsigned at,
		   const struct wire_record *r)
{
	struct wire_leg l;

	(void)user;
	(void)s;
	(void)at;
	if (r->kind == WIRE_LEG && wire_unpack_leg(&l, r) == DROP_NONE &&
	    l.index)
		heard[heard_next++ % HEARD_MAX] = l.index;
}

/* bits of how: what 3, lasting 4, reason 0x38, a key that is nobody's 0x40 */
void insider_leg(struct member *m, struct cursor *c)
{
	struct member_session *s = member_session(m, cursor_u8(c));
	unsigned at = cursor_u8(c) % MEMBER_ADDRS;
	const uint8_t how = cursor_u8(c), key = cursor_u8(c);
	struct wire_leg l = { .lasting = how & 4,
			      .what = how & 3,
			      .reason = how >> 3 & 7,
			      .index = cursor_u8(c) };
	uint8_t record[WIRE_LEG_LEN];

	if (!s)
		return;
	if (how & 0x40)
		memset(l.key, key | 0x80, sizeof(l.key));
	else
		memcpy(l.key, m->keys[key % MEMBER_KEYS].bytes, sizeof(l.key));
	wire_pack_leg(&l, record);
	member_say(m, s, at, record, sizeof(record));
}

void insider_relay(struct member *m, struct cursor *c)
{
	const uint8_t which = cursor_u8(c), at = cursor_u8(c);
	const uint8_t leg = cursor_u8(c), how = cursor_u8(c);
	const struct wire_relayed header = { leg & 0x80
						     ? leg
						     : heard[leg % HEARD_MAX] };
	const struct member_mail *mail =
		&m->pool[(m->next_pool + which) % MEMBER_POOL];
	size_t skip, len;
	uint8_t *out;

	if (!mail->bytes || mail->len <= WIRE_RELAYED_LEN)
		return;
	skip = mail->bytes[0] == WIRE_RELAYED ? WIRE_RELAYED_LEN : 0;
	len = mail->len - skip;
	out = malloc(WIRE_RELAYED_LEN + len);
	HOLDS(out);
	wire_pack_relayed(&header, out);
	memcpy(out + WIRE_RELAYED_LEN, mail->bytes + skip, len);
	if (how)
		out[how * (WIRE_RELAYED_LEN + len - 1) / UINT8_MAX] ^= how;
	member_send(m, at % MEMBER_ADDRS, out, WIRE_RELAYED_LEN + len);
	free(out);
}

/* At its addresses it may be blind: the node is sent there by nobody else. */
void insider_addresses(struct member *m, struct cursor *c)
{
	struct member_session *s = member_session(m, cursor_u8(c));
	unsigned at = cursor_u8(c) % MEMBER_ADDRS;
	struct wire_addresses a = { .count = cursor_u8(c) %
					     (WIRE_ADDRESSES_MAX + 1) };
	uint8_t record[WIRE_ADDRESSES_LEN_MAX];

	for (size_t i = 0; i < a.count; i++) {
		const uint8_t how = cursor_u8(c);

		a.is[i].observed = how & 1;
		a.is[i].addr = how & 2 ? m->addrs[how / 4 % MEMBER_WANTED]
				       : addr_v4(0xc0a80000u | how, 40000);
	}
	if (s)
		member_say(m, s, at, record, wire_pack_addresses(&a, record));
}
