/* node/group_test and answer: who hears a group's frames, and why others do not. */
#include <check.h>
#include <string.h>

#include "ether/test_frame.h"
#include "node/ask.h"
#include "node/peers.h"
#include "support/main.h"
#include "support/stations.h"
#include "support/three.h"
#include "tunnel/wire_ask.h"

#define FRAMES 10

static void setup(void)
{
	three_setup_stations();
	for (size_t i = 0; i < h.count; i++) {
		uint8_t *mac = h.host[i].config.tap_mac;

		mac[0] = 2;
		mac[4] = 7;
		mac[5] = (uint8_t)(i + 1);
	}
	stations_mesh(&h, 3);
	station_join(b, &g1);
	arrive();
}

static void begin(const struct group *group)
{
	ck_assert_int_eq(
		node_test_begin(a->node, group->ip, FRAMES, hosts_clock(a)),
		NODE_TEST_BEGAN);
}

static void finish(void)
{
	uint64_t end_us = h.net.now_us + 8 * CLOCK_S;

	while (!node_test_done(a->node) && h.net.now_us < end_us)
		hosts_run(&h, 10 * CLOCK_MS);
	ck_assert(node_test_done(a->node));
	ck_assert_uint_eq(node_test_sent(a->node), FRAMES);
}

static struct node_test_host of(const struct host *host)
{
	struct node_test_host out;

	ck_assert(node_test_host(a->node, &host->key, &out));
	return out;
}

static size_t written_to(const struct host *host)
{
	size_t count = 0;

	for (size_t i = 0; i < host->written_count; i++) {
		const struct written *w = &host->written[i];
		struct eth_view v;

		ck_assert_int_eq(eth_parse(&v, w->bytes, w->len), DROP_NONE);
		count += test_frame_possible(&v, w->bytes);
	}
	return count;
}

START_TEST(members_hear_it_and_others_do_not)
{
	begin(&g1);
	finish();
	ck_assert(of(b).able && of(b).answered && of(b).member);
	ck_assert_uint_eq(of(b).heard, FRAMES);
	ck_assert_uint_eq(of(b).unicast, FRAMES);
	ck_assert(of(b).any);
	ck_assert_uint_eq(of(b).first_us, h.latency_us);
	ck_assert(of(c).able && of(c).answered && !of(c).member && !of(c).all);
	ck_assert_uint_eq(of(c).heard, 0);
	ck_assert_uint_eq(of(c).unicast, FRAMES);
	ck_assert(!of(c).any);
	/* As any frame it was written to the TAP. */
	ck_assert_uint_eq(written_to(b), 2 * FRAMES);
	ck_assert_uint_eq(written_to(c), FRAMES);
	node_test_end(a->node);
}
END_TEST

static const struct group
	for_all = { .ip = { [10] = 0xff, 0xff, 224, 0, 0, 18 } },
	v6 = { .ip = { 0xff, 0x0e, [15] = 5 } };

START_TEST(what_goes_to_all_is_heard_by_all)
{
	ck_assert(node_test_is_for_all(for_all.ip));
	ck_assert(!node_test_is_for_all(g1.ip));
	begin(&for_all);
	finish();
	ck_assert_uint_eq(of(b).heard, FRAMES);
	ck_assert_uint_eq(of(c).heard, FRAMES);
	node_test_end(a->node);
}
END_TEST

START_TEST(groups_of_ipv6_are_tested_too)
{
	station_join(c, &v6);
	arrive();
	begin(&v6);
	finish();
	ck_assert(of(c).member && !of(b).member);
	ck_assert_uint_eq(of(c).heard, FRAMES);
	ck_assert_uint_eq(of(b).heard, 0);
	node_test_end(a->node);
}
END_TEST

/* Half of the frames are lost; the questions are, and are asked again. */
START_TEST(loss_is_counted)
{
	hosts_link(&h, a, b)->loss = 0.4;
	begin(&g1);
	finish();
	ck_assert(of(b).answered);
	ck_assert_uint_gt(of(b).heard, 0);
	ck_assert_uint_lt(of(b).heard, FRAMES);
	node_test_end(a->node);
}
END_TEST

/* Frames to the group are lost, those to the host's MAC are not. */
static enum fate lose_groups(struct hosts *hosts, struct flight *f)
{
	uint8_t records[2048];
	struct cursor all;
	struct wire_record r;
	size_t len;

