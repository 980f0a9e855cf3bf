/* Unicast whose owner is gone, never spoke, or has moved without a word. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/main.h"
#include "support/three.h"

/* 9 Mb/s. */
#define FRAME_LEN 1200
#define STEP_US	  1000
#define SECOND	  (CLOCK_S / STEP_US)

/* What is behind b besides its own MAC, 2. */
#define STATION 9

static uint64_t sent_by_a(void)
{
	struct node_status s;

	node_status(a->node, &s);
	return s.tx.bytes;
}

/* a sends frames to a MAC, one each millisecond. */
static void stream(uint8_t mac, unsigned int frames)
{
	uint8_t *frame = hosts_frame(mac, 1, FRAME_LEN, 5);

	for (unsigned int i = 0; i < frames; i++) {
		host_tap(a, frame, FRAME_LEN);
		hosts_run(&h, STEP_US);
	}
	free(frame);
}

/* One broadcast, by which its source is learned. */
static void speak(struct host *host, uint8_t mac)
{
	uint8_t *frame = hosts_frame(0xff, mac, 60, 7);

	host_tap(host, frame, 60);
	arrive();
	free(frame);
}

static void six_setup(void)
{
	hosts_init(&h, 6);
	for (size_t i = 0; i < h.count; i++)
		memcpy(h.host[i].config.tap_mac,
		       (const uint8_t[]){ 2, 0, 0, 0, 0, (uint8_t)(i + 1) }, 6);
}

/* ---- its owner dies ---- */

enum { OWN_SILENT, OWN_HEARD, BEHIND };

START_TEST(death_of_a_peer_under_a_stream_costs_hardly_more_than_it_did)
{
	const uint8_t mac = _i == BEHIND ? STATION : 2;
	uint64_t before, ten_seconds;

	hosts_mesh(&h, 6);
	if (_i != OWN_SILENT)
		speak(b, mac);
	hosts_run(&h, 2 * CLOCK_S);
	before = sent_by_a();
	stream(mac, 10 * SECOND);
	ten_seconds = sent_by_a() - before;
	ck_assert_uint_lt(ten_seconds, 13000000);
	host_stop(b);
	for (int i = 0; i < 3; i++) {
		before = sent_by_a();
		stream(mac, 10 * SECOND);
		ck_assert_uint_lt(10 * (sent_by_a() - before),
				  12 * ten_seconds);
	}
	ck_assert_uint_gt(host_drops(a, DROP_unknown_unicast), 20 * SECOND);
}
END_TEST

/* Its port is another's, or nobody's, and the stream goes on. */
START_TEST(what_was_behind_a_peer_that_expired_is_still_lost)
{
	uint64_t before;

	a->config.expire_us = 5 * CLOCK_S;
	hosts_mesh(&h, 6);
	host_want(a, NULL, 0);
	speak(b, STATION);
	for (size_t i = 1; i < 6; i++)
		host_want(&h.host[i], NULL, 0);
	host_stop(b);
	hosts_run(&h, 12 * CLOCK_S);
	ck_assert(!host_knows(a, b));
	before = sent_by_a();
	stream(STATION, 10 * SECOND);
	ck_assert_uint_lt(sent_by_a() - before, 2000000);
	ck_assert_uint_gt(host_drops(a, DROP_unknown_unicast), 9 * SECOND);
}
END_TEST

/* It hears nothing of a, which hears it, and learns of it. */
START_TEST(peer_that_is_cut_off_one_way_costs_hardly_more_than_it_did)
{
	uint64_t before;

	hosts_mesh(&h, 6);
	hosts_run(&h, 2 * CLOCK_S);
	hosts_link(&h, a, b)->cut = true;
	for (int i = 0; i < 20; i++) {
		speak(b, STATION);
		before = sent_by_a();
		stream(STATION, SECOND);
		ck_assert_uint_lt(sent_by_a() - before, 1500000);
	}
}
END_TEST

/* ---- it has moved without a word ---- */

