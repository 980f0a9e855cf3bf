#include "netlink_answers.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "fuzz.h"

static struct cursor answers;
/* One that takes options. */
static int some_socket;

void netlink_answers_init(void)
{
	some_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	HOLDS(some_socket >= 0);
}

void netlink_answers_set(const uint8_t *data, size_t size)
{
	answers = cursor_init(data, size);
}

/* ---- libmnl's ---- */

struct mnl_socket *mnl_socket_open2(int bus, int flags)
{
	(void)bus;
	(void)flags;
	return malloc(1);
}

int mnl_socket_bind(struct mnl_socket *s, unsigned int groups, pid_t pid)
{
	(void)s;
	(void)groups;
	(void)pid;
	return 0;
}

int mnl_socket_close(struct mnl_socket *s)
{
	free(s);
	return 0;
}

unsigned int mnl_socket_get_portid(const struct mnl_socket *s)
{
	(void)s;
	return 0;
}

int mnl_socket_get_fd(const struct mnl_socket *s)
{
	(void)s;
	return some_socket;
}

int mnl_socket_setsockopt(const struct mnl_socket *s, int type, void *buf,
			  socklen_t len)
{
	(void)s;
	(void)type;
	(void)buf;
	(void)len;
	return 0;
}

ssize_t mnl_socket_sendto(const struct mnl_socket *s, const void *buf,
			  size_t len)
{
	(void)s;
	touch(buf, len);
	return (ssize_t)len;
}

/* How much of it are whole messages, with errors that there are: the kernel's framing
 * is good, and libmnl takes its word. */
static size_t whole_messages(uint8_t *bytes, size_t len)
{
	struct nlmsghdr header;
	size_t at = 0, end;
	int err;

	for (; len - at >= sizeof(header); at = end) {
		memcpy(&header, bytes + at, sizeof(header));
		if (header.nlmsg_len < sizeof(header) ||
		    header.nlmsg_len > len - at ||
		    MNL_ALIGN(header.nlmsg_len) > len - at)
			break;
		end = at + MNL_ALIGN(header.nlmsg_len);
		if ((header.nlmsg_type != NLMSG_ERROR &&
		     header.nlmsg_type != NLMSG_DONE) ||
		    header.nlmsg_len < sizeof(header) + sizeof(err))
			continue;
		memcpy(&err, bytes + at + sizeof(header), sizeof(err));
		err = -(err & 0xfff);
		memcpy(bytes + at + sizeof(header), &err, sizeof(err));
	}
	return at;
}

/* Each answer with its length before it; when there are no more, silence. */
ssize_t mnl_socket_recvfrom(const struct mnl_socket *s, void *buf, size_t size)
{
	size_t len = cursor_u16(&answers);

	(void)s;
	if (!cursor_ok(&answers)) {
		errno = EAGAIN;
		return -1;
	}
	len = len < answers.left ? len : answers.left;
	len = len < size ? len : size;
	memcpy(buf, cursor_take(&answers, len), len);
	return (ssize_t)whole_messages(buf, len);
}
