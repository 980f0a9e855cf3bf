/* A real TAP, and a node that only takes down what it is told: node_* below
 * stand in for the library's. */
#include "tapd/tap/host_watch.h"

#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "support/main.h"
#include "support/netns.h"
#include "tapd/tap/tap.h"

struct node {
	unsigned ups, downs, drops, looks;
	unsigned wants, wants_told;
	size_t count; /* of MACs */
	bool has_group;
};

static const uint8_t group_mac[6] = { 0x01, 0x00, 0x5e, 0x01, 0x02, 0x03 };

void node_tap_up(struct node *n, struct clock now)
{
	(void)now;
	n->ups++;
}

void node_tap_down(struct node *n, struct clock now)
{
	(void)now;
	n->downs++;
}

void node_tap_dropped(struct node *n, struct clock now)
{
	(void)now;
	n->drops++;
}

void node_tap_listening(struct node *n, const uint8_t *macs, size_t count,
			struct clock now)
{
	(void)now;
	n->looks++;
	n->count = count;
	n->has_group = false;
	for (size_t i = 0; i < count; i++)
		n->has_group |= memcmp(macs + 6 * i, group_mac, 6) == 0;
}

void node_set_tap_wants(struct node *n, unsigned int wants, struct clock now)
{
	(void)now;
	n->wants = wants;
	n->wants_told++;
}

static struct node node;
static struct tap *tap;
static struct link *l;
static struct host_watch *watch;
static struct clock now;

static void open_link(void)
{
	char *error = NULL;

	l = link_open("t0", &error);
	if (!l)
		ck_abort_msg("%s", error);
}

static void setup(void)
{
	char *error = NULL;

	netns_enter();
	tap = tap_open("t0", &error);
	if (!tap)
		ck_abort_msg("%s", error);
	netns_run("sysctl -qw net.ipv6.conf.t0.disable_ipv6=1");
	open_link();
	watch = host_watch_new(&node);
	ck_assert_ptr_nonnull(watch);
	now.mono_us = 5 * CLOCK_S;
}

static void teardown(void)
{
	host_watch_free(watch);
	link_close(l);
	tap_close(tap);
}

/* Takes in what the kernel tells until the link is so. */
static void follow_until(bool running)
{
	link_read(l);
	while (link_state(l)->running != running) {
		struct pollfd p = { .fd = link_fd(l), .events = POLLIN };

		ck_assert_int_eq(poll(&p, 1, 5000), 1);
		link_read(l);
	}
	host_watch_follow(watch, l, now);
}

static void follow(void)
{
	ck_assert(link_read(l));
	host_watch_follow(watch, l, now);
}

static void bring_up(void)
{
	netns_run("ip link set t0 up");
	follow_until(true);
}

/* More than a queue of 1 holds. */
static void overflow(void)
{
	static const uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff,
					   0xff, 2,    0,    0,	   0,
					   0,	 1,    0x88, 0xb5 };
	const struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex("t0"),
	};
	struct sockaddr_storage any = { 0 };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	ck_assert_int_ge(fd, 0);
	memcpy(&any, &to, sizeof(to));
	for (int i = 0; i < 4; i++)
		(void)sendto(fd, frame, sizeof(frame), 0,
			     (const struct sockaddr *)&any, sizeof(to));
	close(fd);
}

START_TEST(up_is_told_when_frames_pass_and_down_when_they_do_not)
{
	host_watch_follow(watch, l, now);
	ck_assert_uint_eq(node.ups + node.downs, 0);
	bring_up();
	ck_assert_uint_eq(node.ups, 1);
	host_watch_follow(watch, l, now);
	ck_assert_uint_eq(node.ups, 1);

	netns_run("ip link set t0 down");
	follow_until(false);
	ck_assert_uint_eq(node.downs, 1);
	bring_up();
	ck_assert_uint_eq(node.ups, 2);
	/* No carrier is no different. */
	ck_assert_int_eq(tap_set_carrier(tap, false), 0);
	follow_until(false);
	ck_assert_uint_eq(node.downs, 2);
	ck_assert_int_eq(tap_set_carrier(tap, true), 0);
	follow_until(true);
	ck_assert_uint_eq(node.ups, 3);
}
END_TEST

