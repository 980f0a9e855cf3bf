/* node/exchange: peers tell each other whom they have up. */
#include <check.h>
#include <string.h>

#include "node/core.h"
#include "node/exchange.h"
#include "node/shares.h"
#include "support/main.h"
#include "support/three.h"

static struct hosts many;
static struct host *const seed = &many.host[0];

static void setup(void)
{
	hosts_init(&many, HOSTS_MAX);
	for (size_t i = 0; i < many.count; i++)
		many.host[i].config.peer_exchange = true;
}

static void teardown(void)
{
	hosts_free(&many);
}

/* Every other host knows the first, and starts so long after the one before. */
static void start_with_one_seed(uint64_t apart_us)
{
	for (size_t i = 0; i < many.count; i++) {
		host_start(&many.host[i]);
		if (i > 0)
			host_dial(&many.host[i], seed);
		hosts_run(&many, apart_us);
	}
}

/* Records of that kind among what was sent since, from one host to another; NULL: any.
 * bytes: of the datagrams that bear them. */
static size_t count_records(uint8_t kind, const struct host *from,
			    const struct host *to, size_t since, size_t *bytes)
{
	size_t count = 0;

	for (size_t i = since; i < many.log_count; i++) {
		const struct flight *f = many.log[i];
		const struct host *at = hosts_at(&many, &f->to);
		uint8_t records[65536];
		struct wire_record r;
		struct cursor all;
		size_t len;

		if (f->bytes[0] != WIRE_DATA || !at || !at->node ||
		    (to && at != to) ||
		    (from && hosts_at(&many, &f->from) != from) ||
		    !node_debug_open(at->node, f->bytes, f->len, records, &len))
			continue;
		all = cursor_init(records, len);
		while (wire_next_record(&all, &r)) {
			if (r.kind != kind)
				continue;
			count++;
			if (bytes)
				*bytes += f->len;
		}
	}
	return count;
}

static const uint64_t apart_us[] = { 0, CLOCK_MS, 100 * CLOCK_MS, 3 * CLOCK_S,
				     70 * CLOCK_S };

START_TEST(one_seed_is_enough)
{
	start_with_one_seed(apart_us[_i]);
	ck_assert(hosts_until(&many, hosts_all_up, 3 * CLOCK_S));
	for (size_t i = 1; i < many.count; i++)
		ck_assert(host_info(&many.host[i], seed).wanted);
	ck_assert(!host_info(&many.host[1], &many.host[2]).wanted);
	ck_assert(host_info(&many.host[5], &many.host[1]).suggested ||
		  host_info(&many.host[1], &many.host[5]).suggested);
}
END_TEST

START_TEST(then_there_is_silence)
{
	size_t since;

	start_with_one_seed(0);
	hosts_run(&many, 20 * CLOCK_S);
	ck_assert(hosts_all_up(&many));
	for (size_t i = 1; i < many.count; i++)
		ck_assert_uint_eq(host_debug(&many.host[i]).digest +
					  load_be64(many.host[i].key.bytes),
				  host_debug(seed).digest +
					  load_be64(seed->key.bytes));
	since = many.log_count;
	hosts_run(&many, 60 * CLOCK_S);
	ck_assert_uint_eq(count_records(WIRE_PEERS, NULL, NULL, since, NULL),
			  0);
}
END_TEST

/* Two that cannot meet: digests differ for good. */
START_TEST(and_there_is_where_two_cannot_meet)
{
	struct host *x = &many.host[2], *y = &many.host[3];
	size_t since;

	hosts_link(&many, x, y)->loss = 1;
	hosts_link(&many, y, x)->loss = 1;
	start_with_one_seed(0);
	hosts_run(&many, 30 * CLOCK_S);
	ck_assert(!host_up(x, y) && host_up(x, seed) && host_up(y, seed));
	since = many.log_count;
	hosts_run(&many, 60 * CLOCK_S);
	ck_assert_uint_eq(count_records(WIRE_PEERS, NULL, NULL, since, NULL),
			  0);
	/* Once they can, they do, though nobody's list has changed. */
	hosts_heal(&many);
	ck_assert(hosts_until(&many, hosts_all_up, 800 * CLOCK_S));
}
END_TEST

