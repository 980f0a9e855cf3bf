#include "tapd/control/control.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "support/alloc.h"
#include "support/main.h"
#include "support/scratch.h"

#define BIG_LEN 3000000 /* more than any socket buffer takes */

static struct event_base *base;
static struct control *control;
static unsigned commands;

/* ---- the daemon's side ---- */

/* A list of as many rows, each after as many steps without one; it fails after
 * those. */
static struct {
	struct control_list list;
	unsigned int rows, busy, fails_after;
	size_t row_len;
	unsigned int row, wait;
	unsigned int steps, freed;
	int passed;  /* with the first row; 0: none */
	bool sleeps; /* it waits to be woken where it would be busy */
} made;

static enum control_step step(struct control_list *list, json_t **row)
{
	char *text;

	ck_assert_ptr_eq(list, &made.list);
	made.steps++;
	if (made.fails_after && made.steps > made.fails_after)
		return CONTROL_FAILED;
	if (made.wait++ < made.busy)
		return made.sleeps ? CONTROL_WAIT : CONTROL_BUSY;
	made.wait = 0;
	if (made.row == made.rows)
		return CONTROL_END;
	text = malloc(made.row_len + 1);
	memset(text, 'a' + (int)(made.row++ % 26), made.row_len);
	*row = json_stringn(text, made.row_len);
	free(text);
	return CONTROL_ROW;
}

static void free_made(struct control_list *list)
{
	ck_assert_ptr_eq(list, &made.list);
	made.freed++;
}

static struct control_list *begin_list(enum control_form form)
{
	made.list = (struct control_list){ .step = step,
					   .free = free_made,
					   .form = form };
	made.list.passes = made.passed > 0;
	made.list.passed = made.passed;
	if (form != CONTROL_ARRAY)
		made.list.error = "not now";
	made.row = made.wait = 0;
	return &made.list;
}

static json_t *command(void *user, const char *name, json_t *arguments,
		       struct control_list **list, char **error)
{
	char *big;
	json_t *result;

	ck_assert_ptr_eq(user, &commands);
	commands++;
	if (strcmp(name, "status") == 0)
		return json_pack("{s:s}", "name", "web1");
	if (strcmp(name, "big") == 0) {
		big = malloc(BIG_LEN);
		memset(big, 'x', BIG_LEN);
		result = json_stringn(big, BIG_LEN);
		free(big);
		return result;
	}
	if (strcmp(name, "args") == 0)
		return json_incref(arguments);
	if (strcmp(name, "list") == 0) {
		*list = begin_list(CONTROL_ARRAY);
		return NULL;
	}
	if (strcmp(name, "one") == 0 || strcmp(name, "lines") == 0) {
		*list = begin_list(*name == 'o' ? CONTROL_ONE : CONTROL_LINES);
		return NULL;
	}
	*error = strcmp(name, "bytes") == 0 ? strdup("caf\xe9")
					    : strdup("no such command");
	return NULL;
}

static const struct control_ops ops = { command };

static struct control *listen_at(const char *path)
{
	char *error;
	struct control *c = control_new(base, path, &ops, &commands, &error);

	ck_assert_msg(c != NULL, "%s", error);
	ck_assert_ptr_null(error);
	return c;
}

static void start(void)
{
	scratch_enter();
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	control = listen_at("run/tap0.sock");
}

static void stop(void)
{
	control_free(control);
	event_base_free(base);
	scratch_leave();
}

/* ---- the client's side ---- */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int connect_to(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	strcpy(a.sun_path, path);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&a, sizeof(a)),
			 0);
	/* Until it is accepted the daemon does not know it. */
	event_base_loop(base, EVLOOP_NONBLOCK);
	return fd;
}

static int client(void)
{
	return connect_to("run/tap0.sock");
}

