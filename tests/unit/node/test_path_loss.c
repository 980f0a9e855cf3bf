/* lib/node: a relay that loses what it carries. */
#include <check.h>
#include <stdlib.h>

#include "node/ask.h"
#include "node/core.h"
#include "node/leg.h"
#include "node/path_loss.h"
#include "node/paths.h"
#include "support/apart.h"
#include "support/main.h"

/* a and b are kept apart; c relays, and loses every nth of what is large. So does every
 * relay, if loser is so. */
#define ALL HOSTS_MAX
static size_t loser;
static unsigned lost_of_ten;
static bool probes_pass;
static size_t widest;

static enum fate judge(struct hosts *hosts, struct flight *f)
{
	static unsigned turn;

	if (keep_apart(hosts, f) == LOSE)
		return LOSE;
	if (f->bytes[0] != WIRE_RELAYED || (loser != ALL && f->sender != loser))
		return PASS;
	if (f->len > widest)
		return LOSE;
	if (probes_pass && f->len < 200)
		return PASS;
	return turn++ % 10 < lost_of_ten ? LOSE : PASS;
}

/* a and b list all others, of which c relays. */
static void meet_at(size_t size)
{
	struct addr relays[HOSTS_MAX];

	loser = 2;
	lost_of_ten = 0;
	widest = size;
	apart = true;
	h.judge = judge;
	for (size_t i = 0; i < h.count; i++)
		relays[i] = h.host[i].addrs[0];
	c->config.relay = true;
	for (size_t i = h.count; i-- > 0;) {
		h.host[i].config.peer_exchange = true;
		host_start(&h.host[i]);
	}
	host_want(a, relays + 2, h.count - 2);
	host_want(b, relays + 2, h.count - 2);
	ck_assert(hosts_until(&h, are_relayed, 10 * CLOCK_S));
}

static void meet(void)
{
	meet_at(SIZE_MAX);
	hosts_run(&h, 15 * CLOCK_S);
	ck_assert(are_relayed(&h));
}

static bool is_bad(void)
{
	const struct peer *relay = peers_find(a->node, &c->key);

	return leg_was_bad(a->node, relay->port, &b->key, h.net.now_us);
}

static void talk(uint64_t for_us)
{
	uint8_t *frame = hosts_frame(0xff, 1, 400, 1);
	uint64_t end_us = h.net.now_us + for_us;

	while (h.net.now_us < end_us) {
		host_tap(a, frame, 400);
		hosts_run(&h, 100 * CLOCK_MS);
	}
	free(frame);
}

START_TEST(a_relay_that_passes_probes_and_drops_frames_is_left)
{
	meet();
	probes_pass = true;
	lost_of_ten = (unsigned)_i;
	talk(40 * CLOCK_S);
	ck_assert_int_eq(is_bad(), _i > 2);
}
END_TEST

START_TEST(a_quiet_pair_keeps_its_relay_while_ways_are_tried)
{
	meet();
	for (int i = 0; i < 300; i++) {
		struct way way = { .remote = stranger };
		struct peer *peer = peers_find(a->node, &b->key);

		way.remote.port = (uint16_t)(1024 + i);
		(void)paths_try(a->node, peer, &way, PATH_DIRECT, h.net.now_us);
		hosts_run(&h, CLOCK_S);
	}
	ck_assert(are_relayed(&h));
	ck_assert(!is_bad());
	/* Nor does the other end show any loss. */
	ck_assert_double_lt(host_info(b, a).loss, 0.01);
}
END_TEST

/* The search for its size loses probes, and nothing else. */
START_TEST(a_relay_whose_path_is_narrow_is_not_bad)
{
	uint8_t *frame = hosts_frame(0xff, 1, 100, 1);

	meet_at(700);
	for (int i = 0; i < 100; i++) {
		host_tap(a, frame, 100);
		hosts_run(&h, 600 * CLOCK_MS);
		ck_assert(!is_bad());
	}
	ck_assert(are_relayed(&h));
	free(frame);
}
END_TEST

