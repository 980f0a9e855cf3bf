#include "queue/traffic.h"

#include <string.h>

#include "base/bytes.h"

/* IANA; VRRP and CARP share theirs. RFC 5881, RFC 5883. */
#define PROTO_OSPF	  89
#define PROTO_VRRP	  112
#define PORT_BFD_CONTROL  3784
#define PORT_BFD_ECHO	  3785
#define PORT_BFD_MULTIHOP 4784

/* None of these comes in fragments (RFC 6980 forbids it to Discovery): what does is
 * something else, and its first fragment would pass the others. */
static bool is_bfd(const struct eth_view *v, const uint8_t *frame, size_t len)
{
	uint16_t port;

	if (v->ip_proto != INET_PROTO_UDP || v->ip_fragment ||
	    v->l4_offset == 0 || len < (size_t)v->l4_offset + UDP_HEADER_LEN)
		return false;
	port = load_be16(frame + v->l4_offset + 2);
	return port == PORT_BFD_CONTROL || port == PORT_BFD_ECHO ||
	       port == PORT_BFD_MULTIHOP;
}

static bool is_discovery(const struct eth_view *v, const uint8_t *frame,
			 size_t len)
{
	return v->l3 == ETH_L3_IPV6 && v->ip_proto == INET_PROTO_ICMPV6 &&
	       !v->ip_fragment && v->l4_offset != 0 && v->l4_offset < len &&
	       frame[v->l4_offset] >= ND_ROUTER_SOLICIT &&
	       frame[v->l4_offset] <= ND_REDIRECT;
}

static bool is_control(const struct eth_view *v, const uint8_t *frame,
		       size_t len)
{
	if (v->type == ETH_TYPE_ARP)
		return true;
	if (v->l3 == ETH_L3_OTHER)
		return false;
	return v->ip_proto == PROTO_VRRP || v->ip_proto == PROTO_OSPF ||
	       v->ip_proto == INET_PROTO_PIM || is_discovery(v, frame, len) ||
	       is_bfd(v, frame, len);
}

static bool is_tcp(const struct eth_view *v, size_t len)
{
	return v->ip_proto == INET_PROTO_TCP && !v->ip_fragment &&
	       v->l4_offset != 0 &&
	       len >= (size_t)v->l4_offset + TCP_HEADER_MIN;
}

/* Addresses, protocol, and the ports of what has some; or the MACs. */
static uint32_t flow_hash(const struct eth_view *v, const uint8_t *frame,
			  size_t len, const uint8_t key[SIPHASH_KEY_LEN])
{
	struct {
		uint8_t src[16], dst[16];
		uint8_t ports[4];
		uint16_t vlan, proto;
	} flow = { .vlan = v->vlan, .proto = v->ip_proto };

	if (v->l3 == ETH_L3_OTHER) {
		memcpy(flow.src, v->src, sizeof(v->src));
		memcpy(flow.dst, v->dst, sizeof(v->dst));
		flow.proto = v->type;
	} else {
		memcpy(flow.src, v->ip_src, sizeof(flow.src));
		memcpy(flow.dst, v->ip_dst, sizeof(flow.dst));
		if ((v->ip_proto == INET_PROTO_TCP ||
		     v->ip_proto == INET_PROTO_UDP) &&
		    !v->ip_fragment && v->l4_offset != 0 &&
		    len >= (size_t)v->l4_offset + sizeof(flow.ports))
			memcpy(flow.ports, frame + v->l4_offset,
			       sizeof(flow.ports));
	}
	return (uint32_t)siphash(key, &flow, sizeof(flow));
}

void traffic_of(struct traffic *t, const uint8_t *frame, size_t len, bool gso,
		const uint8_t key[SIPHASH_KEY_LEN])
{
	const enum drop_reason reason =
		gso ? eth_parse_gso(&t->view, frame, len)
		    : eth_parse(&t->view, frame, len);
	const struct eth_view *v = &t->view;

	t->class = TRAFFIC_REST;
	t->membership = t->group = false;
	t->hash = 0;
	if (reason != DROP_NONE)
		return;
	t->group = eth_is_group(v->dst);
	t->membership = eth_is_membership(v, frame, len);
	if (is_tcp(v, len))
		t->class = TRAFFIC_TCP;
	else if (!gso && (t->membership || is_control(v, frame, len)))
		t->class = TRAFFIC_CONTROL;
	t->hash = flow_hash(v, frame, len, key);
}
