/* node/observed, node/punch: hosts behind NATs see how they are seen, and meet. */
#include <check.h>
#include <string.h>

#include "support/main.h"
#include "support/opened.h"
#include "support/three.h"
#include "tunnel/wire_leg.h"

/* a and b are in one network, behind a NAT that has one address; or each is behind
 * its own, which lets in only what was sent to. c is outside. */
#define INSIDE	0xc0a80100u /* 192.168.1.0 */
#define OUTSIDE 0xcb007101u /* 203.0.113.1 */

static struct {
	bool symmetric[2]; /* another port for each whom a, or b, sends to */
	bool divided;	   /* a and b do not reach each other inside */
	bool apart; /* two NATs, that filter; and lose what dials past them */
	unsigned inside; /* datagrams from one to the other inside */
	/* Whom a, and b, have sent to. */
	struct addr open[2][64];
	size_t open_count[2];
} nat;

static bool is_inside(const struct addr *addr)
{
	const struct addr net = addr_v4(INSIDE, 0);

	return memcmp(addr->ip, net.ip, 15) == 0;
}

/* 0: a, 1: b. */
static unsigned inner_number(const struct addr *inner)
{
	return inner->ip[15] - 1u;
}

/* The NAT's address, by host and whom it sends to. */
static struct addr outer_for(const struct addr *inner, const struct addr *to)
{
	const unsigned i = inner_number(inner);

	return addr_v4(OUTSIDE + (nat.apart ? i : 0),
		       (uint16_t)(40000 + 100 * i +
				  (nat.symmetric[i] ? to->ip[15] : 99)));
}

static bool is_outer(const struct addr *addr)
{
	const struct addr net = addr_v4(OUTSIDE, 0);

	return memcmp(addr->ip, net.ip, 15) == 0;
}

static bool is_open(unsigned i, const struct addr *from)
{
	for (size_t k = 0; k < nat.open_count[i]; k++)
		if (addr_equal(&nat.open[i][k], from))
			return true;
	return false;
}

static void send_out(struct flight *f)
{
	const unsigned i = inner_number(&f->from);

	if (!is_open(i, &f->to)) {
		ck_assert_uint_lt(nat.open_count[i], 64);
		nat.open[i][nat.open_count[i]++] = f->to;
	}
	f->from = outer_for(&f->from, &f->to);
}

/* False: it does not get in. */
static bool let_in(struct flight *f)
{
	const unsigned i = (f->to.port - 40000u) / 100;
	const struct addr inner = addr_v4(INSIDE + 1 + i, 8273);
	struct addr outer;

	if (i > 1)
		return false;
	outer = outer_for(&inner, &f->from);
	if (!addr_equal(&outer, &f->to) || (nat.apart && !is_open(i, &f->from)))
		return false;
	f->to = inner;
	return true;
}

static enum fate translate(struct hosts *hosts, struct flight *f)
{
	(void)hosts;
	if (is_inside(&f->from) && is_inside(&f->to)) {
		nat.inside++;
		return nat.divided || nat.apart ? LOSE : PASS;
	}
	if (is_inside(&f->from) && is_outer(&f->to) && nat.apart &&
	    f->bytes[0] == WIRE_INITIATION)
		return LOSE;
	if (is_inside(&f->from))
		send_out(f);
	return is_outer(&f->to) && !let_in(f) ? LOSE : PASS;
}

static struct addr outer_of(const struct host *host)
{
	return outer_for(&host->addrs[0], &c->addrs[0]);
}

static void setup(void)
{
	three_setup();
	memset(&nat, 0, sizeof(nat));
	a->addrs[0] = addr_v4(INSIDE + 1, 8273);
	b->addrs[0] = addr_v4(INSIDE + 2, 8273);
	h.judge = translate;
	for (unsigned i = 0; i < 3; i++)
		host_start(&h.host[i]);
}

static bool both_know_c(const struct hosts *hosts)
{
	(void)hosts;
	return host_up(a, c) && host_up(b, c);
}

