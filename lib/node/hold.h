/* What is sent by a new path waits until what left by the old one has arrived. */
#ifndef TAPD_NODE_HOLD_H
#define TAPD_NODE_HOLD_H

#include "node/core.h"

/*
 * A peer's datagrams go by another path from now on. If that is the shorter one, what
 * is sent by it would overtake what is still under way: it is held for half the
 * difference of the round trips, and then sent in the order in which it came.
 *
 * The bounds are the node's. A ninth way is not held, and may overtake; a datagram for
 * which there is no room is dropped (hold_full). A peer decides when its path changes,
 * so no way holds more than it leaves free to others, and none is held for longer than
 * it was said when that began.
 */
#define HOLD_WAYS   8
#define HOLD_BYTES  ((size_t)512 * 1024)
#define HOLD_MAX_US (100 * CLOCK_MS)

/* False if memory is short. */
bool hold_init(struct node *n);
void hold_free(struct node *n);

/* What goes there is held for so long. before: the way until now; if what went there is
 * held still, this waits for that too. False: it is not, or is already. */
bool hold_begin(struct node *n, const struct way *before, const struct way *way,
		uint64_t for_us, uint64_t now_us);
/* Sends the runs but for those that are held. They are borrowed. */
void hold_send(struct node *n, const struct datagram_run *runs, size_t count);
void hold_timer(struct node *n, uint64_t now_us);

/* One is under way. */
static inline bool hold_any(const struct node *n)
{
	return n->holds_count != 0;
}

#endif
