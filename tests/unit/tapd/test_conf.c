#include <sched.h>

#include "node/node.h"
#include "support/main.h"
#include "tapd/conf/encapsulation.h"
#include "tapd/conf/keys.h"
#include "tapd/log/log.h"
#include "tapd/tap/tap.h"
#include "tapd/underlay/udp.h"
#include "unit/tapd/conf_help.h"

START_TEST(empty_file_gives_the_defaults)
{
	struct conf *c = read_text("");
	char text[ADDR_STRLEN], host[CONF_NAME_LEN];

	ck_assert_str_eq(c->path, "tap0.conf");
	ck_assert_str_eq(c->interface.name, "tap0");
	ck_assert_uint_eq(c->interface.address_count, 0);
	ck_assert_str_eq(c->interface.address_from, "");
	ck_assert_uint_eq(c->interface.mtu, 1500);
	ck_assert(!c->interface.mtu_set && !c->interface.mac_set);
	ck_assert(!c->interface.persist && !c->interface.multicast_route);
	ck_assert(!c->interface.router_advertisements);
	ck_assert(!c->interface.carrier_peers);
	ck_assert_str_eq(c->interface.up, "");
	ck_assert_str_eq(c->interface.down, "");
	ck_assert_uint_eq(c->listen_count, 1);
	ck_assert(!c->listen_set);
	ck_assert_str_eq(addr_print(&c->listen[0], text), "[::]:8273");
	ck_assert_str_eq(c->secret_file, "/etc/tapd/secret");
	ck_assert_ptr_null(c->trusted_keys);
	ck_assert(!c->trusted_keys_set);
	ck_assert_str_eq(c->key_file, "/var/lib/tapd/tap0.key");
	ck_assert_str_eq(c->control_socket, "/run/tapd/tap0.sock");
	ck_assert_int_eq(gethostname(host, sizeof(host) - 1), 0);
	ck_assert_uint_eq(strlen(c->name), strlen(host));
	ck_assert_uint_eq(c->peers_count, 0);
	ck_assert_str_eq(c->discover.file, "");
	ck_assert_str_eq(c->discover.command, "");
	ck_assert_uint_eq(c->discover.dns_count, 0);
	ck_assert_uint_eq(c->discover.interval, 30);
	ck_assert(c->discover.peer_exchange);
	ck_assert(c->multicast_snooping && c->multicast_querier);
	ck_assert_int_eq(c->offload.tap, TAP_OFFLOAD_ALL);
	ck_assert_int_eq(c->offload.merge, CONF_MERGE_ALL);
	ck_assert_int_eq(c->offload.send, UDP_RUNS);
	ck_assert_int_eq(c->offload.receive, UDP_RUNS);
	ck_assert(!c->offload.complete_sums);
	ck_assert_double_eq(c->liveness_interval, 1.0);
	ck_assert_uint_eq(c->liveness_down_after, 3);
	ck_assert_uint_eq(c->liveness_expire, 300);
	ck_assert(!c->relay);
	ck_assert_uint_eq(c->underlay_mtu, 0);
	ck_assert_uint_eq(c->busy_poll, 100);
	ck_assert_uint_eq(c->moderation, 100);
	ck_assert_int_eq(c->log_level, LOG_LEVEL_INFO);
	ck_assert_str_eq(c->user, "");
	conf_free(c);
}
END_TEST

static void secret_file_is(const char *expected, const char *text)
{
	struct conf *c;
	char *error = NULL;

	scratch_put("tap0.conf", text);
	c = conf_read("tap0.conf", &error);
	ck_assert_msg(c, "%s", error);
	ck_assert_str_eq(c->secret_file, expected);
	conf_free(c);
}

/* As systemd hands it over; a manager that hands over something else is no reason to
 * look for the secret there. */
