/* Any bytes as a datagram, and any bytes as the records of an opened one. */
#include <string.h>

#include "fuzz.h"
#include "tunnel/wire.h"
#include "tunnel/wire_ask.h"
#include "tunnel/wire_leg.h"

/* What was unpacked packs into the same bytes. */
static void message(const uint8_t *data, size_t size)
{
	uint8_t again[WIRE_INITIATION_LEN];
	enum wire_type type;
	union {
		struct wire_initiation initiation;
		struct wire_response response;
		struct wire_cookie cookie;
		struct wire_data data;
		struct wire_relayed relayed;
	} m;

	if (wire_classify(data, size, &type) != DROP_NONE) {
		HOLDS(type == 0);
		return;
	}
	switch (type) {
	case WIRE_INITIATION:
		wire_unpack_initiation(&m.initiation, data);
		wire_pack_initiation(&m.initiation, again);
		HOLDS(memcmp(again, data, WIRE_INITIATION_LEN) == 0);
		break;
	case WIRE_RESPONSE:
		wire_unpack_response(&m.response, data);
		wire_pack_response(&m.response, again);
		HOLDS(memcmp(again, data, WIRE_RESPONSE_LEN) == 0);
		break;
	case WIRE_COOKIE:
		wire_unpack_cookie(&m.cookie, data);
		wire_pack_cookie(&m.cookie, again);
		HOLDS(memcmp(again, data, WIRE_COOKIE_LEN) == 0);
		break;
	case WIRE_DATA:
		wire_unpack_data(&m.data, data);
		wire_pack_data(&m.data, again);
		HOLDS(memcmp(again, data, WIRE_DATA_HEADER_LEN) == 0);
		break;
	case WIRE_RELAYED:
		wire_unpack_relayed(&m.relayed, data);
		wire_pack_relayed(&m.relayed, again);
		HOLDS(m.relayed.leg != 0);
		HOLDS(memcmp(again, data, WIRE_RELAYED_LEN) == 0);
		HOLDS(data[WIRE_RELAYED_LEN] != WIRE_RELAYED);
		message(data + WIRE_RELAYED_LEN, size - WIRE_RELAYED_LEN);
		break;
	}
}

static void frame(const struct wire_record *r)
{
	struct wire_frame f;

	if (wire_unpack_frame(&f, r) != DROP_NONE)
		return;
	HOLDS(f.len == r->len - (f.csum_partial ? WIRE_FRAME_CSUM_LEN : 0u));
	HOLDS(f.csum_partial || (!f.csum_start && !f.csum_offset));
	touch(f.bytes, f.len);
}

static void fragment(const struct wire_record *r)
{
	uint8_t again[WIRE_RECORD_LEN + WIRE_FRAGMENT_LEN];
	struct wire_fragment f;

	if (wire_unpack_fragment(&f, r) != DROP_NONE)
		return;
	HOLDS(f.len > 0 && f.offset + f.len <= UINT16_MAX);
	touch(f.piece, f.len);
	wire_pack_fragment(again, f.id, f.offset, f.last, (uint16_t)f.len);
	/* But for the kind, which may be any here. */
	HOLDS(memcmp(again + 1, r->body - WIRE_RECORD_LEN + 1,
		     sizeof(again) - 1) == 0);
}

static void hello(const struct wire_record *r)
{
	struct wire_hello h, back;
	uint8_t again[WIRE_HELLO_MAX];
	struct wire_record second;
	struct cursor c;

	if (wire_unpack_hello(&h, r) != DROP_NONE)
		return;
	HOLDS(wire_name_valid(h.name, strlen(h.name)));
	c = cursor_init(again, wire_pack_hello(&h, again));
	HOLDS(wire_next_record(&c, &second) && cursor_done(&c));
	HOLDS(wire_unpack_hello(&back, &second) == DROP_NONE);
	HOLDS(memcmp(&h, &back, sizeof(h)) == 0);
}

static void probe(const struct wire_record *r)
{
	uint8_t again[WIRE_PROBE_LEN];
	struct wire_record second;
	struct wire_probe p, back;
	struct cursor c;

	if (wire_unpack_probe(&p, r) != DROP_NONE)
		return;
	wire_pack_probe(&p, again);
	c = cursor_init(again, sizeof(again));
	HOLDS(wire_next_record(&c, &second) && cursor_done(&c));
	HOLDS(wire_unpack_probe(&back, &second) == DROP_NONE);
	HOLDS(p.echo == back.echo && p.time_us == back.time_us);
	HOLDS(p.sent == back.sent && p.received == back.received);
	HOLDS(p.own == back.own && p.held == back.held);
	HOLDS(p.size == back.size);
}

static void rekeys(const struct wire_record *r)
{
	uint8_t again[WIRE_REKEY_1_LEN];
	struct wire_rekey_1 one;
	struct wire_rekey_2 two;

	if (wire_unpack_rekey_1(&one, r) == DROP_NONE) {
		wire_pack_rekey_1(&one, again);
		HOLDS(memcmp(again + WIRE_RECORD_LEN, r->body,
			     WIRE_REKEY_1_LEN - WIRE_RECORD_LEN) == 0);
	}
	if (wire_unpack_rekey_2(&two, r) == DROP_NONE) {
		wire_pack_rekey_2(&two, again);
		HOLDS(memcmp(again + WIRE_RECORD_LEN, r->body,
			     WIRE_REKEY_2_LEN - WIRE_RECORD_LEN) == 0);
	}
}

