/* lib/node: two nodes find each other, whatever the network does. */
#include <check.h>
#include <string.h>

#include "support/main.h"
#include "support/outsider.h"
#include "support/three.h"

static void assert_talk(struct host *one, struct host *other)
{
	ck_assert(host_talks(one, other));
	ck_assert(host_talks(other, one));
}

/* ---- the way it should be ---- */

START_TEST(hellos_are_of_one_size_however_long_the_names)
{
	const struct flight *hello;

	/* So that no answer to one is larger than it. */
	memset(a->config.name, 'a', NODE_NAME_MAX);
	start_pair();
	ck_assert(hosts_until(&h, hosts_all_up, CLOCK_S));
	hello = hosts_sent(&h, WIRE_DATA, a, b, 0, 0);
	ck_assert_uint_eq(hello->len,
			  hosts_sent(&h, WIRE_DATA, b, a, 0, 0)->len);
}
END_TEST

START_TEST(two_nodes_meet_in_five_messages_and_two_round_trips)
{
	const struct flight *p[5];
	uint64_t began;

	host_start(a);
	host_start(b);
	host_dial(a, b);
	ck_assert(hosts_until(&h, hosts_all_up, CLOCK_S));
	hosts_run(&h, h.latency_us);
	p[0] = hosts_sent(&h, WIRE_INITIATION, a, b, 0, 0);
	p[1] = hosts_sent(&h, WIRE_RESPONSE, b, a, 0, 0);
	p[2] = hosts_sent(&h, WIRE_DATA, a, b, 0, 0);
	p[3] = hosts_sent(&h, WIRE_DATA, b, a, 0, 0);
	p[4] = hosts_sent(&h, WIRE_DATA, a, b, 0, 1);
	began = p[0]->sent_us;
	ck_assert_uint_le(began, HOSTS_START + NODE_DEBUG_SPREAD_US / 2);
	/* Each is the answer to the one before: no one waits. */
	for (size_t i = 0; i < 5; i++)
		ck_assert_uint_eq(p[i]->sent_us, began + i * h.latency_us);
	ck_assert_uint_eq(p[0]->len, WIRE_INITIATION_LEN);
	ck_assert_uint_eq(p[1]->len, WIRE_RESPONSE_LEN);
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_INITIATION, NULL, NULL, 0),
			  1);
	ck_assert_uint_eq(host_drops_total(a), 0);
	ck_assert_uint_eq(host_drops_total(b), 0);
}
END_TEST

START_TEST(frames_pass_both_ways_once_up)
{
	struct node_status status;

	hosts_mesh(&h, 2);
	assert_talk(a, b);
	node_status(a->node, &status);
	ck_assert_uint_eq(status.peers_total, 1);
	ck_assert_uint_eq(status.peers_up, 1);
	ck_assert_uint_eq(status.tx.frames, 1);
	ck_assert_uint_eq(status.rx.frames, 1);
	ck_assert_uint_eq(host_events(a, NODE_PEER_UP), 1);
	ck_assert_str_eq(host_event(a, NODE_PEER_UP)->peer, "b");
	ck_assert(addr_equal(&host_event(a, NODE_PEER_UP)->at, &b->addrs[0]));
	ck_assert_uint_eq(b->written_count, 1);
}
END_TEST

START_TEST(no_node_says_anything_unasked)
{
	host_start(a);
	hosts_run(&h, 600 * CLOCK_S);
	ck_assert_uint_eq(h.log_count, 0);
}
END_TEST

START_TEST(every_other_secret_key_and_epoch_is_its_own)
{
	hosts_mesh(&h, 3);
	ck_assert_uint_ne(host_debug(a).epoch, host_debug(b).epoch);
	ck_assert(!public_key_equal(&a->key, &b->key));
	for (size_t i = 0; i < 3; i++)
		assert_talk(&h.host[i], &h.host[(i + 1) % 3]);
}
END_TEST

/* ---- losses ---- */

START_TEST(the_loss_of_any_one_message_heals)
{
	h.lose = UINT64_C(1) << _i;
	host_start(a);
	host_start(b);
	host_dial(a, b);
	ck_assert(hosts_until(&h, hosts_pair_up, 2 * CLOCK_S));
	h.lose = 0;
	assert_talk(a, b);
}
END_TEST

START_TEST(the_loss_of_any_two_messages_heals)
{
	h.lose = UINT64_C(1) << (_i / 6) | UINT64_C(1) << (_i % 6);
	host_start(a);
	host_start(b);
	host_dial(a, b);
	ck_assert(hosts_until(&h, hosts_pair_up, 4 * CLOCK_S));
	h.lose = 0;
	assert_talk(a, b);
}
END_TEST

static enum fate lose_one_in_five(struct hosts *hosts, struct flight *p)
{
	static struct rng rng;

	if (hosts->sent == 1)
		rng.state = hosts->host[0].rng.state;
	(void)p;
	return rng_chance(&rng, 0.2) ? LOSE : PASS;
}

