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
	static char text[8192];
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

START_TEST(long_line_says_that_it_is_cut)
{
	static const char end[] = "x ... (5999 bytes in all)\n";
	char text[6000];
	const char *line;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_open("tap0", LOG_LEVEL_INFO);
	log_info("%s", text);
	line = logged();
	ck_assert_uint_le(strlen(line), 4096);
	ck_assert_str_eq(line + strlen(line) - strlen(end), end);
}
END_TEST

/* As many as a reload logs of a list. */
START_TEST(line_of_four_names_is_whole)
{
	char name[254];
	const char *line;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	log_open("tap0", LOG_LEVEL_INFO);
	log_info("%s %s %s %s.", name, name, name, name);
	line = logged();
	ck_assert_uint_eq(strlen(line), strlen("tapd[tap0]: ") + 4 * 254 + 1);
	ck_assert_ptr_nonnull(strstr(line, "x.\n"));
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
	UNIT_TEST(long_line_says_that_it_is_cut),
	UNIT_TEST(line_of_four_names_is_whole),
	UNIT_TEST(errno_is_untouched),
};

UNIT_MAIN("log", tests)