	if (hosts_at(hosts, &f->to) != b || f->bytes[0] != WIRE_DATA ||
	    !node_debug_open(b->node, f->bytes, f->len, records, &len))
		return PASS;
	all = cursor_init(records, len);
	while (wire_next_record(&all, &r))
		if (r.kind == WIRE_FRAME && r.len > 0 && r.body[0] & 1)
			return LOSE;
	return PASS;
}

START_TEST(multicast_lost_and_unicast_fine_is_told_apart)
{
	h.judge = lose_groups;
	begin(&g1);
	finish();
	ck_assert(of(b).answered && of(b).member && !of(b).any);
	ck_assert_uint_eq(of(b).heard, 0);
	ck_assert_uint_eq(of(b).unicast, FRAMES);
	node_test_end(a->node);
}
END_TEST

START_TEST(who_hears_it_late_is_told)
{
	hosts_link(&h, a, b)->delay_min_us = 300 * CLOCK_MS;
	hosts_link(&h, a, b)->delay_max_us = 300 * CLOCK_MS;
	begin(&g1);
	finish();
	/* The answer takes half of the round trip that was measured. */
	ck_assert_uint_ge(of(b).first_us, 260 * CLOCK_MS);
	ck_assert_uint_le(of(b).first_us, 300 * CLOCK_MS);
	node_test_end(a->node);
}
END_TEST

START_TEST(who_does_not_answer_is_waited_for_a_while)
{
	hosts_link(&h, b, a)->loss = 1;
	begin(&g1);
	hosts_run(&h, 2 * CLOCK_S);
	ck_assert(!node_test_done(a->node));
	finish();
	ck_assert(!of(b).answered && of(b).left);
	node_test_end(a->node);
}
END_TEST

START_TEST(who_stops_meanwhile_has_left)
{
	begin(&g1);
	hosts_run(&h, 500 * CLOCK_MS);
	node_bye(b->node, hosts_clock(b));
	host_stop(b);
	finish();
	ck_assert(of(b).left && !of(b).answered);
	ck_assert(of(c).answered);
	node_test_end(a->node);
	/* Of the next it has no part. */
	begin(&g1);
	ck_assert(!node_test_host(a->node, &b->key,
				  &(struct node_test_host){ 0 }));
	node_test_end(a->node);
}
END_TEST

START_TEST(who_cannot_answer_is_not_asked)
{
	struct peer *peer = peers_find(a->node, &b->key);

	peer->capabilities = 0;
	begin(&g1);
	finish();
	ck_assert(!of(b).able && !of(b).answered);
	node_test_end(a->node);
}
END_TEST

START_TEST(one_at_a_time_and_of_groups_alone)
{
	static const uint8_t none[16] = { [10] = 0xff, 0xff, 10, 0, 0, 1 };
	static const uint8_t zero[16] = { [10] = 0xff, 0xff };

	begin(&g1);
	ck_assert_int_eq(node_test_begin(a->node, g1.ip, 1, hosts_clock(a)),
			 NODE_TEST_BUSY);
	node_test_end(a->node);
	ck_assert_int_eq(node_test_begin(a->node, none, 1, hosts_clock(a)),
			 NODE_TEST_GROUP);
	ck_assert_int_eq(node_test_begin(a->node, zero, 1, hosts_clock(a)),
			 NODE_TEST_GROUP);
	node_set_tap_mac(a->node, zero, hosts_clock(a));
	ck_assert_int_eq(node_test_begin(a->node, g1.ip, 1, hosts_clock(a)),
			 NODE_TEST_MAC);
}
END_TEST

/* ---- the answers ---- */

/* b asks a, in its session with a. */
static void say(const struct wire_ask *q)
{
	uint8_t record[WIRE_ASK_TEST_LEN], bytes[2048];
	size_t len = wire_pack_ask(q, record);
	size_t size = node_debug_seal(b->node, &a->key, record, len,
				      hosts_clock(b).mono_us, bytes);

	ck_assert_uint_gt(size, 0);
	hosts_inject(&h, &b->addrs[0], &a->addrs[0], bytes, size);
}

