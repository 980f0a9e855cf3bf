/* lib/node: GSO frames and partial checksums, from one TAP to the others. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "node/pmtu.h"
#include "support/alloc.h"
#include "support/main.h"
#include "support/segments.h"
#include "support/stations.h"
#include "support/three.h"

/* What a frame costs of a datagram, besides itself. */
#define FRAME_COST (WIRE_DATA_OVERHEAD + WIRE_RECORD_LEN + WIRE_FRAME_CSUM_LEN)

static const struct node_tap_takes takes_none, /* complete frames only */
	takes_partial = { .partial = true },
	takes_tcp = { .partial = true, .tcp = true },
	takes_all = { .partial = true, .tcp = true, .udp = true };

/* The largest datagram that gets through to the host. */
static void limit(const struct host *to, uint16_t len)
{
	for (size_t i = 0; i < h.count; i++)
		hosts_link(&h, &h.host[i], to)->datagram_max = len;
}

static void setup(void)
{
	three_setup_stations();
	for (size_t i = 0; i < h.count; i++)
		limit(&h.host[i], 1472);
}

static size_t datagram_size(const struct host *from, const struct host *to)
{
	return host_peer(from, to).datagram_size;
}

/* Long enough for probing to have found every limit. */
static void find_limits(void)
{
	hosts_run(&h, 4 * CLOCK_S);
	for (size_t i = 0; i < h.count; i++)
		for (size_t j = 0; j < h.count; j++)
			if (i != j && h.host[i].node && h.host[j].node)
				ck_assert_uint_le(
					datagram_size(&h.host[i], &h.host[j]),
					hosts_link(&h, &h.host[i], &h.host[j])
						->datagram_max);
}

static void mesh(size_t count)
{
	hosts_mesh(&h, count);
	find_limits();
}

static void take(struct host *host, const struct node_tap_takes *takes)
{
	if (host->node)
		node_set_tap_takes(host->node, takes);
	else
		host->config.tap_takes = *takes;
}

/* ---- what the TAP gives ---- */

/* Frames of one read: each a heap block of exactly its length, for
 * AddressSanitizer. */
#define READ_MAX 400
static struct tap_reading {
	struct frame frames[READ_MAX];
	struct iovec iov[READ_MAX];
	size_t count;
} reading;

static void read_frame(const uint8_t *bytes, size_t len,
		       const struct offload *offload)
{
	uint8_t *block = test_alloc(FRAME_HEADROOM + len);
	size_t i = reading.count++;

	ck_assert_uint_lt(i, READ_MAX);
	memcpy(block + FRAME_HEADROOM, bytes, len);
	reading.iov[i] = (struct iovec){ block + FRAME_HEADROOM, len };
	reading.frames[i] = (struct frame){ &reading.iov[i], 1, *offload };
}

/* A TCP or UDP GSO frame, or an ordinary frame if gso_size is 0. */
static void read_segment(const struct segment *s, uint16_t gso_size)
{
	static uint8_t bytes[SEGMENT_MAX];
	struct offload o;
	size_t len = gso_size ? segment_build_gso(bytes, sizeof(bytes), s,
						  gso_size, &o)
			      : segment_build(bytes, sizeof(bytes), s, &o);

	read_frame(bytes, len, &o);
}

static void read_other(size_t len, uint64_t seed)
{
	const struct offload none = { 0 };
	uint8_t *frame = hosts_frame(2, 1, len, seed);

	read_frame(frame, len, &none);
	free(frame);
}

/* The host's TAP gives all of that at once. */
static void give(struct host *host)
{
	node_from_tap(host->node, reading.frames, reading.count,
		      hosts_clock(host));
	for (size_t i = 0; i < reading.count; i++) {
		uint8_t *frame = reading.iov[i].iov_base;

		free(frame - FRAME_HEADROOM);
	}
	reading.count = 0;
}

static void give_gso(struct host *host, const struct segment *s,
		     uint16_t gso_size)
{
	read_segment(s, gso_size);
	give(host);
}

/* ---- what arrives ---- */

