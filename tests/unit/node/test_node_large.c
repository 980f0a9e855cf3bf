/* lib/node: frames larger than a datagram, and checksums left to do. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/frames.h"
#include "support/main.h"
#include "support/three.h"

#define COUNT(x) (sizeof(x) / sizeof((x)[0]))

/* ---- frames larger than a datagram ---- */

static const struct {
	uint16_t underlay_mtu, tap_mtu;
	size_t datagram;
} paths[] = {
	{ 576, 1500, 548 },    { 1228, 1500, 1200 },  { 1500, 1500, 1472 },
	{ 576, 9000, 548 },    { 9216, 9000, 9188 },  { 9216, 9216, 9188 },
	{ 65535, 1500, 9188 }, { 1500, 65535, 1472 },
};

START_TEST(any_frame_crosses_any_path_in_datagrams_that_fit)
{
	size_t most = paths[_i].tap_mtu + (size_t)ETH_OVERHEAD_MAX;
	size_t lens[] = { 60, paths[_i].datagram, 1514, most / 2, most };

	for (size_t i = 0; i < 2; i++) {
		h.host[i].config.underlay_mtu = paths[_i].underlay_mtu;
		h.host[i].config.tap_mtu = paths[_i].tap_mtu;
	}
	hosts_mesh(&h, 2);
	for (size_t i = 0; i < COUNT(lens); i++) {
		size_t len = lens[i] < most ? lens[i] : most, since;
		uint8_t *frame;

		/* The record has a length of 16 bits. */
		if (len > 65535 - 8)
			len = 65535 - 8;
		frame = hosts_frame(0xff, 1, len, i);
		host_forget_written(b);
		since = h.log_count;
		host_tap(a, frame, len);
		for (size_t j = since; j < h.log_count; j++)
			ck_assert_uint_le(h.log[j]->len, paths[_i].datagram);
		arrive();
		ck_assert_uint_eq(b->written_count, 1);
		ck_assert_uint_eq(b->written[0].len, len);
		ck_assert_mem_eq(b->written[0].bytes, frame, len);
		free(frame);
	}
	ck_assert_uint_eq(host_drops_total(a) + host_drops_total(b), 0);
}
END_TEST

START_TEST(a_frame_too_long_for_any_record_is_dropped)
{
	uint8_t *frame = hosts_frame(0xff, 1, 65536, 1);

	a->config.tap_mtu = UINT16_MAX;
	hosts_mesh(&h, 2);
	host_tap(a, frame, 65536);
	host_tap(a, frame, 65535 - 7);
	ck_assert_uint_eq(host_drops(a, DROP_frame_long), 2);
	free(frame);
}
END_TEST

START_TEST(a_frame_with_a_piece_lost_is_not_written)
{
	uint8_t *frame = hosts_frame(0xff, 1, 1514, 1);

	a->config.underlay_mtu = 576;
	hosts_mesh(&h, 2);
	h.lose = UINT64_C(1) << (h.sent + 1);
	host_tap(a, frame, 1514);
	host_tap(a, frame, 1000);
	arrive();
	ck_assert_uint_eq(b->written_count, 1);
	ck_assert_uint_eq(b->written[0].len, 1000);
	hosts_run(&h, 2 * CLOCK_S);
	ck_assert_uint_eq(host_drops(b, DROP_fragment_timeout), 1);
	free(frame);
}
END_TEST

/* Each keeps a buffer of the pool until it is written, and all that comes in one
 * read is written at its end. */
START_TEST(more_frames_of_one_read_than_there_are_buffers_all_arrive)
{
	uint8_t *frame = hosts_frame(0xff, 1, 1000, 1);

	a->config.underlay_mtu = 576;
	b->config.frag_buffers = (uint32_t[]){ 1, 2, 16, 64 }[_i];
	hosts_mesh(&h, 2);
	for (uint32_t i = 0; i < 300; i++) {
		store_be32(frame + 100, i);
		host_tap(a, frame, 1000);
	}
	ck_assert_uint_eq(host_receive_all(b), 600);
	ck_assert_uint_eq(b->written_count, 300);
	for (uint32_t i = 0; i < 300; i++) {
		store_be32(frame + 100, i);
		ck_assert_mem_eq(b->written[i].bytes, frame, 1000);
	}
	ck_assert_uint_eq(host_drops_total(b), 0);
	free(frame);
}
END_TEST

