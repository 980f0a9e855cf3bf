#include "plain/spread.h"

#include <string.h>

#include "base/bytes.h"

#define PORTS_LEN 4

static bool has_ports(const struct eth_view *v)
{
	return (v->ip_proto == INET_PROTO_TCP ||
		v->ip_proto == INET_PROTO_UDP) &&
	       v->l4_offset && !v->ip_fragment &&
	       v->l3_end - v->l4_offset >= PORTS_LEN;
}

uint16_t spread_of(const uint8_t key[SIPHASH_KEY_LEN], const struct eth_view *v,
		   const uint8_t *frame)
{
	const size_t skip = v->l3 == ETH_L3_IPV4 ? 12 : 0;
	uint8_t flow[2 * ETH_ADDR_LEN + 2 * 16 + 1 + PORTS_LEN];
	struct writer w = writer_init(flow, sizeof(flow));
	uint16_t hash;

	writer_bytes(&w, v->dst, ETH_ADDR_LEN);
	writer_bytes(&w, v->src, ETH_ADDR_LEN);
	if (v->l3 != ETH_L3_OTHER) {
		writer_bytes(&w, v->ip_src + skip, 16 - skip);
		writer_bytes(&w, v->ip_dst + skip, 16 - skip);
		writer_u8(&w, v->ip_proto);
	}
	if (has_ports(v))
		writer_bytes(&w, frame + v->l4_offset, PORTS_LEN);
	hash = (uint16_t)siphash(key, flow, w.len);
	return hash ? hash : 1;
}
