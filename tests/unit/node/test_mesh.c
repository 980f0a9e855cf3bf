/* node/mesh: how all links are, as each host measures its own. */
#include <check.h>

#include "node/ask.h"
#include "node/mesh.h"
#include "node/peers.h"
#include "support/hosts.h"
#include "support/main.h"

static struct hosts many;
static struct host *const first = &many.host[0];

static void setup(void)
{
	hosts_init(&many, HOSTS_MAX);
}

static void teardown(void)
{
	hosts_free(&many);
}

static void ask(void)
{
	uint64_t end_us = many.net.now_us + 6 * CLOCK_S;

	ck_assert(node_mesh_begin(first->node, hosts_clock(first)));
	while (!node_mesh_done(first->node) && many.net.now_us < end_us)
		hosts_run(&many, 10 * CLOCK_MS);
	ck_assert(node_mesh_done(first->node));
}

/* Which row and column are the host's. */
static size_t place_of(const struct host *host)
{
	for (size_t i = 0; i < node_mesh_count(first->node); i++)
		if (public_key_equal(node_mesh_host(first->node, i).key,
				     &host->key))
			return i;
	ck_abort_msg("no such host in the mesh");
}

static struct node_mesh_link link_of(const struct host *from,
				     const struct host *to)
{
	return node_mesh_links(first->node, place_of(from))[place_of(to)];
}

START_TEST(every_host_says_how_its_links_are)
{
	hosts_mesh(&many, HOSTS_MAX);
	hosts_run(&many, 5 * CLOCK_S);
	ask();
	ck_assert_uint_eq(node_mesh_count(first->node), HOSTS_MAX);
	ck_assert_uint_eq(place_of(first), 0);
	for (size_t i = 0; i < HOSTS_MAX; i++) {
		const struct host *from = &many.host[i];

		ck_assert(node_mesh_host(first->node, place_of(from)).answered);
		ck_assert_str_eq(
			node_mesh_host(first->node, place_of(from)).name,
			from->config.name);
		for (size_t j = 0; j < HOSTS_MAX; j++) {
			struct node_mesh_link l = link_of(from, &many.host[j]);

			ck_assert(l.known == (i != j));
			ck_assert_uint_eq(l.rtt_us,
					  i != j ? 2 * many.latency_us : 0);
			ck_assert(!(l.loss > 0));
		}
	}
	node_mesh_end(first->node);
}
END_TEST

START_TEST(a_bad_link_shows)
{
	struct host *x = &many.host[2], *y = &many.host[4];

	hosts_mesh(&many, HOSTS_MAX);
	hosts_link(&many, x, y)->loss = 0.3;
	hosts_link(&many, x, y)->delay_min_us = 40 * CLOCK_MS;
	hosts_link(&many, x, y)->delay_max_us = 40 * CLOCK_MS;
	hosts_run(&many, 60 * CLOCK_S);
	ask();
	ck_assert_uint_ge(link_of(x, y).rtt_us, 40 * CLOCK_MS);
	ck_assert_uint_ge(link_of(y, x).rtt_us, 40 * CLOCK_MS);
	/* What y lacks of x's, and not the other way. */
	ck_assert_float_ge(link_of(y, x).loss, 0.1F);
	ck_assert_float_le(link_of(x, y).loss, 0.05F);
	node_mesh_end(first->node);
}
END_TEST

START_TEST(what_is_not_known_is_not_said)
{
	struct host *cut = &many.host[3], *old = &many.host[5];

	hosts_mesh(&many, HOSTS_MAX);
	hosts_run(&many, CLOCK_S);
	/* One cannot answer; two have lost each other; one goes. */
	peers_find(first->node, &old->key)->capabilities = 0;
	hosts_link(&many, &many.host[1], &many.host[2])->loss = 1;
	hosts_link(&many, &many.host[2], &many.host[1])->loss = 1;
	hosts_run(&many, 5 * CLOCK_S);
	host_stop(cut);
	hosts_run(&many, 100 * CLOCK_MS);
	ask();
	ck_assert(!node_mesh_host(first->node, place_of(cut)).answered);
	ck_assert(!node_mesh_host(first->node, place_of(old)).answered);
	ck_assert(!link_of(cut, first).known && !link_of(old, first).known);
	ck_assert(!link_of(&many.host[1], &many.host[2]).known);
	ck_assert(link_of(&many.host[1], first).known);
	ck_assert(link_of(&many.host[1], old).known);
	node_mesh_end(first->node);
}
END_TEST