static void assert_frame(const struct written *w, const struct segment *s)
{
	static uint8_t want[SEGMENT_MAX];
	struct offload o;
	size_t len = segment_build(want, sizeof(want), s, &o);

	segment_assert_sound(w->bytes, w->len, &w->offload);
	if (!w->offload.csum_partial)
		segment_complete(want, len, &o);
	ck_assert_uint_eq(w->len, len);
	ck_assert_mem_eq(w->bytes, want, len);
	ck_assert_int_eq(w->offload.gso, OFFLOAD_GSO_NONE);
}

/* From written[first]: the segments of a GSO frame, `size` of payload each.
 * Returns how many. */
static size_t assert_segments(const struct host *host, size_t first,
			      const struct segment *s, size_t size,
			      bool csum_partial)
{
	unsigned index = 0;

	for (size_t at = 0; at < s->payload_len; at += size, index++) {
		struct segment e = segment_of_gso(s, at, size, index);

		ck_assert_uint_lt(first + index, host->written_count);
		assert_frame(&host->written[first + index], &e);
		ck_assert_int_eq(
			host->written[first + index].offload.csum_partial,
			csum_partial);
	}
	return index;
}

static void assert_gso(const struct written *w, const struct segment *s,
		       size_t gso_size)
{
	static uint8_t want[SEGMENT_MAX];
	struct offload o;
	size_t len = segment_build_gso(want, sizeof(want), s,
				       (uint16_t)gso_size, &o);

	segment_assert_sound(w->bytes, w->len, &w->offload);
	ck_assert_uint_eq(w->len, len);
	ck_assert_mem_eq(w->bytes, want, len);
	ck_assert_int_eq(w->offload.gso, o.gso);
	ck_assert_uint_eq(w->offload.gso_size, gso_size);
	ck_assert_uint_eq(w->offload.hdr_len, o.hdr_len);
	ck_assert(w->offload.csum_partial);
}

/* All that was written: the segments of a GSO frame, merged or not. Returns how
 * many they were. */
static size_t assert_stream(const struct host *host, const struct segment *s,
			    size_t size)
{
	size_t headers = segment_headers_len(s), at = 0;
	unsigned index = 0;

	for (size_t i = 0; i < host->written_count; i++) {
		const struct written *w = &host->written[i];
		size_t payload = w->len - headers;
		struct segment e = segment_of_gso(s, at, payload, index);

		if (w->offload.gso == OFFLOAD_GSO_NONE)
			assert_frame(w, &e);
		else
			assert_gso(w, &e, size);
		at += payload;
		index += (unsigned)((payload + size - 1) / size);
	}
	ck_assert_uint_eq(at, s->payload_len);
	return index;
}

static void assert_datagrams_fit(const struct host *from, const struct host *to,
				 size_t since)
{
	const struct flight *p;

	for (size_t i = 0; (p = hosts_sent(&h, WIRE_DATA, from, to, since, i));
	     i++)
		ck_assert_uint_le(p->len, datagram_size(from, to));
}

static uint64_t lost_frames(void)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < h.count; i++)
		if (h.host[i].node)
			lost += host_drops_total(&h.host[i]);
	return lost;
}

/* ---- cut, and carried ---- */

#define FLAGS (SEGMENT_ACK | SEGMENT_PSH)

