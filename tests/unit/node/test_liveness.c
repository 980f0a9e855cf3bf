#include <check.h>

#include "node/liveness.h"
#include "support/main.h"
#include "support/rng.h"

static const struct liveness_config usual = { CLOCK_S, 3 };

START_TEST(doubt_comes_half_way_to_down)
{
	struct liveness l;
	uint64_t t = 50 * CLOCK_S;

	liveness_init(&l, t);
	ck_assert(!liveness_doubtful(&l, &usual, t + 1500 * CLOCK_MS - 1));
	ck_assert(liveness_doubtful(&l, &usual, t + 1500 * CLOCK_MS));
	/* Heard, but unheard as long. */
	liveness_sent(&l, 1, t);
	liveness_received(&l, 1, t + CLOCK_S);
	ck_assert(!liveness_doubtful(&l, &usual, t + 1500 * CLOCK_MS - 1));
	ck_assert(liveness_doubtful(&l, &usual, t + 1500 * CLOCK_MS));
	ck_assert_int_eq(liveness_verdict(&l, &usual, t + 1500 * CLOCK_MS),
			 LIVENESS_UP);
}
END_TEST

START_TEST(a_peer_to_which_nothing_is_sent_is_not_deaf)
{
	struct liveness l;
	struct wire_probe still = { .received = 0 };
	uint64_t t = 100 * CLOCK_S;

	liveness_init(&l, t);
	for (int i = 0; i < 100; i++) {
		t += CLOCK_S / 2;
		liveness_received(&l, 1, t);
		liveness_report(&l, &still, false, t);
		ck_assert_int_eq(liveness_verdict(&l, &usual, t), LIVENESS_UP);
	}
	/* Nor at once when something is sent after so long. */
	liveness_sent(&l, 1, t);
	liveness_report(&l, &still, false, t + 10);
	ck_assert_int_eq(liveness_verdict(&l, &usual, t + 10), LIVENESS_UP);
}
END_TEST

/* It is heard, and answered where it asks from; what goes where our frames go is
 * lost. */
START_TEST(a_peer_that_hears_no_more_than_answers_on_another_way_is_deaf)
{
	struct liveness l;
	struct wire_probe p = { .received = 7 };
	uint64_t t = 100 * CLOCK_S, began = t;

	liveness_init(&l, t);
	liveness_sent(&l, 7, t);
	liveness_report(&l, &p, false, t);
	while (liveness_verdict(&l, &usual, t) == LIVENESS_UP) {
		ck_assert_uint_le(t, began + 4 * CLOCK_S);
		t += CLOCK_S / 4;
		liveness_received(&l, 1, t);
		liveness_report(&l, &p, false, t);
		liveness_sent(&l, 2, t);
		liveness_strayed(&l, 1);
		p.received++;
	}
	ck_assert_int_eq(liveness_verdict(&l, &usual, t), LIVENESS_DEAF);
	/* More than those, and it hears us. */
	p.received += 2;
	liveness_report(&l, &p, false, t);
	ck_assert_int_eq(liveness_verdict(&l, &usual, t), LIVENESS_UP);
}
END_TEST

START_TEST(answers_that_were_lost_on_another_way_are_not_waited_for)
{
	struct liveness l;
	struct wire_probe p = { .received = 0 };
	uint64_t t = 100 * CLOCK_S;

	liveness_init(&l, t);
	for (int i = 0; i < 100; i++) {
		t += CLOCK_S / 4;
		liveness_sent(&l, 2, t);
		liveness_strayed(&l, i == 50 ? 20 : 0);
		liveness_received(&l, 1, t);
		p.received++;
		liveness_report(&l, &p, false, t);
		ck_assert_int_eq(liveness_verdict(&l, &usual, t), LIVENESS_UP);
	}
}
END_TEST

START_TEST(only_echoes_of_small_probes_tell_that_small_ones_arrive)
{
	struct liveness l;
	struct wire_probe echo = { .echo = true, .time_us = 5 * CLOCK_S };

	liveness_init(&l, CLOCK_S);
	liveness_report(&l, &echo, false, 5 * CLOCK_S + 800);
	ck_assert_uint_eq(l.echoed_us, 0);
	liveness_report(&l, &echo, true, 5 * CLOCK_S + 1600);
	ck_assert_uint_eq(l.echoed_us, 5 * CLOCK_S + 1600);
}
END_TEST

