#include "ether/ra_guard.h"

/* The hop limit's place in the IPv6 header. */
#define HOP_LIMIT_AT 7

static bool is_link_local(const uint8_t ip[16])
{
	return ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80;
}

static bool forbids_hidden(const struct eth_view *v, const uint8_t *frame)
{
	return v->ip_dst[0] == 0xff || is_link_local(v->ip_dst) ||
	       frame[v->l3_offset + HOP_LIMIT_AT] == ND_HOP_LIMIT;
}

/* A later fragment is let through: it is nothing without the first. */
static bool forbids_ipv6(const struct eth_view *v, const uint8_t *frame)
{
	uint8_t type;

	if (v->l4_hidden)
		return forbids_hidden(v, frame);
	if (v->ip_proto != INET_PROTO_ICMPV6 || !v->l4_offset)
		return false;
	type = frame[v->l4_offset];
	if (v->ip_fragment)
		return type >= ND_ROUTER_SOLICIT && type <= ND_REDIRECT;
	return type == ND_ROUTER_ADVERT || type == ND_REDIRECT;
}

bool ra_guard_forbids(const struct eth_view *v, const uint8_t *frame,
		      size_t len)
{
	struct eth_view inner;

	if (v->l3 == ETH_L3_OTHER) {
		inner = *v;
		eth_skip_tags(&inner, frame, len);
		v = &inner;
	}
	if (v->l3 == ETH_L3_IPV6)
		return forbids_ipv6(v, frame);
	return v->l3 == ETH_L3_IPV4 && v->ip_proto == INET_PROTO_ICMP &&
	       v->l4_offset && frame[v->l4_offset] == ICMP_TYPE_REDIRECT;
}
