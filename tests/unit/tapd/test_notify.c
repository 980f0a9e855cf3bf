#include "support/main.h"
#include "tapd/manager/notify.h"
#include "unit/tapd/manager_help.h"

#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void assert_next(int s, const char *expected)
{
	char text[256];

	ck_assert_int_eq(next_message(s, text), -1);
	ck_assert_str_eq(text, expected);
}

START_TEST(the_manager_is_told)
{
	int s = open_manager();

	ck_assert(notify_is_wanted());
	notify_ready("2 of 3 peers up");
	assert_next(s, "READY=1\nSTATUS=2 of 3 peers up");
	notify_status("3 of 3 peers up");
	assert_next(s, "STATUS=3 of 3 peers up");
	notify_alive();
	assert_next(s, "WATCHDOG=1");
	notify_stopping();
	assert_next(s, "STOPPING=1");
}
END_TEST

static uint64_t monotonic_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

START_TEST(a_reload_has_the_time_of_its_beginning)
{
	const uint64_t before = monotonic_us();
	int s = open_manager();
	uint64_t told;
	char text[256];

	notify_reloading();
	ck_assert_int_eq(next_message(s, text), -1);
	ck_assert_int_eq(
		sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%" SCNu64, &told), 1);
	ck_assert(before <= told && told <= monotonic_us());
	notify_reloaded();
	assert_next(s, "READY=1");
}
END_TEST

START_TEST(without_a_manager_nothing_is_said)
{
	unsetenv("NOTIFY_SOCKET");
	ck_assert(!notify_is_wanted());
	ck_assert_int_eq(notify_send("READY=1", -1), -ENOENT);
	setenv("NOTIFY_SOCKET", "", 1);
	ck_assert(!notify_is_wanted());
}
END_TEST

START_TEST(the_watchdog_of_another_process_is_not_ours)
{
	char pid[32];

	unsetenv("WATCHDOG_PID");
	unsetenv("WATCHDOG_USEC");
	ck_assert_uint_eq(notify_watchdog_us(), 0);
	setenv("WATCHDOG_USEC", "10000000", 1);
	ck_assert_uint_eq(notify_watchdog_us(), 10000000);
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	ck_assert_uint_eq(notify_watchdog_us(), 10000000);
	snprintf(pid, sizeof(pid), "%ld", (long)getppid());
	setenv("WATCHDOG_PID", pid, 1);
	ck_assert_uint_eq(notify_watchdog_us(), 0);
	unsetenv("WATCHDOG_PID");
	setenv("WATCHDOG_USEC", "soon", 1);
	ck_assert_uint_eq(notify_watchdog_us(), 0);
}
END_TEST

/* Its queue holds some hundreds of messages, by net.unix.max_dgram_qlen. */
START_TEST(a_manager_that_reads_nothing_holds_nobody_up)
{
	int result = 0, s = open_manager();

	for (int i = 0; i < 100000 && result == 0; i++)
		result = notify_send("WATCHDOG=1", -1);
	ck_assert_int_lt(result, 0);
	ck_assert_int_eq(notify_send("WATCHDOG=1", -1), result);
	close(s);
	ck_assert_int_eq(notify_send("WATCHDOG=1", -1), -ECONNREFUSED);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_TEST(the_manager_is_told),
	UNIT_TEST(a_reload_has_the_time_of_its_beginning),
	UNIT_TEST(without_a_manager_nothing_is_said),
	UNIT_TEST(the_watchdog_of_another_process_is_not_ours),
	UNIT_TEST(a_manager_that_reads_nothing_holds_nobody_up),
};

UNIT_MAIN("notify", tests)
