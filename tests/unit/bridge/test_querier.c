/* Local membership on a virtual clock: when it asks, joins, leaves, bounds. */
#include <check.h>

#include "support/group_equal.h"
#include "support/lan.h"
#include "support/main.h"

/* ---- asking ---- */

START_TEST(join_is_no_answer)
{
	start_joined(&lan.g1);
	ck_assert(!querier_answered(lan.q));
	say(HOST, REPORT_ANSWER, &lan.g1);
	ck_assert(!querier_answered(lan.q));
	general_query(HOST, REPORT_ANSWER, &lan.g1);
	ck_assert(querier_answered(lan.q));
	querier_stop(lan.q);
	ck_assert(querier_answered(lan.q));
}
END_TEST

START_TEST(asks_twice_at_the_start_and_wants_all_meanwhile)
{
	ck_assert_uint_eq(querier_deadline(lan.q), CLOCK_NEVER);
	ck_assert(wants_all_for(QUERIER_STARTING));
	querier_start(lan.q, lan.now);
	ck_assert_uint_eq(querier_deadline(lan.q), lan.now);
	advance(0);
	ck_assert_uint_eq(lan.queries_count, 2);
	assert_queries(0, 0, 1000);
	advance_to(999 * CLOCK_MS);
	ck_assert_uint_eq(lan.queries_count, 2);
	advance_to(CLOCK_S);
	ck_assert_uint_eq(lan.queries_count, 4);
	assert_queries(2, 0, 1000);
	advance_to(2249 * CLOCK_MS);
	ck_assert(wants_all_for(QUERIER_STARTING));
	advance_to(2250 * CLOCK_MS);
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
}
END_TEST

START_TEST(then_asks_every_125_s_with_10_s_to_answer)
{
	start();
	for (uint64_t i = 1; i < 5; i++) {
		lan.queries_count = 0;
		advance_to(i * 125 * CLOCK_S - 1);
		ck_assert_uint_eq(lan.queries_count, 0);
		advance_to(i * 125 * CLOCK_S);
		ck_assert_uint_eq(lan.queries_count, 2);
		assert_queries(0, 0, 10000);
		ck_assert_uint_eq(querier_want_all(lan.q), 0);
	}
}
END_TEST

START_TEST(asks_nothing_while_the_tap_is_down)
{
	start();
	querier_stop(lan.q);
	ck_assert_uint_eq(querier_deadline(lan.q), CLOCK_NEVER);
	ck_assert(wants_all_for(QUERIER_STARTING));
	advance(300 * CLOCK_S);
	querier_start(lan.q, lan.now);
	advance(2249 * CLOCK_MS);
	ck_assert_uint_eq(lan.queries_count, 4);
	ck_assert(wants_all_for(QUERIER_STARTING));
	advance(1 * CLOCK_MS);
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
}
END_TEST

START_TEST(what_was_known_outlives_a_link_that_went_down)
{
	start_joined(&lan.g1);
	say(HOST, REPORT_JOIN, &lan.g2);
	say(HOST, REPORT_LEAVE, &lan.g2);
	querier_stop(lan.q);
	querier_start(lan.q, lan.now);
	advance(10 * CLOCK_S);
	ck_assert(querier_wants(lan.q, &lan.g1));
	/* Its leave was pending, and no query could be sent. */
	ck_assert(querier_wants(lan.q, &lan.g2));
}
END_TEST

START_TEST(drops_make_it_ask_again_and_want_all_until_none_are_dropped)
{
	start();
	advance(30 * CLOCK_S);
	querier_dropped(lan.q, lan.now);
	ck_assert(wants_all_for(QUERIER_STARTING));
	advance(0);
	assert_queries(0, 0, 1000);
	/* The ring stays full: as many queries, whatever the drops. */
	for (int i = 0; i < 450; i++) {
		advance(10 * CLOCK_MS);
		querier_dropped(lan.q, lan.now);
	}
	ck_assert_uint_le(lan.queries_count, 2 * 5);
	ck_assert(wants_all_for(QUERIER_STARTING));
	advance(2250 * CLOCK_MS);
	ck_assert(wants_all_for(QUERIER_STARTING));
	advance(2250 * CLOCK_MS);
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
}
END_TEST

