/* Two ends that watch each other over a path that loses, on a virtual clock. */
#include <check.h>

#include "node/liveness.h"
#include "support/main.h"
#include "support/rng.h"

static const struct liveness_config usual = { CLOCK_S, 3 };

#define LIMIT_US (3 * CLOCK_S)

#define IN_FLIGHT_MAX 512
#define DELAY_US      200
#define JITTER_US     50
#define DELAY_MAX_US  (DELAY_US + JITTER_US)

struct message {
	uint64_t at_us, counter;
	int to;
	bool has_report;
	struct wire_probe report;
};

struct end {
	struct liveness l;
	uint64_t counter, highest; /* sent next; received next */
	uint64_t data_every_us, data_us;
	bool mute; /* answers no probe and sends none: another program */
	/* observed */
	uint64_t probes, echoes, changes;
	enum liveness_verdict verdict;
	uint64_t changed_us;
	bool doubtful;
};

struct pair {
	struct liveness_config c;
	struct rng rng;
	uint64_t now_us;
	double loss; /* of each datagram */
	bool cut[2]; /* towards that end */
	struct end ends[2];
	struct message in_flight[IN_FLIGHT_MAX];
	size_t count;
};

static void pair_init(struct pair *p, const struct liveness_config *c,
		      uint64_t seed)
{
	*p = (struct pair){ .c = *c, .rng = rng_init(seed) };
	p->now_us = 1000 * CLOCK_S + rng_below(&p->rng, CLOCK_S);
	for (int i = 0; i < 2; i++) {
		p->now_us += rng_below(&p->rng, 300);
		liveness_init(&p->ends[i].l, p->now_us);
	}
}

/* Looks at an end after an event, as its owner would. */
static void observe(struct pair *p, int i)
{
	struct end *e = &p->ends[i];
	enum liveness_verdict v = liveness_verdict(&e->l, &p->c, p->now_us);

	if (v != e->verdict) {
		e->verdict = v;
		e->changes++;
		e->changed_us = p->now_us;
	}
	e->doubtful = liveness_doubtful(&e->l, &p->c, p->now_us);
}

static void send(struct pair *p, int from, const struct wire_probe *report)
{
	struct end *e = &p->ends[from];
	int to = !from;
	struct message m = {
		.at_us = p->now_us + DELAY_US + rng_below(&p->rng, JITTER_US),
		.counter = e->counter++,
		.to = to,
		.has_report = report != NULL,
	};

	liveness_sent(&e->l, 1, p->now_us);
	if (report) {
		m.report = *report;
		m.report.sent = e->l.sent;
		m.report.received = e->l.received;
	}
	if (p->cut[to] || rng_chance(&p->rng, p->loss))
		return;
	if (p->count == IN_FLIGHT_MAX)
		ck_abort_msg("too much in flight");
	p->in_flight[p->count++] = m;
}

static void receive(struct pair *p, const struct message *m)
{
	struct end *e = &p->ends[m->to];
	uint64_t advance = 0;

	if (m->counter >= e->highest) {
		advance = m->counter + 1 - e->highest;
		e->highest = m->counter + 1;
	}
	liveness_received(&e->l, advance, p->now_us);
	if (m->has_report)
		liveness_report(&e->l, &m->report, true, p->now_us);
	if (m->has_report && !m->report.echo && !e->mute) {
		struct wire_probe echo = { .echo = true,
					   .time_us = m->report.time_us };
		send(p, m->to, &echo);
		e->echoes++;
	}
	observe(p, m->to);
}

static void wake(struct pair *p, int i)
{
	struct end *e = &p->ends[i];

	if (e->data_every_us && p->now_us >= e->data_us) {
		send(p, i, NULL);
		e->data_us = p->now_us + e->data_every_us;
	}
	if (!e->mute && liveness_wants_probe(&e->l, &p->c, p->now_us)) {
		struct wire_probe probe = { .time_us = p->now_us };

		send(p, i, &probe);
		liveness_probed(&e->l, p->now_us);
		e->probes++;
	}
	if (!e->mute && liveness_deadline(&e->l, &p->c) <= p->now_us)
		ck_abort_msg("end %d: a timer on the deadline spins", i);
	observe(p, i);
}

