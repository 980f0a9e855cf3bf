/* What is shown of a snapshot that is made up here, and of a node: node_* below
 * stand in for the library's, so that every value, the extreme ones too, can be
 * shown. */
#include "support/main.h"
#include "tapd/conf/conf.h"
#include "tapd/control/lists.h"
#include "tapd/control/peer_value.h"
#include "tapd/control/views.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEERS_MAX 8

struct node {
	struct node_fdb_info macs[4];
	uint32_t macs_count;
	uint64_t drops[DROP_REASON_COUNT];
	struct node_group_info *groups;
	size_t groups_count;
};

static struct node node;
static struct snapshot source;
static struct snapshot_peer peers[PEERS_MAX];
static struct node_flooded_info flooded[5];

bool node_next_mac(const struct node *n, struct node_iter *it,
		   struct node_fdb_info *out, uint64_t now_us)
{
	(void)now_us;
	if (it->slot >= n->macs_count)
		return false;
	*out = n->macs[it->slot++];
	return true;
}

const uint64_t *node_drops(const struct node *n)
{
	return n->drops;
}

bool node_next_group(const struct node *n, struct node_iter *it,
		     struct node_group_info *out)
{
	if (it->slot >= n->groups_count)
		return false;
	*out = n->groups[it->slot++];
	return true;
}

/* Bit i is peer i - 1's, but for those whose name is "-": they are gone. */
const char *node_next_member(const struct node *n,
			     const struct node_group_info *group,
			     struct node_iter *it)
{
	(void)n;
	while (it->slot < source.peers_count) {
		uint32_t i = ++it->slot;

		if (group->members[0] >> i & 1 &&
		    strcmp(peers[i - 1].info.name, "-") != 0)
			return peers[i - 1].info.name;
	}
	return NULL;
}

/* All of it. */
static json_t *whole(struct control_list *list)
{
	json_t *all = json_array(), *row;

	ck_assert_ptr_nonnull(list);
	for (;;) {
		switch (list->step(list, &row)) {
		case CONTROL_ROW:
			ck_assert_int_eq(json_array_append_new(all, row), 0);
			break;
		case CONTROL_BUSY:
			break;
		case CONTROL_END:
			list->free(list);
			return all;
		case CONTROL_WAIT:
		case CONTROL_FAILED:
			ck_abort_msg("a table is all there");
		}
	}
}

static void setup(void)
{
	memset(&node, 0, sizeof(node));
	source = (struct snapshot){
		.node = &node,
		.node_name = "web1",
		.status = { .aead = "openssl", .key = { { 1 } } },
		.multicast = { .snooping = true, .querier = true },
		.peers = peers,
		.flooded = flooded,
		.interface = { .name = "tap0",
			       .mac = { 0x52, 0x54, 0, 0, 0, 0xab },
			       .mtu = 1500,
			       .present = true,
			       .up = true,
			       .carrier = true },
		.offloads = { .tap = TAP_OFFLOAD_ALL,
			      .merge = CONF_MERGE_TCP,
			      .send = UDP_RUNS,
			      .receive = UDP_SINGLE },
		.receive_buffer = 8 * 1024 * 1024,
		.now_us = 5000 * CLOCK_S,
		.started_us = 4000 * CLOCK_S + 1,
	};
}

static struct node_peer_info *add_peer(const char *name)
{
	struct node_peer_info *p = &peers[source.peers_count].info;

	ck_assert_uint_lt(source.peers_count, PEERS_MAX);
	peers[source.peers_count++] = (struct snapshot_peer){
		.info = { .state = NODE_PEER_STATE_UP,
			  .has_key = true,
			  .has_endpoint = true,
			  .heard_us = source.now_us - 1 },
	};
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->key.bytes[0] = 2;
	p->endpoint = addr_v4(0x0a090002, 8273);
	p->has_local = true;
	p->local = addr_v4(0x0a090001, 8273);
	source.status.peers_total++;
	source.status.peers_up++;
	return p;
}