START_TEST(answers_while_frames_are_dropped_remove_no_member)
{
	start_joined(&lan.g1);
	next_general_query();
	answer(HOST);
	querier_dropped(lan.q, lan.now);
	advance(CLOCK_S);
	ck_assert(querier_wants(lan.q, &lan.g1));
	say(HOST, REPORT_ANSWER, &lan.g1);
	end_general_query();
	ck_assert(querier_wants(lan.q, &lan.g1));
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
}
END_TEST

START_TEST(leave_while_frames_are_dropped_is_asked_again)
{
	start_joined(&lan.g1);
	advance(60 * CLOCK_S);
	say(HOST, REPORT_LEAVE, &lan.g1);
	advance(1900 * CLOCK_MS);
	querier_dropped(lan.q, lan.now);
	advance(2250 * CLOCK_MS); /* the other member's answer was lost */
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
	ck_assert(querier_wants(lan.q, &lan.g1));
	lan.queries_count = 0;
	advance(1 * CLOCK_S);
	ck_assert(group_equal(&lan.queries[0].group, &lan.g1));
	say(OTHER, REPORT_ANSWER, &lan.g1);
	advance(10 * CLOCK_S);
	ck_assert(querier_wants(lan.q, &lan.g1));
}
END_TEST

START_TEST(late_tick_removes_no_member)
{
	querier_start(lan.q, lan.now);
	advance(1500 * CLOCK_MS);
	lan.now += 10 * CLOCK_S; /* the process was stopped */
	querier_tick(lan.q, lan.now);
	ck_assert(wants_all_for(QUERIER_STARTING));
	advance(2250 * CLOCK_MS);
	ck_assert_uint_eq(querier_want_all(lan.q), 0);

	say(HOST, REPORT_JOIN, &lan.g1);
	next_general_query();
	answer(HOST);
	lan.now += 60 * CLOCK_S;
	querier_tick(lan.q, lan.now);
	ck_assert(querier_wants(lan.q, &lan.g1));
	say(HOST, REPORT_LEAVE, &lan.g1);
	advance(1500 * CLOCK_MS);
	lan.now += 60 * CLOCK_S;
	querier_tick(lan.q, lan.now);
	ck_assert(querier_wants(lan.q, &lan.g1));
	say(OTHER, REPORT_ANSWER, &lan.g1);
	advance(10 * CLOCK_S);
	ck_assert(querier_wants(lan.q, &lan.g1));
}
END_TEST

/* ---- joins and leaves ---- */

START_TEST(join_is_known_at_once_and_once)
{
	start_joined(&lan.g1);
	ck_assert_uint_eq(lan.changes, 1);
	ck_assert(lan.last_wanted);
	ck_assert(group_equal(&lan.last_changed, &lan.g1));
	say(HOST, REPORT_JOIN, &lan.g1);
	say(MACVLAN, REPORT_JOIN, &lan.g1);
	ck_assert_uint_eq(lan.changes, 1);
	say(HOST, REPORT_JOIN, &lan.g6);
	say_old(OTHER, REPORT_JOIN, &lan.g2);
	ck_assert_uint_eq(lan.changes, 3);
	ck_assert_uint_eq(querier_count(lan.q), 3);
	ck_assert(!querier_wants(lan.q, &lan.mdns));
}
END_TEST

START_TEST(groups_for_all_are_nobodys_business)
{
	const struct group node = group_parse(0, "ff02::1:ff00:1");
	uint32_t at = TABLE_NONE;
	struct group g;

	start();
	say(HOST, REPORT_JOIN, &lan.mdns);
	say(HOST, REPORT_JOIN, &node);
	ck_assert_uint_eq(lan.changes, 0);
	ck_assert_uint_eq(querier_count(lan.q), 0);
	ck_assert(!querier_next(lan.q, &at, &g));
	ck_assert(!querier_wants(lan.q, &lan.mdns));
	say(HOST, REPORT_LEAVE, &lan.mdns);
	advance(CLOCK_S);
	ck_assert_uint_eq(lan.queries_count, 0);
}
END_TEST

