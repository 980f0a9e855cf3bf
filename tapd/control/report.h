/* What tapctl shows, as JSON: from a node and its interface. */
#ifndef TAPD_CONTROL_REPORT_H
#define TAPD_CONTROL_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "node/node.h"
#include "tapd/control/rates.h"

/* What the daemon knows and the node does not. */
struct report_interface {
	const char *name;
	uint8_t mac[6];
	uint32_t mtu;
	bool carrier;
};

struct report_source {
	const struct node *node;
	const char *node_name;
	struct report_interface interface;
	const struct rates *rates;   /* NULL: not known */
	uint64_t now_us, started_us; /* monotonic */
	const char *const *warnings; /* the daemon's own; the report adds the
	                                node's: MTUs that differ, no peer up … */
	size_t warnings_count;
};

/*
 * Values not known are null. Each returns NULL if memory is short; the caller
 * has the reference. In short:
 *
 *	status	aead, rates:{tx_frames,tx_bytes,rx_frames,rx_bytes}, fdb,
 *		multicast:{snooping,querier,router,groups,wants_all (why this
 *		host does, or null),flooded:[{peer,why}] (who gets all)}
 *		and, from the daemon, offload:{tap,merge,send,receive}
 *	peers	rates, tap_mtu, up_s, heard_s (ago), wanted
 */
json_t *report_status(const struct report_source *s);
json_t *report_peers(const struct report_source *s);
json_t *report_fdb(const struct report_source *s);
/* By VLAN and address; empty without snooping. A group is flooded if there are
 * peers that get every group, and why names them. */
json_t *report_groups(const struct report_source *s);
json_t *report_drops(const struct report_source *s);

#endif
