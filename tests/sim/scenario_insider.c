/*
 * What a member that holds the secret tries beside honest hosts: these lose no frame,
 * none of them goes down, and who is new gets in.
 */
#include "scenario.h"

#define STEP_US (5 * SIM_MS)
/* What UDP and IPv4 put before a datagram. */
#define UNDERLAY_LEN 28
#define FLOOD_BPS    10000000
#define JOIN_BPS     3500000
/* Longer than keys live. */
#define FLOOD_US (300 * SIM_S)
/* A session of the member's is made anew this often. */
#define MEET_US (60 * SIM_S)

/* ---- the honest ---- */

void insider_world(struct sim *s, unsigned low, unsigned high,
		   uint64_t period_us)
{
	mesh_up(s, low, high);
	sim_run(s, SIM_S);
	traffic_strict(s, true);
	traffic_start(s, period_us, 4);
	sim_run(s, SIM_S);
}

void insider_unharmed(struct sim *s)
{
	static const enum node_event_type never[] = {
		NODE_PEER_DOWN,	    NODE_PEER_MOVED,  NODE_PEER_RESTARTED,
		NODE_DUPLICATE_KEY, NODE_PEER_COPIED, NODE_COPIED,
	};

	traffic_stop(s);
	sim_run(s, 3 * SIM_S);
	traffic_check(s);
	traffic_strict(s, false);
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (sim_events_of_hosts(s, never[i]))
			sim_fail(s, "a member brings event %d upon a host",
				 (int)never[i]);
	if (!sim_mesh_up(s))
		sim_fail(s, "a member took a peer down");
	insiders_check(s);
}

/* By everybody: all hosts, and a member. */
static void trust(struct sim *s, const struct public_key *member)
{
	struct public_key keys[SIM_HOSTS_MAX + 1];
	unsigned n = s->host_count;

	for (unsigned i = 0; i < n; i++)
		keys[i] = s->hosts[i].key;
	keys[n] = *member;
	for (unsigned i = 0; i < n && !s->failed; i++) {
		node_set_trusted(s->hosts[i].node, keys, n + 1,
				 host_clock(&s->hosts[i]));
		host_settle(&s->hosts[i]);
	}
}

/* ---- floods of handshakes ---- */

/* What is still to be sent to keep to a rate. */
struct pace {
	double bits;
};

static bool pace_take(struct pace *p, size_t len)
{
	size_t bits = (len + UNDERLAY_LEN) * 8;

	if (p->bits < (double)bits)
		return false;
	p->bits -= (double)bits;
	return true;
}

/* Two members: one begins handshakes with a key that is not its own; one is a peer,
 * and begins rekeys. */
struct flood {
	struct insider *stranger, *peer;
	struct member_session *session; /* the peer's */
	uint64_t met_us;
	struct pace initiations, rekeys;
	unsigned places;
};

static struct flood flood_begin(struct sim *s, unsigned host)
{
	struct flood f = { .stranger = insider_new(s, host),
			   .peer = insider_new(s, host) };

	f.stranger->deaf = true;
	f.places = (unsigned)rng_range(&s->net.rng, 1, INSIDER_PLACES);
	return f;
}

/* STEP_US of it, this much of each kind. */
static void flood_step(struct flood *f, double bps)
{
	struct sim *s = f->peer->sim;
	const double bits = bps * (double)STEP_US / SIM_S;

	if (!f->session || s->net.now_us - f->met_us > MEET_US) {
		f->session = insider_join(f->peer, 0);
		f->met_us = s->net.now_us;
	}
	f->initiations.bits += bits;
	while (pace_take(&f->initiations, WIRE_INITIATION_LEN))
		insider_initiate(f->stranger, 1, MEMBER_KEY_HONEST, f->places);
	f->rekeys.bits += f->session ? bits : 0;
	while (pace_take(&f->rekeys, WIRE_DATA_OVERHEAD + 3 * WIRE_REKEY_1_LEN))
		insider_rekey(f->peer, f->session);
	insider_turn(f->peer);
	sim_run(s, STEP_US);
}

/* All of it now and then, as it takes a minute to simulate; else while keys are
 * made, and about then as much as keeps each half-open place taken. */
static double flood_rate(uint64_t us, bool all)
{
	const uint64_t s = us / SIM_S;

	if (all || (s >= 109 && s < 114) || (s >= 221 && s < 226))
		return FLOOD_BPS;
	if ((s >= 104 && s < 125) || (s >= 216 && s < 241) || s >= 285)
		return FLOOD_BPS / 100;
	return FLOOD_BPS / 2000;
}

static void flood(struct sim *s)
{
	bool all = rng_chance(&s->net.rng, 0.05);
	struct flood f;
	uint64_t start;
	unsigned host;

	insider_world(s, 4, 8, 500 * SIM_MS);
	host = any_host(s);
	f = flood_begin(s, host);
	if (s->seed % 2)
		trust(s, &f.peer->member.keys[MEMBER_KEY_OWN]);
	start = s->net.now_us;
	while (s->net.now_us - start < FLOOD_US && !s->failed)
		flood_step(&f, flood_rate(s->net.now_us - start, all));
	if (!sim_drops(s, host, DROP_handshake_rate) ||
	    !sim_drops(s, host, DROP_handshake_half_open) ||
	    !sim_drops(s, host, DROP_rekey_rate))
		sim_fail(s, "the flood is not felt");
	insider_unharmed(s);
}

/* A host that none of the others lists comes while each of them is flooded. */
static void newcomer(struct sim *s)
{
	struct flood floods[SIM_HOSTS_MAX];
	unsigned fresh, n;
	uint64_t start;

	insider_world(s, 4, 6, 200 * SIM_MS);
	n = s->host_count;
	for (unsigned i = 0; i < n; i++)
		floods[i] = flood_begin(s, i);
	fresh = sim_add_host(s);
	for (unsigned i = 0; i < fresh; i++)
		sim_want(s, fresh, i);
	for (start = s->net.now_us; s->net.now_us - start < SIM_S;)
		for (unsigned i = 0; i < n; i++)
			flood_step(&floods[i], (double)JOIN_BPS * n);
	sim_start(s, fresh);
	for (start = s->net.now_us; !s->failed && !sim_mesh_up(s);) {
		if (s->net.now_us - start > 5 * SIM_S)
			sim_fail(s, "a flood keeps h%u out for 5 s", fresh);
		for (unsigned i = 0; i < n; i++)
			flood_step(&floods[i], (double)JOIN_BPS * n);
	}
	insider_unharmed(s);
}

const struct scenario scenarios_insider[] = {
	{ "insider/flood", flood, 2 },
	{ "insider/newcomer", newcomer, 2 },
	{ 0 },
};