START_TEST(who_joined_before_the_start_answers)
{
	querier_start(lan.q, lan.now);
	advance(500 * CLOCK_MS);
	say(HOST, REPORT_ANSWER, &lan.g1);
	ck_assert(querier_wants(lan.q, &lan.g1));
	ck_assert_uint_eq(lan.changes, 1);
}
END_TEST

START_TEST(leave_is_declared_after_two_queries_that_nobody_answers)
{
	start_joined(&lan.g1);
	advance_to(60 * CLOCK_S);
	lan.queries_count = 0;
	say(HOST, REPORT_LEAVE, &lan.g1);
	advance(0);
	ck_assert_uint_eq(lan.queries_count, 1);
	ck_assert(group_equal(&lan.queries[0].group, &lan.g1));
	ck_assert(!lan.queries[0].v6);
	/* Hosts repeat a leave: the second is no new one. */
	advance(700 * CLOCK_MS);
	say(HOST, REPORT_LEAVE, &lan.g1);
	advance(300 * CLOCK_MS);
	ck_assert_uint_eq(lan.queries_count, 2);
	ck_assert(group_equal(&lan.queries[1].group, &lan.g1));
	advance_to(62 * CLOCK_S - 1);
	ck_assert(querier_wants(lan.q, &lan.g1));
	advance_to(62 * CLOCK_S);
	ck_assert(!querier_wants(lan.q, &lan.g1));
	ck_assert(!lan.last_wanted);
	ck_assert_uint_eq(querier_count(lan.q), 0);
	ck_assert_uint_eq(lan.queries_count, 2);
	ck_assert_uint_eq(lan.changes, 2);
}
END_TEST

START_TEST(leave_of_one_of_two_is_none)
{
	const struct group *g = _i ? &lan.g6 : &lan.g1;

	start();
	say(HOST, REPORT_JOIN, g);
	say(MACVLAN, REPORT_JOIN, g);
	advance(30 * CLOCK_S);
	say(MACVLAN, REPORT_LEAVE, g);
	advance(1900 * CLOCK_MS);
	say(HOST, REPORT_ANSWER, g);
	advance(10 * CLOCK_S);
	ck_assert(querier_wants(lan.q, g));
	ck_assert_uint_eq(lan.changes, 1);
	/* And then the other's leave. */
	say(HOST, REPORT_LEAVE, g);
	advance(2 * CLOCK_S);
	ck_assert(!querier_wants(lan.q, g));
	ck_assert_uint_eq(lan.changes, 2);
}
END_TEST

START_TEST(leave_and_join_again_is_none)
{
	start_joined(&lan.g1);
	say(HOST, REPORT_LEAVE, &lan.g1);
	advance(CLOCK_S);
	say(HOST, REPORT_JOIN, &lan.g1);
	advance(30 * CLOCK_S);
	ck_assert(querier_wants(lan.q, &lan.g1));
	ck_assert_uint_eq(lan.changes, 1);
}
END_TEST

/* Two namespaces behind one MAC, as ipvlan has them. */
START_TEST(leave_of_one_of_two_with_one_mac_is_none)
{
	start_joined(&lan.g1);
	say(HOST, REPORT_LEAVE, &lan.g1);
	advance(500 * CLOCK_MS);
	say(HOST, REPORT_ANSWER, &lan.g1);
	advance(30 * CLOCK_S);
	ck_assert(querier_wants(lan.q, &lan.g1));
}
END_TEST

START_TEST(leave_during_the_start_waits_for_its_end)
{
	querier_start(lan.q, lan.now);
	advance(500 * CLOCK_MS);
	say(HOST, REPORT_JOIN, &lan.g1);
	say(HOST, REPORT_LEAVE, &lan.g1);
	advance(CLOCK_S);
	for (size_t i = 0; i < lan.queries_count; i++)
		ck_assert(!group_equal(&lan.queries[i].group, &lan.g1));
	advance_to(6 * CLOCK_S);
	ck_assert(!querier_wants(lan.q, &lan.g1));
}
END_TEST

