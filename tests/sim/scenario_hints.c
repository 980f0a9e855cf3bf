/*
 * What members that hold the secret tell honest hosts of others: addresses of nobody get
 * few datagrams for it, no honest host goes down, and who is new meets everybody.
 */
#include <inttypes.h>
#include <string.h>

#include "scenario.h"

#define STEP_US (10 * SIM_MS)
#define MEET_US (10 * SIM_S)
/* A session of a member's is made anew this often. */
#define AGAIN_US (60 * SIM_S)
/* The first minute with others is all there is to learn in. */
#define YOUNG_US (60 * SIM_S)
#define LIES_US	 (600 * SIM_S)

/* docs/PROTOCOL, 10.: at an address two ports, three tries each, and in 10 minutes at
 * most the first round and those 10 s, 1 min and 10 min (-25 %) later. */
#define ASTRAY_MAX (2 * 3 * 4)
/* Initiations a second. */
#define PACE 4
/* Hosts in one datagram. */
#define HOSTS_A_DATAGRAM 100
/* More than is read of one list; later ones are shorter, for the test's sake. */
#define HOSTS_A_LIST 1100
#define HOSTS_LATER  200
#define LISTS_LONG   4

#define VICTIM_NET 0xac100000u /* 172.16.0.0: nobody is there */
#define OVERLAY	   0x0a4d0000u /* 10.77.0.0 */

/* ---- honest hosts ---- */

/* n hosts that were told of each other by the first one. */
static void honest_world(struct sim *s, unsigned n)
{
	s->exchange = true;
	for (unsigned i = 0; i < n; i++)
		sim_want(s, sim_add_host(s), 0);
	sim_start_all(s);
	sim_await(s, sim_mesh_up, MEET_US, "mesh from one seed");
	sim_run(s, SIM_S);
	traffic_strict(s, true);
	traffic_start(s, 500 * SIM_MS, 4);
	watch_begin(s);
}

/* ---- members ---- */

static void enlist(struct insider *i, unsigned keys)
{
	i->keys = keys;
	i->member.capabilities = WIRE_CAN_EXCHANGE;
	i->member.list = 1;
	insider_answers(i);
}

/* So many members, each of which all hosts know by so many keys. */
static void gang(struct sim *s, unsigned members, unsigned keys)
{
	while (members-- > 0) {
		struct insider *first = insider_new(s, 0);

		enlist(first, keys);
		for (unsigned i = 1; i < s->host_count; i++)
			enlist(insider_like(first, i), keys);
	}
}

/* A host that came later is met by those that host 0 has met. */
static void gang_greets(struct sim *s, unsigned host)
{
	unsigned n;
	struct insider *const *all = insiders_all(s, &n);

	for (unsigned i = 0; i < n; i++) {
		struct insider *one;

		if (all[i]->host != 0)
			continue;
		one = insider_like(all[i], host);
		enlist(one, all[i]->keys);
		one->reads = all[i]->reads;
	}
}

/* A list of what nth(i, host, number) makes up. */
static void tell(struct insider *i, struct member_session *session,
		 uint32_t since, unsigned count,
		 void (*nth)(struct insider *i, struct wire_host *host))
{
	uint8_t records[WIRE_PEERS_LEN + HOSTS_A_DATAGRAM * WIRE_HOST_LEN];
	struct wire_peers list = { .base = since, .version = i->member.list };

	if (list.version < list.base)
		list.base = list.version;
	for (unsigned sent = 0; sent < count;) {
		size_t n = 0;

		for (; n < HOSTS_A_DATAGRAM && sent < count; n++, sent++) {
			struct wire_host host;

			rng_bytes(&i->member.rng, host.key, sizeof(host.key));
			nth(i, &host);
			i->serial++;
			wire_pack_host(&host, records + WIRE_PEERS_LEN +
						      n * WIRE_HOST_LEN);
		}
		wire_pack_peers(&list, n, records);
		insider_say(i, session, session->at, records,
			    WIRE_PEERS_LEN + n * WIRE_HOST_LEN);
	}
}

/* ---- what they tell ---- */

