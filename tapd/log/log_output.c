#include "tapd/log/log_output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void open_again(struct log_output *o)
{
	int fd = open("/proc/self/fd/2",
		      O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	o->opened = fd >= 0;
	o->ask = fd < 0;
	if (o->opened)
		o->fd = fd;
}

void log_output_open(struct log_output *o)
{
	struct stat st;

	*o = (struct log_output){ .fd = STDERR_FILENO };
	if (fstat(STDERR_FILENO, &st) != 0)
		return;
	o->socket = S_ISSOCK(st.st_mode);
	o->terminal = isatty(STDERR_FILENO) == 1;
	if (S_ISFIFO(st.st_mode) || o->terminal)
		open_again(o);
}

void log_output_close(struct log_output *o)
{
	if (o->opened)
		close(o->fd);
	*o = (struct log_output){ .fd = STDERR_FILENO };
}

/* A pipe with room takes a line at once: it has a page, and that holds one. */
static bool has_room(const struct log_output *o)
{
	struct pollfd p = { .fd = o->fd, .events = POLLOUT };

	return !o->ask || poll(&p, 1, 0) != 0;
}

ssize_t log_output_write(const struct log_output *o, const char *bytes,
			 size_t len)
{
	ssize_t n;

	if (!has_room(o))
		return -EAGAIN;
	do {
		n = o->socket ? send(o->fd, bytes, len,
				     MSG_DONTWAIT | MSG_NOSIGNAL)
			      : write(o->fd, bytes, len);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}
