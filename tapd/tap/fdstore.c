#include "tapd/tap/fdstore.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_FDS_START 3 /* SD_LISTEN_FDS_START of sd-daemon.h */
#define LISTEN_FDS_MAX	 64
#define MESSAGE_MAX	 320 /* the manager takes names of up to 255 bytes */

/* A number from the environment within 0…max, or -1. */
static long number(const char *variable, long max)
{
	const char *text = getenv(variable);
	char *end;
	long value;

	if (!text || !*text)
		return -1;
	errno = 0;
	value = strtol(text, &end, 10);
	return *end || errno || value < 0 || value > max ? -1 : value;
}

static int find(const char *names, long count, const char *name)
{
	size_t len = strlen(name);

	for (int fd = LISTEN_FDS_START; fd < LISTEN_FDS_START + count; fd++) {
		size_t this_len = strcspn(names, ":");

		if (this_len == len && !memcmp(names, name, len))
			return fd;
		names += this_len;
		names += *names == ':';
	}
	return -1;
}

int fdstore_take(const char *name)
{
	const char *names = getenv("LISTEN_FDNAMES");
	long count = number("LISTEN_FDS", LISTEN_FDS_MAX);
	int fd = -1;

	/* Descriptors meant for whoever started us are not ours. */
	if (names && number("LISTEN_PID", LONG_MAX) == (long)getpid())
		fd = find(names, count, name);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return fd < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -1 : fd;
}

static int manager_address(struct sockaddr_un *to, socklen_t *len)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t path_len = path ? strlen(path) : 0;

	if (!path_len)
		return -ENOENT;
	if (path_len >= sizeof(to->sun_path) || !strchr("/@", path[0]))
		return -EINVAL;
	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(to->sun_path, path, path_len);
	if (path[0] == '@') /* an abstract name */
		to->sun_path[0] = '\0';
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_len);
	return 0;
}

/* Sends the text, with a copy of fd unless that is -1. */
static int tell(const char *text, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .space = { 0 } };
	struct sockaddr_un to;
	struct iovec piece = { (void *)(uintptr_t)text, strlen(text) };
	struct msghdr message = {
		.msg_name = &to,
		.msg_iov = &piece,
		.msg_iovlen = 1,
	};
	int err = manager_address(&to, &message.msg_namelen), s;

	if (err < 0)
		return err;
	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control.space);
		control.header = (struct cmsghdr){
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
			.cmsg_len = CMSG_LEN(sizeof(int)),
		};
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s < 0)
		return -errno;
	err = sendmsg(s, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
	close(s);
	return err;
}

int fdstore_give(const char *name, int fd)
{
	char text[MESSAGE_MAX];

	snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s", name);
	return tell(text, fd);
}

int fdstore_drop(const char *name)
{
	char text[MESSAGE_MAX];

	snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	return tell(text, -1);
}
