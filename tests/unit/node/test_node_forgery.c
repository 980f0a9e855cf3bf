/* lib/node: replays and forgeries. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/alloc.h"
#include "support/main.h"
#include "support/outsider.h"
#include "support/three.h"

#define COUNT(x) (sizeof(x) / sizeof((x)[0]))

/* The nth datagram of that type that went from one to the other. */
static const struct flight *caught(enum wire_type type, const struct host *from,
				   const struct host *to, size_t nth)
{
	const struct flight *p = hosts_sent(&h, type, from, to, 0, nth);

	ck_assert_ptr_nonnull(p);
	return p;
}

/* ---- not one bit ---- */

/*
 * The last datagram of each type on its way to b, before b got it: b takes the
 * true one afterwards, so it was good.
 */
static enum wire_type stop_at;

static enum fate stop(struct hosts *hosts, struct flight *p)
{
	return !hosts->held_count && p->bytes[0] == stop_at &&
			       addr_equal(&p->to, &b->addrs[0])
		       ? HOLD
		       : PASS;
}

static bool is_stopped(const struct hosts *hosts)
{
	return hosts->held_count > 0;
}

/* What b does with a message that is not what was sent: count it. */
static void assert_ignored(const uint8_t *bytes, size_t len, const char *what,
			   size_t nth)
{
	uint64_t drops = host_drops_total(b), rx = host_status(b).rx.datagrams;
	size_t sent = h.log_count;

	host_receive(b, &h.held[0]->from, bytes, len);
	ck_assert_msg(host_drops_total(b) == drops + 1, "%s %zu", what, nth);
	ck_assert_uint_eq(host_status(b).rx.datagrams, rx);
	ck_assert_msg(h.log_count == sent, "%s %zu is answered", what, nth);
	ck_assert_uint_eq(b->written_count, 0);
}

static void assert_not_one_bit(void)
{
	const struct flight *stopped = h.held[0];
	uint8_t *forged = test_alloc(stopped->len + 1);

	for (size_t bit = 0; bit < 8 * stopped->len; bit++) {
		/* mac2 is only read where a cookie is asked for. */
		if (stop_at <= WIRE_RESPONSE &&
		    bit >= 8 * (stopped->len - WIRE_MAC_LEN))
			break;
		memcpy(forged, stopped->bytes, stopped->len);
		forged[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_ignored(forged, stopped->len, "bit", bit);
	}
	memcpy(forged, stopped->bytes, stopped->len);
	for (size_t len = 0; len < stopped->len; len++)
		assert_ignored(forged, len, "length", len);
	forged[stopped->len] = 0;
	assert_ignored(forged, stopped->len + 1, "length", stopped->len + 1);
	free(forged);
}

START_TEST(attack_no_bit_of_a_handshake_may_change)
{
	stop_at = (enum wire_type)_i;
	h.judge = stop;
	host_start(a);
	host_start(b);
	if (stop_at == WIRE_RESPONSE)
		host_dial(b, a);
	else
		host_dial(a, b);
	ck_assert(hosts_until(&h, is_stopped, CLOCK_S));
	assert_not_one_bit();
	ck_assert(!host_knows(b, a));
	/* And none of them spoilt it for the true one. */
	h.judge = NULL;
	hosts_release(&h, 0);
	ck_assert(hosts_until(&h, hosts_pair_up, 100 * CLOCK_MS));
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_INITIATION, NULL, NULL, 0),
			  1);
}
END_TEST

START_TEST(attack_no_bit_of_a_datagram_may_change)
{
	hosts_mesh(&h, 2);
	hosts_run(&h, 100 * CLOCK_MS);
	stop_at = WIRE_DATA;
	h.judge = stop;
	host_say(a, 1);
	ck_assert(is_stopped(&h));
	assert_not_one_bit();
	h.judge = NULL;
	hosts_release(&h, 0);
	ck_assert(host_heard(b, a, 1));
}
END_TEST

