/* lib/node: what there is to see. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "node/pmtu.h"
#include "support/main.h"
#include "support/outsider.h"
#include "support/three.h"

START_TEST(every_peer_and_wanted_endpoint_is_shown_once)
{
	const struct addr nowhere = addr_v4(0x0a090055, 999);
	const struct addr list[] = { b->addrs[0], nowhere };
	struct node_peer_info info;
	struct node_iter at = { 0 };
	size_t shown = 0;

	hosts_mesh(&h, 3);
	host_want(a, list, 2);
	hosts_run(&h, 20 * CLOCK_S);
	while (node_next_peer(a->node, &at, &info))
		shown++;
	ck_assert_uint_eq(shown, 3);
	ck_assert(!node_next_peer(a->node, &at, &info));

	info = host_shows(a, &b->addrs[0]);
	ck_assert(info.has_key && info.wanted);
	ck_assert(public_key_equal(&info.key, &b->key));
	ck_assert_str_eq(info.name, "b");
	ck_assert_int_eq(info.state, NODE_PEER_STATE_UP);
	ck_assert_str_eq(info.reason, "");
	ck_assert_uint_ge(info.rtt_us, 2 * h.latency_us);
	ck_assert_uint_le(info.rtt_us, 3 * h.latency_us);
	ck_assert_uint_eq(info.datagram_size, PMTU_MAX);
	ck_assert_uint_eq(info.tap_mtu, 1500);
	ck_assert(info.loss == 0);
	ck_assert_uint_gt(info.up_since_us, HOSTS_START);
	ck_assert_uint_gt(info.heard_us, h.net.now_us - 2 * CLOCK_S);
	ck_assert(!host_shows(a, &c->addrs[0]).wanted);

	info = host_shows(a, &nowhere);
	ck_assert(!info.has_key && info.wanted);
	ck_assert_int_eq(info.state, NODE_PEER_STATE_CONNECTING);
	ck_assert_str_eq(info.name, "");
	ck_assert_str_eq(info.reason, "no answer: is UDP 999 open both ways?");
}
END_TEST

START_TEST(a_peer_that_is_not_where_it_is_listed_is_shown_with_both)
{
	const struct addr list[] = { b->addrs[0] };
	struct node_peer_info info;

	hosts_mesh(&h, 2);
	host_want(a, list, 1);
	hosts_run(&h, CLOCK_S);
	ck_assert(!host_shows(a, &list[0]).has_listed);
	b->addrs[0] = addr_v4(0x0a090063, 5555);
	host_say(b, 1);
	hosts_run(&h, CLOCK_S);
	info = host_shows(a, &b->addrs[0]);
	ck_assert(info.wanted && info.has_listed);
	ck_assert(addr_equal(&info.listed, &list[0]));
	host_want(a, list, 0);
	ck_assert(!host_shows(a, &b->addrs[0]).has_listed);
}
END_TEST

START_TEST(of_one_peer_there_is_all_to_see)
{
	const struct addr list[] = { b->addrs[0] };
	struct node_peer_detail d;
	struct public_key nobody = { { 1 } };
	uint64_t sent = 0;

	hosts_mesh(&h, 3);
	host_want(a, list, 1);
	hosts_run(&h, 20 * CLOCK_S);
	ck_assert(!node_peer_detail(a->node, &nobody, &d));
	ck_assert_uint_eq(d.port, 0);
	ck_assert(node_peer_detail(a->node, &b->key, &d));
	ck_assert_uint_gt(d.port, 0);
	ck_assert_uint_gt(d.state_since_us, HOSTS_START);
	ck_assert_uint_gt(d.sent_us, h.net.now_us - 2 * CLOCK_S);
	ck_assert_uint_ge(d.paths_count, 1);
	ck_assert_int_eq(d.paths[0].use, NODE_PATH_USED);
	ck_assert(addr_equal(&d.paths[0].remote, &b->addrs[0]));
	ck_assert_uint_eq(d.paths[0].size, PMTU_MAX);
	ck_assert_uint_eq(d.paths[0].size_max, PMTU_MAX);
	ck_assert_uint_ge(d.paths[0].rtt_us, 2 * h.latency_us);
	ck_assert_uint_ge(d.sessions_count, 1);
	ck_assert_uint_le(d.sessions_count, NODE_PEER_SESSIONS_MAX);
	for (size_t i = 0; i < d.sessions_count; i++) {
		if (!d.sessions[i].used)
			continue;
		ck_assert(d.sessions[i].open && !sent);
		ck_assert_uint_gt(d.sessions[i].born_us, HOSTS_START);
		ck_assert_uint_gt(d.sessions[i].received, 0);
		sent = d.sessions[i].sent;
	}
	ck_assert_uint_gt(sent, 0);
}
END_TEST

START_TEST(a_peer_in_the_making_is_shown_as_connecting)
{
	struct outsider o;
	struct node_peer_info info;

	outsider_init(&o, 1);
	host_start(a);
	ck_assert(outsider_shake_hands(&o, a));
	outsider_hello(&o, a, false, true);
	info = host_shows(a, &o.at);
	ck_assert_int_eq(info.state, NODE_PEER_STATE_CONNECTING);
	ck_assert_str_eq(info.reason, "handshake not complete");
	ck_assert_str_eq(info.name, "outsider");
	ck_assert_uint_eq(info.datagram_size, 0);
	outsider_free(&o);
}
END_TEST

START_TEST(counters_count_what_was_sent_and_received)
{
	struct node_status sa, sb;
	struct node_peer_info ab, ba;

	hosts_mesh(&h, 2);
	for (int i = 0; i < 10; i++)
		ck_assert(host_talks(a, b));
	hosts_run(&h, 300 * CLOCK_MS);
	node_status(a->node, &sa);
	node_status(b->node, &sb);
	ab = host_shows(a, &b->addrs[0]);
	ba = host_shows(b, &a->addrs[0]);
	ck_assert_uint_eq(sa.tx.frames, 10);
	ck_assert_uint_eq(sb.rx.frames, 10);
	ck_assert_uint_eq(ab.tx.frames, 10);
	ck_assert_uint_eq(ba.rx.frames, 10);
	/* All but the hellos that came before the peer. */
	ck_assert_uint_le(ab.tx.datagrams, sa.tx.datagrams);
	ck_assert_uint_ge(ab.tx.datagrams + 1, sa.tx.datagrams);
	ck_assert_uint_eq(sb.rx.datagrams, sa.tx.datagrams);
	ck_assert_uint_eq(sb.rx.bytes, sa.tx.bytes);
	ck_assert_uint_eq(sa.rx.bytes, sb.tx.bytes);
}
END_TEST

