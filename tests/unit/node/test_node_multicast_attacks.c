/* lib/node: what a member of the network that lies about multicast can do: get
 * more than it should, and nothing to others. */
#include <check.h>
#include <string.h>

#include "bridge/querier.h"
#include "ether/igmp.h"
#include "support/main.h"
#include "support/outsider.h"
#include "support/stations.h"
#include "support/three.h"

static struct outsider o;

static void setup(void)
{
	three_setup_stations();
	outsider_init(&o, 1);
}

static void teardown(void)
{
	outsider_free(&o);
	three_teardown();
}

/* ---- what it says ---- */

static struct node_debug_peer known_of_it(void)
{
	return host_peer_by_key(a, &o.key);
}

#define RECORDS_SIZE 60000

/* Appends a groups record about count groups that are all joined or left. */
static size_t put(uint8_t *out, size_t at, const struct wire_groups *what,
		  const struct group *groups, size_t count, bool left)
{
	struct wire_groups g = *what;
	size_t len = at + WIRE_GROUPS_LEN;

	if (!g.epoch)
		g.epoch = o.epoch;
	for (size_t i = 0; i < count; i++) {
		struct wire_change change = { .left = left,
					      .vlan = groups[i].vlan };

		memcpy(change.ip, groups[i].ip, sizeof(change.ip));
		len += wire_pack_change(&change, out + len);
	}
	wire_pack_groups(&g, len - at - WIRE_GROUPS_LEN, out + at);
	return len;
}

static void declare(const struct wire_groups *what, const struct group *groups,
		    size_t count)
{
	static uint8_t records[RECORDS_SIZE];
	size_t len = put(records, 0, what, groups, count, false);

	outsider_send(&o, a, records, len);
}

/* From base to version, which is the latest. */
static void declare_one(uint32_t base, uint32_t version,
			const struct group *group)
{
	const struct wire_groups g = { .base = base,
				       .version = version,
				       .latest = version };

	declare(&g, group, group ? 1 : 0);
}

static void say_holds(uint32_t own, uint32_t held)
{
	struct wire_probe probe = { .echo = true,
				    .own = own,
				    .held = held,
				    .sent = o.session.counter,
				    .received = known_of_it().datagrams };
	uint8_t record[WIRE_PROBE_LEN];

	wire_pack_probe(&probe, record);
	outsider_send(&o, a, record, sizeof(record));
}

/* It is up, and a's groups are known to itself. */
static void join_in(void)
{
	outsider_join(&o, a);
	ck_assert_int_eq(known_of_it().state, NODE_PEER_STATE_UP);
}

static void alone_with_it(void)
{
	station_start(a);
	hosts_run(&h, 3 * CLOCK_S);
	join_in();
}

START_TEST(attack_groups_of_another_epoch_are_nothing)
{
	const struct wire_groups g = {
		.epoch = o.epoch + 1, .base = 0, .version = 5, .latest = 5
	};

	alone_with_it();
	declare(&g, &g1, 1);
	ck_assert_uint_eq(host_drops(a, DROP_groups_epoch), 1);
	ck_assert_uint_eq(known_of_it().announced, 0);
	ck_assert_str_eq(station_sends(a, &g2), "o");
}
END_TEST

START_TEST(attack_versions_that_jump_get_it_flooded)
{
	const struct wire_groups beyond = { .base = 9,
					    .version = 10,
					    .latest = UINT32_MAX };

	alone_with_it();
	declare_one(5, 9, &g1);
	ck_assert_uint_eq(known_of_it().registered, 0);
	ck_assert_str_eq(station_sends(a, &g2), "o");
	declare_one(0, 9, &g1);
	ck_assert_str_eq(station_sends(a, &g1), "o");
	ck_assert_str_eq(station_sends(a, &g2), "");
	/* What is older says nothing of what is newest. */
	declare_one(3, 7, &g2);
	ck_assert_uint_eq(known_of_it().registered, 9);
	ck_assert_str_eq(station_sends(a, &g2), "");
	declare(&beyond, &g2, 1);
	ck_assert_str_eq(station_sends(a, &g3), "o");
	declare_one(10, 11, NULL);
	ck_assert_str_eq(station_sends(a, &g3), "o");
	declare_one(11, UINT32_MAX, NULL);
	ck_assert_str_eq(station_sends(a, &g3), "");
}
END_TEST