START_TEST(frames_of_one_peer_take_no_buffer_from_anothers)
{
	uint8_t *frame = hosts_frame(2, 3, 1000, 1);
	const struct flight *half;

	a->config.underlay_mtu = c->config.underlay_mtu = 576;
	b->config.frag_buffers = 32;
	hosts_mesh(&h, 3);
	/* Half a frame of c's is there when those of a come. */
	host_tap(c, frame, 1000);
	half = hosts_sent(&h, WIRE_DATA, c, b, h.log_count - 4, 0);
	ck_assert_ptr_nonnull(half);
	host_receive(b, &half->from, half->bytes, half->len);
	for (int i = 0; i < 200; i++)
		host_tap(a, frame, 1000);
	host_receive_all(b);
	ck_assert_uint_eq(b->written_count, 201);
	ck_assert_uint_eq(host_drops(b, DROP_replay), 1); /* that half */
	ck_assert_uint_eq(host_drops_total(b), 1);
	free(frame);
}
END_TEST

/* ---- checksums left to do ---- */

START_TEST(a_checksum_left_to_do_is_left_to_the_last_kernel)
{
	const struct offload todo = { .csum_partial = true,
				      .csum_start = 34,
				      .csum_offset = 6 };
	uint8_t frame[HOSTS_UDP_LEN];

	hosts_udp_frame(frame, 53);
	hosts_mesh(&h, 2);
	host_tap_offload(a, frame, sizeof(frame), todo);
	host_tap(a, frame, sizeof(frame));
	arrive();
	ck_assert_uint_eq(b->written_count, 2);
	ck_assert_mem_eq(b->written[0].bytes, frame, sizeof(frame));
	ck_assert(b->written[0].offload.csum_partial);
	ck_assert_uint_eq(b->written[0].offload.csum_start, 34);
	ck_assert_uint_eq(b->written[0].offload.csum_offset, 6);
	ck_assert(!b->written[1].offload.csum_partial);
}
END_TEST

START_TEST(a_checksum_left_to_do_survives_being_cut)
{
	const struct offload todo = { .csum_partial = true,
				      .csum_start = 34,
				      .csum_offset = 6 };
	static uint8_t frame[ETH_HEADER_LEN + 28 + 1400];
	struct writer w = writer_init(frame, sizeof(frame));

	put_eth(&w, 2, 1, ETH_TYPE_IPV4);
	put_ipv4(&w, 17, 8 + 1400);
	put_udp(&w, 53, 1400);
	a->config.underlay_mtu = 576;
	hosts_mesh(&h, 2);
	host_tap_offload(a, frame, sizeof(frame), todo);
	arrive();
	ck_assert_uint_eq(b->written_count, 1);
	ck_assert(b->written[0].offload.csum_partial);
	ck_assert_uint_eq(b->written[0].offload.csum_start, 34);
	ck_assert_mem_eq(b->written[0].bytes, frame, sizeof(frame));
}
END_TEST

START_TEST(offload_metadata_that_does_not_fit_is_dropped)
{
	static const struct offload bad[] = {
		{ .csum_partial = true, .csum_start = HOSTS_UDP_LEN - 1 },
		{ .csum_partial = true, .csum_start = 34, .csum_offset = 39 },
		{ .csum_partial = true, .csum_start = 65535 },
		{ .csum_partial = true, .csum_offset = 65535 },
		{ .gso = OFFLOAD_GSO_TCPV4, .gso_size = 1400 },
		{ .gso = OFFLOAD_GSO_UDP_L4, .gso_size = 1400 },
	};
	uint8_t frame[HOSTS_UDP_LEN];

	hosts_udp_frame(frame, 53);
	hosts_mesh(&h, 2);
	for (size_t i = 0; i < COUNT(bad); i++)
		host_tap_offload(a, frame, sizeof(frame), bad[i]);
	arrive();
	ck_assert_uint_eq(host_drops(a, DROP_offload_bad), COUNT(bad));
	ck_assert_uint_eq(b->written_count, 0);
}
END_TEST

