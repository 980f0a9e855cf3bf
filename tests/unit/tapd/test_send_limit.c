#include "tapd/underlay/send_limit.h"

#include <check.h>

#include "base/clock.h"
#include "support/main.h"
#include "support/rng.h"

#define KB 1024U
#define MB (1024U * KB)

/* A batch is sent; there is room again, and so much left; for a second so much is sent,
 * in batches of 64 KB. */
enum what { END, BATCH, ROOM, SECOND };

/* What happens, so long after the step before; and the limit then. */
struct step {
	enum what what;
	uint64_t after_us;
	uint64_t bytes;
	uint32_t limit;
};

static const struct {
	const char *what;
	struct step steps[8];
} sequences[] = {
	{ "begins with room for a large batch",
	  { { BATCH, 0, 64 * KB, SEND_LIMIT_START } } },
	{ "a batch fits, and a quarter more",
	  { { BATCH, 0, 1 * MB, 1 * MB + 256 * KB },
	    { BATCH, 10, 64 * KB, 1 * MB + 256 * KB } } },
	{ "no batch makes it larger than it may be",
	  { { BATCH, 0, 100 * MB, SEND_LIMIT_MAX },
	    { BATCH, 0, UINT64_C(1) << 40, SEND_LIMIT_MAX } } },
	{ "dry at a fast card: doubles, to what leaves in a millisecond",
	  { { SECOND, 0, 1000 * MB, SEND_LIMIT_START },
	    { BATCH, 0, 64 * KB, SEND_LIMIT_START },
	    { ROOM, 100, 0, 2 * SEND_LIMIT_START },
	    { ROOM, 100, 0, 1000 * MB / 1000 },
	    { ROOM, 100, 0, 1000 * MB / 1000 } } },
	{ "dry at a slow card: what leaves in a millisecond, or a batch",
	  { { SECOND, 0, 100 * MB, SEND_LIMIT_START },
	    { BATCH, 0, 64 * KB, 192 * KB },
	    { ROOM, 100, 0, 192 * KB },
	    { SECOND, 0, 100 * MB, 192 * KB },
	    { SECOND, 0, 100 * MB, 144 * KB },
	    { SECOND, 0, 100 * MB, 112 * KB },
	    { SECOND, 0, 100 * MB, 100 * MB / 1000 } } },
	{ "a card too slow for that: a batch, above what lies in it",
	  { { SECOND, 0, 10 * MB, SEND_LIMIT_START },
	    { SECOND, 0, 10 * MB, 192 * KB },
	    { SECOND, 0, 10 * MB, 144 * KB },
	    { SECOND, 0, 10 * MB, 112 * KB },
	    { SECOND, 0, 10 * MB, 96 * KB },
	    { SECOND, 0, 10 * MB, 88 * KB },
	    { SECOND, 0, 10 * MB, 84 * KB } } },
	{ "each time some is left: half of the least of it goes",
	  { { SECOND, 0, 1000 * MB, SEND_LIMIT_START },
	    { BATCH, 0, 64 * KB, SEND_LIMIT_START },
	    { ROOM, 100, 120 * KB, SEND_LIMIT_START },
	    { ROOM, 100, 100 * KB, SEND_LIMIT_START },
	    { SECOND, 0, 1000 * MB, SEND_LIMIT_START - 50 * KB } } },
	{ "but a batch has room",
	  { { SECOND, 0, 1000 * MB, SEND_LIMIT_START },
	    { ROOM, 0, 100 * KB, SEND_LIMIT_START - 50 * KB },
	    { SECOND, 0, 1000 * MB, SEND_LIMIT_START - 50 * KB },
	    { ROOM, 0, 400 * KB, (SEND_LIMIT_START - 50 * KB) / 4 * 3 } } },
	{ "a large batch long ago is forgotten",
	  { { BATCH, 0, 4 * MB, 5 * MB },
	    { BATCH, CLOCK_S, 10 * KB, 5 * MB },
	    { BATCH, CLOCK_S, 10 * KB, 5 * MB },
	    { BATCH, CLOCK_S, 10 * KB, 5 * MB / 4 * 3 } } },
	{ "more is left than the limit is",
	  { { SECOND, 0, 1000 * MB, SEND_LIMIT_START },
	    { ROOM, 0, 3 * SEND_LIMIT_START, 192 * KB } } },
	{ "an hour without anything",
	  { { BATCH, 0, 64 * KB, SEND_LIMIT_START },
	    { BATCH, 3600 * CLOCK_S, 64 * KB, 192 * KB },
	    { ROOM, 3600 * CLOCK_S, 0, 144 * KB } } },
};

