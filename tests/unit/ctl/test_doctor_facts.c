/* How facts are gathered: files, programs, the kernel's tables, a card's counters. */
#include <libmnl/libmnl.h>
#include <time.h>

#include "support/main.h"
#include "support/netns.h"
#include "tapd/ctl/doctor/collect.h"
#include "tapd/ctl/doctor/host.h"
#include "tapd/ctl/doctor/nic.h"
#include "tapd/ctl/doctor/program.h"
#include "tapd/ctl/doctor/way.h"
#include "unit/ctl/doctor_help.h"

/* ---- files ---- */

START_TEST(files_are_read_below_the_root)
{
	char *text;

	plant("/etc/x/conf", "one\ntwo\n");
	text = host_text(".", "/etc/%s/conf", "x");
	ck_assert_str_eq(text, "one\ntwo\n");
	free(text);
	ck_assert_ptr_null(host_text(".", "/etc/none"));
	ck_assert_ptr_null(host_text(".", "/etc"));
	plant("/proc/n", " 42\n");
	ck_assert_int_eq(host_number(".", -1, "/proc/%c", 'n'), 42);
	plant("/proc/n", "no\n");
	ck_assert_int_eq(host_number(".", -1, "/proc/n"), -1);
	ck_assert_int_eq(host_number(".", -1, "/proc/none"), -1);
}
END_TEST

START_TEST(a_file_of_proc_is_read_whole)
{
	char *text = host_text("", "/proc/self/status");

	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_nonnull(strstr(text, "nonvoluntary_ctxt_switches"));
	free(text);
}
END_TEST

START_TEST(a_large_file_is_cut)
{
	FILE *f = fopen("large", "w");
	char *text;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fseek(f, 8 << 20, SEEK_SET), 0);
	fputs("end", f);
	ck_assert_int_eq(fclose(f), 0);
	text = host_text(".", "/large");
	ck_assert_ptr_nonnull(text);
	free(text);
}
END_TEST

START_TEST(settings_are_found_by_their_key)
{
	static const char text[] = "# A=0\nAB=1\n A=\"two words\"\nA=3\nB=\n";
	char *value = host_setting(text, "A");

	ck_assert_str_eq(value, "two words");
	free(value);
	value = host_setting(text, "B");
	ck_assert_str_eq(value, "");
	free(value);
	ck_assert_ptr_null(host_setting(text, "C"));
	ck_assert_ptr_null(host_setting(NULL, "A"));
}
END_TEST

START_TEST(programs_that_run_are_known_by_their_name)
{
	plant("/proc/12/comm", "ufw\n");
	plant("/proc/x12/comm", "nothing\n");
	ck_assert(host_runs(".", "ufw"));
	ck_assert(!host_runs(".", "uf"));
	ck_assert(!host_runs(".", "ufwd"));
	ck_assert(!host_runs(".", "nothing"));
	ck_assert(!host_runs("./none", "ufw"));
}
END_TEST

START_TEST(programs_of_another_namespace_do_not_count)
{
	plant("/proc/12/comm", "ufw\n");
	plant("/proc/self/ns/x", "");
	plant("/proc/12/ns/x", "");
	ck_assert_int_eq(symlink("net:[1]", "./proc/self/ns/net"), 0);
	ck_assert_int_eq(symlink("net:[2]", "./proc/12/ns/net"), 0);
	ck_assert(!host_runs(".", "ufw"));
	ck_assert_int_eq(unlink("./proc/12/ns/net"), 0);
	ck_assert_int_eq(symlink("net:[1]", "./proc/12/ns/net"), 0);
	ck_assert(host_runs(".", "ufw"));
}
END_TEST

/* ---- programs ---- */

static const char *output(const char *command, int timeout_ms)
{
	static char text[64];
	const char *const words[] = { "sh", "-c", command, NULL };

	return program_output(words, timeout_ms, text, sizeof(text));
}

START_TEST(what_a_program_prints)
{
	const char *const none[] = { "no-such-program", NULL };
	char text[8] = "x";

	ck_assert_str_eq(output("echo $LC_ALL; echo no >&2", 5000), "C\n");
	ck_assert_str_eq(output("cat", 5000), "");
	ck_assert_str_eq(output("echo x; exit 1", 5000), "");
	ck_assert_uint_eq(strlen(output("yes | head -c 100000", 5000)), 63);
	ck_assert_str_eq(program_output(none, 5000, text, sizeof(text)), "");
}
END_TEST

START_TEST(a_program_that_does_not_end_is_not_waited_for)
{
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	ck_assert_str_eq(output("echo x; exec sleep 100", 100), "");
	ck_assert_str_eq(output("echo x; exec >&- 2>&-; exec sleep 100", 100),
			 "");
	clock_gettime(CLOCK_MONOTONIC, &b);
	ck_assert_int_lt(b.tv_sec - a.tv_sec, 20);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* none is left */
}
END_TEST

