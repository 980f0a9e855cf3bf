/*
 * Any bytes as what a client sends where the metrics are scraped, in pieces of any
 * size. Whatever they are, there is at most one answer, which is whole and of HTTP;
 * then the connection ends. node_drops stands in for the library's.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "fuzz.h"
#include "tapd/control/metrics.h"
#include "tapd/control/scrape.h"

#define REQUEST_MAX 4096 /* scrape.c's */
#define TURNS_MAX   10000

static struct event_base *base;
static struct scrape scrape;
static uint64_t drops[DROP_REASON_COUNT];
static char answer[1 << 18];

const uint64_t *node_drops(const struct node *n)
{
	(void)n;
	return drops;
}

static struct metrics *ask(void *user)
{
	static struct snapshot_peer peer = { .info = { .name = "we\"b\\2\n",
						       .has_key = true } };
	static const struct snapshot s = { .peers = &peer,
					   .peers_count = 1,
					   .status = { .aead = "openssl" },
					   .interface = { .name = "tap0" } };

	return *(const bool *)user ? metrics_new(&s) : NULL;
}

/* ---- a client ---- */

static int open_scrape(bool *has_metrics)
{
	int ends[2];

	HOLDS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
			 ends) == 0);
	HOLDS(scrape_open(&scrape, base, ends[0], ask, has_metrics));
	return ends[1];
}

/* Takes what there is; true at the end, which is a reset where more was sent than is
 * read. */
static bool take(int fd, size_t *len)
{
	ssize_t n;

	HOLDS(*len < sizeof(answer) - 1);
	n = read(fd, answer + *len, sizeof(answer) - 1 - *len);
	if (n > 0)
		*len += (size_t)n;
	HOLDS(n >= 0 || errno == EAGAIN || errno == ECONNRESET);
	return n == 0 || (n < 0 && errno == ECONNRESET);
}

static size_t converse(int fd, const uint8_t *data, size_t size, size_t piece)
{
	size_t sent = 0, len = 0;
	unsigned turns = 0;

	while (!take(fd, &len)) {
		size_t more = size - sent < piece ? size - sent : piece;
		ssize_t went =
			more ? send(fd, data + sent, more, MSG_NOSIGNAL) : 0;

		HOLDS(turns++ < TURNS_MAX);
		if (went > 0)
			sent += (size_t)went;
		if (sent == size)
			shutdown(fd, SHUT_WR);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	answer[len] = '\0';
	return len;
}

/* ---- what must hold of the answer ---- */

/* A request is what is before an empty line; or it is too long. */
static bool is_answered(const uint8_t *data, size_t size)
{
	static const char end[] = "\r\n\r\n";

	return size >= REQUEST_MAX || memmem(data, size, end, strlen(end));
}

/* Of metrics in chunks: each as long as it says, and the last one empty. */
static void holds_chunks(const char *at)
{
	size_t len;

	do {
		char *end;

		len = strtoul(at, &end, 16);
		HOLDS(end > at && strncmp(end, "\r\n", 2) == 0);
		at = end + 2;
		HOLDS(strlen(at) >= len + 2);
		HOLDS(len == 0 || at[len - 1] == '\n');
		HOLDS(strncmp(at + len, "\r\n", 2) == 0);
		at += len + 2;
	} while (len > 0);
	HOLDS(*at == '\0');
}

static void holds_answer(size_t len)
{
	static const char *const statuses[] = { "200", "400", "404",
						"405", "431", "503" };
	const char *body = strstr(answer, "\r\n\r\n");
	size_t i = 0;

	HOLDS(strlen(answer) == len && body);
	HOLDS(strncmp(answer, "HTTP/1.1 ", 9) == 0);
	while (i < sizeof(statuses) / sizeof(char *) &&
	       strncmp(answer + 9, statuses[i], 3) != 0)
		i++;
	HOLDS(i < sizeof(statuses) / sizeof(char *));
	body += 4;
	if (strstr(answer, "\r\nTransfer-Encoding: chunked\r\n"))
		holds_chunks(body);
	else
		HOLDS(*body && answer[len - 1] == '\n');
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	signal(SIGPIPE, SIG_IGN); /* as the daemon has it */
	base = event_base_new();
	HOLDS(base);
	return 0;
}

/* The size of the pieces less one(1), whether there are metrics(1), the request. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_init(data, size);
	const size_t piece = (size_t)cursor_u8(&c) + 1;
	bool has_metrics = cursor_u8(&c) & 1;
	const uint8_t *request;
	size_t len;
	int fd;

	if (!cursor_ok(&c))
		return 0;
	fd = open_scrape(&has_metrics);
	size = c.left;
	request = cursor_take(&c, size);
	len = converse(fd, request, size, piece);
	HOLDS(!scrape.bev);
	HOLDS((len > 0) == is_answered(request, size));
	if (len > 0)
		holds_answer(len);
	close(fd);
	return 0;
}
