/* lib/node: super-frames from one TAP to the others. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "hosts.h"
#include "segments.h"

/* Between Ethernet and TCP or UDP of the frames below, IPv4. */
#define L4_OFFSET (ETH_HEADER_LEN + 20)

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

static void takes(struct host *host, bool partial, bool tcp, bool udp)
{
	host->config.tap_takes = (struct node_tap_takes){ .partial = partial,
							  .tcp = tcp,
							  .udp = udp };
}

/* Two or three hosts that know each other's largest datagrams. */
static void mesh(size_t count)
{
	hosts_mesh(&h, count);
	hosts_run(&h, CLOCK_S);
	for (size_t i = 0; i < count; i++)
		host_forget_written(&h.host[i]);
}

/* To all; gso: the payload of each of its segments. */
static struct segment tcp(size_t payload_len)
{
	return (struct segment){ .src = 1,
				 .dst = 9,
				 .ttl = 64,
				 .df = true,
				 .src_port = 1000,
				 .dst_port = 2000,
				 .seq = 0xfffffff0,
				 .flags = SEGMENT_ACK | SEGMENT_PSH,
				 .payload_len = payload_len };
}

static struct segment udp(size_t payload_len, uint16_t port)
{
	return (struct segment){ .src = 1,
				 .dst = 9,
				 .ttl = 64,
				 .udp = true,
				 .dst_port = port,
				 .payload_len = payload_len };
}

static void read_super(struct host *host, const struct segment *s,
		       uint16_t gso_size)
{
	uint8_t *frame = malloc(SEGMENT_MAX);
	struct offload o;
	size_t len;

	ck_assert_ptr_nonnull(frame);
	len = segment_build(frame, SEGMENT_MAX, s, &o);
	ck_assert_uint_gt(len, 0);
	o.gso = s->udp	  ? OFFLOAD_GSO_UDP_L4
		: s->ipv6 ? OFFLOAD_GSO_TCPV6
			  : OFFLOAD_GSO_TCPV4;
	o.gso_size = gso_size;
	host_tap_offload(host, frame, len, o);
	free(frame);
	hosts_run(&h, 2 * h.latency_us);
}

/* Fails unless what was written is the payload of s, in order, each frame sound;
 * at most `frame_max` bytes each. Returns how many frames. */
static size_t assert_arrived(struct host *host, const struct segment *s,
			     size_t frame_max)
{
	size_t header = segment_headers_len(s), got = 0;

	for (size_t i = 0; i < host->written_count; i++) {
		const struct written *w = &host->written[i];

		ck_assert_uint_le(w->len, frame_max);
		segment_assert_sound(w->bytes, w->len, &w->offload);
		if (!s->udp)
			ck_assert_uint_eq(load_be32(w->bytes + L4_OFFSET + 4),
					  (uint32_t)(s->seq + got));
		for (size_t at = header; at < w->len; at++, got++)
			ck_assert_uint_eq(
				w->bytes[at],
				segment_byte(
					s->udp ? (uint32_t)got
					       : (uint32_t)(s->seq + got)));
	}
	ck_assert_uint_eq(got, s->payload_len);
	return host->written_count;
}

static enum fate no_jumbo(struct hosts *hosts, struct packet *p)
{
	(void)hosts;
	return p->len > 1472 ? LOSE : PASS;
}

static enum fate only_base(struct hosts *hosts, struct packet *p)
{
	const struct host *to = &hosts->host[2];

	return addr_equal(&p->to, &to->addrs[0]) && p->len > 1200 ? LOSE : PASS;
}

START_TEST(tcp_is_cut_so_that_a_segment_fills_a_datagram)
{
	struct segment s = tcp(60000);
	size_t since;
	const struct packet *p;

	h.judge = no_jumbo;
	mesh(2);
	since = h.log_count;
	read_super(a, &s, 1448);
	/* 1472 less 32 for the seal, 8 for the record, 54 of headers. */
	ck_assert_uint_eq(assert_arrived(b, &s, 1472 - 32 - 8),
			  (60000 + 1377) / 1378);
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_DATA, a, b, since),
			  b->written_count);
	p = hosts_sent(&h, WIRE_DATA, a, b, since, 0);
	ck_assert_uint_eq(p->len, 1472);
}
END_TEST

START_TEST(tcp_of_an_underlay_with_room_keeps_its_segment_size)
{
	struct segment s = tcp(60000);

	mesh(2);
	read_super(a, &s, 1448);
	ck_assert_uint_eq(assert_arrived(b, &s, 1514), (60000 + 1447) / 1448);
	ck_assert_uint_eq(host_peer(a, b)->tx.frames, b->written_count);
}
END_TEST

START_TEST(each_peer_gets_its_own_cut)
{
	struct segment s = tcp(30000);

	h.judge = only_base;
	mesh(3);
	read_super(a, &s, 1448);
	assert_arrived(b, &s, 1514);
	assert_arrived(c, &s, 1200 - 32 - 8);
	ck_assert_uint_gt(c->written_count, b->written_count);
}
END_TEST

