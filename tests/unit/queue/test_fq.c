#include "queue/fq.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "support/main.h"
#include "support/queue_frames.h"
#include "support/rng.h"

#define KB 1024U

static const uint8_t key[SIPHASH_KEY_LEN] = { 1, 2, 3 };
static struct fq *q;
static uint64_t now, number;
/* Of what left: bytes of each kind, and of each flow of it. */
#define FLOWS_MAX 2048
static uint64_t left[QUEUE_KINDS], of_flow[FLOWS_MAX],
	frames_of_flow[FLOWS_MAX];
static uint64_t frames_left;

static void setup(void)
{
	q = fq_new(key);
	ck_assert_ptr_nonnull(q);
	now = CLOCK_S;
	number = 0;
	memset(left, 0, sizeof(left));
	memset(of_flow, 0, sizeof(of_flow));
	memset(frames_of_flow, 0, sizeof(frames_of_flow));
	frames_left = 0;
}

static void teardown(void)
{
	fq_free(q);
}

static struct fq_info info(void)
{
	struct fq_info i;

	fq_info(q, &i);
	return i;
}

static void put_to(enum queue_kind kind, unsigned flow, size_t len,
		   uint32_t receivers)
{
	struct offload o;

	queue_frame(fq_place(q), len, kind, flow, number++, &o);
	fq_put(q, len, &o, receivers, now);
}

static void put(enum queue_kind kind, unsigned flow, size_t len)
{
	put_to(kind, flow, len, 1);
}

static size_t len_of(const struct frame *f)
{
	return f->iov->iov_len;
}

static void count(const struct fq_batch *b)
{
	size_t bytes = 0;

	ck_assert_uint_le(b->count, FQ_BATCH_FRAMES);
	for (size_t i = 0; i < b->count; i++) {
		const struct frame *f = &b->frames[i];
		const unsigned flow = queue_frame_flow(f->iov->iov_base);

		ck_assert_uint_eq(f->iovcnt, 1);
		ck_assert_uint_lt(bytes, FQ_BATCH_BYTES);
		bytes += len_of(f);
		left[queue_frame_kind(f)] += len_of(f);
		of_flow[flow % FLOWS_MAX] += len_of(f);
		frames_of_flow[flow % FLOWS_MAX]++;
		frames_left++;
	}
}

/* A batch leaves, as so many bytes as it has. Of how many frames it was. */
static size_t take(void)
{
	const struct fq_batch *b = fq_take(q, FQ_ALL, now);
	const size_t frames = b->count;

	count(b);
	fq_sent(q, b->bytes);
	return frames;
}

static void drain(void)
{
	while (!fq_is_empty(q))
		(void)take();
}

static uint64_t lost(void)
{
	const struct fq_info i = info();

	return i.full + i.delay;
}

static void keep_waiting(enum queue_kind kind, unsigned flow, size_t len,
			 uint32_t receivers)
{
	for (int i = 0; i < 128; i++)
		put_to(kind, flow, len, receivers);
}

/* ---- order, and that nothing is lost in silence ---- */

static enum queue_kind any_kind(struct rng *r)
{
	static const enum queue_kind kinds[] = { QUEUE_TCP,	QUEUE_TCP_GSO,
						 QUEUE_TCP_ECN, QUEUE_UDP,
						 QUEUE_UDP,	QUEUE_GROUP,
						 QUEUE_ARP };

	return kinds[rng_below(r, UNIT_COUNT(kinds))];
}

static size_t any_len(struct rng *r, enum queue_kind kind)
{
	static const size_t most[] = { QUEUE_FRAME_MIN + 1, 1500, 9000, 65000 };

	if (kind == QUEUE_ARP)
		return QUEUE_FRAME_MIN;
	return rng_range(r, QUEUE_FRAME_MIN,
			 most[rng_below(r, UNIT_COUNT(most))]);
}