/* ---- never into itself ---- */

START_TEST(our_own_underlay_in_the_tap_is_dropped)
{
	uint8_t frame[HOSTS_UDP_LEN];

	hosts_mesh(&h, 2);
	/* The frames of put_ipv4 go to one address: make it b's. */
	hosts_udp_frame(frame, WIRE_PORT);
	memcpy(frame + 30, b->addrs[0].ip + 12, 4);
	/* From a's socket. */
	memcpy(frame + 26, a->addrs[0].ip + 12, 4);
	store_be16(frame + 34, WIRE_PORT);
	host_tap(a, frame, sizeof(frame));
	arrive();
	ck_assert_uint_eq(host_drops(a, DROP_recursion), 1);
	ck_assert_uint_eq(b->written_count, 0);
	/* A program of this host may send there. */
	store_be16(frame + 34, WIRE_PORT + 1);
	host_tap(a, frame, sizeof(frame));
	arrive();
	ck_assert_uint_eq(b->written_count, 1);
	/* So may one of another host, from the same port. */
	store_be16(frame + 34, WIRE_PORT);
	memcpy(frame + 26, stranger.ip + 12, 4);
	host_tap(a, frame, sizeof(frame));
	arrive();
	ck_assert_uint_eq(b->written_count, 2);
	memcpy(frame + 26, a->addrs[0].ip + 12, 4);
	/* Another port there is somebody's business. */
	store_be16(frame + 36, WIRE_PORT + 1);
	host_tap(a, frame, sizeof(frame));
	arrive();
	ck_assert_uint_eq(b->written_count, 3);
}
END_TEST

/* Its route leads into the TAP, and nobody saw that before. */
START_TEST(peer_routed_into_the_tap_is_down_for_that_reason)
{
	uint8_t frame[HOSTS_UDP_LEN];

	hosts_mesh(&h, 2);
	hosts_udp_frame(frame, WIRE_PORT);
	memcpy(frame + 30, b->addrs[0].ip + 12, 4);
	memcpy(frame + 26, a->addrs[0].ip + 12, 4);
	store_be16(frame + 34, WIRE_PORT);
	host_stop(b);
	/* Each datagram to it comes back. */
	for (int i = 0; i < 100; i++) {
		host_tap(a, frame, sizeof(frame));
		hosts_run(&h, 100 * CLOCK_MS);
	}
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 1);
	ck_assert_ptr_nonnull(strstr(host_event(a, NODE_PEER_DOWN)->text,
				     "ip route add 10.9.0.2 via"));
	host_tap(a, frame, sizeof(frame));
	ck_assert_ptr_nonnull(strstr(host_shows(a, &b->addrs[0]).reason,
				     "ip route add 10.9.0.2 via"));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("large frames and checksums", .setup = three_setup,
		  .teardown = three_teardown),
	UNIT_EACH(any_frame_crosses_any_path_in_datagrams_that_fit, paths),
	UNIT_TEST(a_frame_too_long_for_any_record_is_dropped),
	UNIT_TEST(a_frame_with_a_piece_lost_is_not_written),
	UNIT_LOOP(more_frames_of_one_read_than_there_are_buffers_all_arrive, 4),
	UNIT_TEST(frames_of_one_peer_take_no_buffer_from_anothers),
	UNIT_TEST(a_checksum_left_to_do_is_left_to_the_last_kernel),
	UNIT_TEST(a_checksum_left_to_do_survives_being_cut),
	UNIT_TEST(offload_metadata_that_does_not_fit_is_dropped),
	UNIT_TEST(our_own_underlay_in_the_tap_is_dropped),
	UNIT_TEST(peer_routed_into_the_tap_is_down_for_that_reason),
};

UNIT_MAIN("node large", tests)
