/* Every interface of a network namespace, by rtnetlink. */
#ifndef TAPD_TAP_LINK_DUMP_H
#define TAPD_TAP_LINK_DUMP_H

#include <libmnl/libmnl.h>

/* A socket of the namespace that the calling thread is in, for good. */
struct link_dump;

/* NULL without netlink or memory. */
struct link_dump *link_dump_open(void);
void link_dump_close(struct link_dump *d);

/* Has `take` called with the message of each interface (struct ifinfomsg and what
 * follows), to return MNL_CB_OK. 0 or -errno: -EINTR if something changed meanwhile,
 * and one may be missing. */
int link_dump_run(struct link_dump *d, mnl_cb_t take, void *user);

#endif
