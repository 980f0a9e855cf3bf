#include "tapd/tap/interface.h"

#include <net/if.h>
#include <signal.h>
#include <sys/wait.h>

#include "support/main.h"
#include "support/netns.h"

static struct conf conf;
static const struct public_key key = { .bytes = { 1, 2, 3 } };

static void setup(void)
{
	netns_enter();
	strcpy(conf.interface.name, "t0");
	conf.interface.mtu = 1400;
	ck_assert(prefix_parse(&conf.interface.address[0], "10.77.0.1/24"));
	ck_assert(prefix_parse(&conf.interface.address[1], "fd77::1/64"));
	conf.interface.address_count = 2;
}

static struct interface *open_interface(void)
{
	char *error = NULL;
	struct interface *i = interface_open(&conf, &key, &error);

	if (!i)
		ck_abort_msg("%s", error);
	return i;
}

static bool reconfigure(struct interface *i, const struct conf *c, char **error)
{
	struct interface_plan plan;

	if (!interface_plan(&plan, c, error))
		return false;
	interface_apply(i, &plan, c);
	return true;
}

/* As a crash does: the kernel closes, nobody else does anything. */
static void crash(struct interface *i)
{
	tap_close(interface_tap(i));
	link_close(interface_link(i));
	free(i);
}

START_TEST(clean_stop_removes_what_was_made)
{
	struct interface *i = open_interface();

	netns_run("ip link show t0 | grep -q 'mtu 1400'");
	netns_run("ip link show t0 | grep -q '[<,]UP[,>]'");
	netns_run("ip addr show t0 | grep -q 10.77.0.1/24");
	netns_run("ip addr show t0 | grep -q fd77::1/64");
	interface_close(i, false);
	ck_assert_uint_eq(if_nametoindex("t0"), 0);
}
END_TEST

static int sysctl_of(const char *family, const char *name)
{
	char path[96];
	FILE *file;
	int value = -1;

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/t0/%s", family,
		 name);
	file = fopen(path, "r");
	ck_assert(file != NULL);
	ck_assert_int_eq(fscanf(file, "%d", &value), 1);
	fclose(file);
	return value;
}

START_TEST(what_was_made_obeys_no_redirects)
{
	struct interface *i = open_interface();

	ck_assert_int_eq(sysctl_of("ipv4", "accept_redirects"), 0);
	ck_assert_int_eq(sysctl_of("ipv6", "accept_redirects"), 0);
	interface_close(i, false);
	/* What was there before is the administrator's. */
	netns_run("ip tuntap add t0 mode tap");
	i = open_interface();
	ck_assert_int_eq(sysctl_of("ipv4", "accept_redirects"), 1);
	ck_assert_int_eq(sysctl_of("ipv6", "accept_redirects"), 1);
	interface_close(i, false);
}
END_TEST

START_TEST(kept_interface_is_taken_over_and_owned)
{
	interface_close(open_interface(), true);
	unsigned index = if_nametoindex("t0");
	ck_assert_uint_ne(index, 0);
	struct interface *i = open_interface();
	ck_assert_uint_eq(if_nametoindex("t0"), index);
	interface_close(i, false);
	ck_assert_uint_eq(if_nametoindex("t0"), 0);
}
END_TEST

START_TEST(crash_leaves_it_and_the_next_start_owns_it)
{
	crash(open_interface());
	unsigned index = if_nametoindex("t0");
	ck_assert_uint_ne(index, 0);
	struct interface *i = open_interface();
	ck_assert_uint_eq(if_nametoindex("t0"), index);
	netns_run("ip addr show t0 | grep -q 10.77.0.1/24");
	interface_close(i, false);
	ck_assert_uint_eq(if_nametoindex("t0"), 0);
}
END_TEST

