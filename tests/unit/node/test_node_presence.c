/* lib/node: whether a peer is there at all. */
#include <check.h>
#include <stdlib.h>

#include "node/pmtu.h"
#include "support/main.h"
#include "support/outsider.h"
#include "support/three.h"

static bool b_down_at_a(const struct hosts *hosts)
{
	const struct host *from = &hosts->host[0], *of = &hosts->host[1];

	return host_knows(from, of) &&
	       host_peer(from, of).state == NODE_PEER_STATE_DOWN;
}

START_TEST(a_peer_that_vanished_is_down_in_three_intervals)
{
	uint8_t *frame = hosts_frame(1, 2, 60, 1);
	struct node_peer_info info;
	uint64_t began;

	hosts_mesh(&h, 2);
	host_tap(b, frame, 60); /* a learns b's MAC */
	hosts_run(&h, CLOCK_S);
	ck_assert_uint_eq(host_status(a).fdb_count, 1);
	host_stop(b);
	began = h.net.now_us;
	ck_assert(hosts_until(&h, b_down_at_a, 4 * CLOCK_S));
	ck_assert_uint_ge(h.net.now_us - began, 1500 * CLOCK_MS);
	ck_assert_uint_eq(host_status(a).fdb_count, 0);
	ck_assert_str_eq(host_event(a, NODE_PEER_DOWN)->text,
			 "no answer: is UDP 8273 open both ways?");
	info = host_shows(a, &b->addrs[0]);
	ck_assert_int_eq(info.state, NODE_PEER_STATE_DOWN);
	ck_assert_str_eq(info.reason, "no answer: is UDP 8273 open both ways?");
	ck_assert_uint_eq(info.up_since_us, 0);
	free(frame);
}
END_TEST

START_TEST(a_path_that_was_cut_is_back_soon_after_it_heals)
{
	hosts_mesh(&h, 2);
	for (uint64_t cut_s = 2; cut_s < 70; cut_s += 13) {
		net_isolate(&h.net, 0, true);
		hosts_run(&h, cut_s * CLOCK_S);
		hosts_heal(&h);
		ck_assert(hosts_until(&h, hosts_pair_up, 5100 * CLOCK_MS));
		arrive();
		ck_assert(host_talks(a, b));
		ck_assert(host_talks(b, a));
	}
}
END_TEST

START_TEST(a_short_cut_takes_nobody_down)
{
	hosts_mesh(&h, 2);
	for (int i = 0; i < 20; i++) {
		net_isolate(&h.net, 0, true);
		hosts_run(&h, 1300 * CLOCK_MS);
		hosts_heal(&h);
		hosts_run(&h, 3 * CLOCK_S);
	}
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
	ck_assert_uint_eq(host_events(b, NODE_PEER_DOWN), 0);
}
END_TEST

START_TEST(a_path_cut_one_way_is_down_at_both_ends)
{
	hosts_mesh(&h, 2);
	hosts_run(&h, CLOCK_S);
	hosts_link(&h, a, b)->cut = true;
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert(b_down_at_a(&h));
	ck_assert_str_eq(host_event(a, NODE_PEER_DOWN)->text,
			 "it does not hear us: is UDP 8273 open both ways?");
	ck_assert_int_eq(host_peer(b, a).state, NODE_PEER_STATE_DOWN);
	hosts_heal(&h);
	ck_assert(hosts_until(&h, hosts_pair_up, 6 * CLOCK_S));
}
END_TEST

START_TEST(an_idle_pair_wakes_seldom_and_says_little)
{
	size_t since;
	uint64_t wakes = 0, end;

	hosts_mesh(&h, 2);
	hosts_run(&h, 10 * CLOCK_S);
	since = h.log_count;
	end = h.net.now_us + 60 * CLOCK_S;
	while (h.net.now_us < end) {
		uint64_t next = node_deadline(a->node);

		ck_assert_uint_gt(next, h.net.now_us);
		wakes++;
		hosts_run(&h, next - h.net.now_us);
	}
	ck_assert_uint_le(wakes, 60 * 8);
	ck_assert_uint_le(h.log_count - since, 60 * 4);
}
END_TEST

START_TEST(goodbye_is_down_at_once_and_ends_the_flooding)
{
	size_t since;

	hosts_mesh(&h, 2);
	node_bye(b->node, hosts_clock(b));
	host_stop(b);
	arrive();
	ck_assert(b_down_at_a(&h));
	ck_assert_str_eq(host_event(a, NODE_PEER_DOWN)->text,
			 "stopped: it said goodbye");
	host_assert_no_sessions(a, b);
	since = h.log_count;
	host_say(a, 1);
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_DATA, a, b, since), 0);
	ck_assert_uint_eq(host_drops(a, DROP_no_peer), 1);
	host_start(b);
	host_dial(b, a);
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
}
END_TEST

