/* What an encapsulation means for addresses and sizes. */
#ifndef TAPD_CONF_ENCAPSULATION_H
#define TAPD_CONF_ENCAPSULATION_H

#include "node/node.h"
#include "tapd/conf/conf.h"

static inline bool conf_is_sealed(const struct conf *c)
{
	return c->encapsulation == NODE_SEALED;
}

/* At which peers are, and datagrams received, unless another is given; 0: GRE has
 * none. */
uint16_t conf_default_port(const struct conf *c);
/* What the frames of an interface of MTU m are longer than m once they are IP packets of
 * the network below: 50 to 70 bytes, or 38 to 62 with GRE. 0 if it is sealed, for that
 * splits frames. IPv6 counts if a peer's address, or each that is listened at, is one. */
unsigned conf_overhead(const struct conf *c);
/* The default of interface.mtu, if a packet of so many bytes passes below. */
uint16_t conf_fitting_mtu(const struct conf *c, unsigned underlay_mtu);

#endif
