#include "tapd/tap/link.h"

#include <linux/if_addr.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "support/main.h"
#include "support/netns.h"
#include "tapd/tap/tap.h"

static struct link *open_link(const char *name)
{
	char *error = NULL;
	struct link *l = link_open(name, &error);

	if (!l)
		ck_abort_msg("%s", error);
	return l;
}

static struct link *open_new(void)
{
	netns_run("ip tuntap add dev t0 mode tap");
	return open_link("t0");
}

static struct prefix prefix(const char *text)
{
	struct prefix p;

	ck_assert(prefix_parse(&p, text));
	return p;
}

START_TEST(sets_what_ip_shows)
{
	static const uint8_t mac[6] = { 0x52, 0x54, 0, 1, 2, 3 };
	struct link *l = open_new();
	struct prefix v4 = prefix("10.77.0.1/24"), v6 = prefix("fd77::1/64");

	ck_assert_int_eq(link_set_mac(l, mac), 0);
	ck_assert_int_eq(link_set_mtu(l, 1400), 0);
	ck_assert_int_eq(link_set_alias(l, "made by a test"), 0);
	ck_assert_int_eq(link_raise_queue_len(l, 4000), 0);
	ck_assert_int_eq(link_raise_queue_len(l, 10), 0);
	ck_assert_int_eq(link_set_up(l), 0);
	ck_assert_int_eq(link_add_address(l, &v4), 0);
	ck_assert_int_eq(link_add_address(l, &v6), 0);

	netns_run("ip link show t0 | grep -q 52:54:00:01:02:03");
	netns_run("ip link show t0 | grep -q 'mtu 1400'");
	netns_run("ip link show t0 | grep -q 'qlen 4000'");
	netns_run("ip link show t0 | grep -q 'alias made by a test'");
	netns_run("ip link show t0 | grep -q '[<,]UP[,>]'");
	netns_run("ip -4 addr show t0 |"
		  " grep -q '10.77.0.1/24 brd 10.77.0.255 scope global'");
	netns_run("ip -6 addr show t0 | grep -q 'fd77::1/64'");

	const struct link_state *s = link_state(l);
	ck_assert(s->up);
	ck_assert_uint_eq(s->mtu, 1400);
	ck_assert_uint_eq(s->queue_len, 4000);
	ck_assert_str_eq(s->alias, "made by a test");
	ck_assert_mem_eq(s->mac, mac, 6);
	ck_assert(link_has_address(l, &v4));
	ck_assert(link_has_address(l, &v6));

	ck_assert_int_eq(link_remove_address(l, &v4), 0);
	ck_assert_int_eq(link_remove_address(l, &v6), 0);
	netns_run("! ip addr show t0 | grep -q 77");
	link_close(l);
}
END_TEST

/* What is so already needs no right: nobody asks the kernel to set it. */
START_TEST(without_rights_only_what_differs_fails)
{
	struct prefix there = prefix("10.77.0.1/24");
	struct prefix other = prefix("10.78.0.1/24");

	netns_run("ip tuntap add dev t0 mode tap");
	netns_run("ip link set t0 mtu 1400 up");
	netns_run("ip addr add 10.77.0.1/24 dev t0");
	ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
	struct link *l = open_link("t0");
	ck_assert_int_eq(link_set_up(l), 0);
	ck_assert_int_eq(link_set_mtu(l, 1400), 0);
	ck_assert_int_eq(link_add_address(l, &there), 0);
	ck_assert_int_eq(link_set_mtu(l, 1300), -EPERM);
	ck_assert_int_eq(link_add_address(l, &other), -EPERM);
	link_close(l);
}
END_TEST

