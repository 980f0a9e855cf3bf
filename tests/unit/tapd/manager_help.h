/* The other end of sd_notify(3). */
#ifndef TEST_MANAGER_HELP_H
#define TEST_MANAGER_HELP_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A manager's socket; abstract, so that nothing is left on disk. */
static inline int open_manager(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char name[64];
	int s = socket(AF_UNIX, SOCK_DGRAM, 0);

	snprintf(name, sizeof(name), "@tapd-test-%ld", (long)getpid());
	memcpy(at.sun_path + 1, name + 1, strlen(name) - 1);
	ck_assert_int_eq(
		bind(s, (struct sockaddr *)&at,
		     (socklen_t)(sizeof(at.sun_family) + strlen(name))),
		0);
	setenv("NOTIFY_SOCKET", name, 1);
	return s;
}

/* The descriptor that came with the next message, or -1; its text in `text`. */
static inline int next_message(int s, char text[static 256])
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec piece = { text, 255 };
	struct msghdr message = {
		.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(s, &message, MSG_DONTWAIT);
	int fd = -1;

	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	if (CMSG_FIRSTHDR(&message))
		memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

#endif
