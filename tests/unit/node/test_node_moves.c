/* lib/node: where a peer is. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/main.h"
#include "support/outsider.h"
#include "support/three.h"

static bool a_has_b_at(const struct addr *addr)
{
	return host_sends_to(a, b, addr);
}

/* ---- moves ---- */

static void move_b(void)
{
	b->addrs[0] = addr_v4(0x0a090063, 5555);
}

START_TEST(a_peer_that_moved_is_followed_after_one_echo)
{
	const struct host_event *e;

	hosts_mesh(&h, 2);
	hosts_run(&h, 100 * CLOCK_MS);
	move_b();
	host_say(b, 1);
	hosts_run(&h, h.latency_us + 1);
	ck_assert(host_heard(a, b, 1));
	/* A frame is no proof that b receives there. */
	ck_assert(!a_has_b_at(&b->addrs[0]));
	arrive();
	ck_assert(a_has_b_at(&b->addrs[0]));
	ck_assert_uint_eq(host_events(a, NODE_PEER_MOVED), 1);
	e = host_event(a, NODE_PEER_MOVED);
	ck_assert_str_eq(e->peer, "b");
	ck_assert(addr_equal(&e->at, &b->addrs[0]));
	ck_assert(host_talks(a, b));
	ck_assert(host_talks(b, a));
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
	/* The old place is forgotten: nobody wants it. */
	hosts_run(&h, 60 * CLOCK_S);
	ck_assert_uint_eq(host_debug(a).endpoints, 1);
}
END_TEST

static bool a_has_c(const struct hosts *hosts)
{
	(void)hosts;
	return host_up(a, c);
}

/* Of the two only a lists anybody: b, which was renumbered, and c has its address. */
START_TEST(who_has_a_listed_address_now_is_met)
{
	const struct addr listed = b->addrs[0];

	host_start(a);
	host_start(b);
	host_dial(a, b);
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
	hosts_run(&h, CLOCK_S);
	move_b();
	host_say(b, 1);
	hosts_run(&h, CLOCK_S);
	ck_assert(a_has_b_at(&b->addrs[0]));
	c->addrs[0] = listed;
	host_start(c);
	ck_assert(hosts_until(&h, a_has_c, 150 * CLOCK_S));
	ck_assert(host_up(a, b));
	ck_assert(host_talks(a, b) && host_talks(a, c));
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
}
END_TEST

/* Where it echoes as well it is not dialled. */
START_TEST(a_second_address_of_a_peer_is_not_dialled)
{
	size_t since;

	b->addrs[1] = addr_v4(0x0a090102, WIRE_PORT);
	b->addrs_count = 2;
	host_start(a);
	host_start(b);
	host_want(a, b->addrs, 2);
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
	hosts_run(&h, 10 * CLOCK_S);
	since = h.log_count;
	hosts_run(&h, 115 * CLOCK_S);
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_INITIATION, a, NULL, since),
			  0);
}
END_TEST

START_TEST(a_move_over_a_long_path_under_traffic_is_followed)
{
	uint8_t *frame = hosts_frame(0xff, 2, 200, 1);

	hosts_set_latency(&h, 180 * CLOCK_MS);
	hosts_mesh(&h, 2);
	hosts_run(&h, CLOCK_S);
	move_b();
	for (int i = 0; i < 200 && !a_has_b_at(&b->addrs[0]); i++) {
		host_tap(b, frame, 200);
		hosts_run(&h, 10 * CLOCK_MS);
	}
	ck_assert(a_has_b_at(&b->addrs[0]));
	ck_assert_uint_eq(host_events(a, NODE_PEER_MOVED), 1);
	free(frame);
}
END_TEST

/* What b sends to a is caught, and sent on from elsewhere. */
static enum fate relay_b(struct hosts *hosts, struct flight *p)
{
	if (addr_equal(&p->from, &hosts->host[1].addrs[0]) &&
	    p->bytes[0] == WIRE_DATA)
		p->from = elsewhere;
	return PASS;
}

START_TEST(attack_datagrams_sent_on_from_elsewhere_do_not_move_a_peer)
{
	hosts_mesh(&h, 2);
	h.judge = relay_b;
	for (int i = 0; i < 100; i++) {
		ck_assert(host_talks(b, a));
		hosts_run(&h, 20 * CLOCK_MS);
	}
	ck_assert_uint_eq(host_events(a, NODE_PEER_MOVED), 0);
	ck_assert(a_has_b_at(&b->addrs[0]));
	ck_assert(host_talks(a, b));
	/* Few questions are asked there. */
	ck_assert_uint_le(h.log_count, 1000);
}
END_TEST