static void groups(const struct wire_record *r)
{
	static uint8_t again[WIRE_RECORD_LEN + UINT16_MAX];
	size_t len = WIRE_GROUPS_LEN;
	struct wire_change change;
	struct wire_groups g, back;
	struct wire_record second;
	struct cursor c;

	if (wire_unpack_groups(&g, r) != DROP_NONE)
		return;
	HOLDS(g.base < g.version && g.version <= g.latest);
	/* No longer: an IPv4 group may have come as an IPv6 one. */
	for (back = g; wire_next_change(&back, &change);)
		len += wire_pack_change(&change, again + len);
	HOLDS(cursor_done(&back.changes));
	HOLDS(len <= WIRE_RECORD_LEN + (size_t)r->len);
	wire_pack_groups(&g, len - WIRE_GROUPS_LEN, again);
	c = cursor_init(again, len);
	HOLDS(wire_next_record(&c, &second) && cursor_done(&c));
	HOLDS(second.flags == r->flags);
	HOLDS(wire_unpack_groups(&back, &second) == DROP_NONE);
	HOLDS(back.epoch == g.epoch && back.base == g.base);
	HOLDS(back.version == g.version && back.latest == g.latest);
}

static void ask(const struct wire_record *r)
{
	uint8_t again[WIRE_ASK_TEST_LEN];
	struct wire_ask a, back;
	struct wire_record second;
	struct cursor c;

	if (wire_unpack_ask(&a, r) != DROP_NONE)
		return;
	c = cursor_init(again, wire_pack_ask(&a, again));
	HOLDS(wire_next_record(&c, &second) && cursor_done(&c));
	HOLDS(wire_unpack_ask(&back, &second) == DROP_NONE);
	HOLDS(a.kind == back.kind && a.first == back.first);
	HOLDS(a.token == back.token && a.vlan == back.vlan);
	HOLDS(memcmp(a.ip, back.ip, sizeof(a.ip)) == 0);
}

static void answer(const struct wire_record *r)
{
	static uint8_t again[WIRE_RECORD_LEN + UINT16_MAX];
	size_t len = WIRE_ANSWER_ROW_LEN;
	struct wire_answer a, rest;
	struct wire_link link;

	if (wire_unpack_answer(&a, r) != DROP_NONE)
		return;
	HOLDS(a.kind == WIRE_ASK_ROW || !a.links.left);
	if (a.kind == WIRE_ASK_TEST) {
		wire_pack_answer_test(&a, again);
		/* But for bits of `what` that are not known. */
		HOLDS(memcmp(again + WIRE_RECORD_LEN + 2, r->body + 2,
			     WIRE_ANSWER_TEST_LEN - WIRE_RECORD_LEN - 2) == 0);
	}
	if (a.kind != WIRE_ASK_ROW)
		return;
	for (rest = a; wire_next_link(&rest, &link); len += WIRE_LINK_LEN)
		wire_pack_link(&link, again + len);
	HOLDS(cursor_done(&rest.links));
	wire_pack_answer_row(&a, (len - WIRE_ANSWER_ROW_LEN) / WIRE_LINK_LEN,
			     again);
	HOLDS(len == WIRE_RECORD_LEN + (size_t)r->len);
	HOLDS(memcmp(again + WIRE_RECORD_LEN + 2, r->body + 2,
		     len - WIRE_RECORD_LEN - 2) == 0);
}

static void leg(const struct wire_record *r)
{
	uint8_t again[WIRE_LEG_LEN];
	struct wire_record second;
	struct wire_leg l, back;
	struct cursor c;

	if (wire_unpack_leg(&l, r) != DROP_NONE)
		return;
	HOLDS(l.index || (l.what != WIRE_LEG_ASK && l.what != WIRE_LEG_OFFER));
	wire_pack_leg(&l, again);
	c = cursor_init(again, sizeof(again));
	HOLDS(wire_next_record(&c, &second) && cursor_done(&c));
	HOLDS(second.flags == r->flags);
	HOLDS(wire_unpack_leg(&back, &second) == DROP_NONE);
	HOLDS(memcmp(&l, &back, sizeof(l)) == 0);
}

static void addresses(const struct wire_record *r)
{
	uint8_t again[WIRE_ADDRESSES_LEN_MAX];
	struct wire_addresses a, back;
	struct wire_record second;
	struct cursor c;

	if (wire_unpack_addresses(&a, r) != DROP_NONE)
		return;
	HOLDS(a.count <= WIRE_ADDRESSES_MAX);
	c = cursor_init(again, wire_pack_addresses(&a, again));
	HOLDS(wire_next_record(&c, &second) && cursor_done(&c));
	HOLDS(wire_unpack_addresses(&back, &second) == DROP_NONE);
	HOLDS(back.count == a.count);
	for (size_t i = 0; i < a.count; i++) {
		HOLDS(a.is[i].observed == back.is[i].observed);
		HOLDS(addr_equal(&a.is[i].addr, &back.is[i].addr));
	}
}

static void records(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_init(data, size);
	struct wire_record r;
	size_t seen = 0;

	while (wire_next_record(&c, &r)) {
		seen += WIRE_RECORD_LEN + r.len;
		touch(r.body, r.len);
		/* Each parser of every body: a kind is only a hint. */
		frame(&r);
		fragment(&r);
		hello(&r);
		probe(&r);
		groups(&r);
		rekeys(&r);
		ask(&r);
		answer(&r);
		leg(&r);
		addresses(&r);
	}
	HOLDS(seen <= size);
	HOLDS(cursor_ok(&c) == (seen == size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	message(data, size);
	records(data, size);
	return 0;
}
