/* Becoming another user, and the one capability that is kept for the TAP. */
#ifndef TAPD_PRIVILEGES_H
#define TAPD_PRIVILEGES_H

#include <stdbool.h>

/*
 * After privileges_drop the process is that user, in that user's groups.
 * CAP_NET_ADMIN stays in the permitted set and is effective only between
 * privileges_raise and privileges_lower, that is around a change to the
 * interface; every other capability is gone. Before, or without privileges_drop,
 * raise and lower do nothing: then tapd uses what it was started with.
 *
 * The process has one thread; so has everything here.
 */

/* False with *error (to be freed): no such user, or not allowed to become it. */
bool privileges_drop(const char *user, char **error);

void privileges_raise(void);
void privileges_lower(void);

/* In a forked child: whatever right there is is given up. */
void privileges_give_up(void);

/* In a forked child, before exec: what it runs gets CAP_NET_ADMIN too, for a
 * hook's purpose is to set up the interface further. */
void privileges_pass_on(void);

#endif
