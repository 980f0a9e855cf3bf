/* SIGTERM and SIGINT stop the daemon, SIGHUP has it reload. */
#ifndef TAPD_SIGNALS_H
#define TAPD_SIGNALS_H

#include <stdbool.h>

struct daemon;

/* False if memory is short. */
bool daemon_watch_signals(struct daemon *d);

#endif
