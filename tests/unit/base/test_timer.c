#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/timer.h"
#include "support/main.h"

START_TEST(empty_heap_never_fires)
{
	struct timers t;

	ck_assert(timers_init(&t, 0));
	ck_assert_uint_eq(timers_next(&t), CLOCK_NEVER);
	ck_assert_ptr_null(timers_pop(&t, CLOCK_NEVER - 1));
	timers_free(&t);
}
END_TEST

START_TEST(pops_in_order_of_deadline_and_not_before)
{
	struct timer a = { .kind = 1 }, b = { .kind = 2 }, c = { .kind = 3 };
	struct timers t;

	ck_assert(timers_init(&t, 3));
	timers_set(&t, &b, 20);
	timers_set(&t, &c, 30);
	timers_set(&t, &a, 10);
	ck_assert_uint_eq(timers_next(&t), 10);
	ck_assert_ptr_null(timers_pop(&t, 9));
	ck_assert_ptr_eq(timers_pop(&t, 10), &a);
	ck_assert(!timer_armed(&a));
	ck_assert_ptr_null(timers_pop(&t, 10));
	ck_assert_ptr_eq(timers_pop(&t, 100), &b);
	ck_assert_ptr_eq(timers_pop(&t, 100), &c);
	ck_assert_ptr_null(timers_pop(&t, 100));
	timers_free(&t);
}
END_TEST

START_TEST(arming_again_moves_the_deadline)
{
	struct timer a = { 0 }, b = { 0 };
	struct timers t;

	ck_assert(timers_init(&t, 2));
	timers_set(&t, &a, 10);
	timers_set(&t, &b, 20);
	timers_set(&t, &a, 30);
	ck_assert_uint_eq(timers_next(&t), 20);
	timers_set(&t, &a, 5);
	ck_assert_ptr_eq(timers_pop(&t, 100), &a);
	ck_assert_ptr_eq(timers_pop(&t, 100), &b);
	timers_free(&t);
}
END_TEST

START_TEST(never_and_cancel_disarm)
{
	struct timer a = { 0 };
	struct timers t;

	ck_assert(timers_init(&t, 1));
	timers_set(&t, &a, CLOCK_NEVER); /* not armed: nothing happens */
	timers_cancel(&t, &a);
	ck_assert(!timer_armed(&a));
	timers_set(&t, &a, 10);
	ck_assert(timer_armed(&a));
	timers_set(&t, &a, CLOCK_NEVER);
	ck_assert(!timer_armed(&a));
	timers_set(&t, &a, 10);
	timers_cancel(&t, &a);
	timers_cancel(&t, &a);
	ck_assert_uint_eq(timers_next(&t), CLOCK_NEVER);
	timers_free(&t);
}
END_TEST

START_TEST(popped_timer_may_be_armed_again_at_once)
{
	struct timer a = { 0 };
	struct timers t;
	uint64_t now = 0;

	ck_assert(timers_init(&t, 1));
	timers_set(&t, &a, 0);
	for (; now < 100; now++) {
		ck_assert_ptr_eq(timers_pop(&t, now), &a);
		timers_set(&t, &a, now + 1);
		ck_assert_ptr_null(timers_pop(&t, now));
	}
	timers_free(&t);
}
END_TEST

/*
 * Against a model: an array searched in full. The test's iteration, which Check
 * prints with a failure, is the seed.
 */

#define TIMERS 64

static uint64_t model_next(const uint64_t due[TIMERS])
{
	uint64_t next = CLOCK_NEVER;

	for (size_t i = 0; i < TIMERS; i++)
		if (due[i] < next)
			next = due[i];
	return next;
}

static uint64_t random_below(uint64_t n)
{
	return (uint64_t)random() % n;
}

static void pop_due(struct timers *t, uint64_t due[TIMERS], uint64_t now)
{
	struct timer *timer;

	while ((timer = timers_pop(t, now)) != NULL) {
		ck_assert_uint_eq(timer->due_us, model_next(due));
		ck_assert_uint_eq(timer->due_us, due[timer->kind]);
		ck_assert_uint_le(timer->due_us, now);
		due[timer->kind] = CLOCK_NEVER;
	}
	ck_assert_uint_gt(model_next(due), now);
}

START_TEST(agrees_with_a_sorted_model)
{
	struct timer timers[TIMERS];
	uint64_t due[TIMERS], now = 0;
	struct timers t;

	srandom((unsigned int)_i);
	ck_assert(timers_init(&t, TIMERS));
	memset(timers, 0, sizeof(timers));
	for (uint32_t i = 0; i < TIMERS; i++) {
		timers[i].kind = i;
		due[i] = CLOCK_NEVER;
	}
	for (int step = 0; step < 5000; step++) {
		size_t i = random_below(TIMERS);

		switch (random_below(8)) {
		case 0:
			timers_cancel(&t, &timers[i]);
			due[i] = CLOCK_NEVER;
			break;
		case 1:
			now += random_below(40);
			pop_due(&t, due, now);
			break;
		default: /* few values, so that many are equal */
			due[i] = now + random_below(100);
			timers_set(&t, &timers[i], due[i]);
		}
		ck_assert_msg(timers_next(&t) == model_next(due),
			      "seed %d, step %d", _i, step);
		ck_assert_int_eq(timer_armed(&timers[i]),
				 due[i] != CLOCK_NEVER);
	}
	pop_due(&t, due, now + 1000);
	ck_assert_uint_eq(t.count, 0);
	timers_free(&t);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_TEST(empty_heap_never_fires),
	UNIT_TEST(pops_in_order_of_deadline_and_not_before),
	UNIT_TEST(arming_again_moves_the_deadline),
	UNIT_TEST(never_and_cancel_disarm),
	UNIT_TEST(popped_timer_may_be_armed_again_at_once),
	UNIT_LOOP(agrees_with_a_sorted_model, 20),
};

UNIT_MAIN("timer", tests)
