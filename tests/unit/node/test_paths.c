/* lib/node: the paths of a peer. */
#include "node/paths.h"

#include <check.h>
#include <string.h>

#include "node/debug.h"
#include "node/leg.h"
#include "node/probe.h"
#include "support/main.h"
#include "support/outsider.h"
#include "support/three.h"

static struct peer *peer_of(const struct host *host, const struct host *of)
{
	struct peer *peer = peers_find(host->node, &of->key);

	ck_assert_ptr_nonnull(peer);
	return peer;
}

static size_t taken(const struct peer *peer)
{
	size_t n = 0;

	for (size_t i = 0; i < PATH_SPARES; i++)
		n += peer->paths.spares[i].taken;
	return n;
}

static size_t sent_there(const struct addr *to, size_t since)
{
	size_t n = 0;

	for (size_t i = since; i < h.log_count; i++)
		n += addr_equal(&h.log[i]->to, to);
	return n;
}

static struct way way_to(const struct addr *remote)
{
	return (struct way){ .remote = *remote };
}

/* b is also at 10.9.1.2, of which a does not know. */
static const struct addr *give_b_another(void)
{
	b->addrs[1] = addr_v4(0x0a090102, WIRE_PORT);
	b->addrs_count = 2;
	return &b->addrs[1];
}

static void meet(void)
{
	hosts_mesh(&h, 2);
	hosts_run(&h, CLOCK_S);
	host_forget_events(a);
}

static bool try_it(const struct addr *remote, enum path_rank rank)
{
	const struct way way = way_to(remote);

	return paths_try(a->node, peer_of(a, b), &way, rank, h.net.now_us);
}

/* ---- tried, and kept warm ---- */

START_TEST(a_better_way_is_used_once_an_echo_came_back_that_way)
{
	const struct addr *other = give_b_another();
	const struct way way = way_to(other);

	meet();
	ck_assert(!paths_has(peer_of(a, b), &way));
	ck_assert(try_it(other, PATH_LOCAL));
	ck_assert(!paths_has(peer_of(a, b), &way));
	ck_assert(host_sends_to(a, b, &b->addrs[0]));
	hosts_run(&h, 2 * h.latency_us + 2 * CLOCK_MS);
	ck_assert(paths_has(peer_of(a, b), &way));
	ck_assert(host_sends_to(a, b, other));
	ck_assert_int_eq(peer_of(a, b)->path.rank, PATH_LOCAL);
	ck_assert(host_talks(a, b));
	ck_assert(host_talks(b, a));
	/* What was in use is a spare. */
	hosts_run(&h, CLOCK_S);
	ck_assert_uint_eq(taken(peer_of(a, b)), 1);
	ck_assert(paths_has(peer_of(a, b),
			    &(struct way){ .remote = b->addrs[0] }));
	ck_assert(host_sends_to(a, b, other));
}
END_TEST

START_TEST(an_equal_way_is_a_spare_and_kept_warm)
{
	const struct addr *other = give_b_another();
	const struct way way = way_to(other);
	size_t since;

	meet();
	ck_assert(try_it(other, PATH_DIRECT));
	hosts_run(&h, CLOCK_S);
	ck_assert(paths_has(peer_of(a, b), &way));
	ck_assert(host_sends_to(a, b, &b->addrs[0]));
	ck_assert_uint_gt(peer_of(a, b)->paths.spares[0].path.rtt_us, 0);
	since = h.log_count;
	hosts_run(&h, 100 * CLOCK_S);
	ck_assert_uint_ge(sent_there(other, since), 7);
	ck_assert_uint_le(sent_there(other, since), 14);
	ck_assert_uint_eq(a->events_count, 0);
	ck_assert(host_sends_to(a, b, &b->addrs[0]));
	/* It is left alone when suggested again. */
	ck_assert(try_it(other, PATH_DIRECT));
	ck_assert_uint_eq(taken(peer_of(a, b)), 1);
	/* Three unanswered probes, and it is forgotten. */
	b->addrs_count = 1;
	hosts_run(&h, 60 * CLOCK_S);
	ck_assert_uint_eq(taken(peer_of(a, b)), 0);
	ck_assert(!paths_has(peer_of(a, b), &way));
	ck_assert_uint_eq(a->events_count, 0);
}
END_TEST

START_TEST(a_way_that_leads_nowhere_costs_five_probes)
{
	size_t since;

	meet();
	since = h.log_count;
	ck_assert(try_it(&stranger, PATH_LOCAL));
	hosts_run(&h, 3 * CLOCK_S);
	ck_assert_uint_eq(sent_there(&stranger, since), 5);
	ck_assert(try_it(&stranger, PATH_LOCAL));
	hosts_run(&h, 10 * CLOCK_S);
	ck_assert_uint_eq(sent_there(&stranger, since), 5);
	ck_assert_uint_eq(taken(peer_of(a, b)), 0);
	ck_assert(host_sends_to(a, b, &b->addrs[0]));
	/* Suggested again, it is tried again. */
	ck_assert(try_it(&stranger, PATH_LOCAL));
	hosts_run(&h, 10 * CLOCK_S);
	ck_assert_uint_eq(sent_there(&stranger, since), 10);
}
END_TEST

