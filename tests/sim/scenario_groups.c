/* Groups are joined and left: listeners.h says what must hold meanwhile. */
#include "scenario.h"

/* A leave is declared after 2 s, and a VLAN known after 2.25 s. */
#define SETTLED_US (6 * SIM_S)
/* Two rounds of queries: what was left and not heard is found out. */
#define ROUNDS_US (280 * SIM_S)

static struct listeners_config any_config(struct sim *s)
{
	return (struct listeners_config){
		.groups = (unsigned)rng_range(&s->net.rng, 1, 16),
		.old = rng_chance(&s->net.rng, 0.5) ? 0.4 : 0,
		.macvlan = 0.4,
		.joined = rng_chance(&s->net.rng, 0.5) ? 0.3 : 0,
	};
}

/* low to high hosts, started within a second, that send all the time. */
static unsigned world(struct sim *s, unsigned low, unsigned high,
		      const struct listeners_config *config)
{
	unsigned n = (unsigned)rng_range(&s->net.rng, low, high);
	uint64_t period_us = rng_range(&s->net.rng, 20, 100) * SIM_MS;
	bool silent = rng_chance(&s->net.rng, 0.3);

	sim_add_mesh(s, n);
	listeners_add(s, config);
	if (!silent)
		traffic_start(s, period_us, 4);
	for (unsigned i = 0; i < n; i++) {
		sim_start(s, i);
		sim_run(s, rng_below(&s->net.rng, SIM_S / n));
	}
	sim_await(s, sim_mesh_up, HEAL_US, "full mesh");
	/* Nobody has seen a VLAN before. */
	if (silent) {
		sim_run(s, rng_below(&s->net.rng, 6 * SIM_S));
		traffic_start(s, period_us, 4);
	}
	return n;
}

/* The faults end; us later all must be exact. */
static void quiet(struct sim *s, uint64_t us)
{
	traffic_stop(s);
	traffic_strict(s, false);
	sim_heal(s);
	listeners_heal(s);
	for (unsigned i = 0; i < s->host_count; i++) {
		sim_start(s, i);
		listeners_set_tap(s, i, true);
	}
	sim_await(s, sim_mesh_up, HEAL_US, "full mesh after the faults");
	sim_run(s, us);
	listeners_check(s, 0);
	mesh_check(s);
}

/* Nothing goes wrong: nothing is lost, from the first moment. */
static void churn(struct sim *s)
{
	struct listeners_config config = any_config(s);

	world(s, 2, 8, &config);
	traffic_strict(s, true);
	listeners_churn(s, 60, 40 * SIM_S);
	quiet(s, SETTLED_US);
	sim_check_events(s, NODE_PEER_DOWN, 0, "a peer went down");
}

/* Links that double and reorder, near and far. */
static void disordered(struct sim *s)
{
	struct listeners_config config = any_config(s);

	for (unsigned i = 0; i < SIM_HOSTS_MAX * SIM_HOSTS_MAX; i++) {
		struct link *l = &s->net.links[i];

		l->dup = rng_chance(&s->net.rng, 0.5) ? 0.3 : 0;
		l->reorder = rng_chance(&s->net.rng, 0.7) ? 0.3 : 0;
		l->disordered = l->reorder > 0;
		l->delay_max_us = rng_range(&s->net.rng, 100, 80 * SIM_MS);
	}
	world(s, 2, 8, &config);
	listeners_churn(s, 80, 30 * SIM_S);
	quiet(s, SETTLED_US);
	sim_check_events(s, NODE_PEER_DOWN, 0, "a peer went down");
}

static void spoil_links(struct sim *s, double share)
{
	for (unsigned i = 0; i < s->host_count; i++) {
		for (unsigned j = 0; j < s->host_count; j++) {
			struct link *l = net_link(&s->net, i, j);

			if (!rng_chance(&s->net.rng, share))
				continue;
			l->loss = (double)rng_below(&s->net.rng, 30) / 100;
			l->dup = (double)rng_below(&s->net.rng, 20) / 100;
			l->reorder = (double)rng_below(&s->net.rng, 30) / 100;
			l->disordered |= l->reorder > 0;
			l->delay_max_us =
				rng_range(&s->net.rng, 400, 30 * SIM_MS);
		}
	}
}

