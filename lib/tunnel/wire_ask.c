#include "tunnel/wire_ask.h"

#include <assert.h>
#include <string.h>

enum drop_reason wire_unpack_ask(struct wire_ask *a,
				 const struct wire_record *r)
{
	struct cursor c = cursor_init(r->body, r->len);

	memset(a, 0, sizeof(*a));
	if (r->flags)
		return DROP_record_flag;
	a->kind = cursor_u8(&c);
	cursor_u8(&c); /* reserved */
	a->first = cursor_u16(&c);
	a->token = cursor_u64(&c);
	if (a->kind == WIRE_ASK_TEST) {
		a->vlan = cursor_u16(&c);
		cursor_copy(&c, a->ip, sizeof(a->ip));
	}
	if (cursor_ok(&c))
		return DROP_NONE;
	memset(a, 0, sizeof(*a));
	return DROP_record_bad;
}

size_t wire_pack_ask(const struct wire_ask *a, uint8_t out[WIRE_ASK_TEST_LEN])
{
	struct writer w = writer_init(out, WIRE_ASK_TEST_LEN);

	writer_zeros(&w, WIRE_RECORD_LEN);
	writer_u8(&w, a->kind);
	writer_zeros(&w, 1);
	writer_u16(&w, a->first);
	writer_u64(&w, a->token);
	if (a->kind == WIRE_ASK_TEST) {
		writer_u16(&w, a->vlan);
		writer_bytes(&w, a->ip, sizeof(a->ip));
	}
	assert(writer_ok(&w));
	wire_pack_record(out, WIRE_ASK, 0, (uint16_t)(w.len - WIRE_RECORD_LEN));
	return w.len;
}

static void read_test(struct cursor *c, uint8_t what, struct wire_answer *a)
{
	a->member = what & WIRE_ANSWER_MEMBER;
	a->all = what & WIRE_ANSWER_ALL;
	a->any = what & WIRE_ANSWER_HEARD;
	a->heard = cursor_u16(c);
	a->unicast = cursor_u16(c);
	a->age_us = cursor_u32(c);
}

static void read_row(struct cursor *c, struct wire_answer *a)
{
	a->next = cursor_u16(c);
	a->links = *c;
	if (c->left % WIRE_LINK_LEN != 0)
		c->failed = true;
}

enum drop_reason wire_unpack_answer(struct wire_answer *a,
				    const struct wire_record *r)
{
	struct cursor c = cursor_init(r->body, r->len);
	uint8_t what;

	memset(a, 0, sizeof(*a));
	if (r->flags)
		return DROP_record_flag;
	a->kind = cursor_u8(&c);
	what = cursor_u8(&c);
	a->first = cursor_u16(&c);
	a->token = cursor_u64(&c);
	if (a->kind == WIRE_ASK_TEST)
		read_test(&c, what, a);
	else if (a->kind == WIRE_ASK_ROW)
		read_row(&c, a);
	if (cursor_ok(&c))
		return DROP_NONE;
	memset(a, 0, sizeof(*a));
	return DROP_record_bad;
}

bool wire_next_link(struct wire_answer *a, struct wire_link *out)
{
	if (!a->links.left)
		return false;
	memset(out, 0, sizeof(*out));
	cursor_copy(&a->links, out->key, sizeof(out->key));
	out->rtt_us = cursor_u32(&a->links);
	out->loss = cursor_u16(&a->links);
	return true;
}

static void put_answer(struct writer *w, const struct wire_answer *a,
		       uint8_t kind, uint8_t what, size_t body)
{
	writer_u8(w, WIRE_ANSWER);
	writer_u8(w, 0);
	writer_u16(w, (uint16_t)body);
	writer_u8(w, kind);
	writer_u8(w, what);
	writer_u16(w, a->first);
	writer_u64(w, a->token);
}

void wire_pack_answer_test(const struct wire_answer *a,
			   uint8_t out[WIRE_ANSWER_TEST_LEN])
{
	struct writer w = writer_init(out, WIRE_ANSWER_TEST_LEN);
	unsigned int what = (a->member ? WIRE_ANSWER_MEMBER : 0u) |
			    (a->all ? WIRE_ANSWER_ALL : 0u) |
			    (a->any ? WIRE_ANSWER_HEARD : 0u);

	put_answer(&w, a, WIRE_ASK_TEST, (uint8_t)what,
		   WIRE_ANSWER_TEST_LEN - WIRE_RECORD_LEN);
	writer_u16(&w, a->heard);
	writer_u16(&w, a->unicast);
	writer_u32(&w, a->age_us);
	assert(writer_ok(&w) && w.len == WIRE_ANSWER_TEST_LEN);
}

void wire_pack_answer_row(const struct wire_answer *a, size_t links,
			  uint8_t out[WIRE_ANSWER_ROW_LEN])
{
	struct writer w = writer_init(out, WIRE_ANSWER_ROW_LEN);

	put_answer(&w, a, WIRE_ASK_ROW, 0,
		   WIRE_ANSWER_ROW_LEN - WIRE_RECORD_LEN +
			   links * WIRE_LINK_LEN);
	writer_u16(&w, a->next);
	assert(writer_ok(&w) && w.len == WIRE_ANSWER_ROW_LEN);
}

void wire_pack_link(const struct wire_link *l, uint8_t out[WIRE_LINK_LEN])
{
	struct writer w = writer_init(out, WIRE_LINK_LEN);

	writer_bytes(&w, l->key, sizeof(l->key));
	writer_u32(&w, l->rtt_us);
	writer_u16(&w, l->loss);
	assert(writer_ok(&w) && w.len == WIRE_LINK_LEN);
}
