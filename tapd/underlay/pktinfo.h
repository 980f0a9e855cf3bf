/* Which of this host's addresses a datagram came to, or is to leave from. */
#ifndef TAPD_UNDERLAY_PKTINFO_H
#define TAPD_UNDERLAY_PKTINFO_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/addr.h"

/* Room for what comes with a datagram (an IPv6 socket that takes IPv4 says it in
 * both ways), and for what goes with one. */
#define PKTINFO_RECEIVE_SPACE                    \
	(CMSG_SPACE(sizeof(struct in_pktinfo)) + \
	 CMSG_SPACE(sizeof(struct in6_pktinfo)))
#define PKTINFO_SEND_SPACE CMSG_SPACE(sizeof(struct in6_pktinfo))

/*
 * Reads a control message of a datagram of that family into *local, whose port it
 * leaves alone. *ours: the datagram was sent to that address; false: to a broadcast
 * or multicast one, or one that is not this host's. *interface: by which it came.
 * Other control messages change nothing.
 */
void pktinfo_read(const struct cmsghdr *c, bool v4, struct addr *local,
		  bool *ours, unsigned *interface);

/* Writes a control message that has a datagram leave from that address: from its
 * interface too if the address means nothing without. Returns its space. */
size_t pktinfo_write(struct cmsghdr *c, const struct addr *local);

#endif
