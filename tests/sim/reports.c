#include "reports.h"

#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/inet.h"
#include "ether/igmp.h"
#include "ether/mld.h"
#include "ether/report.h"

#define IPV4_LEN   24 /* with the router alert option */
#define IPV6_LEN   48 /* with the hop-by-hop header */
#define MLD_PSEUDO 32

size_t report_room(bool v6)
{
	return v6 ? 70 : REPORT_GROUPS_MAX;
}

/* Where a report goes to: RFC 3376, 4.2.14; RFC 2236, 9; RFC 3810, 5.2.14. */
static struct group destination(const struct host_report *r)
{
	struct group g = r->groups[0];
	bool v6 = !group_is_v4(&g);
	uint8_t last = r->old ? 2 : 22;

	if (r->old && r->says != REPORT_LEAVE)
		return g;
	if (!v6)
		return group_v4(g.vlan, 0xe0000000u + last);
	memset(g.ip, 0, sizeof(g.ip));
	g.ip[0] = 0xff;
	g.ip[1] = 0x02;
	g.ip[15] = last;
	return g;
}

static void put_ipv4(struct writer *w, uint32_t serial, uint32_t dst,
		     size_t len)
{
	uint8_t *header = w->start + w->len;

	writer_u16(w, 0x46c0);
	writer_u16(w, (uint16_t)(IPV4_LEN + len));
	writer_u16(w, (uint16_t)serial);
	writer_u16(w, 0);
	writer_u8(w, 1);
	writer_u8(w, INET_PROTO_IGMP);
	writer_u16(w, 0);
	writer_u32(w, 0x0a000000u | (serial & 0xffffffu));
	writer_u32(w, dst);
	writer_u32(w, 0x94040000); /* router alert: RFC 2113 */
	store_be16(header + 10,
		   checksum_fold(checksum_add(0, header, IPV4_LEN)));
}

static void put_ipv6(struct writer *w, uint32_t serial, const uint8_t dst[16],
		     size_t len)
{
	writer_u32(w, 0x60000000u | (serial & 0xfffffu));
	writer_u16(w, (uint16_t)(8 + len));
	writer_u8(w, 0);
	writer_u8(w, 1);
	writer_u64(w, UINT64_C(0xfe80000000000000));
	writer_u64(w, serial + UINT64_C(1));
	writer_bytes(w, dst, 16);
	writer_u8(w, INET_PROTO_ICMPV6);
	writer_u8(w, 0);
	writer_u32(w, 0x05020000); /* router alert: RFC 2711 */
	writer_u16(w, 0x0100);
}

static void put_group(struct writer *w, const struct group *g)
{
	if (group_is_v4(g))
		writer_bytes(w, g->ip + 12, 4);
	else
		writer_bytes(w, g->ip, 16);
}

static uint8_t message_type(const struct host_report *r, bool v6)
{
	if (!r->old)
		return v6 ? MLDV2_REPORT : IGMPV3_REPORT;
	if (r->says == REPORT_LEAVE)
		return v6 ? MLD_DONE : IGMP_LEAVE;
	return v6 ? MLD_REPORT : IGMPV2_REPORT;
}

static size_t put_message(uint8_t *out, size_t size,
			  const struct host_report *r)
{
	struct writer w = writer_init(out, size);
	bool v6 = !group_is_v4(&r->groups[0]);

	writer_u8(&w, message_type(r, v6));
	writer_zeros(&w, 3);
	if (r->old && v6)
		writer_u32(&w, 0);
	if (r->old) {
		put_group(&w, &r->groups[0]);
		return w.len;
	}
	writer_u16(&w, 0);
	writer_u16(&w, (uint16_t)r->count);
	for (size_t i = 0; i < r->count; i++) {
		writer_u8(&w, (uint8_t)r->says);
		writer_u8(&w, 0);
		writer_u16(&w, 0);
		put_group(&w, &r->groups[i]);
	}
	return w.len;
}

size_t report_build(uint8_t out[REPORT_FRAME_MAX], const struct host_report *r)
{
	struct writer w = writer_init(out, REPORT_FRAME_MAX);
	struct group to = destination(r);
	uint8_t body[REPORT_FRAME_MAX], *message;
	size_t len = put_message(body, sizeof(body), r);
	bool v6 = !group_is_v4(&to);
	uint64_t sum = 0;

	report_put_ethernet(&w, &to, r->mac,
			    v6 ? ETH_TYPE_IPV6 : ETH_TYPE_IPV4);
	if (v6)
		put_ipv6(&w, r->serial, to.ip, len);
	else
		put_ipv4(&w, r->serial, load_be32(to.ip + 12), len);
	message = out + w.len;
	writer_bytes(&w, body, len);
	if (v6)
		sum = checksum_add(len + INET_PROTO_ICMPV6,
				   message - IPV6_LEN + 8, MLD_PSEUDO);
	store_be16(message + 2, checksum_fold(checksum_add(sum, message, len)));
	return w.len;
}

/* Ours, with a source: a querier's own has none for IPv4, and its MAC's. */
size_t router_query_build(uint8_t out[REPORT_FRAME_MAX], const uint8_t mac[6],
			  uint16_t vlan, bool v6, bool old, uint32_t serial)
{
	const struct group all = { .vlan = vlan };
	size_t l3 = ETH_HEADER_LEN + (vlan ? ETH_TAG_LEN : 0), len;
	uint8_t *message = out + l3 + IPV4_LEN;

	if (v6) {
		len = mld_build_query(out, &all, 10000, mac);
		store_be32(out + l3, 0x60000000u | (serial & 0xfffffu));
		return len;
	}
	len = igmp_build_query(out, &all, 10000, mac);
	store_be16(out + l3 + 4, (uint16_t)serial);
	store_be32(out + l3 + 12, 0x0a000000u | (serial & 0xffffffu));
	if (!old)
		return len;
	len -= 4;
	store_be16(out + l3 + 2, IPV4_LEN + 8);
	store_be16(message + 2, 0);
	store_be16(message + 2, checksum_fold(checksum_add(0, message, 8)));
	return len;
}
