/* lib/node: who gets in: secrets, trusted keys, versions, room. */
#include <check.h>
#include <string.h>

#include "support/main.h"
#include "support/outsider.h"
#include "support/three.h"

/* ---- secrets ---- */

START_TEST(another_secret_gets_no_answer_and_says_so)
{
	memset(b->config.secrets[0], 0xbb, KEY_LEN);
	start_pair();
	hosts_run(&h, 10 * CLOCK_S);
	ck_assert_str_eq(host_shows(a, &b->addrs[0]).reason,
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
	const struct node_debug_peer peer = host_peer(host, of);

	return peer.has_current && peer.current.secret[0] == secret[0];
}

static void keep_talking(uint64_t us)
{
	uint64_t end = h.net.now_us + us;

	while (h.net.now_us < end) {
		ck_assert(host_talks(a, b));
		ck_assert(host_talks(b, a));
		hosts_run(&h, 100 * CLOCK_MS);
	}
}

START_TEST(a_secret_is_rotated_without_a_frame_lost)
{
	struct node_debug_peer peer;

	start_pair();
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
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
	peer = host_peer(a, b);
	for (size_t i = 0; i < peer.sessions_count; i++)
		ck_assert_uint_ne(peer.sessions[i].secret[0], old_secret[0]);
	ck_assert_uint_eq(host_debug(a).stray_sessions, 0);
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
	ck_assert(hosts_until(&h, hosts_pair_up, 2 * CLOCK_S));
	ck_assert(on_secret(a, b, old_secret));
	ck_assert(host_talks(a, b));
}
END_TEST

START_TEST(a_secret_that_is_gone_takes_its_sessions_with_it)
{
	hosts_mesh(&h, 2);
	set_secrets(a, new_secret, NULL);
	host_assert_no_sessions(a, b);
	ck_assert(!host_talks(a, b));
	ck_assert(!host_talks(b, a));
	hosts_run(&h, 5 * CLOCK_S);
	/* And the peer is not said to be up. */
	ck_assert_int_eq(host_peer(a, b).state, NODE_PEER_STATE_DOWN);
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 1);
	set_secrets(b, new_secret, NULL);
	ck_assert(hosts_until(&h, hosts_pair_up, 5 * CLOCK_S));
	ck_assert(host_talks(a, b));
}
END_TEST

START_TEST(handshakes_under_a_secret_that_is_gone_come_to_nothing)
{
	struct outsider o;

	outsider_init(&o, 1);
	host_start(a);
	ck_assert(outsider_shake_hands(&o, a));
	ck_assert_uint_eq(host_debug(a).half_open, 1);
	set_secrets(a, new_secret, NULL);
	ck_assert_uint_eq(host_debug(a).half_open, 0);
	ck_assert_uint_eq(host_debug(a).pending, 0);
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
	ck_assert(hosts_pair_up(&h));
	ck_assert(!host_knows(a, c));
	ck_assert(!host_knows(c, a));
	ck_assert_uint_gt(host_drops(a, DROP_untrusted_key), 0);
	ck_assert_uint_eq(host_events(a, NODE_PEER_REFUSED),
			  host_drops(a, DROP_untrusted_key));
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
	ck_assert(!host_knows(a, b));
	ck_assert(!host_knows(b, a));
	ck_assert_ptr_nonnull(
		strstr(host_shows(a, &b->addrs[0]).reason, "key not trusted"));
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
	ck_assert(!host_knows(a, b));
	ck_assert(host_up(a, c));
	ck_assert_str_eq(host_event(a, NODE_PEER_DOWN)->text,
			 "key not trusted");
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert(!host_knows(a, b));
	ck_assert_ptr_nonnull(
		strstr(host_shows(a, &b->addrs[0]).reason, "key not trusted"));
	ck_assert(host_talks(a, c));
	node_set_trusted(a->node, keys, 2, hosts_clock(a));
	ck_assert(hosts_until(&h, hosts_all_up, 5 * CLOCK_S));
	ck_assert(host_talks(a, b));
	/* Nobody is the same as everybody, if it is no list at all. */
	node_set_trusted(a->node, keys, 0, hosts_clock(a));
	ck_assert(!host_knows(a, b));
	ck_assert(!host_knows(a, c));
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
	ck_assert(!host_knows_at(a, &b->addrs[0]));
	host_dial(a, c);
	ck_assert_str_eq(host_shows(a, &c->addrs[0]).reason, "connecting");
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
	ck_assert_uint_eq(host_debug(a).pending, 0);
	ck_assert_uint_eq(host_debug(a).half_open, 0);
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
	ck_assert_str_eq(host_shows(a, &o.at).reason,
			 "another protocol version: upgrade the older one");
	ck_assert_uint_eq(host_debug(a).pending, 0);
	outsider_free(&o);
}
END_TEST

START_TEST(what_ignored_us_and_then_is_gone_is_shown_as_gone)
{
	uint8_t response[WIRE_RESPONSE_LEN];
	const struct flight *p;
	struct outsider o;
	size_t since = 0;

	/* It answers handshakes and says no more, as one does that takes us for
	 * a clone. */
	outsider_init(&o, 1);
	host_start(a);
	host_want(a, &o.at, 1);
	for (int i = 0; i < 1000; i++) {
		hosts_run(&h, 10 * CLOCK_MS);
		p = hosts_sent(&h, WIRE_INITIATION, a, NULL, since, 0);
		if (!p)
			continue;
		since = h.log_count;
		outsider_respond(&o, p->bytes, response, h.net.now_us);
		host_receive(a, &o.at, response, sizeof(response));
	}
	ck_assert_str_eq(host_shows(a, &o.at).reason,
			 "it ignores us: is this host's key a copy of "
			 "another's?");
	hosts_run(&h, 20 * CLOCK_S);
	ck_assert_str_eq(host_shows(a, &o.at).reason,
			 "no answer: is UDP 8273 open both ways?");
	outsider_free(&o);
}
END_TEST