START_TEST(loss_makes_it_ask_again)
{
	hosts_mesh(&many, HOSTS_MAX);
	hosts_run(&many, 5 * CLOCK_S);
	/* The first question, or answer, is lost. */
	hosts_link(&many, first, &many.host[1])->loss = 1;
	hosts_link(&many, &many.host[2], first)->loss = 1;
	ck_assert(node_mesh_begin(first->node, hosts_clock(first)));
	hosts_run(&many, 100 * CLOCK_MS);
	ck_assert(!node_mesh_done(first->node));
	hosts_heal(&many);
	hosts_run(&many, 2500 * CLOCK_MS);
	ck_assert(node_mesh_done(first->node));
	ck_assert(node_mesh_host(first->node, 1).answered);
	for (size_t i = 0; i < HOSTS_MAX; i++)
		ck_assert(node_mesh_host(first->node, i).answered);
	node_mesh_end(first->node);
}
END_TEST

START_TEST(it_may_be_ended_and_asked_again)
{
	hosts_mesh(&many, 2);
	ck_assert(node_mesh_begin(first->node, hosts_clock(first)));
	ck_assert(!node_mesh_begin(first->node, hosts_clock(first)));
	node_mesh_end(first->node);
	hosts_run(&many, 3 * CLOCK_S);
	ask();
	ck_assert(node_mesh_host(first->node, 1).answered);
	node_mesh_end(first->node);
}
END_TEST

START_TEST(alone_it_is_done_at_once)
{
	host_start(first);
	ask();
	ck_assert_uint_eq(node_mesh_count(first->node), 1);
	node_mesh_end(first->node);
}
END_TEST

/* Each part says that the next begins one further. */
static void answer_without_end(uint64_t us, uint16_t step)
{
	const uint64_t end_us = many.net.now_us + us;
	struct node *n = first->node;
	const struct peer *liar = peers_find(n, &many.host[1].key);
	struct wire_answer a = { .kind = WIRE_ASK_ROW };

	while (!node_mesh_done(n) && many.net.now_us < end_us) {
		a.token = n->mesh->token;
		a.first = n->mesh->hosts[n->mesh->host_of[liar->port]].first;
		a.next = (uint16_t)(a.first + step);
		mesh_answered(n, liar, &a, many.net.now_us);
		hosts_run(&many, 100 * CLOCK_MS);
	}
}

START_TEST(a_row_without_end_ends)
{
	hosts_mesh(&many, 3);
	hosts_run(&many, 5 * CLOCK_S);
	host_stop(&many.host[1]);
	ck_assert(node_mesh_begin(first->node, hosts_clock(first)));
	hosts_run(&many, 10 * CLOCK_MS);
	answer_without_end(21 * CLOCK_S, 1);
	ck_assert(node_mesh_done(first->node));
	ck_assert(
		node_mesh_host(first->node, place_of(&many.host[2])).answered);
	node_mesh_end(first->node);
}
END_TEST

START_TEST(no_row_goes_on_behind_the_last_peer)
{
	hosts_mesh(&many, 3);
	hosts_run(&many, 5 * CLOCK_S);
	host_stop(&many.host[1]);
	ck_assert(node_mesh_begin(first->node, hosts_clock(first)));
	hosts_run(&many, 10 * CLOCK_MS);
	answer_without_end(2 * CLOCK_S, NODE_PEERS_MAX + 1);
	ck_assert(node_mesh_done(first->node));
	node_mesh_end(first->node);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("mesh", .setup = setup, .teardown = teardown,
		  .timeout_s = 30),
	UNIT_TEST(every_host_says_how_its_links_are),
	UNIT_TEST(a_bad_link_shows),
	UNIT_TEST(what_is_not_known_is_not_said),
	UNIT_TEST(loss_makes_it_ask_again),
	UNIT_TEST(it_may_be_ended_and_asked_again),
	UNIT_TEST(alone_it_is_done_at_once),
	UNIT_TEST(a_row_without_end_ends),
	UNIT_TEST(no_row_goes_on_behind_the_last_peer),
};

UNIT_MAIN("mesh", tests)
