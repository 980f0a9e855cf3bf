#include "ether/group.h"

#include <string.h>

#include "base/bytes.h"

static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

struct group group_v4(uint16_t vlan, uint32_t ip)
{
	struct group g = { .vlan = vlan };

	memcpy(g.ip, v4_prefix, sizeof(v4_prefix));
	store_be32(g.ip + 12, ip);
	return g;
}

bool group_is_v4(const struct group *g)
{
	return memcmp(g->ip, v4_prefix, sizeof(v4_prefix)) == 0;
}

struct group group_of_vlan(uint16_t vlan)
{
	return group_v4(vlan, 0);
}

bool group_is_vlan(const struct group *g)
{
	return group_is_v4(g) && load_be32(g->ip + 12) == 0;
}

bool group_is_valid(const struct group *g)
{
	if (g->vlan > 4095)
		return false;
	if (group_is_v4(g))
		return group_is_vlan(g) || g->ip[12] >> 4 == 0xe;
	return g->ip[0] == 0xff;
}

bool group_is_for_all(const struct group *g)
{
	if (group_is_v4(g))
		return load_be32(g->ip + 12) >> 8 == 0xe00000;
	return load_be16(g->ip) == 0xff02 || (g->ip[1] & 0xf) <= 1;
}

void group_mac(const struct group *g, uint8_t mac[ETH_ADDR_LEN])
{
	if (group_is_v4(g)) {
		store_be16(mac, 0x0100);
		/* 23 bits of it: 32 groups share each MAC. */
		store_be32(mac + 2,
			   0x5e000000 | (load_be32(g->ip + 12) & 0x7fffff));
	} else {
		store_be16(mac, 0x3333);
		memcpy(mac + 2, g->ip + 12, 4);
	}
}

/*
 * The link-local groups that hosts join: IANA's IPv4 and IPv6 Multicast Address
 * Space registries; the last byte of 224.0.0.x and ff02::x.
 */
static bool is_common(uint8_t number)
{
	static const uint8_t common[] = {
		1,   /* all hosts */
		2,   /* all routers */
		5,   /* OSPF */
		6,   /* OSPF, designated routers */
		9,   /* RIP */
		10,  /* EIGRP */
		13,  /* PIM */
		18,  /* VRRP */
		22,  /* IGMPv3, MLDv2 */
		81,  /* IPVS synchronisation */
		102, /* HSRP, GLBP */
		106, /* multicast router discovery */
		107, /* PTP */
		251, /* mDNS */
		252, /* LLMNR */
	};

	return memchr(common, number, sizeof(common)) != NULL;
}

bool group_mac_is_for_all(const uint8_t mac[ETH_ADDR_LEN])
{
	uint32_t low = load_be32(mac + 2);

	if (load_be16(mac) == 0x0100 && low >> 23 == 0x5e000000 >> 23)
		return (low & 0x7fffff) <= 0xff && is_common((uint8_t)low);
	if (load_be16(mac) != 0x3333)
		return true;
	/* solicited nodes; DHCPv6 and LLMNR, ff02::1:2 and 1:3 */
	return low >> 24 == 0xff || low == 0x10002 || low == 0x10003 ||
	       (low <= 0xff && is_common((uint8_t)low));
}

bool group_of_frame(const struct eth_view *v, struct group *g)
{
	uint8_t mac[ETH_ADDR_LEN];
	bool multicast;

	*g = (struct group){ .vlan = v->vlan };
	memcpy(g->ip, v->ip_dst, sizeof(g->ip));
	/* By the header's family: an IPv6 packet may have a v4-mapped destination. */
	multicast = (v->l3 == ETH_L3_IPV4 && v->ip_dst[12] >> 4 == 0xe) ||
		    (v->l3 == ETH_L3_IPV6 && v->ip_dst[0] == 0xff);
	if (multicast && !group_is_for_all(g)) {
		group_mac(g, mac);
		if (memcmp(mac, v->dst, ETH_ADDR_LEN) == 0)
			return true;
	}
	*g = (struct group){ 0 };
	return false;
}
