#include "tapd/ctl/render.h"

#include <string.h>

#include "base/drop.h"
#include "support/main.h"
#include "unit/ctl/screen.h"

#define NAME_63                                \
	"abcdefghijklmnopqrstuvwxyz0123456789" \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ."
#define IPV6 "[fd00:1111:2222:3333:4444:5555:6666:7777%4294967295]:65535"
#define KEY  "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define MAX  "9223372036854775807"

static json_t *json(const char *text)
{
	json_error_t error;
	json_t *value = json_loads(text, JSON_DECODE_ANY, &error);

	ck_assert_msg(value != NULL, "%s in %s", error.text, text);
	return value;
}

static void drops_some(FILE *out, json_t *value)
{
	render_drops(out, value, false);
}

static void drops_all(FILE *out, json_t *value)
{
	render_drops(out, value, true);
}

typedef void (*render_fn)(FILE *out, json_t *value);

#define RENDER_FN(name)                            \
	static void name(FILE *out, json_t *value) \
	{                                          \
		render_##name(out, value);         \
	}
RENDER_FN(status)
RENDER_FN(peers)
RENDER_FN(peer_details)
RENDER_FN(fdb)
RENDER_FN(reload)
RENDER_FN(rekey)

static void event(FILE *out, json_t *value)
{
	render_event(out, value);
}

/* [groups, status] */
static void groups(FILE *out, json_t *value)
{
	render_groups(out, json_array_get(value, 0), json_array_get(value, 1));
}

/* What is printed, to be freed. */
static char *print(render_fn render, const char *text)
{
	json_t *value = json(text);
	struct screen s;

	screen_open(&s);
	render(s.out, value);
	json_decref(value);
	return screen_close(&s);
}

static void assert_prints(render_fn render, const char *text,
			  const char *expected)
{
	char *printed = print(render, text);

	ck_assert_str_eq(printed, expected);
	free(printed);
}

START_TEST(status_is_one_screen)
{
	assert_prints(
		status,
		"{\"version\": \"0.1.0\", \"name\": \"web1\", \"key\": \"" KEY
		"\", \"interface\": {\"name\": \"tap0\", \"mac\": "
		"\"52:54:00:00:00:ab\", \"mtu\": 1500, \"carrier\": true}, "
		"\"uptime_s\": 99911, \"peers\": {\"total\": 6, \"up\": 5}, "
		"\"tx\": {\"frames\": 12345678, \"datagrams\": 5555, "
		"\"bytes\": 12345678901}, \"rx\": {\"frames\": 0, "
		"\"datagrams\": 0, \"bytes\": 0}, \"rates\": {\"tx_frames\": "
		"1234, \"tx_bytes\": 1234567, \"rx_frames\": 0, \"rx_bytes\": "
		"0}, \"aead\": \"openssl\", \"multicast\": {\"snooping\": "
		"true, "
		"\"groups\": 12, \"wants_all\": null}, \"warnings\": [\"a\", "
		"\"none of "
		"the peers that are up has told us that it is not the one "
		"whose MTU differs\"]}",
		"interface  tap0 52:54:00:00:00:ab mtu 1500 carrier up\n"
		"node       web1\n"
		"key        " KEY "\n"
		"tapd       0.1.0, up 1d03h, sealing with openssl\n"
		"peers      5 of 6 up\n"
		"sent       1234 frames/s, 1.2MiB/s; in all 12M frames, 5555 "
		"datagrams, 11GiB\n"
		"received   0 frames/s, 0B/s; in all 0 frames, 0 datagrams, "
		"0B\n"
		"multicast  members only; 12 groups joined here\n"
		"warning    a\n"
		"warning    none of the peers that are up has told us that it "
		"is not the one\n"
		"           whose MTU differs\n");
}
END_TEST