static void put(int fd, const void *bytes, size_t len)
{
	ck_assert_int_eq(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* Runs the daemon until it closed the connection or sent `lines` lines; what
 * came, to be freed. *closed says which. */
static char *take(int fd, unsigned lines, bool *closed, int deadline_ms)
{
	int64_t end = now_ms() + deadline_ms;
	size_t len = 0, size = 2 * BIG_LEN;
	char *text = test_alloc(size);

	*closed = false;
	while (!*closed && lines > 0) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		ck_assert_msg(now_ms() < end, "nothing came: %.*s",
			      (int)(len < 200 ? len : 200), text);
		event_base_loop(base, EVLOOP_NONBLOCK);
		poll(&p, 1, 5);
		n = recv(fd, text + len, size - 1 - len, 0);
		*closed = n == 0 || (n < 0 && errno != EAGAIN);
		for (ssize_t i = 0; i < n; i++)
			lines -= text[len++] == '\n' && lines > 0;
	}
	text[len] = '\0';
	return text;
}

static void assert_answer(int fd, const char *expected)
{
	bool closed;
	char *text = take(fd, 1, &closed, 3000);

	ck_assert_str_eq(text, expected);
	free(text);
}

static void assert_closed(int fd)
{
	bool closed;
	char *text = take(fd, 1, &closed, 3000);

	ck_assert(closed);
	ck_assert_str_eq(text, "");
	free(text);
	close(fd);
}

#define ASK	"{\"command\": \"status\"}\n"
#define STATUS	"{\"ok\":true,\"result\":{\"name\":\"web1\"}}\n"
#define UNKNOWN "{\"ok\":false,\"error\":\"no such command\"}\n"
#define NOT_REQUEST                        \
	"{\"ok\":false,\"error\":\"not a " \
	"request; send {\\\"command\\\": \\\"status\\\"}\"}\n"

static void assert_serves(void)
{
	int fd = client();

	put(fd, ASK, strlen(ASK));
	assert_answer(fd, STATUS);
	close(fd);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

/* ---- requests ---- */

START_TEST(question_is_answered_and_another)
{
	int fd = client();

	put(fd, ASK, strlen(ASK));
	assert_answer(fd, STATUS);
	put(fd, "{\"command\": \"fry\"}\n", 19);
	assert_answer(fd, UNKNOWN);
	put(fd, ASK, strlen(ASK));
	assert_answer(fd, STATUS);
	close(fd);
}
END_TEST

START_TEST(line_may_come_in_pieces)
{
	int fd = client();

	for (const char *c = ASK; *c; c++) {
		put(fd, c, 1);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	assert_answer(fd, STATUS);
	close(fd);
}
END_TEST

START_TEST(questions_at_once_are_answered_in_order)
{
	int fd = client();
	bool closed;
	char *text;

	put(fd, ASK "{\"command\": \"fry\"}\n" ASK, 2 * strlen(ASK) + 19);
	text = take(fd, 3, &closed, 3000);
	ck_assert_str_eq(text, STATUS UNKNOWN STATUS);
	free(text);
	close(fd);
}
END_TEST

START_TEST(end_of_the_questions_is_not_the_end_of_the_answers)
{
	int fd = client();
	bool closed;
	char *text;

	put(fd, ASK ASK, 2 * strlen(ASK));
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	text = take(fd, 3, &closed, 3000);
	ck_assert(closed);
	ck_assert_str_eq(text, STATUS STATUS);
	free(text);
	close(fd);
}
END_TEST

START_TEST(garbage_gets_a_refusal)
{
	static const char *const garbage[] = {
		"\n",
		"status\n",
		"[]\n",
		"{}\n",
		"{\"command\": 5}\n",
		"{\"command\": \"a\", \"command\": \"b\"}\n",
		"{\"command\": \"status\"\n",
		"{\"command\": \"status\"} {}\n",
		"\xff\xfe\x80\n",
		"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n",
	};
	int fd = client();

	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		put(fd, garbage[i], strlen(garbage[i]));
		assert_answer(fd, NOT_REQUEST);
	}
	put(fd, "{\"command\": \"sta\0tus\"}\n", 23);
	assert_answer(fd, NOT_REQUEST);
	put(fd, ASK, strlen(ASK));
	assert_answer(fd, STATUS);
	ck_assert_uint_eq(commands, 1);
	close(fd);
}
END_TEST

#define NONE "{\"command\": \"args\"}\n"
#define MORE "{\"command\": \"status\", \"more\": 1}\n"

START_TEST(arguments_are_handed_over_as_they_are)
{
	static const char *const given[] = { "{}", "{\"a\":5}", "[1,\"b\"]",
					     "null" };
	char request[64], answer[64];
	int fd = client();

	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
		sprintf(request, "{\"command\":\"args\",\"arguments\":%s}\n",
			given[i]);
		sprintf(answer, "{\"ok\":true,\"result\":%s}\n", given[i]);
		put(fd, request, strlen(request));
		assert_answer(fd, answer);
	}
	/* None, and what no version knows beside them. */
	put(fd, NONE, strlen(NONE));
	assert_answer(fd, "{\"ok\":false,\"error\":\"failed\"}\n");
	put(fd, MORE, strlen(MORE));
	assert_answer(fd, STATUS);
	close(fd);
}
END_TEST

START_TEST(error_that_is_not_utf8_is_still_answered)
{
	int fd = client();

	put(fd, "{\"command\": \"bytes\"}\n", 21);
	assert_answer(fd, "{\"ok\":false,\"error\":\"failed; the log says "
			  "why\"}\n");
	close(fd);
}
END_TEST

START_TEST(huge_line_is_cut_off)
{
	char line[8192];
	int fd = client();
	bool closed;
	char *text;

	memset(line, '[', sizeof(line));
	put(fd, line, sizeof(line));
	text = take(fd, 2, &closed, 3000);
	ck_assert(closed);
	ck_assert_str_eq(text, "{\"ok\":false,\"error\":\"request longer "
			       "than 4 KiB\"}\n");
	free(text);
	close(fd);
	assert_serves();
}
END_TEST

START_TEST(big_answer_arrives_whole)
{
	int fd = client();
	bool closed;
	char *text;

	put(fd, "{\"command\": \"big\"}\n" ASK, 19 + strlen(ASK));
	text = take(fd, 2, &closed, 3000);
	ck_assert_uint_eq(strlen(text),
			  strlen("{\"ok\":true,\"result\":\"\"}\n") + BIG_LEN +
				  strlen(STATUS));
	free(text);
	close(fd);
}
END_TEST

/* ---- lists ---- */

#define LIST "{\"command\": \"list\"}\n"

/* What `rows` rows of `len` bytes come to; to be freed. */
static char *expected_list(unsigned int rows, size_t len)
{
	size_t size = 64 + rows * (len + 3), at;
	char *text = test_alloc(size);

	at = (size_t)sprintf(text, "{\"ok\":true,\"result\":[");
	for (unsigned int i = 0; i < rows; i++) {
		at += (size_t)sprintf(text + at, "%s\"", i ? "," : "");
		memset(text + at, 'a' + (int)(i % 26), len);
		at += len;
		text[at++] = '"';
	}
	sprintf(text + at, "]}\n" STATUS);
	return text;
}

/* No turn of the loop does more of it than it may. */
static void assert_list(unsigned int rows, size_t len, unsigned int busy)
{
	char *expected = expected_list(rows, len), *text;
	size_t size = strlen(expected) + 1, got = 0;
	int fd = client();
	int64_t end = now_ms() + 20000;

	made.rows = rows;
	made.row_len = len;
	made.busy = busy;
	made.freed = made.row = made.steps = 0;
	text = test_alloc(size);
	put(fd, LIST ASK, strlen(LIST ASK));
	while (got < size - 1 && now_ms() < end) {
		unsigned int steps = made.steps, row = made.row;
		ssize_t n;

		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		ck_assert_uint_le(made.steps - steps, CONTROL_STEPS);
		if (made.row > row)
			ck_assert_uint_le((made.row - row - 1) * len,
					  CONTROL_BYTES);
		n = recv(fd, text + got, size - 1 - got, 0);
		got += n > 0 ? (size_t)n : 0;
	}
	text[got] = '\0';
	ck_assert_str_eq(text, expected);
	ck_assert_uint_eq(made.freed, 1);
	free(text);
	free(expected);
	close(fd);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

START_TEST(list_is_whole_and_made_in_parts)
{
	assert_list(0, 1, 0);
	assert_list(1, 1, 0);
	assert_list(2, 0, 3);
	assert_list(CONTROL_STEPS, 1, 0);
	assert_list(CONTROL_STEPS + 1, 1, 0);
	assert_list(5000, 7, 0);
	assert_list(30, 1, 1000);
	assert_list(300, 1000, 1);
	assert_list(20, 3 * CONTROL_BYTES, 0);
}
END_TEST

START_TEST(list_goes_no_further_than_its_client_takes)
{
	int fd = client();

	made.rows = 1000000;
	made.row_len = 1000;
	put(fd, LIST ASK LIST, 2 * strlen(LIST) + strlen(ASK));
	for (int i = 0; i < 1000; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_lt(made.row, 2000);
	ck_assert_uint_eq(commands, 1);
	assert_serves();
	close(fd);
	event_base_loop(base, EVLOOP_NONBLOCK);
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(made.freed, 1);
}
END_TEST

START_TEST(list_that_fails_is_cut_off)
{
	for (unsigned int steps = 1; steps <= 400; steps += 133) {
		int fd = client();
		bool closed;
		char *text;

		made.rows = 1000;
		made.row_len = 1;
		made.freed = 0;
		made.fails_after = steps;
		made.steps = 0;
		put(fd, LIST, strlen(LIST));
		text = take(fd, 1, &closed, 3000);
		ck_assert(closed);
		ck_assert_ptr_null(strchr(text, '\n'));
		ck_assert_uint_eq(made.freed, 1);
		free(text);
		close(fd);
	}
	made.fails_after = 0;
	assert_serves();
}
END_TEST

START_TEST(list_ends_with_the_server)
{
	int fd = client();

	made.rows = 1;
	made.busy = UINT32_MAX;
	put(fd, LIST, strlen(LIST));
	for (int i = 0; i < 10; i++)
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	ck_assert_uint_gt(made.steps, CONTROL_STEPS);
	control_free(control);
	control = NULL;
	ck_assert_uint_eq(made.freed, 1);
	close(fd);
}
END_TEST

#define ONE   "{\"command\": \"one\"}\n"
#define LINES "{\"command\": \"lines\"}\n"
#define LINE  "{\"ok\":true,\"result\":\"aa\"}\n"

#define NOT_NOW "{\"ok\":false,\"error\":\"not now\"}\n"

/* Two lines. */
static void assert_answers(int fd, const char *first, const char *second)
{
	char expected[512];
	bool closed;
	char *text = take(fd, 2, &closed, 3000);

	sprintf(expected, "%s%s", first, second);
	ck_assert_str_eq(text, expected);
	free(text);
}

static void turns(unsigned int n)
{
	while (n-- > 0)
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

START_TEST(answer_that_takes_its_time_costs_none)
{
	int fd = client();

	made.rows = 1;
	made.row_len = 2;
	made.busy = 3;
	made.sleeps = true;
	put(fd, ONE ASK, strlen(ONE ASK));
	turns(100);
	ck_assert_uint_eq(made.steps, 1);
	for (unsigned int i = 2; i <= 3; i++) {
		control_wake(&made.list);
		control_wake(&made.list);
		ck_assert_uint_eq(made.steps, i - 1);
		turns(100);
		ck_assert_uint_eq(made.steps, i);
	}
	assert_serves();
	control_wake(&made.list);
	assert_answers(fd, LINE, STATUS);
	ck_assert_uint_eq(made.freed, 1);
	close(fd);
}
END_TEST

START_TEST(answer_ends_when_nobody_waits_for_it)
{
	int fd = client();

	made.rows = 1;
	made.row_len = 2;
	made.busy = 2;
	made.sleeps = true;
	put(fd, ONE, strlen(ONE));
	turns(20);
	ck_assert_uint_eq(made.steps, 1);
	close(fd);
	turns(20);
	ck_assert_uint_eq(made.freed, 1);

	/* The end of the questions is not that; and what is sent at once with its end
	 * is seen to be over, too. */
	fd = client();
	put(fd, ONE, strlen(ONE));
	shutdown(fd, SHUT_WR);
	turns(20);
	ck_assert_uint_eq(made.freed, 1);
	control_wake(&made.list);
	turns(20);
	ck_assert_uint_eq(made.freed, 1);
	close(fd);
	control_wake(&made.list);
	turns(20);
	ck_assert_uint_eq(made.freed, 2);

	fd = client();
	put(fd, ONE, strlen(ONE));
	close(fd);
	turns(20);
	ck_assert_uint_eq(made.freed, 3);
}
END_TEST

START_TEST(single_answer_may_become_a_refusal)
{
	int fd = client();

	made.rows = 0;
	put(fd, ONE, strlen(ONE));
	assert_answer(fd, NOT_NOW);
	made.rows = 5;
	made.busy = 1;
	made.fails_after = made.steps + 1;
	put(fd, ONE ASK, strlen(ONE ASK));
	assert_answers(fd, NOT_NOW, STATUS);
	ck_assert_uint_eq(made.freed, 2);
	close(fd);
}
END_TEST

/* The rows of a list that never ends. */
static int stream(void)
{
	int fd = client();

	made.rows = 1000000;
	made.row_len = 2;
	made.busy = 1;
	made.sleeps = true;
	put(fd, LINES, strlen(LINES));
	turns(10);
	ck_assert_uint_eq(made.row, 0);
	return fd;
}

START_TEST(stream_says_each_thing_when_it_happens)
{
	int fd = stream();

	for (unsigned int i = 0; i < 3; i++) {
		char line[64];

		control_wake(&made.list);
		turns(10);
		ck_assert_uint_eq(made.row, i + 1);
		sprintf(line, "{\"ok\":true,\"result\":\"%c%c\"}\n", 'a' + i,
			'a' + i);
		assert_answer(fd, line);
	}
	/* What the client says is not read. */
	put(fd, ASK "garbage", strlen(ASK) + 7);
	turns(10);
	control_wake(&made.list);
	turns(10);
	assert_answer(fd, "{\"ok\":true,\"result\":\"dd\"}\n");
	close(fd);
}
END_TEST

START_TEST(stream_ends_when_the_client_goes)
{
	static char garbage[20000];
	int fd = stream();

	send(fd, garbage, sizeof(garbage), MSG_NOSIGNAL);
	turns(20);
	ck_assert_uint_eq(made.freed, 0);
	close(fd);
	turns(20);
	ck_assert_uint_eq(made.freed, 1);

	fd = stream();
	shutdown(fd, SHUT_WR);
	turns(20);
	ck_assert_uint_eq(made.freed, 2);
	close(fd);
}
END_TEST

START_TEST(stream_outlasts_a_client_that_does_not_read)
{
	int64_t end = now_ms() + 7000;
	int fd = stream();
	unsigned int row;

	made.row_len = 1000;
	made.busy = 0;
	control_wake(&made.list);
	while (now_ms() < end)
		event_base_loop(base, EVLOOP_ONCE);
	row = made.row;
	ck_assert_uint_lt(row, 2000);
	ck_assert_uint_eq(made.freed, 0);
	while (made.row < 2 * row) {
		char text[4096];

		ck_assert_int_ne(recv(fd, text, sizeof(text), 0), 0);
		turns(1);
	}
	close(fd);
}
END_TEST

START_TEST(descriptor_goes_with_the_first_line_of_a_stream)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} got;
	char text[512];
	struct iovec iov = { text, sizeof(text) };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &got,
				  .msg_controllen = sizeof(got) };
	int fd = client(), pipe_ends[2], passed;

	ck_assert_int_eq(pipe(pipe_ends), 0);
	made.rows = 2;
	made.row_len = 2;
	made.passed = pipe_ends[0];
	put(fd, LINES, strlen(LINES));
	turns(10);
	ck_assert_int_gt(recvmsg(fd, &message, 0), 0);
	ck_assert_ptr_nonnull(CMSG_FIRSTHDR(&message));
	ck_assert_int_eq(CMSG_FIRSTHDR(&message)->cmsg_type, SCM_RIGHTS);
	memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(passed));
	ck_assert_int_eq(made.list.passed, -1);
	/* Ours is the only one. */
	ck_assert_int_eq(write(pipe_ends[1], "x", 1), 1);
	close(passed);
	ck_assert_int_eq(write(pipe_ends[1], "x", 1), -1);
	close(pipe_ends[1]);
	close(fd);
	turns(10);
	made.passed = 0;
}
END_TEST

