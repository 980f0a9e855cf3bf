/* lib/node: frames, from one TAP to the others. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "hosts.h"
#include "outsider.h"

#define COUNT(x) (sizeof(x) / sizeof((x)[0]))

static struct hosts h;
static struct host *a, *b, *c;

static void setup(void)
{
	hosts_init(&h, 3);
	a = &h.host[0];
	b = &h.host[1];
	c = &h.host[2];
}

static void teardown(void)
{
	hosts_free(&h);
}

static void arrive(void)
{
	hosts_run(&h, 2 * h.latency_us);
}

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
	ck_assert_uint_eq(a->node->tx.frames, 3);
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
	node_flush(a->node, hosts_clock(a));
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
	ck_assert_uint_eq(fdb_count(a->node->fdb), 0);
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
	b->config.fdb_capacity = 3;
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
	node_flush(host->node, hosts_clock(host));
}

#define MANY 300

START_TEST(unicast_and_multicast_keep_their_order_to_each_peer)
{
	static uint8_t bytes[MANY][FRAME_HEADROOM + 1500];
	struct splitmix rng = { (uint64_t)_i };
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
		uint8_t dst = dsts[splitmix_below(&rng, 3)];
		size_t len = 60 + splitmix_below(&rng, 1400);
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
	ck_assert_uint_eq(host_peer(a, b)->tx.frames, nb);
	ck_assert_uint_eq(host_peer(b, a)->rx.frames, nb);
	ck_assert_uint_gt(sent, 0);
}
END_TEST

START_TEST(small_frames_of_one_read_share_a_datagram)
{
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
	ck_assert_uint_eq(h.log[since].len, 16 * 64 + WIRE_DATA_OVERHEAD);
	arrive();
	ck_assert_uint_eq(b->written_count, 16);
	free(frame);
}
END_TEST

START_TEST(a_run_that_the_kernel_merged_is_taken_apart)
{
	struct packet got[40];
	struct node_received run;
	uint8_t *merged, *frame = hosts_frame(0xff, 1, 1100, 1);
	size_t since, n, len = 0;

	hosts_mesh(&h, 2);
	since = h.log_count;
	for (int i = 0; i < 39; i++)
		host_tap(a, frame, 1100);
	host_tap(a, frame, 900);
	n = h.log_count - since;
	ck_assert_uint_eq(n, 40);
	merged = malloc(n * 1200);
	ck_assert_ptr_nonnull(merged);
	for (size_t i = 0; i < n; i++) {
		got[i] = h.log[since + i];
		memcpy(merged + len, got[i].bytes, got[i].len);
		len += got[i].len;
	}
	run = (struct node_received){ a->addrs[0], merged, len, got[0].len };
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
			ck_assert_uint_le(h.log[j].len, paths[_i].datagram);
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

/* ---- checksums left to do ---- */

#define UDP_FRAME_LEN (ETH_HEADER_LEN + 20 + 8 + 32)

static void udp_frame(uint8_t frame[UDP_FRAME_LEN], uint16_t port)
{
	struct writer w = writer_init(frame, UDP_FRAME_LEN);

	put_eth(&w, 2, 1, ETH_TYPE_IPV4);
	put_ipv4(&w, 17, 8 + 32);
	put_udp(&w, port, 32);
	ck_assert(writer_ok(&w));
}

START_TEST(a_checksum_left_to_do_is_left_to_the_last_kernel)
{
	const struct offload todo = { .csum_partial = true,
				      .csum_start = 34,
				      .csum_offset = 6 };
	uint8_t frame[UDP_FRAME_LEN];

	udp_frame(frame, 53);
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
		{ .csum_partial = true, .csum_start = 33, .csum_offset = 6 },
		{ .csum_partial = true, .csum_start = 34, .csum_offset = 16 },
		{ .csum_partial = true, .csum_start = 65535 },
		{ .gso = OFFLOAD_GSO_TCPV4, .gso_size = 1400 },
		{ .gso = OFFLOAD_GSO_UDP_L4, .gso_size = 1400 },
	};
	uint8_t frame[UDP_FRAME_LEN];

	udp_frame(frame, 53);
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
	uint8_t frame[UDP_FRAME_LEN];

	hosts_mesh(&h, 2);
	/* The frames of put_ipv4 go to one address: make it b's. */
	udp_frame(frame, WIRE_PORT);
	memcpy(frame + 30, b->addrs[0].ip + 12, 4);
	host_tap(a, frame, sizeof(frame));
	arrive();
	ck_assert_uint_eq(host_drops(a, DROP_recursion), 1);
	ck_assert_uint_eq(b->written_count, 0);
	/* Another port there is somebody's business. */
	store_be16(frame + 36, WIRE_PORT + 1);
	host_tap(a, frame, sizeof(frame));
	arrive();
	ck_assert_uint_eq(b->written_count, 1);
}
END_TEST

