/* Hosts that ask others what they see: pings, tests of a group, the mesh. */
#include <inttypes.h>
#include <string.h>

#include "node/ask.h"
#include "tunnel/wire_ask.h"

#include "scenario.h"
#include "traffic_frames.h"

#define MEET_US (15 * SIM_S)
#define STEP_US (10 * SIM_MS)
#define FRAMES	10
/* Frames, and three questions. */
#define TEST_US (FRAMES * NODE_TEST_INTERVAL_US + 5 * SIM_S)

static const uint8_t for_all[16] = { [10] = 0xff, 0xff, 224, 0, 0, 18 };

/* ---- worlds ---- */

/* Ethernet, or the least that IPv4 guarantees, with this loss. */
static void links(struct sim *s, double loss, bool small)
{
	struct link l = link_ideal();

	l.loss = loss;
	l.datagram_max = small ? 548 : 1472;
	l.too_big_tells = rng_chance(&s->net.rng, 0.5);
	net_all_links(&s->net, &l);
}

/* None that frames of other kinds come from, or go to: these go to all until they are
 * learned. */
static void give_macs(struct sim *s)
{
	for (unsigned i = 0; i < s->host_count; i++) {
		uint8_t *mac = s->hosts[i].config.tap_mac;

		frame_host_mac(mac, i);
		mac[1] ^= 0xaa;
	}
}

static void world(struct sim *s, unsigned n)
{
	sim_add_mesh(s, n);
	give_macs(s);
	sim_start_all(s);
	sim_await(s, sim_mesh_up, MEET_US, "a mesh");
	sim_run(s, 2 * SIM_S);
}

/* ---- asking ---- */

static bool test_is_done(struct sim *s)
{
	return s->failed || node_test_done(s->hosts[0].node);
}

static void begin_test(struct sim *s, const uint8_t group[16])
{
	struct host *h = &s->hosts[0];

	if (s->failed)
		return;
	if (node_test_begin(h->node, group, FRAMES, host_clock(h)) !=
	    NODE_TEST_BEGAN)
		sim_fail(s, "no test begins");
	host_settle(h);
}

static struct node_test_host heard_by(struct sim *s, unsigned host)
{
	struct node_test_host out = { .able = false };

	if (!s->failed &&
	    !node_test_host(s->hosts[0].node, &s->hosts[host].key, &out))
		sim_fail(s, "h%u has no part in the test", host);
	return out;
}

static void end_test(struct sim *s)
{
	if (!s->failed)
		node_test_end(s->hosts[0].node);
}

static bool mesh_is_done(struct sim *s)
{
	return s->failed || node_mesh_done(s->hosts[0].node);
}

static void begin_mesh(struct sim *s)
{
	struct host *h = &s->hosts[0];

	if (s->failed)
		return;
	if (!node_mesh_begin(h->node, host_clock(h)))
		sim_fail(s, "the mesh is not asked");
	host_settle(h);
}

static size_t place_of(struct sim *s, unsigned host)
{
	const struct node *n = s->hosts[0].node;

	for (size_t i = 0; i < node_mesh_count(n); i++)
		if (public_key_equal(node_mesh_host(n, i).key,
				     &s->hosts[host].key))
			return i;
	sim_fail(s, "h%u is not in the mesh", host);
	return 0;
}

/* Every host has answered, and knows each of its links. */
static void check_mesh(struct sim *s)
{
	for (unsigned i = 0; i < s->host_count && !s->failed; i++) {
		const struct node *n = s->hosts[0].node;
		const size_t from = place_of(s, i);

		if (!node_mesh_host(n, from).answered)
			sim_fail(s, "h%u does not say how its links are", i);
		for (unsigned j = 0; j < s->host_count && !s->failed; j++)
			if (node_mesh_links(n, from)[place_of(s, j)].known !=
			    (i != j))
				sim_fail(s, "h%u has no link to h%u", i, j);
	}
}

/* ---- honest ones ---- */

/* At no loss everybody hears all; else what is lost is counted, and all answer. */
static void test64(struct sim *s)
{
	const double loss = (double)((s->seed - 1) % 3) / 20;
	uint64_t took;

	links(s, loss, false);
	world(s, 64);
	begin_test(s, for_all);
	took = sim_await(s, test_is_done, TEST_US, "a test of 64 hosts");
	sim_measured(s, "a test of 64 hosts at %.0f %% loss: %" PRIu64 " ms",
		     loss * 100, took / SIM_MS);
	for (unsigned i = 1; i < s->host_count && !s->failed; i++) {
		const struct node_test_host h = heard_by(s, i);

		if (!h.able || !h.answered || h.left)
			sim_fail(s, "h%u does not answer", i);
		if (h.heard > FRAMES || h.unicast > FRAMES ||
		    (loss > 0 ? !h.any : h.heard != FRAMES) ||
		    (!(loss > 0) && h.unicast != FRAMES))
			sim_fail(s, "h%u heard %u and %u of %u", i, h.heard,
				 h.unicast, FRAMES);
		if (h.any && !(loss > 0) && h.first_us > SIM_MS)
			sim_fail(s, "h%u heard it after %" PRIu64 " us", i,
				 h.first_us);
	}
	end_test(s);
	sim_check_events(s, NODE_PEER_DOWN, 0, "a peer went down");
}

