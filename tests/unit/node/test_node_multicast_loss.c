/* lib/node: what is lost, late, gone or too much of multicast membership costs
 * copies and no frames. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/main.h"
#include "support/opened.h"
#include "support/stations.h"
#include "support/three.h"

/* groups.c: a peer may not notice for so long that it is down. */
#define UNAWARE_US (185 * CLOCK_S)

static bool knows(const struct host *host, const struct host *of)
{
	const struct node_debug_peer peer = host_peer(host, of);

	return host_up(host, of) && peer.registered == peer.announced &&
	       peer.registered == host_debug(of).version;
}

static bool all_know(const struct hosts *hosts)
{
	for (size_t i = 0; i < hosts->count; i++)
		for (size_t j = 0; j < hosts->count; j++)
			if (i != j && hosts->host[i].node &&
			    hosts->host[j].node &&
			    !(host_up(&hosts->host[i], &hosts->host[j]) &&
			      knows(&hosts->host[i], &hosts->host[j])))
				return false;
	return true;
}

static bool a_knows_b(const struct hosts *hosts)
{
	(void)hosts;
	return knows(a, b);
}

static const char *scenario = ""; /* of the table, while it is played */

static void assert_sends(struct host *host, const struct group *group,
			 const char *to)
{
	const char *sent = station_sends(host, group);

	ck_assert_msg(strcmp(sent, to) == 0, "%s: \"%s\", not \"%s\"", scenario,
		      sent, to);
}

/* Whom a sends to, of each group; NULL: whoever it is. */
static void a_sends(const char *to_g1, const char *to_g2, const char *to_g3)
{
	if (to_g1)
		assert_sends(a, &g1, to_g1);
	if (to_g2)
		assert_sends(a, &g2, to_g2);
	if (to_g3)
		assert_sends(a, &g3, to_g3);
}

static bool is_from(const struct flight *p, const struct host *host)
{
	return addr_equal(&p->from, &host->addrs[0]);
}

static bool is_to(const struct flight *p, const struct host *host)
{
	return addr_equal(&p->to, &host->addrs[0]);
}

/* What b tells a of its groups. */
static bool is_told(struct hosts *hosts, const struct flight *p)
{
	return is_from(p, b) && is_to(p, a) &&
	       hosts_carries(hosts, p, WIRE_GROUPS);
}

static enum fate lose(struct hosts *hosts, struct flight *p)
{
	return is_told(hosts, p) ? LOSE : PASS;
}

static enum fate hold(struct hosts *hosts, struct flight *p)
{
	return is_told(hosts, p) ? HOLD : PASS;
}

static uint64_t lose_until_us;

static enum fate lose_for_a_while(struct hosts *hosts, struct flight *p)
{
	return hosts->net.now_us < lose_until_us ? lose(hosts, p) : PASS;
}

/* ---- lost and late ---- */

enum act { END, JOIN, LEAVE, RESTART, JUDGE, RELEASE, WAIT, SENDS };

/* What b does, and what becomes of what it tells a. */
struct step {
	enum act act;
	unsigned n; /* a group, ms, or the nth that was held */
	enum fate (*judge)(struct hosts *hosts, struct flight *p);
	const char *to[3]; /* as a_sends */
};

#define JOINS(group)	       UNIT_ROW(.act = JOIN, .n = (group))
#define LEAVES(group)	       UNIT_ROW(.act = LEAVE, .n = (group))
#define RESTARTS	       UNIT_ROW(.act = RESTART)
#define IS_LOST		       UNIT_ROW(.act = JUDGE, .judge = lose)
#define IS_HELD		       UNIT_ROW(.act = JUDGE, .judge = hold)
#define ARRIVES		       UNIT_ROW(.act = JUDGE)
#define COMES_LATE(nth)	       UNIT_ROW(.act = RELEASE, .n = (nth))
#define AFTER(ms)	       UNIT_ROW(.act = WAIT, .n = (ms))
#define A_SENDS(to1, to2, to3) UNIT_ROW(.act = SENDS, .to = { to1, to2, to3 })

