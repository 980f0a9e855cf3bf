/* The metrics of a snapshot that is made up here. node_drops stands in for the
 * library's. */
#include "support/main.h"
#include "tapd/control/metric_families.h"
#include "tapd/control/metrics.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
	uint64_t drops[DROP_REASON_COUNT];
};

static struct node node;
static struct snapshot source;
static struct snapshot_peer peers[NODE_PEERS_MAX];
static char *text; /* what was last shown */
static size_t text_len, lines_count;

const uint64_t *node_drops(const struct node *n)
{
	return n->drops;
}

static void setup(void)
{
	memset(&node, 0, sizeof(node));
	memset(peers, 0, sizeof(peers));
	source = (struct snapshot){
		.node = &node,
		.node_name = "web1",
		.status = { .aead = "openssl",
			    .fdb_moves = 7,
			    .rekeys = 3,
			    .peers_relayed = 4,
			    .relay = { 2, 9, 900 } },
		.peers = peers,
		.interface = { .name = "tap0", .present = true, .up = true },
		.receive_buffer = 8 * 1024 * 1024,
		.now_us = 5000 * CLOCK_S,
		.started_us = 4000 * CLOCK_S,
		.wall_us = 1700000000 * CLOCK_S,
		.started_wall_us = 1699999000 * CLOCK_S + 500 * CLOCK_MS,
		.reload_wall_us = 1699999900 * CLOCK_S,
	};
	text = NULL;
}

static void teardown(void)
{
	free(text);
}

static struct node_peer_info *add_peer(const char *name)
{
	struct node_peer_info *p = &peers[source.peers_count].info;

	*p = (struct node_peer_info){ .state = NODE_PEER_STATE_UP,
				      .has_key = true,
				      .rtt_us = 1500,
				      .datagram_size = 1452,
				      .loss = 0.25 };
	p->key.bytes[0] = (uint8_t)++source.peers_count;
	p->key.bytes[1] = (uint8_t)(source.peers_count >> 8);
	snprintf(p->name, sizeof(p->name), "%s", name);
	source.status.peers_total++;
	source.status.peers_up++;
	return p;
}

static void show(void)
{
	struct metrics *m = metrics_new(&source);
	FILE *out;
	const char *line;

	ck_assert_ptr_nonnull(m);
	free(text);
	out = open_memstream(&text, &text_len);
	ck_assert_ptr_nonnull(out);
	fputc('\n', out);
	for (lines_count = 0; (line = metrics_next(m)); lines_count++)
		fprintf(out, "%s\n", line);
	fclose(out);
	ck_assert_ptr_null(metrics_next(m));
	metrics_free(m);
}

/* Whether there is such a line. */
static bool shows(const char *line)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	return strstr(text, whole) != NULL;
}

static void assert_shows(const char *line)
{
	ck_assert_msg(shows(line), "%s, in:%s", line, text);
}

/* So many samples of the family. */
static void assert_samples(const char *name, size_t count)
{
	size_t found = 0;
	char begin[128];

	snprintf(begin, sizeof(begin), "\n%s{", name);
	for (const char *at = text; (at = strstr(at, begin)); at++)
		found++;
	ck_assert_msg(found == count, "%s: %zu", name, found);
}

START_TEST(what_the_daemon_is_and_counts)
{
	node.drops[DROP_mac1] = 12;
	source.status.tx.frames = UINT64_C(123456789012345);
	source.interface.carrier = true;
	source.flooded_count = 2;
	source.multicast.groups = 9;
	show();
	assert_shows("# HELP tapd_drops_total Frames and datagrams that went "
		     "no further; tapctl drops explains the reasons.");
	assert_shows("# TYPE tapd_drops_total counter");
	assert_shows(
		"tapd_build_info{interface=\"tap0\",version=\"" TAPD_VERSION
		"\",aead=\"openssl\"} 1");
	assert_shows("tapd_start_time_seconds{interface=\"tap0\"} "
		     "1699999000.5");
	assert_shows("tapd_config_last_reload_successful{interface=\"tap0\"} "
		     "1");
	assert_shows("tapd_config_last_reload_timestamp_seconds{interface="
		     "\"tap0\"} 1699999900");
	assert_shows("tapd_interface_transmit_frames_total{interface=\"tap0\"}"
		     " 123456789012345");
	assert_shows("tapd_interface_carrier{interface=\"tap0\"} 1");
	assert_shows("tapd_fdb_moves_total{interface=\"tap0\"} 7");
	assert_shows("tapd_rekeys_total{interface=\"tap0\"} 3");
	assert_shows("tapd_peers_relayed{interface=\"tap0\"} 4");
	assert_shows("tapd_relay_legs{interface=\"tap0\"} 2");
	assert_shows("tapd_relayed_datagrams_total{interface=\"tap0\"} 9");
	assert_shows("tapd_relayed_bytes_total{interface=\"tap0\"} 900");
	assert_shows("tapd_groups{interface=\"tap0\"} 9");
	assert_shows("tapd_groups_flooded{interface=\"tap0\"} 2");
	assert_shows("tapd_drops_total{interface=\"tap0\",reason=\"mac1\"} 12");
	assert_shows("tapd_drops_total{interface=\"tap0\",reason=\"replay\"} "
		     "0");
	assert_samples("tapd_drops_total", DROP_REASON_COUNT - 1);
}
END_TEST

