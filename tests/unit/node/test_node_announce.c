/* Our TAP's own addresses: told to peers, and shown by them. */
#include <check.h>
#include <string.h>

#include "ether/neighbour.h"
#include "support/main.h"
#include "support/three.h"

static struct node_tap_address address(const char *text, bool configured)
{
	struct node_tap_address own = { .configured = configured };

	ck_assert(addr_parse(&own.addr, text, 1));
	own.addr.port = 0;
	return own;
}

/* 10.77.0.N for each, a's also fd77::1. */
static void six_setup(void)
{
	hosts_init(&h, 3);
	for (size_t i = 0; i < h.count; i++)
		memcpy(h.host[i].config.tap_mac,
		       (const uint8_t[]){ 2, 0, 0, 0, 0, (uint8_t)(i + 1) }, 6);
}

static void give(struct host *host, const struct node_tap_address *list,
		 size_t count)
{
	node_set_tap_addresses(host->node, list, count, false,
			       hosts_clock(host));
}

static void give_a_both(void)
{
	const struct node_tap_address list[] = { address("10.77.0.1", true),
						 address("fd77::1", true) };

	give(a, list, 2);
}

/* How often it was written to the host's TAP that the address is at that MAC. */
static unsigned int told(const struct host *host, const char *text, uint8_t mac)
{
	const struct addr want = address(text, false).addr;
	unsigned int count = 0;

	for (size_t i = 0; i < host->written_count; i++) {
		const struct written *w = &host->written[i];
		struct neighbour_claim claim;
		struct eth_view v;

		ck_assert_int_eq(eth_parse(&v, w->bytes, w->len), DROP_NONE);
		count += neighbour_claims(&v, w->bytes, w->len, &claim) &&
			 memcmp(claim.ip, want.ip, 16) == 0 &&
			 claim.mac[5] == mac;
	}
	return count;
}

static bool a_and_c_up(const struct hosts *hosts)
{
	(void)hosts;
	return host_up(a, c) && host_up(c, a);
}

START_TEST(peer_that_comes_up_is_told_our_addresses_and_no_other_is)
{
	hosts_mesh(&h, 2);
	give_a_both();
	hosts_run(&h, 3 * CLOCK_S);
	host_forget_written(b);
	host_start(c);
	host_dial(c, a);
	ck_assert(hosts_until(&h, a_and_c_up, CLOCK_S));
	arrive();
	ck_assert_uint_eq(told(c, "10.77.0.1", 1), 1);
	ck_assert_uint_eq(told(c, "fd77::1", 1), 1);
	/* Once more, in case that was lost, and then no more. */
	hosts_run(&h, 1500 * CLOCK_MS);
	ck_assert_uint_eq(told(c, "10.77.0.1", 1), 2);
	hosts_run(&h, 300 * CLOCK_S);
	ck_assert_uint_eq(told(c, "10.77.0.1", 1), 2);
	ck_assert_uint_eq(told(c, "fd77::1", 1), 2);
	ck_assert_uint_eq(told(b, "10.77.0.1", 1), 0);
}
END_TEST

/* Cut off and back; restarted; replaced by another with another key. */
START_TEST(peer_that_is_back_is_told_again)
{
	hosts_mesh(&h, 2);
	give_a_both();
	hosts_run(&h, 3 * CLOCK_S);
	if (_i == 0) {
		hosts_link(&h, a, b)->cut = hosts_link(&h, b, a)->cut = true;
		hosts_run(&h, 5 * CLOCK_S);
		hosts_heal(&h);
	} else {
		host_stop(b);
		if (_i == 2)
			b->config.private_key[5]++;
		host_start(b);
		host_dial(b, a);
	}
	host_forget_written(b);
	ck_assert(hosts_until(&h, hosts_pair_up, 6 * CLOCK_S));
	arrive();
	ck_assert_uint_eq(told(b, "10.77.0.1", 1), 1);
}
END_TEST

START_TEST(another_mac_is_told_to_all)
{
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, 77 };

	hosts_mesh(&h, 3);
	give_a_both();
	hosts_run(&h, 3 * CLOCK_S);
	node_set_tap_mac(a->node, mac, hosts_clock(a));
	hosts_run(&h, 100 * CLOCK_MS);
	ck_assert_uint_eq(told(b, "10.77.0.1", 77), 1);
	ck_assert_uint_eq(told(c, "10.77.0.1", 77), 1);
	ck_assert_uint_eq(told(c, "fd77::1", 77), 1);
}
END_TEST

