#include "tapd/ctl/doctor/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool start(const char *const *words, int out, pid_t *pid)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	static char locale[] = "LC_ALL=C";
	char *const environment[] = { path, locale, NULL };
	posix_spawn_file_actions_t actions;
	/* Which it does not change: the type is C's history. */
	union {
		const char *const *in;
		char *const *out;
	} argv = { .in = words };
	bool ok;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return false;
	ok = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null",
					      O_RDONLY, 0) == 0 &&
	     posix_spawn_file_actions_adddup2(&actions, out, 1) == 0 &&
	     posix_spawn_file_actions_addopen(&actions, 2, "/dev/null",
					      O_WRONLY, 0) == 0 &&
	     posix_spawnp(pid, words[0], &actions, NULL, argv.out,
			  environment) == 0;
	posix_spawn_file_actions_destroy(&actions);
	return ok;
}

/* Reads to the end; false if that does not come in time. */
static bool read_all(int fd, int64_t until_ms, char *buf, size_t size,
		     size_t *len)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = until_ms - now_ms();
		char rest[512];
		ssize_t n;

		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			return false;
		if (*len + 1 < size)
			n = read(fd, buf + *len, size - *len - 1);
		else
			n = read(fd, rest, sizeof(rest));
		if (n <= 0)
			return n == 0;
		if (*len + 1 < size)
			*len += (size_t)n;
	}
}

const char *program_output(const char *const *words, int timeout_ms, char *buf,
			   size_t size)
{
	const int64_t until_ms = now_ms() + timeout_ms;
	size_t len = 0;
	int fds[2], status = 0;
	bool ended;
	pid_t pid;

	buf[0] = '\0';
	if (pipe2(fds, O_CLOEXEC) != 0)
		return buf;
	if (!start(words, fds[1], &pid)) {
		close(fds[0]);
		close(fds[1]);
		return buf;
	}
	close(fds[1]);
	ended = read_all(fds[0], until_ms, buf, size, &len);
	close(fds[0]);
	/* One that closed its output may still run on. */
	while (ended && waitpid(pid, &status, WNOHANG) == 0) {
		const struct timespec moment = { .tv_nsec = 1000000 };

		nanosleep(&moment, NULL);
		ended = now_ms() < until_ms;
	}
	if (!ended) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	buf[ended && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? len : 0] =
		'\0';
	return buf;
}