START_TEST(attack_no_bit_of_a_cookie_may_change)
{
	hosts_mesh(&h, 2);
	hosts_run(&h, 10 * CLOCK_S);
	/* b, with its clock set back, is sent a cookie. */
	host_stop(b);
	b->wall_offset_us = -(int64_t)(1000 * CLOCK_S);
	host_start(b);
	host_dial(b, a);
	stop_at = WIRE_COOKIE;
	h.judge = stop;
	ck_assert(hosts_until(&h, is_stopped, CLOCK_S));
	assert_not_one_bit();
	h.judge = NULL;
	hosts_release(&h, 0);
	ck_assert(hosts_until(&h, hosts_pair_up, 100 * CLOCK_MS));
}
END_TEST

START_TEST(datagrams_of_no_kind_are_told_apart)
{
	static const struct {
		uint8_t bytes[56];
		size_t len;
		enum drop_reason reason;
	} none[] = {
		{ { 0 }, 0, DROP_datagram_short },
		{ { 4 }, 3, DROP_datagram_short },
		{ { 4 }, 31, DROP_datagram_short },
		{ { 0 }, 40, DROP_datagram_type },
		{ { 6 }, 40, DROP_datagram_type },
		{ { 5 }, 7, DROP_datagram_short },
		{ { 5, [8] = 4 }, 40, DROP_relayed_bad }, /* no leg */
		{ { 5, [7] = 1 }, 40, DROP_relayed_bad }, /* no type */
		{ { 5, [7] = 1, 5, [15] = 1, 4 }, 56, DROP_relayed_bad },
		{ { 3, 0, 1 }, 56, DROP_datagram_type },
		{ { 4, 1 }, 40, DROP_datagram_lane },
		{ { 1 }, 40, DROP_datagram_length },
		{ { 4 }, 40, DROP_data_index },
	};

	host_start(a);
	for (size_t i = 0; i < COUNT(none); i++) {
		uint64_t before = host_drops(a, none[i].reason);

		host_receive(a, &stranger, none[i].bytes, none[i].len);
		ck_assert_uint_eq(host_drops(a, none[i].reason), before + 1);
	}
	ck_assert_uint_eq(h.log_count, 0);
}
END_TEST

/* ---- replays ---- */

/* Everything of a that a stranger could want to change. */
struct snapshot {
	size_t peers, endpoints;
	uint64_t timestamp_us, epoch;
	struct addr at;
	size_t events, written;
	bool has_current;
	struct node_debug_session current, sessions[NODE_DEBUG_SESSIONS];
};

static struct snapshot look_at_a(void)
{
	const struct node_debug_peer peer = host_peer(a, b);
	struct snapshot s;

	memset(&s, 0, sizeof(s));
	s.peers = host_debug(a).peers;
	s.endpoints = host_debug(a).endpoints;
	s.timestamp_us = peer.timestamp_us;
	s.epoch = peer.epoch;
	s.at = peer.endpoint;
	s.events = a->events_count;
	s.written = a->written_count;
	s.has_current = peer.has_current;
	memcpy(&s.current, &peer.current, sizeof(s.current));
	memcpy(s.sessions, peer.sessions, sizeof(s.sessions));
	return s;
}

START_TEST(attack_a_replayed_initiation_changes_nothing_from_anywhere)
{
	const struct flight *first;
	struct snapshot before, after;
	struct addr from[] = { b->addrs[0], a->addrs[0], stranger };

	hosts_mesh(&h, 2);
	hosts_run(&h, CLOCK_S);
	first = caught(WIRE_INITIATION, b, a, 0);
	before = look_at_a();
	for (size_t i = 0; i < COUNT(from); i++) {
		size_t since = h.log_count;

		host_receive(a, &from[i], first->bytes, first->len);
		/* A cookie at most: no state, no half-open session. */
		ck_assert_uint_eq(h.log_count - since, 1);
		ck_assert_uint_eq(h.log[since]->bytes[0], WIRE_COOKIE);
		ck_assert_uint_eq(host_drops(a, DROP_stale_timestamp), i + 1);
		ck_assert_uint_eq(host_debug(a).half_open, 0);
	}
	after = look_at_a();
	ck_assert_mem_eq(&before, &after, sizeof(before));
	arrive();
	ck_assert(host_talks(a, b));
}
END_TEST