START_TEST(a_bad_path_keeps_nobody_apart)
{
	a->rng.state = b->rng.state + (uint64_t)_i + 1;
	h.judge = lose_one_in_five;
	start_pair();
	ck_assert(hosts_until(&h, hosts_pair_up, 8 * CLOCK_S));
}
END_TEST

static bool doubled;

static enum fate send_twice(struct hosts *hosts, struct flight *p)
{
	hosts_inject(hosts, &p->from, &p->to, p->bytes, p->len);
	doubled = true;
	return PASS;
}

START_TEST(every_message_arriving_twice_is_no_harm)
{
	h.judge = send_twice;
	start_pair();
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
	assert_talk(a, b);
	assert_talk(a, b);
	ck_assert(doubled);
	ck_assert_uint_eq(b->written_count, 2);
	ck_assert_uint_gt(host_drops(b, DROP_replay), 0);
}
END_TEST

/* ---- retries ---- */

START_TEST(retries_double_from_half_a_second_to_four)
{
	static const uint64_t pauses_ms[] = {
		500, 1000, 2000, 4000, 4000, 4000
	};
	const struct flight *last, *next;

	host_start(a);
	host_dial(a, b);
	hosts_run(&h, 30 * CLOCK_S);
	last = hosts_sent(&h, WIRE_INITIATION, a, b, 0, 0);
	for (size_t i = 0; i < 6; i++) {
		uint64_t pause = pauses_ms[i] * CLOCK_MS, took;

		next = hosts_sent(&h, WIRE_INITIATION, a, b, 0, i + 1);
		took = next->sent_us - last->sent_us;
		ck_assert_uint_ge(took, pause * 3 / 4);
		ck_assert_uint_le(took, pause * 5 / 4);
		/* Each has an index and an ephemeral key of its own. */
		ck_assert_mem_ne(last->bytes + 4, next->bytes + 4, 4);
		ck_assert_mem_ne(last->bytes + 8, next->bytes + 8, 32);
		last = next;
	}
	ck_assert_str_eq(host_shows(a, &b->addrs[0]).reason,
			 "no answer: is UDP 8273 open both ways?");
	ck_assert_int_eq(host_shows(a, &b->addrs[0]).state,
			 NODE_PEER_STATE_CONNECTING);
}
END_TEST

START_TEST(a_peer_that_comes_late_is_met_within_a_retry)
{
	host_start(a);
	host_dial(a, b);
	hosts_run(&h, 60 * CLOCK_S);
	host_start(b);
	ck_assert(hosts_until(&h, hosts_pair_up, 5 * CLOCK_S + CLOCK_MS * 20));
	assert_talk(a, b);
}
END_TEST

static bool half_open_at_a(const struct hosts *hosts)
{
	return host_debug(&hosts->host[0]).half_open > 0;
}

static enum fate lose_all_of_a(struct hosts *hosts, struct flight *p)
{
	return addr_equal(&p->from, &hosts->host[0].addrs[0]) ? LOSE : PASS;
}

START_TEST(an_initiation_from_there_ends_the_long_pauses)
{
	const struct flight *p;
	size_t since;

	h.judge = lose_all_of_a;
	host_start(a);
	host_dial(a, b);
	hosts_run(&h, 60 * CLOCK_S);
	host_start(b);
	host_dial(b, a);
	ck_assert(hosts_until(&h, half_open_at_a, CLOCK_S));
	since = h.log_count;
	hosts_run(&h, 625 * CLOCK_MS);
	p = hosts_sent(&h, WIRE_INITIATION, a, b, since, 0);
	ck_assert_ptr_nonnull(p);
}
END_TEST

/* ---- the responder commits nothing ---- */

static enum fate lose_data_of_a(struct hosts *hosts, struct flight *p)
{
	bool of_a = addr_equal(&p->from, &hosts->host[0].addrs[0]);

	return of_a && p->bytes[0] == WIRE_DATA ? LOSE : PASS;
}

START_TEST(the_responder_is_silent_until_data_proves_the_key)
{
	struct node_status status;

	h.judge = lose_data_of_a;
	host_start(a);
	host_start(b);
	host_dial(a, b);
	hosts_run(&h, 4 * CLOCK_S);
	ck_assert_uint_gt(hosts_count_sent(&h, WIRE_RESPONSE, b, NULL, 0), 0);
	ck_assert_uint_gt(hosts_count_sent(&h, WIRE_DATA, a, b, 0), 0);
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_DATA, b, NULL, 0), 0);
	ck_assert(!host_knows(b, a));
	node_status(b->node, &status);
	ck_assert_uint_eq(status.peers_total, 0);
	ck_assert_uint_eq(b->events_count, 0);
	/* No answer to frames, either. */
	host_say(b, 1);
	ck_assert_uint_eq(host_drops(b, DROP_no_peer), 1);
}
END_TEST

