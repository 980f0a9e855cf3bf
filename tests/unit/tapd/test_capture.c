#include "tapd/control/capture.h"

#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "support/main.h"

static struct event_base *base;
static struct captures *captures;
static bool watched;
static unsigned int woken;
static const struct public_key web2 = { { 2 } };

/* The server's. */
void control_wake(struct control_list *list)
{
	ck_assert_ptr_nonnull(list);
	woken++;
}

static void on_watched(void *user, bool on)
{
	ck_assert_ptr_eq(user, &watched);
	ck_assert(on != watched);
	watched = on;
}

static void setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	captures = captures_new(base, "tap0", on_watched, &watched);
	ck_assert_ptr_nonnull(captures);
}

static void teardown(void)
{
	captures_free(captures);
	event_base_free(base);
}

static void show(const struct public_key *key, enum drop_reason reason,
		 size_t len)
{
	static uint8_t frame[4000];
	const uint8_t *const pieces[] = { frame };
	const struct node_sight sight = { .pieces = pieces,
					  .lens = &len,
					  .count = 1,
					  .peer = key ? "web2" : NULL,
					  .key = key,
					  .reason = reason };

	captures_show(captures, &sight, CLOCK_S);
}

static struct control_list *begin(struct capture_wants wants)
{
	char *error = NULL;
	struct control_list *list = captures_begin(captures, &wants, &error);
	json_t *row = NULL;

	ck_assert_msg(list != NULL, "%s", error);
	ck_assert(list->passes && list->passed >= 0 && watched);
	ck_assert_int_eq(list->step(list, &row), CONTROL_ROW);
	json_decref(row);
	ck_assert_int_eq(list->step(list, &row), CONTROL_WAIT);
	return list;
}

