/* The sockets below: datagrams in and out, in batches, without waiting. */
#ifndef TAPD_UNDERLAY_UDP_H
#define TAPD_UNDERLAY_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/drop.h"
#include "node/node.h"
#include "tapd/underlay/routing.h"
#include "tapd/underlay/senders.h"

/*
 * A datagram goes out with DF set and is never cut into IP fragments. A run of
 * equal datagrams leaves in one UDP_SEGMENT send where the kernel can, and one
 * by one where it cannot; runs that GRO merged arrive as they are. Nothing here
 * waits: what the kernel does not take at once is lost, and reported.
 */
struct udp;

#define UDP_SOCKETS_MAX 8

/* What the datagrams carry, which decides on the sockets. */
enum udp_kind {
	UDP_SEALED, /* tapd's own messages: handshakes have a queue of their own */
	/* VXLAN: what is sent leaves from other ports than that of the others, one for
	 * each flow, so that networks spread flows (RFC 7348, section 5). UDP over IPv6
	 * without a checksum is taken (RFC 6935), and none is sent. */
	UDP_VXLAN,
	/* GRE, which is no UDP: raw sockets, which need CAP_NET_RAW to be opened. A
	 * datagram is what follows the IP header. An address has port 0, but for our own,
	 * which has the protocol's number. */
	UDP_GRE,
};

/* How much one system call does; each level has what is below it. */
enum udp_batching {
	UDP_SINGLE, /* one datagram */
	UDP_BATCH,  /* many messages: sendmmsg, recvmmsg */
	UDP_RUNS,   /* messages of many datagrams: UDP_SEGMENT, UDP_GRO */
};
/* Their names in the configuration, in order; NULL at the end. */
extern const char *const udp_batching_words[];

/* What sending tells its caller, from inside. */
struct udp_events {
	/* `count` datagrams of `size` payload bytes to `to` were not sent. */
	void (*lost)(void *user, const struct addr *to, enum drop_reason reason,
		     size_t size, uint64_t count);
	/* A datagram left from an address of the kernel's choice: the local one
	 * of that way is not this host's any more. */
	void (*local_gone)(void *user, const struct way *way);
};

/*
 * Binds each of the addresses, with port 0 for GRE. [::] takes IPv4 as well, unless an IPv4 address
 * with its port is listed too. routing is that of each socket; NULL: the host's. NULL
 * with *error (address, port, why, what to do; to be freed).
 */
struct udp *udp_open(const struct addr *listen, size_t count,
		     enum udp_kind kind, const struct routing *routing,
		     char **error);
/* Dual stack on that port, or IPv4 alone where there is no IPv6. */
struct udp *udp_open_default(uint16_t port, enum udp_kind kind,
			     const struct routing *routing, char **error);
void udp_close(struct udp *u);

/* The sockets are numbered from 0; -1 past the last. */
int udp_fd(const struct udp *u, unsigned socket);
/* Its companion at the same address, where all comes that is not data; -1: there is
 * none, and this comes to the socket itself. */
int udp_strangers_fd(const struct udp *u, unsigned socket);
/* Where a socket is bound: with its port if 0 was asked for. */
struct addr udp_bound(const struct udp *u, unsigned socket);
/* A socket of that address' family is there. */
bool udp_has_family(const struct udp *u, const struct addr *to);
/* At most this much; both are UDP_RUNS at first. */
void udp_set_batching(struct udp *u, enum udp_batching send,
		      enum udp_batching receive);
/* What is done: runs only where the kernel can, and not where it failed. */
enum udp_batching udp_send_batching(const struct udp *u);
enum udp_batching udp_receive_batching(const struct udp *u);
/* The interface that they are bound to is there, under the name that was given; or there
 * is none such. */
bool udp_has_device(const struct udp *u);
/* The smallest receive buffer, as the kernel granted it, in bytes. */
int udp_receive_buffer(const struct udp *u);

/*
 * What is sent lies in a socket until the card takes it. From udp_limit on that is
 * bounded, as send_limit.h says, by who sends: nothing should be sent while
 * udp_is_full(). There is a sender for each way out of this host, numbered from 0; the
 * descriptor of a full one, which is -1 past the last, is writable when it has room
 * again. One that is full holds nobody up as long as another that is in use is not; but
 * where each flow has a sender, and all leave by one card, one that is full is enough.
 */
#define UDP_SENDERS_MAX (UDP_SOCKETS_MAX * SENDERS)
void udp_limit(struct udp *u, uint64_t now_us);
bool udp_is_full(struct udp *u, uint64_t now_us);
bool udp_sender_is_full(const struct udp *u, unsigned sender);
int udp_sender_fd(const struct udp *u, unsigned sender);
/* So many bytes are to be sent at once, in so many datagrams. */
void udp_expect(struct udp *u, uint64_t bytes, uint64_t datagrams,
		uint64_t now_us);
void udp_has_room_again(struct udp *u, unsigned sender, uint64_t now_us);
/* The bound as it is now, in bytes as the kernel counts them. */
uint32_t udp_send_limit(const struct udp *u);

/*
 * Reads what waits at one socket, up to one batch. Returns how many are in
 * *out, borrowed (and writable) until the next call, each with the address it was
 * sent to where the kernel tells. *more: there may be more.
 */
size_t udp_receive(struct udp *u, unsigned socket,
		   const struct datagram_run **out, bool *more);
/* The same of its companion, and a few datagrams at most, whatever waits. *more: it
 * has to be called again though there may be nothing to read. */
size_t udp_receive_strangers(struct udp *u, unsigned socket,
			     const struct datagram_run **out, bool *more);
/* How many datagrams overflowed the receive buffers since the last call; and those of
 * strangers. */
uint64_t udp_overflows(struct udp *u);
uint64_t udp_strangers_overflows(struct udp *u);

/* How many datagrams since the last call came to a broadcast or multicast address,
 * or to none of this host's, and were dropped. */
uint64_t udp_misdirected(struct udp *u);
/* Those that came by the overlay itself: by one of these interfaces. */
uint64_t udp_recursive(struct udp *u);
#define UDP_INSIDE_MAX 32
void udp_set_inside(struct udp *u, const unsigned *interfaces, size_t count);

/* Sends the runs in order, each from its local address, if it has one. */
void udp_send(struct udp *u, const struct datagram_run *runs, size_t count,
	      const struct udp_events *events, void *user);

#endif
