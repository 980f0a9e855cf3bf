/* lib/node: frames through plain datagrams, out and in. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "plain/vxlan.h"
#include "support/alloc.h"
#include "support/main.h"
#include "support/plain_three.h"
#include "support/segments.h"

static const struct node_tap_takes takes_none,
	takes_partial = { .partial = true },
	takes_all = { .partial = true, .tcp = true, .udp = true };

static const struct segment samples[] = {
	{ .payload_len = 40000 },
	{ .payload_len = 4001, .ipv6 = true },
	{ .payload_len = 4000, .tags = 1, .vlan = 7 },
	{ .payload_len = 4000, .options = 12 },
	{ .payload_len = 4000, .udp = true },
	{ .payload_len = 4001, .udp = true, .ipv6 = true },
};
#define SEGMENT_LEN 1000

static struct segment nth(int i)
{
	struct segment s = samples[i];

	s.src = 1;
	s.dst = 2;
	s.ttl = 64;
	s.df = true;
	s.src_port = 4000;
	s.dst_port = 80;
	s.window = 1000;
	s.flags = s.udp ? 0 : SEGMENT_ACK;
	return s;
}

static void give(struct host *host, const struct segment *s, uint16_t gso_size)
{
	static uint8_t bytes[SEGMENT_MAX];
	struct offload o;
	size_t len = gso_size ? segment_build_gso(bytes, sizeof(bytes), s,
						  gso_size, &o)
			      : segment_build(bytes, sizeof(bytes), s, &o);

	ck_assert_uint_gt(len, 0);
	host_tap_offload(host, bytes, len, o);
}

static const uint8_t *inner(const struct flight *f, size_t *len)
{
	const uint8_t *frame = NULL;

	ck_assert_int_eq(vxlan_take(f->bytes, f->len, PLAIN_VNI, &frame, len),
			 DROP_NONE);
	return frame;
}

/* From log[first]: the segments of a GSO frame, complete, each once to that host.
 * Returns how many. */
static size_t assert_segments(size_t first, const struct host *to,
			      const struct segment *s, size_t size)
{
	static uint8_t want[SEGMENT_MAX];
	const struct offload none = { .csum_partial = false };
	unsigned index = 0;

	for (size_t at = 0; at < s->payload_len; at += size, index++) {
		const struct segment e = segment_of_gso(s, at, size, index);
		struct offload o;
		size_t len = segment_build(want, sizeof(want), &e, &o), got;
		const uint8_t *frame;

		ck_assert_uint_lt(first + index, h.log_count);
		ck_assert(addr_equal(&h.log[first + index]->to, &to->addrs[0]));
		frame = inner(h.log[first + index], &got);
		segment_complete(want, len, &o);
		ck_assert_uint_eq(got, len);
		ck_assert_mem_eq(frame, want, len);
		segment_assert_sound(frame, got, &none);
	}
	return index;
}

/* All the payload of *s was written, in order, whole or merged. */
static void assert_stream(const struct host *host, const struct segment *s)
{
	const size_t headers = segment_headers_len(s);
	size_t at = 0;

	for (size_t i = 0; i < host->written_count; i++) {
		const struct written *w = &host->written[i];

		if (w->offload.gso == OFFLOAD_GSO_NONE)
			segment_assert_sound(w->bytes, w->len, &w->offload);
		for (size_t j = headers; j < w->len; j++)
			ck_assert_uint_eq(w->bytes[j],
					  segment_byte((uint32_t)at++));
	}
	ck_assert_uint_eq(at, s->payload_len);
}

/* Without queries, so that what is on the wire is the test's. */
static void setup(void)
{
	plain_setup();
	for (size_t i = 0; i < h.count; i++)
		h.host[i].config.snooping = false;
}

/* ---- ordinary frames ---- */

START_TEST(frames_pass_both_ways)
{
	for (int gre = 0; gre < 2; gre++) {
		plain_mesh(3);
		ck_assert(host_talks(a, b));
		ck_assert(host_heard(c, a, h.net.now_us - 10000));
		ck_assert(host_talks(b, a));
		ck_assert_uint_eq(host_drops_total(a), 0);
		ck_assert_uint_eq(plain_info(a, b).tx.frames, 1);
		ck_assert_uint_eq(plain_info(a, b).rx.frames, 1);
		for (size_t i = 0; i < h.count; i++) {
			host_stop(&h.host[i]);
			h.host[i].config.encapsulation = NODE_GRE;
			h.host[i].config.network_id_set = _i;
		}
	}
}
END_TEST