START_TEST(leave_of_a_vanished_neighbours_group_takes_it_along)
{
	start_joined(&lan.g1);
	say(MACVLAN, REPORT_JOIN, &lan.g1);
	next_general_query();
	say(HOST, REPORT_ANSWER, &lan.g1);
	say(MACVLAN, REPORT_ANSWER, &lan.g1);
	end_general_query();
	/* The macvlan is deleted, which says nothing; the host leaves. */
	say(HOST, REPORT_LEAVE, &lan.g1);
	advance(2 * CLOCK_S);
	ck_assert(!querier_wants(lan.q, &lan.g1));
}
END_TEST

START_TEST(blocked_source_is_asked_about_and_believed_of_who_answers)
{
	start_joined(&lan.g1);
	say(HOST, REPORT_BLOCK, &lan.g1);
	advance(5 * CLOCK_S);
	/* It never answered anything: a firewall, and other sources. */
	ck_assert(querier_wants(lan.q, &lan.g1));
	general_query(HOST, REPORT_ANSWER, &lan.g1);
	say(HOST, REPORT_BLOCK, &lan.g1);
	advance(2 * CLOCK_S);
	ck_assert(!querier_wants(lan.q, &lan.g1));
}
END_TEST

START_TEST(leave_of_all_groups_is_asked_in_bounded_pieces)
{
	size_t count = 0;

	start();
	for (uint32_t i = 0; i < 1000; i++) {
		const struct group g = group_v4(0, 0xef000000 + i);

		say(HOST, REPORT_JOIN, &g);
		say(HOST, REPORT_LEAVE, &g);
	}
	while (querier_deadline(lan.q) <= lan.now) {
		querier_tick(lan.q, lan.now);
		ck_assert_uint_le(lan.queries_count - count, 256);
		count = lan.queries_count;
	}
	ck_assert_uint_eq(lan.queries_count, 1000);
	advance(2 * CLOCK_S);
	ck_assert_uint_eq(querier_count(lan.q), 0);
}
END_TEST

START_TEST(nothing_of_the_past_is_left_after_a_leave)
{
	start();
	for (int i = 0; i < 100; i++) {
		say(HOST, REPORT_JOIN, &lan.g1);
		say(HOST, REPORT_LEAVE, &lan.g1);
		advance(2 * CLOCK_S);
		ck_assert(!querier_wants(lan.q, &lan.g1));
	}
	ck_assert_uint_eq(lan.changes, 200);
}
END_TEST

START_TEST(leaves_of_strangers_are_nothing)
{
	start();
	say(HOST, REPORT_LEAVE, &lan.g1);
	say_old(HOST, REPORT_LEAVE, &lan.g6);
	advance(0);
	ck_assert_uint_eq(lan.queries_count, 0);
	ck_assert_uint_eq(lan.changes, 0);
}
END_TEST

/* ---- bounds ---- */

START_TEST(vlan_is_asked_as_soon_as_it_is_seen)
{
	start();
	ck_assert(!querier_saw_vlan(lan.q, 0, lan.now));
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
	ck_assert(querier_saw_vlan(lan.q, 5, lan.now));
	ck_assert(!querier_saw_vlan(lan.q, 5, lan.now));
	ck_assert(wants_all_for(QUERIER_STARTING));
	advance(0);
	ck_assert_uint_eq(lan.queries_count, 2);
	assert_queries(0, 5, 1000);
	advance(2250 * CLOCK_MS);
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
	lan.queries_count = 0;
	advance(130 * CLOCK_S);
	ck_assert_uint_eq(lan.queries_count, 4);
}
END_TEST

START_TEST(vlans_are_apart)
{
	struct group tagged = lan.g1;

	tagged.vlan = 5;
	start();
	say(HOST, REPORT_JOIN, &tagged);
	ck_assert(querier_wants(lan.q, &tagged));
	ck_assert(!querier_wants(lan.q, &lan.g1));
	say(HOST, REPORT_JOIN, &lan.g1);
	/* It answers in that VLAN, which says nothing of this one. */
	general_query(HOST, REPORT_ANSWER, &lan.mdns);
	ck_assert(!querier_wants(lan.q, &lan.g1));
	ck_assert(querier_wants(lan.q, &tagged));
}
END_TEST

