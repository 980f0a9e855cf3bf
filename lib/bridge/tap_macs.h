/* The MACs of the peers' own interfaces, which they say themselves. */
#ifndef TAPD_BRIDGE_TAP_MACS_H
#define TAPD_BRIDGE_TAP_MACS_H

#include <stdint.h>

#include "base/table.h"
#include "ether/eth.h"

/*
 * Where a MAC is that was never learned, or has aged out: a host that only receives
 * says nothing by which it could be learned. In every VLAN it is the same. One that
 * several ports name says nothing about where it is.
 */
struct tap_macs;

/* Ports are numbered below `ports`. NULL if memory is short. */
struct tap_macs *tap_macs_new(uint16_t ports,
			      const uint8_t seed[TABLE_SEED_LEN]);
void tap_macs_free(struct tap_macs *m);

/* The port's MAC, in place of what it had; one that is no host's (zero, or a group's)
 * is none. */
void tap_macs_set(struct tap_macs *m, uint16_t port,
		  const uint8_t mac[ETH_ADDR_LEN]);
/* NULL if it has none. Borrowed until it is set. */
const uint8_t *tap_macs_of(const struct tap_macs *m, uint16_t port);
/* The one port with this MAC, or -1. */
int tap_macs_find(const struct tap_macs *m, const uint8_t mac[ETH_ADDR_LEN]);

#endif
