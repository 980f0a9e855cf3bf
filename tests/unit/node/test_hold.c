/* lib/node: what would overtake waits. */
#include "node/hold.h"

#include <check.h>
#include <string.h>

#include "node/paths.h"
#include "support/main.h"
#include "support/three.h"

static struct way way_of(uint8_t n)
{
	return (struct way){ .remote = addr_v4(0x0a090100u + n, WIRE_PORT),
			     .local = a->addrs[0] };
}

/* A run of that many datagrams of 100 bytes, each beginning with the number. */
static void send_run(const struct way *way, uint8_t number, size_t count)
{
	static uint8_t bytes[DATAGRAM_RUN_LEN_MAX];
	const struct datagram_run run = {
		.remote = way->remote,
		.local = way->local,
		.data = bytes,
		.len = 100 * count,
		.segment_len = 100,
	};

	memset(bytes, number, run.len);
	if (hold_any(a->node))
		hold_send(a->node, &run, 1);
	else
		a->node->ops.udp_send(a->node->user, &run, 1);
}

static size_t sent_to(const struct way *way)
{
	size_t n = 0;

	for (size_t i = 0; i < h.log_count; i++)
		n += addr_equal(&h.log[i]->to, &way->remote);
	return n;
}

static void setup(void)
{
	three_setup();
	host_start(a);
	hosts_run(&h, CLOCK_S);
}

START_TEST(what_is_held_leaves_in_order_when_its_time_is_over)
{
	const struct way old = way_of(1), way = way_of(2), other = way_of(3);
	size_t seen = 0;

	hold_begin(a->node, &old, &way, 50 * CLOCK_MS, h.net.now_us);
	ck_assert(hold_any(a->node));
	for (uint8_t i = 1; i <= 5; i++) {
		send_run(&way, i, 3);
		send_run(&other, i, 1);
	}
	ck_assert_uint_eq(sent_to(&way), 0);
	ck_assert_uint_eq(sent_to(&other), 5);
	hosts_run(&h, 49 * CLOCK_MS);
	send_run(&way, 6, 3);
	ck_assert_uint_eq(sent_to(&way), 0);
	hosts_run(&h, 2 * CLOCK_MS);
	ck_assert(!hold_any(a->node));
	send_run(&way, 7, 3);
	ck_assert_uint_eq(sent_to(&way), 21);
	for (size_t i = 0; i < h.log_count; i++)
		if (addr_equal(&h.log[i]->to, &way.remote)) {
			ck_assert_uint_eq(h.log[i]->bytes[0], 1 + seen / 3);
			seen++;
		}
}
END_TEST

START_TEST(nothing_is_held_for_long)
{
	const struct way old = way_of(1), way = way_of(2), third = way_of(3);

	hold_begin(a->node, &old, &way, 10 * CLOCK_S, h.net.now_us);
	/* From there on, to a third: what is held still goes first. */
	hold_begin(a->node, &way, &third, 0, h.net.now_us);
	send_run(&way, 1, 1);
	send_run(&third, 2, 1);
	hosts_run(&h, HOLD_MAX_US - CLOCK_MS);
	ck_assert_uint_eq(sent_to(&way) + sent_to(&third), 0);
	hosts_run(&h, 2 * CLOCK_MS);
	ck_assert_uint_eq(sent_to(&way) + sent_to(&third), 2);
	hold_begin(a->node, &old, &way, 0, h.net.now_us);
	ck_assert(!hold_any(a->node));
}
END_TEST

START_TEST(what_is_held_leaves_with_a_host_that_says_bye)
{
	const struct way old = way_of(1), way = way_of(2);

	hold_begin(a->node, &old, &way, 50 * CLOCK_MS, h.net.now_us);
	send_run(&way, 1, 3);
	node_bye(a->node, hosts_clock(a));
	ck_assert_uint_eq(sent_to(&way), 3);
	ck_assert(!hold_any(a->node));
}
END_TEST

START_TEST(attack_many_holds_and_bytes_are_bounded)
{
	const struct way old = way_of(200), last = way_of(HOLD_WAYS);

	for (uint8_t i = 0; i <= HOLD_WAYS; i++) {
		struct way way = way_of(i);

		hold_begin(a->node, &old, &way, CLOCK_S, h.net.now_us);
	}
	ck_assert_uint_eq(a->node->holds_count, HOLD_WAYS);
	send_run(&last, 1, 1);
	ck_assert_uint_eq(sent_to(&last), 1);
	for (uint8_t i = 0; i < 200; i++) {
		struct way way = way_of(i % HOLD_WAYS);

		send_run(&way, i, 64);
	}
	/* The newest were dropped, and each datagram counted. */
	ck_assert_uint_gt(host_drops(a, DROP_hold_full), 64 * 100);
	ck_assert_uint_eq(host_drops(a, DROP_hold_full) % 64, 0);
	hosts_run(&h, CLOCK_S);
	ck_assert_uint_eq(a->node->holds_count, 0);
	ck_assert_uint_eq(h.log_count - 1 + host_drops(a, DROP_hold_full),
			  200 * 64);
}
END_TEST