static void meet_c(void)
{
	host_dial(a, c);
	host_dial(b, c);
	ck_assert(hosts_until(&h, both_know_c, CLOCK_S));
	/* Until probes were answered. */
	hosts_run(&h, 3 * CLOCK_S);
}

/* ---- how others see this host ---- */

START_TEST(a_host_behind_a_nat_knows_its_address)
{
	const struct addr outer = outer_of(a);
	struct node_nat_info seen;

	meet_c();
	seen = host_status(a).nat;
	ck_assert_uint_eq(seen.count, 1);
	ck_assert(addr_equal(&seen.observed[0], &outer));
	ck_assert(seen.translated);
	ck_assert(!seen.symmetric);
	seen = host_status(c).nat;
	ck_assert_uint_eq(seen.count, 1);
	ck_assert(addr_equal(&seen.observed[0], &c->addrs[0]));
	ck_assert(!seen.translated);
}
END_TEST

START_TEST(what_a_peer_saw_is_forgotten_with_it)
{
	meet_c();
	host_stop(c);
	hosts_run(&h, 10 * CLOCK_S);
	ck_assert(!host_up(a, c));
	ck_assert_uint_eq(host_status(a).nat.count, 0);
	ck_assert(!host_status(a).nat.translated);
}
END_TEST

static bool both_know_a(const struct hosts *hosts)
{
	(void)hosts;
	return host_up(a, b) && host_up(a, c);
}

/* a is seen by two, b outside as well. */
static void see_a_by_two(void)
{
	const struct addr both[2] = { addr_v4(0x0a090002, 8273), c->addrs[0] };

	host_stop(b);
	b->addrs[0] = both[0];
	host_start(b);
	host_want(a, both, 2);
	ck_assert(hosts_until(&h, both_know_a, CLOCK_S));
	hosts_run(&h, 3 * CLOCK_S);
}

START_TEST(two_peers_that_disagree_show_a_symmetric_nat)
{
	nat.symmetric[0] = _i;
	see_a_by_two();
	ck_assert_uint_eq(host_status(a).nat.count, _i ? 2 : 1);
	ck_assert(host_status(a).nat.symmetric == _i);
	ck_assert(host_status(a).nat.translated);
}
END_TEST

/* ---- two behind one NAT ---- */

/* a finds b at the NAT's outer address, which lets it. */
static void meet_outside(void)
{
	const struct addr outer[2] = { c->addrs[0], outer_of(b) };

	meet_c();
	host_want(a, outer, 2);
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
}

static bool is_pair_inside(const struct hosts *hosts)
{
	(void)hosts;
	return host_sends_to(a, b, &b->addrs[0]) &&
	       host_sends_to(b, a, &a->addrs[0]);
}

/* What is shown of the path to b that has that use. */
static struct node_path_info path_shown(enum node_path_use use)
{
	struct node_peer_detail detail;

	ck_assert(node_peer_detail(a->node, &b->key, &detail));
	for (size_t i = 0; i < detail.paths_count; i++)
		if (detail.paths[i].use == use)
			return detail.paths[i];
	ck_abort_msg("no path is shown as that");
}

START_TEST(two_behind_one_nat_meet_inside)
{
	const struct addr outer = outer_of(b);
	struct node_path_info path;

	meet_outside();
	ck_assert(hosts_until(&h, is_pair_inside, 3 * CLOCK_S));
	hosts_run(&h, 5 * CLOCK_S);
	path = path_shown(NODE_PATH_USED);
	ck_assert(addr_equal(&path.remote, &b->addrs[0]));
	ck_assert_int_eq(path.rank, NODE_RANK_LOCAL);
	path = path_shown(NODE_PATH_SPARE);
	ck_assert(addr_equal(&path.remote, &outer));
	ck_assert_int_eq(path.rank, NODE_RANK_DIRECT);
	ck_assert(path.proven_us && !*path.via);
	ck_assert(host_talks(a, b));
	ck_assert(host_talks(b, a));
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
	ck_assert_uint_eq(host_events(b, NODE_PEER_DOWN), 0);
}
END_TEST