/* The attacker also passes on the probes it gets, but echoes go their own way. */
static enum fate relay_b_and_probes(struct hosts *hosts, struct flight *p)
{
	if (addr_equal(&p->to, &elsewhere)) {
		hosts_inject(hosts, &elsewhere, &hosts->host[1].addrs[0],
			     p->bytes, p->len);
		return LOSE;
	}
	if (addr_equal(&p->from, &hosts->host[1].addrs[0]) &&
	    p->bytes[0] == WIRE_DATA && hosts->sent % 3 == 0)
		p->from = elsewhere;
	return PASS;
}

START_TEST(attack_a_probe_passed_on_is_no_proof_if_the_echo_comes_from_home)
{
	hosts_mesh(&h, 2);
	h.judge = relay_b_and_probes;
	for (int i = 0; i < 20; i++) {
		hosts_run(&h, 333 * CLOCK_MS);
		host_say(b, (uint64_t)i);
	}
	ck_assert(host_sends_to(b, a, &a->addrs[0]));
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
}
END_TEST

START_TEST(attack_a_replay_from_elsewhere_is_not_even_answered)
{
	const struct flight *p;
	size_t since;

	hosts_mesh(&h, 2);
	host_say(b, 1);
	hosts_run(&h, CLOCK_S);
	since = h.log_count;
	for (size_t i = 0; i < since; i++) {
		p = h.log[i];
		if (addr_equal(&p->to, &a->addrs[0]) &&
		    p->bytes[0] == WIRE_DATA)
			hosts_inject(&h, &elsewhere, &p->to, p->bytes, p->len);
	}
	arrive();
	for (size_t i = since; i < h.log_count; i++)
		ck_assert(!addr_equal(&h.log[i]->to, &elsewhere));
	ck_assert(a_has_b_at(&b->addrs[0]));
	ck_assert_uint_gt(host_drops(a, DROP_replay), 0);
}
END_TEST

static enum fate hold_one(struct hosts *hosts, struct flight *p)
{
	return !hosts->held_count && p->bytes[0] == WIRE_DATA &&
			       addr_equal(&p->from, &b->addrs[0])
		       ? HOLD
		       : PASS;
}

START_TEST(attack_an_older_datagram_from_elsewhere_is_not_answered)
{
	uint8_t *frame = hosts_frame(0xff, 2, 200, 1);
	size_t since;

	hosts_mesh(&h, 2);
	h.judge = hold_one;
	host_tap(b, frame, 200);
	h.judge = NULL;
	ck_assert(host_talks(b, a));
	since = h.log_count;
	hosts_inject(&h, &elsewhere, &a->addrs[0], h.held[0]->bytes,
		     h.held[0]->len);
	hosts_run(&h, 4 * h.latency_us);
	for (size_t i = since; i < h.log_count; i++)
		ck_assert(!addr_equal(&h.log[i]->to, &elsewhere));
	/* But it is not lost: it only came late. */
	ck_assert_uint_eq(a->written_count, 2);
	free(frame);
}
END_TEST

START_TEST(attack_a_small_datagram_from_elsewhere_gets_no_larger_answer)
{
	size_t since;

	hosts_mesh(&h, 2);
	h.judge = relay_b;
	since = h.log_count;
	host_say(b, 1); /* 80 bytes of frame: larger than a probe */
	arrive();
	for (size_t i = since; i < h.log_count; i++)
		if (addr_equal(&h.log[i]->to, &elsewhere))
			ck_assert_uint_le(h.log[i]->len, h.log[since]->len);
}
END_TEST

/* Who sends nothing but bare acknowledgements is found by its next probe. */
START_TEST(a_peer_that_moved_and_sends_little_is_followed_within_two_seconds)
{
	uint8_t *frame;

	hosts_mesh(&h, 2);
	move_b();
	for (uint64_t t = 0; t < 2 * CLOCK_S && !a_has_b_at(&b->addrs[0]);
	     t += 20 * CLOCK_MS) {
		frame = hosts_frame(0xff, 2, 60, t);
		host_tap(b, frame, 60);
		free(frame);
		hosts_run(&h, 20 * CLOCK_MS);
	}
	ck_assert(a_has_b_at(&b->addrs[0]));
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
}
END_TEST

