/* Frames for tests. */
#include "support/frames.h"

#include <string.h>

#include "base/checksum.h"
#include "base/inet.h"

#define ALERT_LEN  4 /* RFC 2113 */
#define ALERT6_LEN 8 /* RFC 2711, in a hop-by-hop header */
#define IPV4_CSUM  10
#define TTL	   64

/* ---- Ethernet ---- */

void put_ethernet(struct writer *w, const uint8_t dst[ETH_ADDR_LEN],
		  const uint8_t src[ETH_ADDR_LEN], uint16_t vlan, uint16_t type)
{
	writer_bytes(w, dst, ETH_ADDR_LEN);
	writer_bytes(w, src, ETH_ADDR_LEN);
	if (vlan) {
		writer_u16(w, ETH_TYPE_VLAN);
		writer_u16(w, vlan);
	}
	writer_u16(w, type);
}

void put_eth(struct writer *w, uint8_t dst, uint8_t src, uint16_t type)
{
	const uint8_t to[ETH_ADDR_LEN] = { 2, 0, 0, 0, 0, dst };
	const uint8_t from[ETH_ADDR_LEN] = { 2, 0, 0, 0, 0, src };

	put_ethernet(w, to, from, 0, type);
}

/* ---- IP ---- */

static bool is_v4(const struct ip_header *ip)
{
	struct addr dst = { .port = 0 };

	memcpy(dst.ip, ip->dst, sizeof(dst.ip));
	return addr_is_v4(&dst);
}

static void put_v4(struct writer *w, const struct ip_header *ip, size_t len)
{
	size_t header_len =
		IPV4_HEADER_MIN + (ip->router_alert ? ALERT_LEN : 0);
	uint8_t *header = w->start + w->len;

	writer_u8(w, (uint8_t)(0x40 | header_len / 4));
	writer_u8(w, ip->tos);
	writer_u16(w, (uint16_t)(header_len + len));
	writer_u16(w, ip->id);
	writer_u16(w, ip->df ? IPV4_DF : 0);
	writer_u8(w, ip->ttl);
	writer_u8(w, ip->proto);
	writer_u16(w, 0);
	writer_bytes(w, ip->src + 12, 4);
	writer_bytes(w, ip->dst + 12, 4);
	if (ip->router_alert)
		writer_u32(w, 0x94040000);
	if (ip->summed && writer_ok(w))
		store_be16(header + IPV4_CSUM,
			   checksum_fold(checksum_add(0, header, header_len)));
}

static void put_v6(struct writer *w, const struct ip_header *ip, size_t len)
{
	writer_u32(w, 0x60000000u | (uint32_t)ip->tos << 20 | ip->label);
	writer_u16(w, (uint16_t)(len + (ip->router_alert ? ALERT6_LEN : 0)));
	writer_u8(w, ip->router_alert ? INET_PROTO_HOP_BY_HOP : ip->proto);
	writer_u8(w, ip->ttl);
	writer_bytes(w, ip->src, 16);
	writer_bytes(w, ip->dst, 16);
	if (!ip->router_alert)
		return;
	writer_u8(w, ip->proto);
	writer_u8(w, 0);
	writer_u32(w, 0x05020000);
	writer_u16(w, 0x0100); /* PadN */
}

void put_ip(struct writer *w, const struct ip_header *ip, size_t payload_len)
{
	if (is_v4(ip))
		put_v4(w, ip, payload_len);
	else
		put_v6(w, ip, payload_len);
}

void put_ipv4(struct writer *w, uint8_t proto, size_t payload_len)
{
	const struct ip_header ip = {
		.src = { [10] = 0xff, 0xff, 10, 77, 0, 1 },
		.dst = { [10] = 0xff, 0xff, 10, 77, 0, 2 },
		.proto = proto,
		.ttl = TTL,
		.id = 0x1234,
		.df = true,
	};

	put_ip(w, &ip, payload_len);
}

void put_ipv6(struct writer *w, uint8_t next, size_t payload_len)
{
	const struct ip_header ip = {
		.src = { 0xfd, 0x77, [15] = 1 },
		.dst = { 0xfd, 0x77, [15] = 2 },
		.proto = next,
		.ttl = TTL,
	};

	put_ip(w, &ip, payload_len);
}

/* ---- UDP ---- */

void put_udp_header(struct writer *w, uint16_t src_port, uint16_t dst_port,
		    size_t payload_len)
{
	writer_u16(w, src_port);
	writer_u16(w, dst_port);
	writer_u16(w, (uint16_t)(UDP_HEADER_LEN + payload_len));
	writer_u16(w, 0);
}

void put_udp(struct writer *w, uint16_t dst_port, size_t payload_len)
{
	put_udp_header(w, 40000, dst_port, payload_len);
	writer_zeros(w, payload_len);
}

void put_group_udp(struct writer *w, const struct group *to,
		   const uint8_t src[ETH_ADDR_LEN], uint16_t port,
		   size_t payload_len)
{
	static const uint8_t from_v4[] = { [10] = 0xff, 0xff, 10, 77, 0, 1 };
	static const uint8_t from_v6[] = { 0xfe, 0x80, [15] = 1 };
	struct ip_header ip = { .proto = INET_PROTO_UDP, .ttl = 1 };
	bool v4 = group_is_v4(to);
	uint8_t dst[ETH_ADDR_LEN];

	group_mac(to, dst);
	memcpy(ip.src, v4 ? from_v4 : from_v6, sizeof(ip.src));
	memcpy(ip.dst, to->ip, sizeof(ip.dst));
	put_ethernet(w, dst, src, to->vlan, v4 ? ETH_TYPE_IPV4 : ETH_TYPE_IPV6);
	put_ip(w, &ip, UDP_HEADER_LEN + payload_len);
	put_udp_header(w, port, port, payload_len);
}
