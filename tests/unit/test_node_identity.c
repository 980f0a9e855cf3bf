/* lib/node: who is who. Keys, secrets, epochs, trust. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "hosts.h"
#include "outsider.h"

static struct hosts h;
static struct host *a, *b, *c;

static void setup(void)
{
	hosts_init(&h, 3);
	a = &h.host[0];
	b = &h.host[1];
	c = &h.host[2];
}

static void teardown(void)
{
	hosts_free(&h);
}

static bool pair_up(const struct hosts *hosts)
{
	return host_up(&hosts->host[0], &hosts->host[1]) &&
	       host_up(&hosts->host[1], &hosts->host[0]);
}

static bool talk(struct host *from, struct host *to)
{
	host_say(from, h.now_us);
	hosts_run(&h, 2 * h.latency_us);
	return host_heard(to, from, h.now_us - 2 * h.latency_us);
}

static void start_pair(void)
{
	host_start(a);
	host_start(b);
	host_dial(a, b);
	host_dial(b, a);
}

/* ---- restarts ---- */

static uint64_t epoch_before;

static bool restart_noticed(const struct hosts *hosts)
{
	const struct peer *peer = host_peer(&hosts->host[0], &hosts->host[1]);

	return pair_up(hosts) && peer->epoch != epoch_before;
}

START_TEST(a_restart_at_the_same_address_replaces_at_once)
{
	uint64_t began;

	hosts_mesh(&h, 2);
	epoch_before = host_peer(a, b)->epoch;
	host_stop(b);
	host_start(b);
	host_dial(b, a);
	began = h.now_us;
	ck_assert(hosts_until(&h, restart_noticed, CLOCK_S));
	ck_assert_uint_le(h.now_us - began, NODE_SPREAD_US + 4 * h.latency_us);
	ck_assert_uint_eq(host_events(a, NODE_PEER_RESTARTED), 1);
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
	ck_assert_uint_eq(host_events(a, NODE_DUPLICATE_KEY), 0);
	ck_assert(talk(a, b));
	ck_assert(talk(b, a));
	/* Nothing of the old sessions is left. */
	ck_assert_uint_eq(table_count(a->node->indices), 1);
}
END_TEST

START_TEST(a_restarted_peer_that_dials_nobody_is_met_within_three_seconds)
{
	hosts_mesh(&h, 2);
	epoch_before = host_peer(b, a)->epoch;
	/* b dialled a; a has no list of its own, and is restarted. */
	host_stop(a);
	host_start(a);
	host_forget_events(b);
	ck_assert(hosts_until(&h, pair_up, 3 * CLOCK_S));
	hosts_run(&h, 2 * h.latency_us);
	ck_assert_uint_ne(host_peer(b, a)->epoch, epoch_before);
	ck_assert(talk(a, b));
	ck_assert(talk(b, a));
}
END_TEST

START_TEST(a_restart_with_the_clock_set_back_heals_within_a_retry)
{
	hosts_mesh(&h, 2);
	hosts_run(&h, 10 * CLOCK_S);
	/* a answered b's initiation: it holds b's timestamp. */
	ck_assert_uint_ne(host_peer(a, b)->timestamp_us, 0);
	epoch_before = host_peer(a, b)->epoch;
	host_stop(b);
	b->wall_offset_us = -(int64_t)(365 * 86400 * CLOCK_S);
	host_start(b);
	host_dial(b, a);
	ck_assert(hosts_until(&h, restart_noticed, CLOCK_S));
	ck_assert_uint_gt(host_drops(a, DROP_stale_timestamp), 0);
	ck_assert_uint_gt(hosts_count_sent(&h, WIRE_COOKIE, a, b, 0), 0);
	ck_assert(talk(b, a));
}
END_TEST