START_TEST(attack_a_version_that_never_comes_floods_itself_only)
{
	stations_mesh(&h, 2);
	join_in();
	declare_one(0, 5, NULL);
	ck_assert_str_eq(station_sends(a, &g1), "");
	say_holds(UINT32_MAX, 0);
	ck_assert_str_eq(station_sends(a, &g1), "o");
	/* … and no newer set makes up for it. */
	declare_one(0, 6, NULL);
	ck_assert_str_eq(station_sends(a, &g1), "o");
}
END_TEST

/* ---- what it costs ---- */

/* Others, who joined nearly all the groups there is room for. */
#define CROWD	     13
#define CROWD_GROUPS 5000
static void crowd_join(struct outsider crowd[CROWD])
{
	static struct group groups[CROWD_GROUPS];
	static uint8_t records[RECORDS_SIZE];

	for (uint32_t i = 0; i < CROWD; i++) {
		struct outsider *other = &crowd[i];
		const struct wire_groups whole = { .epoch = 77,
						   .version = 1,
						   .latest = 1 };

		outsider_init(other, (uint8_t)(2 + i));
		ck_assert_uint_eq(other->epoch, whole.epoch);
		outsider_join(other, a);
		for (uint32_t j = 0; j < CROWD_GROUPS; j++)
			groups[j] = station_group(i * CROWD_GROUPS + j);
		outsider_send(
			other, a, records,
			put(records, 0, &whole, groups, CROWD_GROUPS, false));
	}
	ck_assert_uint_eq(host_debug(a).groups, CROWD * CROWD_GROUPS);
}

static void crowd_free(struct outsider crowd[CROWD])
{
	for (size_t i = 0; i < CROWD; i++)
		outsider_free(&crowd[i]);
}

/* Each would walk over the groups of all others. */
START_TEST(attack_whole_sets_one_after_the_other_cost_no_walks)
{
	static uint8_t records[RECORDS_SIZE];
	const struct wire_groups whole = { .version = 5, .latest = 5 };
	struct outsider crowd[CROWD];
	size_t len = 0;

	alone_with_it();
	crowd_join(crowd);
	declare_one(0, 5, &g1);
	ck_assert_str_eq(station_sends(a, &g2), "");
	for (int i = 0; i < 1000; i++)
		len = put(records, len, &whole, &g1, 1, false);
	for (int i = 0; i < 100; i++)
		outsider_send(&o, a, records, len);
	/* It has to begin anew; until then it holds nothing, and gets all. */
	ck_assert_uint_eq(known_of_it().registered, 0);
	ck_assert_str_eq(station_sends(a, &g2), "o");
	declare_one(5, 6, NULL);
	ck_assert_str_eq(station_sends(a, &g2), "o");
	hosts_run(&h, 100 * CLOCK_MS);
	declare_one(0, 6, &g1);
	ck_assert_str_eq(station_sends(a, &g1), "o");
	ck_assert_str_eq(station_sends(a, &g2), "");
	crowd_free(crowd);
}
END_TEST

START_TEST(attack_many_questions_are_answered_once_a_datagram)
{
	static uint8_t records[RECORDS_SIZE];
	const struct wire_groups ack = { .ack = true,
					 .version = 5,
					 .latest = 5 };
	size_t since, len = 0;

	alone_with_it();
	hosts_run(&h, 100 * CLOCK_MS);
	for (int i = 0; i < 500; i++)
		len = put(records, len, &ack, NULL, 0, false);
	since = h.log_count;
	outsider_send(&o, a, records, len);
	ck_assert_uint_eq(h.log_count - since, 1);
	ck_assert_uint_le(h.log[since]->len,
			  WIRE_DATA_OVERHEAD + WIRE_PROBE_LEN);
	/* Of another epoch: not at all. */
	len = put(records, 0,
		  &(struct wire_groups){
			  .ack = true, .epoch = 1, .version = 5, .latest = 5 },
		  NULL, 0, false);
	outsider_send(&o, a, records, len);
	ck_assert_uint_eq(h.log_count - since, 1);
}
END_TEST

static uint64_t sent_to_it(size_t since, size_t *datagrams)
{
	uint64_t bytes = 0;

	*datagrams = 0;
	for (size_t i = since; i < h.log_count; i++)
		if (addr_equal(&h.log[i]->to, &o.at)) {
			bytes += h.log[i]->len;
			++*datagrams;
		}
	return bytes;
}

