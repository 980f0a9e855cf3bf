/* By which of this host's routes the tunnel's datagrams leave. */
#ifndef TAPD_UNDERLAY_ROUTING_H
#define TAPD_UNDERLAY_ROUTING_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

struct nlmsghdr;

/*
 * A host may have several routing tables. The sockets are bound to an interface or a
 * VRF, or their datagrams have a mark by which rules choose a table (ip-rule(8)); who
 * asks the kernel for a route has to ask for one of such a datagram.
 */
struct routing {
	char device[IF_NAMESIZE]; /* an interface or a VRF; "": any */
	uint32_t mark;		  /* 0: none */
};

/* Before the socket is bound. 0, or -errno: -ENODEV without such an interface, -EPERM
 * without the right to set it. */
int routing_set(int fd, const struct routing *r);
/* False if the interface that the socket is bound to was deleted, or has another name. */
bool routing_has_device(int fd, const struct routing *r);
/* Completes a question for a route (RTM_GETROUTE). scope: the interface that the
 * destination itself names, or 0. False: there is no such interface, and so no route. */
bool routing_ask(struct nlmsghdr *question, const struct routing *r,
		 uint32_t scope);

#endif
