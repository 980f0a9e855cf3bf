/* What is found about networks in two places, multicast, and the kernel's tables. */
#include "support/main.h"
#include "unit/ctl/doctor_help.h"

START_TEST(a_sound_network)
{
	/* As on a cloud's host: a default route, one to a metadata server, one to a
	 * wider network, and one past the interface to a peer. */
	add_route(ETH_INDEX, "0.0.0.0/0");
	add_route(ETH_INDEX, "169.254.169.254/32");
	add_route(ETH_INDEX, "10.0.0.0/8");
	add_route(ETH_INDEX, "10.77.0.9/32");
	add_route(TAP_INDEX, "10.77.0.0/24")->kernel = true;
	add_address(ETH_INDEX, "fe80::7/64");
	plant("/etc/resolv.conf", "search example.net\nnameserver 10.9.0.1\n");
	assert_finds(check_overlap, "");
	assert_finds(check_multicast, "");
	assert_finds(check_kernel_tables, "");
}
END_TEST

START_TEST(an_address_inside_of_the_interfaces_network)
{
	add_link(3, "docker0");
	add_address(3, "10.77.0.1/16");
	assert_finds(check_overlap, "overlap-address: 10.77.0.2/24 of tap0 and"
				    " 10.77.0.1/16 of docker0 overlap\n");
}
END_TEST

START_TEST(a_wider_network_that_holds_the_interfaces)
{
	addresses[0].prefix.len = 8; /* eth0's 10.9.0.2 */
	assert_finds(check_overlap, "overlap-address: 10.77.0.2/24 of tap0 and"
				    " 10.9.0.2/8 of eth0 overlap\n");
}
END_TEST

START_TEST(what_is_on_the_interface_is_no_other_network)
{
	struct hostnet_link *above = add_link(11, "vrrp.51");

	above->below = TAP_INDEX;
	add_address(11, "10.77.0.100/24");
	add_link(12, "br0");
	links[1].master = 12;
	add_address(12, "10.77.0.3/24");
	add_address(TAP_INDEX, "10.77.0.101/32");
	assert_finds(check_overlap, "");
}
END_TEST

START_TEST(virtual_addresses_that_a_server_only_answers_to)
{
	struct hostnet_link *held;

	add_link(1, "lo")->loopback = true;
	add_address(1, "127.0.0.1/8");
	add_address(1, "10.77.0.100/32");
	held = add_link(20, "kube-ipvs0");
	strcpy(held->kind, "dummy");
	add_address(20, "10.77.0.101/32");
	add_address(20, "fd77::101/128");
	held = add_link(21, "tunl0");
	strcpy(held->kind, "ipip");
	add_address(21, "10.77.0.100/32");
	assert_finds(check_overlap, "");
	/* A network there is one, and a host's address by another way, too. */
	add_address(20, "10.77.0.101/24");
	add_address(ETH_INDEX, "10.77.0.102/32");
	assert_finds(check_overlap, "overlap-address: 10.77.0.2/24 of tap0 and"
				    " 10.77.0.101/24 of kube-ipvs0 overlap\n"
				    "overlap-address: 10.77.0.2/24 of tap0 and"
				    " 10.77.0.102/32 of eth0 overlap\n");
}
END_TEST

START_TEST(a_route_into_the_interfaces_network)
{
	add_link(3, "virbr0");
	add_route(3, "10.77.0.128/25");
	add_route(3, "fd77::/64");
	assert_finds(check_overlap,
		     "overlap-route: the route to 10.77.0.128/25 by virbr0 is"
		     " inside 10.77.0.2/24 of tap0\n"
		     "overlap-route: the route to fd77::/64 by virbr0 is"
		     " inside fd77::2/64 of tap0\n");
}
END_TEST

START_TEST(a_dns_server_on_the_interface)
{
	plant("/etc/resolv.conf", "# nameserver 10.77.0.1\n"
				  "\n \t\n nameserver\t10.77.0.53\n"
				  "nameserver ::1\nnameserver\n10.77.0.2\n"
				  "nameserver fd77::53\n");
	assert_finds(check_overlap,
		     "overlap-dns: the DNS server 10.77.0.53 is inside"
		     " 10.77.0.2/24 of tap0\n"
		     "overlap-dns: the DNS server fd77::53 is inside"
		     " fd77::2/64 of tap0\n");
}
END_TEST

