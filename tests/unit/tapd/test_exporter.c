/* Who is let in, and when, turn by turn of the loop. */
#include "support/main.h"
#include "support/scratch.h"
#include "tapd/control/exporter.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS 8
#define PATH	"metrics"

static struct event_base *base;
static struct exporter *exporter;

/* There are none: the answer is that, at once. */
static struct metrics *ask(void *user)
{
	(void)user;
	return NULL;
}

static void setup(void)
{
	char path[128], *error;

	scratch_enter();
	ck_assert_ptr_nonnull(getcwd(path, sizeof(path) - sizeof(PATH)));
	strcat(path, "/" PATH);
	signal(SIGPIPE, SIG_IGN); /* as the daemon has it */
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	exporter = exporter_new(base, path, ask, NULL, &error);
	ck_assert_msg(exporter != NULL, "%s", error);
}

static void teardown(void)
{
	exporter_free(exporter);
	event_base_free(base);
	scratch_leave();
}

static int come(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = PATH };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&name, sizeof(name)),
			 0);
	return fd;
}

static void say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL),
			 (ssize_t)strlen(text));
}

static void turns(unsigned n)
{
	while (n-- > 0)
		event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* How many files are open. */
static unsigned files(void)
{
	DIR *all = opendir("/proc/self/fd");
	unsigned n = 0;

	ck_assert_ptr_nonnull(all);
	while (readdir(all))
		n++;
	closedir(all);
	return n;
}

/* Whether it has been answered or cut off, or is let wait still. */
static enum { WAITS, ANSWERED, CUT_OFF } fate(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_PEEK);

	if (n < 0)
		ck_assert(errno == EAGAIN || errno == ECONNRESET);
	if (n > 0)
		return ANSWERED;
	return n < 0 && errno == EAGAIN ? WAITS : CUT_OFF;
}

/* How long it takes until it is answered. */
static int64_t answered_ms(int fd)
{
	const int64_t begun = now_ms();

	while (fate(fd) != ANSWERED) {
		ck_assert_int_lt(now_ms() - begun, 8000);
		event_base_loop(base, EVLOOP_ONCE);
	}
	return now_ms() - begun;
}

#define GET "GET /metrics HTTP/1.1\r\n\r\n"

START_TEST(one_a_turn_is_let_in)
{
	int fds[CLIENTS];
	unsigned before;

	for (int i = 0; i < CLIENTS; i++)
		fds[i] = come();
	before = files();
	for (unsigned i = 1; i <= CLIENTS; i++) {
		turns(1);
		ck_assert_uint_eq(files(), before + i);
	}
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
}
END_TEST

START_TEST(ninth_waits_for_a_place_and_costs_nothing)
{
	int fds[CLIENTS + 1];
	unsigned full;

	for (int i = 0; i < CLIENTS; i++)
		fds[i] = come();
	turns(20);
	fds[CLIENTS] = come();
	say(fds[CLIENTS], GET);
	full = files();
	turns(20);
	ck_assert_uint_eq(files(), full);
	ck_assert_int_eq(fate(fds[CLIENTS]), WAITS);
	close(fds[3]);
	ck_assert_int_lt(answered_ms(fds[CLIENTS]), 900);
	for (int i = 0; i <= CLIENTS; i++)
		if (i != 3)
			close(fds[i]);
}
END_TEST

START_TEST(whoever_is_silent_longest_makes_room)
{
	int fds[CLIENTS], late[2];

	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = come();
		turns(10);
		usleep(2000);
	}
	for (int i = 0; i < 2; i++) {
		late[i] = come();
		say(late[i], GET);
	}
	/* Not before those that are there had the time to ask. */
	ck_assert_int_ge(answered_ms(late[0]), 700);
	ck_assert_int_eq(fate(fds[0]), CUT_OFF);
	answered_ms(late[1]);
	for (int i = 2; i < CLIENTS; i++) {
		ck_assert_int_eq(fate(fds[i]), WAITS);
		say(fds[i], GET);
		answered_ms(fds[i]);
		close(fds[i]);
	}
	close(fds[0]);
	close(fds[1]);
	close(late[0]);
	close(late[1]);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("exporter", .setup = setup, .teardown = teardown),
	UNIT_TEST(one_a_turn_is_let_in),
	UNIT_TEST(ninth_waits_for_a_place_and_costs_nothing),
	UNIT_TEST(whoever_is_silent_longest_makes_room),
};

UNIT_MAIN("exporter", tests)