static void nobody(struct insider *i, struct wire_host *h)
{
	h->addr = addr_v4(VICTIM_NET + i->serial % 10000, WIRE_PORT);
}

static void ports(struct insider *i, struct wire_host *h)
{
	h->addr = addr_v4(VICTIM_NET, (uint16_t)(1 + i->serial % 65535));
}

static void overlay(struct insider *i, struct wire_host *h)
{
	h->addr = addr_v4(OVERLAY + i->serial % 65536, WIRE_PORT);
}

/* It is each of the hosts, at one of its own ports. */
static void everybody(struct insider *i, struct wire_host *h)
{
	const struct host *o = &i->sim->hosts[any_host(i->sim)];

	memcpy(h->key, o->key.bytes, sizeof(h->key));
	h->addr = i->member.addrs[MEMBER_AT_V4];
	if (i->serial % 2)
		h->addr.port = (uint16_t)(1 + i->serial % 65535);
}

/* Others are at the hosts' addresses. */
static void beside(struct insider *i, struct wire_host *h)
{
	h->addr = i->sim->hosts[any_host(i->sim)].addr[FAMILY_V4];
	h->addr.port = (uint16_t)(WIRE_PORT + 1 + i->serial % 4);
}

/* IPv6, of which one /64 has enough for all. */
static void subnet(struct insider *i, struct wire_host *h)
{
	h->addr = (struct addr){ .ip = { 0xfd, 1 }, .port = WIRE_PORT };
	store_be32(h->addr.ip + 12, i->serial);
}

/* Two ports of one address, among ever others. */
static void again(struct insider *i, struct wire_host *h)
{
	if (i->serial % 3)
		h->addr = addr_v4(VICTIM_NET + 256 + i->serial, WIRE_PORT);
	else
		h->addr = addr_v4(VICTIM_NET, (uint16_t)(8000 + i->serial % 2));
}

typedef void (*lie)(struct insider *i, struct wire_host *h);

static const struct {
	const char *what;
	lie nth;
} lies[] = {
	{ "10,000 endpoints", nobody },
	{ "all ports of an address", ports },
	{ "addresses of the overlay", overlay },
	{ "itself as everybody", everybody },
	{ "ports beside the hosts'", beside },
	{ "a /64", subnet },
	{ "an address again and again", again },
};
#define LIES (sizeof(lies) / sizeof(lies[0]))

static lie lie_of(const struct sim *s)
{
	return lies[(s->seed - 1) % LIES].nth;
}

/* One, or 16. */
static unsigned members_of(const struct sim *s)
{
	return s->seed % 2 ? 1 : 16;
}

static bool is_question(const struct wire_record *r, struct wire_peers *p)
{
	return r->kind == WIRE_PEERS && wire_unpack_peers(p, r) == DROP_NONE &&
	       p->ask;
}

static void lies_when_asked(struct insider *i, struct member_session *session,
			    const struct wire_record *r)
{
	const bool first = i->serial < LISTS_LONG * HOSTS_A_LIST;
	struct wire_peers p;

	if (is_question(r, &p))
		tell(i, session, p.since, first ? HOSTS_A_LIST : HOSTS_LATER,
		     lie_of(i->sim));
}

/* ---- the course of it ---- */

/* Members are met, answer, and have ever newer lists. */
static void turn(struct sim *s)
{
	unsigned n;
	struct insider *const *all = insiders_all(s, &n);

	for (unsigned i = 0; i < n && !s->failed; i++) {
		struct insider *one = all[i];

		if (!s->hosts[one->host].node)
			continue;
		insider_turn(one);
		if (one->met_us && s->net.now_us - one->met_us < AGAIN_US)
			continue;
		insider_meet(one);
	}
}

static void restless(struct sim *s)
{
	unsigned n;
	struct insider *const *all = insiders_all(s, &n);

	for (unsigned i = 0; i < n; i++) {
		all[i]->member.list += (uint32_t)rng_below(&s->net.rng, 3);
		all[i]->member.digest = rng_u64(&s->net.rng);
	}
}

