/* A child process that listens on a Unix socket and says what it is told. */
#ifndef TEST_FAKE_DAEMON_H
#define TEST_FAKE_DAEMON_H

#include <check.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Listens at path. */
static inline int fake_listen(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	strcpy(a.sun_path, path);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	return fd;
}

static inline void fake_answer(int fd, const char *answer, size_t len)
{
	char c = '\0';

	while (c != '\n')
		if (recv(fd, &c, 1, 0) <= 0)
			return;
	while (len > 0) {
		ssize_t n = send(fd, answer, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		answer += n;
		len -= (size_t)n;
	}
}

/* Every client is answered with these bytes, then cut off. The child's id, for
 * fake_stop. */
static inline pid_t fake_daemon(const char *path, const char *answer,
				size_t len)
{
	int listener = fake_listen(path);
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	while (child == 0) {
		int fd = accept(listener, NULL, NULL);

		fake_answer(fd, answer, len);
		close(fd);
	}
	close(listener);
	return child;
}

static inline void fake_stop(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

#endif
