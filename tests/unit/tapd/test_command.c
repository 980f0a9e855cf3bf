#include "support/main.h"
#include "tapd/discover/command.h"

#include <check.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#define MAX 10000

static struct event_base *base;
static struct helper *helper;
static struct command *command;
static unsigned done;
static char text[MAX + 1], error[2048];
static bool failed;

static void note_done(void *user, const char *output, size_t len,
		      const char *why)
{
	(void)user;
	done++;
	memcpy(text, output, len);
	text[len] = '\0';
	failed = why != NULL;
	snprintf(error, sizeof(error), "%s", why ? why : "");
	event_base_loopbreak(base);
}

static void nothing(void *argument)
{
	(void)argument;
}

static void setup(void)
{
	base = event_base_new();
	helper = helper_fork(nothing, NULL);
	ck_assert_ptr_nonnull(helper);
	ck_assert(helper_watch(helper, base));
	command = command_new(helper, MAX, note_done, NULL);
	ck_assert_ptr_nonnull(command);
}

static void teardown(void)
{
	command_free(command);
	helper_free(helper);
	event_base_free(base);
}

static void run(const char *what)
{
	const unsigned before = done;

	command_run(command, what);
	while (done == before)
		event_base_dispatch(base);
	ck_assert_uint_eq(done, before + 1);
}

START_TEST(what_it_prints_is_its_answer)
{
	run("echo 10.0.0.1; echo warning >&2; printf '10.0.0.2'");
	ck_assert(!failed);
	ck_assert_str_eq(text, "10.0.0.1\n10.0.0.2");
	run("true");
	ck_assert(!failed);
	ck_assert_str_eq(text, "");
	/* Once more, and nothing of the last is left. */
	run("echo 10.0.0.3");
	ck_assert_str_eq(text, "10.0.0.3\n");
}
END_TEST

START_TEST(how_it_failed_is_said_with_what_it_says)
{
	static const struct {
		const char *what, *error;
	} table[] = {
		{ "echo 10.0.0.1; exit 3", "exit code 3" },
		{ "echo no right: ec2:DescribeInstances >&2; exit 1",
		  "exit code 1: no right: ec2:DescribeInstances\n" },
		{ "kill -9 $$", "signal 9" },
		{ "/no/such/program 2>/dev/null", "exit code 127" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		run(table[i].what);
		ck_assert(failed);
		ck_assert_str_eq(error, table[i].error);
	}
	run("true");
	ck_assert(!failed);
}
END_TEST

START_TEST(why_it_lists_nobody_is_said_though_it_did_not_fail)
{
	static const struct {
		const char *what, *error;
	} table[] = {
		{ "echo 3 match, none has an address >&2",
		  "3 match, none has an address\n" },
		{ "echo; printf ' \\t\\r\\n'; echo none is up >&2",
		  "none is up\n" },
		{ "echo >&2", NULL }, /* no reason: an answer that is empty */
		{ "echo 10.0.0.1; echo slow >&2", NULL },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		run(table[i].what);
		ck_assert(failed == (table[i].error != NULL));
		ck_assert_str_eq(error, failed ? table[i].error : "");
	}
}
END_TEST

START_TEST(of_one_that_takes_too_long_it_is_said_what_it_said)
{
	run("echo waiting for the metadata server >&2; exec sleep 1000");
	ck_assert_str_eq(error, "it took longer than 20 s, and was killed:"
				" waiting for the metadata server\n");
}
END_TEST

START_TEST(of_what_it_says_the_end_is_kept)
{
	run("i=0; while [ $i -lt 3000 ]; do echo line $i >&2; i=$((i+1));"
	    " done; exit 1");
	ck_assert_uint_eq(strlen(error),
			  strlen("exit code 1: ") + COMMAND_ERRORS_MAX);
	ck_assert_ptr_nonnull(strstr(error, "line 2998\nline 2999\n"));
	run("head -c 5000 /dev/zero | tr '\\0' x >&2; exit 1");
	ck_assert_uint_eq(strlen(error),
			  strlen("exit code 1: ") + COMMAND_ERRORS_MAX);
}
END_TEST

START_TEST(attack_one_that_prints_without_end_is_killed)
{
	run("exec yes 10.0.0.1");
	ck_assert_str_eq(error, "its output is longer than 256 KiB");
	run("head -c 10000 /dev/zero | tr '\\0' x");
	ck_assert(!failed);
	run("head -c 10001 /dev/zero | tr '\\0' x");
	ck_assert_str_eq(error, "its output is longer than 256 KiB");
	run("echo fine");
	ck_assert(!failed);
}
END_TEST

START_TEST(one_that_is_stopped_is_never_done)
{
	command_run(command, "sleep 1000");
	command_run(command, "echo not this"); /* it runs already */
	command_stop(command);
	run("echo this");
	ck_assert_str_eq(text, "this\n");
	ck_assert_uint_eq(done, 1);
}
END_TEST

START_TEST(without_the_helper_it_fails_at_once)
{
	run("kill -9 $PPID");
	ck_assert(failed);
	run("true");
	ck_assert_str_eq(error,
			 "tapd's helper process has ended; restart tapd");
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("command", .setup = setup, .teardown = teardown,
		  .timeout_s = 60),
	UNIT_TEST(what_it_prints_is_its_answer),
	UNIT_TEST(how_it_failed_is_said_with_what_it_says),
	UNIT_TEST(why_it_lists_nobody_is_said_though_it_did_not_fail),
	UNIT_TEST(of_one_that_takes_too_long_it_is_said_what_it_said),
	UNIT_TEST(of_what_it_says_the_end_is_kept),
	UNIT_TEST(attack_one_that_prints_without_end_is_killed),
	UNIT_TEST(one_that_is_stopped_is_never_done),
	UNIT_TEST(without_the_helper_it_fails_at_once),
};

UNIT_MAIN("command", tests)
