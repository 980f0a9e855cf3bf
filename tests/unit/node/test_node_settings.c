/* lib/node: what may change while it runs. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "node/identity.h"
#include "node/peer.h"
#include "support/main.h"
#include "support/outsider.h"
#include "support/three.h"

#define COUNT(x) (sizeof(x) / sizeof((x)[0]))

/* ---- making one ---- */

static void no_random(void *user, void *buf, size_t len)
{
	(void)user;
	memset(buf, 1, len);
}

static const struct {
	const char *error;
	size_t secrets;
	const char *name, *aead;
} unmade[] = {
	{ "no network secret, or no valid name", 0, "a", NULL },
	{ "no network secret, or no valid name", 1, "", NULL },
	{ "no network secret, or no valid name", 1, "a b", NULL },
	{ "no network secret, or no valid name", 1,
	  "0123456789012345678901234567890123456789012345678901234567890123",
	  NULL },
	{ "AES-GCM backend not available", 1, "a", "rot13" },
};

START_TEST(a_node_that_cannot_be_made_says_why)
{
	const struct node_ops ops = { .random = no_random };
	struct node_config config = a->config;
	const char *error = NULL;

	config.secrets_count = unmade[_i].secrets;
	memset(config.name, 0, sizeof(config.name));
	memcpy(config.name, unmade[_i].name, strlen(unmade[_i].name));
	config.aead = unmade[_i].aead;
	ck_assert_ptr_null(
		node_new(&config, &ops, NULL, hosts_clock(a), &error));
	ck_assert_str_eq(error, unmade[_i].error);
}
END_TEST

START_TEST(nothing_is_freed_without_harm)
{
	node_free(NULL);
}
END_TEST

START_TEST(a_node_has_the_public_key_of_its_private_one)
{
	struct node_status status;
	struct public_key key;

	host_start(a);
	node_status(a->node, &status);
	ck_assert(node_public_key(&key, a->config.private_key));
	ck_assert(public_key_equal(&status.key, &key));
}
END_TEST

START_TEST(each_backend_is_named_and_talks_to_the_other)
{
	struct node_status status;
	struct aead *mb = aead_new("ipsec-mb");

	a->config.aead = "openssl";
	if (mb)
		b->config.aead = "ipsec-mb";
	aead_free(mb);
	hosts_mesh(&h, 2);
	node_status(a->node, &status);
	ck_assert_str_eq(status.aead, "openssl");
	ck_assert(host_talks(a, b));
	ck_assert(host_talks(b, a));
}
END_TEST

/* ---- names and sizes ---- */

START_TEST(a_new_name_and_mtu_reach_every_peer)
{
	hosts_mesh(&h, 3);
	node_set_name(a->node, "renamed", hosts_clock(a));
	node_set_tap_mtu(a->node, 9000, hosts_clock(a));
	hosts_run(&h, 4 * h.latency_us);
	for (int i = 1; i < 3; i++) {
		struct node_peer_info info =
			host_shows(&h.host[i], &a->addrs[0]);

		ck_assert_str_eq(info.name, "renamed");
		ck_assert_uint_eq(info.tap_mtu, 9000);
	}
	ck_assert_uint_eq(host_events(b, NODE_PEER_DOWN), 0);
	ck_assert_uint_eq(host_events(b, NODE_PEER_UP), 2);
}
END_TEST

static bool knows_a_relay(void)
{
	return peers_find(b->node, &a->key)->capabilities & WIRE_CAN_RELAY;
}

START_TEST(peers_are_told_whether_it_carries_for_others)
{
	a->config.relay = _i;
	hosts_mesh(&h, 2);
	ck_assert(knows_a_relay() == _i);
	node_set_relay(a->node, !_i, hosts_clock(a));
	hosts_run(&h, 4 * h.latency_us);
	ck_assert(knows_a_relay() == !_i);
	ck_assert_uint_eq(host_events(b, NODE_PEER_DOWN), 0);
}
END_TEST

static enum fate lose_next_of_a(struct hosts *hosts, struct flight *p)
{
	static int lost;

	return addr_equal(&p->from, &hosts->host[0].addrs[0]) && lost++ < 1
		       ? LOSE
		       : PASS;
}

START_TEST(a_new_name_survives_a_loss_under_traffic)
{
	hosts_mesh(&h, 2);
	hosts_run(&h, 100 * CLOCK_MS);
	node_set_name(a->node, "renamed", hosts_clock(a));
	h.judge = lose_next_of_a;
	for (int i = 0; i < 100; i++) {
		host_say(b, 1);
		hosts_run(&h, 10 * CLOCK_MS);
	}
	ck_assert_str_eq(host_shows(b, &a->addrs[0]).name, "renamed");
}
END_TEST

START_TEST(a_name_that_is_none_or_the_same_changes_nothing)
{
	size_t since;

	hosts_mesh(&h, 2);
	hosts_run(&h, 300 * CLOCK_MS);
	since = h.log_count;
	node_set_name(a->node, "a", hosts_clock(a));
	node_set_name(a->node, "", hosts_clock(a));
	node_set_name(a->node, "no spaces", hosts_clock(a));
	node_set_tap_mtu(a->node, 1500, hosts_clock(a));
	hosts_run(&h, 100 * CLOCK_MS);
	ck_assert_uint_eq(h.log_count, since);
	ck_assert_str_eq(host_shows(b, &a->addrs[0]).name, "a");
}
END_TEST