static const struct {
	const char *what;
	struct segment s;
	uint16_t gso_size;
	size_t merged; /* frames that a TAP gets that takes all; 0: no merge */
} gso_samples[] = {
	{ "TCP over IPv4",
	  { .flags = FLAGS, .df = true, .payload_len = 40000 },
	  1448,
	  1 },
	{ "TCP over IPv6",
	  { .flags = FLAGS, .ipv6 = true, .label = 77, .payload_len = 40000 },
	  1428,
	  1 },
	{ "an odd MSS", { .flags = FLAGS, .payload_len = 20001 }, 537, 1 },
	{ "a tiny MSS", { .flags = FLAGS, .payload_len = 2001 }, 48, 1 },
	{ "exactly two segments",
	  { .flags = FLAGS, .payload_len = 2000 },
	  1000,
	  1 },
	{ "less than one", { .flags = FLAGS, .payload_len = 77 }, 1000, 1 },
	{ "a tag",
	  { .flags = FLAGS, .tags = 1, .vlan = 7, .payload_len = 9999 },
	  1448,
	  1 },
	{ "ECT and ECE",
	  { .flags = FLAGS | SEGMENT_ECE, .tos = 2, .payload_len = 9999 },
	  1448,
	  0 },
	{ "CWR",
	  { .flags = FLAGS | SEGMENT_CWR, .tos = 2, .payload_len = 9999 },
	  1448,
	  2 },
	{ "a FIN",
	  { .flags = FLAGS | SEGMENT_FIN, .payload_len = 4500 },
	  1448,
	  2 },
	{ "two tags, options everywhere",
	  { .flags = FLAGS,
	    .tags = 2,
	    .ip_options = 40,
	    .options = 40,
	    .payload_len = 9999 },
	  1000,
	  0 },
	{ "extension headers",
	  { .flags = FLAGS,
	    .ipv6 = true,
	    .ip_options = 80,
	    .options = 12,
	    .payload_len = 9999 },
	  1000,
	  0 },
	{ "UDP over IPv4", { .udp = true, .payload_len = 30000 }, 1200, 1 },
	{ "UDP over IPv6",
	  { .udp = true, .ipv6 = true, .payload_len = 12345 },
	  1011,
	  1 },
};
#define GSO_SAMPLES ((int)(sizeof(gso_samples) / sizeof(gso_samples[0])))

static struct segment nth(int i)
{
	struct segment s = gso_samples[i].s;

	s.src = 1;
	s.dst = 2;
	s.ttl = 64;
	s.src_port = 40000;
	s.dst_port = 5001;
	s.seq = s.udp ? 0 : 0xfffff000;
	return s;
}

/* The payload of a segment that a's peer gets. */
static size_t cut_for(const struct host *to, const struct segment *s,
		      size_t gso_size)
{
	size_t room =
		datagram_size(a, to) - FRAME_COST - segment_headers_len(s);

	return s->udp || room > gso_size ? gso_size : room;
}

START_TEST(a_gso_frame_arrives_as_the_segments_its_sender_meant)
{
	struct segment s = nth(_i);
	size_t since, size, count;

	take(b, &takes_none);
	take(c, &takes_partial);
	mesh(3);
	ck_assert_uint_eq(datagram_size(a, b), 1472);
	since = h.log_count;
	give_gso(a, &s, gso_samples[_i].gso_size);
	assert_datagrams_fit(a, b, since);
	arrive();
	size = cut_for(b, &s, gso_samples[_i].gso_size);
	count = assert_segments(b, 0, &s, size, false);
	ck_assert_uint_eq(b->written_count, count);
	assert_segments(c, 0, &s, size, true);
	ck_assert_uint_eq(c->written_count, count);
	ck_assert_uint_eq(host_status(a).tx.frames, 1);
	ck_assert_uint_eq(host_info(a, b).tx.frames, count);
	ck_assert_uint_eq(host_info(b, a).rx.frames, count);
	ck_assert_uint_eq(lost_frames(), 0);
}
END_TEST

START_TEST(a_tap_that_takes_gso_frames_gets_them_again)
{
	struct segment s = nth(_i);
	size_t size, segments;

	take(b, &takes_all);
	mesh(2);
	give_gso(a, &s, gso_samples[_i].gso_size);
	host_receive_all(b);
	size = cut_for(b, &s, gso_samples[_i].gso_size);
	segments = assert_stream(b, &s, size);
	ck_assert_uint_eq(b->written_count, gso_samples[_i].merged
						    ? gso_samples[_i].merged
						    : segments);
	ck_assert_uint_eq(host_info(b, a).rx.frames, segments);
	ck_assert_uint_eq(lost_frames(), 0);
}
END_TEST