START_TEST(stream_that_fails_says_so)
{
	int fd = stream();

	made.busy = 0;
	made.fails_after = made.steps + 1;
	put(fd, "\n", 1);
	control_wake(&made.list);
	assert_answers(fd, LINE, NOT_NOW);
	put(fd, ASK, strlen(ASK));
	assert_answer(fd, STATUS);
	close(fd);
}
END_TEST

/* ---- clients that misbehave ---- */

START_TEST(client_gone_in_the_middle_of_an_answer_harms_nobody)
{
	for (int i = 0; i < 40; i++) {
		int fd = client();

		put(fd, "{\"command\": \"big\"}\n", 19);
		event_base_loop(base, EVLOOP_NONBLOCK);
		close(fd);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	assert_serves();
}
END_TEST

START_TEST(client_that_does_not_read_is_asked_no_more_of)
{
	int fd = client();

	/* One answer waits; the other questions wait for it to be taken. */
	for (int i = 0; i < 50; i++)
		put(fd, "{\"command\": \"big\"}\n", 19);
	for (int i = 0; i < 50; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(commands, 1);
	assert_serves();
	close(fd);
}
END_TEST

START_TEST(seventeenth_client_is_told_and_cut_off)
{
	int fds[16], more;
	bool closed;
	char *text;

	for (int i = 0; i < 16; i++)
		fds[i] = client();
	more = client();
	text = take(more, 2, &closed, 3000);
	ck_assert(closed);
	ck_assert_ptr_nonnull(strstr(text, "too many clients"));
	free(text);
	close(more);
	put(fds[15], ASK, strlen(ASK));
	assert_answer(fds[15], STATUS);
	close(fds[0]);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_serves();
	for (int i = 1; i < 16; i++)
		close(fds[i]);
}
END_TEST

START_TEST(silent_clients_are_cut_off_after_5_s)
{
	int silent = client(), half = client(), stuck = client();
	struct pollfd hangup = { .fd = stuck };
	int64_t begin = now_ms();
	bool closed;
	char *text;

	put(half, ASK, 5);
	put(stuck, "{\"command\": \"big\"}\n", 19);
	text = take(silent, 1, &closed, 8000);
	ck_assert(closed);
	free(text);
	ck_assert_int_ge(now_ms() - begin, 4500);
	assert_closed(half);
	while (poll(&hangup, 1, 5) == 0) {
		ck_assert_int_lt(now_ms() - begin, 8000);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	/* What was sent before comes, but not the whole. */
	text = take(stuck, 1, &closed, 3000);
	ck_assert(closed);
	ck_assert_uint_lt(strlen(text), BIG_LEN);
	free(text);
	close(silent);
	close(stuck);
}
END_TEST

/* ---- the socket ---- */

START_TEST(socket_is_private_and_removed)
{
	struct stat st;

	ck_assert_int_eq(stat("run/tap0.sock", &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	control_free(control);
	control = NULL;
	ck_assert_int_ne(stat("run/tap0.sock", &st), 0);
}
END_TEST

START_TEST(stale_socket_is_replaced)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct control *c;

	strcpy(a.sun_path, "stale.sock");
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	close(fd);
	c = listen_at("stale.sock");
	close(connect_to("stale.sock"));
	control_free(c);
}
END_TEST

static void refused(const char *path, const char *what)
{
	char *error;

	ck_assert_ptr_null(control_new(base, path, &ops, &commands, &error));
	ck_assert_msg(strncmp(error, path, strlen(path)) == 0 ||
			      strchr(path, '/'),
		      "%s", error);
	ck_assert_msg(strstr(error, what) != NULL, "%s", error);
	free(error);
}

START_TEST(live_socket_and_other_files_are_left_alone)
{
	char longer[200];

	refused("run/tap0.sock", "another tapd answers there");
	assert_serves();
	scratch_put("file", "precious");
	refused("file", "is there and no socket");
	ck_assert_int_eq(access("file", F_OK), 0);
	refused("no/such/tap0.sock", "No such file or directory");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	refused(longer, "longer than 107 bytes");
}
END_TEST

START_TEST(socket_of_a_successor_is_not_removed)
{
	struct stat st;
	struct control *successor;

	ck_assert_int_eq(unlink("run/tap0.sock"), 0);
	successor = listen_at("run/tap0.sock");
	control_free(control);
	control = NULL;
	ck_assert_int_eq(stat("run/tap0.sock", &st), 0);
	control_free(successor);
	ck_assert_int_ne(stat("run/tap0.sock", &st), 0);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("control", .setup = start, .teardown = stop, .timeout_s = 20),
	UNIT_TEST(question_is_answered_and_another),
	UNIT_TEST(line_may_come_in_pieces),
	UNIT_TEST(questions_at_once_are_answered_in_order),
	UNIT_TEST(end_of_the_questions_is_not_the_end_of_the_answers),
	UNIT_TEST(garbage_gets_a_refusal),
	UNIT_TEST(arguments_are_handed_over_as_they_are),
	UNIT_TEST(error_that_is_not_utf8_is_still_answered),
	UNIT_TEST(huge_line_is_cut_off),
	UNIT_TEST(big_answer_arrives_whole),
	UNIT_TEST(list_is_whole_and_made_in_parts),
	UNIT_TEST(list_goes_no_further_than_its_client_takes),
	UNIT_TEST(list_that_fails_is_cut_off),
	UNIT_TEST(list_ends_with_the_server),
	UNIT_TEST(answer_that_takes_its_time_costs_none),
	UNIT_TEST(answer_ends_when_nobody_waits_for_it),
	UNIT_TEST(single_answer_may_become_a_refusal),
	UNIT_TEST(stream_says_each_thing_when_it_happens),
	UNIT_TEST(stream_ends_when_the_client_goes),
	UNIT_TEST(stream_outlasts_a_client_that_does_not_read),
	UNIT_TEST(descriptor_goes_with_the_first_line_of_a_stream),
	UNIT_TEST(stream_that_fails_says_so),
	UNIT_TEST(client_gone_in_the_middle_of_an_answer_harms_nobody),
	UNIT_TEST(client_that_does_not_read_is_asked_no_more_of),
	UNIT_TEST(seventeenth_client_is_told_and_cut_off),
	UNIT_TEST(silent_clients_are_cut_off_after_5_s),
	UNIT_TEST(socket_is_private_and_removed),
	UNIT_TEST(stale_socket_is_replaced),
	UNIT_TEST(live_socket_and_other_files_are_left_alone),
	UNIT_TEST(socket_of_a_successor_is_not_removed),
};

UNIT_MAIN("control", tests)
