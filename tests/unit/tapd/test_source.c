#include "support/main.h"
#include "support/rng.h"
#include "tapd/discover/source.h"

#include <check.h>
#include <string.h>

#include "base/clock.h"

#define HOUR (3600 * CLOCK_S)

static struct source source;
static struct source_view view;

static void setup(void)
{
	view = (struct source_view){ .now_us = 1000 * CLOCK_S,
				     .interval_s = 30 };
	source_begin(&source, view.now_us);
}

static bool take(const char *error, size_t endpoints)
{
	return source_take(&source,
			   &(struct source_answer){ .error = error,
						    .endpoints = endpoints },
			   &view);
}

static bool take_without_us(size_t endpoints)
{
	return source_take(&source,
			   &(struct source_answer){ .endpoints = endpoints,
						    .tells_self = true },
			   &view);
}

static bool take_with_us(size_t endpoints)
{
	return source_take(&source,
			   &(struct source_answer){ .endpoints = endpoints,
						    .tells_self = true,
						    .has_self = true },
			   &view);
}

/* The wait is so long, ±25 %, and takes both ends. */
static void waits(double seconds)
{
	const uint64_t us = (uint64_t)(seconds * (double)CLOCK_S);

	ck_assert_uint_eq(source_wait_us(&source, &view, 0), us - us / 4);
	ck_assert_uint_eq(source_wait_us(&source, &view, us / 2),
			  us - us / 4 + us / 2);
	for (uint64_t i = 1; i < 50; i++) {
		uint64_t wait =
			source_wait_us(&source, &view, i * 0x9e3779b97f4a7c15U);

		ck_assert_uint_ge(wait, us - us / 4);
		ck_assert_uint_le(wait, us + us / 4);
	}
}

START_TEST(a_good_answer_is_taken_and_ends_the_error)
{
	ck_assert(!take("no right", 0));
	ck_assert_str_eq(source.error, "no right");
	ck_assert_uint_eq(source.good_us, 0);
	ck_assert(take(NULL, 3));
	ck_assert_str_eq(source.error, "");
	ck_assert_uint_eq(source.good_us, view.now_us);
	ck_assert_uint_eq(source.failures, 1);
}
END_TEST

START_TEST(an_empty_answer_is_an_error)
{
	ck_assert(!take(NULL, 0));
	ck_assert_str_eq(source.error, "its answer is empty");
}
END_TEST

/* Nothing is ever taken in place of the good answer; its age grows. */
START_TEST(a_source_that_fails_for_an_hour_takes_nobody_away)
{
	static const struct {
		const char *error;
		size_t endpoints;
	} answers[] = {
		{ "exit code 1", 0 },
		{ "it took longer than 20 s", 0 },
		{ NULL, 0 },
		{ "is an HTML page", 0 },
		{ "web9: Name or service not known", 4 },
	};
	struct rng rng = rng_init((uint64_t)_i);
	uint64_t good_us;
	unsigned asked = 0;

	view.peers_up = _i % 2 ? 7 : 0;
	ck_assert(take(NULL, 5));
	good_us = view.now_us;
	while (view.now_us < good_us + HOUR) {
		view.now_us += source_wait_us(&source, &view, rng_u64(&rng));
		ck_assert(!take(answers[asked % 5].error,
				answers[asked % 5].endpoints));
		ck_assert_str_ne(source.error, "");
		ck_assert_uint_eq(source.good_us, good_us);
		asked++;
	}
	/* Every 30 s, ±25 %. */
	ck_assert_uint_ge(asked, 96);
	ck_assert_uint_le(asked, 160);
	ck_assert(take(NULL, 5));
	ck_assert_uint_ge(source.good_us, good_us + HOUR);
}
END_TEST

START_TEST(until_the_first_good_answer_it_is_asked_soon)
{
	static const double seconds[] = { 2, 4, 8, 16, 30, 30, 30 };

	for (size_t i = 0; i < 7; i++) {
		ck_assert(!take("no network yet", 0));
		waits(seconds[i]);
	}
	for (unsigned i = 0; i < 100; i++)
		take("no network yet", 0);
	waits(30);
	take(NULL, 1);
	waits(30);
	take("later errors are no reason to hurry", 0);
	waits(30);
}
END_TEST

START_TEST(an_answer_without_this_host_counts_and_is_asked_for_again_soon)
{
	static const double seconds[] = { 2, 4, 8, 16, 30 };

	for (size_t i = 0; i < 5; i++) {
		ck_assert(take_without_us(2));
		ck_assert_str_eq(source.error, "");
		ck_assert(source.early);
		waits(seconds[i]);
		/* One warning. */
		ck_assert(source_tell_early(&source) == (i == 0));
	}
	ck_assert(take_with_us(3));
	ck_assert(!source.early && !source_tell_early(&source));
	waits(30);
}
END_TEST

