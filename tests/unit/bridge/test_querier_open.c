/* Local membership fails open: firewalls, silence, old hosts, lost reports. */
#include <check.h>

#include "support/lan.h"
#include "support/main.h"

/* ---- who answers, and who does not ---- */

START_TEST(who_answers_without_a_group_has_left_it)
{
	start_joined(&lan.g1);
	say(HOST, REPORT_JOIN, &lan.g2);
	for (int i = 0; i < 3; i++) {
		next_general_query();
		say(HOST, REPORT_ANSWER, &lan.g1);
		say(HOST, REPORT_ANSWER, &lan.g2);
		end_general_query();
		ck_assert_uint_eq(querier_count(lan.q), 2);
	}
	/* The process was killed together with its leave. */
	next_general_query();
	say(HOST, REPORT_ANSWER, &lan.g2);
	ck_assert(querier_wants(lan.q, &lan.g1));
	end_general_query();
	ck_assert(!querier_wants(lan.q, &lan.g1));
	ck_assert(querier_wants(lan.q, &lan.g2));
	ck_assert_uint_eq(lan.changes, 3);
}
END_TEST

START_TEST(answers_of_others_say_nothing_of_it)
{
	start_joined(&lan.g1);
	for (int i = 0; i < 10; i++)
		general_query(OTHER, REPORT_ANSWER, &lan.mdns);
	ck_assert(querier_wants(lan.q, &lan.g1));
	ck_assert(!querier_silent(lan.q, false));
}
END_TEST

START_TEST(answers_of_the_other_family_say_nothing_of_it)
{
	start_joined(&lan.g1);
	say(HOST, REPORT_JOIN, &lan.g6);
	for (int i = 0; i < 10; i++)
		general_query(HOST, REPORT_ANSWER, &lan.g6);
	ck_assert(querier_wants(lan.q, &lan.g1));
	ck_assert(querier_silent(lan.q, false));
	ck_assert(!querier_silent(lan.q, true));
}
END_TEST

START_TEST(silence_keeps_what_is_known_and_warns_soon)
{
	start();
	ck_assert(!querier_silent(lan.q, false));
	say(HOST, REPORT_JOIN, &lan.g1);
	advance(5 * CLOCK_S);
	ck_assert(!querier_silent(lan.q, false));
	advance(2 * CLOCK_S);
	ck_assert(querier_silent(lan.q, false));
	ck_assert(!querier_silent(lan.q, true));
	advance(10000 * CLOCK_S);
	ck_assert(querier_wants(lan.q, &lan.g1));
	ck_assert(querier_silent(lan.q, false));
	/* The firewall is taken down. */
	next_general_query();
	say(HOST, REPORT_ANSWER, &lan.g1);
	ck_assert(!querier_silent(lan.q, false));
	end_general_query();
	ck_assert(!querier_silent(lan.q, false));
}
END_TEST

/* The host or the network is busy. */
START_TEST(an_answer_that_is_late_is_one)
{
	start_joined(&lan.g1);
	general_query(HOST, REPORT_ANSWER, &lan.g1);
	for (int i = 0; i < 20; i++) {
		next_general_query();
		advance(5500 * CLOCK_MS);
		ck_assert(!querier_silent(lan.q, false));
		say(HOST, REPORT_ANSWER, &lan.g1);
		advance(5 * CLOCK_S);
		ck_assert(!querier_silent(lan.q, false));
	}
	/* So late that it counted as silent. */
	next_general_query();
	advance(10 * CLOCK_S);
	ck_assert(querier_silent(lan.q, false));
	say(HOST, REPORT_JOIN, &lan.g2);
	ck_assert(querier_silent(lan.q, false));
	say(HOST, REPORT_ANSWER, &lan.g1);
	ck_assert(!querier_silent(lan.q, false));
}
END_TEST

/* Every general query is, or what it brings. */
START_TEST(an_answer_that_is_lost_is_asked_for_again)
{
	start_joined(&lan.g1);
	general_query(HOST, REPORT_ANSWER, &lan.g1);
	for (int i = 0; i < 20; i++) {
		next_general_query();
		advance(6500 * CLOCK_MS);
		ck_assert(!querier_silent(lan.q, false));
		say(HOST, REPORT_ANSWER, &lan.g1);
		advance(5 * CLOCK_S);
		ck_assert(!querier_silent(lan.q, false));
		/* Of both families: a general query, and two at once after it. */
		ck_assert_uint_eq(lan.queries_count, 6);
	}
}
END_TEST

