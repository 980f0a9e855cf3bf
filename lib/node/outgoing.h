/* A frame on its way out, when its verdict was taken. */
#ifndef TAPD_NODE_OUTGOING_H
#define TAPD_NODE_OUTGOING_H

#include "bridge/port_set.h"
#include "ether/gso.h"

/* A record, or what a plain datagram holds; or a GSO frame that becomes many. */
struct outgoing {
	const uint8_t *record;
	size_t len;
	struct gso *gso; /* or NULL */
	uint16_t spread; /* of a plain one: base/datagram.h */
	struct port_set ports;
};

#endif
