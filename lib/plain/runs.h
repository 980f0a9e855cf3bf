/* Frames behind their headers → datagrams → runs to send. */
#ifndef TAPD_PLAIN_RUNS_H
#define TAPD_PLAIN_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/datagram.h"

/*
 * The datagrams of one peer after the other are laid side by side in one pool, the one
 * copy, in the order in which they are added. Those that follow each other, are of one
 * flow and of one size are a run, which can leave in one UDP_SEGMENT send; a shorter
 * one ends its run.
 *
 * Nothing in a datagram says to whom it goes. So what one peer gets and another gets,
 * too, is laid down once: the second has runs of its own over the same bytes. That is
 * what makes a frame for many cost little more than a frame for one.
 *
 * When the pool is used up it is handed to `send` and starts over, so any number of
 * peers needs the same memory.
 */
#define RUNS_MAX      128
#define RUNS_POOL_LEN ((size_t)512 * 1024)

/* Sends the runs in order; borrowed until it returns. */
typedef void runs_send(void *user, const struct datagram_run *runs,
		       size_t count);

struct runs {
	runs_send *send;
	void *user;
	uint8_t *pool;
	size_t used; /* bytes of it */
	struct datagram_run runs[RUNS_MAX];
	uint32_t count;

	/* the peer that datagrams are added for */
	struct way to;
	uint32_t first;		   /* of its runs */
	bool whole;		   /* all of its runs are still here */
	struct datagram_run *open; /* the one that may grow, or NULL */
	uint32_t segments;	   /* datagrams in that run */
	uint64_t datagrams, bytes; /* since runs_begin */
};

/* False if memory is short. */
bool runs_init(struct runs *r, runs_send *send, void *user);
void runs_free(struct runs *r);

/* What is added from now on goes there. */
void runs_begin(struct runs *r, const struct way *to);
/* A datagram, in two places, of at most DATAGRAM_RUN_LEN_MAX bytes; copied. */
void runs_add(struct runs *r, const uint8_t *head, size_t head_len,
	      const uint8_t *body, size_t body_len, uint16_t spread);
/* As if all that was added since runs_begin were added again, to go there. False, and
 * nothing done, if it is not here any more: then it has to be added. */
bool runs_repeat(struct runs *r, const struct way *to);
/* Hands every run to send. */
void runs_flush(struct runs *r);

#endif