START_TEST(a_new_mtu_lets_larger_frames_through_at_once)
{
	uint8_t *frame = hosts_frame(0xff, 1, 9014, 1);

	hosts_mesh(&h, 2);
	host_tap(a, frame, 9014);
	ck_assert_uint_eq(host_drops(a, DROP_frame_long), 1);
	node_set_tap_mtu(a->node, 9000, hosts_clock(a));
	host_tap(a, frame, 9014);
	arrive();
	ck_assert_uint_eq(host_drops(b, DROP_frame_long), 1);
	node_set_tap_mtu(b->node, 9000, hosts_clock(b));
	host_tap(a, frame, 9014);
	arrive();
	ck_assert_uint_eq(b->written_count, 1);
	free(frame);
}
END_TEST

START_TEST(a_shorter_interval_notices_sooner)
{
	uint64_t began;

	hosts_mesh(&h, 2);
	hosts_run(&h, CLOCK_S);
	node_set_liveness(a->node, 100 * CLOCK_MS, 3, 10 * CLOCK_S,
			  hosts_clock(a));
	host_stop(b);
	began = h.net.now_us;
	while (host_up(a, b))
		hosts_run(&h, 10 * CLOCK_MS);
	ck_assert_uint_le(h.net.now_us - began, 400 * CLOCK_MS);
	hosts_run(&h, 11 * CLOCK_S);
	ck_assert(!host_knows(a, b));
}
END_TEST

/* ---- who is wanted ---- */

START_TEST(endpoints_are_dialled_when_wanted_and_let_go_when_not)
{
	struct node_status status;
	size_t since;

	host_start(a);
	host_dial(a, b);
	hosts_run(&h, CLOCK_S);
	ck_assert_uint_gt(hosts_count_sent(&h, WIRE_INITIATION, a, b, 0), 0);
	node_status(a->node, &status);
	ck_assert_uint_eq(status.peers_total, 1);
	host_want(a, NULL, 0);
	node_status(a->node, &status);
	ck_assert_uint_eq(status.peers_total, 0);
	since = h.log_count;
	hosts_run(&h, 60 * CLOCK_S);
	ck_assert_uint_eq(h.log_count, since);
	ck_assert_uint_eq(host_debug(a).endpoints, 0);
	ck_assert_uint_eq(host_debug(a).indices, 0);
}
END_TEST

START_TEST(what_several_want_stays_until_the_last_lets_go)
{
	struct clock now;
	struct node_status status;

	host_start(a);
	now = hosts_clock(a);
	node_want(a->node, NODE_SOURCE_FILE, &b->addrs[0], 1, now);
	node_want(a->node, NODE_SOURCE_DNS, &b->addrs[0], 1, now);
	node_want(a->node, NODE_SOURCE_FILE, NULL, 0, now);
	node_status(a->node, &status);
	ck_assert_uint_eq(status.peers_total, 1);
	node_want(a->node, NODE_SOURCE_DNS, &c->addrs[0], 1, now);
	node_status(a->node, &status);
	ck_assert_uint_eq(status.peers_total, 1);
	ck_assert(!host_knows_at(a, &b->addrs[0]));
	ck_assert(host_knows_at(a, &c->addrs[0]));
}
END_TEST

START_TEST(a_session_outlives_the_wish_for_it)
{
	hosts_mesh(&h, 2);
	ck_assert(host_shows(b, &a->addrs[0]).wanted);
	host_want(b, NULL, 0);
	ck_assert(!host_shows(b, &a->addrs[0]).wanted);
	hosts_run(&h, 400 * CLOCK_S);
	ck_assert(hosts_pair_up(&h));
	ck_assert_uint_eq(host_events(b, NODE_PEER_DOWN), 0);
	ck_assert(host_talks(a, b));
}
END_TEST

START_TEST(the_same_list_again_disturbs_nothing)
{
	size_t since;

	hosts_mesh(&h, 2);
	hosts_run(&h, 500 * CLOCK_MS);
	since = h.log_count;
	for (int i = 0; i < 10; i++)
		host_dial(b, a);
	hosts_run(&h, 200 * CLOCK_MS);
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_INITIATION, b, a, since),
			  0);
}
END_TEST

START_TEST(more_endpoints_than_there_is_room_for_are_counted)
{
	struct addr list[10];

	a->config.peers_max = 2; /* six endpoints */
	host_start(a);
	for (uint32_t i = 0; i < COUNT(list); i++)
		list[i] = addr_v4(0x0a090030 + i, WIRE_PORT);
	ck_assert_uint_eq(node_want(a->node, NODE_SOURCE_FILE, list,
				    COUNT(list), hosts_clock(a)),
			  4);
	/* Those who were refused get the room of those let go. */
	ck_assert_uint_eq(node_want(a->node, NODE_SOURCE_FILE, list + 4, 6,
				    hosts_clock(a)),
			  4);
	ck_assert_uint_eq(node_want(a->node, NODE_SOURCE_FILE, list + 4, 6,
				    hosts_clock(a)),
			  0);
	hosts_run(&h, 10 * CLOCK_S);
}
END_TEST

