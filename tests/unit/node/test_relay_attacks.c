/* node/relay, leg, legs, sought: what hostile members, relays and strangers do to legs. */
#include <check.h>
#include <string.h>

#include "node/core.h"
#include "node/leg.h"
#include "node/observed.h"
#include "node/relay.h"
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

static uint32_t leg_of(const struct host *host, const struct host *of)
{
	const struct peer *peer = peer_of(host, of);

	return peer ? peer->path.way.remote.leg : 0;
}

static void setup_of(size_t count, bool relay)
{
	apart_init(count);
	c->config.relay = relay;
	host_start(c);
	for (size_t i = 0; i < count; i++)
		if (&h.host[i] != c) {
			host_start(&h.host[i]);
			host_dial(&h.host[i], c);
		}
}

static void setup(void)
{
	setup_of(3, true);
	ck_assert(hosts_until(&h, are_relayed, 10 * CLOCK_S));
	hosts_run(&h, CLOCK_S);
	hosts_forget_log(&h);
}

/* Strangers to one another, at c, which only then is a's and b's relay. */
static void setup_mesh(void)
{
	hosts_init(&h, 6);
	h.judge = keep_apart;
	hosts_mesh(&h, 6);
	hosts_run(&h, CLOCK_S);
	hosts_forget_log(&h);
}

static void teardown(void)
{
	hosts_free(&h);
}

/* A member says that, whatever its node would say. */
static void say(struct host *from, const struct host *to,
		const struct wire_leg *m)
{
	struct peer *peer = peers_find(from->node, &to->key);
	uint8_t record[WIRE_LEG_LEN];

	ck_assert_ptr_nonnull(peer);
	ck_assert_ptr_nonnull(peer->current);
	wire_pack_leg(m, record);
	send_record(from->node, peer, peer->current, &peer->path.way, record,
		    sizeof(record), 0, hosts_clock(from).mono_us);
	pack_flush(&from->node->lane.packer);
}

static struct wire_leg leg_record(enum wire_leg_what what, uint32_t index,
				  const struct public_key *key)
{
	struct wire_leg m = { .what = (uint8_t)what, .index = index };

	memcpy(m.key, key->bytes, sizeof(m.key));
	return m;
}

static struct public_key made_up(uint32_t i)
{
	struct public_key key = { .bytes = { 0xee } };

	store_be32(key.bytes + 8, i);
	return key;
}

static uint32_t legs_at(const struct host *host)
{
	uint32_t at = TABLE_NONE, count = 0;

	while (legs_next(host->node, &at))
		count++;
	return count;
}

static uint32_t joined_at(const struct host *host)
{
	return table_count(host->node->relay->by_pair);
}

/* A message of a's to b, on its way to c. */
static const struct flight *overheard(void)
{
	const struct flight *f;

	ck_assert(host_talks(a, b));
	f = hosts_sent(&h, WIRE_RELAYED, a, c, 0, 0);
	ck_assert_ptr_nonnull(f);
	return f;
}

/* ---- strangers ---- */

START_TEST(attack_who_overhears_a_leg_cannot_send_on_it_from_elsewhere)
{
	const struct addr from[] = { stranger, elsewhere, b->addrs[0] };
	const struct flight *f = overheard();
	const uint64_t carried = c->node->relay->datagrams;

	for (size_t i = 0; i < 3; i++) {
		host_receive(c, &from[i], f->bytes, f->len);
		ck_assert_uint_eq(host_drops(c, DROP_leg_source), i + 1);
	}
	ck_assert_uint_eq(c->node->relay->datagrams, carried);
}
END_TEST

