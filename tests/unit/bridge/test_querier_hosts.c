/*
 * Local membership against simulated hosts, over many seeds: of every version,
 * behind firewalls, joining, leaving and vanishing while the TAP loses reports or is
 * down.
 * No frame of a group is lost to a member; once things are quiet, nothing is
 * wanted that nobody joined.
 */
#include <check.h>
#include <string.h>

#include "ether/snoop.h"
#include "support/group_equal.h"
#include "support/lan.h"
#include "support/main.h"
#include "support/rng.h"

#define HOSTS	    6
#define GROUPS	    8
#define SECOND_LOOK (1 * CLOCK_S)
#define EVENTS_MAX  512

/* What a host will send. */
struct event {
	uint64_t at_us;
	int host;
	enum report_type type;
	int group; /* -1: all it has, in one report */
};

struct sim_host {
	bool present, firewalled, vanishes;
	unsigned int igmp, mld; /* versions */
	bool joined[GROUPS];
};

struct sim {
	struct rng rng;
	struct querier *q;
	uint64_t now;
	struct sim_host hosts[HOSTS];
	struct group groups[GROUPS]; /* both families, two VLANs */
	struct event events[EVENTS_MAX];
	size_t count;
	bool listening;		     /* the querier is told of the MAC filter */
	bool tidy;		     /* no report is lost, no host vanishes */
	bool down;		     /* the TAP is */
	bool losing;		     /* the TAP's ring is full now and then */
	bool lost;		     /* a report was, since the last look */
	bool untidy;		     /* somebody left without a word */
	bool wants[GROUPS];	     /* as told */
	uint64_t missing_us[GROUPS]; /* since when, or CLOCK_NEVER */
};

static unsigned int version_of(const struct sim *s, int host, int group)
{
	const struct sim_host *h = &s->hosts[host];

	return group_is_v4(&s->groups[group]) ? h->igmp : h->mld;
}

static bool is_old(const struct sim *s, int host, int group)
{
	return version_of(s, host, group) <
	       (group_is_v4(&s->groups[group]) ? 3 : 2);
}

static void plan(struct sim *s, uint64_t delay_us, int host,
		 enum report_type type, int group)
{
	ck_assert_uint_lt(s->count, EVENTS_MAX);
	s->events[s->count++] =
		(struct event){ s->now + delay_us, host, type, group };
}

static void deliver(struct sim *s, int host, enum report_type type,
		    const struct group *groups, size_t count,
		    unsigned int version)
{
	const uint8_t mac[ETH_ADDR_LEN] = { 2, 0, 0, 0, 1, (uint8_t)host };
	uint8_t frame[REPORT_MAX];
	struct report m;
	struct eth_view v;
	size_t len;

	if (s->down)
		return;
	if (s->losing && rng_chance(&s->rng, 0.3)) {
		s->lost = true;
		return;
	}
	len = report_frame(frame, version, type, groups, count);
	ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
	snoop_parse(&m, &v, frame, len);
	ck_assert(querier_report(s->q, &m, mac, s->now));
}

/* Two reports of one host are never answered by one VLAN or family for another:
 * the answer to a general query is one report for each. */
static void deliver_all(struct sim *s, int host, int like)
{
	struct group groups[GROUPS];
	size_t count = 0;

	for (int g = 0; g < GROUPS; g++)
		if (s->hosts[host].joined[g] &&
		    s->groups[g].vlan == s->groups[like].vlan &&
		    group_is_v4(&s->groups[g]) == group_is_v4(&s->groups[like]))
			groups[count++] = s->groups[g];
	if (count)
		deliver(s, host, REPORT_ANSWER, groups, count,
			version_of(s, host, like));
}

static void happen(struct sim *s, const struct event *e)
{
	const struct sim_host *h = &s->hosts[e->host];

	if (!h->present)
		return;
	if (e->type == REPORT_ANSWER && e->group >= GROUPS)
		deliver_all(s, e->host, e->group - GROUPS);
	else if (h->joined[e->group] == (e->type != REPORT_LEAVE))
		deliver(s, e->host, e->type, &s->groups[e->group], 1,
			version_of(s, e->host, e->group));
}

/* ---- the querier's side ---- */

static bool is_asked(const struct querier_query *query, const struct group *g)
{
	const struct group all = { .vlan = query->group.vlan };

	if (g->vlan != query->group.vlan || group_is_v4(g) == query->v6)
		return false;
	return group_equal(&query->group, &all) ||
	       group_equal(&query->group, g);
}

static void ask_host(struct sim *s, int host, const struct querier_query *query)
{
	const struct group all = { .vlan = query->group.vlan };
	bool general = group_equal(&query->group, &all), planned = false;

	for (int g = 0; g < GROUPS; g++) {
		uint64_t wait_us = query->response_ms * CLOCK_MS;

		if (!is_asked(query, &s->groups[g]))
			continue;
		if (version_of(s, host, g) == 1 && !query->v6)
			wait_us = 10 * CLOCK_S;
		wait_us = rng_below(&s->rng, wait_us);
		if (!is_old(s, host, g) && general) {
			if (!planned)
				plan(s, wait_us, host, REPORT_ANSWER,
				     GROUPS + g);
			planned = true;
		} else if (s->hosts[host].joined[g]) {
			plan(s, wait_us, host, REPORT_ANSWER, g);
		}
	}
}

