/* node/relay: what a host carries for others, and how much of it. */
#include <check.h>
#include <string.h>

#include "node/core.h"
#include "node/leg.h"
#include "node/relay.h"
#include "node/sought.h"
#include "support/apart.h"
#include "support/main.h"
#include "tunnel/wire_leg.h"

static void setup(void)
{
	hosts_init(&h, 3);
	apart = true;
	h.judge = keep_apart;
	for (size_t i = 0; i < 3; i++) {
		h.host[i].config.peer_exchange = true;
		host_start(&h.host[i]);
	}
	node_set_relay(c->node, true, hosts_clock(c));
	host_dial(a, c);
	host_dial(b, c);
	ck_assert(hosts_until(&h, hosts_all_up, 8 * CLOCK_S));
	hosts_run(&h, CLOCK_S);
	hosts_forget_log(&h);
}

static void teardown(void)
{
	hosts_free(&h);
}

static struct relayed *the_leg(void)
{
	uint32_t at = table_next(c->node->relay->by_pair, TABLE_NONE);

	ck_assert_uint_ne(at, TABLE_NONE);
	return table_at(c->node->relay->by_pair, at);
}

/* What b sends to a on its way to c, once more. */
static const struct flight *one_of_b(void)
{
	const struct flight *f;

	host_say(b, 1);
	f = hosts_sent(&h, WIRE_RELAYED, b, c, 0, 0);
	ck_assert_ptr_nonnull(f);
	return f;
}

START_TEST(what_is_carried_is_counted)
{
	const uint64_t before = c->node->relay->datagrams;
	const struct flight *f = one_of_b();

	arrive();
	ck_assert_uint_ge(c->node->relay->datagrams, before + 1);
	ck_assert_uint_ge(c->node->relay->bytes, f->len);
}
END_TEST

/* As with any path, but for the header that the relay reads. */
START_TEST(a_datagram_too_big_for_the_way_to_the_relay_shrinks_what_goes_by_it)
{
	const uint16_t size = host_peer(a, b).datagram_size;

	node_send_failed(a->node, &c->addrs[0], DROP_send_too_big,
			 size + WIRE_RELAYED_LEN + 1u, 1, hosts_clock(a));
	ck_assert_uint_eq(host_peer(a, b).datagram_size, size);
	node_send_failed(a->node, &c->addrs[0], DROP_send_too_big,
			 size + WIRE_RELAYED_LEN, 1, hosts_clock(a));
	ck_assert_uint_lt(host_peer(a, b).datagram_size, size);
	ck_assert_uint_eq(host_peer(b, a).datagram_size, size);
}
END_TEST

START_TEST(a_leg_carries_so_much_a_second_and_no_more)
{
	const struct flight *f = one_of_b();
	const struct way way = { .remote = f->from, .local = f->to };
	struct relayed *leg = the_leg();
	uint64_t before;

	arrive();
	leg->datagrams.tokens = 3;
	leg->datagrams.at_us = h.net.now_us;
	before = c->node->relay->datagrams;
	for (int i = 0; i < 10; i++)
		host_receive_way(c, &way, f->bytes, f->len);
	ck_assert_uint_eq(c->node->relay->datagrams, before + 3);
	ck_assert_uint_eq(host_drops(c, DROP_leg_spent), 7);
	/* Nor so many bytes. */
	leg->datagrams.tokens = 10;
	leg->bytes.tokens = (double)f->len;
	leg->bytes.at_us = h.net.now_us;
	for (int i = 0; i < 2; i++)
		host_receive_way(c, &way, f->bytes, f->len);
	ck_assert_uint_eq(c->node->relay->datagrams, before + 4);
}
END_TEST

START_TEST(a_leg_that_nothing_goes_by_ends)
{
	host_stop(a);
	host_stop(b);
	hosts_run(&h, 4 * CLOCK_S);
	ck_assert_uint_eq(table_count(c->node->relay->by_pair), 0);
	ck_assert_uint_eq(table_count(c->node->relay->by_index), 0);
	for (uint16_t port = 0; port < 3; port++)
		ck_assert_uint_eq(c->node->relay->legs_of[port], 0);
}
END_TEST

START_TEST(an_index_that_is_nobodys_is_unknown)
{
	const struct flight *f = one_of_b();
	const struct way way = { .remote = f->from, .local = f->to };
	uint8_t bytes[2048];

	memcpy(bytes, f->bytes, f->len);
	bytes[4] ^= 1;
	host_receive_way(c, &way, bytes, f->len);
	ck_assert_uint_eq(host_drops(c, DROP_leg_unknown), 1);
}
END_TEST

/* What a asks c for, on its own session with it. */
static void ask(uint32_t number, uint32_t index)
{
	struct wire_leg m = { .what = WIRE_LEG_ASK, .index = index };
	uint8_t record[WIRE_LEG_LEN], out[WIRE_LEG_LEN + WIRE_DATA_OVERHEAD];
	const struct way way = { .remote = a->addrs[0], .local = c->addrs[0] };
	size_t len;

	store_be32(m.key, number);
	wire_pack_leg(&m, record);
	len = node_debug_seal(a->node, &c->key, record, sizeof(record),
			      h.net.now_us, out);
	host_receive_way(c, &way, out, len);
}

START_TEST(who_asks_too_often_is_not_heard)
{
	size_t answers;

	hosts_forget_log(&h);
	for (uint32_t i = 0; i < 100; i++)
		ask(1 + i, 77);
	answers = hosts_count_sent(&h, WIRE_DATA, c, a, 0);
	ck_assert_uint_le(answers, RELAY_ASKS);
	ck_assert_uint_eq(host_drops(c, DROP_leg_rate), 100 - answers);
	ck_assert_uint_eq(table_count(c->node->relay->by_pair), 1);
	ck_assert(hosts_pair_up(&h));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("relay", .setup = setup, .teardown = teardown,
		  .timeout_s = 30),
	UNIT_TEST(what_is_carried_is_counted),
	UNIT_TEST(
		a_datagram_too_big_for_the_way_to_the_relay_shrinks_what_goes_by_it),
	UNIT_TEST(a_leg_carries_so_much_a_second_and_no_more),
	UNIT_TEST(a_leg_that_nothing_goes_by_ends),
	UNIT_TEST(an_index_that_is_nobodys_is_unknown),
	UNIT_TEST(who_asks_too_often_is_not_heard),
};

UNIT_MAIN("relay", tests)