/* Afterwards all know the same. */
static const struct {
	const char *name;
	struct step steps[12];
} scenarios[] = {
	{ "a lost join is told again within 250 ms",
	  { IS_LOST, JOINS(1), ARRIVES, AFTER(10), A_SENDS("", NULL, NULL),
	    AFTER(240), A_SENDS("b", "", NULL) } },
	{ "any later word of it floods a peer that misses one",
	  { IS_LOST, JOINS(1), ARRIVES, JOINS(2), AFTER(5),
	    A_SENDS("b", NULL, "b"), AFTER(250), A_SENDS("b", "b", "") } },
	/* Nothing of groups comes through but in probes. */
	{ "a probe says that there is something newer",
	  { IS_LOST, JOINS(1), AFTER(1500), A_SENDS("b", NULL, "b"), ARRIVES,
	    AFTER(10000), A_SENDS("b", NULL, "") } },
	/* However long the news before it were not acknowledged. */
	{ "a lost join is told again soon whatever was lost before",
	  { IS_LOST, JOINS(1), AFTER(2900), JOINS(2), ARRIVES, AFTER(250),
	    A_SENDS("b", "b", "") } },
	{ "records that overtook one another are put right",
	  { IS_HELD, JOINS(1), JOINS(2), ARRIVES, COMES_LATE(1),
	    A_SENDS(NULL, NULL, "b"), COMES_LATE(0), A_SENDS("b", NULL, "b"),
	    AFTER(250), A_SENDS("b", "b", "") } },
	{ "a join that comes after its leave does not undo it",
	  { IS_HELD, JOINS(1), ARRIVES, AFTER(250), LEAVES(1), AFTER(3000),
	    A_SENDS("", NULL, NULL), COMES_LATE(0), A_SENDS("", NULL, NULL) } },
	{ "a restarted peer is flooded until it is known",
	  { JOINS(1), JOINS(2), AFTER(10), A_SENDS(NULL, NULL, ""), RESTARTS,
	    A_SENDS("b", NULL, "b"), AFTER(3000), A_SENDS("b", "b", "") } },
};

static void restart_b(void)
{
	host_stop(b);
	station_start(b);
	host_dial(b, a);
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
}

static void take(const struct step *step)
{
	const struct group *const groups[] = { NULL, &g1, &g2 };

	switch (step->act) {
	case JOIN:
		station_join(b, groups[step->n]);
		return;
	case LEAVE:
		station_leave(b, groups[step->n]);
		return;
	case RESTART:
		restart_b();
		return;
	case JUDGE:
		h.judge = step->judge;
		return;
	case RELEASE:
		hosts_release(&h, step->n);
		return;
	case WAIT:
		hosts_run(&h, step->n * CLOCK_MS);
		return;
	case SENDS:
		a_sends(step->to[0], step->to[1], step->to[2]);
		return;
	case END:
		return;
	}
}

START_TEST(what_is_lost_or_late_costs_copies_and_no_frames)
{
	scenario = scenarios[_i].name;
	for (const struct step *s = scenarios[_i].steps; s->act != END; s++)
		take(s);
	ck_assert_msg(all_know(&h), "%s: not all know", scenario);
}
END_TEST

/* The whole set, as it was in the beginning, comes when it is long another. */
START_TEST(a_whole_set_that_comes_late_prunes_nothing)
{
	h.judge = hold;
	hosts_mesh(&h, 2);
	h.judge = NULL;
	ck_assert_uint_ge(h.held_count, 1);
	node_tap_up(a->node, hosts_clock(a));
	node_tap_up(b->node, hosts_clock(b));
	hosts_run(&h, 3 * CLOCK_S);
	station_join(b, &g1);
	arrive();
	a_sends("b", "", NULL);
	hosts_release(&h, 0);
	a_sends("b", NULL, NULL);
	ck_assert(hosts_until(&h, all_know, 5 * CLOCK_S));
	a_sends("b", "", NULL);
}
END_TEST