START_TEST(secret_is_the_credential_if_there_is_one)
{
	char *here = getcwd(NULL, 0), *there;

	ck_assert_int_gt(asprintf(&there, "%s/secret", here), 0);
	setenv("CREDENTIALS_DIRECTORY", here, 1);
	secret_file_is("/etc/tapd/secret", "");
	scratch_put("secret", "");
	secret_file_is(there, "");
	secret_file_is("/s", "secret_file = \"/s\";");
	setenv("CREDENTIALS_DIRECTORY", ".", 1);
	secret_file_is("/etc/tapd/secret", "");
	setenv("CREDENTIALS_DIRECTORY", "", 1);
	secret_file_is("/etc/tapd/secret", "");
	unsetenv("CREDENTIALS_DIRECTORY");
	secret_file_is("/etc/tapd/secret", "");
	free(there);
	free(here);
}
END_TEST

START_TEST(every_key_is_read)
{
	static const uint8_t mac[6] = { 0x52, 0x54, 0, 0xab, 0xcd, 1 };
	struct conf *c = read_text(EVERY_KEY);
	char text[PREFIX_STRLEN];

	ck_assert_str_eq(c->interface.name, "lan0");
	ck_assert_uint_eq(c->interface.address_count, 2);
	ck_assert_str_eq(prefix_print(&c->interface.address[1], text),
			 "fd77::/64");
	ck_assert_str_eq(c->interface.address_from, "eth0");
	ck_assert(c->interface.mtu_set && c->interface.mac_set);
	ck_assert_uint_eq(c->interface.mtu, 9000);
	ck_assert_mem_eq(c->interface.mac, mac, 6);
	ck_assert(c->interface.persist && c->interface.multicast_route);
	ck_assert(c->interface.router_advertisements);
	ck_assert(c->interface.carrier_peers);
	ck_assert_str_eq(c->interface.up, "/etc/tapd/\"odd\" \\name");
	ck_assert_str_eq(c->interface.down, "/down");
	ck_assert(c->listen_set);
	ck_assert_uint_eq(c->listen_count, 2);
	ck_assert_uint_eq(c->listen[1].port, 9000);
	ck_assert_str_eq(c->secret_file, "/s");
	ck_assert(c->trusted_keys_set);
	ck_assert_uint_eq(c->trusted_keys_count, 2);
	ck_assert_uint_eq(c->trusted_keys[1].bytes[31], 2);
	ck_assert_str_eq(c->key_file, "/k");
	ck_assert_str_eq(c->control_socket, "/c");
	ck_assert_str_eq(c->name, "web-1.example_x");
	ck_assert_str_eq(c->discover.file, "/run/tapd/peers");
	ck_assert_str_eq(c->discover.command,
			 "/usr/lib/tapd/discover ec2 tag:\"a\"=b");
	ck_assert_uint_eq(c->discover.dns_count, 3);
	ck_assert_uint_eq(c->discover.interval, 5);
	ck_assert(!c->discover.peer_exchange);
	ck_assert(c->multicast_snooping && !c->multicast_querier);
	ck_assert_int_eq(c->offload.tap, TAP_OFFLOAD_TSO);
	ck_assert_int_eq(c->offload.merge, CONF_MERGE_NONE);
	ck_assert_int_eq(c->offload.send, UDP_SINGLE);
	ck_assert_int_eq(c->offload.receive, UDP_BATCH);
	ck_assert(c->offload.complete_sums);
	ck_assert_double_eq(c->liveness_interval, 2.0);
	ck_assert_uint_eq(c->liveness_down_after, 5);
	ck_assert_uint_eq(c->liveness_expire, 60);
	ck_assert(c->relay);
	ck_assert_uint_eq(c->underlay_mtu, 1400);
	ck_assert_uint_eq(c->busy_poll, 50);
	ck_assert_uint_eq(c->moderation, 70);
	ck_assert_int_eq(c->log_level, LOG_LEVEL_DEBUG);
	ck_assert_str_eq(c->user, "nobody");
	conf_free(c);
}
END_TEST

