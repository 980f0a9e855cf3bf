/* Streams, and a loop that sleeps and looks as the daemon's does. */
#include "support/main.h"
#include "tapd/tap/moderation.h"

#include <check.h>

#include "base/clock.h"

#define LIMIT	100
#define TURN_US 10 /* what a turn takes */
#define LENGTH	(500 * CLOCK_MS)

enum kind { PLAIN, TCP, UDP };

/* Frames of a kind, so many at once, from one side. */
struct stream {
	enum busy_poll_side from;
	uint64_t every_us; /* 0: there is none */
	unsigned burst;
	enum kind kind;
	uint64_t next_us;
};

static struct moderation m;
static struct busy_poll b;
static uint64_t now;
static struct stream streams[2];
static unsigned turns, waits;

static void setup(void)
{
	m = (struct moderation){ 0 };
	moderation_set_limit(&m, LIMIT);
	b = (struct busy_poll){ .limit_us = LIMIT };
	now = 1000 * CLOCK_S;
	turns = waits = 0;
}

static void give(enum busy_poll_side from, enum kind kind, size_t count)
{
	static uint8_t bytes[2000];
	static const struct iovec iov = { bytes, sizeof(bytes) };
	struct frame frames[64];

	for (size_t i = 0; i < count; i++)
		frames[i] = (struct frame){
			.iov = &iov,
			.iovcnt = 1,
			.offload.gso = kind == TCP   ? OFFLOAD_GSO_TCPV4
				       : kind == UDP ? OFFLOAD_GSO_UDP_L4
						     : OFFLOAD_GSO_NONE,
			.offload.gso_size = kind == PLAIN ? 0 : 1000,
		};
	moderation_frames(&m, from, frames, count, now);
	busy_poll_frames(&b, from, frames, count, now);
}

/* Gives what has come by now. True: there was something. No frame may have waited for
 * longer than the limit; unless it is found by a look, none has waited at all. */
static bool take(struct stream *s, bool looked)
{
	bool some = false;

	while (s->every_us && s->next_us <= now) {
		ck_assert_uint_le(now - s->next_us,
				  looked ? LIMIT + TURN_US : TURN_US);
		give(s->from, s->kind, s->burst);
		s->next_us += s->every_us;
		some = true;
	}
	return some;
}

static uint64_t next_us(void)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < 2; i++)
		if (streams[i].every_us && streams[i].next_us < next)
			next = streams[i].next_us;
	return next;
}

/* A turn of the loop, after what it does before one. */
static void turn(void)
{
	uint64_t wait_us = moderation_wait_us(&m);
	bool some;

	if (wait_us > 0) {
		ck_assert_uint_eq(wait_us, LIMIT);
		ck_assert_uint_le(busy_poll_until(&b), now);
		now += wait_us;
		waits++;
	} else if (next_us() > now) {
		now = next_us();
	}
	some = take(&streams[0], wait_us > 0);
	turns += take(&streams[1], wait_us > 0) || some;
	now += TURN_US;
}

static void run(struct stream one, struct stream other, uint64_t length_us)
{
	const uint64_t end = now + length_us;

	streams[0] = one;
	streams[1] = other;
	streams[0].next_us = now + one.every_us;
	streams[1].next_us = now + other.every_us + 7;
	while (next_us() < end)
		turn();
}

#define TAP   BUSY_POLL_TAP
#define PEERS BUSY_POLL_PEERS

static const struct {
	struct stream one, other;
	bool gathers;
} rows[] = {
	/* One by one, one way. */
	{ { TAP, 66, 1, PLAIN, 0 }, { 0 }, true },
	{ { PEERS, 66, 1, PLAIN, 0 }, { 0 }, true },
	{ { PEERS, 20, 1, PLAIN, 0 }, { 0 }, true },
	{ { TAP, 90, 1, PLAIN, 0 }, { 0 }, true },
	/* A UDP stream of GSO frames of two segments is such a one too. */
	{ { PEERS, 80, 1, UDP, 0 }, { 0 }, true },
	/* So far apart that a look would often find nothing, or one. */
	{ { TAP, 110, 1, PLAIN, 0 }, { 0 }, false },
	{ { TAP, 150, 1, PLAIN, 0 }, { 0 }, false },
	{ { PEERS, 1000, 1, PLAIN, 0 }, { 0 }, false },
	/* So close, or in bursts, that they gather anyway. */
	{ { TAP, 5, 1, PLAIN, 0 }, { 0 }, false },
	{ { PEERS, 100, 64, PLAIN, 0 }, { 0 }, false },
	{ { TAP, 1066, 16, PLAIN, 0 }, { 0 }, false },
	{ { TAP, 1000, 2, PLAIN, 0 }, { 0 }, false },
	{ { TAP, 132, 2, PLAIN, 0 }, { 0 }, false },
	/* Bulk. */
	{ { TAP, 66, 1, TCP, 0 }, { 0 }, false },
	{ { PEERS, 66, 1, PLAIN, 0 }, { PEERS, 3000, 1, TCP, 0 }, false },
	{ { PEERS, 60, 1, PLAIN, 0 }, { TAP, 200, 4, PLAIN, 0 }, false },
	/* Requests and responses, alone or beside a stream. */
	{ { TAP, 80, 1, PLAIN, 0 }, { PEERS, 80, 1, PLAIN, 0 }, false },
	{ { TAP, 66, 1, PLAIN, 0 }, { PEERS, 5000, 1, PLAIN, 0 }, false },
	{ { PEERS, 30, 1, PLAIN, 0 }, { TAP, 2000, 1, PLAIN, 0 }, false },
	/* The other side says something now and then. */
	{ { TAP, 66, 1, PLAIN, 0 }, { PEERS, 100000, 1, PLAIN, 0 }, true },
};