/* Half of what this probe of all sizes sends is lost. */
START_TEST(the_search_for_a_size_on_demand_makes_no_relay_bad)
{
	meet_at(700);
	hosts_run(&h, 30 * CLOCK_S);
	for (int i = 0; i < 5; i++) {
		(void)node_ping_largest(a->node, &b->key, hosts_clock(a));
		hosts_run(&h, 12 * CLOCK_S);
		ck_assert(!is_bad());
	}
	ck_assert(are_relayed(&h));
}
END_TEST

/* What there is else may be worse. */
START_TEST(the_only_relay_is_kept_whatever_it_loses)
{
	meet();
	host_forget_events(a);
	host_forget_events(b);
	lost_of_ten = 3;
	talk(60 * CLOCK_S);
	ck_assert(is_bad());
	ck_assert_uint_eq(a->node->legs->bad_next, 1);
	ck_assert(are_relayed(&h));
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
	ck_assert_uint_eq(host_events(b, NODE_PEER_DOWN), 0);
	lost_of_ten = 0;
	ck_assert(host_talks(a, b));
	/* Nor is one that is bad refused when there is no other. */
	node_set_relay(c->node, false, hosts_clock(c));
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert(!are_relayed(&h));
	node_set_relay(c->node, true, hosts_clock(c));
	ck_assert(is_bad());
	ck_assert(hosts_until(&h, are_relayed, 15 * CLOCK_S));
}
END_TEST

/* A second relay takes over without an end of the session; and where both lose, neither
 * is left again and again. */
START_TEST(a_relay_that_loses_is_left_for_one_that_echoes)
{
	struct host *const d = &h.host[3];
	const struct peer *peer, *relay;
	uint32_t leg;

	three_teardown();
	apart_init(4);
	d->config.relay = true;
	meet();
	host_forget_events(a);
	host_forget_events(b);
	peer = peers_find(a->node, &b->key);
	relay = leg_relay(a->node, peer->path.way.remote.leg);
	loser = relay == peers_find(a->node, &c->key) ? 2 : 3;
	lost_of_ten = 4;
	talk(40 * CLOCK_S);
	ck_assert_ptr_ne(leg_relay(a->node, peer->path.way.remote.leg), relay);
	ck_assert(are_relayed(&h));
	loser = ALL;
	leg = peer->path.way.remote.leg;
	talk(200 * CLOCK_S);
	ck_assert_uint_eq(peer->path.way.remote.leg, leg);
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
	ck_assert_uint_eq(host_events(b, NODE_PEER_DOWN), 0);
}
END_TEST

START_TEST(a_relay_that_is_restarted_is_not_bad_any_more)
{
	meet();
	probes_pass = true;
	lost_of_ten = 5;
	talk(40 * CLOCK_S);
	ck_assert(is_bad());
	lost_of_ten = 0;
	host_stop(c);
	host_start(c);
	hosts_run(&h, 10 * CLOCK_S);
	ck_assert(!is_bad());
	ck_assert(hosts_until(&h, are_relayed, 20 * CLOCK_S));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("path loss", .setup = three_setup, .teardown = three_teardown,
		  .timeout_s = 30),
	UNIT_LOOP(a_relay_that_passes_probes_and_drops_frames_is_left, 4),
	UNIT_TEST(a_quiet_pair_keeps_its_relay_while_ways_are_tried),
	UNIT_TEST(a_relay_whose_path_is_narrow_is_not_bad),
	UNIT_TEST(the_search_for_a_size_on_demand_makes_no_relay_bad),
	UNIT_TEST(the_only_relay_is_kept_whatever_it_loses),
	UNIT_TEST(a_relay_that_loses_is_left_for_one_that_echoes),
	UNIT_TEST(a_relay_that_is_restarted_is_not_bad_any_more),
};

UNIT_MAIN("path loss", tests)
