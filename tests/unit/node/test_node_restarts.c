/* lib/node: one key and its processes: restarts, and clones. */
#include <check.h>
#include <string.h>

#include "support/main.h"
#include "support/opened.h"
#include "support/three.h"

/* ---- restarts ---- */

static uint64_t epoch_before;

static bool restart_noticed(const struct hosts *hosts)
{
	return hosts_pair_up(hosts) &&
	       host_peer(&hosts->host[0], &hosts->host[1]).epoch !=
		       epoch_before;
}

START_TEST(a_restart_at_the_same_address_replaces_at_once)
{
	uint64_t began;

	hosts_mesh(&h, 2);
	epoch_before = host_peer(a, b).epoch;
	host_stop(b);
	host_start(b);
	host_dial(b, a);
	began = h.net.now_us;
	ck_assert(hosts_until(&h, restart_noticed, CLOCK_S));
	ck_assert_uint_le(h.net.now_us - began,
			  NODE_DEBUG_SPREAD_US + 4 * h.latency_us);
	ck_assert_uint_eq(host_events(a, NODE_PEER_RESTARTED), 1);
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
	ck_assert_uint_eq(host_events(a, NODE_DUPLICATE_KEY), 0);
	ck_assert(host_talks(a, b));
	ck_assert(host_talks(b, a));
	/* Nothing of the old sessions is left. */
	ck_assert_uint_eq(host_debug(a).indices, 1);
}
END_TEST

START_TEST(a_restarted_peer_that_dials_nobody_is_met_within_three_seconds)
{
	hosts_mesh(&h, 2);
	epoch_before = host_peer(b, a).epoch;
	/* b dialled a; a has no list of its own, and is restarted. */
	host_stop(a);
	host_start(a);
	host_forget_events(b);
	ck_assert(hosts_until(&h, hosts_pair_up, 3 * CLOCK_S));
	arrive();
	ck_assert_uint_ne(host_peer(b, a).epoch, epoch_before);
	ck_assert(host_talks(a, b));
	ck_assert(host_talks(b, a));
}
END_TEST

START_TEST(a_restart_with_the_clock_set_back_heals_within_a_retry)
{
	hosts_mesh(&h, 2);
	hosts_run(&h, 10 * CLOCK_S);
	/* a answered b's initiation: it holds b's timestamp. */
	ck_assert_uint_ne(host_peer(a, b).timestamp_us, 0);
	epoch_before = host_peer(a, b).epoch;
	host_stop(b);
	b->wall_offset_us = -(int64_t)(365 * 86400 * CLOCK_S);
	host_start(b);
	host_dial(b, a);
	ck_assert(hosts_until(&h, restart_noticed, CLOCK_S));
	ck_assert_uint_gt(host_drops(a, DROP_stale_timestamp), 0);
	ck_assert_uint_gt(hosts_count_sent(&h, WIRE_COOKIE, a, b, 0), 0);
	ck_assert(host_talks(b, a));
}
END_TEST

static enum fate lose_rekeys(struct hosts *hosts, struct flight *p)
{
	return hosts_carries(hosts, p, WIRE_REKEY_1) ? LOSE : PASS;
}

START_TEST(a_clock_set_back_while_running_never_repeats_a_timestamp)
{
	uint64_t before;

	start_pair();
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
	h.judge = lose_rekeys;
	before = host_debug(b).timestamp_us;
	b->wall_offset_us = -(int64_t)(365 * 86400 * CLOCK_S);
	hosts_run(&h, 400 * CLOCK_S);
	ck_assert(hosts_pair_up(&h));
	ck_assert_uint_gt(host_debug(b).timestamp_us, before);
	ck_assert_uint_lt(host_debug(b).timestamp_us, before + CLOCK_S);
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
}
END_TEST

