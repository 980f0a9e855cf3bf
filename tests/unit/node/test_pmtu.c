#include <check.h>

#include "node/pmtu.h"
#include "support/main.h"
#include "support/rng.h"

#define START_US (1000 * CLOCK_S)
#define RTT_US	 (2 * CLOCK_MS)

/* ---- a path that drops what is too big for it, and some of the rest ---- */

struct path {
	struct pmtu pmtu;
	struct rng rng;
	uint64_t now_us;
	uint16_t fits;	   /* the largest payload that gets through; 0: none */
	uint16_t local;	   /* the largest our kernel takes; 0: any */
	double loss;	   /* each way */
	bool idle;	   /* nothing is sent on it but probes */
	uint64_t small_us; /* last echo of a small probe */
	uint64_t echo_us;  /* of the padded probe on its way back; 0: none */
	uint16_t echo_size;
	/* observed */
	uint64_t probes;
	uint64_t fell_us;
};

static struct path path_init(bool v6, uint16_t max, uint16_t fits)
{
	struct path p = { .now_us = START_US, .fits = fits };

	pmtu_init(&p.pmtu, v6, 0, max, 0, p.now_us);
	return p;
}

static bool survives(struct path *p)
{
	return p->fits && !rng_chance(&p->rng, p->loss) &&
	       !rng_chance(&p->rng, p->loss);
}

/* Sends a padded probe, and a small one beside it. */
static void probe(struct path *p, uint16_t size)
{
	uint64_t back_us = p->now_us + RTT_US;

	p->probes++;
	if (survives(p))
		p->small_us = back_us;
	if (p->local && size > p->local) {
		pmtu_too_big(&p->pmtu, size, p->now_us);
	} else if (size <= p->fits && survives(p)) {
		p->echo_us = back_us;
		p->echo_size = size;
	}
}

/* One event, at the latest at end_us. False when that is reached. */
static bool step(struct path *p, uint64_t end_us)
{
	uint64_t at;

	if (!p->idle)
		pmtu_sent(&p->pmtu, p->pmtu.size);
	at = pmtu_deadline(&p->pmtu);
	uint16_t size, before = p->pmtu.size;

	if (p->echo_us && p->echo_us <= at && p->echo_us <= end_us) {
		p->now_us = p->echo_us;
		p->echo_us = 0;
		if (pmtu_echoed(&p->pmtu, p->echo_size, p->now_us) !=
		    (p->pmtu.size > before))
			ck_abort_msg("growth is not what it says");
		return true;
	}
	if (at >= end_us) {
		p->now_us = end_us;
		return false;
	}
	if (at > p->now_us) {
		if (pmtu_probe(&p->pmtu, p->small_us, at - 1))
			ck_abort_msg("a probe before its deadline");
		p->now_us = at;
	}
	size = pmtu_probe(&p->pmtu, p->small_us, p->now_us);
	if (size)
		probe(p, size);
	if (p->pmtu.size < before)
		p->fell_us = p->now_us;
	if (p->pmtu.probed_size && pmtu_deadline(&p->pmtu) <= p->now_us)
		ck_abort_msg("a timer on the deadline spins");
	return true;
}

static void run_for(struct path *p, uint64_t us)
{
	uint64_t end_us = p->now_us + us;

	for (int steps = 0; step(p, end_us); steps++)
		if (steps > 1000000)
			ck_abort_msg("no end to it");
}

/* ---- the base alone ---- */

START_TEST(v4_starts_at_the_minimum_and_proves_the_base_at_once)
{
	struct pmtu p;

	pmtu_init(&p, false, 0, PMTU_BASE, 0, START_US);
	ck_assert_uint_eq(p.size, PMTU_MIN_V4);
	ck_assert_uint_le(pmtu_deadline(&p), START_US);
	ck_assert_uint_eq(pmtu_probe(&p, 0, START_US), PMTU_BASE);
	ck_assert_uint_eq(pmtu_probe(&p, 0, START_US), 0);
	ck_assert(pmtu_echoed(&p, PMTU_BASE, START_US + RTT_US));
	ck_assert_uint_eq(p.size, PMTU_BASE);
	ck_assert_uint_eq(pmtu_deadline(&p), START_US + RTT_US + PMTU_IDLE_US);
	ck_assert(pmtu_sent(&p, PMTU_MIN_V4 + 1));
	ck_assert_uint_eq(pmtu_deadline(&p),
			  START_US + RTT_US + PMTU_CONFIRM_US);
}
END_TEST

