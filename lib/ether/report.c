#include "ether/report.h"

/* RFC 3376, 4.2.12; RFC 3810, 5.2.12 has the same. */
enum record_type {
	MODE_IS_INCLUDE = 1,
	MODE_IS_EXCLUDE = 2,
	CHANGE_TO_INCLUDE = 3,
	CHANGE_TO_EXCLUDE = 4,
	ALLOW_NEW_SOURCES = 5,
	BLOCK_OLD_SOURCES = 6,
};

bool report_is_old(const struct report *m)
{
	return m->version < (m->v6 ? 2 : 3);
}

uint32_t report_decode(uint32_t code, unsigned int mantissa_bits)
{
	uint32_t top = UINT32_C(1) << mantissa_bits;
	uint32_t exponent = code >> mantissa_bits & 7;

	if (code < top << 3)
		return code;
	return ((code & (top - 1)) | top) << (exponent + 3);
}

bool report_read_group(const struct report *m, struct cursor *c,
		       struct group *out)
{
	*out = (struct group){ .vlan = m->vlan };
	if (m->v6) {
		cursor_copy(c, out->ip, sizeof(out->ip));
		return out->ip[0] == 0xff;
	}
	*out = group_v4(m->vlan, cursor_u32(c));
	return out->ip[12] >> 4 == 0xe;
}

/* Reads one group record; false if it is malformed. */
static bool read_record(const struct report *m, struct cursor *c,
			struct group_record *out, bool *known)
{
	uint8_t type = cursor_u8(c);
	size_t aux_len = (size_t)cursor_u8(c) * 4;
	uint16_t sources = cursor_u16(c);
	bool is_group = report_read_group(m, c, &out->group);

	cursor_take(c, (size_t)sources * (m->v6 ? 16 : 4));
	cursor_take(c, aux_len);
	*known = type >= MODE_IS_INCLUDE && type <= BLOCK_OLD_SOURCES;
	out->current = type == MODE_IS_INCLUDE || type == MODE_IS_EXCLUDE;
	out->says = REPORT_WANTS;
	if (type == CHANGE_TO_INCLUDE && sources == 0)
		out->says = REPORT_LEAVES;
	else if (type == BLOCK_OLD_SOURCES)
		out->says = REPORT_UNSURE;
	return cursor_ok(c) && (is_group || !*known);
}

bool report_take_records(struct report *m, const struct cursor *c,
			 uint16_t count)
{
	struct cursor at = *c;
	struct group_record record;
	bool known;

	for (uint16_t i = 0; i < count; i++)
		if (!read_record(m, &at, &record, &known))
			return false;
	m->kind = REPORT_MEMBERS;
	m->records = count;
	m->at = *c;
	return cursor_ok(c);
}

bool report_next(struct report *m, struct group_record *out)
{
	bool known = false;

	*out = (struct group_record){ .current = false };
	if (m->kind != REPORT_MEMBERS)
		return false;
	while (m->records > 0 && !known) {
		m->records--;
		if (report_is_old(m)) {
			out->group = m->group;
			out->says = m->says;
			return true;
		}
		read_record(m, &m->at, out, &known);
	}
	return known;
}

void report_put_ethernet(struct writer *w, const struct group *to,
			 const uint8_t src[ETH_ADDR_LEN], enum eth_type type)
{
	uint8_t dst[ETH_ADDR_LEN];

	group_mac(to, dst);
	writer_bytes(w, dst, ETH_ADDR_LEN);
	writer_bytes(w, src, ETH_ADDR_LEN);
	if (to->vlan != 0) {
		writer_u16(w, ETH_TYPE_VLAN);
		writer_u16(w, to->vlan);
	}
	writer_u16(w, (uint16_t)type);
}
