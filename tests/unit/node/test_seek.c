/* node/seek, sought: who is asked for, how long, and what others make of it. */
#include "node/seek.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "node/core.h"
#include "node/leg.h"
#include "node/legs.h"
#include "node/observed.h"
#include "node/send.h"
#include "node/sought.h"
#include "support/apart.h"
#include "support/main.h"
#include "tunnel/wire_leg.h"

static const struct peer *peer_of(const struct host *host,
				  const struct host *of)
{
	return peers_find(host->node, &of->key);
}

static void start_all(void)
{
	host_start(c);
	host_start(a);
	host_start(b);
	host_dial(a, c);
	host_dial(b, c);
}

static void setup(void)
{
	apart_init(3);
	c->config.relay = true;
	start_all();
	ck_assert(hosts_until(&h, are_relayed, 10 * CLOCK_S));
	hosts_run(&h, CLOCK_S);
}

static void setup_mesh(void)
{
	apart_init(6);
	apart = false;
	hosts_mesh(&h, 6);
	hosts_run(&h, CLOCK_S);
}

static void teardown(void)
{
	hosts_free(&h);
}

static struct public_key made_up(uint32_t i)
{
	struct public_key key = { .bytes = { 0xee } };

	store_be32(key.bytes + 8, i);
	return key;
}

static void tell(const struct host *host, const struct host *informant,
		 uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct public_key key = made_up(first + i);

		sought_want(host->node, &key, peer_of(host, informant)->port,
			    hosts_clock(host).mono_us);
	}
}

static struct sought *sought(const struct host *host, uint32_t i)
{
	const struct public_key key = made_up(i);

	return sought_find(host->node, &key);
}

/* Whoever tells may mean from when on. */
START_TEST(who_is_told_of_twice_is_sought_still)
{
	const struct public_key key = made_up(1);

	for (int i = 0; i < 2; i++) {
		sought_want(a->node, &key, peer_of(a, c)->port,
			    hosts_clock(a).mono_us + CLOCK_S);
		hosts_run(&h, 500 * CLOCK_MS);
		ck_assert_ptr_nonnull(sought(a, 1));
	}
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_uint_gt(sought(a, 1)->failures, 0);
}
END_TEST

/* No pause that was earned before is left. */
START_TEST(who_came_up_is_sought_anew)
{
	teardown();
	apart_init(3);
	start_all();
	hosts_run(&h, 100 * CLOCK_S);
	ck_assert_ptr_nonnull(sought_find(a->node, &b->key));
	apart = false;
	ck_assert(hosts_until(&h, hosts_all_up, 700 * CLOCK_S));
	ck_assert_ptr_null(sought_find(a->node, &b->key));
	ck_assert_ptr_null(sought_find(b->node, &a->key));
}
END_TEST

static bool mute;

static enum fate lose_what_c_says(struct hosts *hosts, struct flight *f)
{
	if (mute && f->sender == 2)
		return LOSE;
	return keep_apart(hosts, f);
}

static bool are_down(const struct hosts *hosts)
{
	(void)hosts;
	return !host_up(a, b) && !host_up(b, a);
}

/* c's END is said once. */
START_TEST(a_leg_whose_end_was_not_heard_is_asked_for_anew)
{
	h.judge = lose_what_c_says;
	mute = true;
	node_set_relay(c->node, false, hosts_clock(c));
	hosts_run(&h, 50 * CLOCK_MS);
	node_set_relay(c->node, true, hosts_clock(c));
	hosts_run(&h, 50 * CLOCK_MS);
	mute = false;
	ck_assert(hosts_until(&h, are_down, 6 * CLOCK_S));
	ck_assert(host_up(a, c) && host_up(b, c));
	ck_assert(hosts_until(&h, are_relayed, 12 * CLOCK_S));
	ck_assert(host_talks(a, b));
	ck_assert(host_talks(b, a));
}
END_TEST

static uint32_t leg_by(const struct host *host, const struct host *relay,
		       const struct host *far)
{
	const struct leg *leg = leg_find_pair(
		host->node, peer_of(host, relay)->port, &far->key);

	return leg ? leg->index : 0;
}

static uint32_t leg_of_path(const struct host *host, const struct host *of)
{
	return peer_of(host, of)->path.way.remote.leg;
}

/* Each of two may use a leg of its own. */
START_TEST(a_leg_that_the_other_end_uses_is_used)
{
	struct host *const d = &h.host[3];
	struct addr relays[2];
	const struct leg *leg;
	struct peer *peer;
	uint32_t index;

	teardown();
	apart_init(4);
	c->config.relay = d->config.relay = true;
	host_start(d);
	start_all();
	relays[0] = c->addrs[0];
	relays[1] = d->addrs[0];
	host_want(a, relays, 2);
	host_want(b, relays, 2);
	ck_assert(hosts_until(&h, are_relayed, 10 * CLOCK_S));
	hosts_run(&h, 3 * CLOCK_S);
	ck_assert(host_up(b, d) && host_up(a, d));
	if (!leg_by(b, c, a))
		(void)legs_ask(b->node, peer_of(b, c), &a->key, h.net.now_us);
	if (!leg_by(b, d, a))
		(void)legs_ask(b->node, peer_of(b, d), &a->key, h.net.now_us);
	hosts_run(&h, CLOCK_S);
	ck_assert(leg_by(b, c, a) && leg_by(b, d, a));
	peer = peers_find(b->node, &a->key);
	leg = leg_find(b->node, leg_by(b, d, a));
	if (peer->path.way.remote.leg == leg->index)
		leg = leg_find(b->node, leg_by(b, c, a));
	peer_set_endpoint(b->node, peer, endpoint_get(b->node, &leg->addr),
			  &peer->path.way.local, h.net.now_us);
	hosts_run(&h, 3 * CLOCK_S);
	/* a's own goes by the other. */
	index = leg_by(a, d, b) == leg_of_path(a, b) ? leg_by(a, c, b)
						     : leg_by(a, d, b);
	ck_assert_uint_ne(index, leg_of_path(a, b));
	leg = leg_find(a->node, index);
	ck_assert_uint_gt(leg->used_us, leg->ready_us + 2 * CLOCK_S);
}
END_TEST

