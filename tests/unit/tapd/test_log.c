#include "support/main.h"
#include "tapd/log/log.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
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

	fcntl(reader, F_SETFL, O_NONBLOCK);
	n = read(reader, text, sizeof(text) - 1);
	if (n < 0)
		n = 0;
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

/* ---- a reader that does not read ---- */

#define FLOOD 5000

static void flood(void)
{
	for (int i = 0; i < FLOOD; i++)
		log_info("line %d of many", i);
}

/* Reads all there is, having the loop write what waits; to be freed. */
static char *read_out(int fd, struct event_base *base)
{
	size_t len = 0, size = 1 << 20;
	char *text = malloc(size);
	int idle = 0;

	ck_assert_ptr_nonnull(text);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (idle < 2) {
		ssize_t n = read(fd, text + len, size - 1 - len);

		if (n > 0)
			len += (size_t)n;
		idle = n > 0 ? 0 : idle + 1;
		if (base)
			event_base_loop(base, EVLOOP_NONBLOCK);
	}
	text[len] = '\0';
	return text;
}

/* Lines in order from the first, then how many were lost: all are told. */
static void assert_flood_told(char *text, const char *prefix)
{
	unsigned int lines = 0, lost = 0;
	char expected[64], *rest = text, *line;

	while ((line = strsep(&rest, "\n")) && *line) {
		if (strncmp(line, "<4>", 3) == 0) /* not its level's */
			line[1] = '6';
		ck_assert_msg(strncmp(line, prefix, strlen(prefix)) == 0, "%s",
			      line);
		line += strlen(prefix);
		if (strstr(line, " lines of the log lost")) {
			lost = (unsigned int)strtoul(line, NULL, 10);
			continue;
		}
		snprintf(expected, sizeof(expected), "line %u of many", lines);
		ck_assert_str_eq(line, expected);
		lines++;
	}
	ck_assert_uint_gt(lost, 0);
	ck_assert_uint_eq(log_lost(), lost);
	ck_assert_uint_eq(lines + lost, FLOOD);
	free(text);
}

START_TEST(pipe_that_nobody_reads_holds_up_nobody)
{
	char *text;

	log_open("tap0", LOG_LEVEL_INFO);
	flood();
	text = read_out(reader, NULL);
	ck_assert_ptr_null(strstr(text, "lost"));
	free(text);
	/* There is no loop: the next message finds the reader back. */
	log_info("next");
	text = read_out(reader, NULL);
	ck_assert_ptr_nonnull(strstr(text, "of many\n"));
	ck_assert_ptr_nonnull(strstr(text, " lines of the log lost"));
	free(text);
}
END_TEST

static void reader_comes_back(int fd, const char *prefix)
{
	struct event_base *base = event_base_new();

	ck_assert(log_watch(base));
	flood();
	assert_flood_told(read_out(fd, base), prefix);
	log_info("next");
	char *text = read_out(fd, base);
	ck_assert_str_eq(text + strlen(prefix), "next\n");
	free(text);
	log_unwatch();
	event_base_free(base);
}

START_TEST(pipe_whose_reader_comes_back_says_how_many_are_lost)
{
	log_open("tap0", LOG_LEVEL_INFO);
	reader_comes_back(reader, "tapd[tap0]: ");
}
END_TEST

/* Where nobody may open it a second time. */
START_TEST(pipe_of_another_user_holds_up_nobody)
{
	const uid_t user = geteuid();

	if (user == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	log_open("tap0", LOG_LEVEL_INFO);
	reader_comes_back(reader, "tapd[tap0]: ");
	/* What looks for leaks needs the rights it had. */
	ck_assert_int_eq(seteuid(user), 0);
}
END_TEST

static int stderr_is_a_socket(int type)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, type, 0, fds), 0);
	ck_assert_int_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	close(fds[1]);
	return fds[0];
}

START_TEST(journal_that_does_not_read_holds_up_nobody)
{
	int fd = stderr_is_a_socket(SOCK_STREAM);

	set_journal_stream(0);
	log_open("tap0", LOG_LEVEL_INFO);
	reader_comes_back(fd, "<6>");
}
END_TEST

START_TEST(terminal_shows_the_time_and_is_not_waited_for)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	unsigned int h, m, s, ms;
	char *text;

	ck_assert_int_ge(master, 0);
	ck_assert_int_eq(grantpt(master), 0);
	ck_assert_int_eq(unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	ck_assert_int_ge(slave, 0);
	ck_assert_int_eq(dup2(slave, STDERR_FILENO), STDERR_FILENO);
	log_open("tap0", LOG_LEVEL_INFO);
	flood();
	text = read_out(master, NULL);
	ck_assert_int_eq(sscanf(text, "%2u:%2u:%2u.%3u tapd[tap0]: line 0 of",
				&h, &m, &s, &ms),
			 4);
	ck_assert_uint_gt(log_lost(), 0);
	free(text);
}
END_TEST

START_TEST(reader_that_is_gone_costs_only_the_lines)
{
	struct event_base *base = event_base_new();

	signal(SIGPIPE, SIG_IGN);
	log_open("tap0", LOG_LEVEL_INFO);
	ck_assert(log_watch(base));
	flood();
	close(reader);
	/* What waits is given up, and nothing is waited for any more. */
	while (event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED) > 0)
		event_base_loop(base, EVLOOP_NONBLOCK);
	log_info("next");
	ck_assert_uint_gt(log_lost(), FLOOD / 2);
	log_unwatch();
	event_base_free(base);
}
END_TEST

START_TEST(end_waits_for_a_reader_a_fifth_of_a_second)
{
	struct timespec begin, end;

	log_open("tap0", LOG_LEVEL_INFO);
	flood();
	clock_gettime(CLOCK_MONOTONIC, &begin);
	log_unwatch();
	clock_gettime(CLOCK_MONOTONIC, &end);
	ck_assert_int_le(end.tv_sec - begin.tv_sec, 2);
}
END_TEST

START_TEST(inherited_stderr_stays_as_it_is)
{
	log_open("tap0", LOG_LEVEL_INFO);
	flood();
	ck_assert_int_eq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
}
END_TEST

START_TEST(file_is_written_in_full)
{
	FILE *file = tmpfile();
	char *text;

	ck_assert_int_eq(dup2(fileno(file), STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_eq(write(STDERR_FILENO, "before\n", 7), 7);
	log_open("tap0", LOG_LEVEL_INFO);
	flood();
	ck_assert_uint_eq(log_lost(), 0);
	rewind(file);
	text = read_out(fileno(file), NULL);
	ck_assert_int_eq(strncmp(text, "before\ntapd[tap0]: line 0 of", 28), 0);
	ck_assert_ptr_nonnull(strstr(text, "line 4999 of many\n"));
	free(text);
	fclose(file);
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
	UNIT_TEST(pipe_that_nobody_reads_holds_up_nobody),
	UNIT_TEST(pipe_whose_reader_comes_back_says_how_many_are_lost),
	UNIT_TEST(pipe_of_another_user_holds_up_nobody),
	UNIT_TEST(journal_that_does_not_read_holds_up_nobody),
	UNIT_TEST(terminal_shows_the_time_and_is_not_waited_for),
	UNIT_TEST(reader_that_is_gone_costs_only_the_lines),
	UNIT_TEST(end_waits_for_a_reader_a_fifth_of_a_second),
	UNIT_TEST(inherited_stderr_stays_as_it_is),
	UNIT_TEST(file_is_written_in_full),
};

UNIT_MAIN("log", tests)