/* ---- what a peer may say ---- */

static struct outsider peer;

static void with_peer(void)
{
	setup();
	outsider_init(&peer, 1);
	host_start(a);
	outsider_join(&peer, a);
}

static void without_peer(void)
{
	outsider_free(&peer);
	teardown();
}

static const struct {
	const char *what;
	uint8_t kind, flags;
	size_t len;
	enum drop_reason reason;
} strange[] = {
	{ "an unknown kind", 99, 0xff, 20, DROP_NONE },
	{ "a later version's", WIRE_GROUPS, 0, 20, DROP_NONE },
	{ "a pad", WIRE_PAD, 0, 20, DROP_NONE },
	{ "a frame with an unknown flag", WIRE_FRAME, 0x80, 60,
	  DROP_record_flag },
	{ "a frame without its checksum fields", WIRE_FRAME, 1, 2,
	  DROP_record_bad },
	{ "an empty frame", WIRE_FRAME, 0, 0, DROP_frame_short },
	{ "a runt", WIRE_FRAME, 0, 13, DROP_frame_short },
	{ "a frame of zeros", WIRE_FRAME, 0, 60, DROP_frame_bad_source },
	{ "a frame too long", WIRE_FRAME, 0, 1600, DROP_frame_long },
	{ "an empty fragment", WIRE_FRAGMENT, 0, 6, DROP_fragment_bad },
	{ "half a fragment", WIRE_FRAGMENT, 0, 5, DROP_fragment_bad },
	{ "a fragment with a flag", WIRE_FRAGMENT, 2, 60, DROP_record_flag },
	{ "all of a pad as fragments", WIRE_FRAGMENT, 1, 10, DROP_record_bad },
	{ "no hello", WIRE_HELLO, 0, 3, DROP_record_bad },
	{ "a hello with a flag", WIRE_HELLO, 4, 20, DROP_record_flag },
	{ "half a probe", WIRE_PROBE, 0, 35, DROP_record_bad },
	{ "a probe with a flag", WIRE_PROBE, 2, 36, DROP_record_flag },
};

START_TEST(strange_records_are_skipped_and_the_next_is_read)
{
	uint8_t records[2000] = { 0 };
	uint8_t *frame = hosts_frame(0xff, 7, 60, 1);
	size_t at = WIRE_RECORD_LEN + strange[_i].len;
	bool none = strange[_i].reason == DROP_NONE;
	uint64_t before = host_drops_total(a);

	records[0] = strange[_i].kind;
	records[1] = strange[_i].flags;
	store_be16(records + 2, (uint16_t)strange[_i].len);
	if (strange[_i].len == 1600)
		memset(records + WIRE_RECORD_LEN, 2, 12);
	wire_pack_record(records + at, WIRE_FRAME, 0, 60);
	memcpy(records + at + WIRE_RECORD_LEN, frame, 60);
	outsider_send(&peer, a, records, at + WIRE_RECORD_LEN + 60);
	ck_assert_msg(a->written_count == 1, "%s", strange[_i].what);
	ck_assert_uint_eq(a->written[0].len, 60);
	if (!none)
		ck_assert_msg(host_drops(a, strange[_i].reason) == 1, "%s",
			      strange[_i].what);
	ck_assert_uint_eq(host_drops_total(a), before + !none);
	ck_assert_uint_eq(host_drops(a, DROP_NONE), 0);
	free(frame);
}
END_TEST

START_TEST(a_record_past_its_datagram_ends_the_reading)
{
	uint8_t records[2 * WIRE_RECORD_LEN + 60];
	uint8_t *frame = hosts_frame(0xff, 7, 60, 1);

	wire_pack_record(records, WIRE_FRAME, 0, 60);
	memcpy(records + WIRE_RECORD_LEN, frame, 60);
	wire_pack_record(records + WIRE_RECORD_LEN + 60, WIRE_FRAME, 0, 1);
	outsider_send(&peer, a, records, sizeof(records));
	ck_assert_uint_eq(a->written_count, 1);
	ck_assert_uint_eq(host_drops(a, DROP_record_bad), 1);
	outsider_send(&peer, a, records, 3);
	ck_assert_uint_eq(host_drops(a, DROP_record_bad), 2);
	free(frame);
}
END_TEST