/* The compact text of a value; to be freed. The reference is taken. */
static void assert_json(json_t *value, const char *expected)
{
	char *text;

	ck_assert_ptr_nonnull(value);
	text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(6) |
					 JSON_ENCODE_ANY);
	ck_assert_str_eq(text, expected);
	free(text);
	json_decref(value);
}

#define KEY_1 "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define KEY_2 "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

/* Those are the checks'. */
static json_t *without_warnings(json_t *status)
{
	json_object_set_new(status, "warnings", json_array());
	return status;
}

START_TEST(status_has_every_key)
{
	source.status.tx = (struct counters){ 1, 2, 3 };
	source.status.rx = (struct counters){ 4, 5, UINT64_C(1) << 62 };
	source.status.fdb_count = 7;
	source.multicast.groups = 12;
	source.rates = (struct traffic_rates){ 9.5, 999.4, 0, 0.5 };
	source.queue = (struct fq_info){ 3, 4500, 120, 2, 5, 2 };
	source.send_limit = 262144;
	source.sources[0] = (struct snapshot_source){ "peers", 2, .error = "" };
	source.sources[1] = (struct snapshot_source){ .name = "command",
						      .endpoints = 12,
						      .good_us = source.now_us -
								 300 * CLOCK_S,
						      .error = "exit code 1" };
	source.sources_count = 2;
	source.relay = true;
	source.status.relay = (struct node_relay_info){ 2, 9, 900 };
	source.status.nat.observed[0] = addr_v4(0xcb007101, 40100);
	source.status.nat.count = 1;
	source.status.nat.translated = true;
	add_peer("web2");
	assert_json(without_warnings(view_status(&source)),
		    "{\"version\":\"" TAPD_VERSION "\",\"name\":\"web1\","
		    "\"key\":\"" KEY_1 "\",\"sealed\":true,"
		    "\"encapsulation\":\"sealed\",\"network_id\":null,"
		    "\"device\":null,\"mark\":null,"
		    "\"interface\":{\"name\":\"tap0\","
		    "\"mac\":\"52:54:00:00:00:ab\",\"mtu\":1500,"
		    "\"carrier\":true},\"uptime_s\":999,"
		    "\"peers\":{\"total\":1,\"up\":1},"
		    "\"tx\":{\"frames\":1,\"datagrams\":2,\"bytes\":3},"
		    "\"rx\":{\"frames\":4,\"datagrams\":5,"
		    "\"bytes\":4611686018427387904},"
		    "\"rates\":{\"tx_frames\":10,\"tx_bytes\":999,"
		    "\"rx_frames\":0,\"rx_bytes\":1},"
		    "\"aead\":\"openssl\",\"fdb\":7,"
		    "\"multicast\":{\"snooping\":true,\"querier\":true,"
		    "\"router\":false,\"groups\":12,\"wants_all\":null,"
		    "\"flooded\":[]},\"warnings\":[],"
		    "\"offload\":{\"tap\":\"all\",\"merge\":\"tcp\","
		    "\"send\":\"all\",\"receive\":\"single\"},"
		    "\"merging\":{\"on\":true,\"why\":null},"
		    "\"queue\":{\"frames\":3,\"backlog\":4500,"
		    "\"sojourn_us\":120,\"drops\":7,\"marks\":2,"
		    "\"socket_limit\":262144},"
		    "\"sources\":[{\"source\":\"peers\",\"endpoints\":2,"
		    "\"age_s\":null,\"error\":null},"
		    "{\"source\":\"command\",\"endpoints\":12,"
		    "\"age_s\":300,\"error\":\"exit code 1\"}],"
		    "\"relayed\":0,\"relay\":{\"on\":true,\"legs\":2,"
		    "\"datagrams\":9,"
		    "\"bytes\":900},\"nat\":{\"observed\":["
		    "\"203.0.113.1:40100\"],\"translated\":true,"
		    "\"symmetric\":false}}");
}
END_TEST

