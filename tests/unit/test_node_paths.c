/* lib/node: where a peer is, and whether it is there at all. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "hosts.h"
#include "outsider.h"

static struct hosts h;
static struct host *a, *b, *c;

/* An address of the attacker's. */
static struct addr elsewhere;

static void setup(void)
{
	hosts_init(&h, 3);
	a = &h.host[0];
	b = &h.host[1];
	c = &h.host[2];
	elsewhere = addr_v4(0x0a090063, 4444);
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
	uint64_t seed = h.now_us;

	host_say(from, seed);
	hosts_run(&h, 2 * h.latency_us);
	return host_heard(to, from, seed);
}

static bool a_has_b_at(const struct addr *addr)
{
	return addr_equal(&host_peer(a, b)->endpoint->addr, addr);
}

/* ---- moves ---- */

static void move_b(void)
{
	b->addrs[0] = addr_v4(0x0a090063, 5555);
}

START_TEST(a_peer_that_moved_is_followed_after_one_echo)
{
	const struct event *e;

	hosts_mesh(&h, 2);
	hosts_run(&h, 100 * CLOCK_MS);
	move_b();
	host_say(b, 1);
	hosts_run(&h, h.latency_us + 1);
	ck_assert(host_heard(a, b, 1));
	/* A frame is no proof that b receives there. */
	ck_assert(!a_has_b_at(&b->addrs[0]));
	hosts_run(&h, 2 * h.latency_us);
	ck_assert(a_has_b_at(&b->addrs[0]));
	ck_assert_uint_eq(host_events(a, NODE_PEER_MOVED), 1);
	e = host_event(a, NODE_PEER_MOVED);
	ck_assert_str_eq(e->peer, "b");
	ck_assert(addr_equal(&e->at, &b->addrs[0]));
	ck_assert(talk(a, b));
	ck_assert(talk(b, a));
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
	/* The old place is forgotten: nobody wants it. */
	hosts_run(&h, 60 * CLOCK_S);
	ck_assert_uint_eq(table_count(a->node->peers.by_addr), 1);
}
END_TEST

START_TEST(a_move_over_a_long_path_under_traffic_is_followed)
{
	uint8_t *frame = hosts_frame(0xff, 2, 200, 1);

	h.latency_us = 180 * CLOCK_MS;
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
static enum fate relay_b(struct hosts *hosts, struct packet *p)
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
		ck_assert(talk(b, a));
		hosts_run(&h, 20 * CLOCK_MS);
	}
	ck_assert_uint_eq(host_events(a, NODE_PEER_MOVED), 0);
	ck_assert(a_has_b_at(&b->addrs[0]));
	ck_assert(talk(a, b));
	/* Few questions are asked there. */
	ck_assert_uint_le(h.log_count, 1000);
}
END_TEST

/* The attacker also passes on the probes it gets, but echoes go their own way. */
static enum fate relay_b_and_probes(struct hosts *hosts, struct packet *p)
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
	ck_assert(addr_equal(&host_peer(b, a)->endpoint->addr, &a->addrs[0]));
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
}
END_TEST

START_TEST(attack_a_replay_from_elsewhere_is_not_even_answered)
{
	const struct packet *p;
	size_t since;

	hosts_mesh(&h, 2);
	host_say(b, 1);
	hosts_run(&h, CLOCK_S);
	since = h.log_count;
	for (size_t i = 0; i < since; i++) {
		p = &h.log[i];
		if (addr_equal(&p->to, &a->addrs[0]) &&
		    p->bytes[0] == WIRE_DATA)
			hosts_inject(&h, &elsewhere, &p->to, p->bytes, p->len);
	}
	hosts_run(&h, 2 * h.latency_us);
	for (size_t i = since; i < h.log_count; i++)
		ck_assert(!addr_equal(&h.log[i].to, &elsewhere));
	ck_assert(a_has_b_at(&b->addrs[0]));
	ck_assert_uint_gt(host_drops(a, DROP_replay), 0);
}
END_TEST

static struct packet held;

static enum fate hold_one(struct hosts *hosts, struct packet *p)
{
	if (held.bytes || p->bytes[0] != WIRE_DATA ||
	    !addr_equal(&p->from, &hosts->host[1].addrs[0]))
		return PASS;
	held = *p;
	held.bytes = malloc(p->len);
	ck_assert_ptr_nonnull(held.bytes);
	memcpy(held.bytes, p->bytes, p->len);
	return LOSE;
}

