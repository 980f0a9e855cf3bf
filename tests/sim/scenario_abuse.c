/* What a member says on sessions of its own, to the harm of others: they are not. */
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "ether/eth.h"

#include "listeners_impl.h"
#include "scenario.h"
#include "traffic_frames.h"

/* A member's sessions are made anew this often. */
#define MEET_US SIM_S
/* Records in a datagram. */
#define RECORDS_LEN 1100
#define FRAME_LEN   60

typedef void (*act)(struct insider *i, struct member_session *s);

/* One or two members for each host. */
static void join(struct sim *s)
{
	unsigned members = (unsigned)rng_range(&s->net.rng, 1, 2);

	while (members-- > 0)
		for (unsigned i = 0; i < s->host_count; i++)
			insider_new(s, i);
}

/* Members do that to each host every step_us, on each of their sessions. */
static void abuse(struct sim *s, act does, uint64_t us, uint64_t step_us)
{
	uint64_t end = s->net.now_us + us;
	struct insider *const *all;
	unsigned n;

	all = insiders_all(s, &n);
	while (s->net.now_us < end && !s->failed) {
		for (unsigned i = 0; i < n && !s->failed; i++) {
			insider_turn(all[i]);
			if (s->net.now_us - all[i]->met_us >= MEET_US)
				insider_meet(all[i]);
			for (unsigned k = 0; k < INSIDER_PLACES; k++)
				if (all[i]->met[k])
					does(all[i], all[i]->met[k]);
		}
		sim_run(s, step_us);
	}
}

/* ---- hellos ---- */

/* Of the process that it was, or of another; wanting answers, from anywhere. */
static void say_hello(struct insider *i, struct member_session *s)
{
	struct member *m = &i->member;
	struct rng *r = &i->sim->net.rng;

	if (rng_chance(r, 0.1))
		m->epochs[s->key] = rng_u64(r);
	member_hello(m, s, insider_anywhere(i), rng_chance(r, 0.5),
		     rng_chance(r, 0.7), m->epochs[s->key]);
}

static void hellos(struct sim *s)
{
	insider_world(s, 4, 8, 100 * SIM_MS);
	join(s);
	abuse(s, say_hello, 5 * SIM_S, 10 * SIM_MS);
	insider_unharmed(s);
}

/* ---- probes ---- */

/* Numbers that nobody counted, about addresses where nobody is. */
static void say_probe(struct insider *i, struct member_session *s)
{
	struct rng *r = &i->sim->net.rng;
	struct wire_probe probe = {
		.echo = rng_chance(r, 0.5),
		.time_us = rng_u64(r),
		.sent = rng_below(r, 1000),
		.received = rng_below(r, 1000),
		.own = (uint32_t)rng_below(r, 100),
		.held = (uint32_t)rng_below(r, 100),
		.size = (uint16_t)rng_u64(r),
		.observed = i->sim->hosts[any_host(i->sim)].addr[FAMILY_V4],
	};
	uint8_t records[2][WIRE_PROBE_LEN];

	wire_pack_probe(&probe, records[0]);
	probe.echo = !probe.echo;
	wire_pack_probe(&probe, records[1]);
	insider_say(i, s, insider_anywhere(i), records[0], sizeof(records));
}

static void probes(struct sim *s)
{
	insider_world(s, 4, 8, 100 * SIM_MS);
	join(s);
	abuse(s, say_probe, 5 * SIM_S, 10 * SIM_MS);
	insider_unharmed(s);
}

/* ---- MACs ---- */

/* Frames from ever other MACs, as many as fit. */
static void claim_macs(struct insider *i, struct member_session *s)
{
	uint8_t records[RECORDS_LEN] = { 0 };
	const size_t each = WIRE_RECORD_LEN + FRAME_LEN;
	size_t len = 0;

	for (; len + each <= sizeof(records); len += each) {
		uint8_t *frame = records + len + WIRE_RECORD_LEN;

		wire_pack_record(records + len, WIRE_FRAME, 0, FRAME_LEN);
		memset(frame, 0xff, ETH_ADDR_LEN);
		frame[6] = 0x06;
		frame[7] = (uint8_t)s->key;
		store_be32(frame + 8, i->serial++);
		store_be16(frame + 12, 0x88b5);
	}
	insider_say(i, s, s->at, records, len);
}

/* Each host still knows where each other is. */
static void check_macs(struct sim *s, unsigned host)
{
	uint64_t known = UINT64_C(1) << host;
	struct node_fdb_info info;
	struct node_iter at = { 0 };
	struct host *h = &s->hosts[host];

	while (node_next_mac(h->node, &at, &info, host_clock(h).mono_us)) {
		for (unsigned i = 0; i < s->host_count; i++) {
			uint8_t mac[6];

			frame_host_mac(mac, i);
			if (memcmp(mac, info.mac, sizeof(mac)) == 0 &&
			    public_key_equal(&info.owner_key, &s->hosts[i].key))
				known |= UINT64_C(1) << i;
		}
	}
	if (known != (UINT64_C(1) << s->host_count) - 1)
		sim_fail(s, "h%u knows the MACs of %#" PRIx64 " only", host,
			 known);
}