static size_t copies_to_b(uint8_t payload)
{
	size_t since = h.log_count;

	host_say(a, payload);
	return hosts_count_sent(&h, WIRE_DATA, a, b, since);
}

START_TEST(flooding_to_a_silent_peer_goes_on_for_10_s)
{
	hosts_mesh(&h, 2);
	host_stop(b);
	ck_assert(hosts_until(&h, b_down_at_a, 4 * CLOCK_S));
	hosts_run(&h, 9900 * CLOCK_MS);
	ck_assert_uint_eq(copies_to_b(1), 1);
	ck_assert_uint_eq(host_drops(a, DROP_no_peer), 0);
	hosts_run(&h, 200 * CLOCK_MS);
	ck_assert_uint_eq(copies_to_b(2), 0);
	ck_assert_uint_eq(host_drops(a, DROP_no_peer), 1);
}
END_TEST

START_TEST(flooding_ends_in_time_however_seldom_a_peer_is_probed)
{
	a->config.interval_us = b->config.interval_us = 60 * CLOCK_S;
	hosts_mesh(&h, 2);
	host_stop(b);
	ck_assert(hosts_until(&h, b_down_at_a, 181 * CLOCK_S));
	hosts_run(&h, 10100 * CLOCK_MS);
	ck_assert_uint_eq(copies_to_b(1), 0);
}
END_TEST

/* It was cut off, on one way or both, and knows nothing of having been given up. */
START_TEST(a_peer_that_was_given_up_is_sent_to_as_soon_as_it_is_back)
{
	hosts_mesh(&h, 2);
	hosts_link(&h, b, a)->cut = true;
	hosts_link(&h, a, b)->cut = _i != 0;
	hosts_run(&h, 20 * CLOCK_S);
	ck_assert(b_down_at_a(&h));
	ck_assert_uint_eq(copies_to_b(1), 0);
	hosts_heal(&h);
	ck_assert(hosts_until(&h, hosts_pair_up, 6 * CLOCK_S));
	ck_assert_uint_eq(copies_to_b(2), 1);
	arrive();
	ck_assert_uint_gt(b->written_count, 0);
	/* … and for another 10 s when it is gone again. */
	host_stop(b);
	ck_assert(hosts_until(&h, b_down_at_a, 4 * CLOCK_S));
	hosts_run(&h, 9 * CLOCK_S);
	ck_assert_uint_eq(copies_to_b(3), 1);
}
END_TEST

/* A container that is made anew, with a new key, each time that it crashes. */
START_TEST(ghosts_of_a_host_that_crashes_again_and_again_get_no_copies)
{
	hosts_mesh(&h, 3);
	for (uint8_t key = 1; key <= 12; key++) {
		host_stop(b);
		b->config.private_key[5] = key;
		host_start(b);
		host_dial(b, a);
		ck_assert(hosts_until(&h, hosts_pair_up, 6 * CLOCK_S));
	}
	ck_assert_uint_eq(host_debug(a).peers, 14);
	hosts_run(&h, 14 * CLOCK_S);
	ck_assert(hosts_pair_up(&h));
	ck_assert_uint_eq(copies_to_b(1), 1);
	host_stop(b);
	hosts_run(&h, 14 * CLOCK_S);
	ck_assert_uint_eq(copies_to_b(2), 0);
	ck_assert_uint_eq(host_debug(a).peers, 14);
}
END_TEST

START_TEST(a_peer_nobody_wants_is_forgotten_after_it_expired)
{
	struct outsider o;

	outsider_init(&o, 1);
	a->config.expire_us = 20 * CLOCK_S;
	hosts_mesh(&h, 2);
	outsider_join(&o, a);
	host_dial(a, b);
	host_stop(b);
	hosts_run(&h, 15 * CLOCK_S);
	ck_assert(host_knows_key(a, &o.key));
	hosts_run(&h, 10 * CLOCK_S);
	ck_assert(!host_knows_key(a, &o.key));
	ck_assert(!host_knows_at(a, &o.at));
	/* b is wanted: it stays. */
	ck_assert(host_knows(a, b));
	outsider_free(&o);
}
END_TEST