static size_t sent_to(const struct addr *addr)
{
	size_t n = 0;

	for (size_t i = 0; i < h.log_count; i++)
		n += addr_equal(&h.log[i]->to, addr);
	return n;
}

START_TEST(attack_an_echo_made_up_sends_a_peers_traffic_nowhere)
{
	struct wire_probe probe = { .sent = 1 };
	uint8_t record[WIRE_PROBE_LEN];
	struct outsider o;

	outsider_init(&o, 1);
	host_start(a);
	outsider_join(&o, a);
	hosts_run(&h, CLOCK_S);
	o.at = elsewhere; /* a victim's: the peer does not receive there */
	wire_pack_probe(&probe, record);
	outsider_send(&o, a, record, sizeof(record));
	ck_assert_uint_eq(sent_to(&elsewhere), 1);
	/* Our clock is known from the probes that it got at home. */
	probe.echo = true;
	for (uint64_t t = 0; t < 2 * CLOCK_MS; t++) {
		probe.time_us = h.net.now_us - CLOCK_MS + t;
		wire_pack_probe(&probe, record);
		outsider_send(&o, a, record, sizeof(record));
	}
	ck_assert_uint_eq(host_events(a, NODE_PEER_MOVED), 0);
	outsider_free(&o);
}
END_TEST

START_TEST(attack_a_hello_under_anothers_address_sends_a_peers_traffic_nowhere)
{
	struct wire_probe probe = { .sent = 1 };
	uint8_t record[WIRE_PROBE_LEN];
	struct outsider o;
	struct addr home;
	size_t since;

	/* A member shakes hands at home, then speaks as from a victim's address:
	 * it needs no answer to go on. */
	outsider_init(&o, 1);
	host_start(a);
	ck_assert(outsider_shake_hands(&o, a));
	home = o.at;
	o.at = elsewhere;
	outsider_hello(&o, a, false, true);
	outsider_hello(&o, a, true, false);
	wire_pack_probe(&probe, record);
	outsider_send(&o, a, record, sizeof(record));
	ck_assert_uint_eq(host_events(a, NODE_PEER_UP), 1);
	since = h.log_count;
	host_say(a, 1);
	ck_assert_uint_eq(h.log_count, since + 1);
	ck_assert(addr_equal(&h.log[since]->to, &home));
	ck_assert(!host_knows_at(a, &elsewhere));
	/* Each question was answered with no more than it was. */
	ck_assert_uint_le(sent_to(&elsewhere), 3);
	outsider_free(&o);
}
END_TEST

/* Shows its message 1 under a victim's address, too, before or after: the answer comes
 * twice, and it reads the one at home. */
static void shake_hands_twice(struct outsider *o, const struct addr *victim,
			      bool there_first)
{
	const struct addr *at[2] = { &o->at, &o->at };
	uint8_t initiation[WIRE_INITIATION_LEN];
	size_t since = h.log_count;

	at[!there_first] = victim;
	outsider_initiate(o, hosts_clock(a).wall_us, initiation);
	for (size_t i = 0; i < 2; i++) {
		host_receive(a, at[i], initiation, sizeof(initiation));
		ck_assert_uint_eq(h.log_count, since + i + 1);
		ck_assert(addr_equal(&h.log[since + i]->to, at[i]));
	}
	ck_assert(outsider_complete(o, h.log[since + there_first]->bytes,
				    h.net.now_us));
}

START_TEST(attack_an_answer_read_at_home_makes_no_session_elsewhere)
{
	struct outsider o;
	struct addr home;
	size_t since;

	outsider_init(&o, 1);
	host_start(a);
	shake_hands_twice(&o, &elsewhere, _i);
	home = o.at;
	o.at = elsewhere;
	outsider_hello(&o, a, true, true);
	outsider_hello(&o, a, true, false);
	ck_assert_uint_eq(host_events(a, NODE_PEER_UP), 1);
	since = h.log_count;
	host_say(a, 1);
	ck_assert(addr_equal(&h.log[since]->to, &home));
	ck_assert(!host_knows_at(a, &elsewhere));
	/* Message 2, and an answer to each hello at most. */
	ck_assert_uint_le(sent_to(&elsewhere), 3);
	outsider_free(&o);
	hosts_run(&h, 300 * CLOCK_S);
	ck_assert_uint_eq(host_debug(a).stray_sessions, 0);
	ck_assert_uint_eq(host_debug(a).stray_indices, 0);
	ck_assert_uint_eq(host_debug(a).pending, 0);
}
END_TEST