START_TEST(two_that_do_not_reach_each_other_inside_stay_outside)
{
	unsigned tried;

	nat.divided = true;
	meet_outside();
	hosts_run(&h, 10 * CLOCK_S);
	tried = nat.inside;
	ck_assert_uint_gt(tried, 0);
	ck_assert_uint_le(tried, 2 * 5);
	hosts_run(&h, 100 * CLOCK_S);
	ck_assert_uint_eq(nat.inside, tried);
	ck_assert(!is_pair_inside(&h));
	ck_assert(host_talks(a, b));
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
}
END_TEST

/* ---- two behind two NATs ---- */

static void setup_apart(void)
{
	setup();
	nat.apart = true;
	for (unsigned i = 0; i < 3; i++) {
		host_stop(&h.host[i]);
		h.host[i].config.peer_exchange = true;
		h.host[i].config.relay = &h.host[i] == c;
	}
}

static void start_apart(void)
{
	for (unsigned i = 0; i < 3; i++)
		host_start(&h.host[i]);
	host_dial(a, c);
	host_dial(b, c);
}

static bool is_pair_direct(const struct hosts *hosts)
{
	return hosts_pair_up(hosts) && !host_info(a, b).relayed &&
	       !host_info(b, a).relayed;
}

static bool is_pair_relayed(const struct hosts *hosts)
{
	return hosts_pair_up(hosts) && host_info(a, b).relayed &&
	       host_info(b, a).relayed;
}

/* c carries all they have, or handshakes only. */
START_TEST(two_that_meet_by_a_relay_reach_each_other_directly)
{
	c->config.relay = _i;
	start_apart();
	ck_assert(hosts_until(&h, is_pair_direct, 10 * CLOCK_S));
	/* What was sent the other way may still be on its way. */
	hosts_run(&h, 200 * CLOCK_MS);
	ck_assert(host_talks(a, b));
	ck_assert(host_talks(b, a));
	hosts_run(&h, 100 * CLOCK_S);
	ck_assert(is_pair_direct(&h));
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
	ck_assert_uint_eq(host_events(b, NODE_PEER_DOWN), 0);
	if (_i)
		ck_assert_uint_ge(host_events(a, NODE_PEER_PATH), 1);
}
END_TEST

START_TEST(two_whose_nats_do_not_allow_it_stay_relayed)
{
	nat.symmetric[0] = true;
	nat.symmetric[1] = _i;
	start_apart();
	ck_assert(hosts_until(&h, is_pair_relayed, 5 * CLOCK_S));
	hosts_run(&h, 100 * CLOCK_S);
	ck_assert(is_pair_relayed(&h));
	ck_assert_str_eq(host_info(a, b).via, "c");
	ck_assert(host_talks(a, b));
	ck_assert(host_talks(b, a));
	ck_assert_uint_eq(host_events(a, NODE_PEER_DOWN), 0);
}
END_TEST

START_TEST(they_try_again_each_minute)
{
	nat.symmetric[0] = nat.symmetric[1] = true;
	start_apart();
	ck_assert(hosts_until(&h, is_pair_relayed, 5 * CLOCK_S));
	hosts_run(&h, 20 * CLOCK_S);
	nat.symmetric[0] = nat.symmetric[1] = false;
	ck_assert(hosts_until(&h, is_pair_direct, 90 * CLOCK_S));
	ck_assert_uint_ge(host_events(a, NODE_PEER_PATH), 1);
	/* What was sent the other way may still be on its way. */
	hosts_run(&h, 200 * CLOCK_MS);
	ck_assert(host_talks(a, b));
	ck_assert(host_talks(b, a));
}
END_TEST

/* ---- addresses that peers make up ---- */

static size_t addresses_sent(const struct host *from)
{
	size_t found = 0;

	for (size_t i = 0; i < h.log_count; i++)
		if (addr_equal(&h.log[i]->from, &from->addrs[0]) &&
		    hosts_carries(&h, h.log[i], WIRE_ADDRESSES))
			found++;
	return found;
}

