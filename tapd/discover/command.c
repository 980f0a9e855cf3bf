#include "tapd/discover/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tapd/common/error.h"

struct command {
	struct helper *helper;
	command_done *done;
	void *user;
	struct helper_job *job; /* NULL: it does not run */
	char *output;		/* while it runs */
	size_t len, max;
	char errors[COMMAND_ERRORS_MAX + 1];
	size_t errors_len;
};

static void end(struct command *c, const char *error)
{
	char *output = c->output;

	c->job = NULL;
	c->output = NULL;
	c->done(c->user, output, c->len, error);
	free(output);
}

/* The newest is kept: what ends a program is what it says last. */
static void take_errors(struct command *c, const char *bytes, size_t len)
{
	size_t kept;

	if (len >= COMMAND_ERRORS_MAX) {
		bytes += len - COMMAND_ERRORS_MAX;
		len = COMMAND_ERRORS_MAX;
	}
	kept = COMMAND_ERRORS_MAX - len;
	if (kept > c->errors_len)
		kept = c->errors_len;
	memmove(c->errors, c->errors + c->errors_len - kept, kept);
	memcpy(c->errors + kept, bytes, len);
	c->errors_len = kept + len;
}

static void take_output(struct command *c, const char *bytes, size_t len)
{
	if (len > c->max - c->len) {
		helper_job_cancel(c->job);
		end(c, "its output is longer than 256 KiB");
		return;
	}
	memcpy(c->output + c->len, bytes, len);
	c->len += len;
}

static void on_bytes(void *user, enum child_stream stream, const char *bytes,
		     size_t len)
{
	struct command *c = user;

	if (stream == CHILD_ERRORS)
		take_errors(c, bytes, len);
	else
		take_output(c, bytes, len);
}

static bool is_blank(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\r\n", bytes[i]))
			return false;
	return true;
}

/* Of one that lists nobody and exits with 0, the reason, if it says one. */
static bool says_why_empty(const struct command *c)
{
	return is_blank(c->output, c->len) &&
	       !is_blank(c->errors, c->errors_len);
}

/* "exit code 1: no credentials". To be freed;
 * NULL if memory is short. */
static char *why_failed(const struct command *c, int status, bool timed_out)
{
	const bool exited = WIFEXITED(status);
	const int number = exited ? WEXITSTATUS(status) : WTERMSIG(status);
	char first[64] = "", *why = NULL;

	if (timed_out)
		snprintf(first, sizeof(first),
			 "it took longer than 20 s, and was killed");
	else if (!exited || number != 0)
		snprintf(first, sizeof(first), "%s %d",
			 exited ? "exit code" : "signal", number);
	error_set(&why, "%s%s%.*s", first, *first && c->errors_len ? ": " : "",
		  (int)c->errors_len, c->errors);
	return why;
}

static void on_done(void *user, int status, bool timed_out)
{
	struct command *c = user;
	char *why = NULL;

	if (!timed_out && WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
	    !says_why_empty(c)) {
		end(c, NULL);
		return;
	}
	why = why_failed(c, status, timed_out);
	end(c, why ? why : "out of memory");
	free(why);
}

struct command *command_new(struct helper *helper, size_t max,
			    command_done *done, void *user)
{
	struct command *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->helper = helper;
	c->max = max;
	c->done = done;
	c->user = user;
	return c;
}

void command_free(struct command *c)
{
	if (!c)
		return;
	command_stop(c);
	free(c->output);
	free(c);
}

void command_run(struct command *c, const char *text)
{
	static const struct child_ops ops = { .bytes = on_bytes,
					      .done = on_done };

	if (c->job)
		return;
	c->len = c->errors_len = 0;
	c->output = malloc(c->max);
	if (!c->output) {
		end(c, "out of memory");
		return;
	}
	c->job = helper_job_new(c->helper, HELPER_COMMAND, COMMAND_LIMIT_S,
				&ops, c);
	if (c->job) {
		helper_job_add(c->job, text);
		if (helper_job_run(c->job))
			return;
	}
	end(c, helper_why(c->helper));
}

void command_stop(struct command *c)
{
	if (c->job)
		helper_job_cancel(c->job);
	c->job = NULL;
	free(c->output);
	c->output = NULL;
}
