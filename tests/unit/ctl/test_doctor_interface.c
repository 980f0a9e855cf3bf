/* What is found about the interface, and who else has a hand on it. */
#include "support/main.h"
#include "unit/ctl/doctor_help.h"

START_TEST(a_sound_interface)
{
	assert_finds(check_interface, "");
}
END_TEST

START_TEST(one_that_is_not_there)
{
	facts.tap = NULL;
	assert_finds(check_interface, "interface-absent: there is no interface"
				      " tap0 in this network namespace\n");
	/* That no tapd runs is found already. */
	facts.daemon_down = true;
	assert_finds(check_interface, "");
}
END_TEST

START_TEST(an_address_that_another_host_has)
{
	add_address(TAP_INDEX, "fd77::9/64")->duplicate = true;
	add_address(ETH_INDEX, "fd09::9/64")->duplicate = true;
	assert_finds(check_interface,
		     "dad-failed: fd77::9/64 is not used on tap0: another host"
		     " has it (duplicate address detection)\n");
}
END_TEST

START_TEST(ipv6_that_is_off)
{
	plant("/proc/sys/net/ipv6/conf/tap0/disable_ipv6", "1\n");
	assert_finds(check_interface, "ipv6-off: IPv6 is off on tap0\n");
	plant("/proc/sys/net/ipv6/conf/tap0/disable_ipv6", "0\n");
	assert_finds(check_interface, "");
}
END_TEST

START_TEST(a_bridge_and_a_macvlan)
{
	struct hostnet_link *above;

	add_link(9, "br0");
	links[1].master = 9;
	above = add_link(11, "vrrp.51");
	above->below = TAP_INDEX;
	snprintf(above->kind, sizeof(above->kind), "macvlan");
	assert_finds(check_interface,
		     "interface-bridged: tap0 is a port of br0: this host gets"
		     " every multicast group\n"
		     "interface-bridged: vrrp.51, a macvlan, is on tap0: each"
		     " frame to a group is copied to it\n");
	snprintf(above->kind, sizeof(above->kind), "vlan");
	links[1].master = 0;
	assert_finds(check_interface, "");
}
END_TEST

START_TEST(a_device_of_the_kernel_that_takes_gre_too)
{
	struct hostnet_link *other = add_link(9, "gre10");

	snprintf(other->kind, sizeof(other->kind), "gretap");
	other->up = true;
	assert_finds(check_interface, "");
	facts.status = keep(json_pack("{s:s}", "encapsulation", "gre"));
	assert_finds(check_interface,
		     "kernel-gre: gre10, a gretap of the kernel, takes GRE on"
		     " this host as tapd does\n");
	other->up = false;
	assert_finds(check_interface, "");
}
END_TEST

START_TEST(networkd_that_manages_it)
{
	plant("/run/systemd/netif/links/7", "# This is private data.\n"
					    "ADMIN_STATE=configured\n"
					    "OPER_STATE=routable\n");
	/* One that does not run left it behind. */
	assert_finds(check_interface, "");
	plant("/proc/123/comm", "systemd-network\n");
	assert_finds(check_interface, "interface-managed: systemd-networkd"
				      " manages tap0 (configured)\n");
	plant("/run/systemd/netif/links/7", "ADMIN_STATE=unmanaged\n");
	assert_finds(check_interface, "");
}
END_TEST

START_TEST(network_manager_that_manages_it)
{
	static const char *const harmless[] = {
		"", "10 (unmanaged)", "100 (connected (externally))"
	};

	for (size_t i = 0; i < UNIT_COUNT(harmless); i++) {
		facts.manager = harmless[i];
		assert_finds(check_interface, "");
	}
	facts.manager = "100 (connected)";
	assert_finds(check_interface, "interface-managed: NetworkManager"
				      " manages tap0: state 100"
				      " (connected)\n");
}
END_TEST

START_TEST(a_kernel_that_tells_nothing)
{
	facts.net_known = false;
	facts.tap = NULL;
	assert_finds(check_interface,
		     "host-unread: the kernel did not tell all of this host's"
		     " interfaces, addresses and routes\n");
	assert_finds(check_overlap, "");
	assert_finds(check_multicast, "");
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("interface", .setup = doctor_setup,
		  .teardown = doctor_teardown),
	UNIT_TEST(a_sound_interface),
	UNIT_TEST(one_that_is_not_there),
	UNIT_TEST(an_address_that_another_host_has),
	UNIT_TEST(ipv6_that_is_off),
	UNIT_TEST(a_bridge_and_a_macvlan),
	UNIT_TEST(a_device_of_the_kernel_that_takes_gre_too),
	UNIT_TEST(networkd_that_manages_it),
	UNIT_TEST(network_manager_that_manages_it),
	UNIT_TEST(a_kernel_that_tells_nothing),
};

UNIT_MAIN("doctor_interface", tests)