START_TEST(attack_a_guessed_leg_costs_a_look_up_and_is_not_answered)
{
	const struct flight *f = overheard();
	uint8_t bytes[2048];
	const uint64_t before = h.sent;

	ck_assert_uint_le(f->len, sizeof(bytes));
	memcpy(bytes, f->bytes, f->len);
	for (uint32_t i = 0; i < 200; i++) {
		store_be32(bytes + 4, 0x01000000 + i);
		host_receive(c, &stranger, bytes, f->len);
		host_receive(a, &stranger, bytes, f->len);
	}
	ck_assert_uint_eq(host_drops(c, DROP_leg_unknown), 200);
	ck_assert_uint_eq(host_drops(a, DROP_leg_unknown), 200);
	ck_assert_uint_eq(h.sent, before);
}
END_TEST

/* From a's address too: what the leg may carry can be spent, and that is all. */
START_TEST(attack_a_forged_source_spends_and_moves_nothing)
{
	const struct flight *f = overheard();
	const uint32_t before = leg_of(a, b);
	uint8_t bytes[2048];

	memcpy(bytes, f->bytes, f->len);
	for (int i = 0; i < 500; i++) {
		bytes[f->len - 1] ^= 0x55;
		bytes[WIRE_RELAYED_LEN + 12] = (uint8_t)i;
		hosts_inject(&h, &a->addrs[0], &c->addrs[0], bytes, f->len);
	}
	hosts_run(&h, CLOCK_S);
	ck_assert_uint_ge(host_drops(b, DROP_data_auth), 1);
	ck_assert(are_relayed(&h));
	ck_assert_uint_eq(leg_of(a, b), before);
	ck_assert(host_talks(a, b));
}
END_TEST

/* What is at the end of a leg is not proven by a message 1, which anybody can repeat. */
START_TEST(attack_a_recorded_initiation_by_a_leg_does_not_end_it)
{
	uint8_t bytes[WIRE_RELAYED_LEN + WIRE_INITIATION_LEN];
	struct wire_relayed m;
	const struct flight *f;

	/* The relay's own: not b's, to which the leg leads. */
	host_stop(c);
	host_start(c);
	host_dial(c, a);
	hosts_run(&h, 100 * CLOCK_MS);
	f = hosts_sent(&h, WIRE_INITIATION, c, a, 0, 0);
	ck_assert_ptr_nonnull(f);
	ck_assert(hosts_until(&h, are_relayed, 30 * CLOCK_S));
	hosts_run(&h, CLOCK_S);

	m.leg = leg_of(a, b);
	wire_pack_relayed(&m, bytes);
	memcpy(bytes + WIRE_RELAYED_LEN, f->bytes, WIRE_INITIATION_LEN);
	hosts_inject(&h, &c->addrs[0], &a->addrs[0], bytes, sizeof(bytes));
	hosts_run(&h, 2 * CLOCK_S);
	ck_assert_uint_eq(host_drops(a, DROP_leg_key), 1);
	ck_assert_uint_eq(leg_of(a, b), m.leg);
	ck_assert_ptr_nonnull(leg_find(a->node, m.leg));
	ck_assert(host_talks(a, b));
}
END_TEST

/* ---- hostile ends ---- */

/* What it brings upon the other end is what the relay's own clock lets out. */
START_TEST(attack_asks_and_ends_in_turn_cost_the_other_end_little)
{
	struct wire_leg ask = leg_record(WIRE_LEG_ASK, 77, &b->key);
	struct wire_leg end = leg_record(WIRE_LEG_END, 0, &b->key);
	size_t to_b;

	hosts_forget_log(&h);
	for (int i = 0; i < 2000; i++) {
		say(a, c, &ask);
		say(a, c, &end);
		if (i % 100 == 0)
			hosts_run(&h, 100 * CLOCK_MS);
	}
	hosts_run(&h, CLOCK_S);
	/* In three seconds: 8 asks a second, an offer and an end each, and what two
	 * peers say to each other anyhow. */
	to_b = hosts_count_sent(&h, WIRE_DATA, c, b, 0);
	ck_assert_uint_le(to_b, 150);
	ck_assert_uint_le(joined_at(c), 1);
	ck_assert_uint_gt(host_drops(c, DROP_leg_rate), 1000);
	ck_assert(hosts_until(&h, are_relayed, 30 * CLOCK_S));
	ck_assert(host_talks(a, b));
}
END_TEST