START_TEST(each_peer_gets_the_cut_that_its_datagrams_hold)
{
	struct segment s = nth(_i);
	size_t since;

	limit(b, 9188);
	limit(c, 700);
	take(b, &takes_none);
	take(c, &takes_none);
	mesh(3);
	ck_assert_uint_eq(datagram_size(a, b), 9188);
	ck_assert_uint_eq(datagram_size(a, c), PMTU_MIN_V4);
	since = h.log_count;
	give_gso(a, &s, gso_samples[_i].gso_size);
	assert_datagrams_fit(a, b, since);
	assert_datagrams_fit(a, c, since);
	arrive();
	ck_assert_uint_eq(
		assert_segments(b, 0, &s, gso_samples[_i].gso_size, false),
		b->written_count);
	ck_assert_uint_eq(
		assert_segments(c, 0, &s,
				cut_for(c, &s, gso_samples[_i].gso_size),
				false),
		c->written_count);
	ck_assert_uint_eq(lost_frames(), 0);
}
END_TEST

/* A TCP segment is one record in one datagram: none is cut into fragments. */
START_TEST(tcp_fills_datagrams_and_needs_no_fragments)
{
	static const uint16_t sizes[] = { 548, 1200, 1372, 1472, 8972 };
	struct segment s = nth(0);
	size_t since, datagrams, size;

	limit(b, sizes[_i]);
	a->config.tap_mtu = b->config.tap_mtu = 9000;
	mesh(2);
	ck_assert_uint_eq(datagram_size(a, b), sizes[_i]);
	since = h.log_count;
	give_gso(a, &s, 8000);
	size = cut_for(b, &s, 8000);
	datagrams = hosts_count_sent(&h, WIRE_DATA, a, b, since);
	ck_assert_uint_eq(datagrams, (s.payload_len + size - 1) / size);
	arrive();
	ck_assert_uint_eq(b->written_count, datagrams);
}
END_TEST

START_TEST(udp_larger_than_a_datagram_is_fragmented_and_whole_again)
{
	struct segment s = nth(12);
	const uint16_t size = 1400;
	size_t since;

	limit(b, 548);
	limit(c, 548);
	take(b, &takes_all);
	take(c, &takes_none);
	mesh(3);
	s.payload_len = 9999;
	since = h.log_count;
	give_gso(a, &s, size);
	assert_datagrams_fit(a, b, since);
	host_receive_all(b);
	ck_assert_uint_eq(b->written_count, 1);
	assert_gso(&b->written[0], &s, size);
	arrive();
	ck_assert_uint_eq(assert_segments(c, 0, &s, size, false),
			  c->written_count);
	ck_assert_uint_eq(lost_frames(), 0);
}
END_TEST

/* From a peer whose TAP gives no GSO frames. */
START_TEST(reassembled_frames_merge_with_others)
{
	struct segment s = { .src = 1,
			     .dst = 2,
			     .ttl = 64,
			     .src_port = 1,
			     .dst_port = 2,
			     .flags = SEGMENT_ACK,
			     .payload_len = 40 * 700 };

	limit(b, 548);
	b->config.frag_buffers = 256;
	take(b, &takes_tcp);
	mesh(2);
	for (unsigned i = 0; i < 40; i++) {
		struct segment e = segment_of_gso(&s, 700 * i, 700, i);

		read_segment(&e, 0);
	}
	give(a);
	host_receive_all(b);
	ck_assert_uint_eq(b->written_count, 1);
	assert_gso(&b->written[0], &s, 700);
	ck_assert_uint_eq(lost_frames(), 0);
}
END_TEST

/* More segments than headers are kept for, with what shares their datagrams. */
START_TEST(many_tiny_segments_arrive_byte_for_byte)
{
	static const uint16_t sizes[] = { 1, 2, 3, 7, 20 };
	const uint16_t size = sizes[_i % 5];
	struct segment s = nth(_i < 5 ? 0 : 12);
	size_t at = 0;

	limit(b, 9188);
	take(b, &takes_none);
	mesh(2);
	s.payload_len = 999;
	for (int i = 0; i < 5; i++) {
		read_other(60 + (size_t)i, (uint64_t)i);
		read_segment(&s, size);
	}
	give(a);
	arrive();
	for (int i = 0; i < 5; i++) {
		uint8_t *other = hosts_frame(2, 1, 60 + (size_t)i, (uint64_t)i);

		ck_assert_uint_eq(b->written[at].len, 60 + (size_t)i);
		ck_assert_mem_eq(b->written[at].bytes, other, 60 + (size_t)i);
		free(other);
		at++;
		at += assert_segments(b, at, &s, size, false);
	}
	ck_assert_uint_eq(at, b->written_count);
	ck_assert_uint_eq(lost_frames(), 0);
}
END_TEST

