/* Every message and record on the wire: sizes, pack, unpack. */
#include "tunnel/wire.h"

#include <assert.h>
#include <string.h>

/*
 * Nothing here lays a struct over foreign bytes: a cursor reads each field into
 * a host-order struct, and one test at the end says whether all were there.
 */

static const struct {
	size_t len;
	bool exact; /* otherwise len is the least */
} shapes[] = {
	[WIRE_INITIATION] = { WIRE_INITIATION_LEN, true },
	[WIRE_RESPONSE] = { WIRE_RESPONSE_LEN, true },
	[WIRE_COOKIE] = { WIRE_COOKIE_LEN, true },
	[WIRE_DATA] = { WIRE_DATA_OVERHEAD, false },
	[WIRE_RELAYED] = { WIRE_RELAYED_LEN, false },
};

/* By its own header alone. */
static enum drop_reason classify_one(const uint8_t *datagram, size_t len,
				     enum wire_type *type)
{
	struct cursor c = cursor_init(datagram, len);
	uint8_t kind = cursor_u8(&c);
	uint8_t lane = cursor_u8(&c);
	uint16_t reserved = cursor_u16(&c); /* of data: salt */

	*type = 0;
	if (!cursor_ok(&c))
		return DROP_datagram_short;
	if (kind < WIRE_INITIATION || kind > WIRE_RELAYED ||
	    (kind != WIRE_DATA && reserved))
		return DROP_datagram_type;
	if (lane)
		return DROP_datagram_lane;
	if (!shapes[kind].exact && len < shapes[kind].len)
		return DROP_datagram_short;
	if (shapes[kind].exact && len != shapes[kind].len)
		return DROP_datagram_length;
	*type = kind;
	return DROP_NONE;
}

static bool relayed_valid(const uint8_t *datagram, size_t len)
{
	enum wire_type inner;
	struct wire_relayed m;

	wire_unpack_relayed(&m, datagram);
	return m.leg &&
	       classify_one(datagram + WIRE_RELAYED_LEN, len - WIRE_RELAYED_LEN,
			    &inner) == DROP_NONE &&
	       inner != WIRE_RELAYED;
}

enum drop_reason wire_classify(const uint8_t *datagram, size_t len,
			       enum wire_type *type)
{
	enum drop_reason reason = classify_one(datagram, len, type);

	if (*type != WIRE_RELAYED || relayed_valid(datagram, len))
		return reason;
	*type = 0;
	return DROP_relayed_bad;
}

/* ---- messages ---- */

static struct cursor read_message(const uint8_t *bytes, enum wire_type type)
{
	struct cursor c = cursor_init(bytes, shapes[type].len);

	cursor_take(&c, WIRE_PREFIX_LEN);
	return c;
}

static struct writer write_message(uint8_t *bytes, enum wire_type type)
{
	struct writer w = writer_init(bytes, shapes[type].len);

	writer_u8(&w, (uint8_t)type);
	writer_zeros(&w, WIRE_PREFIX_LEN - 1);
	return w;
}

void wire_unpack_initiation(struct wire_initiation *m, const uint8_t *bytes)
{
	struct cursor c = read_message(bytes, WIRE_INITIATION);

	m->sender = cursor_u32(&c);
	cursor_copy(&c, m->noise, sizeof(m->noise));
	cursor_copy(&c, m->mac1, sizeof(m->mac1));
	cursor_copy(&c, m->mac2, sizeof(m->mac2));
	assert(cursor_done(&c));
}

void wire_pack_initiation(const struct wire_initiation *m, uint8_t *bytes)
{
	struct writer w = write_message(bytes, WIRE_INITIATION);

	writer_u32(&w, m->sender);
	writer_bytes(&w, m->noise, sizeof(m->noise));
	writer_bytes(&w, m->mac1, sizeof(m->mac1));
	writer_bytes(&w, m->mac2, sizeof(m->mac2));
	assert(writer_ok(&w) && w.len == WIRE_INITIATION_LEN);
}

