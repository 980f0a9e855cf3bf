/* The verdict: who should have a frame. */
#ifndef TAPD_BRIDGE_FORWARD_H
#define TAPD_BRIDGE_FORWARD_H

#include <stdbool.h>

#include "base/drop.h"
#include "bridge/fdb.h"
#include "bridge/mdb.h"
#include "bridge/port_set.h"
#include "bridge/tap_macs.h"
#include "ether/eth.h"
#include "ether/report.h"

/* What a verdict is taken from. The sets are of peers' ports. */
struct forward_tables {
	struct fdb *fdb;
	const struct tap_macs *tap_macs;
	const struct mdb *mdb; /* groups; and VLANs: group_of_vlan */
	bool snooping;	       /* false: multicast goes to all, reports too */
	struct port_set live;  /* peers that can be sent to */
	/* Peers that get every group: they asked for that, or not all that they
	 * registered is known. */
	struct port_set flood;
	struct port_set routers; /* peers that get reports */
	bool router;		 /* … and so do we */
	/* What ra_guard.h forbids comes in from peers all the same. */
	bool router_advertisements;
	/* Queries without a source come in from peers, also those of a querier like
	 * ours: peers hear the answers. */
	bool foreign_queries;
};

/* What is known of one frame, and what becomes of it. */
struct forward {
	struct eth_view view;	 /* whenever the frame could be parsed */
	enum drop_reason reason; /* DROP_NONE: it goes where ports says */
	struct port_set ports;	 /* from the TAP: to these peers */
	bool full; /* learning its source cost another its place */
	/* What it says of groups; REPORT_BAD is to be counted. Borrows the
	 * frame. */
	struct report membership;
	bool router; /* its sender says that it routes multicast */
};

/*
 * For a frame read from the TAP. Learns the source as local (but not from IGMP or
 * MLD) and decides by the first that fits:
 *
 *	longer than max (0: a GSO frame, whose segments fit)   nobody
 *	from our own querier's MAC                               nobody
 *	an IGMP or MLD report, when snooping                     routers
 *	a group whose members can be known, when snooping        members, and
 *	                                                         flood ports
 *	any other group address                                  all
 *	a MAC on our own side of the TAP                         nobody
 *	a known MAC                                              its port
 *	a MAC that a peer says is its own                        its port
 *	a MAC that is lost: a few frames, and then               nobody
 *	an unknown MAC                                           all
 *
 * A tagged frame to a group goes as well to every port that has not registered
 * its VLAN: that port does not know its members there. Only live ports are in the
 * result; if there are none, the reason says why: DROP_no_peer, DROP_no_member,
 * DROP_report_kept. DROP_unknown_unicast: fdb_may_search.
 */
void forward_from_tap(const struct forward_tables *t, const uint8_t *frame,
		      size_t len, size_t max, uint64_t now_us,
		      struct forward *out);

/*
 * The same for a frame that `port` (a peer) sent us. Split horizon: it goes
 * into the TAP or nowhere, never to another peer; ports is not set. When
 * snooping, a report is dropped unless a router is on our side: it would keep this
 * host's own members from reporting. So is a query without a source address, the
 * answers to which would reach nobody (RFC 4541, 2.1.1), but for foreign_queries.
 * What would change this host's routes is dropped unless it is wanted: ether/ra_guard.h.
 */
void forward_from_port(const struct forward_tables *t, uint16_t port,
		       const uint8_t *frame, size_t len, size_t max,
		       uint64_t now_us, struct forward *out);

#endif