START_TEST(more_gso_frames_than_a_chunk_keep_their_order)
{
	struct segment s = nth(0);
	size_t at = 0;

	take(b, &takes_none);
	mesh(2);
	s.payload_len = 3000;
	for (unsigned i = 0; i < 3 * NODE_DEBUG_CHUNK; i++) {
		s.seq = i * 3000;
		s.dst_port = (uint16_t)i;
		read_segment(&s, i % 3 ? 1000 : 0);
		if (i % 3 == 0) /* cut before its checksum: no record */
			reading.iov[i].iov_len = 50;
	}
	give(a);
	arrive();
	for (unsigned i = 0; i < 3 * NODE_DEBUG_CHUNK; i++) {
		s.seq = i * 3000;
		s.dst_port = (uint16_t)i;
		if (i % 3)
			at += assert_segments(b, at, &s, 1000, false);
	}
	ck_assert_uint_eq(host_drops(a, DROP_offload_bad), NODE_DEBUG_CHUNK);
	ck_assert_uint_eq(at, b->written_count);
}
END_TEST

START_TEST(a_peer_gets_all_in_the_order_of_the_tap)
{
	struct segment s = nth(0);

	take(b, &takes_all);
	mesh(2);
	s.payload_len = 9000;
	for (uint32_t i = 0; i < 4; i++) {
		s.seq = i * 9000;
		read_segment(&s, 1000);
		read_other(60, i);
	}
	give(a);
	host_receive_all(b);
	/* An ordinary frame is never passed, by either side. */
	ck_assert_uint_eq(b->written_count, 8);
	for (uint32_t i = 0; i < 4; i++) {
		uint8_t *other = hosts_frame(2, 1, 60, i);

		s.seq = i * 9000;
		assert_gso(&b->written[2 * i], &s, 1000);
		ck_assert_mem_eq(b->written[2 * i + 1].bytes, other, 60);
		free(other);
	}
}
END_TEST

START_TEST(two_peers_that_send_at_once_are_not_mixed)
{
	struct segment s = nth(0), t = nth(0);

	take(c, &takes_all);
	mesh(3);
	s.payload_len = t.payload_len = 20000;
	s.dst = t.dst = 3;
	give_gso(a, &s, 1000);
	give_gso(b, &t, 1000); /* the same addresses, ports, sequence */
	host_receive_all(c);
	ck_assert_uint_eq(c->written_count, 2);
	assert_gso(&c->written[0], &s, 1000);
	assert_gso(&c->written[1], &t, 1000);
}
END_TEST

/* ---- who gets it ---- */

START_TEST(a_gso_frame_to_a_known_mac_goes_there_alone)
{
	struct segment s = nth(0);
	uint8_t *frame = hosts_frame(0xff, 2, 60, 1);
	size_t since;

	mesh(3);
	host_tap(b, frame, 60);
	free(frame);
	arrive();
	since = h.log_count;
	give_gso(a, &s, 1448);
	ck_assert_uint_gt(hosts_count_sent(&h, WIRE_DATA, a, b, since), 0);
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_DATA, a, c, since), 0);
	/* … and it taught where its sender is. */
	arrive();
	host_forget_written(a);
	host_forget_written(c);
	s.src = 2;
	s.dst = 1;
	give_gso(b, &s, 1448);
	arrive();
	ck_assert_uint_gt(a->written_count, 0);
	ck_assert_uint_eq(c->written_count, 0);
}
END_TEST

