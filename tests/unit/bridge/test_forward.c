#include <check.h>
#include <string.h>

#include "bridge/forward.h"
#include "bridge/querier.h"
#include "support/frames.h"
#include "support/main.h"
#include "support/parsed.h"
#include "support/reports.h"

#define MAX_LEN eth_frame_max(1500)

static const uint8_t seed[TABLE_SEED_LEN] = { 42 };
static const struct fdb_config config = { 64, 8, 6, 300 * CLOCK_S };
static const struct mdb_config mdb_config = { 8, 4, 6 };
static struct fdb *fdb;
static struct mdb *mdb;
static struct tap_macs *own;
static struct forward_tables tables;
static struct forward f;

/* Peers 1 to 5, of whom all but the last are live. */
static void setup(void)
{
	fdb = fdb_new(&config, seed);
	mdb = mdb_new(&mdb_config, seed);
	own = tap_macs_new(6, seed);
	ck_assert(fdb && mdb && own);
	tables = (struct forward_tables){ .fdb = fdb,
					  .tap_macs = own,
					  .mdb = mdb };
	for (uint16_t port = 1; port <= 4; port++)
		port_set_add(&tables.live, port);
}

/* … all of whose groups are registered; 5 is a flood port. */
static void setup_snooping(void)
{
	setup();
	tables.snooping = true;
	port_set_add(&tables.flood, 5);
}

static void teardown(void)
{
	fdb_free(fdb);
	tap_macs_free(own);
	mdb_free(mdb);
}

/* The ports as a number, a digit each: 24 is ports 2 and 4; 0: a drop. */
static unsigned int ports_of(const struct forward *forward)
{
	unsigned int digits = 0;

	for (int port = -1; (port = port_set_next(&forward->ports, port)) >= 0;)
		digits = digits * 10 + (unsigned int)port;
	return forward->reason == DROP_NONE ? digits : 0;
}

#define ALL 1234

/* To all live ports. */
static bool flooded(void)
{
	return memcmp(&f.ports, &tables.live, sizeof(f.ports)) == 0;
}

static unsigned int tap(const uint8_t *frame, size_t len)
{
	forward_from_tap(&tables, frame, len, MAX_LEN, 0, &f);
	return ports_of(&f);
}

static enum drop_reason port(uint16_t from, const uint8_t *frame, size_t len)
{
	forward_from_port(&tables, from, frame, len, MAX_LEN, 0, &f);
	return f.reason;
}

/* An ARP-sized frame between stations of one byte each. */
struct frame_bytes {
	uint8_t bytes[60];
};

static struct frame_bytes station_frame(uint8_t dst, uint8_t src)
{
	struct frame_bytes b = { { 0 } };
	struct writer w = writer_init(b.bytes, sizeof(b.bytes));

	put_eth(&w, dst, src, ETH_TYPE_ARP);
	return b;
}

static unsigned int from_tap(uint8_t dst, uint8_t src)
{
	struct frame_bytes b = station_frame(dst, src);

	return tap(b.bytes, sizeof(b.bytes));
}

static enum drop_reason from_port(uint16_t from, uint8_t dst, uint8_t src)
{
	struct frame_bytes b = station_frame(dst, src);

	return port(from, b.bytes, sizeof(b.bytes));
}

static unsigned int sample_from_tap(const char *name)
{
	uint8_t frame[SAMPLE_MAX];
	size_t len = sample_decode(frame, name);

	return tap(frame, len);
}

static int owner(uint8_t station)
{
	const uint8_t mac[ETH_ADDR_LEN] = { 2, 0, 0, 0, 0, station };

	return fdb_find(fdb, 0, mac, 0);
}

START_TEST(unknown_unicast_goes_to_all)
{
	ck_assert_uint_eq(from_tap(2, 1), ALL);
	ck_assert(flooded());
	ck_assert_int_eq(owner(1), FDB_PORT_LOCAL);
	ck_assert_uint_eq(f.view.src[5], 1);
}
END_TEST

START_TEST(known_unicast_goes_to_its_owner)
{
	ck_assert_int_eq(from_port(3, 1, 2), DROP_NONE);
	ck_assert_uint_eq(from_tap(2, 1), 3);
	ck_assert(!flooded());
}
END_TEST

START_TEST(unicast_follows_a_mac_that_moves)
{
	from_port(3, 1, 2);
	from_port(1, 1, 2);
	ck_assert_uint_eq(from_tap(2, 1), 1);
	from_tap(9, 2); /* it is ours now */
	ck_assert_uint_eq(from_tap(2, 1), 0);
}
END_TEST

