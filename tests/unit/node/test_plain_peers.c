/* lib/node: peers of a plain node are the addresses that are listed. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/main.h"
#include "support/plain_three.h"

/* A broadcast of that host's arrives at the other from there. */
static bool hears(struct host *to, const struct addr *from, uint8_t mac)
{
	uint8_t *frame = hosts_frame(0xff, mac, 80, h.net.now_us + mac);
	size_t before = to->written_count;
	bool heard;

	plain_send_from(to, from, frame, 80);
	heard = to->written_count == before + 1 &&
		memcmp(to->written[before].bytes, frame, 80) == 0;
	free(frame);
	return heard;
}

/* How many datagrams a broadcast of a's becomes, in the log since before. */
static size_t says(struct host *host)
{
	const size_t before = h.log_count;

	host_say(host, h.net.now_us + before);
	return h.log_count - before;
}

static void want(const struct addr *list, size_t count)
{
	host_want(a, list, count);
}

START_TEST(address_is_a_peer_as_long_as_it_is_listed)
{
	struct node_peer_info info;

	a->config.snooping = false;
	host_start(a);
	ck_assert_uint_eq(plain_peers_count(a), 0);
	want(b->addrs, 1);
	ck_assert_uint_eq(host_events(a, NODE_PEER_UP), 1);
	ck_assert_str_eq(host_event(a, NODE_PEER_UP)->peer, "10.9.0.2");
	info = plain_info(a, b);
	ck_assert(!info.has_key && info.wanted && info.has_endpoint);
	ck_assert_str_eq(info.name, "10.9.0.2");
	ck_assert_str_eq(info.reason, "");
	ck_assert_int_eq(info.state, NODE_PEER_STATE_UP);
	ck_assert_uint_eq(info.rtt_us, 0);
	ck_assert(info.loss == 0);
	ck_assert_uint_eq(info.datagram_size, 0);
	ck_assert_uint_eq(host_status(a).peers_up, 1);
	ck_assert_uint_eq(host_status(a).peers_total, 1);
	/* Nothing is said but what is read from the TAP. */
	hosts_run(&h, 60 * CLOCK_S);
	ck_assert_uint_eq(h.log_count, 0);
	ck_assert_int_eq(plain_info(a, b).state, NODE_PEER_STATE_UP);
	ck_assert_uint_eq(says(a), 1);
	want(NULL, 0);
	ck_assert_uint_eq(plain_peers_count(a), 0);
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 1);
	ck_assert_str_eq(host_event(a, NODE_PEER_DOWN)->text,
			 "no source lists it any more");
	ck_assert_uint_eq(says(a), 0);
}
END_TEST

START_TEST(last_source_that_lists_it_lets_it_go)
{
	const struct clock now = hosts_clock(a);

	host_start(a);
	want(b->addrs, 1);
	ck_assert_uint_eq(node_want(a->node, NODE_SOURCE_DNS, b->addrs, 1, now),
			  0);
	ck_assert_uint_eq(plain_peers_count(a), 1);
	ck_assert_uint_eq(plain_info(a, b).sources,
			  1u << NODE_SOURCE_PEERS | 1u << NODE_SOURCE_DNS);
	want(NULL, 0);
	ck_assert_uint_eq(plain_peers_count(a), 1);
	ck_assert_uint_eq(node_want(a->node, NODE_SOURCE_DNS, NULL, 0, now), 0);
	ck_assert_uint_eq(plain_peers_count(a), 0);
	ck_assert_uint_eq(host_events(a, NODE_PEER_UP), 1);
}
END_TEST

START_TEST(nothing_of_a_stranger_is_delivered)
{
	host_start(a);
	want(b->addrs, 1);
	ck_assert(hears(a, &b->addrs[0], 2));
	ck_assert(!hears(a, &c->addrs[0], 3));
	ck_assert(!hears(a, &stranger, 3));
	ck_assert_uint_eq(host_drops(a, DROP_plain_stranger), 2);
	ck_assert_uint_eq(host_drops_total(a), 2);
	/* Nor is its MAC learned. */
	ck_assert_uint_eq(host_status(a).fdb_count, 1);
}
END_TEST

START_TEST(vtep_may_send_from_any_port)
{
	struct addr other = b->addrs[0];

	host_start(a);
	want(b->addrs, 1);
	other.port = 55555;
	ck_assert(hears(a, &other, 2));
	ck_assert_uint_eq(plain_info(a, b).rx.frames, 1);
	/* It is answered where it is listed. */
	ck_assert_uint_eq(says(a), 1);
	ck_assert(addr_equal(&h.log[0]->to, &b->addrs[0]));
}
END_TEST