/* The way there takes longer than the time between two tries. */
START_TEST(a_long_way_is_measured_by_the_probe_that_was_answered)
{
	const struct addr *other = give_b_another();

	hosts_set_latency(&h, 180 * CLOCK_MS);
	hosts_mesh(&h, 2);
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert(try_it(other, PATH_LOCAL));
	hosts_run(&h, 3 * CLOCK_S);
	ck_assert(host_sends_to(a, b, other));
	ck_assert_uint_ge(peer_of(a, b)->path.rtt_us, 350 * CLOCK_MS);
	ck_assert_uint_le(peer_of(a, b)->path.rtt_us, 450 * CLOCK_MS);
}
END_TEST

START_TEST(attack_many_ways_are_bounded)
{
	size_t since, took = 0;

	meet();
	since = h.log_count;
	for (uint32_t i = 0; i < 1000; i++) {
		struct addr at = addr_v4(0xc6336400u + i, 9);

		took += try_it(&at, PATH_LOCAL);
	}
	ck_assert_uint_eq(took, PATH_SPARES);
	hosts_run(&h, 10 * CLOCK_S);
	ck_assert_uint_le(h.log_count - since, 3 * PATH_SPARES * 5 + 40);
	ck_assert_uint_eq(taken(peer_of(a, b)), 0);
}
END_TEST

/* ---- two addresses ---- */

static void meet_at_two_addresses(void)
{
	a->addrs[1] = v6_of(1);
	b->addrs[1] = v6_of(2);
	a->addrs_count = b->addrs_count = 2;
	host_start(a);
	host_start(b);
	host_want(a, b->addrs, 2);
	host_want(b, a->addrs, 2);
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
	hosts_run(&h, 3 * CLOCK_S);
	host_forget_events(a);
	host_forget_events(b);
}

static enum fate lose_all(struct hosts *hosts, struct flight *p)
{
	(void)hosts;
	(void)p;
	return LOSE;
}

static bool cut_is_v4;

static enum fate cut_one(struct hosts *hosts, struct flight *p)
{
	(void)hosts;
	return addr_is_v4(&p->to) == cut_is_v4 ? LOSE : PASS;
}

START_TEST(the_loss_of_one_of_two_networks_takes_nobody_down)
{
	bool talks = _i & 1;

	meet_at_two_addresses();
	ck_assert_uint_eq(taken(peer_of(a, b)), 1);
	ck_assert_uint_eq(taken(peer_of(b, a)), 1);
	for (int i = 0; i < 6; i++) {
		cut_is_v4 = addr_is_v4(&peer_of(a, b)->path.way.remote);
		h.judge = cut_one;
		for (int s = 0; s < 40; s++) {
			if (talks)
				host_say(a, (uint64_t)s);
			hosts_run(&h, CLOCK_S);
			ck_assert(hosts_pair_up(&h));
		}
		ck_assert(host_talks(a, b));
		ck_assert(host_talks(b, a));
		/* The other network is back, and found again. */
		h.judge = NULL;
		for (int s = 0; s < 40; s++) {
			host_say(a, (uint64_t)s);
			host_say(b, (uint64_t)s);
			hosts_run(&h, 3 * CLOCK_S);
		}
	}
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
	ck_assert_uint_eq(host_events(b, NODE_PEER_DOWN), 0);
}
END_TEST

/* Both networks are lost for so long that the peer is down; by one of them it comes up. */
START_TEST(a_listed_address_is_a_spare_again_after_a_cut)
{
	meet_at_two_addresses();
	h.judge = lose_all;
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert(!host_up(a, b) && !host_up(b, a));
	h.judge = NULL;
	ck_assert(hosts_until(&h, hosts_pair_up, 10 * CLOCK_S));
	hosts_run(&h, 3 * CLOCK_S);
	ck_assert_uint_eq(taken(peer_of(a, b)), 1);
	ck_assert_uint_eq(taken(peer_of(b, a)), 1);
	host_forget_events(a);
	cut_is_v4 = addr_is_v4(&peer_of(a, b)->path.way.remote);
	h.judge = cut_one;
	hosts_run(&h, 40 * CLOCK_S);
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
	ck_assert(host_talks(a, b));
}
END_TEST

