#include "ether/neighbour.h"

#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"

#define ARP_ETHERNET 1
#define ARP_REQUEST  1

#define ND_TARGET_AT	     8 /* in the ICMPv6 message, and 16 long */
#define ND_ROUTER	     0x80
#define ND_OVERRIDE	     0x20
#define ND_OPTION_TARGET_MAC 2
#define HOP_LIMIT_AT	     7

static const uint8_t v4_mapped[12] = { [10] = 0xff, 0xff };
static const uint8_t all_nodes[16] = { 0xff, 0x02, [15] = 1 };

static bool is_v4(const uint8_t ip[16])
{
	return memcmp(ip, v4_mapped, sizeof(v4_mapped)) == 0;
}

/* ---- to say it ---- */

static void put_arp(struct writer *w, const uint8_t ip[16],
		    const uint8_t mac[ETH_ADDR_LEN])
{
	writer_u32(w, 0xffffffff);
	writer_u16(w, 0xffff);
	writer_bytes(w, mac, ETH_ADDR_LEN);
	writer_u16(w, ETH_TYPE_ARP);
	writer_u16(w, ARP_ETHERNET);
	writer_u16(w, ETH_TYPE_IPV4);
	writer_u8(w, ETH_ADDR_LEN);
	writer_u8(w, 4);
	writer_u16(w, ARP_REQUEST);
	writer_bytes(w, mac, ETH_ADDR_LEN);
	writer_bytes(w, ip + 12, 4);
	writer_zeros(w, ETH_ADDR_LEN);
	writer_bytes(w, ip + 12, 4);
}

static void put_advert(struct writer *w, const uint8_t ip[16],
		       const uint8_t mac[ETH_ADDR_LEN], bool router)
{
	const uint8_t pseudo[8] = { [3] = 32, [7] = INET_PROTO_ICMPV6 };
	uint8_t *icmp;
	uint64_t sum;

	writer_u32(w, 0x33330000);
	writer_u16(w, 1);
	writer_bytes(w, mac, ETH_ADDR_LEN);
	writer_u16(w, ETH_TYPE_IPV6);
	writer_u32(w, 0x60000000);
	writer_u16(w, 32);
	writer_u8(w, INET_PROTO_ICMPV6);
	writer_u8(w, ND_HOP_LIMIT);
	writer_bytes(w, ip, 16);
	writer_bytes(w, all_nodes, 16);
	icmp = w->start + w->len;
	writer_u32(w, (uint32_t)ND_NEIGHBOUR_ADVERT << 24);
	writer_u32(w, (uint32_t)(ND_OVERRIDE | (router ? ND_ROUTER : 0)) << 24);
	writer_bytes(w, ip, 16);
	writer_u8(w, ND_OPTION_TARGET_MAC);
	writer_u8(w, 1);
	writer_bytes(w, mac, ETH_ADDR_LEN);
	sum = checksum_add(0, ip, 16);
	sum = checksum_add(sum, all_nodes, 16);
	sum = checksum_add(sum, pseudo, sizeof(pseudo));
	store_be16(icmp + 2, checksum_fold(checksum_add(sum, icmp, 32)));
}

size_t neighbour_announce(const uint8_t ip[16], const uint8_t mac[ETH_ADDR_LEN],
			  bool router, uint8_t out[NEIGHBOUR_FRAME_MAX])
{
	struct writer w = writer_init(out, NEIGHBOUR_FRAME_MAX);

	if (is_v4(ip))
		put_arp(&w, ip, mac);
	else
		put_advert(&w, ip, mac, router);
	return w.len;
}

/* ---- to hear it ---- */

static bool read_arp(struct cursor *c, struct neighbour_claim *out)
{
	const bool ethernet = cursor_u16(c) == ARP_ETHERNET;
	const bool ipv4 = cursor_u16(c) == ETH_TYPE_IPV4;
	const uint16_t lengths = cursor_u16(c);
	const uint16_t operation = cursor_u16(c);
	uint32_t sender, target;

	cursor_copy(c, out->mac, ETH_ADDR_LEN);
	sender = cursor_u32(c);
	(void)cursor_take(c, ETH_ADDR_LEN);
	target = cursor_u32(c);
	if (!cursor_ok(c) || !ethernet || !ipv4 ||
	    lengths != (ETH_ADDR_LEN << 8 | 4))
		return false;
	if (sender == 0 && operation != ARP_REQUEST)
		return false;
	memcpy(out->ip, v4_mapped, sizeof(v4_mapped));
	store_be32(out->ip + 12, sender ? sender : target);
	return true;
}

static bool read_nd(const struct eth_view *v, const uint8_t *frame, size_t len,
		    struct neighbour_claim *out)
{
	static const uint8_t unspecified[16];
	struct cursor c = cursor_init(frame + v->l4_offset, len - v->l4_offset);
	const uint8_t type = cursor_u8(&c);
	const uint8_t *target;
	bool from_it;

	(void)cursor_take(&c, ND_TARGET_AT - 1);
	target = cursor_take(&c, 16);
	if (!target || frame[v->l3_offset + HOP_LIMIT_AT] != ND_HOP_LIMIT ||
	    (type != ND_NEIGHBOUR_SOLICIT && type != ND_NEIGHBOUR_ADVERT))
		return false;
	from_it = type == ND_NEIGHBOUR_SOLICIT &&
		  memcmp(v->ip_src, unspecified, 16) != 0;
	memcpy(out->ip, from_it ? v->ip_src : target, 16);
	memcpy(out->mac, v->src, ETH_ADDR_LEN);
	return true;
}

bool neighbour_claims(const struct eth_view *v, const uint8_t *frame,
		      size_t len, struct neighbour_claim *out)
{
	struct cursor c;

	if (v->vlan != 0)
		return false;
	if (v->type == ETH_TYPE_ARP) {
		c = cursor_init(frame + v->l3_offset, len - v->l3_offset);
		return read_arp(&c, out);
	}
	return v->l3 == ETH_L3_IPV6 && v->ip_proto == INET_PROTO_ICMPV6 &&
	       v->l4_offset && !v->ip_fragment && read_nd(v, frame, len, out);
}
