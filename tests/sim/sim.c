/* The world: its hosts, their nodes' lives, and the course of time. */
#include "sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attacker.h"
#include "hops.h"
#include "insider.h"
#include "listeners.h"
#include "memory.h"
#include "nat.h"
#include "traffic.h"
#include "watch.h"

#define WALL_START_US (INT64_C(1700000000) * 1000000)
#define LOOK_EVERY_US (10 * SIM_MS)
/* Timers may be many, but not so many: per host and virtual second. */
#define TICKS_BASE     200
#define TICKS_PER_HOST 60
/* A node does thousands of things that are due at once in several ticks. */
#define TICKS_IN_A_ROW 50
#define PORT	       8273

const struct prefix sim_overlay = {
	.addr = { .ip = { [10] = 0xff, 0xff, 10, 77 } },
	.len = 16,
};

/* ---- the node's surroundings ---- */

/* Nothing else that it draws is as long as a salt. */
static void host_random(void *user, void *buf, size_t len)
{
	struct host *h = user;

	rng_bytes(h->memory && len == WIRE_SALT_LEN ? &h->salts : &h->random,
		  buf, len);
}

static unsigned find_identity(const struct sim *s, const struct public_key *key)
{
	static const struct public_key none;

	if (public_key_equal(key, &none))
		return SIM_HOSTS_MAX;
	for (unsigned i = 0; i < s->host_count; i++)
		if (public_key_equal(&s->hosts[i].key, key))
			return i;
	return SIM_HOSTS_MAX;
}

static void note_up(struct host *h, enum node_event_type type, unsigned who)
{
	if (who == SIM_HOSTS_MAX)
		return;
	if (type == NODE_PEER_UP || type == NODE_PEER_RESTARTED)
		h->up_us[who] = h->sim->net.now_us;
	if (type == NODE_PEER_UP) {
		h->up |= UINT64_C(1) << who;
		h->saw |= UINT64_C(1) << who;
	} else if (type == NODE_PEER_DOWN) {
		h->up &= ~(UINT64_C(1) << who);
	}
}

static void host_event(void *user, const struct node_event *e)
{
	static const char *const names[] = {
		[NODE_PEER_UP] = "up",
		[NODE_PEER_DOWN] = "down",
		[NODE_PEER_RESTARTED] = "restarted",
		[NODE_PEER_MOVED] = "moved",
		[NODE_PEER_PATH] = "path",
		[NODE_PEER_REFUSED] = "refused",
		[NODE_DUPLICATE_KEY] = "duplicate key",
		[NODE_OWN_KEY] = "own key",
		[NODE_PEER_COPIED] = "is copied",
		[NODE_COPIED] = "says that it is copied",
		[NODE_SELF] = "self",
		[NODE_RECURSION] = "recursion",
	};
	struct host *h = user;
	struct sim *s = h->sim;
	unsigned who = find_identity(s, &e->key);
	char at[ADDR_STRLEN];

	if (memory_is_made(h)) {
		note_up(h, e->type, who);
		return;
	}
	h->events[e->type]++;
	sim_note(s, "h%u: %s (%s) %s at %s%s%s", h->index,
		 e->peer ? e->peer : "", who < SIM_HOSTS_MAX ? "known" : "?",
		 names[e->type], addr_print(&e->at, at), e->text ? ": " : "",
		 e->text ? e->text : "");
	/* A member may lie, to its own harm. */
	if ((e->type == NODE_PEER_COPIED || e->type == NODE_COPIED) &&
	    who < SIM_HOSTS_MAX && !s->copies)
		sim_fail(s, "h%u: nobody's memory was copied", h->index);
	if (s->outside.injecting && !s->outside.genuine)
		sim_fail(s, "h%u reports \"%s\" for an outsider's datagram",
			 h->index, names[e->type]);
	if (who == SIM_HOSTS_MAX)
		return;
	h->about_hosts[e->type]++;
	note_up(h, e->type, who);
}

/* The overlay's network. */
static bool host_leads_into_tap(void *user, const struct addr *to)
{
	(void)user;
	return prefix_contains(&sim_overlay, to);
}

