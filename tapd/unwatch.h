/* Events that are no longer waited for. */
#ifndef TAPD_UNWATCH_H
#define TAPD_UNWATCH_H

struct daemon;
struct event;

/* NULL is fine, and is what is left. */
void daemon_free_event(struct event **e);
/* Those of tap_events, and of udp_events. */
void daemon_unwatch_interface(struct daemon *d);
void daemon_unwatch_sockets(struct daemon *d);

#endif