START_TEST(attack_an_answer_read_at_home_takes_nobodys_place)
{
	struct outsider o;

	/* With the very key of the one whose address it bears. */
	hosts_mesh(&h, 2);
	outsider_init(&o, 1);
	memcpy(o.private_key, b->config.private_key, KEY_LEN);
	o.key = b->key;
	hosts_run(&h, CLOCK_S);
	shake_hands_twice(&o, &b->addrs[0], _i);
	o.at = b->addrs[0];
	outsider_hello(&o, a, true, true);
	ck_assert_uint_eq(host_events(a, NODE_PEER_RESTARTED), 0);
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert(host_found_at(a, &b->addrs[0], b));
	ck_assert_uint_eq(host_events(a, NODE_PEER_RESTARTED), 0);
	outsider_free(&o);
}
END_TEST

START_TEST(attack_a_member_does_not_take_anothers_place_by_its_address)
{
	struct outsider o;

	hosts_mesh(&h, 2);
	outsider_init(&o, 1);
	ck_assert(outsider_shake_hands(&o, a));
	o.at = b->addrs[0];
	outsider_hello(&o, a, false, true);
	outsider_hello(&o, a, true, false);
	ck_assert(host_found_at(a, &b->addrs[0], b));
	outsider_free(&o);
}
END_TEST

/* ---- two addresses ---- */

static void give_two_addresses(struct host *host, uint8_t n)
{
	host->addrs[1] = v6_of(n);
	host->addrs_count = 2;
}

START_TEST(two_addresses_of_one_peer_are_one_peer_and_do_not_flap)
{
	struct node_status status;

	give_two_addresses(a, 1);
	give_two_addresses(b, 2);
	host_start(a);
	host_start(b);
	host_want(a, b->addrs, 2);
	host_want(b, a->addrs, 2);
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
	hosts_run(&h, CLOCK_S);
	host_forget_events(a);
	for (int i = 0; i < 600; i++) {
		ck_assert(host_talks(a, b));
		ck_assert(host_talks(b, a));
		hosts_run(&h, 500 * CLOCK_MS);
	}
	node_status(a->node, &status);
	ck_assert_uint_eq(status.peers_total, 1);
	ck_assert_uint_eq(status.peers_up, 1);
	ck_assert_uint_eq(a->events_count, 0);
	ck_assert_uint_eq(host_drops(a, DROP_duplicate_key), 0);
}
END_TEST

static enum fate cut_v6(struct hosts *hosts, struct flight *p)
{
	(void)hosts;
	return addr_is_v4(&p->to) ? PASS : LOSE;
}

static enum fate lose_first_v4_dial_of_b(struct hosts *hosts, struct flight *p)
{
	static bool lost;

	if (lost || p->bytes[0] != WIRE_INITIATION || !addr_is_v4(&p->to) ||
	    !addr_equal(&p->from, &hosts->host[1].addrs[0]))
		return PASS;
	lost = true;
	return LOSE;
}

START_TEST(a_restart_heard_at_the_other_address_first_is_no_second_host)
{
	uint64_t epoch;

	give_two_addresses(a, 1);
	give_two_addresses(b, 2);
	host_start(a);
	host_start(b);
	host_want(b, a->addrs, 2);
	h.judge = cut_v6;
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
	ck_assert(a_has_b_at(&b->addrs[0]));
	hosts_run(&h, CLOCK_S);
	epoch = host_peer(a, b).epoch;
	b->rng.state += (uint64_t)_i;
	host_stop(b);
	host_start(b);
	host_want(b, a->addrs, 2);
	h.judge = lose_first_v4_dial_of_b;
	hosts_run(&h, 3 * CLOCK_S);
	ck_assert(hosts_pair_up(&h));
	ck_assert_uint_ne(host_peer(a, b).epoch, epoch);
	ck_assert_uint_eq(host_events(a, NODE_PEER_RESTARTED), 1);
	ck_assert_uint_eq(host_events(a, NODE_DUPLICATE_KEY), 0);
	ck_assert_uint_eq(host_drops(a, DROP_duplicate_key), 0);
	ck_assert(host_talks(a, b));
	ck_assert(host_talks(b, a));
}
END_TEST