static uint64_t wake_us(const struct pair *p, int i)
{
	const struct end *e = &p->ends[i];
	uint64_t at = e->mute ? CLOCK_NEVER : liveness_deadline(&e->l, &p->c);

	if (e->data_every_us && e->data_us < at)
		at = e->data_us;
	return at > p->now_us ? at : p->now_us;
}

/* Up to the moment of the next event no answer changed: nothing is missed. */
static void check_nothing_missed(const struct pair *p, uint64_t next_us)
{
	for (int i = 0; i < 2; i++) {
		const struct end *e = &p->ends[i];

		if (e->mute || next_us <= p->now_us)
			continue;
		if (liveness_verdict(&e->l, &p->c, next_us - 1) != e->verdict ||
		    liveness_doubtful(&e->l, &p->c, next_us - 1) !=
			    e->doubtful ||
		    liveness_wants_probe(&e->l, &p->c, next_us - 1))
			ck_abort_msg("end %d: an answer changed before %llu", i,
				     (unsigned long long)next_us);
	}
}

static void run_until(struct pair *p, uint64_t end_us)
{
	for (;;) {
		uint64_t next = end_us;
		size_t message = SIZE_MAX;
		int end = -1;

		for (int i = 0; i < 2; i++)
			if (wake_us(p, i) < next) {
				next = wake_us(p, i);
				end = i;
			}
		for (size_t i = 0; i < p->count; i++)
			if (p->in_flight[i].at_us <= next) {
				next = p->in_flight[i].at_us;
				message = i;
			}
		check_nothing_missed(p, next);
		p->now_us = next;
		if (message != SIZE_MAX) {
			struct message m = p->in_flight[message];

			p->in_flight[message] = p->in_flight[--p->count];
			receive(p, &m);
		} else if (end >= 0) {
			wake(p, end);
		} else {
			break;
		}
	}
}

static void run_for(struct pair *p, uint64_t us)
{
	run_until(p, p->now_us + us);
}

/* What the two ends send besides, in microseconds between datagrams. */
static const uint64_t traffics[][2] = {
	{ 0, 0 },
	{ 10 * CLOCK_MS, 0 },
	{ 0, 10 * CLOCK_MS },
	{ 10 * CLOCK_MS, 10 * CLOCK_MS },
	{ 2 * CLOCK_MS, 333 * CLOCK_MS },
	{ 333 * CLOCK_MS, 2 * CLOCK_MS },
	{ 1100 * CLOCK_MS, 1700 * CLOCK_MS },
};
#define TRAFFICS (sizeof(traffics) / sizeof(traffics[0]))

static void set_traffic(struct pair *p, uint64_t n)
{
	for (int i = 0; i < 2; i++)
		p->ends[i].data_every_us = traffics[n % TRAFFICS][i];
}

static void ck_assert_all_up(const struct pair *p, int seed)
{
	for (int i = 0; i < 2; i++)
		ck_assert_msg(p->ends[i].changes == 0,
			      "seed %d: end %d was down", seed, i);
}

/* ---- what it costs ---- */

START_TEST(an_idle_pair_costs_one_probe_and_one_echo_a_second)
{
	struct pair p;
	uint64_t probes, echoes;

	pair_init(&p, &usual, (uint64_t)_i);
	run_for(&p, 1000 * CLOCK_S);
	probes = p.ends[0].probes + p.ends[1].probes;
	echoes = p.ends[0].echoes + p.ends[1].echoes;
	ck_assert_uint_le(probes, 1020);
	ck_assert_uint_ge(probes, 900);
	ck_assert_uint_eq(probes, echoes);
	ck_assert_all_up(&p, _i);
}
END_TEST

START_TEST(a_busy_pair_costs_no_more_than_a_probe_a_second_each)
{
	struct pair p;

	pair_init(&p, &usual, (uint64_t)_i);
	p.ends[0].data_every_us = 3 * CLOCK_MS;
	p.ends[1].data_every_us = 70 * CLOCK_MS;
	run_for(&p, 100 * CLOCK_S);
	ck_assert_uint_le(p.ends[0].probes, 100);
	ck_assert_uint_le(p.ends[1].probes, 100);
	ck_assert_all_up(&p, _i);
}
END_TEST

