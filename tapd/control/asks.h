/* What the daemon asks other hosts for tapctl: pings, tests of a group, the mesh. */
#ifndef TAPD_CONTROL_ASKS_H
#define TAPD_CONTROL_ASKS_H

#include "tapd/control/control.h"
#include "tapd/control/snapshot.h"

struct event_base;

/* With whom, and when. */
struct asks {
	struct event_base *base;
	struct node *node;
	struct clock now;
};

/*
 * Each begins to ask, and returns what waits for the answers and becomes the answer;
 * what is asked ends with it. NULL with *error (to be freed): the node says no, or
 * memory is short.
 */
/* One probe of so many bytes; with `largest`, many, for the largest that arrives.
 * {peer, endpoint, local, datagram_size, via}, and {size, rtt_us} or {size_max}. */
struct control_list *ask_ping(const struct asks *a, const struct snapshot *s,
			      const char *peer, uint16_t size, bool largest,
			      char **error);
/* First {group, sent}, then a row for each host: {name, key, member, heard, unicast,
 * first_ms, why}. */
struct control_list *ask_test(const struct asks *a, const char *group,
			      unsigned frames, char **error);
/* First {names}, then a row for each of them: {answered, rtt_us, loss}. */
struct control_list *ask_mesh(const struct asks *a, char **error);

#endif
