#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "plain/runs.h"
#include "support/alloc.h"
#include "support/main.h"
#include "support/rng.h"

/* What was sent, datagram by datagram. */
#define SENT_MAX 4096
static struct sent {
	struct addr to;
	uint8_t *bytes;
	size_t len;
	uint16_t spread;
	uint32_t run;
} sent[SENT_MAX];
static size_t sent_count;
static uint32_t runs_count, sends;

static struct runs r;
static const struct way way_1 = { .remote = { .ip = { 1 }, .port = 1 } },
			way_2 = { .remote = { .ip = { 2 }, .port = 2 },
				  .local = { .ip = { 9 }, .port = 9 } };

static void note(void *user, const struct datagram_run *runs, size_t count)
{
	ck_assert_ptr_eq(user, &r);
	ck_assert_uint_gt(count, 0);
	sends++;
	for (size_t i = 0; i < count; i++, runs_count++) {
		const struct datagram_run *run = &runs[i];

		ck_assert_uint_gt(run->len, 0);
		ck_assert_uint_le(run->len, DATAGRAM_RUN_LEN_MAX);
		ck_assert_uint_le(run->len,
				  DATAGRAM_RUN_SEGMENTS * run->segment_len);
		for (size_t at = 0; at < run->len; at += run->segment_len) {
			struct sent *s = &sent[sent_count++];
			const size_t left = run->len - at;

			ck_assert_uint_le(sent_count, SENT_MAX);
			s->len = left < run->segment_len ? left
							 : run->segment_len;
			s->bytes = test_copy(run->data + at, s->len);
			s->to = run->remote;
			s->spread = run->spread;
			s->run = runs_count;
			ck_assert(!addr_equal(&run->remote, &way_2.remote) ||
				  addr_equal(&run->local, &way_2.local));
		}
	}
}

static void forget(void)
{
	while (sent_count)
		free(sent[--sent_count].bytes);
	runs_count = sends = 0;
}

static void setup(void)
{
	ck_assert(runs_init(&r, note, &r));
	runs_count = sends = 0;
}

static void teardown(void)
{
	forget();
	runs_free(&r);
}

static void add(uint8_t of, size_t len, uint16_t spread)
{
	static uint8_t body[65536];
	const uint8_t head[8] = { of, 1, 2, 3, 4, 5, 6, 7 };

	memset(body, of, sizeof(body));
	runs_add(&r, head, 8, body, len - 8, spread);
}

static void assert_sent(size_t i, const struct way *to, uint8_t of, size_t len)
{
	ck_assert_uint_lt(i, sent_count);
	ck_assert(addr_equal(&sent[i].to, &to->remote));
	ck_assert_uint_eq(sent[i].len, len);
	ck_assert_uint_eq(sent[i].bytes[0], of);
	ck_assert_uint_eq(sent[i].bytes[7], 7);
	if (len > 8)
		ck_assert_uint_eq(sent[i].bytes[len - 1], of);
}

START_TEST(equal_ones_of_a_flow_are_a_run_and_a_shorter_one_ends_it)
{
	runs_begin(&r, &way_1);
	add(1, 100, 7);
	add(2, 100, 7);
	add(3, 60, 7);
	add(4, 60, 7);
	add(5, 100, 7);
	ck_assert_uint_eq(r.datagrams, 5);
	ck_assert_uint_eq(r.bytes, 420);
	ck_assert_uint_eq(sent_count, 0);
	runs_flush(&r);
	ck_assert_uint_eq(sends, 1);
	ck_assert_uint_eq(runs_count, 3);
	for (uint8_t i = 0; i < 5; i++)
		assert_sent(i, &way_1, (uint8_t)(i + 1),
			    i == 2 || i == 3 ? 60 : 100);
	ck_assert_uint_eq(sent[2].run, 0);
	ck_assert_uint_eq(sent[3].run, 1);
}
END_TEST

START_TEST(flows_and_peers_have_runs_of_their_own_in_order)
{
	runs_begin(&r, &way_1);
	add(1, 100, 7);
	add(2, 100, 8);
	add(3, 100, 7);
	runs_begin(&r, &way_2);
	add(4, 100, 7);
	runs_flush(&r);
	ck_assert_uint_eq(runs_count, 4);
	for (uint8_t i = 0; i < 4; i++)
		assert_sent(i, i < 3 ? &way_1 : &way_2, (uint8_t)(i + 1), 100);
	ck_assert_uint_eq(sent[1].spread, 8);
	ck_assert_uint_eq(sent[2].spread, 7);
}
END_TEST

