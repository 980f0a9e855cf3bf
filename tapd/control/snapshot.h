/* All that the daemon knows about itself at one moment. */
#ifndef TAPD_CONTROL_SNAPSHOT_H
#define TAPD_CONTROL_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/node.h"
#include "queue/fq.h"
#include "tapd/control/rates.h"
#include "tapd/control/values.h"
#include "tapd/tap/interface.h"
#include "tapd/tap/offload_level.h"
#include "tapd/underlay/routing.h"

struct conf;
struct daemon;

/* Names without an address; the rest is only counted. */
#define SNAPSHOT_UNRESOLVED_MAX 12

struct snapshot_interface {
	const char *name;
	uint8_t mac[6];
	uint32_t mtu;
	bool present; /* false: deleted */
	bool up;      /* IFF_UP: the administrative state */
	bool carrier;
	/* Configured addresses that it does not have. */
	struct prefix missing[INTERFACE_ADDRESSES_MAX];
	size_t missing_count;
};

struct snapshot_peer {
	struct node_peer_info info;
	bool plain; /* a peer without a key: nothing is sealed to it */
	struct traffic_rates rates; /* zeros if it never was a peer */
};

/* Where hosts are listed: peers, discover.*, and the exchange. */
#define SNAPSHOT_SOURCES_MAX VALUE_SOURCES

struct snapshot_source {
	const char *name; /* of value_source_names */
	size_t endpoints;
	uint64_t
		good_us; /* its last good answer; 0: never, or it is not asked */
	uint64_t failures; /* answers that were no good ones */
	const char *error; /* ""; or why its last answer was no good one */
	bool asked;	   /* it answers now and then */
	bool early;	   /* its answer lacks this host, and nobody is up */
};

/*
 * Taken once for each question, so that all parts of an answer agree. What is
 * pointed to is the daemon's, the two lists aside: a snapshot is good until the
 * callback that took it returns. The node's long tables, of MACs and of groups,
 * are not copied: whoever shows them walks them.
 */
struct snapshot {
	uint64_t now_us, started_us; /* monotonic */
	uint64_t wall_us, started_wall_us;
	/* The last reload, or the start. */
	uint64_t reload_wall_us;
	bool reload_failed;
	const struct node *node;
	const struct conf *conf;
	enum node_encapsulation encapsulation;
	unsigned network_id;
	bool network_id_set;
	struct routing routing;
	bool relay; /* this host carries for others, by its configuration */
	const char *node_name;
	struct node_status status;
	struct node_multicast_status multicast;
	struct traffic_rates rates;
	struct snapshot_peer *peers; /* in the order of node_next_peer */
	size_t peers_count;
	struct node_flooded_info *flooded; /* peers that get every group */
	size_t flooded_count;
	/* Peers that show what is our interface's own. */
	struct node_conflict conflicts[NODE_CONFLICTS_MAX];
	size_t conflicts_count;
	struct snapshot_interface interface;
	struct offload_levels offloads; /* what is done now */
	struct fq_info queue;
	uint32_t send_limit; /* bytes that may lie in a socket */
	int receive_buffer;  /* bytes: the smallest of the sockets' */
	uint64_t log_lost;   /* lines, since the start */
	unsigned
		fitting_mtu; /* of the interface, if it is not sealed; else 0 */
	bool nobody_trusted; /* trusted_keys is an empty list */
	bool device_missing; /* the interface that the sockets are bound to */
	bool restart_pending; /* a reload left something to the next start */
	/* "web9: Name or service not known" */
	const char *unresolved[SNAPSHOT_UNRESOLVED_MAX];
	size_t unresolved_count;
	size_t unresolved_more; /* how many there are besides */
	struct snapshot_source sources[SNAPSHOT_SOURCES_MAX]; /* in use */
	size_t sources_count;
};

/* False if memory is short; then there is nothing to free. */
bool snapshot_take(struct snapshot *s, const struct daemon *d);
void snapshot_free(struct snapshot *s);

#endif