START_TEST(attack_asks_for_keys_that_are_nobodys_keep_nothing)
{
	for (uint32_t i = 0; i < 1000; i++) {
		const struct public_key key = made_up(i);
		struct wire_leg ask = leg_record(WIRE_LEG_ASK, i + 1, &key);

		say(a, c, &ask);
	}
	hosts_run(&h, 100 * CLOCK_MS);
	ck_assert_uint_eq(joined_at(c), 1);
	ck_assert_uint_le(hosts_count_sent(&h, WIRE_DATA, c, a, 0), 60);
	ck_assert(host_talks(a, b));
}
END_TEST

START_TEST(attack_a_leg_to_itself_or_to_the_relay_is_not_made)
{
	struct wire_leg own = leg_record(WIRE_LEG_ASK, 5, &a->key);
	struct wire_leg relay = leg_record(WIRE_LEG_ASK, 6, &c->key);

	say(a, c, &own);
	say(a, c, &relay);
	hosts_run(&h, CLOCK_S);
	ck_assert_uint_eq(joined_at(c), 1);
	ck_assert(are_relayed(&h));
}
END_TEST

/* What is no relay carries a handshake, and nothing that is put in its place. */
START_TEST(attack_a_brief_leg_carries_no_more_than_it_may)
{
	const struct flight *f;
	uint64_t until_us;

	setup_of(3, false);
	hosts_run(&h, 2 * CLOCK_S);
	until_us = h.net.now_us + 8 * CLOCK_S;
	do {
		hosts_run(&h, 50 * CLOCK_MS);
		f = hosts_sent(&h, WIRE_RELAYED, a, c, 0, 0);
	} while (!f && h.net.now_us < until_us);
	ck_assert_ptr_nonnull(f);
	for (int i = 0; i < 1000; i++)
		hosts_inject(&h, &a->addrs[0], &c->addrs[0], f->bytes, f->len);
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_uint_le(hosts_count_sent(&h, WIRE_RELAYED, c, NULL, 0),
			  RELAY_BRIEF);
	ck_assert_uint_ge(host_drops(c, DROP_leg_spent) +
				  host_drops(c, DROP_leg_unknown),
			  900);
	ck_assert(!host_up(a, b));
}
END_TEST

/* a relays for b to c, and b for a to c: nobody carries what came by a leg. */
START_TEST(attack_asked_by_a_leg_nothing_is_carried)
{
	struct wire_leg ask = leg_record(WIRE_LEG_ASK, 9, &c->key);

	/* By the leg, in a's session with b. */
	say(a, b, &ask);
	hosts_run(&h, CLOCK_S);
	ck_assert_uint_eq(joined_at(b), 0);
	ck_assert(are_relayed(&h));
}
END_TEST

/* Legs at c that its members at that address have, as it looks. */
static void fill(const struct addr *asker, uint16_t first, uint16_t last)
{
	struct relay *r = c->node->relay;

	for (uint32_t i = first; i <= last; i++) {
		const uint16_t pair[2] = { (uint16_t)i, UINT16_MAX };
		struct relayed *leg = table_insert(r->by_pair, pair);

		ck_assert_ptr_nonnull(leg);
		memcpy(leg->pair, pair, sizeof(pair));
		leg->asker = *asker;
		leg->asker.port = 0;
		leg->born_us = h.net.now_us + i;
		ck_assert(shares_add(r->askers, &leg->asker));
	}
}

