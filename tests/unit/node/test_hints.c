/* node/hints: hosts that peers tell of, which are tried, and what that costs whom. */
#include <check.h>
#include <string.h>

#include "node/core.h"
#include "node/hints.h"
#include "support/main.h"
#include "support/three.h"

#define MINUTE (60 * CLOCK_S)

/* a alone is on, and nobody answers. */
static void setup(void)
{
	three_setup();
	a->config.peer_exchange = true;
	host_start(a);
}

static struct public_key key_of(uint32_t number)
{
	struct public_key key = { { 0xee } };

	store_be32(key.bytes + 4, number);
	return key;
}

static bool tell(uint16_t informant, uint32_t number, const struct addr *at)
{
	const struct public_key key = key_of(number);

	return hints_add(a->node, informant, &key, at, hosts_clock(a).mono_us);
}

/* 192.0.2.x and so on: each its own address. */
static struct addr host_at(uint32_t number)
{
	return addr_v4(0xc0000000u + number, 8273);
}

static size_t tries_of(const struct addr *at)
{
	size_t count = 0;

	for (size_t i = 0; i < h.log_count; i++)
		count += addr_equal(&h.log[i]->to, at);
	return count;
}

static struct addr parsed(const char *text)
{
	struct addr at;

	ck_assert_msg(addr_parse(&at, text, 8273), "%s", text);
	return at;
}

static void set_young(bool young)
{
	a->node->hints->young_until_us =
		hosts_clock(a).mono_us + (young ? MINUTE : 0);
}

static const struct {
	const char *at;
	bool tried;
} addresses[] = {
	{ "10.9.0.77", true },	       { "10.9.0.77:1024", true },
	{ "10.9.0.77:65535", true },   { "[2001:db8::1]:8273", true },
	{ "10.9.0.77:1023", false },   { "10.9.0.77:53", false },
	{ "[2001:db8::1]:53", false }, { "127.0.0.1", false },
	{ "127.3.2.1", false },	       { "[::1]:8273", false },
	{ "[fe80::1]:8273", false },   { "0.0.0.0", false },
	{ "[::]:8273", false },	       { "224.0.0.1", false },
	{ "239.1.1.1", false },	       { "255.255.255.255", false },
	{ "[ff02::1]:8273", false },
};

START_TEST(addresses_that_are_tried)
{
	const struct addr at = parsed(addresses[_i].at);

	ck_assert_int_eq(tell(1, 1, &at), addresses[_i].tried);
	ck_assert_uint_eq(host_debug(a).hints, addresses[_i].tried);
	ck_assert_uint_eq(host_drops(a, DROP_hint_refused),
			  !addresses[_i].tried);
	hosts_run(&h, CLOCK_S);
	ck_assert_int_eq(tries_of(&at) > 0, addresses[_i].tried);
}
END_TEST

START_TEST(our_own_key_is_not_tried)
{
	const struct addr at = host_at(1);

	ck_assert(!hints_add(a->node, 1, &a->key, &at, hosts_clock(a).mono_us));
	hosts_run(&h, CLOCK_S);
	ck_assert_uint_eq(tries_of(&at), 0);
}
END_TEST

START_TEST(an_untrusted_key_is_not_tried)
{
	const struct public_key trusted = key_of(1);
	const struct addr at = host_at(1), other = host_at(2);

	ck_assert(node_set_trusted(a->node, &trusted, 1, hosts_clock(a)));
	ck_assert(tell(1, 1, &at));
	ck_assert(!tell(1, 2, &other));
	hosts_run(&h, CLOCK_S);
	ck_assert_uint_gt(tries_of(&at), 0);
	ck_assert_uint_eq(tries_of(&other), 0);
}
END_TEST

static bool leads_inside(void *user, const struct addr *to)
{
	(void)user;
	return to->port == 5405;
}

START_TEST(what_leads_into_the_tap_is_not_tried)
{
	const struct addr at = parsed("10.77.0.5:5405"), other = host_at(1);

	a->node->ops.leads_into_tap = leads_inside;
	ck_assert(tell(1, 1, &at));
	ck_assert(tell(1, 2, &other));
	hosts_run(&h, 10 * CLOCK_S);
	ck_assert_uint_eq(tries_of(&at), 0);
	ck_assert_uint_gt(tries_of(&other), 0);
	ck_assert(!host_knows_at(a, &at));
	ck_assert_uint_eq(host_debug(a).hints, 1);
}
END_TEST