START_TEST(status_says_who_carries_and_how_this_host_is_seen)
{
	char *printed = print(
		status,
		"{\"peers\": {\"total\": 6, \"up\": 5}, \"relayed\": 2, "
		"\"relay\": {\"on\": true, \"legs\": 1, \"datagrams\": 9, "
		"\"bytes\": 2048}, \"nat\": {\"observed\": "
		"[\"203.0.113.1:40001\"], \"translated\": true, "
		"\"symmetric\": true}}");

	ck_assert_msg(
		strstr(printed,
		       "\npeers      5 of 6 up, 2 through relays\n"
		       "NAT        peers see this host at 203.0.113.1:40001, "
		       "and each at another address\n"
		       "relay      for 1 pair of peers; in all 9 datagrams, "
		       "2.0KiB\n") != NULL,
		"%s", printed);
	free(printed);
}
END_TEST

START_TEST(relayed_peers_show_their_relay)
{
	char *printed = print(
		peers, "[{\"name\": \"web2\", \"endpoint\": \"10.9.0.9:8273\", "
		       "\"via\": \"web9\", \"state\": \"up\", \"why\": \"\"}]");

	ck_assert_ptr_nonnull(strstr(printed, "web2  via web9  up"));
	ck_assert_ptr_null(strstr(printed, "10.9.0.9"));
	free(printed);
	printed = print(event, "{\"event\": \"peer_path\", \"peer\": \"web2\", "
			       "\"endpoint\": \"10.9.0.2:8273\", \"via\": "
			       "null}");
	ck_assert_ptr_nonnull(
		strstr(printed, "web2 is reached directly at 10.9.0.2:8273\n"));
	free(printed);
	printed = print(event, "{\"event\": \"peer_path\", \"peer\": \"web2\", "
			       "\"endpoint\": \"10.9.0.9:8273\", \"via\": "
			       "\"web9\"}");
	ck_assert_ptr_nonnull(
		strstr(printed, "web2 is reached through web9\n"));
	free(printed);
}
END_TEST

START_TEST(status_says_first_what_is_not_sealed)
{
	char *printed = print(
		status,
		"{\"version\": \"0.2.0\", \"name\": \"web1\", \"key\": null, "
		"\"sealed\": false, \"encapsulation\": \"vxlan\", "
		"\"network_id\": 42, \"uptime_s\": 3, \"aead\": null}");
	const char *expected = "network    not sealed: VXLAN 42: whoever is on "
			       "the network below"
			       " can read frames\n"
			       "           and send its own\n"
			       "interface  ";

	ck_assert_msg(strncmp(printed, expected, strlen(expected)) == 0, "%s",
		      printed);
	ck_assert_ptr_nonnull(strstr(printed, "\ntapd       0.2.0, up 3s\n"));
	ck_assert_ptr_null(strstr(printed, "\nkey"));
	free(printed);
	printed = print(status, "{\"sealed\": false, \"encapsulation\": "
				"\"gre\", \"network_id\": null}");
	ck_assert_ptr_nonnull(strstr(printed, "not sealed: GRE: whoever"));
	free(printed);
}
END_TEST

