/* What members tell relays, and relays tell hosts, that is not so: what it costs others
 * is bounded. */
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "hops.h"
#include "nat_world.h"
#include "tunnel/wire_leg.h"

#define STEP_US (10 * SIM_MS)
#define MEET_US (60 * SIM_S)

/* ---- members that lie ---- */

/* What a member does about what it is told of a leg. */
typedef void (*leg_told)(struct insider *i, struct member_session *session,
			 const struct wire_leg *leg);

static void say_leg(struct insider *i, struct member_session *session,
		    uint8_t what, uint8_t reason, const struct public_key *key)
{
	struct wire_leg leg = {
		.lasting = what == WIRE_LEG_OFFER,
		.what = what,
		.reason = reason,
		.index = what == WIRE_LEG_END ? 0 : ++i->serial,
	};
	uint8_t record[WIRE_LEG_LEN];

	memcpy(leg.key, key->bytes, sizeof(leg.key));
	wire_pack_leg(&leg, record);
	insider_say(i, session, session->at, record, sizeof(record));
}

static void reads_legs(struct insider *i, struct member_session *session,
		       const struct wire_record *r)
{
	struct wire_leg leg;

	if (r->kind != WIRE_LEG || wire_unpack_leg(&leg, r) != DROP_NONE)
		return;
	i->asked += leg.what == WIRE_LEG_ASK;
	i->hears_leg(i, session, &leg);
}

static struct public_key key_in(const struct wire_leg *leg)
{
	struct public_key key;

	memcpy(key.bytes, leg->key, sizeof(key.bytes));
	return key;
}

/* Yes to all, and carries nothing. */
static void says_yes(struct insider *i, struct member_session *session,
		     const struct wire_leg *leg)
{
	const struct public_key key = key_in(leg);

	if (leg->what == WIRE_LEG_ASK)
		say_leg(i, session, WIRE_LEG_OFFER, 0, &key);
}

static void says_no(struct insider *i, struct member_session *session,
		    const struct wire_leg *leg)
{
	const struct public_key key = key_in(leg);

	if (leg->what == WIRE_LEG_ASK)
		say_leg(i, session, WIRE_LEG_END, WIRE_LEG_UNKNOWN, &key);
}

/* To who is not the one that was asked for. */
static void says_other(struct insider *i, struct member_session *session,
		       const struct wire_leg *leg)
{
	if (leg->what == WIRE_LEG_ASK)
		say_leg(i, session, WIRE_LEG_OFFER, 0,
			&i->sim->hosts[any_host(i->sim)].key);
}

static void says_nothing(struct insider *i, struct member_session *session,
			 const struct wire_leg *leg)
{
	(void)i;
	(void)session;
	(void)leg;
}

static void meet(struct sim *s, unsigned host, const struct insider *like,
		 leg_told does)
{
	struct insider *i =
		like ? insider_like(like, host) : insider_new(s, host);

	i->keys = 1;
	i->member.capabilities = WIRE_CAN_EXCHANGE | WIRE_CAN_RELAY;
	i->reads = reads_legs;
	i->hears_leg = does;
}

/* One more member, that hosts from..to know. */
static void enlist(struct sim *s, unsigned from, unsigned to, leg_told does)
{
	struct insider *const *all;
	unsigned n;

	meet(s, from, NULL, does);
	all = insiders_all(s, &n);
	for (unsigned i = from + 1; i <= to; i++)
		meet(s, i, all[n - 1], does);
}

static void turn(struct sim *s)
{
	unsigned n;
	struct insider *const *all = insiders_all(s, &n);

	for (unsigned i = 0; i < n && !s->failed; i++) {
		if (!s->hosts[all[i]->host].node)
			continue;
		insider_turn(all[i]);
		if (!all[i]->met_us || s->net.now_us - all[i]->met_us > MEET_US)
			insider_meet(all[i]);
	}
	sim_run(s, STEP_US);
}

static void go_on(struct sim *s, uint64_t us)
{
	for (uint64_t end = s->net.now_us + us;
	     s->net.now_us < end && !s->failed;)
		turn(s);
}