/* The numbers of the frames that left last: of REST, and of each flow of TCP. */
static uint64_t last_rest, last_of_tcp[8];

static void assert_order(const struct fq_batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		const struct frame *f = &b->frames[i];
		const uint8_t *bytes = f->iov->iov_base;
		const uint64_t n = queue_frame_number(bytes, len_of(f));
		uint64_t *last = &last_rest;

		switch (queue_frame_kind(f)) {
		case QUEUE_ARP:
			continue;
		case QUEUE_UDP:
		case QUEUE_GROUP:
			break;
		default:
			last = &last_of_tcp[queue_frame_flow(bytes)];
		}
		ck_assert_uint_gt(n, *last);
		*last = n;
	}
}

START_TEST(order_is_kept_whatever_comes)
{
	struct rng r = rng_init((uint64_t)_i);
	uint64_t chance = 0, cut = 0;

	printf("seed %d\n", _i);
	last_rest = 0;
	memset(last_of_tcp, 0, sizeof(last_of_tcp));
	number = 1;
	for (int i = 0; i < 400000; i++) {
		const enum queue_kind kind = any_kind(&r);

		if (i % 1000 == 0)
			chance = rng_below(&r, 100);
		now += rng_below(&r, 30);
		put_to(kind, (unsigned)rng_below(&r, 8), any_len(&r, kind),
		       (uint32_t)rng_below(&r, 20));
		if (rng_below(&r, 100) < chance) {
			const struct fq_batch *b = fq_take(
				q, rng_chance(&r, 0.9) ? FQ_ALL : FQ_CONTROL,
				now);

			assert_order(b);
			count(b);
			fq_sent(q, rng_below(&r, 3) * b->bytes);
		}
	}
	drain();
	/* A GSO frame may have lost a segment only: that is counted too. */
	cut = frames_left + lost() - (number - 1);
	ck_assert_uint_le(cut, info().delay);
	ck_assert_uint_eq(info().bytes, 0);
	ck_assert_uint_eq(info().frames, 0);
}
END_TEST

/* ---- places ---- */

static void fill_pattern(uint8_t *at, size_t len, uint8_t seed)
{
	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)(seed + i * 7 + i / 251);
}

START_TEST(frames_of_any_length_are_as_they_were)
{
	static const size_t lens[] = { 0,    1,	   13,	  14,	       15,
				       60,   2031, 2032,  2033,	       9727,
				       9728, 9729, 65553, FQ_FRAME_MAX };
	static uint8_t want[FQ_FRAME_MAX];
	const struct offload o = { .gso = OFFLOAD_GSO_NONE };
	size_t got = 0;

	for (size_t i = 0; i < UNIT_COUNT(lens); i++) {
		/* The node's bytes, and the vnet header. */
		memset(fq_place(q) - FRAME_HEADROOM, 0xee, FRAME_HEADROOM);
		fill_pattern(fq_place(q), lens[i], (uint8_t)i);
		if (lens[i] > 6)
			fq_place(q)[6] |= 1;
		fq_put(q, lens[i], &o, 0, now);
	}
	ck_assert_uint_eq(info().frames, UNIT_COUNT(lens));
	while (!fq_is_empty(q)) {
		const struct fq_batch *b = fq_take(q, FQ_ALL, now);

		ck_assert_uint_gt(b->count, 0);
		for (size_t i = 0; i < b->count; i++, got++) {
			uint8_t *frame = b->frames[i].iov->iov_base;

			ck_assert_uint_eq(len_of(&b->frames[i]), lens[got]);
			memset(frame - FRAME_HEADROOM, 0xdd, FRAME_HEADROOM);
			fill_pattern(want, lens[got], (uint8_t)got);
			if (lens[got] > 6)
				want[6] |= 1;
			ck_assert_mem_eq(frame, want, lens[got]);
		}
		fq_sent(q, b->bytes);
	}
	ck_assert_uint_eq(got, UNIT_COUNT(lens));
	ck_assert_uint_eq(lost(), 0);
}
END_TEST