START_TEST(unicast_within_our_side_goes_nowhere)
{
	from_tap(9, 1);
	ck_assert_uint_eq(from_tap(1, 2), 0);
	ck_assert_int_eq(f.reason, DROP_frame_local);
	ck_assert_int_eq(owner(2), FDB_PORT_LOCAL);
}
END_TEST

/* Its MAC is known, but its port is not live: another may reach it. */
START_TEST(an_owner_that_is_not_live_is_looked_for_everywhere)
{
	from_port(5, 1, 2);
	ck_assert_uint_eq(from_tap(2, 1), ALL);
}
END_TEST

/* … but not by all frames: its port was lost, or is not live. */
START_TEST(an_owner_that_is_gone_is_looked_for_by_a_few_frames)
{
	const uint8_t mac[ETH_ADDR_LEN] = { 2, 0, 0, 0, 0, 2 };

	from_port(_i ? 5 : 3, 1, 2);
	if (!_i)
		fdb_lose_port(fdb, 3, 0);
	for (int i = 0; i < 8; i++)
		ck_assert_uint_eq(from_tap(2, 1), ALL);
	ck_assert_uint_eq(from_tap(2, 1), 0);
	ck_assert_int_eq(f.reason, DROP_unknown_unicast);
	/* Another MAC is none of its. */
	ck_assert_uint_eq(from_tap(4, 1), ALL);
	from_port(4, 1, 2);
	ck_assert_uint_eq(from_tap(2, 1), 4);
	/* What a peer says of itself is known in any case. */
	fdb_lose_port(fdb, 4, 0);
	tap_macs_set(own, 1, mac);
	for (int i = 0; i < 20; i++)
		ck_assert_uint_eq(from_tap(2, 1), 1);
}
END_TEST

START_TEST(own_mac_of_a_peer_is_known_in_every_vlan_unless_learned_elsewhere)
{
	const uint8_t mac[ETH_ADDR_LEN] = { 2, 0, 0, 0, 0, 2 };
	struct frame_bytes b = station_frame(2, 1);

	tap_macs_set(own, 3, mac);
	ck_assert_uint_eq(from_tap(2, 1), 3);
	b.bytes[12] = 0x81;
	b.bytes[13] = 0;
	b.bytes[15] = 7;
	b.bytes[16] = 8;
	b.bytes[17] = 6;
	ck_assert_uint_eq(tap(b.bytes, sizeof(b.bytes)), 3);
	from_port(4, 1, 2);
	ck_assert_uint_eq(from_tap(2, 1), 4);
	ck_assert_uint_eq(tap(b.bytes, sizeof(b.bytes)), 3);
	/* Two that say so are none. */
	tap_macs_set(own, 1, mac);
	ck_assert_uint_eq(tap(b.bytes, sizeof(b.bytes)), ALL);
	tap_macs_set(own, 3, (const uint8_t[ETH_ADDR_LEN]){ 0 });
	tap_macs_set(own, 1, (const uint8_t[ETH_ADDR_LEN]){ 0 });
	/* Nor is one that is not live. */
	tap_macs_set(own, 5, mac);
	ck_assert_uint_eq(tap(b.bytes, sizeof(b.bytes)), ALL);
}
END_TEST

START_TEST(with_nobody_live_there_is_no_peer)
{
	tables.live = (struct port_set){ .words = { 0 } };
	ck_assert_uint_eq(from_tap(2, 1), 0);
	ck_assert_int_eq(f.reason, DROP_no_peer);
	ck_assert_uint_eq(sample_from_tap("vrrp"), 0);
	ck_assert_int_eq(f.reason, DROP_no_peer);
}
END_TEST

START_TEST(every_group_frame_goes_to_all)
{
	for (size_t i = 0; i < SAMPLES; i++)
		ck_assert_msg(sample_from_tap(samples[i].name) == ALL, "%s",
			      samples[i].name);
}
END_TEST

START_TEST(virtual_mac_is_learned_from_its_advertisement)
{
	static const uint8_t vmac[] = { 0, 0, 0x5e, 0, 1, 0x2a };
	uint8_t frame[SAMPLE_MAX];
	size_t len = sample_decode(frame, "vrrp");

	tap(frame, len);
	ck_assert_int_eq(fdb_find(fdb, 0, vmac, 0), FDB_PORT_LOCAL);
	port(2, frame, len);
	ck_assert_int_eq(fdb_find(fdb, 0, vmac, 0), 2);
}
END_TEST

