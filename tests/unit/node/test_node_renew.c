/* lib/node: keys are made anew, at once or one after the other. */
#include <check.h>
#include <string.h>

#include "support/main.h"
#include "support/three.h"

static bool has_session(const struct host *of, const struct host *with,
			uint32_t local)
{
	struct node_debug_peer p = host_peer(of, with);

	for (size_t i = 0; i < p.sessions_count; i++)
		if (p.sessions[i].local == local)
			return true;
	return false;
}

static uint32_t current(const struct host *of, const struct host *with)
{
	struct node_debug_peer p = host_peer(of, with);

	ck_assert(p.has_current);
	return p.current.local;
}

static void forget(const struct host *host)
{
	node_forget(host->node, hosts_clock(host));
}

static void renew(const struct host *host)
{
	node_renew(host->node, hosts_clock(host));
}

/* ---- at once ---- */

START_TEST(no_session_outlives_a_forget)
{
	ck_assert_uint_gt(node_forget(a->node, hosts_clock(a)), 1);
	host_assert_no_sessions(a, b);
	host_assert_no_sessions(a, c);
	ck_assert_uint_eq(host_debug(a).indices, 0);
	ck_assert_uint_eq(host_debug(a).pending, 0);
}
END_TEST

/* Initiations in flight and sessions that are no peer's yet are keys too. */
START_TEST(a_handshake_does_not_outlive_a_forget)
{
	host_start(a);
	host_start(b);
	host_dial(a, b);
	for (int i = 0; i < 200 && !host_debug(b).half_open; i++)
		hosts_run(&h, CLOCK_MS);
	ck_assert_uint_gt(host_debug(a).indices + host_debug(b).indices, 0);
	forget(a);
	forget(b);
	ck_assert_uint_eq(host_debug(a).indices, 0);
	ck_assert_uint_eq(host_debug(b).indices, 0);
	ck_assert_uint_eq(host_debug(b).half_open, 0);
	ck_assert(hosts_until(&h, hosts_pair_up, 2 * CLOCK_S));
}
END_TEST

START_TEST(what_was_sent_before_is_refused_after)
{
	uint32_t before = current(a, b);

	hosts_forget_log(&h);
	host_say(b, 1);
	forget(a);
	arrive();
	ck_assert(!host_heard(a, b, 1));
	ck_assert_uint_eq(host_drops(a, DROP_data_index), 1);
	hosts_run(&h, 500 * CLOCK_MS);
	ck_assert_uint_ne(current(a, b), before);
	ck_assert(host_talks(a, b) && host_talks(b, a));
}
END_TEST

/* Peers see another process of the same key; nobody is down for it. */
START_TEST(a_forget_is_a_restart_with_a_memory)
{
	uint64_t epoch = host_debug(a).epoch;
	uint64_t timestamp = host_debug(a).timestamp_us;

	ck_assert(host_talks(b, a));
	host_forget_events(a);
	host_forget_events(b);
	forget(a);
	ck_assert_uint_ne(host_debug(a).epoch, epoch);
	ck_assert_uint_eq(host_debug(a).timestamp_us, timestamp);
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_uint_eq(host_events(b, NODE_PEER_RESTARTED), 1);
	ck_assert_uint_eq(host_events(b, NODE_PEER_DOWN), 0);
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
	ck_assert_uint_gt(host_debug(a).timestamp_us, timestamp);
	ck_assert(host_talks(a, b) && host_talks(b, a));
}
END_TEST

/* A clock that was put back with the rest of the machine: the first initiation is
 * asked for a cookie, and the next one counts. */
START_TEST(a_forget_heals_with_a_clock_in_the_past)
{
	a->wall_offset_us -= (int64_t)(3600 * CLOCK_S);
	forget(a);
	hosts_run(&h, CLOCK_S);
	ck_assert(host_talks(a, b) && host_talks(b, a));
}
END_TEST

/* ---- one after the other ---- */

START_TEST(a_renewal_loses_nothing_and_ends_the_old_keys)
{
	uint32_t before = current(a, b);
	uint64_t epoch = host_debug(a).epoch;
	uint64_t open_us = 0;

	host_forget_events(a);
	host_forget_events(b);
	renew(a);
	for (uint64_t i = 0; i < 200; i++) {
		ck_assert(host_talks(a, b) && host_talks(b, a));
		hosts_run(&h, 80 * CLOCK_MS);
		if (!open_us && current(a, b) != before)
			open_us = h.net.now_us;
		if (open_us && h.net.now_us > open_us + 5100 * CLOCK_MS)
			ck_assert(!has_session(a, b, before));
	}
	ck_assert_uint_ne(open_us, 0);
	ck_assert_uint_lt(open_us, HOSTS_START + 20 * CLOCK_S);
	ck_assert_uint_eq(host_debug(a).epoch, epoch);
	ck_assert_uint_eq(host_events(b, NODE_PEER_RESTARTED), 0);
	ck_assert_uint_eq(host_events(b, NODE_PEER_DOWN), 0);
}
END_TEST

static unsigned sessions_in(uint64_t us, bool every_second)
{
	uint32_t last = current(a, b);
	unsigned count = 0;

	for (uint64_t until = h.net.now_us + us; h.net.now_us < until;) {
		if (every_second)
			renew(a);
		hosts_run(&h, CLOCK_S);
		if (current(a, b) == last)
			continue;
		last = current(a, b);
		count++;
	}
	return count;
}

/* Whoever steps the clock each second has one handshake a minute. */
START_TEST(renewals_are_a_minute_apart)
{
	unsigned count = sessions_in(600 * CLOCK_S, true);

	ck_assert_uint_ge(count, 8);
	ck_assert_uint_le(count, 11);
}
END_TEST

/* A sign within the minute is not lost: its renewal comes after it. */
START_TEST(a_renewal_that_comes_early_is_put_off)
{
	renew(a);
	hosts_run(&h, 30 * CLOCK_S);
	renew(a);
	ck_assert_uint_eq(sessions_in(20 * CLOCK_S, false), 0);
	ck_assert_uint_eq(sessions_in(35 * CLOCK_S, false), 1);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("forget", .setup = three_setup_mesh,
		  .teardown = three_teardown),
	UNIT_TEST(no_session_outlives_a_forget),
	UNIT_TEST(what_was_sent_before_is_refused_after),
	UNIT_TEST(a_forget_is_a_restart_with_a_memory),
	UNIT_TEST(a_forget_heals_with_a_clock_in_the_past),
	UNIT_CASE("forget a handshake", .setup = three_setup,
		  .teardown = three_teardown),
	UNIT_TEST(a_handshake_does_not_outlive_a_forget),
	UNIT_CASE("renew", .setup = three_setup_pair,
		  .teardown = three_teardown),
	UNIT_TEST(a_renewal_loses_nothing_and_ends_the_old_keys),
	UNIT_TEST(renewals_are_a_minute_apart),
	UNIT_TEST(a_renewal_that_comes_early_is_put_off),
};

UNIT_MAIN("node_renew", tests)
