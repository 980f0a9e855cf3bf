/* lib/node: what is listed, and what of it is counted. */
#include <check.h>

#include "support/main.h"
#include "support/three.h"

static const uint32_t dead_ip = 0x0a090063;

static struct addr dead(uint32_t i)
{
	return addr_v4(dead_ip + i, NODE_PORT);
}

/* a wants these, each an address of the host with that number. */
static void want(enum node_source source, const struct addr *addrs,
		 const uint16_t *numbers, size_t count)
{
	ck_assert_uint_eq(node_want_hosts(a->node, source, addrs, numbers,
					  count, hosts_clock(a)),
			  0);
}

/* "N of M up", and as many rows. */
static void assert_counts(uint32_t up, uint32_t total)
{
	struct node_status status;
	struct node_peer_info info;
	struct node_iter at = { 0 };
	uint32_t rows = 0, rows_up = 0;

	node_status(a->node, &status);
	while (node_next_peer(a->node, &at, &info)) {
		rows++;
		rows_up += info.state == NODE_PEER_STATE_UP;
	}
	ck_assert_uint_eq(status.peers_up, up);
	ck_assert_uint_eq(status.peers_total, total);
	ck_assert_uint_eq(rows, total);
	ck_assert_uint_eq(rows_up, up);
}

static void start_all(void)
{
	host_start(a);
	host_start(b);
	host_start(c);
}

START_TEST(second_address_that_is_dead_is_no_peer)
{
	const uint16_t numbers[] = { 0, 0, 1, 1 };

	start_all();
	const struct addr list[] = { b->addrs[0], dead(0), dead(1), dead(2) };

	want(NODE_SOURCE_PEERS, list, numbers, 4);
	assert_counts(0, 2);
	hosts_run(&h, 5 * CLOCK_S);
	assert_counts(1, 2);
}
END_TEST

START_TEST(peer_that_is_down_is_its_host)
{
	const uint16_t numbers[] = { 0, 0 };

	start_all();
	const struct addr list[] = { dead(0), b->addrs[0] };

	want(NODE_SOURCE_PEERS, list, numbers, 2);
	hosts_run(&h, 5 * CLOCK_S);
	assert_counts(1, 1);
	host_stop(b);
	hosts_run(&h, 10 * CLOCK_S);
	assert_counts(0, 1);
}
END_TEST

START_TEST(name_of_many_hosts_counts_those_it_knows)
{
	const uint16_t numbers[] = { 0, 0, 0 };

	host_start(a);
	host_start(b);
	const struct addr list[] = { b->addrs[0], c->addrs[0], dead(0) };

	want(NODE_SOURCE_PEERS, list, numbers, 3);
	assert_counts(0, 1);
	hosts_run(&h, 5 * CLOCK_S);
	assert_counts(1, 1);
	host_start(c);
	hosts_run(&h, 10 * CLOCK_S);
	assert_counts(2, 2);
}
END_TEST

START_TEST(own_name_with_another_address_is_not_counted)
{
	const uint16_t numbers[] = { 0, 0, 1 };

	start_all();
	const struct addr list[] = { a->addrs[0], dead(0), b->addrs[0] };

	want(NODE_SOURCE_PEERS, list, numbers, 3);
	hosts_run(&h, 5 * CLOCK_S);
	assert_counts(1, 1);
}
END_TEST

START_TEST(name_of_many_with_ourselves_is_not_nothing)
{
	const uint16_t numbers[] = { 0, 0 };

	host_start(a);
	host_start(b);
	const struct addr list[] = { a->addrs[0], dead(0) };

	want(NODE_SOURCE_PEERS, list, numbers, 2);
	hosts_run(&h, 5 * CLOCK_S);
	assert_counts(0, 1);
	/* Oneself alone is. */
	want(NODE_SOURCE_PEERS, list, numbers, 1);
	assert_counts(0, 0);
}
END_TEST

START_TEST(hosts_that_share_an_address_are_one)
{
	const uint16_t numbers[] = { 0, 0, 1, 1, 2 };

	start_all();
	const struct addr list[] = { dead(0), dead(1), dead(2), dead(1),
				     dead(3) };

	want(NODE_SOURCE_PEERS, list, numbers, 5);
	assert_counts(0, 2);
	/* In another source as well. */
	const uint16_t others[] = { 7, 7 };
	const struct addr joint[] = { dead(3), dead(2) };

	want(NODE_SOURCE_FILE, joint, others, 2);
	assert_counts(0, 1);
	want(NODE_SOURCE_FILE, NULL, NULL, 0);
	assert_counts(0, 2);
}
END_TEST

START_TEST(two_names_of_one_host_are_one_peer)
{
	const uint16_t numbers[] = { 0, 1, 2, 2 };

	start_all();
	const struct addr list[] = { b->addrs[0], b->addrs[0], b->addrs[0],
				     dead(0) };

	want(NODE_SOURCE_PEERS, list, numbers, 4);
	hosts_run(&h, 5 * CLOCK_S);
	assert_counts(1, 1);
}
END_TEST

START_TEST(reason_that_says_most_is_shown)
{
	const uint16_t numbers[] = { 0, 0, 0 };

	start_all();
	memset(b->config.secrets[0], 7, KEY_LEN);
	host_stop(b);
	host_start(b);
	const struct addr list[] = { dead(0), b->addrs[0], dead(1) };
	const struct addr at_a = a->addrs[0];

	want(NODE_SOURCE_PEERS, list, numbers, 3);
	host_want(b, &at_a, 1);
	hosts_run(&h, 10 * CLOCK_S);
	assert_counts(0, 1);
	ck_assert_ptr_nonnull(
		strstr(host_shows(a, &b->addrs[0]).reason, "different secret"));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("wanted", .setup = three_setup, .teardown = three_teardown),
	UNIT_TEST(second_address_that_is_dead_is_no_peer),
	UNIT_TEST(peer_that_is_down_is_its_host),
	UNIT_TEST(name_of_many_hosts_counts_those_it_knows),
	UNIT_TEST(own_name_with_another_address_is_not_counted),
	UNIT_TEST(name_of_many_with_ourselves_is_not_nothing),
	UNIT_TEST(hosts_that_share_an_address_are_one),
	UNIT_TEST(two_names_of_one_host_are_one_peer),
	UNIT_TEST(reason_that_says_most_is_shown),
};

UNIT_MAIN("node wanted", tests)