START_TEST(follows_what_others_change)
{
	struct link *l = open_new();
	struct prefix p = prefix("10.77.0.1/24");

	(void)link_read(l);
	ck_assert(!link_read(l));
	netns_run("ip link set t0 mtu 1300 up");
	ck_assert(link_read(l));
	ck_assert(link_state(l)->up);
	ck_assert_uint_eq(link_state(l)->mtu, 1300);
	netns_run("ip addr add 10.77.0.1/24 dev t0");
	ck_assert(link_read(l));
	ck_assert(link_has_address(l, &p));
	netns_run("ip addr del 10.77.0.1/24 dev t0");
	ck_assert(link_read(l));
	ck_assert(!link_has_address(l, &p));
	netns_run("ip link set t0 down");
	ck_assert(link_read(l));
	ck_assert(!link_state(l)->up);
	netns_run("ip link set t0 name t1");
	ck_assert(link_read(l));
	ck_assert_str_eq(link_state(l)->name, "t1");
	link_close(l);
}
END_TEST

/* A router with its virtual addresses has more than a table would. */
START_TEST(change_of_another_interface_is_told_once)
{
	struct link *l = open_new();

	(void)link_read(l);
	(void)link_others_changed(l);
	netns_run("ip link set t0 mtu 1400");
	ck_assert(link_read(l));
	ck_assert(!link_others_changed(l));
	netns_run("ip tuntap add dev t1 mode tap");
	(void)link_read(l);
	ck_assert(link_others_changed(l));
	ck_assert(!link_others_changed(l));
	link_close(l);
}
END_TEST

START_TEST(every_address_is_known)
{
	struct prefix first = prefix("10.78.0.1/32");
	struct prefix last = prefix("10.78.0.200/32");
	struct link *l;

	netns_run("ip tuntap add dev t0 mode tap");
	netns_run("for i in $(seq 100); do"
		  " echo addr add 10.78.0.$i/32 dev t0; done | ip -b -");
	l = open_link("t0");
	ck_assert_uint_eq(link_state(l)->addresses.count, 100);
	netns_run("for i in $(seq 101 200); do"
		  " echo addr add 10.78.0.$i/32 dev t0; done | ip -b -");
	ck_assert(link_read(l));
	ck_assert_uint_eq(link_state(l)->addresses.count, 200);
	netns_run("ip addr del 10.78.0.1/32 dev t0");
	ck_assert(link_read(l));
	ck_assert(!link_has_address(l, &first));
	ck_assert(link_has_address(l, &last));
	link_close(l);
}
END_TEST

START_TEST(what_the_kernel_says_of_an_address_is_known)
{
	struct link *l = open_new();
	const struct link_address *a;

	netns_run("sysctl -qw net.ipv6.conf.t0.accept_dad=0");
	netns_run("ip addr add 10.77.0.1/24 dev t0");
	netns_run("ip addr add 10.77.0.2/24 dev t0");
	ck_assert(link_read(l));
	ck_assert_uint_eq(link_state(l)->addresses.count, 2);
	a = link_state(l)->addresses.list;
	ck_assert(!(a[0].flags & IFA_F_SECONDARY) && a[0].proto == 0);
	ck_assert(a[1].flags & IFA_F_SECONDARY && a[1].proto == 0);
	for (int i = 0; i < 2; i++) {
		struct timespec now;
		uint64_t cs;

		clock_gettime(CLOCK_MONOTONIC, &now);
		cs = (uint64_t)now.tv_sec * 100;
		ck_assert(a[i].has_age);
		ck_assert_int_lt(abs((int32_t)(a[i].made_cs - (uint32_t)cs)),
				 1000);
	}
	/* It becomes the first. */
	netns_run("sysctl -qw net.ipv4.conf.t0.promote_secondaries=1");
	netns_run("ip addr del 10.77.0.1/24 dev t0");
	ck_assert(link_read(l));
	ck_assert_uint_eq(link_state(l)->addresses.count, 1);
	ck_assert(!(link_state(l)->addresses.list[0].flags & IFA_F_SECONDARY));
	link_close(l);
}
END_TEST

START_TEST(bridge_port_is_still_there_when_it_leaves_the_bridge)
{
	struct link *l = open_new();

	netns_run("ip link add br0 type bridge");
	netns_run("ip link set t0 master br0");
	netns_run("ip link set t0 nomaster");
	ck_assert(link_read(l));
	ck_assert(link_state(l)->present);
	netns_run("ip link del t0");
	ck_assert(link_read(l));
	ck_assert(!link_state(l)->present);
	link_close(l);
}
END_TEST