START_TEST(peers_are_addresses_or_names_with_a_port)
{
	static const struct {
		const char *host;
		uint16_t port;
		bool is_addr;
		unsigned line;
	} expected[] = {
		{ "10.9.0.2", 8273, true, 20 },
		{ "10.9.0.3", 9, true, 20 },
		{ "node4.internal", 8273, false, 20 },
		{ "node5", 77, false, 21 },
		{ "fd00::2", 8273, true, 21 },
		{ "fd00::3", 8273, true, 21 },
	};
	struct conf *c = read_text(EVERY_KEY);

	ck_assert_uint_eq(c->peers_count, 6);
	for (size_t i = 0; i < c->peers_count; i++) {
		const struct conf_peer *p = &c->peers[i];

		ck_assert_str_eq(p->host, expected[i].host);
		ck_assert_uint_eq(p->port, expected[i].port);
		ck_assert(p->is_addr == expected[i].is_addr);
		if (p->is_addr)
			ck_assert_uint_eq(p->addr.port, p->port);
		ck_assert_uint_eq(p->line, expected[i].line);
	}
	conf_free(c);
}
END_TEST

START_TEST(saying_the_same_twice_is_saying_it_once)
{
	struct conf *c = read_text(
		"peers = [ \"10.9.0.2\", \"a.b\", \"10.9.0.2:8273\", "
		"\"A.B:8273\", \"a.b:1\" ];\n"
		"interface = { address = [ \"10.0.0.1/8\", \"10.0.0.1/8\" ]; "
		"};");

	ck_assert_uint_eq(c->peers_count, 3);
	ck_assert_str_eq(c->peers[2].text, "a.b:1");
	ck_assert_uint_eq(c->interface.address_count, 1);
	conf_free(c);
}
END_TEST

START_TEST(no_trusted_keys_is_not_the_same_as_an_empty_list)
{
	struct conf *c = read_text("trusted_keys = [ ];");

	ck_assert(c->trusted_keys_set);
	ck_assert_ptr_nonnull(c->trusted_keys);
	ck_assert_uint_eq(c->trusted_keys_count, 0);
	conf_free(c);
}
END_TEST

START_TEST(snooping_and_querier_are_set_one_by_one)
{
	struct conf *c = read_text("multicast = { snooping = false; };");

	ck_assert(!c->multicast_snooping && c->multicast_querier);
	conf_free(c);
	c = read_text("multicast = { querier = false; };");
	ck_assert(c->multicast_snooping && !c->multicast_querier);
	conf_free(c);
}
END_TEST

START_TEST(names_to_ask_for_are_of_hosts_or_of_services)
{
	struct conf *c = read_text(
		"discover = { dns = [ \"tapd.internal\", \"a:9\",\n"
		"\"_tapd._udp.example.net\", \"TAPD.internal:8273\" ]; };");

	ck_assert_uint_eq(c->discover.dns_count, 3);
	ck_assert_str_eq(c->discover.dns[0].host, "tapd.internal");
	ck_assert_uint_eq(c->discover.dns[0].port, 8273);
	ck_assert(!c->discover.dns[0].is_service);
	ck_assert_uint_eq(c->discover.dns[1].port, 9);
	ck_assert_str_eq(c->discover.dns[2].host, "_tapd._udp.example.net");
	ck_assert(c->discover.dns[2].is_service);
	conf_free(c);
}
END_TEST

/* ---- what is not sealed ---- */

START_TEST(vxlan_has_defaults_of_its_own)
{
	struct conf *c = read_text("encapsulation = \"vxlan\";\n"
				   "network_id = 0; peers = [ \"10.9.0.2\", "
				   "\"10.9.0.3:8472\", \"web4\" ];\n"
				   "discover = { dns = [ \"a.net\" ]; };");
	char text[ADDR_STRLEN];

	ck_assert_int_eq(c->encapsulation, NODE_VXLAN);
	ck_assert(c->network_id_set);
	ck_assert_uint_eq(c->network_id, 0);
	ck_assert(!c->listen_set);
	ck_assert_str_eq(addr_print(&c->listen[0], text), "[::]:4789");
	ck_assert_uint_eq(c->peers[0].addr.port, 4789);
	ck_assert_uint_eq(c->peers[1].addr.port, 8472);
	ck_assert_uint_eq(c->peers[2].port, 4789);
	ck_assert_uint_eq(c->discover.dns[0].port, 4789);
	ck_assert_str_eq(c->secret_file, "");
	ck_assert_str_eq(c->key_file, "");
	ck_assert(!c->discover.peer_exchange);
	ck_assert_uint_eq(c->interface.mtu, 1450);
	ck_assert(!c->interface.mtu_set);
	conf_free(c);
}
END_TEST