START_TEST(a_peer_that_is_up_has_its_measures)
{
	struct node_peer_info *p = add_peer("web2");

	p->tx.bytes = 100;
	p->rx.datagrams = 5;
	p->sessions = 4;
	p->sessions_incomplete = 1;
	p->downs[NODE_DOWN_BYE] = 2;
	show();
#define WEB2 "{interface=\"tap0\",peer=\"web2\""
	assert_shows("tapd_peer_up" WEB2 "} 1");
	assert_shows("tapd_peer_rtt_seconds" WEB2 "} 0.0015");
	assert_shows("tapd_peer_loss_ratio" WEB2 "} 0.25");
	assert_shows("tapd_peer_datagram_max_bytes" WEB2 "} 1452");
	assert_shows("tapd_peer_transmit_bytes_total" WEB2 "} 100");
	assert_shows("tapd_peer_receive_datagrams_total" WEB2 "} 5");
	assert_shows("tapd_peer_sessions_total" WEB2 ",result=\"opened\"} 4");
	assert_shows("tapd_peer_sessions_total" WEB2
		     ",result=\"incomplete\"} 1");
	assert_shows("tapd_peer_down_total" WEB2 ",reason=\"bye\"} 2");
	assert_shows("tapd_peer_down_total" WEB2 ",reason=\"silent\"} 0");
	assert_samples("tapd_peer_down_total", NODE_DOWN_COUNT);
}
END_TEST

START_TEST(what_is_not_known_is_left_out)
{
	struct node_peer_info *p = add_peer("web2");

	p->state = NODE_PEER_STATE_DOWN;
	p->datagram_size = 0;
	show();
	assert_shows("tapd_peer_up" WEB2 "} 0");
	assert_samples("tapd_peer_rtt_seconds", 0);
	assert_samples("tapd_peer_loss_ratio", 0);
	assert_samples("tapd_peer_datagram_max_bytes", 0);
}
END_TEST

START_TEST(hosts_without_a_name_are_only_counted)
{
	add_peer("web2");
	add_peer("")->state = NODE_PEER_STATE_CONNECTING;
	add_peer("web9")->has_key = false;
	show();
	assert_samples("tapd_peer_up", 1);
	assert_shows("tapd_peers{interface=\"tap0\",state=\"up\"} 2");
	assert_shows("tapd_peers{interface=\"tap0\",state=\"connecting\"} 1");
	assert_shows("tapd_peers{interface=\"tap0\",state=\"down\"} 0");
}
END_TEST

START_TEST(peers_that_are_not_sealed_to_have_no_round_trips)
{
	struct node_peer_info *p = add_peer("10.9.0.2");

	p->has_key = false;
	p->rtt_us = 0;
	p->loss = 0;
	source.encapsulation = NODE_VXLAN;
	show();
	assert_shows("tapd_peer_up{interface=\"tap0\",peer=\"10.9.0.2\"} 1");
	assert_samples("tapd_peer_rtt_seconds", 0);
	assert_samples("tapd_peer_loss_ratio", 0);
	assert_samples("tapd_peer_transmit_frames_total", 1);
	assert_shows(
		"tapd_build_info{interface=\"tap0\",version=\"" TAPD_VERSION
		"\",aead=\"none\"} 1");
}
END_TEST