static void on_query(void *user, const struct querier_query *query)
{
	struct sim *s = user;

	for (int host = 0; host < HOSTS; host++)
		if (s->hosts[host].present && !s->hosts[host].firewalled)
			ask_host(s, host, query);
}

static void on_change(void *user, const struct group *group, bool wanted)
{
	struct sim *s = user;

	for (int g = 0; g < GROUPS; g++)
		if (group_equal(&s->groups[g], group)) {
			ck_assert_int_ne(s->wants[g], wanted);
			s->wants[g] = wanted;
			return;
		}
	ck_abort_msg("a group nobody spoke of");
}

static void on_vlan(void *user, uint16_t vlan, bool known)
{
	(void)known;
	(void)user;
	(void)vlan;
}

/* ---- what hosts do ---- */

static void join(struct sim *s, int host, int group)
{
	s->hosts[host].joined[group] = true;
	plan(s, 0, host, REPORT_JOIN, group);
	plan(s, rng_below(&s->rng, (is_old(s, host, group) ? 10 : 1) * CLOCK_S),
	     host, REPORT_JOIN, group);
}

static void leave(struct sim *s, int host, int group)
{
	s->hosts[host].joined[group] = false;
	if (version_of(s, host, group) == 1 && group_is_v4(&s->groups[group])) {
		s->untidy = true;
		return;
	}
	plan(s, 0, host, REPORT_LEAVE, group);
	if (!is_old(s, host, group))
		plan(s, rng_below(&s->rng, CLOCK_S), host, REPORT_LEAVE, group);
	if (s->losing || s->down)
		s->untidy = true; /* both may be lost */
}

static void act(struct sim *s)
{
	int host = (int)rng_below(&s->rng, HOSTS);
	int group = (int)rng_below(&s->rng, GROUPS);
	struct sim_host *h = &s->hosts[host];

	if (h->vanishes && rng_chance(&s->rng, 0.05)) {
		h->present = !h->present;
		s->untidy = true;
		for (int g = 0; g < GROUPS; g++)
			h->joined[g] = false;
	} else if (h->present && h->joined[group]) {
		leave(s, host, group);
	} else if (h->present) {
		join(s, host, group);
	}
}

/* ---- what must hold ---- */

static bool is_joined(const struct sim *s, int group)
{
	for (int host = 0; host < HOSTS; host++)
		if (s->hosts[host].present && s->hosts[host].joined[group])
			return true;
	return false;
}

/* A member that was never heard and does not answer is found by its listening MAC,
 * when the interface is looked at first after the last known member's leave. */
#define UNHEARD_MAX_US SECOND_LOOK

static void nothing_is_lost(struct sim *s)
{
	for (int g = 0; g < GROUPS; g++) {
		/* Until somebody looks, a lost report is not known to be. */
		if (s->lost || querier_want_all(s->q) || s->wants[g] ||
		    !is_joined(s, g))
			s->missing_us[g] = CLOCK_NEVER;
		else if (s->missing_us[g] == CLOCK_NEVER)
			s->missing_us[g] = s->now;
		ck_assert_msg(
			s->missing_us[g] == CLOCK_NEVER ||
				(s->listening &&
				 s->now - s->missing_us[g] <= UNHEARD_MAX_US),
			"group %d is lost at %.3f s", g,
			(double)(s->now - LAN_START) / 1e6);
	}
}

/* The daemon's look at the interface, every second and before a tick. */
static void look(struct sim *s)
{
	uint8_t macs[GROUPS * ETH_ADDR_LEN];
	size_t count = 0;

	if (s->down)
		return;
	if (s->lost)
		querier_dropped(s->q, s->now);
	s->lost = false;
	for (int g = 0; g < GROUPS; g++)
		if (is_joined(s, g))
			group_mac(&s->groups[g], macs + count++ * ETH_ADDR_LEN);
	if (s->listening)
		querier_listening(s->q, macs, count, s->now);
}

static uint64_t next_event(const struct sim *s, size_t *which)
{
	uint64_t at_us = CLOCK_NEVER;

	for (size_t i = 0; i < s->count; i++)
		if (s->events[i].at_us < at_us) {
			at_us = s->events[i].at_us;
			*which = i;
		}
	return at_us;
}

/* Events, then looks, then ticks, each at its time. */
static void run(struct sim *s, uint64_t until_us)
{
	while (s->now < until_us) {
		uint64_t look_us = (s->now / SECOND_LOOK + 1) * SECOND_LOOK;
		uint64_t tick_us = querier_deadline(s->q);
		size_t which = 0;
		uint64_t event_us = next_event(s, &which);
		uint64_t first = tick_us < look_us ? tick_us : look_us;

		if (event_us <= first) {
			struct event e = s->events[which];

			s->events[which] = s->events[--s->count];
			s->now = event_us > s->now ? event_us : s->now;
			happen(s, &e);
		} else {
			s->now = first > s->now ? first : s->now;
			look(s);
			querier_tick(s->q, s->now);
		}
		nothing_is_lost(s);
	}
}