START_TEST(attack_an_older_datagram_from_elsewhere_is_not_answered)
{
	uint8_t *frame = hosts_frame(0xff, 2, 200, 1);
	size_t since;

	hosts_mesh(&h, 2);
	h.judge = hold_one;
	host_tap(b, frame, 200);
	h.judge = NULL;
	ck_assert(talk(b, a));
	since = h.log_count;
	hosts_inject(&h, &elsewhere, &a->addrs[0], held.bytes, held.len);
	hosts_run(&h, 4 * h.latency_us);
	for (size_t i = since; i < h.log_count; i++)
		ck_assert(!addr_equal(&h.log[i].to, &elsewhere));
	/* But it is not lost: it only came late. */
	ck_assert_uint_eq(a->written_count, 2);
	free(frame);
	free(held.bytes);
}
END_TEST

START_TEST(attack_a_small_datagram_from_elsewhere_gets_no_larger_answer)
{
	size_t since;

	hosts_mesh(&h, 2);
	h.judge = relay_b;
	since = h.log_count;
	host_say(b, 1); /* 60 bytes of frame: larger than a probe */
	hosts_run(&h, 2 * h.latency_us);
	for (size_t i = since; i < h.log_count; i++)
		if (addr_equal(&h.log[i].to, &elsewhere))
			ck_assert_uint_le(h.log[i].len, h.log[since].len);
}
END_TEST

static size_t sent_to(const struct addr *addr)
{
	size_t n = 0;

	for (size_t i = 0; i < h.log_count; i++)
		n += addr_equal(&h.log[i].to, addr);
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
		probe.time_us = h.now_us - CLOCK_MS + t;
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
	ck_assert(addr_equal(&h.log[since].to, &home));
	ck_assert_ptr_null(endpoints_find(&a->node->peers, &elsewhere));
	/* Each question was answered with no more than it was. */
	ck_assert_uint_le(sent_to(&elsewhere), 3);
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
	ck_assert_ptr_eq(endpoints_find(&a->node->peers, &b->addrs[0])->peer,
			 host_peer(a, b));
	outsider_free(&o);
}
END_TEST

/* ---- two addresses ---- */

static struct addr v6_of(uint8_t n)
{
	struct addr addr;

	ck_assert(addr_parse(&addr, "[fd00::1]:8273", 0));
	addr.ip[15] = n;
	return addr;
}

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
	ck_assert(hosts_until(&h, pair_up, CLOCK_S));
	hosts_run(&h, CLOCK_S);
	host_forget_events(a);
	for (int i = 0; i < 600; i++) {
		ck_assert(talk(a, b));
		ck_assert(talk(b, a));
		hosts_run(&h, 500 * CLOCK_MS);
	}
	node_status(a->node, &status);
	ck_assert_uint_eq(status.peers_total, 1);
	ck_assert_uint_eq(status.peers_up, 1);
	ck_assert_uint_eq(a->events_count, 0);
	ck_assert_uint_eq(host_drops(a, DROP_duplicate_key), 0);
}
END_TEST

static enum fate cut_v6(struct hosts *hosts, struct packet *p)
{
	(void)hosts;
	return addr_is_v4(&p->to) ? PASS : LOSE;
}

static enum fate lose_first_v4_dial_of_b(struct hosts *hosts, struct packet *p)
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
	ck_assert(hosts_until(&h, pair_up, CLOCK_S));
	ck_assert(a_has_b_at(&b->addrs[0]));
	hosts_run(&h, CLOCK_S);
	epoch = host_peer(a, b)->epoch;
	b->rng.state += (uint64_t)_i;
	host_stop(b);
	host_start(b);
	host_want(b, a->addrs, 2);
	h.judge = lose_first_v4_dial_of_b;
	hosts_run(&h, 3 * CLOCK_S);
	ck_assert(pair_up(&h));
	ck_assert_uint_ne(host_peer(a, b)->epoch, epoch);
	ck_assert_uint_eq(host_events(a, NODE_PEER_RESTARTED), 1);
	ck_assert_uint_eq(host_events(a, NODE_DUPLICATE_KEY), 0);
	ck_assert_uint_eq(host_drops(a, DROP_duplicate_key), 0);
	ck_assert(talk(a, b));
	ck_assert(talk(b, a));
}
END_TEST