START_TEST(a_clock_set_back_while_running_never_repeats_a_timestamp)
{
	uint64_t before;

	start_pair();
	ck_assert(hosts_until(&h, pair_up, CLOCK_S));
	before = b->node->timestamp_us;
	b->wall_offset_us = -(int64_t)(365 * 86400 * CLOCK_S);
	hosts_run(&h, 400 * CLOCK_S);
	ck_assert(pair_up(&h));
	ck_assert_uint_gt(b->node->timestamp_us, before);
	ck_assert_uint_lt(b->node->timestamp_us, before + CLOCK_S);
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
	began = h.now_us;
	ck_assert(hosts_until(&h, pair_up, CLOCK_S));
	ck_assert_uint_le(h.now_us - began, 200 * CLOCK_MS);
	ck_assert_uint_eq(host_events(a, NODE_DUPLICATE_KEY), 0);
	ck_assert(addr_equal(&host_peer(a, b)->endpoint->addr, &b->addrs[0]));
	ck_assert(talk(a, b));
}
END_TEST

START_TEST(a_host_with_a_new_key_takes_the_place_of_its_old_one)
{
	struct public_key old;

	a->config.expire_us = 20 * CLOCK_S;
	hosts_mesh(&h, 2);
	ck_assert(noise_public(old.bytes, b->config.private_key));
	host_stop(b);
	b->config.private_key[5] ^= 1;
	host_start(b);
	host_dial(b, a);
	ck_assert(hosts_until(&h, pair_up, CLOCK_S));
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_int_eq(peers_find(&a->node->peers, &old)->state, PEER_DOWN);
	ck_assert(talk(a, b));
	/* The old one goes, and takes nothing of the new one's with it. */
	hosts_run(&h, 30 * CLOCK_S);
	ck_assert_ptr_null(peers_find(&a->node->peers, &old));
	ck_assert(addr_equal(&host_peer(a, b)->endpoint->addr, &b->addrs[0]));
	ck_assert_ptr_eq(endpoints_find(&a->node->peers, &b->addrs[0])->peer,
			 host_peer(a, b));
	ck_assert(talk(a, b));
	ck_assert_uint_eq(table_count(a->node->peers.by_addr), 1);
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
	const struct event *e;
	uint64_t began;

	hosts_mesh(&h, 2);
	clone_b();
	host_start(c);
	host_dial(c, a);
	began = h.now_us;
	hosts_run(&h, 1500 * CLOCK_MS);
	ck_assert_uint_eq(host_events(a, NODE_DUPLICATE_KEY), 1);
	e = host_event(a, NODE_DUPLICATE_KEY);
	ck_assert_str_eq(e->peer, "b");
	ck_assert(addr_equal(&e->at, &b->addrs[0]));
	ck_assert(addr_equal(&e->other, &c->addrs[0]));
	ck_assert_uint_le(e->at_us - began, 1200 * CLOCK_MS);
	ck_assert_uint_gt(host_drops(a, DROP_duplicate_key), 0);
	ck_assert(pair_up(&h));
	ck_assert(addr_equal(&host_peer(a, b)->endpoint->addr, &b->addrs[0]));
	ck_assert_uint_eq(host_events(a, NODE_PEER_RESTARTED), 0);
	ck_assert(talk(a, b));
	host_say(c, 5);
	hosts_run(&h, 10 * CLOCK_S);
	ck_assert(!host_heard(a, c, 5));
	ck_assert(talk(b, a));
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
		strstr(host_shows(a, &c->addrs[0]).why, "duplicate key"));
	ck_assert(pair_up(&h));
}
END_TEST

START_TEST(a_second_clone_does_not_wait_for_the_first)
{
	teardown();
	hosts_init(&h, 4);
	a = &h.host[0];
	b = &h.host[1];
	c = &h.host[2];
	hosts_mesh(&h, 2);
	clone_b();
	memcpy(h.host[3].config.private_key, b->config.private_key, KEY_LEN);
	host_start(c);
	host_dial(c, a);
	host_start(&h.host[3]);
	host_dial(&h.host[3], a);
	hosts_run(&h, 30 * CLOCK_S);
	ck_assert(pair_up(&h));
	ck_assert_uint_eq(host_events(a, NODE_PEER_RESTARTED), 0);
	ck_assert(talk(a, b));
}
END_TEST

