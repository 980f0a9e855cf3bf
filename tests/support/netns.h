/* A network namespace for one test, gone with its process. */
#ifndef TEST_NETNS_H
#define TEST_NETNS_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
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

/* A process that waits in a namespace of its own stands for a container; the
 * interface is moved to it. Ended by netns_end_container. */
static inline pid_t netns_move_to_container(const char *interface)
{
	char command[64], byte;
	int ready[2];
	pid_t child;

	ck_assert_int_eq(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		byte = unshare(CLONE_NEWNET) == 0 ? '+' : '-';
		(void)!write(ready[1], &byte, 1);
		pause();
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(byte, '+');
	snprintf(command, sizeof(command), "ip link set %s netns %d", interface,
		 (int)child);
	netns_run(command);
	return child;
}

static inline void netns_end_container(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* A packet socket's membership (PACKET_MR_…) of an interface: what tcpdump has,
 * and mrouted. To be closed. */
static inline int netns_open_member(const char *interface, int type)
{
	const struct packet_mreq request = {
		.mr_ifindex = (int)if_nametoindex(interface),
		.mr_type = (unsigned short)type,
	};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP,
				    &request, sizeof(request)),
			 0);
	return fd;
}

#endif