/* It says that it holds nothing, all, nothing, … as fast as it can. */
START_TEST(attack_who_forgets_again_and_again_is_told_20_times_a_second)
{
	size_t since, datagrams;

	station_start(a);
	hosts_run(&h, 3 * CLOCK_S);
	station_join_many(a, 0, 3000);
	join_in();
	say_holds(0, known_of_it().sent);
	since = h.log_count;
	for (int i = 0; i < 1000; i++) {
		say_holds(0, 0);
		say_holds(0, known_of_it().sent);
		say_holds(0, known_of_it().sent / 2);
		hosts_run(&h, CLOCK_MS);
	}
	/* Two windows each time, which are most of the set. */
	ck_assert_uint_le(sent_to_it(since, &datagrams), 20 * 24000);
	ck_assert_uint_le(datagrams, 20 * 32 + 10);
	ck_assert_uint_ge(datagrams, 15 * 32);
}
END_TEST

START_TEST(attack_who_holds_what_was_never_sent_holds_nothing)
{
	station_start(a);
	hosts_run(&h, 3 * CLOCK_S);
	station_join_many(a, 0, 3000);
	join_in();
	ck_assert_uint_eq(known_of_it().flight, 16);
	say_holds(0, known_of_it().sent + 1);
	say_holds(0, UINT32_MAX);
	ck_assert_uint_eq(known_of_it().acked, 0);
	ck_assert_uint_eq(known_of_it().flight, 16);
	/* What is true goes on. */
	say_holds(0, known_of_it().sent);
	ck_assert_uint_gt(known_of_it().acked, 0);
	ck_assert_uint_gt(known_of_it().sent, known_of_it().acked);
}
END_TEST

/* Thousands of versions, acknowledged one by one, with a leave behind them. */
START_TEST(attack_one_acknowledgement_for_each_version_costs_no_walks)
{
	struct group gone = station_group(1);
	uint32_t all;

	station_start(a);
	hosts_run(&h, 3 * CLOCK_S);
	station_join_many(a, 0, 9000);
	station_leave(a, &gone);
	hosts_run(&h, 2500 * CLOCK_MS);
	join_in();
	all = host_debug(a).version;
	for (uint32_t held = 1; held < all; held++) {
		if (held > known_of_it().sent)
			say_holds(0, known_of_it().sent);
		say_holds(0, held);
	}
	ck_assert_uint_eq(known_of_it().acked, all - 1);
}
END_TEST

/* ---- what it fills ---- */

START_TEST(attack_what_is_no_group_is_not_noted)
{
	const struct group groups[] = {
		group_parse(0, "10.77.0.1"),
		group_parse(4096, "239.1.1.1"),
		group_parse(0, "fe80::1"),
		group_parse(65535, "0.0.0.0"),
		group_parse(0, "255.255.255.255"),
		g1,
	};

	alone_with_it();
	declare(&(struct wire_groups){ .version = 5, .latest = 5 }, groups, 6);
	ck_assert_uint_eq(host_drops(a, DROP_record_bad), 5);
	ck_assert_uint_eq(host_debug(a).groups, 1);
	ck_assert_str_eq(station_sends(a, &g1), "o");
	ck_assert_str_eq(station_sends(a, &g2), "");
}
END_TEST

START_TEST(attack_invented_groups_fill_its_own_share_only)
{
	struct group groups[500];

	a->config.groups_max = 20;
	a->config.mdb_capacity = 200;
	stations_mesh(&h, 2);
	join_in();
	for (uint32_t i = 0; i < 500; i++)
		groups[i] = station_group(1000 + i);
	declare(&(struct wire_groups){ .version = 5, .latest = 5 }, groups,
		500);
	/* 20, and VLANs. */
	ck_assert_uint_eq(host_debug(a).groups, 85);
	ck_assert_uint_eq(host_drops(a, DROP_groups_full), 415);
	ck_assert_str_eq(station_sends(a, &g1), "o");
	station_join(b, &g1);
	hosts_run(&h, 20 * CLOCK_MS);
	ck_assert_str_eq(station_sends(a, &g1), "bo");
	ck_assert_str_eq(station_sends(a, &g2), "o");
	ck_assert_uint_eq(host_drops(a, DROP_groups_full), 415);
}
END_TEST