START_TEST(status_says_by_which_routes_datagrams_leave)
{
	static const struct {
		const char *status, *line;
	} cases[] = {
		{ "{\"device\": \"eth1\", \"mark\": 29808}",
		  "\nunderlay   device eth1, mark 0x7470\n" },
		{ "{\"device\": \"vrf-blue\", \"mark\": null}",
		  "\nunderlay   device vrf-blue\n" },
		{ "{\"device\": null, \"mark\": 1}",
		  "\nunderlay   mark 0x1\n" },
		{ "{\"device\": null, \"mark\": null}", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *printed = print(status, cases[i].status);

		ck_assert(cases[i].line ? strstr(printed, cases[i].line) != NULL
					: strstr(printed, "underlay") == NULL);
		free(printed);
	}
}
END_TEST

START_TEST(status_says_why_nothing_is_merged)
{
	char *printed = print(
		status,
		"{\"offload\": {\"tap\": \"all\", \"merge\": \"all\", "
		"\"send\": \"all\", \"receive\": \"all\"}, \"merging\": "
		"{\"on\": false, \"why\": \"a packet socket captures on it "
		"(protocol 0003)\"}}");

	ck_assert_ptr_nonnull(
		strstr(printed, "\nmerging    off: a packet socket captures on"
				" it (protocol 0003)\n"));
	free(printed);
	printed = print(status, "{\"offload\": {}, \"merging\": {\"on\": "
				"true, \"why\": null}}");
	ck_assert_ptr_null(strstr(printed, "merging"));
	free(printed);
}
END_TEST

START_TEST(status_shows_what_waits)
{
	char *printed = print(
		status, "{\"queue\": {\"frames\": 3, \"backlog\": 4500, "
			"\"sojourn_us\": 120, \"drops\": 7, \"marks\": 2}}");

	ck_assert_ptr_nonnull(strstr(
		printed,
		"\nqueue      4.4KiB, waited 120µs; 7 dropped, 2 marked\n"));
	free(printed);
}
END_TEST

START_TEST(peers_are_a_line_each_and_say_why_they_are_not_up)
{
	assert_prints(
		peers,
		"[{\"name\": \"web2\", \"endpoint\": \"10.9.0.2:8273\", "
		"\"state\": \"up\", \"why\": \"\", \"rtt_us\": 312, \"loss\": "
		"0.0, \"datagram_size\": 1472, \"rates\": {\"tx_bytes\": "
		"123456, \"rx_bytes\": 12}},"
		"{\"name\": null, \"endpoint\": \"10.9.0.4:8273\", \"state\": "
		"\"connecting\", \"why\": \"no answer: is UDP 8273 open both "
		"ways?\", \"rtt_us\": null, \"loss\": null, "
		"\"datagram_size\": null},"
		"{\"name\": \"node10\", \"endpoint\": \"10.9.0.10:8273\", "
		"\"state\": \"up\", \"why\": \"\", \"rtt_us\": 12345, "
		"\"loss\": 0.125, \"datagram_size\": null}]",
		"NAME    ENDPOINT        STATE    RTT  LOSS  SIZE    TX/s  "
		"RX/s\n"
		"web2    10.9.0.2:8273   up     312µs    0%  1472  121KiB   "
		"12B\n"
		"-       10.9.0.4:8273   connecting\n"
		"    no answer: is UDP 8273 open both ways?\n"
		"node10  10.9.0.10:8273  up      12ms   12%     -       -     "
		"-\n");
}
END_TEST

START_TEST(peer_alone_is_shown_whole)
{
	assert_prints(
		peer_details,
		"[{\"name\": \"web2\", \"key\": \"" KEY "\", \"endpoint\": "
		"\"10.9.0.2:8273\", \"state\": \"up\", \"why\": \"\", "
		"\"rtt_us\": 312, \"loss\": 0.005, \"tap_mtu\": 1500, "
		"\"tap_mac\": \"52:54:00:00:00:ab\", \"state_s\": 200, "
		"\"heard_s\": 1, \"sent_s\": 0, \"sources\": [\"file\", "
		"\"exchange\"], \"tx\": {\"frames\": 5, \"datagrams\": 4, "
		"\"bytes\": 2048}, \"rx\": {}, \"rates\": {\"tx_bytes\": 12}, "
		"\"paths\": [{\"state\": \"used\", \"local\": "
		"\"10.9.0.1:8273\", "
		"\"remote\": \"10.9.0.2:8273\", \"datagram_size\": 1472, "
		"\"size_max\": 9188, \"size_probed\": 4472}, {\"state\": "
		"\"known\", \"remote\": \"[fd00::2]:8273\"}], \"sessions\": "
		"[{\"used\": true, \"open\": true, \"initiator\": true, "
		"\"rekeyed\": true, \"age_s\": 45, \"sent\": 10, \"received\": "
		"12}, {\"used\": false, \"initiator\": false, \"rekeyed\": "
		"false, \"age_s\": 160, \"sent\": 10, \"received\": 9}], "
		"\"groups\": [{\"group\": \"239.1.1.1\", \"vlan\": 0}, "
		"{\"group\": \"ff05::1\", \"vlan\": 7}], \"groups_total\": 12, "
		"\"gets_all\": \"a bridge\"}]",
		"name       web2\n"
		"key        " KEY "\n"
		"endpoint   10.9.0.2:8273\n"
		"state      up for 3m20s; heard 1s ago, sent to 0s ago\n"
		"found by   file, exchange\n"
		"interface  52:54:00:00:00:ab mtu 1500\n"
		"path       round trip 312µs, loss 0.5%\n"
		"           used: 10.9.0.2:8273 from 10.9.0.1:8273, datagrams "
		"of 1472 bytes, at\n"
		"           most 9188, trying 4472\n"
		"           known: [fd00::2]:8273\n"
		"sent       12B/s; in all 5 frames, 4 datagrams, 2.0KiB\n"
		"received   -/s; in all - frames, - datagrams, -\n"
		"sessions   used, rekeyed by this host, 45s old; 10 datagrams "
		"sent, 12 received\n"
		"           receives, made by the peer, 2m40s old; 10 "
		"datagrams "
		"sent, 9 received\n"
		"groups     239.1.1.1 ff05::1@7 and 10 more\n"
		"           gets every group: a bridge\n");
}
END_TEST

/* At 23:04:05.123. */
static void assert_event(const char *said, const char *expected)
{
	char text[512], line[512];

	snprintf(text, sizeof(text),
		 "{\"time\": \"2026-11-29T23:04:05.123Z\", \"event\": %s}",
		 said);
	snprintf(line, sizeof(line), "23:04:05.123  %s\n", expected);
	ck_assert_msg(strlen(text) + 1 < sizeof(text), "room");
	assert_prints(event, text, line);
}

START_TEST(events_are_sentences)
{
	assert_event("\"peer_up\", \"peer\": \"web2\", \"endpoint\": "
		     "\"10.9.0.2:8273\"",
		     "web2 (10.9.0.2:8273) is up");
	assert_event("\"peer_down\", \"peer\": \"web2\", \"endpoint\": "
		     "\"10.9.0.2:8273\", \"why\": \"it said goodbye\"",
		     "web2 (10.9.0.2:8273) is down: it said goodbye");
	assert_event("\"peer_moved\", \"peer\": \"web2\", \"endpoint\": "
		     "\"10.9.0.3:8273\"",
		     "web2 moved to 10.9.0.3:8273");
	assert_event("\"mac_moved\", \"mac\": \"00:00:5e:00:01:33\", "
		     "\"vlan\": 7, \"from\": \"web2\", \"to\": \"local\"",
		     "00:00:5e:00:01:33 moved from web2 to this host (VLAN 7)");
	assert_event("\"group_joined\", \"group\": \"239.1.1.1\", \"vlan\": 0, "
		     "\"peer\": \"web2\"",
		     "web2 joined 239.1.1.1");
	assert_event("\"group_left\", \"group\": \"239.1.1.1\", \"vlan\": 0, "
		     "\"peer\": \"local\"",
		     "this host left 239.1.1.1");
	assert_event("\"source_changed\", \"source\": \"file\", \"endpoints\": "
		     "5, \"before\": 4",
		     "file lists 5 endpoints, 4 before");
	assert_event("\"warning\", \"text\": \"tap0 is down\"",
		     "warning: tap0 is down");
	assert_event("\"lost\", \"count\": 12",
		     "12 events are missing here: they were not read in time");
}
END_TEST

START_TEST(peers_that_are_discovered_say_from_where)
{
	assert_prints(
		peers,
		"[{\"name\": \"web2\", \"endpoint\": \"10.9.0.2:8273\", "
		"\"state\": \"up\", \"sources\": [\"peers\", \"exchange\"]},"
		"{\"name\": \"web3\", \"endpoint\": \"10.9.0.3:8273\", "
		"\"state\": \"connecting\", \"sources\": [\"file\", \"dns\"]},"
		"{\"name\": \"web4\", \"endpoint\": \"10.9.0.4:8273\", "
		"\"state\": \"down\", \"sources\": [\"exchange\"]},"
		"{\"name\": \"web5\", \"endpoint\": \"10.9.0.5:8273\", "
		"\"state\": \"down\", \"sources\": []}]",
		"NAME  ENDPOINT       FROM      STATE  RTT  LOSS  SIZE  TX/s  "
		"RX/s\n"
		"web2  10.9.0.2:8273  peers     up       -     -     -     -  "
		"   -\n"
		"web3  10.9.0.3:8273  file,dns  connecting\n"
		"web4  10.9.0.4:8273  exchange  down\n"
		"web5  10.9.0.5:8273  -         down\n");
	/* From the configuration's list alone, it is not worth a column. */
	assert_prints(
		peers,
		"[{\"name\": \"web2\", \"endpoint\": \"10.9.0.2:8273\", "
		"\"state\": \"up\", \"sources\": [\"peers\", \"exchange\"]},"
		"{\"name\": \"web5\", \"endpoint\": \"10.9.0.5:8273\", "
		"\"state\": \"down\", \"sources\": []}]",
		"NAME  ENDPOINT       STATE  RTT  LOSS  SIZE  TX/s  RX/s\n"
		"web2  10.9.0.2:8273  up       -     -     -     -     -\n"
		"web5  10.9.0.5:8273  down\n");
}
END_TEST

START_TEST(status_shows_the_sources)
{
	char *printed = print(
		status,
		"{\"sources\": [{\"source\": \"file\", \"endpoints\": 12, "
		"\"age_s\": 3, \"error\": null}, {\"source\": \"dns\", "
		"\"endpoints\": 0, \"age_s\": null, \"error\": \"no\"}]}");

	ck_assert_ptr_nonnull(
		strstr(printed, "\nsources    file 12, dns 0 (!)\n"));
	free(printed);
	printed = print(status, "{\"sources\": []}");
	ck_assert_ptr_null(strstr(printed, "sources"));
	free(printed);
}
END_TEST

START_TEST(state_that_is_its_own_reason_is_said_once)
{
	assert_prints(
		peers,
		"[{\"name\": \"web2\", \"endpoint\": \"10.9.0.2:8273\", "
		"\"state\": \"connecting\", \"why\": \"connecting\"}]",
		"NAME  ENDPOINT       STATE  RTT  LOSS  SIZE  TX/s  RX/s\n"
		"web2  10.9.0.2:8273  connecting\n");
}
END_TEST

START_TEST(fdb_says_whose_mac_is_where)
{
	assert_prints(fdb,
		      "[{\"mac\": \"02:00:00:00:00:01\", \"vlan\": 0, "
		      "\"owner\": \"local\", \"age_s\": 1},"
		      "{\"mac\": \"00:00:5e:00:01:07\", \"vlan\": 100, "
		      "\"owner\": \"web2\", \"age_s\": 200}]",
		      "MAC                VLAN    AGE  OWNER\n"
		      "02:00:00:00:00:01     -     1s  local\n"
		      "00:00:5e:00:01:07   100  3m20s  web2\n");
}
END_TEST

START_TEST(status_says_who_gets_multicast)
{
	static const struct {
		const char *multicast, *expected;
	} table[] = {
		{ "{\"snooping\": true, \"groups\": 1, \"wants_all\": null}",
		  "members only; 1 group joined here\n" },
		{ "{\"snooping\": true, \"groups\": 0}",
		  "members only; 0 groups joined here\n" },
		{ "{\"snooping\": false, \"groups\": 3, \"wants_all\": \"x\"}",
		  "flooded to all (snooping = false)\n" },
		{ "{\"snooping\": true, \"wants_all\": \"a router\"}",
		  "this host wants every group: a router\n" },
		{ "5", "-\n" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char text[256], expected[128], *printed;

		snprintf(text, sizeof(text), "{\"multicast\": %s}",
			 table[i].multicast);
		snprintf(expected, sizeof(expected), "\nmulticast  %s",
			 table[i].expected);
		printed = print(status, text);
		ck_assert_msg(strstr(printed, expected) != NULL, "%s", printed);
		free(printed);
	}
}
END_TEST

START_TEST(groups_name_their_members_and_below_them_who_gets_all)
{
	assert_prints(groups,
		      "[[{\"group\": \"239.1.1.1\", \"vlan\": 0, \"local\": "
		      "true, \"members\": [\"web2\", \"web3\"], \"flooded\": "
		      "true, \"why\": \"web4: new\"},"
		      "{\"group\": \"ff0e::fb\", \"vlan\": 7, \"local\": "
		      "false, \"members\": [null], \"flooded\": true},"
		      "{\"group\": \"239.1.1.2\", \"vlan\": 0, \"local\": "
		      "true, \"members\": []}], {\"multicast\": {\"snooping\": "
		      "true, \"flooded\": [{\"peer\": \"web4\", \"why\": "
		      "\"its groups are not known yet\"}, {\"peer\": null, "
		      "\"why\": \"a router\"}]}}]",
		      "GROUP      VLAN  LOCAL  MEMBERS\n"
		      "239.1.1.1     -  yes    web2 web3\n"
		      "ff0e::fb      7  no     -\n"
		      "239.1.1.2     -  yes    -\n"
		      "web4 gets every group: its groups are not known yet\n"
		      "- gets every group: a router\n");
	assert_prints(groups, "[[], {\"multicast\": {\"flooded\": []}}]",
		      "no group was joined\n");
}
END_TEST

START_TEST(without_snooping_there_are_no_groups)
{
	assert_prints(groups, "[[], {\"multicast\": {\"snooping\": false}}]",
		      "all multicast goes to all peers (multicast.snooping = "
		      "false)\n");
}
END_TEST

START_TEST(drops_that_happened_come_first_and_are_explained)
{
	static const char drops[] = "{\"frame_short\": 0, \"replay\": 123, "
				    "\"of_tomorrow\": 4}";

	assert_prints(
		drops_some, drops,
		"COUNT  REASON       MEANING\n"
		"  123  replay       datagram already seen, or too old to "
		"tell\n"
		"    4  of_tomorrow  -\n"
		"(1 more at 0: tapctl drops --all)\n");
	assert_prints(
		drops_all, drops,
		"COUNT  REASON       MEANING\n"
		"  123  replay       datagram already seen, or too old to "
		"tell\n"
		"    4  of_tomorrow  -\n"
		"    0  frame_short  frame shorter than its Ethernet "
		"header\n");
	assert_prints(drops_some, "{\"replay\": 0}", "nothing was dropped\n");
}
END_TEST

START_TEST(reload_lists_the_changes)
{
	assert_prints(reload, "{\"changes\": [\"- a = 1;\", \"+ a = 2;\"]}",
		      "- a = 1;\n+ a = 2;\n");
	assert_prints(reload, "{\"changes\": []}", "nothing changed\n");
}
END_TEST

START_TEST(rekey_counts_the_sessions)
{
	assert_prints(rekey, "{\"sessions\": 0}",
		      "wiped the keys of 0 sessions\n");
	assert_prints(rekey, "{\"sessions\": 1}",
		      "wiped the keys of 1 session\n");
}
END_TEST

/* ---- whatever is answered, it fits and does not drive the terminal ---- */

static const struct {
	render_fn render;
	const char *text;
} extremes[] = {
	{ status,
	  "{\"version\": \"" NAME_63 NAME_63 "\", \"name\": \"" NAME_63 "\", "
	  "\"key\": \"" KEY KEY KEY "\", \"interface\": {\"name\": \"" NAME_63
	  "\", \"mac\": \"" NAME_63 "\", \"mtu\": " MAX "}, \"uptime_s\": " MAX
	  ", \"peers\": {\"total\": " MAX ", \"up\": " MAX "}, \"tx\": "
	  "{\"frames\": " MAX ", \"datagrams\": " MAX ", \"bytes\": " MAX
	  "}, \"rates\": {\"tx_frames\": 1e300, \"tx_bytes\": 1e300}, "
	  "\"warnings\": [\"" NAME_63 NAME_63 NAME_63 "\", 5, \"\"]}" },
	{ peers,
	  "[{\"name\": \"" NAME_63 "\", \"endpoint\": \"" IPV6 "\", "
	  "\"state\": \"up\", \"why\": \"" NAME_63 " " NAME_63
	  "\", \"rtt_us\": " MAX ", \"loss\": 1, \"datagram_size\": " MAX
	  ", \"rates\": {\"tx_bytes\": " MAX ", \"rx_bytes\": " MAX
	  "}}, {\"name\": \"a\", \"endpoint\": \"" IPV6
	  "\", \"state\": \"connecting\", \"why\": \"" NAME_63
	  "\"}, {\"name\": \"" NAME_63 NAME_63 "\", \"endpoint\": "
	  "\"" NAME_63 NAME_63 "\", \"state\": \"" NAME_63 NAME_63 "\"}]" },
	{ fdb, "[{\"mac\": \"" NAME_63 NAME_63 "\", \"vlan\": " MAX ", "
	       "\"owner\": \"" NAME_63 "\", \"age_s\": " MAX "}, "
	       "{\"mac\": \"02:00:00:00:00:01\", \"vlan\": 4095, "
	       "\"owner\": \"" NAME_63 NAME_63 "\", \"age_s\": 1}]" },
	{ groups,
	  "[[{\"group\": \"" IPV6 "\", \"vlan\": " MAX ", \"members\": "
	  "[\"" NAME_63 "\", \"" NAME_63 "\", 7]}, {\"group\": \"a\", "
	  "\"flooded\": true, \"why\": \"" NAME_63 NAME_63 "\"}], "
	  "{\"multicast\": {\"flooded\": [{\"peer\": \"" NAME_63 NAME_63 NAME_63
	  "\", \"why\": \"" NAME_63 NAME_63 NAME_63 NAME_63 NAME_63
	  "\"}, {\"peer\": \"\\u001b[2J\"}, 5]}}]" },
	{ status,
	  "{\"multicast\": {\"wants_all\": \"" NAME_63 NAME_63 NAME_63 NAME_63
	  "\"}}" },
	{ status, "{\"multicast\": {\"groups\": " MAX "}}" },
	{ drops_all, "{\"" NAME_63 NAME_63 "\": " MAX ", \"mac1\": -" MAX
		     ", \"replay\": \"many\", \"csum_bad\": 1.5}" },
	{ reload, "{\"changes\": [\"" NAME_63 NAME_63 "\", 5]}" },
	/* Control bytes: escape, C1. */
	{ peers, "[{\"name\": \"\\u001b[2J\\u009b\\u007f\", \"endpoint\": "
		 "\"\\r\\n\\t\", \"state\": \"\\u0007\", \"why\": "
		 "\"\\u001b]0;x\\u0007\"}]" },
	{ drops_all, "{\"\\u001b[2J\": 1}" },
	{ reload, "{\"changes\": [\"\\u001b[2J\\n\"]}" },
	/* Of other types, or nothing at all. */
	{ status, "{}" },
	{ status, "[]" },
	{ status, "5" },
	{ status, "{\"interface\": 5, \"peers\": [], \"warnings\": {}}" },
	{ peers, "[]" },
	{ peers, "[5, {}, null, [], {\"name\": {}, \"rates\": 5}]" },
	{ peer_details, "[]" },
	{ peer_details, "[5, {}, {\"sources\": 5, \"paths\": [5, {}], "
			"\"sessions\": [[], {}], \"groups\": [5, {}], "
			"\"groups_total\": \"x\", \"tx\": [], \"gets_all\": "
			"\"\\u001b\"}]" },
	{ peer_details,
	  "[{\"name\": \"" NAME_63 "\", \"endpoint\": \"" IPV6 "\", \"paths\": "
	  "[{\"state\": \"used\", \"local\": \"" IPV6 "\", \"remote\": "
	  "\"" IPV6 "\", \"size_probed\": " MAX "}], \"groups\": "
	  "[{\"group\": \"" IPV6 "\", \"vlan\": " MAX "}], "
	  "\"groups_total\": " MAX "}]" },
	{ event, "[]" },
	{ event, "{\"time\": \"T\", \"event\": \"peer_up\"}" },
	{ event, "{\"time\": 5, \"event\": \"mac_moved\", \"vlan\": " MAX "}" },
	{ event, "{\"time\": \"2026-01-01T\\u001b[2J\", \"event\": "
		 "\"warning\", \"text\": \"\\u001b[2J " IPV6 IPV6 "\"}" },
	{ event, "{\"event\": \"\\u009b\", \"a\": [{}, " MAX "]}" },
	{ fdb, "[5, {}]" },
	{ groups, "[[5, {}, {\"members\": 5}], {\"multicast\": []}]" },
	{ groups, "[5, {\"multicast\": {\"flooded\": 5}}]" },
	{ groups, "[]" },
	{ drops_some, "[]" },
	{ drops_all, "{}" },
	{ reload, "[]" },
	{ rekey, "[]" },
	{ rekey, "{\"sessions\": " MAX "}" },
};

START_TEST(any_answer_fits_the_screen)
{
	free(print(extremes[_i].render, extremes[_i].text));
}
END_TEST

START_TEST(nothing_is_lost_when_it_does_not_fit)
{
	char *text = print(extremes[1].render, extremes[1].text);

	ck_assert_ptr_nonnull(strstr(text, NAME_63 "\n"));
	ck_assert_ptr_nonnull(strstr(text, IPV6 "\n"));
	ck_assert_ptr_nonnull(strstr(text, "connecting\n"));
	free(text);
}
END_TEST

/* The library's own texts, with the largest count before them. */
START_TEST(every_reason_fits)
{
	json_t *drops = json_object();
	struct screen s;

	for (int i = DROP_NONE + 1; i < DROP_REASON_COUNT; i++)
		json_object_set_new(drops, drop_name((enum drop_reason)i),
				    json_integer(INT64_MAX));
	screen_open(&s);
	render_drops(s.out, drops, true);
	free(screen_close(&s));
	json_decref(drops);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_TEST(status_is_one_screen),
	UNIT_TEST(status_says_who_carries_and_how_this_host_is_seen),
	UNIT_TEST(relayed_peers_show_their_relay),
	UNIT_TEST(status_says_first_what_is_not_sealed),
	UNIT_TEST(status_says_by_which_routes_datagrams_leave),
	UNIT_TEST(status_says_why_nothing_is_merged),
	UNIT_TEST(status_shows_what_waits),
	UNIT_TEST(peers_are_a_line_each_and_say_why_they_are_not_up),
	UNIT_TEST(peer_alone_is_shown_whole),
	UNIT_TEST(events_are_sentences),
	UNIT_TEST(peers_that_are_discovered_say_from_where),
	UNIT_TEST(status_shows_the_sources),
	UNIT_TEST(state_that_is_its_own_reason_is_said_once),
	UNIT_TEST(fdb_says_whose_mac_is_where),
	UNIT_TEST(status_says_who_gets_multicast),
	UNIT_TEST(groups_name_their_members_and_below_them_who_gets_all),
	UNIT_TEST(without_snooping_there_are_no_groups),
	UNIT_TEST(drops_that_happened_come_first_and_are_explained),
	UNIT_TEST(reload_lists_the_changes),
	UNIT_TEST(rekey_counts_the_sessions),
	UNIT_EACH(any_answer_fits_the_screen, extremes),
	UNIT_TEST(nothing_is_lost_when_it_does_not_fit),
	UNIT_TEST(every_reason_fits),
};

UNIT_MAIN("render", tests)
