/* lib/node: two hosts that bridge the same two networks. Frames of one's own side come
 * back from a peer, hundreds of times a second. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "node/loop.h"
#include "support/main.h"
#include "support/plain_three.h"
#include "support/stations.h"

/* a, b and c, sealed or plain, with their TAPs up. */
static void sealed_setup(void)
{
	three_setup_stations();
	for (size_t i = 0; i < h.count; i++) {
		h.host[i].config.snooping = false;
		h.host[i].config.tap_mac[0] = 2;
		h.host[i].config.tap_mac[5] = (uint8_t)(0x10 + i);
	}
	hosts_mesh(&h, 3);
}

static void plain_pair_setup(void)
{
	plain_setup();
	for (size_t i = 0; i < h.count; i++)
		h.host[i].config.snooping = false;
	plain_mesh(3);
}

static uint64_t serial;

/* The host's side of the TAP sends a frame from that MAC. */
static void sends(struct host *host, uint8_t dst, uint8_t src)
{
	uint8_t *frame = hosts_frame(dst, src, 80, ++serial);

	host_tap(host, frame, 80);
	free(frame);
}

/* b sends back what a's side sent, and it arrives. */
static void comes_back(uint8_t src)
{
	sends(b, 0xff, src);
	host_receive_all(a);
}

/* A frame of a's side that is flooded, and the same frame from b. */
static void goes_round(uint8_t src)
{
	sends(a, 0xff, src);
	comes_back(src);
}

/* How many of the two peers a frame from a's side is sent to. */
static size_t flooded_to(uint8_t dst)
{
	const size_t before = h.log_count;

	sends(a, dst, 1);
	return h.log_count - before;
}

static void next(uint64_t us)
{
	hosts_run(&h, us);
}

START_TEST(loop_is_stopped_and_told)
{
	for (int i = 0; i < LOOP_MAX; i++) {
		goes_round(7);
		next(CLOCK_MS);
	}
	ck_assert_uint_eq(host_events(a, NODE_LOOP), 0);
	ck_assert_uint_eq(host_drops(a, DROP_loop), 0);
	goes_round(7);
	ck_assert_uint_eq(host_events(a, NODE_LOOP), 1);
	ck_assert_uint_eq(host_event(a, NODE_LOOP)->at.ip[15], 2);
	/* Not even that one came in. */
	ck_assert_uint_eq(host_drops(a, DROP_loop), 1);
	next(CLOCK_MS);
	host_forget_written(a);
	comes_back(7);
	ck_assert_uint_eq(a->written_count, 0);
	ck_assert_uint_eq(host_drops(a, DROP_loop), 2);
	/* Nor is anything flooded there. c gets it still, and is heard. */
	ck_assert_uint_eq(flooded_to(0xff), 1);
	ck_assert(addr_equal(&h.log[h.log_count - 1]->to, &c->addrs[0]));
	ck_assert_uint_eq(host_drops(a, DROP_loop), 3);
	sends(c, 0xff, 9);
	host_receive_all(a);
	ck_assert_uint_eq(a->written_count, 1);
}
END_TEST

START_TEST(known_macs_are_not_cut_off)
{
	sends(b, 0xff, 5);
	host_receive_all(a);
	sends(a, 0xff, 1);
	for (int i = 0; i <= LOOP_MAX; i++)
		goes_round(7);
	ck_assert_uint_eq(host_events(a, NODE_LOOP), 1);
	host_receive_all(b);
	host_forget_written(a);
	/* From b to a's side, and from there to b's. */
	sends(b, 1, 5);
	host_receive_all(a);
	ck_assert_uint_eq(a->written_count, 1);
	ck_assert_uint_eq(flooded_to(5), 1);
	ck_assert(addr_equal(&h.log[h.log_count - 1]->to, &b->addrs[0]));
	/* What nobody knows would be flooded. */
	sends(b, 0x77, 5);
	host_receive_all(a);
	ck_assert_uint_eq(a->written_count, 1);
	ck_assert_uint_eq(flooded_to(0x66), 1);
	ck_assert(addr_equal(&h.log[h.log_count - 1]->to, &c->addrs[0]));
}
END_TEST

START_TEST(it_is_tried_again_after_a_second)
{
	for (size_t second = 1; second <= 3; second++) {
		uint64_t before = h.net.now_us;

		for (int i = 0; i <= LOOP_MAX; i++)
			goes_round(7);
		ck_assert_uint_eq(host_events(a, NODE_LOOP), second);
		/* Of what goes round for a second, no more is let through. */
		for (int i = 0; i < 1000; i++) {
			next(900);
			goes_round(7);
		}
		ck_assert_uint_eq(host_events(a, NODE_LOOP), second);
		next(before + 1100 * CLOCK_MS - h.net.now_us);
		host_forget_written(a);
		ck_assert_uint_eq(flooded_to(0xff), 2);
		comes_back(8);
		ck_assert_uint_eq(a->written_count, 1);
		host_forget_events(b);
		host_forget_events(c);
		next(CLOCK_S);
	}
}
END_TEST

/* Each of them sends an advert a second, and what follows a takeover. */
START_TEST(virtual_mac_that_moves_is_no_loop)
{
	for (int i = 0; i < 50; i++) {
		for (int frames = 0; frames < 10; frames++)
			sends(a, 0xff, 7);
		next(100 * CLOCK_MS);
		for (int frames = 0; frames < 10; frames++)
			comes_back(7);
		next(100 * CLOCK_MS);
	}
	ck_assert_uint_eq(host_events(a, NODE_LOOP), 0);
	ck_assert_uint_eq(host_drops(a, DROP_loop), 0);
}
END_TEST