START_TEST(whole_lists_are_asked_for_now_and_then)
{
	size_t questions = 0;

	start_with_one_seed(0);
	hosts_run(&many, 90 * CLOCK_S);
	/* A minute at a time: what was sealed cannot be opened for much longer. */
	for (int i = 0; i < 15; i++) {
		hosts_forget_log(&many);
		hosts_run(&many, 60 * CLOCK_S);
		questions =
			count_records(WIRE_PEERS, &many.host[1], NULL, 0, NULL);
		if (questions)
			break;
	}
	ck_assert_uint_ge(questions, 1);
}
END_TEST

/* Nobody learns from, or tells, whoever takes no part. */
START_TEST(who_takes_no_part_is_left_alone)
{
	many.host[_i].config.peer_exchange = false;
	start_with_one_seed(0);
	hosts_run(&many, 20 * CLOCK_S);
	for (size_t i = 1; i < many.count; i++)
		ck_assert(host_up(&many.host[i], seed));
	ck_assert_uint_eq(
		count_records(WIRE_PEERS, &many.host[_i], NULL, 0, NULL), 0);
	ck_assert_uint_eq(
		count_records(WIRE_PEERS, NULL, &many.host[_i], 0, NULL), 0);
	/* Of a seed that does not tell nobody learns; of another host that does
	 * not ask, the others do. */
	if (_i == 0)
		ck_assert(!host_knows(&many.host[1], &many.host[2]));
	else
		ck_assert(hosts_all_up(&many));
}
END_TEST

START_TEST(it_may_be_switched_on_and_off)
{
	size_t since;

	for (size_t i = 0; i < many.count; i++)
		many.host[i].config.peer_exchange = false;
	start_with_one_seed(0);
	hosts_run(&many, 5 * CLOCK_S);
	ck_assert(!host_knows(&many.host[1], &many.host[2]));
	for (size_t i = 0; i < many.count; i++)
		node_set_peer_exchange(many.host[i].node, true,
				       hosts_clock(&many.host[i]));
	ck_assert(hosts_until(&many, hosts_all_up, 20 * CLOCK_S));
	for (size_t i = 0; i < many.count; i++)
		node_set_peer_exchange(many.host[i].node, false,
				       hosts_clock(&many.host[i]));
	hosts_run(&many, 5 * CLOCK_S);
	ck_assert(hosts_all_up(&many));
	since = many.log_count;
	host_stop(&many.host[5]);
	host_start(&many.host[5]);
	host_dial(&many.host[5], seed);
	hosts_run(&many, 5 * CLOCK_S);
	/* Off at both ends: but who knew it still dials it. */
	ck_assert_uint_eq(count_records(WIRE_PEERS, seed, NULL, since, NULL),
			  0);
}
END_TEST

START_TEST(the_seed_may_go_once_it_was_met)
{
	struct host *late = &many.host[5];

	start_with_one_seed(0);
	hosts_run(&many, 5 * CLOCK_S);
	host_stop(late);
	hosts_run(&many, 5 * CLOCK_S);
	host_start(late);
	host_dial(late, seed);
	while (!host_up(late, seed))
		hosts_run(&many, CLOCK_MS);
	hosts_run(&many, 15 * CLOCK_MS); /* a question and its answer */
	host_stop(seed);
	ck_assert(hosts_until(&many, hosts_all_up, 5 * CLOCK_S));
}
END_TEST

/* Two meshes that are both long past their first minute. */
START_TEST(two_meshes_grow_together)
{
	for (size_t i = 0; i < many.count; i++)
		host_start(&many.host[i]);
	for (size_t i = 1; i < 3; i++) {
		host_dial(&many.host[i], seed);
		host_dial(&many.host[3 + i], &many.host[3]);
	}
	hosts_run(&many, 100 * CLOCK_S);
	ck_assert(host_up(&many.host[1], &many.host[2]));
	ck_assert(host_up(&many.host[4], &many.host[5]));
	ck_assert(!host_knows(&many.host[1], &many.host[4]));
	host_dial(&many.host[1], &many.host[4]);
	ck_assert(hosts_until(&many, hosts_all_up, 30 * CLOCK_S));
}
END_TEST