void wire_unpack_response(struct wire_response *m, const uint8_t *bytes)
{
	struct cursor c = read_message(bytes, WIRE_RESPONSE);

	m->sender = cursor_u32(&c);
	m->receiver = cursor_u32(&c);
	cursor_copy(&c, m->noise, sizeof(m->noise));
	cursor_copy(&c, m->mac1, sizeof(m->mac1));
	cursor_copy(&c, m->mac2, sizeof(m->mac2));
	assert(cursor_done(&c));
}

void wire_pack_response(const struct wire_response *m, uint8_t *bytes)
{
	struct writer w = write_message(bytes, WIRE_RESPONSE);

	writer_u32(&w, m->sender);
	writer_u32(&w, m->receiver);
	writer_bytes(&w, m->noise, sizeof(m->noise));
	writer_bytes(&w, m->mac1, sizeof(m->mac1));
	writer_bytes(&w, m->mac2, sizeof(m->mac2));
	assert(writer_ok(&w) && w.len == WIRE_RESPONSE_LEN);
}

void wire_unpack_cookie(struct wire_cookie *m, const uint8_t *bytes)
{
	struct cursor c = read_message(bytes, WIRE_COOKIE);

	m->receiver = cursor_u32(&c);
	cursor_copy(&c, m->nonce, sizeof(m->nonce));
	cursor_copy(&c, m->sealed, sizeof(m->sealed));
	assert(cursor_done(&c));
}

void wire_pack_cookie(const struct wire_cookie *m, uint8_t *bytes)
{
	struct writer w = write_message(bytes, WIRE_COOKIE);

	writer_u32(&w, m->receiver);
	writer_bytes(&w, m->nonce, sizeof(m->nonce));
	writer_bytes(&w, m->sealed, sizeof(m->sealed));
	assert(writer_ok(&w) && w.len == WIRE_COOKIE_LEN);
}

void wire_unpack_data(struct wire_data *m, const uint8_t *bytes)
{
	struct cursor c = cursor_init(bytes, WIRE_DATA_HEADER_LEN);

	cursor_u8(&c);
	m->lane = cursor_u8(&c);
	cursor_copy(&c, m->salt, 2);
	m->receiver = cursor_u32(&c);
	cursor_copy(&c, m->salt + 2, WIRE_SALT_LEN - 2);
	m->counter = cursor_u32(&c);
	assert(cursor_done(&c));
}

void wire_pack_data(const struct wire_data *m, uint8_t *bytes)
{
	struct writer w = writer_init(bytes, WIRE_DATA_HEADER_LEN);

	writer_u8(&w, WIRE_DATA);
	writer_u8(&w, m->lane);
	writer_bytes(&w, m->salt, 2);
	writer_u32(&w, m->receiver);
	writer_bytes(&w, m->salt + 2, WIRE_SALT_LEN - 2);
	writer_u32(&w, m->counter);
	assert(writer_ok(&w) && w.len == WIRE_DATA_HEADER_LEN);
}

void wire_unpack_relayed(struct wire_relayed *m, const uint8_t *bytes)
{
	struct cursor c = read_message(bytes, WIRE_RELAYED);

	m->leg = cursor_u32(&c);
	assert(cursor_done(&c));
}

void wire_pack_relayed(const struct wire_relayed *m, uint8_t *bytes)
{
	struct writer w = write_message(bytes, WIRE_RELAYED);

	writer_u32(&w, m->leg);
	assert(writer_ok(&w) && w.len == WIRE_RELAYED_LEN);
}

void wire_data_nonce(const uint8_t *bytes, uint8_t nonce[WIRE_NONCE_LEN])
{
	memcpy(nonce, bytes + 2, 2);
	memcpy(nonce + 2, bytes + 8, WIRE_SALT_LEN - 2);
	nonce[WIRE_SALT_LEN] = 0;
	nonce[WIRE_SALT_LEN + 1] = bytes[1];
	memcpy(nonce + 8, bytes + 12, 4);
}

/* ---- records ---- */

bool wire_next_record(struct cursor *c, struct wire_record *r)
{
	memset(r, 0, sizeof(*r));
	if (c->failed || !c->left)
		return false;
	r->kind = cursor_u8(c);
	r->flags = cursor_u8(c);
	r->len = cursor_u16(c);
	r->body = cursor_take(c, r->len);
	if (cursor_ok(c))
		return true;
	memset(r, 0, sizeof(*r));
	return false;
}

