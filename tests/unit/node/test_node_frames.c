/* lib/node: frames, from one TAP to the others. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/alloc.h"
#include "support/frames.h"
#include "support/main.h"
#include "support/opened.h"
#include "support/outsider.h"
#include "support/three.h"

/* Sends one frame between the MACs. */
static void send(struct host *host, uint8_t dst, uint8_t src, size_t len)
{
	uint8_t *frame = hosts_frame(dst, src, len, len);

	host_tap(host, frame, len);
	free(frame);
}

/* ---- what the TAP may say ---- */

START_TEST(frames_that_are_none_are_dropped_and_counted)
{
	uint8_t *frame = hosts_frame(0xff, 1, 2000, 1);

	hosts_mesh(&h, 2);
	host_tap(a, frame, ETH_HEADER_LEN - 1);
	ck_assert_uint_eq(host_drops(a, DROP_frame_short), 1);
	host_tap(a, frame, 1500 + ETH_OVERHEAD_MAX + 1);
	ck_assert_uint_eq(host_drops(a, DROP_frame_long), 1);
	frame[6] |= 1;
	host_tap(a, frame, 60);
	ck_assert_uint_eq(host_drops(a, DROP_frame_bad_source), 1);
	arrive();
	ck_assert_uint_eq(b->written_count, 0);
	ck_assert_uint_eq(host_drops_total(a), 3);
	ck_assert_uint_eq(host_status(a).tx.frames, 3);
	free(frame);
}
END_TEST

START_TEST(every_length_from_the_least_to_the_most_arrives_unchanged)
{
	hosts_mesh(&h, 2);
	for (size_t len = ETH_HEADER_LEN; len <= 1500 + ETH_OVERHEAD_MAX;
	     len++) {
		uint8_t *frame = hosts_frame(0xff, 1, len, len);

		host_forget_written(b);
		host_tap(a, frame, len);
		arrive();
		ck_assert_uint_eq(b->written_count, 1);
		ck_assert_uint_eq(b->written[0].len, len);
		ck_assert_mem_eq(b->written[0].bytes, frame, len);
		free(frame);
	}
	ck_assert_uint_eq(host_drops_total(a) + host_drops_total(b), 0);
}
END_TEST

START_TEST(a_frame_for_this_side_of_the_tap_goes_nowhere)
{
	hosts_mesh(&h, 2);
	send(a, 0xff, 1, 60);
	send(a, 0xff, 2, 60);
	send(a, 1, 2, 60);
	arrive();
	ck_assert_uint_eq(b->written_count, 2);
	ck_assert_uint_eq(host_drops(a, DROP_frame_local), 1);
}
END_TEST

START_TEST(a_frame_for_nobody_is_counted)
{
	host_start(a);
	send(a, 0xff, 1, 60);
	send(a, 9, 1, 60);
	ck_assert_uint_eq(host_drops(a, DROP_no_peer), 2);
	ck_assert_uint_eq(h.log_count, 0);
}
END_TEST

/* ---- who gets it ---- */

START_TEST(broadcast_reaches_everyone_once)
{
	hosts_mesh(&h, 3);
	send(a, 0xff, 1, 60);
	arrive();
	ck_assert_uint_eq(b->written_count, 1);
	ck_assert_uint_eq(c->written_count, 1);
	ck_assert_uint_eq(a->written_count, 0);
}
END_TEST

START_TEST(a_known_mac_gets_its_frames_alone)
{
	size_t since;

	hosts_mesh(&h, 3);
	send(a, 2, 1, 60); /* not known yet: to all */
	arrive();
	ck_assert_uint_eq(c->written_count, 1);
	send(b, 0xff, 2, 60);
	arrive();
	host_forget_written(b);
	host_forget_written(c);
	since = h.log_count;
	send(a, 2, 1, 60);
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_DATA, a, b, since), 1);
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_DATA, a, c, since), 0);
	arrive();
	ck_assert_uint_eq(b->written_count, 1);
	ck_assert_uint_eq(c->written_count, 0);
	/* One that moves is followed at once: a virtual MAC and its master. */
	send(c, 0xff, 2, 60);
	arrive();
	host_forget_written(b);
	host_forget_written(c);
	send(a, 2, 1, 60);
	arrive();
	ck_assert_uint_eq(b->written_count, 0);
	ck_assert_uint_eq(c->written_count, 1);
}
END_TEST

