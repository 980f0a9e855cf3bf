#include "support/main.h"
#include "tapd/manager/fdstore.h"
#include "unit/tapd/manager_help.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a manager sets for a service it starts with descriptors. */
static void set_environment(long pid, const char *count, const char *names)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", pid);
	setenv("LISTEN_PID", text, 1);
	setenv("LISTEN_FDS", count, 1);
	setenv("LISTEN_FDNAMES", names, 1);
}

static int take(const char *name)
{
	return fdstore_take(name, NULL, NULL);
}

/* 3, 4 and 5, under these names. */
static void pass(const char *names)
{
	int null = open("/dev/null", O_RDONLY);

	for (int fd = 3; fd < 6; fd++)
		if (null != fd)
			ck_assert_int_eq(dup2(null, fd), fd);
	set_environment(getpid(), "3", names);
}

START_TEST(take_finds_a_descriptor_by_its_name)
{
	pass("socket:tap0:tap");
	ck_assert_int_eq(take("tap0"), 4);
	ck_assert_int_eq(take("tap0"), -1); /* once */
	ck_assert_int_eq(fcntl(4, F_GETFD), FD_CLOEXEC);
	pass("socket:tap0:tap");
	ck_assert_int_eq(take("tap"), 5);
	pass("socket:tap0:tap");
	ck_assert_int_eq(take("tap1"), -1);
}
END_TEST

static int seen[3];

static void see(void *user, int fd)
{
	int *count = user;

	ck_assert_int_lt(*count, 3);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	seen[(*count)++] = fd;
}

START_TEST(take_closes_those_of_other_names)
{
	char text[256];
	int s, count = 0;

	pass("tap0:tap1:tap1");
	s = open_manager();
	ck_assert_int_eq(fdstore_take("tap1", see, &count), 4);
	ck_assert_int_eq(count, 1);
	ck_assert_int_eq(seen[0], 3);
	ck_assert_int_eq(fcntl(3, F_GETFD), -1);
	ck_assert_int_eq(fcntl(5, F_GETFD), -1);
	ck_assert_int_eq(next_message(s, text), -1);
	ck_assert_str_eq(text, "FDSTOREREMOVE=1\nFDNAME=tap0");
	/* Its copy of the one that is taken stays. */
	ck_assert_int_eq(recv(s, text, sizeof(text), MSG_DONTWAIT), -1);
}
END_TEST

START_TEST(take_leaves_descriptors_meant_for_another_process)
{
	set_environment(getppid(), "1", "tap0");
	ck_assert_int_eq(take("tap0"), -1);
}
END_TEST

START_TEST(take_survives_any_environment)
{
	static const char *const counts[] = {
		"", "-1", "x", "1x", "65", "2", "99999999999999999999"
	};
	static const char *const names[] = { "", ":", "tap0", ":::::", "a:b" };

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	ck_assert_int_eq(take("tap0"), -1);
	/* Names without descriptors, descriptors without names, closed ones. */
	for (int fd = 3; fd < 80; fd++)
		close(fd);
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		for (size_t j = 0; j < sizeof(names) / sizeof(*names); j++) {
			set_environment(getpid(), counts[i], names[j]);
			ck_assert_int_eq(take("tap0"), -1);
		}
}
END_TEST

START_TEST(give_hands_over_a_copy_and_drop_takes_it_back)
{
	struct stat ours, theirs;
	char text[256];
	int s = open_manager(), null = open("/dev/null", O_RDONLY);

	ck_assert_int_eq(fdstore_give("tap0", null), 0);
	int copy = next_message(s, text);
	ck_assert_str_eq(text, "FDSTORE=1\nFDNAME=tap0");
	ck_assert_int_ge(copy, 0);
	fstat(null, &ours);
	fstat(copy, &theirs);
	ck_assert_uint_eq(ours.st_rdev, theirs.st_rdev);

	ck_assert_int_eq(fdstore_drop("tap0"), 0);
	ck_assert_int_eq(next_message(s, text), -1);
	ck_assert_str_eq(text, "FDSTOREREMOVE=1\nFDNAME=tap0");
}
END_TEST

START_TEST(without_a_manager_nothing_is_kept)
{
	char longest[200];

	unsetenv("NOTIFY_SOCKET");
	ck_assert_int_eq(fdstore_give("tap0", 0), -ENOENT);
	setenv("NOTIFY_SOCKET", "", 1);
	ck_assert_int_eq(fdstore_give("tap0", 0), -ENOENT);
	setenv("NOTIFY_SOCKET", "relative", 1);
	ck_assert_int_lt(fdstore_drop("tap0"), 0);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	longest[0] = '/';
	setenv("NOTIFY_SOCKET", longest, 1);
	ck_assert_int_lt(fdstore_drop("tap0"), 0);
	setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	ck_assert_int_eq(fdstore_drop("tap0"), -ENOENT);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_TEST(take_finds_a_descriptor_by_its_name),
	UNIT_TEST(take_closes_those_of_other_names),
	UNIT_TEST(take_leaves_descriptors_meant_for_another_process),
	UNIT_TEST(take_survives_any_environment),
	UNIT_TEST(give_hands_over_a_copy_and_drop_takes_it_back),
	UNIT_TEST(without_a_manager_nothing_is_kept),
};

UNIT_MAIN("fdstore", tests)
