#include "ether/mld.h"

#include <assert.h>
#include <string.h>

#include "base/checksum.h"
#include "base/inet.h"

#define ROUTER_ALERT_LEN 8
#define MLD_LEN		 24
#define MLDV2_QUERY_LEN	 28
#define MLDV2_REPORT_LEN 8

static bool is_answerable(const struct eth_view *v, const uint8_t *frame)
{
	const uint8_t *ip = frame + v->l3_offset;

	return ip[6] == INET_PROTO_HOP_BY_HOP && ip[7] == 1 &&
	       load_be16(v->ip_src) >> 6 == 0xfe80 >> 6;
}

/* The versions are told apart by length: RFC 3810, 8.1. */
static bool parse_query(struct report *m, struct cursor *c, size_t len)
{
	static const uint8_t any[16];
	uint32_t code = cursor_u16(c);

	cursor_u16(c); /* reserved */
	if (!report_read_group(m, c, &m->group) &&
	    memcmp(m->group.ip, any, sizeof(any)) != 0)
		return false;
	if (len == MLD_LEN) {
		m->version = 1;
		m->response_ms = code;
	} else {
		cursor_u16(c); /* flags, robustness, interval */
		cursor_take(c, (size_t)cursor_u16(c) * 16);
		m->version = 2;
		m->response_ms = report_decode(code, 12);
	}
	m->kind = REPORT_QUERY;
	return cursor_ok(c);
}

static bool parse_old(struct report *m, struct cursor *c, enum report_says says)
{
	cursor_u32(c); /* delay, reserved */
	m->kind = REPORT_MEMBERS;
	m->version = 1;
	m->says = says;
	m->records = 1;
	return report_read_group(m, c, &m->group);
}

static bool parse_records(struct report *m, struct cursor *c)
{
	m->version = 2;
	cursor_u16(c); /* reserved */
	return report_take_records(m, c, cursor_u16(c));
}

/* RFC 8200, section 8.1: with a pseudo-header. */
static uint16_t checksum(const uint8_t addresses[32], const uint8_t *message,
			 size_t len)
{
	uint64_t sum = checksum_add(0, addresses, 32);

	return checksum_fold(
		checksum_add(sum + len + INET_PROTO_ICMPV6, message, len));
}

static bool parse_message(struct report *m, const struct eth_view *v,
			  const uint8_t *frame)
{
	const uint8_t *message = frame + v->l4_offset;
	size_t len = v->l3_end - v->l4_offset;
	struct cursor c = cursor_init(message, len);
	uint8_t type = cursor_u8(&c);

	if (checksum(frame + v->l3_offset + 8, message, len))
		return false;
	cursor_take(&c, 3); /* code, checksum */
	switch (type) {
	case MLD_QUERY:
		return is_answerable(v, frame) && parse_query(m, &c, len);
	case MLD_REPORT:
		return parse_old(m, &c, REPORT_WANTS);
	case MLD_DONE:
		return parse_old(m, &c, REPORT_LEAVES);
	default:
		return parse_records(m, &c);
	}
}

enum report_kind mld_parse(struct report *m, const struct eth_view *v,
			   const uint8_t *frame, size_t len)
{
	*m = (struct report){ .kind = REPORT_NONE };
	if (v->l3 != ETH_L3_IPV6 || !eth_is_membership(v, frame, len))
		return REPORT_NONE;
	m->v6 = true;
	m->vlan = v->vlan;
	m->has_source = true;
	if (v->ip_fragment || v->l3_end > len || !parse_message(m, v, frame))
		*m = (struct report){ .kind = REPORT_BAD };
	return m->kind;
}

static void put_ipv6(struct writer *w, const uint8_t mac[ETH_ADDR_LEN],
		     const struct group *to)
{
	writer_u32(w, 0x60000000);
	writer_u16(w, ROUTER_ALERT_LEN + MLDV2_QUERY_LEN);
	writer_u8(w, INET_PROTO_HOP_BY_HOP);
	writer_u8(w, 1);
	/* fe80:: and the MAC as an interface identifier: RFC 4291, appendix A */
	writer_u64(w, UINT64_C(0xfe80000000000000));
	writer_u8(w, mac[0] ^ 2);
	writer_bytes(w, mac + 1, 2);
	writer_u16(w, 0xfffe);
	writer_bytes(w, mac + 3, 3);
	writer_bytes(w, to->ip, sizeof(to->ip));
	/* router alert for MLD (RFC 2711), and padding */
	writer_u8(w, INET_PROTO_ICMPV6);
	writer_u8(w, 0);
	writer_u32(w, 0x05020000);
	writer_u16(w, 0x0100);
}

static void put_mld(struct writer *w, const struct group *group, uint16_t code)
{
	const uint8_t *addresses = w->start + w->len - ROUTER_ALERT_LEN - 32;
	uint8_t *message = w->start + w->len;

	writer_u16(w, MLD_QUERY << 8);
	writer_u16(w, 0);
	writer_u16(w, code);
	writer_u16(w, 0);
	writer_bytes(w, group->ip, sizeof(group->ip));
	writer_u8(w, 2);   /* robustness */
	writer_u8(w, 125); /* interval, in seconds */
	writer_u16(w, 0);
	store_be16(message + 2, checksum(addresses, message, MLDV2_QUERY_LEN));
}

size_t mld_build_query(uint8_t out[MLD_QUERY_MAX], const struct group *group,
		       uint32_t response_ms, const uint8_t mac[ETH_ADDR_LEN])
{
	struct writer w = writer_init(out, MLD_QUERY_MAX);
	struct group to = *group;

	assert(response_ms < 0x8000);
	if (to.ip[0] == 0) {
		to.ip[0] = 0xff; /* ff02::1: all nodes */
		to.ip[1] = 0x02;
		to.ip[15] = 1;
	}
	report_put_ethernet(&w, &to, mac, ETH_TYPE_IPV6);
	put_ipv6(&w, mac, &to);
	put_mld(&w, group, (uint16_t)response_ms);
	assert(writer_ok(&w));
	return w.len;
}