START_TEST(master_that_is_no_vrf_is_told_at_once)
{
	struct link *l = open_new();

	ck_assert(!link_state(l)->enslaved);
	netns_run("ip link add br0 type bridge");
	netns_run("ip link set t0 master br0");
	ck_assert(link_read(l));
	ck_assert(link_state(l)->enslaved);
	netns_run("ip link set t0 nomaster");
	ck_assert(link_read(l));
	ck_assert(!link_state(l)->enslaved);

	/* Not every kernel has them. */
	if (system("ip link add vrf0 type vrf table 10 2>/dev/null") == 0) {
		netns_run("ip link set t0 master vrf0");
		ck_assert(link_read(l));
		ck_assert(!link_state(l)->enslaved);
	}
	link_close(l);
}
END_TEST

static bool is_allmulti(struct link *l)
{
	ck_assert_int_eq(link_ask(l), 0);
	return link_state(l)->allmulti;
}

START_TEST(all_multicast_is_seen_whoever_asked_for_it)
{
	struct link *l = open_new();

	ck_assert(!is_allmulti(l));
	netns_run("ip link set t0 allmulticast on");
	ck_assert(link_read(l) && link_state(l)->allmulti);
	netns_run("ip link set t0 allmulticast off");
	ck_assert(link_read(l) && !link_state(l)->allmulti);

	int fd = netns_open_member("t0", PACKET_MR_ALLMULTI);
	ck_assert(is_allmulti(l));
	close(fd);
	ck_assert(!is_allmulti(l));
	link_close(l);
}
END_TEST

START_TEST(promiscuous_is_not_all_multicast)
{
	struct link *l = open_new();
	int fd = netns_open_member("t0", PACKET_MR_PROMISC);

	netns_run("ip link set t0 promisc on");
	ck_assert(link_read(l));
	ck_assert(!is_allmulti(l));
	netns_run("ip -d link show t0 | grep -q 'promiscuity 2'");
	close(fd);
	link_close(l);
}
END_TEST

static bool is_running(struct link *l)
{
	link_read(l);
	return link_state(l)->running;
}

/* Waits until the kernel tells. */
static void await_running(struct link *l, bool running)
{
	while (is_running(l) != running) {
		struct pollfd p = { .fd = link_fd(l), .events = POLLIN };

		ck_assert_int_eq(poll(&p, 1, 5000), 1);
	}
}

START_TEST(runs_while_up_with_a_carrier)
{
	char *error = NULL;
	struct tap *t = tap_open("t0", &error);
	struct link *l = open_link("t0");

	ck_assert(!link_state(l)->running);
	ck_assert_int_eq(link_set_up(l), 0);
	await_running(l, true);
	ck_assert_int_eq(tap_set_carrier(t, false), 0);
	await_running(l, false);
	ck_assert(link_state(l)->up);
	ck_assert_int_eq(tap_set_carrier(t, true), 0);
	await_running(l, true);
	netns_run("ip link set t0 down");
	await_running(l, false);
	link_close(l);
	tap_close(t);
}
END_TEST

START_TEST(frames_that_a_full_queue_drops_are_counted)
{
	static const uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff,
					   0xff, 2,    0,    0,	   0,
					   0,	 1,    0x88, 0xb5 };
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	char *error = NULL;
	struct tap *t = tap_open("t0", &error);
	struct link *l = open_link("t0");
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	netns_run("sysctl -qw net.ipv6.conf.t0.disable_ipv6=1");
	netns_run("ip link set t0 txqueuelen 1 up");
	to.sll_ifindex = (int)link_state(l)->index;
	ck_assert_int_eq(link_ask(l), 0);
	ck_assert_uint_eq(link_state(l)->tx_dropped, 0);
	for (int i = 0; i < 4; i++)
		(void)sendto(fd, frame, sizeof(frame), 0, (void *)&to,
			     sizeof(to));
	ck_assert_int_eq(link_ask(l), 0);
	ck_assert_uint_gt(link_state(l)->tx_dropped, 0);
	close(fd);
	link_close(l);
	tap_close(t);
}
END_TEST

