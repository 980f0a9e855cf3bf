#include "queue/codel.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support/main.h"
#include "support/rng.h"

/*
 * The pseudo-code of RFC 8289, section 5, as it stands there, beside a queue that asks
 * codel_signals. What differs, and is meant to:
 *
 *  - "fewer than a packet's bytes" is "the last frame";
 *  - a frame that is dropped moves drop_next also if the next one ends the dropping;
 *  - the square root is that of 22 bits, good to a thousandth.
 */
#define QUEUE_MAX 4096

struct queue {
	uint64_t at_us[QUEUE_MAX];
	uint64_t head, tail; /* also the frames' numbers */
};

static bool push(struct queue *q, uint64_t now_us)
{
	if (q->tail - q->head == QUEUE_MAX)
		return false;
	q->at_us[q->tail++ % QUEUE_MAX] = now_us;
	return true;
}

struct reference {
	struct queue q;
	uint64_t first_above, drop_next;
	uint32_t count, lastcount;
	bool dropping;
	uint64_t dropped; /* a digest of which, and when */
	uint64_t drops;
};

struct dodeque {
	bool packet, ok_to_drop;
	uint64_t number;
};

static uint64_t control_law(uint64_t t, uint32_t count)
{
	const uint64_t root = (uint64_t)floor(sqrt((double)count) * 1024);

	return t + CODEL_INTERVAL_US * 1024 / root;
}

static struct dodeque dodeque(struct reference *r, uint64_t now)
{
	struct dodeque d = { .packet = r->q.head != r->q.tail };
	uint64_t sojourn;

	if (!d.packet) {
		r->first_above = 0;
		return d;
	}
	d.number = r->q.head;
	sojourn = now - r->q.at_us[r->q.head++ % QUEUE_MAX];
	if (sojourn < CODEL_TARGET_US || r->q.head == r->q.tail)
		r->first_above = 0;
	else if (r->first_above == 0)
		r->first_above = now + CODEL_INTERVAL_US;
	else if (now >= r->first_above)
		d.ok_to_drop = true;
	return d;
}

static uint64_t note(uint64_t digest, uint64_t number, uint64_t now)
{
	return (digest ^ (number << 40 ^ now)) * UINT64_C(0x100000001b3);
}

static void reference_drop(struct reference *r, uint64_t number, uint64_t now)
{
	r->dropped = note(r->dropped, number, now);
	r->drops++;
}

/* The number of the frame that left, + 1; 0: none. */
static uint64_t reference_deque(struct reference *r, uint64_t now)
{
	struct dodeque d = dodeque(r, now);
	uint32_t delta;

	if (r->dropping) {
		if (!d.ok_to_drop)
			r->dropping = false;
		while (now >= r->drop_next && r->dropping) {
			reference_drop(r, d.number, now);
			r->drop_next = control_law(r->drop_next, ++r->count);
			d = dodeque(r, now);
			if (!d.ok_to_drop)
				r->dropping = false;
		}
	} else if (d.ok_to_drop) {
		reference_drop(r, d.number, now);
		d = dodeque(r, now);
		r->dropping = true;
		delta = r->count - r->lastcount;
		r->count = 1;
		if (delta > 1 && (int64_t)(now - r->drop_next) <
					 (int64_t)(16 * CODEL_INTERVAL_US))
			r->count = delta;
		r->drop_next = control_law(now, r->count);
		r->lastcount = r->count;
	}
	return d.packet ? d.number + 1 : 0;
}

struct ours {
	struct queue q;
	struct codel codel;
	uint64_t dropped, drops;
};

static uint64_t our_deque(struct ours *o, uint64_t now)
{
	while (o->q.head != o->q.tail) {
		const uint64_t number = o->q.head++;
		const uint64_t sojourn = now - o->q.at_us[number % QUEUE_MAX];

		if (!codel_signals(&o->codel, sojourn, o->q.head == o->q.tail,
				   now))
			return number + 1;
		o->dropped = note(o->dropped, number, now);
		o->drops++;
	}
	/* RFC 8289 hears of an empty queue when it is asked for a frame. */
	return 0;
}

static struct reference reference;
static struct ours ours;

static void setup(void)
{
	memset(&reference, 0, sizeof(reference));
	memset(&ours, 0, sizeof(ours));
}

/* A load that comes and goes, now above what leaves and now below, idle at times. */
static void drive(struct rng *r, uint64_t *now)
{
	const uint64_t until = *now + rng_below(r, 400 * CLOCK_MS);
	const uint64_t in = rng_range(r, 20, 600), out = rng_range(r, 20, 600);
	uint64_t next_in = *now, next_out = *now;

	while (*now < until) {
		*now = clock_earlier(next_in, next_out);
		if (*now == next_in) {
			next_in += 1 + rng_below(r, 2 * in);
			ck_assert(push(&ours.q, *now) ==
				  push(&reference.q, *now));
			continue;
		}
		next_out += 1 + rng_below(r, 2 * out);
		ck_assert_uint_eq(our_deque(&ours, *now),
				  reference_deque(&reference, *now));
		ck_assert_uint_eq(ours.drops, reference.drops);
		ck_assert_uint_eq(ours.dropped, reference.dropped);
	}
	if (rng_chance(r, 0.2))
		*now += rng_below(r, 2 * CLOCK_S);
}

