#include "ether/igmp.h"

#include <assert.h>

#include "base/checksum.h"
#include "base/inet.h"

#define IPV4_QUERY_LEN 24 /* with the router alert option */
#define IGMP_LEN       8
#define IGMPV3_LEN     12

/* The versions are told apart by length and code: RFC 3376, 7.1. */
static bool parse_query(struct report *m, struct cursor *c, uint8_t code,
			size_t len)
{
	if (!report_read_group(m, c, &m->group)) {
		if (load_be32(m->group.ip + 12) != 0)
			return false;
		m->group = (struct group){ .vlan = m->vlan }; /* general */
	}
	if (len == IGMP_LEN) {
		m->version = code ? 2 : 1;
		m->response_ms = code ? code * 100u : 10000;
	} else {
		cursor_u16(c); /* flags, robustness, interval */
		cursor_take(c, (size_t)cursor_u16(c) * 4);
		m->version = 3;
		m->response_ms = report_decode(code, 4) * 100;
	}
	m->kind = REPORT_QUERY;
	return cursor_ok(c);
}

static bool parse_old(struct report *m, struct cursor *c, uint8_t version,
		      enum report_says says)
{
	m->kind = REPORT_MEMBERS;
	m->version = version;
	m->says = says;
	m->records = 1;
	return report_read_group(m, c, &m->group);
}

static bool parse_records(struct report *m, struct cursor *c)
{
	m->version = 3;
	cursor_u16(c); /* reserved */
	return report_take_records(m, c, cursor_u16(c));
}

static bool parse_message(struct report *m, const uint8_t *message, size_t len)
{
	struct cursor c = cursor_init(message, len);
	uint8_t type, code;

	if (len < IGMP_LEN || checksum_fold(checksum_add(0, message, len)))
		return false;
	type = cursor_u8(&c);
	code = cursor_u8(&c);
	cursor_u16(&c);
	switch (type) {
	case IGMP_QUERY:
		return parse_query(m, &c, code, len);
	case IGMPV1_REPORT:
		return parse_old(m, &c, 1, REPORT_WANTS);
	case IGMPV2_REPORT:
		return parse_old(m, &c, 2, REPORT_WANTS);
	case IGMP_LEAVE:
		return parse_old(m, &c, 2, REPORT_LEAVES);
	case IGMPV3_REPORT:
		return parse_records(m, &c);
	default:
		m->kind = REPORT_OTHER;
		return true;
	}
}

enum report_kind igmp_parse(struct report *m, const struct eth_view *v,
			    const uint8_t *frame, size_t len)
{
	bool ok;

	*m = (struct report){ .kind = REPORT_NONE };
	if (v->l3 != ETH_L3_IPV4 || v->ip_proto != INET_PROTO_IGMP)
		return REPORT_NONE;
	m->vlan = v->vlan;
	m->has_source = load_be32(v->ip_src + 12) != 0;
	ok = v->l4_offset != 0 && !v->ip_fragment && v->l3_end <= len &&
	     parse_message(m, frame + v->l4_offset, v->l3_end - v->l4_offset);
	if (!ok)
		*m = (struct report){ .kind = REPORT_BAD };
	else if (m->kind == REPORT_OTHER)
		*m = (struct report){ .kind = REPORT_OTHER };
	return m->kind;
}

static void put_ipv4(struct writer *w, uint32_t dst)
{
	uint8_t *header = w->start + w->len;

	writer_u16(w, 0x46c0); /* precedence internetwork control */
	writer_u16(w, IPV4_QUERY_LEN + IGMPV3_LEN);
	writer_u32(w, 0x00004000); /* do not fragment */
	writer_u8(w, 1);
	writer_u8(w, INET_PROTO_IGMP);
	writer_u16(w, 0);
	writer_u32(w, 0);
	writer_u32(w, dst);
	writer_u32(w, 0x94040000); /* router alert: RFC 2113 */
	store_be16(header + 10,
		   checksum_fold(checksum_add(0, header, IPV4_QUERY_LEN)));
}

static void put_igmp(struct writer *w, uint32_t group, uint8_t code)
{
	uint8_t *message = w->start + w->len;

	writer_u8(w, IGMP_QUERY);
	writer_u8(w, code);
	writer_u16(w, 0);
	writer_u32(w, group);
	writer_u8(w, 2);   /* robustness */
	writer_u8(w, 125); /* interval, in seconds */
	writer_u16(w, 0);
	store_be16(message + 2,
		   checksum_fold(checksum_add(0, message, IGMPV3_LEN)));
}

size_t igmp_build_query(uint8_t out[IGMP_QUERY_MAX], const struct group *group,
			uint32_t response_ms, const uint8_t mac[ETH_ADDR_LEN])
{
	struct writer w = writer_init(out, IGMP_QUERY_MAX);
	uint32_t asked = load_be32(group->ip + 12);
	struct group to =
		group_v4(group->vlan, asked ? asked : 0xe0000001 /* all */);

	assert(response_ms < 12800);
	report_put_ethernet(&w, &to, mac, ETH_TYPE_IPV4);
	put_ipv4(&w, load_be32(to.ip + 12));
	put_igmp(&w, asked, (uint8_t)(response_ms / 100));
	assert(writer_ok(&w));
	return w.len;
}
