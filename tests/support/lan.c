/* A querier on a virtual clock, and what hosts say to it: for tests. */
#include "support/lan.h"

#include <check.h>

#include "ether/snoop.h"
#include "support/group_equal.h"
#include "support/heard.h"

static const uint8_t seed[TABLE_SEED_LEN] = { 42 };

struct lan lan;

static void on_query(void *user, const struct querier_query *query)
{
	uint8_t frame[QUERIER_FRAME_MAX];
	size_t len = querier_build(frame, query);
	struct heard h = hear(frame, len);

	ck_assert_ptr_eq(user, &lan);
	ck_assert_int_eq(h.m.kind, REPORT_QUERY);
	ck_assert_int_eq(h.m.v6, query->v6);
	ck_assert_uint_eq(h.m.response_ms, query->response_ms);
	ck_assert(group_equal(&h.m.group, &query->group));
	ck_assert_mem_eq(frame + ETH_ADDR_LEN, querier_mac, ETH_ADDR_LEN);
	ck_assert_uint_lt(lan.queries_count, LAN_LOG_MAX);
	lan.queries[lan.queries_count++] = *query;
}

static void on_change(void *user, const struct group *group, bool wanted)
{
	ck_assert_ptr_eq(user, &lan);
	ck_assert(!group_is_for_all(group));
	ck_assert_int_eq(querier_wants(lan.q, group), wanted);
	lan.changes++;
	lan.last_changed = *group;
	lan.last_wanted = wanted;
}

static void on_vlan(void *user, uint16_t vlan, bool known)
{
	ck_assert_ptr_eq(user, &lan);
	ck_assert_uint_ne(vlan, 0);
	*(known ? &lan.vlans_known : &lan.vlans_forgotten) += 1;
}

static void setup(uint32_t groups_max)
{
	const struct querier_config config = { groups_max, 16 };
	const struct querier_ops ops = { on_query, on_change, on_vlan };

	lan = (struct lan){
		.q = querier_new(&config, &ops, &lan, seed),
		.now = LAN_START,
		.g1 = group_parse(0, "239.1.1.1"),
		.g2 = group_parse(0, "239.1.1.2"),
		.g6 = group_parse(0, "ff0e::1:1"),
		.mdns = group_parse(0, "224.0.0.251"),
	};
	ck_assert_ptr_nonnull(lan.q);
}

void lan_setup(void)
{
	setup(LAN_GROUPS_MAX);
}

void lan_setup_big(void)
{
	setup(QUERIER_GROUPS);
}

void lan_teardown(void)
{
	querier_free(lan.q);
}

void advance_to(uint64_t us)
{
	while (querier_deadline(lan.q) <= LAN_START + us) {
		if (querier_deadline(lan.q) > lan.now)
			lan.now = querier_deadline(lan.q);
		querier_tick(lan.q, lan.now);
	}
	lan.now = LAN_START + us;
}

void advance(uint64_t us)
{
	advance_to(lan.now - LAN_START + us);
}

void start(void)
{
	querier_start(lan.q, lan.now);
	advance(2250 * CLOCK_MS);
	ck_assert_uint_eq(querier_want_all(lan.q), 0);
	lan.queries_count = 0;
}

void next_general_query(void)
{
	do {
		lan.queries_count = 0;
		advance(CLOCK_S);
	} while (lan.queries_count == 0 || lan.queries[0].response_ms != 10000);
	advance(5 * CLOCK_S);
}

void end_general_query(void)
{
	advance(10 * CLOCK_S);
}

void start_joined(const struct group *group)
{
	start();
	say(HOST, REPORT_JOIN, group);
}

void general_query(uint8_t host, enum report_type type,
		   const struct group *group)
{
	next_general_query();
	say(host, type, group);
	end_general_query();
}

bool say_all(uint8_t host, unsigned int version, enum report_type type,
	     const struct group *groups, size_t count)
{
	const uint8_t mac[ETH_ADDR_LEN] = { 2, 0, 0, 0, 0, host };
	uint8_t frame[REPORT_MAX];
	size_t len = report_frame(frame, version, type, groups, count);
	struct report m;
	struct eth_view v;

	ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
	ck_assert_int_eq(snoop_parse(&m, &v, frame, len), REPORT_MEMBERS);
	return querier_report(lan.q, &m, mac, lan.now);
}

void say(uint8_t host, enum report_type type, const struct group *group)
{
	say_all(host, group_is_v4(group) ? 3 : 2, type, group, 1);
}

void say_old(uint8_t host, enum report_type type, const struct group *group)
{
	say_all(host, group_is_v4(group) ? 2 : 1, type, group, 1);
}

void answer(uint8_t host)
{
	say(host, REPORT_ANSWER, &lan.mdns);
}

bool wants_all_for(enum querier_reason reason)
{
	return querier_want_all(lan.q) == 1u << reason;
}

void assert_queries(size_t from, uint16_t vlan, uint32_t response_ms)
{
	const struct group all = { .vlan = vlan };

	ck_assert_uint_ge(lan.queries_count, from + 2);
	for (size_t i = from; i < from + 2; i++) {
		ck_assert_int_eq(lan.queries[i].v6, i == from + 1);
		ck_assert_uint_eq(lan.queries[i].response_ms, response_ms);
		ck_assert(group_equal(&lan.queries[i].group, &all));
	}
}
