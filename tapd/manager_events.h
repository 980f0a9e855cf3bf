/* What the service manager is told while the daemon runs. */
#ifndef TAPD_MANAGER_EVENTS_H
#define TAPD_MANAGER_EVENTS_H

#include <stdbool.h>

struct daemon;

/* From here on it is told; without a manager nothing happens. False if memory is
 * short. */
bool daemon_watch_manager(struct daemon *d);
void daemon_unwatch_manager(struct daemon *d);

#endif