/* An IPv6 address is there when the kernel has looked for others with it. */
START_TEST(configured_address_that_comes_later_is_told_then)
{
	hosts_mesh(&h, 2);
	hosts_run(&h, 2 * CLOCK_S);
	ck_assert_uint_eq(told(b, "fd77::1", 1), 0);
	give_a_both();
	hosts_run(&h, 100 * CLOCK_MS);
	ck_assert_uint_eq(told(b, "fd77::1", 1), 1);
	/* The same again is nothing new. */
	hosts_run(&h, 3 * CLOCK_S);
	host_forget_written(b);
	give_a_both();
	hosts_run(&h, 3 * CLOCK_S);
	ck_assert_uint_eq(told(b, "fd77::1", 1), 0);
}
END_TEST

START_TEST(address_of_somebody_is_told_when_it_is_old_enough)
{
	struct node_tap_address a1 = address("10.77.0.1", false);

	hosts_mesh(&h, 2);
	a1.from_us = hosts_clock(a).mono_us + 60 * CLOCK_S;
	give(a, &a1, 1);
	hosts_run(&h, 61 * CLOCK_S);
	/* Nobody waits for it. */
	ck_assert_uint_eq(told(b, "10.77.0.1", 1), 0);
	a1.from_us = hosts_clock(a).mono_us + 60 * CLOCK_S;
	give(a, &a1, 1);
	for (unsigned int round = 0; round < 2; round++) {
		host_stop(b);
		host_start(b);
		host_dial(b, a);
		ck_assert(hosts_until(&h, hosts_pair_up, 6 * CLOCK_S));
		arrive();
		ck_assert_uint_eq(told(b, "10.77.0.1", 1), round);
		hosts_run(&h, 60 * CLOCK_S);
	}
}
END_TEST

START_TEST(without_a_mac_nothing_is_told)
{
	memset(a->config.tap_mac, 0, 6);
	hosts_mesh(&h, 2);
	give_a_both();
	hosts_run(&h, 3 * CLOCK_S);
	ck_assert_uint_eq(b->written_count, 0);
}
END_TEST

/* ---- duplicates ---- */

/* b shows an address by what its own side of the TAP says. */
static void show(const char *text, uint8_t mac)
{
	const uint8_t bytes[6] = { 2, 0, 0, 0, 0, mac };
	const struct addr addr = address(text, false).addr;
	uint8_t frame[NEIGHBOUR_FRAME_MAX];
	size_t len = neighbour_announce(addr.ip, bytes, false, frame);

	host_tap(b, frame, len);
	arrive();
}

static size_t conflicts(struct node_conflict list[NODE_CONFLICTS_MAX])
{
	struct node_iter at = { 0 };
	size_t count = 0;

	while (node_next_conflict(a->node, &at, &list[count],
				  hosts_clock(a).mono_us))
		count++;
	return count;
}

static void with_addresses(void)
{
	hosts_mesh(&h, 3);
	give_a_both();
	hosts_run(&h, 3 * CLOCK_S);
}

START_TEST(address_of_ours_that_a_peer_shows_is_told_to_the_owner)
{
	static const char *const texts[] = { "10.77.0.1", "fd77::1" };
	const struct addr own = address(texts[_i], false).addr;
	struct node_conflict list[NODE_CONFLICTS_MAX];
	const struct host_event *e;

	with_addresses();
	show(texts[_i], 2);
	e = host_event(a, NODE_DUPLICATE_ADDRESS);
	ck_assert_str_eq(e->peer, "b");
	ck_assert(addr_equal(&e->other, &own));
	ck_assert(addr_equal(&e->at, &b->addrs[0]));
	ck_assert_uint_eq(host_events(c, NODE_DUPLICATE_ADDRESS), 0);
	ck_assert_uint_eq(conflicts(list), 1);
	ck_assert(!list[0].of_mac);
	ck_assert(addr_equal(&list[0].address, &own));
	ck_assert_str_eq(list[0].peer, "b");
	ck_assert_uint_eq(list[0].mac[5], 2);
	/* Once a minute, however often. */
	for (int i = 0; i < 50; i++)
		show(texts[_i], 2);
	ck_assert_uint_eq(host_events(a, NODE_DUPLICATE_ADDRESS), 1);
	hosts_run(&h, 61 * CLOCK_S);
	show(texts[_i], 2);
	ck_assert_uint_eq(host_events(a, NODE_DUPLICATE_ADDRESS), 2);
	hosts_run(&h, 601 * CLOCK_S);
	ck_assert_uint_eq(conflicts(list), 0);
}
END_TEST

