/* What is found about peers, in what the daemon says of them. */
#include "node/reason.h"
#include "support/main.h"
#include "support/netns.h"
#include "unit/ctl/doctor_help.h"

START_TEST(peers_that_are_up_or_were_dialled_just_now)
{
	facts.peers =
		json_of("[{\"name\": \"web2\", \"endpoint\": \"10.9.0.2:8273\","
			" \"state\": \"up\", \"why\": null, \"sources\": []},"
			"{\"name\": null, \"endpoint\": \"10.9.0.3:8273\","
			" \"why\": \"connecting\", \"sources\": [\"peers\"]}]");
	assert_finds(check_peers, "");
	facts.peers = NULL;
	assert_finds(check_peers, "");
}
END_TEST

START_TEST(peers_with_one_reason_are_one_finding)
{
	facts.peers =
		json_of("[{\"name\": \"web2\", \"endpoint\": \"10.9.0.2:8273\","
			" \"why\": \"no answer: is UDP 8273 open both ways?\","
			" \"sources\": [\"peers\", \"dns\"]},"
			"{\"name\": null, \"endpoint\": \"10.9.0.3:8273\","
			" \"why\": \"no answer: is UDP 8273 open both ways?\","
			" \"sources\": [\"command\"]},"
			"{\"name\": \"web4\", \"endpoint\": null,"
			" \"why\": \"no answer: is UDP 8273 open both ways?\","
			" \"sources\": []},"
			"{\"name\": \"web5\", \"endpoint\": \"10.9.0.5:8273\","
			" \"why\": \"no answer: is UDP 8273 open both ways?\","
			" \"sources\": []},"
			"{\"name\": \"web6\", \"endpoint\": \"10.9.0.6:8273\","
			" \"why\": \"it does not hear us: is UDP 8273 open both"
			" ways?\", \"sources\": []}]");
	assert_finds(check_peers,
		     "peer-no-answer: web2 (10.9.0.2:8273, listed by peers),"
		     " 10.9.0.3:8273 (listed by command), web4 (no address)"
		     " and 1 more: no answer: is UDP 8273 open both ways?\n"
		     "peer-deaf: web6 (10.9.0.6:8273): it does not hear us:"
		     " is UDP 8273 open both ways?\n");
}
END_TEST

START_TEST(a_peer_that_nobody_carries_for)
{
	facts.peers =
		json_of("[{\"name\": \"web2\", \"endpoint\": \"10.9.0.9:8273\","
			" \"via\": \"web9\", \"sources\": [\"exchange\"],"
			" \"why\": \"no direct way, and no relay: set relay ="
			" true on a host that both reach\"}]");
	assert_finds(check_peers,
		     "peer-no-relay: web2 (by a relay, listed by exchange): no"
		     " direct way, and no relay: set relay = true on a host"
		     " that both reach\n");
}
END_TEST

START_TEST(a_peer_that_answers_from_elsewhere)
{
	facts.peers = json_of("[{\"name\": \"web2\", \"endpoint\":"
			      " \"10.0.0.1:8273\", \"listed\":"
			      " \"10.0.0.11:8273\", \"why\": \"\"}]");
	assert_finds(check_peers, "peer-elsewhere: web2 is listed at"
				  " 10.0.0.11:8273 and answers from"
				  " 10.0.0.1:8273\n");
}
END_TEST

START_TEST(probes_that_are_too_far_apart_for_what_tracks_them)
{
	facts.settings = json_of("{\"liveness_interval\": 20.0}");
	assert_finds(check_peers, "");
	facts.settings = json_of("{\"liveness_interval\": 60}");
	assert_finds(check_peers, "liveness-long: peers with nothing to say are"
				  " heard every 60 s only\n");
}
END_TEST

static const char *id_of(const char *why)
{
	static char id[64];
	struct diagnosis *d = diagnosis_new();
	json_t *all;

	facts.peers = keep(json_pack("[{s:s, s:s}]", "endpoint",
				     "10.9.0.2:8273", "why", why));
	check_peers(&facts, d);
	all = diagnosis_json(d);
	snprintf(id, sizeof(id), "%s",
		 json_array_size(all) ? json_string_value(json_object_get(
						json_array_get(all, 0), "id"))
				      : "");
	json_decref(all);
	diagnosis_free(d);
	return id;
}

/* Which of the library's reasons are no fault, or not yet. */
START_TEST(every_reason_of_an_endpoint_is_known)
{
	char text[128];
	bool passing = _i == ENDPOINT_DIALLING || _i == ENDPOINT_SELF;

	endpoint_reason_print((enum endpoint_reason)_i, 8273, text,
			      sizeof(text));
	ck_assert_msg((*id_of(text) == '\0') == passing, "%s", text);
}
END_TEST