START_TEST(interface_of_the_administrator_keeps_what_is_its_own)
{
	netns_run("ip tuntap add dev t0 mode tap");
	netns_run("ip link set t0 mtu 1234 address 52:54:00:00:00:09");
	interface_close(open_interface(), false);
	netns_run("ip link show t0 | grep -q 'mtu 1234'");
	netns_run("ip link show t0 | grep -q 52:54:00:00:00:09");
	netns_run("! ip link show t0 | grep -q alias");
	netns_run("ip -d link show t0 | grep -q 'persist on'");

	conf.interface.mtu_set = conf.interface.mac_set = true;
	memcpy(conf.interface.mac, "\x52\x54\x00\x00\x00\x0a", 6);
	interface_close(open_interface(), false);
	netns_run("ip link show t0 | grep -q 'mtu 1400'");
	netns_run("ip link show t0 | grep -q 52:54:00:00:00:0a");
}
END_TEST

START_TEST(mac_is_stable_local_and_of_this_key)
{
	static const struct public_key other = { .bytes = { 1, 2, 4 } };
	char *error = NULL;
	uint8_t mac[6];

	struct interface *i = open_interface();
	memcpy(mac, link_state(interface_link(i))->mac, 6);
	ck_assert_uint_eq(mac[0] & 3, 2);
	interface_close(i, false);

	i = open_interface();
	ck_assert_mem_eq(link_state(interface_link(i))->mac, mac, 6);
	interface_close(i, false);

	i = interface_open(&conf, &other, &error);
	ck_assert_mem_ne(link_state(interface_link(i))->mac, mac, 6);
	interface_close(i, false);
}
END_TEST

START_TEST(deleted_interface_is_made_again_with_its_addresses)
{
	struct interface *i = open_interface();
	char *error = NULL;

	ck_assert_int_ne(interface_follow(i), INTERFACE_GONE);
	netns_run("ip link del t0");
	ck_assert_int_eq(interface_follow(i), INTERFACE_GONE);
	ck_assert(interface_open_again(i, &error));
	netns_run("ip addr show t0 | grep -q 10.77.0.1/24");
	netns_run("ip addr show t0 | grep -q fd77::1/64");
	interface_close(i, false);
	ck_assert_uint_eq(if_nametoindex("t0"), 0);
}
END_TEST

START_TEST(what_going_down_took_comes_back)
{
	conf.interface.multicast_route = true;
	struct interface *i = open_interface();

	netns_run("ip link set t0 down");
	ck_assert_int_eq(interface_follow(i), INTERFACE_CHANGED);
	netns_run("! ip addr show t0 | grep -q fd77::1/64");
	netns_run("! ip route show | grep -q 224.0.0.0/4");
	netns_run("ip link set t0 up");
	ck_assert_int_eq(interface_follow(i), INTERFACE_CHANGED);
	netns_run("ip addr show t0 | grep -q fd77::1/64");
	netns_run("ip route show | grep -q '224.0.0.0/4 dev t0'");
	netns_run("ip route show | grep -q '255.255.255.255 dev t0'");
	interface_close(i, false);
}
END_TEST

/* What the kernel tells of is read when all of it is over. */
START_TEST(what_going_down_and_up_at_once_took_comes_back)
{
	conf.interface.multicast_route = true;
	struct interface *i = open_interface();

	netns_run("ip link set t0 down; ip link set t0 up");
	ck_assert_int_eq(interface_follow(i), INTERFACE_CHANGED);
	netns_run("ip addr show t0 | grep -q fd77::1/64");
	netns_run("ip route show | grep -q '224.0.0.0/4 dev t0'");
	netns_run("ip -6 route show table local | grep -q 'ff00::/8 dev t0'");
	interface_close(i, false);
}
END_TEST

/* IPv6 has no less than 1280. */
START_TEST(what_a_small_mtu_took_comes_back)
{
	struct interface *i = open_interface();

	netns_run("ip link set t0 mtu 1200");
	ck_assert_int_eq(interface_follow(i), INTERFACE_CHANGED);
	netns_run("! ip addr show t0 | grep -q fd77::1/64");
	netns_run("ip link set t0 mtu 1500");
	ck_assert_int_eq(interface_follow(i), INTERFACE_CHANGED);
	netns_run("ip addr show t0 | grep -q fd77::1/64");
	interface_close(i, false);
}
END_TEST