static size_t asked; /* of routes */

static bool everywhere_inside(void *user, const struct addr *to)
{
	(void)user;
	(void)to;
	asked++;
	return true;
}

/* Each costs a question of the kernel's routes and a walk over all that is told. */
START_TEST(who_tells_of_the_overlay_is_not_asked_about_for_long)
{
	const struct addr late = host_at(5000);

	a->node->ops.leads_into_tap = everywhere_inside;
	asked = 0;
	set_young(true);
	for (uint32_t i = 0; i < 1000; i++) {
		const struct addr at = host_at(i);

		ck_assert(tell(1, i, &at));
	}
	hints_timer(a->node, hosts_clock(a).mono_us);
	ck_assert_uint_eq(asked, 1);
	for (int i = 0; i < 1000; i++)
		hints_timer(a->node,
			    hosts_clock(a).mono_us + (uint64_t)i * CLOCK_MS);
	ck_assert_uint_eq(asked, HINTS_FAILED);
	ck_assert_uint_eq(host_debug(a).hints, 0);
	ck_assert(!tell(1, 5000, &late));
}
END_TEST

START_TEST(who_does_not_answer_is_tried_less_and_less)
{
	const struct addr at = host_at(1);
	/* Rounds of three at 0, 10 s, 70 s, 670 s, and every ten minutes; ±25 %. */
	static const struct {
		uint64_t until_us;
		size_t tries;
	} expected[] = { { 6 * CLOCK_S, 3 },   { 20 * CLOCK_S, 6 },
			 { 40 * CLOCK_S, 6 },  { 100 * CLOCK_S, 9 },
			 { 500 * CLOCK_S, 9 }, { 900 * CLOCK_S, 12 } };
	uint64_t passed_us = 0;

	tell(1, 1, &at);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		hosts_run(&h, expected[i].until_us - passed_us);
		passed_us = expected[i].until_us;
		ck_assert_uint_eq(tries_of(&at), expected[i].tries);
	}
	/* Nobody tells of it any more. */
	hosts_run(&h, 3600 * CLOCK_S);
	ck_assert_uint_eq(host_debug(a).hints, 0);
	ck_assert_uint_le(tries_of(&at), 18);
	ck_assert(!host_knows_at(a, &at));
}
END_TEST

START_TEST(it_is_not_forgotten_while_it_is_told_of)
{
	const struct addr at = host_at(1);

	for (int i = 0; i < 8; i++) {
		tell(1, 1, &at);
		hosts_run(&h, 600 * CLOCK_S);
	}
	ck_assert_uint_eq(host_debug(a).hints, 1);
	ck_assert_uint_ge(tries_of(&at), 3 * 9);
	ck_assert_uint_le(tries_of(&at), 3 * 14);
}
END_TEST

START_TEST(a_victim_gets_two_ports_and_no_more)
{
	size_t tried = 0;

	for (uint32_t port = 1024; port < 65536; port += 7) {
		const struct addr at = addr_v4(0xc6336407, (uint16_t)port);

		for (uint16_t informant = 1; informant < 9; informant++)
			tell(informant, port, &at);
	}
	hosts_run(&h, 600 * CLOCK_S);
	for (size_t i = 0; i < h.log_count; i++)
		tried += !memcmp(h.log[i]->to.ip + 12, "\xc6\x33\x64\x07", 4);
	/* Two ports, three tries, and again after 10 s, 60 s and 10 min ± 25 %. */
	ck_assert_uint_ge(tried, 2 * 3);
	ck_assert_uint_le(tried, 2 * 3 * 4);
}
END_TEST

START_TEST(a_subnet_gets_eight_addresses_while_none_answers)
{
	uint64_t tried = 0;

	for (uint32_t i = 0; i < 64; i++) {
		struct addr at = parsed("[2001:db8:1:2::]:8273");

		at.ip[15] = (uint8_t)(i + 1);
		ck_assert(tell((uint16_t)(1 + i % 8), i, &at));
	}
	hosts_run(&h, 600 * CLOCK_S);
	for (size_t i = 0; i < h.log_count; i++)
		tried |= UINT64_C(1) << (h.log[i]->to.ip[15] - 1);
	ck_assert_int_eq(__builtin_popcountll(tried), 8);
}
END_TEST

