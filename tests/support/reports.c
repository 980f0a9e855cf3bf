/* IGMP and MLD for tests: frames around messages, and the parser under watch. */
#include "support/reports.h"
#include "ether/snoop.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "support/frames.h"
#include "support/vectors.h"

struct group group_parse(uint16_t vlan, const char *ip)
{
	struct group g = { .vlan = vlan };
	struct addr a;

	ck_assert_msg(addr_parse(&a, ip, 1), "%s", ip);
	memcpy(g.ip, a.ip, sizeof(g.ip));
	return g;
}

static void put_ethernet(struct writer *w, uint16_t vlan, const char *dst,
			 uint16_t type)
{
	writer_bytes(w, dst, ETH_ADDR_LEN);
	writer_bytes(w, REPORT_SENDER, ETH_ADDR_LEN);
	if (vlan) {
		writer_u16(w, ETH_TYPE_VLAN);
		writer_u16(w, vlan);
	}
	writer_u16(w, type);
}

static size_t wrap_igmp(uint8_t out[REPORT_MAX], uint16_t vlan,
			const uint8_t *message, size_t len)
{
	struct writer w = writer_init(out, REPORT_MAX);

	put_ethernet(&w, vlan, "\x01\0\x5e\0\0\x16", ETH_TYPE_IPV4);
	writer_u16(&w, 0x46c0);
	writer_u16(&w, (uint16_t)(24 + len));
	writer_u32(&w, 0x00004000);
	writer_u32(&w, 0x01020000); /* TTL 1, IGMP */
	writer_u32(&w, 0x0a4d0001);
	writer_u32(&w, 0xe0000016);
	writer_u32(&w, 0x94040000);
	writer_bytes(&w, message, len);
	ck_assert(writer_ok(&w));
	igmp_repair(out, w.len);
	return w.len;
}

static size_t wrap_mld(uint8_t out[REPORT_MAX], uint16_t vlan,
		       const uint8_t *message, size_t len)
{
	struct writer w = writer_init(out, REPORT_MAX);

	put_ethernet(&w, vlan, "\x33\x33\0\0\0\x16", ETH_TYPE_IPV6);
	writer_u32(&w, 0x60000000);
	writer_u16(&w, (uint16_t)(8 + len));
	writer_u16(&w, 0x0001); /* hop-by-hop, hop limit 1 */
	writer_u64(&w, UINT64_C(0xfe80000000000000));
	writer_u64(&w, 1);
	writer_u64(&w, UINT64_C(0xff02000000000000));
	writer_u64(&w, 0x16);
	writer_u64(&w, UINT64_C(0x3a00050200000100));
	writer_bytes(&w, message, len);
	ck_assert(writer_ok(&w));
	mld_repair(out, w.len);
	return w.len;
}

size_t igmp_frame(uint8_t out[REPORT_MAX], uint16_t vlan, const char *hex)
{
	uint8_t message[REPORT_MAX];

	return wrap_igmp(out, vlan, message,
			 hex_decode(message, sizeof(message), hex));
}

size_t mld_frame(uint8_t out[REPORT_MAX], uint16_t vlan, const char *hex)
{
	uint8_t message[REPORT_MAX];

	return wrap_mld(out, vlan, message,
			hex_decode(message, sizeof(message), hex));
}

static void put_group(struct writer *w, const struct group *g)
{
	if (group_is_v4(g))
		writer_bytes(w, g->ip + 12, 4);
	else
		writer_bytes(w, g->ip, 16);
}

static void put_records(struct writer *w, enum report_type type,
			const struct group *groups, size_t count)
{
	writer_u16(w, 0);
	writer_u16(w, (uint16_t)count);
	for (size_t i = 0; i < count; i++) {
		writer_u8(w, (uint8_t)type);
		writer_u8(w, 0);
		writer_u16(w, type == REPORT_BLOCK);
		put_group(w, &groups[i]);
		if (type == REPORT_BLOCK) /* whatever source */
			put_group(w, &groups[i]);
	}
}