static json_t *only(json_t *object, const char *const *keys)
{
	json_t *out = json_object();

	for (; *keys; keys++)
		json_object_set(out, *keys, json_object_get(object, *keys));
	json_decref(object);
	return out;
}

START_TEST(status_says_what_is_not_sealed)
{
	static const char *const keys[] = { "key",	     "sealed",
					    "encapsulation", "network_id",
					    "aead",	     NULL };

	source.encapsulation = NODE_VXLAN;
	source.network_id = 42;
	source.network_id_set = true;
	assert_json(only(view_status(&source), keys),
		    "{\"key\":null,\"sealed\":false,"
		    "\"encapsulation\":\"vxlan\",\"network_id\":42,"
		    "\"aead\":null}");
	source.encapsulation = NODE_GRE;
	source.network_id_set = false;
	assert_json(only(view_status(&source), keys),
		    "{\"key\":null,\"sealed\":false,"
		    "\"encapsulation\":\"gre\",\"network_id\":null,"
		    "\"aead\":null}");
}
END_TEST

START_TEST(what_is_not_sealed_has_no_keys)
{
	static const char *const keys[] = { "key",   "rtt_us", "loss",
					    "rates", "state",  NULL };

	source.encapsulation = NODE_VXLAN;
	add_peer("10.9.0.2")->has_key = false;
	peers[0].plain = true;
	peers[0].rates.tx_frames = 5;
	assert_json(only(peer_value(&peers[0], source.now_us), keys),
		    "{\"key\":null,\"rtt_us\":null,\"loss\":null,"
		    "\"rates\":{\"tx_frames\":5,\"tx_bytes\":0,"
		    "\"rx_frames\":0,\"rx_bytes\":0},\"state\":\"up\"}");
	node.macs[0] = (struct node_fdb_info){ .owner = "10.9.0.2",
					       .owner_key = { { 2 } } };
	node.macs[1] = (struct node_fdb_info){ .mac = { 2 }, .local = true };
	node.macs_count = 2;
	assert_json(whole(list_fdb(&source)),
		    "[{\"mac\":\"00:00:00:00:00:00\",\"vlan\":0,"
		    "\"owner\":\"10.9.0.2\",\"owner_key\":null,"
		    "\"age_s\":0},{\"mac\":\"02:00:00:00:00:00\","
		    "\"vlan\":0,\"owner\":\"local\","
		    "\"owner_key\":null,\"age_s\":0}]");
}
END_TEST

START_TEST(why_nothing_is_merged_is_in_the_status)
{
	json_t *status, *merging;

	snprintf(source.offloads.unmerged, sizeof(source.offloads.unmerged),
		 "a packet socket captures on it (protocol 0003)");
	status = view_status(&source);
	merging = json_object_get(status, "merging");
	ck_assert(json_is_false(json_object_get(merging, "on")));
	ck_assert_str_eq(json_string_value(json_object_get(merging, "why")),
			 source.offloads.unmerged);
	json_decref(status);
}
END_TEST

START_TEST(peer_that_is_up_has_its_measures)
{
	struct node_peer_info *p = add_peer("web2");

	p->rtt_us = 312;
	p->loss = 0.05;
	p->datagram_size = 1472;
	p->tap_mtu = 1500;
	p->up_since_us = source.now_us - 60 * CLOCK_S;
	p->heard_us = source.now_us - 2 * CLOCK_S;
	p->wanted = true;
	p->sources = 1u << NODE_SOURCE_PEERS | 1u << NODE_SOURCE_DNS;
	p->suggested = true;
	p->has_listed = true;
	p->listed = addr_v4(0x0a09004d, 8273);
	p->tx = (struct counters){ 1, 2, 3 };
	peers[0].rates.rx_frames = 7;
	assert_json(whole(list_peers(&source)),
		    "[{\"name\":\"web2\",\"key\":\"" KEY_2 "\","
		    "\"endpoint\":\"10.9.0.2:8273\","
		    "\"local\":\"10.9.0.1:8273\",\"via\":null,\"state\":\"up\","
		    "\"why\":\"\",\"rtt_us\":312,\"loss\":0.05,"
		    "\"datagram_size\":1472,"
		    "\"tx\":{\"frames\":1,\"datagrams\":2,\"bytes\":3},"
		    "\"rx\":{\"frames\":0,\"datagrams\":0,\"bytes\":0},"
		    "\"rates\":{\"tx_frames\":0,\"tx_bytes\":0,"
		    "\"rx_frames\":7,\"rx_bytes\":0},\"tap_mtu\":1500,\"up_s\":"
		    "60,\"heard_s\":2,"
		    "\"wanted\":true,\"sources\":[\"peers\",\"dns\","
		    "\"exchange\"],\"listed\":\"10.9.0.77:8273\"}]");
}
END_TEST