/* It takes its traffic along, all at once. */
START_TEST(virtual_machine_that_moves_is_no_loop)
{
	sends(a, 0xff, 7);
	for (int i = 0; i < 1000; i++)
		comes_back(7);
	ck_assert_uint_eq(host_events(a, NODE_LOOP), 0);
	ck_assert_uint_eq(a->written_count, 1000);
}
END_TEST

/* A host whose MAC is on both sides, or a guest that says so. */
START_TEST(unicast_that_moves_a_mac_is_no_loop)
{
	sends(a, 0xff, 1);
	sends(b, 0xff, 5);
	host_receive_all(a);
	for (int i = 0; i < 1000; i++) {
		sends(a, 0x66, 5);
		sends(b, 1, 5);
		host_receive_all(a);
	}
	ck_assert_uint_eq(host_events(a, NODE_LOOP), 0);
	ck_assert_uint_eq(host_drops(a, DROP_loop), 0);
}
END_TEST

/* b floods one frame, 10,000 times a second. */
static void circles_one_way(void)
{
	uint8_t *frame = hosts_frame(0xff, 7, 80, 1);

	for (int i = 0; i < 5000; i++) {
		host_tap(b, frame, 80);
		host_receive_all(a);
		next(CLOCK_MS / 10);
	}
	free(frame);
}

/* Nothing of the other way is left, so no MAC moves. */
START_TEST(frame_that_circles_one_way_is_stopped)
{
	node_set_tap_wants(a->node, NODE_TAP_BRIDGED, hosts_clock(a));
	circles_one_way();
	ck_assert_uint_eq(host_events(a, NODE_LOOP), 1);
	ck_assert_uint_ge(host_drops(a, DROP_loop), 850);
	ck_assert(addr_equal(&host_event(a, NODE_LOOP)->at, &b->addrs[0]));
}
END_TEST

START_TEST(where_nothing_is_bridged_it_is_a_stream)
{
	circles_one_way();
	ck_assert_uint_eq(host_events(a, NODE_LOOP), 0);
	ck_assert_uint_eq(host_drops(a, DROP_loop), 0);
}
END_TEST

/* Such as adverts, at twice the rate that VRRP knows. */
START_TEST(frames_of_one_content_are_no_loop)
{
	uint8_t *frame = hosts_frame(0xff, 7, 80, 1);

	node_set_tap_wants(a->node, NODE_TAP_BRIDGED, hosts_clock(a));
	for (int i = 0; i < 1000; i++) {
		host_tap(b, frame, 80);
		host_receive_all(a);
		next(5 * CLOCK_MS);
	}
	free(frame);
	ck_assert_uint_eq(host_events(a, NODE_LOOP), 0);
	ck_assert_uint_eq(host_drops(a, DROP_loop), 0);
}
END_TEST

START_TEST(own_mac_in_frames_for_all_is_a_loop)
{
	for (int i = 0; i <= LOOP_MAX; i++)
		comes_back(0x10);
	ck_assert_uint_eq(host_events(a, NODE_LOOP), 1);
	ck_assert_uint_eq(host_drops(a, DROP_loop), 1);
}
END_TEST

/* Two interfaces with one MAC are another mistake, which has its own event. */
START_TEST(own_mac_of_another_host_is_none)
{
	for (int i = 0; i < 1000; i++) {
		sends(b, 0x44, 0x10);
		host_receive_all(a);
	}
	ck_assert_uint_eq(host_events(a, NODE_LOOP), 0);
	ck_assert_uint_eq(host_events(a, NODE_DUPLICATE_MAC), 1);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("sealed", .setup = sealed_setup, .teardown = three_teardown),
	UNIT_TEST(loop_is_stopped_and_told),
	UNIT_TEST(known_macs_are_not_cut_off),
	UNIT_TEST(it_is_tried_again_after_a_second),
	UNIT_TEST(virtual_mac_that_moves_is_no_loop),
	UNIT_TEST(virtual_machine_that_moves_is_no_loop),
	UNIT_TEST(unicast_that_moves_a_mac_is_no_loop),
	UNIT_TEST(frame_that_circles_one_way_is_stopped),
	UNIT_TEST(where_nothing_is_bridged_it_is_a_stream),
	UNIT_TEST(frames_of_one_content_are_no_loop),
	UNIT_TEST(own_mac_in_frames_for_all_is_a_loop),
	UNIT_TEST(own_mac_of_another_host_is_none),
	UNIT_CASE("plain", .setup = plain_pair_setup,
		  .teardown = three_teardown),
	UNIT_TEST(loop_is_stopped_and_told),
	UNIT_TEST(known_macs_are_not_cut_off),
	UNIT_TEST(it_is_tried_again_after_a_second),
	UNIT_TEST(virtual_mac_that_moves_is_no_loop),
	UNIT_TEST(virtual_machine_that_moves_is_no_loop),
	UNIT_TEST(unicast_that_moves_a_mac_is_no_loop),
	UNIT_TEST(frame_that_circles_one_way_is_stopped),
	UNIT_TEST(where_nothing_is_bridged_it_is_a_stream),
	UNIT_TEST(frames_of_one_content_are_no_loop),
	UNIT_TEST(own_mac_in_frames_for_all_is_a_loop),
	UNIT_TEST(own_mac_of_another_host_is_none),
};

UNIT_MAIN("loop", tests)