/* Keepalived stops, on a host where nothing else has joined a group. */
START_TEST(who_has_left_a_group_for_all_need_not_answer)
{
	start_joined(&lan.mdns);
	say(MACVLAN, REPORT_JOIN, &lan.mdns);
	next_general_query();
	say(HOST, REPORT_ANSWER, &lan.mdns);
	say(MACVLAN, REPORT_ANSWER, &lan.mdns);
	end_general_query();
	say(HOST, REPORT_LEAVE, &lan.mdns);
	next_general_query();
	end_general_query();
	/* The other one is still there. */
	ck_assert(querier_silent(lan.q, false));
	say(MACVLAN, REPORT_LEAVE, &lan.mdns);
	next_general_query();
	end_general_query();
	ck_assert(!querier_silent(lan.q, false));
	ck_assert_uint_eq(querier_count(lan.q), 0);
	say(HOST, REPORT_JOIN, &lan.mdns);
	next_general_query();
	end_general_query();
	ck_assert(querier_silent(lan.q, false));
}
END_TEST

START_TEST(joins_behind_a_firewall_are_no_answers)
{
	start_joined(&lan.g1);
	for (int i = 0; i < 5; i++) {
		next_general_query();
		say(HOST, REPORT_JOIN, &lan.g2);
		say(HOST, REPORT_LEAVE, &lan.g2);
		end_general_query();
		ck_assert(querier_wants(lan.q, &lan.g1));
	}
	ck_assert(!querier_wants(lan.q, &lan.g2));
}
END_TEST

/* No query can be answered: only the member that sent the leave has left. */
START_TEST(leave_beside_a_firewalled_member_leaves_it_in)
{
	start_joined(&lan.g1);
	say(MACVLAN, REPORT_JOIN, &lan.g1);
	advance(10 * CLOCK_S);
	say(MACVLAN, REPORT_LEAVE, &lan.g1);
	advance(1000 * CLOCK_S);
	ck_assert(querier_wants(lan.q, &lan.g1));
	say(HOST, REPORT_LEAVE, &lan.g1);
	advance(2 * CLOCK_S);
	ck_assert(!querier_wants(lan.q, &lan.g1));
}
END_TEST

/* It may have joined again while nobody heard. */
START_TEST(leave_that_the_link_cuts_short_is_believed_of_who_answers)
{
	start();
	say(HOST, REPORT_JOIN, &lan.g1);
	say(MACVLAN, REPORT_JOIN, &lan.g2);
	next_general_query();
	say(HOST, REPORT_ANSWER, &lan.g1);
	end_general_query();
	say(HOST, REPORT_LEAVE, &lan.g1);
	say(MACVLAN, REPORT_LEAVE, &lan.g2);
	advance(1 * CLOCK_S);
	querier_stop(lan.q);
	advance(10 * CLOCK_S);
	querier_start(lan.q, lan.now);
	advance(500 * CLOCK_MS);
	answer(HOST);
	advance(1000 * CLOCK_S);
	ck_assert(!querier_wants(lan.q, &lan.g1));
	ck_assert(querier_wants(lan.q, &lan.g2));
	say(MACVLAN, REPORT_LEAVE, &lan.g2);
	advance(2 * CLOCK_S);
	ck_assert(!querier_wants(lan.q, &lan.g2));
}
END_TEST

START_TEST(firewalled_member_stays_beside_one_that_answers_and_leaves)
{
	start_joined(&lan.g1);
	say(MACVLAN, REPORT_JOIN, &lan.g1);
	for (int i = 0; i < 3; i++)
		general_query(MACVLAN, REPORT_ANSWER, &lan.g1);
	general_query(MACVLAN, REPORT_ANSWER, &lan.mdns);
	ck_assert(querier_wants(lan.q, &lan.g1));
}
END_TEST