START_TEST(frame_to_a_known_mac_goes_there_alone)
{
	uint8_t *frame = hosts_frame(2, 1, 100, 1);

	plain_mesh(3);
	host_say(b, 1);
	arrive();
	hosts_forget_log(&h);
	host_tap(a, frame, 100);
	ck_assert_uint_eq(h.log_count, 1);
	ck_assert(addr_equal(&h.log[0]->to, &b->addrs[0]));
	ck_assert_uint_eq(h.log[0]->len, VXLAN_LEN + 100);
	ck_assert_mem_eq(h.log[0]->bytes + VXLAN_LEN, frame, 100);
	free(frame);
}
END_TEST

START_TEST(partial_checksum_leaves_complete)
{
	struct segment s = nth(_i);

	s.payload_len = 1001;
	s.dst = 9;
	plain_mesh(3);
	give(a, &s, 0);
	ck_assert_uint_eq(h.log_count, 2);
	ck_assert_uint_eq(assert_segments(0, b, &s, 2000), 1);
	ck_assert_uint_eq(assert_segments(1, c, &s, 2000), 1);
}
END_TEST

START_TEST(checksum_that_does_not_fit_is_dropped)
{
	uint8_t *frame = hosts_frame(2, 1, 100, 1);

	plain_mesh(2);
	host_tap_offload(a, frame, 100,
			 (struct offload){ .csum_partial = true,
					   .csum_start = 90,
					   .csum_offset = 9 });
	ck_assert_uint_eq(host_drops(a, DROP_offload_bad), 1);
	ck_assert_uint_eq(h.log_count, 0);
	free(frame);
}
END_TEST

/* ---- GSO frames ---- */

START_TEST(gso_frame_becomes_segments_with_complete_checksums)
{
	const struct segment s = nth(_i);
	size_t n;

	plain_mesh(3);
	give(a, &s, SEGMENT_LEN);
	/* The same for each of the two, one after the other. */
	n = assert_segments(0, b, &s, SEGMENT_LEN);
	ck_assert_uint_eq(assert_segments(n, c, &s, SEGMENT_LEN), n);
	ck_assert_uint_eq(h.log_count, 2 * n);
	ck_assert_uint_eq(plain_info(a, b).tx.frames, n);
	ck_assert_uint_eq(plain_info(a, c).tx.frames, n);
	ck_assert_uint_eq(plain_info(a, c).tx.datagrams, n);
}
END_TEST

START_TEST(received_segments_merge_again)
{
	const struct segment s = nth(_i);

	b->config.tap_takes = takes_all;
	plain_mesh(2);
	give(a, &s, SEGMENT_LEN);
	ck_assert_uint_eq(host_receive_all(b),
			  (s.payload_len + SEGMENT_LEN - 1) / SEGMENT_LEN);
	ck_assert_uint_eq(b->written_count, 1);
	ck_assert_int_ne(b->written[0].offload.gso, OFFLOAD_GSO_NONE);
	ck_assert_uint_eq(b->written[0].offload.gso_size, SEGMENT_LEN);
	segment_assert_sound(b->written[0].bytes, b->written[0].len,
			     &b->written[0].offload);
	assert_stream(b, &s);
}
END_TEST

START_TEST(tap_without_offloads_gets_what_came)
{
	const struct segment s = nth(_i);

	b->config.tap_takes = takes_none;
	plain_mesh(2);
	give(a, &s, SEGMENT_LEN);
	host_receive_all(b);
	ck_assert_uint_eq(b->written_count,
			  (s.payload_len + SEGMENT_LEN - 1) / SEGMENT_LEN);
	for (size_t i = 0; i < b->written_count; i++)
		ck_assert(!b->written[i].offload.csum_partial);
	assert_stream(b, &s);
}
END_TEST

/* A segment that was damaged inside does not poison those that it would be merged
 * with: it is passed on as it came, and its receiver drops it. */
