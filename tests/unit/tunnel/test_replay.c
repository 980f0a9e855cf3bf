#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/alloc.h"
#include "support/main.h"
#include "support/rng.h"
#include "tunnel/replay.h"

#define W     ((uint64_t)REPLAY_WINDOW)
#define RING  (W + 64)
#define LIMIT REPLAY_LIMIT

/* A fresh window is given these counters, in this order; zeroes end it. */
struct sequence {
	const char *shows;
	struct step {
		uint64_t counter;
		enum { END, ACCEPTED, REFUSED } expected;
	} steps[12];
};

#define YES(counter)                \
	{                           \
		(counter), ACCEPTED \
	}
#define NO(counter)                \
	{                          \
		(counter), REFUSED \
	}

static const struct sequence sequences[] = {
	{ "the first counter may be zero", { YES(0), NO(0) } },
	{ "the first counter may be anything",
	  { YES(77), NO(77), YES(76), YES(0) } },
	{ "zero is not seen before it is", { YES(1), NO(1), YES(0), NO(0) } },
	{ "order does not matter within the window",
	  { YES(9), YES(8), YES(7), NO(7), YES(6), YES(5), NO(8), NO(9) } },
	{ "both sides of a word boundary are told apart",
	  { YES(63), YES(64), NO(63), NO(64), YES(62), YES(65), YES(128) } },
	{ "the window's last counter is in, the next is out",
	  { YES(W + 63), YES(63), NO(62), NO(63), NO(0) } },
	{ "the highest counter's place in its word does not matter",
	  { YES(W), YES(0), YES(W + 1), NO(0), YES(1), NO(1) } },
	{ "a word is clean when the ring comes round to it",
	  { YES(5), YES(W), YES(RING + 5), YES(RING + 4), NO(RING + 5),
	    NO(5) } },
	{ "a jump of nearly a ring forgets nothing in the window",
	  { YES(63), YES(W), NO(63), YES(62), YES(0) } },
	{ "a jump of a whole ring leaves nothing behind",
	  { YES(3), YES(RING + 3), NO(3), YES(68), YES(67), NO(2), NO(67) } },
	{ "a jump of many rings leaves nothing behind",
	  { YES(100), YES(1000 * RING + 100), NO(100), YES(1000 * RING + 36),
	    YES(1000 * RING + 99), NO(1000 * RING + 100) } },
	{ "the last counter a key may use",
	  { YES(LIMIT - 1), NO(LIMIT - 1), YES(LIMIT - 2), YES(LIMIT - 1 - W),
	    NO(LIMIT - 2 - W) } },
	{ "counters no key lives to see change nothing",
	  { YES(10), NO(LIMIT), NO(LIMIT + 1), NO(UINT64_MAX), YES(11),
	    YES(9) } },
};

static void play(const struct sequence *s)
{
	struct replay r = { 0 };

	for (size_t i = 0; s->steps[i].expected != END; i++) {
		uint64_t counter = s->steps[i].counter;
		bool accepted = s->steps[i].expected == ACCEPTED;

		ck_assert_msg(replay_fresh(&r, counter) == accepted,
			      "%s: step %zu, fresh", s->shows, i);
		ck_assert_msg(replay_accept(&r, counter) == accepted,
			      "%s: step %zu, accept", s->shows, i);
		ck_assert_msg(!replay_fresh(&r, counter),
			      "%s: step %zu, fresh again", s->shows, i);
	}
}

START_TEST(sequences_end_as_the_table_says)
{
	play(&sequences[_i]);
}
END_TEST

START_TEST(every_counter_of_the_window_is_accepted_once_forwards)
{
	struct replay r = { 0 };

	for (uint64_t c = 0; c < 3 * W; c++)
		ck_assert(replay_accept(&r, c));
	for (uint64_t c = 0; c < 3 * W; c++)
		ck_assert(!replay_accept(&r, c));
}
END_TEST

START_TEST(every_counter_of_the_window_is_accepted_once_backwards)
{
	struct replay r = { 0 };
	uint64_t top = 5 * W + 17;

	for (uint64_t back = 0; back <= W; back++) {
		ck_assert(replay_accept(&r, top - back));
		ck_assert(!replay_accept(&r, top - back));
	}
	ck_assert(!replay_accept(&r, top - W - 1));
}
END_TEST

/* Without the tag no stranger may move the window: fresh only looks. */
START_TEST(attack_a_forged_counter_does_not_move_the_window)
{
	struct replay r = { 0 }, before;

	for (uint64_t c = 0; c < 100; c += 3)
		ck_assert(replay_accept(&r, c));
	before = r;
	ck_assert(replay_fresh(&r, LIMIT - 1));
	ck_assert(replay_fresh(&r, 1));
	ck_assert(!replay_fresh(&r, 0));
	ck_assert_mem_eq(&r, &before, sizeof(r));
	/* Refused counters leave no trace either. */
	ck_assert(!replay_accept(&r, 0));
	ck_assert(!replay_accept(&r, UINT64_MAX));
	ck_assert_mem_eq(&r, &before, sizeof(r));
}
END_TEST

/* ---- against a model that remembers everything ---- */

#define MODEL_SPAN (40 * REPLAY_WINDOW)

/* Mostly onwards with reordering; at times far ahead, far back, or again. */
static uint64_t random_counter(struct rng *rng, uint64_t highest)
{
	uint64_t kind = rng_below(rng, 100), r = rng_u64(rng);
	uint64_t back;

	if (kind < 60)
		return highest + 1 + r % 3;
	if (kind < 62)
		return highest + r % (2 * W);
	if (kind < 80)
		back = r % 200;
	else if (kind < 90)
		back = W - 70 + r % 140;
	else
		back = r % (2 * W);
	return back > highest ? 0 : highest - back;
}

START_TEST(random_traffic_agrees_with_a_model)
{
	bool *seen = test_zalloc(MODEL_SPAN, sizeof(*seen));
	struct replay r = { 0 };
	struct rng rng = rng_init((uint64_t)_i);
	uint64_t highest = 0;
	bool any = false;

	for (;;) {
		uint64_t c = random_counter(&rng, highest);
		bool want;

		if (c >= MODEL_SPAN)
			break;
		want = !seen[c] && (!any || c + W >= highest);
		if (replay_accept(&r, c) != want)
			ck_abort_msg("seed %d: counter %llu, highest %llu", _i,
				     (unsigned long long)c,
				     (unsigned long long)highest);
		if (!want)
			continue;
		seen[c] = true;
		any = true;
		if (c > highest)
			highest = c;
	}
	free(seen);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_EACH(sequences_end_as_the_table_says, sequences),
	UNIT_TEST(every_counter_of_the_window_is_accepted_once_forwards),
	UNIT_TEST(every_counter_of_the_window_is_accepted_once_backwards),
	UNIT_TEST(attack_a_forged_counter_does_not_move_the_window),
	UNIT_LOOP(random_traffic_agrees_with_a_model, 50),
};

UNIT_MAIN("replay", tests)
