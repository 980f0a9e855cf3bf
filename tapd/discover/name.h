/* One name, and what it was last known to mean. */
#ifndef TAPD_DISCOVER_NAME_H
#define TAPD_DISCOVER_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "node/node.h"
#include "tapd/conf/conf.h"

/* As many addresses of one are taken. */
#define NAME_ADDRS_MAX ((size_t)NODE_ENDPOINTS_MAX)

struct name_answer {
	struct addr *addrs;
	size_t count, size;
};

/* Begins zeroed, but for peer. */
struct name {
	struct conf_peer peer;
	struct name_answer known; /* the last good one */
	struct name_answer heard; /* not complete yet */
	size_t turn;		  /* when its lookup asks for it, from 1 */
	bool answered;		  /* in some way, since it was asked for */
	bool silent;		  /* a lookup died waiting for it */
	bool unreached;		  /* … before it came to this one */
	char failure[CONF_TEXT_MAX + 128]; /* "": the last answer was good */
};

/* It is asked for anew. */
void name_begin(struct name *n);
/* what, here and below: the word before it in the log, "peer". A line of its lookup: "!" and why it has no answer, an address, or "." at the end.
 * True: it means something else than before. */
bool name_hear(struct name *n, const char *text, const char *what);
void name_fail(struct name *n, const char *why, const char *what);
/* When it is asked for: the less, the sooner; below NAME_RANKS. */
#define NAME_RANKS 4
int name_rank(const struct name *n);
/* Frees its answers. */
void name_free(struct name *n);

#endif
