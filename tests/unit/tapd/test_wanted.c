/* What the node is told of what the sources list. All that is around it stands in
 * below. */
#include "support/main.h"
#include "tapd/wanted.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/conf/conf.h"
#include "tapd/daemon_state.h"
#include "tapd/discover/hosts.h"
#include "tapd/discover/own_host.h"
#include "tapd/discover/sources.h"
#include "tapd/entry.h"
#include "tapd/log/log.h"
#include "tapd/monitor_events.h"
#include "tapd/node_ops.h"
#include "tapd/recursion.h"
#include "tapd/tap/interface.h"

static struct daemon tapd;
static struct conf conf;
static const struct discover_ops *discover;
/* By source: what it lists, whether it is configured, and what the node has of it. */
static size_t listed[NODE_SOURCE_COUNT], told[NODE_SOURCE_COUNT];
static size_t listed_before[NODE_SOURCE_COUNT]; /* as monitor is told */
static bool configured[NODE_SOURCE_COUNT];
static unsigned tellings, warnings;

const struct node_ops daemon_node_ops;

void daemon_enter(struct daemon *d)
{
	(void)d;
}

void daemon_leave(struct daemon *d)
{
	(void)d;
}

uint64_t daemon_monotonic_us(void)
{
	return 1;
}

void daemon_check_routes(struct daemon *d)
{
	(void)d;
}

void daemon_monitor_source(struct daemon *d, enum node_source source,
			   size_t before)
{
	ck_assert_ptr_eq(d, &tapd);
	listed_before[source] = before;
}

void log_warning(const char *format, ...)
{
	(void)format;
	warnings++;
}

static uint16_t own_port;

int udp_fd(const struct udp *u, unsigned socket)
{
	(void)u;
	return socket == 0 ? 9 : -1;
}

struct addr udp_bound(const struct udp *u, unsigned socket)
{
	(void)u;
	(void)socket;
	return (struct addr){ .port = own_port };
}

static bool has_family = true;

bool udp_has_family(const struct udp *u, const struct addr *to)
{
	(void)u;
	(void)to;
	return has_family;
}

struct link *interface_link(const struct interface *i)
{
	(void)i;
	return NULL;
}

const struct link_state *link_state(const struct link *l)
{
	static const struct link_state state = { .name = "tap0" };

	(void)l;
	return &state;
}

/* 10.0.0.0, with any port. */
static bool own_address;

size_t own_host_addresses(struct addr *out, size_t max, const char *interface)
{
	(void)max;
	(void)interface;
	ck_assert(addr_parse(&out[0], "10.0.0.0", 1));
	return own_address;
}

bool own_host_is_among(const struct addr *list, size_t count,
		       const char *interface)
{
	(void)list;
	(void)count;
	(void)interface;
	return false;
}

struct resolve *resolve_new(struct event_base *base, struct helper *helper,
			    const struct resolve_ops *ops, void *user)
{
	(void)base;
	(void)helper;
	(void)ops;
	return user;
}

bool resolve_set(struct resolve *r, const struct conf_peer *peers, size_t count)
{
	(void)r;
	(void)peers;
	(void)count;
	return true;
}

struct sources *sources_new(struct event_base *base, struct helper *helper,
			    const struct discover_ops *ops, void *user)
{
	(void)base;
	(void)helper;
	discover = ops;
	return user;
}

bool sources_reserve(struct sources *s, const struct conf *c)
{
	(void)s;
	(void)c;
	return true;
}

void sources_set(struct sources *s, const struct conf *c)
{
	(void)s;
	(void)c;
}

bool sources_info(const struct sources *s, enum node_source which,
		  struct sources_info *out)
{
	(void)s;
	*out = (struct sources_info){ .error = "" };
	return configured[which];
}

static bool one_name; /* all are addresses of one */

/* 10.0.0.0 and those that follow. */
static size_t fill(size_t n, struct addr *out, uint16_t *hosts)
{
	for (size_t i = 0; i < n; i++) {
		ck_assert(addr_parse(&out[i], "10.0.0.0", 1));
		out[i].port = (uint16_t)(i + 1);
		hosts[i] = one_name ? 0 : (uint16_t)i;
	}
	return n;
}