static bool b_answers_from_what_is_left(const struct hosts *hosts)
{
	(void)hosts;
	return addr_equal(&peer_of(b, a)->path.way.local, &b->addrs[0]) &&
	       addr_equal(&peer_of(a, b)->path.way.remote, &b->addrs[0]);
}

/* The address that is left was asked before, and is a spare of b's. */
START_TEST(an_address_that_is_gone_leaves_the_other)
{
	(void)give_b_another();
	host_start(b);
	host_start(a);
	host_want(a, &b->addrs[1], 1);
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
	host_want(a, b->addrs, 2);
	hosts_run(&h, 4 * CLOCK_S);
	ck_assert(addr_equal(&peer_of(b, a)->path.way.local, &b->addrs[1]));
	b->addrs_count = 1;
	ck_assert(hosts_until(&h, b_answers_from_what_is_left, 4 * CLOCK_S));
	ck_assert(host_talks(a, b));
	ck_assert(host_talks(b, a));
}
END_TEST

/* ---- by a leg ---- */

static bool is_asked(const struct way *from)
{
	struct peer *peer = peer_of(a, b);
	struct reading r = {
		.peer = peer,
		.session = peer->current,
		.from = from,
		.advance = 1,
		.size = 200,
		.now_us = h.net.now_us,
	};

	paths_heard(a->node, &r);
	return peer->paths.moving.token != 0;
}

/* A leg from a to b, which c has offered. All are up directly. */
static struct way way_by_leg(bool lasting)
{
	struct leg *leg;

	hosts_mesh(&h, 3);
	hosts_run(&h, CLOCK_S);
	leg = leg_new(a->node, peer_of(a, c), &b->key);
	ck_assert_ptr_nonnull(leg);
	leg->relay_index = 9;
	leg->lasting = lasting;
	leg->ready_us = leg->used_us = h.net.now_us;
	return way_to(&leg->addr);
}

START_TEST(what_comes_by_a_leg_moves_nobody_off_a_direct_path)
{
	const struct way from = way_by_leg(true);

	ck_assert(!is_asked(&from));
	/* It may, if that is in doubt: its peer is there, perhaps. */
	h.net.now_us += 2 * CLOCK_S;
	ck_assert(is_asked(&from));
	ck_assert(host_sends_to(a, b, &b->addrs[0]));
}
END_TEST

static bool can_send_to(const struct peer *peer)
{
	return port_set_has(&bridge_tables(a->node->bridge)->live, peer->port);
}

/* No frames go by it. Its probe was sent before the peer was up, and the echo came
 * after. */
START_TEST(who_is_up_is_not_moved_to_a_brief_leg)
{
	const struct way from = way_by_leg(false);
	struct peer *peer = peer_of(a, b);
	const struct reading r = {
		.peer = peer,
		.session = peer->current,
		.from = &from,
		.now_us = h.net.now_us,
	};
	const struct wire_probe echo = { .echo = true, .time_us = 0x700 };

	h.net.now_us += 2 * CLOCK_S; /* its path is in doubt */
	ck_assert(!is_asked(&from));
	peer->paths.moving.to = from;
	peer->paths.moving.token = echo.time_us;
	ck_assert(paths_control.echoed(a->node, &r, &echo));
	ck_assert(addr_equal(&peer->path.way.remote, &b->addrs[0]));
	ck_assert(can_send_to(peer));
	ck_assert(!paths_try(a->node, peer, &from, PATH_RELAYED, r.now_us));
}
END_TEST

START_TEST(a_leg_that_is_gone_leaves_what_is_proven_or_nothing)
{
	const struct addr *other = give_b_another();
	struct peer *peer;

	meet();
	peer = peer_of(a, b);
	if (_i) {
		ck_assert(try_it(other, PATH_DIRECT));
		hosts_run(&h, CLOCK_S);
	}
	peer->path.way.remote.leg = 7;
	paths_leg_gone(a->node, peer, 8, h.net.now_us);
	ck_assert_int_eq(peer->state, PEER_UP);
	/* Its timer is due first, and nothing can be sent on a leg that is gone. */
	peer_sendable(a->node, peer);
	ck_assert(!can_send_to(peer));
	paths_leg_gone(a->node, peer, 7, h.net.now_us);
	if (_i) {
		ck_assert_int_eq(peer->state, PEER_UP);
		ck_assert(can_send_to(peer));
		ck_assert(host_sends_to(a, b, other));
		ck_assert_uint_eq(taken(peer), 0);
		ck_assert(host_talks(a, b));
	} else {
		ck_assert_int_eq(peer->state, PEER_DOWN);
	}
}
END_TEST

/* ---- echoes ---- */

/* A member that is probed at home, and says that it is elsewhere. */
static struct outsider o;
static struct peer *member;
static size_t at_home;