/* ---- the kernel ---- */

static void on_a_host(void)
{
	netns_enter();
	netns_run("ip link add eth0 type veth peer name eth1");
	netns_run("ip link set eth1 up");
	netns_run("ip link set eth0 mtu 1400 up");
	netns_run("ip addr add 10.9.0.2/24 dev eth0");
	netns_run("ip addr add fd09::2/64 dev eth0 nodad");
	netns_run("ip route add 10.5.0.0/16 via 10.9.0.1 dev eth0");
	netns_run("ip route add 10.6.0.0/16 dev eth0 mtu 1300 table main");
	netns_run("ip route add 10.7.0.0/16 dev eth0 table 77");
	netns_run("ip link add br0 type bridge");
	netns_run("ip link set eth1 master br0");
	netns_run("ip link add link eth0 name v9 type macvlan");
}

static bool has_address(const struct hostnet *n, unsigned index,
			const char *text)
{
	struct prefix p;

	ck_assert(prefix_parse(&p, text));
	for (size_t i = 0; i < n->addresses_count; i++)
		if (n->addresses[i].index == index &&
		    prefix_equal(&n->addresses[i].prefix, &p))
			return true;
	return false;
}

static const struct hostnet_route *route_to(const struct hostnet *n,
					    const char *text)
{
	struct prefix p;

	ck_assert(prefix_parse(&p, text));
	for (size_t i = 0; i < n->routes_count; i++)
		if (prefix_equal(&n->routes[i].to, &p))
			return &n->routes[i];
	return NULL;
}

START_TEST(links_addresses_and_routes)
{
	const struct hostnet_link *eth0, *eth1, *bridge, *upper;
	struct hostnet n;

	ck_assert(hostnet_take(&n));
	eth0 = hostnet_link_named(&n, "eth0");
	eth1 = hostnet_link_named(&n, "eth1");
	bridge = hostnet_link_named(&n, "br0");
	upper = hostnet_link_named(&n, "v9");
	ck_assert(eth0 && eth1 && bridge && upper);
	ck_assert_ptr_null(hostnet_link_named(&n, "eth"));
	ck_assert_ptr_eq(hostnet_link_of(&n, eth0->index), eth0);
	ck_assert_uint_eq(eth0->mtu, 1400);
	ck_assert(eth0->up && !bridge->up && !eth0->loopback);
	ck_assert(hostnet_link_named(&n, "lo")->loopback);
	ck_assert_str_eq(eth0->kind, "veth");
	ck_assert_str_eq(bridge->kind, "bridge");
	ck_assert_uint_eq(eth0->below, 0);
	ck_assert_uint_eq(upper->below, eth0->index);
	ck_assert_uint_eq(eth1->master, bridge->index);
	ck_assert(hostnet_is_above(&n, upper->index, eth0->index));
	ck_assert(hostnet_is_above(&n, bridge->index, eth1->index));
	ck_assert(!hostnet_is_above(&n, eth0->index, upper->index));
	ck_assert(!hostnet_is_above(&n, eth0->index, eth1->index));
	ck_assert(has_address(&n, eth0->index, "10.9.0.2/24"));
	ck_assert(has_address(&n, eth0->index, "fd09::2/64"));
	ck_assert(!route_to(&n, "10.5.0.0/16")->kernel);
	ck_assert_uint_eq(route_to(&n, "10.5.0.0/16")->index, eth0->index);
	ck_assert(route_to(&n, "10.9.0.0/24")->kernel);
	ck_assert_ptr_null(route_to(&n, "10.7.0.0/16"));
	hostnet_free(&n);
}
END_TEST

/* ---- a kernel whose answers are interrupted ---- */

static int interruptions;

ssize_t __real_mnl_socket_recvfrom(const struct mnl_socket *s, void *to,
				   size_t size);
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *s, void *to,
				   size_t size);

/* It says so in what follows the change, be it the end of the answer only. */
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *s, void *to,
				   size_t size)
{
	ssize_t n = __real_mnl_socket_recvfrom(s, to, size);
	struct nlmsghdr *nlh = to;
	int left = (int)n;

	while (interruptions > 0 && n > 0 && mnl_nlmsg_ok(nlh, left)) {
		if (nlh->nlmsg_type == NLMSG_DONE) {
			nlh->nlmsg_flags |= NLM_F_DUMP_INTR;
			interruptions--;
		}
		nlh = mnl_nlmsg_next(nlh, &left);
	}
	return n;
}