static const struct node_ops ops = {
	.random = host_random,
	.udp_send = network_send,
	.tap_write = traffic_write,
	.event = host_event,
	.leads_into_tap = host_leads_into_tap,
};

struct clock host_clock(const struct host *h)
{
	uint64_t now = h->sim->net.now_us;

	return (struct clock){
		.mono_us = now + (uint64_t)h->mono_offset_us,
		.wall_us = (uint64_t)((int64_t)now + WALL_START_US +
				      h->wall_offset_us),
	};
}

void host_settle(struct host *h)
{
	struct sim *s = h->sim;
	uint64_t due;

	if (!h->node || h->paused)
		return;
	due = node_deadline(h->node);
	if (due != CLOCK_NEVER) {
		due -= (uint64_t)h->mono_offset_us;
		if ((int64_t)due < (int64_t)s->net.now_us)
			due = s->net.now_us;
	}
	if (due == h->tick_us)
		return;
	h->tick_us = due;
	if (due != CLOCK_NEVER)
		queue_push(s->net.queue,
			   due + rng_below(&s->net.rng, s->tick_late_us),
			   EVENT_TICK, h->index, NULL);
}

/* A tick that leaves work due at once would spin the daemon's event loop. */
static void host_tick(struct host *h)
{
	struct sim *s = h->sim;
	struct clock now = host_clock(h);
	uint64_t limit = TICKS_BASE + TICKS_PER_HOST * (uint64_t)s->host_count;

	if (!h->node || h->paused || h->tick_us == CLOCK_NEVER ||
	    h->tick_us > s->net.now_us)
		return;
	h->tick_us = CLOCK_NEVER;
	listeners_before_tick(h);
	memory_tick(h);
	node_tick(h->node, now);
	if (node_deadline(h->node) > now.mono_us)
		h->row_ticks = 0;
	else if (++h->row_ticks > TICKS_IN_A_ROW)
		sim_fail(s, "h%u is still due at %" PRIu64 " after %u ticks",
			 h->index, now.mono_us, h->row_ticks);
	if (s->net.now_us - h->window_us >= SIM_S) {
		h->window_us = s->net.now_us;
		h->window_ticks = 0;
	}
	if (++h->window_ticks > limit)
		sim_fail(s, "h%u ticks more than %" PRIu64 " times a second",
			 h->index, limit);
	host_settle(h);
}

/* ---- the run ---- */

struct sim *sim_new(uint64_t seed, bool verbose)
{
	struct sim *s = test_zalloc(1, sizeof(*s));
	struct link ideal = link_ideal();

	s->seed = seed;
	s->exchange = seed % 3 == 0;
	s->verbose = verbose;
	net_init(&s->net, SIM_S,
		 rng_init(seed * UINT64_C(0x9e3779b97f4a7c15) + 1), &ideal);
	s->trace = trace_new();
	s->ledger = ledger_new();
	s->sessions = sessions_new();
	s->hops = hops_new();
	s->hosts = test_zalloc(SIM_HOSTS_MAX, sizeof(*s->hosts));
	s->addr_net = 0x0a000000u;
	s->next_addr = 1;
	rng_bytes(&s->net.rng, s->secret, sizeof(s->secret));
	return s;
}

void sim_free(struct sim *s)
{
	for (unsigned i = 0; i < s->host_count; i++) {
		sim_crash(s, i);
		memory_free(&s->hosts[i]);
	}
	nonces_free(s);
	listeners_free(s);
	attacker_free(s);
	insiders_free(s);
	watch_free(s);
	nats_free(s);
	hops_free(s->hops);
	net_free(&s->net);
	ledger_free(s->ledger);
	sessions_free(s->sessions);
	trace_free(s->trace);
	free(s->hosts);
	free(s);
}

static void dispatch(struct sim *s, struct event e)
{
	switch (e.kind) {
	case EVENT_TICK:
		host_tick(&s->hosts[e.host]);
		return;
	case EVENT_ARRIVAL:
		network_arrive(s, e);
		return;
	case EVENT_TRAFFIC:
		traffic_turn(s, e.host);
		return;
	case EVENT_KERNEL:
		listeners_turn(s, e.host);
		return;
	}
}

