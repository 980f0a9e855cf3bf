#include "support/main.h"
#include "tapd/log.h"

#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* stderr is a pipe whose other end the test reads. */
static int reader;

static void redirect(void)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	close(fds[1]);
	reader = fds[0];
	unsetenv("JOURNAL_STREAM");
}

static const char *logged(void)
{
	static char text[4096];
	ssize_t n;

	fflush(stderr);
	/* An end of file to read up to, even when nothing was logged. */
	close(STDERR_FILENO);
	n = read(reader, text, sizeof(text) - 1);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	return text;
}

static void set_journal_stream(uint64_t inode_offset)
{
	struct stat st;
	char value[64];

	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	snprintf(value, sizeof(value), "%llu:%llu",
		 (unsigned long long)st.st_dev,
		 (unsigned long long)(st.st_ino + inode_offset));
	setenv("JOURNAL_STREAM", value, 1);
}

START_TEST(line_names_the_interface)
{
	log_open("tap0", LOG_LEVEL_INFO);
	log_info("peer %s is up", "web1");
	ck_assert_str_eq(logged(), "tapd[tap0]: peer web1 is up\n");
}
END_TEST

START_TEST(journal_gets_a_priority)
{
	set_journal_stream(0);
	log_open("tap0", LOG_LEVEL_DEBUG);
	log_error("e");
	log_warning("w");
	log_info("i");
	ck_assert_str_eq(logged(), "<3>e\n<4>w\n<6>i\n");
}
END_TEST

START_TEST(inherited_journal_stream_of_another_file_is_ignored)
{
	set_journal_stream(1);
	log_open("tap0", LOG_LEVEL_INFO);
	log_info("i");
	ck_assert_str_eq(logged(), "tapd[tap0]: i\n");
}
END_TEST

START_TEST(lines_above_the_level_are_not_written)
{
	log_open("tap0", LOG_LEVEL_WARNING);
	log_info("i");
	log_set_level(LOG_LEVEL_INFO);
	log_info("j");
	ck_assert_str_eq(logged(), "tapd[tap0]: j\n");
}
END_TEST

START_TEST(control_bytes_cannot_forge_a_line)
{
	log_open("tap0", LOG_LEVEL_INFO);
	log_info("%s", "a\n<0>b\033[2J\x7f");
	ck_assert_str_eq(logged(), "tapd[tap0]: a?<0>b?[2J?\n");
}
END_TEST

START_TEST(long_line_is_cut_and_still_ends)
{
	char text[3000];
	const char *line;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_open("tap0", LOG_LEVEL_INFO);
	log_info("%s", text);
	line = logged();
	ck_assert_uint_le(strlen(line), 1024);
	ck_assert_int_eq(line[strlen(line) - 1], '\n');
}
END_TEST

START_TEST(errno_is_untouched)
{
	log_open("tap0", LOG_LEVEL_INFO);
	errno = ENOENT;
	log_info("i");
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("log", .setup = redirect),
	UNIT_TEST(line_names_the_interface),
	UNIT_TEST(journal_gets_a_priority),
	UNIT_TEST(inherited_journal_stream_of_another_file_is_ignored),
	UNIT_TEST(lines_above_the_level_are_not_written),
	UNIT_TEST(control_bytes_cannot_forge_a_line),
	UNIT_TEST(long_line_is_cut_and_still_ends),
	UNIT_TEST(errno_is_untouched),
};

UNIT_MAIN("log", tests)