START_TEST(a_peer_that_is_gone_is_asked_faster_only_before_it_is_down)
{
	struct pair p;

	pair_init(&p, &usual, 1);
	p.cut[0] = p.cut[1] = true;
	run_for(&p, LIMIT_US - 1);
	ck_assert_uint_ge(p.ends[0].probes, 18);
	ck_assert_uint_le(p.ends[0].probes, 24);
	p.ends[0].probes = 0;
	run_for(&p, 100 * CLOCK_S);
	ck_assert_uint_ge(p.ends[0].probes, 399);
	ck_assert_uint_le(p.ends[0].probes, 420);
}
END_TEST

/* ---- down ---- */

START_TEST(a_peer_cut_off_is_silent_after_the_limit)
{
	struct pair p;
	uint64_t cut_us;

	pair_init(&p, &usual, (uint64_t)_i);
	run_for(&p, 10 * CLOCK_S + rng_below(&p.rng, 2 * CLOCK_S));
	p.cut[0] = p.cut[1] = true;
	cut_us = p.now_us;
	run_for(&p, 10 * CLOCK_S);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(p.ends[i].verdict, LIVENESS_SILENT);
		ck_assert_uint_eq(p.ends[i].changes, 1);
		ck_assert_uint_le(p.ends[i].changed_us,
				  cut_us + DELAY_MAX_US + LIMIT_US);
		ck_assert_uint_ge(p.ends[i].changed_us,
				  cut_us + LIMIT_US - 1200 * CLOCK_MS);
	}
	p.cut[0] = p.cut[1] = false;
	run_for(&p, CLOCK_S / 4 + 3 * DELAY_MAX_US);
	ck_assert_int_eq(p.ends[0].verdict, LIVENESS_UP);
	ck_assert_int_eq(p.ends[1].verdict, LIVENESS_UP);
}
END_TEST

START_TEST(one_way_cut_makes_one_end_deaf_and_the_other_silent)
{
	struct pair p;
	struct end *cut = &p.ends[0], *starved = &p.ends[1];
	uint64_t cut_us, probe_us = CLOCK_S / 4, gap_us = 1200 * CLOCK_MS;

	pair_init(&p, &usual, (uint64_t)_i);
	set_traffic(&p, (uint64_t)_i);
	run_for(&p, 10 * CLOCK_S + rng_below(&p.rng, 2 * CLOCK_S));
	p.cut[1] = true;
	cut_us = p.now_us;
	run_for(&p, 20 * CLOCK_S);

	ck_assert_int_eq(starved->verdict, LIVENESS_SILENT);
	ck_assert_uint_eq(starved->changes, 1);
	ck_assert_uint_le(starved->changed_us,
			  cut_us + DELAY_MAX_US + LIMIT_US);

	ck_assert_int_eq(cut->verdict, LIVENESS_DEAF);
	ck_assert_uint_eq(cut->changes, 1);
	ck_assert_uint_le(cut->changed_us,
			  cut_us + 2 * DELAY_MAX_US + LIMIT_US + probe_us);
	/* Nor sooner than the last of ours that may have arrived allows. */
	if (cut->data_every_us && cut->data_every_us < gap_us)
		gap_us = cut->data_every_us;
	ck_assert_uint_ge(cut->changed_us,
			  cut_us + LIMIT_US - gap_us - 100 * CLOCK_MS);

	p.cut[1] = false;
	run_for(&p, probe_us + 3 * DELAY_MAX_US);
	ck_assert_int_eq(starved->verdict, LIVENESS_UP);
	ck_assert_int_eq(cut->verdict, LIVENESS_UP);
}
END_TEST

/* ---- not down ---- */

START_TEST(short_cuts_take_nobody_down)
{
	struct pair p;

	pair_init(&p, &usual, (uint64_t)_i);
	set_traffic(&p, (uint64_t)_i);
	for (int n = 0; n < 200; n++) {
		bool one_way = rng_chance(&p.rng, 0.5);

		p.cut[0] = !one_way;
		p.cut[1] = true;
		run_for(&p, rng_below(&p.rng, 1700 * CLOCK_MS));
		p.cut[0] = p.cut[1] = false;
		run_for(&p, 2 * CLOCK_S + rng_below(&p.rng, CLOCK_S));
	}
	ck_assert_all_up(&p, _i);
}
END_TEST

