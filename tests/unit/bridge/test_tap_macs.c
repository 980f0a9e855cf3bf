#include <check.h>

#include "bridge/tap_macs.h"
#include "support/main.h"

#define PORTS 5

static const uint8_t seed[TABLE_SEED_LEN] = { 3 };
static const uint8_t one[ETH_ADDR_LEN] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t two[ETH_ADDR_LEN] = { 2, 0, 0, 0, 0, 2 };
static const uint8_t none[ETH_ADDR_LEN];
static const uint8_t group[ETH_ADDR_LEN] = { 3, 0, 0, 0, 0, 1 };
static struct tap_macs *m;

static void setup(void)
{
	m = tap_macs_new(PORTS, seed);
	ck_assert_ptr_nonnull(m);
}

static void teardown(void)
{
	tap_macs_free(m);
}

START_TEST(port_is_found_by_the_mac_it_was_given_last)
{
	ck_assert_ptr_null(tap_macs_of(m, 3));
	tap_macs_set(m, 3, one);
	tap_macs_set(m, 3, one);
	ck_assert_int_eq(tap_macs_find(m, one), 3);
	ck_assert_mem_eq(tap_macs_of(m, 3), one, ETH_ADDR_LEN);
	tap_macs_set(m, 3, two);
	ck_assert_int_eq(tap_macs_find(m, one), -1);
	ck_assert_int_eq(tap_macs_find(m, two), 3);
}
END_TEST

START_TEST(no_hosts_mac_is_none)
{
	const uint8_t *const macs[] = { none, group };

	tap_macs_set(m, 3, one);
	tap_macs_set(m, 3, macs[_i]);
	ck_assert_ptr_null(tap_macs_of(m, 3));
	ck_assert_int_eq(tap_macs_find(m, one), -1);
	ck_assert_int_eq(tap_macs_find(m, macs[_i]), -1);
}
END_TEST

START_TEST(mac_of_two_ports_is_of_neither_until_one_has_another)
{
	tap_macs_set(m, 3, one);
	tap_macs_set(m, 4, one);
	ck_assert_int_eq(tap_macs_find(m, one), -1);
	tap_macs_set(m, 1, one);
	tap_macs_set(m, 4, two);
	ck_assert_int_eq(tap_macs_find(m, one), -1);
	tap_macs_set(m, 3, none);
	ck_assert_int_eq(tap_macs_find(m, one), 1);
	ck_assert_int_eq(tap_macs_find(m, two), 4);
}
END_TEST

START_TEST(each_port_has_room)
{
	uint8_t mac[ETH_ADDR_LEN] = { 2 };

	for (uint16_t round = 0; round < 3; round++)
		for (uint16_t port = 0; port < PORTS; port++) {
			mac[4] = (uint8_t)round;
			mac[5] = (uint8_t)port;
			tap_macs_set(m, port, mac);
			ck_assert_int_eq(tap_macs_find(m, mac), port);
		}
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("tap_macs", .setup = setup, .teardown = teardown),
	UNIT_TEST(port_is_found_by_the_mac_it_was_given_last),
	UNIT_LOOP(no_hosts_mac_is_none, 2),
	UNIT_TEST(mac_of_two_ports_is_of_neither_until_one_has_another),
	UNIT_TEST(each_port_has_room),
};

UNIT_MAIN("tap_macs", tests)