START_TEST(attack_replays_to_who_knows_nobody_are_few_and_forgotten)
{
	const struct flight *first;
	struct node_status status;

	hosts_mesh(&h, 2);
	first = caught(WIRE_INITIATION, b, a, 0);
	host_stop(b);
	host_stop(a);
	host_start(a);
	for (uint32_t i = 0; i < 1000; i++) {
		struct addr from = addr_v4(0xc6330000 + i, 1000);

		host_receive(a, &from, first->bytes, first->len);
	}
	/* One place; and two answers, should its sender have been overtaken. */
	ck_assert_uint_eq(host_debug(a).half_open, 1);
	ck_assert_uint_eq(host_drops(a, DROP_handshake_again), 998);
	node_status(a->node, &status);
	ck_assert_uint_eq(status.peers_total, 0);
	ck_assert_uint_eq(host_debug(a).endpoints, 0);
	ck_assert_uint_eq(a->events_count, 1); /* of its first life */
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_uint_eq(host_debug(a).half_open, 0);
	ck_assert_uint_eq(host_debug(a).pending, 0);
	ck_assert_uint_eq(host_debug(a).indices, 0);
}
END_TEST

/* Whoever sees b's initiations is there first with a copy of each. */
static enum fate overtake(struct hosts *hosts, struct flight *p)
{
	if (p->bytes[0] == WIRE_INITIATION)
		host_receive(&hosts->host[0], &stranger, p->bytes, p->len);
	return PASS;
}

START_TEST(attack_copies_that_come_first_keep_nobody_out)
{
	host_start(a);
	host_start(b);
	h.judge = overtake;
	host_dial(b, a);
	ck_assert(hosts_until(&h, hosts_pair_up, 100 * CLOCK_MS));
	ck_assert(host_knows_at(a, &b->addrs[0]));
	ck_assert(!host_knows_at(a, &stranger));
	ck_assert(host_talks(a, b));
	ck_assert(host_talks(b, a));
}
END_TEST

/* … from as many addresses as are answered. */
static enum fate overtake_twice(struct hosts *hosts, struct flight *p)
{
	if (p->bytes[0] == WIRE_INITIATION) {
		host_receive(&hosts->host[0], &stranger, p->bytes, p->len);
		host_receive(&hosts->host[0], &elsewhere, p->bytes, p->len);
	}
	return PASS;
}

START_TEST(attack_copies_from_two_addresses_keep_nobody_out)
{
	host_start(a);
	host_start(b);
	h.judge = overtake_twice;
	host_dial(b, a);
	ck_assert(hosts_until(&h, hosts_pair_up, 200 * CLOCK_MS));
	ck_assert(host_knows_at(a, &b->addrs[0]));
	ck_assert(!host_knows_at(a, &stranger));
	ck_assert(!host_knows_at(a, &elsewhere));
	ck_assert(host_talks(a, b));
	ck_assert(host_talks(b, a));
}
END_TEST

/* A member that overhears one can make its own around the ephemeral key that it shows:
 * neither is a repetition of the other. */
START_TEST(attack_a_borrowed_ephemeral_key_takes_no_answer)
{
	uint8_t message[2][WIRE_INITIATION_LEN];
	struct outsider o;

	host_start(a);
	for (int i = 0; i < 2; i++) {
		outsider_init(&o, 1); /* its random numbers begin anew */
		outsider_initiate(&o, (uint64_t)i + 1, message[i]);
		host_receive(a, i ? &elsewhere : &stranger, message[i],
			     sizeof(message[i]));
		outsider_free(&o);
	}
	ck_assert_mem_eq(message[0] + 8, message[1] + 8, NOISE_KEY_LEN);
	ck_assert_uint_eq(host_debug(a).half_open, 2);
}
END_TEST

START_TEST(attack_a_replayed_response_or_cookie_is_to_nobody)
{
	const struct flight *response;

	hosts_mesh(&h, 2);
	response = caught(WIRE_RESPONSE, a, b, 0);
	host_receive(b, &a->addrs[0], response->bytes, response->len);
	ck_assert_uint_eq(host_drops(b, DROP_handshake_index), 1);
	ck_assert(host_talks(a, b));
}
END_TEST