START_TEST(mac_that_moved_silently_is_found_within_a_second)
{
	size_t since;
	const uint8_t mac = _i & 1 ? STATION : 2;

	hosts_mesh(&h, 6);
	speak(b, mac);
	host_stop(b);
	stream(mac, 3500);
	ck_assert(!host_up(a, b));
	/* Seconds later it is behind c, and answers what it gets. */
	stream(mac, (unsigned int)_i * SECOND);
	host_forget_written(c);
	stream(mac, SECOND);
	ck_assert_uint_gt(c->written_count, 0);
	speak(c, mac);
	since = h.log_count;
	host_forget_written(c);
	stream(mac, 100);
	arrive();
	ck_assert_uint_eq(c->written_count, 100);
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_DATA, a, &h.host[3], since),
			  0);
}
END_TEST

/* ---- it never speaks ---- */

/* One each 100 ms, for 300 s; all of them arrive at b. */
static void static_arp_stream(uint8_t mac)
{
	uint8_t *frame = hosts_frame(mac, 1, FRAME_LEN, 5);

	host_forget_written(b);
	for (int i = 0; i < 3000; i++) {
		host_tap(a, frame, FRAME_LEN);
		hosts_run(&h, 100 * CLOCK_MS);
	}
	arrive();
	ck_assert_uint_eq(b->written_count, 3000);
	free(frame);
}

START_TEST(stream_to_a_silent_receiver_loses_nothing_in_300_s)
{
	hosts_mesh(&h, 3);
	static_arp_stream(STATION);
}
END_TEST

START_TEST(silent_receivers_own_mac_is_no_others_business)
{
	hosts_mesh(&h, 3);
	host_forget_written(c);
	static_arp_stream(2);
	ck_assert_uint_eq(c->written_count, 0);
}
END_TEST

/* It was heard once, long ago. */
START_TEST(receiver_that_has_aged_out_loses_nothing)
{
	hosts_mesh(&h, 3);
	speak(b, STATION);
	static_arp_stream(STATION);
	static_arp_stream(STATION);
}
END_TEST

START_TEST(receiver_behind_a_peer_that_is_back_loses_nothing)
{
	hosts_mesh(&h, 3);
	speak(b, STATION);
	if (_i == 0) {
		hosts_link(&h, a, b)->cut = hosts_link(&h, b, a)->cut = true;
		stream(STATION, 6 * SECOND);
		hosts_heal(&h);
	} else {
		host_stop(b);
		stream(STATION, (unsigned int)_i * SECOND);
		host_start(b);
		host_dial(b, a);
	}
	ck_assert(hosts_until(&h, hosts_pair_up, 6 * CLOCK_S));
	static_arp_stream(STATION);
}
END_TEST

START_TEST(new_mac_of_a_peers_interface_is_known_as_soon_as_it_says_so)
{
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, 77 };

	hosts_mesh(&h, 3);
	node_set_tap_mac(b->node, mac, hosts_clock(b));
	hosts_run(&h, CLOCK_S);
	host_forget_written(b);
	host_forget_written(c);
	stream(77, 100);
	arrive();
	ck_assert_uint_eq(b->written_count, 100);
	ck_assert_uint_eq(c->written_count, 0);
	/* The one it had may be anywhere. */
	stream(2, 100);
	arrive();
	ck_assert_uint_eq(c->written_count, 100);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("owner gone", .setup = six_setup, .teardown = three_teardown,
		  .timeout_s = 30),
	UNIT_LOOP(death_of_a_peer_under_a_stream_costs_hardly_more_than_it_did,
		  BEHIND + 1),
	UNIT_TEST(what_was_behind_a_peer_that_expired_is_still_lost),
	UNIT_TEST(peer_that_is_cut_off_one_way_costs_hardly_more_than_it_did),
	UNIT_RANGE(mac_that_moved_silently_is_found_within_a_second, 0, 6),
	UNIT_TEST(stream_to_a_silent_receiver_loses_nothing_in_300_s),
	UNIT_TEST(silent_receivers_own_mac_is_no_others_business),
	UNIT_TEST(receiver_that_has_aged_out_loses_nothing),
	UNIT_LOOP(receiver_behind_a_peer_that_is_back_loses_nothing, 6),
	UNIT_TEST(new_mac_of_a_peers_interface_is_known_as_soon_as_it_says_so),
};

UNIT_MAIN("node unicast", tests)