/* Some links lose; now and then others do. */
static void lossy(struct sim *s)
{
	struct listeners_config config = any_config(s);

	world(s, 2, 8, &config);
	for (int i = 0; i < 4; i++) {
		spoil_links(s, 0.3);
		listeners_churn(s, 25, 10 * SIM_S);
		if (rng_chance(&s->net.rng, 0.5))
			sim_heal(s);
		listeners_churn(s, 10, 6 * SIM_S);
	}
	quiet(s, SETTLED_US);
}

/* Members and senders crash, stop and start. */
static void restarts(struct sim *s)
{
	struct listeners_config config = any_config(s);
	unsigned host;

	world(s, 2, 8, &config);
	for (int i = 0; i < 12 && !s->failed; i++) {
		host = any_host(s);

		if (rng_chance(&s->net.rng, 0.5))
			sim_crash(s, host);
		else
			sim_stop(s, host);
		listeners_churn(s, 4,
				rng_below(&s->net.rng, 2) * 3 * SIM_S + 8);
		sim_start(s, host);
		listeners_churn(s, 5, rng_below(&s->net.rng, 6 * SIM_S) + 10);
	}
	quiet(s, SETTLED_US);
	/* Who is gone is no member. */
	host = any_host(s);
	if (rng_chance(&s->net.rng, 0.5))
		sim_crash(s, host);
	else
		sim_stop(s, host);
	sim_run(s, 5 * SIM_S);
	listeners_check(s, 0);
}

/* Hosts are cut off, both ways or one, shorter and longer than it takes to
 * notice. */
static void partitions(struct sim *s)
{
	struct listeners_config config = any_config(s);

	world(s, 2, 8, &config);
	for (int i = 0; i < 8 && !s->failed; i++) {
		unsigned host = any_host(s), other = any_other(s, host);
		uint64_t us = rng_chance(&s->net.rng, 0.5) ? 2800 * SIM_MS
							   : 8 * SIM_S;

		if (rng_chance(&s->net.rng, 0.5))
			sim_isolate(s, host, true);
		else
			net_link(&s->net, host, other)->cut = true;
		listeners_churn(s, 6, rng_below(&s->net.rng, us) + 12);
		sim_isolate(s, host, false);
		listeners_churn(s, 6, rng_below(&s->net.rng, 5 * SIM_S) + 12);
	}
	quiet(s, SETTLED_US);
}

/* Processes are stopped and go on, while their applications join and leave. */
static void paused(struct sim *s)
{
	static const uint64_t lasts_ms[] = { 100, 400, 900, 2500, 10000 };
	struct listeners_config config = any_config(s);

	world(s, 2, 6, &config);
	for (int i = 0; i < 10 && !s->failed; i++) {
		unsigned host = any_host(s);
		uint64_t us = lasts_ms[rng_below(&s->net.rng, 5)] * SIM_MS;

		sim_pause(s, host);
		listeners_churn(s, (unsigned)rng_range(&s->net.rng, 1, 12), us);
		sim_resume(s, host);
		listeners_churn(s, 6, rng_below(&s->net.rng, 4 * SIM_S) + 12);
	}
	/* The queue of a TAP may have been full, and its leaves lost. */
	quiet(s, ROUNDS_US);
}

/* The same where links lose: who did not notice that it was down to others hears
 * what was left meanwhile, though the first that they say of it is lost. */
static void unaware(struct sim *s)
{
	struct listeners_config config = any_config(s);

	world(s, 2, 4, &config);
	for (int i = 0; i < 12 && !s->failed; i++) {
		unsigned host = any_host(s);

		sim_pause(s, host);
		listeners_churn(s, 6, rng_range(&s->net.rng, 3, 8) * SIM_S);
		spoil_links(s, 0.7);
		sim_resume(s, host);
		listeners_churn(s, 2, 2 * SIM_S);
		sim_heal(s);
	}
	quiet(s, ROUNDS_US);
}

static void late(struct sim *s)
{
	struct listeners_config config = any_config(s);

	s->tick_late_us = rng_range(&s->net.rng, SIM_MS, 400 * SIM_MS);
	world(s, 2, 6, &config);
	listeners_churn(s, 60, 40 * SIM_S);
	quiet(s, SETTLED_US + 4 * SIM_S);
	sim_check_events(s, NODE_PEER_DOWN, 0, "a peer went down");
}