START_TEST(v6_needs_no_proof_of_the_base)
{
	struct pmtu p;

	pmtu_init(&p, true, 0, PMTU_BASE, 0, START_US);
	ck_assert_uint_eq(p.size, PMTU_BASE);
	ck_assert_uint_eq(pmtu_deadline(&p), CLOCK_NEVER);
	ck_assert_uint_eq(pmtu_probe(&p, 0, START_US + 100 * CLOCK_S), 0);
}
END_TEST

START_TEST(v4_over_576_stays_at_the_minimum_and_asks_again_each_minute)
{
	struct path p = path_init(false, PMTU_BASE, PMTU_MIN_V4);

	run_for(&p, 10 * CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, PMTU_MIN_V4);
	ck_assert_uint_eq(p.probes, PMTU_MAX_PROBES);
	run_for(&p, 120 * CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, PMTU_MIN_V4);
	ck_assert_uint_eq(p.probes, 3 * PMTU_MAX_PROBES);
	p.fits = 1472;
	run_for(&p, 60 * CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, PMTU_BASE);
}
END_TEST

START_TEST(proving_the_size_anew_costs_one_probe_each_time)
{
	struct path p = path_init(false, PMTU_BASE, 1472);

	run_for(&p, 60 * CLOCK_S);
	ck_assert_uint_le(p.probes, 1 + 12);
	ck_assert_uint_eq(p.fell_us, 0);
}
END_TEST

START_TEST(a_path_without_traffic_is_proven_anew_less_often)
{
	struct path p = path_init(false, PMTU_MAX, 1472);
	uint64_t probes;

	p.idle = true;
	run_for(&p, 2 * CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, 1472);
	ck_assert(!pmtu_sent(&p.pmtu, PMTU_MIN_V4));
	probes = p.probes;
	run_for(&p, PMTU_IDLE_US - 3 * CLOCK_S);
	ck_assert_uint_eq(p.probes, probes);
	run_for(&p, 2 * CLOCK_S);
	ck_assert_uint_eq(p.probes, probes + 1);
}
END_TEST

START_TEST(a_black_hole_that_came_while_it_was_idle_is_left_a_second_after_use)
{
	struct path p = path_init(false, PMTU_MAX, 8972);

	p.idle = true;
	run_for(&p, PMTU_IDLE_US + 5 * CLOCK_S);
	p.fits = 1472;
	run_for(&p, 10 * CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, 8972);
	p.idle = false;
	run_for(&p, 2 * PMTU_PROBE_US + RTT_US);
	ck_assert_uint_le(p.pmtu.size, 1472);
	run_for(&p, CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, 1472);
}
END_TEST

START_TEST(fixed_is_used_and_never_probed)
{
	struct pmtu p;

	pmtu_init(&p, false, 0, PMTU_MAX, 1333, START_US);
	ck_assert_uint_eq(p.size, 1333);
	ck_assert_uint_eq(pmtu_deadline(&p), CLOCK_NEVER);
	ck_assert_uint_eq(pmtu_probe(&p, 0, START_US + CLOCK_S), 0);
	ck_assert(!pmtu_echoed(&p, 1472, START_US));
	ck_assert(!pmtu_too_big(&p, 1333, START_US));
	ck_assert_uint_eq(p.size, 1333);
}
END_TEST

/* ---- up ---- */

static const struct {
	bool v6;
	uint16_t mtu, size;
} paths[] = {
	{ false, 576, 548 },   { false, 1280, 1252 }, { false, 1400, 1372 },
	{ false, 1460, 1432 }, { false, 1500, 1472 }, { false, 3900, 3872 },
	{ false, 8500, 8472 }, { false, 8896, 8868 }, { false, 9001, 8972 },
	{ false, 9216, 9188 }, { true, 1280, 1232 },  { true, 1400, 1352 },
	{ true, 1460, 1412 },  { true, 1500, 1452 },  { true, 8500, 8452 },
	{ true, 8896, 8848 },  { true, 9001, 8952 },
};
#define PATHS (sizeof(paths) / sizeof(paths[0]))

static uint16_t payload(bool v6, uint16_t mtu)
{
	return (uint16_t)(mtu - (v6 ? 48 : 28));
}

START_TEST(real_paths_are_filled_within_two_seconds)
{
	bool v6 = paths[_i].v6;
	struct path p = path_init(v6, PMTU_MAX, payload(v6, paths[_i].mtu));

	run_for(&p, 2 * CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, paths[_i].size);
}
END_TEST

START_TEST(nothing_above_max_is_probed)
{
	struct path p = path_init(false, 1450, 9000);

	run_for(&p, CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, 1450);
	p = path_init(false, 400, 9000);
	run_for(&p, CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, 400);
}
END_TEST