START_TEST(after_the_first_minute_it_is_slow)
{
	for (uint32_t i = 0; i < 400; i++) {
		const struct addr at = host_at(i);

		ck_assert(tell((uint16_t)(1 + i % 100), i, &at));
	}
	set_young(_i);
	hosts_run(&h, 20 * CLOCK_S);
	if (_i)
		ck_assert_uint_gt(h.log_count, 400);
	else
		ck_assert_uint_le(h.log_count, 4 * 20 + 3);
	ck_assert_uint_le(host_debug(a).dialled, HINTS_DIALLED);
}
END_TEST

START_TEST(informants_have_their_turns)
{
	const struct addr honest = host_at(5000);

	set_young(true);
	for (uint32_t i = 0; i < 900; i++) {
		const struct addr at = host_at(i);

		tell(1, i, &at);
	}
	ck_assert(tell(2, 5000, &honest));
	hosts_run(&h, 100 * CLOCK_MS);
	ck_assert_uint_eq(tries_of(&honest), 1);
	/* One does not take all places of those that are tried. */
	ck_assert_uint_eq(host_debug(a).dialled, HINTS_DIALLED_EACH + 1);
}
END_TEST

START_TEST(what_two_tell_comes_first)
{
	const struct addr both = host_at(5000);

	for (uint32_t i = 0; i < 200; i++) {
		const struct addr at = host_at(i);

		tell((uint16_t)(1 + i % 20), i, &at);
	}
	tell(19, 5000, &both);
	tell(20, 5000, &both);
	hosts_run(&h, CLOCK_MS);
	ck_assert_uint_eq(tries_of(&both), 1);
}
END_TEST

START_TEST(who_tells_of_nobody_is_not_heard_for_a_while)
{
	const struct addr late = host_at(5000);

	set_young(true);
	for (uint32_t i = 0; i < HINTS_FAILED + 100; i++) {
		const struct addr at = host_at(i);

		tell(1, i, &at);
	}
	hosts_run(&h, 60 * CLOCK_S);
	/* Those that were under way when it became too much are tried to the end. */
	ck_assert_uint_le(host_debug(a).hints,
			  HINTS_FAILED + HINTS_DIALLED_EACH);
	ck_assert(!tell(1, 5000, &late));
	ck_assert(tell(2, 5000, &late));
	hosts_run(&h, HINTS_MUTE_US);
	ck_assert(tell(1, 5001, &late));
}
END_TEST

/* A member that is up at our seed alone makes it look as if it lied. */
START_TEST(whom_a_source_lists_is_heard_whatever_fails)
{
	const struct addr late = host_at(5000);

	set_young(true);
	hints_informant_listed(a->node, 1, true);
	for (uint32_t i = 0; i < 3 * HINTS_FAILED; i++) {
		const struct addr at = host_at(i);

		ck_assert(tell(1, i, &at));
	}
	hosts_run(&h, 60 * CLOCK_S);
	ck_assert(tell(1, 5000, &late));
	hosts_run(&h, CLOCK_S);
	ck_assert_uint_gt(tries_of(&late), 0);
	/* The port is another's. */
	hints_informant_gone(a->node, 1);
	ck_assert(!a->node->hints->informants[1].listed);
}
END_TEST

/* So many are up at the seed alone; one that answers was told of last. */
START_TEST(a_crowd_that_does_not_answer_is_soon_through)
{
	host_start(b);
	set_young(true);
	hints_informant_listed(a->node, 1, true);
	for (uint32_t i = 0; i < 80; i++) {
		const struct addr at = host_at(i);

		ck_assert(tell(1, i, &at));
	}
	ck_assert(hints_add(a->node, 1, &b->key, &b->addrs[0],
			    hosts_clock(a).mono_us));
	ck_assert(hosts_until(&h, hosts_pair_up, 8 * CLOCK_S));
	ck_assert_uint_eq(h.log[0]->bytes[0], WIRE_INITIATION);
	ck_assert_uint_eq(tries_of(&h.log[0]->to), HINTS_TRIES);
}
END_TEST

