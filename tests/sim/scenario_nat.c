/* Hosts behind NATs. First the NATs themselves, then who meets whom. */
#include <inttypes.h>

#include "hops.h"
#include "nat_world.h"

/* ---- the boxes, by single datagrams ---- */

/* What a test of a box speaks with: two hosts behind it, two outside to whom
 * they speak, and one to whom they do not. */
struct box {
	struct sim *sim;
	unsigned nat;
	struct host *in, *beside, *out, *other, *stranger;
};

static struct box box_make(struct sim *s, enum nat_kind kind)
{
	struct box b = { .sim = s, .nat = nat_add(s, kind) };

	for (int i = 0; i < 5; i++)
		sim_add_host(s);
	b.in = &s->hosts[s->host_count - 5];
	b.beside = b.in + 1;
	b.out = b.in + 2;
	b.other = b.in + 3;
	b.stranger = b.in + 4;
	nat_put(s, b.in->index, b.nat);
	nat_put(s, b.beside->index, b.nat);
	return b;
}

static const struct addr *addr_of(const struct host *h)
{
	return &h->addr[FAMILY_V4];
}

/* Where what a host sends there seems to come from; all zero: it does not get there. */
static struct addr seen_as(struct host *h, const struct addr *to)
{
	struct addr from = *addr_of(h);

	return nat_leave(h, to, &from) ? from : (struct addr){ 0 };
}

static bool gets_in(struct host *from, const struct addr *to,
		    const struct host *whom)
{
	struct addr at = *to;
	struct host *guess;
	struct addr seen = *addr_of(from);

	guess = nat_leave(from, to, &seen);
	return guess &&
	       nat_enter(from->sim, guess->index, &seen, &at) == whom &&
	       addr_equal(&at, addr_of(whom));
}

static void expect(struct box *b, bool is, const char *what)
{
	if (!is)
		sim_fail(b->sim, "%s NAT: %s",
			 nat_kind_name(nat_kind(b->sim, b->nat)), what);
}

static void check_mappings(struct box *b, enum nat_kind kind)
{
	struct addr first = seen_as(b->in, addr_of(b->out));
	struct addr again = seen_as(b->in, addr_of(b->out));
	struct addr second = seen_as(b->in, addr_of(b->other));
	struct addr beside = seen_as(b->beside, addr_of(b->out));

	expect(b, addr_equal(&first, &again), "a mapping does not stay");
	expect(b, addr_equal(&first, &second) == (kind != NAT_SYMMETRIC),
	       "the port depends on the destination, or does not");
	expect(b,
	       (first.port == addr_of(b->in)->port) == (kind != NAT_SYMMETRIC),
	       "the port is kept, or is not");
	expect(b, !addr_equal(&first, &beside), "two hosts share a mapping");
	expect(b, gets_in(b->out, &first, b->in), "an answer is kept out");
	expect(b, gets_in(b->out, &beside, b->beside), "answers are mixed up");
}

static void check_filter(struct box *b, enum nat_kind kind)
{
	struct addr mapped = seen_as(b->in, addr_of(b->out));
	struct addr own = mapped;

	expect(b,
	       gets_in(b->stranger, &mapped, b->in) == (kind == NAT_FULL_CONE),
	       "a stranger gets in, or is kept out");
	own.port = 1;
	expect(b, !gets_in(b->out, &own, b->in), "a port that is not mapped");
	expect(b, gets_in(b->beside, &mapped, b->in) == (kind == NAT_FULL_CONE),
	       "a hairpin");
	expect(b, gets_in(b->beside, addr_of(b->in), b->in), "the inside");
	expect(b, !gets_in(b->out, addr_of(b->in), b->in),
	       "a private address is reached");
}