START_TEST(address_listed_twice_is_one_peer)
{
	struct addr list[3] = { b->addrs[0], b->addrs[0], b->addrs[0] };

	host_start(a);
	list[1].port++;
	want(list, 3);
	ck_assert_uint_eq(plain_peers_count(a), 1);
	ck_assert_uint_eq(says(a), 1);
	/* What is left of the two leads there. */
	want(&list[1], 1);
	ck_assert_uint_eq(plain_peers_count(a), 1);
	ck_assert_uint_eq(says(a), 1);
	ck_assert(addr_equal(&h.log[1]->to, &list[1]));
}
END_TEST

/* ---- hosts with two addresses ---- */

static struct addr vtep_of(uint8_t host)
{
	struct addr addr = v6_of(host);

	addr.port = NODE_VXLAN_PORT;
	return addr;
}

static void want_hosts(const struct addr *list, const uint16_t *hosts,
		       size_t count)
{
	ck_assert_uint_eq(node_want_hosts(a->node, NODE_SOURCE_PEERS, list,
					  hosts, count, hosts_clock(a)),
			  0);
}

START_TEST(host_with_both_families_gets_each_frame_once)
{
	const struct addr list[] = { vtep_of(2), b->addrs[0] };
	const uint16_t hosts[] = { 0, 0 };

	host_start(a);
	want_hosts(list, hosts, 2);
	ck_assert_uint_eq(plain_peers_count(a), 1);
	ck_assert_uint_eq(says(a), 1);
	ck_assert(addr_equal(&h.log[0]->to, &b->addrs[0]));
	/* From wherever it sends, it is the same. */
	ck_assert(hears(a, &list[0], 2));
	ck_assert(hears(a, &list[1], 2));
	ck_assert_uint_eq(plain_info(a, b).rx.frames, 2);
	/* Without the one it is reached at the other. */
	want_hosts(list, hosts, 1);
	ck_assert_uint_eq(plain_peers_count(a), 1);
	ck_assert_uint_eq(says(a), 1);
	ck_assert(addr_equal(&h.log[1]->to, &list[0]));
}
END_TEST

START_TEST(name_of_many_hosts_is_reached_over_one_family)
{
	const struct addr list[] = { b->addrs[0], c->addrs[0], vtep_of(2),
				     vtep_of(3) };
	const uint16_t hosts[] = { 5, 5, 5, 5 };

	host_start(a);
	want_hosts(list, hosts, 4);
	ck_assert_uint_eq(plain_peers_count(a), 2);
	ck_assert_uint_eq(says(a), 2);
	/* Whose the others are nobody says. */
	ck_assert(!hears(a, &list[2], 2));
	ck_assert_uint_eq(host_drops(a, DROP_plain_stranger), 1);
}
END_TEST

START_TEST(hosts_of_one_family_each_are_peers_side_by_side)
{
	const struct addr list[] = { b->addrs[0], vtep_of(3) };

	host_start(a);
	want(list, 2);
	ck_assert_uint_eq(plain_peers_count(a), 2);
	ck_assert_uint_eq(says(a), 2);
	ck_assert(hears(a, &list[1], 3));
}
END_TEST

/* ---- who is none ---- */

START_TEST(we_ourselves_are_left_out)
{
	const struct addr list[] = { a->addrs[0], b->addrs[0] };
	uint8_t *frame = hosts_frame(0xff, 1, 80, 1);

	host_start(a);
	want(list, 2);
	ck_assert_uint_eq(says(a), 2);
	arrive();
	/* Our own came back, and went no further. */
	ck_assert_uint_eq(a->written_count, 0);
	ck_assert_uint_eq(host_events(a, NODE_SELF), 1);
	ck_assert_uint_eq(plain_peers_count(a), 1);
	ck_assert_uint_eq(says(a), 1);
	/* It has moved to another host, and we to another address. */
	plain_send_from(a, &a->addrs[0], frame, 80);
	ck_assert_uint_eq(a->written_count, 0);
	a->addrs[0] = addr_v4(0x0a090063, 4789);
	plain_send_from(a, &list[0], frame, 80);
	ck_assert_uint_eq(a->written_count, 0);
	hosts_run(&h, 61 * CLOCK_S);
	host_forget_written(a);
	plain_send_from(a, &list[0], frame, 80);
	ck_assert_uint_eq(a->written_count, 1);
	ck_assert_uint_eq(plain_peers_count(a), 2);
	free(frame);
}
END_TEST