START_TEST(one_that_is_up_already_is_told_at_once)
{
	netns_run("ip link set t0 up");
	link_close(l);
	open_link();
	follow_until(true);
	ck_assert_uint_eq(node.ups, 1);
}
END_TEST

START_TEST(deleted_one_is_down_until_it_is_made_again)
{
	char *error = NULL;

	netns_run("ip link set t0 txqueuelen 1");
	bring_up();
	overflow();
	host_watch_look(watch, l, now);
	int fd = netns_open_member("t0", PACKET_MR_ALLMULTI);
	host_watch_look(watch, l, now);
	ck_assert_uint_eq(node.wants, NODE_TAP_ALLMULTI);

	netns_run("ip link del t0");
	close(fd);
	host_watch_lost(watch, now);
	ck_assert_uint_eq(node.downs, 1);
	ck_assert_uint_eq(node.wants, 0);
	link_close(l);
	tap_close(tap);
	tap = tap_open("t0", &error);
	ck_assert_ptr_nonnull(tap);
	open_link();
	/* The new one counts from 0. */
	netns_run("ip link set t0 txqueuelen 1");
	bring_up();
	ck_assert_uint_eq(node.ups, 2);
	ck_assert_uint_eq(node.drops, 1);
	overflow();
	host_watch_look(watch, l, now);
	ck_assert_uint_eq(node.drops, 2);
}
END_TEST

START_TEST(gone_from_this_namespace_is_down)
{
	bring_up();
	netns_run("ip link del t0");
	host_watch_look(watch, l, now);
	ck_assert_uint_eq(node.downs, 1);
	ck_assert_uint_eq(node.looks, 0);
	host_watch_look(watch, l, now);
	ck_assert_uint_eq(node.downs, 1);
}
END_TEST

START_TEST(all_multicast_is_wanted_as_long_as_it_lasts)
{
	bring_up();
	host_watch_look(watch, l, now);
	ck_assert_uint_eq(node.wants, 0);
	int fd = netns_open_member("t0", PACKET_MR_ALLMULTI);
	host_watch_look(watch, l, now);
	ck_assert_uint_eq(node.wants, NODE_TAP_ALLMULTI);
	/* What the kernel tells may be older: only a look takes it back. */
	close(fd);
	netns_run("ip link set t0 mtu 1400");
	follow();
	ck_assert_uint_eq(node.wants, NODE_TAP_ALLMULTI);
	host_watch_look(watch, l, now);
	ck_assert_uint_eq(node.wants, 0);
	ck_assert_uint_eq(node.wants_told, 2);

	netns_run("ip link set t0 allmulticast on");
	follow();
	ck_assert_uint_eq(node.wants, NODE_TAP_ALLMULTI);
	netns_run("ip link set t0 allmulticast off");
	host_watch_look(watch, l, now);
	ck_assert_uint_eq(node.wants, 0);
}
END_TEST

START_TEST(promiscuous_changes_nothing)
{
	bring_up();
	int fd = netns_open_member("t0", PACKET_MR_PROMISC);
	netns_run("ip link set t0 promisc on");
	follow();
	host_watch_look(watch, l, now);
	ck_assert_uint_eq(node.wants_told, 0);
	close(fd);
}
END_TEST

START_TEST(bridge_port_wants_all_from_when_the_kernel_tells)
{
	bring_up();
	netns_run("ip link add br0 type bridge");
	netns_run("ip link set t0 master br0");
	follow();
	ck_assert_uint_ne(node.wants & NODE_TAP_BRIDGED, 0);
	netns_run("ip link set t0 nomaster");
	follow();
	host_watch_look(watch, l, now);
	ck_assert_uint_eq(node.wants, 0);
}
END_TEST