START_TEST(a_gso_frame_to_a_group_goes_to_members_alone)
{
	struct segment s = nth(_i);
	struct group group = group_parse(s.tags ? s.vlan : 0,
					 s.ipv6 ? "ff0e::1:9" : "239.1.1.9");
	const uint16_t size = gso_samples[_i].gso_size;
	size_t since;

	take(b, &takes_none);
	stations_mesh(&h, 3);
	find_limits();
	s.group = true;
	s.dst = 9;
	station_join(b, &group);
	arrive();
	host_forget_written(b);
	since = h.log_count;
	give_gso(a, &s, size);
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_DATA, a, c, since), 0);
	hosts_run(&h, h.latency_us);
	ck_assert_uint_eq(assert_segments(b, 0, &s, size, false),
			  b->written_count);
	station_leave(b, &group);
	hosts_run(&h, 5 * CLOCK_S);
	since = h.log_count;
	give_gso(a, &s, size);
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_DATA, a, b, since), 0);
	ck_assert_uint_eq(host_drops(a, DROP_no_member), 1);
}
END_TEST

START_TEST(a_gso_frame_for_nobody_is_one_frame)
{
	struct segment s = nth(_i);

	host_start(a);
	give_gso(a, &s, gso_samples[_i].gso_size);
	ck_assert_uint_eq(host_drops(a, DROP_no_peer), 1);
	ck_assert_uint_eq(host_drops_total(a), 1);
	ck_assert_uint_eq(h.log_count, 0);
}
END_TEST

/* As when a route to a peer's address points into the TAP. */
START_TEST(our_own_datagrams_never_enter_as_a_gso_frame)
{
	struct segment s = nth(12);
	static uint8_t bytes[SEGMENT_MAX];
	struct offload o;
	size_t len, since;

	mesh(2);
	s.src_port = s.dst_port = WIRE_PORT;
	len = segment_build_gso(bytes, sizeof(bytes), &s, 1200, &o);
	memcpy(bytes + ETH_HEADER_LEN + 12, a->addrs[0].ip + 12, 4);
	store_be32(bytes + ETH_HEADER_LEN + 16, 0x0a090002); /* b's */
	since = h.log_count;
	read_frame(bytes, len, &o);
	give(a);
	ck_assert_uint_eq(host_drops(a, DROP_recursion), 1);
	/* Another port of that host is somebody else's business. */
	store_be16(bytes + o.csum_start + 2, WIRE_PORT + 1);
	read_frame(bytes, len, &o);
	ck_assert_uint_eq(h.log_count, since);
	give(a);
	ck_assert_uint_gt(h.log_count, since);
	ck_assert_uint_eq(host_drops_total(a), 1);
}
END_TEST

/* ---- what the TAP's user got wrong ---- */

START_TEST(malformed_gso_frames_are_dropped_and_counted)
{
	static uint8_t bytes[SEGMENT_MAX];
	struct segment s = nth(0);
	struct offload right, o;
	size_t len = segment_build_gso(bytes, sizeof(bytes), &s, 1448, &right);
	size_t since;

	mesh(2);
	since = h.log_count;
	o = right;
	o.gso = OFFLOAD_GSO_TCPV6;
	read_frame(bytes, len, &o);
	o.gso = OFFLOAD_GSO_UDP_L4;
	read_frame(bytes, len, &o);
	o = right;
	o.csum_partial = false;
	read_frame(bytes, len, &o);
	o = right;
	o.csum_start++;
	read_frame(bytes, len, &o);
	o = right;
	o.csum_offset = 6;
	read_frame(bytes, len, &o);
	o = right;
	o.gso_size = 1; /* 40,000 segments */
	read_frame(bytes, len, &o);
	o.gso_size = 0;
	read_frame(bytes, len, &o);
	read_frame(bytes, segment_headers_len(&s), &right); /* no payload */
	bytes[ETH_HEADER_LEN + 6] = 0x20;		    /* a fragment */
	read_frame(bytes, len, &right);
	give(a);
	ck_assert_uint_eq(host_drops(a, DROP_offload_bad), 9);
	ck_assert_uint_eq(host_drops_total(a), 9);

	read_frame(bytes, ETH_HEADER_LEN - 1, &right);
	bytes[6] |= 1;
	read_frame(bytes, len, &right);
	give(a);
	ck_assert_uint_eq(host_drops(a, DROP_frame_short), 1);
	ck_assert_uint_eq(host_drops(a, DROP_frame_bad_source), 1);
	ck_assert_uint_eq(h.log_count, since);
	ck_assert_uint_eq(host_status(a).tx.frames, 11);
}
END_TEST