size_t report_frame(uint8_t out[REPORT_MAX], unsigned int version,
		    enum report_type type, const struct group *groups,
		    size_t count)
{
	static const uint8_t igmp_types[] = { 0x12, 0x16, 0x22 };
	static const uint8_t mld_types[] = { 131, 143 };
	const bool v6 = !group_is_v4(groups);
	const bool old = version < (v6 ? 2 : 3);
	uint8_t message[REPORT_MAX];
	struct writer w = writer_init(message, sizeof(message));
	uint8_t kind = v6 ? mld_types[version - 1] : igmp_types[version - 1];

	ck_assert(count == 1 || !old);
	if (old && type == REPORT_TO_NONE)
		kind = v6 ? 132 : 0x17;
	writer_u8(&w, kind);
	writer_zeros(&w, 3);
	if (old && v6)
		writer_u32(&w, 0);
	if (old)
		put_group(&w, groups);
	else
		put_records(&w, type, groups, count);
	ck_assert(writer_ok(&w));
	if (v6)
		return wrap_mld(out, groups->vlan, message, w.len);
	return wrap_igmp(out, groups->vlan, message, w.len);
}

/* Zeroes the checksum of the message that an L4 offset begins, if it has one,
 * and returns what to write there. */
static void repair(uint8_t *frame, size_t len, bool v6)
{
	struct eth_view v;
	uint64_t sum = 0;

	ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
	if (v.l4_offset == 0 || v.l3_end - v.l4_offset < 4)
		return;
	store_be16(frame + v.l4_offset + 2, 0);
	if (v6) {
		sum = checksum_add(sum, v.ip_src, 16);
		sum = checksum_add(sum, v.ip_dst, 16);
		sum += v.l3_end - v.l4_offset + 58u;
	}
	sum = checksum_add(sum, frame + v.l4_offset, v.l3_end - v.l4_offset);
	store_be16(frame + v.l4_offset + 2, checksum_fold(sum));
}

void igmp_repair(uint8_t *frame, size_t len)
{
	repair(frame, len, false);
}

void mld_repair(uint8_t *frame, size_t len)
{
	repair(frame, len, true);
}

static void hold_to_contract(const struct heard *h)
{
	const struct report *m = &h->m;
	const struct report silent = { .kind = m->kind };

	if (m->kind < REPORT_QUERY)
		ck_assert_msg(memcmp(&silent, m, sizeof(silent)) == 0,
			      "says more than its kind");
	if (m->kind != REPORT_MEMBERS)
		ck_assert_uint_eq(h->count, 0);
	for (size_t i = 0; i < h->count; i++) {
		const struct group *g = &h->records[i].group;

		ck_assert_int_eq(group_is_v4(g), !m->v6);
		ck_assert_uint_eq(g->vlan, m->vlan);
		ck_assert(m->v6 ? g->ip[0] == 0xff : g->ip[12] >> 4 == 0xe);
	}
}

struct heard hear(const uint8_t *frame, size_t len)
{
	struct group_record record;
	uint8_t *copy = malloc(len ? len : 1);
	struct heard h = { .count = 0 };
	struct eth_view v;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, frame, len);
	memset(&h.m, 0xaa, sizeof(h.m));
	ck_assert_int_eq(eth_parse(&v, copy, len), DROP_NONE);
	ck_assert_int_eq(snoop_parse(&h.m, &v, copy, len), h.m.kind);
	while (report_next(&h.m, &record)) {
		ck_assert_uint_lt(h.count, RECORDS_MAX);
		h.records[h.count++] = record;
	}
	ck_assert_uint_eq(h.m.records, 0);
	free(copy);
	hold_to_contract(&h);
	return h;
}

struct heard hear_igmp(const char *hex)
{
	uint8_t frame[REPORT_MAX];
	size_t len = igmp_frame(frame, 0, hex);

	return hear(frame, len);
}

struct heard hear_mld(const char *hex)
{
	uint8_t frame[REPORT_MAX];
	size_t len = mld_frame(frame, 0, hex);

	return hear(frame, len);
}

void heard_assert(const struct heard *h, size_t i, const char *ip,
		  enum report_says says, bool current)
{
	ck_assert_uint_lt(i, h->count);
	frame_assert_ip(h->records[i].group.ip, ip);
	ck_assert_int_eq(h->records[i].says, says);
	ck_assert_int_eq(h->records[i].current, current);
}
