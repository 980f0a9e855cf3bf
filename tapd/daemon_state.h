/* The daemon: what its files share, and nobody else. */
#ifndef TAPD_DAEMON_STATE_H
#define TAPD_DAEMON_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bucket.h"
#include "node/node.h"
#include "queue/fq.h"
#include "tapd/clock_watch.h"
#include "tapd/conf/conf.h"
#include "tapd/event_limit.h"
#include "tapd/manager/progress.h"
#include "tapd/rights/slice.h"
#include "tapd/tap/busy_poll.h"
#include "tapd/tap/moderation.h"
#include "tapd/tap/offload_level.h"
#include "tapd/tap/uppers.h"
#include "tapd/underlay/udp.h"

/* A UDP socket in the event loop; or, with room alone, one that sends. */
struct daemon_socket {
	struct daemon *daemon;
	unsigned number; /* udp's */
	struct event *event, *strangers;
	struct event *room; /* while it is full */
};

/* Addresses that a source lists, and the numbers of the hosts whose they are. */
struct wanted_list {
	/* One more than there is room for tells that there are too many. */
	struct addr addrs[NODE_ENDPOINTS_MAX + 1];
	uint16_t hosts[NODE_ENDPOINTS_MAX + 1];
	size_t count;
	bool short_of_room; /* the node did not take all */
};

struct daemon {
	struct conf *conf;
	char user[CONF_NAME_LEN];	/* whom it becomes; "": nobody else */
	char files_user[CONF_NAME_LEN]; /* see run_user_of_files */
	uint8_t secrets[NODE_SECRETS_MAX][KEY_LEN];
	size_t secrets_count;

	struct event_base *base;
	struct helper *helper;
	struct control *control;
	struct exporter *exporter; /* or NULL */
	struct bucket scrapes;
	struct monitor *monitor;
	struct captures *captures;
	struct udp *udp;
	struct node *node;
	struct fq *queue; /* from the TAP to the node */
	struct interface *interface;
	struct host_watch *host_watch;
	struct capture_watch *capture_watch;
	struct neighbours *neighbours; /* NULL: the kernel cannot be asked */
	struct resolve *resolve;       /* the names in peers */
	struct sources *sources;       /* discover.* */
	struct offload_levels offloads;

	/* Events: NULL while they are not waited for. */
	struct event *signals[3];
	struct event *timer;
	struct event *queue_event; /* the queue is not empty */
	struct event *tap_event, *tap_pause, *link_event, *look_event;
	struct event *clock_event, *generation_event;
	struct event *monitor_event; /* while somebody watches */
	struct event *capture_event;
	struct event *routes_event, *routes_timer;
	struct event *manager_event, *watchdog_event;
	struct daemon_socket sockets[UDP_SOCKETS_MAX];
	struct daemon_socket senders[UDP_SENDERS_MAX];

	struct routes *routes; /* NULL: they are not followed */
	/* What the node was told, by enum node_source; and room for one more. */
	struct wanted_list *wanted;
	enum node_source routes_source; /* of the wanted those before it, */
	size_t routes_at;  /* and so many of its, have been asked for */
	bool routes_again; /* once they all have, all are again */
	unsigned uppers[UPPERS_MAX]; /* the TAP, and what is above it */
	size_t uppers_count;

	uint32_t peers_up;		  /* how many a frame to all goes to */
	uint64_t queue_full, queue_delay; /* drops, as they were counted */
	uint64_t copies;   /* of the frames last sent, on average */
	bool ring_outruns; /* the TAP's was not dry after READ_MOST frames */
	struct busy_poll busy_poll;
	struct moderation moderation;
	struct slice slice;
	struct clock now;  /* when the running callback began */
	uint64_t timer_us; /* for when the timer is set */
	uint64_t started_us;
	uint64_t started_wall_us;
	uint64_t reload_wall_us; /* the last, or the start */
	bool reload_failed;
	struct clock_watch clock_watch;
	uint64_t
		stepped_us; /* when a step was last said in the log; 0: never */
	struct rates *rates;
	struct json_t *warned; /* what monitor was told, or NULL */
	uint16_t tap_mtu;      /* as the node knows it */
	unsigned fitting_mtu;  /* what it should not exceed; 0: no bound */
	size_t own_left_out;   /* addresses of the TAP that it does not know */
	struct event_limit event_limit;
	bool leaving_out;   /* events: their number will be said */
	bool peers_changed; /* a peer went up or down: update the carrier */
	bool carrier;
	bool carrier_kept; /* of the last run, until its peers are back */
	bool up_hook_runs;
	struct progress progress; /* as the service manager knows it */
	bool device_missing;	  /* `device` is gone, or not ours again yet */
	bool sockets_refused; /* it is there again, and no socket can be: logged */
	bool restart_pending; /* a reload left something to the next start */
	bool stopping;
	int exit_code;
};

#endif
