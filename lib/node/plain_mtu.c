/* What fits the packets of a network that plain datagrams pass. */
#include "ether/eth.h"
#include "node/node.h"

#define VXLAN_OVERHEAD (UDP_HEADER_LEN + 8)
#define GRE_OVERHEAD   4u
#define GRE_KEY	       4u

uint16_t node_plain_mtu(enum node_encapsulation encapsulation, bool keyed,
			uint16_t underlay_mtu, bool v6)
{
	size_t overhead = v6 ? IPV6_HEADER_LEN : IPV4_HEADER_MIN;

	if (encapsulation == NODE_GRE)
		overhead += GRE_OVERHEAD + (keyed ? GRE_KEY : 0);
	else
		overhead += VXLAN_OVERHEAD;
	overhead += ETH_HEADER_LEN;
	return underlay_mtu > overhead ? (uint16_t)(underlay_mtu - overhead)
				       : 0;
}