static void check_lives(struct box *b)
{
	struct addr mapped = seen_as(b->in, addr_of(b->out));

	sim_run(b->sim, 29 * SIM_S);
	expect(b, gets_in(b->out, &mapped, b->in), "29 s are too long");
	sim_run(b->sim, 119 * SIM_S);
	expect(b, gets_in(b->out, &mapped, b->in), "119 s are too long");
	sim_run(b->sim, 121 * SIM_S);
	expect(b, !gets_in(b->out, &mapped, b->in), "it lives for ever");
	mapped = seen_as(b->in, addr_of(b->out));
	sim_run(b->sim, 31 * SIM_S);
	expect(b, !gets_in(b->out, &mapped, b->in),
	       "it lives on without an answer");
	mapped = seen_as(b->in, addr_of(b->out));
	nat_reboot(b->sim, b->nat);
	expect(b, !gets_in(b->out, &mapped, b->in), "a reboot");
}

static void model(struct sim *s)
{
	for (int kind = 0; kind < NAT_KINDS; kind++) {
		struct box b = box_make(s, (enum nat_kind)kind);

		check_mappings(&b, (enum nat_kind)kind);
		check_filter(&b, (enum nat_kind)kind);
		check_lives(&b);
	}
}

/* ---- who meets whom ---- */

/* From a start, or from when what was used is gone: docs/PROTOCOL. */
#define RELAYED_US (20 * SIM_S)
/* Ways that did not answer are tried again after a minute. */
#define DIRECT_US (90 * SIM_S)

static struct nat_plan plan_of(struct sim *s, unsigned low, unsigned high)
{
	struct nat_plan p = { .crowd = 3 };

	p.behind = (unsigned)rng_range(&s->net.rng, low, high);
	p.publics = (unsigned)rng_range(&s->net.rng, 3, p.behind / 2 + 2);
	p.relays = (unsigned)rng_range(&s->net.rng, 2, p.publics);
	return p;
}

/* It is not asked for what holds already. */
static void await(struct sim *s, bool (*holds)(struct sim *s),
		  uint64_t limit_us, const char *what)
{
	const uint64_t start = s->net.now_us;

	while (!s->failed && !holds(s)) {
		if (s->net.now_us - start >= limit_us) {
			nat_note_rest(s);
			sim_fail(s, "%s: not within %" PRIu64 " ms", what,
				 limit_us / SIM_MS);
		}
		sim_run(s, 50 * SIM_MS);
	}
	sim_measured(s, "%s of %u: %" PRIu64 " ms", what, s->host_count,
		     (s->net.now_us - start) / SIM_MS);
}

static void up(struct sim *s, const struct nat_plan *plan)
{
	nat_world(s, plan);
	nat_world_start(s, SIM_S);
	await(s, nat_all_up, RELAYED_US, "mesh through NATs");
}

static void measure_carried(struct sim *s, uint64_t us)
{
	const uint64_t was = hops_carried(s);

	sim_run(s, us);
	sim_measured(s, "carried for %u: %.0f datagrams/s", s->host_count,
		     (double)(hops_carried(s) - was) * SIM_S / (double)us);
}

/* 32 hosts, 20 of which are behind NATs. From when all are up no frame is lost, though
 * most pairs leave their relays meanwhile. */
static void mesh(struct sim *s)
{
	const struct nat_plan plan = {
		.publics = 12, .relays = 4, .behind = 20, .crowd = 3
	};

	up(s, &plan);
	nat_steady(s, SIM_S);
	await(s, nat_all_at_best, DIRECT_US, "all at best");
	measure_carried(s, 20 * SIM_S);
	if (!nat_all_at_best(s))
		sim_fail(s, "a direct path is lost again");
	nat_was_steady(s);
	sim_check_peers(s);
	traffic_check_reach(s);
}

/* The same for fewer, each when it likes. */
static void one_by_one(struct sim *s)
{
	const struct nat_plan plan = plan_of(s, 4, 9);

	nat_world(s, &plan);
	nat_world_start(s, 60 * SIM_S);
	await(s, nat_all_up, RELAYED_US, "mesh of who came one by one");
	await(s, nat_all_at_best, DIRECT_US, "all at best");
	nat_steady(s, 500 * SIM_MS);
	sim_run(s, rng_below(&s->net.rng, 300 * SIM_S));
	nat_was_steady(s);
	sim_check_peers(s);
}