START_TEST(gre_has_no_ports)
{
	struct conf *c = read_text(
		"encapsulation = \"gre\"; network_id = 0xffffffffL;\n"
		"listen = [ \"10.9.0.1\", \"fd09::1\", \"[fd09::2]\" ];\n"
		"peers = [ \"10.9.0.2\", \"[fd00::3]\", \"fe80::1%eth0\",\n"
		"\"web4\", \"10.9.0.2\" ]; key_file = \"/k\";\n"
		"discover = { peer_exchange = false; };");

	ck_assert_uint_eq(c->network_id, UINT32_MAX);
	ck_assert_uint_eq(c->listen_count, 3);
	for (unsigned i = 0; i < c->listen_count; i++)
		ck_assert_uint_eq(c->listen[i].port, 0);
	ck_assert_uint_eq(c->peers_count, 4);
	for (size_t i = 0; i < c->peers_count; i++)
		ck_assert(c->peers[i].port == 0 && c->peers[i].addr.port == 0);
	conf_free(c);
	c = read_text("encapsulation = \"gre\";");
	ck_assert(!c->network_id_set && !c->listen_set);
	ck_assert(addr_is_any(&c->listen[0]) && c->listen[0].port == 0);
	conf_free(c);
}
END_TEST

START_TEST(the_mtu_is_what_fits)
{
	static const struct {
		const char *text;
		unsigned mtu;
	} cases[] = {
		{ "encapsulation = \"vxlan\"; network_id = 1;", 8950 },
		{ "encapsulation = \"vxlan\"; network_id = 1;"
		  "peers = [ \"10.9.0.2\", \"fd00::1\" ];",
		  8930 },
		{ "encapsulation = \"vxlan\"; network_id = 1;"
		  "listen = [ \"[fd00::1]\" ];",
		  8930 },
		{ "encapsulation = \"vxlan\"; network_id = 1;"
		  "listen = [ \"[fd00::1]\", \"10.9.0.1\" ];",
		  8950 },
		{ "encapsulation = \"gre\";", 8962 },
		{ "encapsulation = \"gre\"; network_id = 1;", 8958 },
		{ "encapsulation = \"gre\"; peers = [ \"fd00::1\" ];", 8942 },
		{ "encapsulation = \"gre\"; network_id = 1;"
		  "peers = [ \"fe80::1%eth0\" ];",
		  8938 },
	};
	char text[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct conf *c;

		snprintf(text, sizeof(text), "%s underlay_mtu = 9000;",
			 cases[i].text);
		c = read_text(text);
		ck_assert_uint_eq(c->interface.mtu, cases[i].mtu);
		ck_assert_uint_eq(conf_fitting_mtu(c, 1500) + conf_overhead(c),
				  1500);
		ck_assert_uint_eq(conf_fitting_mtu(c, 65536), 9216);
		conf_free(c);
	}
}
END_TEST

START_TEST(interface_is_named_after_the_file)
{
	struct conf *c;

	scratch_put("vrrp.7.conf", "");
	c = read_ok("./vrrp.7.conf");
	ck_assert_str_eq(c->interface.name, "vrrp.7");
	ck_assert_str_eq(c->key_file, "/var/lib/tapd/vrrp.7.key");
	conf_free(c);
	scratch_put("tapd.cfg", "");
	c = read_ok("tapd.cfg");
	ck_assert_str_eq(c->interface.name, "tapd.cfg");
	conf_free(c);
	scratch_put("a-rather-long-name.conf", "\n");
	read_fails("a-rather-long-name.conf",
		   "a-rather-long-name.conf:1: interface.name: ",
		   "\"a-rather-long-name\" is no interface name");
}
END_TEST