START_TEST(hours_of_5_percent_loss_take_nobody_down)
{
	struct pair p;

	pair_init(&p, &usual, (uint64_t)_i);
	p.loss = 0.05;
	run_for(&p, 10 * 3600 * CLOCK_S);
	ck_assert_all_up(&p, _i);
}
END_TEST

START_TEST(hours_of_5_percent_loss_take_nobody_down_under_traffic)
{
	struct pair p;

	pair_init(&p, &usual, (uint64_t)_i);
	set_traffic(&p, (uint64_t)_i);
	p.loss = 0.05;
	run_for(&p, 1800 * CLOCK_S);
	ck_assert_all_up(&p, _i);
}
END_TEST

START_TEST(twenty_percent_loss_for_20_s_takes_nobody_down)
{
	for (uint64_t n = 0; n < 1000; n++) {
		struct pair p;

		pair_init(&p, &usual, (uint64_t)_i * 1000 + n);
		set_traffic(&p, n);
		run_for(&p, 3 * CLOCK_S);
		p.loss = 0.2;
		run_for(&p, 20 * CLOCK_S);
		ck_assert_all_up(&p, _i);
	}
}
END_TEST

START_TEST(any_configuration_keeps_an_idle_pair_up_and_finds_a_cut)
{
	for (uint32_t down_after = 1; down_after <= 10; down_after++) {
		static const uint64_t intervals[] = { 100 * CLOCK_MS, CLOCK_S,
						      60 * CLOCK_S };
		struct liveness_config c = { intervals[_i], down_after };
		struct pair p;

		pair_init(&p, &c, down_after);
		run_for(&p, 100 * c.interval_us);
		ck_assert_all_up(&p, (int)down_after);
		p.cut[1] = true;
		run_for(&p, (down_after + 1) * c.interval_us);
		ck_assert_int_eq(p.ends[0].verdict, LIVENESS_DEAF);
		ck_assert_int_eq(p.ends[1].verdict, LIVENESS_SILENT);
	}
}
END_TEST

START_TEST(a_peer_that_never_reports_is_not_deaf)
{
	struct pair p;

	pair_init(&p, &usual, 1);
	p.ends[1].mute = true;
	p.ends[1].data_every_us = 500 * CLOCK_MS;
	p.ends[0].data_every_us = 100 * CLOCK_MS;
	run_for(&p, 100 * CLOCK_S);
	ck_assert_uint_eq(p.ends[0].changes, 0);
}
END_TEST

START_TEST(a_peer_that_counts_anew_is_not_deaf)
{
	struct pair p;

	pair_init(&p, &usual, (uint64_t)_i);
	run_for(&p, 50 * CLOCK_S);
	for (int n = 0; n < 50; n++) {
		liveness_init(&p.ends[1].l, p.now_us);
		run_for(&p, rng_below(&p.rng, 5 * CLOCK_S));
	}
	ck_assert_all_up(&p, _i);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("cost"),
	UNIT_SEEDS(an_idle_pair_costs_one_probe_and_one_echo_a_second, 20),
	UNIT_SEEDS(a_busy_pair_costs_no_more_than_a_probe_a_second_each, 5),
	UNIT_TEST(a_peer_that_is_gone_is_asked_faster_only_before_it_is_down),
	UNIT_CASE("down"),
	UNIT_SEEDS(a_peer_cut_off_is_silent_after_the_limit, 200),
	UNIT_SEEDS(one_way_cut_makes_one_end_deaf_and_the_other_silent, 500),
	UNIT_CASE("up", .timeout_s = 60),
	UNIT_SEEDS(short_cuts_take_nobody_down, 30),
	UNIT_SEEDS(hours_of_5_percent_loss_take_nobody_down, 5),
	UNIT_LOOP(hours_of_5_percent_loss_take_nobody_down_under_traffic,
		  TRAFFICS),
	UNIT_LOOP(twenty_percent_loss_for_20_s_takes_nobody_down, 2),
	UNIT_LOOP(any_configuration_keeps_an_idle_pair_up_and_finds_a_cut, 3),
	UNIT_TEST(a_peer_that_never_reports_is_not_deaf),
	UNIT_SEEDS(a_peer_that_counts_anew_is_not_deaf, 10),
};

UNIT_MAIN("liveness_pair", tests)
