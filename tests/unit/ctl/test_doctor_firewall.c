/* What is found about ufw and firewalld. */
#include "support/main.h"
#include "unit/ctl/doctor_help.h"

static void check_firewall(const struct facts *f, struct diagnosis *d)
{
	check_ufw(f, d);
	check_firewalld(f, d);
}

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

#define UFW_PARTIAL \
	"firewall-partial: ufw has rules for some of what comes by tap0\n"
#define UFW_NONE "ufw: ufw is active and has no rule for tap0\n"

#define RULE(words) "### tuple ### " words "\n-A ufw-user-input -j ACCEPT\n"

START_TEST(ufw_that_lets_in_the_interfaces_networks)
{
	static const struct {
		const char *rule, *found;
	} rules[] = {
		{ RULE("allow any any 0.0.0.0/0 any 10.77.0.0/24 in"), "" },
		{ RULE("allow_log any any 0.0.0.0/0 any 10.0.0.0/8 in"), "" },
		{ RULE("allow any any 0.0.0.0/0 any 0.0.0.0/0 in"), "" },
		{ RULE("allow any any 0.0.0.0/0 any 10.77.0.3 in"),
		  UFW_PARTIAL },
		{ RULE("allow vrrp any 0.0.0.0/0 any 0.0.0.0/0 in"),
		  UFW_PARTIAL },
		{ RULE("allow any any 10.77.0.2 any 10.77.0.0/24 in"),
		  UFW_PARTIAL },
		{ RULE("allow any any 0.0.0.0/0 any 10.78.0.0/24 in"),
		  UFW_NONE },
		{ RULE("allow tcp 22 0.0.0.0/0 any 10.77.0.0/24 in"),
		  UFW_NONE },
		{ RULE("deny any any 0.0.0.0/0 any 10.77.0.0/24 in"),
		  UFW_NONE },
		{ RULE("allow any any 0.0.0.0/0 any 10.77.0.0/24 out"),
		  UFW_NONE },
		{ RULE("allow any any 0.0.0.0/0 any 10.77.0.0/24 in_eth0"),
		  UFW_NONE },
		{ RULE("route:allow any any 0.0.0.0/0 any 10.0.0.0/8 in"),
		  UFW_NONE },
		{ RULE("allow any any 0.0.0.0/0 any 10.77.0.0/24\nin"),
		  UFW_NONE },
	};

	addresses[2].index = ETH_INDEX; /* fd77::2/64 */
	plant("/etc/ufw/ufw.conf", "ENABLED=yes\n");
	for (size_t i = 0; i < UNIT_COUNT(rules); i++) {
		plant("/etc/ufw/user.rules", rules[i].rule);
		assert_finds(check_firewall, rules[i].found);
	}
}
END_TEST

START_TEST(ufw_that_lets_in_one_network_of_two)
{
	plant("/etc/ufw/ufw.conf", "ENABLED=yes\n");
	plant("/etc/ufw/user.rules",
	      RULE("allow any any 0.0.0.0/0 any 10.77.0.0/24 in"));
	assert_finds(check_firewall, UFW_PARTIAL);
	plant("/etc/ufw/user6.rules",
	      RULE("allow any any ::/0 any fd77::/64 in"));
	assert_finds(check_firewall, "");
}
END_TEST

START_TEST(ufw_that_accepts_by_default_or_by_hand)
{
	plant("/etc/ufw/ufw.conf", "ENABLED=yes\n");
	plant("/etc/default/ufw", "DEFAULT_INPUT_POLICY=\"DROP\"\n");
	assert_finds(check_firewall, UFW_NONE);
	plant("/etc/ufw/before.rules",
	      "-A ufw-before-input -i tap0 -j ACCEPT\n");
	assert_finds(check_firewall, "");
	plant("/etc/ufw/before.rules", "*filter\n");
	assert_finds(check_firewall, UFW_NONE);
	plant("/etc/default/ufw", "DEFAULT_INPUT_POLICY=\"ACCEPT\"\n");
	assert_finds(check_firewall, "");
}
END_TEST

#define ZONES_NONE "firewalld: firewalld is active and no zone has tap0\n"
#define ZONES_PARTIAL                                                   \
	"firewall-partial: firewalld's zones let in some of what comes" \
	" by tap0\n"

START_TEST(firewalld_with_a_zone_for_the_interfaces_networks)
{
	static const struct {
		const char *zone, *found;
	} zones[] = {
		{ "<source address=\"10.77.0.0/24\"/>"
		  "<source address='fd77::/48'/>",
		  "" },
		{ "<source address=\"10.77.0.0/24\"/>", ZONES_PARTIAL },
		{ "<source address=\"10.77.0.3\"/>", ZONES_PARTIAL },
		{ "<source ipset=\"hosts\"/>", ZONES_PARTIAL },
		{ "<source address=\"10.78.0.0/24\"/>", ZONES_NONE },
		{ "<rule family=\"ipv4\"><source address=\"10.77.0.0/24\"/>"
		  "<accept/></rule>",
		  ZONES_NONE },
	};
	char text[256];

	plant("/proc/44/comm", "firewalld\n");
	for (size_t i = 0; i < UNIT_COUNT(zones); i++) {
		snprintf(text, sizeof(text), "<zone>\n%s\n</zone>\n",
			 zones[i].zone);
		plant("/etc/firewalld/zones/inside.xml", text);
		assert_finds(check_firewall, zones[i].found);
	}
	/* What a zone was before it was changed. */
	plant("/etc/firewalld/zones/inside.xml.old",
	      "<zone><interface name=\"tap0\"/></zone>\n");
	assert_finds(check_firewall, ZONES_NONE);
}
END_TEST

START_TEST(firewalld_with_a_default_zone_that_accepts)
{
	plant("/proc/44/comm", "firewalld\n");
	plant("/etc/firewalld/firewalld.conf", "DefaultZone=public\n");
	assert_finds(check_firewall, ZONES_NONE);
	plant("/etc/firewalld/firewalld.conf", "DefaultZone=trusted\n");
	assert_finds(check_firewall, "");
	plant("/etc/firewalld/zones/trusted.xml", "<zone></zone>\n");
	assert_finds(check_firewall, ZONES_NONE);
	plant("/etc/firewalld/firewalld.conf", "DefaultZone=mine\n");
	plant("/etc/firewalld/zones/mine.xml",
	      "<zone target=\"ACCEPT\"></zone>\n");
	assert_finds(check_firewall, "");
	plant("/etc/firewalld/zones/mine.xml",
	      "<zone><protocol value=\"vrrp\"/></zone>\n");
	assert_finds(check_firewall, ZONES_PARTIAL);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("firewall", .setup = doctor_setup,
		  .teardown = doctor_teardown),
	UNIT_TEST(no_firewall),
	UNIT_TEST(ufw_without_a_rule_for_the_interface),
	UNIT_TEST(ufw_that_lets_in_the_interfaces_networks),
	UNIT_TEST(ufw_that_lets_in_one_network_of_two),
	UNIT_TEST(ufw_that_accepts_by_default_or_by_hand),
	UNIT_TEST(firewalld_without_a_zone_for_the_interface),
	UNIT_TEST(firewalld_with_a_zone_for_the_interfaces_networks),
	UNIT_TEST(firewalld_with_a_default_zone_that_accepts),
};

UNIT_MAIN("doctor_firewall", tests)
