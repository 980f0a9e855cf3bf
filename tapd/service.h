/* The daemon as its service manager sees it: ready, reloading, its peers. */
#ifndef TAPD_SERVICE_H
#define TAPD_SERVICE_H

struct daemon;

/* Tells it what is new: to be called when a peer, the interface or its hook changed;
 * once a second it is looked at anyway (tapd/manager_events). */
void daemon_tell_manager(struct daemon *d);

/* A reload begins; it has ended. */
void daemon_tell_reloading(const struct daemon *d);
void daemon_tell_reloaded(const struct daemon *d);

#endif