/* The backup's macvlan answers queries with the virtual MAC it shares. */
START_TEST(membership_report_steals_no_mac)
{
	uint8_t frame[SAMPLE_MAX];
	size_t len = sample_decode(frame, "igmp report");
	const uint8_t *src = frame + ETH_ADDR_LEN;

	ck_assert(fdb_learn(fdb, 0, src, 3, 0));
	tap(frame, len);
	ck_assert_int_eq(fdb_find(fdb, 0, src, 0), 3);
	ck_assert_int_eq(port(1, frame, len), DROP_NONE);
	ck_assert_int_eq(fdb_find(fdb, 0, src, 0), 3);
}
END_TEST

START_TEST(vlans_are_switched_apart)
{
	uint8_t frame[60] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };

	from_port(3, 1, 2);
	store_be16(frame + 12, ETH_TYPE_VLAN);
	store_be16(frame + 14, 7);
	ck_assert_uint_eq(tap(frame, sizeof(frame)), ALL);
	ck_assert_uint_eq(f.view.vlan, 7);
}
END_TEST

START_TEST(aged_owner_is_flooded)
{
	struct frame_bytes b = station_frame(2, 1);

	from_port(3, 1, 2);
	forward_from_tap(&tables, b.bytes, sizeof(b.bytes), MAX_LEN,
			 config.max_age_us, &f);
	ck_assert_uint_eq(ports_of(&f), ALL);
}
END_TEST

/* Split horizon: what one peer sent to another's MAC is not passed on. */
START_TEST(frame_from_a_peer_goes_into_the_tap_wherever_its_mac_is)
{
	from_port(3, 1, 2);
	ck_assert_int_eq(from_port(1, 2, 4), DROP_NONE);
	ck_assert_int_eq(owner(2), 3);
	ck_assert_int_eq(owner(4), 1);
}
END_TEST

START_TEST(length_is_held_to_the_mtu_unless_it_is_a_gso_frame)
{
	uint8_t frame[1523] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };

	ck_assert_uint_eq(tap(frame, 1522), ALL);
	fdb_flush_port(fdb, FDB_PORT_LOCAL);
	ck_assert_uint_eq(tap(frame, 1523), 0);
	ck_assert_int_eq(f.reason, DROP_frame_long);
	ck_assert_int_eq(owner(1), -1); /* what is dropped teaches nothing */
	ck_assert_int_eq(port(1, frame, 1523), DROP_frame_long);
	forward_from_tap(&tables, frame, 1523, 0, 0, &f);
	ck_assert_uint_eq(ports_of(&f), ALL);
}
END_TEST

START_TEST(malformed_frames_are_dropped_and_teach_nothing)
{
	struct frame_bytes b = station_frame(2, 1);

	ck_assert_uint_eq(tap(b.bytes, 13), 0);
	ck_assert_int_eq(f.reason, DROP_frame_short);
	ck_assert_int_eq(port(1, b.bytes, 0), DROP_frame_short);
	b.bytes[6] |= 1;
	ck_assert_uint_eq(tap(b.bytes, 60), 0);
	ck_assert_int_eq(f.reason, DROP_frame_bad_source);
	ck_assert_int_eq(port(1, b.bytes, 60), DROP_frame_bad_source);
	ck_assert_uint_eq(fdb_count(fdb), 0);
}
END_TEST

START_TEST(full_share_is_reported_and_the_frame_still_goes)
{
	for (uint8_t n = 0; n < config.capacity / 2; n++) {
		from_tap(200, (uint8_t)(100 + n));
		ck_assert(!f.full);
	}
	ck_assert_uint_eq(from_tap(200, 1), ALL);
	ck_assert(f.full);
	/* A frame from which nothing is learned, or whose MAC is known, is not. */
	ck_assert_uint_eq(sample_from_tap("igmp report"), ALL);
	ck_assert(!f.full);
	from_tap(200, 1);
	ck_assert(!f.full);
	ck_assert_int_eq(from_port(1, 1, 50), DROP_NONE);
	ck_assert(!f.full);
}
END_TEST

/* ---- snooping ---- */

/* A UDP packet to a group, to the MAC it belongs to, in a VLAN. */
static unsigned int send_group(uint16_t vlan, const char *ip)
{
	const struct group g = group_parse(vlan, ip);
	static const uint8_t mac[ETH_ADDR_LEN] = { 2, 0, 0, 0, 0, 1 };
	uint8_t frame[100] = { 0 };
	struct writer w = writer_init(frame, sizeof(frame));

	put_group_udp(&w, &g, mac, 5000, 0);
	return tap(frame, w.len);
}

static void join(uint16_t who, uint16_t vlan, const char *ip)
{
	const struct group g = group_parse(vlan, ip);

	ck_assert(mdb_join(mdb, &g, who));
}

