/* The daemon: everything opened, joined by an event loop, and closed again. */
#ifndef TAPD_DAEMON_H
#define TAPD_DAEMON_H

#include "tapd/conf/conf.h"

/* Runs until a signal says stop, or the TAP is lost. Takes c. Returns the exit
 * code, sysexits(3); what went wrong has been logged. */
int daemon_run(struct conf *c);

#endif