START_TEST(known_macs_of_two_peers_in_one_read_get_their_own)
{
	static uint8_t bytes[4][FRAME_HEADROOM + 60];
	struct frame frames[4];
	struct iovec iov[4];

	hosts_mesh(&h, 3);
	send(b, 0xff, 2, 60);
	send(c, 0xff, 3, 60);
	arrive();
	host_forget_written(b);
	host_forget_written(c);
	for (uint8_t i = 0; i < 4; i++) {
		uint8_t *frame = hosts_frame(i % 2 ? 2 : 3, 1, 60, i);

		memcpy(bytes[i] + FRAME_HEADROOM, frame, 60);
		iov[i] = (struct iovec){ bytes[i] + FRAME_HEADROOM, 60 };
		frames[i] = (struct frame){ &iov[i], 1, { 0 } };
		free(frame);
	}
	node_from_tap(a->node, frames, 4, hosts_clock(a));
	arrive();
	ck_assert_uint_eq(b->written_count, 2);
	ck_assert_uint_eq(c->written_count, 2);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_mem_eq(b->written[i].bytes, iov[2 * i + 1].iov_base,
				 60);
		ck_assert_mem_eq(c->written[i].bytes, iov[2 * i].iov_base, 60);
	}
}
END_TEST

START_TEST(the_mac_of_a_peer_that_is_gone_is_flooded)
{
	hosts_mesh(&h, 3);
	send(b, 0xff, 2, 60);
	arrive();
	node_bye(b->node, hosts_clock(b));
	arrive();
	host_forget_written(c);
	send(a, 2, 1, 60);
	arrive();
	ck_assert_uint_eq(c->written_count, 1);
}
END_TEST

START_TEST(a_mac_unheard_for_five_minutes_is_flooded_again)
{
	hosts_mesh(&h, 3);
	send(b, 0xff, 2, 60);
	arrive();
	hosts_run(&h, 301 * CLOCK_S);
	host_forget_written(c);
	send(a, 2, 1, 60);
	arrive();
	ck_assert_uint_eq(c->written_count, 1);
	hosts_run(&h, 331 * CLOCK_S);
	ck_assert_uint_eq(host_status(a).fdb_count, 0);
}
END_TEST

START_TEST(what_a_peer_sends_goes_to_no_other_peer)
{
	size_t since;

	hosts_mesh(&h, 3);
	hosts_run(&h, CLOCK_S);
	since = h.log_count;
	send(b, 0xff, 2, 60);
	hosts_run(&h, h.latency_us);
	ck_assert_uint_eq(a->written_count, 1);
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_DATA, a, c, since), 0);
}
END_TEST

START_TEST(a_full_table_of_macs_is_counted_and_loses_no_frame)
{
	a->config.fdb_per_peer = 2;
	a->config.fdb_capacity = 4;
	b->config.fdb_capacity = 6;
	hosts_mesh(&h, 2);
	for (uint8_t mac = 10; mac < 15; mac++)
		send(b, 0xff, mac, 60);
	arrive();
	ck_assert_uint_eq(a->written_count, 5);
	ck_assert_uint_eq(host_drops(a, DROP_fdb_full), 3);
	ck_assert_uint_eq(host_drops(b, DROP_fdb_full), 2);
}
END_TEST

/* ---- order and packing ---- */

/* Hands n frames over in one call, as one read of the TAP does. */
static void send_many(struct host *host, const struct frame *frames, size_t n)
{
	node_from_tap(host->node, frames, n, hosts_clock(host));
}

#define MANY 300