/* It was acknowledged that the group was left, which is forgotten by then. */
START_TEST(a_whole_set_that_comes_late_brings_no_group_back)
{
	host_start(a);
	station_start(b);
	hosts_run(&h, 3 * CLOCK_S);
	station_join(b, &g1);
	h.judge = hold;
	host_dial(a, b);
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
	hosts_run(&h, 100 * CLOCK_MS);
	h.judge = NULL;
	ck_assert_uint_eq(h.held_count, 1);
	ck_assert(hosts_until(&h, a_knows_b, CLOCK_S));
	a_sends("b", NULL, NULL);
	station_leave(b, &g1);
	hosts_run(&h, 4 * CLOCK_S);
	a_sends("", NULL, NULL);
	ck_assert_uint_eq(host_debug(b).left, 0);
	h.judge = lose_for_a_while;
	lose_until_us = h.net.now_us + 1500 * CLOCK_MS;
	hosts_release(&h, 0);
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert(knows(a, b));
	a_sends("", NULL, NULL);
}
END_TEST

static struct rng weather;

/* A quarter is lost; the others overtake one another. */
static void rain(void)
{
	static const struct link rainy = { .loss = 0.25,
					   .reorder = 1,
					   .delay_min_us = CLOCK_MS,
					   .delay_max_us = 26 * CLOCK_MS };

	net_all_links(&h.net, &rainy);
}

static void station_toggle(struct host *host, struct rng *rng, bool joined[8])
{
	uint32_t i = (uint32_t)rng_below(rng, 8);
	struct group g = station_group(i);

	joined[i] = !joined[i];
	if (joined[i])
		station_join(host, &g);
	else
		station_leave(host, &g);
}

START_TEST(after_any_loss_all_know_the_same)
{
	bool joined[HOSTS_MAX][8] = { { false } };

	weather = h.net.rng = rng_init((uint64_t)_i);
	rain();
	for (int step = 0; step < 60; step++) {
		size_t who = rng_below(&weather, 3);

		station_toggle(&h.host[who], &weather, joined[who]);
		hosts_run(&h, rng_below(&weather, 400 * CLOCK_MS));
	}
	hosts_heal(&h);
	hosts_run(&h, 10 * CLOCK_S);
	ck_assert(all_know(&h));
	for (uint32_t i = 0; i < 8; i++) {
		struct group g = station_group(i);
		char expected[3] = { 0 };
		size_t n = 0;

		if (joined[1][i])
			expected[n++] = 'b';
		if (joined[2][i])
			expected[n++] = 'c';
		ck_assert_str_eq(station_sends(a, &g), expected);
	}
	for (size_t i = 0; i < 3; i++)
		ck_assert_uint_eq(host_debug(&h.host[i]).left, 0);
}
END_TEST

/* What each host wanted, by the version of its declaration; a bit for a group. */
#define VERSIONS 4096
static struct {
	bool seen;
	uint8_t wanted;
} history[HOSTS_MAX][VERSIONS];

static void note_history(const struct host *host, size_t i)
{
	uint32_t version = host_debug(host).version;

	ck_assert_uint_lt(version, VERSIONS);
	history[i][version].seen = true;
	history[i][version].wanted = 0;
	for (uint32_t j = 0; j < 8; j++) {
		struct group g = station_group(j);

		if (station_is_heard(host, &g))
			history[i][version].wanted |= (uint8_t)(1u << j);
	}
}

static void assert_nothing_missing(const struct host *host,
				   const struct host *of, size_t of_i)
{
	struct node_debug_peer peer;

	if (!host_knows(host, of))
		return;
	peer = host_peer(host, of);
	if (peer.flooded || peer.epoch != host_debug(of).epoch ||
	    !history[of_i][peer.registered].seen)
		return;
	for (uint32_t j = 0; j < 8; j++) {
		struct group g = station_group(j);

		if (history[of_i][peer.registered].wanted & 1u << j)
			ck_assert(station_is_member(host, &g, of));
	}
}

static void (*answer_queries)(struct hosts *hosts);

static void look(struct hosts *hosts)
{
	answer_queries(hosts);
	for (size_t i = 0; i < 3; i++)
		note_history(&hosts->host[i], i);
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < 3; j++)
			if (i != j)
				assert_nothing_missing(&hosts->host[i],
						       &hosts->host[j], j);
}

