#include "support/main.h"
#include "tapd/helper/child.h"
#include "unit/tapd/child_help.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct children *children;

static void setup(void)
{
	base = event_base_new();
	children = children_new(base);
	ck_assert_ptr_nonnull(children);
}

static void teardown(void)
{
	children_free(children);
	event_base_free(base);
}

static struct child *command(const char *text, unsigned limit_s)
{
	struct child *child = child_run_command(children, text, NULL, limit_s,
						&note_ops, NULL);

	ck_assert_ptr_nonnull(child);
	return child;
}

static void run(const char *text, unsigned limit_s)
{
	command(text, limit_s);
	event_base_dispatch(base);
	ck_assert_uint_eq(seen.done, 1);
}

START_TEST(output_comes_in_lines_before_the_end)
{
	run("echo one; echo two; printf three; exit 3", 10);
	ck_assert_str_eq(seen.text, "one\ntwo\n");
	ck_assert(WIFEXITED(seen.status));
	ck_assert_int_eq(WEXITSTATUS(seen.status), 3);
	ck_assert(!seen.timed_out);
}
END_TEST

START_TEST(variables_are_added_to_the_environment)
{
	static const char *const env[] = { "TAPD_EVENT=up", "HOME=/nowhere",
					   NULL };

	setenv("STAYS", "here", 1);
	ck_assert_ptr_nonnull(child_run_command(children,
						"echo $TAPD_EVENT $HOME $STAYS",
						env, 10, &note_ops, NULL));
	event_base_dispatch(base);
	ck_assert_str_eq(seen.text, "up /nowhere here\n");
}
END_TEST

/* With what it started: the sleep holds the output open, and would for long. */
START_TEST(whole_group_is_killed_when_time_is_up)
{
	run("echo $$; sleep 1000 & sleep 1000", 1);
	ck_assert(seen.timed_out);
	ck_assert(WIFSIGNALED(seen.status));
	pid_t group = (pid_t)atoi(seen.text);
	ck_assert_int_gt(group, 1);
	for (int i = 0; kill(-group, 0) == 0 && i < 500; i++)
		usleep(10000); /* until init has reaped it */
	ck_assert_int_eq(kill(-group, 0), -1);
	ck_assert_int_eq(errno, ESRCH);
}
END_TEST

START_TEST(endless_output_is_bounded)
{
	run("head -c 100000 /dev/zero | tr '\\0' x; echo; echo end", 10);
	ck_assert_uint_lt(strlen(seen.text), 1100);
	ck_assert_ptr_nonnull(strstr(seen.text, "x\nend\n"));
}
END_TEST

static void say_descriptors(void *argument)
{
	(void)argument;
	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf("%d ", fd);
	printf("\n");
}

/* A TAP's descriptor in a child would keep the TAP busy. */
START_TEST(descriptors_are_not_inherited)
{
	ck_assert_int_gt(dup(STDERR_FILENO), STDERR_FILENO);
	ck_assert_ptr_nonnull(child_run_function(children, say_descriptors,
						 NULL, 10, &note_ops, NULL));
	event_base_dispatch(base);
	ck_assert_str_eq(seen.text, "0 1 2 \n");
}
END_TEST

static void say_argument(void *argument)
{
	printf("%s\n", (const char *)argument);
}

START_TEST(function_says_by_printing)
{
	char text[] = "hello";

	ck_assert_ptr_nonnull(child_run_function(children, say_argument, text,
						 10, &note_ops, NULL));
	event_base_dispatch(base);
	ck_assert_str_eq(seen.text, "hello\n");
	ck_assert(WIFEXITED(seen.status));
}
END_TEST

START_TEST(cancelled_child_is_never_done)
{
	struct child *child = command("sleep 1000", 10);

	child_cancel(child);
	run("echo other", 10);
	ck_assert_uint_eq(seen.done, 1);
	ck_assert_str_eq(seen.text, "other\n");
}
END_TEST

START_TEST(several_end_at_once)
{
	for (int i = 0; i < 8; i++)
		command("true", 10);
	while (seen.done < 8)
		event_base_dispatch(base);
	ck_assert_uint_eq(seen.done, 8);
}
END_TEST

START_TEST(freeing_kills_what_runs)
{
	command("echo $$; exec sleep 1000", 100);
	while (!*seen.text)
		event_base_loop(base, EVLOOP_ONCE);
	pid_t pid = (pid_t)atoi(seen.text);
	children_free(children);
	children = NULL;
	ck_assert_int_eq(kill(pid, 0), -1);
	ck_assert_uint_eq(seen.done, 0);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("child", .setup = setup, .teardown = teardown,
		  .timeout_s = 30),
	UNIT_TEST(output_comes_in_lines_before_the_end),
	UNIT_TEST(variables_are_added_to_the_environment),
	UNIT_TEST(whole_group_is_killed_when_time_is_up),
	UNIT_TEST(endless_output_is_bounded),
	UNIT_TEST(descriptors_are_not_inherited),
	UNIT_TEST(function_says_by_printing),
	UNIT_TEST(cancelled_child_is_never_done),
	UNIT_TEST(several_end_at_once),
	UNIT_TEST(freeing_kills_what_runs),
};

UNIT_MAIN("child", tests)
