#include "tapd/helper/child.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tapd/log/log.h"
#include "tapd/rights/privileges.h"

#define LINE_MAX_LEN 1024

struct child {
	struct children *parent;
	struct child *next;
	pid_t pid;
	const struct child_ops *ops;
	void *user;
	struct event *limit;
	struct event *output; /* NULL: not listened to, or at its end */
	int fd;
	bool timed_out;
	char line[LINE_MAX_LEN + 1];
	size_t line_len;
	bool cut_said;
};

struct children {
	struct event_base *base;
	struct event *signal;
	struct child *first;
};

static void child_free(struct child *child)
{
	struct child **at = &child->parent->first;

	while (*at && *at != child)
		at = &(*at)->next;
	if (*at)
		*at = child->next;
	if (child->output)
		event_free(child->output);
	if (child->limit)
		event_free(child->limit);
	if (child->fd >= 0)
		close(child->fd);
	free(child);
}

static void child_kill(const struct child *child)
{
	/* The group is there once the child, or we, made it. */
	if (kill(-child->pid, SIGKILL) < 0)
		kill(child->pid, SIGKILL);
}

void child_cancel(struct child *child)
{
	int status;

	child_kill(child);
	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	child_free(child);
}

/* ---- output ---- */

static void take_byte(struct child *child, char byte)
{
	if (child->line_len < LINE_MAX_LEN) {
		child->line[child->line_len++] = byte;
		return;
	}
	if (!child->cut_said)
		log_warning("a program that tapd runs printed a line longer"
			    " than %d bytes: the rest of it is left out",
			    LINE_MAX_LEN);
	child->cut_said = true;
}

static void take_output(struct child *child, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] != '\n') {
			take_byte(child, text[i]);
			continue;
		}
		child->line[child->line_len] = '\0';
		child->line_len = 0;
		child->ops->line(child->user, child->line);
	}
}

/* Reads what is there. False at the end of the output. */
static bool read_output(struct child *child)
{
	char text[4096];

	for (;;) {
		ssize_t n = read(child->fd, text, sizeof(text));

		if (n > 0)
			take_output(child, text, (size_t)n);
		else if (n == 0)
			return false;
		else if (errno != EINTR)
			return errno == EAGAIN;
	}
}

static void on_output(evutil_socket_t fd, short what, void *user)
{
	struct child *child = user;

	(void)fd;
	(void)what;
	if (!read_output(child))
		event_del(child->output);
}

/* ---- the end ---- */

static void on_limit(evutil_socket_t fd, short what, void *user)
{
	struct child *child = user;

	(void)fd;
	(void)what;
	child->timed_out = true;
	child_kill(child);
}

static void finish(struct child *child, int status)
{
	const struct child_ops *ops = child->ops;
	void *user = child->user;
	bool timed_out = child->timed_out;

	if (child->fd >= 0)
		(void)read_output(child);
	child_free(child);
	ops->done(user, status, timed_out);
}

/* One SIGCHLD may stand for several; `done` may start or cancel others, so
 * after each the search begins anew. */
static void on_child(evutil_socket_t fd, short what, void *user)
{
	struct children *c = user;
	struct child *child = c->first;

	(void)fd;
	(void)what;
	while (child) {
		int status;

		if (waitpid(child->pid, &status, WNOHANG) == child->pid) {
			finish(child, status);
			child = c->first;
		} else {
			child = child->next;
		}
	}
}

struct children *children_new(struct event_base *base)
{
	struct children *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->base = base;
	c->signal = evsignal_new(base, SIGCHLD, on_child, c);
	if (!c->signal || event_add(c->signal, NULL) < 0) {
		children_free(c);
		return NULL;
	}
	return c;
}

void children_free(struct children *c)
{
	if (!c)
		return;
	while (c->first)
		child_cancel(c->first);
	if (c->signal)
		event_free(c->signal);
	free(c);
}

/* ---- the beginning ---- */

/*
 * In the fork, with all signals blocked: none may reach the daemon's handlers,
 * which would write into the pipe we share with it.
 */
static void become_child(int out)
{
	static const int handled[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD,
				       SIGPIPE };
	sigset_t none;
	int null;

	setpgid(0, 0);
	/* Should what is to kill it be killed itself. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
		signal(handled[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	null = open("/dev/null", O_RDWR);
	dup2(null, STDIN_FILENO);
	dup2(out >= 0 ? out : STDERR_FILENO, STDOUT_FILENO);
	closefrom(STDERR_FILENO + 1);
}

struct command {
	const char *text;
	const char *const *env;
};

/* The body of a child that becomes a command. */
static void exec_command(void *argument)
{
	const struct command *command = argument;

	for (const char *const *e = command->env; e && *e; e++) {
		char *entry = strdup(*e);

		if (entry)
			putenv(entry);
	}
	privileges_pass_on();
	execl("/bin/sh", "sh", "-c", command->text, (char *)NULL);
	fprintf(stderr, "/bin/sh: %s\n", strerror(errno));
	_exit(127);
}

static pid_t fork_body(void (*body)(void *), void *argument, int out)
{
	sigset_t all, old;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid == 0) {
		become_child(out);
		body(argument);
		fflush(stdout);
		_exit(0);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (pid > 0)
		setpgid(pid, pid); /* whoever is first */
	return pid;
}

/* Events first: once the process runs, nothing may fail. */
static bool listen_to(struct child *child, int fds[2], unsigned limit_s)
{
	struct event_base *base = child->parent->base;
	const struct timeval limit = { .tv_sec = (time_t)limit_s };

	child->limit = evtimer_new(base, on_limit, child);
	if (!child->limit || event_add(child->limit, &limit) < 0)
		return false;
	if (!child->ops->line)
		return true;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return false;
	child->fd = fds[0];
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	child->output =
		event_new(base, fds[0], EV_READ | EV_PERSIST, on_output, child);
	return child->output && event_add(child->output, NULL) == 0;
}

struct child *child_run_function(struct children *c, void (*body)(void *),
				 void *argument, unsigned limit_s,
				 const struct child_ops *ops, void *user)
{
	struct child *child = calloc(1, sizeof(*child));
	int fds[2] = { -1, -1 }, err;
	bool ok;

	if (!child)
		return NULL;
	*child = (struct child){
		.parent = c, .ops = ops, .user = user, .fd = -1
	};
	ok = listen_to(child, fds, limit_s);
	if (ok)
		ok = (child->pid = fork_body(body, argument, fds[1])) > 0;
	err = errno;
	if (fds[1] >= 0)
		close(fds[1]);
	if (!ok) {
		child_free(child);
		errno = err;
		return NULL;
	}
	child->next = c->first;
	c->first = child;
	return child;
}

struct child *child_run_command(struct children *c, const char *command,
				const char *const *env, unsigned limit_s,
				const struct child_ops *ops, void *user)
{
	struct command what = { .text = command, .env = env };

	return child_run_function(c, exec_command, &what, limit_s, ops, user);
}