/* What its administrator adds: a VIP in our subnet, and routes. */
static void add_others(void)
{
	netns_run("echo 0 >/proc/sys/net/ipv4/conf/all/promote_secondaries");
	netns_run("echo 0 >/proc/sys/net/ipv4/conf/t0/promote_secondaries");
	netns_run("ip addr add 10.77.0.100/24 dev t0");
	netns_run("ip route add 10.99.0.0/16 via 10.77.0.9 dev t0");
	netns_run("ip route add 10.98.0.0/16 dev t0");
}

static void assert_others_are_there(void)
{
	netns_run("ip addr show t0 | grep -q 10.77.0.100/24");
	netns_run("ip route show | grep -q '10.99.0.0/16 via 10.77.0.9'");
	netns_run("ip route show | grep -q '10.98.0.0/16 dev t0'");
	ck_assert_int_eq(sysctl_of("ipv4", "promote_secondaries"), 0);
}

/* In the subnet of the old one, and in another. */
static const char *const moves[] = { "10.77.0.2/24", "10.79.0.1/24" };

START_TEST(leftovers_of_another_run_take_nothing_of_others)
{
	const char *address = moves[_i];
	char command[80];

	interface_close(open_interface(), true);
	add_others();
	ck_assert(prefix_parse(&conf.interface.address[0], address));
	struct interface *i = open_interface();
	netns_run("! ip addr show t0 | grep -q 10.77.0.1/24");
	snprintf(command, sizeof(command), "ip addr show t0 | grep -q %s",
		 address);
	netns_run(command);
	assert_others_are_there();
	interface_close(i, false);
}
END_TEST

START_TEST(new_configuration_takes_nothing_of_others)
{
	struct conf other = conf;
	const char *address = moves[_i];
	char *error = NULL, command[80];

	/* Ours, and one of the administrator's. */
	for (int made = 0; made < 2; made++) {
		if (made)
			netns_run("ip tuntap add dev t0 mode tap");
		struct interface *i = open_interface();
		add_others();
		ck_assert(prefix_parse(&other.interface.address[0], address));
		ck_assert(reconfigure(i, &other, &error));
		netns_run("! ip addr show t0 | grep -q 10.77.0.1/24");
		snprintf(command, sizeof(command),
			 "ip addr show t0 | grep -q %s", address);
		netns_run(command);
		assert_others_are_there();
		interface_close(i, false);
	}
}
END_TEST

/* As in a container: others of its subnet go with the address, ours is set again. */
START_TEST(another_address_where_no_sysctl_can_be_set)
{
	struct conf other = conf;
	char *error = NULL;

	struct interface *i = open_interface();
	add_others();
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	netns_run("mount --make-rprivate /");
	netns_run("mount --bind -o ro /proc/sys /proc/sys");
	ck_assert(prefix_parse(&other.interface.address[0], "10.77.0.2/24"));
	ck_assert(reconfigure(i, &other, &error));
	netns_run("ip addr show t0 | grep -q 10.77.0.2/24");
	netns_run("! ip addr show t0 | grep -q 10.77.0.1/24");
	interface_close(i, false);
}
END_TEST

START_TEST(an_address_gets_another_length)
{
	struct conf other = conf;
	char *error = NULL;

	struct interface *i = open_interface();
	ck_assert(prefix_parse(&other.interface.address[0], "10.77.0.1/16"));
	ck_assert(prefix_parse(&other.interface.address[1], "fd77::1/80"));
	ck_assert(reconfigure(i, &other, &error));
	netns_run("ip addr show t0 | grep -q 10.77.0.1/16");
	netns_run("ip addr show t0 | grep -q fd77::1/80");
	netns_run("! ip addr show t0 | grep -q -e 10.77.0.1/24 -e fd77::1/64");
	/* And back, as the next run finds it. */
	interface_close(i, true);
	i = open_interface();
	netns_run("ip addr show t0 | grep -q 10.77.0.1/24");
	netns_run("ip addr show t0 | grep -q fd77::1/64");
	netns_run("! ip addr show t0 | grep -q -e 10.77.0.1/16 -e fd77::1/80");
	interface_close(i, false);
}
END_TEST