/* What is wrong with one path is not put down to the leg before it, and after it. */
START_TEST(a_direct_path_that_fails_makes_no_relay_bad)
{
	const struct peer *relay = peer_of(a, c);
	uint8_t *frame = hosts_frame(0xff, 1, 400, 1);

	for (int i = 0; i < 300; i++) {
		host_tap(a, frame, 400);
		hosts_run(&h, 100 * CLOCK_MS);
	}
	ck_assert(peers_find(a->node, &b->key)->paths.loss.known);
	apart = false;
	for (int i = 0; i < 90 && are_relayed(&h); i++)
		hosts_run(&h, CLOCK_S);
	ck_assert(!are_relayed(&h));
	apart = true;
	for (int i = 0; i < 300; i++) {
		host_tap(a, frame, 400);
		hosts_run(&h, 100 * CLOCK_MS);
		ck_assert(!leg_was_bad(a->node, relay->port, &b->key,
				       h.net.now_us));
	}
	ck_assert(are_relayed(&h));
	free(frame);
}
END_TEST

START_TEST(what_a_peer_sees_counts_again_when_it_is_direct_again)
{
	struct peer *peer = peers_find(a->node, &c->key);

	hosts_run(&h, 10 * CLOCK_S);
	ck_assert_uint_eq(host_status(a).nat.count, 1);
	observed_forget(a->node, peer);
	ck_assert_uint_eq(host_status(a).nat.count, 0);
	hosts_run(&h, 10 * CLOCK_S);
	ck_assert_uint_eq(host_status(a).nat.count, 1);
}
END_TEST

/* ---- liars ---- */

START_TEST(attack_hosts_that_nobody_tells_of_any_more_leave_room)
{
	struct host *const liar = &h.host[5];
	const uint32_t most = SOUGHT_MAX(a->node);

	tell(a, liar, 0, most);
	ck_assert_uint_eq(table_count(a->node->search->by_key), most);
	sought_informant_gone(a->node, peer_of(a, liar)->port);
	tell(a, c, most, 1);
	ck_assert_ptr_nonnull(sought(a, most));
	/* It has its turn. */
	hosts_run(&h, 12 * CLOCK_S);
	ck_assert(sought(a, most)->leg || sought(a, most)->failures);
}
END_TEST

static void offer(const struct host *from, const struct host *to,
		  uint32_t first, uint32_t count)
{
	struct peer *peer = peers_find(from->node, &to->key);

	for (uint32_t i = first; i < first + count; i++) {
		const struct public_key key = made_up(i % 120);
		struct wire_leg m = { .what = WIRE_LEG_OFFER,
				      .index = i + 1,
				      .lasting = true };
		uint8_t record[WIRE_LEG_LEN];

		memcpy(m.key, key.bytes, sizeof(m.key));
		wire_pack_leg(&m, record);
		send_record(from->node, peer, peer->current, &peer->path.way,
			    record, sizeof(record), 0,
			    hosts_clock(from).mono_us);
	}
	pack_flush(&from->node->lane.packer);
}

START_TEST(attack_offers_to_nobody_keep_nobody_from_being_asked_for)
{
	struct host *const liar = &h.host[5];

	tell(a, liar, 0, 120);
	for (uint32_t i = 0; i < 40; i++) {
		offer(liar, a, 6 * i, 6);
		hosts_run(&h, 100 * CLOCK_MS);
	}
	tell(a, c, 1000, 1);
	for (uint32_t i = 40; i < 80; i++) {
		offer(liar, a, 6 * i, 6);
		hosts_run(&h, 100 * CLOCK_MS);
	}
	ck_assert(sought(a, 1000)->leg || sought(a, 1000)->failures ||
		  sought(a, 1000)->guessed ||
		  port_set_has(&sought(a, 1000)->tried, peer_of(a, c)->port));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("relayed", .setup = setup, .teardown = teardown,
		  .timeout_s = 30),
	UNIT_TEST(who_is_told_of_twice_is_sought_still),
	UNIT_TEST(who_came_up_is_sought_anew),
	UNIT_TEST(a_leg_whose_end_was_not_heard_is_asked_for_anew),
	UNIT_TEST(a_leg_that_the_other_end_uses_is_used),
	UNIT_TEST(a_direct_path_that_fails_makes_no_relay_bad),
	UNIT_TEST(what_a_peer_sees_counts_again_when_it_is_direct_again),
	UNIT_CASE("mesh", .setup = setup_mesh, .teardown = teardown,
		  .timeout_s = 30),
	UNIT_TEST(attack_hosts_that_nobody_tells_of_any_more_leave_room),
	UNIT_TEST(attack_offers_to_nobody_keep_nobody_from_being_asked_for),
};

UNIT_MAIN("seek", tests)