/* Relays that lie to two hosts, which ask all of them; then there is one that carries. */
static void liars(struct sim *s)
{
	static const leg_told how[] = { says_yes, says_no, says_other,
					says_nothing };
	const unsigned n = (unsigned)rng_range(&s->net.rng, 1, 6);
	struct insider *const *all;
	unsigned count, asked = 0;
	uint64_t start;

	nat_two_apart(s, 2, 1);
	sim_start(s, 0);
	sim_start(s, 2);
	sim_run(s, 3 * SIM_S);
	sim_start(s, 3);
	for (unsigned i = 0; i < n; i++)
		enlist(s, 2, 3, how[s->seed % 4]);
	go_on(s, 45 * SIM_S);
	all = insiders_all(s, &count);
	for (unsigned i = 0; i < count; i++)
		asked += all[i]->asked != 0;
	if (asked < n)
		sim_fail(s, "%u of %u liars were asked", asked, n);
	sim_start(s, 1);
	start = s->net.now_us;
	while (!nat_all_up(s) && !s->failed) {
		if (s->net.now_us - start > (10 + 12 * n) * SIM_S)
			sim_fail(s, "%u liars keep two hosts apart", n);
		turn(s);
	}
	sim_measured(s, "%u liars of kind %u: up after %" PRIu64 " ms", n,
		     (unsigned)(s->seed % 4), (s->net.now_us - start) / SIM_MS);
	nat_steady(s, 200 * SIM_MS);
	go_on(s, 30 * SIM_S);
	nat_was_steady(s);
	insiders_check(s);
}

/* ---- members that use a relay ---- */

/* Everybody it is told of it agrees to, and asks for all. */
static void asks_all(struct sim *s, struct insider *i)
{
	for (unsigned h = 0; h < s->host_count && i->met[0]; h++)
		if (h != i->host)
			say_leg(i, i->met[0], WIRE_LEG_ASK, 0,
				&s->hosts[h].key);
}

/* Relayed messages of 100 bytes, by each leg that it was offered last. */
static void floods(struct insider *i, unsigned count)
{
	uint8_t bytes[WIRE_RELAYED_LEN + 100] = { WIRE_RELAYED };

	for (unsigned n = 0; n < count && i->legs_count; n++) {
		bytes[8] = WIRE_DATA;
		rng_bytes(&i->member.rng, bytes + 10, sizeof(bytes) - 10);
		store_be32(bytes + 4, i->legs[n % i->legs_count]);
		member_send(&i->member, i->met[0]->at, bytes, sizeof(bytes));
	}
}

static void keeps_leg(struct insider *i, struct member_session *session,
		      const struct wire_leg *leg)
{
	const struct public_key key = key_in(leg);

	if (leg->what != WIRE_LEG_OFFER)
		return;
	i->legs[i->legs_count < INSIDER_LEGS ? i->legs_count++
					     : leg->index % INSIDER_LEGS] =
		leg->index;
	say_leg(i, session, WIRE_LEG_ASK, 0, &key);
}

static uint64_t sent_by(const struct sim *s, unsigned host)
{
	return s->hosts[host].sent_datagrams;
}

/* A member asks a relay for all others, 100 times a second each, and floods what it
 * is given: those that the relay carries for still meet. */
