/* Of a node that is made up here: node_traffic and node_next_peer_traffic stand in
 * for the library's. */
#include "support/main.h"
#include "tapd/control/rates.h"

#include <check.h>
#include <string.h>

#include "base/clock.h"

struct node {
	struct node_traffic traffic;
};

static struct node node;
static struct node_peer_info peer;
static struct rates *rates;
static uint64_t now_us;

void node_traffic(const struct node *n, struct node_traffic *out)
{
	*out = n->traffic;
}

bool node_next_peer_traffic(const struct node *n, struct node_iter *it,
			    const struct public_key **key,
			    struct node_traffic *out)
{
	(void)n;
	*key = &peer.key;
	*out = (struct node_traffic){ peer.tx, peer.rx };
	return it->slot++ == 0;
}

static void setup(void)
{
	memset(&node, 0, sizeof(node));
	memset(&peer, 0, sizeof(peer));
	peer.has_key = true;
	now_us = 5000 * CLOCK_S;
	rates = rates_new();
	ck_assert_ptr_nonnull(rates);
}

static void teardown(void)
{
	rates_free(rates);
}

static void assert_rates(struct traffic_rates r, double tx_frames,
			 double tx_bytes, double rx_frames, double rx_bytes)
{
	ck_assert_double_eq_tol(r.tx_frames, tx_frames, 0.01);
	ck_assert_double_eq_tol(r.tx_bytes, tx_bytes, 0.01);
	ck_assert_double_eq_tol(r.rx_frames, rx_frames, 0.01);
	ck_assert_double_eq_tol(r.rx_bytes, rx_bytes, 0.01);
}

static void assert_node(double tx_frames, double tx_bytes, double rx_frames,
			double rx_bytes)
{
	assert_rates(rates_of_node(rates, &node, now_us), tx_frames, tx_bytes,
		     rx_frames, rx_bytes);
}

static void assert_peer(double tx_frames, double tx_bytes, double rx_frames,
			double rx_bytes)
{
	assert_rates(rates_of_peer(rates, &peer, now_us), tx_frames, tx_bytes,
		     rx_frames, rx_bytes);
}

START_TEST(rates_are_those_of_the_last_seconds)
{
	assert_node(0, 0, 0, 0);
	assert_peer(0, 0, 0, 0);
	/* A thousand frames of 100 bytes a second, for 20 s. */
	for (int i = 0; i <= 20; i++) {
		rates_sample(rates, &node, now_us);
		/* Too early for another. */
		rates_sample(rates, &node, now_us + CLOCK_S / 2);
		now_us += CLOCK_S;
		node.traffic.tx.frames += 1000;
		node.traffic.tx.bytes += 100000;
		peer.rx.frames += 10;
		peer.rx.bytes += 1000;
	}
	assert_node(1000, 100000, 0, 0);
	assert_peer(0, 0, 10, 1000);
	/* Then nothing: what was is soon forgotten. */
	now_us += 1000 * CLOCK_S;
	assert_peer(0, 0, 0.01, 1);
}
END_TEST

START_TEST(peer_that_is_new_or_another_has_no_rates_yet)
{
	peer.tx.bytes = 5000;
	rates_sample(rates, &node, now_us);
	now_us += CLOCK_S;
	peer.tx.bytes = 10;
	assert_peer(0, 0, 0, 0);
	peer.tx.bytes = 6000;
	assert_peer(0, 1000, 0, 0);
	peer.key.bytes[5]++;
	assert_peer(0, 0, 0, 0);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("rates", .setup = setup, .teardown = teardown),
	UNIT_TEST(rates_are_those_of_the_last_seconds),
	UNIT_TEST(peer_that_is_new_or_another_has_no_rates_yet),
};

UNIT_MAIN("rates", tests)