START_TEST(addresses_of_others_are_nobodys_business)
{
	struct node_conflict list[NODE_CONFLICTS_MAX];
	struct node_tap_address young = address("10.77.0.9", false);

	with_addresses();
	show("10.77.0.2", 2);
	show("fd77::2", 2);
	/* What came back to us is not a second host's address. */
	show("10.77.0.1", 1);
	ck_assert_uint_eq(host_events(a, NODE_DUPLICATE_ADDRESS), 0);
	young.from_us = hosts_clock(a).mono_us + 60 * CLOCK_S;
	give(a, &young, 1);
	show("10.77.0.9", 2);
	show("10.77.0.1", 2);
	ck_assert_uint_eq(host_events(a, NODE_DUPLICATE_ADDRESS), 0);
	for (size_t i = conflicts(list); i-- > 0;)
		ck_assert(list[i].of_mac);
}
END_TEST

/* Two hosts would contend for it for ever. */
START_TEST(address_that_a_peer_showed_is_not_announced_for_a_minute)
{
	with_addresses();
	show("10.77.0.1", 2);
	for (unsigned int round = 0; round < 2; round++) {
		host_stop(c);
		host_forget_written(c);
		host_start(c);
		host_dial(c, a);
		ck_assert(hosts_until(&h, a_and_c_up, 6 * CLOCK_S));
		arrive();
		ck_assert_uint_eq(told(c, "10.77.0.1", 1), round);
		ck_assert_uint_ge(told(c, "fd77::1", 1), 1);
		hosts_run(&h, 60 * CLOCK_S);
	}
}
END_TEST

/* By its hello, or by a frame: also that of a switch that sends ours back. */
START_TEST(mac_of_ours_that_a_peer_shows_is_told_to_the_owner)
{
	struct node_conflict list[NODE_CONFLICTS_MAX];

	if (_i == 0)
		b->config.tap_mac[5] = 1;
	with_addresses();
	if (_i == 1)
		show("10.77.0.2", 1);
	ck_assert_uint_eq(host_events(a, NODE_DUPLICATE_MAC), 1);
	ck_assert_str_eq(host_event(a, NODE_DUPLICATE_MAC)->peer, "b");
	ck_assert_uint_eq(conflicts(list), 1);
	ck_assert(list[0].of_mac);
	ck_assert_str_eq(list[0].peer, "b");
	ck_assert_uint_eq(list[0].mac[5], 1);
	hosts_run(&h, 1000 * CLOCK_S);
	/* A hello holds as long as the peer is up. */
	ck_assert_uint_eq(conflicts(list), _i == 0 ? 1 : 0);
}
END_TEST

START_TEST(mac_that_was_changed_is_no_duplicate_any_more)
{
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, 77 };
	struct node_conflict list[NODE_CONFLICTS_MAX];

	b->config.tap_mac[5] = 1;
	with_addresses();
	ck_assert_uint_eq(conflicts(list), 1);
	node_set_tap_mac(a->node, mac, hosts_clock(a));
	hosts_run(&h, 60 * CLOCK_S);
	ck_assert_uint_eq(conflicts(list), 0);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("announced", .setup = six_setup, .teardown = three_teardown),
	UNIT_TEST(peer_that_comes_up_is_told_our_addresses_and_no_other_is),
	UNIT_LOOP(peer_that_is_back_is_told_again, 3),
	UNIT_TEST(another_mac_is_told_to_all),
	UNIT_TEST(configured_address_that_comes_later_is_told_then),
	UNIT_TEST(address_of_somebody_is_told_when_it_is_old_enough),
	UNIT_TEST(without_a_mac_nothing_is_told),
	UNIT_CASE("duplicates", .setup = six_setup, .teardown = three_teardown),
	UNIT_LOOP(address_of_ours_that_a_peer_shows_is_told_to_the_owner, 2),
	UNIT_TEST(addresses_of_others_are_nobodys_business),
	UNIT_TEST(address_that_a_peer_showed_is_not_announced_for_a_minute),
	UNIT_LOOP(mac_of_ours_that_a_peer_shows_is_told_to_the_owner, 2),
	UNIT_TEST(mac_that_was_changed_is_no_duplicate_any_more),
};

UNIT_MAIN("node announce", tests)
