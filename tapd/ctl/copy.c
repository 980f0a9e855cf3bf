#include "tapd/ctl/copy.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <unistd.h>

static bool write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

/* Waits for something to read. False if there is nobody to write it for. */
static bool wait_for_more(int from, int to)
{
	struct pollfd both[] = { { .fd = from, .events = POLLIN },
				 { .fd = to } };

	if (poll(both, 2, -1) < 0)
		return errno == EINTR;
	if (!(both[1].revents & (POLLERR | POLLHUP | POLLNVAL)))
		return true;
	errno = EPIPE;
	return false;
}

bool copy_all(int from, int to)
{
	static char bytes[1 << 16];
	ssize_t n;

	do {
		if (!wait_for_more(from, to))
			return false;
		n = read(from, bytes, sizeof(bytes));
		if (n > 0 && !write_all(to, bytes, (size_t)n))
			return false;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n == 0;
}
