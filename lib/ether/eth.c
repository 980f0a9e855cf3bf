#include "ether/eth.h"

#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/inet.h"

/* Few packets have one extension header, hardly any two. Bounds an attacker's. */
#define IPV6_EXTENSIONS_MAX 8

size_t eth_frame_max(uint32_t mtu)
{
	return (size_t)mtu + ETH_OVERHEAD_MAX;
}

bool eth_is_group(const uint8_t mac[ETH_ADDR_LEN])
{
	return (mac[0] & 1) != 0;
}

static bool is_usable_source(const uint8_t mac[ETH_ADDR_LEN])
{
	static const uint8_t zero[ETH_ADDR_LEN];

	return !eth_is_group(mac) && memcmp(mac, zero, ETH_ADDR_LEN) != 0;
}

bool eth_is_tag(uint16_t type)
{
	return type == ETH_TYPE_VLAN || type == ETH_TYPE_QINQ;
}

static void v4_mapped(uint8_t ip[16], const uint8_t *bytes)
{
	ip[10] = ip[11] = 0xff;
	memcpy(ip + 12, bytes, 4);
}

/* RFC 791. The packet of a GSO frame ends with the frame, whatever its length says. */
static void view_ipv4(struct eth_view *v, const uint8_t *frame, size_t len,
		      bool gso_frame)
{
	const uint8_t *ip = frame + v->l3_offset;
	size_t left = len - v->l3_offset;
	size_t header, total;

	if (left < IPV4_HEADER_MIN || ip[0] >> 4 != 4)
		return;
	header = (size_t)(ip[0] & 0xf) * 4;
	total = gso_frame ? left : load_be16(ip + 2);
	if (header < IPV4_HEADER_MIN || total < header || total > left)
		return;
	v->l3 = ETH_L3_IPV4;
	v->l3_end = (uint32_t)(v->l3_offset + total);
	v->ip_proto = ip[9];
	v4_mapped(v->ip_src, ip + 12);
	v4_mapped(v->ip_dst, ip + 16);
	/* More fragments, or an offset. */
	v->ip_fragment = (load_be16(ip + 6) & 0x3fff) != 0;
	if ((load_be16(ip + 6) & 0x1fff) == 0 && total > header)
		v->l4_offset = (uint16_t)(v->l3_offset + header);
}

static bool is_extension(uint8_t proto)
{
	switch (proto) {
	case INET_PROTO_HOP_BY_HOP:
	case INET_PROTO_ROUTING:
	case INET_PROTO_FRAGMENT:
	case INET_PROTO_AH:
	case INET_PROTO_DESTINATION:
	case INET_PROTO_MOBILITY:
	case INET_PROTO_HIP:
	case INET_PROTO_SHIM6:
		return true;
	default:
		return false;
	}
}

/* RFC 8200, section 4; RFC 4302 counts in other units. */
static size_t extension_len(uint8_t proto, const uint8_t *header)
{
	if (proto == INET_PROTO_FRAGMENT)
		return 8;
	if (proto == INET_PROTO_AH)
		return ((size_t)header[1] + 2) * 4;
	return ((size_t)header[1] + 1) * 8;
}

/*
 * Follows the chain of extension headers to the upper layer. The protocol stays
 * unknown if a header passes the packet's end, or if a later fragment begins with
 * one: its bytes are then in another packet. Where it is unknown although it
 * should be here, l4_hidden stays.
 */
static void view_extensions(struct eth_view *v, const uint8_t *frame,
			    uint8_t proto, size_t at)
{
	v->l4_hidden = true;
	for (int i = 0; is_extension(proto); i++) {
		const uint8_t *header = frame + at;
		size_t len;

		if (i == IPV6_EXTENSIONS_MAX || v->l3_end - at < 8)
			return;
		/* No host makes a fragment of a fragment. */
		if (proto == INET_PROTO_FRAGMENT && v->ip_fragment)
			return;
		len = extension_len(proto, header);
		if (len > v->l3_end - at)
			return;
		if (proto == INET_PROTO_FRAGMENT) {
			v->ip_fragment = true;
			if (load_be16(header + 2) >> 3 != 0) {
				if (!is_extension(header[0]))
					v->ip_proto = header[0];
				v->l4_hidden = false;
				return;
			}
		}
		proto = header[0];
		at += len;
	}
	v->ip_proto = proto;
	if (proto != INET_PROTO_NO_NEXT && at < v->l3_end)
		v->l4_offset = (uint16_t)at;
	v->l4_hidden = proto == INET_PROTO_ICMPV6 && !v->l4_offset;
}

/*
 * RFC 8200. A jumbogram (RFC 2675) says 0 for its length: no link here carries
 * one, and it reads as a packet without payload; the kernel reads on to the
 * frame's end if it begins with hop-by-hop options, which are then hidden here.
 */
static void view_ipv6(struct eth_view *v, const uint8_t *frame, size_t len,
		      bool gso_frame)
{
	const uint8_t *ip = frame + v->l3_offset;
	size_t left = len - v->l3_offset;
	size_t total;

	if (left < IPV6_HEADER_LEN || ip[0] >> 4 != 6)
		return;
	total = gso_frame ? left : (size_t)IPV6_HEADER_LEN + load_be16(ip + 4);
	if (total > left)
		return;
	v->l3 = ETH_L3_IPV6;
	v->l3_end = (uint32_t)(v->l3_offset + total);
	memcpy(v->ip_src, ip + 8, 16);
	memcpy(v->ip_dst, ip + 24, 16);
	view_extensions(v, frame, ip[6], v->l3_offset + IPV6_HEADER_LEN);
}

