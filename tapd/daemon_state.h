/* What the files of the daemon share, and nobody else. */
#ifndef TAPD_DAEMON_STATE_H
#define TAPD_DAEMON_STATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/node.h"
#include "tapd/conf/conf.h"
#include "tapd/control/rates.h"
#include "tapd/discover/resolve.h"
#include "tapd/tap/busy_poll.h"
#include "tapd/tap/host_watch.h"
#include "tapd/tap/interface.h"
#include "tapd/tap/offload_level.h"
#include "tapd/underlay/udp.h"

struct daemon {
	struct conf *conf;
	uint8_t secrets[NODE_SECRETS_MAX][KEY_LEN];
	size_t secrets_count;

	const struct node_ops *node_ops;
	struct event_base *base;
	struct children *children;
	struct control *control;
	struct udp *udp;
	struct node *node;
	struct interface *interface;
	struct host_watch *host_watch;
	struct resolve *resolve;
	struct offload_levels offloads;

	struct event *signals[3];
	struct event *timer;
	struct event *tap_event, *tap_pause, *link_event, *look_event;
	struct event *udp_events[UDP_SOCKETS_MAX];

	struct busy_poll busy_poll;
	struct clock now;  /* when the running callback began */
	uint64_t timer_us; /* for when the timer is set */
	uint64_t started_us;
	struct rates *rates;
	uint16_t tap_mtu;   /* as the node knows it */
	bool peers_changed; /* a peer went up or down: update the carrier */
	bool carrier;
	bool restart_pending; /* a reload left something to the next start */
	bool stopping;
	int exit_code;
};

/* Every entry from outside, the event loop or tapctl, begins and ends so: what
 * time it is; and when to wake up next. */
void daemon_enter(struct daemon *d);
void daemon_leave(struct daemon *d);

/* Begins to stop: says goodbye, closes the events, runs the hook. */
void daemon_stop(struct daemon *d, int exit_code);
void daemon_run_up_hook(struct daemon *d);
/* NULL is fine, and is what is left. */
void daemon_free_event(struct event **e);

/* Opens everything, events aside. Returns the exit code, 0 if all is well; what
 * went wrong has been logged. */
int daemon_open(struct daemon *d);
uint64_t daemon_interval_us(const struct conf *c);
/* Tells the node the peers it should want: the addresses in the configuration,
 * and what its names resolve to. */
void daemon_want_peers(struct daemon *d);

/* Reads the TAP, follows its link, and looks at its other side every second if
 * that is asked who wants what: from events. False if memory is short. */
bool daemon_watch_interface(struct daemon *d);
void daemon_unwatch_interface(struct daemon *d);
/* Sets the offloads of both sides as configured, as far as they go. */
void daemon_set_offloads(struct daemon *d);
/* Tells the node what the interface has become. */
void daemon_follow_link(struct daemon *d);
/* Tells the node what it has to know of the TAP before it draws conclusions.
 * The daemon may be stopping afterwards. */
void daemon_before_tick(struct daemon *d);
/* The configuration may say otherwise about multicast now. */
void daemon_set_multicast(struct daemon *d);

/* Reads the configuration and the secret again and applies what may change at
 * run time. {"changes": […]}; or NULL with *error, and nothing changed. */
json_t *daemon_reload(struct daemon *d, char **error);

#endif