/* TAPs go down and up, and their queues overflow. */
static void tap(struct sim *s)
{
	struct listeners_config config = any_config(s);

	config.lossy = 0.5;
	world(s, 2, 6, &config);
	for (int i = 0; i < 10 && !s->failed; i++) {
		unsigned host = any_host(s);

		listeners_set_tap(s, host, false);
		listeners_churn(s, 4, rng_below(&s->net.rng, 2 * SIM_S) + 8);
		listeners_set_tap(s, host, true);
		listeners_churn(s, 8, rng_below(&s->net.rng, 6 * SIM_S) + 16);
	}
	quiet(s, ROUNDS_US);
}

/* Some interfaces hear no query: who joined before is seen, not heard. */
static void firewall(struct sim *s)
{
	struct listeners_config config = any_config(s);

	config.firewalled = 0.4;
	config.joined = 0.2;
	world(s, 2, 6, &config);
	for (int i = 0; i < 6 && !s->failed; i++) {
		unsigned host = any_host(s);

		listeners_churn(s, 10, 10 * SIM_S);
		if (rng_chance(&s->net.rng, 0.3))
			sim_restart(s, host);
		else if (rng_chance(&s->net.rng, 0.3))
			listeners_set_tap(s, host, false);
		listeners_churn(s, 2, 2 * SIM_S);
		listeners_set_tap(s, host, true);
	}
	quiet(s, ROUNDS_US);
}

/* Thousands of groups are joined at once, and left at once; one link loses. */
static void thousands(struct sim *s)
{
	struct listeners_config config = { .groups = 4000 };
	struct link l = link_ideal();
	double loss = rng_chance(&s->net.rng, 0.7) ? 0.2 : 0;

	sim_add_mesh(s, 3);
	for (unsigned i = 0; i < 3; i++) {
		s->hosts[i].config.groups_max = 5000;
		s->hosts[i].config.mdb_capacity = 12000;
	}
	listeners_add(s, &config);
	sim_start_all(s);
	sim_await(s, sim_mesh_up, HEAL_US, "full mesh");
	traffic_start(s, 20 * SIM_MS, 4);
	sim_run(s, rng_below(&s->net.rng, 5 * SIM_S));
	l.delay_max_us = 5 * SIM_MS;
	net_all_links(&s->net, &l);
	net_link(&s->net, 0, 1)->loss = net_link(&s->net, 1, 0)->loss = loss;
	for (unsigned g = 0; g < config.groups; g++)
		listeners_join(s, 0, 0, g);
	sim_run(s, rng_below(&s->net.rng, 4 * SIM_S));
	if (rng_chance(&s->net.rng, 0.5))
		sim_restart(s, any_host(s));
	for (unsigned g = 0; g < config.groups; g++)
		if (rng_chance(&s->net.rng, 0.5))
			listeners_leave(s, 0, 0, g);
	listeners_churn(s, 20, 5 * SIM_S);
	traffic_stop(s);
	sim_heal(s);
	sim_await(s, sim_mesh_up, HEAL_US, "full mesh after the faults");
	sim_run(s, 3 * SETTLED_US);
	listeners_check(s, 200);
}

/* 64 hosts, 40 of them with members. */
static void large(struct sim *s)
{
	struct listeners_config config = { .groups = 8, .old = 0.2 };

	sim_add_mesh(s, 64);
	for (unsigned i = 0; i < 64; i++) {
		s->hosts[i].config.groups_max = 64;
		s->hosts[i].config.mdb_capacity = 256;
	}
	listeners_add(s, &config);
	sim_start_all(s);
	sim_await(s, sim_mesh_up, HEAL_US, "mesh of 64");
	traffic_start(s, 500 * SIM_MS, 2);
	for (unsigned i = 0; i < 40; i++) {
		listeners_join(s, i, 0, (unsigned)rng_below(&s->net.rng, 8));
		sim_run(s, rng_below(&s->net.rng, 50 * SIM_MS));
	}
	listeners_churn(s, 60, 3 * SIM_S);
	quiet(s, SETTLED_US);
}

/* Through rekeys. */
static void rekey(struct sim *s)
{
	struct listeners_config config = any_config(s);

	world(s, 2, 4, &config);
	traffic_start(s, 200 * SIM_MS, 2);
	traffic_strict(s, true);
	listeners_churn(s, 300, 260 * SIM_S);
	quiet(s, SETTLED_US);
	sim_check_events(s, NODE_PEER_DOWN, 0, "a peer went down");
}

