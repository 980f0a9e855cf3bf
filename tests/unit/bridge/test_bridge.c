/* bridge/bridge: ports are added and removed, and what is known of them. */
#include <check.h>

#include "bridge/bridge.h"
#include "support/main.h"

#define PORTS 4

static const uint8_t seed[TABLE_SEED_LEN] = { 1 };
static const uint8_t mac[ETH_ADDR_LEN] = { 2, 0, 0, 0, 0, 1 };
static struct bridge *b;
static int owners[PORTS];

static void setup(void)
{
	const struct bridge_config config = {
		.ports = PORTS,
		.snooping = true,
		.macs = 16,
		.macs_per_port = 4,
		.mac_age_us = 300 * CLOCK_S,
		.groups = 16,
		.groups_per_port = 4,
	};

	b = bridge_new(&config, seed);
	ck_assert_ptr_nonnull(b);
}

static void teardown(void)
{
	bridge_free(b);
}

START_TEST(ports_count_from_one_and_end)
{
	for (uint16_t i = 1; i < PORTS; i++)
		ck_assert_uint_eq(bridge_port_add(b, &owners[i]), i);
	ck_assert_uint_eq(bridge_port_add(b, &owners[0]), 0);
	for (uint16_t i = 1; i < PORTS; i++)
		ck_assert_ptr_eq(bridge_port_owner(b, i), &owners[i]);
}
END_TEST

START_TEST(the_tap_and_what_is_no_port_have_no_owner)
{
	ck_assert_ptr_null(bridge_port_owner(b, 0));
	ck_assert_ptr_null(bridge_port_owner(b, 1));
	ck_assert_ptr_null(bridge_port_owner(b, PORTS));
	ck_assert_ptr_null(bridge_port_owner(b, UINT16_MAX));
}
END_TEST

START_TEST(the_port_removed_last_is_given_first)
{
	for (uint16_t i = 1; i < PORTS; i++)
		bridge_port_add(b, &owners[i]);
	bridge_port_remove(b, 1);
	bridge_port_remove(b, 3);
	ck_assert_ptr_null(bridge_port_owner(b, 3));
	ck_assert_uint_eq(bridge_port_add(b, &owners[0]), 3);
	ck_assert_uint_eq(bridge_port_add(b, &owners[0]), 1);
	ck_assert_uint_eq(bridge_port_add(b, &owners[0]), 0);
}
END_TEST

START_TEST(a_new_port_is_a_flood_port_and_not_live)
{
	uint16_t port = bridge_port_add(b, &owners[0]);

	ck_assert(bridge_port_is_flood(b, port));
	ck_assert(!port_set_has(bridge_live_ports(b), port));
}
END_TEST

START_TEST(a_removed_port_leaves_nothing_to_the_next)
{
	const struct group g = group_v4(0, 0xef010203);
	uint16_t port = bridge_port_add(b, &owners[0]);

	bridge_port_set_live(b, port, true);
	bridge_port_set_flood(b, port, false);
	bridge_port_set_router(b, port, true);
	ck_assert(bridge_port_join(b, port, &g));
	ck_assert(fdb_learn(bridge_tables(b)->fdb, 0, mac, port, CLOCK_S));
	bridge_port_remove(b, port);
	ck_assert_uint_eq(bridge_port_add(b, &owners[1]), port);
	ck_assert(bridge_port_is_flood(b, port));
	ck_assert(port_set_is_empty(bridge_live_ports(b)));
	ck_assert(port_set_is_empty(&bridge_tables(b)->routers));
	ck_assert_uint_eq(mdb_port_count(bridge_mdb(b), port), 0);
	ck_assert_uint_eq(fdb_count(bridge_fdb(b)), 0);
}
END_TEST

START_TEST(what_a_port_leaves_or_forgets_is_gone)
{
	const struct group g = group_v4(0, 0xef010203);
	uint16_t port = bridge_port_add(b, &owners[0]);

	bridge_port_join(b, port, &g);
	bridge_port_leave(b, port, &g);
	ck_assert_uint_eq(mdb_count(bridge_mdb(b)), 0);
	bridge_port_join(b, port, &g);
	bridge_port_forget_groups(b, port);
	ck_assert_uint_eq(mdb_count(bridge_mdb(b)), 0);
	fdb_learn(bridge_tables(b)->fdb, 0, mac, port, CLOCK_S);
	bridge_port_lose_macs(b, port, CLOCK_S);
	ck_assert_uint_eq(fdb_count(bridge_fdb(b)), 0);
	ck_assert_int_eq(fdb_find(bridge_fdb(b), 0, mac, CLOCK_S), FDB_LOST);
	bridge_port_found(b, port, mac);
	ck_assert_int_eq(fdb_find(bridge_fdb(b), 0, mac, CLOCK_S), FDB_UNKNOWN);
	fdb_learn(bridge_tables(b)->fdb, 0, mac, port, CLOCK_S);
	bridge_age(b, 301 * CLOCK_S);
	ck_assert_uint_eq(fdb_count(bridge_fdb(b)), 0);
}
END_TEST

START_TEST(own_mac_of_a_port_is_lost_with_it_though_never_learned)
{
	const struct tap_macs *own = bridge_tables(b)->tap_macs;
	uint16_t port = bridge_port_add(b, &owners[0]);

	bridge_port_set_mac(b, port, mac);
	ck_assert_int_eq(tap_macs_find(own, mac), port);
	ck_assert_int_eq(fdb_find(bridge_fdb(b), 0, mac, 1), FDB_UNKNOWN);
	bridge_port_lose_macs(b, port, CLOCK_S);
	ck_assert_int_eq(fdb_find(bridge_fdb(b), 0, mac, CLOCK_S), FDB_LOST);
	ck_assert_int_eq(tap_macs_find(own, mac), -1);
	bridge_port_remove(b, port);
	ck_assert_int_eq(fdb_find(bridge_fdb(b), 0, mac, CLOCK_S), FDB_LOST);
}
END_TEST

START_TEST(own_mac_of_a_port_that_moved_is_not_lost_with_it)
{
	uint16_t port = bridge_port_add(b, &owners[0]);

	bridge_port_set_mac(b, port, mac);
	fdb_learn(bridge_tables(b)->fdb, 0, mac, 2, CLOCK_S);
	bridge_port_lose_macs(b, port, CLOCK_S);
	ck_assert_int_eq(fdb_find(bridge_fdb(b), 0, mac, CLOCK_S), 2);
}
END_TEST

START_TEST(switches_are_what_they_were_set_to)
{
	ck_assert(bridge_tables(b)->snooping && !bridge_has_router(b));
	bridge_set_snooping(b, false);
	bridge_set_router(b, true);
	ck_assert(!bridge_tables(b)->snooping && bridge_has_router(b));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("bridge", .setup = setup, .teardown = teardown),
	UNIT_TEST(ports_count_from_one_and_end),
	UNIT_TEST(the_tap_and_what_is_no_port_have_no_owner),
	UNIT_TEST(the_port_removed_last_is_given_first),
	UNIT_TEST(a_new_port_is_a_flood_port_and_not_live),
	UNIT_TEST(a_removed_port_leaves_nothing_to_the_next),
	UNIT_TEST(what_a_port_leaves_or_forgets_is_gone),
	UNIT_TEST(own_mac_of_a_port_is_lost_with_it_though_never_learned),
	UNIT_TEST(own_mac_of_a_port_that_moved_is_not_lost_with_it),
	UNIT_TEST(switches_are_what_they_were_set_to),
};

UNIT_MAIN("bridge", tests)