START_TEST(address_that_moves_to_another_host_is_a_peer)
{
	const struct addr list[] = { b->addrs[0], vtep_of(9) };
	const uint16_t one[] = { 0, 0 }, two[] = { 0, 1 };

	host_start(a);
	want_hosts(list, one, 2);
	ck_assert_uint_eq(plain_peers_count(a), 1);
	want_hosts(list, two, 2);
	ck_assert_uint_eq(plain_peers_count(a), 2);
	ck_assert(hears(a, &list[1], 9));
	ck_assert_uint_eq(says(a), 2);
}
END_TEST

START_TEST(attack_datagrams_that_are_refused_do_not_move_our_address)
{
	struct way way = { .remote = b->addrs[0], .local = a->addrs[0] };
	const uint8_t bad[8] = { 0 };
	struct node_peer_info info;
	uint8_t good[100];
	uint8_t *frame = hosts_frame(0xff, 2, 80, 1);
	const size_t len = plain_wrap(a, good, sizeof(good), frame, 80);

	a->config.snooping = false;
	a->addrs[1] = addr_v4(0x0a090042, 4789);
	a->addrs_count = 2;
	host_start(a);
	want(b->addrs, 1);
	host_receive_way(a, &way, good, len);
	way.local = a->addrs[1];
	host_receive_way(a, &way, bad, sizeof(bad));
	host_receive_way(a, &way, good, len);
	info = plain_info(a, b);
	ck_assert(addr_equal(&info.local, &a->addrs[0]));
	/* It has moved there, for nothing comes to the other any more. */
	hosts_run(&h, 11 * CLOCK_S);
	host_receive_way(a, &way, good, len);
	info = plain_info(a, b);
	ck_assert(addr_equal(&info.local, &a->addrs[1]));
	free(frame);
}
END_TEST

START_TEST(own_address_shows_with_any_peers_datagram)
{
	const struct addr list[] = { a->addrs[0], b->addrs[0] };

	host_start(a);
	want(list, 2);
	ck_assert(hears(a, &b->addrs[0], 2));
	ck_assert_uint_eq(plain_peers_count(a), 1);
	ck_assert_uint_eq(says(a), 1);
}
END_TEST

START_TEST(one_whose_route_leads_into_the_tap_is_not_sent_to)
{
	host_start(a);
	want(b->addrs, 1);
	node_set_recursive(a->node, &b->addrs[0], true, hosts_clock(a));
	ck_assert_uint_eq(says(a), 0);
	ck_assert_int_eq(plain_info(a, b).state, NODE_PEER_STATE_CONNECTING);
	ck_assert_uint_eq(host_events(a, NODE_RECURSION), 1);
	ck_assert(!hears(a, &b->addrs[0], 2));
	/* Nobody is dialled in plain. */
	hosts_run(&h, 200 * CLOCK_S);
	ck_assert_uint_eq(says(a), 0);
	node_set_recursive(a->node, &b->addrs[0], false, hosts_clock(a));
	ck_assert_int_eq(plain_info(a, b).state, NODE_PEER_STATE_UP);
	ck_assert_uint_eq(says(a), 1);
	hosts_run(&h, 10 * CLOCK_S);
}
END_TEST

START_TEST(more_than_fit_are_refused_and_say_so)
{
	const struct addr list[] = { b->addrs[0], c->addrs[0] };
	const struct host *out;

	a->config.peers_max = 1;
	host_start(a);
	ck_assert_uint_eq(
		node_want(a->node, NODE_SOURCE_PEERS, list, 2, hosts_clock(a)),
		1);
	ck_assert_uint_eq(host_status(a).peers_up, 1);
	ck_assert_uint_eq(host_status(a).peers_total, 2);
	out = plain_info(a, b).state == NODE_PEER_STATE_UP ? c : b;
	ck_assert_str_eq(plain_info(a, out).reason, "peer table full");
	/* There is room again. */
	want(out->addrs, 1);
	ck_assert_int_eq(plain_info(a, out).state, NODE_PEER_STATE_UP);
}
END_TEST

/* ---- what is set and seen ---- */