START_TEST(answer_about_a_group_that_is_left_is_no_answer_to_all)
{
	start_joined(&lan.g1);
	say(HOST, REPORT_JOIN, &lan.g2);
	next_general_query();
	say(MACVLAN, REPORT_JOIN, &lan.g2);
	say(MACVLAN, REPORT_LEAVE, &lan.g2);
	advance(500 * CLOCK_MS);
	say(HOST, REPORT_ANSWER, &lan.g2);
	end_general_query();
	ck_assert(querier_wants(lan.q, &lan.g1));
	ck_assert(querier_wants(lan.q, &lan.g2));
}
END_TEST

START_TEST(new_host_is_asked_soon_and_only_once)
{
	start();
	answer(HOST); /* not asked: an answer to some other querier */
	advance(2 * CLOCK_S);
	ck_assert_uint_eq(lan.queries_count, 2);
	assert_queries(0, 0, 1000);
	answer(HOST);
	advance(1 * CLOCK_S);
	ck_assert_uint_eq(lan.queries_count, 4);
	say(HOST, REPORT_JOIN, &lan.g1);
	advance(20 * CLOCK_S);
	ck_assert_uint_eq(lan.queries_count, 4);
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
}
END_TEST

START_TEST(strangers_do_not_keep_it_asking)
{
	start();
	for (unsigned int i = 0; i < 1000; i++) {
		answer((uint8_t)i);
		advance(100 * CLOCK_MS);
	}
	/* Two queries of both families every four seconds, at most. */
	ck_assert_uint_le(lan.queries_count, 4 * 100 / 4);
}
END_TEST

START_TEST(hosts_of_long_ago_make_room_for_new_ones)
{
	start();
	for (uint8_t host = 10; host < 30; host++)
		answer(host); /* more than are remembered */
	for (int i = 0; i < 6; i++) {
		next_general_query();
		end_general_query();
	}
	lan.queries_count = 0;
	answer(HOST);
	advance(2 * CLOCK_S);
	assert_queries(0, 0, 1000);
}
END_TEST

/* ---- old hosts ---- */

START_TEST(old_hosts_answer_with_what_they_joined_long_ago)
{
	start();
	say_old(HOST, REPORT_JOIN, &lan.g1);
	say_old(HOST, REPORT_JOIN, &lan.g2);
	next_general_query();
	say_old(HOST, REPORT_JOIN, &lan.g2);
	end_general_query();
	ck_assert(!querier_wants(lan.q, &lan.g1));
	ck_assert(querier_wants(lan.q, &lan.g2));
}
END_TEST

START_TEST(join_of_an_old_host_is_no_answer)
{
	start();
	say_old(HOST, REPORT_JOIN, &lan.g1);
	for (int i = 0; i < 3; i++) {
		next_general_query();
		say_old(HOST, REPORT_JOIN, &lan.g2);
		advance(4 * CLOCK_S);
		say_old(HOST, REPORT_JOIN, &lan.g2); /* repeated */
		end_general_query();
		ck_assert(querier_wants(lan.q, &lan.g1));
		say_old(HOST, REPORT_LEAVE, &lan.g2);
		advance(1 * CLOCK_S);
		say_old(HOST, REPORT_JOIN, &lan.g2);
		say_old(HOST, REPORT_LEAVE, &lan.g2);
		advance(3 * CLOCK_S);
		ck_assert(!querier_wants(lan.q, &lan.g2));
	}
}
END_TEST

START_TEST(join_again_of_an_old_host_is_no_answer)
{
	start();
	say_old(HOST, REPORT_JOIN, &lan.g1);
	say_old(HOST, REPORT_JOIN, &lan.g2);
	next_general_query();
	say_old(HOST, REPORT_LEAVE, &lan.g2);
	advance(1 * CLOCK_S);
	say_old(HOST, REPORT_JOIN, &lan.g2);
	end_general_query();
	ck_assert(querier_wants(lan.q, &lan.g1));
}
END_TEST

/* H1's report of the group made H2 keep quiet: only H1 is heard again. */
START_TEST(suppressed_member_is_found_when_the_other_one_leaves)
{
	start();
	say_old(HOST, REPORT_JOIN, &lan.g1);
	say_old(OTHER, REPORT_JOIN, &lan.g1);
	say_old(OTHER, REPORT_JOIN, &lan.g2);
	next_general_query();
	say_old(HOST, REPORT_JOIN, &lan.g1);
	say_old(OTHER, REPORT_JOIN, &lan.g2);
	end_general_query();
	say_old(HOST, REPORT_LEAVE, &lan.g1);
	advance(1500 * CLOCK_MS);
	say_old(OTHER, REPORT_JOIN, &lan.g1);
	advance(10 * CLOCK_S);
	ck_assert(querier_wants(lan.q, &lan.g1));
}
END_TEST

