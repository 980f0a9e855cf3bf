#include "tapd/generation.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define UEVENTS_OF_KERNEL 1
#define UEVENT_MAX	  8192
#define UEVENTS_AT_ONCE	  64

int generation_open(void)
{
	const struct sockaddr_nl all = { .nl_family = AF_NETLINK,
					 .nl_groups = UEVENTS_OF_KERNEL };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);
	int err;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&all, sizeof(all)) == 0)
		return fd;
	err = errno;
	close(fd);
	return -err;
}

bool generation_is_new(const char *message, size_t len)
{
	static const char key[] = "NEW_VMGENID=1";

	for (size_t at = 0; at < len;) {
		size_t word = strnlen(message + at, len - at);

		if (word == sizeof(key) - 1 &&
		    memcmp(message + at, key, word) == 0)
			return true;
		at += word + 1;
	}
	return false;
}

bool generation_changed(int fd)
{
	char message[UEVENT_MAX];
	bool changed = false;

	for (int i = 0; i < UEVENTS_AT_ONCE; i++) {
		struct sockaddr_nl from = { 0 };
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(fd, message, sizeof(message), 0,
				     (struct sockaddr *)&from, &from_len);

		/* Some were lost, which is what happens where containers are
		 * made by the hundred: no reason to wipe keys. */
		if (n < 0 && (errno == ENOBUFS || errno == EINTR))
			continue;
		if (n < 0)
			break;
		if (from.nl_pid == 0 && generation_is_new(message, (size_t)n))
			changed = true;
	}
	return changed;
}