START_TEST(a_clone_does_not_profit_from_a_restart_of_the_one_we_know)
{
	/* So slow a path that b's session is long under way, and at each moment
	 * of the contest. */
	h.latency_us = 100 * CLOCK_MS;
	hosts_mesh(&h, 2);
	hosts_run(&h, 3 * CLOCK_S);
	host_stop(b);
	clone_b();
	host_start(c);
	host_dial(c, a);
	hosts_run(&h, (400 + 50 * (uint64_t)_i) * CLOCK_MS);
	ck_assert_uint_ne(host_peer(a, b)->rival, TABLE_NONE);
	host_start(b);
	host_dial(b, a);
	hosts_run(&h, 3 * CLOCK_S);
	ck_assert(pair_up(&h));
	ck_assert(addr_equal(&host_peer(a, b)->endpoint->addr, &b->addrs[0]));
	ck_assert_uint_eq(host_events(a, NODE_PEER_RESTARTED), 1);
	ck_assert_uint_ge(host_events(a, NODE_DUPLICATE_KEY), 1);
	ck_assert(talk(a, b));
	ck_assert(talk(b, a));
}
END_TEST

static bool c_known_at_a(const struct hosts *hosts)
{
	const struct peer *p = host_peer(&hosts->host[0], &hosts->host[2]);

	return p && p->state == PEER_UP && p->current &&
	       addr_equal(&p->endpoint->addr, &hosts->host[2].addrs[0]);
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
	began = h.now_us;
	ck_assert(hosts_until(&h, c_known_at_a, 3 * CLOCK_S));
	ck_assert_uint_le(h.now_us - began, 1400 * CLOCK_MS);
	ck_assert_uint_eq(host_events(a, NODE_PEER_RESTARTED), 1);
	ck_assert_uint_eq(host_events(a, NODE_DUPLICATE_KEY), 0);
	hosts_run(&h, 2 * h.latency_us);
	ck_assert(talk(c, a));
	ck_assert(talk(a, c));
}
END_TEST

START_TEST(a_contested_peer_may_go_and_takes_the_contest_with_it)
{
	static const struct public_key none;

	hosts_mesh(&h, 2);
	clone_b();
	host_start(c);
	host_dial(c, a);
	while (host_peer(a, b)->rival == TABLE_NONE)
		hosts_run(&h, CLOCK_MS);
	host_stop(c);
	node_set_trusted(a->node, &none, 0, hosts_clock(a));
	ck_assert_ptr_null(host_peer(a, b));
	ck_assert_uint_eq(table_count(a->node->candidates), 0);
	node_set_trusted(a->node, NULL, 0, hosts_clock(a));
	ck_assert(hosts_until(&h, pair_up, 5 * CLOCK_S));
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
		strstr(host_shows(a, &b->addrs[0]).why, "duplicate key"));
	hosts_run(&h, 60 * CLOCK_S);
	/* Rate-limited. */
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
	ck_assert_uint_eq(table_count(a->node->candidates), 0);
	ck_assert_uint_eq(a->node->half_open, 0);
}
END_TEST

START_TEST(our_own_address_in_the_list_is_no_peer)
{
	struct addr list[] = { a->addrs[0], b->addrs[0] };
	struct node_status status;
	struct node_peer_info info;
	uint32_t at = 0;
	size_t shown = 0;

	host_start(a);
	host_start(b);
	host_want(a, list, 2);
	ck_assert(hosts_until(&h, pair_up, CLOCK_S));
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
	while (node_next_peer(a->node, &at, &info, h.now_us))
		shown++;
	ck_assert_uint_eq(shown, 1);
	/* Looked at again only now and then. */
	ck_assert_uint_le(hosts_count_sent(&h, WIRE_INITIATION, a, a, 0), 4);
	ck_assert_uint_eq(a->node->half_open, 0);
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
	ck_assert(hosts_until(&h, pair_up, 40 * CLOCK_S));
	ck_assert_uint_eq(host_events(a, NODE_SELF), 2);
	ck_assert(talk(a, b));
}
END_TEST

/* ---- secrets ---- */

START_TEST(another_secret_gets_no_answer_and_says_so)
{
	memset(b->config.secrets[0], 0xbb, KEY_LEN);
	start_pair();
	hosts_run(&h, 10 * CLOCK_S);
	ck_assert_str_eq(host_shows(a, &b->addrs[0]).why,
			 "different secret? compare secret_file on both hosts");
	ck_assert_uint_gt(host_drops(a, DROP_mac1), 0);
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_RESPONSE, NULL, NULL, 0),
			  0);
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_COOKIE, NULL, NULL, 0), 0);
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_DATA, NULL, NULL, 0), 0);
}
END_TEST