START_TEST(a_path_that_grows_is_filled_within_a_minute)
{
	struct path p = path_init(false, PMTU_MAX, 1472);

	run_for(&p, 100 * CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, 1472);
	p.fits = payload(false, 9001);
	run_for(&p, PMTU_RAISE_US + 2 * CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, 8972);
}
END_TEST

/* ---- down ---- */

START_TEST(a_black_hole_is_left_within_6_seconds_for_the_base)
{
	struct path p = path_init(false, PMTU_MAX, 8972);
	uint64_t hole_us;

	run_for(&p, 10 * CLOCK_S + (uint64_t)_i * 531 * CLOCK_MS);
	ck_assert_uint_eq(p.pmtu.size, 8972);
	hole_us = p.now_us;
	p.fits = 1472;
	run_for(&p, 6 * CLOCK_S + RTT_US);
	ck_assert_uint_ge(p.fell_us, hole_us);
	ck_assert_uint_le(p.fell_us, hole_us + 6 * CLOCK_S + RTT_US);
	run_for(&p, CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, 1472);
}
END_TEST

START_TEST(a_deep_black_hole_is_left_within_8_seconds_for_the_minimum)
{
	struct path p =
		path_init(false, _i % 2 ? PMTU_MAX : PMTU_BASE, PMTU_MAX);

	run_for(&p, 10 * CLOCK_S + (uint64_t)_i * 531 * CLOCK_MS);
	ck_assert_uint_ge(p.pmtu.size, PMTU_BASE);
	p.fits = PMTU_MIN_V4;
	run_for(&p, 8 * CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, PMTU_MIN_V4);
	p.fits = PMTU_MAX;
	run_for(&p, PMTU_RAISE_US + 2 * CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, p.pmtu.max);
}
END_TEST

START_TEST(v6_never_falls_below_the_base)
{
	struct path p = path_init(true, PMTU_MAX, 1452);

	run_for(&p, 10 * CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, 1452);
	p.fits = 600;
	run_for(&p, 20 * CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, PMTU_BASE);
}
END_TEST

START_TEST(a_path_that_is_cut_says_nothing_about_sizes)
{
	struct path p = path_init(false, PMTU_MAX, 8972);

	run_for(&p, 10 * CLOCK_S);
	p.fits = 0;
	run_for(&p, 3600 * CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, 8972);
	p.fits = 8972;
	run_for(&p, CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, 8972);
	ck_assert_uint_eq(p.fell_us, 0);
}
END_TEST

START_TEST(our_own_kernel_is_believed_at_once)
{
	struct path p = path_init(false, PMTU_MAX, 9000);

	run_for(&p, 10 * CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, 8972);
	p.local = 1472;
	ck_assert(pmtu_too_big(&p.pmtu, 8972, p.now_us));
	ck_assert_uint_eq(p.pmtu.size, PMTU_BASE);
	/* The rest of the run that was refused changes nothing more. */
	ck_assert(!pmtu_too_big(&p.pmtu, 8972, p.now_us));
	ck_assert_uint_eq(p.pmtu.size, PMTU_BASE);
	run_for(&p, CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, 1472);
	/* Nor is it asked three times over what it refused. */
	ck_assert_uint_eq(p.pmtu.probed_size, 0);

	p.local = 1100;
	ck_assert(pmtu_too_big(&p.pmtu, 1200, p.now_us));
	ck_assert_uint_eq(p.pmtu.size, PMTU_MIN_V4);
	ck_assert(!pmtu_too_big(&p.pmtu, 548, p.now_us));
	run_for(&p, 30 * CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, PMTU_MIN_V4);
}
END_TEST

START_TEST(an_endpoint_that_moves_starts_over)
{
	struct path p = path_init(false, PMTU_MAX, 8972);

	run_for(&p, 10 * CLOCK_S);
	pmtu_init(&p.pmtu, true, 0, PMTU_MAX, 0, p.now_us);
	ck_assert_uint_eq(p.pmtu.size, PMTU_BASE);
	/* An echo over the old path proves nothing about the new one. */
	ck_assert_uint_eq(pmtu_probe(&p.pmtu, p.small_us, p.now_us), 1232);
	ck_assert(!pmtu_echoed(&p.pmtu, 8972, p.now_us));
	ck_assert_uint_eq(p.pmtu.size, PMTU_BASE);
	pmtu_init(&p.pmtu, false, 0, PMTU_MAX, 0, p.now_us);
	ck_assert_uint_eq(p.pmtu.size, PMTU_MIN_V4);
	run_for(&p, 2 * CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, 8972);
}
END_TEST

