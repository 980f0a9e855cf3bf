#include "tunnel/wire_leg.h"

#include <assert.h>
#include <string.h>

enum drop_reason wire_unpack_leg(struct wire_leg *l,
				 const struct wire_record *r)
{
	struct cursor c = cursor_init(r->body, r->len);

	memset(l, 0, sizeof(*l));
	if (r->flags & ~WIRE_LEG_LASTING)
		return DROP_record_flag;
	l->lasting = r->flags & WIRE_LEG_LASTING;
	l->what = cursor_u8(&c);
	l->reason = cursor_u8(&c);
	cursor_u16(&c); /* reserved */
	l->index = cursor_u32(&c);
	cursor_copy(&c, l->key, sizeof(l->key));
	if (cursor_ok(&c) && (l->index || (l->what != WIRE_LEG_ASK &&
					   l->what != WIRE_LEG_OFFER)))
		return DROP_NONE;
	memset(l, 0, sizeof(*l));
	return DROP_record_bad;
}

void wire_pack_leg(const struct wire_leg *l, uint8_t out[WIRE_LEG_LEN])
{
	struct writer w = writer_init(out, WIRE_LEG_LEN);

	writer_zeros(&w, WIRE_RECORD_LEN);
	wire_pack_record(out, WIRE_LEG, l->lasting ? WIRE_LEG_LASTING : 0,
			 WIRE_LEG_LEN - WIRE_RECORD_LEN);
	writer_u8(&w, l->what);
	writer_u8(&w, l->reason);
	writer_zeros(&w, 2);
	writer_u32(&w, l->index);
	writer_bytes(&w, l->key, sizeof(l->key));
	assert(writer_ok(&w) && w.len == WIRE_LEG_LEN);
}

/* kinds of addresses */
#define ADDRESS_LOCAL	 1
#define ADDRESS_OBSERVED 2

static void read_address(struct cursor *c, struct wire_addresses *a)
{
	uint8_t kind = cursor_u8(c);
	struct addr addr = { 0 };

	cursor_u8(c); /* reserved */
	addr.port = cursor_u16(c);
	cursor_copy(c, addr.ip, sizeof(addr.ip));
	if ((kind != ADDRESS_LOCAL && kind != ADDRESS_OBSERVED) ||
	    a->count == WIRE_ADDRESSES_MAX)
		return;
	a->is[a->count].observed = kind == ADDRESS_OBSERVED;
	a->is[a->count++].addr = addr;
}

enum drop_reason wire_unpack_addresses(struct wire_addresses *a,
				       const struct wire_record *r)
{
	struct cursor c = cursor_init(r->body, r->len);

	memset(a, 0, sizeof(*a));
	if (r->flags)
		return DROP_record_flag;
	if (c.left % WIRE_ADDRESS_LEN != 0)
		return DROP_record_bad;
	while (c.left)
		read_address(&c, a);
	return DROP_NONE;
}

size_t wire_pack_addresses(const struct wire_addresses *a,
			   uint8_t out[WIRE_ADDRESSES_LEN_MAX])
{
	struct writer w = writer_init(out, WIRE_ADDRESSES_LEN_MAX);

	writer_zeros(&w, WIRE_RECORD_LEN);
	for (size_t i = 0; i < a->count; i++) {
		writer_u8(&w,
			  a->is[i].observed ? ADDRESS_OBSERVED : ADDRESS_LOCAL);
		writer_zeros(&w, 1);
		writer_u16(&w, a->is[i].addr.port);
		writer_bytes(&w, a->is[i].addr.ip, sizeof(a->is[i].addr.ip));
	}
	assert(writer_ok(&w));
	wire_pack_record(out, WIRE_ADDRESSES, 0,
			 (uint16_t)(w.len - WIRE_RECORD_LEN));
	return w.len;
}