void wire_pack_record(uint8_t bytes[WIRE_RECORD_LEN], enum wire_kind kind,
		      uint8_t flags, uint16_t len)
{
	bytes[0] = (uint8_t)kind;
	bytes[1] = flags;
	store_be16(bytes + 2, len);
}

enum drop_reason wire_unpack_frame(struct wire_frame *f,
				   const struct wire_record *r)
{
	struct cursor c = cursor_init(r->body, r->len);

	memset(f, 0, sizeof(*f));
	if (r->flags & ~WIRE_FRAME_CSUM_PARTIAL)
		return DROP_record_flag;
	if (r->flags & WIRE_FRAME_CSUM_PARTIAL) {
		uint16_t start = cursor_u16(&c);
		uint16_t offset = cursor_u16(&c);

		if (!cursor_ok(&c))
			return DROP_record_bad;
		f->csum_partial = true;
		f->csum_start = start;
		f->csum_offset = offset;
	}
	f->len = c.left;
	f->bytes = c.at;
	return DROP_NONE;
}

enum drop_reason wire_unpack_fragment(struct wire_fragment *f,
				      const struct wire_record *r)
{
	struct cursor c = cursor_init(r->body, r->len);
	uint32_t id = cursor_u32(&c);
	uint16_t offset = cursor_u16(&c);

	memset(f, 0, sizeof(*f));
	if (r->flags & ~WIRE_FRAGMENT_LAST)
		return DROP_record_flag;
	if (!cursor_ok(&c) || !c.left || offset + c.left > UINT16_MAX)
		return DROP_fragment_bad;
	f->id = id;
	f->offset = offset;
	f->last = r->flags & WIRE_FRAGMENT_LAST;
	f->len = c.left;
	f->piece = c.at;
	return DROP_NONE;
}

void wire_pack_fragment(uint8_t bytes[WIRE_RECORD_LEN + WIRE_FRAGMENT_LEN],
			uint32_t id, uint16_t offset, bool last, uint16_t piece)
{
	assert(piece <= UINT16_MAX - WIRE_FRAGMENT_LEN);
	wire_pack_record(bytes, WIRE_FRAGMENT, last ? WIRE_FRAGMENT_LAST : 0,
			 (uint16_t)(WIRE_FRAGMENT_LEN + piece));
	store_be32(bytes + WIRE_RECORD_LEN, id);
	store_be16(bytes + WIRE_RECORD_LEN + 4, offset);
}

enum drop_reason wire_unpack_hello(struct wire_hello *h,
				   const struct wire_record *r)
{
	struct cursor c = cursor_init(r->body, r->len);
	size_t name_len;
	const char *name;

	memset(h, 0, sizeof(*h));
	if (r->flags & ~(WIRE_HELLO_ACK | WIRE_HELLO_WANT))
		return DROP_record_flag;
	h->ack = r->flags & WIRE_HELLO_ACK;
	h->want = r->flags & WIRE_HELLO_WANT;
	h->version = cursor_u8(&c);
	cursor_u8(&c); /* reserved */
	h->tap_mtu = cursor_u16(&c);
	h->capabilities = cursor_u32(&c);
	h->epoch = cursor_u64(&c);
	cursor_copy(&c, h->tap_mac, sizeof(h->tap_mac));
	cursor_u8(&c); /* reserved */
	name_len = cursor_u8(&c);
	name = (const char *)cursor_take(&c, name_len);
	if (!cursor_ok(&c) || !wire_name_valid(name, name_len)) {
		memset(h, 0, sizeof(*h));
		return DROP_record_bad;
	}
	memcpy(h->name, name, name_len);
	return DROP_NONE;
}