START_TEST(signals_when_rfc_8289_does)
{
	struct rng r = rng_init((uint64_t)_i);
	uint64_t now = 1 + rng_below(&r, CLOCK_S);

	printf("seed %d\n", _i);
	for (int phase = 0; phase < 60; phase++)
		drive(&r, &now);
}
END_TEST

/* ---- by itself ---- */

static uint64_t stand(struct codel *c, uint64_t now, uint64_t us)
{
	uint64_t signals = 0;

	for (uint64_t t = 0; t < us; t += 100)
		signals +=
			codel_signals(c, 2 * CODEL_TARGET_US, false, now + t);
	return signals;
}

START_TEST(burst_shorter_than_an_interval_is_no_standing)
{
	struct codel c = { 0 };
	uint64_t now = (uint64_t)_i;

	for (int i = 0; i < 50; i++) {
		ck_assert_uint_eq(stand(&c, now, CODEL_INTERVAL_US), 0);
		now += CODEL_INTERVAL_US;
		ck_assert(!codel_signals(&c, CODEL_TARGET_US - 1, false, now));
	}
}
END_TEST

START_TEST(signals_come_closer_with_the_square_root)
{
	struct codel c = { 0 };
	uint64_t last = 0, n = 0;

	for (uint64_t now = 1; n < 2000; now++) {
		double want;

		if (!codel_signals(&c, CODEL_TARGET_US, false, now))
			continue;
		want = (double)CODEL_INTERVAL_US / sqrt((double)n);
		if (n++ > 0)
			ck_assert(fabs((double)(now - last) - want) <=
				  2 + want / 1000);
		last = now;
	}
}
END_TEST

START_TEST(last_frame_is_never_told)
{
	struct codel c = { 0 };

	for (uint64_t now = 1; now < CLOCK_S; now += 100)
		ck_assert(!codel_signals(&c, CLOCK_S, true, now));
}
END_TEST

/* Frames that are told to slow down for hours, as fast as they come. */
START_TEST(no_number_of_signals_is_too_large)
{
	struct codel c = { 0 };
	uint64_t now = CLOCK_S;

	ck_assert_uint_ne(stand(&c, now, 10 * CODEL_INTERVAL_US), 0);
	/* It has grown so far. */
	c.count = (1 << 24) - 10;
	for (int i = 0; i < 1000; i++) {
		now = c.next_us;
		ck_assert(codel_signals(&c, CLOCK_S, false, now));
		ck_assert_uint_gt(c.next_us, now);
	}
	c.count = UINT32_MAX - 1;
	for (int i = 0; i < 8; i++, now += CLOCK_S)
		(void)codel_signals(&c, CLOCK_S, false, now);
}
END_TEST

START_TEST(clock_may_be_anywhere)
{
	struct codel c = { 0 };
	const uint64_t starts[] = { 0, 1, UINT64_MAX / 2,
				    UINT64_MAX - 100 * CLOCK_S };

	for (size_t i = 0; i < UNIT_COUNT(starts); i++) {
		c = (struct codel){ 0 };
		ck_assert_uint_eq(stand(&c, starts[i], CODEL_INTERVAL_US), 0);
		ck_assert_uint_ge(stand(&c, starts[i] + CODEL_INTERVAL_US,
					10 * CODEL_INTERVAL_US),
				  10);
		/* A long time idle: nothing is left of it. */
		ck_assert_uint_eq(stand(&c, starts[i] + 90 * CLOCK_S, 0), 0);
		ck_assert(
			!codel_signals(&c, 0, false, starts[i] + 90 * CLOCK_S));
		ck_assert_uint_eq(
			stand(&c, starts[i] + 91 * CLOCK_S, CODEL_INTERVAL_US),
			0);
	}
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("RFC 8289", .setup = setup, .timeout_s = 60),
	UNIT_SEEDS(signals_when_rfc_8289_does, 50),
	UNIT_CASE("by itself"),
	UNIT_LOOP(burst_shorter_than_an_interval_is_no_standing, 2),
	UNIT_TEST(signals_come_closer_with_the_square_root),
	UNIT_TEST(last_frame_is_never_told),
	UNIT_TEST(no_number_of_signals_is_too_large),
	UNIT_TEST(clock_may_be_anywhere),
};

UNIT_MAIN("codel", tests)