/* The VLANs that are known, as a number with two digits for each. */
static unsigned int known_vlans(void)
{
	unsigned int digits = 0;
	uint32_t at = 0;
	uint16_t vlan;

	while (querier_next_vlan(lan.q, &at, &vlan))
		digits = digits * 100 + vlan;
	ck_assert(!querier_next_vlan(lan.q, &at, &vlan));
	return digits;
}

START_TEST(a_vlan_is_known_once_it_was_asked_and_told_of_once)
{
	start();
	ck_assert_uint_eq(lan.vlans_known, 0); /* untagged is none */
	querier_saw_vlan(lan.q, 5, lan.now);
	advance(1 * CLOCK_S);
	querier_saw_vlan(lan.q, 12, lan.now);
	ck_assert_uint_eq(known_vlans(), 0);
	advance(1250 * CLOCK_MS - 1);
	ck_assert_uint_eq(lan.vlans_known, 0);
	advance(1);
	ck_assert_uint_eq(lan.vlans_known, 1);
	ck_assert_uint_eq(known_vlans(), 5);
	advance(CLOCK_S);
	ck_assert_uint_eq(lan.vlans_known, 2);
	ck_assert_uint_eq(known_vlans(), 512);
	/* It is asked again and again, but reported only once. */
	querier_stop(lan.q);
	ck_assert_uint_eq(known_vlans(), 512);
	querier_start(lan.q, lan.now);
	querier_dropped(lan.q, lan.now);
	for (int i = 0; i < 10; i++) {
		advance(100 * CLOCK_S);
		querier_saw_vlan(lan.q, 5, lan.now);
		querier_saw_vlan(lan.q, 12, lan.now);
	}
	ck_assert_uint_eq(lan.vlans_known, 2);
	ck_assert_uint_eq(lan.vlans_forgotten, 0);
	ck_assert_uint_eq(known_vlans(), 512);
}
END_TEST

START_TEST(a_vlan_is_not_known_while_its_answers_may_be_lost)
{
	start();
	querier_saw_vlan(lan.q, 5, lan.now);
	advance(1500 * CLOCK_MS);
	querier_dropped(lan.q, lan.now);
	advance(1500 * CLOCK_MS);
	ck_assert_uint_eq(lan.vlans_known, 0);
	ck_assert_uint_eq(known_vlans(), 0);
	advance(1500 * CLOCK_MS);
	ck_assert_uint_eq(lan.vlans_known, 1);
	ck_assert_uint_eq(known_vlans(), 5);
}
END_TEST

START_TEST(a_vlan_seen_while_the_tap_is_down_is_known_later)
{
	querier_saw_vlan(lan.q, 5, lan.now);
	advance(10 * CLOCK_S);
	ck_assert_uint_eq(known_vlans(), 0);
	querier_start(lan.q, lan.now);
	advance(2250 * CLOCK_MS);
	ck_assert_uint_eq(lan.vlans_known, 1);
	ck_assert_uint_eq(known_vlans(), 5);
}
END_TEST

START_TEST(too_many_vlans_want_all)
{
	struct group far = lan.g1;

	start();
	for (uint16_t vlan = 1; vlan <= QUERIER_VLANS_MAX; vlan++)
		querier_saw_vlan(lan.q, vlan, lan.now);
	advance(3 * CLOCK_S);
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
	querier_saw_vlan(lan.q, 4095, lan.now);
	ck_assert(wants_all_for(QUERIER_VLANS));
	far.vlan = 4095;
	say(HOST, REPORT_JOIN, &far);
	advance(290 * CLOCK_S);
	ck_assert(wants_all_for(QUERIER_VLANS));
	/* They were seen once: there is room again, and it is known. */
	advance(290 * CLOCK_S);
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
	ck_assert_uint_eq(lan.vlans_forgotten, QUERIER_VLANS_MAX);
	ck_assert_uint_eq(known_vlans(), 0);
	say(HOST, REPORT_JOIN, &far);
	advance(5 * CLOCK_S); /* it does not answer, and is asked again */
	ck_assert_uint_eq(known_vlans(), 4095);
	ck_assert(querier_wants(lan.q, &far));
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
}
END_TEST

