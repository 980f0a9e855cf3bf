/* What happens, told to those who watch: tapctl monitor. */
#ifndef TAPD_MONITOR_EVENTS_H
#define TAPD_MONITOR_EVENTS_H

#include "node/node.h"

struct daemon;

/* A node's event: which of them warn, and in which words, the caller knows; text is
 * NULL for those that do not. */
void daemon_monitor_event(struct daemon *d, const struct node_event *e,
			  const char *text);
/* A source lists other hosts now. */
void daemon_monitor_source(struct daemon *d, enum node_source source,
			   size_t before);
/* monitor_new's: somebody watches, or nobody any more. */
void daemon_monitor_watched(void *daemon, bool on);

#endif