START_TEST(attack_echoes_of_what_was_not_probed_change_nothing)
{
	static const uint16_t sizes[] = { 0, 1, 547, 549, 1199, 1472, 65535 };
	struct pmtu p, before;

	pmtu_init(&p, false, 0, PMTU_MAX, 0, START_US);
	for (int probing = 0; probing < 2; probing++) {
		before = p;
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			ck_assert(!pmtu_echoed(&p, sizes[i], START_US));
			ck_assert_uint_eq(p.size, before.size);
			ck_assert_uint_eq(p.probed_size, before.probed_size);
		}
		ck_assert_uint_eq(pmtu_probe(&p, 0, START_US),
				  probing ? 0 : PMTU_BASE);
	}
}
END_TEST

/* ---- loss ---- */

START_TEST(twenty_percent_loss_does_not_keep_the_size_down)
{
	struct path p = path_init(false, _i % 2 ? PMTU_MAX : PMTU_BASE, 8972);
	uint64_t seconds = 0, full = 0;

	p.rng.state = (uint64_t)_i;
	p.loss = 0.2;
	for (; seconds < 7200; seconds++) {
		run_for(&p, CLOCK_S);
		full += p.pmtu.size >= PMTU_BASE;
	}
	/* Nearly always the base at least, and all of it when loss ends. */
	ck_assert_uint_ge(full * 100, seconds * 94);
	p.loss = 0;
	run_for(&p, PMTU_RAISE_US + 2 * CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, _i % 2 ? 8972 : PMTU_BASE);
}
END_TEST

/* Whatever the path does, once it holds still the size is right. */
START_TEST(the_size_ends_at_the_best_that_fits)
{
	struct rng rng = rng_init((uint64_t)_i);
	bool v6 = rng_chance(&rng, 0.5);
	struct path p = path_init(v6, PMTU_MAX, 1472);

	p.rng = rng;
	for (int n = 0; n < 100; n++) {
		size_t at = rng_below(&p.rng, PATHS);

		if (paths[at].v6 != v6)
			continue;
		p.fits = payload(v6, paths[at].mtu);
		p.local = rng_chance(&p.rng, 0.3) ? p.fits : 0;
		p.loss = (double)rng_below(&p.rng, 30) / 100;
		run_for(&p, rng_below(&p.rng, 100 * CLOCK_S));
		p.loss = 0;
		run_for(&p, 8 * CLOCK_S);
		ck_assert_uint_le(p.pmtu.size, p.fits);
		run_for(&p, PMTU_RAISE_US + 2 * CLOCK_S);
		ck_assert_uint_eq(p.pmtu.size, paths[at].size);
	}
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("base"),
	UNIT_TEST(v4_starts_at_the_minimum_and_proves_the_base_at_once),
	UNIT_TEST(v6_needs_no_proof_of_the_base),
	UNIT_TEST(v4_over_576_stays_at_the_minimum_and_asks_again_each_minute),
	UNIT_TEST(proving_the_size_anew_costs_one_probe_each_time),
	UNIT_TEST(a_path_without_traffic_is_proven_anew_less_often),
	UNIT_TEST(
		a_black_hole_that_came_while_it_was_idle_is_left_a_second_after_use),
	UNIT_TEST(fixed_is_used_and_never_probed),
	UNIT_CASE("search"),
	UNIT_LOOP(real_paths_are_filled_within_two_seconds, PATHS),
	UNIT_TEST(nothing_above_max_is_probed),
	UNIT_TEST(a_path_that_grows_is_filled_within_a_minute),
	UNIT_LOOP(a_black_hole_is_left_within_6_seconds_for_the_base, 20),
	UNIT_LOOP(a_deep_black_hole_is_left_within_8_seconds_for_the_minimum,
		  20),
	UNIT_TEST(v6_never_falls_below_the_base),
	UNIT_TEST(a_path_that_is_cut_says_nothing_about_sizes),
	UNIT_TEST(our_own_kernel_is_believed_at_once),
	UNIT_TEST(an_endpoint_that_moves_starts_over),
	UNIT_TEST(attack_echoes_of_what_was_not_probed_change_nothing),
	UNIT_CASE("loss"),
	UNIT_LOOP(twenty_percent_loss_does_not_keep_the_size_down, 20),
	UNIT_LOOP(the_size_ends_at_the_best_that_fits, 50),
};

UNIT_MAIN("pmtu", tests)