static const struct {
	enum queue_kind kind;
	size_t len;
} pools[] = {
	{ QUEUE_ARP, QUEUE_FRAME_MIN }, { QUEUE_UDP, 100 }, { QUEUE_UDP, 9000 },
	{ QUEUE_UDP, 60000 },		{ QUEUE_TCP, 100 }, { QUEUE_TCP, 9000 },
	{ QUEUE_TCP, 60000 },
};

/* How many frames it takes until one is lost. */
static unsigned fill(unsigned pool)
{
	const uint64_t before = lost();
	unsigned n = 0;

	for (; lost() == before; n++)
		put(pools[pool].kind, n, pools[pool].len);
	return n;
}

START_TEST(every_slot_is_free_again)
{
	unsigned first[UNIT_COUNT(pools)];

	for (unsigned pool = 0; pool < UNIT_COUNT(pools); pool++) {
		first[pool] = fill(pool);
		ck_assert_uint_gt(first[pool], 40);
		drain();
	}
	for (int round = 0; round < 3; round++)
		for (unsigned pool = 0; pool < UNIT_COUNT(pools); pool++) {
			ck_assert_uint_eq(fill(pool), first[pool]);
			now += CLOCK_S;
			drain();
			now += CLOCK_S;
		}
}
END_TEST

/* Each is filled, to the brim and beyond: each other has all of its room. */
START_TEST(no_class_costs_another_a_frame)
{
	const unsigned full = (unsigned)_i;

	for (unsigned other = 1; other < UNIT_COUNT(pools); other++) {
		unsigned alone, n = 0;
		uint64_t before;

		if (full == 0 ? pools[other].kind == QUEUE_UDP
			      : pools[full].kind == pools[other].kind)
			continue;
		alone = fill(other);
		drain();
		for (int i = 0; i < 3000; i++)
			put(pools[full].kind, (unsigned)i, pools[full].len);
		before = lost();
		for (; lost() == before; n++)
			put(pools[other].kind, n, pools[other].len);
		ck_assert_uint_eq(n, alone);
		drain();
	}
}
END_TEST

/* ---- control ---- */

START_TEST(control_leaves_first)
{
	const struct fq_batch *b;

	for (int i = 0; i < 200; i++) {
		put(QUEUE_UDP, 1, 1000);
		put(QUEUE_TCP, 1, 1000);
	}
	(void)take();
	put(QUEUE_ARP, 1, QUEUE_FRAME_MIN);
	b = fq_take(q, FQ_ALL, now);
	ck_assert_int_eq(queue_frame_kind(&b->frames[0]), QUEUE_ARP);
	ck_assert_uint_gt(b->count, 1);
	fq_sent(q, b->bytes);
	/* Also when the socket has had enough; and then nothing else. */
	put(QUEUE_ARP, 1, QUEUE_FRAME_MIN);
	b = fq_take(q, FQ_CONTROL, now);
	ck_assert_uint_eq(b->count, 1);
	fq_sent(q, b->bytes);
	b = fq_take(q, FQ_CONTROL, now);
	ck_assert_uint_eq(b->count, 0);
	fq_sent(q, 0);
}
END_TEST

/* As much control as may be read between two batches, while TCP waits. */
/* Of hundreds of groups, with an MTU of 9000. */
START_TEST(long_report_leaves_first_too)
{
	const struct fq_batch *b;

	for (int i = 0; i < 200; i++)
		put(QUEUE_UDP, 1, 1400);
	put(QUEUE_IGMP, 2, 9000);
	b = fq_take(q, FQ_CONTROL, now);
	ck_assert_uint_eq(b->count, 1);
	ck_assert_uint_eq(len_of(&b->frames[0]), 9000);
	fq_sent(q, 0);
	drain();
	ck_assert_uint_eq(lost(), 0);
}
END_TEST

