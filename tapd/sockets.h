/* The tunnel's sockets, while the daemon runs. */
#ifndef TAPD_SOCKETS_H
#define TAPD_SOCKETS_H

#include <stdbool.h>

struct daemon;

/* Opens them as the configuration says. False with *error, to be freed. */
bool daemon_open_sockets(struct daemon *d, char **error);
/* Tells the node where they are bound. */
void daemon_tell_sockets(struct daemon *d);
/*
 * An interface or an address came, went or changed. A socket stays bound to an
 * interface that was deleted (`device`): where another has its name now they are opened
 * again, and true is returned; the offloads are to be set then, and the interfaces above
 * the TAP told.
 */
bool daemon_follow_device(struct daemon *d);

#endif