/* Of VLANs 1 to 9, only the odd ones are in use. */
START_TEST(a_vlan_not_seen_for_long_is_forgotten)
{
	struct group tagged = lan.g1;

	start();
	for (uint16_t vlan = 1; vlan <= 9; vlan++)
		querier_saw_vlan(lan.q, vlan, lan.now);
	advance(3 * CLOCK_S);
	ck_assert_uint_eq(lan.vlans_known, 9);
	for (int i = 0; i < 50; i++) {
		advance(10 * CLOCK_S);
		for (uint16_t vlan = 1; vlan <= 9; vlan += 2)
			querier_saw_vlan(lan.q, vlan, lan.now);
	}
	ck_assert_uint_eq(lan.vlans_forgotten, 4);
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
	/* Those that are left are asked as before. */
	lan.queries_count = 0;
	for (int i = 0; i < 125; i++) {
		advance(1 * CLOCK_S);
		querier_saw_vlan(lan.q, 9, lan.now);
	}
	ck_assert_uint_ge(lan.queries_count, 2 * 5);
	tagged.vlan = 9;
	say(HOST, REPORT_JOIN, &tagged);
	ck_assert(querier_wants(lan.q, &tagged));
	/* One that comes back is asked like a new one. */
	ck_assert(querier_saw_vlan(lan.q, 2, lan.now));
	ck_assert(wants_all_for(QUERIER_STARTING));
	advance(3 * CLOCK_S);
	ck_assert_uint_eq(lan.vlans_known, 10);
}
END_TEST

/* A member that never answers stays known; if others need the room, its VLAN is
 * forgotten with its groups, so that peers flood it. */
START_TEST(a_silent_member_keeps_its_vlan_unless_room_is_short)
{
	struct group tagged = lan.g1;

	tagged.vlan = 4000;
	start();
	say(HOST, REPORT_JOIN, &tagged);
	advance(1000 * CLOCK_S);
	ck_assert(querier_wants(lan.q, &tagged));
	ck_assert_uint_eq(lan.vlans_forgotten, 0);
	for (uint16_t vlan = 1; vlan <= QUERIER_VLANS_MAX; vlan++)
		querier_saw_vlan(lan.q, vlan, lan.now);
	ck_assert(querier_want_all(lan.q) & 1u << QUERIER_VLANS);
	advance(600 * CLOCK_S);
	ck_assert(!querier_wants(lan.q, &tagged));
	ck_assert_uint_eq(lan.vlans_forgotten, QUERIER_VLANS_MAX);
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
}
END_TEST

static void make_groups(struct group *groups, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		groups[i] = group_v4(0, 0xef000000 + i);
}

START_TEST(full_table_wants_all_until_there_is_room)
{
	struct group many[LAN_GROUPS_MAX + 1];

	make_groups(many, LAN_GROUPS_MAX + 1);
	start();
	ck_assert(say_all(HOST, 3, REPORT_JOIN, many, LAN_GROUPS_MAX));
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
	ck_assert(!say_all(HOST, 3, REPORT_JOIN, many + LAN_GROUPS_MAX, 1));
	ck_assert(wants_all_for(QUERIER_FULL));
	next_general_query();
	say_all(HOST, 3, REPORT_ANSWER, many, LAN_GROUPS_MAX + 1);
	end_general_query();
	ck_assert(wants_all_for(QUERIER_FULL));
	say(HOST, REPORT_LEAVE, &many[0]);
	advance(2 * CLOCK_S);
	ck_assert(wants_all_for(QUERIER_FULL));
	next_general_query();
	say_all(HOST, 3, REPORT_ANSWER, many + 1, LAN_GROUPS_MAX);
	end_general_query();
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
	ck_assert(querier_wants(lan.q, &many[LAN_GROUPS_MAX]));
}
END_TEST