START_TEST(control_passes_a_twentieth_and_64_kb)
{
	static const size_t lens[] = { QUEUE_FRAME_MIN, 1500 };
	const size_t len = lens[_i];
	uint64_t all, passed = 0;

	for (int round = 0; round < 4000; round++) {
		const struct fq_batch *b;

		keep_waiting(QUEUE_TCP_ECN, 1, 1400, 1);
		for (int i = 0; i < 256 && !fq_is_urgent(q); i++)
			put(QUEUE_ARP, 1, len);
		b = fq_take(q, FQ_ALL, now);
		/* What leaves before the first of TCP or of REST's turn. */
		if (b->count > 0 &&
		    queue_frame_kind(&b->frames[b->count - 1]) != QUEUE_ARP)
			for (size_t i = 0;
			     queue_frame_kind(&b->frames[i]) == QUEUE_ARP; i++)
				passed += len_of(&b->frames[i]);
		count(b);
		fq_sent(q, b->bytes);
	}
	all = left[QUEUE_ARP] + left[QUEUE_TCP_ECN];
	ck_assert_uint_le(passed, all / 20 + 64 * KB + FQ_BATCH_BYTES);
	/* REST is what it is beyond that, and has three quarters at most. */
	ck_assert_uint_ge(left[QUEUE_TCP_ECN] * 100, all * 23);
}
END_TEST

/* Membership is not counted, for it is hardly ever sent; and starves nobody. */
START_TEST(flood_of_reports_starves_nobody)
{
	for (int round = 0; round < 1000; round++) {
		const struct fq_batch *b;
		uint64_t sent = 0;

		keep_waiting(QUEUE_TCP_ECN, 1, 1400, 1);
		keep_waiting(QUEUE_UDP, 1, 1000, 1);
		for (int i = 0; i < 256 && !fq_is_urgent(q); i++)
			put_to(QUEUE_IGMP, 1, _i ? 2000 : QUEUE_FRAME_MIN,
			       _i ? 500 : 100);
		b = fq_take(q, FQ_ALL, now);
		count(b);
		/* They stay on this host. */
		for (size_t i = 0; i < b->count; i++)
			if (queue_frame_kind(&b->frames[i]) != QUEUE_IGMP)
				sent += len_of(&b->frames[i]);
		fq_sent(q, sent);
	}
	ck_assert_uint_gt(left[QUEUE_IGMP], 0);
	ck_assert_uint_gt(left[QUEUE_TCP_ECN], 4000 * KB);
	ck_assert_uint_gt(left[QUEUE_UDP], 4000 * KB);
}
END_TEST

/* And it does not take what VRRP and ARP are owed. */
START_TEST(reports_cost_other_control_nothing)
{
	const struct fq_batch *b;

	for (int i = 0; i < 1000; i++) {
		put_to(QUEUE_IGMP, 1, QUEUE_FRAME_MIN, 500);
		(void)fq_take(q, FQ_ALL, now);
		fq_sent(q, 0);
	}
	put(QUEUE_UDP, 1, 1000);
	put(QUEUE_ARP, 1, QUEUE_FRAME_MIN);
	b = fq_take(q, FQ_ALL, now);
	ck_assert_int_eq(queue_frame_kind(&b->frames[0]), QUEUE_ARP);
	fq_sent(q, b->bytes);
}
END_TEST

/* ---- shares ---- */

/* REST's bytes in a hundred, with both always waiting. */
static uint64_t share_of_rest(enum queue_kind rest, size_t rest_len,
			      uint32_t receivers, size_t tcp_len,
			      uint64_t per_batch)
{
	uint64_t sent_rest = 0, sent_all = 0;

	for (int round = 0; round < 2000; round++) {
		const struct fq_batch *b;
		uint64_t bytes;

		keep_waiting(rest, 1, rest_len, receivers);
		keep_waiting(QUEUE_TCP_ECN, 1, tcp_len, 1);
		b = fq_take(q, FQ_ALL, now);
		bytes = per_batch ? per_batch : b->bytes;
		sent_all += bytes;
		if (queue_frame_kind(&b->frames[0]) == rest)
			sent_rest += bytes;
		fq_sent(q, bytes);
	}
	return sent_rest * 100 / sent_all;
}

