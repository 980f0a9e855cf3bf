/* One socket, and what is set on each. */
#ifndef TAPD_UNDERLAY_UDP_SOCKET_H
#define TAPD_UNDERLAY_UDP_SOCKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "tapd/underlay/routing.h"

struct udp_socket {
	int fd;
	int family;
	bool both; /* IPv6 that takes IPv4 as well */
	/* The path MTU is the kernel's to know, and who sends has to keep to it: nobody
	 * finds it out otherwise. */
	bool plain;
	bool raw; /* GRE, not UDP */
	struct routing routing;
	struct addr bound;
	uint32_t overflows; /* as the kernel last said: since it was opened */
};

/* False if the kernel refuses. */
bool udp_socket_option(int fd, int level, int option, int value);
/* A socket of that family, with its options, its routing and about that receive buffer,
 * with no address yet. 0 or -errno. */
int udp_socket_new(struct udp_socket *s, int buffer);

#endif
