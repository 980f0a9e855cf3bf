/* A loop that runs, sleeps and is made to wait, as the daemon's does. */
#include "support/main.h"
#include "tapd/rights/slice.h"

#include <check.h>

#include "base/clock.h"

#define TURNS 1000

static struct slice s;
static uint64_t now;

static void setup(void)
{
	s = (struct slice){ 0 };
	now = 1000 * CLOCK_S;
}

/* Turns of that length with such a pause before each: how often it gives way. */
static unsigned run(uint64_t pause_us, uint64_t turn_us)
{
	unsigned times = 0;

	for (int i = 0; i < TURNS; i++) {
		slice_asks(&s, now);
		now += pause_us;
		slice_finds(&s, now);
		now += turn_us / 2;
		slice_finds(&s, now); /* another callback of the same turn */
		now += turn_us - turn_us / 2;
		if (slice_is_over(&s, now)) {
			slice_begins(&s, now);
			times++;
		}
	}
	return times;
}

START_TEST(gives_way_once_a_slice_while_there_is_always_work)
{
	const unsigned times = run(1, 9);

	ck_assert_uint_ge(times, TURNS / 10 - 1);
	ck_assert_uint_le(times, TURNS / 10 + 1);
}
END_TEST

START_TEST(gives_way_after_each_turn_that_is_longer_than_a_slice)
{
	ck_assert_uint_eq(run(1, 150), TURNS);
	ck_assert_uint_eq(run(5000, 150), TURNS);
}
END_TEST

/* It sleeps between frames: its turns are short, and others have theirs anyway. */
START_TEST(what_sleeps_between_short_turns_never_gives_way)
{
	(void)run(200, 30);
	ck_assert_uint_eq(run(200, 30), 0);
	ck_assert_uint_eq(run(SLICE_PAUSE_US + 1, SLICE_US - 1), 0);
}
END_TEST

START_TEST(a_slice_begins_when_it_is_woken)
{
	(void)run(1, 9);
	slice_asks(&s, now);
	now += CLOCK_S;
	slice_finds(&s, now);
	ck_assert(!slice_is_over(&s, now));
	ck_assert(!slice_is_over(&s, now + SLICE_US - 1));
	ck_assert(slice_is_over(&s, now + SLICE_US));
	/* Others had the CPU for long: that is not its own doing. */
	slice_begins(&s, now + CLOCK_S);
	ck_assert(!slice_is_over(&s, now + CLOCK_S + SLICE_US - 1));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("slice", .setup = setup),
	UNIT_TEST(gives_way_once_a_slice_while_there_is_always_work),
	UNIT_TEST(gives_way_after_each_turn_that_is_longer_than_a_slice),
	UNIT_TEST(what_sleeps_between_short_turns_never_gives_way),
	UNIT_TEST(a_slice_begins_when_it_is_woken),
};

UNIT_MAIN("slice", tests)
