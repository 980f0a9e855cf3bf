#include "support/main.h"
#include "tapd/helper/helper.h"
#include "unit/tapd/child_help.h"

#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct helper *helper;

static void nothing(void *argument)
{
	(void)argument;
}

static void fork_helper(void (*prepare)(void *))
{
	base = event_base_new();
	helper = helper_fork(prepare, NULL);
	ck_assert_ptr_nonnull(helper);
	ck_assert(helper_watch(helper, base));
}

static void setup(void)
{
	setenv("LISTEN_FDS", "1", 1);
	setenv("NOTIFY_SOCKET", "/nonexistent", 1);
	fork_helper(nothing);
}

static void teardown(void)
{
	helper_free(helper);
	event_base_free(base);
}

static struct helper_job *hook(const char *command, unsigned limit_s)
{
	struct helper_job *job =
		helper_job_new(helper, HELPER_HOOK, limit_s, &note_ops, NULL);

	ck_assert_ptr_nonnull(job);
	helper_job_add(job, command);
	return job;
}

static void wait_done(unsigned count)
{
	while (seen.done < count)
		event_base_dispatch(base);
	ck_assert_uint_eq(seen.done, count);
}

START_TEST(hook_gets_its_environment_and_says_how_it_ended)
{
	struct helper_job *job = hook(
		"echo $TAPD_EVENT \"$A\" x$LISTEN_FDS$NOTIFY_SOCKET; exit 3",
		10);

	helper_job_add(job, "TAPD_EVENT=up");
	helper_job_add(job, "A=one two");
	ck_assert(helper_job_run(job));
	wait_done(1);
	ck_assert_str_eq(seen.text, "up one two x\n");
	ck_assert(WIFEXITED(seen.status));
	ck_assert_int_eq(WEXITSTATUS(seen.status), 3);
	ck_assert(!seen.timed_out);
}
END_TEST

START_TEST(a_limit_is_kept)
{
	ck_assert(helper_job_run(hook("sleep 1000 & sleep 1000", 1)));
	wait_done(1);
	ck_assert(seen.timed_out && WIFSIGNALED(seen.status));
}
END_TEST

START_TEST(names_are_looked_up)
{
	struct helper_job *job =
		helper_job_new(helper, HELPER_LOOK_UP, 10, &note_ops, NULL);

	helper_job_add(job, "4 192.0.2.1");
	helper_job_add(job, "nonsense");
	helper_job_add(job, "17 2001:db8::1");
	ck_assert(helper_job_run(job));
	wait_done(1);
	ck_assert_str_eq(seen.text, "4 192.0.2.1\n4 .\n17 2001:db8::1\n17 .\n");
}
END_TEST

/* ---- commands ---- */

static struct {
	size_t count[CHILD_STREAMS];
	char text[CHILD_STREAMS][256];
	struct helper_job *cancel; /* at the first byte */
} said;

static void note_bytes(void *user, enum child_stream stream, const char *bytes,
		       size_t len)
{
	const size_t room = sizeof(said.text[stream]) - 1;

	(void)user;
	for (size_t i = 0; i < len && said.count[stream] + i < room; i++)
		said.text[stream][said.count[stream] + i] = bytes[i];
	said.count[stream] += len;
	if (said.cancel)
		helper_job_cancel(said.cancel);
	said.cancel = NULL;
}

static const struct child_ops bytes_ops = { .bytes = note_bytes,
					    .done = note_done };

static struct helper_job *command(const char *text, unsigned limit_s)
{
	struct helper_job *job = helper_job_new(helper, HELPER_COMMAND, limit_s,
						&bytes_ops, NULL);

	ck_assert_ptr_nonnull(job);
	helper_job_add(job, text);
	ck_assert(helper_job_run(job));
	return job;
}

START_TEST(command_has_both_its_streams_told_apart)
{
	command("echo one; echo no >&2; printf two; exit 3", 10);
	wait_done(1);
	ck_assert_str_eq(said.text[CHILD_OUTPUT], "one\ntwo");
	ck_assert_str_eq(said.text[CHILD_ERRORS], "no\n");
	ck_assert(WIFEXITED(seen.status));
	ck_assert_int_eq(WEXITSTATUS(seen.status), 3);
}
END_TEST

START_TEST(all_of_a_long_output_comes_before_the_end)
{
	command("head -c 3000000 /dev/zero; head -c 500000 /dev/zero >&2", 20);
	wait_done(1);
	ck_assert_uint_eq(said.count[CHILD_OUTPUT], 3000000);
	ck_assert_uint_eq(said.count[CHILD_ERRORS], 500000);
}
END_TEST