START_TEST(rest_has_three_quarters)
{
	static const struct {
		size_t rest, tcp;
	} lens[] = {
		{ 1400, 60000 }, { 60000, 1400 }, { 100, 60000 },
		{ 1400, 100 },	 { 100, 100 },
	};
	uint64_t share =
		share_of_rest(QUEUE_UDP, lens[_i].rest, 1, lens[_i].tcp, 0);

	ck_assert_uint_ge(share, 73);
	ck_assert_uint_le(share, 76);
}
END_TEST

/* One batch to hundreds fits in a socket. */
START_TEST(copies_end_a_batch)
{
	static const size_t lens[] = { QUEUE_FRAME_MIN, 1400, 9000, 60000 };
	const uint64_t one = lens[_i] * 500;

	for (int i = 0; i < 10; i++) {
		const struct fq_batch *b;

		keep_waiting(QUEUE_GROUP, 1, lens[_i], 500);
		b = fq_take(q, FQ_ALL, now);
		ck_assert_uint_gt(b->count, 0);
		ck_assert_uint_lt(b->bytes, FQ_BATCH_COPIES + one);
		fq_sent(q, b->bytes);
	}
}
END_TEST

START_TEST(copies_count)
{
	uint64_t share = share_of_rest(QUEUE_GROUP, 1400, 300, 1400, 0);

	ck_assert_uint_ge(share, 70);
	ck_assert_uint_le(share, 76);
}
END_TEST

/* Frames to a host that is down leave as nothing, but take their turns. */
START_TEST(what_leaves_as_nothing_starves_nobody)
{
	static const size_t lens[] = { QUEUE_FRAME_MIN, 1400, 60000 };

	for (int round = 0; round < 2000; round++) {
		const struct fq_batch *b;
		bool rest;

		keep_waiting(QUEUE_UDP, 1, lens[_i], 1);
		keep_waiting(QUEUE_TCP_ECN, 1, 1400, 1);
		b = fq_take(q, FQ_ALL, now);
		count(b);
		rest = queue_frame_kind(&b->frames[0]) == QUEUE_UDP;
		fq_sent(q, rest ? 0 : b->bytes);
	}
	ck_assert_uint_ge(left[QUEUE_TCP_ECN] * 4, left[QUEUE_UDP]);
	ck_assert_uint_gt(left[QUEUE_UDP], 0);
}
END_TEST

START_TEST(both_that_leave_as_nothing_have_their_turns)
{
	for (int round = 0; round < 400; round++) {
		keep_waiting(QUEUE_UDP, 1, 1400, 1);
		keep_waiting(QUEUE_TCP_ECN, 1, 1400, 1);
		count(fq_take(q, FQ_ALL, now));
		fq_sent(q, 0);
	}
	ck_assert_uint_gt(left[QUEUE_TCP_ECN], 0);
	ck_assert_uint_ge(left[QUEUE_UDP] * 100,
			  (left[QUEUE_UDP] + left[QUEUE_TCP_ECN]) * 70);
}
END_TEST

START_TEST(new_flow_leaves_before_old_ones)
{
	const struct fq_batch *b;

	for (unsigned flow = 1; flow <= 10; flow++)
		for (int i = 0; i < 60; i++)
			put(QUEUE_TCP, flow, 1400);
	for (int i = 0; i < 12; i++)
		(void)take();
	put(QUEUE_TCP, 77, 200);
	b = fq_take(q, FQ_ALL, now);
	ck_assert_uint_eq(queue_frame_flow(b->frames[0].iov->iov_base), 77);
	fq_sent(q, b->bytes);
}
END_TEST

