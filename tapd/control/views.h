/* What tapctl shows at once, as JSON; long tables are in lists.h. */
#ifndef TAPD_CONTROL_VIEWS_H
#define TAPD_CONTROL_VIEWS_H

#include <jansson.h>

#include "tapd/control/snapshot.h"

/*
 * Values not known are null. Each returns NULL if memory is short; the caller
 * has the reference. In short:
 *
 *	status	aead, rates:{tx_frames,tx_bytes,rx_frames,rx_bytes}, fdb,
 *		multicast:{snooping,querier,router,groups,wants_all (why this
 *		host does, or null),flooded:[{peer,why}] (who gets all)},
 *		offload:{tap,merge,send,receive}, merging:{on,why (it is not)},
 *		queue:{frames,backlog,sojourn_us,drops,marks,socket_limit}
 *	doctor	findings:[{id,severity,what,advice}], settings:{pid,
 *		multicast_route,secret_file,underlay_mtu,liveness_interval}
 */
json_t *view_status(const struct snapshot *s);
json_t *view_doctor(const struct snapshot *s);
json_t *view_drops(const struct snapshot *s);

#endif
