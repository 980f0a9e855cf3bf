/* What the checks find in snapshots that are made up here. */
#include "support/main.h"
#include "tapd/control/checks.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define PEERS_MAX 8

static struct snapshot s;
static struct snapshot_peer peers[PEERS_MAX];
static char found[8192]; /* "id: what" on a line each */

static void setup(void)
{
	s = (struct snapshot){
		.peers = peers,
		.interface = { .name = "tap0",
			       .mtu = 1500,
			       .present = true,
			       .up = true },
		.receive_buffer = 8 * 1024 * 1024,
	};
}

static struct node_peer_info *add_peer(const char *name)
{
	struct node_peer_info *p = &peers[s.peers_count].info;

	ck_assert_uint_lt(s.peers_count, PEERS_MAX);
	peers[s.peers_count++] = (struct snapshot_peer){
		.info = { .state = NODE_PEER_STATE_UP, .has_endpoint = true },
	};
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->endpoint = addr_v4(0x0a090002, 8273);
	s.status.peers_total++;
	s.status.peers_up++;
	return p;
}

static void note(void *user, const struct check *check, const char *what)
{
	size_t len = strlen(found);

	ck_assert_ptr_eq(user, &s);
	snprintf(found + len, sizeof(found) - len, "%s: %s\n", check->id, what);
}

static void assert_found(const char *expected)
{
	found[0] = '\0';
	checks_run(&s, note, &s);
	ck_assert_str_eq(found, expected);
}

START_TEST(peers_behind_relays_are_named_with_the_reason)
{
	for (unsigned i = 0; i < 5; i++) {
		char name[8];
		struct node_peer_info *p;

		snprintf(name, sizeof(name), "web%u", i + 2);
		p = add_peer(name);
		p->relayed = true;
		snprintf(p->via, sizeof(p->via), "web9");
		p->symmetric = i == 1;
	}
	assert_found("peer-relayed: web2 is reached through web9: nothing gets "
		     "in directly, here or there: a firewall, or a NAT\n"
		     "peer-relayed: web3 is reached through web9: its NAT "
		     "shows it to each peer at another address\n"
		     "peer-relayed: web4 is reached through web9: nothing gets "
		     "in directly, here or there: a firewall, or a NAT\n"
		     "peer-relayed: 2 more are reached through relays\n");
	s.peers_count = 2;
	s.status.nat.symmetric = true;
	assert_found("peer-relayed: web2 is reached through web9: the NAT of "
		     "this host shows it to each peer at another address\n"
		     "peer-relayed: web3 is reached through web9: the NATs of "
		     "both show them to each peer at another address\n");
}
END_TEST

START_TEST(what_is_not_sealed_is_a_fact)
{
	s.encapsulation = NODE_VXLAN;
	s.network_id = 42;
	s.network_id_set = true;
	s.fitting_mtu = 1450;
	s.multicast.snooping = true;
	s.interface.mtu = 1450;
	add_peer("10.9.0.2")->datagram_size = 1472;
	assert_found(
		"not-sealed: frames are not sealed: VXLAN 42: whoever is on"
		" the network below can read them, and send as a peer\n");
	add_peer("10.9.0.3")->datagram_size = 1471;
	s.interface.mtu = 1451;
	s.flooded_count = 2;
	s.network_id_set = false;
	s.encapsulation = NODE_GRE;
	assert_found("not-sealed: frames are not sealed: GRE: whoever is on"
		     " the network below can read them, and send as a peer\n"
		     "mtu-does-not-fit: tap0 has an MTU of 1451, and 1450 fits"
		     " into the network below: ip link set dev tap0 mtu 1450\n"
		     "ports-flooded: multicast: 2 of 2 peers get every group:"
		     " tapctl groups says why\n");
	s.encapsulation = NODE_VXLAN;
	s.network_id_set = true;
	s.interface.mtu = 1450;
	s.flooded_count = 0;
	assert_found(
		"not-sealed: frames are not sealed: VXLAN 42: whoever is on"
		" the network below can read them, and send as a peer\n"
		"way-too-small: ways that pass less than the 1472 bytes of"
		" our largest frames: 10.9.0.3 (1471)\n");
	ck_assert_str_eq(check_severity_name(CHECK_FACT), "note");
}
END_TEST

START_TEST(plain_peers_that_say_nothing_are_named)
{
	const char *fact =
		"not-sealed: frames are not sealed: GRE: whoever is on"
		" the network below can read them, and send as a"
		" peer\n";
	char expected[512];

	s.encapsulation = NODE_GRE;
	s.now_us = 1000 * CLOCK_S;
	add_peer("10.9.0.2")->up_since_us = 941 * CLOCK_S;
	add_peer("10.9.0.3")->up_since_us = 900 * CLOCK_S;
	add_peer("10.9.0.4")->up_since_us = 100 * CLOCK_S;
	for (size_t i = 0; i < s.peers_count; i++)
		peers[i].plain = true;
	peers[2].info.rx.datagrams = 1;
	snprintf(expected, sizeof(expected),
		 "%snever-heard: peers that were never heard: 10.9.0.3 (100 "
		 "s)\n",
		 fact);
	assert_found(expected);
}
END_TEST

