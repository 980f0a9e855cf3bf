/* What is found about tapd's unit, and Keepalived's configuration. */
#include <unistd.h>

#include "support/main.h"
#include "unit/ctl/doctor_help.h"

static void run_as(const char *cgroup)
{
	plant("/proc/321/cgroup", cgroup);
	plant("/run/systemd/system/x", "");
	facts.settings = json_of("{\"pid\": 321}");
}

#define UNIT                                                   \
	"[Unit]\nBefore=corosync.service keepalived.service\n" \
	"[Service]\nExecStart=/usr/sbin/tapd -c /etc/tapd/%i.conf\n"

static void as_a_service(void)
{
	run_as("0::/system.slice/system-tapd.slice/tapd@tap0.service\n");
	plant("/lib/systemd/system/tapd@.service",
	      UNIT "FileDescriptorStoreMax=4\n");
	plant("/lib/systemd/system/keepalived.service",
	      "[Unit]\nAfter=network-online.target\n");
}

START_TEST(a_sound_service)
{
	as_a_service();
	assert_finds(check_service, "");
	assert_finds(check_keepalived, "");
}
END_TEST

START_TEST(a_daemon_that_nobody_asked_is_not_judged)
{
	assert_finds(check_service, "");
}
END_TEST

START_TEST(a_daemon_that_is_no_service)
{
	static const char found[] = "not-a-service: tapd is no service of"
				    " systemd's: nothing starts it at boot\n";

	run_as("0::/user.slice/user-0.slice/session-1.scope\n");
	assert_finds(check_service, found);
	run_as("0::/\n");
	assert_finds(check_service, found);
	run_as("12:cpu:/x\n0::/system.slice/runner.service\n");
	assert_finds(check_service, found);
	plant("/etc/systemd/system/runner.service",
	      "[Service]\nExecStart=/usr/bin/runner\n");
	assert_finds(check_service, found);
}
END_TEST

START_TEST(a_service_of_the_first_control_groups)
{
	as_a_service();
	run_as("12:cpu,cpuacct:/system.slice/other.service\n"
	       "1:name=systemd:/system.slice/system-tapd.slice/"
	       "tapd@tap0.service\n");
	assert_finds(check_service, "");
	run_as("\n1:name=systemd:/tapd@tap0.service\n");
	assert_finds(check_service, "");
	/* systemd's "hybrid", in which the second has no controllers. */
	run_as("1:name=systemd:/system.slice/system-tapd.slice/"
	       "tapd@tap0.service\n0::/\n");
	assert_finds(check_service, "");
}
END_TEST

START_TEST(nothing_is_said_of_units_without_systemd)
{
	run_as("0::/kubepods.slice/cri-containerd-12.scope\n");
	ck_assert_int_eq(unlink("./run/systemd/system/x"), 0);
	ck_assert_int_eq(rmdir("./run/systemd/system"), 0);
	assert_finds(check_service, "");
}
END_TEST

START_TEST(a_service_that_stores_no_descriptor)
{
	as_a_service();
	plant("/lib/systemd/system/tapd@.service", UNIT);
	assert_finds(check_service,
		     "no-fd-store: tapd@tap0.service has no"
		     " FileDescriptorStoreMax: the carrier of tap0 drops when"
		     " tapd restarts\n");
	plant("/etc/systemd/system/tapd@tap0.service.d/store.conf",
	      "[Service]\nFileDescriptorStoreMax=1\n");
	assert_finds(check_service, "");
	plant("/etc/systemd/system/tapd@tap0.service.d/store.conf",
	      "[Service]\nFileDescriptorStoreMax=0\n"
	      "#FileDescriptorStoreMax=1\n");
	assert_finds(check_service,
		     "no-fd-store: tapd@tap0.service has no"
		     " FileDescriptorStoreMax: the carrier of tap0 drops when"
		     " tapd restarts\n");
}
END_TEST