START_TEST(bulk_flows_have_equal_shares)
{
	static const size_t lens[] = { 1400, 9000, 60000, 200 };
	uint64_t least = UINT64_MAX, most = 0;

	for (int round = 0; round < 6000; round++) {
		for (unsigned flow = 0; flow < 10; flow++)
			for (unsigned i = 0; i < (_i < 4 ? 1 : flow + 1); i++)
				put(QUEUE_TCP, flow,
				    _i < 4 ? lens[_i] : 60000 - 5000 * flow);
		if (round > 20)
			(void)take();
	}
	for (unsigned flow = 0; flow < 10; flow++) {
		least = clock_earlier(least, of_flow[flow]);
		most = of_flow[flow] > most ? of_flow[flow] : most;
	}
	ck_assert_uint_ge(least * 105, most * 100);
}
END_TEST

/* ---- who pays ---- */

/* One large flood, and a flow that has a frame in from time to time. What the thin
 * one lost. */
static uint64_t thin_loses(enum queue_kind flood, size_t flood_len,
			   enum queue_kind thin, size_t thin_len,
			   uint32_t receivers)
{
	uint64_t sent = 0;

	for (int round = 0; round < 5000; round++) {
		for (int i = 0; i < 60; i++)
			put(flood, 1, flood_len);
		if (round % 49 == 0) {
			put_to(thin, 2, thin_len, receivers);
			sent++;
		}
		for (int i = 0; i < 50; i++)
			put(flood, 1, flood_len);
		now += 200;
		(void)take();
	}
	ck_assert_uint_gt(lost(), 1000);
	drain();
	return sent - frames_of_flow[2];
}

START_TEST(thin_flow_beside_a_flood_loses_nothing)
{
	static const struct {
		enum queue_kind flood, thin;
		size_t flood_len, thin_len;
		uint32_t receivers;
	} cases[] = {
		{ QUEUE_UDP, QUEUE_UDP, 1400, 200, 1 },
		{ QUEUE_UDP, QUEUE_UDP, 100, 100, 1 },
		{ QUEUE_UDP, QUEUE_UDP, QUEUE_FRAME_MIN, 1400, 1 },
		{ QUEUE_UDP, QUEUE_UDP, 60000, 60000, 1 },
		{ QUEUE_UDP, QUEUE_UDP, 60000, 200, 1 },
		{ QUEUE_UDP, QUEUE_GROUP, 1400, 1400, 500 },
		{ QUEUE_UDP, QUEUE_GROUP, QUEUE_FRAME_MIN, 1400, 500 },
		{ QUEUE_TCP, QUEUE_TCP, 1400, 200, 1 },
		{ QUEUE_TCP, QUEUE_TCP, QUEUE_FRAME_MIN, 1400, 1 },
		{ QUEUE_TCP, QUEUE_TCP, 60000, 60000, 1 },
	};

	if (_i >= (int)UNIT_COUNT(cases))
		return;
	ck_assert_uint_eq(thin_loses(cases[_i].flood, cases[_i].flood_len,
				     cases[_i].thin, cases[_i].thin_len,
				     cases[_i].receivers),
			  0);
}
END_TEST

/* More comes than leaves, for so long. */
static void stand(uint64_t length_us)
{
	for (const uint64_t end = now + length_us; now < end; now += 200) {
		for (int i = 0; i < 128; i++)
			put(QUEUE_UDP, 1, 100);
		(void)take();
	}
}

/* A host that was busy otherwise finds a thousand frames at once. If that is a flood,
 * which stands, they are not a thousand that others wait for. */
START_TEST(what_a_flood_has_gathered_is_no_longer_than_batches)
{
	stand(100 * CLOCK_MS);
	drain();
	for (int round = 0; round < 100; round++) {
		now += 4 * CLOCK_MS;
		for (int i = 0; i < 1000; i++) {
			if (i == 500)
				put(QUEUE_UDP, 2, 100);
			put(QUEUE_UDP, 1, 100);
		}
		ck_assert_uint_le(info().frames, 3 * FQ_BATCH_FRAMES);
		drain();
	}
	ck_assert_uint_eq(frames_of_flow[2], 100);
}
END_TEST