static void askers(struct sim *s)
{
	const uint64_t us = 20 * SIM_S;
	const bool lasting = s->seed % 2;
	uint64_t relayed_was, sent_was;
	struct insider *const *all;
	unsigned n;

	nat_several_apart(s, 1);
	s->hosts[1].config.relay = lasting;
	nat_world_start(s, SIM_S);
	sim_run(s, 10 * SIM_S);
	enlist(s, 1, 1, keeps_leg);
	all = insiders_all(s, &n);
	relayed_was = hops_of(s, 1)->own + hops_of(s, 1)->carried;
	sent_was = sent_by(s, 1);
	for (uint64_t end = s->net.now_us + us;
	     s->net.now_us < end && !s->failed;) {
		asks_all(s, all[0]);
		turn(s);
		if (!lasting)
			floods(all[0], 10);
	}
	sim_measured(
		s,
		"an asker of %u: the relay sends %" PRIu64
		" datagrams/s, %" PRIu64 " relayed/s",
		s->host_count, (sent_by(s, 1) - sent_was) / (us / SIM_S),
		(hops_of(s, 1)->own + hops_of(s, 1)->carried - relayed_was) /
			(us / SIM_S));
	if (sent_by(s, 1) - sent_was > us / SIM_S * 50 * s->host_count)
		sim_fail(s, "an asker has a relay send too much");
	insiders_check(s);
	if (!lasting)
		return;
	go_on(s, 20 * SIM_S);
	sim_await(s, nat_all_up, MEET_US, "mesh beside an asker");
	nat_check_frames(s);
}

/* Keys that nobody has are offered to hosts, 1000 times a second, and what they send
 * goes nowhere. */
static void offers(struct sim *s)
{
	const uint64_t us = 20 * SIM_S;
	struct insider *const *all;
	uint64_t was, rate;
	unsigned n;

	nat_two_apart(s, 1, 1);
	nat_world_start(s, SIM_S);
	sim_await(s, nat_all_up, MEET_US, "mesh through NATs");
	enlist(s, 1, 1, says_yes);
	all = insiders_all(s, &n);
	go_on(s, SIM_S);
	nat_steady(s, 200 * SIM_MS);
	was = sent_by(s, 1);
	for (uint64_t end = s->net.now_us + us;
	     s->net.now_us < end && !s->failed;) {
		for (int i = 0; i < 10 && all[0]->met[0]; i++) {
			struct public_key key;

			rng_bytes(&s->net.rng, key.bytes, sizeof(key.bytes));
			say_leg(all[0], all[0]->met[0], WIRE_LEG_OFFER, 0,
				&key);
		}
		turn(s);
	}
	rate = (sent_by(s, 1) - was) / (us / SIM_S);
	sim_measured(
		s, "1000 offers/s to a host: it sends %" PRIu64 " datagrams/s",
		rate);
	if (rate > 200)
		sim_fail(s, "%" PRIu64 " datagrams/s for offers", rate);
	nat_was_steady(s);
	insiders_check(s);
}

/* Whom all want and nobody reaches says yes to each, and floods. */
static void target(struct sim *s)
{
	const uint64_t us = 20 * SIM_S;
	const bool lasting = s->seed % 2;
	struct insider *const *all;
	uint64_t was, rate;
	unsigned n;

	nat_two_apart(s, 2, 2);
	s->hosts[0].config.relay = s->hosts[1].config.relay = lasting;
	nat_world_start(s, SIM_S);
	sim_run(s, 10 * SIM_S);
	enlist(s, 0, 0, keeps_leg);
	all = insiders_all(s, &n);
	go_on(s, 5 * SIM_S);
	was = hops_of(s, 0)->own + hops_of(s, 0)->carried;
	for (uint64_t end = s->net.now_us + us;
	     s->net.now_us < end && !s->failed;) {
		floods(all[0], 10);
		turn(s);
	}
	rate = (hops_of(s, 0)->own + hops_of(s, 0)->carried - was) /
	       (us / SIM_S);
	sim_measured(s,
		     "a target of %s legs floods 1000 times/s: %" PRIu64
		     " relayed/s",
		     lasting ? "lasting" : "short", rate);
	if (!all[0]->legs_count)
		sim_fail(s, "nobody wants the target");
	if (!lasting && rate > 100)
		sim_fail(s, "%" PRIu64 " relayed/s by short legs", rate);
	insiders_check(s);
	if (!lasting)
		return;
	sim_await(s, nat_all_up, MEET_US, "mesh beside a target");
	nat_check_frames(s);
}

const struct scenario scenarios_legs[] = {
	{ "relay/liars", liars, 8 },
	{ "relay/askers", askers, 4 },
	{ "relay/offers", offers, 2 },
	{ "relay/target", target, 4 },
	{ 0 },
};