static void restart(size_t i)
{
	host_stop(&h.host[i]);
	memset(history[i], 0, sizeof(history[i]));
	station_start(&h.host[i]);
	host_dial(&h.host[i], &h.host[(i + 1) % 3]);
	host_dial(&h.host[i], &h.host[(i + 2) % 3]);
	for (size_t j = 0; j < 3; j++) {
		host_forget_events(&h.host[j]);
		host_forget_written(&h.host[j]);
	}
}

/* Whoever is not flooded is a member of all that it wanted when it had the
 * version that is held: through loss, cuts, restarts. */
START_TEST(who_is_not_flooded_lacks_nothing_at_any_moment)
{
	bool joined[HOSTS_MAX][8] = { { false } };

	weather = h.net.rng = rng_init(1000 + (uint64_t)_i);
	answer_queries = h.tap_sides;
	stations_mesh(&h, 3);
	h.tap_sides = look;
	rain();
	for (int step = 0; step < 80; step++) {
		size_t who = rng_below(&weather, 3);

		if (rng_chance(&weather, 0.04)) {
			restart(who);
		} else if (rng_chance(&weather, 0.04)) {
			net_isolate(&h.net, 1, true);
			hosts_run(&h, 4 * CLOCK_S);
			rain();
		} else {
			station_toggle(&h.host[who], &weather, joined[who]);
		}
		hosts_run(&h, rng_below(&weather, 500 * CLOCK_MS));
		for (size_t j = 0; j < 3; j++)
			host_forget_events(&h.host[j]);
	}
	hosts_heal(&h);
	hosts_run(&h, 20 * CLOCK_S);
	ck_assert(all_know(&h));
}
END_TEST

/* ---- peers that go and come ---- */

START_TEST(what_it_left_before_it_restarted_is_gone)
{
	station_join(b, &g1);
	station_join(b, &g2);
	arrive();
	host_stop(b);
	station_silence(b, true);
	station_start(b);
	station_join(b, &g2);
	host_dial(b, a);
	hosts_run(&h, 5 * CLOCK_S);
	a_sends("", "b", NULL);
}
END_TEST

START_TEST(a_restarted_node_is_told_everything)
{
	station_join(b, &g1);
	hosts_run(&h, CLOCK_S);
	host_stop(a);
	station_start(a);
	host_dial(a, b);
	host_dial(a, c);
	ck_assert(hosts_until(&h, hosts_all_up, CLOCK_S));
	arrive();
	a_sends("b", "", NULL);
	ck_assert(hosts_until(&h, all_know, 3 * CLOCK_S));
}
END_TEST

static void cut_b(bool from, bool to)
{
	for (const struct host *other = a; other;
	     other = other == a ? c : NULL) {
		hosts_link(&h, b, other)->cut = from;
		hosts_link(&h, other, b)->cut = to;
	}
}

START_TEST(a_peer_that_is_down_is_flooded_and_known_when_it_is_back)
{
	station_join(b, &g1);
	station_join(b, &g2);
	station_join(a, &g3);
	hosts_run(&h, CLOCK_S);
	cut_b(_i != 1, _i != 2);
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert(!host_up(a, b) && !host_up(b, a));
	a_sends("b", NULL, "b");
	ck_assert_str_eq(station_sends(c, &g3), "ab");
	station_leave(b, &g1);
	station_join(b, &g3);
	station_leave(a, &g3);
	hosts_run(&h, 3 * CLOCK_S);
	cut_b(false, false);
	ck_assert(hosts_until(&h, hosts_all_up, 6 * CLOCK_S));
	a_sends(NULL, "b", NULL);
	ck_assert(hosts_until(&h, all_know, 2 * CLOCK_S));
	a_sends("", "b", "b");
	ck_assert_str_eq(station_sends(b, &g3), "");
	ck_assert_str_eq(station_sends(c, &g3), "b");
}
END_TEST