START_TEST(who_is_seen_as_it_is_tells_nobody)
{
	h.judge = NULL;
	for (unsigned i = 0; i < 3; i++)
		host_stop(&h.host[i]);
	hosts_mesh(&h, 3);
	hosts_run(&h, 70 * CLOCK_S);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(addresses_sent(&h.host[i]), 0);
}
END_TEST

/* b's own word, in its session with a. */
static void say(const struct wire_addresses *addresses, const struct addr *from)
{
	uint8_t record[WIRE_ADDRESSES_LEN_MAX], bytes[2048];
	size_t len = wire_pack_addresses(addresses, record);
	size_t size = node_debug_seal(b->node, &a->key, record, len,
				      hosts_clock(b).mono_us, bytes);

	ck_assert_uint_gt(size, 0);
	host_receive(a, from, bytes, size);
}

static struct wire_addresses list(const char *const *texts, size_t count)
{
	struct wire_addresses out = { .count = 0 };

	for (size_t i = 0; i < count; i++) {
		const bool observed = *texts[i] == 'o';

		out.is[out.count].observed = observed;
		ck_assert(addr_parse(&out.is[out.count++].addr,
				     texts[i] + observed, 0));
	}
	return out;
}

/* How many datagrams a sends there from now on. */
static size_t probes_to(const char *text, size_t since)
{
	struct addr to;
	size_t found = 0;

	ck_assert(addr_parse(&to, text, 0));
	for (size_t i = since; i < h.log_count; i++)
		found += addr_equal(&h.log[i]->to, &to) &&
			 addr_equal(&h.log[i]->from, &a->addrs[0]);
	return found;
}

/* b is outside, and behind no NAT of a's. */
START_TEST(addresses_of_a_peer_that_is_reached_are_not_tried)
{
	static const char *const made_up[] = { "o198.51.100.9:8273",
					       "192.168.1.9:8273" };
	const struct wire_addresses said = list(made_up, 2);
	size_t since;

	see_a_by_two();
	since = h.log_count;
	say(&said, &b->addrs[0]);
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_uint_eq(probes_to("198.51.100.9:8273", since), 0);
	ck_assert_uint_eq(probes_to("192.168.1.9:8273", since), 0);
}
END_TEST

/* b is behind a's NAT: its local addresses may be tried, if they can be one's. */
START_TEST(only_addresses_that_can_be_its_own_are_tried)
{
	static const char *const made_up[] = {
		"o203.0.113.1:40077", "192.168.1.9:9000", "192.168.1.9:53",
		"198.51.100.9:8273",  "127.0.0.1:8273",	  "10.77.0.9:8273",
		"192.168.1.1:8273",   "[fd00::9]:8273",
	};
	const struct wire_addresses said = list(made_up, 8);
	const struct addr outer = outer_of(b);
	size_t since;

	nat.divided = true;
	meet_outside();
	hosts_run(&h, 15 * CLOCK_S);
	since = h.log_count;
	say(&said, &outer);
	say(&said, &outer);
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_uint_eq(probes_to("192.168.1.9:9000", since), 5);
	ck_assert_uint_eq(probes_to("10.77.0.9:8273", since), 5);
	ck_assert_uint_eq(probes_to("[fd00::9]:8273", since), 5);
	ck_assert_uint_eq(probes_to("192.168.1.9:53", since), 0);
	ck_assert_uint_eq(probes_to("198.51.100.9:8273", since), 0);
	ck_assert_uint_eq(probes_to("127.0.0.1:8273", since), 0);
	ck_assert_uint_eq(probes_to("203.0.113.1:40077", since), 0);
	ck_assert_uint_eq(probes_to("192.168.1.1:8273", since), 0);
	ck_assert(host_up(a, b));
}
END_TEST