/* IGMPv1 takes up to 10 s, whatever it is asked. */
START_TEST(slow_answers_of_the_oldest_hosts_are_waited_for)
{
	start();
	say_all(HOST, 1, REPORT_JOIN, &lan.g1, 1);
	say_all(HOST, 1, REPORT_JOIN, &lan.g2, 1);
	say(MACVLAN, REPORT_JOIN, &lan.g2);
	next_general_query();
	say_all(HOST, 1, REPORT_JOIN, &lan.g1, 1);
	say_all(HOST, 1, REPORT_JOIN, &lan.g2, 1);
	end_general_query();
	/* Two last-member queries: it cannot answer them in time. */
	say(MACVLAN, REPORT_LEAVE, &lan.g2);
	advance(3 * CLOCK_S);
	ck_assert(querier_wants(lan.q, &lan.g2));
	advance(30 * CLOCK_S);
	querier_dropped(lan.q, lan.now);
	say_all(HOST, 1, REPORT_JOIN, &lan.g1, 1);
	advance(3 * CLOCK_S);
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
	ck_assert(querier_wants(lan.q, &lan.g2));
	/* After a general query, though, what it lacks is gone: it has no leaves. */
	next_general_query();
	say_all(HOST, 1, REPORT_JOIN, &lan.g1, 1);
	end_general_query();
	ck_assert(!querier_wants(lan.q, &lan.g2));
}
END_TEST

/* ---- what the interface listens to ---- */

static void listen_to(const struct group *groups, size_t count)
{
	uint8_t macs[8 * ETH_ADDR_LEN];

	ck_assert_uint_le(count, 8);
	for (size_t i = 0; i < count; i++)
		group_mac(&groups[i], macs + i * ETH_ADDR_LEN);
	querier_listening(lan.q, macs, count, lan.now);
}

START_TEST(member_that_was_never_heard_is_seen_listening)
{
	querier_start(lan.q, lan.now);
	for (int i = 0; i < 5; i++) {
		listen_to(&lan.g1, 1);
		advance(1 * CLOCK_S);
		ck_assert_uint_ne(querier_want_all(lan.q), 0);
	}
	ck_assert(wants_all_for(QUERIER_UNHEARD));
	say(HOST, REPORT_ANSWER, &lan.g1);
	listen_to(&lan.g1, 1);
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
	listen_to(&lan.g6, 1);
	advance(2 * CLOCK_S);
	listen_to(&lan.g6, 1);
	ck_assert(wants_all_for(QUERIER_UNHEARD));
	listen_to(NULL, 0);
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
}
END_TEST

/* _i: tenths of a second from the start to the first look. */
START_TEST(and_no_later_than_all_others_have_answered)
{
	querier_start(lan.q, lan.now);
	advance((uint64_t)_i * 100 * CLOCK_MS);
	for (int i = 0; i < 5; i++) {
		listen_to(&lan.g1, 1);
		advance(1 * CLOCK_S);
		ck_assert_uint_ne(querier_want_all(lan.q), 0);
	}
	ck_assert(wants_all_for(QUERIER_UNHEARD));
}
END_TEST

START_TEST(join_on_its_way_is_no_alarm)
{
	start();
	listen_to(NULL, 0);
	advance(1 * CLOCK_S);
	listen_to(&lan.g1, 1);
	advance(10 * CLOCK_MS);
	say(HOST, REPORT_JOIN, &lan.g1);
	advance(990 * CLOCK_MS);
	listen_to(&lan.g1, 1);
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
}
END_TEST