size_t wire_pack_hello(const struct wire_hello *h, uint8_t out[WIRE_HELLO_MAX])
{
	size_t name_len = strnlen(h->name, sizeof(h->name));
	struct writer w = writer_init(out, WIRE_HELLO_MAX);

	assert(wire_name_valid(h->name, name_len));
	writer_zeros(&w, WIRE_RECORD_LEN);
	writer_u8(&w, h->version);
	writer_zeros(&w, 1);
	writer_u16(&w, h->tap_mtu);
	writer_u32(&w, h->capabilities);
	writer_u64(&w, h->epoch);
	writer_bytes(&w, h->tap_mac, sizeof(h->tap_mac));
	writer_zeros(&w, 1);
	writer_u8(&w, (uint8_t)name_len);
	writer_bytes(&w, h->name, name_len);
	assert(writer_ok(&w));
	wire_pack_record(out, WIRE_HELLO,
			 (uint8_t)((h->ack ? WIRE_HELLO_ACK : 0) |
				   (h->want ? WIRE_HELLO_WANT : 0)),
			 (uint16_t)(w.len - WIRE_RECORD_LEN));
	return w.len;
}

enum drop_reason wire_unpack_probe(struct wire_probe *p,
				   const struct wire_record *r)
{
	struct cursor c = cursor_init(r->body, r->len);

	memset(p, 0, sizeof(*p));
	if (r->flags & ~(WIRE_PROBE_ECHO | WIRE_PROBE_BESIDE))
		return DROP_record_flag;
	p->echo = r->flags & WIRE_PROBE_ECHO;
	p->beside = r->flags & WIRE_PROBE_BESIDE;
	p->time_us = cursor_u64(&c);
	p->sent = cursor_u64(&c);
	p->received = cursor_u64(&c);
	p->own = cursor_u32(&c);
	p->held = cursor_u32(&c);
	p->size = cursor_u16(&c);
	p->observed.port = cursor_u16(&c);
	p->digest = cursor_u64(&c);
	p->list = cursor_u32(&c);
	cursor_copy(&c, p->observed.ip, sizeof(p->observed.ip));
	if (!cursor_ok(&c)) {
		memset(p, 0, sizeof(*p));
		return DROP_record_bad;
	}
	return DROP_NONE;
}

void wire_pack_probe(const struct wire_probe *p, uint8_t out[WIRE_PROBE_LEN])
{
	struct writer w = writer_init(out, WIRE_PROBE_LEN);

	writer_zeros(&w, WIRE_RECORD_LEN);
	wire_pack_record(out, WIRE_PROBE,
			 (uint8_t)((p->echo ? WIRE_PROBE_ECHO : 0) |
				   (p->beside ? WIRE_PROBE_BESIDE : 0)),
			 WIRE_PROBE_LEN - WIRE_RECORD_LEN);
	writer_u64(&w, p->time_us);
	writer_u64(&w, p->sent);
	writer_u64(&w, p->received);
	writer_u32(&w, p->own);
	writer_u32(&w, p->held);
	writer_u16(&w, p->size);
	writer_u16(&w, p->observed.port);
	writer_u64(&w, p->digest);
	writer_u32(&w, p->list);
	writer_bytes(&w, p->observed.ip, sizeof(p->observed.ip));
	assert(writer_ok(&w) && w.len == WIRE_PROBE_LEN);
}

enum drop_reason wire_unpack_rekey_1(struct wire_rekey_1 *m,
				     const struct wire_record *r)
{
	struct cursor c = cursor_init(r->body, r->len);

	memset(m, 0, sizeof(*m));
	if (r->flags)
		return DROP_record_flag;
	m->sender = cursor_u32(&c);
	cursor_copy(&c, m->noise, sizeof(m->noise));
	cursor_copy(&c, m->mac1, sizeof(m->mac1));
	return cursor_ok(&c) ? DROP_NONE : DROP_record_bad;
}

void wire_pack_rekey_1(const struct wire_rekey_1 *m,
		       uint8_t out[WIRE_REKEY_1_LEN])
{
	struct writer w = writer_init(out, WIRE_REKEY_1_LEN);

	writer_zeros(&w, WIRE_RECORD_LEN);
	wire_pack_record(out, WIRE_REKEY_1, 0,
			 WIRE_REKEY_1_LEN - WIRE_RECORD_LEN);
	writer_u32(&w, m->sender);
	writer_bytes(&w, m->noise, sizeof(m->noise));
	writer_bytes(&w, m->mac1, sizeof(m->mac1));
	assert(writer_ok(&w) && w.len == WIRE_REKEY_1_LEN);
}