START_TEST(a_peer_has_one_round_in_ten_seconds)
{
	static const char *const made_up[] = { "o203.0.113.1:40077",
					       "192.168.1.9:9000" };
	struct wire_addresses said = list(made_up, 2);
	const struct addr outer = outer_of(b);
	size_t since;

	nat.divided = true;
	meet_outside();
	hosts_run(&h, 15 * CLOCK_S);
	since = h.log_count;
	for (unsigned i = 0; i < 200; i++) {
		said.is[1].addr.port = (uint16_t)(10000 + i);
		say(&said, &outer);
		hosts_run(&h, 50 * CLOCK_MS);
	}
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_uint_eq(probes_to("192.168.1.9:10000", since), 5);
	ck_assert_uint_eq(probes_to("192.168.1.9:10199", since) +
				  probes_to("192.168.1.9:10198", since) +
				  probes_to("192.168.1.9:10100", since),
			  0);
}
END_TEST

/* How many datagrams a sends to addresses of that network. */
static size_t sent_into(uint32_t net, size_t since)
{
	const struct addr in = addr_v4(net, 0);
	size_t found = 0;

	for (size_t i = since; i < h.log_count; i++)
		found += memcmp(h.log[i]->to.ip, in.ip, 15) == 0 &&
			 addr_equal(&h.log[i]->from, &a->addrs[0]);
	return found;
}

/* A peer that is reached by a relay points at others, again and again. */
START_TEST(what_a_relayed_peer_points_at_gets_little)
{
	static const char *const made_up[] = {
		"o198.51.100.1:2000", "o198.51.100.2:2000",
		"o198.51.100.3:2000", "o198.51.100.4:2000",
		"o198.51.100.5:2000", "o198.51.100.6:2000",
		"o198.51.100.7:22",   "o198.51.100.8:2000",
	};
	struct wire_addresses said = list(made_up, 8);
	const uint32_t victims = 0xc6336400; /* 198.51.100.0 */
	size_t since;

	nat.symmetric[0] = nat.symmetric[1] = true;
	start_apart();
	ck_assert(hosts_until(&h, is_pair_relayed, 5 * CLOCK_S));
	hosts_run(&h, 20 * CLOCK_S);
	since = h.log_count;
	for (unsigned i = 0; i < 600; i++) {
		for (size_t k = 0; k < said.count; k++)
			if (said.is[k].addr.port != 22)
				said.is[k].addr.port = (uint16_t)(2000 + i);
		say(&said, &elsewhere);
		hosts_run(&h, 100 * CLOCK_MS);
	}
	ck_assert(is_pair_relayed(&h));
	/* Seven rounds in a minute. */
	ck_assert_uint_le(sent_into(victims, since), 7 * 7 * 5);
	ck_assert_uint_ge(sent_into(victims, since), 5);
	ck_assert_uint_eq(probes_to("198.51.100.7:22", since), 0);
	ck_assert(host_talks(a, b));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("seen by others", .setup = setup, .teardown = three_teardown),
	UNIT_TEST(a_host_behind_a_nat_knows_its_address),
	UNIT_TEST(what_a_peer_saw_is_forgotten_with_it),
	UNIT_LOOP(two_peers_that_disagree_show_a_symmetric_nat, 2),
	UNIT_CASE("one NAT", .setup = setup, .teardown = three_teardown),
	UNIT_TEST(two_behind_one_nat_meet_inside),
	UNIT_TEST(two_that_do_not_reach_each_other_inside_stay_outside),
	UNIT_TEST(who_is_seen_as_it_is_tells_nobody),
	UNIT_CASE("two NATs", .setup = setup_apart, .teardown = three_teardown),
	UNIT_LOOP(two_that_meet_by_a_relay_reach_each_other_directly, 2),
	UNIT_LOOP(two_whose_nats_do_not_allow_it_stay_relayed, 2),
	UNIT_TEST(they_try_again_each_minute),
	UNIT_CASE("made up", .setup = setup, .teardown = three_teardown),
	UNIT_TEST(addresses_of_a_peer_that_is_reached_are_not_tried),
	UNIT_TEST(only_addresses_that_can_be_its_own_are_tried),
	UNIT_TEST(a_peer_has_one_round_in_ten_seconds),
	UNIT_CASE("made up by relayed ones", .setup = setup_apart,
		  .teardown = three_teardown),
	UNIT_TEST(what_a_relayed_peer_points_at_gets_little),
};

UNIT_MAIN("punch", tests)