START_TEST(a_service_that_keepalived_does_not_wait_for)
{
	as_a_service();
	plant("/etc/systemd/system/tapd@.service",
	      "[Unit]\nBefore=corosync.service\n[Service]\n"
	      "ExecStart=/usr/sbin/tapd\nFileDescriptorStoreMax=1\n");
	assert_finds(check_service,
		     "not-before-keepalived: tapd@tap0.service is not ordered"
		     " before keepalived.service\n");
	plant("/etc/systemd/system/keepalived.service.d/tapd.conf",
	      "[Unit]\nAfter=tapd@tap0.service\n");
	assert_finds(check_service, "");
}
END_TEST

START_TEST(keepalived_that_was_left_on_eth0)
{
	plant("/etc/keepalived/keepalived.conf",
	      "! interface tap0\nglobal_defs { router_id web1 }\n"
	      "vrrp_instance VI_1 {\n"
	      "    interface eth0 # outside\n"
	      "    unicast_src_ip 10.9.0.2\n"
	      "    unicast_peer {\n        10.9.0.3\n    }\n"
	      "    virtual_ipaddress { 10.9.0.100/24 dev eth0 }\n}\n");
	assert_finds(check_keepalived,
		     "keepalived-elsewhere: no vrrp_instance of Keepalived's"
		     " is on tap0: VI_1 is on eth0, with unicast_peer\n");
}
END_TEST

START_TEST(keepalived_that_lists_its_peers_for_nothing)
{
	plant("/etc/keepalived/keepalived.conf",
	      "vrrp_instance OUT {\n    interface eth0\n}\n"
	      "vrrp_instance IN\n{\n    interface tap0\n"
	      "    track_interface {\n        eth0\n    }\n"
	      "    unicast_peer {\n        10.77.0.3\n    }\n}\n");
	assert_finds(check_keepalived,
		     "keepalived-unicast: Keepalived's vrrp_instance IN is on"
		     " tap0 and has unicast_peer\n");
}
END_TEST

START_TEST(keepalived_as_in_the_recipe)
{
	plant("/etc/keepalived/keepalived.conf",
	      "vrrp_instance web {\n    interface tap0\n"
	      "    virtual_router_id 51\n"
	      "    virtual_ipaddress { 10.77.0.100/24 dev tap0 }\n}\n");
	assert_finds(check_keepalived, "");
	plant("/etc/keepalived/keepalived.conf",
	      "vrrp_sync_group G { group { } }\nvrrp_instance {{{");
	assert_finds(check_keepalived, "keepalived-elsewhere: no vrrp_instance"
				       " of Keepalived's is on tap0: { is on"
				       " none\n");
}
END_TEST

START_TEST(keepalived_above_the_interface)
{
	add_link(8, "tap0.10")->below = TAP_INDEX;
	plant("/etc/keepalived/keepalived.conf",
	      "vrrp_instance web {\n    interface tap0.10\n}\n");
	assert_finds(check_keepalived, "");
	add_link(9, "br0");
	facts.net.links[1].master = 9;
	plant("/etc/keepalived/keepalived.conf",
	      "vrrp_instance web {\n    interface br0\n}\n");
	assert_finds(check_keepalived, "");
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("services", .setup = doctor_setup,
		  .teardown = doctor_teardown),
	UNIT_TEST(a_sound_service),
	UNIT_TEST(a_daemon_that_nobody_asked_is_not_judged),
	UNIT_TEST(a_daemon_that_is_no_service),
	UNIT_TEST(a_service_of_the_first_control_groups),
	UNIT_TEST(nothing_is_said_of_units_without_systemd),
	UNIT_TEST(a_service_that_stores_no_descriptor),
	UNIT_TEST(a_service_that_keepalived_does_not_wait_for),
	UNIT_TEST(keepalived_that_was_left_on_eth0),
	UNIT_TEST(keepalived_that_lists_its_peers_for_nothing),
	UNIT_TEST(keepalived_as_in_the_recipe),
	UNIT_TEST(keepalived_above_the_interface),
};

UNIT_MAIN("doctor_services", tests)