START_TEST(members_that_vanished_make_room_for_those_that_came)
{
	start();
	for (uint8_t host = 1; host < 40; host++) {
		say(host, REPORT_JOIN, &lan.g1);
		advance(3 * CLOCK_S);
		say(host, REPORT_ANSWER, &lan.g1);
		advance(3 * CLOCK_S);
	}
	for (int i = 0; i < 3; i++)
		general_query(39, REPORT_ANSWER, &lan.g1);
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
	ck_assert(querier_wants(lan.q, &lan.g1));
}
END_TEST

START_TEST(walk_shows_every_group)
{
	struct group many[LAN_GROUPS_MAX], g;
	uint32_t at = TABLE_NONE;
	unsigned int seen = 0;

	make_groups(many, LAN_GROUPS_MAX);
	many[0] = lan.g6;
	many[1] = lan.mdns;
	start();
	for (int i = 0; i < LAN_GROUPS_MAX; i++)
		say(HOST, REPORT_JOIN, &many[i]);
	while (querier_next(lan.q, &at, &g))
		for (int i = 0; i < LAN_GROUPS_MAX; i++)
			if (group_equal(&g, &many[i]))
				seen |= 1u << i;
	ck_assert_uint_eq(seen, 0xfd);
	ck_assert_uint_eq(querier_count(lan.q), LAN_GROUPS_MAX - 1);
}
END_TEST

START_TEST(every_reason_has_a_text)
{
	for (int i = 0; i < QUERIER_REASON_COUNT; i++)
		ck_assert_ptr_nonnull(
			querier_reason_text((enum querier_reason)i));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("querier", .setup = lan_setup, .teardown = lan_teardown),
	UNIT_TEST(asks_twice_at_the_start_and_wants_all_meanwhile),
	UNIT_TEST(join_is_no_answer),
	UNIT_TEST(then_asks_every_125_s_with_10_s_to_answer),
	UNIT_TEST(asks_nothing_while_the_tap_is_down),
	UNIT_TEST(what_was_known_outlives_a_link_that_went_down),
	UNIT_TEST(drops_make_it_ask_again_and_want_all_until_none_are_dropped),
	UNIT_TEST(answers_while_frames_are_dropped_remove_no_member),
	UNIT_TEST(leave_while_frames_are_dropped_is_asked_again),
	UNIT_TEST(late_tick_removes_no_member),
	UNIT_TEST(join_is_known_at_once_and_once),
	UNIT_TEST(groups_for_all_are_nobodys_business),
	UNIT_TEST(who_joined_before_the_start_answers),
	UNIT_TEST(leave_is_declared_after_two_queries_that_nobody_answers),
	UNIT_LOOP(leave_of_one_of_two_is_none, 2),
	UNIT_TEST(leave_and_join_again_is_none),
	UNIT_TEST(leave_of_one_of_two_with_one_mac_is_none),
	UNIT_TEST(leave_during_the_start_waits_for_its_end),
	UNIT_TEST(leave_of_a_vanished_neighbours_group_takes_it_along),
	UNIT_TEST(blocked_source_is_asked_about_and_believed_of_who_answers),
	UNIT_TEST(nothing_of_the_past_is_left_after_a_leave),
	UNIT_TEST(leaves_of_strangers_are_nothing),
	UNIT_TEST(vlan_is_asked_as_soon_as_it_is_seen),
	UNIT_TEST(vlans_are_apart),
	UNIT_TEST(a_vlan_is_known_once_it_was_asked_and_told_of_once),
	UNIT_TEST(a_vlan_is_not_known_while_its_answers_may_be_lost),
	UNIT_TEST(a_vlan_seen_while_the_tap_is_down_is_known_later),
	UNIT_TEST(too_many_vlans_want_all),
	UNIT_TEST(a_vlan_not_seen_for_long_is_forgotten),
	UNIT_TEST(a_silent_member_keeps_its_vlan_unless_room_is_short),
	UNIT_TEST(full_table_wants_all_until_there_is_room),
	UNIT_TEST(members_that_vanished_make_room_for_those_that_came),
	UNIT_TEST(walk_shows_every_group),
	UNIT_TEST(every_reason_has_a_text),
	UNIT_CASE("big", .setup = lan_setup_big, .teardown = lan_teardown),
	UNIT_TEST(leave_of_all_groups_is_asked_in_bounded_pieces),
};

UNIT_MAIN("querier", tests)