void sim_run(struct sim *s, uint64_t us)
{
	uint64_t end = s->net.now_us + us;
	const struct event *next;

	while (!s->failed && (next = queue_first(s->net.queue)) &&
	       next->at_us <= end) {
		if (next->at_us > s->net.now_us)
			s->net.now_us = next->at_us;
		dispatch(s, queue_pop(s->net.queue));
	}
	s->net.now_us = end;
}

uint64_t sim_await(struct sim *s, bool (*holds)(struct sim *s),
		   uint64_t limit_us, const char *what)
{
	uint64_t start = s->net.now_us;

	while (!s->failed && !holds(s)) {
		if (s->net.now_us - start >= limit_us)
			sim_fail(s, "%s: not within %" PRIu64 " ms", what,
				 limit_us / SIM_MS);
		sim_run(s, LOOK_EVERY_US);
	}
	return s->net.now_us - start;
}

/* ---- hosts ---- */

/* Addresses are numbered, and never used twice. */
struct addr sim_next_addr(struct sim *s, int family)
{
	uint32_t serial = s->next_addr++;
	struct addr a = { .ip = { 0xfd }, .port = PORT };

	if (family == FAMILY_V4)
		return addr_v4(s->addr_net + serial, PORT);
	a.ip[14] = (uint8_t)(serial >> 8);
	a.ip[15] = (uint8_t)serial;
	return a;
}

bool network_has(const struct host *h, const struct addr *a)
{
	int family = addr_is_v4(a) ? FAMILY_V4 : FAMILY_V6;

	return h->has[family] && addr_equal(&h->addr[family], a);
}

struct host *network_find(struct sim *s, const struct addr *a)
{
	for (unsigned i = 0; i < s->host_count; i++)
		if (network_has(&s->hosts[i], a) && nat_of(s, i) == NATS_MAX)
			return &s->hosts[i];
	return NULL;
}

unsigned sim_add_host(struct sim *s)
{
	unsigned index = s->host_count;
	struct host *h = &s->hosts[index];

	if (index == SIM_HOSTS_MAX) {
		sim_fail(s, "too many hosts");
		return 0;
	}
	s->host_count++;
	h->sim = s;
	h->index = h->identity = index;
	h->random = rng_init(rng_u64(&s->net.rng));
	h->mono_offset_us = (int64_t)rng_below(&s->net.rng, 1000 * SIM_S);
	h->wall_offset_us = (int64_t)rng_below(&s->net.rng, SIM_S);
	h->tick_us = CLOCK_NEVER;
	h->config = (struct node_config){
		.secrets_count = 1,
		.tap_mtu = 1500,
		.tap_takes = { .partial = true },
		.interval_us = SIM_S,
		.down_after = 3,
		.expire_us = 300 * SIM_S,
		.fdb_capacity = 2048,
		.groups_max = 512,
		.mdb_capacity = 4096,
		.frag_buffers = 64,
		.peer_exchange = s->exchange,
	};
	rng_bytes(&s->net.rng, h->config.private_key, KEY_LEN);
	memcpy(h->config.secrets[0], s->secret, KEY_LEN);
	snprintf(h->config.name, sizeof(h->config.name), "host-%u", index);
	sim_give_addr(s, index, FAMILY_V4);
	return index;
}

void sim_give_addr(struct sim *s, unsigned host, int family)
{
	struct host *h = &s->hosts[host];

	h->has[family] = true;
	h->addr[family] = sim_next_addr(s, family);
}

void sim_clone_key(struct sim *s, unsigned host, unsigned original)
{
	memcpy(s->hosts[host].config.private_key,
	       s->hosts[original].config.private_key, KEY_LEN);
	s->hosts[host].identity = original;
}

/* Whom the others have up is another then. */
void sim_new_key(struct sim *s, unsigned host)
{
	rng_bytes(&s->net.rng, s->hosts[host].config.private_key, KEY_LEN);
	for (unsigned i = 0; i < s->host_count; i++)
		s->hosts[i].up &= ~(UINT64_C(1) << host);
}