START_TEST(what_changes_meanwhile_is_asked_again)
{
	struct hostnet whole, n;

	ck_assert(hostnet_take(&whole));
	interruptions = 4;
	ck_assert(hostnet_take(&n));
	ck_assert_int_eq(interruptions, 0);
	ck_assert_uint_eq(n.links_count, whole.links_count);
	ck_assert_uint_eq(n.addresses_count, whole.addresses_count);
	ck_assert_uint_eq(n.routes_count, whole.routes_count);
	hostnet_free(&whole);
	hostnet_free(&n);
}
END_TEST

START_TEST(what_changes_all_the_time_is_not_known)
{
	struct hostnet n;

	interruptions = 100;
	ck_assert(!hostnet_take(&n));
	ck_assert_int_eq(interruptions, 95);
	ck_assert_ptr_null(n.links);
	ck_assert_uint_eq(n.links_count, 0);
}
END_TEST

static struct way_out way_to(const char *text)
{
	struct addr to;

	ck_assert(addr_parse(&to, text, 1));
	return way_out_to(&to, 0, 0);
}

START_TEST(the_way_to_an_address)
{
	const unsigned eth0 = if_nametoindex("eth0");

	ck_assert_uint_eq(way_to("10.5.1.1").index, eth0);
	ck_assert_uint_eq(way_to("10.5.1.1").mtu, 0);
	ck_assert_uint_eq(way_to("10.6.1.1").mtu, 1300);
	ck_assert_uint_eq(way_to("fd09::7").index, eth0);
	ck_assert_uint_eq(way_to("10.200.0.1").index, 0);
}
END_TEST

static bool any_counter(const char *name)
{
	return *name != '\0';
}

START_TEST(a_cards_counters_by_name)
{
	struct sample s = { .nic_count = 0 };

	nic_counters("lo", any_counter, &s);
	nic_counters("none", any_counter, &s);
	ck_assert_uint_eq(s.nic_count, 0);
	nic_counters("eth0", any_counter, &s);
	ck_assert_uint_gt(s.nic_count, 0);
	ck_assert_str_eq(s.nic[0].card, "eth0");
	ck_assert_str_eq(s.nic[0].name, "peer_ifindex");
	ck_assert_uint_eq(s.nic[0].value, if_nametoindex("eth1"));
	/* Of a veth's none is of use. */
	s.nic_count = 0;
	nic_counters("eth0", nic_is_judged, &s);
	ck_assert_uint_eq(s.nic_count, 0);
	ck_assert(nic_is_judged("pps_allowance_exceeded"));
	ck_assert(!nic_is_judged("conntrack_allowance_available"));
}
END_TEST

START_TEST(counters_beyond_the_room_are_left_out)
{
	struct sample s = { .nic_count = NIC_COUNTERS_MAX };

	nic_counters("eth0", any_counter, &s);
	ck_assert_uint_eq(s.nic_count, NIC_COUNTERS_MAX);
}
END_TEST

START_TEST(all_of_it_takes_about_a_second)
{
	struct facts f = { .root = "", .interface = "v9" };
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	collect_facts(&f);
	clock_gettime(CLOCK_MONOTONIC, &b);
	ck_assert_int_le(b.tv_sec - a.tv_sec, 4);
	ck_assert(f.net_known);
	ck_assert_str_eq(f.tap->name, "v9");
	ck_assert_uint_eq(f.multicast_index, 0);
	for (int i = 0; i < FACTS_SAMPLES; i++) {
		ck_assert_ptr_nonnull(strstr(f.samples[i].stat, "cpu"));
		ck_assert_ptr_nonnull(strstr(f.samples[i].snmp, "Udp:"));
	}
	facts_free(&f);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("files", .setup = scratch_enter, .teardown = scratch_leave),
	UNIT_TEST(files_are_read_below_the_root),
	UNIT_TEST(a_file_of_proc_is_read_whole),
	UNIT_TEST(a_large_file_is_cut),
	UNIT_TEST(settings_are_found_by_their_key),
	UNIT_TEST(programs_that_run_are_known_by_their_name),
	UNIT_TEST(programs_of_another_namespace_do_not_count),
	UNIT_CASE("programs"),
	UNIT_TEST(what_a_program_prints),
	UNIT_TEST(a_program_that_does_not_end_is_not_waited_for),
	UNIT_CASE("kernel", .setup = on_a_host, .allowed = netns_is_allowed),
	UNIT_TEST(links_addresses_and_routes),
	UNIT_TEST(what_changes_meanwhile_is_asked_again),
	UNIT_TEST(what_changes_all_the_time_is_not_known),
	UNIT_TEST(the_way_to_an_address),
	UNIT_TEST(a_cards_counters_by_name),
	UNIT_TEST(counters_beyond_the_room_are_left_out),
	UNIT_TEST(all_of_it_takes_about_a_second),
};

UNIT_MAIN("doctor_facts", tests)