START_TEST(burst_is_whole_once_the_flood_is_over)
{
	stand(100 * CLOCK_MS);
	drain();
	now += 101 * CLOCK_MS;
	for (int i = 0; i < 1000; i++)
		put(QUEUE_UDP, 2, 100);
	drain();
	ck_assert_uint_eq(frames_of_flow[2], 1000);
}
END_TEST

/* Nothing waited in between, if only the last batch was a full one. */
START_TEST(burst_is_whole_long_after_another)
{
	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < 4 * FQ_BATCH_FRAMES; i++)
			put(QUEUE_UDP, 2, 100);
		now += CLOCK_MS;
		ck_assert_uint_eq(take(), FQ_BATCH_FRAMES);
		for (int i = 0; i < 4 * FQ_BATCH_FRAMES; i++)
			put(QUEUE_UDP, 2, 100);
		now += CLOCK_MS;
		drain();
		now += CLOCK_S;
	}
	ck_assert_uint_eq(lost(), 0);
}
END_TEST

START_TEST(room_is_what_finds_room)
{
	const uint32_t room = fq_room(q, now), room_tcp = fq_room_tcp(q);

	ck_assert_uint_ge(room, 512);
	for (uint32_t i = 0; i < room; i++) {
		ck_assert_uint_eq(fq_room(q, now), room - i);
		put(QUEUE_UDP, i % 7, 1400);
	}
	ck_assert_uint_eq(fq_room(q, now), 0);
	for (uint32_t i = 0; i < room_tcp; i++) {
		ck_assert_uint_eq(fq_room_tcp(q), room_tcp - i);
		put(QUEUE_TCP, i % 7, 1400);
	}
	ck_assert_uint_eq(fq_room_tcp(q), 0);
	ck_assert_uint_eq(lost(), 0);
}
END_TEST

/* There is room for what a flood has in the TAP: at its own cost. */
START_TEST(what_stands_has_any_room)
{
	stand(15 * CLOCK_MS);
	ck_assert_uint_le(fq_room(q, now), 1024);
	stand(85 * CLOCK_MS);
	ck_assert_uint_eq(fq_room(q, now), UINT32_MAX);
	drain();
	now += 101 * CLOCK_MS;
	ck_assert_uint_le(fq_room(q, now), 1024);
}
END_TEST

START_TEST(control_is_seen)
{
	put(QUEUE_UDP, 1, 100);
	put(QUEUE_TCP, 1, 100);
	ck_assert(!fq_has_control(q));
	put(QUEUE_ARP, 1, QUEUE_FRAME_MIN);
	ck_assert(fq_has_control(q));
	count(fq_take(q, FQ_CONTROL, now));
	fq_sent(q, 0);
	ck_assert(!fq_has_control(q));
}
END_TEST

/* A small frame that has no room costs no large ones that wait. */
START_TEST(room_for_a_frame_costs_one_of_its_size)
{
	const enum queue_kind kind = _i ? QUEUE_TCP : QUEUE_UDP;
	struct fq_info full;

	for (int i = 0; i < 40; i++)
		put(kind, 1, 60000);
	for (int i = 0; i < 20; i++)
		put(kind, 1, 100);
	for (unsigned i = 0; lost() == 0; i++)
		put(kind, 2 + i % 5, 100);
	full = info();
	for (unsigned i = 0; i < 500; i++) {
		put(kind, 2 + i % 5, 100);
		ck_assert_uint_eq(lost(), full.full + i + 1);
		ck_assert_uint_eq(info().frames, full.frames);
	}
	drain();
	ck_assert_uint_ge(of_flow[1], UINT64_C(40) * 60000);
}
END_TEST