static const uint8_t old_secret[] = { 0x5e }, new_secret[] = { 0xee };

static void set_secrets(struct host *host, const uint8_t *first,
			const uint8_t *second)
{
	uint8_t secrets[NODE_SECRETS_MAX][KEY_LEN];

	memset(secrets[0], first[0], KEY_LEN);
	if (second)
		memset(secrets[1], second[0], KEY_LEN);
	node_set_secrets(host->node, (const uint8_t(*)[KEY_LEN])secrets,
			 second ? 2 : 1, hosts_clock(host));
}

static bool on_secret(const struct host *host, const struct host *of,
		      const uint8_t *secret)
{
	const struct peer *peer = host_peer(host, of);

	return peer->current && peer->current->psk[0] == secret[0];
}

static void keep_talking(uint64_t us)
{
	uint64_t end = h.now_us + us;

	while (h.now_us < end) {
		ck_assert(talk(a, b));
		ck_assert(talk(b, a));
		hosts_run(&h, 100 * CLOCK_MS);
	}
}

START_TEST(a_secret_is_rotated_without_a_frame_lost)
{
	start_pair();
	ck_assert(hosts_until(&h, pair_up, CLOCK_S));
	/* First every host accepts the new one too, then initiates with it, then
	 * the old one goes. */
	set_secrets(a, old_secret, new_secret);
	keep_talking(5 * CLOCK_S);
	set_secrets(b, old_secret, new_secret);
	keep_talking(5 * CLOCK_S);
	ck_assert(on_secret(a, b, old_secret));
	set_secrets(a, new_secret, old_secret);
	keep_talking(5 * CLOCK_S);
	ck_assert(on_secret(a, b, new_secret));
	ck_assert(on_secret(b, a, new_secret));
	set_secrets(b, new_secret, old_secret);
	keep_talking(5 * CLOCK_S);
	set_secrets(a, new_secret, NULL);
	keep_talking(5 * CLOCK_S);
	set_secrets(b, new_secret, NULL);
	keep_talking(40 * CLOCK_S);
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
	ck_assert_uint_eq(host_events(b, NODE_PEER_DOWN), 0);
	for (size_t i = 0; i < PEERS_SESSIONS; i++)
		ck_assert_uint_ne(host_peer(a, b)->sessions[i].psk[0],
				  old_secret[0]);
}
END_TEST

START_TEST(hosts_with_two_secrets_meet_in_whatever_order_they_have_them)
{
	memset(a->config.secrets[0], 0xee, KEY_LEN);
	memset(a->config.secrets[1], 0x5e, KEY_LEN);
	a->config.secrets_count = 2;
	host_start(a);
	host_start(b);
	host_dial(a, b);
	ck_assert(hosts_until(&h, pair_up, 2 * CLOCK_S));
	ck_assert(on_secret(a, b, old_secret));
	ck_assert(talk(a, b));
}
END_TEST

START_TEST(a_secret_that_is_gone_takes_its_sessions_with_it)
{
	static const struct session zero;

	hosts_mesh(&h, 2);
	set_secrets(a, new_secret, NULL);
	for (size_t i = 0; i < PEERS_SESSIONS; i++)
		ck_assert_mem_eq(&host_peer(a, b)->sessions[i], &zero,
				 sizeof(zero));
	ck_assert(!talk(a, b));
	ck_assert(!talk(b, a));
	hosts_run(&h, 5 * CLOCK_S);
	/* And the peer is not said to be up. */
	ck_assert_int_eq(host_peer(a, b)->state, PEER_DOWN);
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 1);
	set_secrets(b, new_secret, NULL);
	ck_assert(hosts_until(&h, pair_up, 5 * CLOCK_S));
	ck_assert(talk(a, b));
}
END_TEST

START_TEST(handshakes_under_a_secret_that_is_gone_come_to_nothing)
{
	struct outsider o;

	outsider_init(&o, 1);
	host_start(a);
	ck_assert(outsider_shake_hands(&o, a));
	ck_assert_uint_eq(a->node->half_open, 1);
	set_secrets(a, new_secret, NULL);
	ck_assert_uint_eq(a->node->half_open, 0);
	ck_assert_uint_eq(table_count(a->node->candidates), 0);
	outsider_hello(&o, a, false, true);
	ck_assert_uint_eq(host_drops(a, DROP_data_index), 1);
	outsider_free(&o);
}
END_TEST