/* ---- what changes ---- */

static unsigned any_nat(struct sim *s)
{
	unsigned i;

	do
		i = nat_of(s, any_host(s));
	while (i == NATS_MAX);
	return i;
}

/* A box is switched off and on: what was behind it meets all again. */
static void reboot(struct sim *s)
{
	const struct nat_plan plan = plan_of(s, 4, 9);

	up(s, &plan);
	await(s, nat_all_at_best, DIRECT_US, "all at best");
	traffic_start(s, 200 * SIM_MS, 4);
	for (int i = 0; i < 3 && !s->failed; i++) {
		nat_reboot(s, any_nat(s));
		sim_run(s, 5 * SIM_S);
		await(s, nat_all_up, RELAYED_US, "mesh after a NAT's restart");
		await(s, nat_all_at_best, DIRECT_US, "all at best");
	}
	traffic_stop(s);
	sim_run(s, 3 * SIM_S);
	traffic_check_reach(s);
}

/* A box is of another kind from now on. */
static void change(struct sim *s)
{
	const struct nat_plan plan = plan_of(s, 4, 9);

	up(s, &plan);
	await(s, nat_all_at_best, DIRECT_US, "all at best");
	traffic_start(s, 200 * SIM_MS, 4);
	for (int i = 0; i < 3 && !s->failed; i++) {
		nat_change(s, any_nat(s),
			   (enum nat_kind)rng_below(&s->net.rng, NAT_KINDS));
		sim_run(s, 5 * SIM_S);
		await(s, nat_all_up, RELAYED_US, "mesh after a NAT's change");
		await(s, nat_all_at_best, DIRECT_US, "all at best");
	}
	traffic_stop(s);
	sim_run(s, 3 * SIM_S);
	traffic_check_reach(s);
}

/* Numbered frames to all, ever a millisecond apart, while a pair leaves its relay:
 * none is lost, and none is overtaken. */
static void order(struct sim *s)
{
	const struct nat_plan plan = {
		.publics = 2, .relays = 1, .behind = 2, .crowd = 1
	};
	const struct traffic_spec all = { TRAFFIC_BROADCAST, .len = 300 };
	unsigned seen = 0;

	nat_world(s, &plan);
	for (unsigned i = 2; i < 4; i++)
		nat_change(s, nat_of(s, i), NAT_SYMMETRIC);
	nat_world_start(s, SIM_S);
	await(s, nat_all_up, RELAYED_US, "mesh through NATs");
	sim_run(s, rng_below(&s->net.rng, 100 * SIM_S));
	/* Mappings stay: only what is sent to others from now on differs. */
	for (unsigned i = 2; i < 4; i++)
		nat_soften(s, nat_of(s, i));
	traffic_strict(s, true);
	for (uint64_t end = s->net.now_us + DIRECT_US;
	     s->net.now_us < end && !s->failed && seen < 2000;) {
		seen += nat_reached(s, 2, 3) == REACHED_DIRECTLY &&
			nat_reached(s, 3, 2) == REACHED_DIRECTLY;
		traffic_send(s, 2, &all, 1);
		traffic_send(s, 3, &all, 1);
		sim_run(s, SIM_MS);
	}
	if (!seen)
		sim_fail(s, "they do not meet directly");
	sim_run(s, 3 * SIM_S);
	traffic_check(s);
}

const struct scenario scenarios_nat[] = {
	{ "nat/model", model, 1 },
	{ "nat/mesh", mesh, 2 },
	{ "nat/one_by_one", one_by_one, 4 },
	{ "nat/reboot", reboot, 4 },
	{ "nat/change", change, 4 },
	{ "nat/order", order, 4 },
	{ 0 },
};