enum drop_reason wire_unpack_rekey_2(struct wire_rekey_2 *m,
				     const struct wire_record *r)
{
	struct cursor c = cursor_init(r->body, r->len);

	memset(m, 0, sizeof(*m));
	if (r->flags)
		return DROP_record_flag;
	m->sender = cursor_u32(&c);
	m->receiver = cursor_u32(&c);
	cursor_copy(&c, m->noise, sizeof(m->noise));
	return cursor_ok(&c) ? DROP_NONE : DROP_record_bad;
}

void wire_pack_rekey_2(const struct wire_rekey_2 *m,
		       uint8_t out[WIRE_REKEY_2_LEN])
{
	struct writer w = writer_init(out, WIRE_REKEY_2_LEN);

	writer_zeros(&w, WIRE_RECORD_LEN);
	wire_pack_record(out, WIRE_REKEY_2, 0,
			 WIRE_REKEY_2_LEN - WIRE_RECORD_LEN);
	writer_u32(&w, m->sender);
	writer_u32(&w, m->receiver);
	writer_bytes(&w, m->noise, sizeof(m->noise));
	assert(writer_ok(&w) && w.len == WIRE_REKEY_2_LEN);
}

bool wire_begins_with_probe(const uint8_t *records, size_t len)
{
	return len >= WIRE_PROBE_LEN && records[0] == WIRE_PROBE;
}

bool wire_comes_beside(const uint8_t *records, size_t len)
{
	return wire_begins_with_probe(records, len) &&
	       (records[1] & (WIRE_PROBE_ECHO | WIRE_PROBE_BESIDE));
}

/* what a change says */
#define CHANGE_LEFT 0x01
#define CHANGE_V6   0x02

static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };

static void read_change(struct cursor *c, struct wire_change *out)
{
	uint8_t what = cursor_u8(c);

	*out = (struct wire_change){ .left = what & CHANGE_LEFT };
	out->vlan = cursor_u16(c);
	if (what & CHANGE_V6) {
		cursor_copy(c, out->ip, sizeof(out->ip));
	} else {
		memcpy(out->ip, v4_mapped, sizeof(v4_mapped));
		cursor_copy(c, out->ip + sizeof(v4_mapped), 4);
	}
	if (what & ~(CHANGE_LEFT | CHANGE_V6))
		c->failed = true;
}

bool wire_next_change(struct wire_groups *g, struct wire_change *out)
{
	if (!g->changes.left)
		return false;
	read_change(&g->changes, out);
	return cursor_ok(&g->changes);
}

enum drop_reason wire_unpack_groups(struct wire_groups *g,
				    const struct wire_record *r)
{
	struct cursor c = cursor_init(r->body, r->len);
	struct wire_change change;

	memset(g, 0, sizeof(*g));
	if (r->flags &
	    ~(WIRE_GROUPS_WANT_ALL | WIRE_GROUPS_ROUTER | WIRE_GROUPS_ACK))
		return DROP_record_flag;
	g->want_all = r->flags & WIRE_GROUPS_WANT_ALL;
	g->router = r->flags & WIRE_GROUPS_ROUTER;
	g->ack = r->flags & WIRE_GROUPS_ACK;
	g->epoch = cursor_u64(&c);
	g->base = cursor_u32(&c);
	g->version = cursor_u32(&c);
	g->latest = cursor_u32(&c);
	g->changes = c;
	while (cursor_ok(&c) && c.left)
		read_change(&c, &change);
	if (cursor_ok(&c) && g->base < g->version && g->version <= g->latest)
		return DROP_NONE;
	memset(g, 0, sizeof(*g));
	return DROP_record_bad;
}