/* ---- trust ---- */

static struct public_key key_of(const struct host *host)
{
	struct public_key key;

	ck_assert(noise_public(key.bytes, host->config.private_key));
	return key;
}

START_TEST(only_trusted_keys_get_in)
{
	struct public_key trusted = key_of(b);

	a->config.trusted = &trusted;
	a->config.trusted_count = 1;
	host_start(a);
	host_start(b);
	host_start(c);
	host_dial(b, a);
	host_dial(c, a);
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert(pair_up(&h));
	ck_assert_ptr_null(host_peer(a, c));
	ck_assert_ptr_null(host_peer(c, a));
	ck_assert_uint_gt(host_drops(a, DROP_untrusted_key), 0);
	ck_assert_uint_eq(host_events(a, NODE_PEER_REFUSED), 1);
	ck_assert(addr_equal(&host_event(a, NODE_PEER_REFUSED)->at,
			     &c->addrs[0]));
	ck_assert_str_eq(host_event(a, NODE_PEER_REFUSED)->text,
			 "key not trusted");
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_RESPONSE, a, c, 0), 0);
}
END_TEST

START_TEST(an_untrusted_answer_is_refused_and_shown)
{
	static const struct public_key none;

	a->config.trusted = &none;
	a->config.trusted_count = 0; /* an empty list trusts nobody */
	host_start(a);
	host_start(b);
	host_dial(a, b);
	hosts_run(&h, 60 * CLOCK_S);
	ck_assert_ptr_null(host_peer(a, b));
	ck_assert_ptr_null(host_peer(b, a));
	ck_assert_ptr_nonnull(
		strstr(host_shows(a, &b->addrs[0]).why, "key not trusted"));
	/* Dialled seldom: it will not change by itself. */
	ck_assert_uint_le(hosts_count_sent(&h, WIRE_INITIATION, a, b, 0), 4);
}
END_TEST

START_TEST(trust_is_given_and_taken_at_run_time)
{
	struct public_key keys[] = { key_of(b), key_of(c) };

	hosts_mesh(&h, 3);
	host_want(a, &b->addrs[0], 1);
	node_set_trusted(a->node, keys + 1, 1, hosts_clock(a));
	ck_assert_ptr_null(host_peer(a, b));
	ck_assert(host_up(a, c));
	ck_assert_str_eq(host_event(a, NODE_PEER_DOWN)->text,
			 "key not trusted");
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_ptr_null(host_peer(a, b));
	ck_assert_ptr_nonnull(
		strstr(host_shows(a, &b->addrs[0]).why, "key not trusted"));
	ck_assert(talk(a, c));
	node_set_trusted(a->node, keys, 2, hosts_clock(a));
	ck_assert(hosts_until(&h, hosts_all_up, 5 * CLOCK_S));
	ck_assert(talk(a, b));
	/* Nobody is the same as everybody, if it is no list at all. */
	node_set_trusted(a->node, keys, 0, hosts_clock(a));
	ck_assert_ptr_null(host_peer(a, b));
	ck_assert_ptr_null(host_peer(a, c));
	node_set_trusted(a->node, NULL, 0, hosts_clock(a));
	ck_assert(hosts_until(&h, hosts_all_up, 5 * CLOCK_S));
}
END_TEST

START_TEST(a_key_thrown_out_is_not_held_against_the_next_address)
{
	static const struct public_key none;

	/* Nobody wants b's address: it goes with b, and c's takes its place. */
	hosts_mesh(&h, 2);
	node_set_trusted(a->node, &none, 0, hosts_clock(a));
	ck_assert_ptr_null(endpoints_find(&a->node->peers, &b->addrs[0]));
	host_dial(a, c);
	ck_assert_str_eq(host_shows(a, &c->addrs[0]).why, "connecting");
}
END_TEST

