#include "tapd/tap/captures.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* sk, RefCnt, Type, Proto, Iface, R, Rmem, User, Inode. */
enum { COLUMN_PROTOCOL = 3, COLUMN_INDEX = 4, COLUMN_RUNNING = 5, COLUMNS = 9 };

/* Some fifty of its lines. */
#define BUFFER_SIZE 4096

int captures_open(void)
{
	int fd = open("/proc/thread-self/net/packet", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static bool takes_ip(unsigned long protocol)
{
	static const uint16_t taking[] = {
		0x0003, /* ETH_P_ALL */
		0x0800, 0x86dd, 0x8100, 0x88a8,
	};

	for (size_t i = 0; i < sizeof(taking) / sizeof(taking[0]); i++)
		if (protocol == taking[i])
			return true;
	return false;
}

/* False for what is no number of that base, and nothing else. */
static bool number(const char *text, int base, unsigned long *value)
{
	char *end;

	errno = 0;
	*value = strtoul(text, &end, base);
	return *text && *text != '-' && !*end && !errno;
}

/* A line without its end: true if it is of a socket that is bound and takes IP. One
 * with fewer words than it should have says nothing. */
static bool read_line(char *line, struct capture *c)
{
	char *words[COLUMNS], *rest = line;
	unsigned long protocol, index;

	for (size_t i = 0; i < COLUMNS; i++) {
		words[i] = strtok_r(i ? NULL : line, " ", &rest);
		if (!words[i])
			return false;
	}
	if (strcmp(words[COLUMN_RUNNING], "1") != 0 ||
	    !number(words[COLUMN_PROTOCOL], 16, &protocol) ||
	    !number(words[COLUMN_INDEX], 10, &index) || !takes_ip(protocol) ||
	    index > UINT_MAX)
		return false;
	*c = (struct capture){ (uint16_t)protocol, (unsigned)index };
	return true;
}

/* The whole lines of text: whether one of them is a capture that counts. Moves what
 * follows the last to the beginning, and says how much it is. */
static bool read_lines(char *text, size_t *len, captures_counts *counts,
		       void *user, struct capture *found)
{
	char *line = text, *end;
	struct capture c;

	while ((end = memchr(line, '\n', *len - (size_t)(line - text)))) {
		*end = '\0';
		if (read_line(line, &c) && counts(user, c.index)) {
			*found = c;
			return true;
		}
		line = end + 1;
	}
	*len -= (size_t)(line - text);
	memmove(text, line, *len);
	return false;
}

int captures_find(int fd, captures_counts *counts, void *user,
		  struct capture *found)
{
	char text[BUFFER_SIZE];
	size_t len = 0;
	off_t at = 0;

	*found = (struct capture){ .protocol = 0 };
	for (;;) {
		ssize_t n = pread(fd, text + len, sizeof(text) - len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		at += n;
		len += (size_t)n;
		if (read_lines(text, &len, counts, user, found))
			return 0;
		if (len == sizeof(text)) /* no line of this list is so long */
			len = 0;
	}
}