static const struct group *any_untagged(struct sim *s)
{
	const struct group *g;

	do
		g = listeners_any(s);
	while (g->vlan);
	return g;
}

/* Those who joined hear it, and nobody else. */
static void members(struct sim *s)
{
	const struct listeners_config config = { .groups = 12, .joined = 0.3 };
	const struct group *group;
	uint64_t must, may;

	sim_add_mesh(s, (unsigned)rng_range(&s->net.rng, 3, 12));
	give_macs(s);
	listeners_add(s, &config);
	sim_start_all(s);
	sim_await(s, sim_mesh_up, MEET_US, "a mesh");
	listeners_churn(s, 20, 10 * SIM_S);
	sim_run(s, 10 * SIM_S);
	group = any_untagged(s);
	listeners_expect(s, 0, group, &must, &may);
	begin_test(s, group->ip);
	sim_await(s, test_is_done, TEST_US, "a test of a group");
	for (unsigned i = 1; i < s->host_count && !s->failed; i++) {
		const struct node_test_host h = heard_by(s, i);
		const bool member = must >> i & 1;

		if (!h.answered || (h.member != member && !h.all) ||
		    h.heard != (member || h.all ? FRAMES : 0) ||
		    h.unicast != FRAMES)
			sim_fail(s, "h%u, a member: %d, says %d; heard %u, %u",
				 i, member, h.member, h.heard, h.unicast);
	}
	end_test(s);
}

/* One link of 64 hosts is bad: its cell is the worst. */
static void mesh64(struct sim *s)
{
	const unsigned a = 5, b = 40;
	const bool small = s->seed % 2 == 0;
	const struct node_mesh_link *row;
	const struct node *n;
	uint64_t took;
	size_t x, y;

	links(s, 0, small);
	world(s, 64);
	net_link(&s->net, a, b)->delay_min_us = 30 * SIM_MS;
	net_link(&s->net, a, b)->delay_max_us = 30 * SIM_MS;
	net_link(&s->net, a, b)->loss = 0.2;
	sim_run(s, 60 * SIM_S);
	begin_mesh(s);
	took = sim_await(s, mesh_is_done, 5 * SIM_S, "the mesh of 64 hosts");
	sim_measured(s, "the mesh of 64, datagrams of %s: %" PRIu64 " ms",
		     small ? "548" : "1472", took / SIM_MS);
	check_mesh(s);
	if (s->failed)
		return;
	n = s->hosts[0].node;
	x = place_of(s, a);
	y = place_of(s, b);
	row = node_mesh_links(n, y);
	for (size_t i = 0; i < node_mesh_count(n); i++)
		for (size_t j = 0; j < node_mesh_count(n); j++)
			if (!(i == y && j == x) &&
			    node_mesh_links(n, i)[j].loss >= row[x].loss)
				sim_fail(s, "the bad link is not the worst");
	if (row[x].rtt_us < 25 * SIM_MS || row[x].loss < 0.05F)
		sim_fail(s, "the bad link does not show: %u us, %.2f",
			 row[x].rtt_us, (double)row[x].loss);
	node_mesh_end(s->hosts[0].node);
}

static struct node_ping ping_now(struct sim *s, int ping)
{
	struct host *h = &s->hosts[0];
	struct node_ping p = { .done = true };

	if (!s->failed)
		node_ping_look(h->node, ping, &p, host_clock(h));
	return p;
}

/* The largest size is found to the byte, whatever it is. */
static void largest(struct sim *s)
{
	const uint16_t size =
		(uint16_t)(rng_chance(&s->net.rng, 0.5)
				   ? rng_range(&s->net.rng, 1200, 1500)
				   : rng_range(&s->net.rng, 600, 9188));
	const uint64_t start = s->net.now_us;
	struct link l = link_ideal();
	struct host *h;
	int ping;

	l.loss = (double)((s->seed - 1) % 4) / 100;
	l.datagram_max = size;
	l.too_big_tells = rng_chance(&s->net.rng, 0.3);
	net_all_links(&s->net, &l);
	world(s, 2);
	h = &s->hosts[0];
	if (s->failed)
		return;
	ping = node_ping_largest(h->node, &s->hosts[1].key, host_clock(h));
	host_settle(h);
	if (ping < 0)
		sim_fail(s, "no ping begins");
	while (!s->failed && !ping_now(s, ping).done) {
		sim_run(s, STEP_US);
		if (s->net.now_us - start > MEET_US + 15 * SIM_S)
			sim_fail(s, "the search does not end");
	}
	if (!s->failed && ping_now(s, ping).size != size)
		sim_fail(s, "%u bytes are found, not %u",
			 ping_now(s, ping).size, size);
	if (!s->failed)
		node_ping_end(h->node, ping);
	sim_check_events(s, NODE_PEER_DOWN, 0, "a peer went down");
}