START_TEST(source_that_fails_is_named_with_its_age)
{
	add_peer("web2");
	s.now_us = 1000 * CLOCK_S;
	s.sources[0] =
		(struct snapshot_source){ .name = "peers",
					  .error = "web9: no addresses" };
	s.sources[1] = (struct snapshot_source){
		.name = "file",
		.good_us = 700 * CLOCK_S,
		.error = "/run/tapd/peers: No such file or directory"
	};
	s.sources[2] = (struct snapshot_source){ .name = "command",
						 .error = "exit code 1: no" };
	s.sources[3] = (struct snapshot_source){ .name = "dns",
						 .error = "",
						 .early = true };
	s.sources[4] =
		(struct snapshot_source){ .name = "exchange", .error = "" };
	s.sources_count = 5;
	assert_found("source-failing: discover.file: /run/tapd/peers: No such"
		     " file or directory: keeping its answer of 300 s ago\n"
		     "source-failing: discover.command: exit code 1: no\n"
		     "source-early: discover.dns does not list this host\n");
}
END_TEST

START_TEST(a_source_that_lists_nobody_else_is_no_reason_to_add_peers)
{
	s.sources[0] =
		(struct snapshot_source){ .name = "exchange", .error = "" };
	s.sources_count = 1;
	assert_found("no-peer-known: no peer is known: add one to peers\n");
	s.sources[0].name = "command";
	assert_found("no-peer-known: no peer is known: no source lists another"
		     " host\n");
}
END_TEST

START_TEST(nothing_is_wrong_with_two_hosts_that_are_well)
{
	add_peer("web2");
	assert_found("");
}
END_TEST

START_TEST(all_that_may_be_wrong_with_the_host_itself)
{
	s.interface.up = false;
	s.interface.missing_count = 2;
	ck_assert(prefix_parse(&s.interface.missing[0], "10.77.0.1/24"));
	ck_assert(prefix_parse(&s.interface.missing[1], "fd00::1/64"));
	s.nobody_trusted = s.restart_pending = true;
	s.device_missing = true;
	s.routing = (struct routing){ .device = "eth1" };
	s.receive_buffer = 1024 * 1024 - 1;
	s.unresolved[0] = "web9: Name or service not known";
	s.unresolved_count = 1;
	s.unresolved_more = 3;
	s.log_lost = 7;
	assert_found(
		"link-down: tap0 is down: ip link set dev tap0 up\n"
		"address-missing: tap0 lacks its address: ip address add"
		" 10.77.0.1/24 dev tap0\n"
		"address-missing: tap0 lacks its address: ip address add"
		" fd00::1/64 dev tap0\n"
		"nobody-trusted: trusted_keys is empty: nobody may join\n"
		"device-missing: eth1 is gone, to which the sockets are bound\n"
		"restart-pending: some changes take effect after a restart\n"
		"receive-buffer: the UDP receive buffer has only 1023 KiB: give"
		" tapd CAP_NET_ADMIN, or sysctl net.core.rmem_max=8388608\n"
		"log-lines-lost: 7 lines of the log are lost: nobody took"
		" them\n"
		"name-unresolved: peer web9: Name or service not known\n"
		"name-unresolved: peers: 3 more names have no address\n"
		"no-peer-known: no peer is known: add one to peers\n");
}
END_TEST

START_TEST(an_interface_that_is_gone_lacks_nothing)
{
	add_peer("web2");
	s.interface.present = s.interface.up = false;
	s.interface.missing_count = 1;
	assert_found("");
}
END_TEST

START_TEST(no_peer_up_is_found)
{
	add_peer("web2")->state = NODE_PEER_STATE_DOWN;
	s.status.peers_up = 0;
	assert_found("no-peer-up: no peer is up: tapctl peers says why\n");
}
END_TEST

START_TEST(differing_mtus_and_losses_name_some_peers_and_count_the_rest)
{
	char name[] = "web2";

	for (int i = 0; i < 5; i++, name[3]++)
		add_peer(name)->tap_mtu = (uint16_t)(1400 + i);
	peers[0].info.name[0] = '\0';
	peers[4].info.loss = 0.126;
	peers[3].info.loss = 0.04;
	assert_found("mtu-differs: peers whose interface MTU is not our 1500: "
		     "10.9.0.2:8273 (1400), web3 (1401), web4 (1402) and 2 "
		     "more\n"
		     "datagrams-lost: peers with datagrams lost: web6 "
		     "(13 %)\n");
}
END_TEST