START_TEST(segments_that_the_mtu_forbids_are_too_long)
{
	struct segment s = nth(_i);
	const size_t most = 1500 + ETH_OVERHEAD_MAX - segment_headers_len(&s);

	mesh(2);
	s.payload_len = 9999;
	give_gso(a, &s, (uint16_t)(most + 1));
	ck_assert_uint_eq(host_drops(a, DROP_frame_long), 1);
	give_gso(a, &s, (uint16_t)most);
	arrive();
	ck_assert_uint_gt(b->written_count, 0);
	ck_assert_uint_eq(host_drops_total(a), 1);
	/* One segment is as long as its payload, not as the size it may have. */
	s.payload_len = most;
	give_gso(a, &s, 65535);
	ck_assert_uint_eq(host_drops_total(a), 1);
	ck_assert_uint_eq(lost_frames(), 1);
}
END_TEST

/* ---- checksums ---- */

START_TEST(dhcp_arrives_with_its_checksum_complete)
{
	static const uint16_t ports[] = { 67, 68 };
	struct segment s = { .src = 1,
			     .dst = 2,
			     .udp = true,
			     .ipv6 = _i / 2,
			     .src_port = 68,
			     .dst_port = ports[_i % 2],
			     .payload_len = 301 };
	size_t at;

	take(b, &takes_all);
	mesh(2);
	read_segment(&s, 0);
	read_segment(&s, 0);
	s.payload_len = 3000;
	read_segment(&s, 1000);
	s.payload_len = 301;
	s.dst_port = 69;
	read_segment(&s, 0);
	give(a);
	host_receive_all(b);
	s.dst_port = ports[_i % 2];
	/* None of them merged. */
	ck_assert_uint_eq(b->written_count, 6);
	for (at = 0; at < 2; at++) {
		assert_frame(&b->written[at], &s);
		ck_assert(!b->written[at].offload.csum_partial);
	}
	s.payload_len = 3000;
	ck_assert_uint_eq(assert_segments(b, at, &s, 1000, false), 3);
	ck_assert(b->written[5].offload.csum_partial);
}
END_TEST

START_TEST(what_the_tap_takes_may_change_at_any_time)
{
	static const struct node_tap_takes *const levels[] = {
		&takes_none, &takes_all,     &takes_partial,
		&takes_tcp,  &takes_partial, &takes_none
	};
	struct segment tcp = nth(0), udp = nth(12);

	mesh(2);
	tcp.payload_len = udp.payload_len = 5000;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		const struct node_tap_takes *takes = levels[i];
		size_t at = 0;

		take(b, takes);
		read_segment(&tcp, 1000);
		read_segment(&udp, 1000);
		give(a);
		host_forget_written(b);
		host_receive_all(b);
		if (takes->tcp)
			assert_gso(&b->written[at++], &tcp, 1000);
		else
			at += assert_segments(b, at, &tcp, 1000,
					      takes->partial);
		if (takes->udp)
			assert_gso(&b->written[at++], &udp, 1000);
		else
			at += assert_segments(b, at, &udp, 1000,
					      takes->partial);
		ck_assert_uint_eq(b->written_count, at);
	}
}
END_TEST

/* GSO frames need partial checksums: who takes none gets none. */
START_TEST(without_partial_checksums_nothing_merges)
{
	const struct node_tap_takes odd = { .tcp = true, .udp = true };
	struct segment s = nth(0);

	take(b, &odd);
	mesh(2);
	give_gso(a, &s, 1448);
	host_receive_all(b);
	ck_assert_uint_eq(
		assert_segments(b, 0, &s, cut_for(b, &s, 1448), false),
		b->written_count);
}
END_TEST

/* ---- all of it at once ---- */

static struct segment random_segment(struct rng *r, uint16_t *gso_size)
{
	struct segment s = { .src = 1, .dst = 2, .ttl = 64 };
	size_t room;

