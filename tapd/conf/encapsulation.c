#include "tapd/conf/encapsulation.h"

/* As the interface's. */
#define MTU_MAX 9216U

uint16_t conf_default_port(const struct conf *c)
{
	switch ((enum node_encapsulation)c->encapsulation) {
	case NODE_SEALED:
		return NODE_PORT;
	case NODE_VXLAN:
		return NODE_VXLAN_PORT;
	case NODE_GRE:
		return 0;
	}
	return NODE_PORT;
}

/* ---- what fits ---- */

static bool is_over_ipv6(const struct conf *c)
{
	bool only = c->listen_count > 0;

	for (unsigned i = 0; i < c->listen_count; i++)
		only &= !addr_is_v4(&c->listen[i]) &&
			!addr_is_any(&c->listen[i]);
	for (size_t i = 0; i < c->peers_count && !only; i++)
		only = c->peers[i].is_scoped ||
		       (c->peers[i].is_addr && !addr_is_v4(&c->peers[i].addr));
	return only;
}

unsigned conf_overhead(const struct conf *c)
{
	if (conf_is_sealed(c))
		return 0;
	return MTU_MAX -
	       node_plain_mtu((enum node_encapsulation)c->encapsulation,
			      c->network_id_set, MTU_MAX, is_over_ipv6(c));
}

uint16_t conf_fitting_mtu(const struct conf *c, unsigned underlay_mtu)
{
	const unsigned most = MTU_MAX + conf_overhead(c);

	if (underlay_mtu > most)
		underlay_mtu = most;
	return (uint16_t)(underlay_mtu - conf_overhead(c));
}
