#include "support/main.h"
#include "support/netns.h"
#include "tapd/discover/own_host.h"

#include <check.h>

static bool is_among(const char *text, const char *interface)
{
	struct addr list[2] = { addr_v4(0xc0000201, 1) };

	ck_assert(addr_parse(&list[1], text, 9));
	return own_host_is_among(list, 2, interface);
}

static void assert_towards(const char *to, const char *expected)
{
	char text[ADDR_STRLEN];
	struct addr a;

	ck_assert(addr_parse(&a, to, 9));
	ck_assert_str_eq(own_host_towards(&a, text), expected);
}

static void setup(void)
{
	netns_enter();
	netns_run(
		"ip link set lo up; ip link add d0 type veth peer name d1;"
		" ip link set d1 up; ip link set d0 up;"
		" ip addr add 10.9.0.5/24 dev d0; "
		" ip addr add fd09::5/64 dev d0 nodad;"
		" ip link add tap0 type veth peer name x1; ip link set tap0 up;"
		" ip addr add 10.77.0.5/24 dev tap0");
}

START_TEST(any_address_of_an_interface_is_this_host)
{
	ck_assert(is_among("10.9.0.5", "tap0"));
	ck_assert(is_among("10.9.0.5:77", "tap0"));
	ck_assert(is_among("fd09::5", "tap0"));
	ck_assert(!is_among("10.9.0.6", "tap0"));
	ck_assert(!is_among("fd09::6", "tap0"));
	ck_assert(!own_host_is_among(NULL, 0, "tap0"));
}
END_TEST

START_TEST(an_address_of_the_overlay_is_not)
{
	ck_assert(!is_among("10.77.0.5", "tap0"));
	ck_assert(is_among("10.77.0.5", "tap1"));
}
END_TEST

/* A hosts file has this host's name so. */
START_TEST(the_loopback_is)
{
	ck_assert(is_among("127.0.1.1", "tap0"));
	ck_assert(is_among("::1", "tap0"));
}
END_TEST

START_TEST(it_is_named_by_the_address_from_which_it_sends)
{
	assert_towards("10.9.0.6", "10.9.0.5");
	assert_towards("fd09::6", "fd09::5");
	assert_towards("198.51.100.1", ""); /* no route */
	assert_towards("2001:db8::1", "");
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("own_host", .setup = setup, .allowed = netns_is_allowed),
	UNIT_TEST(any_address_of_an_interface_is_this_host),
	UNIT_TEST(an_address_of_the_overlay_is_not),
	UNIT_TEST(the_loopback_is),
	UNIT_TEST(it_is_named_by_the_address_from_which_it_sends),
};

UNIT_MAIN("own_host", tests)