static void go_on(struct sim *s, uint64_t us)
{
	const uint64_t end = s->net.now_us + us;

	while (s->net.now_us < end && !s->failed) {
		turn(s);
		restless(s);
		sim_run(s, STEP_US);
	}
}

/* A host that knows the first one comes, and meets all within the time. */
static void newcomer(struct sim *s, bool met_by_members)
{
	const unsigned fresh = sim_add_host(s);
	const uint64_t start = s->net.now_us;

	sim_want(s, fresh, 0);
	if (met_by_members)
		gang_greets(s, fresh);
	sim_start(s, fresh);
	while (!sim_mesh_up(s) && !s->failed) {
		if (s->net.now_us - start > MEET_US)
			sim_fail(s, "members keep h%u from some for 10 s",
				 fresh);
		go_on(s, STEP_US);
	}
	sim_measured(s, "a newcomer beside members meets all in %" PRIu64 " ms",
		     (s->net.now_us - start) / SIM_MS);
}

static void check_bounds(struct sim *s, uint64_t us, uint64_t before)
{
	const double pace = (double)(watch_astray(s) - before) * SIM_S /
			    (double)us / s->host_count;

	sim_measured(
		s,
		"%u members, %s: one host sends an address at most %" PRIu64
		" datagrams, and %.2f initiations/s; %zu pairs",
		members_of(s), lies[(s->seed - 1) % LIES].what,
		watch_most_astray(s), pace, watch_count_astray(s));
	if (watch_most_astray(s) > ASTRAY_MAX)
		sim_fail(s, "an address gets %" PRIu64 " datagrams of a host",
			 watch_most_astray(s));
	/* What had begun before goes on. */
	if (pace > PACE * 1.02)
		sim_fail(s, "%.2f initiations/s a host", pace);
}

/* Whom they are asked for they make up. */
static void liars(struct sim *s)
{
	struct insider *const *all;
	uint64_t before;
	unsigned n;

	honest_world(s, (unsigned)rng_range(&s->net.rng, 6, 12));
	gang(s, members_of(s), 1);
	all = insiders_all(s, &n);
	for (unsigned i = 0; i < n; i++)
		all[i]->reads = lies_when_asked;
	go_on(s, YOUNG_US);
	newcomer(s, true);
	go_on(s, YOUNG_US);
	before = watch_astray(s);
	go_on(s, LIES_US - 2 * YOUNG_US);
	check_bounds(s, LIES_US - 2 * YOUNG_US, before);
	newcomer(s, true);
	insider_unharmed(s);
}

/* Lists that nobody asked for: once hosts are not young, whose digest is theirs is not
 * asked, nor who has none. */
static void unasked(struct sim *s)
{
	unsigned n;
	struct insider *const *all;

	honest_world(s, (unsigned)rng_range(&s->net.rng, 4, 8));
	sim_run(s, YOUNG_US);
	gang(s, members_of(s), 1);
	all = insiders_all(s, &n);
	for (unsigned i = 0; i < n; i++)
		all[i]->member.list = 0;
	for (int step = 0; step < 1000 && !s->failed; step++) {
		turn(s);
		for (unsigned i = 0; i < n; i++)
			if (all[i]->met[0])
				tell(all[i], all[i]->met[0], 0, 20, nobody);
		sim_run(s, STEP_US);
	}
	if (watch_count_astray(s))
		sim_fail(s, "a list that nobody asked for is believed");
	for (unsigned i = 0; i < s->host_count && !s->failed; i++)
		if (!sim_drops(s, i, DROP_exchange_rate))
			sim_fail(s, "the lists are not felt");
	insider_unharmed(s);
}

/* ---- those who ask ---- */

#define ASKERS	   2
#define ASKER_KEYS 4
#define ASKS	   10 /* in a step: 1000 a second */

static void ask_of(struct insider *i, unsigned nth)
{
	uint8_t record[WIRE_PEERS_ASK_LEN];
	struct member_session *session = i->met[nth % ASKER_KEYS];
	struct rng *r = &i->member.rng;
	const uint32_t since = rng_chance(r, 0.5) ? 0
			       : rng_chance(r, 0.5)
				       ? (uint32_t)rng_below(r, 100)
				       : (uint32_t)rng_u64(r);

	if (!session)
		return;
	wire_pack_peers_ask(since, record);
	insider_say(i, session, session->at, record, sizeof(record));
}