static enum fate cut_v4(struct hosts *hosts, struct packet *p)
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
	ck_assert(hosts_until(&h, pair_up, CLOCK_S));
	hosts_run(&h, CLOCK_S);
	for (int i = 0; i < 4; i++) {
		h.judge = i % 2 ? cut_v4 : cut_v6;
		hosts_run(&h, 6 * CLOCK_S);
		ck_assert(pair_up(&h));
		ck_assert(talk(a, b));
		ck_assert(talk(b, a));
	}
}
END_TEST

/* ---- there or not ---- */

static bool b_down_at_a(const struct hosts *hosts)
{
	const struct peer *p = host_peer(&hosts->host[0], &hosts->host[1]);

	return p && p->state == PEER_DOWN;
}

START_TEST(a_peer_that_vanished_is_down_in_three_intervals)
{
	uint8_t *frame = hosts_frame(1, 2, 60, 1);
	struct node_peer_info info;
	uint64_t began;

	hosts_mesh(&h, 2);
	host_tap(b, frame, 60); /* a learns b's MAC */
	hosts_run(&h, CLOCK_S);
	ck_assert_uint_eq(fdb_count(a->node->fdb), 1);
	host_stop(b);
	began = h.now_us;
	ck_assert(hosts_until(&h, b_down_at_a, 4 * CLOCK_S));
	ck_assert_uint_ge(h.now_us - began, 1500 * CLOCK_MS);
	ck_assert_uint_eq(fdb_count(a->node->fdb), 0);
	ck_assert_str_eq(host_event(a, NODE_PEER_DOWN)->text,
			 "no answer: is UDP 8273 open both ways?");
	info = host_shows(a, &b->addrs[0]);
	ck_assert_int_eq(info.state, NODE_PEER_STATE_DOWN);
	ck_assert_str_eq(info.why, "no answer: is UDP 8273 open both ways?");
	ck_assert_uint_eq(info.up_since_us, 0);
	free(frame);
}
END_TEST

static enum fate cut(struct hosts *hosts, struct packet *p)
{
	(void)hosts;
	(void)p;
	return LOSE;
}

START_TEST(a_path_that_was_cut_is_back_soon_after_it_heals)
{
	hosts_mesh(&h, 2);
	for (uint64_t cut_s = 2; cut_s < 70; cut_s += 13) {
		h.judge = cut;
		hosts_run(&h, cut_s * CLOCK_S);
		h.judge = NULL;
		ck_assert(hosts_until(&h, pair_up, 5100 * CLOCK_MS));
		hosts_run(&h, 2 * h.latency_us);
		ck_assert(talk(a, b));
		ck_assert(talk(b, a));
	}
}
END_TEST

START_TEST(a_short_cut_takes_nobody_down)
{
	hosts_mesh(&h, 2);
	for (int i = 0; i < 20; i++) {
		h.judge = cut;
		hosts_run(&h, 1300 * CLOCK_MS);
		h.judge = NULL;
		hosts_run(&h, 3 * CLOCK_S);
	}
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
	ck_assert_uint_eq(host_events(b, NODE_PEER_DOWN), 0);
}
END_TEST

static enum fate cut_from_a(struct hosts *hosts, struct packet *p)
{
	return addr_equal(&p->from, &hosts->host[0].addrs[0]) ? LOSE : PASS;
}

START_TEST(a_path_cut_one_way_is_down_at_both_ends)
{
	hosts_mesh(&h, 2);
	hosts_run(&h, CLOCK_S);
	h.judge = cut_from_a;
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert(b_down_at_a(&h));
	ck_assert_str_eq(host_event(a, NODE_PEER_DOWN)->text,
			 "it does not hear us: is UDP 8273 open both ways?");
	ck_assert_int_eq(host_peer(b, a)->state, PEER_DOWN);
	h.judge = NULL;
	ck_assert(hosts_until(&h, pair_up, 6 * CLOCK_S));
}
END_TEST