START_TEST(counters_alone_are_those_of_the_whole_views)
{
	const struct addr list[] = { b->addrs[0], addr_v4(0x0a090055, 999) };
	struct node_iter at = { 0 }, whole = { 0 };
	const struct public_key *key;
	struct node_peer_info info;
	struct node_traffic traffic;
	struct node_status status;
	size_t peers = 0;

	hosts_mesh(&h, 3);
	host_want(a, list, 2);
	hosts_run(&h, 5 * CLOCK_S);
	node_status(a->node, &status);
	node_traffic(a->node, &traffic);
	ck_assert_mem_eq(&traffic.tx, &status.tx, sizeof(traffic.tx));
	ck_assert_mem_eq(&traffic.rx, &status.rx, sizeof(traffic.rx));
	/* The endpoint where nobody answers has no key, and comes last. */
	while (node_next_peer_traffic(a->node, &at, &key, &traffic)) {
		ck_assert(node_next_peer(a->node, &whole, &info));
		ck_assert(public_key_equal(key, &info.key));
		ck_assert_uint_gt(traffic.tx.datagrams, 0);
		ck_assert_mem_eq(&traffic.tx, &info.tx, sizeof(traffic.tx));
		ck_assert_mem_eq(&traffic.rx, &info.rx, sizeof(traffic.rx));
		peers++;
	}
	ck_assert_uint_eq(peers, 2);
	ck_assert(node_next_peer(a->node, &whole, &info) && !info.has_key);
}
END_TEST

static void assert_downs(uint64_t silent, uint64_t bye)
{
	const struct node_peer_info info = host_shows(a, &b->addrs[0]);

	for (int i = 0; i < NODE_DOWN_COUNT; i++)
		ck_assert_uint_eq(info.downs[i], i == NODE_DOWN_SILENT ? silent
						 : i == NODE_DOWN_BYE  ? bye
								       : 0);
}

START_TEST(sessions_and_why_a_peer_went_down_are_counted)
{
	uint64_t sessions, rekeys;

	hosts_mesh(&h, 2);
	sessions = host_shows(a, &b->addrs[0]).sessions;
	ck_assert_uint_ge(sessions, 1);
	ck_assert_uint_eq(host_status(a).rekeys, 0);
	hosts_run(&h, 130 * CLOCK_S);
	rekeys = host_status(a).rekeys; /* two, if both ends began */
	ck_assert_uint_ge(rekeys, 1);
	ck_assert_uint_le(rekeys, 2);
	sessions += rekeys;
	ck_assert_uint_eq(host_shows(a, &b->addrs[0]).sessions, sessions);
	assert_downs(0, 0);
	host_stop(b);
	hosts_run(&h, 20 * CLOCK_S);
	assert_downs(1, 0);
	host_start(b);
	host_dial(b, a);
	ck_assert(hosts_until(&h, hosts_pair_up, 10 * CLOCK_S));
	ck_assert_uint_gt(host_shows(a, &b->addrs[0]).sessions, sessions);
	node_bye(b->node, hosts_clock(b));
	host_stop(b);
	hosts_run(&h, CLOCK_S);
	assert_downs(1, 1);
}
END_TEST

