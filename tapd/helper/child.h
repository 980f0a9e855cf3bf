/* Programs and functions that run beside the event loop, within a time limit. */
#ifndef TAPD_HELPER_CHILD_H
#define TAPD_HELPER_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct event_base;

/*
 * Each runs in a forked process with its own process group, which is killed as
 * a whole when its time is up. Standard input is /dev/null. It holds none of
 * the daemon's descriptors: a TAP must not outlive its daemon in a child.
 */
struct children;
struct child;

struct children *children_new(struct event_base *base);
/* Kills whatever runs; its `done` is not called. */
void children_free(struct children *c);

enum child_stream { CHILD_OUTPUT, CHILD_ERRORS, CHILD_STREAMS };

struct child_ops {
	/* A line of standard output, without its newline; NULL: output goes
	 * to our standard error. Of a line over 1 KiB the rest is left
	 * out, and the log says so. */
	void (*line)(void *user, const char *line);
	/* Or, in place of lines, what it writes to standard output and to standard
	 * error, as it comes. Whatever it started ends with it. */
	void (*bytes)(void *user, enum child_stream stream, const char *bytes,
		      size_t len);
	/* It ended, with wait(2)'s status, or was killed when time was up. */
	void (*done)(void *user, int status, bool timed_out);
};

/*
 * Runs command with /bin/sh, env ("NAME=value", NULL at the end) added to our
 * environment. NULL, with errno, if it cannot be started. The child frees
 * itself after `done`.
 */
struct child *child_run_command(struct children *c, const char *command,
				const char *const *env, unsigned limit_s,
				const struct child_ops *ops, void *user);
/* The same, with no capability and nothing added to the environment. */
struct child *child_run_plain_command(struct children *c, const char *command,
				      unsigned limit_s,
				      const struct child_ops *ops, void *user);
/* Runs body(argument) in a fork; what it prints is what it has to say. */
struct child *child_run_function(struct children *c, void (*body)(void *),
				 void *argument, unsigned limit_s,
				 const struct child_ops *ops, void *user);
/* Kills it; `done` is not called. */
void child_cancel(struct child *child);

#endif