/* Members name ports of a host that is at another, or that is not yet there. */
START_TEST(liars_take_no_place_of_whom_a_source_lists)
{
	const struct addr honest = parsed("192.0.2.9:8273");
	struct addr beside = honest;

	set_young(true);
	hints_informant_listed(a->node, 1, true);
	for (uint32_t i = 0; i < 900; i++) {
		beside.port = (uint16_t)(9000 + i);
		for (uint16_t informant = 2; informant < 20; informant += 9)
			tell((uint16_t)(informant + i % 9), i, &beside);
	}
	hosts_run(&h, 100 * CLOCK_MS);
	ck_assert(tell(1, 5000, &honest));
	hosts_run(&h, 100 * CLOCK_MS);
	ck_assert_uint_eq(tries_of(&honest), 1);
}
END_TEST

/* Nor does one that a source lists, and lies, take those of others. */
START_TEST(whom_a_source_lists_takes_not_all)
{
	const struct addr honest = host_at(5000);

	set_young(_i);
	hints_informant_listed(a->node, 1, true);
	for (uint32_t i = 0; i < 900; i++) {
		const struct addr at = host_at(i);

		tell(1, i, &at);
	}
	hosts_run(&h, CLOCK_S);
	if (_i)
		ck_assert_uint_eq(host_debug(a).dialled,
				  HINTS_DIALLED - HINTS_DIALLED_EACH);
	tell(2, 5000, &honest);
	hosts_run(&h, _i ? 10 * CLOCK_MS : 2 * HINTS_PACE_US);
	ck_assert_uint_ge(tries_of(&honest), 1);
}
END_TEST

START_TEST(who_told_most_gives_its_place)
{
	const uint32_t room = 2 * NODE_PEERS_MAX;

	for (uint32_t i = 0; i < room; i++) {
		const struct addr at = host_at(i);

		ck_assert(tell(1, i, &at));
	}
	for (uint32_t i = 0; i < 100; i++) {
		const struct addr at = host_at(5000 + i);

		ck_assert(tell(2, 5000 + i, &at));
		ck_assert_uint_eq(host_debug(a).hints, room);
	}
	/* … and takes none. */
	for (uint32_t i = 0; i < 100; i++) {
		const struct addr at = host_at(6000 + i);

		ck_assert(!tell(1, 6000 + i, &at));
	}
	ck_assert_uint_eq(a->node->hints->informants[2].told, 100);
}
END_TEST

static const struct hint *hint_at(const struct addr *at)
{
	uint8_t key[ADDR_KEY_LEN];

	addr_key(at, key);
	return table_find(a->node->hints->by_addr, key);
}

/* Or it would be told, and tried, from the beginning: a victim gets no more for it. */
START_TEST(who_failed_is_remembered_in_a_full_table)
{
	const struct addr victim = host_at(9000), other = host_at(9001);

	tell(1, 9000, &victim);
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_uint_eq(hint_at(&victim)->failures, 1);
	/* It is to be tried again, and others are before it. */
	a->node->hints->next_us = hosts_clock(a).mono_us + 900 * CLOCK_S;
	hosts_run(&h, 20 * CLOCK_S);
	for (uint32_t i = 1; i < 2 * NODE_PEERS_MAX; i++) {
		const struct addr at = host_at(i);

		ck_assert(tell(1, i, &at));
	}
	ck_assert(tell(2, 9001, &other));
	ck_assert_ptr_nonnull(hint_at(&victim));
	ck_assert_ptr_nonnull(hint_at(&other));
	hosts_run(&h, 600 * CLOCK_S);
	for (uint32_t i = 0; i < 100; i++) {
		const struct addr at = host_at(10000 + i);

		tell(2, i, &at);
	}
	ck_assert_ptr_null(hint_at(&victim));
}
END_TEST