/* Only a thinks that b was away; b still holds all of a's, and a nothing. */
START_TEST(a_peer_that_was_dropped_and_welcomed_again_is_known_again)
{
	struct public_key c_only;

	station_join(b, &g1);
	station_join(a, &g2);
	hosts_run(&h, CLOCK_S);
	c_only = c->key;
	node_set_trusted(a->node, &c_only, 1, hosts_clock(a));
	ck_assert(!host_knows(a, b));
	a_sends("", NULL, NULL);
	node_set_trusted(a->node, NULL, 0, hosts_clock(a));
	hosts_run(&h, 500 * CLOCK_MS);
	host_dial(a, b);
	ck_assert(hosts_until(&h, hosts_all_up, 6 * CLOCK_S));
	ck_assert(hosts_until(&h, all_know, CLOCK_S));
	a_sends("b", NULL, "");
	ck_assert_str_eq(station_sends(b, &g2), "a");
	ck_assert_str_eq(station_sends(b, &g3), "");
}
END_TEST

/* Only b thinks that a was away, and a never heard of what b left meanwhile; and
 * the first record that would tell it everything anew is lost. */
START_TEST(a_peer_that_did_not_notice_that_it_was_down_hears_of_leaves)
{
	a->config.down_after = 20;
	stations_mesh(&h, 2);
	station_join(b, &g1);
	station_join(b, &g2);
	hosts_run(&h, CLOCK_S);
	net_isolate(&h.net, 1, true);
	station_leave(b, &g1);
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert(!host_up(b, a));
	a_sends("b", NULL, NULL);
	hosts_heal(&h);
	h.judge = lose_for_a_while;
	lose_until_us = CLOCK_NEVER;
	ck_assert(hosts_until(&h, hosts_pair_up, 5 * CLOCK_S));
	lose_until_us = h.net.now_us + 100 * CLOCK_MS;
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
	ck_assert(knows(a, b));
	a_sends("", "b", NULL);
}
END_TEST

/* The same, when b had not even a place for it. */
START_TEST(a_peer_that_was_dropped_unnoticed_hears_of_leaves)
{
	struct public_key nobody = { { 1 } };

	station_join(b, &g1);
	station_join(b, &g2);
	hosts_run(&h, CLOCK_S);
	station_leave(b, &g1);
	hosts_run(&h, 1900 * CLOCK_MS);
	node_set_trusted(b->node, &nobody, 1, hosts_clock(b));
	hosts_run(&h, 500 * CLOCK_MS);
	node_set_trusted(b->node, NULL, 0, hosts_clock(b));
	h.judge = lose_for_a_while;
	lose_until_us = h.net.now_us + 300 * CLOCK_MS;
	host_dial(b, a);
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
	ck_assert(knows(a, b));
	a_sends("", "b", NULL);
}
END_TEST

START_TEST(groups_of_who_said_bye_are_gone)
{
	struct node_group_info info;
	struct node_iter at = { 0 };

	station_join(b, &g1);
	arrive();
	ck_assert(node_next_group(a->node, &at, &info));
	node_bye(b->node, hosts_clock(b));
	arrive();
	at = (struct node_iter){ 0 };
	ck_assert(!node_next_group(a->node, &at, &info));
	ck_assert_uint_eq(host_debug(a).groups, 0);
}
END_TEST

static enum fate lose_acks_from_a(struct hosts *hosts, struct flight *p)
{
	return is_from(p, a) && hosts_carries(hosts, p, WIRE_PROBE) ? LOSE
								    : PASS;
}

/* No session is there to tell of it; the first one that is does, though what was
 * told before it was to be repeated much later. */
START_TEST(a_join_while_the_secret_is_replaced_is_told_by_the_next_session)
{
	static const uint8_t other[1][KEY_LEN] = { { 1 } };

	h.judge = lose_acks_from_a;
	station_join(b, &g2);
	hosts_run(&h, 1700 * CLOCK_MS);
	ck_assert(knows(a, b));
	h.judge = NULL;
	node_set_secrets(a->node, other, 1, hosts_clock(a));
	node_set_secrets(b->node, other, 1, hosts_clock(b));
	station_join(b, &g1);
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
	arrive();
	a_sends("b", NULL, NULL);
}
END_TEST

/* ---- leaves ---- */

