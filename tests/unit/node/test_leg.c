/* node/leg, legs, sought: hosts that do not reach each other meet by a third. */
#include <check.h>
#include <string.h>

#include "node/core.h"
#include "node/leg.h"
#include "node/relay.h"
#include "node/sought.h"
#include "support/apart.h"
#include "support/main.h"

static void setup(void)
{
	apart_init(3);
	c->config.relay = true;
}

static void teardown(void)
{
	hosts_free(&h);
}

static void start(struct host *host)
{
	host_start(host);
	if (host != c)
		host_dial(host, c);
}

static void start_all(void)
{
	start(c);
	start(a);
	start(b);
}

static const struct peer *peer_of(const struct host *host,
				  const struct host *of)
{
	return peers_find(host->node, &of->key);
}

START_TEST(two_that_do_not_reach_each_other_meet_by_a_relay)
{
	start_all();
	ck_assert(hosts_until(&h, are_relayed, 5 * CLOCK_S));
	ck_assert(host_talks(a, b));
	ck_assert(host_talks(b, a));
	ck_assert_ptr_eq(leg_relay(a->node, peer_of(a, b)->path.way.remote.leg),
			 peer_of(a, c));
	hosts_run(&h, 200 * CLOCK_S);
	ck_assert(are_relayed(&h));
	ck_assert(host_talks(a, b));
	ck_assert(host_talks(b, a));
}
END_TEST

START_TEST(whoever_begins_to_relay_is_asked_at_once)
{
	c->config.relay = false;
	start_all();
	hosts_run(&h, 100 * CLOCK_S);
	ck_assert(!hosts_pair_up(&h));
	node_set_relay(c->node, true, hosts_clock(c));
	ck_assert(hosts_until(&h, are_relayed, 5 * CLOCK_S));
	ck_assert(host_talks(a, b));
}
END_TEST

/* By c alone, and by another when it is gone. */
static bool by(const struct host *host, const struct host *of,
	       const struct host *relay)
{
	return leg_relay(host->node, peer_of(host, of)->path.way.remote.leg) ==
	       peer_of(host, relay);
}

START_TEST(another_relay_takes_over_when_one_dies)
{
	struct host *const d = &h.host[3], *first, *second;

	hosts_free(&h);
	apart_init(4);
	c->config.relay = d->config.relay = true;
	start(c);
	start(d);
	start(a);
	start(b);
	ck_assert(hosts_until(&h, are_relayed, 5 * CLOCK_S));
	hosts_run(&h, CLOCK_S);
	first = by(a, b, c) ? c : d;
	second = first == c ? d : c;
	host_stop(first);
	hosts_run(&h, 3 * CLOCK_S); /* down_after */
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert(are_relayed(&h));
	ck_assert(by(a, b, second));
	ck_assert(host_talks(a, b));
}
END_TEST

/* What a and b are sent by a leg that is of that type, the first each: it is lost. */
static enum wire_type lost_first;
static unsigned lost_at;

static enum fate lose_the_first(struct hosts *hosts, struct flight *f)
{
	const struct host *to = hosts_at(hosts, &f->to);
	unsigned bit = to ? 1u << (to - a) : 0;

	if (f->bytes[0] != WIRE_RELAYED || f->sender != 2 ||
	    f->bytes[WIRE_RELAYED_LEN] != lost_first || lost_at & bit)
		return keep_apart(hosts, f);
	lost_at |= bit;
	return LOSE;
}

START_TEST(a_handshake_that_is_lost_is_begun_anew)
{
	static const enum wire_type types[] = { WIRE_INITIATION, WIRE_RESPONSE,
						WIRE_DATA };

	lost_first = types[_i];
	lost_at = 0;
	h.judge = lose_the_first;
	start_all();
	ck_assert(hosts_until(&h, are_relayed, 6 * CLOCK_S));
	ck_assert_uint_ne(lost_at, 0);
}
END_TEST

/* a, b and d know c, which a loses for a while and has by d then. */
static bool c_is_cut;

static enum fate cut_c(struct hosts *hosts, struct flight *f)
{
	const struct host *from = hosts_at(hosts, &f->from);
	const struct host *to = hosts_at(hosts, &f->to);
	struct host *const d = &h.host[3];

	if (!from || !to)
		return LOSE;
	if ((from == b && to == d) || (from == d && to == b))
		return LOSE;
	if (c_is_cut && ((from == a && to == c) || (from == c && to == a)))
		return LOSE;
	return keep_apart(hosts, f);
}

START_TEST(a_relay_that_is_reached_directly_again_is_asked)
{
	struct host *const d = &h.host[3];

	hosts_free(&h);
	apart_init(4);
	h.judge = cut_c;
	c_is_cut = false;
	c->config.relay = d->config.relay = true;
	start(c);
	start(d);
	host_dial(d, a);
	start(a);
	start(b);
	ck_assert(hosts_until(&h, are_relayed, 5 * CLOCK_S));
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert(host_up(a, d) && by(a, b, c));
	c_is_cut = true;
	hosts_run(&h, 150 * CLOCK_S);
	ck_assert(host_info(a, c).relayed && by(a, c, d));
	ck_assert(!host_up(a, b));
	c_is_cut = false;
	/* The next round of punching, and they are asked. */
	ck_assert(hosts_until(&h, are_relayed, 75 * CLOCK_S));
}
END_TEST

START_TEST(a_direct_path_that_is_lost_is_replaced)
{
	apart = false;
	start_all();
	ck_assert(hosts_until(&h, hosts_all_up, 5 * CLOCK_S));
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert(!are_relayed(&h));
	apart = true;
	hosts_run(&h, 3500 * CLOCK_MS);
	ck_assert(hosts_until(&h, are_relayed, 5 * CLOCK_S));
	ck_assert(host_talks(b, a));
}
END_TEST