START_TEST(look_at_one_that_is_gone_says_so)
{
	struct link *l = open_new();

	netns_run("ip link del t0");
	ck_assert_int_eq(link_ask(l), -ENODEV);
	ck_assert(!link_state(l)->present);
	link_close(l);
}
END_TEST

/* More changes than the socket holds: the kernel says ENOBUFS once. */
START_TEST(lost_messages_are_made_up_for)
{
	struct link *l = open_new();
	struct prefix p = prefix("10.77.0.1/24");

	netns_run("ip link add d0 type veth peer name d1");
	netns_run("{ for i in $(seq 1 1500); do"
		  "   echo link set d0 mtu $((1400 + i % 50));"
		  "   echo addr add 10.1.$((i / 250)).$((i % 250))/32 dev d0;"
		  " done; } | ip -batch -");
	netns_run("ip addr add 10.77.0.1/24 dev t0");
	netns_run("ip link set t0 mtu 1234");
	ck_assert(link_read(l));
	ck_assert(link_has_address(l, &p));
	ck_assert_uint_eq(link_state(l)->mtu, 1234);
	link_close(l);
}
END_TEST

START_TEST(multicast_goes_by_the_tap)
{
	struct link *l = open_new();

	netns_run("ip link add d0 type veth peer name d1");
	netns_run("ip link set d0 up; ip link set d1 up");
	netns_run("ip addr add 192.0.2.1/24 dev d0");
	netns_run("ip addr add 2001:db8::1/64 dev d0");
	netns_run("ip route add 224.0.0.0/4 dev d0");
	ck_assert_int_eq(link_set_up(l), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(link_add_multicast_route(l, false), 0);
		ck_assert_int_eq(link_add_multicast_route(l, true), 0);
		ck_assert_int_eq(link_add_broadcast_route(l), 0);
	}
	netns_run("ip route get 255.255.255.255 | grep -q 'dev t0'");
	ck_assert_int_eq(link_remove_broadcast_route(l), 0);
	ck_assert_int_eq(link_remove_broadcast_route(l), 0);
	netns_run("! ip route get 255.255.255.255 | grep -q 'dev t0'");
	netns_run("ip route get 239.1.2.3 | grep -q 'dev t0'");
	netns_run("ip -6 route get ff0e::1 | grep -q 'dev t0'");
	ck_assert_int_eq(link_remove_multicast_route(l, false), 0);
	ck_assert_int_eq(link_remove_multicast_route(l, true), 0);
	netns_run("ip route get 239.1.2.3 | grep -q 'dev d0'");
	ck_assert_int_eq(link_remove_multicast_route(l, false), 0);
	link_close(l);
}
END_TEST

START_TEST(interface_that_is_absent_is_named)
{
	char *error = NULL;

	ck_assert_ptr_null(link_open("t9", &error));
	ck_assert_ptr_nonnull(strstr(error, "t9"));
	free(error);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("link", .setup = netns_enter, .timeout_s = 30,
		  .allowed = netns_is_allowed),
	UNIT_TEST(sets_what_ip_shows),
	UNIT_TEST(without_rights_only_what_differs_fails),
	UNIT_TEST(follows_what_others_change),
	UNIT_TEST(change_of_another_interface_is_told_once),
	UNIT_TEST(every_address_is_known),
	UNIT_TEST(what_the_kernel_says_of_an_address_is_known),
	UNIT_TEST(bridge_port_is_still_there_when_it_leaves_the_bridge),
	UNIT_TEST(master_that_is_no_vrf_is_told_at_once),
	UNIT_TEST(all_multicast_is_seen_whoever_asked_for_it),
	UNIT_TEST(promiscuous_is_not_all_multicast),
	UNIT_TEST(runs_while_up_with_a_carrier),
	UNIT_TEST(frames_that_a_full_queue_drops_are_counted),
	UNIT_TEST(look_at_one_that_is_gone_says_so),
	UNIT_TEST(lost_messages_are_made_up_for),
	UNIT_TEST(multicast_goes_by_the_tap),
	UNIT_TEST(interface_that_is_absent_is_named),
};

UNIT_MAIN("link", tests)
