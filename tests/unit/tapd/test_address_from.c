#include "tapd/tap/address_from.h"

#include "support/main.h"
#include "support/netns.h"

static struct prefix prefix(const char *text)
{
	struct prefix p;

	ck_assert(prefix_parse(&p, text));
	return p;
}

START_TEST(host_bits_come_from_another_interface)
{
	static const struct {
		const char *configured, *expected;
	} table[] = {
		{ "10.77.0.0/16", "10.77.3.4/16" },
		{ "10.77.0.0/15", "10.77.3.4/15" },
		{ "10.64.0.0/10", "10.73.3.4/10" },
		{ "fd77::/64", "fd77::3:4/64" },
		{ "fd77::/48", "fd77::1:0:0:3:4/48" },
	};
	char text[PREFIX_STRLEN];
	char *error = NULL;

	netns_run("ip link add d0 type veth peer name d1");
	netns_run("ip link set d0 up; ip link set d1 up");
	netns_run("ip addr add 10.9.3.4/16 dev d0");
	netns_run("ip addr add fd09:0:0:1::3:4/64 dev d0 nodad");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct prefix p = prefix(table[i].configured);

		ck_assert_int_eq(address_take_host_bits("d0", "t0", &p, &error),
				 ADDRESS_FROM_TAKEN);
		ck_assert_str_eq(prefix_print(&p, text), table[i].expected);
	}
}
END_TEST

START_TEST(link_local_host_bits_serve_where_there_are_no_global_ones)
{
	struct prefix p = prefix("fd77::/64");
	char text[PREFIX_STRLEN];
	char *error = NULL;

	netns_run("ip link add d0 address 02:00:00:00:00:09 type veth"
		  " peer name d1");
	netns_run("ip link set d0 up; ip link set d1 up");
	netns_run("ip addr add 10.9.3.4/16 dev d0");
	ck_assert_int_eq(address_take_host_bits("d0", "t0", &p, &error),
			 ADDRESS_FROM_TAKEN);
	ck_assert_str_eq(prefix_print(&p, text), "fd77::ff:fe00:9/64");
}
END_TEST

static void fails_with(enum address_from result, const char *from,
		       const char *address, const char *why)
{
	struct prefix p = prefix(address);
	char *error = NULL;

	ck_assert_int_eq(address_take_host_bits(from, "t0", &p, &error),
			 result);
	ck_assert_msg(strstr(error, why) != NULL, "\"%s\" lacks \"%s\"", error,
		      why);
	free(error);
}

static void fails(const char *from, const char *address, const char *why)
{
	fails_with(ADDRESS_FROM_MISSING, from, address, why);
}

static void takes(const char *from, const char *address, const char *expected)
{
	struct prefix p = prefix(address);
	char text[PREFIX_STRLEN], *error = NULL;

	ck_assert_msg(address_take_host_bits(from, "t0", &p, &error) ==
			      ADDRESS_FROM_TAKEN,
		      "%s", error);
	ck_assert_str_eq(prefix_print(&p, text), expected);
}

/* 10.9.0.7 and 10.9.1.7, of one subnet, would both be 10.77.0.7. */
START_TEST(what_two_hosts_could_get_is_refused)
{
	static const struct {
		const char *has, *wanted, *advice; /* NULL: taken */
	} table[] = {
		{ "10.9.1.7/16", "10.77.0.0/24", "at most 16" },
		{ "10.9.1.7/20", "10.77.0.0/21", "at most 20" },
		{ "10.9.1.7/20", "10.77.0.0/20", NULL },
		{ "10.9.1.7/24", "10.77.0.0/24", NULL },
		{ "10.9.1.7/24", "10.77.0.9/32", "at most 24" },
		/* As clouds give it: nothing is known of the subnet. */
		{ "10.9.1.7/32", "10.77.0.0/24", NULL },
		{ "fd09::1:7/64", "fd77::/112", "at most 64" },
		{ "fd09::1:7/64", "fd77::/64", NULL },
		{ "fd09::1:7/128", "fd77::/112", NULL },
	};
	char command[96];

	netns_run("ip link add d0 type veth peer name d1");
	netns_run("ip link set d1 up; ip link set d0 up");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct prefix p = prefix(table[i].wanted);
		char *error = NULL;

		snprintf(command, sizeof(command),
			 "ip addr flush dev d0; ip addr add %s dev d0",
			 table[i].has);
		netns_run(command);
		if (table[i].advice)
			fails_with(ADDRESS_FROM_REFUSED, "d0", table[i].wanted,
				   table[i].advice);
		else
			ck_assert_int_eq(
				address_take_host_bits("d0", "t0", &p, &error),
				ADDRESS_FROM_TAKEN);
	}
}
END_TEST

START_TEST(error_says_which_interfaces_there_are)
{
	fails("eth9", "10.77.0.0/16", "IPv4 address: none");
	netns_run("ip link add d0 type veth peer name d1");
	netns_run("ip link add t0 type veth peer name t1");
	netns_run("ip addr add 10.9.3.4/16 dev d0");
	netns_run("ip addr add 10.9.3.5/16 dev d0");
	netns_run("ip addr add 10.9.3.6/16 dev d1");
	netns_run("ip addr add 10.77.0.1/16 dev t0");
	netns_run("ip link set lo up");
	fails("eth9", "10.77.0.0/16",
	      "there is no interface \"eth9\": name one that there is");
	fails("eth9", "10.77.0.0/16",
	      "interfaces with an IPv4 address: d1, d0");
	fails("eth9", "fd77::/64", "interfaces with an IPv6 address: none");
	fails("t1", "10.77.0.0/16", "t1 has no IPv4 address");
	netns_run("for i in $(seq 5); do"
		  " ip link add e$i type veth peer name f$i;"
		  " ip addr add 10.10.$i.1/24 dev e$i;"
		  " ip addr add 10.11.$i.1/24 dev f$i; done");
	fails("eth9", "10.77.0.0/16", " and 4 more");
}
END_TEST