/* ---- those who ask too much ---- */

#define MEMBERS 2
#define ASKS	10 /* in a step, of each key: 1000 a second */

/* Any question, and answers to those that nobody put. */
static void say(struct insider *i, struct member_session *session)
{
	struct rng *r = &i->member.rng;
	const struct wire_ask q = {
		.kind = rng_chance(r, 0.9) ? (uint8_t)rng_range(r, 1, 2)
					   : (uint8_t)rng_u64(r),
		.first = rng_chance(r, 0.5) ? 0 : (uint16_t)rng_u64(r),
		.token = rng_u64(r),
		.ip = { [10] = 0xff, 0xff, 239, 1, 2, 3 },
	};
	const struct wire_answer a = { .kind = WIRE_ASK_TEST,
				       .token = rng_u64(r),
				       .heard = 77 };
	uint8_t record[WIRE_ASK_TEST_LEN];

	if (rng_chance(r, 0.8)) {
		size_t len = wire_pack_ask(&q, record);

		insider_say(i, session, session->at, record, len);
		return;
	}
	wire_pack_answer_test(&a, record);
	insider_say(i, session, session->at, record, WIRE_ANSWER_TEST_LEN);
}

static void hear_answer(struct insider *i, struct member_session *session,
			const struct wire_record *r)
{
	(void)session;
	if (r->kind == WIRE_ANSWER)
		i->told += WIRE_RECORD_LEN + r->len;
}

static void ask_too_much(struct sim *s, uint64_t us)
{
	const uint64_t end = s->net.now_us + us;
	struct insider *const *all;
	unsigned n;

	all = insiders_all(s, &n);
	while (s->net.now_us < end && !s->failed) {
		for (unsigned i = 0; i < n * ASKS && !s->failed; i++) {
			struct insider *one = all[i % n];

			insider_turn(one);
			if (!one->met[0] ||
			    s->net.now_us - one->met_us >= 60 * SIM_S)
				insider_meet(one);
			for (unsigned k = 0; k < INSIDER_PLACES; k++)
				if (one->met[k])
					say(one, one->met[k]);
		}
		sim_run(s, STEP_US);
	}
}

/* What comes back is an answer a second for each key; whoever is honest asks, and is
 * answered, all the same. */
static void hostile(struct sim *s)
{
	const uint64_t us = 10 * SIM_S;
	struct insider *const *all;
	uint64_t told = 0, most;
	unsigned n;

	insider_world(s, 4, 8, 500 * SIM_MS);
	give_macs(s);
	for (unsigned i = 0; i < s->host_count && !s->failed; i++) {
		node_set_tap_mac(s->hosts[i].node, s->hosts[i].config.tap_mac,
				 host_clock(&s->hosts[i]));
		host_settle(&s->hosts[i]);
		for (unsigned m = 0; m < MEMBERS; m++)
			insider_new(s, i)->reads = hear_answer;
	}
	ask_too_much(s, 2 * SIM_S);
	begin_test(s, for_all);
	begin_mesh(s);
	ask_too_much(s, us);
	if (!test_is_done(s) || !mesh_is_done(s))
		sim_fail(s, "whoever asks is kept from it");
	for (unsigned i = 1; i < s->host_count && !s->failed; i++)
		if (!heard_by(s, i).answered || heard_by(s, i).heard != FRAMES)
			sim_fail(s, "h%u heard %u, or does not answer", i,
				 heard_by(s, i).heard);
	check_mesh(s);
	all = insiders_all(s, &n);
	for (unsigned i = 0; i < n; i++)
		told += all[i]->told;
	told /= s->host_count * ((us + 2 * SIM_S) / SIM_S);
	/* One a second for each key, and the first one. */
	most = 2 * MEMBERS * INSIDER_PLACES *
	       (WIRE_ANSWER_ROW_LEN +
		(s->host_count + MEMBERS * INSIDER_PLACES) * WIRE_LINK_LEN);
	sim_measured(s,
		     "%u keys ask each of %u hosts 1000 times/s: %" PRIu64
		     " bytes/s of answers come from each",
		     MEMBERS * INSIDER_PLACES, s->host_count, told);
	if (told > most)
		sim_fail(s, "%" PRIu64 " bytes/s for questions", told);
	if (!s->failed) {
		node_test_end(s->hosts[0].node);
		node_mesh_end(s->hosts[0].node);
	}
	insider_unharmed(s);
}

const struct scenario scenarios_ask[] = {
	{ "ask/test64", test64, 3 },   { "ask/members", members, 12 },
	{ "ask/mesh64", mesh64, 2 },   { "ask/largest", largest, 24 },
	{ "ask/hostile", hostile, 4 }, { 0 },
};