START_TEST(a_host_that_moved_is_listed_where_it_is)
{
	struct host *moving = &many.host[1], *late = &many.host[5];

	start_with_one_seed(0);
	hosts_run(&many, 5 * CLOCK_S);
	host_stop(late);
	hosts_run(&many, CLOCK_S);
	moving->addrs[0] = addr_v4(0x0a0900c8, 8273);
	hosts_run(&many, 20 * CLOCK_S);
	ck_assert(host_sends_to(seed, moving, &moving->addrs[0]));
	host_start(late);
	host_dial(late, seed);
	ck_assert(hosts_until(&many, hosts_all_up, 3 * CLOCK_S));
}
END_TEST

/* ---- questions and answers by hand ---- */

/* The host's own word, in its session with the seed. */
static void say(struct host *from, const uint8_t *record, size_t len)
{
	uint8_t bytes[2048];
	size_t size = node_debug_seal(from->node, &seed->key, record, len,
				      hosts_clock(from).mono_us, bytes);

	ck_assert_uint_gt(size, 0);
	hosts_inject(&many, &from->addrs[0], &seed->addrs[0], bytes, size);
	hosts_run(&many, 20 * CLOCK_MS);
}

static void say_ask(struct host *from, uint32_t since)
{
	uint8_t record[WIRE_PEERS_ASK_LEN];

	wire_pack_peers_ask(since, record);
	say(from, record, sizeof(record));
}

static size_t answers(struct host *to, size_t since)
{
	return count_records(WIRE_PEERS, seed, to, since, NULL);
}

/* What was told of it before, and refused, is told again. */
START_TEST(who_is_trusted_later_is_met)
{
	struct host *const one = &many.host[1], *const other = &many.host[2];
	struct public_key keys[2];

	for (size_t i = 0; i < 3; i++)
		host_start(&many.host[i]);
	keys[0] = seed->key;
	keys[1] = other->key;
	ck_assert(node_set_trusted(one->node, keys, 1, hosts_clock(one)));
	host_dial(one, seed);
	host_dial(other, seed);
	hosts_run(&many, 200 * CLOCK_S);
	ck_assert(host_up(one, seed) && host_up(other, seed));
	ck_assert(!host_knows(one, other));
	ck_assert(node_set_trusted(one->node, keys, 2, hosts_clock(one)));
	ck_assert(hosts_until(&many, hosts_all_up, 10 * CLOCK_S));
}
END_TEST

/* Half of what a second has was told to two keys at one address, as lists of the largest
 * mesh. The rest is for who has had none. */
START_TEST(attack_long_lists_are_parted_as_well)
{
	struct host *const liar = &many.host[1], *const honest = &many.host[2];
	struct exchange *x;
	size_t since;

	start_with_one_seed(0);
	hosts_run(&many, 10 * CLOCK_S);
	say_ask(liar, 0);
	x = seed->node->exchange;
	x->listed = 511;
	x->second_us = hosts_clock(seed).mono_us;
	x->told = 4 * 512 / 2;
	for (int i = 0; i < 2; i++)
		ck_assert(shares_add(x->asked, &liar->addrs[0]));
	for (size_t i = 0; i <= seed->node->config.peers_max; i++)
		x->ports[i].answered_us = 0;
	since = many.log_count;
	say_ask(liar, 0);
	ck_assert_uint_eq(answers(liar, since), 0);
	say_ask(honest, 0);
	ck_assert_uint_gt(answers(honest, since), 0);
}
END_TEST

START_TEST(a_question_is_answered_once_a_second)
{
	struct host *asker = &many.host[1];
	size_t since;

	start_with_one_seed(0);
	hosts_run(&many, 10 * CLOCK_S);
	since = many.log_count;
	for (int i = 0; i < 150; i++)
		say_ask(asker, 0);
	ck_assert_uint_ge(answers(asker, since), 3);
	ck_assert_uint_le(answers(asker, since), 4);
	ck_assert_uint_ge(host_drops(seed, DROP_exchange_rate), 146);
}
END_TEST

