/* Questions to the kernel that never take long. */
#ifndef TAPD_CTL_DOCTOR_NETLINK_H
#define TAPD_CTL_DOCTOR_NETLINK_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

/* For routes, links and addresses: it waits 2 s at most. To be closed with
 * mnl_socket_close; NULL if there is none. */
struct mnl_socket *netlink_open(void);
/* Sends the request; `take` gets every message of its answer. False with errno if there
 * is none, if the kernel refuses, or if take does; EINTR: of a dump, whose subject
 * changed meanwhile, only a part came. */
bool netlink_ask(struct mnl_socket *s, struct nlmsghdr *nlh, mnl_cb_t take,
		 void *user);

/* Values of attributes: 0, or no address, of one that has another size. */
uint32_t netlink_u32(const struct nlattr *attr);
struct addr netlink_addr(const struct nlattr *attr);

#endif