START_TEST(wrong_checksum_is_not_made_a_right_one)
{
	const struct offload none = { .csum_partial = false };
	static uint8_t frame[SEGMENT_MAX];
	struct segment s = nth(0);
	struct offload o;
	size_t len;

	b->config.tap_takes = takes_all;
	s.payload_len = 1000;
	plain_mesh(2);
	len = segment_build(frame, sizeof(frame), &s, &o);
	segment_complete(frame, len, &o);
	frame[len - 1] ^= 1;
	plain_send_from(b, &a->addrs[0], frame, len);
	ck_assert_uint_eq(b->written_count, 1);
	ck_assert(!b->written[0].offload.csum_partial);
	ck_assert_mem_eq(b->written[0].bytes, frame, len);
	frame[len - 1] ^= 1;
	segment_assert_sound(frame, len, &none);
}
END_TEST

/* As a VXLAN device on the same machine sends it. */
START_TEST(bare_pseudo_header_sum_is_completed_where_it_must_be)
{
	static uint8_t frame[SEGMENT_MAX];
	struct segment s = nth(_i);
	struct offload o;
	size_t len;

	b->config.tap_takes = takes_none;
	s.payload_len = 500;
	plain_mesh(2);
	len = segment_build(frame, sizeof(frame), &s, &o);
	plain_send_from(b, &a->addrs[0], frame, len);
	ck_assert_uint_eq(b->written_count, 1);
	ck_assert(!b->written[0].offload.csum_partial);
	segment_assert_sound(b->written[0].bytes, len, &b->written[0].offload);
	node_set_tap_takes(b->node, &takes_partial);
	plain_send_from(b, &a->addrs[0], frame, len);
	ck_assert_uint_eq(b->written_count, 2);
	ck_assert(b->written[1].offload.csum_partial);
	segment_assert_sound(b->written[1].bytes, len, &b->written[1].offload);
}
END_TEST

/* ---- sizes ---- */

START_TEST(refused_size_makes_tcp_segments_smaller)
{
	const struct segment s = nth(_i);
	const struct offload none = { .csum_partial = false };
	static uint8_t last[SEGMENT_MAX];
	size_t frames = 0;

	plain_mesh(3);
	node_send_failed(a->node, &b->addrs[0], DROP_send_too_big, 1500, 1,
			 hosts_clock(a));
	ck_assert_uint_eq(plain_info(a, b).datagram_size, 1472);
	node_send_failed(a->node, &b->addrs[0], DROP_send_too_big, 1473, 1,
			 hosts_clock(a));
	ck_assert_uint_eq(plain_info(a, b).datagram_size, 1472);
	for (int i = 0; i < 20; i++)
		node_send_failed(a->node, &b->addrs[0], DROP_send_too_big,
				 plain_info(a, b).datagram_size, 1,
				 hosts_clock(a));
	ck_assert_uint_eq(plain_info(a, b).datagram_size, 548);
	ck_assert_uint_eq(plain_info(a, c).datagram_size, 0);
	give(a, &s, SEGMENT_LEN);
	for (size_t i = 0; i < h.log_count; i++) {
		size_t len;
		const uint8_t *frame = inner(h.log[i], &len);

		ck_assert_uint_le(len, sizeof(last));
		segment_assert_sound(frame, len, &none);
		if (!addr_equal(&h.log[i]->to, &b->addrs[0]))
			continue;
		frames++;
		if (!s.udp)
			ck_assert_uint_le(h.log[i]->len, 548);
	}
	ck_assert_uint_eq(frames, plain_info(a, b).tx.frames);
	arrive();
	assert_stream(b, &s);
	assert_stream(c, &s);
	/* The way may be wider again. */
	hosts_run(&h, 660 * CLOCK_S);
	ck_assert_uint_eq(plain_info(a, b).datagram_size, 0);
}
END_TEST

/* Not even a sender that sends one segment at a time gets stuck. */
START_TEST(lone_segment_that_is_too_long_is_split)
{
	struct segment s = nth(_i);

	s.payload_len = 1300;
	plain_mesh(3);
	node_send_failed(a->node, &b->addrs[0], DROP_send_too_big, 1208, 1,
			 hosts_clock(a));
	ck_assert_uint_eq(plain_info(a, b).datagram_size, 1200);
	give(a, &s, 0);
	ck_assert_uint_eq(plain_info(a, b).tx.frames, s.udp ? 1 : 2);
	ck_assert_uint_eq(plain_info(a, c).tx.frames, 1);
	arrive();
	assert_stream(b, &s);
	assert_stream(c, &s);
}
END_TEST