size_t hosts_addresses(const struct conf_peer *peers, size_t count,
		       const struct resolve *resolve, struct addr *out,
		       uint16_t *hosts, size_t max)
{
	(void)peers;
	(void)count;
	(void)resolve;
	ck_assert_uint_le(listed[NODE_SOURCE_PEERS], max);
	return fill(listed[NODE_SOURCE_PEERS], out, hosts);
}

/* Lists ourselves alone in place of one. */
static bool self;

size_t sources_addresses(const struct sources *s, enum node_source which,
			 struct addr *out, uint16_t *hosts, size_t max)
{
	size_t n = listed[which];

	(void)s;
	ck_assert_uint_le(n, max);
	fill(n, out, hosts);
	if (self)
		ck_assert(addr_parse(&out[0], "127.0.1.1", 8273));
	return n;
}

/* What it has of lists of before, until it was told the next. */
static size_t in_the_way;

/* The last to come get what room there is. */
size_t node_want_hosts(struct node *n, enum node_source source,
		       const struct addr *endpoints, const uint16_t *hosts,
		       size_t count, struct clock now)
{
	size_t room = NODE_ENDPOINTS_MAX;

	(void)n;
	(void)endpoints;
	(void)hosts;
	(void)now;
	tellings++;
	for (int i = 0; i < NODE_SOURCE_COUNT; i++)
		if (i != (int)source)
			room -= told[i];
	room -= in_the_way;
	in_the_way = 0;
	told[source] = count < room ? count : room;
	return count - told[source];
}

static void setup(void)
{
	memset(listed, 0, sizeof(listed));
	memset(told, 0, sizeof(told));
	memset(configured, 0, sizeof(configured));
	self = own_address = one_name = false;
	has_family = true;
	own_port = 8273;
	conf.encapsulation = NODE_SEALED;
	tapd = (struct daemon){ .conf = &conf };
	ck_assert(daemon_find_peers(&tapd));
	tellings = warnings = 0;
}

static void teardown(void)
{
	free(tapd.wanted);
}

static void lists(enum node_source source, size_t count)
{
	listed[source] = count;
	discover->changed(&tapd, source);
}

START_TEST(what_a_source_listed_stays_until_it_lists_others)
{
	for (int i = NODE_SOURCE_FILE; i <= NODE_SOURCE_DNS; i++) {
		const enum node_source source = (enum node_source)i;

		configured[source] = true;
		lists(source, 3);
		ck_assert_uint_eq(told[source], 3);
		lists(source, 0); /* names, which mean nothing */
		ck_assert_uint_eq(told[source], 3);
		lists(source, 2);
		ck_assert_uint_eq(told[source], 2);
		configured[source] = false;
		lists(source, 0);
		ck_assert_uint_eq(told[source], 0);
	}
}
END_TEST

START_TEST(a_list_of_ourselves_alone_is_an_answer)
{
	configured[NODE_SOURCE_FILE] = true;
	lists(NODE_SOURCE_FILE, 3);
	self = true;
	lists(NODE_SOURCE_FILE, 1);
	ck_assert_uint_eq(told[NODE_SOURCE_FILE], 0);
}
END_TEST

/* Handshakes with ourselves are noticed; frames to ourselves would come back. */
START_TEST(an_address_of_our_own_is_no_peer_where_nothing_is_sealed)
{
	own_address = true;
	own_port = 2;
	listed[NODE_SOURCE_PEERS] = 3; /* ports 1 to 3 */
	daemon_want_peers(&tapd);
	ck_assert_uint_eq(told[NODE_SOURCE_PEERS], 3);
	conf.encapsulation = NODE_VXLAN;
	daemon_addresses_changed(&tapd);
	ck_assert_uint_eq(told[NODE_SOURCE_PEERS], 2);
	own_address = false;
	daemon_addresses_changed(&tapd);
	ck_assert_uint_eq(told[NODE_SOURCE_PEERS], 3);
}
END_TEST

/* A headless service, as Kubernetes and Consul have it. */
START_TEST(a_name_of_all_hosts_is_left_the_others)
{
	conf.encapsulation = NODE_VXLAN;
	own_address = one_name = true;
	own_port = 2;
	listed[NODE_SOURCE_PEERS] = 3;
	daemon_want_peers(&tapd);
	ck_assert_uint_eq(told[NODE_SOURCE_PEERS], 2);
}
END_TEST