START_TEST(an_endpoint_nobody_needs_makes_room)
{
	struct addr list[6], second;
	struct outsider o;

	outsider_init(&o, 1);
	a->config.peers_max = 2;
	host_start(a);
	for (uint32_t i = 0; i < COUNT(list); i++)
		list[i] = addr_v4(0x0a090030 + i, WIRE_PORT);
	/* A peer that was met at two addresses needs but one. */
	outsider_join(&o, a);
	second = o.at;
	second.port++;
	o.at = second;
	hosts_run(&h, CLOCK_MS);
	outsider_join(&o, a);
	ck_assert(host_knows_at(a, &second));
	ck_assert_uint_eq(
		node_want(a->node, NODE_SOURCE_FILE, list, 6, hosts_clock(a)),
		1);
	ck_assert(!host_knows_at(a, &second));
	outsider_free(&o);
}
END_TEST

START_TEST(an_endpoint_let_go_in_the_middle_of_a_handshake_is_met)
{
	host_start(a);
	host_start(b);
	host_dial(a, b);
	while (!host_debug(a).pending)
		hosts_run(&h, CLOCK_MS);
	host_want(a, NULL, 0);
	ck_assert(hosts_until(&h, hosts_pair_up, 100 * CLOCK_MS));
	ck_assert(host_talks(a, b));
}
END_TEST

/* ---- never into itself ---- */

START_TEST(an_endpoint_routed_into_the_tap_is_not_dialled)
{
	host_start(a);
	host_dial(a, b);
	node_set_recursive(a->node, &b->addrs[0], true, hosts_clock(a));
	node_set_recursive(a->node, &b->addrs[0], true, hosts_clock(a));
	ck_assert_uint_eq(host_events(a, NODE_RECURSION), 1);
	ck_assert(addr_equal(&host_event(a, NODE_RECURSION)->at, &b->addrs[0]));
	host_dial(a, b);
	hosts_run(&h, 60 * CLOCK_S);
	ck_assert_uint_eq(h.log_count, 0);
	ck_assert_str_eq(host_shows(a, &b->addrs[0]).reason,
			 "routed into itself: ip route add 10.9.0.2 via GATEWAY"
			 " dev DEVICE");
	/* There is another route: it is dialled. */
	node_set_recursive(a->node, &b->addrs[0], false, hosts_clock(a));
	host_start(b);
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
	/* Nobody wants that one. */
	node_set_recursive(a->node, &stranger, true, hosts_clock(a));
	ck_assert_uint_eq(host_events(a, NODE_RECURSION), 1);
}
END_TEST

START_TEST(longest_reason_is_whole)
{
	struct addr at;

	ck_assert(addr_parse(&at, "[fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:1",
			     0));
	host_start(a);
	host_want(a, &at, 1);
	node_set_recursive(a->node, &at, true, hosts_clock(a));
	ck_assert_ptr_nonnull(strstr(host_shows(a, &at).reason,
				     "ffff:ffff via GATEWAY dev DEVICE"));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("changes", .setup = three_setup, .teardown = three_teardown),
	UNIT_EACH(a_node_that_cannot_be_made_says_why, unmade),
	UNIT_TEST(nothing_is_freed_without_harm),
	UNIT_TEST(a_node_has_the_public_key_of_its_private_one),
	UNIT_TEST(each_backend_is_named_and_talks_to_the_other),
	UNIT_TEST(a_new_name_and_mtu_reach_every_peer),
	UNIT_LOOP(peers_are_told_whether_it_carries_for_others, 2),
	UNIT_TEST(a_new_name_survives_a_loss_under_traffic),
	UNIT_TEST(a_name_that_is_none_or_the_same_changes_nothing),
	UNIT_TEST(a_new_mtu_lets_larger_frames_through_at_once),
	UNIT_TEST(a_shorter_interval_notices_sooner),
	UNIT_CASE("wanted endpoints", .setup = three_setup,
		  .teardown = three_teardown),
	UNIT_TEST(endpoints_are_dialled_when_wanted_and_let_go_when_not),
	UNIT_TEST(what_several_want_stays_until_the_last_lets_go),
	UNIT_TEST(a_session_outlives_the_wish_for_it),
	UNIT_TEST(the_same_list_again_disturbs_nothing),
	UNIT_TEST(more_endpoints_than_there_is_room_for_are_counted),
	UNIT_TEST(an_endpoint_nobody_needs_makes_room),
	UNIT_TEST(an_endpoint_let_go_in_the_middle_of_a_handshake_is_met),
	UNIT_TEST(an_endpoint_routed_into_the_tap_is_not_dialled),
	UNIT_TEST(longest_reason_is_whole),
};

UNIT_MAIN("node settings", tests)
