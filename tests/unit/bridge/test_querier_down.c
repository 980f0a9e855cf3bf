/* Local membership over a link that goes down: who left, who may have, who is silent. */
#include <check.h>

#include "support/lan.h"
#include "support/main.h"

/* Kinds of groups and hosts that must all fare alike. */
enum { UNTAGGED_V4, UNTAGGED_V6, TAGGED_V4, TAGGED_V6, OLD_V4, OLD_V6, KINDS };

static struct group group;
static bool old;

static void setup(void)
{
	lan_setup();
	start();
}

/* Call it first in a looped test. */
static void choose(int kind)
{
	group = kind % 2 ? lan.g6 : lan.g1;
	group.vlan = kind / 2 == 1 ? 5 : 0;
	old = kind / 2 == 2;
	querier_saw_vlan(lan.q, group.vlan, lan.now);
	advance(3 * CLOCK_S);
}

static void speak(uint8_t host, enum report_type type)
{
	if (old)
		say_old(host, type, &group);
	else
		say(host, type, &group);
}

static bool is_asked(void)
{
	for (size_t i = 0; i < lan.queries_count; i++)
		if (lan.queries[i].group.vlan == group.vlan &&
		    lan.queries[i].response_ms == 10000)
			return true;
	return false;
}

/* To 5 s after the next general query in the group's VLAN; end_general_query is when it
 * is over. */
static void next_query(void)
{
	do {
		querier_saw_vlan(lan.q, group.vlan, lan.now);
		lan.queries_count = 0;
		advance(CLOCK_S);
	} while (!is_asked());
	advance(5 * CLOCK_S);
}

/* Joined, long enough ago that any version's answer is one, and answering. */
static void join_and_answer(uint8_t host)
{
	speak(host, REPORT_JOIN);
	advance(30 * CLOCK_S);
	next_query();
	speak(host, REPORT_ANSWER);
	end_general_query();
}

static void down(void)
{
	querier_stop(lan.q);
	advance(10 * CLOCK_S);
}

/* Both startup queries are sent; their time has not passed. */
static void up(void)
{
	querier_start(lan.q, lan.now);
	advance(1500 * CLOCK_MS);
}

static void settle(void)
{
	advance(750 * CLOCK_MS);
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
}

/* Something goes on in the group's VLAN. */
static void long_after(void)
{
	for (int i = 0; i < 5; i++) {
		querier_saw_vlan(lan.q, group.vlan, lan.now);
		advance(100 * CLOCK_S);
	}
}

static bool is_silent(void)
{
	return querier_silent(lan.q, false) || querier_silent(lan.q, true);
}

/* ---- leaves cut short ---- */

START_TEST(last_leave_goes_on_when_the_link_is_back)
{
	choose(_i);
	join_and_answer(HOST);
	speak(HOST, REPORT_LEAVE);
	down();
	ck_assert(querier_wants(lan.q, &group));
	up();
	ck_assert(querier_wants(lan.q, &group));
	settle();
	ck_assert(!querier_wants(lan.q, &group));
	ck_assert(!lan.last_wanted);
	ck_assert(!is_silent());
	long_after();
	ck_assert(!is_silent());
}
END_TEST

START_TEST(leave_is_none_of_one_who_answers_when_the_link_is_back)
{
	choose(_i);
	join_and_answer(HOST);
	speak(HOST, REPORT_LEAVE);
	advance(500 * CLOCK_MS);
	down();
	up();
	speak(HOST, REPORT_ANSWER);
	settle();
	ck_assert(querier_wants(lan.q, &group));
	/* It is a member like any other then. */
	long_after();
	ck_assert(querier_wants(lan.q, &group));
	ck_assert(is_silent());
	speak(HOST, REPORT_LEAVE);
	advance(2 * CLOCK_S);
	ck_assert(!querier_wants(lan.q, &group));
}
END_TEST

START_TEST(leave_of_one_of_two_is_none_over_a_link_that_went_down)
{
	choose(_i);
	join_and_answer(HOST);
	speak(MACVLAN, REPORT_JOIN);
	advance(30 * CLOCK_S);
	next_query();
	speak(HOST, REPORT_ANSWER);
	speak(MACVLAN, REPORT_ANSWER);
	end_general_query();
	speak(HOST, REPORT_LEAVE);
	down();
	up();
	speak(MACVLAN, REPORT_ANSWER);
	settle();
	ck_assert(querier_wants(lan.q, &group));
	speak(MACVLAN, REPORT_LEAVE);
	advance(2 * CLOCK_S);
	ck_assert(!querier_wants(lan.q, &group));
}
END_TEST

START_TEST(two_that_leave_at_once_are_both_gone)
{
	choose(_i);
	join_and_answer(HOST);
	speak(MACVLAN, REPORT_JOIN);
	advance(30 * CLOCK_S);
	next_query();
	speak(MACVLAN, REPORT_ANSWER);
	speak(HOST, REPORT_ANSWER);
	end_general_query();
	speak(HOST, REPORT_LEAVE);
	speak(MACVLAN, REPORT_LEAVE);
	down();
	up();
	settle();
	ck_assert(!querier_wants(lan.q, &group));
}
END_TEST