START_TEST(half_open_handshakes_are_gone_after_five_seconds)
{
	struct outsider o;

	outsider_init(&o, 1);
	host_start(b);
	ck_assert(outsider_shake_hands(&o, b));
	ck_assert_uint_eq(host_debug(b).half_open, 1);
	ck_assert_uint_eq(host_debug(b).pending, 1);
	hosts_run(&h, 5 * CLOCK_S - 1);
	ck_assert_uint_eq(host_debug(b).half_open, 1);
	hosts_run(&h, 1);
	ck_assert_uint_eq(host_debug(b).half_open, 0);
	ck_assert_uint_eq(host_debug(b).pending, 0);
	ck_assert_uint_eq(host_debug(b).indices, 0);
	ck_assert_uint_eq(host_debug(b).stray_sessions, 0);
	outsider_free(&o);
}
END_TEST

START_TEST(who_proves_his_key_and_says_no_hello_is_gone_at_once)
{
	static const uint8_t pad[WIRE_RECORD_LEN];
	struct outsider o;

	outsider_init(&o, 1);
	host_start(b);
	ck_assert(outsider_shake_hands(&o, b));
	outsider_send(&o, b, pad, sizeof(pad));
	ck_assert_uint_eq(host_debug(b).half_open, 0);
	ck_assert_uint_eq(host_debug(b).pending, 0);
	ck_assert_uint_eq(host_debug(b).indices, 0);
	outsider_hello(&o, b, false, true);
	ck_assert_uint_eq(host_drops(b, DROP_data_index), 1);
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_DATA, b, NULL, 0), 0);
	outsider_free(&o);
}
END_TEST

/* ---- many at once ---- */

START_TEST(both_dialling_at_once_settle_on_one_session)
{
	struct node_debug_session ours, theirs;

	/* So slow a path that both have dialled before either hears. */
	hosts_set_latency(&h, 60 * CLOCK_MS);
	a->rng.state += (uint64_t)_i;
	b->rng.state += 77 * (uint64_t)_i;
	start_pair();
	ck_assert(hosts_until(&h, hosts_pair_up, 3 * CLOCK_S));
	ck_assert_uint_gt(hosts_count_sent(&h, WIRE_RESPONSE, a, b, 0), 0);
	ck_assert_uint_gt(hosts_count_sent(&h, WIRE_RESPONSE, b, a, 0), 0);
	hosts_run(&h, 2 * CLOCK_S);
	ours = host_peer(a, b).current;
	theirs = host_peer(b, a).current;
	ck_assert_uint_eq(ours.local, theirs.remote);
	ck_assert_uint_eq(ours.remote, theirs.local);
	assert_talk(a, b);
	/* The others go, and nothing is dialled any more. */
	hosts_run(&h, 60 * CLOCK_S);
	ck_assert_uint_eq(host_debug(a).indices, 1);
	ck_assert_uint_eq(host_debug(b).indices, 1);
	ck_assert_uint_eq(host_peer(a, b).current.local, ours.local);
	ck_assert_uint_eq(host_peer(a, b).current.born_us, ours.born_us);
	ck_assert_uint_eq(host_events(a, NODE_PEER_UP), 1);
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
	assert_talk(a, b);
}
END_TEST

START_TEST(four_nodes_that_know_all_find_all)
{
	three_teardown();
	hosts_init(&h, 4);
	for (size_t i = 0; i < 4; i++)
		host_start(&h.host[i]);
	for (size_t i = 0; i < 4; i++) {
		struct addr others[HOSTS_MAX];
		size_t n = 0;

		for (size_t j = 0; j < 4; j++)
			if (j != i)
				others[n++] = h.host[j].addrs[0];
		host_want(&h.host[i], others, n);
	}
	ck_assert(hosts_until(&h, hosts_all_up, CLOCK_S));
	for (size_t i = 0; i < 4; i++)
		ck_assert_uint_eq(host_events(&h.host[i], NODE_PEER_UP), 3);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("meeting", .setup = three_setup, .teardown = three_teardown),
	UNIT_TEST(two_nodes_meet_in_five_messages_and_two_round_trips),
	UNIT_TEST(hellos_are_of_one_size_however_long_the_names),
	UNIT_TEST(frames_pass_both_ways_once_up),
	UNIT_TEST(no_node_says_anything_unasked),
	UNIT_TEST(every_other_secret_key_and_epoch_is_its_own),
	UNIT_LOOP(the_loss_of_any_one_message_heals, 8),
	UNIT_LOOP(the_loss_of_any_two_messages_heals, 36),
	UNIT_LOOP(a_bad_path_keeps_nobody_apart, 20),
	UNIT_TEST(every_message_arriving_twice_is_no_harm),
	UNIT_TEST(retries_double_from_half_a_second_to_four),
	UNIT_TEST(a_peer_that_comes_late_is_met_within_a_retry),
	UNIT_TEST(an_initiation_from_there_ends_the_long_pauses),
	UNIT_TEST(the_responder_is_silent_until_data_proves_the_key),
	UNIT_TEST(half_open_handshakes_are_gone_after_five_seconds),
	UNIT_TEST(who_proves_his_key_and_says_no_hello_is_gone_at_once),
	UNIT_LOOP(both_dialling_at_once_settle_on_one_session, 20),
	UNIT_TEST(four_nodes_that_know_all_find_all),
};

UNIT_MAIN("node handshake", tests)
