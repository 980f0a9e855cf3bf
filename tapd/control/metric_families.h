/* Which metrics there are: one table. */
#ifndef TAPD_CONTROL_METRIC_FAMILIES_H
#define TAPD_CONTROL_METRIC_FAMILIES_H

#include <net/if.h>
#include <stddef.h>
#include <stdint.h>

#include "tapd/control/checks.h"
#include "tapd/control/snapshot.h"

struct metric_peer {
	struct node_peer_info info;
	bool shares_name; /* with another peer */
};

/* What metrics are made of: all of it a copy. */
struct metric_source {
	struct node_status status;
	struct node_multicast_status multicast;
	size_t flooded; /* peers that get every group */
	uint64_t now_us, wall_us, started_wall_us, reload_wall_us;
	bool reload_failed, carrier, sealed;
	char interface[IFNAMSIZ];
	struct metric_peer *peers; /* those with a name */
	size_t peers_count;
	size_t states[NODE_PEER_STATE_DOWN +
		      1]; /* how many peers are in each */
	struct snapshot_source sources[SNAPSHOT_SOURCES_MAX];
	size_t sources_count;
	uint64_t drops[DROP_REASON_COUNT];
	unsigned *found; /* by each of the checks */
};

#define METRIC_LABELS_MAX 2

struct metric_labels {
	const struct metric_peer *peer; /* or NULL */
	const char *names[METRIC_LABELS_MAX], *values[METRIC_LABELS_MAX];
};

/* What a family has a sample for: each peer, each reason, … */
struct metric_row {
	size_t (*count)(const struct metric_source *from);
	struct metric_labels (*labels)(const struct metric_source *from,
				       size_t at);
};

struct family {
	const char *name, *type, *help;
	const struct metric_row *row;
	/* NAN: not known. */
	double (*value)(const struct metric_source *from, size_t at);
};

/* In the order in which they are shown. */
extern const struct family families[];
extern const size_t families_count;

#endif