START_TEST(member_that_never_answers_stays_beside_one_that_left)
{
	choose(_i);
	join_and_answer(HOST);
	speak(MACVLAN, REPORT_JOIN);
	advance(1 * CLOCK_S);
	speak(HOST, REPORT_LEAVE);
	down();
	up();
	advance(3 * CLOCK_S); /* nobody answers, and is asked again */
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
	ck_assert(querier_wants(lan.q, &group));
	ck_assert(is_silent());
	long_after();
	ck_assert(querier_wants(lan.q, &group));
}
END_TEST

START_TEST(leave_waits_while_answers_may_be_lost)
{
	choose(UNTAGGED_V4);
	join_and_answer(HOST);
	speak(HOST, REPORT_LEAVE);
	down();
	up();
	querier_dropped(lan.q, lan.now);
	advance(1 * CLOCK_S);
	ck_assert(querier_wants(lan.q, &group));
	speak(HOST, REPORT_ANSWER);
	advance(10 * CLOCK_S);
	ck_assert(querier_wants(lan.q, &group));
}
END_TEST

START_TEST(leave_waits_for_a_link_that_stays)
{
	choose(UNTAGGED_V4);
	join_and_answer(HOST);
	speak(HOST, REPORT_LEAVE);
	for (int i = 0; i < 5; i++) {
		down();
		up();
		ck_assert(querier_wants(lan.q, &group));
	}
	settle();
	ck_assert(!querier_wants(lan.q, &group));
}
END_TEST

/* A firewall came, and all that it knows of the member is the leave. */
START_TEST(one_that_answers_no_more_is_not_asked_in_vain)
{
	choose(UNTAGGED_V4);
	join_and_answer(HOST);
	next_query();
	end_general_query();
	speak(HOST, REPORT_LEAVE);
	down();
	up();
	settle();
	long_after();
	ck_assert(querier_wants(lan.q, &group));
	ck_assert(!is_silent());
}
END_TEST

/* ---- silence ---- */

START_TEST(one_that_left_and_never_answered_stays_and_is_not_silent)
{
	choose(_i);
	speak(HOST, REPORT_JOIN);
	advance(7 * CLOCK_S);
	ck_assert(is_silent());
	speak(HOST, REPORT_LEAVE);
	down();
	up();
	settle();
	long_after();
	ck_assert(querier_wants(lan.q, &group));
	ck_assert(!is_silent());
	/* Heard again, it is: the second report of a join, as a rule. */
	speak(HOST, REPORT_JOIN);
	next_query();
	end_general_query();
	ck_assert(is_silent());
}
END_TEST

START_TEST(one_that_was_silent_is_when_the_link_is_back)
{
	choose(_i);
	speak(HOST, REPORT_JOIN);
	advance(5 * CLOCK_S);
	down();
	up();
	settle();
	ck_assert(querier_wants(lan.q, &group));
	ck_assert(is_silent());
}
END_TEST

/* A leave on a link that is down is not sent at all. */
START_TEST(one_that_answered_may_have_left_unheard)
{
	choose(_i);
	join_and_answer(HOST);
	down();
	up();
	settle();
	long_after();
	ck_assert(querier_wants(lan.q, &group));
	ck_assert(!is_silent());
	speak(HOST, REPORT_JOIN);
	advance(200 * CLOCK_S);
	ck_assert(is_silent());
}
END_TEST

START_TEST(one_that_is_leaving_is_not_silent)
{
	choose(_i);
	speak(HOST, REPORT_JOIN);
	/* It is asked 2 s after its join, for 2.25 s. */
	advance(3 * CLOCK_S);
	speak(HOST, REPORT_LEAVE);
	advance(1500 * CLOCK_MS);
	ck_assert(querier_wants(lan.q, &group));
	ck_assert(!is_silent());
	advance(1 * CLOCK_S);
	ck_assert(!querier_wants(lan.q, &group));
	ck_assert(!is_silent());
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("querier_down", .setup = setup, .teardown = lan_teardown),
	UNIT_LOOP(last_leave_goes_on_when_the_link_is_back, KINDS),
	UNIT_LOOP(leave_is_none_of_one_who_answers_when_the_link_is_back,
		  KINDS),
	UNIT_LOOP(leave_of_one_of_two_is_none_over_a_link_that_went_down,
		  KINDS),
	UNIT_LOOP(two_that_leave_at_once_are_both_gone, KINDS),
	UNIT_LOOP(member_that_never_answers_stays_beside_one_that_left, KINDS),
	UNIT_TEST(leave_waits_while_answers_may_be_lost),
	UNIT_TEST(leave_waits_for_a_link_that_stays),
	UNIT_TEST(one_that_answers_no_more_is_not_asked_in_vain),
	UNIT_LOOP(one_that_left_and_never_answered_stays_and_is_not_silent,
		  KINDS),
	UNIT_LOOP(one_that_was_silent_is_when_the_link_is_back, KINDS),
	UNIT_LOOP(one_that_answered_may_have_left_unheard, KINDS),
	UNIT_LOOP(one_that_is_leaving_is_not_silent, KINDS),
};

UNIT_MAIN("querier_down", tests)