START_TEST(attack_a_checksum_that_does_not_fit_never_reaches_the_kernel)
{
	uint8_t record[WIRE_RECORD_LEN + 4 + UDP_FRAME_LEN];

	wire_pack_record(record, WIRE_FRAME, WIRE_FRAME_CSUM_PARTIAL,
			 sizeof(record) - WIRE_RECORD_LEN);
	udp_frame(record + 8, 53);
	for (uint16_t start = 0; start < 70; start++) {
		for (uint16_t offset = 0; offset < 20; offset++) {
			store_be16(record + 4, start);
			store_be16(record + 6, offset);
			outsider_send(&peer, a, record, sizeof(record));
		}
	}
	ck_assert_uint_eq(a->written_count, 1);
	ck_assert_uint_eq(a->written[0].offload.csum_start, 34);
	ck_assert_uint_eq(a->written[0].offload.csum_offset, 6);
	ck_assert_uint_eq(host_drops(a, DROP_csum_bad), 70 * 20 - 1);
}
END_TEST

/* A fragment record that carries a piece of whole. */
static size_t put_fragment(uint8_t *out, uint32_t id, const uint8_t *whole,
			   size_t from, size_t to, size_t len)
{
	wire_pack_fragment(out, id, (uint16_t)from, to == len,
			   (uint16_t)(to - from));
	memcpy(out + WIRE_RECORD_LEN + WIRE_FRAGMENT_LEN, whole + from,
	       to - from);
	return WIRE_RECORD_LEN + WIRE_FRAGMENT_LEN + to - from;
}

START_TEST(attack_what_fragments_hide_is_checked_like_any_frame)
{
	uint8_t whole[WIRE_RECORD_LEN + 60] = { 0 }, records[200];
	size_t len, slots_used = 0;

	/* A source of zeros; then a bad checksum; then a record too many. */
	for (uint32_t id = 0; id < 100; id++) {
		wire_pack_record(whole, id % 2 ? WIRE_HELLO : WIRE_FRAME,
				 id % 3 ? 0 : 0x40, (uint16_t)(60 - id % 5));
		len = put_fragment(records, id, whole, 0, 30, sizeof(whole));
		len += put_fragment(records + len, id, whole, 30, sizeof(whole),
				    sizeof(whole));
		outsider_send(&peer, a, records, len);
	}
	ck_assert_uint_eq(a->written_count, 0);
	/* Each has given its buffer back: a true one passes. */
	for (uint32_t id = 100; id < 200; id++) {
		uint8_t *frame = hosts_frame(0xff, 7, 60, id);

		wire_pack_record(whole, WIRE_FRAME, 0, 60);
		memcpy(whole + WIRE_RECORD_LEN, frame, 60);
		len = put_fragment(records, id, whole, 30, 64, 64);
		len += put_fragment(records + len, id, whole, 0, 30, 64);
		outsider_send(&peer, a, records, len);
		slots_used++;
		ck_assert_uint_eq(a->written_count, slots_used);
		ck_assert_mem_eq(a->written[slots_used - 1].bytes, frame, 60);
		free(frame);
	}
	ck_assert_uint_eq(host_drops(a, DROP_fragment_full), 0);
}
END_TEST

START_TEST(nothing_after_goodbye_is_read)
{
	uint8_t records[2 * WIRE_RECORD_LEN + 60];
	uint8_t *frame = hosts_frame(0xff, 7, 60, 1);

	wire_pack_record(records, WIRE_BYE, 0, 0);
	wire_pack_record(records + 4, WIRE_FRAME, 0, 60);
	memcpy(records + 8, frame, 60);
	outsider_send(&peer, a, records, sizeof(records));
	ck_assert_uint_eq(a->written_count, 0);
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 1);
	ck_assert_uint_eq(table_count(a->node->indices), 0);
	free(frame);
}
END_TEST

START_TEST(no_frame_passes_before_the_hello)
{
	uint8_t record[WIRE_RECORD_LEN + 60];
	uint8_t *frame = hosts_frame(0xff, 7, 60, 1);
	struct outsider o;

	outsider_init(&o, 2);
	wire_pack_record(record, WIRE_FRAME, 0, 60);
	memcpy(record + 4, frame, 60);
	ck_assert(outsider_shake_hands(&o, a));
	outsider_send(&o, a, record, sizeof(record));
	ck_assert_uint_eq(a->written_count, 0);
	ck_assert_uint_eq(host_drops(a, DROP_record_early), 1);
	hosts_run(&h, CLOCK_MS);
	ck_assert(outsider_shake_hands(&o, a));
	outsider_hello(&o, a, false, true);
	outsider_send(&o, a, record, sizeof(record));
	ck_assert_uint_eq(a->written_count, 1);
	free(frame);
	outsider_free(&o);
}
END_TEST