START_TEST(what_has_no_meaning_does_nothing)
{
	a->config.snooping = false;
	host_start(a);
	want(b->addrs, 1);
	ck_assert_uint_eq(node_forget(a->node, hosts_clock(a)), 0);
	node_renew(a->node, hosts_clock(a));
	node_set_liveness(a->node, CLOCK_S, 2, CLOCK_S, hosts_clock(a));
	node_set_name(a->node, "other", hosts_clock(a));
	node_set_tap_mtu(a->node, 1400, hosts_clock(a));
	node_set_peer_exchange(a->node, true, hosts_clock(a));
	hosts_run(&h, 300 * CLOCK_S);
	node_bye(a->node, hosts_clock(a));
	ck_assert_uint_eq(h.log_count, 0);
	ck_assert_int_eq(plain_info(a, b).state, NODE_PEER_STATE_UP);
	ck_assert(hears(a, &b->addrs[0], 2));
}
END_TEST

START_TEST(details_are_found_by_what_stands_for_a_key)
{
	struct node_peer_detail detail;
	const struct public_key *key;
	struct node_traffic traffic;
	struct node_peer_info info;
	struct node_iter it = { 0 };

	host_start(a);
	want(b->addrs, 1);
	ck_assert(hears(a, &b->addrs[0], 2));
	says(a);
	info = plain_info(a, b);
	ck_assert(node_peer_detail(a->node, &info.key, &detail));
	ck_assert_uint_eq(detail.sessions_count, 0);
	ck_assert_uint_eq(detail.paths_count, 1);
	ck_assert(addr_equal(&detail.paths[0].remote, &b->addrs[0]));
	ck_assert(node_next_peer_traffic(a->node, &it, &key, &traffic));
	ck_assert(public_key_equal(key, &info.key));
	ck_assert_uint_eq(traffic.rx.frames, 1);
	ck_assert_uint_eq(traffic.rx.datagrams, 1);
	ck_assert_uint_eq(traffic.rx.bytes, 88);
	ck_assert_uint_eq(traffic.tx.frames, 1);
	ck_assert_uint_eq(traffic.tx.bytes, 88);
	ck_assert_uint_eq(host_status(a).rx.bytes, 88);
	ck_assert_uint_eq(host_status(a).tx.bytes, 88);
	ck_assert_uint_eq(info.heard_us, h.net.now_us);
	/* Answers leave from the address that it knows. */
	ck_assert(info.has_local && addr_equal(&info.local, &a->addrs[0]));
	ck_assert_str_eq(host_status(a).aead, "none");
}
END_TEST

START_TEST(node_is_made_with_a_network_and_without_secrets)
{
	const struct node_ops ops = { .random = NULL };
	const char *error;

	a->config.network_id_set = false;
	ck_assert_ptr_null(
		node_new(&a->config, &ops, NULL, hosts_clock(a), &error));
	ck_assert_str_eq(error, "no valid network_id, or no valid name");
	a->config.network_id_set = true;
	a->config.network_id = NODE_VNI_MAX + 1;
	ck_assert_ptr_null(
		node_new(&a->config, &ops, NULL, hosts_clock(a), &error));
	a->config.network_id = NODE_VNI_MAX;
	host_start(a);
	b->config.encapsulation = NODE_GRE;
	b->config.network_id_set = false;
	host_start(b);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("plain peers", .setup = plain_setup,
		  .teardown = three_teardown),
	UNIT_TEST(address_is_a_peer_as_long_as_it_is_listed),
	UNIT_TEST(last_source_that_lists_it_lets_it_go),
	UNIT_TEST(nothing_of_a_stranger_is_delivered),
	UNIT_TEST(vtep_may_send_from_any_port),
	UNIT_TEST(address_listed_twice_is_one_peer),
	UNIT_TEST(host_with_both_families_gets_each_frame_once),
	UNIT_TEST(name_of_many_hosts_is_reached_over_one_family),
	UNIT_TEST(hosts_of_one_family_each_are_peers_side_by_side),
	UNIT_TEST(we_ourselves_are_left_out),
	UNIT_TEST(address_that_moves_to_another_host_is_a_peer),
	UNIT_TEST(attack_datagrams_that_are_refused_do_not_move_our_address),
	UNIT_TEST(own_address_shows_with_any_peers_datagram),
	UNIT_TEST(one_whose_route_leads_into_the_tap_is_not_sent_to),
	UNIT_TEST(more_than_fit_are_refused_and_say_so),
	UNIT_TEST(what_has_no_meaning_does_nothing),
	UNIT_TEST(details_are_found_by_what_stands_for_a_key),
	UNIT_TEST(node_is_made_with_a_network_and_without_secrets),
};

UNIT_MAIN("plain_peers", tests)