static enum fate lose_groups_to_c(struct hosts *hosts, struct flight *p)
{
	return is_to(p, c) && hosts_carries(hosts, p, WIRE_GROUPS) ? LOSE
								   : PASS;
}

START_TEST(a_leave_is_kept_until_all_know_it_who_may_hold_the_join)
{
	station_join(b, &g1);
	station_join(b, &g2);
	hosts_run(&h, CLOCK_S);
	h.judge = lose_groups_to_c;
	station_leave(b, &g1);
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_uint_eq(host_debug(b).left, 1);
	a_sends("", NULL, NULL);
	ck_assert_str_eq(station_sends(c, &g1), "b");
	h.judge = NULL;
	hosts_run(&h, 7 * CLOCK_S);
	ck_assert_uint_eq(host_debug(b).left, 0);
	ck_assert_str_eq(station_sends(c, &g1), "");
	/* Who is down holds it up only as long as it may not know that it is. */
	station_leave(b, &g2);
	hosts_run(&h, 1900 * CLOCK_MS);
	hosts_link(&h, a, c)->cut = hosts_link(&h, b, c)->cut = true;
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert(!host_up(b, c));
	ck_assert_uint_eq(host_debug(b).left, 1);
	hosts_run(&h, UNAWARE_US);
	ck_assert_uint_eq(host_debug(b).left, 0);
	hosts_heal(&h);
	ck_assert(hosts_until(&h, all_know, 8 * CLOCK_S));
	ck_assert_str_eq(station_sends(c, &g2), "");
}
END_TEST

START_TEST(a_leave_that_nobody_is_there_to_hear_is_not_kept)
{
	host_start(b);
	node_tap_up(b->node, hosts_clock(b));
	station_join_many(b, 0, 5);
	hosts_run(&h, 3 * CLOCK_S);
	for (uint32_t i = 0; i < 5; i++) {
		struct group g = station_group(i);

		station_leave(b, &g);
	}
	hosts_run(&h, 3 * CLOCK_S);
	ck_assert_uint_eq(host_debug(b).left, 0);
	ck_assert_uint_eq(host_debug(b).joined, 0);
}
END_TEST

/* ---- many ---- */

/* What a host may have, but for mDNS's. */
#define MANY 9998

static size_t groups_sent(size_t since)
{
	size_t n = 0;
	const struct flight *p;

	for (size_t i = 0;
	     (p = hosts_sent(&h, WIRE_DATA, b, a, since, i)) != NULL; i++)
		n += hosts_carries(&h, p, WIRE_GROUPS);
	return n;
}

static void many_before_the_start(void)
{
	station_start(b);
	hosts_run(&h, 3 * CLOCK_S);
	station_join_many(b, 0, MANY);
	station_start(a);
	host_dial(a, b);
}

static void assert_many_are_known(void)
{
	struct group g = station_group(0);

	ck_assert_str_eq(station_sends(a, &g), "b");
	g = station_group(MANY - 1);
	ck_assert_str_eq(station_sends(a, &g), "b");
	g = station_group(MANY);
	ck_assert_str_eq(station_sends(a, &g), "");
	ck_assert_uint_eq(host_debug(a).groups, MANY);
	ck_assert_uint_eq(host_drops(a, DROP_groups_full), 0);
}

START_TEST(thousands_of_groups_are_told_in_windows_and_flooded_meanwhile)
{
	struct group none = station_group(MANY);
	struct opened one;
	size_t since, windows = 0;

	many_before_the_start();
	since = h.log_count;
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
	while (!knows(a, b)) {
		ck_assert_uint_le(groups_sent(since), 16);
		ck_assert_str_eq(station_sends(a, &none), "b");
		since = h.log_count;
		arrive();
		ck_assert_int_lt((int)windows++, 20);
	}
	/* 61 records of at most 1200 bytes, if nothing is lost. */
	ck_assert_uint_ge(windows, 4);
	ck_assert_uint_le(windows, 6);
	assert_many_are_known();
	/* One more is one small record. */
	since = h.log_count;
	station_join(b, &g1);
	ck_assert_uint_eq(h.log_count - since, 1);
	ck_assert(hosts_open(&h, h.log[since], &one));
	ck_assert_uint_eq(one.all, 1);
	ck_assert_uint_le(one.changes, 1);
}
END_TEST