START_TEST(only_what_is_new_is_told)
{
	struct host *asker = &many.host[1];
	uint32_t version;
	size_t since, whole = 0, none = 0, foreign = 0;

	start_with_one_seed(0);
	hosts_run(&many, 10 * CLOCK_S);
	version = host_debug(seed).list;
	since = many.log_count;
	say_ask(asker, 0);
	ck_assert_uint_eq(count_records(WIRE_PEERS, seed, asker, since, &whole),
			  1);
	hosts_run(&many, 2 * CLOCK_S);
	since = many.log_count;
	say_ask(asker, version);
	ck_assert_uint_eq(count_records(WIRE_PEERS, seed, asker, since, &none),
			  1);
	/* All but itself; and nobody. */
	ck_assert_uint_eq(whole - none, (many.count - 2) * WIRE_HOST_LEN);
	/* A version that there is not yet is of another process. */
	hosts_run(&many, 2 * CLOCK_S);
	since = many.log_count;
	say_ask(asker, version + 100);
	(void)count_records(WIRE_PEERS, seed, asker, since, &foreign);
	ck_assert_uint_eq(foreign, whole);
}
END_TEST

START_TEST(a_list_that_nobody_asked_for_is_not_read)
{
	const struct wire_host host = { { 1 }, addr_v4(0xc0000201, 8273) };
	const struct wire_peers list = { .version = 5 };
	uint8_t record[WIRE_PEERS_LEN + WIRE_HOST_LEN];
	uint64_t drops;

	start_with_one_seed(0);
	hosts_run(&many, 20 * CLOCK_S);
	drops = host_drops(seed, DROP_exchange_rate);
	wire_pack_peers(&list, 1, record);
	wire_pack_host(&host, record + WIRE_PEERS_LEN);
	say(&many.host[1], record, sizeof(record));
	ck_assert_uint_eq(host_drops(seed, DROP_exchange_rate), drops + 1);
	ck_assert_uint_eq(host_debug(seed).hints, 0);
}
END_TEST

/* It tells the asker that its list is another. */
static void changes(struct host *asker, const struct host *other, uint32_t list)
{
	const struct wire_probe probe = { .digest = list, .list = list };
	struct peer *peer = peers_find(asker->node, &other->key);

	exchange_control.reported(asker->node, peer, &probe,
				  hosts_clock(asker).mono_us);
}

/* Four say in every breath that their lists have changed, which the seed says once: it is
 * listed by a source, so it is the first or second, and then each in its turn. */
START_TEST(who_is_ever_another_keeps_nobody_from_being_asked)
{
	struct host *asker = &many.host[1];
	size_t since;

	start_with_one_seed(0);
	hosts_run(&many, 30 * CLOCK_S);
	since = many.log_count;
	for (uint32_t i = 0; i < 60; i++) {
		if (i < 25) /* its own probes say that it has not */
			changes(asker, seed, 1000);
		for (size_t k = 2; k < many.count; k++)
			changes(asker, &many.host[k], 1000 + i);
		hosts_run(&many, 100 * CLOCK_MS);
		if (i == 24)
			ck_assert_uint_ge(count_records(WIRE_PEERS, asker, seed,
							since, NULL),
					  1);
	}
	for (size_t k = 2; k < many.count; k++)
		ck_assert_uint_ge(count_records(WIRE_PEERS, asker,
						&many.host[k], since, NULL),
				  1);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("exchange", .setup = setup, .teardown = teardown,
		  .timeout_s = 30),
	UNIT_EACH(one_seed_is_enough, apart_us),
	UNIT_TEST(then_there_is_silence),
	UNIT_TEST(and_there_is_where_two_cannot_meet),
	UNIT_TEST(whole_lists_are_asked_for_now_and_then),
	UNIT_LOOP(who_takes_no_part_is_left_alone, 3),
	UNIT_TEST(it_may_be_switched_on_and_off),
	UNIT_TEST(the_seed_may_go_once_it_was_met),
	UNIT_TEST(two_meshes_grow_together),
	UNIT_TEST(a_host_that_moved_is_listed_where_it_is),
	UNIT_TEST(who_is_trusted_later_is_met),
	UNIT_TEST(attack_long_lists_are_parted_as_well),
	UNIT_TEST(a_question_is_answered_once_a_second),
	UNIT_TEST(who_is_ever_another_keeps_nobody_from_being_asked),
	UNIT_TEST(only_what_is_new_is_told),
	UNIT_TEST(a_list_that_nobody_asked_for_is_not_read),
};

UNIT_MAIN("exchange", tests)
