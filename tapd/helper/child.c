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
/* Of what one stream has, in one turn of the loop: a program that never stops writing
 * holds nothing else up. */
#define READ_MAX ((size_t)64 * 1024)
/* More than a pipe ever holds. */
#define REST_MAX ((size_t)4 * 1024 * 1024)

/* One end of a pipe from the child. */
struct stream {
	struct child *child;
	enum child_stream number;
	struct event *event; /* NULL: not listened to */
	int fd;
};

struct child {
	struct children *parent;
	struct child *next;
	pid_t pid;
	const struct child_ops *ops;
	void *user;
	struct event *limit;
	struct stream streams[CHILD_STREAMS];
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
	for (int i = 0; i < CHILD_STREAMS; i++) {
		if (child->streams[i].event)
			event_free(child->streams[i].event);
		if (child->streams[i].fd >= 0)
			close(child->streams[i].fd);
	}
	if (child->limit)
		event_free(child->limit);
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

static void take_lines(struct child *child, const char *text, size_t len)
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

static void take_output(const struct stream *s, const char *text, size_t len)
{
	struct child *child = s->child;

	if (child->ops->bytes)
		child->ops->bytes(child->user, s->number, text, len);
	else
		take_lines(child, text, len);
}

/* Reads what is there, up to max bytes. False at the end of the output. */
static bool read_output(const struct stream *s, size_t max)
{
	char text[4096];

	while (max > 0) {
		ssize_t n = read(s->fd, text,
				 max < sizeof(text) ? max : sizeof(text));

		if (n == 0)
			return false;
		if (n < 0 && errno != EINTR)
			return errno == EAGAIN;
		if (n > 0) {
			take_output(s, text, (size_t)n);
			max -= (size_t)n;
		}
	}
	return true;
}

static void on_output(evutil_socket_t fd, short what, void *user)
{
	const struct stream *s = user;

	(void)fd;
	(void)what;
	if (!read_output(s, READ_MAX))
		event_del(s->event);
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

	for (int i = 0; i < CHILD_STREAMS; i++)
		if (child->streams[i].fd >= 0)
			(void)read_output(&child->streams[i], REST_MAX);
	child_free(child);
	ops->done(user, status, timed_out);
}

/* Whether it ended; it is not reaped yet. What is left of its group may be killed now,
 * while the group's number is still its own. */
static bool has_ended(const struct child *child)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)child->pid, &info,
		      WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == child->pid;
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

		if (!has_ended(child)) {
			child = child->next;
			continue;
		}
		if (child->ops->bytes)
			child_kill(child);
		waitpid(child->pid, &status, 0);
		finish(child, status);
		child = c->first;
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
static void become_child(pid_t parent, const int out[CHILD_STREAMS])
{
	static const int handled[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD,
				       SIGPIPE };
	sigset_t none;
	int null;

	setpgid(0, 0);
	/* Should what is to kill it be killed itself. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* it was, before that */
		_exit(1);
	for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
		signal(handled[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	null = open("/dev/null", O_RDWR);
	dup2(null, STDIN_FILENO);
	dup2(out[CHILD_OUTPUT] >= 0 ? out[CHILD_OUTPUT] : STDERR_FILENO,
	     STDOUT_FILENO);
	if (out[CHILD_ERRORS] >= 0)
		dup2(out[CHILD_ERRORS], STDERR_FILENO);
	closefrom(STDERR_FILENO + 1);
}

struct command {
	const char *text;
	const char *const *env;
	void (*give_rights)(void);
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
	command->give_rights();
	execl("/bin/sh", "sh", "-c", command->text, (char *)NULL);
	fprintf(stderr, "/bin/sh: %s\n", strerror(errno));
	_exit(127);
}

static pid_t fork_body(void (*body)(void *), void *argument,
		       const int out[CHILD_STREAMS])
{
	const pid_t parent = getpid();
	sigset_t all, old;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid == 0) {
		become_child(parent, out);
		body(argument);
		fflush(stdout);
		_exit(0);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (pid > 0)
		setpgid(pid, pid); /* whoever is first */
	return pid;
}

/* Makes a pipe; *out is the child's end. */
static bool open_stream(struct stream *s, int *out)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return false;
	*out = fds[1];
	s->fd = fds[0];
	fcntl(s->fd, F_SETFL, O_NONBLOCK);
	s->event = event_new(s->child->parent->base, s->fd,
			     EV_READ | EV_PERSIST, on_output, s);
	return s->event && event_add(s->event, NULL) == 0;
}

/* Events first: once the process runs, nothing may fail. */
static bool listen_to(struct child *child, int out[CHILD_STREAMS],
		      unsigned limit_s)
{
	const struct child_ops *ops = child->ops;
	const struct timeval limit = { .tv_sec = (time_t)limit_s };

	child->limit = evtimer_new(child->parent->base, on_limit, child);
	if (!child->limit || event_add(child->limit, &limit) < 0)
		return false;
	for (int i = 0; i < CHILD_STREAMS; i++)
		if ((ops->bytes || (ops->line && i == CHILD_OUTPUT)) &&
		    !open_stream(&child->streams[i], &out[i]))
			return false;
	return true;
}

static struct child *child_new(struct children *c, const struct child_ops *ops,
			       void *user)
{
	struct child *child = calloc(1, sizeof(*child));

	if (!child)
		return NULL;
	*child = (struct child){ .parent = c, .ops = ops, .user = user };
	for (int i = 0; i < CHILD_STREAMS; i++)
		child->streams[i] = (struct stream){
			.child = child, .number = (enum child_stream)i, .fd = -1
		};
	return child;
}

struct child *child_run_function(struct children *c, void (*body)(void *),
				 void *argument, unsigned limit_s,
				 const struct child_ops *ops, void *user)
{
	struct child *child = child_new(c, ops, user);
	int out[CHILD_STREAMS] = { -1, -1 }, err;
	bool ok;

	if (!child)
		return NULL;
	ok = listen_to(child, out, limit_s);
	if (ok)
		ok = (child->pid = fork_body(body, argument, out)) > 0;
	err = errno;
	for (int i = 0; i < CHILD_STREAMS; i++)
		if (out[i] >= 0)
			close(out[i]);
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
	struct command what = { command, env, privileges_pass_on };

	return child_run_function(c, exec_command, &what, limit_s, ops, user);
}

struct child *child_run_plain_command(struct children *c, const char *command,
				      unsigned limit_s,
				      const struct child_ops *ops, void *user)
{
	struct command what = { command, NULL, privileges_give_up };

	return child_run_function(c, exec_command, &what, limit_s, ops, user);
}