START_TEST(peer_behind_a_relay_shows_which)
{
	struct node_peer_info *p = add_peer("web2");
	json_t *all;
	const char *via;

	p->relayed = true;
	snprintf(p->via, sizeof(p->via), "web9");
	all = whole(list_peers(&source));
	via = json_string_value(json_object_get(json_array_get(all, 0), "via"));
	ck_assert_str_eq(via, "web9");
	json_decref(all);
}
END_TEST

START_TEST(peer_nobody_knows_is_all_null)
{
	struct node_peer_info *p = add_peer("");

	*p = (struct node_peer_info){ .state = NODE_PEER_STATE_CONNECTING,
				      .reason = "no answer" };
	assert_json(whole(list_peers(&source)),
		    "[{\"name\":null,\"key\":null,\"endpoint\":null,"
		    "\"local\":null,\"via\":null,"
		    "\"state\":\"connecting\",\"why\":\"no answer\","
		    "\"rtt_us\":null,\"loss\":null,\"datagram_size\":null,"
		    "\"tx\":{\"frames\":0,\"datagrams\":0,\"bytes\":0},"
		    "\"rx\":{\"frames\":0,\"datagrams\":0,\"bytes\":0},"
		    "\"rates\":null,\"tap_mtu\":null,\"up_s\":null,\"heard_s\":"
		    "null,"
		    "\"wanted\":false,\"sources\":[],\"listed\":null}]");
}
END_TEST

START_TEST(name_that_is_not_utf8_is_null)
{
	json_t *shown;

	add_peer("caf\xe9");
	shown = whole(list_peers(&source));
	ck_assert(json_is_null(
		json_object_get(json_array_get(shown, 0), "name")));
	json_decref(shown);
}
END_TEST

START_TEST(states_have_their_names)
{
	static const char *const names[] = { "up", "connecting", "down" };
	json_t *shown;

	for (int i = 0; i < 3; i++)
		add_peer("p")->state = (enum node_peer_state)i;
	shown = whole(list_peers(&source));
	for (size_t i = 0; i < 3; i++) {
		json_t *p = json_array_get(shown, i);

		ck_assert_str_eq(json_string_value(json_object_get(p, "state")),
				 names[i]);
	}
	json_decref(shown);
}
END_TEST

START_TEST(fdb_names_the_owner_of_each_mac)
{
	node.macs[0] = (struct node_fdb_info){ .mac = { 2, 0, 0, 0, 0, 1 },
					       .local = true,
					       .age_us = 1999999 };
	node.macs[1] = (struct node_fdb_info){ .mac = { 2, 0, 0, 0, 0, 2 },
					       .vlan = 100,
					       .owner = "web2",
					       .owner_key = { { 2 } } };
	node.macs_count = 2;
	assert_json(whole(list_fdb(&source)),
		    "[{\"mac\":\"02:00:00:00:00:01\",\"vlan\":0,"
		    "\"owner\":\"local\",\"owner_key\":\"" KEY_1 "\","
		    "\"age_s\":1},"
		    "{\"mac\":\"02:00:00:00:00:02\",\"vlan\":100,"
		    "\"owner\":\"web2\",\"owner_key\":\"" KEY_2 "\","
		    "\"age_s\":0}]");
}
END_TEST

