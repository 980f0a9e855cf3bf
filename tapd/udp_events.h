/* The sockets' side of the loop: datagrams are read. */
#ifndef TAPD_UDP_EVENTS_H
#define TAPD_UDP_EVENTS_H

#include <stdbool.h>

struct daemon;

/* False if memory is short. */
bool daemon_watch_sockets(struct daemon *d);

#endif