	s.udp = rng_chance(r, 0.3);
	s.ipv6 = rng_chance(r, 0.4);
	s.tags = rng_chance(r, 0.2);
	s.vlan = 7;
	s.df = rng_chance(r, 0.8);
	s.flags = rng_chance(r, 0.8) ? SEGMENT_ACK : (uint8_t)rng_u64(r);
	s.ip_options = rng_chance(r, 0.1) ? 8 : 0;
	s.options = rng_chance(r, 0.5) ? 12 : 0;
	s.src_port = (uint16_t)rng_below(r, 3);
	s.dst_port = 5001;
	s.seq = (uint32_t)rng_u64(r);
	room = 1500 + ETH_OVERHEAD_MAX - segment_headers_len(&s);
	s.payload_len = 1 + rng_below(r, room);
	*gso_size = 0;
	if (rng_chance(r, 0.4)) {
		s.payload_len = 1 + rng_below(r, 20000);
		*gso_size = (uint16_t)(30 + rng_below(r, room - 29));
	}
	return s;
}

#define MIXED 64

/* Frame by frame to a TAP that takes nothing. */
START_TEST(any_mix_arrives_whole_and_in_order)
{
	static const uint16_t sizes[] = { 548, 1200, 1472, 8972 };
	struct rng r = rng_init((uint64_t)_i);
	struct segment sent[MIXED];
	uint16_t gso_sizes[MIXED];
	size_t at = 0, since;

	limit(b, sizes[_i % 4]);
	take(b, &takes_none);
	mesh(2);
	for (int i = 0; i < MIXED; i++) {
		sent[i] = random_segment(&r, &gso_sizes[i]);
		read_segment(&sent[i], gso_sizes[i]);
	}
	since = h.log_count;
	give(a);
	assert_datagrams_fit(a, b, since);
	host_receive_all(b);
	for (int i = 0; i < MIXED; i++) {
		size_t size = gso_sizes[i];

		if (size)
			at += assert_segments(b, at, &sent[i],
					      cut_for(b, &sent[i], size),
					      false);
		else
			assert_frame(&b->written[at++], &sent[i]);
	}
	ck_assert_uint_eq(at, b->written_count);
	ck_assert_uint_eq(lost_frames(), 0);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("cut and carried", .setup = setup,
		  .teardown = three_teardown),
	UNIT_LOOP(a_gso_frame_arrives_as_the_segments_its_sender_meant,
		  GSO_SAMPLES),
	UNIT_LOOP(a_tap_that_takes_gso_frames_gets_them_again, GSO_SAMPLES),
	UNIT_LOOP(each_peer_gets_the_cut_that_its_datagrams_hold, GSO_SAMPLES),
	UNIT_LOOP(tcp_fills_datagrams_and_needs_no_fragments, 5),
	UNIT_TEST(udp_larger_than_a_datagram_is_fragmented_and_whole_again),
	UNIT_TEST(reassembled_frames_merge_with_others),
	UNIT_LOOP(many_tiny_segments_arrive_byte_for_byte, 10),
	UNIT_TEST(more_gso_frames_than_a_chunk_keep_their_order),
	UNIT_TEST(a_peer_gets_all_in_the_order_of_the_tap),
	UNIT_TEST(two_peers_that_send_at_once_are_not_mixed),
	UNIT_LOOP(any_mix_arrives_whole_and_in_order, 40),
	UNIT_CASE("who gets it", .setup = setup, .teardown = three_teardown),
	UNIT_TEST(a_gso_frame_to_a_known_mac_goes_there_alone),
	UNIT_RANGE(a_gso_frame_to_a_group_goes_to_members_alone,
		   GSO_SAMPLES - 2, GSO_SAMPLES),
	UNIT_LOOP(a_gso_frame_for_nobody_is_one_frame, GSO_SAMPLES),
	UNIT_TEST(our_own_datagrams_never_enter_as_a_gso_frame),
	UNIT_TEST(malformed_gso_frames_are_dropped_and_counted),
	UNIT_LOOP(segments_that_the_mtu_forbids_are_too_long, GSO_SAMPLES),
	UNIT_CASE("checksums", .setup = setup, .teardown = three_teardown),
	UNIT_LOOP(dhcp_arrives_with_its_checksum_complete, 4),
	UNIT_TEST(what_the_tap_takes_may_change_at_any_time),
	UNIT_TEST(without_partial_checksums_nothing_merges),
};

UNIT_MAIN("node offload", tests)