START_TEST(drops_list_every_reason_zeros_too)
{
	json_t *drops, *value;
	const char *name;
	size_t n = 0;

	node.drops[DROP_mac1] = 12;
	drops = view_drops(&source);
	json_object_foreach(drops, name, value)
	{
		ck_assert_str_eq(name, drop_name((enum drop_reason)++ n));
		ck_assert_int_eq(json_integer_value(value),
				 n == DROP_mac1 ? 12 : 0);
	}
	ck_assert_uint_eq(n, DROP_REASON_COUNT - 1);
	json_decref(drops);
}
END_TEST

/* ---- groups ---- */

static struct node_group_info group(const char *ip, uint16_t vlan)
{
	struct node_group_info g = { .vlan = vlan };
	struct addr a;

	ck_assert(addr_parse(&a, ip, 1));
	memcpy(g.ip, a.ip, sizeof(g.ip));
	return g;
}

static void flood(const char *peer, const char *why)
{
	flooded[source.flooded_count++] =
		(struct node_flooded_info){ .peer = peer, .reason = why };
}

START_TEST(groups_are_in_order_and_name_their_members)
{
	struct node_group_info groups[] = {
		group("239.1.1.1", 7),	group("ff0e::1", 0),
		group("239.10.1.1", 0), group("239.9.1.1", 0),
		group("239.1.1.1", 6),
	};

	add_peer("web2");
	add_peer("web3");
	add_peer("web4");
	groups[0].members[0] = 5 << 1;
	groups[1].members[0] = 2 << 1;
	groups[3].local = true;
	node.groups = groups;
	node.groups_count = 5;
	assert_json(whole(list_groups(&source)),
		    "[{\"group\":\"239.9.1.1\",\"vlan\":0,\"local\":true,"
		    "\"members\":[],\"flooded\":false,\"why\":null},"
		    "{\"group\":\"239.10.1.1\",\"vlan\":0,\"local\":false,"
		    "\"members\":[],\"flooded\":false,\"why\":null},"
		    "{\"group\":\"ff0e::1\",\"vlan\":0,\"local\":false,"
		    "\"members\":[\"web3\"],\"flooded\":false,\"why\":null},"
		    "{\"group\":\"239.1.1.1\",\"vlan\":6,\"local\":false,"
		    "\"members\":[],\"flooded\":false,\"why\":null},"
		    "{\"group\":\"239.1.1.1\",\"vlan\":7,\"local\":false,"
		    "\"members\":[\"web2\",\"web4\"],\"flooded\":false,"
		    "\"why\":null}]");
}
END_TEST

START_TEST(flooded_group_says_to_whom_and_why)
{
	struct node_group_info g = group("239.1.1.1", 0);

	node.groups = &g;
	node.groups_count = 1;
	flood("web3", "its groups are not known yet");
	flood("", "a router");
	assert_json(whole(list_groups(&source)),
		    "[{\"group\":\"239.1.1.1\",\"vlan\":0,\"local\":false,"
		    "\"members\":[],\"flooded\":true,\"why\":"
		    "\"web3: its groups are not known yet; a peer: a "
		    "router\"}]");
	flood("web4", "x");
	flood("web5", "x");
	flood("web6", "x");
	json_t *groups = whole(list_groups(&source));
	ck_assert_str_eq(json_string_value(json_object_get(
				 json_array_get(groups, 0), "why")),
			 "web3: its groups are not known yet; a peer: a "
			 "router; web4: x; and 2 more");
	json_decref(groups);
	json_t *status = view_status(&source);
	json_t *all = json_object_get(json_object_get(status, "multicast"),
				      "flooded");
	ck_assert_uint_eq(json_array_size(all), 5);
	assert_json(json_incref(json_array_get(all, 2)),
		    "{\"peer\":\"web4\",\"why\":\"x\"}");
	json_decref(status);
}
END_TEST