/* Into a container's namespace: a child that waits stands for the container. */
START_TEST(interface_in_another_namespace_lives_on)
{
	struct interface *i = open_interface();
	const pid_t child = netns_move_to_container("t0");

	ck_assert_int_ne(interface_follow(i), INTERFACE_GONE);
	ck_assert_uint_eq(if_nametoindex("t0"), 0);
	ck_assert(tap_is_alive(interface_tap(i)));
	interface_close(i, false);
	netns_end_container(child);
}
END_TEST

START_TEST(new_configuration_that_says_the_same_undoes_nothing)
{
	struct conf other = conf;
	char *error = NULL;

	struct interface *i = open_interface();
	netns_run("ip link set t0 mtu 1350 address 52:54:00:00:00:09");
	netns_run("ip addr del 10.77.0.1/24 dev t0");
	interface_follow(i);
	ck_assert(reconfigure(i, &other, &error));
	netns_run("ip link show t0 | grep -q 'mtu 1350'");
	netns_run("ip link show t0 | grep -q 52:54:00:00:00:09");
	netns_run("ip addr show t0 | grep -q 10.77.0.1/24");
	netns_run("ip link set t0 down");
	interface_follow(i);
	ck_assert(reconfigure(i, &conf, &error));
	netns_run("! ip link show t0 | grep -q '[<,]UP[,>]'");
	interface_close(i, false);
}
END_TEST

START_TEST(new_configuration_that_names_what_is_the_default_sets_it)
{
	struct conf other = conf;
	char *error = NULL;

	netns_run("ip tuntap add dev t0 mode tap");
	struct interface *i = open_interface();
	netns_run("ip link show t0 | grep -q 'mtu 1500'");
	other.interface.mtu_set = other.interface.mac_set = true;
	memcpy(other.interface.mac, "\x52\x54\x00\x00\x00\x0a", 6);
	ck_assert(reconfigure(i, &other, &error));
	netns_run("ip link show t0 | grep -q 'mtu 1400'");
	netns_run("ip link show t0 | grep -q 52:54:00:00:00:0a");
	interface_close(i, false);
}
END_TEST

/* As a service manager hands it back. */
static void keep_descriptor(struct interface *i)
{
	char pid[16];

	ck_assert_int_eq(dup2(tap_fd(interface_tap(i)), 3), 3);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_FDNAMES", "t0", 1);
}

/* A service manager handed back a descriptor whose carrier was off. */
START_TEST(kept_descriptor_gets_the_carrier_it_should_have)
{
	struct interface *i = open_interface();

	ck_assert_int_eq(tap_set_carrier(interface_tap(i), false), 0);
	keep_descriptor(i);
	crash(i);
	i = open_interface();
	ck_assert_int_eq(tap_fd(interface_tap(i)), 3);
	netns_run("! ip link show t0 | grep -q NO-CARRIER");
	interface_close(i, false);
}
END_TEST

/* After a clean stop, and after a crash. */
START_TEST(kept_descriptor_of_another_name_is_let_go)
{
	struct interface *i = open_interface();

	keep_descriptor(i);
	if (_i == 0)
		interface_close(i, false);
	else
		crash(i);
	strcpy(conf.interface.name, "t1");
	i = open_interface();
	ck_assert_uint_ne(if_nametoindex("t1"), 0);
	ck_assert_uint_eq(if_nametoindex("t0"), 0);
	interface_close(i, false);
}
END_TEST