START_TEST(what_no_socket_reaches_is_no_peer_where_nothing_is_sealed)
{
	has_family = false;
	listed[NODE_SOURCE_PEERS] = 3;
	daemon_want_peers(&tapd);
	ck_assert_uint_eq(told[NODE_SOURCE_PEERS], 3);
	conf.encapsulation = NODE_VXLAN;
	daemon_addresses_changed(&tapd);
	ck_assert_uint_eq(told[NODE_SOURCE_PEERS], 0);
}
END_TEST

START_TEST(peers_of_the_configuration_are_those_in_it)
{
	listed[NODE_SOURCE_PEERS] = 3;
	daemon_want_peers(&tapd);
	ck_assert_uint_eq(told[NODE_SOURCE_PEERS], 3);
	daemon_want_peers(&tapd);
	ck_assert_uint_eq(tellings, 1); /* of the same nothing is told */
	listed[NODE_SOURCE_PEERS] = 0;
	daemon_want_peers(&tapd);
	ck_assert_uint_eq(told[NODE_SOURCE_PEERS], 0);
	ck_assert_uint_eq(listed_before[NODE_SOURCE_PEERS], 3);
}
END_TEST

START_TEST(what_was_left_out_is_told_again)
{
	const size_t all = NODE_ENDPOINTS_MAX;

	configured[NODE_SOURCE_FILE] = configured[NODE_SOURCE_DNS] = true;
	configured[NODE_SOURCE_COMMAND] = true;
	lists(NODE_SOURCE_COMMAND, all - 10);
	lists(NODE_SOURCE_FILE, 30);
	ck_assert_uint_eq(told[NODE_SOURCE_FILE], 10);
	lists(NODE_SOURCE_FILE, 30);
	lists(NODE_SOURCE_FILE, 31);
	ck_assert_uint_eq(warnings, 1);
	/* The other gives some up. */
	lists(NODE_SOURCE_COMMAND, all - 20);
	ck_assert_uint_eq(told[NODE_SOURCE_FILE], 20);
	lists(NODE_SOURCE_COMMAND, 1);
	ck_assert_uint_eq(told[NODE_SOURCE_FILE], 31);
	ck_assert_uint_eq(warnings, 1);
	/* The node did so by itself: the same list is told again. */
	told[NODE_SOURCE_DNS] = all - 11;
	lists(NODE_SOURCE_FILE, 32);
	ck_assert_uint_eq(told[NODE_SOURCE_FILE], 10);
	ck_assert_uint_eq(warnings, 2);
	told[NODE_SOURCE_DNS] = 0;
	lists(NODE_SOURCE_FILE, 32);
	ck_assert_uint_eq(told[NODE_SOURCE_FILE], 32);
	/* With room for all of it, it is told no more. */
	tellings = 0;
	lists(NODE_SOURCE_FILE, 32);
	ck_assert_uint_eq(tellings, 0);
}
END_TEST

START_TEST(a_list_has_the_room_of_the_one_before)
{
	configured[NODE_SOURCE_DNS] = true;
	lists(NODE_SOURCE_DNS, 1000);
	in_the_way = 1000;
	lists(NODE_SOURCE_DNS, 1001);
	ck_assert_uint_eq(told[NODE_SOURCE_DNS], 1001);
	ck_assert_uint_eq(warnings, 0);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("wanted", .setup = setup, .teardown = teardown),
	UNIT_TEST(what_a_source_listed_stays_until_it_lists_others),
	UNIT_TEST(a_list_of_ourselves_alone_is_an_answer),
	UNIT_TEST(an_address_of_our_own_is_no_peer_where_nothing_is_sealed),
	UNIT_TEST(a_name_of_all_hosts_is_left_the_others),
	UNIT_TEST(what_no_socket_reaches_is_no_peer_where_nothing_is_sealed),
	UNIT_TEST(peers_of_the_configuration_are_those_in_it),
	UNIT_TEST(what_was_left_out_is_told_again),
	UNIT_TEST(a_list_has_the_room_of_the_one_before),
};

UNIT_MAIN("wanted", tests)
