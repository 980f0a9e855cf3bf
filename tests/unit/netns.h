/* A network namespace for one test, gone with its process. */
#ifndef TEST_NETNS_H
#define TEST_NETNS_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* False (and a line on stdout) where this user may not make namespaces or use
 * the tun driver: such tests need root. */
static inline bool netns_is_allowed(void)
{
	bool allowed =
		geteuid() == 0 && access("/dev/net/tun", R_OK | W_OK) == 0;

	if (!allowed)
		printf("needs root and /dev/net/tun: skipped\n");
	return allowed;
}

/* A Check fixture: the forked test moves into a namespace of its own. */
static inline void netns_enter(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		ck_abort_msg("unshare: %s", strerror(errno));
	ck_assert_int_eq(system("ip link set lo up"), 0);
}

static inline void netns_run(const char *command)
{
	if (system(command) != 0)
		ck_abort_msg("failed: %s", command);
}

#endif
