/* What the daemon opens before its loop runs. */
#ifndef TAPD_START_H
#define TAPD_START_H

struct daemon;

/* Opens everything, events aside. Returns the exit code, 0 if all is well; what
 * went wrong has been logged. */
int daemon_open(struct daemon *d);

#endif
