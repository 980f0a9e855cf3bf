/* What happens, told to those who watch: tapctl monitor. */
#ifndef TAPD_MONITOR_EVENTS_H
#define TAPD_MONITOR_EVENTS_H

#include <stdbool.h>

#include "node/node.h"

struct daemon;

/* Whether a node's event is to be told: as monitor_wants. */
bool daemon_monitor_wants(const struct daemon *d, const struct node_event *e);
/* Tells it. text: what is logged of it. */
void daemon_monitor_event(const struct daemon *d, const struct node_event *e,
			  const char *text);
/* A source lists other hosts now. */
void daemon_monitor_source(struct daemon *d, enum node_source source,
			   size_t before);
/* monitor_new's: somebody watches, or nobody any more. */
void daemon_monitor_watched(void *daemon, bool on);

#endif