void sim_want(struct sim *s, unsigned host, unsigned other)
{
	struct host *h = &s->hosts[host];
	const struct host *o = &s->hosts[other];

	for (int f = 0; f < FAMILIES; f++) {
		if (!o->has[f])
			continue;
		if (h->want_count == HOST_WANTS_MAX)
			sim_fail(s, "h%u wants too many endpoints", host);
		else
			h->wants[h->want_count++] = o->addr[f];
	}
}

void sim_want_all(struct sim *s)
{
	for (unsigned i = 0; i < s->host_count; i++)
		for (unsigned j = 0; j < s->host_count; j++)
			sim_want(s, i, j);
}

void sim_forget_wants(struct sim *s, unsigned host)
{
	s->hosts[host].want_count = 0;
}

void sim_add_mesh(struct sim *s, unsigned n)
{
	while (n-- > 0)
		sim_add_host(s);
	sim_want_all(s);
}

void sim_apply_wants(struct sim *s, unsigned host)
{
	struct host *h = &s->hosts[host];
	size_t left;

	if (!h->node)
		return;
	memory_want(h);
	left = node_want(h->node, NODE_SOURCE_PEERS, h->wants, h->want_count,
			 host_clock(h));
	if (left > 0)
		sim_fail(s, "h%u has no room for %zu endpoints", host, left);
	host_settle(h);
}

void sim_make_node(struct host *h, struct clock now)
{
	const char *error = "no message";

	h->node = node_new(&h->config, &ops, h, now, &error);
	if (!h->node)
		sim_fail(h->sim, "node_new: %s", error);
}

void sim_start(struct sim *s, unsigned host)
{
	struct host *h = &s->hosts[host];
	struct node_status status;

	if (s->failed || h->node)
		return;
	sim_note(s, "h%u starts", host);
	h->up = 0;
	h->tick_us = CLOCK_NEVER;
	memory_start(h);
	sim_make_node(h, host_clock(h));
	if (!h->node)
		return;
	node_status(h->node, &status);
	h->key = status.key;
	if (h->identity != host)
		h->key = s->hosts[h->identity].key;
	if (!public_key_equal(&h->key, &status.key))
		sim_fail(s, "h%u has another key than before", host);
	sim_apply_wants(s, host);
	listeners_started(h);
	host_settle(h);
}

void sim_start_all(struct sim *s)
{
	for (unsigned i = 0; i < s->host_count; i++)
		sim_start(s, i);
}

void sim_crash(struct sim *s, unsigned host)
{
	struct host *h = &s->hosts[host];

	if (h->node) {
		sim_note(s, "h%u ends", host);
		traffic_excuse(s, host);
	}
	for (size_t i = 0; i < h->backlog_count; i++)
		free(h->backlog[i]);
	h->backlog_count = 0;
	h->paused = false;
	h->up = 0;
	h->tick_us = CLOCK_NEVER;
	node_free(h->node);
	h->node = NULL;
}

void sim_stop(struct sim *s, unsigned host)
{
	struct host *h = &s->hosts[host];

	if (h->node && !s->failed) {
		node_bye(h->node, host_clock(h));
		traffic_excuse_late(s, host);
	}
	sim_crash(s, host);
}

void sim_restart(struct sim *s, unsigned host)
{
	sim_crash(s, host);
	sim_start(s, host);
}

void sim_pause(struct sim *s, unsigned host)
{
	sim_note(s, "h%u is stopped", host);
	traffic_excuse(s, host);
	s->hosts[host].paused = s->hosts[host].node != NULL;
}

void sim_resume(struct sim *s, unsigned host)
{
	struct host *h = &s->hosts[host];

	if (!h->paused)
		return;
	sim_note(s, "h%u goes on", host);
	h->paused = false;
	listeners_resumed(h);
	for (size_t i = 0; i < h->backlog_count && !s->failed; i++)
		network_deliver(h, &h->backlog[i], 1);
	for (size_t i = 0; i < h->backlog_count; i++)
		free(h->backlog[i]);
	h->backlog_count = 0;
	h->tick_us = CLOCK_NEVER;
	host_settle(h);
}

void sim_move(struct sim *s, unsigned host)
{
	struct host *h = &s->hosts[host];

	sim_note(s, "h%u moves", host);
	for (int f = 0; f < FAMILIES; f++)
		if (h->has[f])
			h->addr[f] = sim_next_addr(s, f);
}