static enum fate cut_v4(struct hosts *hosts, struct flight *p)
{
	(void)hosts;
	return addr_is_v4(&p->to) ? LOSE : PASS;
}

START_TEST(the_other_address_serves_when_one_is_cut)
{
	give_two_addresses(a, 1);
	give_two_addresses(b, 2);
	host_start(a);
	host_start(b);
	host_want(a, b->addrs, 2);
	host_want(b, a->addrs, 2);
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
	hosts_run(&h, CLOCK_S);
	for (int i = 0; i < 4; i++) {
		h.judge = i % 2 ? cut_v4 : cut_v6;
		hosts_run(&h, 6 * CLOCK_S);
		ck_assert(hosts_pair_up(&h));
		ck_assert(host_talks(a, b));
		ck_assert(host_talks(b, a));
	}
}
END_TEST

/* Each dials each address of the other, so six sessions begin at once: both ends
 * have to keep those that either of them may send on. */
START_TEST(hosts_of_three_addresses_each_lose_no_frame_as_they_meet)
{
	struct rng seeds = rng_init((uint64_t)_i);

	for (uint32_t i = 1; i < 3; i++) {
		a->addrs[i] = addr_v4(0x0a090001 + (i << 8), WIRE_PORT);
		b->addrs[i] = addr_v4(0x0a090002 + (i << 8), WIRE_PORT);
	}
	a->addrs_count = b->addrs_count = 3;
	a->rng = rng_init(rng_u64(&seeds));
	b->rng = rng_init(rng_u64(&seeds));
	host_start(a);
	host_start(b);
	host_want(a, b->addrs, 3);
	host_want(b, a->addrs, 3);
	ck_assert(hosts_until(&h, hosts_all_up, 2 * CLOCK_S));
	for (uint64_t i = 0; i < 100; i++) {
		host_say(a, i);
		host_say(b, i);
		hosts_run(&h, 10 * CLOCK_MS);
	}
	ck_assert_uint_eq(a->written_count, 100);
	ck_assert_uint_eq(b->written_count, 100);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("moves", .setup = three_setup, .teardown = three_teardown),
	UNIT_TEST(a_peer_that_moved_is_followed_after_one_echo),
	UNIT_TEST(who_has_a_listed_address_now_is_met),
	UNIT_TEST(a_second_address_of_a_peer_is_not_dialled),
	UNIT_TEST(a_move_over_a_long_path_under_traffic_is_followed),
	UNIT_TEST(attack_datagrams_sent_on_from_elsewhere_do_not_move_a_peer),
	UNIT_TEST(
		attack_a_probe_passed_on_is_no_proof_if_the_echo_comes_from_home),
	UNIT_TEST(attack_a_replay_from_elsewhere_is_not_even_answered),
	UNIT_TEST(attack_an_older_datagram_from_elsewhere_is_not_answered),
	UNIT_TEST(attack_a_small_datagram_from_elsewhere_gets_no_larger_answer),
	UNIT_TEST(
		a_peer_that_moved_and_sends_little_is_followed_within_two_seconds),
	UNIT_TEST(attack_an_echo_made_up_sends_a_peers_traffic_nowhere),
	UNIT_TEST(
		attack_a_hello_under_anothers_address_sends_a_peers_traffic_nowhere),
	UNIT_LOOP(attack_an_answer_read_at_home_makes_no_session_elsewhere, 2),
	UNIT_LOOP(attack_an_answer_read_at_home_takes_nobodys_place, 2),
	UNIT_TEST(attack_a_member_does_not_take_anothers_place_by_its_address),
	UNIT_TEST(two_addresses_of_one_peer_are_one_peer_and_do_not_flap),
	UNIT_LOOP(a_restart_heard_at_the_other_address_first_is_no_second_host,
		  20),
	UNIT_TEST(the_other_address_serves_when_one_is_cut),
	UNIT_LOOP(hosts_of_three_addresses_each_lose_no_frame_as_they_meet, 40),
};

UNIT_MAIN("node moves", tests)
