/* What is found about ufw and firewalld. */
#include "support/main.h"
#include "unit/ctl/doctor_help.h"

START_TEST(no_firewall)
{
	assert_finds(check_firewall, "");
}
END_TEST

START_TEST(ufw_without_a_rule_for_the_interface)
{
	static const char port[] =
		"### tuple ### allow udp 8273 0.0.0.0/0 any 0.0.0.0/0 in\n"
		"-A ufw-user-input -p udp --dport 8273 -j ACCEPT\n";
	static const char other[] =
		"### tuple ### allow any any 0.0.0.0/0 any 0.0.0.0/0"
		" in_tap01\n-A ufw-user-input -i tap01 -j ACCEPT\n";
	static const char rule[] =
		"### tuple ### allow any any 0.0.0.0/0 any 0.0.0.0/0 in_tap0\n"
		"-A ufw-user-input -i tap0 -j ACCEPT\n";
	static const char found[] =
		"ufw: ufw is active and has no rule for tap0\n";

	plant("/etc/ufw/ufw.conf", "# ENABLED=no\nENABLED=no\n");
	assert_finds(check_firewall, "");
	plant("/etc/ufw/ufw.conf", "ENABLED=yes\nLOGLEVEL=low\n");
	assert_finds(check_firewall, found);
	plant("/etc/ufw/user.rules", port);
	assert_finds(check_firewall, found);
	plant("/etc/ufw/user.rules", other);
	assert_finds(check_firewall, found);
	plant("/etc/ufw/user.rules", rule);
	assert_finds(check_firewall, "");
}
END_TEST

START_TEST(firewalld_without_a_zone_for_the_interface)
{
	static const char found[] =
		"firewalld: firewalld is active and no zone has tap0\n";

	plant("/proc/44/comm", "firewalld-x\n");
	assert_finds(check_firewall, "");
	plant("/proc/44/comm", "firewalld\n");
	assert_finds(check_firewall, found);
	plant("/etc/firewalld/zones/public.xml",
	      "<zone><service name=\"tapd\"/></zone>\n");
	assert_finds(check_firewall, found);
	plant("/etc/firewalld/zones/trusted.xml",
	      "<zone target=\"ACCEPT\"><interface name=\"tap0\"/></zone>\n");
	assert_finds(check_firewall, "");
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("firewall", .setup = doctor_setup,
		  .teardown = doctor_teardown),
	UNIT_TEST(no_firewall),
	UNIT_TEST(ufw_without_a_rule_for_the_interface),
	UNIT_TEST(firewalld_without_a_zone_for_the_interface),
};

UNIT_MAIN("doctor_firewall", tests)