/* How many of them are to go; and they are all taken away. */
static unsigned over_of(uint16_t first, uint16_t last)
{
	struct relay *r = c->node->relay;
	unsigned over = 0;

	for (uint32_t i = first; i <= last; i++) {
		const uint16_t pair[2] = { (uint16_t)i, UINT16_MAX };
		const struct relayed *leg = table_find(r->by_pair, pair);

		over += leg->over;
		shares_remove(r->askers, &leg->asker);
		table_remove(r->by_pair, pair);
	}
	return over;
}

static void ask_for_b(const struct host *host)
{
	const struct way from = { .remote = host->addrs[0] };
	const struct reading r = { .peer = peers_find(c->node, &host->key),
				   .from = &from,
				   .now_us = h.net.now_us };

	ck_assert_int_eq(relay_asked(c->node, &r, &b->key, 77), DROP_NONE);
	pack_flush(&c->node->lane.packer);
}

/* … whether all places are taken by one address, or by as many as there are places. */
START_TEST(attack_who_has_many_keys_at_an_address_gives_way)
{
	struct host *const d = &h.host[3];
	const uint32_t kept = joined_at(c);
	size_t since = h.log_count;

	ck_assert(host_up(c, d));
	fill(&elsewhere, 1000, (uint16_t)(999 + RELAY_LEGS_MAX - kept));
	ask_for_b(d);
	ck_assert_uint_eq(h.log_count, since); /* it is asked again */
	ck_assert_uint_eq(
		over_of(1000, (uint16_t)(999 + RELAY_LEGS_MAX - kept)), 1);
	for (uint16_t i = 0; i < RELAY_LEGS_MAX - kept; i++) {
		const struct addr at = addr_v4(0x0a0a0000u + i, 0);

		fill(&at, (uint16_t)(1000 + i), (uint16_t)(1000 + i));
	}
	ask_for_b(d);
	ck_assert_uint_eq(h.log_count, since + 1);
	ck_assert_uint_eq(
		over_of(1000, (uint16_t)(999 + RELAY_LEGS_MAX - kept)), 0);
	ask_for_b(d);
	ck_assert_uint_eq(joined_at(c), kept + 1);
}
END_TEST

/* ---- hostile relays ---- */

START_TEST(attack_an_offer_does_not_make_a_lasting_leg_brief)
{
	struct wire_leg offer =
		leg_record(WIRE_LEG_OFFER, 0x1234, &b->key); /* not lasting */
	const uint32_t before = leg_of(a, b);

	ck_assert(leg_is_lasting(a->node, before));
	say(c, a, &offer);
	hosts_run(&h,
		  6 * CLOCK_MS); /* it arrived, and nothing said to it has */
	ck_assert_uint_eq(host_drops(a, DROP_leg_rate), 0);
	ck_assert_uint_eq(leg_of(a, b), before);
	ck_assert(leg_is_lasting(a->node, before));
	/* What the relay broke heals. */
	hosts_run(&h, 30 * CLOCK_S);
	ck_assert(hosts_until(&h, are_relayed, 120 * CLOCK_S));
}
END_TEST

/* Four members that offer legs to nobody, without being asked, leave room for what this
 * host asks for itself, and are forgotten. */
START_TEST(attack_offers_of_many_leave_room_for_others)
{
	uint32_t key = 0;

	for (int second = 0; second < 8; second++) {
		for (int i = 0; i < 60; i++)
			for (size_t who = 2; who < 6; who++) {
				const struct public_key far = made_up(key++);
				struct wire_leg offer =
					leg_record(WIRE_LEG_OFFER, key, &far);

				offer.lasting = true;
				say(&h.host[who], a, &offer);
			}
		hosts_run(&h, CLOCK_S);
	}
	ck_assert_uint_le(legs_at(a), LEGS_MAX / 2);
	ck_assert_uint_gt(legs_at(a), 0);
	hosts_run(&h, 20 * CLOCK_S);
	ck_assert_uint_eq(legs_at(a), 0);
	ck_assert(hosts_all_up(&h));
}
END_TEST