START_TEST(a_handshake_under_way_ends_when_trust_does)
{
	static const struct public_key none;
	struct outsider o;

	outsider_init(&o, 1);
	host_start(a);
	ck_assert(outsider_shake_hands(&o, a));
	node_set_trusted(a->node, &none, 0, hosts_clock(a));
	ck_assert_uint_eq(table_count(a->node->candidates), 0);
	ck_assert_uint_eq(a->node->half_open, 0);
	outsider_hello(&o, a, false, true);
	ck_assert_uint_eq(host_drops(a, DROP_data_index), 1);
	outsider_free(&o);
}
END_TEST

/* ---- versions ---- */

START_TEST(another_protocol_version_is_refused_by_name)
{
	struct wire_hello hello = { .want = true,
				    .version = WIRE_VERSION + 1,
				    .epoch = 9,
				    .name = "future" };
	uint8_t record[WIRE_HELLO_MAX];
	struct outsider o;

	outsider_init(&o, 1);
	host_start(a);
	host_want(a, &o.at, 1);
	ck_assert(outsider_shake_hands(&o, a));
	outsider_send(&o, a, record, wire_pack_hello(&hello, record));
	ck_assert_uint_eq(host_drops(a, DROP_version), 1);
	ck_assert_str_eq(host_event(a, NODE_PEER_REFUSED)->peer, "future");
	ck_assert_str_eq(host_shows(a, &o.at).why,
			 "another protocol version: upgrade the older one");
	ck_assert_uint_eq(table_count(a->node->candidates), 0);
	outsider_free(&o);
}
END_TEST

/* ---- bounds ---- */

START_TEST(a_full_table_refuses_the_next_and_says_why)
{
	struct outsider o[3];

	a->config.peers_max = 2;
	host_start(a);
	for (uint8_t i = 0; i < 3; i++)
		outsider_init(&o[i], (uint8_t)(i + 1));
	host_want(a, &o[2].at, 1);
	outsider_join(&o[0], a);
	outsider_join(&o[1], a);
	ck_assert(outsider_shake_hands(&o[2], a));
	outsider_hello(&o[2], a, false, true);
	ck_assert_uint_eq(host_drops(a, DROP_peers_full), 1);
	ck_assert_str_eq(host_shows(a, &o[2].at).why, "peer table full");
	ck_assert_uint_eq(host_events(a, NODE_PEER_REFUSED), 1);
	ck_assert_uint_eq(host_events(a, NODE_PEER_UP), 2);
	for (int i = 0; i < 3; i++)
		outsider_free(&o[i]);
}
END_TEST

START_TEST(a_full_table_lets_the_longest_down_go)
{
	struct outsider o[3];

	a->config.peers_max = 2;
	host_start(a);
	for (uint8_t i = 0; i < 3; i++)
		outsider_init(&o[i], (uint8_t)(i + 1));
	outsider_join(&o[0], a);
	hosts_run(&h, 10 * CLOCK_S); /* silent: down */
	outsider_join(&o[1], a);
	outsider_join(&o[2], a);
	ck_assert_ptr_null(peers_find(&a->node->peers, &o[0].key));
	ck_assert_ptr_nonnull(peers_find(&a->node->peers, &o[1].key));
	ck_assert_ptr_nonnull(peers_find(&a->node->peers, &o[2].key));
	ck_assert_uint_eq(host_drops(a, DROP_peers_full), 0);
	for (int i = 0; i < 3; i++)
		outsider_free(&o[i]);
}
END_TEST

START_TEST(a_peer_whose_session_never_opened_does_not_keep_its_place)
{
	struct outsider o[3];

	a->config.peers_max = 2;
	host_start(a);
	for (uint8_t i = 0; i < 3; i++)
		outsider_init(&o[i], (uint8_t)(i + 1));
	for (int i = 0; i < 2; i++) {
		ck_assert(outsider_shake_hands(&o[i], a));
		outsider_hello(&o[i], a, false, true);
	}
	hosts_run(&h, 10 * CLOCK_S);
	outsider_join(&o[2], a);
	ck_assert_ptr_nonnull(peers_find(&a->node->peers, &o[2].key));
	for (int i = 0; i < 3; i++)
		outsider_free(&o[i]);
}
END_TEST

static bool a_met_b(const struct hosts *hosts)
{
	(void)hosts;
	return host_up(a, b);
}