START_TEST(kept_interface_of_the_administrator_stays_under_its_name)
{
	netns_run("ip tuntap add dev t0 mode tap");
	struct interface *i = open_interface();

	keep_descriptor(i);
	interface_close(i, false);
	strcpy(conf.interface.name, "t1");
	interface_close(open_interface(), false);
	ck_assert_uint_ne(if_nametoindex("t0"), 0);
	ck_assert_uint_eq(if_nametoindex("t1"), 0);
	/* Nobody has it open. */
	netns_run("ip link show t0 | grep -q NO-CARRIER");
}
END_TEST

START_TEST(kept_interface_that_has_the_new_name_is_used)
{
	struct interface *i = open_interface();
	const unsigned index = if_nametoindex("t0");

	keep_descriptor(i);
	interface_close(i, false);
	netns_run("ip link set t0 name t1");
	strcpy(conf.interface.name, "t1");
	i = open_interface();
	ck_assert_uint_eq(if_nametoindex("t1"), index);
	interface_close(i, false);
	ck_assert_uint_eq(if_nametoindex("t1"), 0);
}
END_TEST

START_TEST(new_configuration_takes_back_what_the_old_one_set)
{
	struct conf other = conf;
	char *error = NULL;

	conf.interface.multicast_route = true;
	struct interface *i = open_interface();
	ck_assert(prefix_parse(&other.interface.address[0], "10.78.0.1/24"));
	other.interface.mtu = 1300;
	ck_assert(reconfigure(i, &other, &error));
	netns_run("ip addr show t0 | grep -q 10.78.0.1/24");
	netns_run("ip addr show t0 | grep -q fd77::1/64");
	netns_run("! ip addr show t0 | grep -q 10.77.0.1/24");
	netns_run("ip link show t0 | grep -q 'mtu 1300'");
	netns_run("! ip route show | grep -q 224.0.0.0/4");

	strcpy(other.interface.address_from, "eth9");
	ck_assert(!reconfigure(i, &other, &error));
	ck_assert_ptr_nonnull(strstr(error, "eth9"));
	free(error);
	interface_close(i, false);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("interface", .setup = setup, .timeout_s = 30,
		  .allowed = netns_is_allowed),
	UNIT_TEST(clean_stop_removes_what_was_made),
	UNIT_TEST(what_was_made_obeys_no_redirects),
	UNIT_TEST(kept_interface_is_taken_over_and_owned),
	UNIT_TEST(crash_leaves_it_and_the_next_start_owns_it),
	UNIT_TEST(interface_of_the_administrator_keeps_what_is_its_own),
	UNIT_TEST(mac_is_stable_local_and_of_this_key),
	UNIT_TEST(deleted_interface_is_made_again_with_its_addresses),
	UNIT_TEST(what_going_down_took_comes_back),
	UNIT_TEST(what_going_down_and_up_at_once_took_comes_back),
	UNIT_TEST(what_a_small_mtu_took_comes_back),
	UNIT_TEST(interface_in_another_namespace_lives_on),
	UNIT_TEST(new_configuration_takes_back_what_the_old_one_set),
	UNIT_EACH(leftovers_of_another_run_take_nothing_of_others, moves),
	UNIT_EACH(new_configuration_takes_nothing_of_others, moves),
	UNIT_TEST(another_address_where_no_sysctl_can_be_set),
	UNIT_TEST(an_address_gets_another_length),
	UNIT_TEST(new_configuration_that_says_the_same_undoes_nothing),
	UNIT_TEST(new_configuration_that_names_what_is_the_default_sets_it),
	UNIT_TEST(kept_descriptor_gets_the_carrier_it_should_have),
	UNIT_LOOP(kept_descriptor_of_another_name_is_let_go, 2),
	UNIT_TEST(kept_interface_of_the_administrator_stays_under_its_name),
	UNIT_TEST(kept_interface_that_has_the_new_name_is_used),
};

UNIT_MAIN("interface", tests)