/* Liars' hosts take no place of a peer that went down. */
START_TEST(attack_made_up_hosts_do_not_keep_a_peer_from_being_sought)
{
	const uint64_t now_us = hosts_clock(a).mono_us;

	for (uint32_t i = 0; i < 2 * SOUGHT_MAX(a->node); i++) {
		const struct public_key key = made_up(i);

		sought_want(a->node, &key, peer_of(a, c)->port, now_us);
	}
	apart = true;
	h.judge = keep_apart;
	hosts_run(&h, 10 * CLOCK_S);
	ck_assert(sought_find(a->node, &b->key) || leg_of(a, b));
}
END_TEST

/* c, whom it asks for all of them. */
static void tell_of_made_up(const struct host *host)
{
	for (uint32_t i = 0; i < SOUGHT_MAX(host->node); i++) {
		const struct public_key key = made_up(i);

		sought_want(host->node, &key, peer_of(host, c)->port,
			    hosts_clock(host).mono_us);
	}
}

/* … and it does not wait for theirs to be asked for. */
START_TEST(attack_made_up_hosts_come_after_a_peer_that_went_down)
{
	uint64_t down_us;

	node_set_relay(c->node, true, hosts_clock(c));
	tell_of_made_up(a);
	tell_of_made_up(b);
	apart = true;
	while (peer_of(a, b)->state == PEER_UP)
		hosts_run(&h, 10 * CLOCK_MS);
	down_us = hosts_clock(a).mono_us;
	ck_assert(hosts_until(&h, are_relayed, 100 * CLOCK_S));
	ck_assert_uint_le(hosts_clock(a).mono_us - down_us, 5 * CLOCK_S);
}
END_TEST

/* All relays are asked again for all hosts when one appears; in a while, if it does so
 * each moment. */
START_TEST(attack_a_relay_that_comes_and_goes_is_no_news)
{
	const struct public_key key = made_up(1);
	const struct sought *s;

	sought_want(a->node, &key, 0, hosts_clock(a).mono_us);
	hosts_run(&h, 15 * CLOCK_S);
	for (int i = 0; i < 16; i++) {
		node_set_relay(c->node, i % 2, hosts_clock(c));
		hosts_run(&h, 500 * CLOCK_MS);
	}
	s = sought_find(a->node, &key);
	ck_assert_ptr_nonnull(s);
	ck_assert_uint_gt(s->next_us, hosts_clock(a).mono_us + CLOCK_S);
	ck_assert(hosts_until(&h, are_relayed, 15 * CLOCK_S));
}
END_TEST

/* b's own source lists a alone. */
START_TEST(attack_many_that_lie_about_our_address_do_not_outvote_a_listed_peer)
{
	const struct addr truth = addr_v4(0xc6336401, 40000);
	struct observed o;

	for (size_t i = 0; i < 6; i++) {
		struct peer *peer;

		if (&h.host[i] == b)
			continue;
		peer = peers_find(b->node, &h.host[i].key);
		ck_assert_int_eq(peer_wanted(b->node, peer), i == 0);
		peer->punch.observed = i ? stranger : truth;
		peer->punch.observed_us = 1;
	}
	observed_sum(b->node, &o);
	ck_assert_uint_eq(o.seen_count, 2);
	ck_assert(addr_equal(&o.seen[0], &truth));
}
END_TEST

/* ---- ends of peers ---- */

START_TEST(attack_nothing_is_left_of_legs_whose_relay_or_end_is_gone)
{
	host_stop(c);
	hosts_run(&h, 10 * CLOCK_S);
	ck_assert_uint_eq(legs_at(a), 0);
	ck_assert_uint_eq(legs_at(b), 0);
	host_start(c);
	ck_assert(hosts_until(&h, are_relayed, 60 * CLOCK_S));
	host_stop(b);
	hosts_run(&h, 30 * CLOCK_S);
	ck_assert_uint_eq(joined_at(c), 0);
	host_start(b);
	host_dial(b, c);
	ck_assert(hosts_until(&h, are_relayed, 60 * CLOCK_S));
	ck_assert(host_talks(a, b));
}
END_TEST