START_TEST(attack_our_own_initiation_sent_back_to_us_stops_nothing)
{
	const struct flight *first;

	host_start(a);
	host_start(b);
	host_dial(a, b);
	hosts_run(&h, NODE_DEBUG_SPREAD_US / 2);
	first = caught(WIRE_INITIATION, a, b, 0);
	host_receive(a, &b->addrs[0], first->bytes, first->len);
	host_receive(a, &stranger, first->bytes, first->len);
	ck_assert(hosts_until(&h, hosts_pair_up, 4 * h.latency_us));
	ck_assert(host_talks(a, b));
	/* An old one is no sign of a clone, either. */
	host_receive(a, &b->addrs[0], first->bytes, first->len);
	hosts_run(&h, 10 * CLOCK_S);
	ck_assert_uint_eq(host_events(a, NODE_OWN_KEY), 0);
	ck_assert_uint_eq(host_events(a, NODE_SELF), 0);
	ck_assert(host_talks(a, b));
}
END_TEST

/* What a shows of the one endpoint that it wants. */
static const char *shown_why(void)
{
	static struct node_peer_info info;
	struct node_iter at = { 0 };

	ck_assert(node_next_peer(a->node, &at, &info));
	return info.reason;
}

START_TEST(attack_a_mirror_does_not_hide_a_host_that_is_down)
{
	size_t seen = 0;

	host_start(a);
	host_dial(a, b);
	for (int i = 0; i < 600; i++) {
		hosts_run(&h, 100 * CLOCK_MS);
		/* All that a sends there comes back. */
		for (; seen < h.log_count; seen++)
			host_receive(a, &b->addrs[0], h.log[seen]->bytes,
				     h.log[seen]->len);
	}
	ck_assert_uint_eq(host_events(a, NODE_SELF), 0);
	ck_assert_str_eq(shown_why(),
			 "our own handshakes come back from there: this host "
			 "itself, seen through a NAT, or a mirror");
	/* And it is dialled as before. */
	host_start(b);
	ck_assert(hosts_until(&h, hosts_pair_up, 6 * CLOCK_S));
	ck_assert_str_eq(shown_why(), "");
}
END_TEST

START_TEST(attack_one_datagram_does_not_say_what_keeps_a_host_away)
{
	const struct flight *first;
	uint8_t other[WIRE_INITIATION_LEN];

	host_start(a);
	host_dial(a, b);
	hosts_run(&h, 2 * CLOCK_S);
	first = caught(WIRE_INITIATION, a, b, 0);
	memcpy(other, first->bytes, sizeof(other));
	other[sizeof(other) - WIRE_MAC1_FROM_END] ^= 1;
	host_receive(a, &b->addrs[0], other, sizeof(other));
	ck_assert_str_eq(shown_why(), "no answer: is UDP 8273 open both ways?");
	/* A host with another secret goes on. */
	for (int i = 0; i < 3; i++)
		host_receive(a, &b->addrs[0], other, sizeof(other));
	ck_assert_str_eq(shown_why(),
			 "different secret? compare secret_file on both hosts");
	ck_assert_uint_eq(host_drops(a, DROP_mac1), 4);
}
END_TEST

/* ---- forged handshakes ---- */

START_TEST(attack_a_true_mac1_around_rubbish_is_dropped)
{
	uint8_t initiation[WIRE_INITIATION_LEN];
	struct outsider o;

	outsider_init(&o, 1);
	host_start(a);
	outsider_initiate(&o, HOSTS_WALL, initiation);
	for (size_t i = 8; i < 8 + WIRE_NOISE1_LEN; i += 13) {
		initiation[i] ^= 1;
		cookie_set_mac1(&o.secret, initiation, sizeof(initiation));
		host_receive(a, &o.at, initiation, sizeof(initiation));
		initiation[i] ^= 1;
	}
	ck_assert_uint_eq(host_drops(a, DROP_handshake_auth), 8);
	ck_assert_uint_eq(h.log_count, 0);
	outsider_free(&o);
}
END_TEST

START_TEST(attack_a_forged_response_does_not_end_the_handshake)
{
	uint8_t response[WIRE_RESPONSE_LEN], forged[WIRE_RESPONSE_LEN];
	const struct flight *p;
	struct outsider o;

	outsider_init(&o, 1);
	host_start(a);
	host_want(a, &o.at, 1);
	hosts_run(&h, NODE_DEBUG_SPREAD_US);
	p = hosts_sent(&h, WIRE_INITIATION, a, NULL, 0, 0);
	outsider_respond(&o, p->bytes, response, h.net.now_us);
	/* With the secret: its mac1 is true. */
	for (size_t i = 12; i < 12 + WIRE_NOISE2_LEN; i++) {
		memcpy(forged, response, sizeof(forged));
		forged[i] ^= 0x10;
		cookie_set_mac1(&o.secret, forged, sizeof(forged));
		host_receive(a, &stranger, forged, sizeof(forged));
	}
	ck_assert_uint_eq(host_drops(a, DROP_handshake_auth), WIRE_NOISE2_LEN);
	host_receive(a, &o.at, response, sizeof(response));
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_DATA, a, NULL, 0), 1);
	outsider_free(&o);
}
END_TEST