static size_t answers(size_t since, size_t *bytes)
{
	size_t count = 0;

	for (size_t i = since; i < h.log_count; i++) {
		const struct flight *f = h.log[i];
		uint8_t records[65536];
		struct cursor all;
		struct wire_record r;
		size_t len;

		if (f->bytes[0] != WIRE_DATA || hosts_at(&h, &f->to) != b ||
		    !node_debug_open(b->node, f->bytes, f->len, records, &len))
			continue;
		all = cursor_init(records, len);
		while (wire_next_record(&all, &r))
			if (r.kind == WIRE_ANSWER) {
				count++;
				*bytes += f->len;
			}
	}
	return count;
}

static const struct wire_ask questions[] = {
	{ WIRE_ASK_TEST, 0, 1, 0, { [10] = 0xff, 0xff, 239, 1, 1, 1 } },
	{ WIRE_ASK_TEST, 9, 1, 4096, { 0 } },
	{ WIRE_ASK_ROW, 0, 1, 0, { 0 } },
	{ WIRE_ASK_ROW, 65535, 1, 0, { 0 } },
};

START_TEST(whoever_asks_gets_an_answer_a_second)
{
	size_t since = h.log_count, bytes = 0, count;

	for (int i = 0; i < 1000; i++) {
		say(&questions[_i]);
		hosts_run(&h, 4 * CLOCK_MS);
	}
	count = answers(since, &bytes);
	ck_assert_uint_ge(count, 4);
	ck_assert_uint_le(count, 5);
	ck_assert_uint_le(bytes, 5 * 128);
	ck_assert_uint_ge(host_drops(a, DROP_ask_rate), 980);
}
END_TEST

START_TEST(it_comes_within_a_while)
{
	size_t since, bytes = 0;

	hosts_run(&h, 2 * CLOCK_S);
	since = h.log_count;
	say(&questions[_i]);
	hosts_run(&h, h.latency_us + 50 * CLOCK_MS);
	ck_assert_uint_eq(answers(since, &bytes), 1);
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_uint_eq(answers(since, &bytes), 1);
}
END_TEST

START_TEST(what_a_later_version_asks_gets_none)
{
	const struct wire_ask q = { .kind = (uint8_t)_i };
	size_t since = h.log_count, bytes = 0;

	if (_i == WIRE_ASK_TEST || _i == WIRE_ASK_ROW)
		return;
	say(&q);
	hosts_run(&h, 3 * CLOCK_S);
	ck_assert_uint_eq(answers(since, &bytes), 0);
	ck_assert_uint_eq(host_drops(a, DROP_record_bad), 0);
}
END_TEST

/* An answer that nobody asked for changes nothing. */
START_TEST(answers_unasked_are_not_read)
{
	const struct wire_answer answer = { .kind = WIRE_ASK_TEST,
					    .member = true,
					    .heard = 9 };
	uint8_t record[WIRE_ANSWER_TEST_LEN], bytes[2048];
	size_t size;

	wire_pack_answer_test(&answer, record);
	begin(&g1);
	for (int i = 0; i < 2; i++) {
		size = node_debug_seal(b->node, &a->key, record, sizeof(record),
				       hosts_clock(b).mono_us, bytes);
		hosts_inject(&h, &b->addrs[0], &a->addrs[0], bytes, size);
		hosts_run(&h, 1205 * CLOCK_MS);
	}
	ck_assert_uint_eq(of(b).heard, FRAMES);
	node_test_end(a->node);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("group_test", .setup = setup, .teardown = three_teardown,
		  .timeout_s = 30),
	UNIT_TEST(members_hear_it_and_others_do_not),
	UNIT_TEST(what_goes_to_all_is_heard_by_all),
	UNIT_TEST(groups_of_ipv6_are_tested_too),
	UNIT_TEST(loss_is_counted),
	UNIT_TEST(multicast_lost_and_unicast_fine_is_told_apart),
	UNIT_TEST(who_hears_it_late_is_told),
	UNIT_TEST(who_does_not_answer_is_waited_for_a_while),
	UNIT_TEST(who_stops_meanwhile_has_left),
	UNIT_TEST(who_cannot_answer_is_not_asked),
	UNIT_TEST(one_at_a_time_and_of_groups_alone),
	UNIT_EACH(whoever_asks_gets_an_answer_a_second, questions),
	UNIT_EACH(it_comes_within_a_while, questions),
	UNIT_LOOP(what_a_later_version_asks_gets_none, 256),
	UNIT_TEST(answers_unasked_are_not_read),
};

UNIT_MAIN("group_test", tests)
