/* Hosts behind NATs. First the NATs themselves, then who meets whom. */
#include "scenario.h"

#define PUBLIC_NET 0xc6120000u /* 198.18.0.0/15 */

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
	s->addr_net = PUBLIC_NET;
	for (int kind = 0; kind < NAT_KINDS; kind++) {
		struct box b = box_make(s, (enum nat_kind)kind);

		check_mappings(&b, (enum nat_kind)kind);
		check_filter(&b, (enum nat_kind)kind);
		check_lives(&b);
	}
}

const struct scenario scenarios_nat[] = {
	{ "nat/model", model, 1 },
	{ 0 },
};