START_TEST(usual_groups_for_all_need_no_report_and_others_have_one)
{
	struct group groups[] = {
		group_parse(0, "224.0.0.1"),
		lan.mdns,
		group_parse(0, "ff02::1"),
		group_parse(0, "ff02::1:ff01:2345"),
		group_parse(0, "ff02::1:3"),
		group_parse(0, "224.0.0.77"),
	};
	const uint8_t lldp[] = { 1, 0x80, 0xc2, 0, 0, 0x0e };

	start();
	listen_to(groups, 5);
	querier_listening(lan.q, lldp, 1, lan.now);
	advance(2 * CLOCK_S);
	querier_listening(lan.q, lldp, 1, lan.now);
	listen_to(groups, 5);
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
	say(HOST, REPORT_JOIN, &groups[5]);
	listen_to(groups, 6);
	advance(2 * CLOCK_S);
	listen_to(groups, 6);
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
}
END_TEST

/* 225.0.0.50, conntrackd's, on 224.0.0.50's MAC. */
START_TEST(group_on_the_mac_of_one_for_all_is_missed)
{
	const struct group conntrackd = group_parse(0, "225.0.0.50");

	start();
	listen_to(NULL, 0);
	listen_to(&conntrackd, 1);
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
	advance(2 * CLOCK_S);
	listen_to(&conntrackd, 1);
	ck_assert(wants_all_for(QUERIER_UNHEARD));
}
END_TEST

/* Two groups share a MAC: it is explained as long as one of them is known. */
START_TEST(mac_is_explained_by_any_of_its_groups)
{
	const struct group a = group_parse(0, "239.1.1.1");
	const struct group b = group_parse(7, "238.129.1.1");

	start();
	querier_saw_vlan(lan.q, 7, lan.now);
	advance(3 * CLOCK_S);
	say(HOST, REPORT_JOIN, &a);
	say(HOST, REPORT_JOIN, &b);
	say(HOST, REPORT_LEAVE, &a);
	advance(3 * CLOCK_S);
	ck_assert(!querier_wants(lan.q, &a));
	listen_to(&a, 1);
	advance(1 * CLOCK_S);
	listen_to(&a, 1);
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
	/* And seen at the first look when the last of them was left. */
	say(HOST, REPORT_LEAVE, &b);
	advance(2 * CLOCK_S);
	listen_to(&a, 1);
	ck_assert(wants_all_for(QUERIER_UNHEARD));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("querier_open", .setup = lan_setup, .teardown = lan_teardown),
	UNIT_TEST(who_answers_without_a_group_has_left_it),
	UNIT_TEST(answers_of_others_say_nothing_of_it),
	UNIT_TEST(answers_of_the_other_family_say_nothing_of_it),
	UNIT_TEST(silence_keeps_what_is_known_and_warns_soon),
	UNIT_TEST(an_answer_that_is_late_is_one),
	UNIT_TEST(an_answer_that_is_lost_is_asked_for_again),
	UNIT_TEST(who_has_left_a_group_for_all_need_not_answer),
	UNIT_TEST(joins_behind_a_firewall_are_no_answers),
	UNIT_TEST(leave_beside_a_firewalled_member_leaves_it_in),
	UNIT_TEST(leave_that_the_link_cuts_short_is_believed_of_who_answers),
	UNIT_TEST(firewalled_member_stays_beside_one_that_answers_and_leaves),
	UNIT_TEST(answer_about_a_group_that_is_left_is_no_answer_to_all),
	UNIT_TEST(new_host_is_asked_soon_and_only_once),
	UNIT_TEST(strangers_do_not_keep_it_asking),
	UNIT_TEST(hosts_of_long_ago_make_room_for_new_ones),
	UNIT_TEST(old_hosts_answer_with_what_they_joined_long_ago),
	UNIT_TEST(join_of_an_old_host_is_no_answer),
	UNIT_TEST(join_again_of_an_old_host_is_no_answer),
	UNIT_TEST(suppressed_member_is_found_when_the_other_one_leaves),
	UNIT_TEST(slow_answers_of_the_oldest_hosts_are_waited_for),
	UNIT_TEST(member_that_was_never_heard_is_seen_listening),
	UNIT_LOOP(and_no_later_than_all_others_have_answered, 10),
	UNIT_TEST(join_on_its_way_is_no_alarm),
	UNIT_TEST(usual_groups_for_all_need_no_report_and_others_have_one),
	UNIT_TEST(group_on_the_mac_of_one_for_all_is_missed),
	UNIT_TEST(mac_is_explained_by_any_of_its_groups),
};

UNIT_MAIN("querier_open", tests)