/* ---- bounds ---- */

START_TEST(a_full_table_refuses_the_next_and_says_why)
{
	struct outsider o[3];
	struct addr list[3];

	a->config.peers_max = 2;
	host_start(a);
	for (uint8_t i = 0; i < 3; i++) {
		outsider_init(&o[i], (uint8_t)(i + 1));
		list[i] = o[i].at;
	}
	host_want(a, list, 3);
	outsider_join(&o[0], a);
	outsider_join(&o[1], a);
	ck_assert(outsider_shake_hands(&o[2], a));
	outsider_hello(&o[2], a, false, true);
	ck_assert_uint_eq(host_drops(a, DROP_peers_full), 1);
	ck_assert_str_eq(host_shows(a, &o[2].at).reason, "peer table full");
	ck_assert_uint_eq(host_events(a, NODE_PEER_REFUSED), 1);
	ck_assert_uint_eq(host_events(a, NODE_PEER_UP), 2);
	for (int i = 0; i < 3; i++)
		outsider_free(&o[i]);
}
END_TEST

START_TEST(attack_a_table_filled_with_keys_keeps_no_configured_host_out)
{
	struct outsider o[3];

	a->config.peers_max = 3;
	host_start(a);
	for (uint8_t i = 0; i < 3; i++) {
		outsider_init(&o[i], (uint8_t)(i + 1));
		outsider_join(&o[i], a);
		hosts_run(&h, CLOCK_MS);
	}
	host_start(b);
	host_start(c);
	host_dial(a, b);
	hosts_run(&h, CLOCK_S);
	ck_assert(host_up(a, b));
	/* The last that came; and c, which is not configured, takes no place. */
	ck_assert(host_knows_key(a, &o[0].key));
	ck_assert(host_knows_key(a, &o[1].key));
	ck_assert(!host_knows_key(a, &o[2].key));
	ck_assert_str_eq(host_event(a, NODE_PEER_DOWN)->text,
			 "peer table full: a configured peer took its place");
	host_dial(c, a);
	hosts_run(&h, CLOCK_S);
	ck_assert(!host_up(a, c));
	ck_assert(host_up(a, b));
	for (int i = 0; i < 3; i++)
		outsider_free(&o[i]);
}
END_TEST

/* Their sessions are renewed before they count as dead, and never opened. */
START_TEST(attack_keys_that_never_come_up_keep_no_configured_host_out)
{
	struct outsider o[3];

	a->config.peers_max = 3;
	host_start(a);
	for (uint8_t i = 0; i < 3; i++)
		outsider_init(&o[i], (uint8_t)(i + 1));
	host_start(b);
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 3; i++)
			if (round == 0 || host_knows_key(a, &o[i].key)) {
				ck_assert(outsider_shake_hands(&o[i], a));
				outsider_hello(&o[i], a, false, true);
			}
		if (round == 1)
			host_dial(a, b);
		hosts_run(&h, 4 * CLOCK_S);
		if (round > 0)
			ck_assert(host_up(a, b));
	}
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
	ck_assert(!host_knows_key(a, &o[0].key));
	ck_assert(host_knows_key(a, &o[1].key));
	ck_assert(host_knows_key(a, &o[2].key));
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
	ck_assert(host_knows_key(a, &o[2].key));
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
	struct addr list[2] = { b->addrs[0] };

	/* There is no room for b until the other goes; then b comes itself. */
	outsider_init(&o, 1);
	a->config.peers_max = 1;
	list[1] = o.at;
	host_start(a);
	host_want(a, list, 2);
	outsider_join(&o, a);
	host_start(b);
	while (!host_drops(a, DROP_peers_full))
		hosts_run(&h, CLOCK_MS);
	hosts_run(&h, 5 * CLOCK_S);
	host_want(a, list, 1);
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

static const struct unit_test tests[] = {
	UNIT_CASE("secrets and trust", .setup = three_setup,
		  .teardown = three_teardown),
	UNIT_TEST(another_secret_gets_no_answer_and_says_so),
	UNIT_TEST(a_secret_is_rotated_without_a_frame_lost),
	UNIT_TEST(hosts_with_two_secrets_meet_in_whatever_order_they_have_them),
	UNIT_TEST(a_secret_that_is_gone_takes_its_sessions_with_it),
	UNIT_TEST(handshakes_under_a_secret_that_is_gone_come_to_nothing),
	UNIT_TEST(only_trusted_keys_get_in),
	UNIT_TEST(an_untrusted_answer_is_refused_and_shown),
	UNIT_TEST(trust_is_given_and_taken_at_run_time),
	UNIT_TEST(a_key_thrown_out_is_not_held_against_the_next_address),
	UNIT_TEST(a_handshake_under_way_ends_when_trust_does),
	UNIT_TEST(another_protocol_version_is_refused_by_name),
	UNIT_TEST(what_ignored_us_and_then_is_gone_is_shown_as_gone),
	UNIT_TEST(a_full_table_refuses_the_next_and_says_why),
	UNIT_TEST(attack_a_table_filled_with_keys_keeps_no_configured_host_out),
	UNIT_TEST(attack_keys_that_never_come_up_keep_no_configured_host_out),
	UNIT_TEST(a_full_table_lets_the_longest_down_go),
	UNIT_TEST(a_peer_whose_session_never_opened_does_not_keep_its_place),
	UNIT_TEST(
		what_it_was_refused_for_once_does_not_delay_a_peer_that_is_lost),
};

UNIT_MAIN("node trust", tests)