START_TEST(unicast_and_multicast_keep_their_order_to_each_peer)
{
	static uint8_t bytes[MANY][FRAME_HEADROOM + 1500];
	struct rng rng = rng_init((uint64_t)_i);
	struct frame frames[MANY];
	struct iovec iov[MANY];
	size_t for_b[MANY], for_c[MANY], nb = 0, nc = 0, since, sent;

	hosts_mesh(&h, 3);
	send(b, 0xff, 2, 60);
	send(c, 0xff, 3, 60);
	arrive();
	host_forget_written(b);
	host_forget_written(c);
	for (size_t i = 0; i < MANY; i++) {
		static const uint8_t dsts[] = { 2, 3, 0xff };
		uint8_t dst = dsts[rng_below(&rng, 3)];
		size_t len = 60 + rng_below(&rng, 1400);
		uint8_t *frame = hosts_frame(dst, 1, len, i);

		memcpy(bytes[i] + FRAME_HEADROOM, frame, len);
		free(frame);
		iov[i] = (struct iovec){ bytes[i] + FRAME_HEADROOM, len };
		frames[i] = (struct frame){ &iov[i], 1, { 0 } };
		if (dst != 3)
			for_b[nb++] = i;
		if (dst != 2)
			for_c[nc++] = i;
	}
	since = h.log_count;
	send_many(a, frames, MANY);
	sent = h.log_count - since;
	arrive();
	ck_assert_uint_eq(b->written_count, nb);
	ck_assert_uint_eq(c->written_count, nc);
	for (size_t i = 0; i < nb; i++)
		ck_assert_mem_eq(b->written[i].bytes, iov[for_b[i]].iov_base,
				 iov[for_b[i]].iov_len);
	for (size_t i = 0; i < nc; i++)
		ck_assert_mem_eq(c->written[i].bytes, iov[for_c[i]].iov_base,
				 iov[for_c[i]].iov_len);
	ck_assert_uint_eq(host_info(a, b).tx.frames, nb);
	ck_assert_uint_eq(host_info(b, a).rx.frames, nb);
	ck_assert_uint_gt(sent, 0);
}
END_TEST

START_TEST(small_frames_of_one_read_share_a_datagram)
{
	struct opened opened;
	static uint8_t bytes[16][FRAME_HEADROOM + 60];
	struct frame frames[16];
	struct iovec iov[16];
	uint8_t *frame = hosts_frame(0xff, 1, 60, 1);
	size_t since;

	hosts_mesh(&h, 2);
	for (size_t i = 0; i < 16; i++) {
		memcpy(bytes[i] + FRAME_HEADROOM, frame, 60);
		iov[i] = (struct iovec){ bytes[i] + FRAME_HEADROOM, 60 };
		frames[i] = (struct frame){ &iov[i], 1, { 0 } };
	}
	since = h.log_count;
	send_many(a, frames, 16);
	ck_assert_uint_eq(h.log_count - since, 1);
	ck_assert(hosts_open(&h, h.log[since], &opened));
	ck_assert_uint_eq(opened.records[WIRE_FRAME], 16);
	arrive();
	ck_assert_uint_eq(b->written_count, 16);
	free(frame);
}
END_TEST

START_TEST(a_run_that_the_kernel_merged_is_taken_apart)
{
	struct datagram_run run;
	uint8_t *merged, *frame = hosts_frame(0xff, 1, 1100, 1);
	size_t since, n, len = 0;

	hosts_mesh(&h, 2);
	since = h.log_count;
	for (int i = 0; i < 39; i++)
		host_tap(a, frame, 1100);
	host_tap(a, frame, 900);
	n = h.log_count - since;
	ck_assert_uint_eq(n, 40);
	merged = test_alloc(n * 1200);
	for (size_t i = 0; i < n; i++) {
		const struct flight *p = h.log[since + i];

		memcpy(merged + len, p->bytes, p->len);
		len += p->len;
	}
	run = (struct datagram_run){ .remote = a->addrs[0],
				     .data = merged,
				     .len = len,
				     .segment_len = h.log[since]->len };
	node_from_udp(b->node, &run, 1, hosts_clock(b));
	ck_assert_uint_eq(b->written_count, 40);
	ck_assert_uint_eq(b->written[39].len, 900);
	free(merged);
	free(frame);
}
END_TEST