START_TEST(any_number_of_groups_is_listed)
{
	static struct node_group_info many[1000];
	json_t *groups;

	for (int i = 0; i < 1000; i++) {
		many[i] = group("239.1.0.0", 0);
		many[i].ip[14] = (uint8_t)(i >> 8);
		many[i].ip[15] = (uint8_t)i;
	}
	node.groups = many;
	for (node.groups_count = 0; node.groups_count <= 1000;
	     node.groups_count += 125) {
		groups = whole(list_groups(&source));
		ck_assert_uint_eq(json_array_size(groups), node.groups_count);
		json_decref(groups);
	}
}
END_TEST

/* Between two steps the tables change, as they do between turns of the loop. */
START_TEST(what_comes_twice_in_a_walk_is_shown_once)
{
	struct node_group_info groups[] = {
		group("239.1.1.2", 0), group("239.1.1.1", 0),
		group("239.1.1.2", 0), group("239.1.1.1", 0),
		group("239.1.1.1", 1),
	};
	json_t *shown;

	node.groups = groups;
	node.groups_count = 5;
	shown = whole(list_groups(&source));
	ck_assert_uint_eq(json_array_size(shown), 3);
	json_decref(shown);
	for (uint8_t i = 0; i < 4; i++)
		node.macs[i] = (struct node_fdb_info){ .mac = { 2, i & 1 } };
	node.macs_count = 4;
	shown = whole(list_fdb(&source));
	ck_assert_uint_eq(json_array_size(shown), 2);
	json_decref(shown);
}
END_TEST

START_TEST(member_that_is_gone_hides_no_other_and_lends_its_place_to_none)
{
	struct node_group_info g = group("239.1.1.1", 0);
	struct control_list *list;
	json_t *row = NULL;

	add_peer("web2");
	add_peer("-");
	add_peer("web4");
	g.members[0] = 7 << 1;
	node.groups = &g;
	node.groups_count = 1;
	list = list_groups(&source);
	for (int i = 0; i < 2; i++) /* the group, the end */
		ck_assert_int_eq(list->step(list, &row), CONTROL_BUSY);
	snprintf(peers[1].info.name, sizeof(peers[1].info.name), "web5");
	snprintf(peers[0].info.name, sizeof(peers[0].info.name), "web6");
	ck_assert_int_eq(list->step(list, &row), CONTROL_ROW);
	assert_json(json_incref(json_object_get(row, "members")),
		    "[\"web2\",\"web4\"]");
	json_decref(row);
	ck_assert_int_eq(list->step(list, &row), CONTROL_END);
	list->free(list);
}
END_TEST

START_TEST(largest_tables_are_whole_and_each_step_reads_or_shows_one_row)
{
	const size_t count = 65536;
	struct control_list *list;
	size_t rows = 0, steps = 0;
	enum control_step step;
	char last[64] = "";
	json_t *row;

	node.groups = calloc(count, sizeof(*node.groups));
	ck_assert_ptr_nonnull(node.groups);
	for (size_t i = 0; i < count; i++) {
		uint16_t mixed = (uint16_t)(i * 40503);

		node.groups[i] = group("239.1.0.0", 0);
		node.groups[i].ip[14] = (uint8_t)(mixed >> 8);
		node.groups[i].ip[15] = (uint8_t)mixed;
	}
	node.groups_count = count;
	list = list_groups(&source);
	while ((step = list->step(list, &row)) != CONTROL_END) {
		char text[64];

		steps++;
		if (step != CONTROL_ROW)
			continue;
		snprintf(text, sizeof(text), "239.1.%zu.%zu", rows / 256,
			 rows % 256);
		snprintf(last, sizeof(last), "%s",
			 json_string_value(json_object_get(row, "group")));
		ck_assert_str_eq(last, text);
		rows++;
		json_decref(row);
	}
	list->free(list);
	free(node.groups);
	ck_assert_uint_eq(rows, count);
	ck_assert_uint_eq(steps, 2 * count + 1);
}
END_TEST

