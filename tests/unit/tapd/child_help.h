/* What a child, or the helper's, said: for tests that wait for it in a loop. */
#ifndef TEST_CHILD_HELP_H
#define TEST_CHILD_HELP_H

#include <check.h>
#include <event2/event.h>
#include <string.h>

#include "tapd/helper/child.h"

/* Where it is waited for: whatever is done ends the loop's round. */
static struct event_base *base;

static struct {
	unsigned done;
	int status;
	bool timed_out;
	char text[8192]; /* the lines, each with a newline */
} seen;

static void note_line(void *user, const char *line)
{
	(void)user;
	ck_assert_uint_lt(strlen(seen.text) + strlen(line) + 2,
			  sizeof(seen.text));
	strcat(seen.text, line);
	strcat(seen.text, "\n");
}

static void note_done(void *user, int status, bool timed_out)
{
	(void)user;
	seen.done++;
	seen.status = status;
	seen.timed_out = timed_out;
	event_base_loopbreak(base);
}

static const struct child_ops note_ops = { .line = note_line,
					   .done = note_done };

#endif
