#include "tapd/clock_watch.h"

#include "base/clock.h"
#include "support/main.h"

static struct clock_watch watch;
static struct clock_reading now;

static void setup(void)
{
	watch = (struct clock_watch){ 0 };
	now = (struct clock_reading){ 1000 * CLOCK_S, 900 * CLOCK_S,
				      1700000000 * CLOCK_S,
				      1000 * CLOCK_S + 3 };
}

/* All clocks go on by that much. */
static void pass(uint64_t us)
{
	now.boot_us += us;
	now.mono_us += us;
	now.wall_us += us;
	now.boot_after_us = now.boot_us + 3;
}

static enum clock_sign look(void)
{
	return clock_watch_look(&watch, &now);
}

START_TEST(time_that_passes_is_no_sign)
{
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(look(), CLOCK_SIGN_NONE);
		pass((uint64_t)i * 60 * CLOCK_S);
	}
}
END_TEST

static const struct {
	int64_t us;
	enum clock_sign sign;
} steps[] = {
	{ 1900000, CLOCK_SIGN_NONE },
	{ -1900000, CLOCK_SIGN_NONE },
	{ 2100000, CLOCK_SIGN_STEPPED },
	{ -2100000, CLOCK_SIGN_STEPPED },
	{ INT64_C(3600000000), CLOCK_SIGN_STEPPED },
	{ INT64_C(-3600000000), CLOCK_SIGN_STEPPED },
	/* To before 1970 + uptime, as a machine without a battery begins. */
	{ INT64_C(-1699999990000000), CLOCK_SIGN_STEPPED },
};

START_TEST(a_step_is_seen_once)
{
	look();
	pass(5 * CLOCK_S);
	now.wall_us += (uint64_t)steps[_i].us;
	ck_assert_int_eq(look(), steps[_i].sign);
	pass(5 * CLOCK_S);
	ck_assert_int_eq(look(), CLOCK_SIGN_NONE);
}
END_TEST

/* 500 ppm for a day are 43 s. */
START_TEST(a_slew_is_no_step)
{
	for (int i = 0; i < 24 * 60; i++) {
		ck_assert_int_eq(look(), CLOCK_SIGN_NONE);
		pass(60 * CLOCK_S);
		now.wall_us += 30 * CLOCK_MS;
	}
}
END_TEST

static const struct {
	uint64_t us;
	enum clock_sign sign;
} sleeps[] = {
	{ 1900000, CLOCK_SIGN_NONE },
	{ 2100000, CLOCK_SIGN_SLEPT },
	{ UINT64_C(36000000000), CLOCK_SIGN_SLEPT },
};

START_TEST(a_sleep_is_seen_once)
{
	look();
	pass(sleeps[_i].us);
	now.mono_us -= sleeps[_i].us;
	ck_assert_int_eq(look(), sleeps[_i].sign);
	pass(CLOCK_S);
	ck_assert_int_eq(look(), CLOCK_SIGN_NONE);
}
END_TEST

/* The clock is set when the machine wakes up: it slept all the same. */
START_TEST(a_sleep_is_the_stronger_sign)
{
	look();
	pass(3600 * CLOCK_S);
	now.mono_us -= 3600 * CLOCK_S;
	now.wall_us -= 3600 * CLOCK_S;
	ck_assert_int_eq(look(), CLOCK_SIGN_SLEPT);
	pass(CLOCK_S);
	ck_assert_int_eq(look(), CLOCK_SIGN_NONE);
}
END_TEST

/* A virtual machine that is paused between two readings has no stepped clock. */
START_TEST(a_pause_between_the_readings_is_no_step)
{
	look();
	pass(CLOCK_S);
	now.mono_us += 7 * CLOCK_S;
	now.wall_us += 7 * CLOCK_S;
	now.boot_after_us += 7 * CLOCK_S;
	ck_assert_int_eq(look(), CLOCK_SIGN_NONE);
	pass(0);
	now.boot_us = now.boot_after_us = now.boot_us + 7 * CLOCK_S;
	ck_assert_int_eq(look(), CLOCK_SIGN_NONE);
}
END_TEST

/* … not even in the very first one. */
START_TEST(a_pause_at_the_start_is_no_step)
{
	now.wall_us += 7 * CLOCK_S;
	now.boot_after_us += 7 * CLOCK_S;
	ck_assert_int_eq(look(), CLOCK_SIGN_NONE);
	now.wall_us -= 7 * CLOCK_S;
	pass(60 * CLOCK_S);
	ck_assert_int_eq(look(), CLOCK_SIGN_NONE);
	pass(60 * CLOCK_S);
	now.wall_us += 7 * CLOCK_S;
	ck_assert_int_eq(look(), CLOCK_SIGN_STEPPED);
}
END_TEST

START_TEST(this_machine_is_awake)
{
	struct clock_reading r = clock_read();

	ck_assert_uint_gt(r.wall_us, UINT64_C(1700000000) * CLOCK_S);
	ck_assert_uint_ge(r.boot_after_us, r.boot_us);
	clock_watch_look(&watch, &r);
	r = clock_read();
	ck_assert_int_ne(clock_watch_look(&watch, &r), CLOCK_SIGN_SLEPT);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("clock_watch", .setup = setup),
	UNIT_TEST(time_that_passes_is_no_sign),
	UNIT_EACH(a_step_is_seen_once, steps),
	UNIT_TEST(a_slew_is_no_step),
	UNIT_EACH(a_sleep_is_seen_once, sleeps),
	UNIT_TEST(a_sleep_is_the_stronger_sign),
	UNIT_TEST(a_pause_between_the_readings_is_no_step),
	UNIT_TEST(a_pause_at_the_start_is_no_step),
	UNIT_TEST(this_machine_is_awake),
};

UNIT_MAIN("clock_watch", tests)