/* What came in one read; here that is one datagram. */
START_TEST(a_tap_that_takes_super_frames_gets_one)
{
	struct segment s = tcp(8000);
	const struct written *w;

	takes(b, true, true, true);
	mesh(2);
	read_super(a, &s, 1448);
	ck_assert_uint_eq(assert_arrived(b, &s, SEGMENT_MAX), 1);
	w = &b->written[0];
	ck_assert_int_eq(w->offload.gso, OFFLOAD_GSO_TCPV4);
	ck_assert_uint_eq(w->offload.gso_size, 1448);
	ck_assert_uint_eq(w->offload.hdr_len, segment_headers_len(&s));
}
END_TEST

START_TEST(udp_keeps_its_datagrams_whatever_the_path_carries)
{
	struct segment s = udp(50 * 1400, 5000);

	s.payload_len = 46 * 1400;
	h.judge = only_base;
	takes(b, true, true, true);
	mesh(3);
	read_super(a, &s, 1400);
	ck_assert_uint_eq(assert_arrived(c, &s, 1442), 46);
	assert_arrived(b, &s, SEGMENT_MAX);
	ck_assert_int_eq(b->written[0].offload.gso, OFFLOAD_GSO_UDP_L4);
	ck_assert_uint_eq(b->written[0].offload.gso_size, 1400);
}
END_TEST

START_TEST(udp_is_merged_only_where_it_is_wanted)
{
	struct segment s = udp(20 * 500, 5000);

	takes(b, true, true, false);
	mesh(2);
	read_super(a, &s, 500);
	ck_assert_uint_eq(assert_arrived(b, &s, 542), 20);
}
END_TEST

START_TEST(a_tap_without_partial_checksums_gets_complete_ones)
{
	struct segment s = tcp(20000);

	takes(b, false, true, true);
	mesh(2);
	read_super(a, &s, 1448);
	assert_arrived(b, &s, 1514);
	for (size_t i = 0; i < b->written_count; i++)
		ck_assert(!b->written[i].offload.csum_partial);
}
END_TEST

START_TEST(dhcp_has_complete_checksums)
{
	for (uint16_t port = 66; port <= 69; port++) {
		struct segment s = udp(300, port);
		bool dhcp = port == 67 || port == 68;

		if (port == 66)
			mesh(2);
		host_forget_written(b);
		read_super(a, &s, 300);
		ck_assert_uint_eq(assert_arrived(b, &s, 400), 1);
		ck_assert_int_eq(b->written[0].offload.csum_partial, !dhcp);
	}
}
END_TEST

/* More segments than there are places for their headers. */
START_TEST(tiny_segments_each_have_their_own_headers)
{
	struct segment s = tcp(1900 * 7);

	mesh(2);
	read_super(a, &s, 7);
	ck_assert_uint_eq(assert_arrived(b, &s, 61), 1900);
}
END_TEST

START_TEST(what_makes_no_sense_is_dropped_and_counted)
{
	struct segment s = tcp(20000);

	mesh(2);
	read_super(a, &s, 0);
	ck_assert_uint_eq(host_drops(a, DROP_offload_bad), 1);
	read_super(a, &s, 9000);
	ck_assert_uint_eq(host_drops(a, DROP_frame_long), 1);
	s.udp = true;
	read_super(a, &s, 1500);
	ck_assert_uint_eq(host_drops(a, DROP_frame_long), 2);
	ck_assert_uint_eq(b->written_count, 0);
}
END_TEST

START_TEST(a_super_frame_to_a_peers_endpoint_is_recursion)
{
	struct segment s = udp(5000, WIRE_PORT);
	uint8_t *frame = malloc(SEGMENT_MAX);
	struct offload o;
	size_t len;

	mesh(2);
	len = segment_build(frame, SEGMENT_MAX, &s, &o);
	memcpy(frame + ETH_HEADER_LEN + 16, b->addrs[0].ip + 12, 4);
	o.gso = OFFLOAD_GSO_UDP_L4;
	o.gso_size = 1000;
	host_tap_offload(a, frame, len, o);
	ck_assert_uint_eq(host_drops(a, DROP_recursion), 1);
	free(frame);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("node offload");
	TCase *tc = tcase_create("offload");
	SRunner *sr = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, tcp_is_cut_so_that_a_segment_fills_a_datagram);
	tcase_add_test(tc, tcp_of_an_underlay_with_room_keeps_its_segment_size);
	tcase_add_test(tc, each_peer_gets_its_own_cut);
	tcase_add_test(tc, a_tap_that_takes_super_frames_gets_one);
	tcase_add_test(tc, udp_keeps_its_datagrams_whatever_the_path_carries);
	tcase_add_test(tc, udp_is_merged_only_where_it_is_wanted);
	tcase_add_test(tc, a_tap_without_partial_checksums_gets_complete_ones);
	tcase_add_test(tc, dhcp_has_complete_checksums);
	tcase_add_test(tc, tiny_segments_each_have_their_own_headers);
	tcase_add_test(tc, what_makes_no_sense_is_dropped_and_counted);
	tcase_add_test(tc, a_super_frame_to_a_peers_endpoint_is_recursion);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