START_TEST(a_frame_is_as_good_as_the_hello_that_was_lost)
{
	uint8_t record[WIRE_RECORD_LEN + 60];
	uint8_t *frame = hosts_frame(0xff, 7, 60, 1);
	struct outsider o;

	outsider_init(&o, 2);
	wire_pack_record(record, WIRE_FRAME, 0, 60);
	memcpy(record + 4, frame, 60);
	ck_assert(outsider_shake_hands(&o, a));
	outsider_hello(&o, a, false, true);
	ck_assert_uint_eq(host_events(a, NODE_PEER_UP), 1);
	/* Its last acknowledgement is lost; but who sends frames has ours. */
	outsider_send(&o, a, record, sizeof(record));
	ck_assert_uint_eq(host_events(a, NODE_PEER_UP), 2);
	free(frame);
	outsider_free(&o);
}
END_TEST

static TCase *from_tap(void)
{
	TCase *tc = tcase_create("from the TAP");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, frames_that_are_none_are_dropped_and_counted);
	tcase_add_test(
		tc, every_length_from_the_least_to_the_most_arrives_unchanged);
	tcase_add_test(tc, a_frame_for_this_side_of_the_tap_goes_nowhere);
	tcase_add_test(tc, a_frame_for_nobody_is_counted);
	tcase_add_test(tc, broadcast_reaches_everyone_once);
	tcase_add_test(tc, a_known_mac_gets_its_frames_alone);
	tcase_add_test(tc, known_macs_of_two_peers_in_one_read_get_their_own);
	tcase_add_test(tc, the_mac_of_a_peer_that_is_gone_is_flooded);
	tcase_add_test(tc, a_mac_unheard_for_five_minutes_is_flooded_again);
	tcase_add_test(tc, what_a_peer_sends_goes_to_no_other_peer);
	tcase_add_test(tc, a_full_table_of_macs_is_counted_and_loses_no_frame);
	tcase_add_loop_test(
		tc, unicast_and_multicast_keep_their_order_to_each_peer, 0, 5);
	tcase_add_test(tc, small_frames_of_one_read_share_a_datagram);
	tcase_add_test(tc, a_run_that_the_kernel_merged_is_taken_apart);
	tcase_add_test(tc, more_frames_than_one_write_takes_come_in_order);
	return tc;
}

static TCase *large(void)
{
	TCase *tc = tcase_create("large frames and checksums");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc,
			    any_frame_crosses_any_path_in_datagrams_that_fit, 0,
			    (int)COUNT(paths));
	tcase_add_test(tc, a_frame_too_long_for_any_record_is_dropped);
	tcase_add_test(tc, a_frame_with_a_piece_lost_is_not_written);
	tcase_add_test(tc, a_checksum_left_to_do_is_left_to_the_last_kernel);
	tcase_add_test(tc, a_checksum_left_to_do_survives_being_cut);
	tcase_add_test(tc, offload_metadata_that_does_not_fit_is_dropped);
	tcase_add_test(tc, our_own_underlay_in_the_tap_is_dropped);
	return tc;
}

static TCase *from_peers(void)
{
	TCase *tc = tcase_create("from a peer");

	tcase_add_checked_fixture(tc, with_peer, without_peer);
	tcase_add_loop_test(tc,
			    strange_records_are_skipped_and_the_next_is_read, 0,
			    (int)COUNT(strange));
	tcase_add_test(tc, a_record_past_its_datagram_ends_the_reading);
	tcase_add_test(
		tc,
		attack_a_checksum_that_does_not_fit_never_reaches_the_kernel);
	tcase_add_test(tc,
		       attack_what_fragments_hide_is_checked_like_any_frame);
	tcase_add_test(tc, nothing_after_goodbye_is_read);
	tcase_add_test(tc, no_frame_passes_before_the_hello);
	tcase_add_test(tc, a_frame_is_as_good_as_the_hello_that_was_lost);
	return tc;
}

int main(void)
{
	Suite *suite = suite_create("node frames");
	SRunner *sr = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, from_tap());
	suite_add_tcase(suite, large());
	suite_add_tcase(suite, from_peers());
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