static void hear_list(struct insider *i, struct member_session *session,
		      const struct wire_record *r)
{
	(void)session;
	if (r->kind == WIRE_PEERS)
		i->told += WIRE_RECORD_LEN + r->len;
}

/* Eight keys ask each host 1000 times a second. */
static void askers(struct sim *s)
{
	const uint64_t us = 20 * SIM_S;
	uint64_t start, each = 0;
	struct insider *const *all;
	unsigned n;

	honest_world(s, (unsigned)rng_range(&s->net.rng, 8, 24));
	gang(s, ASKERS, ASKER_KEYS);
	all = insiders_all(s, &n);
	for (unsigned i = 0; i < n; i++)
		all[i]->reads = hear_list;
	for (start = s->net.now_us; s->net.now_us - start < us && !s->failed;) {
		turn(s);
		for (unsigned i = 0; i < n * ASKS / ASKERS; i++)
			ask_of(all[i % n], i / n);
		sim_run(s, STEP_US);
	}
	for (unsigned i = 0; i < n; i++)
		each += all[i]->told;
	each /= s->host_count * (us / SIM_S);
	sim_measured(s,
		     "8 keys ask each of %u hosts 1000 times/s: %" PRIu64
		     " bytes/s of lists come from each",
		     s->host_count, each);
	/* A list a second for each key. */
	if (each >
	    ASKERS * ASKER_KEYS *
		    (WIRE_PEERS_LEN +
		     (s->host_count + ASKERS * ASKER_KEYS) * WIRE_HOST_LEN))
		sim_fail(s, "%" PRIu64 " bytes/s for questions", each);
	newcomer(s, false);
	insider_unharmed(s);
}

/* ---- those whom but one host can reach ---- */

static void join_seed(struct sim *s, unsigned keys)
{
	struct insider *i = insider_new(s, 0);

	i->keys = keys;
	i->member.capabilities = WIRE_CAN_EXCHANGE;
}

/* For so long 16 members are up at the seed, with so many keys each. They answer nobody
 * else. */
static void crowd(struct sim *s, unsigned keys, uint64_t us)
{
	const uint64_t end = s->net.now_us + us;
	unsigned n;

	(void)insiders_all(s, &n);
	while (n++ < 16)
		join_seed(s, keys);
	while (s->net.now_us < end && !s->failed) {
		turn(s);
		sim_run(s, STEP_US);
	}
}

/* Whoever asks the seed tries them in vain, before all others if they were there first;
 * and again when the seed was restarted. */
static void unreachable(struct sim *s)
{
	const unsigned keys = s->seed % 2 ? 1 : INSIDER_PLACES;
	const bool first = s->seed / 2 % 2;
	unsigned n = (unsigned)rng_range(&s->net.rng, 6, 16);

	s->exchange = true;
	while (n-- > 0)
		sim_want(s, sim_add_host(s), 0);
	sim_start(s, 0);
	if (first)
		crowd(s, keys, SIM_S);
	sim_start_all(s);
	for (uint64_t start = s->net.now_us; !sim_mesh_up(s) && !s->failed;) {
		if (s->net.now_us - start > MEET_US)
			sim_fail(s, "hosts do not find each other in a crowd");
		crowd(s, keys, STEP_US);
	}
	crowd(s, keys, rng_below(&s->net.rng, 200 * SIM_S));
	for (int i = 0; i < 3; i++) {
		newcomer(s, false);
		crowd(s, keys, 10 * SIM_S);
	}
	sim_check_events(s, NODE_PEER_DOWN, 0, "a peer went down");
}

const struct scenario scenarios_hints[] = {
	{ "exchange/liars", liars, 7 },
	{ "exchange/unasked", unasked, 4 },
	{ "exchange/askers", askers, 4 },
	{ "exchange/unreachable", unreachable, 12 },
	{ 0 },
};