/* The same, when a says at each turn what it wants most of all not to be said. */
START_TEST(attack_ends_race_with_everything)
{
	struct rng rng = rng_init((uint64_t)_i);

	for (int i = 0; i < 300; i++) {
		struct host *from = &h.host[rng_below(&rng, 3)];
		struct host *to = &h.host[rng_below(&rng, 3)];
		struct host *far = &h.host[rng_below(&rng, 3)];
		struct wire_leg m =
			leg_record((enum wire_leg_what)(1 + rng_below(&rng, 4)),
				   1 + (uint32_t)rng_below(&rng, 3), &far->key);

		m.lasting = rng_chance(&rng, 0.5);
		if (from != to && from->node && to->node && peer_of(from, to) &&
		    peer_of(from, to)->current)
			say(from, to, &m);
		if (rng_chance(&rng, 0.02)) {
			host_stop(far);
			host_start(far);
			if (far != c)
				host_dial(far, c);
		}
		hosts_run(&h, rng_below(&rng, 300 * CLOCK_MS));
	}
	host_dial(a, c);
	host_dial(b, c);
	ck_assert(hosts_until(&h, are_relayed, 800 * CLOCK_S));
	hosts_run(&h, 15 * CLOCK_S);
	ck_assert(hosts_until(&h, are_relayed, 800 * CLOCK_S));
	ck_assert(host_talks(a, b));
	ck_assert(host_talks(b, a));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("strangers", .setup = setup, .teardown = teardown,
		  .timeout_s = 60),
	UNIT_TEST(attack_who_overhears_a_leg_cannot_send_on_it_from_elsewhere),
	UNIT_TEST(attack_a_guessed_leg_costs_a_look_up_and_is_not_answered),
	UNIT_TEST(attack_a_forged_source_spends_and_moves_nothing),
	UNIT_TEST(attack_a_recorded_initiation_by_a_leg_does_not_end_it),
	UNIT_CASE("ends", .setup = setup, .teardown = teardown,
		  .timeout_s = 60),
	UNIT_TEST(attack_asks_and_ends_in_turn_cost_the_other_end_little),
	UNIT_TEST(attack_asks_for_keys_that_are_nobodys_keep_nothing),
	UNIT_TEST(attack_a_leg_to_itself_or_to_the_relay_is_not_made),
	UNIT_TEST(attack_asked_by_a_leg_nothing_is_carried),
	UNIT_TEST(attack_nothing_is_left_of_legs_whose_relay_or_end_is_gone),
	UNIT_LOOP(attack_ends_race_with_everything, 10),
	UNIT_CASE("brief", .teardown = teardown, .timeout_s = 60),
	UNIT_TEST(attack_a_brief_leg_carries_no_more_than_it_may),
	UNIT_CASE("relays", .setup = setup, .teardown = teardown,
		  .timeout_s = 60),
	UNIT_TEST(attack_an_offer_does_not_make_a_lasting_leg_brief),
	UNIT_TEST(attack_a_relay_that_comes_and_goes_is_no_news),
	UNIT_CASE("mesh", .setup = setup_mesh, .teardown = teardown,
		  .timeout_s = 60),
	UNIT_TEST(attack_who_has_many_keys_at_an_address_gives_way),
	UNIT_TEST(attack_offers_of_many_leave_room_for_others),
	UNIT_TEST(attack_made_up_hosts_do_not_keep_a_peer_from_being_sought),
	UNIT_TEST(attack_made_up_hosts_come_after_a_peer_that_went_down),
	UNIT_TEST(
		attack_many_that_lie_about_our_address_do_not_outvote_a_listed_peer),
};

UNIT_MAIN("relay attacks", tests)
