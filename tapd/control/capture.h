/* Frames for tapctl capture: pcapng through a pipe. */
#ifndef TAPD_CONTROL_CAPTURE_H
#define TAPD_CONTROL_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "node/node.h"
#include "tapd/control/control.h"

struct event_base;

/*
 * Each capture has a pipe, whose other end its client gets with the first line of
 * its answer, and room for CAPTURE_ROOM bytes that the pipe does not take yet: what
 * does not fit is lost, and counted in the next packet that does. So a client that
 * reads slowly, or not at all, costs memory and no time; and whatever it does with
 * what it reads, a full disk or a slow network, is none of the daemon's business.
 *
 * The pipe is written to in the next turn of the loop, once for all that a batch
 * had. Two may run at once: each costs a copy of all it shows.
 */
#define CAPTURES_MAX 2
#define CAPTURE_ROOM ((size_t)1 << 20)

struct captures;

struct capture_wants {
	bool one_peer; /* only frames of the peer with that key, or name */
	struct public_key key;
	char name[NODE_NAME_MAX + 1]; /* of one without a key */
	bool dropped;		      /* only what is dropped */
	uint64_t count;		      /* that many frames; 0: no end */
};

/* watched: called when the first begins, and when the last has ended. interface:
 * what pcapng calls it. NULL if memory is short. */
struct captures *captures_new(struct event_base *base, const char *interface,
			      void (*watched)(void *user, bool on), void *user);
/* After its lists: control_free. NULL is fine. */
void captures_free(struct captures *c);

/* A frame that was seen; wall_us: when. */
void captures_show(struct captures *c, const struct node_sight *sight,
		   uint64_t wall_us);
/* A capture, as a list of two lines: with the first goes the pipe; the second, once
 * it has all it wants: {frames, lost}. NULL with *error (to be freed). */
struct control_list *captures_begin(struct captures *c,
				    const struct capture_wants *wants,
				    char **error);

#endif