START_TEST(peers_of_one_name_are_told_apart)
{
	char key[KEY_STRLEN], line[256];

	add_peer("web2");
	add_peer("web3");
	add_peer("web2");
	show();
	for (size_t i = 0; i < 3; i += 2) {
		snprintf(line, sizeof(line),
			 "tapd_peer_up"
			 "{interface="
			 "\"tap0\",peer=\"web2~%s\"} 1",
			 key_print(peers[i].info.key.bytes, key));
		assert_shows(line);
	}
	assert_shows("tapd_peer_up{interface=\"tap0\",peer=\"web3\"} 1");
	ck_assert(!shows("tapd_peer_up" WEB2 "} 1"));
}
END_TEST

START_TEST(names_cannot_end_a_label)
{
	add_peer("a\"b\\c\nd\xff"
		 "e");
	source.interface.name = "t\"0";
	show();
	assert_shows("tapd_peer_up{interface=\"t\\\"0\",peer=\"a\\\"b\\\\c?d?e"
		     "\"} 1");
}
END_TEST

START_TEST(a_source_that_is_asked_says_when_it_answered)
{
	source.sources[0] = (struct snapshot_source){ .name = "peers",
						      .endpoints = 3,
						      .error = "" };
	source.sources[1] =
		(struct snapshot_source){ .name = "file",
					  .asked = true,
					  .error = "gone",
					  .failures = 4,
					  .good_us = 4900 * CLOCK_S + 1 };
	source.sources[2] = (struct snapshot_source){ .name = "dns",
						      .asked = true,
						      .error = "no" };
	source.sources_count = 3;
	show();
#define SOURCE(name) "{interface=\"tap0\",source=\"" name "\"} "
	assert_shows("tapd_discovery_endpoints" SOURCE("peers") "3");
	assert_samples("tapd_discovery_failures_total", 2);
	assert_shows("tapd_discovery_failures_total" SOURCE("file") "4");
	assert_shows("tapd_discovery_last_success_timestamp_seconds" SOURCE(
		"file") "1699999900");
	assert_shows("tapd_discovery_last_success_timestamp_seconds" SOURCE(
		"dns") "0");
}
END_TEST

START_TEST(warnings_are_counted_by_their_check)
{
	source.interface.up = false;
	source.reload_failed = true;
	show();
	assert_shows("tapd_warnings{interface=\"tap0\",check=\"link-down\","
		     "severity=\"error\"} 1");
	assert_shows("tapd_warnings{interface=\"tap0\",check=\"mtu-differs\","
		     "severity=\"warning\"} 0");
	assert_samples("tapd_warnings", checks_count);
	assert_shows("tapd_config_last_reload_successful{interface=\"tap0\"} "
		     "0");
}
END_TEST

START_TEST(text_of_the_largest_mesh_is_bounded)
{
	char name[NODE_NAME_MAX + 1];

	for (unsigned i = 0; i < NODE_PEERS_MAX; i++) {
		snprintf(name, sizeof(name), "%063u", i);
		add_peer(name)->tx.bytes = UINT64_MAX;
	}
	show();
	assert_samples("tapd_peer_up", NODE_PEERS_MAX);
	ck_assert_uint_lt(lines_count, 9000);
	ck_assert_uint_lt(text_len, 1500000);
}
END_TEST

START_TEST(it_is_a_table_of_tapctls)
{
	struct control_list *list = list_metrics(&source);
	size_t rows = 0;
	json_t *row;

	show();
	ck_assert_ptr_nonnull(list);
	while (list->step(list, &row) == CONTROL_ROW) {
		ck_assert(json_is_string(row));
		json_decref(row);
		rows++;
	}
	ck_assert_uint_eq(rows, lines_count);
	list->free(list);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("metrics", .setup = setup, .teardown = teardown),
	UNIT_TEST(what_the_daemon_is_and_counts),
	UNIT_TEST(a_peer_that_is_up_has_its_measures),
	UNIT_TEST(what_is_not_known_is_left_out),
	UNIT_TEST(hosts_without_a_name_are_only_counted),
	UNIT_TEST(peers_that_are_not_sealed_to_have_no_round_trips),
	UNIT_TEST(peers_of_one_name_are_told_apart),
	UNIT_TEST(names_cannot_end_a_label),
	UNIT_TEST(a_source_that_is_asked_says_when_it_answered),
	UNIT_TEST(warnings_are_counted_by_their_check),
	UNIT_TEST(text_of_the_largest_mesh_is_bounded),
	UNIT_TEST(it_is_a_table_of_tapctls),
};

UNIT_MAIN("metrics", tests)