/* A Linux host's name may have one character more than a node's. */
START_TEST(peer_may_be_at_a_link_by_its_name)
{
	struct conf *c = read_text("peers = [ \"fe80::1%eth0\", "
				   "\"[fe80::1%eth0]:8273\", "
				   "\"[FE80::2%br-lan.7]:9\", "
				   "\"fe80::1%ETH0\", \"[fe80::1%3]:9\" ];");

	ck_assert_uint_eq(c->peers_count, 4);
	ck_assert_str_eq(c->peers[0].host, "fe80::1%eth0");
	ck_assert_uint_eq(c->peers[0].port, 8273);
	ck_assert(c->peers[0].is_scoped && !c->peers[0].is_addr);
	ck_assert_str_eq(c->peers[1].host, "FE80::2%br-lan.7");
	ck_assert_uint_eq(c->peers[1].port, 9);
	ck_assert_str_eq(c->peers[1].text, "[FE80::2%br-lan.7]:9");
	ck_assert_str_eq(c->peers[2].host, "fe80::1%ETH0");
	ck_assert(c->peers[3].is_addr && c->peers[3].addr.scope == 3);
	conf_free(c);
}
END_TEST

START_TEST(host_name_is_kept_as_far_as_there_is_room)
{
	char host[65];
	struct conf *c;

	if (unshare(CLONE_NEWUTS) != 0)
		return; /* not root */
	memset(host, 'h', 64);
	host[64] = '\0';
	ck_assert_int_eq(sethostname(host, 64), 0);
	c = read_text("");
	ck_assert_uint_eq(strlen(c->name), 63);
	ck_assert(strncmp(c->name, host, 63) == 0);
	ck_assert(c->name_is_cut);
	conf_free(c);
	ck_assert_int_eq(sethostname(host, 63), 0);
	c = read_text("");
	ck_assert_uint_eq(strlen(c->name), 63);
	ck_assert(!c->name_is_cut);
	conf_free(c);
}
END_TEST

START_TEST(host_part_is_needed_unless_it_comes_from_an_interface)
{
	static const char *const good[] = { "10.0.0.0/31", "10.0.0.0/32",
					    "10.0.0.1/8",  "fd00::/127",
					    "fd00::/128",  "fd00::1/64" };
	char text[128];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text),
			 "interface = { address = [ \"%s\" ]; };", good[i]);
		conf_free(read_text(text));
	}
	conf_free(read_text("interface = { address = [ \"10.0.0.0/8\" ]; "
			    "address_from = \"eth0\"; };"));
}
END_TEST

/* ---- the documentation ---- */

START_TEST(example_is_accepted)
{
	struct conf *c = read_ok(TEST_SOURCE_DIR "/docs/tapd.conf.example");

	ck_assert_str_eq(c->interface.name, "tap0");
	conf_free(c);
}
END_TEST

START_TEST(every_key_has_its_place_in_the_manual)
{
	FILE *f = fopen(TEST_SOURCE_DIR "/docs/tapd.conf.5", "r");
	static char page[100000];
	char entry[80];
	size_t len;

	ck_assert_ptr_nonnull(f);
	len = fread(page, 1, sizeof(page) - 1, f);
	page[len] = '\0';
	fclose(f);
	for (size_t i = 0; i < conf_keys_count; i++) {
		snprintf(entry, sizeof(entry), "Ic %s", conf_keys[i].path);
		ck_assert_msg(strstr(page, entry) != NULL,
			      "%s is not in tapd.conf(5)", conf_keys[i].path);
	}
}
END_TEST

/* ---- the command line ---- */

START_TEST(options_make_a_configuration)
{
	static const char *const addresses[] = { "10.77.0.1/24" };
	static const char *const listens[] = { "0.0.0.0:9000" };
	static const char *const peers[] = { "10.9.0.2", "node4" };
	const struct conf_options o = { .secret_file = "/s",
					.addresses = addresses,
					.addresses_count = 1,
					.listens = listens,
					.listens_count = 1,
					.peers = peers,
					.peers_count = 2 };
	char *error;
	struct conf *c = conf_from_options(&o, &error);

	ck_assert_msg(c != NULL, "%s", error);
	ck_assert_ptr_null(c->path);
	ck_assert_str_eq(c->interface.name, "tap0");
	ck_assert_str_eq(c->secret_file, "/s");
	ck_assert_str_eq(c->key_file, "/var/lib/tapd/tap0.key");
	ck_assert_uint_eq(c->interface.address_count, 1);
	ck_assert_uint_eq(c->listen[0].port, 9000);
	ck_assert_uint_eq(c->peers_count, 2);
	ck_assert_uint_eq(c->peers[1].line, 0);
	conf_free(c);
}
END_TEST