/* What it left behind would hold its output open. */
START_TEST(what_a_command_started_ends_with_it)
{
	pid_t pid;

	command("sleep 1000 & echo $!", 10);
	wait_done(1);
	pid = (pid_t)atoi(said.text[CHILD_OUTPUT]);
	ck_assert_int_gt(pid, 0);
	for (int i = 0; kill(pid, 0) == 0 && i < 500; i++)
		usleep(10000);
	ck_assert_int_eq(kill(pid, 0), -1);
}
END_TEST

START_TEST(attack_a_command_that_never_stops_writing_holds_nothing_up)
{
	command("exec yes", 1);
	ck_assert(helper_job_run(hook("true", 10)));
	wait_done(1);
	ck_assert(WIFEXITED(seen.status));
	wait_done(2);
	ck_assert(seen.timed_out);
	said.cancel = command("exec yes >&2", 1000);
	while (said.cancel)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert(helper_job_run(hook("true", 10)));
	wait_done(3);
	ck_assert(WIFEXITED(seen.status));
}
END_TEST

/* 512 names of the greatest length, at four jobs: they fit, or it is said. */
START_TEST(many_long_names_are_told_of_at_once)
{
	char text[300];
	unsigned running = 0;

	memset(text, 'x', sizeof(text));
	memcpy(text, "1 ", 2);
	text[255] = '\0';
	for (unsigned i = 0; i < 4; i++) {
		struct helper_job *job = helper_job_new(helper, HELPER_LOOK_UP,
							10, &note_ops, NULL);

		ck_assert_ptr_nonnull(job);
		for (unsigned n = 0; n < 128; n++)
			helper_job_add(job, text + 2 * (n > 0));
		running += helper_job_run(job);
	}
	ck_assert_uint_eq(running, 4);
	wait_done(4);
	ck_assert(WIFEXITED(seen.status));
}
END_TEST

START_TEST(a_text_that_is_too_long_is_an_error)
{
	char *text = malloc(HELPER_TEXTS_MAX + 1);
	struct helper_job *job;

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', HELPER_TEXTS_MAX);
	text[HELPER_TEXTS_MAX] = '\0';
	job = hook(text, 10);
	ck_assert(!helper_job_run(job));
	ck_assert_str_eq(helper_why(helper), "Argument list too long");
	ck_assert(helper_job_run(hook("true", 10)));
	wait_done(1);
	free(text);
}
END_TEST

START_TEST(cancelled_job_is_never_done)
{
	struct helper_job *job = hook("echo one; sleep 1000", 10);

	ck_assert(helper_job_run(job));
	while (!*seen.text)
		event_base_loop(base, EVLOOP_ONCE);
	helper_job_cancel(job);
	ck_assert(helper_job_run(hook("true", 10)));
	wait_done(1);
	ck_assert(WIFEXITED(seen.status));
}
END_TEST

/* Also when the daemon is killed: it is the socket's end that counts. */
START_TEST(what_runs_ends_with_the_daemon)
{
	pid_t pid;

	ck_assert(helper_job_run(hook("echo $$; exec sleep 1000", 1000)));
	while (!*seen.text)
		event_base_loop(base, EVLOOP_ONCE);
	pid = (pid_t)atoi(seen.text);
	helper_free(helper);
	helper = NULL;
	for (int i = 0; kill(pid, 0) == 0 && i < 500; i++)
		usleep(10000);
	ck_assert_int_eq(kill(pid, 0), -1);
	ck_assert_uint_eq(seen.done, 0);
}
END_TEST

/* Neither a terminal's signals nor a service manager's are for it. */
START_TEST(signals_to_all_do_not_end_it)
{
	ck_assert(helper_job_run(hook("echo $PPID", 10)));
	wait_done(1);
	kill((pid_t)atoi(seen.text), SIGTERM);
	kill((pid_t)atoi(seen.text), SIGINT);
	kill((pid_t)atoi(seen.text), SIGHUP);
	ck_assert(helper_job_run(hook("true", 10)));
	wait_done(2);
	ck_assert(WIFEXITED(seen.status));
}
END_TEST

START_TEST(without_the_helper_jobs_end_and_none_begins)
{
	ck_assert(helper_job_run(hook("exec sleep 1000", 100)));
	ck_assert(helper_job_run(hook("kill -9 $PPID; exec sleep 1000", 100)));
	wait_done(2);
	ck_assert(WIFSIGNALED(seen.status) && !seen.timed_out);
	ck_assert_ptr_null(
		helper_job_new(helper, HELPER_HOOK, 10, &note_ops, NULL));
	ck_assert_str_eq(helper_why(helper),
			 "tapd's helper process has ended; restart tapd");
}
END_TEST

