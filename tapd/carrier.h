/* The TAP's carrier: on, or as interface.carrier = "peers" says. */
#ifndef TAPD_CARRIER_H
#define TAPD_CARRIER_H

struct daemon;

/* A TAP that was just made or attached: its carrier is on, if it is not to wait
 * for peers, or a service manager kept it on since the last run. */
void daemon_begin_carrier(struct daemon *d);
/* Peers, or the configuration, changed. */
void daemon_follow_peers(struct daemon *d);

#endif