START_TEST(duplicates_are_found_with_the_names_of_both_hosts)
{
	add_peer("web2");
	s.node_name = "web1";
	s.conflicts[0] = (struct node_conflict){
		.address = addr_v4(0x0a4d0001, 0),
		.mac = { 2, 0, 0, 0, 0, 0xff },
		.peer = "web2",
		.age_us = 12 * CLOCK_S,
	};
	s.conflicts[1] = (struct node_conflict){ .of_mac = true };
	s.conflicts_count = 2;
	assert_found("duplicate-address: web1 and web2 both use 10.77.0.1 on "
		     "tap0: seen 12 s ago with MAC 02:00:00:00:00:ff\n"
		     "duplicate-mac: web1 and "
		     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= both show "
		     "the MAC of tap0: seen 0 s ago\n");
}
END_TEST

START_TEST(loop_is_found_for_ten_minutes)
{
	struct node_peer_info *p = add_peer("web2");

	s.now_us = 700 * CLOCK_S;
	p->looped_us = 688 * CLOCK_S;
	add_peer("web3")->looped_us = 100 * CLOCK_S;
	add_peer("web4");
	assert_found("loop: peers that sent our own frames back: web2 (12 s "
		     "ago)\n");
}
END_TEST

START_TEST(peers_that_are_not_up_have_no_measures)
{
	struct node_peer_info *p;

	add_peer("web2");
	p = add_peer("web3");
	p->state = NODE_PEER_STATE_DOWN;
	p->tap_mtu = 1400;
	p->loss = 1;
	assert_found("");
}
END_TEST

START_TEST(multicast_that_cannot_be_known_is_found)
{
	add_peer("web2");
	s.multicast.wants_all = "more VLANs than can be asked";
	assert_found("");
	s.multicast.unknowable = true;
	assert_found("groups-unknowable: multicast: more VLANs than can be "
		     "asked: this host gets every group\n");
}
END_TEST

START_TEST(silence_is_found_and_says_what_to_check)
{
	add_peer("web2");
	s.multicast.silent_v4 = true;
	assert_found("igmp-silent: tap0: IGMP queries get no answer: does the "
		     "host's firewall accept IGMP (protocol 2) on tap0, INPUT "
		     "and OUTPUT? Until then groups are kept, whoever leaves "
		     "them\n");
	s.multicast.silent_v4 = false;
	s.multicast.silent_v6 = true;
	assert_found("mld-silent: tap0: MLD queries get no answer: does the "
		     "host's firewall accept ICMPv6 types 130, 131, 132 and "
		     "143 on tap0, INPUT and OUTPUT? Until then groups are "
		     "kept, whoever leaves them\n");
}
END_TEST

START_TEST(longest_names_fit_in_a_line)
{
	char name[NODE_NAME_MAX + 1];

	memset(name, 'x', NODE_NAME_MAX);
	name[NODE_NAME_MAX] = '\0';
	for (int i = 0; i < PEERS_MAX; i++)
		add_peer(name)->tap_mtu = UINT16_MAX;
	found[0] = '\0';
	checks_run(&s, note, &s);
	ck_assert_ptr_nonnull(strstr(found, "x (65535) and 5 more\n"));
}
END_TEST

/* Programs know them by their ids. */
START_TEST(every_check_has_an_id_of_its_own_and_an_advice)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz-";

	for (size_t i = 0; i < checks_count; i++) {
		const struct check *c = &checks[i];

		ck_assert_uint_eq(strspn(c->id, letters), strlen(c->id));
		ck_assert_ptr_nonnull(check_severity_name(c->severity));
		ck_assert(c->advice[strlen(c->advice) - 1] == '.');
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(c->id, checks[j].id);
	}
	ck_assert_str_eq(check_severity_name(CHECK_ERROR), "error");
	ck_assert_str_eq(check_severity_name(CHECK_NOTE), "note");
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("checks", .setup = setup),
	UNIT_TEST(nothing_is_wrong_with_two_hosts_that_are_well),
	UNIT_TEST(peers_behind_relays_are_named_with_the_reason),
	UNIT_TEST(what_is_not_sealed_is_a_fact),
	UNIT_TEST(plain_peers_that_say_nothing_are_named),
	UNIT_TEST(source_that_fails_is_named_with_its_age),
	UNIT_TEST(a_source_that_lists_nobody_else_is_no_reason_to_add_peers),
	UNIT_TEST(all_that_may_be_wrong_with_the_host_itself),
	UNIT_TEST(an_interface_that_is_gone_lacks_nothing),
	UNIT_TEST(no_peer_up_is_found),
	UNIT_TEST(differing_mtus_and_losses_name_some_peers_and_count_the_rest),
	UNIT_TEST(duplicates_are_found_with_the_names_of_both_hosts),
	UNIT_TEST(loop_is_found_for_ten_minutes),
	UNIT_TEST(peers_that_are_not_up_have_no_measures),
	UNIT_TEST(multicast_that_cannot_be_known_is_found),
	UNIT_TEST(silence_is_found_and_says_what_to_check),
	UNIT_TEST(longest_names_fit_in_a_line),
	UNIT_TEST(every_check_has_an_id_of_its_own_and_an_advice),
};

UNIT_MAIN("checks", tests)