START_TEST(lone_frames_of_a_stream_gather)
{
	run(rows[_i].one, rows[_i].other, LENGTH);
	if (rows[_i].gathers) {
		ck_assert_uint_gt(waits, turns * 3 / 4);
		ck_assert_uint_lt(turns, LENGTH / rows[_i].one.every_us);
	} else {
		ck_assert_uint_eq(waits, 0);
	}
}
END_TEST

/* Each end of the loop's sleep, in virtual time: see take(). */
static void prove(void)
{
	const struct stream none = { 0 };

	run((struct stream){ .from = TAP, .every_us = 66, .burst = 1 }, none,
	    50 * CLOCK_MS);
	ck_assert_uint_gt(waits, 100);
}

START_TEST(a_stream_is_proven_first)
{
	const struct stream s = { .from = TAP, .every_us = 66, .burst = 1 };

	run(s, (struct stream){ 0 }, MODERATION_TURNS * s.every_us);
	ck_assert_uint_eq(waits, 0);
	run(s, (struct stream){ 0 }, 3 * MODERATION_TURNS * s.every_us);
	ck_assert_uint_gt(waits, 0);
}
END_TEST

START_TEST(after_a_pause_nothing_waits)
{
	prove();
	while (moderation_wait_us(&m))
		now += LIMIT;
	for (int i = 0; i < 100; i++) {
		now += 500 + 50 * (uint64_t)i;
		give(TAP, PLAIN, 1);
		ck_assert_uint_eq(moderation_wait_us(&m), 0);
	}
}
END_TEST

START_TEST(a_look_in_vain_is_the_last)
{
	prove();
	while (!moderation_wait_us(&m)) {
		now += 66;
		give(TAP, PLAIN, 1);
	}
	now += LIMIT;
	ck_assert_uint_eq(moderation_wait_us(&m), 0);
	ck_assert_uint_eq(moderation_wait_us(&m), 0);
}
END_TEST

/* What ends it at once: the proof begins again. */
static const struct {
	enum busy_poll_side from;
	enum kind kind;
} ends[] = { { PEERS, PLAIN }, { PEERS, UDP }, { PEERS, TCP }, { TAP, TCP } };

START_TEST(what_is_no_such_stream_ends_it)
{
	prove();
	now += 66;
	give(TAP, PLAIN, 1);
	give(ends[_i].from, ends[_i].kind, 1);
	for (unsigned i = 0; i < MODERATION_TURNS; i++) {
		ck_assert_uint_eq(moderation_wait_us(&m), 0);
		now += 66;
		give(TAP, PLAIN, 1);
	}
	waits = 0;
	prove();
}
END_TEST

START_TEST(a_limit_of_0_turns_it_off_and_another_on)
{
	prove();
	now += 66;
	give(TAP, PLAIN, 1);
	moderation_set_limit(&m, 0);
	waits = 0;
	run(rows[0].one, rows[0].other, LENGTH);
	ck_assert_uint_eq(waits, 0);
	moderation_set_limit(&m, LIMIT);
	run(rows[0].one, rows[0].other, MODERATION_TURNS * 66);
	ck_assert_uint_eq(waits, 0);
	prove();
}
END_TEST

/* A turn that found many may have left some, however long they took to come. */
START_TEST(a_turn_that_may_have_left_some_is_followed_at_once)
{
	moderation_set_limit(&m, 10000);
	for (int i = 0; i < 2 * MODERATION_TURNS; i++) {
		now += 9999;
		give(TAP, PLAIN, MODERATION_MOST);
		waits = moderation_wait_us(&m) > 0;
	}
	ck_assert_uint_eq(waits, 1);
	now += 9999;
	give(TAP, PLAIN, MODERATION_MOST + 1);
	ck_assert_uint_eq(moderation_wait_us(&m), 0);
}
END_TEST

START_TEST(no_limit_is_too_great)
{
	moderation_set_limit(&m, 10000);
	for (int i = 0; i < 1000; i++) {
		now += i % 100 ? 1000 : 3600 * CLOCK_S;
		give(TAP, UDP, 64);
		(void)moderation_wait_us(&m);
	}
	ck_assert_uint_le(m.intervals_us, 4 * MODERATION_TURNS * 10000);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("moderation", .setup = setup),
	UNIT_EACH(lone_frames_of_a_stream_gather, rows),
	UNIT_TEST(a_stream_is_proven_first),
	UNIT_TEST(after_a_pause_nothing_waits),
	UNIT_TEST(a_look_in_vain_is_the_last),
	UNIT_EACH(what_is_no_such_stream_ends_it, ends),
	UNIT_TEST(a_limit_of_0_turns_it_off_and_another_on),
	UNIT_TEST(a_turn_that_may_have_left_some_is_followed_at_once),
	UNIT_TEST(no_limit_is_too_great),
};

UNIT_MAIN("moderation", tests)