START_TEST(frames_of_no_length_cost_nobody_else_a_frame)
{
	const struct offload o = { .gso = OFFLOAD_GSO_NONE };

	put(QUEUE_UDP, 2, 1000);
	for (int i = 0; i < 5000; i++)
		fq_put(q, 0, &o, 1, now);
	while (!fq_is_empty(q)) {
		const struct fq_batch *b = fq_take(q, FQ_ALL, now);

		for (size_t i = 0; i < b->count; i++)
			if (len_of(&b->frames[i]) > 0)
				frames_of_flow[2]++;
		fq_sent(q, 0);
	}
	ck_assert_uint_eq(frames_of_flow[2], 1);
}
END_TEST

/* A flow whose last frame made room for others does not stand when it begins again. */
START_TEST(flow_that_begins_again_is_not_told)
{
	for (int i = 0; i < 9; i++)
		put(QUEUE_TCP, 1, 9000);
	now += 5 * CLOCK_MS;
	ck_assert_uint_eq(take(), 8);
	for (unsigned flow = 1502; flow < 1690; flow++)
		put(QUEUE_TCP, flow, 9000);
	drain();
	ck_assert_uint_eq(frames_of_flow[1], 8);
	ck_assert_uint_eq(info().delay, 0);
	now += CLOCK_S;
	for (int i = 0; i < 5; i++)
		put(QUEUE_TCP, 1, 9000);
	now += 5 * CLOCK_MS;
	drain();
	ck_assert_uint_eq(info().delay, 0);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("order", .setup = setup, .teardown = teardown,
		  .timeout_s = 60),
	UNIT_SEEDS(order_is_kept_whatever_comes, 4),
	UNIT_CASE("places", .setup = setup, .teardown = teardown,
		  .timeout_s = 60),
	UNIT_TEST(frames_of_any_length_are_as_they_were),
	UNIT_TEST(every_slot_is_free_again),
	UNIT_EACH(no_class_costs_another_a_frame, pools),
	UNIT_CASE("control", .setup = setup, .teardown = teardown,
		  .timeout_s = 60),
	UNIT_TEST(control_leaves_first),
	UNIT_TEST(long_report_leaves_first_too),
	UNIT_LOOP(control_passes_a_twentieth_and_64_kb, 2),
	UNIT_LOOP(flood_of_reports_starves_nobody, 2),
	UNIT_TEST(reports_cost_other_control_nothing),
	UNIT_CASE("shares", .setup = setup, .teardown = teardown,
		  .timeout_s = 60),
	UNIT_LOOP(rest_has_three_quarters, 5),
	UNIT_LOOP(copies_end_a_batch, 4),
	UNIT_TEST(copies_count),
	UNIT_LOOP(what_leaves_as_nothing_starves_nobody, 3),
	UNIT_TEST(both_that_leave_as_nothing_have_their_turns),
	UNIT_TEST(new_flow_leaves_before_old_ones),
	UNIT_LOOP(bulk_flows_have_equal_shares, 5),
	UNIT_CASE("who pays", .setup = setup, .teardown = teardown,
		  .timeout_s = 60),
	UNIT_LOOP(thin_flow_beside_a_flood_loses_nothing, 10),
	UNIT_TEST(what_a_flood_has_gathered_is_no_longer_than_batches),
	UNIT_TEST(burst_is_whole_once_the_flood_is_over),
	UNIT_TEST(burst_is_whole_long_after_another),
	UNIT_TEST(room_is_what_finds_room),
	UNIT_TEST(what_stands_has_any_room),
	UNIT_TEST(control_is_seen),
	UNIT_LOOP(room_for_a_frame_costs_one_of_its_size, 2),
	UNIT_TEST(frames_of_no_length_cost_nobody_else_a_frame),
	UNIT_TEST(flow_that_begins_again_is_not_told),
};

UNIT_MAIN("fq", tests)