START_TEST(a_group_goes_to_its_members)
{
	join(2, 0, "239.1.2.3");
	join(3, 0, "239.1.2.3");
	ck_assert_uint_eq(send_group(0, "239.1.2.3"), 23);
	ck_assert(!flooded());
	/* … and another with the same MAC does not. */
	ck_assert_uint_eq(send_group(0, "238.129.2.3"), 0);
	ck_assert_int_eq(f.reason, DROP_no_member);
	mdb_flush_port(mdb, 2);
	ck_assert_uint_eq(send_group(0, "239.1.2.3"), 3);
}
END_TEST

START_TEST(a_flood_port_gets_every_group)
{
	join(2, 0, "239.1.2.3");
	port_set_add(&tables.flood, 4);
	ck_assert_uint_eq(send_group(0, "239.1.2.3"), 24);
	ck_assert_uint_eq(send_group(0, "239.9.9.9"), 4);
}
END_TEST

START_TEST(a_member_that_is_not_live_is_not_sent_to)
{
	join(5, 0, "239.1.2.3");
	ck_assert_uint_eq(send_group(0, "239.1.2.3"), 0);
	ck_assert_int_eq(f.reason, DROP_no_member);
}
END_TEST

START_TEST(a_peer_whose_groups_find_no_room_gets_every_group)
{
	const struct group g = group_parse(0, "239.2.0.9");

	for (int i = 0; i < 4; i++)
		mdb_join(mdb,
			 &(struct group){ .vlan = (uint16_t)i,
					  .ip = { 0xff, 0xe } },
			 2);
	ck_assert(!mdb_join(mdb, &g, 2));
	ck_assert_uint_eq(send_group(0, "239.1.2.3"), 2);
}
END_TEST

/* A port that has not registered a VLAN may have a member there. */
START_TEST(a_tagged_group_goes_also_to_who_does_not_know_the_vlan)
{
	join(2, 7, "239.1.2.3");
	ck_assert_uint_eq(send_group(7, "239.1.2.3"), ALL);
	join(1, 7, "0.0.0.0");
	join(2, 7, "0.0.0.0");
	join(3, 7, "0.0.0.0");
	ck_assert_uint_eq(send_group(7, "239.1.2.3"), 24);
	ck_assert_uint_eq(send_group(0, "239.1.2.3"), 0);
}
END_TEST

START_TEST(link_local_groups_and_what_is_no_ip_go_to_all)
{
	ck_assert_uint_eq(send_group(0, "224.0.0.9"), ALL);
	for (size_t i = 0; i < SAMPLES; i++)
		if (sample_from_tap(samples[i].name) != ALL)
			ck_assert_msg(f.membership.kind == REPORT_MEMBERS, "%s",
				      samples[i].name);
}
END_TEST

static size_t a_report(uint8_t frame[REPORT_MAX])
{
	const struct group g = group_parse(0, "239.1.2.3");

	return report_frame(frame, 3, REPORT_JOIN, &g, 1);
}

START_TEST(a_report_reaches_routers_and_nobody_else)
{
	uint8_t frame[REPORT_MAX];
	size_t len = a_report(frame);

	join(2, 0, "239.1.2.3");
	ck_assert_uint_eq(tap(frame, len), 0);
	ck_assert_int_eq(f.reason, DROP_report_kept);
	ck_assert_int_eq(f.membership.kind, REPORT_MEMBERS);
	port_set_add(&tables.routers, 3);
	port_set_add(&tables.routers, 5); /* not live */
	ck_assert_uint_eq(tap(frame, len), 3);
}
END_TEST

START_TEST(a_report_from_a_peer_is_for_a_router_only)
{
	uint8_t frame[REPORT_MAX];
	size_t len = a_report(frame);

	ck_assert_int_eq(port(2, frame, len), DROP_report_foreign);
	tables.router = true;
	ck_assert_int_eq(port(2, frame, len), DROP_NONE);
	tables.router = tables.snooping = false;
	ck_assert_int_eq(port(2, frame, len), DROP_NONE);
}
END_TEST

START_TEST(a_query_with_a_source_makes_a_router_one_without_does_not_pass)
{
	static const uint8_t mac[] = { 2, 0, 0, 0, 0, 9 };
	const struct group all = { 0 };
	uint8_t frame[REPORT_MAX];
	size_t len = igmp_frame(frame, 0, "11 64 0000 00000000 02 7d 0000");

	ck_assert_uint_eq(tap(frame, len), ALL);
	ck_assert(f.router);
	ck_assert_int_eq(port(2, frame, len), DROP_NONE);
	len = igmp_build_query(frame, &all, 1000, mac);
	tap(frame, len);
	ck_assert(!f.router);
	ck_assert_int_eq(port(2, frame, len), DROP_query_foreign);
	tables.snooping = false;
	ck_assert_int_eq(port(2, frame, len), DROP_NONE);
}
END_TEST

