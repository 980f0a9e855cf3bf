/* lib/node: a relay that loses what it carries. */
#include <check.h>
#include <stdlib.h>

#include "node/leg.h"
#include "node/path_loss.h"
#include "node/paths.h"
#include "support/apart.h"
#include "support/main.h"

/* a and b are kept apart; c relays, and loses every nth of what is large. */
static unsigned lost_of_ten;
static bool probes_pass;
static size_t widest;

static enum fate judge(struct hosts *hosts, struct flight *f)
{
	static unsigned turn;

	if (keep_apart(hosts, f) == LOSE)
		return LOSE;
	if (f->bytes[0] != WIRE_RELAYED || f->sender != 2)
		return PASS;
	if (f->len > widest)
		return LOSE;
	if (probes_pass && f->len < 200)
		return PASS;
	return turn++ % 10 < lost_of_ten ? LOSE : PASS;
}

static void meet_at(size_t size)
{
	lost_of_ten = 0;
	widest = size;
	apart = true;
	h.judge = judge;
	for (size_t i = 0; i < 3; i++)
		h.host[i].config.peer_exchange = true;
	c->config.relay = true;
	host_start(c);
	host_start(a);
	host_start(b);
	host_dial(a, c);
	host_dial(b, c);
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
	UNIT_TEST(a_relay_that_is_restarted_is_not_bad_any_more),
};

UNIT_MAIN("path loss", tests)