START_TEST(bad_option_is_named)
{
	static const char *const addresses[] = { "10.77.0.1" };
	static const char *const peers[] = { "10.9.0.300" };
	struct conf_options o = { .addresses = addresses,
				  .addresses_count = 1 };
	char *error;

	ck_assert_ptr_null(conf_from_options(&o, &error));
	ck_assert_ptr_nonnull(strstr(error, "command line: --address: "));
	free(error);
	o = (struct conf_options){ .peers = peers, .peers_count = 1 };
	ck_assert_ptr_null(conf_from_options(&o, &error));
	ck_assert_ptr_nonnull(strstr(error, "command line: PEER: "));
	free(error);
	o = (struct conf_options){ .name = "a b" };
	ck_assert_ptr_null(conf_from_options(&o, &error));
	ck_assert_ptr_nonnull(strstr(error, "command line: --name: "));
	free(error);
}
END_TEST

START_TEST(options_name_an_encapsulation)
{
	static const char *const peers[] = { "10.9.0.2" };
	struct conf_options o = { .encapsulation = "vxlan",
				  .network_id = "42",
				  .device = "vrf-blue",
				  .mark = "0x7470",
				  .peers = peers,
				  .peers_count = 1 };
	char *error;
	struct conf *c = conf_from_options(&o, &error);

	ck_assert_msg(c != NULL, "%s", error);
	ck_assert_int_eq(c->encapsulation, NODE_VXLAN);
	ck_assert_uint_eq(c->network_id, 42);
	ck_assert_uint_eq(c->peers[0].addr.port, 4789);
	ck_assert_uint_eq(c->routing.mark, 0x7470);
	ck_assert_str_eq(c->routing.device, "vrf-blue");
	conf_free(c);
	o.network_id = "4x";
	ck_assert_ptr_null(conf_from_options(&o, &error));
	ck_assert_ptr_nonnull(strstr(error,
				     "command line: --network-id: is text"
				     " and must be a number"));
	free(error);
	o.network_id = NULL;
	ck_assert_ptr_null(conf_from_options(&o, &error));
	ck_assert_ptr_nonnull(strstr(error, "--network-id: is not set"));
	free(error);
	o.network_id = "42";
	o.secret_file = "/s";
	ck_assert_ptr_null(conf_from_options(&o, &error));
	ck_assert_ptr_nonnull(strstr(error, "--secret-file: means nothing"));
	free(error);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("conf", .setup = scratch_enter, .teardown = scratch_leave),
	UNIT_TEST(empty_file_gives_the_defaults),
	UNIT_TEST(secret_is_the_credential_if_there_is_one),
	UNIT_TEST(every_key_is_read),
	UNIT_TEST(peers_are_addresses_or_names_with_a_port),
	UNIT_TEST(saying_the_same_twice_is_saying_it_once),
	UNIT_TEST(no_trusted_keys_is_not_the_same_as_an_empty_list),
	UNIT_TEST(snooping_and_querier_are_set_one_by_one),
	UNIT_TEST(names_to_ask_for_are_of_hosts_or_of_services),
	UNIT_TEST(vxlan_has_defaults_of_its_own),
	UNIT_TEST(gre_has_no_ports),
	UNIT_TEST(the_mtu_is_what_fits),
	UNIT_TEST(interface_is_named_after_the_file),
	UNIT_TEST(peer_may_be_at_a_link_by_its_name),
	UNIT_TEST(host_name_is_kept_as_far_as_there_is_room),
	UNIT_TEST(host_part_is_needed_unless_it_comes_from_an_interface),
	UNIT_TEST(example_is_accepted),
	UNIT_TEST(every_key_has_its_place_in_the_manual),
	UNIT_TEST(options_make_a_configuration),
	UNIT_TEST(bad_option_is_named),
	UNIT_TEST(options_name_an_encapsulation),
};

UNIT_MAIN("conf", tests)