START_TEST(thousands_of_groups_arrive_in_spite_of_loss)
{
	struct group none = station_group(MANY);
	uint64_t end_us;

	weather = h.net.rng = rng_init((uint64_t)_i);
	many_before_the_start();
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
	rain();
	end_us = h.net.now_us + 60 * CLOCK_S;
	while (h.net.now_us < end_us && !knows(a, b)) {
		/* The word of one who is down does not count either. */
		ck_assert_str_eq(station_sends(a, &none), "b");
		hosts_run(&h, 50 * CLOCK_MS);
	}
	hosts_heal(&h);
	ck_assert(hosts_until(&h, a_knows_b, 5 * CLOCK_S));
	assert_many_are_known();
}
END_TEST

START_TEST(thousands_that_join_at_once_are_told_to_who_is_up)
{
	station_join_many(b, 0, MANY);
	ck_assert(hosts_until(&h, a_knows_b, 5 * CLOCK_S));
	assert_many_are_known();
}
END_TEST

/* ---- full ---- */

START_TEST(who_finds_no_room_is_flooded_until_there_is_some)
{
	struct node_flooded_info info;
	struct group other = station_group(99);
	struct node_iter at = { 0 };

	a->config.mdb_capacity = 8;
	stations_mesh(&h, 3);
	station_join_many(b, 6, 3);
	arrive();
	station_join_many(c, 0, 6);
	arrive();
	ck_assert_str_eq(station_sends(a, &other), "c");
	ck_assert_uint_eq(host_drops(a, DROP_groups_full), 1);
	ck_assert(node_next_flooded(a->node, &at, &info));
	ck_assert_str_eq(info.peer, "c");
	ck_assert_str_eq(info.reason, "it joined more groups than fit here");
	hosts_run(&h, 31 * CLOCK_S);
	ck_assert_str_eq(station_sends(a, &other), "c");
	/* One has room for it now; but a few more might not. */
	for (uint32_t i = 0; i < 5; i++) {
		struct group g = station_group(i);

		ck_assert_str_eq(station_sends(a, &g), "c");
		station_leave(c, &g);
	}
	hosts_run(&h, 3 * CLOCK_S);
	ck_assert_str_eq(station_sends(a, &other), "c");
	hosts_run(&h, 31 * CLOCK_S);
	ck_assert_str_eq(station_sends(a, &other), "");
	for (uint32_t i = 5; i < 9; i++) {
		struct group g = station_group(i);

		ck_assert_str_eq(station_sends(a, &g), i == 5 ? "c" : "b");
	}
	ck_assert_uint_eq(host_drops(a, DROP_groups_full), 1);
}
END_TEST

START_TEST(who_holds_most_is_flooded_when_another_finds_no_room)
{
	struct node_flooded_info info;
	struct group other = station_group(99), own = station_group(6);
	struct node_iter at = { 0 };

	a->config.mdb_capacity = 8;
	stations_mesh(&h, 3);
	station_join_many(b, 0, 6);
	arrive();
	station_join_many(c, 6, 3);
	arrive();
	ck_assert_str_eq(station_sends(a, &other), "b");
	ck_assert_str_eq(station_sends(a, &own), "bc");
	ck_assert(node_next_flooded(a->node, &at, &info));
	ck_assert_str_eq(info.peer, "b");
	ck_assert_str_eq(info.reason, "it joined more groups than fit here");
	ck_assert(!node_next_flooded(a->node, &at, &info));
	/* When there is room for all, all are known again. */
	for (uint32_t i = 1; i < 6; i++) {
		struct group g = station_group(i);

		station_leave(b, &g);
	}
	hosts_run(&h, 34 * CLOCK_S);
	ck_assert_str_eq(station_sends(a, &other), "");
	ck_assert_str_eq(station_sends(a, &own), "c");
}
END_TEST