START_TEST(attack_absurd_counters_harm_only_their_own_figures)
{
	struct liveness l;
	struct wire_probe lie = { .received = UINT64_MAX, .sent = UINT64_MAX };
	uint64_t t = 100 * CLOCK_S;

	liveness_init(&l, t);
	for (int i = 0; i < 20; i++) {
		t += CLOCK_S;
		liveness_sent(&l, 1000, t);
		liveness_received(&l, UINT64_C(1) << 62, t);
		lie.received -= UINT64_MAX / 7;
		liveness_report(&l, &lie, true, t);
		liveness_roll(&l, t);
		ck_assert_double_ge(liveness_loss(&l), 0);
		ck_assert_double_le(liveness_loss(&l), 1);
		ck_assert_int_eq(liveness_verdict(&l, &usual, t), LIVENESS_UP);
		ck_assert_uint_le(l.peer_heard_us, t);
	}
}
END_TEST

START_TEST(loss_is_that_of_the_last_minute)
{
	static const double loss[] = { 0, 0.1, 0 };
	struct rng rng = rng_init(3);
	struct liveness l;
	uint64_t t = CLOCK_S, advance = 1;

	liveness_init(&l, t);
	ck_assert_double_eq(liveness_loss(&l), 0);
	for (int phase = 0; phase < 3; phase++) {
		for (int n = 0; n < 8000; n++, advance++) {
			t += 10 * CLOCK_MS;
			liveness_roll(&l, t);
			if (rng_chance(&rng, loss[phase]))
				continue;
			liveness_received(&l, advance, t);
			advance = 0;
		}
		ck_assert_double_ge(liveness_loss(&l), loss[phase] * 0.85);
		ck_assert_double_le(liveness_loss(&l), loss[phase] * 1.15);
	}
}
END_TEST

START_TEST(late_datagrams_are_not_loss)
{
	struct liveness l;

	liveness_init(&l, 0);
	liveness_received(&l, 1, 1);
	liveness_received(&l, 3, 2);
	ck_assert_double_eq(liveness_loss(&l), 0.5);
	liveness_received(&l, 0, 3);
	liveness_received(&l, 0, 4);
	ck_assert_double_eq(liveness_loss(&l), 0);
	/* Late across a bucket's edge: a surplus, not a negative loss. */
	liveness_received(&l, 2, 5);
	for (uint64_t i = 1; i <= LIVENESS_LOSS_BUCKETS + 1; i++)
		liveness_roll(&l, i * LIVENESS_LOSS_BUCKET_US);
	liveness_received(&l, 0, 71 * CLOCK_S);
	ck_assert_double_eq(liveness_loss(&l), 0);
}
END_TEST

START_TEST(loss_is_forgotten_after_a_long_sleep)
{
	struct liveness l;

	liveness_init(&l, CLOCK_S);
	liveness_received(&l, 100, 2 * CLOCK_S);
	ck_assert_double_eq(liveness_loss(&l), 0.99);
	liveness_roll(&l, 100000 * CLOCK_S);
	ck_assert_double_eq(liveness_loss(&l), 0);
	ck_assert_uint_gt(l.bucket_us + LIVENESS_LOSS_BUCKET_US,
			  100000 * CLOCK_S);
}
END_TEST

/* ---- what the peer can have heard ---- */

/* A peer that hears all of it, late by up to the limit, with losses and while it
 * and we forget our counts now and then, has never heard more than was sent. */
START_TEST(no_delay_or_loss_is_overheard)
{
	struct rng rng = rng_init((uint64_t)_i);
	uint64_t t = 50 * CLOCK_S, arrived[300] = { 0 }, heard = 0;
	struct liveness l;

	liveness_init(&l, t);
	for (unsigned i = 0; i < 100000; i++, t += 10 * CLOCK_MS) {
		unsigned n = (unsigned)rng_below(&rng, 50);
		unsigned delay = (unsigned)rng_below(&rng, 299);

		liveness_sent(&l, n, t);
		if (rng_chance(&rng, 0.9))
			arrived[(i + delay) % 300] += n;
		heard += arrived[i % 300];
		arrived[i % 300] = 0;
		if (rng_chance(&rng, 0.0005))
			heard = 0;
		if (rng_chance(&rng, 0.0005))
			liveness_init_again(&l, t);
		if (rng_chance(&rng, 0.2))
			ck_assert(!liveness_overheard(&l, &usual, heard, t));
	}
}
END_TEST