START_TEST(attack_points_of_low_order_make_no_session)
{
	static const uint8_t zero[KEY_LEN];
	uint8_t initiation[WIRE_INITIATION_LEN];
	struct outsider o;
	size_t since = 0;

	/* A static key of low order, well sealed: nobody owns it. */
	outsider_init(&o, 1);
	memcpy(o.key.bytes, zero, sizeof(zero));
	host_start(a);
	outsider_initiate(&o, HOSTS_WALL, initiation);
	host_receive(a, &o.at, initiation, sizeof(initiation));
	ck_assert_uint_eq(host_drops(a, DROP_handshake_auth), 1);
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_RESPONSE, a, NULL, since),
			  0);
	ck_assert_uint_eq(host_debug(a).half_open, 0);
	outsider_free(&o);
}
END_TEST

START_TEST(attack_a_response_from_elsewhere_does_not_take_us_there)
{
	host_start(a);
	host_start(b);
	host_dial(a, b);
	/* A racing stranger passes b's response on from its own address. */
	stop_at = WIRE_INITIATION;
	h.judge = stop;
	ck_assert(hosts_until(&h, is_stopped, CLOCK_S));
	h.judge = NULL;
	host_receive(b, &stranger, h.held[0]->bytes, h.held[0]->len);
	ck_assert_uint_eq(h.log[h.log_count - 1]->bytes[0], WIRE_RESPONSE);
	ck_assert(addr_equal(&h.log[h.log_count - 1]->to, &stranger));
	host_receive(a, &stranger, h.log[h.log_count - 1]->bytes,
		     WIRE_RESPONSE_LEN);
	hosts_run(&h, 100 * CLOCK_MS);
	ck_assert(hosts_pair_up(&h));
	ck_assert(host_sends_to(a, b, &b->addrs[0]));
	ck_assert(host_sends_to(b, a, &a->addrs[0]));
	ck_assert(host_talks(a, b));
	ck_assert(host_talks(b, a));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("not one bit", .setup = three_setup,
		  .teardown = three_teardown),
	UNIT_RANGE(attack_no_bit_of_a_handshake_may_change, WIRE_INITIATION,
		   WIRE_RESPONSE + 1),
	UNIT_TEST(attack_no_bit_of_a_cookie_may_change),
	UNIT_TEST(attack_no_bit_of_a_datagram_may_change),
	UNIT_TEST(datagrams_of_no_kind_are_told_apart),
	UNIT_CASE("replays and forgeries", .setup = three_setup,
		  .teardown = three_teardown),
	UNIT_TEST(attack_a_replayed_initiation_changes_nothing_from_anywhere),
	UNIT_TEST(attack_replays_to_who_knows_nobody_are_few_and_forgotten),
	UNIT_TEST(attack_copies_that_come_first_keep_nobody_out),
	UNIT_TEST(attack_copies_from_two_addresses_keep_nobody_out),
	UNIT_TEST(attack_a_borrowed_ephemeral_key_takes_no_answer),
	UNIT_TEST(attack_a_replayed_response_or_cookie_is_to_nobody),
	UNIT_TEST(attack_our_own_initiation_sent_back_to_us_stops_nothing),
	UNIT_TEST(attack_a_mirror_does_not_hide_a_host_that_is_down),
	UNIT_TEST(attack_one_datagram_does_not_say_what_keeps_a_host_away),
	UNIT_TEST(attack_a_true_mac1_around_rubbish_is_dropped),
	UNIT_TEST(attack_a_forged_response_does_not_end_the_handshake),
	UNIT_TEST(attack_points_of_low_order_make_no_session),
	UNIT_TEST(attack_a_response_from_elsewhere_does_not_take_us_there),
};

UNIT_MAIN("node forgery", tests)