/* ---- one that was taken over ---- */

#define ITS_FD (STDERR_FILENO + 1)

/* Check's own descriptors are closed there. */
static void say(const void *bytes, size_t len)
{
	if (send(ITS_FD, bytes, len, 0) != (ssize_t)len)
		_exit(1);
}

static void wait_for_the_end(void)
{
	struct pollfd its = { .fd = ITS_FD };

	poll(&its, 1, -1);
	_exit(0);
}

static void lie(void *argument)
{
	uint8_t bytes[HELPER_MESSAGE_MAX];
	const uint8_t done[] = { HELPER_DONE, 0, 0, 0, 1, 0, 0, 0, 0, 0 };

	(void)argument;
	recv(ITS_FD, bytes, sizeof(bytes), 0); /* START of job 1 */
	for (uint8_t type = 1; type < HELPER_MESSAGE_TYPES; type++) {
		struct helper_message m = {
			.type = (enum helper_message_type)type,
			.job = type == HELPER_DONE || type == HELPER_FAILED ? 99
									    : 1,
			.kind = HELPER_HOOK,
			.texts = "said",
			.texts_len = 5
		};

		say(bytes, helper_message_pack(&m, bytes));
	}
	say(done, sizeof(done));
	say(done, sizeof(done)); /* again */
	say("x", 1);
	wait_for_the_end();
}

START_TEST(attack_messages_out_of_place_change_nothing_else)
{
	fork_helper(lie);
	ck_assert(helper_job_run(hook("true", 10)));
	wait_done(1);
	ck_assert_str_eq(seen.text, "said\n");
	/* The message that is none ends it for us. */
	while (helper_job_new(helper, HELPER_HOOK, 10, &note_ops, NULL))
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	teardown();
}
END_TEST

static void shout(void *argument)
{
	static uint8_t bytes[HELPER_MESSAGE_MAX + 100];

	(void)argument;
	bytes[0] = HELPER_LINE;
	bytes[4] = 1;
	say(bytes, sizeof(bytes));
	wait_for_the_end();
}

START_TEST(attack_a_message_too_long_ends_it)
{
	fork_helper(shout);
	ck_assert(helper_job_run(hook("true", 10)));
	wait_done(1);
	ck_assert(WIFSIGNALED(seen.status));
	ck_assert_str_eq(seen.text, "");
	teardown();
}
END_TEST

static void be_deaf(void *argument)
{
	(void)argument;
	wait_for_the_end();
}

START_TEST(attack_a_helper_that_does_not_read_holds_nobody_up)
{
	struct helper_job *job;
	unsigned count = 0;

	fork_helper(be_deaf);
	while ((job = helper_job_new(helper, HELPER_HOOK, 10, &note_ops,
				     NULL))) {
		helper_job_add(job, "true");
		if (!helper_job_run(job))
			break;
		ck_assert_uint_lt(++count, 100000);
	}
	ck_assert_str_eq(helper_why(helper),
			 "Resource temporarily unavailable");
	teardown();
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("helper", .setup = setup, .teardown = teardown,
		  .timeout_s = 30),
	UNIT_TEST(hook_gets_its_environment_and_says_how_it_ended),
	UNIT_TEST(a_limit_is_kept),
	UNIT_TEST(names_are_looked_up),
	UNIT_TEST(command_has_both_its_streams_told_apart),
	UNIT_TEST(all_of_a_long_output_comes_before_the_end),
	UNIT_TEST(what_a_command_started_ends_with_it),
	UNIT_TEST(attack_a_command_that_never_stops_writing_holds_nothing_up),
	UNIT_TEST(many_long_names_are_told_of_at_once),
	UNIT_TEST(a_text_that_is_too_long_is_an_error),
	UNIT_TEST(cancelled_job_is_never_done),
	UNIT_TEST(what_runs_ends_with_the_daemon),
	UNIT_TEST(signals_to_all_do_not_end_it),
	UNIT_TEST(without_the_helper_jobs_end_and_none_begins),
	UNIT_CASE("taken over", .timeout_s = 30),
	UNIT_TEST(attack_messages_out_of_place_change_nothing_else),
	UNIT_TEST(attack_a_message_too_long_ends_it),
	UNIT_TEST(attack_a_helper_that_does_not_read_holds_nobody_up),
};

UNIT_MAIN("helper", tests)