START_TEST(a_peer_that_is_down_may_come_back_anywhere_at_once)
{
	uint64_t began;

	hosts_mesh(&h, 2);
	host_stop(b);
	hosts_run(&h, 10 * CLOCK_S);
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 1);
	b->addrs[0] = addr_v4(0x0a090099, WIRE_PORT);
	host_start(b);
	host_dial(b, a);
	began = h.net.now_us;
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
	ck_assert_uint_le(h.net.now_us - began, 200 * CLOCK_MS);
	ck_assert_uint_eq(host_events(a, NODE_DUPLICATE_KEY), 0);
	ck_assert(host_sends_to(a, b, &b->addrs[0]));
	ck_assert(host_talks(a, b));
}
END_TEST

START_TEST(a_host_with_a_new_key_takes_the_place_of_its_old_one)
{
	struct public_key old;

	a->config.expire_us = 20 * CLOCK_S;
	hosts_mesh(&h, 2);
	old = b->key;
	host_stop(b);
	b->config.private_key[5] ^= 1;
	host_start(b);
	host_dial(b, a);
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_int_eq(host_peer_by_key(a, &old).state, NODE_PEER_STATE_DOWN);
	ck_assert(host_talks(a, b));
	/* The old one goes, and takes nothing of the new one's with it. */
	hosts_run(&h, 30 * CLOCK_S);
	ck_assert(!host_knows_key(a, &old));
	ck_assert(host_sends_to(a, b, &b->addrs[0]));
	ck_assert(host_found_at(a, &b->addrs[0], b));
	ck_assert(host_talks(a, b));
	ck_assert_uint_eq(host_debug(a).endpoints, 1);
}
END_TEST

/* ---- two hosts, one key ---- */

/* c gets b's key, as a cloned disk would. */
static void clone_b(void)
{
	memcpy(c->config.private_key, b->config.private_key, KEY_LEN);
}

START_TEST(a_second_live_host_with_the_key_is_refused_by_name)
{
	const struct host_event *e;
	uint64_t began;

	hosts_mesh(&h, 2);
	clone_b();
	host_start(c);
	host_dial(c, a);
	began = h.net.now_us;
	hosts_run(&h, 1500 * CLOCK_MS);
	ck_assert_uint_gt(host_events(a, NODE_DUPLICATE_KEY), 0);
	e = host_event(a, NODE_DUPLICATE_KEY);
	ck_assert_str_eq(e->peer, "b");
	ck_assert(addr_equal(&e->at, &b->addrs[0]));
	ck_assert(addr_equal(&e->other, &c->addrs[0]));
	ck_assert_uint_le(e->at_us - began, 1200 * CLOCK_MS);
	ck_assert_uint_gt(host_drops(a, DROP_duplicate_key), 0);
	ck_assert(hosts_pair_up(&h));
	ck_assert(host_sends_to(a, b, &b->addrs[0]));
	ck_assert_uint_eq(host_events(a, NODE_PEER_RESTARTED), 0);
	ck_assert(host_talks(a, b));
	host_say(c, 5);
	hosts_run(&h, 10 * CLOCK_S);
	ck_assert(!host_heard(a, c, 5));
	ck_assert(host_talks(b, a));
}
END_TEST

START_TEST(a_clone_that_is_listed_says_duplicate_key)
{
	const struct addr both[] = { b->addrs[0], c->addrs[0] };

	hosts_mesh(&h, 2);
	clone_b();
	host_start(c);
	host_want(a, both, 2);
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_ptr_nonnull(
		strstr(host_shows(a, &c->addrs[0]).reason, "duplicate key"));
	ck_assert(hosts_pair_up(&h));
}
END_TEST

START_TEST(a_second_clone_does_not_wait_for_the_first)
{
	three_teardown();
	hosts_init(&h, 4);
	hosts_set_latency(&h,
			  100 * CLOCK_MS); /* so that one is still contesting */
	hosts_mesh(&h, 2);
	clone_b();
	memcpy(h.host[3].config.private_key, b->config.private_key, KEY_LEN);
	host_start(c);
	host_dial(c, a);
	host_start(&h.host[3]);
	host_dial(&h.host[3], a);
	while (!host_drops(a, DROP_duplicate_key))
		hosts_run(&h, CLOCK_MS);
	ck_assert(host_peer(a, b).contested);
	hosts_run(&h, 30 * CLOCK_S);
	ck_assert(hosts_pair_up(&h));
	ck_assert_uint_eq(host_events(a, NODE_PEER_RESTARTED), 0);
	ck_assert(host_talks(a, b));
}
END_TEST