static void macs(struct sim *s)
{
	struct traffic_spec all = { TRAFFIC_BROADCAST, .len = 100 };
	struct node_status status;

	insider_world(s, 4, 8, 100 * SIM_MS);
	for (unsigned i = 0; i < s->host_count; i++)
		traffic_send(s, i, &all, 1);
	sim_run(s, SIM_S);
	join(s);
	abuse(s, claim_macs, 3 * SIM_S, 20 * SIM_MS);
	for (unsigned i = 0; i < s->host_count && !s->failed; i++) {
		node_status(s->hosts[i].node, &status);
		if (status.fdb_count < s->hosts[i].config.fdb_capacity / 2)
			sim_fail(s, "the claims are not felt");
		check_macs(s, i);
	}
	insider_unharmed(s);
}

/* ---- groups ---- */

/* Ever more groups, on top of those before, or in place of them. */
static void join_groups(struct insider *i, struct member_session *s)
{
	uint32_t *version = &i->versions[s->key];
	uint8_t records[RECORDS_LEN];
	size_t len = WIRE_GROUPS_LEN;
	struct wire_groups groups = {
		.epoch = i->member.epochs[s->key],
		.base = rng_chance(&i->sim->net.rng, 0.02) ? 0 : *version,
	};

	for (; len + WIRE_CHANGE_MAX <= sizeof(records); ++*version) {
		struct group g = group_v4(0, 0xef800000 + i->serial++);
		struct wire_change change = { .vlan = 0 };

		memcpy(change.ip, g.ip, sizeof(change.ip));
		len += wire_pack_change(&change, records + len);
	}
	groups.version = groups.latest = *version;
	wire_pack_groups(&groups, len - WIRE_GROUPS_LEN, records);
	insider_say(i, s, s->at, records, len);
}

static void check_bounds(struct sim *s)
{
	for (unsigned i = 0; i < s->host_count && !s->failed; i++) {
		const struct host *h = &s->hosts[i];
		struct node_group_info info;
		struct node_iter at = { 0 };
		uint32_t count = 0;

		while (node_next_group(h->node, &at, &info))
			count++;
		if (count > h->config.mdb_capacity + h->config.groups_max)
			sim_fail(s, "h%u holds %" PRIu32 " groups", i, count);
		if (!sim_drops(s, i, DROP_groups_full))
			sim_fail(s, "the groups are not felt");
	}
}

/* What honest hosts join and leave meanwhile counts at once; and once they rest,
 * nobody gets what he did not join. */
static void groups(struct sim *s)
{
	const struct listeners_config config = { .groups = 12,
						 .macvlan = 0.4,
						 .joined = 0.3 };

	sim_add_mesh(s, (unsigned)rng_range(&s->net.rng, 3, 5));
	listeners_add(s, &config);
	sim_start_all(s);
	sim_await(s, sim_mesh_up, HEAL_US, "full mesh");
	join(s);
	traffic_strict(s, true);
	traffic_start(s, 50 * SIM_MS, 4);
	for (int i = 0; i < 20 && !s->failed; i++) {
		listeners_act(s);
		abuse(s, join_groups, 100 * SIM_MS, 50 * SIM_MS);
	}
	abuse(s, join_groups, 6 * SIM_S, 100 * SIM_MS);
	s->listeners->quiet = true;
	abuse(s, join_groups, 2 * SIM_S, 50 * SIM_MS);
	s->listeners->quiet = false;
	check_bounds(s);
	insider_unharmed(s);
}

/* ---- fragments ---- */

/* The first of frames that never become whole. */
static void begin_frames(struct insider *i, struct member_session *s)
{
	enum { PIECE = 8, SETS = 8 };
	const size_t each = WIRE_RECORD_LEN + WIRE_FRAGMENT_LEN + PIECE;
	uint8_t records[SETS *
			(WIRE_RECORD_LEN + WIRE_FRAGMENT_LEN + PIECE)] = { 0 };

	for (size_t n = 0; n < SETS; n++)
		wire_pack_fragment(records + n * each, i->serial++, 0, false,
				   PIECE);
	insider_say(i, s, s->at, records, sizeof(records));
}

/* So many at once that some are parted by the end of a run, and arrive in two. */
static void send_large(struct sim *s)
{
	struct traffic_spec specs[TRAFFIC_BATCH_MAX];

	for (size_t i = 0; i < TRAFFIC_BATCH_MAX; i++)
		specs[i] =
			(struct traffic_spec){ TRAFFIC_BROADCAST, .len = 1400 };
	for (unsigned i = 0; i < s->host_count; i++)
		traffic_send(s, i, specs, TRAFFIC_BATCH_MAX);
}

/* On a path that holds no large frame whole, and whose delay varies. */
static void fragments(struct sim *s)
{
	struct link l = link_ideal();

	l.delay_max_us = 3 * SIM_MS;
	net_all_links(&s->net, &l);
	sim_add_mesh(s, 3);
	for (unsigned i = 0; i < s->host_count; i++)
		s->hosts[i].config.underlay_mtu = 1280;
	sim_start_all(s);
	sim_await(s, sim_mesh_up, HEAL_US, "full mesh");
	sim_run(s, SIM_S);
	join(s);
	traffic_strict(s, true);
	for (int i = 0; i < 50 && !s->failed; i++) {
		send_large(s);
		abuse(s, begin_frames, 10 * SIM_MS, 250);
	}
	for (unsigned i = 0; i < s->host_count; i++)
		if (!sim_drops(s, i, DROP_fragment_full))
			sim_fail(s, "the fragments are not felt");
	insider_unharmed(s);
}

const struct scenario scenarios_abuse[] = {
	{ "insider/hellos", hellos, 3 },       { "insider/probes", probes, 6 },
	{ "insider/macs", macs, 3 },	       { "insider/groups", groups, 6 },
	{ "insider/fragments", fragments, 3 }, { 0 },
};