START_TEST(an_idle_pair_wakes_seldom_and_says_little)
{
	size_t since;
	uint64_t wakes = 0, end;

	hosts_mesh(&h, 2);
	hosts_run(&h, 10 * CLOCK_S);
	since = h.log_count;
	end = h.now_us + 60 * CLOCK_S;
	while (h.now_us < end) {
		uint64_t next = node_deadline(a->node);

		ck_assert_uint_gt(next, h.now_us);
		wakes++;
		hosts_run(&h, next - h.now_us);
	}
	ck_assert_uint_le(wakes, 60 * 8);
	ck_assert_uint_le(h.log_count - since, 60 * 4);
}
END_TEST

START_TEST(goodbye_is_down_at_once_and_ends_the_flooding)
{
	static const struct session zero;
	size_t since;

	hosts_mesh(&h, 2);
	node_bye(b->node, hosts_clock(b));
	host_stop(b);
	hosts_run(&h, 2 * h.latency_us);
	ck_assert(b_down_at_a(&h));
	ck_assert_str_eq(host_event(a, NODE_PEER_DOWN)->text,
			 "stopped: it said goodbye");
	for (size_t i = 0; i < PEERS_SESSIONS; i++)
		ck_assert_mem_eq(&host_peer(a, b)->sessions[i], &zero,
				 sizeof(zero));
	since = h.log_count;
	host_say(a, 1);
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_DATA, a, b, since), 0);
	ck_assert_uint_eq(host_drops(a, DROP_no_peer), 1);
	host_start(b);
	host_dial(b, a);
	ck_assert(hosts_until(&h, pair_up, CLOCK_S));
}
END_TEST

START_TEST(flooding_to_a_silent_peer_goes_on_while_its_keys_live)
{
	size_t since;

	hosts_mesh(&h, 2);
	host_stop(b);
	hosts_run(&h, 10 * CLOCK_S);
	since = h.log_count;
	host_say(a, 1);
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_DATA, a, b, since), 1);
	ck_assert_uint_eq(host_drops(a, DROP_no_peer), 0);
	hosts_run(&h, 180 * CLOCK_S);
	host_say(a, 2);
	ck_assert_uint_eq(host_drops(a, DROP_no_peer), 1);
}
END_TEST

START_TEST(a_peer_nobody_wants_is_forgotten_after_it_expired)
{
	struct outsider o;

	outsider_init(&o, 1);
	a->config.expire_us = 20 * CLOCK_S;
	hosts_mesh(&h, 2);
	outsider_join(&o, a);
	host_dial(a, b);
	host_stop(b);
	hosts_run(&h, 15 * CLOCK_S);
	ck_assert_ptr_nonnull(peers_find(&a->node->peers, &o.key));
	hosts_run(&h, 10 * CLOCK_S);
	ck_assert_ptr_null(peers_find(&a->node->peers, &o.key));
	ck_assert_ptr_null(endpoints_find(&a->node->peers, &o.at));
	/* b is wanted: it stays. */
	ck_assert_ptr_nonnull(host_peer(a, b));
	outsider_free(&o);
}
END_TEST

START_TEST(what_the_kernel_says_about_a_path_is_shown)
{
	host_start(a);
	host_dial(a, b);
	hosts_run(&h, CLOCK_S);
	node_send_failed(a->node, &b->addrs[0], DROP_send_unreachable, 144, 2,
			 hosts_clock(a));
	ck_assert_uint_eq(host_drops(a, DROP_send_unreachable), 2);
	ck_assert_str_eq(host_shows(a, &b->addrs[0]).why,
			 "unreachable: no route, or refused by a local filter");
	node_send_failed(a->node, &elsewhere, DROP_send_again, 144, 1,
			 hosts_clock(a));
	ck_assert_uint_eq(host_drops(a, DROP_send_again), 1);
}
END_TEST

START_TEST(a_datagram_too_big_for_our_own_interface_shrinks_the_next)
{
	hosts_mesh(&h, 2);
	hosts_run(&h, CLOCK_S);
	ck_assert_uint_eq(host_peer(a, b)->pmtu.size, PMTU_BASE);
	node_send_failed(a->node, &b->addrs[0], DROP_send_too_big, PMTU_BASE, 1,
			 hosts_clock(a));
	ck_assert_uint_eq(host_peer(a, b)->pmtu.size, PMTU_MIN_V4);
	ck_assert_uint_eq(host_drops(a, DROP_send_too_big), 1);
	ck_assert_uint_eq(host_shows(a, &b->addrs[0]).datagram_size,
			  PMTU_MIN_V4);
}
END_TEST