START_TEST(vrf_is_no_bridge)
{
	bring_up();
	/* Not every kernel has them. */
	if (system("ip link add vrf0 type vrf table 10 2>/dev/null") != 0)
		return;
	netns_run("ip link set t0 master vrf0");
	follow();
	host_watch_look(watch, l, now);
	ck_assert_uint_eq(node.wants, 0);
}
END_TEST

START_TEST(frames_dropped_are_told_once)
{
	netns_run("ip link set t0 txqueuelen 1");
	bring_up();
	host_watch_look(watch, l, now);
	ck_assert_uint_eq(node.drops, 0);
	overflow();
	host_watch_look(watch, l, now);
	ck_assert_uint_eq(node.drops, 1);
	host_watch_look(watch, l, now);
	host_watch_follow(watch, l, now);
	ck_assert_uint_eq(node.drops, 1);
	/* While it is down nothing is asked, so nothing is lost. */
	netns_run("ip link set t0 down");
	follow_until(false);
	host_watch_look(watch, l, now);
	bring_up();
	ck_assert_uint_eq(node.drops, 1);
}
END_TEST

START_TEST(before_a_tick_it_looks_if_the_last_look_is_old)
{
	netns_run("ip link set t0 txqueuelen 1");
	ck_assert(!host_watch_before_tick(watch, l, now));
	bring_up();
	ck_assert(host_watch_before_tick(watch, l, now));
	overflow();
	now.mono_us += 99 * CLOCK_MS;
	ck_assert(!host_watch_before_tick(watch, l, now));
	ck_assert_uint_eq(node.drops, 0);
	now.mono_us += CLOCK_MS;
	/* With frames lost there is no hurry to read the rest. */
	ck_assert(!host_watch_before_tick(watch, l, now));
	ck_assert_uint_eq(node.drops, 1);
	now.mono_us += 100 * CLOCK_MS;
	ck_assert(host_watch_before_tick(watch, l, now));
	/* The look of each second is none: nothing was read after it. */
	now.mono_us += 100 * CLOCK_MS;
	host_watch_look(watch, l, now);
	ck_assert(host_watch_before_tick(watch, l, now));
	ck_assert_uint_eq(node.drops, 1);
}
END_TEST

START_TEST(what_it_listens_to_is_told_while_it_is_up)
{
	struct ifreq request = { .ifr_flags = 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	host_watch_look(watch, l, now);
	ck_assert_uint_eq(node.looks, 0);
	bring_up();
	strcpy(request.ifr_name, "t0");
	memcpy(request.ifr_hwaddr.sa_data, group_mac, sizeof(group_mac));
	ck_assert_int_eq(ioctl(fd, SIOCADDMULTI, &request), 0);
	host_watch_look(watch, l, now);
	ck_assert_uint_eq(node.looks, 1);
	ck_assert(node.has_group);
	ck_assert_int_eq(ioctl(fd, SIOCDELMULTI, &request), 0);
	host_watch_look(watch, l, now);
	ck_assert(!node.has_group);
	/* 224.0.0.1 */
	ck_assert_uint_ge(node.count, 1);
	close(fd);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("host_watch", .setup = setup, .teardown = teardown,
		  .timeout_s = 30, .allowed = netns_is_allowed),
	UNIT_TEST(up_is_told_when_frames_pass_and_down_when_they_do_not),
	UNIT_TEST(one_that_is_up_already_is_told_at_once),
	UNIT_TEST(deleted_one_is_down_until_it_is_made_again),
	UNIT_TEST(gone_from_this_namespace_is_down),
	UNIT_TEST(all_multicast_is_wanted_as_long_as_it_lasts),
	UNIT_TEST(promiscuous_changes_nothing),
	UNIT_TEST(bridge_port_wants_all_from_when_the_kernel_tells),
	UNIT_TEST(vrf_is_no_bridge),
	UNIT_TEST(frames_dropped_are_told_once),
	UNIT_TEST(before_a_tick_it_looks_if_the_last_look_is_old),
	UNIT_TEST(what_it_listens_to_is_told_while_it_is_up),
};

UNIT_MAIN("host_watch", tests)