/* … unless it has no payload to split: its headers are that long. Nothing is changed. */
START_TEST(long_headers_alone_leave_as_they_are)
{
	struct segment s = nth(1);
	static uint8_t frame[SEGMENT_MAX], before[SEGMENT_MAX];
	struct offload o;
	size_t len;

	s.payload_len = 700;
	s.ip_options = 64;
	plain_mesh(2);
	node_send_failed(a->node, &b->addrs[0], DROP_send_too_big, 500, 1,
			 hosts_clock(a));
	len = segment_build(frame, sizeof(frame), &s, &o);
	/* All of it is TCP's header's and IPv6's. */
	len -= s.payload_len;
	memmove(frame + 54 + 504, frame + 54 + 64, len - 54 - 64);
	memset(frame + 54, 0, 504);
	frame[54] = INET_PROTO_TCP;
	frame[55] = 62;
	frame[20] = INET_PROTO_DESTINATION;
	len += 440;
	store_be16(frame + 18, (uint16_t)(len - 54));
	o.csum_start = 54 + 504;
	o.csum_offset = TCP_CSUM_OFFSET;
	store_be16(frame + o.csum_start + o.csum_offset, 0);
	{
		uint64_t sum =
			checksum_add(6 + len - o.csum_start, frame + 22, 32);

		store_be16(frame + o.csum_start + o.csum_offset,
			   checksum_fold(checksum_add(sum, frame + o.csum_start,
						      len - o.csum_start)));
	}
	memcpy(before, frame, len);
	host_tap(a, frame, len);
	ck_assert_uint_eq(h.log_count, 1);
	ck_assert_uint_eq(h.log[0]->len, VXLAN_LEN + len);
	ck_assert_mem_eq(h.log[0]->bytes + VXLAN_LEN, before, len);
}
END_TEST

START_TEST(underlay_mtu_bounds_the_size)
{
	const struct segment s = nth(0);

	a->config.underlay_mtu = 1000;
	plain_mesh(2);
	ck_assert_uint_eq(plain_info(a, b).datagram_size, 972);
	give(a, &s, 1400);
	for (size_t i = 0; i < h.log_count; i++)
		ck_assert_uint_le(h.log[i]->len, 972);
	arrive();
	assert_stream(b, &s);
}
END_TEST

/* ---- runs ---- */

static struct {
	size_t runs, datagrams, lens;
	uint16_t spread[64];
} heard;

static void count_runs(void *user, const struct datagram_run *runs, size_t n)
{
	(void)user;
	for (size_t i = 0; i < n; i++) {
		heard.spread[heard.runs % 64] = runs[i].spread;
		heard.runs++;
		heard.datagrams += (runs[i].len + runs[i].segment_len - 1) /
				   runs[i].segment_len;
	}
}

static void no_event(void *user, const struct node_event *event)
{
	(void)user;
	(void)event;
}

static void draw(void *user, void *buf, size_t len)
{
	(void)user;
	memset(buf, 7, len);
}

static struct node *counted(struct host *host, const struct addr *peers,
			    size_t count)
{
	const struct node_ops ops = { .random = draw,
				      .udp_send = count_runs,
				      .event = no_event };
	const char *error;
	struct node *n =
		node_new(&host->config, &ops, NULL, hosts_clock(host), &error);

	ck_assert_ptr_nonnull(n);
	ck_assert_uint_eq(node_want(n, NODE_SOURCE_PEERS, peers, count,
				    hosts_clock(host)),
			  0);
	memset(&heard, 0, sizeof(heard));
	return n;
}

/* Frames of one read. */
static void give_many(struct node *n, size_t count, uint16_t flows)
{
	struct frame frames[100];
	struct iovec iov[100];
	uint8_t *blocks = test_zalloc(count, FRAME_HEADROOM + HOSTS_UDP_LEN);

	ck_assert_uint_le(count, 100);
	for (size_t i = 0; i < count; i++) {
		uint8_t *at = blocks + i * (FRAME_HEADROOM + HOSTS_UDP_LEN) +
			      FRAME_HEADROOM;

		hosts_udp_frame(at, (uint16_t)(5000 + i % flows));
		iov[i] = (struct iovec){ at, HOSTS_UDP_LEN };
		frames[i] = (struct frame){ .iov = &iov[i], .iovcnt = 1 };
	}
	node_from_tap(n, frames, count, hosts_clock(a));
	free(blocks);
}