START_TEST(every_reason_of_a_peer_is_known)
{
	char text[128];
	/* A peer that is not listed any more is not there to be shown. */
	bool passing = _i == PEER_REASON_NONE || _i == PEER_REASON_HANDSHAKE ||
		       _i == PEER_REASON_UNLISTED;

	peer_reason_print((enum peer_reason)_i, 8273, text, sizeof(text));
	ck_assert_msg((*id_of(text) == '\0') == passing, "%s", text);
}
END_TEST

START_TEST(reasons_have_the_finding_that_is_meant)
{
	static const char *const rows[][2] = {
		{ "neighbour 10.9.0.3 does not answer ARP on eth0",
		  "peer-not-on-link" },
		{ "neighbour table full: raise net.ipv4.neigh.default."
		  "gc_thresh3 (now 1024)",
		  "neighbours-full" },
		{ "different secret? compare secret_file on both hosts",
		  "secret-differs" },
		{ "duplicate key: its key is in use by another live host",
		  "duplicate-key" },
		{ "it ignores us: is this host's key a copy of another's?",
		  "duplicate-key" },
		{ "key not trusted", "peer-untrusted" },
		{ "stopped: it said goodbye", "peer-stopped" },
		{ "another protocol version: upgrade the older one",
		  "peer-version" },
	};

	for (size_t i = 0; i < UNIT_COUNT(rows); i++)
		ck_assert_str_eq(id_of(rows[i][0]), rows[i][1]);
}
END_TEST

/* ---- how large datagrams are ---- */

static void datagrams_of(int size, int up_s)
{
	facts.peers = keep(json_pack("[{s:s, s:s, s:i, s:i}]", "name", "web2",
				     "endpoint", "10.9.0.3:8273",
				     "datagram_size", size, "up_s", up_s));
}

/* In a namespace with a route of its own, eth0 being number 2 or whatever. */
static void on_a_link(void)
{
	doctor_setup();
	netns_enter();
	netns_run("ip link add eth0 type veth peer name eth1");
	netns_run("ip link set eth1 up");
	netns_run("ip link set eth0 up");
	netns_run("ip addr add 10.9.0.2/24 dev eth0");
	links[0].index = if_nametoindex("eth0");
}

START_TEST(a_path_that_carries_all_that_the_link_does)
{
	datagrams_of(1472, 60);
	assert_finds(check_datagrams, "");
	links[0].mtu = 9001; /* 8973 of payload, and 8972 is tried */
	datagrams_of(8972, 60);
	assert_finds(check_datagrams, "");
}
END_TEST

START_TEST(a_path_that_carries_less)
{
	datagrams_of(1200, 60);
	assert_finds(check_datagrams,
		     "datagram-small: the path to web2 carries datagrams of"
		     " 1200 of 1472 bytes\n");
	/* Between regions it is so. */
	links[0].mtu = 9001;
	datagrams_of(1472, 60);
	assert_finds(check_datagrams,
		     "datagram-below-mtu: the path to web2 carries datagrams"
		     " of 1472 of 8973 bytes\n");
}
END_TEST

START_TEST(sizes_that_are_no_fault)
{
	/* Of what is not sealed the daemon itself says whether it fits; */
	facts.status = keep(json_pack("{s:b}", "sealed", 0));
	datagrams_of(1200, 60);
	assert_finds(check_datagrams, "");
	facts.status = NULL;
	/* The search is on; */
	datagrams_of(1200, 9);
	assert_finds(check_datagrams, "");
	/* the administrator chose; */
	datagrams_of(1200, 60);
	facts.settings = json_of("{\"underlay_mtu\": 1228}");
	assert_finds(check_datagrams, "");
	/* the route says so. */
	facts.settings = NULL;
	netns_run("ip route add 10.9.0.3/32 dev eth0 mtu 1228");
	assert_finds(check_datagrams, "");
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("peers", .setup = doctor_setup, .teardown = doctor_teardown),
	UNIT_TEST(peers_that_are_up_or_were_dialled_just_now),
	UNIT_TEST(peers_with_one_reason_are_one_finding),
	UNIT_TEST(a_peer_that_nobody_carries_for),
	UNIT_TEST(a_peer_that_answers_from_elsewhere),
	UNIT_TEST(probes_that_are_too_far_apart_for_what_tracks_them),
	UNIT_RANGE(every_reason_of_an_endpoint_is_known, 0,
		   ENDPOINT_REASON_COUNT),
	UNIT_RANGE(every_reason_of_a_peer_is_known, 0, PEER_REASON_COUNT),
	UNIT_TEST(reasons_have_the_finding_that_is_meant),
	UNIT_CASE("datagrams", .setup = on_a_link, .teardown = doctor_teardown,
		  .allowed = netns_is_allowed),
	UNIT_TEST(a_path_that_carries_all_that_the_link_does),
	UNIT_TEST(a_path_that_carries_less),
	UNIT_TEST(sizes_that_are_no_fault),
};

UNIT_MAIN("doctor_peers", tests)