/* Ours was put back by this much. */
START_TEST(a_count_that_was_put_back_is_overheard)
{
	uint64_t t = 50 * CLOCK_S, heard = 0;
	struct liveness l, snapshot;

	liveness_init(&l, t);
	for (int i = 0; i < 200; i++, t += 100 * CLOCK_MS) {
		liveness_sent(&l, 10, t);
		heard += 10;
		ck_assert(!liveness_overheard(&l, &usual, heard, t));
		if (i == 99)
			snapshot = l;
	}
	ck_assert(liveness_overheard(&snapshot, &usual, heard, t));
}
END_TEST

/* A part of what is sent is held back for a while and then arrives at once, as long as
 * its keys live: from the first on, or later, and once more. */
START_TEST(what_was_held_back_is_not_overheard)
{
	static const unsigned held_s[] = { 4, 20, 100, 179 };
	static const unsigned from_s[] = { 0, 1, 5, 300 };
	const unsigned from = from_s[_i / 4], to = from + held_s[_i % 4];
	uint64_t t = 50 * CLOCK_S, heard = 0, held = 0;
	struct liveness l;

	liveness_init(&l, t);
	for (unsigned s = 0; s < 2 * to + 500; s++, t += CLOCK_S) {
		unsigned since = s % (to + 200);

		liveness_sent_early(&l, since == from ? 9 : 0);
		held += since == from ? 9 : 0;
		liveness_sent(&l, 3, t);
		held += since >= from && since < to ? 1 : 0;
		heard += since >= from && since < to ? 2 : 3;
		if (since == to) {
			heard += held;
			held = 0;
		}
		ck_assert(!liveness_overheard(&l, &usual, heard, t));
	}
}
END_TEST

/* What is lost for good hides nothing for longer than two lives of keys. */
START_TEST(what_was_lost_is_taken_off)
{
	uint64_t t = 50 * CLOCK_S, heard = 0;
	struct liveness l;

	liveness_init(&l, t);
	for (unsigned s = 0; s < 500; s++, t += CLOCK_S) {
		liveness_sent(&l, 10, t);
		heard += s == 50 ? 0 : s < 100 ? 5 : 10;
		ck_assert(!liveness_overheard(&l, &usual, heard, t));
	}
	ck_assert(liveness_overheard(&l, &usual, heard + 60, t));
}
END_TEST

/* Two copies of a peer that are heard in turn are no fault of ours. */
START_TEST(two_counts_are_none)
{
	uint64_t t = 50 * CLOCK_S;
	struct liveness l;

	liveness_init(&l, t);
	for (unsigned i = 0; i < 100; i++, t += CLOCK_S) {
		liveness_sent(&l, 1, t);
		ck_assert(!liveness_overheard(&l, &usual,
					      i & 1 ? 7 : 100000 + i, t));
	}
}
END_TEST

/* Whatever it says. */
START_TEST(no_number_does_harm)
{
	static const uint64_t said[] = { 0, 1, UINT64_MAX, UINT64_MAX / 2, 5 };
	uint64_t t = 50 * CLOCK_S;
	struct liveness l;

	liveness_init(&l, t);
	for (unsigned i = 0; i < 100; i++, t += CLOCK_S)
		liveness_overheard(&l, &usual, said[i % 5], t);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_TEST(doubt_comes_half_way_to_down),
	UNIT_TEST(a_peer_to_which_nothing_is_sent_is_not_deaf),
	UNIT_TEST(
		a_peer_that_hears_no_more_than_answers_on_another_way_is_deaf),
	UNIT_TEST(answers_that_were_lost_on_another_way_are_not_waited_for),
	UNIT_TEST(only_echoes_of_small_probes_tell_that_small_ones_arrive),
	UNIT_TEST(attack_absurd_counters_harm_only_their_own_figures),
	UNIT_TEST(loss_is_that_of_the_last_minute),
	UNIT_TEST(late_datagrams_are_not_loss),
	UNIT_TEST(loss_is_forgotten_after_a_long_sleep),
	UNIT_LOOP(no_delay_or_loss_is_overheard, 5),
	UNIT_TEST(a_count_that_was_put_back_is_overheard),
	UNIT_LOOP(what_was_held_back_is_not_overheard, 16),
	UNIT_TEST(what_was_lost_is_taken_off),
	UNIT_TEST(two_counts_are_none),
	UNIT_TEST(no_number_does_harm),
};

UNIT_MAIN("liveness", tests)