START_TEST(a_clone_does_not_profit_from_a_restart_of_the_one_we_know)
{
	/* So slow a path that b's session is long under way, and at each moment
	 * of the contest. */
	hosts_set_latency(&h, 100 * CLOCK_MS);
	hosts_mesh(&h, 2);
	hosts_run(&h, 3 * CLOCK_S);
	host_stop(b);
	clone_b();
	host_start(c);
	host_dial(c, a);
	hosts_run(&h, (400 + 50 * (uint64_t)_i) * CLOCK_MS);
	ck_assert(host_peer(a, b).contested);
	host_start(b);
	host_dial(b, a);
	hosts_run(&h, 3 * CLOCK_S);
	ck_assert(hosts_pair_up(&h));
	ck_assert(host_sends_to(a, b, &b->addrs[0]));
	ck_assert_uint_eq(host_events(a, NODE_PEER_RESTARTED), 1);
	ck_assert_uint_ge(host_events(a, NODE_DUPLICATE_KEY), 1);
	ck_assert(host_talks(a, b));
	ck_assert(host_talks(b, a));
}
END_TEST

static bool c_known_at_a(const struct hosts *hosts)
{
	const struct host *from = &hosts->host[0], *of = &hosts->host[2];

	return host_up(from, of) && host_sends_to(from, of, &of->addrs[0]);
}

START_TEST(a_restart_elsewhere_replaces_one_that_is_silent_within_a_second)
{
	uint64_t began;

	hosts_mesh(&h, 2);
	hosts_run(&h, 3 * CLOCK_S);
	host_stop(b);
	clone_b();
	host_start(c);
	host_dial(c, a);
	began = h.net.now_us;
	ck_assert(hosts_until(&h, c_known_at_a, 3 * CLOCK_S));
	ck_assert_uint_le(h.net.now_us - began, 1400 * CLOCK_MS);
	ck_assert_uint_eq(host_events(a, NODE_PEER_RESTARTED), 1);
	ck_assert_uint_eq(host_events(a, NODE_DUPLICATE_KEY), 0);
	arrive();
	ck_assert(host_talks(c, a));
	ck_assert(host_talks(a, c));
}
END_TEST

START_TEST(a_contested_peer_may_go_and_takes_the_contest_with_it)
{
	static const struct public_key none;

	hosts_mesh(&h, 2);
	clone_b();
	host_start(c);
	host_dial(c, a);
	while (!host_peer(a, b).contested)
		hosts_run(&h, CLOCK_MS);
	host_stop(c);
	node_set_trusted(a->node, &none, 0, hosts_clock(a));
	ck_assert(!host_knows(a, b));
	ck_assert_uint_eq(host_debug(a).pending, 0);
	node_set_trusted(a->node, NULL, 0, hosts_clock(a));
	ck_assert(hosts_until(&h, hosts_pair_up, 5 * CLOCK_S));
}
END_TEST

START_TEST(our_own_key_at_another_host_is_told)
{
	memcpy(b->config.private_key, a->config.private_key, KEY_LEN);
	start_pair();
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_uint_gt(host_events(a, NODE_OWN_KEY), 0);
	ck_assert_uint_gt(host_events(b, NODE_OWN_KEY), 0);
	ck_assert(addr_equal(&host_event(a, NODE_OWN_KEY)->at, &b->addrs[0]));
	ck_assert_uint_gt(host_drops(a, DROP_own_key), 0);
	ck_assert_uint_eq(host_events(a, NODE_PEER_UP), 0);
	ck_assert_ptr_nonnull(
		strstr(host_shows(a, &b->addrs[0]).reason, "duplicate key"));
	hosts_run(&h, 60 * CLOCK_S);
	/* Dialled rarely. */
	ck_assert_uint_le(host_events(a, NODE_OWN_KEY), 7);
}
END_TEST