static void member_joins(void)
{
	outsider_init(&o, 1);
	host_start(a);
	outsider_join(&o, a);
	hosts_run(&h, CLOCK_S);
	member = peers_find(a->node, &o.key);
	ck_assert_ptr_nonnull(member);
	at_home = h.log_count;
}

static void echo_from(const struct addr *at, uint64_t token)
{
	const struct wire_probe probe = {
		.echo = true,
		.time_us = token,
		.sent = 1,
	};
	const struct addr home = o.at;
	uint8_t record[WIRE_PROBE_LEN];

	o.at = *at;
	wire_pack_probe(&probe, record);
	outsider_send(&o, a, record, sizeof(record));
	o.at = home;
}

START_TEST(attack_an_echo_proves_only_the_way_of_its_own_probe)
{
	const struct way victim = way_to(&elsewhere), also = way_to(&stranger);
	const struct path_spare *s;
	uint64_t token;

	member_joins();
	ck_assert(
		paths_try(a->node, member, &victim, PATH_LOCAL, h.net.now_us));
	ck_assert(paths_try(a->node, member, &also, PATH_LOCAL, h.net.now_us));
	hosts_run(&h, 10 * CLOCK_MS);
	s = &member->paths.spares[0];
	token = s->token;
	/* Numbers that were not sent, by the way; and the right one by others. */
	echo_from(&elsewhere, token + 1);
	echo_from(&elsewhere, token - 1);
	echo_from(&elsewhere, h.net.now_us);
	echo_from(&elsewhere, 0);
	echo_from(&elsewhere, member->paths.spares[1].token);
	echo_from(&stranger, token);
	echo_from(&o.at, token);
	ck_assert_uint_eq(s->proven_us, 0);
	ck_assert(!paths_has(member, &victim));
	ck_assert(addr_equal(&member->path.way.remote, &o.at));
	echo_from(&elsewhere, token);
	ck_assert(addr_equal(&member->path.way.remote, &elsewhere));
	outsider_free(&o);
}
END_TEST

START_TEST(attack_an_echo_said_again_proves_nothing_again)
{
	const struct way other = way_to(&elsewhere);
	const struct path_spare *s;
	uint64_t proven_us;

	member_joins();
	ck_assert(
		paths_try(a->node, member, &other, PATH_DIRECT, h.net.now_us));
	hosts_run(&h, 10 * CLOCK_MS);
	s = &member->paths.spares[0];
	echo_from(&elsewhere, s->token);
	proven_us = s->proven_us;
	ck_assert_uint_gt(proven_us, 0);
	hosts_run(&h, CLOCK_S);
	echo_from(&elsewhere, s->token);
	ck_assert_uint_eq(s->proven_us, proven_us);
	outsider_free(&o);
}
END_TEST

/* Its echoes by another way keep a path that is cut from looking well. */
START_TEST(echoes_of_a_spare_are_no_life_of_the_path_in_use)
{
	const struct way other = way_to(&elsewhere);
	uint64_t heard_us;

	member_joins();
	ck_assert(
		paths_try(a->node, member, &other, PATH_DIRECT, h.net.now_us));
	hosts_run(&h, 10 * CLOCK_MS);
	heard_us = member->liveness.heard_us;
	echo_from(&elsewhere, member->paths.spares[0].token);
	ck_assert(paths_has(member, &other));
	ck_assert_uint_eq(member->liveness.heard_us, heard_us);
	outsider_free(&o);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("paths", .setup = three_setup, .teardown = three_teardown),
	UNIT_TEST(a_better_way_is_used_once_an_echo_came_back_that_way),
	UNIT_TEST(an_equal_way_is_a_spare_and_kept_warm),
	UNIT_TEST(a_way_that_leads_nowhere_costs_five_probes),
	UNIT_TEST(a_long_way_is_measured_by_the_probe_that_was_answered),
	UNIT_TEST(attack_many_ways_are_bounded),
	UNIT_LOOP(the_loss_of_one_of_two_networks_takes_nobody_down, 2),
	UNIT_TEST(a_listed_address_is_a_spare_again_after_a_cut),
	UNIT_TEST(an_address_that_is_gone_leaves_the_other),
	UNIT_TEST(what_comes_by_a_leg_moves_nobody_off_a_direct_path),
	UNIT_TEST(who_is_up_is_not_moved_to_a_brief_leg),
	UNIT_LOOP(a_leg_that_is_gone_leaves_what_is_proven_or_nothing, 2),
	UNIT_TEST(attack_an_echo_proves_only_the_way_of_its_own_probe),
	UNIT_TEST(attack_an_echo_said_again_proves_nothing_again),
	UNIT_TEST(echoes_of_a_spare_are_no_life_of_the_path_in_use),
};

UNIT_MAIN("node paths", tests)