START_TEST(attack_a_known_vlan_is_known_of_it_alone)
{
	struct group tagged = group_parse(7, "239.1.1.1");
	struct group vlan = group_of_vlan(7);

	stations_mesh(&h, 2);
	join_in();
	declare_one(0, 5, NULL);
	ck_assert_str_eq(station_sends(a, &tagged), "bo");
	declare_one(5, 6, &vlan);
	ck_assert_str_eq(station_sends(a, &tagged), "b");
}
END_TEST

/* Room that was made is not filled with what it said long ago. */
START_TEST(attack_an_old_set_after_the_room_was_made_prunes_nothing)
{
	struct group groups[100];

	a->config.groups_max = 20;
	a->config.mdb_capacity = 200;
	alone_with_it();
	for (uint32_t i = 0; i < 100; i++)
		groups[i] = station_group(1000 + i);
	declare(&(struct wire_groups){ .version = 10, .latest = 10 }, groups,
		100);
	for (int i = 0; i < 31; i++) {
		say_holds(0, 0);
		hosts_run(&h, CLOCK_S);
	}
	ck_assert_uint_eq(host_debug(a).groups, 0);
	declare_one(0, 5, NULL);
	ck_assert_str_eq(station_sends(a, &g1), "o");
}
END_TEST

/* Who never acknowledges keeps us from forgetting leaves. When there is no room
 * for more, everything is wanted, until that peer is gone and must know it. */
START_TEST(attack_who_acknowledges_nothing_costs_copies)
{
	struct group tagged = group_parse(7, "239.1.1.1");
	struct node_multicast_status s;
	struct group groups[4];
	uint32_t next = 0;

	a->config.groups_max = 6; /* mDNS's take two */
	stations_mesh(&h, 2);
	join_in();
	while (!host_debug(a).incomplete) {
		ck_assert_uint_lt(next, 200);
		for (int i = 0; i < 4; i++) {
			groups[i] = station_group(next++);
			station_join(a, &groups[i]);
		}
		say_holds(0, 0);
		for (int i = 0; i < 4; i++)
			station_leave(a, &groups[i]);
		hosts_run(&h, 2500 * CLOCK_MS);
	}
	station_join(a, &g1);
	station_join(a, &tagged);
	say_holds(0, 0);
	hosts_run(&h, 2500 * CLOCK_MS);
	ck_assert_str_eq(station_sends(b, &g1), "a");
	ck_assert_str_eq(station_sends(b, &g2), "a");
	ck_assert_str_eq(station_sends(b, &tagged), "a");
	node_multicast_status(a->node, &s);
	ck_assert_str_eq(s.wants_all,
			 "more groups come and go than peers can follow");
	ck_assert_uint_gt(host_drops(a, DROP_groups_full), 0);
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_int_ne(known_of_it().state, NODE_PEER_STATE_UP);
	hosts_run(&h, 185 * CLOCK_S);
	ck_assert_str_eq(station_sends(b, &g1), "a");
	ck_assert_str_eq(station_sends(b, &g2), "");
	/* The VLAN that was found meanwhile is declared, too. */
	ck_assert_str_eq(station_sends(b, &tagged), "a");
	tagged = group_parse(7, "239.1.1.2");
	ck_assert_str_eq(station_sends(b, &tagged), "");
	node_multicast_status(a->node, &s);
	ck_assert(!s.wants_all);
	ck_assert_uint_eq(host_debug(a).left, 0);
}
END_TEST

/* ---- frames it forges ---- */

static void send_frame(const uint8_t *frame, size_t len)
{
	uint8_t record[WIRE_RECORD_LEN + REPORT_MAX];

	wire_pack_record(record, WIRE_FRAME, 0, (uint16_t)len);
	memcpy(record + WIRE_RECORD_LEN, frame, len);
	outsider_send(&o, a, record, WIRE_RECORD_LEN + len);
}

START_TEST(attack_reports_of_a_peer_change_nothing)
{
	uint8_t frame[REPORT_MAX];
	uint32_t version;

	stations_mesh(&h, 2);
	join_in();
	declare_one(0, 5, NULL);
	station_join(a, &g1);
	host_forget_written(a);
	version = host_debug(a).version;
	send_frame(frame, report_frame(frame, 3, REPORT_JOIN, &g2, 1));
	send_frame(frame, report_frame(frame, 3, REPORT_LEAVE, &g1, 1));
	ck_assert_uint_eq(host_drops(a, DROP_report_foreign), 2);
	hosts_run(&h, 2900 * CLOCK_MS);
	ck_assert_uint_eq(a->written_count, 0);
	ck_assert_uint_eq(host_debug(a).version, version);
	ck_assert_str_eq(station_sends(a, &g2), "");
	ck_assert_str_eq(station_sends(b, &g1), "a");
}
END_TEST