void wire_pack_groups(const struct wire_groups *g, size_t changes,
		      uint8_t out[WIRE_GROUPS_LEN])
{
	struct writer w = writer_init(out, WIRE_GROUPS_LEN);
	unsigned int flags = (g->want_all ? WIRE_GROUPS_WANT_ALL : 0u) |
			     (g->router ? WIRE_GROUPS_ROUTER : 0u) |
			     (g->ack ? WIRE_GROUPS_ACK : 0u);

	writer_zeros(&w, WIRE_RECORD_LEN);
	wire_pack_record(
		out, WIRE_GROUPS, (uint8_t)flags,
		(uint16_t)(WIRE_GROUPS_LEN - WIRE_RECORD_LEN + changes));
	writer_u64(&w, g->epoch);
	writer_u32(&w, g->base);
	writer_u32(&w, g->version);
	writer_u32(&w, g->latest);
	assert(writer_ok(&w) && w.len == WIRE_GROUPS_LEN);
}

size_t wire_pack_change(const struct wire_change *c,
			uint8_t out[WIRE_CHANGE_MAX])
{
	struct writer w = writer_init(out, WIRE_CHANGE_MAX);
	bool v6 = memcmp(c->ip, v4_mapped, sizeof(v4_mapped)) != 0;

	writer_u8(&w, (uint8_t)((c->left ? CHANGE_LEFT : 0) |
				(v6 ? CHANGE_V6 : 0)));
	writer_u16(&w, c->vlan);
	if (v6)
		writer_bytes(&w, c->ip, sizeof(c->ip));
	else
		writer_bytes(&w, c->ip + sizeof(v4_mapped), 4);
	return w.len;
}

static void read_host(struct cursor *c, struct wire_host *h)
{
	memset(h, 0, sizeof(*h));
	cursor_copy(c, h->key, sizeof(h->key));
	h->addr.port = cursor_u16(c);
	cursor_copy(c, h->addr.ip, sizeof(h->addr.ip));
}

bool wire_next_host(struct wire_peers *p, struct wire_host *out)
{
	if (!p->hosts.left)
		return false;
	read_host(&p->hosts, out);
	return true;
}

enum drop_reason wire_unpack_peers(struct wire_peers *p,
				   const struct wire_record *r)
{
	struct cursor c = cursor_init(r->body, r->len);

	memset(p, 0, sizeof(*p));
	if (r->flags & ~WIRE_PEERS_ASK)
		return DROP_record_flag;
	p->ask = r->flags & WIRE_PEERS_ASK;
	if (p->ask) {
		p->since = cursor_u32(&c);
		return cursor_ok(&c) ? DROP_NONE : DROP_record_bad;
	}
	p->base = cursor_u32(&c);
	p->version = cursor_u32(&c);
	p->hosts = c;
	if (cursor_ok(&c) && p->base <= p->version &&
	    c.left % WIRE_HOST_LEN == 0)
		return DROP_NONE;
	memset(p, 0, sizeof(*p));
	return DROP_record_bad;
}

void wire_pack_peers_ask(uint32_t since, uint8_t out[WIRE_PEERS_ASK_LEN])
{
	wire_pack_record(out, WIRE_PEERS, WIRE_PEERS_ASK,
			 WIRE_PEERS_ASK_LEN - WIRE_RECORD_LEN);
	store_be32(out + WIRE_RECORD_LEN, since);
}

void wire_pack_peers(const struct wire_peers *p, size_t hosts,
		     uint8_t out[WIRE_PEERS_LEN])
{
	wire_pack_record(out, WIRE_PEERS, 0,
			 (uint16_t)(WIRE_PEERS_LEN - WIRE_RECORD_LEN +
				    hosts * WIRE_HOST_LEN));
	store_be32(out + WIRE_RECORD_LEN, p->base);
	store_be32(out + WIRE_RECORD_LEN + 4, p->version);
}

void wire_pack_host(const struct wire_host *h, uint8_t out[WIRE_HOST_LEN])
{
	struct writer w = writer_init(out, WIRE_HOST_LEN);

	writer_bytes(&w, h->key, sizeof(h->key));
	writer_u16(&w, h->addr.port);
	writer_bytes(&w, h->addr.ip, sizeof(h->addr.ip));
	assert(writer_ok(&w) && w.len == WIRE_HOST_LEN);
}

bool wire_name_valid(const char *name, size_t len)
{
	/* Not isalnum: it asks the locale. */
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";

	if (len < 1 || len > WIRE_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!memchr(allowed, name[i], sizeof(allowed) - 1))
			return false;
	}
	return true;
}
