/* Descriptors that the service manager keeps for our next start. */
#ifndef TAPD_MANAGER_FDSTORE_H
#define TAPD_MANAGER_FDSTORE_H

/*
 * A persistent TAP outlives a crash, but its carrier does not: it drops when
 * the last descriptor closes and is back when the next tapd opens it, and what
 * runs on the TAP (VRRP) takes that for a fault. A copy of the descriptor held
 * by the manager closes the gap. systemd does so for a service with
 * FileDescriptorStoreMax=, over a restart too, and closes it when the service is
 * stopped for good. The protocol is that of sd_notify(3) and sd_listen_fds(3).
 * Anything else that speaks it will do; without one, none of this does anything.
 */

/* The descriptor that was given under that name, close-on-exec, or -1. Those that were
 * given under another name are not kept: the manager is told to close its copies, other
 * (NULL: nobody) looks at each, and it is closed. Asked once: the environment that
 * tells is gone afterwards, and so is the claim to numbers that may be another file's
 * by then. */
int fdstore_take(const char *name, void (*other)(void *user, int fd),
		 void *user);
/* Has a copy of fd kept under that name. 0, -ENOENT if no manager asked to be
 * told, or -errno. */
int fdstore_give(const char *name, int fd);
/* Has the manager close its copy. The same errors. */
int fdstore_drop(const char *name);

#endif
