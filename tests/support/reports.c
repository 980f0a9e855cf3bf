/* IGMP and MLD for tests, as hosts and routers send them. */
#include "support/reports.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/inet.h"
#include "ether/igmp.h"
#include "ether/mld.h"
#include "support/frames.h"
#include "support/vectors.h"

#define IPV4_LEN 24 /* with the router alert option */

struct group group_parse(uint16_t vlan, const char *ip)
{
	struct group g = { .vlan = vlan };
	struct addr a;
	bool ok = addr_parse(&a, ip, 1);

	assert(ok);
	memcpy(g.ip, a.ip, sizeof(g.ip));
	return g;
}

size_t report_room(bool v6)
{
	return v6 ? 70 : REPORT_GROUPS_MAX;
}

/* ---- frames around messages ---- */

/* From 10/8 or fe80::/64, by serial. The message has no checksum yet. */
static size_t wrap(uint8_t out[REPORT_MAX], const struct group *to,
		   const uint8_t mac[ETH_ADDR_LEN], uint32_t serial,
		   const uint8_t *message, size_t len)
{
	bool v6 = !group_is_v4(to);
	struct writer w = writer_init(out, REPORT_MAX);
	struct ip_header ip = { .ttl = 1,
				.router_alert = true,
				.proto = v6 ? INET_PROTO_ICMPV6
					    : INET_PROTO_IGMP };

	memcpy(ip.dst, to->ip, sizeof(ip.dst));
	if (v6) {
		ip.label = serial & 0xfffff;
		store_be16(ip.src, 0xfe80);
		store_be64(ip.src + 8, serial + UINT64_C(1));
	} else {
		ip.tos = 0xc0;
		ip.id = (uint16_t)serial;
		ip.summed = true;
		store_be16(ip.src + 10, 0xffff);
		store_be32(ip.src + 12, 0x0a000000u | (serial & 0xffffffu));
	}
	report_put_ethernet(&w, to, mac, v6 ? ETH_TYPE_IPV6 : ETH_TYPE_IPV4);
	put_ip(&w, &ip, len);
	writer_bytes(&w, message, len);
	assert(writer_ok(&w));
	if (v6)
		mld_repair(out, w.len);
	else
		igmp_repair(out, w.len);
	return w.len;
}

static struct group all_who_snoop(uint16_t vlan, bool v6, uint8_t last)
{
	struct group g = { .vlan = vlan, .ip = { 0xff, 0x02 } };

	if (!v6)
		return group_v4(vlan, 0xe0000000u + last);
	g.ip[15] = last;
	return g;
}

static size_t wrap_hex(uint8_t out[REPORT_MAX], uint16_t vlan, bool v6,
		       const char *hex)
{
	const struct group to = all_who_snoop(vlan, v6, 22);
	uint8_t message[REPORT_MAX];

	return wrap(out, &to, (const uint8_t *)REPORT_SENDER, 0, message,
		    hex_decode(message, sizeof(message), hex));
}

size_t igmp_frame(uint8_t out[REPORT_MAX], uint16_t vlan, const char *hex)
{
	return wrap_hex(out, vlan, false, hex);
}

size_t mld_frame(uint8_t out[REPORT_MAX], uint16_t vlan, const char *hex)
{
	return wrap_hex(out, vlan, true, hex);
}

/* Zeroes the checksum of the message that an L4 offset begins, if it has one,
 * and returns what to write there. */
static void repair(uint8_t *frame, size_t len, bool v6)
{
	struct eth_view v;
	enum drop_reason reason = eth_parse(&v, frame, len);
	uint64_t sum = 0;

	assert(reason == DROP_NONE);
	if (v.l4_offset == 0 || v.l3_end - v.l4_offset < 4)
		return;
	store_be16(frame + v.l4_offset + 2, 0);
	if (v6) {
		sum = checksum_add(sum, v.ip_src, 16);
		sum = checksum_add(sum, v.ip_dst, 16);
		sum += v.l3_end - v.l4_offset + INET_PROTO_ICMPV6;
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

/* ---- reports ---- */

/* RFC 3376, 4.2.14; RFC 2236, 9; RFC 3810, 5.2.14. */
static struct group destination(const struct host_report *r)
{
	const struct group *g = &r->groups[0];

	if (r->old && r->says != REPORT_LEAVE)
		return *g;
	return all_who_snoop(g->vlan, !group_is_v4(g), r->old ? 2 : 22);
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
	static const uint8_t igmp[] = { IGMPV3_REPORT, IGMPV2_REPORT,
					IGMPV1_REPORT },
			     mld[] = { MLDV2_REPORT, MLD_REPORT };

	if (r->old && r->says == REPORT_LEAVE)
		return v6 ? MLD_DONE : IGMP_LEAVE;
	return v6 ? mld[r->old] : igmp[r->old];
}

static void put_record(struct writer *w, enum report_type says,
		       const struct group *g)
{
	writer_u8(w, (uint8_t)says);
	writer_u8(w, 0);
	writer_u16(w, says == REPORT_BLOCK);
	put_group(w, g);
	if (says == REPORT_BLOCK) /* whatever source */
		put_group(w, g);
}

size_t report_build(uint8_t out[REPORT_MAX], const struct host_report *r)
{
	const struct group to = destination(r);
	bool v6 = !group_is_v4(&to);
	uint8_t message[REPORT_MAX];
	struct writer w = writer_init(message, sizeof(message));

	assert(r->count == 1 || !r->old);
	writer_u8(&w, message_type(r, v6));
	writer_zeros(&w, 3);
	if (r->old) {
		writer_zeros(&w, v6 ? 4 : 0);
		put_group(&w, &r->groups[0]);
	} else {
		writer_u16(&w, 0);
		writer_u16(&w, (uint16_t)r->count);
		for (size_t i = 0; i < r->count; i++)
			put_record(&w, r->says, &r->groups[i]);
	}
	assert(writer_ok(&w));
	return wrap(out, &to, r->mac, r->serial, message, w.len);
}

size_t report_frame(uint8_t out[REPORT_MAX], unsigned int version,
		    enum report_type type, const struct group *groups,
		    size_t count)
{
	struct host_report r = { .old = (group_is_v4(groups) ? 3 : 2) - version,
				 .says = type,
				 .count = count };

	assert(count <= REPORT_GROUPS_MAX);
	memcpy(r.mac, REPORT_SENDER, ETH_ADDR_LEN);
	memcpy(r.groups, groups, count * sizeof(*groups));
	return report_build(out, &r);
}

/* ---- queries ---- */

/* Ours, with a source: a querier's own has none for IPv4, and its MAC's. */
size_t router_query_build(uint8_t out[REPORT_MAX],
			  const uint8_t mac[ETH_ADDR_LEN], uint16_t vlan,
			  bool v6, bool old, uint32_t serial)
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