START_TEST(run_has_at_most_so_many_datagrams_and_bytes)
{
	runs_begin(&r, &way_1);
	for (int i = 0; i < DATAGRAM_RUN_SEGMENTS + 1; i++)
		add(1, 20, 7);
	for (int i = 0; i < 3; i++)
		add(2, 30000, 7);
	runs_flush(&r);
	ck_assert_uint_eq(runs_count, 4);
}
END_TEST

START_TEST(another_peer_gets_the_same_bytes)
{
	runs_begin(&r, &way_1);
	add(1, 100, 7);
	add(2, 80, 9);
	ck_assert(runs_repeat(&r, &way_2));
	ck_assert_uint_eq(r.datagrams, 2);
	ck_assert_uint_eq(r.bytes, 180);
	ck_assert(runs_repeat(&r, &way_1));
	/* It goes on with what is its own. */
	add(3, 80, 9);
	runs_flush(&r);
	ck_assert_uint_eq(sent_count, 7);
	for (size_t i = 0; i < 6; i++)
		assert_sent(i, i / 2 == 1 ? &way_2 : &way_1,
			    (uint8_t)(i % 2 + 1), i % 2 ? 80 : 100);
	assert_sent(6, &way_1, 3, 80);
}
END_TEST

START_TEST(nothing_is_repeated_that_is_gone)
{
	runs_begin(&r, &way_1);
	for (size_t len = 0; len <= RUNS_POOL_LEN; len += 60000)
		add(1, 60000, 7);
	ck_assert_uint_eq(sends, 1);
	ck_assert(!runs_repeat(&r, &way_2));
	runs_flush(&r);
	ck_assert(!runs_repeat(&r, &way_2));
	ck_assert_uint_eq(sent_count, RUNS_POOL_LEN / 60000 + 1);
}
END_TEST

START_TEST(many_peers_share_what_was_laid_down_once)
{
	runs_begin(&r, &way_1);
	for (uint8_t i = 0; i < 10; i++)
		add(i, 1000, (uint16_t)(i + 1));
	for (int i = 0; i < 99; i++)
		ck_assert(runs_repeat(&r, &way_2));
	runs_flush(&r);
	ck_assert_uint_eq(sent_count, 1000);
	for (size_t i = 0; i < 1000; i++)
		assert_sent(i, i < 10 ? &way_1 : &way_2, (uint8_t)(i % 10),
			    1000);
}
END_TEST

/* Whatever is added and repeated arrives, in order, as in a list. */
START_TEST(agrees_with_a_list)
{
	static struct {
		uint8_t of;
		size_t len;
		bool second;
	} want[SENT_MAX], block[64];
	struct rng rng = rng_init((uint64_t)_i);
	size_t count = 0;

	while (count < SENT_MAX / 2) {
		const size_t in_block = rng_range(&rng, 1, 64);

		runs_begin(&r, &way_1);
		for (size_t i = 0; i < in_block; i++) {
			block[i].of = (uint8_t)rng_u64(&rng);
			block[i].len = rng_chance(&rng, 0.9)
					       ? rng_range(&rng, 8, 12)
					       : rng_range(&rng, 8, 60000);
			add(block[i].of, block[i].len,
			    (uint16_t)rng_range(&rng, 1, 2));
			want[count] = block[i];
			want[count++].second = false;
		}
		for (int again = 0; again < 3; again++) {
			if (count + in_block > SENT_MAX ||
			    !runs_repeat(&r, &way_2))
				continue;
			for (size_t i = 0; i < in_block; i++) {
				want[count] = block[i];
				want[count++].second = true;
			}
		}
		if (rng_chance(&rng, 0.1))
			runs_flush(&r);
	}
	runs_flush(&r);
	ck_assert_uint_eq(sent_count, count);
	for (size_t i = 0; i < count; i++)
		assert_sent(i, want[i].second ? &way_2 : &way_1, want[i].of,
			    want[i].len);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("runs", .setup = setup, .teardown = teardown),
	UNIT_TEST(equal_ones_of_a_flow_are_a_run_and_a_shorter_one_ends_it),
	UNIT_TEST(flows_and_peers_have_runs_of_their_own_in_order),
	UNIT_TEST(run_has_at_most_so_many_datagrams_and_bytes),
	UNIT_TEST(another_peer_gets_the_same_bytes),
	UNIT_TEST(nothing_is_repeated_that_is_gone),
	UNIT_TEST(many_peers_share_what_was_laid_down_once),
	UNIT_LOOP(agrees_with_a_list, 20),
};

UNIT_MAIN("runs", tests)