static bool take_step(struct send_limit *l, const struct step *s,
		      uint64_t *now_us)
{
	const uint64_t batches = s->bytes / (64 * KB);
	bool changed = false;

	*now_us += s->after_us;
	switch (s->what) {
	case END:
		break;
	case BATCH:
		return send_limit_batch(l, s->bytes, s->bytes, *now_us);
	case ROOM:
		return send_limit_room(l, (uint32_t)s->bytes, *now_us);
	case SECOND:
		for (uint64_t i = 0; i < batches; i++)
			changed |= send_limit_batch(l, 64 * KB, 64 * KB,
						    *now_us + i * CLOCK_S /
								      batches);
		*now_us += CLOCK_S;
		break;
	}
	return changed;
}

START_TEST(limit_follows_what_happens)
{
	uint64_t now_us = 12345;
	struct send_limit l;

	send_limit_init(&l, now_us);
	ck_assert_uint_eq(l.bytes, SEND_LIMIT_START);
	for (const struct step *s = sequences[_i].steps; s->what != END; s++) {
		const uint32_t before = l.bytes;
		const bool changed = take_step(&l, s, &now_us);

		ck_assert_int_eq(changed, l.bytes != before);
		ck_assert_msg(l.bytes == s->limit, "%s, step %d: %u, not %u",
			      sequences[_i].what,
			      (int)(s - sequences[_i].steps), l.bytes,
			      s->limit);
	}
}
END_TEST

START_TEST(limit_stays_within_bounds_and_holds_a_batch)
{
	struct rng r = rng_init((uint64_t)_i);
	uint64_t now_us = rng_u64(&r) >> 20;
	struct send_limit l;

	send_limit_init(&l, now_us);
	for (int i = 0; i < 20000; i++) {
		const bool batch = rng_chance(&r, 0.5);
		const struct step s = {
			.what = batch ? BATCH : ROOM,
			.after_us = rng_below(
				&r, rng_chance(&r, 0.01) ? 5 * CLOCK_S : 2000),
			.bytes =
				rng_below(&r, UINT64_C(1) << rng_below(&r, 32)),
		};

		(void)take_step(&l, &s, &now_us);
		ck_assert_uint_ge(l.bytes, SEND_LIMIT_MIN);
		ck_assert_uint_le(l.bytes, SEND_LIMIT_MAX);
		if (batch && s.bytes < SEND_LIMIT_MAX)
			ck_assert_uint_ge(l.bytes, s.bytes);
	}
}
END_TEST

/*
 * The socket's buffer is of twice the limit. A batch is sent if less than the limit lies
 * in the socket; the limit may fall at that moment, and an advert is to fit even then.
 */
START_TEST(limit_leaves_room_for_an_advert_above_a_batch)
{
	const uint32_t advert = 4 * KB;
	const uint32_t batch = 32 * KB + (uint32_t)_i * 4 * KB;
	/* What a batch takes when its datagrams are counted one by one. */
	const uint32_t cost = batch + batch / 2;
	struct rng r = rng_init((uint64_t)_i);
	uint64_t now_us = CLOCK_S;
	uint32_t lies = 0;
	struct send_limit l;

	send_limit_init(&l, now_us);
	for (int i = 0; i < 20000; i++) {
		const uint64_t passed_us = rng_below(&r, 5000);
		const uint64_t left = passed_us * 12; /* 100 Mb/s */

		now_us += passed_us;
		lies -= left < lies ? (uint32_t)left : lies;
		if (lies < l.bytes) {
			(void)send_limit_room(&l, lies, now_us);
			(void)send_limit_batch(&l, batch, cost, now_us);
			lies += cost;
		} else {
			(void)send_limit_batch(&l, 100, 868, now_us);
		}
		ck_assert_uint_le(lies + advert, 2 * l.bytes);
	}
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("limit"),
	UNIT_EACH(limit_follows_what_happens, sequences),
	UNIT_LOOP(limit_stays_within_bounds_and_holds_a_batch, 20),
	UNIT_LOOP(limit_leaves_room_for_an_advert_above_a_batch, 20),
};

UNIT_MAIN("send_limit", tests)
