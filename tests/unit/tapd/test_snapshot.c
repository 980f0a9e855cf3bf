/* Of a daemon that is made up here: what the snapshot asks stands in below for
 * the node, the interface and the sockets. */
#include "support/main.h"
#include "tapd/control/snapshot.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tapd/conf/conf.h"
#include "tapd/daemon_state.h"
#include "tapd/discover/resolve.h"
#include "tapd/discover/sources.h"

#define PEERS_MAX 3

struct node {
	struct node_status status;
	struct node_peer_info peers[PEERS_MAX];
	const char *flooded[PEERS_MAX];
};

struct link {
	struct link_state state;
	struct prefix address; /* the only one it has */
};

struct interface {
	struct link link;
	struct prefix addresses[2];
};

static struct node node;
static struct interface tap0;
static const char *failures[40];
static struct conf conf;
static struct daemon tapd;
static struct snapshot s;

void node_status(const struct node *n, struct node_status *out)
{
	*out = n->status;
}

void node_multicast_status(const struct node *n,
			   struct node_multicast_status *out)
{
	(void)n;
	*out = (struct node_multicast_status){ .groups = 7 };
}

bool node_next_peer(const struct node *n, struct node_iter *it,
		    struct node_peer_info *out)
{
	if (it->slot >= n->status.peers_total)
		return false;
	*out = n->peers[it->slot++];
	return true;
}

bool node_next_flooded(const struct node *n, struct node_iter *it,
		       struct node_flooded_info *out)
{
	if (it->slot >= n->status.peers_total || !n->flooded[it->slot])
		return false;
	out->peer = n->peers[it->slot].name;
	out->reason = n->flooded[it->slot++];
	return true;
}

void node_traffic(const struct node *n, struct node_traffic *out)
{
	*out = (struct node_traffic){ n->status.tx, n->status.rx };
}

bool node_next_peer_traffic(const struct node *n, struct node_iter *it,
			    const struct public_key **key,
			    struct node_traffic *out)
{
	const struct node_peer_info *p = &n->peers[it->slot];

	if (it->slot >= n->status.peers_total || !p->has_key)
		return false;
	it->slot++;
	*key = &p->key;
	*out = (struct node_traffic){ p->tx, p->rx };
	return true;
}

struct link *interface_link(const struct interface *i)
{
	ck_assert_ptr_eq(i, &tap0);
	return &tap0.link;
}

const struct prefix *interface_addresses(const struct interface *i,
					 size_t *count)
{
	*count = 2;
	return i->addresses;
}

const struct link_state *link_state(const struct link *l)
{
	return &l->state;
}

bool link_has_address(const struct link *l, const struct prefix *address)
{
	return prefix_equal(&l->address, address);
}

int udp_receive_buffer(const struct udp *u)
{
	(void)u;
	return 4711;
}

uint32_t udp_send_limit(const struct udp *u)
{
	(void)u;
	return 262144;
}

enum udp_batching udp_send_batching(const struct udp *u)
{
	(void)u;
	return UDP_BATCH;
}

enum udp_batching udp_receive_batching(const struct udp *u)
{
	(void)u;
	return UDP_SINGLE;
}

/* web2 shows our MAC. */
bool node_next_conflict(const struct node *n, struct node_iter *it,
			struct node_conflict *out, uint64_t now)
{
	(void)n;
	(void)now;
	*out = (struct node_conflict){ .of_mac = true, .peer = "web2" };
	return it->slot++ == 0;
}

const char *resolve_failure(const struct resolve *r, size_t i)
{
	(void)r;
	return failures[i];
}

static const char *last_failure;

const char *resolve_last_failure(const struct resolve *r)
{
	(void)r;
	return last_failure;
}

/* The file is asked, and good; the command is not. */
bool sources_info(const struct sources *from, enum node_source which,
		  struct sources_info *out)
{
	(void)from;
	*out = (struct sources_info){ .error = "" };
	if (which == NODE_SOURCE_FILE)
		out->good_us = 890 * CLOCK_S;
	if (which == NODE_SOURCE_COMMAND)
		out->error = "exit code 1";
	return which != NODE_SOURCE_DNS;
}

static struct wanted_list wanted[NODE_SOURCE_COUNT];