static void view_l3(struct eth_view *v, const uint8_t *frame, size_t len,
		    bool gso_frame)
{
	if (v->type == ETH_TYPE_IPV4)
		view_ipv4(v, frame, len, gso_frame);
	else if (v->type == ETH_TYPE_IPV6)
		view_ipv6(v, frame, len, gso_frame);
}

static enum drop_reason parse(struct eth_view *v, const uint8_t *frame,
			      size_t len, bool gso_frame)
{
	size_t type_at = ETH_HEADER_LEN - 2;
	uint16_t type;

	*v = (struct eth_view){ 0 };
	if (len < ETH_HEADER_LEN)
		return DROP_frame_short;
	type = load_be16(frame + type_at);
	if (eth_is_tag(type) && len < ETH_HEADER_LEN + ETH_TAG_LEN)
		return DROP_frame_short;
	memcpy(v->dst, frame, ETH_ADDR_LEN);
	memcpy(v->src, frame + ETH_ADDR_LEN, ETH_ADDR_LEN);
	if (!is_usable_source(v->src))
		return DROP_frame_bad_source;
	if (eth_is_tag(type))
		v->vlan = load_be16(frame + type_at + 2) & 0xfff;
	/* A third tag, or a second cut short, is left as the type. */
	for (int tags = 0; tags < 2 && eth_is_tag(type); tags++) {
		if (len < type_at + 2 + ETH_TAG_LEN)
			break;
		type_at += ETH_TAG_LEN;
		type = load_be16(frame + type_at);
	}
	v->type = type;
	v->l3_offset = (uint16_t)(type_at + 2);
	view_l3(v, frame, len, gso_frame);
	return DROP_NONE;
}

enum drop_reason eth_parse(struct eth_view *v, const uint8_t *frame, size_t len)
{
	return parse(v, frame, len, false);
}

enum drop_reason eth_parse_gso(struct eth_view *v, const uint8_t *frame,
			       size_t len)
{
	return parse(v, frame, len, true);
}

static void skip_tags(struct eth_view *v, const uint8_t *frame, size_t len,
		      bool gso_frame)
{
	if (!eth_is_tag(v->type))
		return;
	while (eth_is_tag(v->type) &&
	       v->l3_offset <= UINT16_MAX - ETH_TAG_LEN &&
	       len >= (size_t)v->l3_offset + ETH_TAG_LEN) {
		v->type = load_be16(frame + v->l3_offset + 2);
		v->l3_offset += ETH_TAG_LEN;
	}
	view_l3(v, frame, len, gso_frame);
}

void eth_skip_tags(struct eth_view *v, const uint8_t *frame, size_t len)
{
	skip_tags(v, frame, len, false);
}

void eth_skip_tags_gso(struct eth_view *v, const uint8_t *frame, size_t len)
{
	skip_tags(v, frame, len, true);
}

static bool is_mld(uint8_t type)
{
	return type == MLD_QUERY || type == MLD_REPORT || type == MLD_DONE ||
	       type == MLDV2_REPORT;
}

bool eth_is_membership(const struct eth_view *v, const uint8_t *frame,
		       size_t len)
{
	if (v->l3 == ETH_L3_IPV4)
		return v->ip_proto == INET_PROTO_IGMP;
	return v->l3 == ETH_L3_IPV6 && v->ip_proto == INET_PROTO_ICMPV6 &&
	       v->l4_offset != 0 && v->l4_offset < len &&
	       is_mld(frame[v->l4_offset]);
}

/* True if the packet is no fragment and has len bytes from the L4 header on. */
static bool has_l4(const struct eth_view *v, uint8_t proto, size_t need)
{
	return v->l4_offset != 0 && !v->ip_fragment && v->ip_proto == proto &&
	       v->l3_end - v->l4_offset >= need;
}

bool eth_udp_addrs(const struct eth_view *v, const uint8_t *frame, size_t len,
		   struct addr *src, struct addr *dst)
{
	*src = *dst = (struct addr){ 0 };
	if (!has_l4(v, INET_PROTO_UDP, 8) || v->l3_end > len)
		return false;
	memcpy(src->ip, v->ip_src, sizeof(src->ip));
	src->port = load_be16(frame + v->l4_offset);
	memcpy(dst->ip, v->ip_dst, sizeof(dst->ip));
	dst->port = load_be16(frame + v->l4_offset + 2);
	return true;
}

bool eth_csum_valid(const struct eth_view *v, size_t len, uint16_t csum_start,
		    uint16_t csum_offset)
{
	if (csum_start != v->l4_offset || v->l3_end > len)
		return false;
	return (csum_offset == TCP_CSUM_OFFSET &&
		has_l4(v, INET_PROTO_TCP, 18)) ||
	       (csum_offset == UDP_CSUM_OFFSET && has_l4(v, INET_PROTO_UDP, 8));
}

void eth_csum_complete(const struct eth_view *v, uint8_t *frame,
		       uint16_t csum_offset)
{
	uint8_t *l4 = frame + v->l4_offset;
	uint16_t sum =
		checksum_fold(checksum_add(0, l4, v->l3_end - v->l4_offset));

	/* 0 would say that the sender computed none (RFC 768, RFC 8200). */
	if (sum == 0 && v->ip_proto == INET_PROTO_UDP)
		sum = 0xffff;
	store_be16(l4 + csum_offset, sum);
}