START_TEST(what_it_was_refused_for_once_does_not_delay_a_peer_that_is_lost)
{
	struct outsider o;

	/* There is no room for b until the other goes; then b comes itself. */
	outsider_init(&o, 1);
	a->config.peers_max = 1;
	host_start(a);
	outsider_join(&o, a);
	host_start(b);
	host_dial(a, b);
	while (!host_drops(a, DROP_peers_full))
		hosts_run(&h, CLOCK_MS);
	hosts_run(&h, 5 * CLOCK_S);
	host_dial(b, a);
	ck_assert(hosts_until(&h, a_met_b, 6 * CLOCK_S));
	host_stop(b);
	hosts_run(&h, 4 * CLOCK_S);
	ck_assert(!host_up(a, b));
	/* Now b dials nobody. */
	host_start(b);
	ck_assert(hosts_until(&h, a_met_b, 5 * CLOCK_S));
	outsider_free(&o);
}
END_TEST

static TCase *lives(void)
{
	TCase *tc = tcase_create("restarts and clones");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_restart_at_the_same_address_replaces_at_once);
	tcase_add_test(
		tc,
		a_restarted_peer_that_dials_nobody_is_met_within_three_seconds);
	tcase_add_test(tc,
		       a_restart_with_the_clock_set_back_heals_within_a_retry);
	tcase_add_test(
		tc, a_clock_set_back_while_running_never_repeats_a_timestamp);
	tcase_add_test(tc, a_peer_that_is_down_may_come_back_anywhere_at_once);
	tcase_add_test(tc,
		       a_host_with_a_new_key_takes_the_place_of_its_old_one);
	tcase_add_test(tc, a_second_live_host_with_the_key_is_refused_by_name);
	tcase_add_test(tc, a_clone_that_is_listed_says_duplicate_key);
	tcase_add_test(tc, a_second_clone_does_not_wait_for_the_first);
	tcase_add_loop_test(
		tc, a_clone_does_not_profit_from_a_restart_of_the_one_we_know,
		0, 12);
	tcase_add_test(
		tc,
		a_restart_elsewhere_replaces_one_that_is_silent_within_a_second);
	tcase_add_test(tc,
		       a_contested_peer_may_go_and_takes_the_contest_with_it);
	tcase_add_test(tc, our_own_key_at_another_host_is_told);
	tcase_add_test(tc, a_clone_of_ours_that_only_dials_us_is_told_too);
	tcase_add_test(tc, our_own_address_in_the_list_is_no_peer);
	tcase_add_test(tc, an_address_that_was_ours_may_be_anothers);
	return tc;
}

static TCase *admission(void)
{
	TCase *tc = tcase_create("secrets and trust");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, another_secret_gets_no_answer_and_says_so);
	tcase_add_test(tc, a_secret_is_rotated_without_a_frame_lost);
	tcase_add_test(
		tc,
		hosts_with_two_secrets_meet_in_whatever_order_they_have_them);
	tcase_add_test(tc, a_secret_that_is_gone_takes_its_sessions_with_it);
	tcase_add_test(tc,
		       handshakes_under_a_secret_that_is_gone_come_to_nothing);
	tcase_add_test(tc, only_trusted_keys_get_in);
	tcase_add_test(tc, an_untrusted_answer_is_refused_and_shown);
	tcase_add_test(tc, trust_is_given_and_taken_at_run_time);
	tcase_add_test(tc,
		       a_key_thrown_out_is_not_held_against_the_next_address);
	tcase_add_test(tc, a_handshake_under_way_ends_when_trust_does);
	tcase_add_test(tc, another_protocol_version_is_refused_by_name);
	tcase_add_test(tc, a_full_table_refuses_the_next_and_says_why);
	tcase_add_test(tc, a_full_table_lets_the_longest_down_go);
	tcase_add_test(
		tc, a_peer_whose_session_never_opened_does_not_keep_its_place);
	tcase_add_test(
		tc,
		what_it_was_refused_for_once_does_not_delay_a_peer_that_is_lost);
	return tc;
}

int main(void)
{
	Suite *suite = suite_create("node identity");
	SRunner *sr = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, lives());
	suite_add_tcase(suite, admission());
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