START_TEST(default_is_the_interface_of_the_default_route)
{
	netns_run("for i in 0 1 2 3; do"
		  " ip link add e$i type veth peer name f$i;"
		  " ip link set f$i up; ip link set e$i up; ip addr add "
		  "10.9.$i.4/24 dev e$i;"
		  " ip addr add fd09:$i::7/64 dev e$i nodad; done");
	fails("default", "10.77.0.0/24", "no IPv4 default route");
	fails("default", "10.77.0.0/24", "address: e0,");
	fails("default", "fd77::/64", "no default route");
	/* Of another table, and one that leads nowhere. */
	netns_run("ip route add default via 10.9.0.1 dev e0 table 99");
	netns_run("ip route add unreachable default metric 1");
	netns_run("ip -6 route add unreachable default metric 1");
	fails("default", "10.77.0.0/24", "no IPv4 default route");
	fails("default", "fd77::/64", "no default route");
	netns_run("ip route add default via 10.9.1.1 dev e1 metric 200");
	takes("default", "10.77.0.0/16", "10.77.1.4/16");
	netns_run("ip route add default via 10.9.2.1 dev e2 metric 100");
	takes("default", "10.77.0.0/16", "10.77.2.4/16");
	/* IPv6 has none: the same interface. */
	takes("default", "fd77::/16", "fd77:2::7/16");
	netns_run("ip route add default via fd09:3::1 dev e3");
	takes("default", "fd77::/16", "fd77:3::7/16");
	/* The TAP's own, as DHCP over it gives one. */
	netns_run("ip link add t0 type veth peer name t1; ip link set t1 up;"
		  " ip link set t0 up;"
		  " ip addr add 10.77.9.9/16 dev t0;"
		  " ip route add default via 10.77.0.1 dev t0 metric 50");
	takes("default", "10.77.0.0/16", "10.77.2.4/16");
}
END_TEST

START_TEST(default_route_by_several_ways_is_that_of_its_first_live_one)
{
	netns_run("for i in 0 1 2; do"
		  " ip link add e$i type veth peer name f$i;"
		  " ip link set f$i up; ip link set e$i up; ip addr add "
		  "10.9.$i.4/24 dev e$i;"
		  " ip addr add fd09:$i::7/64 dev e$i nodad; done");
	netns_run("ip link add t0 type veth peer name t1; ip link set t1 up;"
		  " ip link set t0 up; ip addr add 10.77.9.9/16 dev t0");
	netns_run("ip route add default nexthop via 10.77.0.1 dev t0"
		  " nexthop via 10.9.0.1 dev e0 nexthop via 10.9.1.1 dev e1");
	netns_run("ip route add default nexthop via fd09:1::1 dev e1"
		  " nexthop via fd09:2::1 dev e2");
	takes("default", "10.77.0.0/16", "10.77.0.4/16");
	takes("default", "fd77::/16", "fd77:1::7/16");
	netns_run("ip link set e0 down");
	takes("default", "10.77.0.0/16", "10.77.1.4/16");
	netns_run("ip link set e1 down");
	takes("default", "fd77::/16", "fd77:2::7/16");
	fails("default", "10.77.0.0/16", "no IPv4 default route");
}
END_TEST

/* It would depend on which of the two is there first at boot. */
START_TEST(default_route_of_ipv6_is_none_for_ipv4)
{
	netns_run("for i in 0 1; do"
		  " ip link add e$i type veth peer name f$i;"
		  " ip link set f$i up; ip link set e$i up; ip addr add "
		  "10.9.$i.4/24 dev e$i;"
		  " ip addr add fd09:$i::7/64 dev e$i nodad; done");
	netns_run("ip route add default via fd09:1::1 dev e1");
	fails("default", "10.77.0.0/16", "no IPv4 default route");
	takes("default", "fd77::/16", "fd77:1::7/16");
	netns_run("ip route add default via 10.9.0.1 dev e0");
	takes("default", "10.77.0.0/16", "10.77.0.4/16");
	takes("default", "fd77::/16", "fd77:1::7/16");
}
END_TEST

/* Else it would be one of two. */
START_TEST(no_interface_can_be_called_default)
{
	netns_run("! ip link add default type veth peer name e1 2>/dev/null");
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("address_from", .setup = netns_enter,
		  .allowed = netns_is_allowed),
	UNIT_TEST(host_bits_come_from_another_interface),
	UNIT_TEST(link_local_host_bits_serve_where_there_are_no_global_ones),
	UNIT_TEST(what_two_hosts_could_get_is_refused),
	UNIT_TEST(error_says_which_interfaces_there_are),
	UNIT_TEST(default_is_the_interface_of_the_default_route),
	UNIT_TEST(default_route_by_several_ways_is_that_of_its_first_live_one),
	UNIT_TEST(default_route_of_ipv6_is_none_for_ipv4),
	UNIT_TEST(no_interface_can_be_called_default),
};

UNIT_MAIN("address_from", tests)