START_TEST(attack_a_hold_is_not_extended)
{
	const struct way one = way_of(1), two = way_of(2);

	hold_begin(a->node, &one, &two, 50 * CLOCK_MS, h.net.now_us);
	send_run(&two, 1, 1);
	for (int i = 0; i < 5; i++) {
		hosts_run(&h, 10 * CLOCK_MS);
		hold_begin(a->node, &two, &one, HOLD_MAX_US, h.net.now_us);
		ck_assert(!hold_begin(a->node, &one, &two, HOLD_MAX_US,
				      h.net.now_us) ||
			  i == 4);
	}
	ck_assert_uint_eq(sent_to(&two), 1);
}
END_TEST

START_TEST(attack_one_that_is_held_leaves_room_to_others)
{
	const struct way old = way_of(200), greedy = way_of(1), way = way_of(2);

	hold_begin(a->node, &old, &greedy, HOLD_MAX_US, h.net.now_us);
	hold_begin(a->node, &old, &way, HOLD_MAX_US, h.net.now_us);
	for (uint8_t i = 0; i < 200; i++)
		send_run(&greedy, i, 64);
	ck_assert_uint_gt(host_drops(a, DROP_hold_full), 0);
	node_count_drop(a->node, DROP_hold_full,
			0 - host_drops(a, DROP_hold_full));
	for (uint8_t i = 0; i < 16; i++)
		send_run(&way, i, 64);
	ck_assert_uint_eq(host_drops(a, DROP_hold_full), 0);
	hosts_run(&h, CLOCK_S);
	ck_assert_uint_eq(sent_to(&way), 16 * 64);
}
END_TEST

/* The path in use takes 200 ms there and back, as far as a knows; the new one 10. */
START_TEST(a_shorter_path_waits_for_the_longer)
{
	const struct addr other = addr_v4(0x0a090102, WIRE_PORT);
	const struct way way = { .remote = other };
	struct peer *peer;

	host_start(b);
	b->addrs[1] = other;
	b->addrs_count = 2;
	host_dial(a, b);
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
	hosts_run(&h, 100 * CLOCK_MS);
	peer = peers_find(a->node, &b->key);
	ck_assert(paths_try(a->node, peer, &way, PATH_LOCAL, h.net.now_us));
	hosts_run(&h, 2 * CLOCK_MS);
	peer->path.rtt_us = 200 * CLOCK_MS;
	hosts_run(&h, 2 * h.latency_us + CLOCK_MS);
	ck_assert(host_sends_to(a, b, &other));
	ck_assert(hold_any(a->node));
	host_say(a, 1);
	hosts_run(&h, 60 * CLOCK_MS);
	ck_assert(!host_heard(b, a, 1));
	hosts_run(&h, 60 * CLOCK_MS);
	ck_assert(host_heard(b, a, 1));
	ck_assert(!hold_any(a->node));
}
END_TEST

/* b is at two places, and answers by turns; each time a believes that the new path is
 * far shorter. */
START_TEST(attack_a_peer_that_changes_all_the_time_is_held_seldom)
{
	uint64_t held_us = 0;
	struct peer *peer;

	host_start(b);
	b->addrs[1] = addr_v4(0x0a090102, WIRE_PORT);
	b->addrs_count = 2;
	host_dial(a, b);
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
	hosts_run(&h, 100 * CLOCK_MS);
	peer = peers_find(a->node, &b->key);
	for (int i = 0; i < 1000; i++) {
		const bool at_first = host_sends_to(a, b, &b->addrs[0]);
		const struct way way = { .remote = b->addrs[at_first] };

		host_forget_events(a);
		peer->path.rank = PATH_RELAYED;
		peer->path.rtt_us = CLOCK_S;
		for (size_t j = 0; j < PATH_SPARES; j++)
			peer->paths.spares[j].taken = false;
		ck_assert(paths_try(a->node, peer, &way, PATH_LOCAL,
				    h.net.now_us));
		for (int ms = 0; ms < 20; ms++) {
			hosts_run(&h, CLOCK_MS);
			held_us += hold_any(a->node) ? CLOCK_MS : 0;
		}
	}
	/* 20 s; two tenths of each second at most. */
	ck_assert_uint_gt(held_us, 0);
	ck_assert_uint_le(held_us, 20 * CLOCK_S / 5);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("hold", .setup = setup, .teardown = three_teardown),
	UNIT_TEST(what_is_held_leaves_in_order_when_its_time_is_over),
	UNIT_TEST(nothing_is_held_for_long),
	UNIT_TEST(what_is_held_leaves_with_a_host_that_says_bye),
	UNIT_TEST(attack_many_holds_and_bytes_are_bounded),
	UNIT_TEST(attack_a_hold_is_not_extended),
	UNIT_TEST(attack_one_that_is_held_leaves_room_to_others),
	UNIT_TEST(attack_a_peer_that_changes_all_the_time_is_held_seldom),
	UNIT_TEST(a_shorter_path_waits_for_the_longer),
};

UNIT_MAIN("node hold", tests)