START_TEST(a_clone_of_ours_that_only_dials_us_is_told_too)
{
	memcpy(b->config.private_key, a->config.private_key, KEY_LEN);
	host_start(a);
	host_start(b);
	host_dial(b, a);
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_uint_gt(host_events(a, NODE_OWN_KEY), 0);
	ck_assert_uint_gt(host_events(b, NODE_OWN_KEY), 0);
	ck_assert_uint_eq(host_debug(a).pending, 0);
	ck_assert_uint_eq(host_debug(a).half_open, 0);
}
END_TEST

START_TEST(our_own_address_in_the_list_is_no_peer)
{
	struct addr list[] = { a->addrs[0], b->addrs[0] };
	struct node_status status;
	struct node_peer_info info;
	struct node_iter at = { 0 };
	size_t shown = 0;

	host_start(a);
	host_start(b);
	host_want(a, list, 2);
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
	/* At once: not only when nobody else has answered. */
	hosts_run(&h, 100 * CLOCK_MS);
	node_status(a->node, &status);
	ck_assert_uint_eq(status.peers_total, 1);
	hosts_run(&h, 60 * CLOCK_S);
	ck_assert_uint_eq(host_events(a, NODE_SELF), 1);
	ck_assert(addr_equal(&host_event(a, NODE_SELF)->at, &a->addrs[0]));
	ck_assert_uint_eq(host_events(a, NODE_OWN_KEY), 0);
	node_status(a->node, &status);
	ck_assert_uint_eq(status.peers_total, 1);
	while (node_next_peer(a->node, &at, &info))
		shown++;
	ck_assert_uint_eq(shown, 1);
	/* Looked at again only now and then. */
	ck_assert_uint_le(hosts_count_sent(&h, WIRE_INITIATION, a, a, 0), 4);
	ck_assert_uint_eq(host_debug(a).half_open, 0);
}
END_TEST

START_TEST(an_address_that_was_ours_may_be_anothers)
{
	struct addr before = a->addrs[0], after = addr_v4(0x0a090077, 8273);
	struct addr list[] = { before, after };

	host_start(a);
	host_want(a, list, 2);
	hosts_run(&h, 2 * CLOCK_S);
	ck_assert_uint_eq(host_events(a, NODE_SELF), 1);
	/* We move, and b is where we were: found as soon as we find us. */
	a->addrs[0] = after;
	b->addrs[0] = before;
	host_start(b);
	ck_assert(hosts_until(&h, hosts_pair_up, 40 * CLOCK_S));
	ck_assert_uint_eq(host_events(a, NODE_SELF), 2);
	ck_assert(host_talks(a, b));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("restarts and clones", .setup = three_setup,
		  .teardown = three_teardown),
	UNIT_TEST(a_restart_at_the_same_address_replaces_at_once),
	UNIT_TEST(
		a_restarted_peer_that_dials_nobody_is_met_within_three_seconds),
	UNIT_TEST(a_restart_with_the_clock_set_back_heals_within_a_retry),
	UNIT_TEST(a_clock_set_back_while_running_never_repeats_a_timestamp),
	UNIT_TEST(a_peer_that_is_down_may_come_back_anywhere_at_once),
	UNIT_TEST(a_host_with_a_new_key_takes_the_place_of_its_old_one),
	UNIT_TEST(a_second_live_host_with_the_key_is_refused_by_name),
	UNIT_TEST(a_clone_that_is_listed_says_duplicate_key),
	UNIT_TEST(a_second_clone_does_not_wait_for_the_first),
	UNIT_LOOP(a_clone_does_not_profit_from_a_restart_of_the_one_we_know,
		  12),
	UNIT_TEST(
		a_restart_elsewhere_replaces_one_that_is_silent_within_a_second),
	UNIT_TEST(a_contested_peer_may_go_and_takes_the_contest_with_it),
	UNIT_TEST(our_own_key_at_another_host_is_told),
	UNIT_TEST(a_clone_of_ours_that_only_dials_us_is_told_too),
	UNIT_TEST(our_own_address_in_the_list_is_no_peer),
	UNIT_TEST(an_address_that_was_ours_may_be_anothers),
};

UNIT_MAIN("node restarts", tests)
