/* node/ping: is a peer there, how far, and how large a datagram it gets. */
#include <check.h>

#include "node/ask.h"
#include "support/main.h"
#include "support/three.h"

static void pair_up(void)
{
	three_setup();
	start_pair();
	ck_assert(hosts_until(&h, hosts_pair_up, 2 * CLOCK_S));
	hosts_run(&h, CLOCK_S);
}

static struct node_ping look(int ping)
{
	struct node_ping p;

	node_ping_look(a->node, ping, &p, hosts_clock(a));
	return p;
}

/* What a ping comes to, which ends within that. */
static struct node_ping finish(int ping, uint64_t limit_us)
{
	const uint64_t end_us = h.net.now_us + limit_us;
	struct node_ping p;

	ck_assert_int_ge(ping, 0);
	while (!look(ping).done && h.net.now_us < end_us)
		hosts_run(&h, 10 * CLOCK_MS);
	p = look(ping);
	ck_assert(p.done);
	node_ping_end(a->node, ping);
	return p;
}

static struct node_ping ping_of(uint16_t size)
{
	return finish(node_ping_begin(a->node, &b->key, size, hosts_clock(a)),
		      NODE_PING_US);
}

static uint16_t largest(uint64_t limit_us)
{
	return finish(node_ping_largest(a->node, &b->key, hosts_clock(a)),
		      limit_us)
		.size;
}

START_TEST(an_echo_comes_back)
{
	struct node_ping p = ping_of(NODE_PING_SIZE_MIN);

	ck_assert_uint_eq(p.rtt_us, 2 * h.latency_us);
	ck_assert_uint_eq(p.size, NODE_PING_SIZE_MIN);
	p = ping_of(1000);
	ck_assert_uint_eq(p.rtt_us, 2 * h.latency_us);
	ck_assert_uint_eq(p.size, 1000);
}
END_TEST

START_TEST(one_that_is_too_large_for_the_path_does_not)
{
	double loss;

	hosts_link(&h, a, b)->datagram_max = 1272;
	ck_assert_uint_gt(ping_of(1272).rtt_us, 0);
	ck_assert_uint_eq(ping_of(1273).rtt_us, 0);
	/* … and the peer does not take it for loss. */
	loss = host_info(b, a).loss;
	for (int i = 0; i < 20; i++)
		(void)ping_of(1273);
	ck_assert(host_info(b, a).loss <= loss);
}
END_TEST

START_TEST(what_is_lost_is_not_echoed)
{
	hosts_link(&h, b, a)->loss = 1;
	ck_assert_uint_eq(ping_of(NODE_PING_SIZE_MIN).rtt_us, 0);
}
END_TEST

START_TEST(an_echo_that_comes_too_late_is_none)
{
	struct node_ping p;
	int ping;

	hosts_set_latency(&h, NODE_PING_US / 2 + CLOCK_MS);
	ping = node_ping_begin(a->node, &b->key, 100, hosts_clock(a));
	hosts_run(&h, 2 * h.latency_us + CLOCK_MS);
	p = look(ping);
	ck_assert(p.done && !p.rtt_us);
}
END_TEST

/* To the byte, whatever it is. */
static const uint16_t paths[] = { 549,	700,  1199, 1200, 1201, 1272,
				  1372, 1472, 1473, 4321, 8972, 9188 };

START_TEST(the_largest_size_is_found)
{
	hosts_link(&h, a, b)->datagram_max = paths[_i];
	ck_assert_uint_eq(largest(12 * CLOCK_S), paths[_i]);
	/* The way back carries small ones only. */
	hosts_heal(&h);
	hosts_link(&h, b, a)->datagram_max = 600;
	ck_assert_uint_eq(largest(12 * CLOCK_S), 9188);
}
END_TEST

START_TEST(the_usual_ones_soon)
{
	hosts_link(&h, a, b)->datagram_max = 1472;
	hosts_run(&h, 60 * CLOCK_S); /* it is in use */
	ck_assert_uint_eq(host_info(a, b).datagram_size, 1472);
	ck_assert_uint_eq(largest(500 * CLOCK_MS), 1472);
}
END_TEST

START_TEST(loss_does_not_end_it_too_low)
{
	hosts_link(&h, a, b)->loss = 0.05;
	hosts_link(&h, b, a)->loss = 0.05;
	hosts_link(&h, a, b)->datagram_max = 1272;
	ck_assert_uint_eq(largest(12 * CLOCK_S), 1272);
}
END_TEST

START_TEST(our_own_kernel_may_say_no)
{
	int ping;

	ping = node_ping_largest(a->node, &b->key, hosts_clock(a));
	node_send_failed(a->node, &b->addrs[0], DROP_send_too_big, 1500, 1,
			 hosts_clock(a));
	ck_assert_uint_eq(finish(ping, 12 * CLOCK_S).size, 1499);
}
END_TEST

START_TEST(a_peer_that_goes_ends_it)
{
	int ping = node_ping_largest(a->node, &b->key, hosts_clock(a));

	host_stop(b);
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert(look(ping).done);
	node_ping_end(a->node, ping);
	/* And no other begins. */
	ck_assert_int_eq(node_ping_begin(a->node, &b->key, 100, hosts_clock(a)),
			 -1);
	ck_assert_int_eq(node_ping_begin(a->node, &c->key, 100, hosts_clock(a)),
			 -1);
	ck_assert_int_eq(node_ping_largest(a->node, &b->key, hosts_clock(a)),
			 -1);
}
END_TEST

START_TEST(so_many_at_a_time)
{
	int pings[NODE_PINGS_MAX];

	for (int i = 0; i < NODE_PINGS_MAX; i++) {
		pings[i] =
			node_ping_begin(a->node, &b->key, 100, hosts_clock(a));
		ck_assert_int_ge(pings[i], 0);
	}
	ck_assert_int_eq(node_ping_begin(a->node, &b->key, 100, hosts_clock(a)),
			 -1);
	for (int i = 0; i < NODE_PINGS_MAX; i++)
		ck_assert_uint_gt(finish(pings[i], NODE_PING_US).rtt_us, 0);
	ck_assert_uint_gt(ping_of(100).rtt_us, 0);
}
END_TEST

/* What a search sends, and gets back, is bounded. */
START_TEST(a_search_costs_so_much)
{
	const uint64_t sent = host_status(a).tx.bytes;
	const uint64_t got = host_status(a).rx.bytes;

	hosts_link(&h, a, b)->datagram_max = 1272;
	ck_assert_uint_eq(largest(12 * CLOCK_S), 1272);
	ck_assert_uint_le(host_status(a).tx.bytes - sent, 400000);
	ck_assert_uint_le(host_status(a).rx.bytes - got, 60000);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("ping", .setup = pair_up, .teardown = three_teardown),
	UNIT_TEST(an_echo_comes_back),
	UNIT_TEST(one_that_is_too_large_for_the_path_does_not),
	UNIT_TEST(what_is_lost_is_not_echoed),
	UNIT_TEST(an_echo_that_comes_too_late_is_none),
	UNIT_EACH(the_largest_size_is_found, paths),
	UNIT_TEST(the_usual_ones_soon),
	UNIT_TEST(loss_does_not_end_it_too_low),
	UNIT_TEST(our_own_kernel_may_say_no),
	UNIT_TEST(a_peer_that_goes_ends_it),
	UNIT_TEST(so_many_at_a_time),
	UNIT_TEST(a_search_costs_so_much),
};

UNIT_MAIN("ping", tests)
