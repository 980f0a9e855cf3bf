#include "support/main.h"
#include "tapd/tap/busy_poll.h"

#include <check.h>

#include "base/clock.h"

#define LIMIT 100

static struct busy_poll p;
static uint64_t now;

static void setup(void)
{
	p = (struct busy_poll){ .limit_us = LIMIT };
	now = 1000 * CLOCK_S;
}

enum kind { LONE, BATCH, GSO_FRAME };

static void turn(enum busy_poll_side side, enum kind kind, uint64_t after_us)
{
	const struct frame one = { .offload.gso = OFFLOAD_GSO_NONE },
			   gso_frame = { .offload.gso = OFFLOAD_GSO_TCPV4 };
	const struct frame frames[] = { kind == GSO_FRAME ? gso_frame : one,
					one };

	now += after_us;
	busy_poll_frames(&p, side, frames, kind == BATCH ? 2 : 1, now);
}

/* A request by that side, and its response. */
static void ask(enum busy_poll_side side, uint64_t think_us, uint64_t answer_us)
{
	turn(side, LONE, think_us);
	turn(side == BUSY_POLL_TAP ? BUSY_POLL_PEERS : BUSY_POLL_TAP, LONE,
	     answer_us);
}

static bool polls(void)
{
	uint64_t until = busy_poll_until(&p);

	ck_assert(until == 0 || until == now + LIMIT);
	return until > 0;
}

static void prove(enum busy_poll_side side)
{
	for (int i = 0; i < BUSY_POLL_PROOF; i++)
		ask(side, 5000, 40);
}

START_TEST(nothing_is_polled_for_before_it_is_proven)
{
	ck_assert(!polls());
	for (int i = 0; i < BUSY_POLL_PROOF; i++) {
		turn(BUSY_POLL_TAP, LONE, 5000);
		ck_assert(!polls());
		turn(BUSY_POLL_PEERS, LONE, LIMIT);
		ck_assert(!polls());
	}
	turn(BUSY_POLL_TAP, LONE, 5000);
	ck_assert(polls());
}
END_TEST

START_TEST(each_side_is_proven_by_itself)
{
	enum busy_poll_side asks = _i ? BUSY_POLL_PEERS : BUSY_POLL_TAP;

	prove(asks);
	ck_assert(!polls()); /* after the answer there is a pause each time */
	turn(asks, LONE, 5000);
	ck_assert(polls());
}
END_TEST

START_TEST(both_are_polled_for_when_requests_follow_at_once)
{
	for (int i = 0; i <= BUSY_POLL_PROOF; i++)
		ask(BUSY_POLL_TAP, 20, 40);
	ck_assert(polls());
	turn(BUSY_POLL_TAP, LONE, 20);
	ck_assert(polls());
}
END_TEST

/* What ends it: it must be proven again. */
static const struct {
	enum busy_poll_side side;
	enum kind kind;
	uint64_t after_us;
} ends[] = {
	{ BUSY_POLL_PEERS, LONE, LIMIT + 1 }, /* too late */
	{ BUSY_POLL_PEERS, BATCH, 40 },
	{ BUSY_POLL_PEERS, GSO_FRAME, 40 },
	{ BUSY_POLL_TAP, LONE, 40 }, /* more of the same */
	{ BUSY_POLL_TAP, GSO_FRAME, 40 },
};

START_TEST(what_is_no_answer_ends_it)
{
	prove(BUSY_POLL_TAP);
	turn(BUSY_POLL_TAP, LONE, 5000);
	ck_assert(polls());
	turn(ends[_i].side, ends[_i].kind, ends[_i].after_us);
	ck_assert(!polls());
	for (int i = 0; i < BUSY_POLL_PROOF; i++) {
		turn(BUSY_POLL_TAP, LONE, 5000);
		ck_assert(!polls());
		turn(BUSY_POLL_PEERS, LONE, 40);
	}
	turn(BUSY_POLL_TAP, LONE, 5000);
	ck_assert(polls());
}
END_TEST

START_TEST(a_batch_or_gso_frame_is_not_polled_after)
{
	prove(BUSY_POLL_TAP);
	turn(BUSY_POLL_TAP, _i ? BATCH : GSO_FRAME, 5000);
	ck_assert(!polls());
}
END_TEST

START_TEST(streams_are_never_polled_for)
{
	for (int i = 0; i < 100; i++) {
		turn(BUSY_POLL_PEERS, LONE, 60); /* one way */
		ck_assert(!polls());
	}
	for (int i = 0; i < 100; i++) { /* with acknowledgements */
		turn(BUSY_POLL_TAP, GSO_FRAME, 60);
		ck_assert(!polls());
		turn(BUSY_POLL_PEERS, LONE, 30);
		ck_assert(!polls());
	}
}
END_TEST

START_TEST(a_limit_of_0_turns_it_off_at_once)
{
	prove(BUSY_POLL_TAP);
	turn(BUSY_POLL_TAP, LONE, 5000);
	ck_assert(polls());
	p.limit_us = 0;
	ck_assert_uint_le(busy_poll_until(&p), now);
	for (int i = 0; i < 10; i++) {
		ask(BUSY_POLL_TAP, 20, 20);
		ck_assert_uint_le(busy_poll_until(&p), now);
	}
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("busy_poll", .setup = setup),
	UNIT_TEST(nothing_is_polled_for_before_it_is_proven),
	UNIT_LOOP(each_side_is_proven_by_itself, 2),
	UNIT_TEST(both_are_polled_for_when_requests_follow_at_once),
	UNIT_EACH(what_is_no_answer_ends_it, ends),
	UNIT_LOOP(a_batch_or_gso_frame_is_not_polled_after, 2),
	UNIT_TEST(streams_are_never_polled_for),
	UNIT_TEST(a_limit_of_0_turns_it_off_at_once),
};

UNIT_MAIN("busy_poll", tests)