static void init(struct sim *s, uint64_t seed_value, bool listening, bool tidy)
{
	static const uint8_t seed[TABLE_SEED_LEN] = { 7 };
	static const char *const ips[GROUPS] = {
		"239.1.1.1", "239.1.1.2",     "239.2.1.3",     "232.1.1.4",
		"239.1.1.5", "ff0e::1:1:101", "ff05::1:1:102", "ff38::1:1:103",
	};
	const struct querier_config config = { 64, 64 };
	const struct querier_ops ops = { on_query, on_change, on_vlan };

	*s = (struct sim){ .rng = rng_init(seed_value), .now = LAN_START };
	s->listening = listening;
	s->tidy = tidy;
	s->q = querier_new(&config, &ops, s, seed);
	ck_assert_ptr_nonnull(s->q);
	memset(s->missing_us, 0xff, sizeof(s->missing_us));
	for (int g = 0; g < GROUPS; g++)
		s->groups[g] = group_parse(g == 4 || g == 7 ? 5 : 0, ips[g]);
	querier_saw_vlan(s->q, 5, s->now);
	for (int i = 0; i < HOSTS; i++) {
		struct sim_host *h = &s->hosts[i];

		h->present = true;
		/* Without the MAC filter nobody could know of a host that
		 * joined before and never answers, or only later. */
		h->firewalled = listening && rng_chance(&s->rng, 0.3);
		h->vanishes = !tidy && rng_chance(&s->rng, 0.3);
		h->igmp = 3 - rng_chance(&s->rng, 0.3);
		if (listening && rng_chance(&s->rng, 0.1))
			h->igmp = 1;
		h->mld = 2 - rng_chance(&s->rng, 0.3);
		for (int g = 0; g < GROUPS; g++)
			h->joined[g] = rng_chance(&s->rng, 0.2);
	}
}

/* The link goes down while one of them leaves a group, or all may do anything. */
static void go_down(struct sim *s)
{
	if (s->tidy) {
		/* All have answered, as even old hosts do in time. */
		run(s, s->now + 160 * CLOCK_S);
		act(s);
		run(s, s->now + 1 + rng_below(&s->rng, 3 * CLOCK_S));
	}
	s->down = true;
	querier_stop(s->q);
	for (uint64_t i = rng_below(&s->rng, 4); i-- > 0 && !s->tidy;)
		act(s);
	run(s, s->now + rng_below(&s->rng, 10 * CLOCK_S));
	s->down = false;
	querier_start(s->q, s->now);
}

static void play(struct sim *s)
{
	querier_start(s->q, s->now);
	look(s);
	for (int minute = 0; minute < 40; minute++) {
		uint64_t actions = rng_below(&s->rng, 12);

		s->losing = !s->tidy && rng_chance(&s->rng, 0.2);
		for (uint64_t i = 0; i < actions; i++) {
			act(s);
			run(s, s->now + rng_below(&s->rng, 10 * CLOCK_S));
		}
		if (rng_chance(&s->rng, 0.03))
			querier_start(s->q, s->now);
		if (rng_chance(&s->rng, 0.05))
			go_down(s);
	}
}

/* All leave at once, and two general queries pass. */
static void calm_down(struct sim *s)
{
	s->losing = false;
	run(s, s->now + 300 * CLOCK_S);
	for (int g = 0; g < GROUPS; g++)
		ck_assert(!s->wants[g] || is_joined(s, g) || s->untidy);
	for (int host = 0; host < HOSTS; host++)
		for (int g = 0; g < GROUPS; g++)
			if (s->hosts[host].present && s->hosts[host].joined[g])
				leave(s, host, g);
	run(s, s->now + 300 * CLOCK_S);
	for (int g = 0; g < GROUPS; g++)
		ck_assert_msg(!s->wants[g] || s->untidy, "group %d stays", g);
	ck_assert_uint_eq(querier_want_all(s->q), 0);
}

static void sim_run(uint64_t seed, bool listening, bool tidy)
{
	struct sim s;

	init(&s, seed, listening, tidy);
	play(&s);
	calm_down(&s);
	ck_assert(!tidy || !s.untidy);
	querier_free(s.q);
}

START_TEST(no_member_loses_a_frame)
{
	sim_run((uint64_t)_i, false, false);
}
END_TEST

START_TEST(not_even_behind_a_firewall_when_the_filter_is_known)
{
	sim_run(1000 + (uint64_t)_i, true, false);
}
END_TEST

START_TEST(and_nobody_gets_one_for_long_who_is_no_member)
{
	sim_run(2000 + (uint64_t)_i, false, true);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_SEEDS(no_member_loses_a_frame, 50),
	UNIT_SEEDS(not_even_behind_a_firewall_when_the_filter_is_known, 50),
	UNIT_SEEDS(and_nobody_gets_one_for_long_who_is_no_member, 50),
};

UNIT_MAIN("querier_hosts", tests)