START_TEST(our_own_querier_is_nobody)
{
	uint8_t frame[QUERIER_FRAME_MAX];
	const struct querier_query query = { .response_ms = 1000 };
	size_t len = querier_build(frame, &query);

	ck_assert_uint_eq(tap(frame, len), 0);
	ck_assert_int_eq(f.reason, DROP_querier_own);
	ck_assert_int_eq(port(2, frame, len), DROP_querier_own);
	ck_assert_uint_eq(fdb_count(fdb), 0);
}
END_TEST

START_TEST(a_malformed_report_goes_to_all)
{
	uint8_t frame[REPORT_MAX];
	size_t len = a_report(frame);

	frame[len - 1] ^= 1;
	ck_assert_uint_eq(tap(frame, len), ALL);
	ck_assert_int_eq(f.membership.kind, REPORT_BAD);
	ck_assert_int_eq(port(2, frame, len), DROP_NONE);
}
END_TEST

START_TEST(a_router_advertisement_of_a_peer_is_let_in_only_if_wanted)
{
	uint8_t frame[128];
	struct writer w = writer_init(frame, sizeof(frame));

	put_eth(&w, 2, 1, ETH_TYPE_IPV6);
	put_ipv6(&w, INET_PROTO_ICMPV6, 16);
	writer_u8(&w, ND_ROUTER_ADVERT);
	writer_zeros(&w, 15);
	for (int i = 0; i < 2; i++) {
		tables.snooping = i;
		tables.router_advertisements = false;
		ck_assert_int_eq(port(3, frame, w.len), DROP_ra_guard);
		ck_assert_int_eq(owner(1), 3);
		tables.router_advertisements = true;
		ck_assert_int_eq(port(3, frame, w.len), DROP_NONE);
	}
	/* What this host says is its own affair. */
	tables.router_advertisements = false;
	ck_assert_uint_eq(tap(frame, w.len), ALL);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("forward", .setup = setup, .teardown = teardown),
	UNIT_TEST(unknown_unicast_goes_to_all),
	UNIT_TEST(known_unicast_goes_to_its_owner),
	UNIT_TEST(unicast_follows_a_mac_that_moves),
	UNIT_TEST(unicast_within_our_side_goes_nowhere),
	UNIT_LOOP(an_owner_that_is_gone_is_looked_for_by_a_few_frames, 2),
	UNIT_TEST(
		own_mac_of_a_peer_is_known_in_every_vlan_unless_learned_elsewhere),
	UNIT_TEST(an_owner_that_is_not_live_is_looked_for_everywhere),
	UNIT_TEST(with_nobody_live_there_is_no_peer),
	UNIT_TEST(every_group_frame_goes_to_all),
	UNIT_TEST(virtual_mac_is_learned_from_its_advertisement),
	UNIT_TEST(membership_report_steals_no_mac),
	UNIT_TEST(vlans_are_switched_apart),
	UNIT_TEST(aged_owner_is_flooded),
	UNIT_TEST(frame_from_a_peer_goes_into_the_tap_wherever_its_mac_is),
	UNIT_TEST(length_is_held_to_the_mtu_unless_it_is_a_gso_frame),
	UNIT_TEST(malformed_frames_are_dropped_and_teach_nothing),
	UNIT_TEST(full_share_is_reported_and_the_frame_still_goes),
	UNIT_TEST(a_router_advertisement_of_a_peer_is_let_in_only_if_wanted),
	UNIT_CASE("snooping", .setup = setup_snooping, .teardown = teardown),
	UNIT_TEST(a_group_goes_to_its_members),
	UNIT_TEST(a_flood_port_gets_every_group),
	UNIT_TEST(a_member_that_is_not_live_is_not_sent_to),
	UNIT_TEST(a_peer_whose_groups_find_no_room_gets_every_group),
	UNIT_TEST(a_tagged_group_goes_also_to_who_does_not_know_the_vlan),
	UNIT_TEST(link_local_groups_and_what_is_no_ip_go_to_all),
	UNIT_TEST(a_report_reaches_routers_and_nobody_else),
	UNIT_TEST(a_report_from_a_peer_is_for_a_router_only),
	UNIT_TEST(
		a_query_with_a_source_makes_a_router_one_without_does_not_pass),
	UNIT_TEST(our_own_querier_is_nobody),
	UNIT_TEST(a_malformed_report_goes_to_all),
};

UNIT_MAIN("forward", tests)