START_TEST(a_failure_between_early_answers_is_no_reason_to_wait_longer)
{
	take_without_us(2);
	waits(2);
	take("throttled", 2);
	ck_assert(source.early);
	waits(4);
	take_with_us(2);
	waits(30);
	take("throttled", 2);
	waits(30);
}
END_TEST

START_TEST(once_a_peer_is_up_it_is_all_the_same_who_is_listed)
{
	take_without_us(2);
	view.peers_up = 1;
	waits(30);
	take_without_us(2);
	ck_assert(!source.early && !source_tell_early(&source));
	waits(30);
	/* All of them are down again. */
	view.peers_up = 0;
	waits(30);
	take_without_us(2);
	ck_assert(source_tell_early(&source));
	waits(2);
}
END_TEST

START_TEST(an_answer_that_need_not_have_this_host_is_never_early)
{
	take(NULL, 1);
	ck_assert(!source.early && !source_tell_early(&source));
	waits(30);
}
END_TEST

START_TEST(an_early_answer_that_is_empty_is_an_error)
{
	ck_assert(!take_without_us(0));
	ck_assert(!source.early);
	ck_assert_str_eq(source.error, "its answer is empty");
}
END_TEST

START_TEST(a_short_interval_is_not_exceeded_by_hurry)
{
	view.interval_s = 1;
	take_without_us(1);
	waits(1);
	take_without_us(1);
	waits(1);
}
END_TEST

START_TEST(an_old_one_is_asked_less_often_the_more_peers_there_are)
{
	take(NULL, 500);
	view.peers_up = 500;
	waits(30); /* young */
	view.now_us += 299 * CLOCK_S;
	waits(30);
	view.now_us += CLOCK_S;
	waits(1000);
	view.peers_up = 14;
	waits(30);
	view.peers_up = 16;
	waits(32);
	view.peers_up = 0;
	waits(30);
	view.peers_up = 500;
	view.is_near = true;
	waits(30);
	view.is_near = false;
	view.interval_s = 86400;
	waits(86400);
}
END_TEST

/* What all of them together ask, at any size. */
START_TEST(a_fleet_asks_half_a_question_a_second)
{
	const uint32_t size = (uint32_t)_i * 100 + 50;
	uint64_t sum = 0;

	take(NULL, size);
	view.now_us += HOUR;
	view.peers_up = size - 1;
	for (uint64_t i = 0; i < 1000; i++)
		sum += source_wait_us(&source, &view, i * 0x9e3779b97f4a7c15U);
	/* size / mean wait */
	ck_assert_uint_le((uint64_t)size * 1000 * CLOCK_S, sum * 55 / 100);
}
END_TEST

START_TEST(what_is_quoted_is_shown_as_one_line_of_text)
{
	take("exit code 1: one\ntwo\x1b[31m\r\n", 0);
	ck_assert_str_eq(source.error, "exit code 1: one two [31m");
	take("caf\xc3\xa9", 0);
	ck_assert_str_eq(source.error, "caf\xc3\xa9");
	take("caf\xe9", 0);
	ck_assert_str_eq(source.error, "caf?");
}
END_TEST

START_TEST(any_length_of_error_is_cut)
{
	char text[4000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	take(text, 0);
	ck_assert_uint_eq(strlen(source.error), SOURCE_ERROR_MAX - 1);
	/* In the middle of a character. */
	for (size_t i = 0; i < sizeof(text) - 2; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	text[sizeof(text) - 2] = '\0';
	take(text, 0);
	ck_assert_int_eq(source.error[0], '?');
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("source", .setup = setup),
	UNIT_TEST(a_good_answer_is_taken_and_ends_the_error),
	UNIT_TEST(an_empty_answer_is_an_error),
	UNIT_LOOP(a_source_that_fails_for_an_hour_takes_nobody_away, 8),
	UNIT_TEST(until_the_first_good_answer_it_is_asked_soon),
	UNIT_TEST(
		an_answer_without_this_host_counts_and_is_asked_for_again_soon),
	UNIT_TEST(a_failure_between_early_answers_is_no_reason_to_wait_longer),
	UNIT_TEST(once_a_peer_is_up_it_is_all_the_same_who_is_listed),
	UNIT_TEST(an_answer_that_need_not_have_this_host_is_never_early),
	UNIT_TEST(an_early_answer_that_is_empty_is_an_error),
	UNIT_TEST(a_short_interval_is_not_exceeded_by_hurry),
	UNIT_TEST(an_old_one_is_asked_less_often_the_more_peers_there_are),
	UNIT_LOOP(a_fleet_asks_half_a_question_a_second, 6),
	UNIT_TEST(what_is_quoted_is_shown_as_one_line_of_text),
	UNIT_TEST(any_length_of_error_is_cut),
};

UNIT_MAIN("source", tests)