START_TEST(attack_queries_of_a_peer_make_nobody_a_router)
{
	static const uint8_t mac[] = { 2, 0, 0, 0, 0, 9 };
	const struct group all = { 0 };
	struct node_multicast_status s;
	uint8_t frame[REPORT_MAX];

	alone_with_it();
	host_forget_written(a);
	send_frame(frame, igmp_build_query(frame, &all, 1000, mac));
	ck_assert_uint_eq(host_drops(a, DROP_query_foreign), 1);
	send_frame(frame, igmp_build_query(frame, &all, 1000, querier_mac));
	ck_assert_uint_eq(host_drops(a, DROP_querier_own), 1);
	ck_assert_uint_eq(a->written_count, 0);
	send_frame(frame,
		   igmp_frame(frame, 0, "11 64 0000 00000000 02 7d 0000"));
	ck_assert_uint_eq(a->written_count, 1);
	node_multicast_status(a->node, &s);
	ck_assert(!s.router && !s.wants_all);
}
END_TEST

START_TEST(attack_groups_before_the_session_is_open_are_not_read)
{
	uint8_t records[256];
	size_t len;

	station_start(a);
	ck_assert(outsider_shake_hands(&o, a));
	len = put(records, 0,
		  &(struct wire_groups){ .version = 5, .latest = 5 }, &g1, 1,
		  false);
	outsider_send(&o, a, records, len);
	ck_assert_uint_eq(host_drops(a, DROP_record_early), 1);
	ck_assert(!host_knows_key(a, &o.key));
	ck_assert_uint_eq(host_debug(a).groups, 0);
}
END_TEST

START_TEST(attack_malformed_groups_change_nothing)
{
	uint8_t records[256];
	size_t len;

	alone_with_it();
	declare_one(0, 5, &g1);
	len = put(records, 0,
		  &(struct wire_groups){ .base = 5, .version = 6, .latest = 9 },
		  &g2, 1, false);
	records[1] = 0x80;
	outsider_send(&o, a, records, len);
	ck_assert_uint_eq(host_drops(a, DROP_record_flag), 1);
	records[1] = 0;
	store_be32(records + WIRE_GROUPS_LEN - 8, 5); /* version */
	outsider_send(&o, a, records, len);
	ck_assert_uint_eq(host_drops(a, DROP_record_bad), 1);
	ck_assert_uint_eq(known_of_it().announced, 5);
	ck_assert_str_eq(station_sends(a, &g1), "o");
	ck_assert_str_eq(station_sends(a, &g2), "");
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("what it says", .setup = setup, .teardown = teardown),
	UNIT_TEST(attack_groups_of_another_epoch_are_nothing),
	UNIT_TEST(attack_versions_that_jump_get_it_flooded),
	UNIT_TEST(attack_a_version_that_never_comes_floods_itself_only),
	UNIT_TEST(attack_reports_of_a_peer_change_nothing),
	UNIT_TEST(attack_queries_of_a_peer_make_nobody_a_router),
	UNIT_TEST(attack_groups_before_the_session_is_open_are_not_read),
	UNIT_TEST(attack_malformed_groups_change_nothing),
	UNIT_CASE("what it costs", .setup = setup, .teardown = teardown,
		  .timeout_s = 20),
	UNIT_TEST(attack_whole_sets_one_after_the_other_cost_no_walks),
	UNIT_TEST(attack_many_questions_are_answered_once_a_datagram),
	UNIT_TEST(attack_who_forgets_again_and_again_is_told_20_times_a_second),
	UNIT_TEST(attack_who_holds_what_was_never_sent_holds_nothing),
	UNIT_TEST(attack_one_acknowledgement_for_each_version_costs_no_walks),
	UNIT_TEST(attack_what_is_no_group_is_not_noted),
	UNIT_TEST(attack_invented_groups_fill_its_own_share_only),
	UNIT_TEST(attack_a_known_vlan_is_known_of_it_alone),
	UNIT_TEST(attack_an_old_set_after_the_room_was_made_prunes_nothing),
	UNIT_TEST(attack_who_acknowledges_nothing_costs_copies),
};

UNIT_MAIN("node multicast attacks", tests)