static void setup(void)
{
	static const uint8_t key[SIPHASH_KEY_LEN];

	memset(&node, 0, sizeof(node));
	memset(&tap0, 0, sizeof(tap0));
	memset(&conf, 0, sizeof(conf));
	memset(failures, 0, sizeof(failures));
	tap0.link.state = (struct link_state){ .present = true,
					       .name = "tap0",
					       .up = true,
					       .carrier = true,
					       .mtu = 1400,
					       .mac = { 2, 0, 0, 0, 0, 1 } };
	ck_assert(prefix_parse(&tap0.addresses[0], "10.77.0.1/24"));
	ck_assert(prefix_parse(&tap0.addresses[1], "fd00::1/64"));
	tap0.link.address = tap0.addresses[1];
	snprintf(conf.name, sizeof(conf.name), "web1");
	tapd = (struct daemon){
		.conf = &conf,
		.node = &node,
		.wanted = wanted,
		.interface = &tap0,
		.queue = fq_new(key),
		.rates = rates_new(),
		.offloads = { .tap = TAP_OFFLOAD_TSO,
			      .merge = CONF_MERGE_TCP,
			      .send = UDP_RUNS,
			      .receive = UDP_RUNS },
		.now = { .mono_us = 900 * CLOCK_S, .wall_us = 1 },
		.started_us = 800 * CLOCK_S,
	};
}

static void teardown(void)
{
	snapshot_free(&s);
	rates_free(tapd.rates);
	fq_free(tapd.queue);
}

static void take(void)
{
	snapshot_free(&s);
	ck_assert(snapshot_take(&s, &tapd));
}

START_TEST(what_waits_in_the_queue_is_in_it)
{
	static const struct offload none;

	memset(fq_place(tapd.queue), 2, 100);
	fq_put(tapd.queue, 100, &none, 1, tapd.now.mono_us);
	ck_assert(snapshot_take(&s, &tapd));
	ck_assert_uint_eq(s.queue.frames, 1);
	ck_assert_uint_eq(s.queue.bytes, 100);
	ck_assert_uint_eq(s.send_limit, 262144);
}
END_TEST

START_TEST(what_the_daemon_knows_is_in_it)
{
	take();
	ck_assert_uint_eq(s.now_us, 900 * CLOCK_S);
	ck_assert_uint_eq(s.started_us, 800 * CLOCK_S);
	ck_assert_str_eq(s.node_name, "web1");
	ck_assert_ptr_eq(s.node, &node);
	ck_assert_uint_eq(s.multicast.groups, 7);
	ck_assert_uint_eq(s.conflicts_count, 1);
	ck_assert(s.conflicts[0].of_mac);
	ck_assert_int_eq(s.receive_buffer, 4711);
	ck_assert(!s.nobody_trusted && !s.restart_pending);
	ck_assert_uint_eq(s.peers_count + s.flooded_count, 0);
	/* What the sockets do is asked; what was applied may be more. */
	ck_assert_int_eq(s.offloads.tap, TAP_OFFLOAD_TSO);
	ck_assert_int_eq(s.offloads.merge, CONF_MERGE_TCP);
	ck_assert_int_eq(s.offloads.send, UDP_BATCH);
	ck_assert_int_eq(s.offloads.receive, UDP_SINGLE);
}
END_TEST

START_TEST(the_interface_and_the_addresses_it_lacks)
{
	take();
	ck_assert_str_eq(s.interface.name, "tap0");
	ck_assert_mem_eq(s.interface.mac, tap0.link.state.mac, 6);
	ck_assert_uint_eq(s.interface.mtu, 1400);
	ck_assert(s.interface.present && s.interface.up && s.interface.carrier);
	ck_assert_uint_eq(s.interface.missing_count, 1);
	ck_assert(prefix_equal(&s.interface.missing[0], &tap0.addresses[0]));
	tap0.link.state.up = tap0.link.state.present = false;
	take();
	ck_assert(!s.interface.present && !s.interface.up);
}
END_TEST

START_TEST(peers_have_their_rates)
{
	node.status.peers_total = 2;
	node.peers[0].has_key = true;
	snprintf(node.peers[0].name, sizeof(node.peers[0].name), "web2");
	node.flooded[0] = "a router";
	rates_sample(tapd.rates, &node, tapd.now.mono_us);
	tapd.now.mono_us += CLOCK_S;
	node.status.tx.frames = 30;
	node.peers[0].rx.bytes = 1000;
	node.peers[1].rx.bytes = 1000;
	take();
	ck_assert_double_eq_tol(s.rates.tx_frames, 30, 0.01);
	ck_assert_uint_eq(s.peers_count, 2);
	ck_assert_str_eq(s.peers[0].info.name, "web2");
	ck_assert_double_eq_tol(s.peers[0].rates.rx_bytes, 1000, 0.01);
	ck_assert(!s.peers[1].info.has_key);
	ck_assert_double_eq_tol(s.peers[1].rates.rx_bytes, 0, 0.01);
	ck_assert_uint_eq(s.flooded_count, 1);
	ck_assert_str_eq(s.flooded[0].peer, "web2");
	ck_assert_str_eq(s.flooded[0].reason, "a router");
}
END_TEST

