#include "tapd/control/monitor.h"

#include "base/clock.h"
#include "support/main.h"

static struct monitor *monitor;
static bool watched;
static unsigned int switched, woken;

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
	switched++;
}

static void setup(void)
{
	monitor = monitor_new(on_watched, &watched);
	ck_assert_ptr_nonnull(monitor);
}

static void teardown(void)
{
	monitor_free(monitor);
}

static struct control_list *subscribe(void)
{
	char *error = NULL;
	struct control_list *list = monitor_subscribe(monitor, &error);

	ck_assert_msg(list != NULL, "%s", error);
	ck_assert_int_eq(list->form, CONTROL_LINES);
	return list;
}

static void tell(unsigned int number)
{
	monitor_tell(monitor, "peer_up", CLOCK_S + number % 1000,
		     json_pack("{s:i}", "number", (int)number));
}

/* The value of a key of the next event, or -1 if there is none. */
static json_int_t next(struct control_list *list, const char *event,
		       const char *key)
{
	json_t *row = NULL;
	json_int_t value;

	if (list->step(list, &row) == CONTROL_WAIT)
		return -1;
	ck_assert_ptr_nonnull(row);
	ck_assert_str_eq(json_string_value(json_object_get(row, "event")),
			 event);
	ck_assert_str_eq(json_string_value(json_object_get(row, "time")),
			 "1970-01-01T00:00:01.000Z");
	value = json_integer_value(json_object_get(row, key));
	json_decref(row);
	return value;
}

START_TEST(time_is_that_of_rfc_3339_in_utc)
{
	char text[MONITOR_TIME_LEN];

	ck_assert_str_eq(monitor_time(0, text), "1970-01-01T00:00:00.000Z");
	ck_assert_str_eq(monitor_time(1795993445123456, text),
			 "2026-11-29T23:04:05.123Z");
}
END_TEST

START_TEST(each_subscriber_gets_what_happens_from_then_on)
{
	struct control_list *one, *two;

	ck_assert(!monitor_wants(monitor, CLOCK_S));
	one = subscribe();
	ck_assert(watched && monitor_wants(monitor, CLOCK_S));
	tell(1);
	two = subscribe();
	tell(2);
	ck_assert_uint_eq(woken, 3);
	ck_assert_int_eq(next(one, "peer_up", "number"), 1);
	ck_assert_int_eq(next(one, "peer_up", "number"), 2);
	ck_assert_int_eq(next(one, "peer_up", "number"), -1);
	ck_assert_int_eq(next(two, "peer_up", "number"), 2);
	ck_assert_int_eq(next(two, "peer_up", "number"), -1);
	one->free(one);
	ck_assert(watched);
	tell(3);
	two->free(two);
	ck_assert(!watched && !monitor_wants(monitor, CLOCK_S));
	ck_assert_uint_eq(switched, 2);
}
END_TEST

START_TEST(who_does_not_read_loses_one_gap_and_is_told)
{
	struct control_list *slow = subscribe(), *other = subscribe();

	for (unsigned int i = 0; i < MONITOR_QUEUE + 10; i++) {
		tell(i);
		ck_assert_int_eq(next(other, "peer_up", "number"), i);
	}
	for (unsigned int i = 0; i < MONITOR_QUEUE; i++)
		ck_assert_int_eq(next(slow, "peer_up", "number"), i);
	/* In the gap still. */
	tell(5000);
	ck_assert_int_eq(next(slow, "lost", "count"), 11);
	ck_assert_int_eq(next(slow, "peer_up", "number"), -1);
	tell(5001);
	ck_assert_int_eq(next(slow, "peer_up", "number"), 5001);
	slow->free(slow);
	other->free(other);
}
END_TEST

START_TEST(what_nobody_has_room_for_need_not_be_made)
{
	struct control_list *slow = subscribe(), *other;

	for (unsigned int i = 0; i < MONITOR_QUEUE; i++) {
		ck_assert(monitor_wants(monitor, CLOCK_S));
		tell(i);
	}
	ck_assert(!monitor_wants(monitor, CLOCK_S));
	other = subscribe();
	ck_assert(monitor_wants(monitor, CLOCK_S));
	tell(7);
	ck_assert_int_eq(next(other, "peer_up", "number"), 7);
	for (unsigned int i = 0; i < MONITOR_QUEUE; i++)
		ck_assert_int_eq(next(slow, "peer_up", "number"), i);
	ck_assert_int_eq(next(slow, "lost", "count"), 2);
	slow->free(slow);
	other->free(other);
}
END_TEST

/* Tells it of so many events at that time, of which it reads each at once; how many
 * it got. */
static unsigned int storm(struct control_list *list, unsigned int count,
			  uint64_t wall_us)
{
	unsigned int got = 0;

	for (unsigned int i = 0; i < count; i++) {
		json_t *row = NULL;

		if (monitor_wants(monitor, wall_us))
			monitor_tell(monitor, "mac_moved", wall_us,
				     json_object());
		if (list->step(list, &row) == CONTROL_ROW)
			got++;
		json_decref(row);
	}
	return got;
}

START_TEST(a_storm_is_bounded_each_second)
{
	struct control_list *list = subscribe();
	unsigned int before;

	ck_assert_uint_eq(storm(list, 100000, CLOCK_S), MONITOR_RATE);
	ck_assert_int_eq(next(list, "peer_up", "number"), -1);
	/* The gap is told in the next second, whatever happens then. */
	before = woken;
	monitor_tick(monitor, CLOCK_S + 999999);
	ck_assert_uint_eq(woken, before);
	monitor_tick(monitor, 2 * CLOCK_S);
	monitor_tick(monitor, 2 * CLOCK_S);
	ck_assert_uint_eq(woken, before + 1);
	ck_assert_int_eq(next(list, "lost", "count"), 100000 - MONITOR_RATE);
	ck_assert_uint_eq(storm(list, 100000, 2 * CLOCK_S), MONITOR_RATE);
	/* Also if time is put back. */
	ck_assert_uint_eq(storm(list, 5000, CLOCK_S), MONITOR_RATE + 1);
	list->free(list);
}
END_TEST

START_TEST(there_are_few_subscribers)
{
	struct control_list *lists[MONITOR_SUBSCRIBERS];
	char *error = NULL;

	for (size_t i = 0; i < MONITOR_SUBSCRIBERS; i++)
		lists[i] = subscribe();
	ck_assert_ptr_null(monitor_subscribe(monitor, &error));
	ck_assert_str_eq(error, "4 monitors are running: end one of them");
	free(error);
	lists[1]->free(lists[1]);
	lists[1] = subscribe();
	for (size_t i = 0; i < MONITOR_SUBSCRIBERS; i++)
		lists[i]->free(lists[i]);
	ck_assert(!watched);
}
END_TEST

START_TEST(memory_that_is_short_costs_an_event)
{
	struct control_list *list = subscribe();

	monitor_tell(monitor, "peer_up", CLOCK_S, NULL);
	ck_assert_int_eq(next(list, "peer_up", "number"), 0);
	list->free(list);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("monitor", .setup = setup, .teardown = teardown),
	UNIT_TEST(time_is_that_of_rfc_3339_in_utc),
	UNIT_TEST(each_subscriber_gets_what_happens_from_then_on),
	UNIT_TEST(who_does_not_read_loses_one_gap_and_is_told),
	UNIT_TEST(what_nobody_has_room_for_need_not_be_made),
	UNIT_TEST(a_storm_is_bounded_each_second),
	UNIT_TEST(there_are_few_subscribers),
	UNIT_TEST(memory_that_is_short_costs_an_event),
};

UNIT_MAIN("monitor", tests)