START_TEST(a_leg_ends_when_the_relay_is_told_to_stop)
{
	start_all();
	ck_assert(hosts_until(&h, are_relayed, 5 * CLOCK_S));
	node_set_relay(c->node, false, hosts_clock(c));
	hosts_run(&h, CLOCK_S);
	ck_assert(!host_up(a, b));
	ck_assert(!host_up(b, a));
}
END_TEST

static size_t relayed_since(size_t since)
{
	return hosts_count_sent(&h, WIRE_RELAYED, c, NULL, since);
}

START_TEST(without_a_relay_they_meet_and_no_more)
{
	c->config.relay = false;
	start_all();
	hosts_run(&h, 8 * CLOCK_S);
	ck_assert(!host_up(a, b) && !host_up(b, a));
	ck_assert_uint_gt(relayed_since(0), 3);
	ck_assert_uint_le(relayed_since(0), RELAY_BRIEF);
	ck_assert(!host_talks(a, b));
	hosts_run(&h, 20 * CLOCK_S);
	ck_assert_uint_le(relayed_since(0), 2 * RELAY_BRIEF);
	ck_assert_int_eq(host_info(a, b).state, NODE_PEER_STATE_DOWN);
	ck_assert_str_eq(host_info(a, b).reason,
			 "no direct way, and no relay: set relay = true on a "
			 "host that both reach");
	/* As soon as one is there. */
	node_set_relay(c->node, true, hosts_clock(c));
	ck_assert(hosts_until(&h, are_relayed, 10 * CLOCK_S));
}
END_TEST

START_TEST(what_comes_by_a_leg_comes_from_the_relay)
{
	const struct flight *f;

	start_all();
	ck_assert(hosts_until(&h, are_relayed, 5 * CLOCK_S));
	hosts_forget_log(&h);
	host_say(b, 1);
	arrive();
	f = hosts_sent(&h, WIRE_RELAYED, c, a, 0, 0);
	ck_assert_ptr_nonnull(f);
	host_receive(a, &elsewhere, f->bytes, f->len);
	ck_assert_uint_eq(host_drops(a, DROP_leg_source), 1);
	f = hosts_sent(&h, WIRE_RELAYED, b, c, 0, 0);
	ck_assert_ptr_nonnull(f);
	host_receive(c, &elsewhere, f->bytes, f->len);
	ck_assert_uint_eq(host_drops(c, DROP_leg_source), 1);
}
END_TEST

START_TEST(a_leg_to_another_key_is_of_no_use)
{
	struct leg *leg;

	start_all();
	ck_assert(hosts_until(&h, are_relayed, 5 * CLOCK_S));
	/* a believes that it leads to somebody else. */
	leg = leg_find(a->node, peer_of(a, b)->path.way.remote.leg);
	leg->far.bytes[0] ^= 1;
	host_say(b, 1);
	arrive();
	ck_assert(!host_heard(a, b, 1));
	ck_assert_uint_gt(host_drops(a, DROP_leg_key), 0);
}
END_TEST

START_TEST(what_nobody_needs_is_given_back)
{
	start_all();
	ck_assert(hosts_until(&h, are_relayed, 5 * CLOCK_S));
	apart = false;
	hosts_run(&h, 300 * CLOCK_S);
	ck_assert(hosts_all_up(&h) && !are_relayed(&h));
	ck_assert_uint_eq(table_count(a->node->legs->by_index), 0);
	ck_assert_uint_eq(table_count(b->node->legs->by_index), 0);
	ck_assert_uint_eq(table_count(c->node->relay->by_pair), 0);
	ck_assert_uint_eq(table_count(c->node->relay->by_index), 0);
	ck_assert_uint_eq(table_count(a->node->search->by_key), 0);
	ck_assert_uint_eq(a->node->peers.by_leg, 0);
}
END_TEST

START_TEST(who_is_not_up_is_unknown)
{
	const struct public_key nobody = { { 0xee } };

	start_all();
	ck_assert(hosts_until(&h, are_relayed, 5 * CLOCK_S));
	sought_want(a->node, &nobody, 0, hosts_clock(a).mono_us);
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_uint_eq(table_count(a->node->legs->by_index), 1);
	ck_assert_uint_eq(table_count(c->node->relay->by_pair), 1);
	ck_assert_uint_eq(sought_find(a->node, &nobody)->failures, 1);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("leg", .setup = setup, .teardown = teardown, .timeout_s = 30),
	UNIT_TEST(two_that_do_not_reach_each_other_meet_by_a_relay),
	UNIT_TEST(whoever_begins_to_relay_is_asked_at_once),
	UNIT_TEST(another_relay_takes_over_when_one_dies),
	UNIT_LOOP(a_handshake_that_is_lost_is_begun_anew, 3),
	UNIT_TEST(a_relay_that_is_reached_directly_again_is_asked),
	UNIT_TEST(a_direct_path_that_is_lost_is_replaced),
	UNIT_TEST(a_leg_ends_when_the_relay_is_told_to_stop),
	UNIT_TEST(without_a_relay_they_meet_and_no_more),
	UNIT_TEST(what_comes_by_a_leg_comes_from_the_relay),
	UNIT_TEST(a_leg_to_another_key_is_of_no_use),
	UNIT_TEST(what_nobody_needs_is_given_back),
	UNIT_TEST(who_is_not_up_is_unknown),
};

UNIT_MAIN("leg", tests)