START_TEST(a_group_that_is_shown_has_only_members_that_joined_it)
{
	struct node_group_info info;
	struct node_iter at = { 0 };

	a->config.mdb_capacity = 2;
	stations_mesh(&h, 3);
	station_join_many(b, 0, 2);
	station_join_many(c, 2, 1);
	arrive();
	while (node_next_group(a->node, &at, &info)) {
		struct node_iter member = { 0 };

		ck_assert_str_eq(node_next_member(a->node, &info, &member),
				 "c");
		ck_assert_ptr_null(node_next_member(a->node, &info, &member));
	}
}
END_TEST

START_TEST(a_host_with_more_groups_than_fit_wants_everything)
{
	struct node_multicast_status s;
	struct group none = station_group(99);

	b->config.groups_max = 6; /* with mDNS's */
	stations_mesh(&h, 2);
	station_join_many(b, 0, 4);
	arrive();
	ck_assert_str_eq(station_sends(a, &none), "");
	station_join_many(b, 4, 1);
	arrive();
	ck_assert_uint_ge(host_drops(b, DROP_groups_full), 1);
	ck_assert_str_eq(station_sends(a, &none), "b");
	node_multicast_status(b->node, &s);
	ck_assert_str_eq(s.wants_all, "more groups than fit");
	ck_assert(s.unknowable);
	/* It leaves two, and is heard in the next round. */
	for (uint32_t i = 3; i < 5; i++) {
		struct group g = station_group(i);

		station_leave(b, &g);
	}
	hosts_run(&h, 150 * CLOCK_S);
	ck_assert_str_eq(station_sends(a, &none), "");
	node_multicast_status(b->node, &s);
	ck_assert(!s.wants_all && !s.unknowable);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("between two", .setup = three_setup_pair,
		  .teardown = three_teardown, .timeout_s = 60),
	UNIT_EACH(what_is_lost_or_late_costs_copies_and_no_frames, scenarios),
	UNIT_TEST(what_it_left_before_it_restarted_is_gone),
	UNIT_TEST(a_peer_that_was_dropped_unnoticed_hears_of_leaves),
	UNIT_TEST(groups_of_who_said_bye_are_gone),
	UNIT_TEST(
		a_join_while_the_secret_is_replaced_is_told_by_the_next_session),
	UNIT_TEST(thousands_that_join_at_once_are_told_to_who_is_up),
	UNIT_CASE("among three", .setup = three_setup_mesh,
		  .teardown = three_teardown),
	UNIT_LOOP(after_any_loss_all_know_the_same, 20),
	UNIT_TEST(a_restarted_node_is_told_everything),
	UNIT_LOOP(a_peer_that_is_down_is_flooded_and_known_when_it_is_back, 3),
	UNIT_TEST(a_peer_that_was_dropped_and_welcomed_again_is_known_again),
	UNIT_TEST(a_leave_is_kept_until_all_know_it_who_may_hold_the_join),
	UNIT_CASE("from the start", .setup = three_setup_stations,
		  .teardown = three_teardown),
	UNIT_TEST(a_whole_set_that_comes_late_prunes_nothing),
	UNIT_TEST(a_whole_set_that_comes_late_brings_no_group_back),
	UNIT_TEST(a_peer_that_did_not_notice_that_it_was_down_hears_of_leaves),
	UNIT_LOOP(who_is_not_flooded_lacks_nothing_at_any_moment, 6),
	UNIT_TEST(a_leave_that_nobody_is_there_to_hear_is_not_kept),
	UNIT_CASE("many and full", .setup = three_setup_stations,
		  .teardown = three_teardown, .timeout_s = 60),
	UNIT_TEST(
		thousands_of_groups_are_told_in_windows_and_flooded_meanwhile),
	UNIT_LOOP(thousands_of_groups_arrive_in_spite_of_loss, 3),
	UNIT_TEST(who_finds_no_room_is_flooded_until_there_is_some),
	UNIT_TEST(who_holds_most_is_flooded_when_another_finds_no_room),
	UNIT_TEST(a_group_that_is_shown_has_only_members_that_joined_it),
	UNIT_TEST(a_host_with_more_groups_than_fit_wants_everything),
};

UNIT_MAIN("node multicast loss", tests)