START_TEST(strict_rp_filter_where_there_are_virtual_addresses)
{
	static const char found[] = "rp-filter: rp_filter is strict on tap0,"
				    " which has virtual addresses\n";

	plant("/proc/sys/net/ipv4/conf/all/rp_filter", "1\n");
	plant("/proc/sys/net/ipv4/conf/tap0/rp_filter", "0\n");
	assert_finds(check_multicast, "");
	add_address(TAP_INDEX, "10.77.0.100/32");
	assert_finds(check_multicast, found);
	plant("/proc/sys/net/ipv4/conf/all/rp_filter", "0\n");
	assert_finds(check_multicast, "");
	plant("/proc/sys/net/ipv4/conf/tap0/rp_filter", "1\n");
	assert_finds(check_multicast, found);
	/* Loose counts for both. */
	plant("/proc/sys/net/ipv4/conf/all/rp_filter", "2\n");
	assert_finds(check_multicast, "");
}
END_TEST

START_TEST(multicast_that_leaves_elsewhere)
{
	facts.multicast_index = ETH_INDEX;
	/* Of a daemon that was not asked nothing is known. */
	assert_finds(check_multicast, "");
	facts.settings = json_of("{\"multicast_route\": false}");
	assert_finds(check_multicast,
		     "multicast-elsewhere: programs that name no interface"
		     " send multicast by eth0, not tap0\n");
	facts.settings = json_of("{\"multicast_route\": true}");
	assert_finds(check_multicast,
		     "multicast-route-missing: multicast leaves by eth0,"
		     " though interface.multicast_route is set\n");
	facts.multicast_index = TAP_INDEX;
	assert_finds(check_multicast, "");
}
END_TEST

START_TEST(as_many_groups_as_a_socket_may_join)
{
	plant("/proc/sys/net/ipv4/igmp_max_memberships", "20\n");
	plant("/proc/net/igmp",
	      "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n"
	      "1\tlo        :    21      V3\n"
	      "\t\t\t\t010000E0     1 0:00000000\t\t0\n"
	      "7\ttap0      :    20      V3\n"
	      "\t\t\t\t010000E0     1 0:00000000\t\t0\n");
	assert_finds(check_multicast, "");
	plant("/proc/net/igmp",
	      "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n"
	      "7\ttap0      :    21      V3\n"
	      "\t\t\t\t010000E0     1 0:00000000\t\t0\n");
	assert_finds(check_multicast,
		     "memberships: 20 groups are joined on tap0, and one"
		     " socket may join 20\n");
}
END_TEST

START_TEST(a_neighbour_table_that_is_full)
{
	plant("/proc/sys/net/ipv4/neigh/default/gc_thresh3", "1024\n");
	plant("/proc/net/stat/arp_cache", "entries  allocs\n000003bf  0\n");
	assert_finds(check_kernel_tables, "");
	plant("/proc/net/stat/arp_cache", "entries  allocs\n00000400  0\n");
	assert_finds(check_kernel_tables,
		     "neighbours-full: the kernel's neighbour table of ipv4 is"
		     " full: 1024 of 1024 (gc_thresh3)\n");
}
END_TEST

START_TEST(a_table_of_connections_that_is_full)
{
	plant("/proc/sys/net/netfilter/nf_conntrack_max", "65536\n");
	plant("/proc/sys/net/netfilter/nf_conntrack_count", "1000\n");
	assert_finds(check_kernel_tables, "");
	plant("/proc/sys/net/netfilter/nf_conntrack_count", "65536\n");
	assert_finds(check_kernel_tables,
		     "conntrack-full: the kernel's table of connections is"
		     " full: 65536 of 65536: new ones are dropped\n");
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("network", .setup = doctor_setup,
		  .teardown = doctor_teardown),
	UNIT_TEST(a_sound_network),
	UNIT_TEST(an_address_inside_of_the_interfaces_network),
	UNIT_TEST(a_wider_network_that_holds_the_interfaces),
	UNIT_TEST(what_is_on_the_interface_is_no_other_network),
	UNIT_TEST(virtual_addresses_that_a_server_only_answers_to),
	UNIT_TEST(a_route_into_the_interfaces_network),
	UNIT_TEST(a_dns_server_on_the_interface),
	UNIT_TEST(strict_rp_filter_where_there_are_virtual_addresses),
	UNIT_TEST(multicast_that_leaves_elsewhere),
	UNIT_TEST(as_many_groups_as_a_socket_may_join),
	UNIT_TEST(a_neighbour_table_that_is_full),
	UNIT_TEST(a_table_of_connections_that_is_full),
};

UNIT_MAIN("doctor_network", tests)
