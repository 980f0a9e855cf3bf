/* Network namespaces: which they are, and a look into each. */
#ifndef TAPD_TAP_NETNS_H
#define TAPD_TAP_NETNS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A socket belongs to the namespace that the thread was in when it was made. To enter
 * another wants CAP_SYS_ADMIN: as root, before privileges_drop.
 */

/* The number of the namespace that the thread is in, or of the one that fd is of: its
 * inode's. 0 where /proc does not tell. */
uint64_t netns_own(void);
uint64_t netns_number(int fd);

/* Where a namespace was come upon. */
struct netns_place {
	char name[64]; /* ip-netns(8)'s, or "" */
	pid_t pid;     /* else a process in it */
};

/* Called inside of it, in a thread that is gone afterwards, while the caller waits;
 * true ends the walk. */
typedef bool netns_look(void *user, const struct netns_place *place);

/*
 * Visits every other namespace that has a name or a process, each once, and at most
 * NETNS_VISITS_MAX. Returns true if a look did. *hidden: none could be entered.
 */
#define NETNS_VISITS_MAX 4096
bool netns_visit_others(netns_look *look, void *user, bool *hidden);

#endif