/* But whom a source lists is believed rather than liars. */
START_TEST(what_a_listed_one_tells_has_room_in_a_full_table)
{
	const struct addr honest = host_at(9000);

	set_young(true);
	a->node->hints->young_until_us += 10 * MINUTE;
	for (uint32_t i = 0; i < 2 * NODE_PEERS_MAX; i++) {
		const struct addr at = host_at(i);

		tell((uint16_t)(1 + i % 100), i, &at);
	}
	hosts_run(&h, 300 * CLOCK_S);
	ck_assert_uint_eq(host_debug(a).hints, 2 * NODE_PEERS_MAX);
	ck_assert(!tell(101, 9000, &honest));
	hints_informant_listed(a->node, 101, true);
	ck_assert(tell(101, 9000, &honest));
	hosts_run(&h, CLOCK_S);
	ck_assert_uint_gt(tries_of(&honest), 0);
}
END_TEST

START_TEST(hints_outlive_their_informant)
{
	const struct addr at[] = { host_at(1), host_at(2) };

	tell(1, 1, &at[0]);
	tell(1, 2, &at[1]);
	tell(2, 2, &at[1]);
	hints_informant_gone(a->node, 1);
	ck_assert_uint_eq(a->node->hints->informants[1].told, 0);
	ck_assert_uint_eq(a->node->hints->informants[2].told, 1);
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_uint_gt(tries_of(&at[0]), 0);
	ck_assert_uint_gt(tries_of(&at[1]), 0);
	hints_informant_gone(a->node, 2);
	ck_assert_uint_eq(a->node->hints->informants[2].told, 0);
	ck_assert_uint_eq(a->node->hints->informants[2].dialled, 0);
}
END_TEST

/* Its port is another's then, which told nothing yet. */
START_TEST(a_second_informant_that_is_gone_is_none)
{
	const struct addr at = host_at(1);

	tell(1, 1, &at);
	tell(2, 1, &at);
	ck_assert_uint_eq(hint_at(&at)->informants[1], 2);
	hints_informant_gone(a->node, 2);
	ck_assert_uint_eq(hint_at(&at)->informants[0], 1);
	ck_assert_uint_eq(hint_at(&at)->informants[1], 0);
}
END_TEST

START_TEST(who_comes_again_is_heard_no_sooner)
{
	const struct addr late = host_at(5000);

	set_young(true);
	for (uint32_t i = 0; i < HINTS_FAILED; i++) {
		const struct addr at = host_at(i);

		tell(1, i, &at);
	}
	hosts_run(&h, 20 * CLOCK_S);
	ck_assert(!tell(1, 5000, &late));
	hints_informant_gone(a->node, 1);
	ck_assert(!tell(1, 5000, &late));
	hints_informant_removed(a->node, 1);
	ck_assert(tell(1, 5000, &late));
}
END_TEST

/* An initiation that seems to come from there gives it no more tries. */
START_TEST(who_only_seems_to_knock_gets_no_more_tries)
{
	const struct addr at = host_at(1);
	struct endpoint *e;

	tell(1, 1, &at);
	for (int i = 0; i < 100; i++) {
		hosts_run(&h, 100 * CLOCK_MS);
		e = endpoints_find(a->node, &at);
		if (e)
			endpoint_alive(a->node, e, hosts_clock(a).mono_us);
	}
	ck_assert_uint_le(tries_of(&at), 2 * HINTS_TRIES);
}
END_TEST

START_TEST(switched_off_nothing_is_tried_any_more)
{
	for (uint32_t i = 0; i < 500; i++) {
		const struct addr at = host_at(i);

		tell((uint16_t)(1 + i % 100), i, &at);
	}
	set_young(false);
	hosts_run(&h, 5 * CLOCK_S);
	node_set_peer_exchange(a->node, false, hosts_clock(a));
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_uint_eq(host_debug(a).dialled, 0);
	hosts_forget_log(&h);
	hosts_run(&h, 100 * CLOCK_S);
	ck_assert_uint_eq(h.log_count, 0);
	ck_assert_uint_eq(host_debug(a).hints, 0);
}
END_TEST

START_TEST(a_listed_one_is_believed_about_the_key)
{
	const struct addr at = host_at(1);
	const struct public_key key = key_of(2);
	const struct hint *hint;

	set_young(false);
	a->node->hints->next_us = hosts_clock(a).mono_us + CLOCK_S;
	tell(1, 1, &at);
	hints_informant_listed(a->node, 2, true);
	tell(2, 2, &at);
	hint = table_at(a->node->hints->by_addr,
			table_next(a->node->hints->by_addr, TABLE_NONE));
	ck_assert_mem_eq(&hint->key, &key, sizeof(key));
	tell(1, 1, &at);
	ck_assert_mem_eq(&hint->key, &key, sizeof(key));
}
END_TEST