START_TEST(a_session_that_does_not_open_is_counted)
{
	struct outsider o;

	outsider_init(&o, 1);
	host_start(a);
	ck_assert(outsider_shake_hands(&o, a));
	outsider_hello(&o, a, false, true);
	ck_assert_uint_eq(host_shows(a, &o.at).sessions_incomplete, 0);
	hosts_run(&h, 20 * CLOCK_S);
	ck_assert_uint_eq(host_shows(a, &o.at).sessions_incomplete, 1);
	ck_assert_uint_eq(host_shows(a, &o.at).sessions, 0);
	outsider_free(&o);
}
END_TEST

START_TEST(the_macs_are_shown_with_their_owners)
{
	struct node_fdb_info info;
	struct node_iter at = { 0 };
	bool local = false, remote = false;
	uint8_t *tagged = hosts_frame(0xff, 2, 64, 1);
	struct node_status status;

	store_be16(tagged + 12, ETH_TYPE_VLAN);
	store_be16(tagged + 14, 0x2064); /* VID 100 */
	hosts_mesh(&h, 2);
	host_say(a, 1);
	host_tap(b, tagged, 64);
	hosts_run(&h, 2 * CLOCK_S);
	while (node_next_mac(a->node, &at, &info, h.net.now_us)) {
		if (info.local) {
			local = true;
			ck_assert_uint_eq(info.mac[5], 1);
			ck_assert_uint_eq(info.vlan, 0);
			ck_assert_str_eq(info.owner, "");
			continue;
		}
		remote = true;
		ck_assert_uint_eq(info.mac[5], 2);
		ck_assert_uint_eq(info.vlan, 100);
		ck_assert_str_eq(info.owner, "b");
		ck_assert(public_key_equal(&info.owner_key, &b->key));
		ck_assert_uint_ge(info.age_us, CLOCK_S);
	}
	ck_assert(local && remote);
	node_status(a->node, &status);
	ck_assert_uint_eq(status.fdb_count, 2);
	free(tagged);
}
END_TEST

START_TEST(what_only_the_owner_sees_is_counted_too)
{
	host_start(a);
	node_count_drop(a->node, DROP_tap_write, 3);
	node_count_drop(a->node, DROP_udp_overflow, 2);
	ck_assert_uint_eq(host_drops(a, DROP_tap_write), 3);
	ck_assert_uint_eq(host_drops_total(a), 5);
}
END_TEST

/* What was read of a group is shown later, when a peer may be gone. */
START_TEST(members_that_are_gone_are_passed_over)
{
	struct public_key trusted;
	struct node_group_info all = { .vlan = 0 };
	struct node_iter at = { 0 };
	unsigned int named = 0;
	const char *name;

	memset(all.members, 0xff, sizeof(all.members));
	hosts_mesh(&h, 3);
	hosts_run(&h, 5 * CLOCK_S);
	while (node_next_member(a->node, &all, &at))
		named++;
	ck_assert_uint_eq(named, 2);
	at = (struct node_iter){ 0 };
	name = node_next_member(a->node, &all, &at);
	trusted = strcmp(name, "b") == 0 ? c->key : b->key;
	ck_assert(node_set_trusted(a->node, &trusted, 1, hosts_clock(a)));
	at = (struct node_iter){ 0 };
	name = node_next_member(a->node, &all, &at);
	ck_assert_str_eq(name, public_key_equal(&trusted, &c->key) ? "c" : "b");
	ck_assert_ptr_null(node_next_member(a->node, &all, &at));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("what there is to see", .setup = three_setup,
		  .teardown = three_teardown),
	UNIT_TEST(every_peer_and_wanted_endpoint_is_shown_once),
	UNIT_TEST(a_peer_that_is_not_where_it_is_listed_is_shown_with_both),
	UNIT_TEST(of_one_peer_there_is_all_to_see),
	UNIT_TEST(a_peer_in_the_making_is_shown_as_connecting),
	UNIT_TEST(counters_count_what_was_sent_and_received),
	UNIT_TEST(counters_alone_are_those_of_the_whole_views),
	UNIT_TEST(sessions_and_why_a_peer_went_down_are_counted),
	UNIT_TEST(a_session_that_does_not_open_is_counted),
	UNIT_TEST(the_macs_are_shown_with_their_owners),
	UNIT_TEST(what_only_the_owner_sees_is_counted_too),
	UNIT_TEST(members_that_are_gone_are_passed_over),
};

UNIT_MAIN("node views", tests)
