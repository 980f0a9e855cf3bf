/* What our side of the TAP is like and lately did, told to the node. */
#ifndef TAPD_TAP_HOST_WATCH_H
#define TAPD_TAP_HOST_WATCH_H

#include <stdbool.h>

#include "base/clock.h"
#include "node/node.h"
#include "tapd/tap/link.h"

/*
 * A node finds out who wants which group by asking its side of the TAP, and has
 * to know when an answer may be missing: while the TAP is down, when its queue
 * dropped frames, and while something there wants every group without saying
 * so. Some of that the kernel tells (host_watch_follow), some it has to be asked
 * for (host_watch_look, host_watch_before_tick). It is asked about this one link only.
 *
 * In doubt the node is told the worse: it then floods, and asks again.
 */
struct host_watch;

/* NULL if memory is short. n is borrowed. */
struct host_watch *host_watch_new(struct node *n);
void host_watch_free(struct host_watch *w);

/* The link may have changed. */
void host_watch_follow(struct host_watch *w, const struct link *l,
		       struct clock now);
/* The interface was deleted; what is followed next is another. */
void host_watch_lost(struct host_watch *w, struct clock now);
/* Once a second: is it all-multicast, did its queue drop frames, and what does
 * it listen to? */
void host_watch_look(struct host_watch *w, struct link *l, struct clock now);

/*
 * Before node_tick, which may conclude from answers that did not come that
 * nobody is there. Looks for frames dropped, unless it just did. True: the
 * frames that wait in the TAP are to be read first.
 *
 * The queries leave 200 ms or more between the last answer and the conclusion
 * (bridge/querier), so that a look in the last 100 ms saw what befell all of
 * them, and a busy node, which ticks far more often, is not slowed down.
 */
bool host_watch_before_tick(struct host_watch *w, struct link *l,
			    struct clock now);

#endif
