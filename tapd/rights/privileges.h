/* Becoming another user, and the one capability that is kept for the TAP. */
#ifndef TAPD_RIGHTS_PRIVILEGES_H
#define TAPD_RIGHTS_PRIVILEGES_H

#include <stdbool.h>

/*
 * After privileges_drop the process is that user, in that user's groups, or root
 * still; either way root's number means nothing any more. CAP_NET_ADMIN stays in the
 * permitted set and is effective only between privileges_raise and privileges_lower,
 * that is around a change to the interface. Every other capability is gone, and
 * cannot come back: not by a program with the set-user-ID bit or file capabilities
 * (no_new_privs, the securebits, the bounding set). What needs another capability is
 * opened before.
 *
 * Started without CAP_SETPCAP, as by a user without rights, the bounding set and the
 * securebits cannot be changed; no_new_privs makes them idle.
 *
 * The process has one thread; so has everything here.
 */

/* user "": stay. False with *error (to be freed): no such user, or not allowed to
 * become it. */
bool privileges_drop(const char *user, char **error);

/* Before privileges_drop they do nothing: tapd uses what it was started with. */
void privileges_raise(void);
void privileges_lower(void);

/* In a forked child: whatever right there is is given up. */
void privileges_give_up(void);

/* In a forked child, before exec: what it runs gets CAP_NET_ADMIN and nothing else,
 * for a hook's purpose is to set up the interface further. */
void privileges_pass_on(void);

#endif