START_TEST(more_frames_than_one_write_takes_come_in_order)
{
	/* One datagram of tiny frames, more than NODE_TAP_BATCH. */
	uint8_t records[100 * 18];
	struct outsider o;

	outsider_init(&o, 1);
	host_start(a);
	outsider_join(&o, a);
	for (uint8_t i = 0; i < 100; i++) {
		uint8_t *frame = hosts_frame(0xff, i, ETH_HEADER_LEN, 0);

		wire_pack_record(records + i * 18, WIRE_FRAME, 0,
				 ETH_HEADER_LEN);
		memcpy(records + i * 18 + 4, frame, ETH_HEADER_LEN);
		free(frame);
	}
	/* MACs of 0 at the end are fine: the first byte is 02. */
	outsider_send(&o, a, records, sizeof(records));
	ck_assert_uint_eq(a->written_count, 100);
	for (uint8_t i = 0; i < 100; i++)
		ck_assert_uint_eq(a->written[i].bytes[11], i);
	outsider_free(&o);
}
END_TEST

/* ---- routers ---- */

/* An advertisement to all nodes; with options of that many bytes. */
static void advertise(size_t options)
{
	uint8_t frame[2048];
	struct writer w = writer_init(frame, sizeof(frame));

	put_eth(&w, 2, 1, ETH_TYPE_IPV6);
	put_ipv6(&w, INET_PROTO_ICMPV6, 16 + options);
	writer_u8(&w, ND_ROUTER_ADVERT);
	writer_zeros(&w, 15 + options);
	host_tap(a, frame, w.len);
	arrive();
}

/* Whole, and in two fragments of ours: both are let in, or none. */
static void advertise_to_b(bool let_in)
{
	uint64_t before = host_drops(b, DROP_ra_guard);

	host_forget_written(b);
	advertise(0);
	advertise(1420);
	ck_assert_uint_eq(b->written_count, let_in ? 2 : 0);
	ck_assert_uint_eq(host_drops(b, DROP_ra_guard) - before,
			  let_in ? 0 : 2);
}

START_TEST(a_peer_is_no_router_of_ours_unless_it_is_let)
{
	b->config.router_advertisements = true;
	hosts_mesh(&h, 2);
	advertise_to_b(true);
	node_set_router_advertisements(b->node, false);
	advertise_to_b(false);
	node_set_router_advertisements(b->node, true);
	advertise_to_b(true);
}
END_TEST

/* Of more than the reassembly has room for. */
START_TEST(a_guarded_frame_leaves_its_buffer)
{
	hosts_mesh(&h, 2);
	for (int i = 0; i < 300; i++)
		advertise(1420);
	ck_assert_uint_eq(host_drops(b, DROP_ra_guard), 300);
	ck_assert_uint_eq(host_drops(b, DROP_fragment_full), 0);
	ck_assert(host_talks(a, b));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("from the TAP", .setup = three_setup,
		  .teardown = three_teardown),
	UNIT_TEST(frames_that_are_none_are_dropped_and_counted),
	UNIT_TEST(every_length_from_the_least_to_the_most_arrives_unchanged),
	UNIT_TEST(a_frame_for_this_side_of_the_tap_goes_nowhere),
	UNIT_TEST(a_frame_for_nobody_is_counted),
	UNIT_TEST(broadcast_reaches_everyone_once),
	UNIT_TEST(a_known_mac_gets_its_frames_alone),
	UNIT_TEST(known_macs_of_two_peers_in_one_read_get_their_own),
	UNIT_TEST(the_mac_of_a_peer_that_is_gone_is_flooded),
	UNIT_TEST(a_mac_unheard_for_five_minutes_is_flooded_again),
	UNIT_TEST(what_a_peer_sends_goes_to_no_other_peer),
	UNIT_TEST(a_full_table_of_macs_is_counted_and_loses_no_frame),
	UNIT_LOOP(unicast_and_multicast_keep_their_order_to_each_peer, 5),
	UNIT_TEST(small_frames_of_one_read_share_a_datagram),
	UNIT_TEST(a_run_that_the_kernel_merged_is_taken_apart),
	UNIT_TEST(more_frames_than_one_write_takes_come_in_order),
	UNIT_TEST(a_peer_is_no_router_of_ours_unless_it_is_let),
	UNIT_TEST(a_guarded_frame_leaves_its_buffer),
};

UNIT_MAIN("node frames", tests)