static bool is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* What its reader has now: the packets of it, and those that they say are lost. */
static size_t read_packets(int fd, uint64_t *lost)
{
	static uint8_t bytes[3 << 20];
	size_t len = 0, packets = 0;
	ssize_t n;

	*lost = 0;
	do {
		event_base_loop(base, EVLOOP_NONBLOCK);
		n = is_readable(fd) ? read(fd, bytes + len, sizeof(bytes) - len)
				    : 0;
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	for (size_t at = 0; at < len;) {
		uint32_t type, size;
		uint64_t missing;

		memcpy(&type, bytes + at, 4);
		memcpy(&size, bytes + at + 4, 4);
		ck_assert_uint_ge(size, 12);
		ck_assert_uint_le(size, len - at);
		packets += type == 6;
		/* epb_dropcount, the last option. */
		memcpy(&missing, bytes + at + size - 16, 8);
		if (type == 6 && bytes[at + size - 20] == 4)
			*lost += missing;
		at += size;
	}
	return packets;
}

/* The other end, which ends reading where there is no more for now. */
static int take_pipe(struct control_list *list)
{
	int fd = list->passed;

	list->passed = -1;
	return fd;
}

static void assert_sum(struct control_list *list, json_int_t frames,
		       json_int_t lost)
{
	json_t *row = NULL;

	ck_assert_int_eq(list->step(list, &row), CONTROL_ROW);
	ck_assert_int_eq(json_integer_value(json_object_get(row, "frames")),
			 frames);
	ck_assert_int_eq(json_integer_value(json_object_get(row, "lost")),
			 lost);
	json_decref(row);
	ck_assert_int_eq(list->step(list, &row), CONTROL_END);
}

START_TEST(frames_that_are_wanted_go_through_the_pipe)
{
	struct control_list *list = begin((struct capture_wants){
		.one_peer = true, .key = web2, .count = 3 });
	int fd = take_pipe(list);
	uint64_t lost;

	show(NULL, DROP_NONE, 60);
	show(&web2, DROP_no_member, 60);
	for (int i = 0; i < 5; i++)
		show(&web2, DROP_NONE, 60);
	ck_assert_uint_eq(read_packets(fd, &lost), 3);
	ck_assert_uint_eq(lost, 0);
	ck_assert_uint_eq(woken, 1);
	assert_sum(list, 3, 0);
	list->free(list);
	ck_assert(!watched);
	close(fd);
}
END_TEST

START_TEST(dropped_ones_are_apart)
{
	struct control_list *list =
		begin((struct capture_wants){ .dropped = true, .count = 2 });
	int fd = take_pipe(list);
	uint64_t lost;

	show(&web2, DROP_NONE, 60);
	show(NULL, DROP_no_member, 60);
	show(&web2, DROP_csum_bad, 60);
	ck_assert_uint_eq(read_packets(fd, &lost), 2);
	assert_sum(list, 2, 0);
	list->free(list);
	close(fd);
}
END_TEST

START_TEST(what_is_not_read_in_time_is_lost_and_counted)
{
	const size_t shown = 2 * CAPTURE_ROOM / 1000;
	struct control_list *list = begin((struct capture_wants){ .count = 0 });
	int fd = take_pipe(list);
	size_t packets;
	uint64_t lost;

	/* Without a turn of the loop nothing goes into the pipe. */
	for (size_t i = 0; i < shown; i++)
		show(&web2, DROP_NONE, 1000);
	for (int i = 0; i < 20; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	/* The first one after the gap tells of it. */
	show(&web2, DROP_NONE, 1000);
	packets = read_packets(fd, &lost);
	list->free(list);
	ck_assert_uint_gt(packets, 100);
	ck_assert_uint_gt(lost, 100);
	ck_assert_uint_eq(packets + lost, shown + 1);
	close(fd);
}
END_TEST

/* The packets of a capture whose room was full, then had so many turns to write
 * before each of two more frames. */
static size_t packets_after(int turns)
{
	struct control_list *list = begin((struct capture_wants){ .count = 0 });
	int fd = take_pipe(list);
	uint64_t lost;
	size_t packets;

	for (size_t i = 0; i < 2 * CAPTURE_ROOM / 1000; i++)
		show(&web2, DROP_NONE, 1000);
	for (int i = 0; i < 2; i++) {
		for (int turn = 0; turn < turns; turn++)
			event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
		show(&web2, DROP_NONE, 1000);
	}
	packets = read_packets(fd, &lost);
	list->free(list);
	close(fd);
	return packets;
}

/* A quarter of it is written in a turn. */
START_TEST(what_waits_is_moved_only_once_half_is_written)
{
	const size_t full = packets_after(0);

	ck_assert_uint_eq(packets_after(1), full + 1);
	ck_assert_uint_eq(packets_after(2), full + 2);
}
END_TEST

START_TEST(reader_that_is_gone_ends_it)
{
	struct control_list *list = begin((struct capture_wants){ .count = 0 });

	close(take_pipe(list));
	show(&web2, DROP_NONE, 60);
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(woken, 1);
	assert_sum(list, 1, 0);
	show(&web2, DROP_NONE, 60);
	list->free(list);
}
END_TEST

START_TEST(two_run_at_once)
{
	struct control_list *lists[CAPTURES_MAX];
	const struct capture_wants all = { .count = 0 };
	char *error = NULL;

	for (size_t i = 0; i < CAPTURES_MAX; i++)
		lists[i] = begin(all);
	ck_assert_ptr_null(captures_begin(captures, &all, &error));
	ck_assert_str_eq(error, "2 captures are running: end one of them");
	free(error);
	for (size_t i = 0; i < CAPTURES_MAX; i++)
		lists[i]->free(lists[i]);
	ck_assert(!watched);
	lists[0] = begin(all);
	lists[0]->free(lists[0]);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("capture", .setup = setup, .teardown = teardown),
	UNIT_TEST(frames_that_are_wanted_go_through_the_pipe),
	UNIT_TEST(dropped_ones_are_apart),
	UNIT_TEST(what_is_not_read_in_time_is_lost_and_counted),
	UNIT_TEST(what_waits_is_moved_only_once_half_is_written),
	UNIT_TEST(reader_that_is_gone_ends_it),
	UNIT_TEST(two_run_at_once),
};

UNIT_MAIN("capture", tests)