static enum fate lose_large(struct hosts *hosts, struct packet *p)
{
	(void)hosts;
	return p->len > PMTU_MIN_V4 ? LOSE : PASS;
}

START_TEST(a_path_that_takes_only_small_datagrams_gets_small_ones)
{
	uint8_t *frame = hosts_frame(0xff, 1, 1514, 9);

	h.judge = lose_large;
	hosts_mesh(&h, 2);
	host_tap(a, frame, 1514);
	hosts_run(&h, 2 * h.latency_us);
	ck_assert_uint_eq(b->written_count, 1);
	ck_assert_uint_eq(b->written[0].len, 1514);
	ck_assert_mem_eq(b->written[0].bytes, frame, 1514);
	h.judge = NULL;
	hosts_run(&h, 120 * CLOCK_S);
	ck_assert_uint_eq(host_peer(a, b)->pmtu.size, PMTU_BASE);
	h.judge = lose_large;
	hosts_run(&h, 10 * CLOCK_S);
	ck_assert_uint_eq(host_peer(a, b)->pmtu.size, PMTU_MIN_V4);
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
	free(frame);
}
END_TEST

static TCase *moves(void)
{
	TCase *tc = tcase_create("moves");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_peer_that_moved_is_followed_after_one_echo);
	tcase_add_test(tc, a_move_over_a_long_path_under_traffic_is_followed);
	tcase_add_test(
		tc, attack_datagrams_sent_on_from_elsewhere_do_not_move_a_peer);
	tcase_add_test(
		tc,
		attack_a_probe_passed_on_is_no_proof_if_the_echo_comes_from_home);
	tcase_add_test(tc, attack_a_replay_from_elsewhere_is_not_even_answered);
	tcase_add_test(tc,
		       attack_an_older_datagram_from_elsewhere_is_not_answered);
	tcase_add_test(
		tc,
		attack_a_small_datagram_from_elsewhere_gets_no_larger_answer);
	tcase_add_test(tc,
		       attack_an_echo_made_up_sends_a_peers_traffic_nowhere);
	tcase_add_test(
		tc,
		attack_a_hello_under_anothers_address_sends_a_peers_traffic_nowhere);
	tcase_add_test(
		tc,
		attack_a_member_does_not_take_anothers_place_by_its_address);
	tcase_add_test(tc,
		       two_addresses_of_one_peer_are_one_peer_and_do_not_flap);
	tcase_add_loop_test(
		tc,
		a_restart_heard_at_the_other_address_first_is_no_second_host, 0,
		20);
	tcase_add_test(tc, the_other_address_serves_when_one_is_cut);
	return tc;
}

static TCase *presence(void)
{
	TCase *tc = tcase_create("there or not");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_peer_that_vanished_is_down_in_three_intervals);
	tcase_add_test(tc, a_path_that_was_cut_is_back_soon_after_it_heals);
	tcase_add_test(tc, a_short_cut_takes_nobody_down);
	tcase_add_test(tc, a_path_cut_one_way_is_down_at_both_ends);
	tcase_add_test(tc, an_idle_pair_wakes_seldom_and_says_little);
	tcase_add_test(tc, goodbye_is_down_at_once_and_ends_the_flooding);
	tcase_add_test(tc,
		       flooding_to_a_silent_peer_goes_on_while_its_keys_live);
	tcase_add_test(tc, a_peer_nobody_wants_is_forgotten_after_it_expired);
	tcase_add_test(tc, what_the_kernel_says_about_a_path_is_shown);
	tcase_add_test(
		tc, a_datagram_too_big_for_our_own_interface_shrinks_the_next);
	tcase_add_test(tc,
		       a_path_that_takes_only_small_datagrams_gets_small_ones);
	return tc;
}

int main(void)
{
	Suite *suite = suite_create("node paths");
	SRunner *sr = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, moves());
	suite_add_tcase(suite, presence());
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
