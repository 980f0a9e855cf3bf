/* What our side of the TAP is like and lately did, told to the node. */
#ifndef TAPD_TAP_WATCH_H
#define TAPD_TAP_WATCH_H

#include <stdbool.h>

#include "base/clock.h"
#include "node/node.h"
#include "tapd/link.h"

/*
 * A node finds out who wants which group by asking its side of the TAP, and has
 * to know when an answer may be missing: while the TAP is down, when its queue
 * dropped frames, and while something there wants every group without saying
 * so. Some of that the kernel tells (tap_watch_follow), some it has to be asked
 * for (tap_watch_look, tap_watch_before_tick). It is asked about this one link only.
 *
 * In doubt the node is told the worse: it then floods, and asks again.
 */
struct tap_watch;

/* NULL if memory is short. n is borrowed. */
struct tap_watch *tap_watch_new(struct node *n);
void tap_watch_free(struct tap_watch *w);

/* The link may have changed. */
void tap_watch_follow(struct tap_watch *w, const struct link *l,
		      struct clock now);
/* The interface was deleted; what is followed next is another. */
void tap_watch_lost(struct tap_watch *w, struct clock now);
/* Once a second: is it all-multicast, did its queue drop frames, and what does
 * it listen to? */
void tap_watch_look(struct tap_watch *w, struct link *l, struct clock now);

/*
 * Before node_tick, which may conclude from answers that did not come that
 * nobody is there. Looks for frames dropped, unless it just did. True: the
 * frames that wait in the TAP are to be read first.
 *
 * The queries leave 200 ms or more between the last answer and the conclusion
 * (bridge/querier), so that a look in the last 100 ms saw what befell all of
 * them, and a busy node, which ticks far more often, is not slowed down.
 */
bool tap_watch_before_tick(struct tap_watch *w, struct link *l,
			   struct clock now);

#endif
