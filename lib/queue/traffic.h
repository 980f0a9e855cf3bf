/* What a frame is to the queue: which class it waits in, and which flow it is of. */
#ifndef TAPD_QUEUE_TRAFFIC_H
#define TAPD_QUEUE_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"
#include "ether/eth.h"

enum traffic_class {
	/* What keeps a network together, little as it is: ARP, Neighbour
	 * Discovery, IGMP and MLD, VRRP and CARP, OSPF, PIM, BFD. */
	TRAFFIC_CONTROL,
	/* TCP, but for its IP fragments: its flows may pass one another. */
	TRAFFIC_TCP,
	/* All the rest, whose order is kept. */
	TRAFFIC_REST,
	TRAFFIC_CLASSES
};

struct traffic {
	enum traffic_class class;
	bool membership; /* IGMP or MLD: what is decided by it cannot wait */
	bool group;	 /* to a group address: it may have many receivers */
	uint32_t hash;	 /* of its flow, keyed: nobody chooses collisions */
	struct eth_view view;
};

/* gso: it is a GSO frame. A frame that cannot be read is REST, and the view zero. */
void traffic_of(struct traffic *t, const uint8_t *frame, size_t len, bool gso,
		const uint8_t key[SIPHASH_KEY_LEN]);

#endif