START_TEST(one_flow_to_one_peer_is_one_run)
{
	struct addr peers[] = { b->addrs[0], c->addrs[0] };
	struct node *n = counted(a, peers, 2);

	give_many(n, 60, 1);
	ck_assert_uint_eq(heard.runs, 2);
	ck_assert_uint_eq(heard.datagrams, 120);
	ck_assert_uint_ne(heard.spread[0], 0);
	ck_assert_uint_eq(heard.spread[0], heard.spread[1]);
	node_free(n);
}
END_TEST

START_TEST(flows_leave_apart)
{
	struct node *n = counted(a, b->addrs, 1);

	give_many(n, 60, 2);
	ck_assert_uint_eq(heard.runs, 60);
	ck_assert_uint_ne(heard.spread[0], heard.spread[1]);
	ck_assert_uint_eq(heard.spread[0], heard.spread[2]);
	node_free(n);
	a->config.encapsulation = NODE_GRE;
	n = counted(a, b->addrs, 1);
	give_many(n, 60, 2);
	ck_assert_uint_eq(heard.runs, 1);
	ck_assert_uint_eq(heard.spread[0], 0);
	node_free(n);
}
END_TEST

/* ---- what is wrong ---- */

static void raw_in(struct host *to, const uint8_t *bytes, size_t len)
{
	const struct way way = { .remote = a->addrs[0], .local = to->addrs[0] };

	host_receive_way(to, &way, bytes, len);
}

START_TEST(attack_bad_vxlan_is_counted_and_nothing_delivered)
{
	uint8_t d[200] = { 0 };
	uint8_t *frame = hosts_frame(0xff, 1, 80, 1);

	plain_mesh(2);
	memcpy(d + VXLAN_LEN, frame, 80);
	vxlan_put(d, PLAIN_VNI + 1);
	raw_in(b, d, 88);
	ck_assert_uint_eq(host_drops(b, DROP_vxlan_vni), 1);
	vxlan_put(d, PLAIN_VNI);
	d[0] = 0;
	raw_in(b, d, 88);
	d[0] = 0x0c;
	raw_in(b, d, 88);
	d[0] = 8;
	raw_in(b, d, 7);
	raw_in(b, d, 1);
	ck_assert_uint_eq(host_drops(b, DROP_vxlan_bad), 4);
	raw_in(b, d, 0);
	ck_assert_uint_eq(host_drops(b, DROP_datagram_short), 1);
	raw_in(b, d, 8);
	raw_in(b, d, 8 + 13);
	ck_assert_uint_eq(host_drops(b, DROP_frame_short), 2);
	d[8 + 6] = 1;
	raw_in(b, d, 88);
	ck_assert_uint_eq(host_drops(b, DROP_frame_bad_source), 1);
	ck_assert_uint_eq(host_drops_total(b), 9);
	ck_assert_uint_eq(b->written_count, 0);
	d[8 + 6] = 2;
	raw_in(b, d, 88);
	ck_assert_uint_eq(b->written_count, 1);
	free(frame);
}
END_TEST

START_TEST(attack_bad_gre_is_counted_and_nothing_delivered)
{
	uint8_t d[200] = { 0 };
	uint8_t *frame = hosts_frame(0xff, 1, 80, 1);

	for (size_t i = 0; i < h.count; i++)
		h.host[i].config.encapsulation = NODE_GRE;
	plain_mesh(2);
	store_be32(d, 0x20006558);
	store_be32(d + 4, PLAIN_VNI + 1);
	memcpy(d + 8, frame, 80);
	raw_in(b, d, 88);
	store_be32(d, 0x00006558);
	raw_in(b, d, 88);
	ck_assert_uint_eq(host_drops(b, DROP_gre_key), 2);
	store_be32(d, 0x20016558);
	raw_in(b, d, 88);
	store_be32(d, 0x20000800);
	raw_in(b, d, 88);
	store_be32(d, 0x20006558);
	raw_in(b, d, 7);
	ck_assert_uint_eq(host_drops(b, DROP_gre_bad), 3);
	store_be32(d, 0xa0006558);
	raw_in(b, d, 88);
	ck_assert_uint_eq(host_drops(b, DROP_gre_checksum), 1);
	ck_assert_uint_eq(host_drops_total(b), 6);
	ck_assert_uint_eq(b->written_count, 0);
	free(frame);
}
END_TEST