START_TEST(without_snooping_no_group_is_listed)
{
	struct node_group_info g = group("239.1.1.1", 0);

	node.groups = &g;
	node.groups_count = 1;
	source.multicast.snooping = false;
	assert_json(whole(list_groups(&source)), "[]");
}
END_TEST

START_TEST(what_the_checks_find_are_the_warnings)
{
	json_t *status;

	source.restart_pending = true;
	status = view_status(&source);
	assert_json(json_incref(json_object_get(status, "warnings")),
		    "[\"some changes take effect after a restart\","
		    "\"no peer is known: add one to peers\"]");
	json_decref(status);
}
END_TEST

START_TEST(doctor_is_told_what_the_checks_find_and_what_was_configured)
{
	struct conf conf = { .interface = { .multicast_route = true },
			     .secret_file = "/etc/tapd/secret",
			     .underlay_mtu = 1400,
			     .liveness_interval = 2.5,
			     .routing = { .device = "eth1", .mark = 0x7470 } };
	json_t *shown, *findings;

	source.conf = &conf;
	source.interface.up = false;
	add_peer("web2");
	shown = view_doctor(&source);
	findings = json_object_get(shown, "findings");
	ck_assert_uint_eq(json_array_size(findings), 1);
	json_object_del(json_array_get(findings, 0), "advice");
	assert_json(json_incref(findings),
		    "[{\"id\":\"link-down\",\"severity\":\"error\","
		    "\"what\":\"tap0 is down: ip link set dev tap0 up\"}]");
	json_object_del(json_object_get(shown, "settings"), "pid");
	assert_json(json_incref(json_object_get(shown, "settings")),
		    "{\"multicast_route\":true,"
		    "\"secret_file\":\"/etc/tapd/secret\","
		    "\"underlay_mtu\":1400,\"liveness_interval\":2.5,"
		    "\"device\":\"eth1\",\"mark\":29808}");
	json_decref(shown);
}
END_TEST

START_TEST(loss_that_is_no_number_is_null)
{
	json_t *shown;

	add_peer("web2")->loss = (double)NAN;
	shown = whole(list_peers(&source));
	ck_assert(json_is_null(
		json_object_get(json_array_get(shown, 0), "loss")));
	json_decref(shown);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("views", .setup = setup),
	UNIT_TEST(status_has_every_key),
	UNIT_TEST(status_says_what_is_not_sealed),
	UNIT_TEST(what_is_not_sealed_has_no_keys),
	UNIT_TEST(why_nothing_is_merged_is_in_the_status),
	UNIT_TEST(peer_that_is_up_has_its_measures),
	UNIT_TEST(peer_behind_a_relay_shows_which),
	UNIT_TEST(peer_nobody_knows_is_all_null),
	UNIT_TEST(name_that_is_not_utf8_is_null),
	UNIT_TEST(states_have_their_names),
	UNIT_TEST(fdb_names_the_owner_of_each_mac),
	UNIT_TEST(drops_list_every_reason_zeros_too),
	UNIT_TEST(groups_are_in_order_and_name_their_members),
	UNIT_TEST(flooded_group_says_to_whom_and_why),
	UNIT_TEST(any_number_of_groups_is_listed),
	UNIT_TEST(what_comes_twice_in_a_walk_is_shown_once),
	UNIT_TEST(
		member_that_is_gone_hides_no_other_and_lends_its_place_to_none),
	UNIT_TEST(
		largest_tables_are_whole_and_each_step_reads_or_shows_one_row),
	UNIT_TEST(without_snooping_no_group_is_listed),
	UNIT_TEST(what_the_checks_find_are_the_warnings),
	UNIT_TEST(doctor_is_told_what_the_checks_find_and_what_was_configured),
	UNIT_TEST(loss_that_is_no_number_is_null),
};

UNIT_MAIN("views", tests)