START_TEST(who_answers_is_a_peer_and_no_hint)
{
	host_start(b);
	ck_assert(hints_add(a->node, 1, &b->key, &b->addrs[0],
			    hosts_clock(a).mono_us));
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
	hosts_run(&h, CLOCK_S);
	ck_assert_uint_eq(host_debug(a).hints, 0);
	ck_assert_uint_eq(host_debug(a).dialled, 0);
	ck_assert(host_info(a, b).suggested);
	ck_assert(!host_info(a, b).wanted);
	/* Told again, it is known. */
	ck_assert(hints_add(a->node, 1, &b->key, &b->addrs[0],
			    hosts_clock(a).mono_us));
	ck_assert_uint_eq(host_debug(a).hints, 0);
}
END_TEST

START_TEST(our_own_address_is_no_endless_call)
{
	ck_assert(tell(1, 1, &a->addrs[0]));
	hosts_run(&h, 8 * CLOCK_S);
	ck_assert_uint_le(tries_of(&a->addrs[0]), HINTS_TRIES);
	ck_assert_uint_eq(host_events(a, NODE_SELF), 0);
	ck_assert(!host_knows_at(a, &a->addrs[0]));
}
END_TEST

START_TEST(what_becomes_wanted_is_dialled_on)
{
	const struct addr at = host_at(1);

	tell(1, 1, &at);
	hosts_run(&h, CLOCK_S);
	host_want(a, &at, 1);
	hosts_run(&h, 60 * CLOCK_S);
	ck_assert_uint_ge(tries_of(&at), 12);
	ck_assert_uint_eq(host_debug(a).hints, 0);
	host_want(a, NULL, 0);
	hosts_run(&h, 60 * CLOCK_S);
	ck_assert(!host_knows_at(a, &at));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("hints", .setup = setup, .teardown = three_teardown,
		  .timeout_s = 30),
	UNIT_EACH(addresses_that_are_tried, addresses),
	UNIT_TEST(our_own_key_is_not_tried),
	UNIT_TEST(an_untrusted_key_is_not_tried),
	UNIT_TEST(what_leads_into_the_tap_is_not_tried),
	UNIT_TEST(who_tells_of_the_overlay_is_not_asked_about_for_long),
	UNIT_TEST(who_does_not_answer_is_tried_less_and_less),
	UNIT_TEST(it_is_not_forgotten_while_it_is_told_of),
	UNIT_TEST(a_victim_gets_two_ports_and_no_more),
	UNIT_TEST(a_subnet_gets_eight_addresses_while_none_answers),
	UNIT_LOOP(after_the_first_minute_it_is_slow, 2),
	UNIT_TEST(informants_have_their_turns),
	UNIT_TEST(what_two_tell_comes_first),
	UNIT_TEST(who_tells_of_nobody_is_not_heard_for_a_while),
	UNIT_TEST(whom_a_source_lists_is_heard_whatever_fails),
	UNIT_TEST(a_crowd_that_does_not_answer_is_soon_through),
	UNIT_TEST(liars_take_no_place_of_whom_a_source_lists),
	UNIT_LOOP(whom_a_source_lists_takes_not_all, 2),
	UNIT_TEST(who_told_most_gives_its_place),
	UNIT_TEST(who_failed_is_remembered_in_a_full_table),
	UNIT_TEST(what_a_listed_one_tells_has_room_in_a_full_table),
	UNIT_TEST(hints_outlive_their_informant),
	UNIT_TEST(a_second_informant_that_is_gone_is_none),
	UNIT_TEST(who_comes_again_is_heard_no_sooner),
	UNIT_TEST(who_only_seems_to_knock_gets_no_more_tries),
	UNIT_TEST(switched_off_nothing_is_tried_any_more),
	UNIT_TEST(a_listed_one_is_believed_about_the_key),
	UNIT_TEST(who_answers_is_a_peer_and_no_hint),
	UNIT_TEST(our_own_address_is_no_endless_call),
	UNIT_TEST(what_becomes_wanted_is_dialled_on),
};

UNIT_MAIN("hints", tests)