START_TEST(attack_a_frame_that_is_too_long_is_dropped)
{
	uint8_t *frame = hosts_frame(0xff, 1, 1450 + 23, 1);

	plain_mesh(2);
	plain_send_from(b, &a->addrs[0], frame, 1450 + 23);
	ck_assert_uint_eq(host_drops(b, DROP_frame_long), 1);
	plain_send_from(b, &a->addrs[0], frame, 1450 + 22);
	ck_assert_uint_eq(b->written_count, 1);
	free(frame);
}
END_TEST

START_TEST(attack_the_longest_frames_are_dropped_and_no_more)
{
	uint8_t *frame = hosts_frame(0xff, 1, 65600, 1);
	struct segment s = nth(4);

	plain_mesh(2);
	node_set_tap_mtu(a->node, 65500, hosts_clock(a));
	for (size_t len = 65480; len < 65530; len++)
		host_tap(a, frame, len);
	ck_assert_uint_eq(h.log_count, 12);
	ck_assert_uint_eq(host_drops(a, DROP_frame_long), 38);
	s.payload_len = 65470;
	give(a, &s, 65470);
	ck_assert_uint_eq(host_drops(a, DROP_frame_long), 39);
	free(frame);
}
END_TEST

/* A host's, or a switch's on the way; not all of them pad with zeros. */
START_TEST(padding_is_not_summed)
{
	static uint8_t frame[SEGMENT_MAX];
	struct segment s = nth(0);
	struct offload o;
	size_t len;

	s.payload_len = 1;
	plain_mesh(2);
	for (int bare = 0; bare < 2; bare++) {
		const struct written *w;

		len = segment_build(frame, sizeof(frame), &s, &o);
		if (!bare)
			segment_complete(frame, len, &o);
		memset(frame + len, 0xa5, 60 - len);
		plain_send_from(b, &a->addrs[0], frame, 60);
		w = &b->written[b->written_count - 1];
		ck_assert_uint_eq(w->len, 60);
		ck_assert(!w->offload.csum_partial);
		segment_assert_sound(w->bytes, len, &w->offload);
	}
}
END_TEST

/* As when a route to a peer's address points into the TAP. */
START_TEST(our_own_datagrams_never_enter)
{
	uint8_t d[200] = { 0 };
	struct writer w = writer_init(d, sizeof(d));
	uint8_t *in = hosts_frame(0xff, 1, 60, 1);

	plain_mesh(3);
	writer_bytes(&w, "\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0", 14);
	writer_bytes(&w, "\x45\0\0\0\0\1\x40\0\x40\x11\0\0", 12);
	store_be16(d + 16, 20 + 8 + 8 + 60);
	writer_bytes(&w, a->addrs[0].ip + 12, 4);
	writer_bytes(&w, b->addrs[0].ip + 12, 4);
	writer_u16(&w, 50000);
	writer_u16(&w, 4789);
	writer_u16(&w, 8 + 8 + 60);
	writer_u16(&w, 0);
	vxlan_put(d + w.len, PLAIN_VNI);
	memcpy(d + w.len + 8, in, 60);
	host_tap(a, d, w.len + 68);
	ck_assert_uint_eq(host_drops(a, DROP_recursion), 1);
	ck_assert_uint_eq(h.log_count, 0);
	/* Another network's are anybody's business. */
	vxlan_put(d + w.len, PLAIN_VNI + 1);
	host_tap(a, d, w.len + 68);
	ck_assert_uint_eq(h.log_count, 2);
	free(in);
}
END_TEST

/* ---- captures ---- */

static struct {
	size_t count;
	bool from_tap;
	char peer[NODE_NAME_MAX + 1];
	enum drop_reason reason;
	size_t len;
	uint8_t bytes[4096];
} seen;

static void note_seen(void *user, const struct node_sight *sight)
{
	(void)user;
	ck_assert_ptr_null(sight->key);
	ck_assert(!sight->offload.csum_partial);
	seen.count++;
	seen.from_tap = sight->from_tap;
	seen.reason = sight->reason;
	snprintf(seen.peer, sizeof(seen.peer), "%s",
		 sight->peer ? sight->peer : "nobody");
	seen.len = 0;
	for (size_t i = 0; i < sight->count; i++) {
		memcpy(seen.bytes + seen.len, sight->pieces[i], sight->lens[i]);
		seen.len += sight->lens[i];
	}
}