/* Some do not snoop, or do not ask, and change their minds. */
static void mixed(struct sim *s)
{
	struct listeners_config config = any_config(s);
	unsigned n = (unsigned)rng_range(&s->net.rng, 2, 6);

	sim_add_mesh(s, n);
	listeners_add(s, &config);
	for (unsigned i = 0; i < n; i++)
		listeners_set_multicast(s, i, rng_chance(&s->net.rng, 0.6),
					rng_chance(&s->net.rng, 0.8));
	traffic_start(s, 50 * SIM_MS, 4);
	sim_start_all(s);
	sim_await(s, sim_mesh_up, HEAL_US, "full mesh");
	for (int i = 0; i < 10 && !s->failed; i++) {
		listeners_churn(s, 6, rng_below(&s->net.rng, 5 * SIM_S) + 12);
		listeners_set_multicast(s, any_host(s),
					rng_chance(&s->net.rng, 0.6),
					rng_chance(&s->net.rng, 0.8));
	}
	quiet(s, ROUNDS_US);
}

/* Routers ask on some hosts' sides, for a time. */
static void routers(struct sim *s)
{
	struct listeners_config config = any_config(s);
	unsigned router;

	config.old = 0.5;
	world(s, 2, 6, &config);
	traffic_start(s, 100 * SIM_MS, 2);
	router = any_host(s);
	for (int i = 0; i < 8 && !s->failed; i++) {
		listeners_route(s, rng_chance(&s->net.rng, 0.8) ? router
								: any_host(s));
		listeners_churn(s, 10, rng_below(&s->net.rng, 40 * SIM_S) + 20);
	}
	/* They are gone, and less than a round later frames still arrive. */
	listeners_churn(s, 60, 330 * SIM_S);
	quiet(s, ROUNDS_US);
}

/* Datagrams are caught and come from elsewhere. */
static void theft(struct sim *s)
{
	struct listeners_config config = any_config(s);

	attacker_listen(s, 256);
	world(s, 2, 6, &config);
	sim_run(s, 2 * SIM_S);
	s->outside.theft = 0.1;
	listeners_churn(s, 60, 30 * SIM_S);
	attacker_flood(s, 100, 20 * SIM_MS);
	s->outside.theft = 0;
	quiet(s, SETTLED_US);
}

/* ---- everything at once ---- */

static void random_event(struct sim *s)
{
	unsigned host = any_host(s);
	struct host *h = &s->hosts[host];

	switch (rng_below(&s->net.rng, 10)) {
	case 0:
		sim_isolate(s, host, rng_chance(&s->net.rng, 0.5));
		return;
	case 1:
		spoil_links(s, 0.2);
		return;
	case 2:
		sim_crash(s, host);
		return;
	case 3:
		sim_stop(s, host);
		return;
	case 4:
	case 5:
		sim_start(s, host);
		return;
	case 6:
		if (h->paused)
			sim_resume(s, host);
		else
			sim_pause(s, host);
		return;
	case 7:
		listeners_set_tap(s, host, rng_chance(&s->net.rng, 0.5));
		return;
	case 8:
		listeners_route(s, host);
		return;
	default:
		listeners_set_multicast(s, host, rng_chance(&s->net.rng, 0.7),
					true);
		return;
	}
}

static void chaos(struct sim *s)
{
	struct listeners_config config = any_config(s);

	config.lossy = 0.3;
	config.firewalled = rng_chance(&s->net.rng, 0.5) ? 0.3 : 0;
	s->tick_late_us = rng_below(&s->net.rng, 50 * SIM_MS);
	world(s, 2, 6, &config);
	for (int i = 0; i < 40 && !s->failed; i++) {
		random_event(s);
		listeners_churn(s, 6, rng_below(&s->net.rng, 6 * SIM_S) + 12);
	}
	quiet(s, 2 * ROUNDS_US);
}

const struct scenario scenarios_groups[] = {
	{ "groups/churn", churn, 40 },
	{ "groups/disordered", disordered, 30 },
	{ "groups/lossy", lossy, 30 },
	{ "groups/restarts", restarts, 30 },
	{ "groups/partitions", partitions, 30 },
	{ "groups/paused", paused, 30 },
	{ "groups/unaware", unaware, 30 },
	{ "groups/late", late, 20 },
	{ "groups/tap", tap, 30 },
	{ "groups/firewall", firewall, 25 },
	{ "groups/thousands", thousands, 8 },
	{ "groups/large", large, 1 },
	{ "groups/rekey", rekey, 10 },
	{ "groups/mixed", mixed, 30 },
	{ "groups/routers", routers, 15 },
	{ "groups/theft", theft, 10 },
	{ "groups/chaos", chaos, 30 },
	{ 0 },
};
