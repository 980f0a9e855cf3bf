/* A socket of its own for handshakes, so that a flood of them fills no queue of data. */
#ifndef TAPD_UNDERLAY_STRANGERS_H
#define TAPD_UNDERLAY_STRANGERS_H

#include "tapd/underlay/udp_socket.h"

/*
 * Anybody can send handshakes, and a member can send good ones as fast as its line
 * allows. In one queue with data they would delay it, and where they overflow it, be
 * in its place. So a second socket is bound to the same address (SO_REUSEPORT), and a
 * classic BPF program, which needs no privilege, gives it every datagram that is not
 * data: it looks at the type, and in what a relay passes on, at the type within.
 *
 * The first socket was bound alone, so that a port in use is still refused; it is
 * number 0 of the group, where everything goes that the program cannot read.
 */

/* Binds *strangers beside *s, which is bound. 0, or -errno: then all is as before, and
 * both kinds share the one queue. */
int strangers_open(struct udp_socket *strangers, struct udp_socket *s);

#endif