START_TEST(frames_are_shown_as_they_are_sent_and_as_they_came)
{
	const struct offload none = { .csum_partial = false };
	const struct segment s = nth(0);
	uint8_t *frame = hosts_frame(0xff, 2, 80, 5);

	plain_mesh(3);
	memset(&seen, 0, sizeof(seen));
	node_capture(a->node, note_seen);
	give(a, &s, SEGMENT_LEN);
	ck_assert_uint_eq(seen.count, 80);
	ck_assert_str_eq(seen.peer, "10.9.0.3");
	ck_assert(seen.from_tap);
	segment_assert_sound(seen.bytes, seen.len, &none);
	plain_send_from(a, &b->addrs[0], frame, 80);
	ck_assert_uint_eq(seen.count, 81);
	ck_assert_str_eq(seen.peer, "10.9.0.2");
	ck_assert(!seen.from_tap);
	ck_assert_uint_eq(seen.len, 80);
	ck_assert_mem_eq(seen.bytes, frame, 80);
	frame[0] = 0x02;
	host_tap(a, frame, 13);
	ck_assert_uint_eq(seen.count, 82);
	ck_assert_int_eq(seen.reason, DROP_frame_short);
	ck_assert_str_eq(seen.peer, "nobody");
	free(frame);
}
END_TEST

/* ---- what is like in a sealed node ---- */

START_TEST(duplicate_address_is_found)
{
	static const char arp[] = "\xff\xff\xff\xff\xff\xff\2\0\0\0\0\2\x08\6"
				  "\0\1\x08\0\6\4\0\1\2\0\0\0\0\2\x0a\x4d\0\1"
				  "\0\0\0\0\0\0\x0a\x4d\0\1";
	const struct node_tap_address own = {
		.addr = { .ip = { [10] = 0xff, 0xff, 10, 77, 0, 1 } },
	};

	plain_mesh(2);
	node_set_tap_addresses(a->node, &own, 1, false, hosts_clock(a));
	plain_send_from(a, &b->addrs[0], (const uint8_t *)arp, 42);
	ck_assert_uint_eq(host_events(a, NODE_DUPLICATE_ADDRESS), 1);
	ck_assert_str_eq(host_event(a, NODE_DUPLICATE_ADDRESS)->peer,
			 "10.9.0.2");
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("plain frames", .setup = setup, .teardown = three_teardown),
	UNIT_LOOP(frames_pass_both_ways, 2),
	UNIT_TEST(frame_to_a_known_mac_goes_there_alone),
	UNIT_EACH(partial_checksum_leaves_complete, samples),
	UNIT_TEST(checksum_that_does_not_fit_is_dropped),
	UNIT_EACH(gso_frame_becomes_segments_with_complete_checksums, samples),
	UNIT_EACH(received_segments_merge_again, samples),
	UNIT_EACH(tap_without_offloads_gets_what_came, samples),
	UNIT_TEST(wrong_checksum_is_not_made_a_right_one),
	UNIT_EACH(bare_pseudo_header_sum_is_completed_where_it_must_be,
		  samples),
	UNIT_EACH(refused_size_makes_tcp_segments_smaller, samples),
	UNIT_EACH(lone_segment_that_is_too_long_is_split, samples),
	UNIT_TEST(long_headers_alone_leave_as_they_are),
	UNIT_TEST(underlay_mtu_bounds_the_size),
	UNIT_TEST(one_flow_to_one_peer_is_one_run),
	UNIT_TEST(flows_leave_apart),
	UNIT_TEST(attack_bad_vxlan_is_counted_and_nothing_delivered),
	UNIT_TEST(attack_bad_gre_is_counted_and_nothing_delivered),
	UNIT_TEST(attack_a_frame_that_is_too_long_is_dropped),
	UNIT_TEST(attack_the_longest_frames_are_dropped_and_no_more),
	UNIT_TEST(padding_is_not_summed),
	UNIT_TEST(our_own_datagrams_never_enter),
	UNIT_TEST(frames_are_shown_as_they_are_sent_and_as_they_came),
	UNIT_TEST(duplicate_address_is_found),
};

UNIT_MAIN("plain_frames", tests)
