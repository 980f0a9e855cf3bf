/* The end of the daemon: first the peers and the hook, then everything else. */
#ifndef TAPD_STOP_H
#define TAPD_STOP_H

struct daemon;

/* Begins to stop: says goodbye, closes the events, runs the hook. */
void daemon_stop(struct daemon *d, int exit_code);
/* Closes what was opened, all of it or what start came to, and frees it. */
void daemon_close(struct daemon *d);

#endif
