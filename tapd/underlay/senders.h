/* The sockets that datagrams leave from: one for each way out of this host, or flow. */
#ifndef TAPD_UNDERLAY_SENDERS_H
#define TAPD_UNDERLAY_SENDERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/datagram.h"
#include "tapd/underlay/udp_socket.h"

/*
 * What lies in a socket leaves in order, so datagrams that leave by another card, from
 * another of this host's addresses, have another socket to lie in: the first sender is
 * the socket itself, the others are bound to its address too and only send. They come
 * after the one for strangers, whose filter gives nothing to those bound later.
 *
 * Or they are spread: each has a port of its own, where nothing is taken in, and the
 * datagrams of a flow leave from the same one.
 */
#define SENDERS_WAYS 4
#define SENDERS	     16

struct sender {
	struct udp_socket socket; /* fd -1: there is none */
	bool taken;
	uint8_t local[16]; /* the address that it is for */
	uint64_t used_us;  /* when it was last sent from */
	uint32_t granted;  /* of the limit, by the kernel */
};

/* The socket alone; or others beside it, as far as the kernel lets, if its address is
 * shared with a socket for strangers. */
void senders_open(struct sender senders[SENDERS], const struct udp_socket *s,
		  bool shared);
/* Others alone, at ports of the kernel's choice, as far as there are some; the socket
 * itself if there is none. */
void senders_open_spread(struct sender senders[SENDERS],
			 const struct udp_socket *s);
/* Closes the others. */
void senders_close(struct sender senders[SENDERS], const struct udp_socket *s);
/* The one for a run. Addresses take senders in the order in which they are first used;
 * when there are no more, they share the last. */
struct sender *senders_choose(struct sender senders[SENDERS],
			      const struct datagram_run *r);
/* The one for a run's flow. */
struct sender *senders_choose_spread(struct sender senders[SENDERS],
				     const struct datagram_run *r);

#endif
