/* node/leg, legs, sought: hosts that do not reach each other meet by a third. */
#include <check.h>
#include <string.h>

#include "node/core.h"
#include "node/leg.h"
#include "node/relay.h"
#include "node/sought.h"
#include "support/main.h"
#include "support/three.h"

/* a and b, and whoever else is to be hidden, are kept apart. */
static bool apart;

static bool is_hidden(const struct addr *at)
{
	return addr_equal(at, &a->addrs[0]) || addr_equal(at, &b->addrs[0]);
}

static enum fate keep_apart(struct hosts *hosts, struct flight *f)
{
	(void)hosts;
	return apart && is_hidden(&f->from) && is_hidden(&f->to) ? LOSE : PASS;
}

static void setup_count(size_t count)
{
	hosts_init(&h, count);
	apart = true;
	h.judge = keep_apart;
	for (size_t i = 0; i < count; i++)
		h.host[i].config.peer_exchange = true;
}

static void setup(void)
{
	setup_count(3);
	c->config.relay = true;
}

static void teardown(void)
{
	hosts_free(&h);
}

static void start(struct host *host)
{
	host_start(host);
	if (host != c)
		host_dial(host, c);
}

static void start_all(void)
{
	start(c);
	start(a);
	start(b);
}

static bool are_relayed(const struct hosts *hosts)
{
	return hosts_pair_up(hosts) &&
	       peers_find(a->node, &b->key)->path.way.remote.leg &&
	       peers_find(b->node, &a->key)->path.way.remote.leg;
}

static const struct peer *peer_of(const struct host *host,
				  const struct host *of)
{
	return peers_find(host->node, &of->key);
}

START_TEST(two_that_do_not_reach_each_other_meet_by_a_relay)
{
	start_all();
	ck_assert(hosts_until(&h, are_relayed, 5 * CLOCK_S));
	ck_assert(host_talks(a, b));
	ck_assert(host_talks(b, a));
	ck_assert_ptr_eq(leg_relay(a->node, peer_of(a, b)->path.way.remote.leg),
			 peer_of(a, c));
	hosts_run(&h, 200 * CLOCK_S);
	ck_assert(are_relayed(&h));
	ck_assert(host_talks(a, b));
	ck_assert(host_talks(b, a));
}
END_TEST

START_TEST(whoever_begins_to_relay_is_asked_at_once)
{
	c->config.relay = false;
	start_all();
	hosts_run(&h, 100 * CLOCK_S);
	ck_assert(!hosts_pair_up(&h));
	node_set_relay(c->node, true, hosts_clock(c));
	ck_assert(hosts_until(&h, are_relayed, 5 * CLOCK_S));
	ck_assert(host_talks(a, b));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("leg", .setup = setup, .teardown = teardown, .timeout_s = 30),
	UNIT_TEST(two_that_do_not_reach_each_other_meet_by_a_relay),
	UNIT_TEST(whoever_begins_to_relay_is_asked_at_once),
};

UNIT_MAIN("leg", tests)