START_TEST(peers_that_are_not_sealed_to_have_no_keys)
{
	conf.encapsulation = NODE_GRE;
	conf.network_id = 7;
	conf.network_id_set = true;
	tapd.fitting_mtu = 1458;
	node.status.peers_total = 1;
	node.peers[0].local = addr_v4(1, 47);
	rates_sample(tapd.rates, &node, tapd.now.mono_us);
	tapd.now.mono_us += CLOCK_S;
	take();
	ck_assert_int_eq(s.encapsulation, NODE_GRE);
	ck_assert(s.network_id_set && s.network_id == 7);
	ck_assert_uint_eq(s.fitting_mtu, 1458);
	ck_assert(s.peers[0].plain && !s.peers[0].info.has_key);
	ck_assert_uint_eq(s.peers[0].info.local.port, 0);
}
END_TEST

START_TEST(an_empty_list_of_keys_trusts_nobody)
{
	conf.trusted_keys_set = true;
	tapd.restart_pending = true;
	take();
	ck_assert(s.nobody_trusted && s.restart_pending);
	conf.trusted_keys_count = 1;
	take();
	ck_assert(!s.nobody_trusted);
}
END_TEST

START_TEST(names_without_an_address_are_few_and_the_rest_is_counted)
{
	for (size_t i = 0; i < 30; i++)
		failures[i] = "web9: Name or service not known";
	take();
	ck_assert_uint_eq(s.unresolved_count, SNAPSHOT_UNRESOLVED_MAX);
	ck_assert_uint_eq(s.unresolved_more, 30 - SNAPSHOT_UNRESOLVED_MAX);
	failures[1] = NULL;
	take();
	ck_assert_uint_eq(s.unresolved_count, 1);
	ck_assert_uint_eq(s.unresolved_more, 0);
	ck_assert_ptr_eq(s.unresolved[0], failures[0]);
}
END_TEST

START_TEST(every_source_in_use_is_a_row)
{
	conf.peers_count = 1;
	wanted[NODE_SOURCE_PEERS].count = 2;
	wanted[NODE_SOURCE_FILE].count = 12;
	last_failure = "web9: no addresses";
	take();
	ck_assert_uint_eq(s.sources_count, 3);
	ck_assert_str_eq(s.sources[0].name, "peers");
	ck_assert_uint_eq(s.sources[0].endpoints, 2);
	ck_assert_uint_eq(s.sources[0].good_us, 0);
	ck_assert_str_eq(s.sources[0].error, "web9: no addresses");
	ck_assert_str_eq(s.sources[1].name, "file");
	ck_assert_uint_eq(s.sources[1].endpoints, 12);
	ck_assert_uint_eq(s.sources[1].good_us, 890 * CLOCK_S);
	ck_assert_str_eq(s.sources[1].error, "");
	ck_assert_str_eq(s.sources[2].name, "command");
	ck_assert_str_eq(s.sources[2].error, "exit code 1");
	conf.peers_count = 0;
	conf.discover.peer_exchange = true;
	node.status.peers_total = 3;
	node.peers[0].suggested = node.peers[2].suggested = true;
	take();
	ck_assert_uint_eq(s.sources_count, 3);
	ck_assert_str_eq(s.sources[2].name, "exchange");
	ck_assert_uint_eq(s.sources[2].endpoints, 2);
	ck_assert_str_eq(s.sources[2].error, "");
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("snapshot", .setup = setup, .teardown = teardown),
	UNIT_TEST(what_the_daemon_knows_is_in_it),
	UNIT_TEST(what_waits_in_the_queue_is_in_it),
	UNIT_TEST(the_interface_and_the_addresses_it_lacks),
	UNIT_TEST(peers_have_their_rates),
	UNIT_TEST(peers_that_are_not_sealed_to_have_no_keys),
	UNIT_TEST(an_empty_list_of_keys_trusts_nobody),
	UNIT_TEST(every_source_in_use_is_a_row),
	UNIT_TEST(names_without_an_address_are_few_and_the_rest_is_counted),
};

UNIT_MAIN("snapshot", tests)
