/* Which of the TAP's addresses are this host's for good. */
#ifndef TAPD_TAP_OWN_ADDRESSES_H
#define TAPD_TAP_OWN_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "node/node.h"
#include "tapd/tap/link.h"

/*
 * What the node may announce, and take for a duplicate when others show it. An address
 * that moves between hosts is neither, and the kernel does not say which those are:
 * Keepalived's, uCARP's and Pacemaker's look like any that ip(8) added. So it is what
 * the configuration names, and what has been there for a minute and looks like an
 * interface's own address: it is not secondary, it is no host's prefix (/32, /128),
 * and no daemon says that it gave it.
 */

/* Writes those, at most NODE_TAP_ADDRESSES_MAX; *left_out: how many more there are.
 * now_cs: own_addresses_clock(). */
size_t own_addresses(const struct link_state *s,
		     const struct prefix *configured, size_t configured_count,
		     uint32_t now_cs, struct clock now,
		     struct node_tap_address out[NODE_TAP_ADDRESSES_MAX],
		     size_t *left_out);
/* The clock of struct link_address. */
uint32_t own_addresses_clock(void);
/* True if the host forwards IPv6 from that interface. */
bool own_addresses_forwards(const char *interface);

#endif
