/* How much may lie in a socket, waiting for the card (after DQL, Linux's
 * lib/dynamic_queue_limits.c). */
#ifndef TAPD_UNDERLAY_SEND_LIMIT_H
#define TAPD_UNDERLAY_SEND_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What lies in the socket leaves in order, so a heartbeat waits for all of it; what
 * waits before the socket does not hold it up. The limit is what keeps the card busy
 * while this process sleeps until it is told that there is room, and not much more:
 *
 *	- a batch must fit, or a part of it would be lost;
 *	- if the socket ran dry before we came, it was too small: it doubles, up to what
 *	  leaves in SEND_LIMIT_US, for a host that is late by more is a busy one, and
 *	  others would wait as long;
 *	- if each time for a second there was some left, half of the least of that was
 *	  too much. It falls by a quarter a second at most, and by no more than leaves
 *	  room in the buffer for what may lie in the socket then.
 *
 * Bytes are the kernel's own count, which has its overhead in it.
 */
#define SEND_LIMIT_MIN	 (64U * 1024)
#define SEND_LIMIT_START (256U * 1024)
#define SEND_LIMIT_MAX	 (8U * 1024 * 1024)
#define SEND_LIMIT_US	 1000

struct send_limit {
	uint32_t bytes;
	uint32_t batch;	       /* the largest of this second, and a quarter */
	uint32_t batch_before; /* and of the second before */
	uint64_t sent;	       /* in this second */
	uint32_t ceiling; /* what left in SEND_LIMIT_US of the second before */
	uint32_t left; /* the least that was left when we came, this second */
	bool came;
	uint64_t since_us; /* when this second began */
};

void send_limit_init(struct send_limit *l, uint64_t now_us);
/* So many bytes are to be sent at once, and may take so much room. True: the limit has
 * changed. */
bool send_limit_batch(struct send_limit *l, uint64_t bytes, uint64_t cost,
		      uint64_t now_us);
/* The socket has room again, and so many bytes are left in it. True: the limit has
 * changed. */
bool send_limit_room(struct send_limit *l, uint32_t left, uint64_t now_us);

#endif
