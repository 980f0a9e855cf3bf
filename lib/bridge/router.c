#include "bridge/router.h"

#define PIM_LEN 4
#define MRD_LEN 8

#define PIMV2_HELLO 0x20 /* version and type */

bool router_is_announced(const struct eth_view *v, const uint8_t *frame,
			 size_t len)
{
	bool v6 = v->l3 == ETH_L3_IPV6;
	size_t payload_len;
	uint8_t type;

	if (v->l4_offset == 0 || v->ip_fragment || v->l3_end > len)
		return false;
	payload_len = v->l3_end - v->l4_offset;
	type = frame[v->l4_offset];
	switch (v->ip_proto) {
	case INET_PROTO_PIM:
		return payload_len >= PIM_LEN && type == PIMV2_HELLO;
	case INET_PROTO_IGMP:
		return !v6 && payload_len >= MRD_LEN &&
		       type == IGMP_ROUTER_ADVERT;
	case INET_PROTO_ICMPV6:
		return v6 && payload_len >= MRD_LEN &&
		       type == MLD_ROUTER_ADVERT;
	default:
		return false;
	}
}