START_TEST(what_the_kernel_says_about_a_path_is_shown)
{
	host_start(a);
	host_dial(a, b);
	hosts_run(&h, CLOCK_S);
	node_send_failed(a->node, &b->addrs[0], DROP_send_unreachable, 144, 2,
			 hosts_clock(a));
	ck_assert_uint_eq(host_drops(a, DROP_send_unreachable), 2);
	ck_assert_str_eq(host_shows(a, &b->addrs[0]).reason,
			 "unreachable: no route, or refused by a local filter");
	node_send_failed(a->node, &elsewhere, DROP_send_again, 144, 1,
			 hosts_clock(a));
	ck_assert_uint_eq(host_drops(a, DROP_send_again), 1);
}
END_TEST

START_TEST(a_datagram_too_big_for_our_own_interface_shrinks_the_next)
{
	hosts_mesh(&h, 2);
	hosts_run(&h, CLOCK_S);
	ck_assert_uint_eq(host_peer(a, b).datagram_size, PMTU_MAX);
	node_send_failed(a->node, &b->addrs[0], DROP_send_too_big, PMTU_MAX, 1,
			 hosts_clock(a));
	ck_assert_uint_eq(host_peer(a, b).datagram_size, PMTU_BASE);
	node_send_failed(a->node, &b->addrs[0], DROP_send_too_big, PMTU_BASE, 1,
			 hosts_clock(a));
	ck_assert_uint_eq(host_peer(a, b).datagram_size, PMTU_MIN_V4);
	ck_assert_uint_eq(host_drops(a, DROP_send_too_big), 2);
	ck_assert_uint_eq(host_shows(a, &b->addrs[0]).datagram_size,
			  PMTU_MIN_V4);
}
END_TEST

static void limit(uint16_t datagram_max)
{
	hosts_link(&h, a, b)->datagram_max = datagram_max;
	hosts_link(&h, b, a)->datagram_max = datagram_max;
}

START_TEST(a_path_that_takes_only_small_datagrams_gets_small_ones)
{
	uint8_t *frame = hosts_frame(0xff, 1, 1514, 9);

	limit(PMTU_MIN_V4);
	hosts_mesh(&h, 2);
	host_tap(a, frame, 1514);
	arrive();
	ck_assert_uint_eq(b->written_count, 1);
	ck_assert_uint_eq(b->written[0].len, 1514);
	ck_assert_mem_eq(b->written[0].bytes, frame, 1514);
	hosts_heal(&h);
	hosts_run(&h, 120 * CLOCK_S);
	ck_assert_uint_eq(host_peer(a, b).datagram_size, PMTU_MAX);
	limit(PMTU_MIN_V4);
	host_tap(a, frame, 1514);
	hosts_run(&h, 5 * CLOCK_S);
	host_tap(a, frame, 1514);
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_uint_eq(host_peer(a, b).datagram_size, PMTU_MIN_V4);
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
	free(frame);
}
END_TEST

START_TEST(looking_for_a_larger_size_is_no_loss)
{
	limit(1472);
	hosts_mesh(&h, 2);
	for (int i = 0; i < 30; i++) {
		hosts_run(&h, 10 * CLOCK_S);
		ck_assert_double_lt(host_shows(a, &b->addrs[0]).loss, 1e-6);
		ck_assert_double_lt(host_shows(b, &a->addrs[0]).loss, 1e-6);
	}
	ck_assert_uint_eq(host_peer(a, b).datagram_size, 1472);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("there or not", .setup = three_setup,
		  .teardown = three_teardown),
	UNIT_TEST(looking_for_a_larger_size_is_no_loss),
	UNIT_TEST(a_peer_that_vanished_is_down_in_three_intervals),
	UNIT_TEST(a_path_that_was_cut_is_back_soon_after_it_heals),
	UNIT_TEST(a_short_cut_takes_nobody_down),
	UNIT_TEST(a_path_cut_one_way_is_down_at_both_ends),
	UNIT_TEST(an_idle_pair_wakes_seldom_and_says_little),
	UNIT_TEST(goodbye_is_down_at_once_and_ends_the_flooding),
	UNIT_TEST(flooding_to_a_silent_peer_goes_on_for_10_s),
	UNIT_TEST(flooding_ends_in_time_however_seldom_a_peer_is_probed),
	UNIT_LOOP(a_peer_that_was_given_up_is_sent_to_as_soon_as_it_is_back, 2),
	UNIT_TEST(ghosts_of_a_host_that_crashes_again_and_again_get_no_copies),
	UNIT_TEST(a_peer_nobody_wants_is_forgotten_after_it_expired),
	UNIT_TEST(what_the_kernel_says_about_a_path_is_shown),
	UNIT_TEST(a_datagram_too_big_for_our_own_interface_shrinks_the_next),
	UNIT_TEST(a_path_that_takes_only_small_datagrams_gets_small_ones),
};

UNIT_MAIN("node presence", tests)
