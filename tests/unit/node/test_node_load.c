/* lib/node: floods of handshakes. */
#include <check.h>

#include "support/main.h"
#include "support/outsider.h"
#include "support/three.h"

/* Half-open handshakes of holders of the secret that never go on. */
static void pile_up(size_t count)
{
	uint8_t initiation[WIRE_INITIATION_LEN];
	struct outsider o;

	outsider_init(&o, 200);
	for (size_t i = 0; i < count; i++) {
		outsider_initiate(&o, HOSTS_WALL + i, initiation);
		host_receive(a, &stranger, initiation, sizeof(initiation));
	}
	outsider_free(&o);
}

START_TEST(under_load_a_cookie_gets_an_honest_host_in)
{
	size_t since;

	host_start(a);
	host_start(b);
	pile_up(200);
	ck_assert_uint_eq(host_debug(a).half_open, NODE_DEBUG_HALF_OPEN_LOAD);
	since = h.log_count;
	host_dial(b, a);
	ck_assert(hosts_until(&h, hosts_pair_up, 200 * CLOCK_MS));
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_COOKIE, a, b, since), 1);
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_INITIATION, b, a, since),
			  2);
	ck_assert(host_talks(a, b));
}
END_TEST

START_TEST(a_cookie_is_kept_for_the_next_dial)
{
	size_t since;

	host_start(a);
	host_start(b);
	pile_up(200);
	host_dial(b, a);
	ck_assert(hosts_until(&h, hosts_pair_up, 200 * CLOCK_MS));
	hosts_run(&h, 60 * CLOCK_S);
	pile_up(200);
	since = h.log_count;
	host_stop(a); /* the cookie's key goes with it: another one is sent */
	host_start(a);
	pile_up(200);
	ck_assert(hosts_until(&h, hosts_pair_up, 10 * CLOCK_S));
	ck_assert_uint_ge(hosts_count_sent(&h, WIRE_COOKIE, a, b, since), 1);
}
END_TEST

/* One initiation that an outsider recorded, of a host that a does not know. */
static void record(uint8_t initiation[WIRE_INITIATION_LEN])
{
	struct outsider o;

	outsider_init(&o, 200);
	outsider_initiate(&o, HOSTS_WALL, initiation);
	outsider_free(&o);
}

START_TEST(cookies_are_given_at_a_bounded_rate)
{
	uint8_t initiation[WIRE_INITIATION_LEN];
	size_t since;

	host_start(a);
	pile_up(100);
	hosts_run(&h, CLOCK_S);
	since = h.log_count;
	record(initiation);
	for (int i = 0; i < NODE_DEBUG_COOKIE_RATE + 1000; i++)
		host_receive(a, &stranger, initiation, sizeof(initiation));
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_COOKIE, a, NULL, since),
			  NODE_DEBUG_COOKIE_RATE);
}
END_TEST

START_TEST(attack_replays_without_end_keep_no_honest_host_out)
{
	uint8_t initiation[WIRE_INITIATION_LEN];

	host_start(a);
	host_start(b);
	record(initiation);
	for (int ms = 0; ms < 2000; ms++) {
		for (int i = 0; i < 4; i++)
			host_receive(a, &stranger, initiation,
				     sizeof(initiation));
		if (ms == 500)
			host_dial(b, a);
		hosts_run(&h, CLOCK_MS);
	}
	/* Answered once, with one place, and no load. */
	ck_assert_uint_eq(host_debug(a).half_open, 1);
	ck_assert_uint_eq(host_drops(a, DROP_handshake_again), 7999);
	ck_assert(hosts_pair_up(&h));
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_INITIATION, b, a, 0), 1);
}
END_TEST

START_TEST(attack_a_cookie_is_worth_nothing_elsewhere)
{
	uint8_t initiation[WIRE_INITIATION_LEN];
	const struct flight *cookie;
	struct outsider o;
	size_t since;

	outsider_init(&o, 1);
	host_start(a);
	pile_up(100);
	outsider_initiate(&o, HOSTS_WALL, initiation);
	since = h.log_count;
	host_receive(a, &o.at, initiation, sizeof(initiation));
	cookie = hosts_sent(&h, WIRE_COOKIE, a, NULL, since, 0);
	ck_assert_ptr_nonnull(cookie);
	ck_assert(outsider_take_cookie(&o, cookie->bytes, initiation));
	since = h.log_count;
	host_receive(a, &stranger, initiation, sizeof(initiation));
	o.at.port++;
	host_receive(a, &o.at, initiation, sizeof(initiation));
	o.at.port--;
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_RESPONSE, a, NULL, since),
			  0);
	host_receive(a, &o.at, initiation, sizeof(initiation));
	ck_assert_uint_eq(hosts_count_sent(&h, WIRE_RESPONSE, a, NULL, since),
			  1);
	outsider_free(&o);
}
END_TEST

START_TEST(half_open_handshakes_are_bounded_even_with_cookies)
{
	uint8_t initiation[WIRE_INITIATION_LEN];
	struct outsider o;

	outsider_init(&o, 1);
	host_start(a);
	for (int i = 0; i < 700; i++) {
		size_t since = h.log_count;
		const struct flight *cookie;

		outsider_initiate(&o, HOSTS_WALL + (uint64_t)i, initiation);
		host_receive(a, &o.at, initiation, sizeof(initiation));
		cookie = hosts_sent(&h, WIRE_COOKIE, a, NULL, since, 0);
		if (cookie &&
		    outsider_take_cookie(&o, cookie->bytes, initiation))
			host_receive(a, &o.at, initiation, sizeof(initiation));
		hosts_run(&h, 5 * CLOCK_MS);
	}
	ck_assert_uint_le(host_debug(a).half_open, NODE_DEBUG_HALF_OPEN_MAX);
	ck_assert_uint_gt(host_drops(a, DROP_handshake_half_open), 0);
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_uint_eq(host_debug(a).half_open, 0);
	ck_assert_uint_eq(host_debug(a).indices, 0);
	outsider_free(&o);
}
END_TEST

/* Handshakes without end, each session confirmed, so that none stays half open,
 * and none identified. */
static void shake_hands_for_ever(struct outsider *o, size_t count)
{
	static const uint8_t pad[WIRE_RECORD_LEN];
	uint8_t initiation[WIRE_INITIATION_LEN];

	for (size_t i = 0; i < count; i++) {
		size_t since = h.log_count;
		const struct flight *p;

		outsider_initiate(o, HOSTS_WALL + h.log_count, initiation);
		host_receive(a, &o->at, initiation, sizeof(initiation));
		p = hosts_sent(&h, WIRE_COOKIE, a, NULL, since, 0);
		if (p && outsider_take_cookie(o, p->bytes, initiation))
			host_receive(a, &o->at, initiation, sizeof(initiation));
		p = hosts_sent(&h, WIRE_RESPONSE, a, NULL, since, 0);
		if (p && outsider_complete(o, p->bytes, h.net.now_us))
			outsider_send(o, a, pad, sizeof(pad));
	}
}

START_TEST(handshakes_are_answered_at_a_bounded_rate)
{
	struct outsider o;

	outsider_init(&o, 1);
	host_start(a);
	shake_hands_for_ever(&o, 2000);
	/* Of the second half, half is left for others. */
	ck_assert_uint_le(hosts_count_sent(&h, WIRE_RESPONSE, a, NULL, 0),
			  NODE_DEBUG_HANDSHAKE_RATE * 3 / 4 + 1);
	ck_assert_uint_ge(hosts_count_sent(&h, WIRE_RESPONSE, a, NULL, 0),
			  NODE_DEBUG_HANDSHAKE_RATE * 3 / 4);
	ck_assert_uint_gt(host_drops(a, DROP_handshake_rate), 0);
	/* The honest need a cookie now, and get it; then there is room again. */
	hosts_run(&h, 6 * CLOCK_S);
	ck_assert_uint_eq(host_debug(a).pending, 0);
	host_start(b);
	host_dial(b, a);
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
	outsider_free(&o);
}
END_TEST

START_TEST(attack_a_member_that_says_no_hello_keeps_nobody_out)
{
	struct outsider o;

	outsider_init(&o, 1);
	host_start(a);
	host_start(b);
	for (int i = 0; i < 5; i++) {
		shake_hands_for_ever(&o, 600);
		hosts_run(&h, 500 * CLOCK_MS);
	}
	shake_hands_for_ever(&o, 600);
	ck_assert_uint_eq(host_debug(a).pending, 0);
	host_dial(a, b);
	ck_assert(hosts_until(&h, hosts_pair_up, 100 * CLOCK_MS));
	outsider_free(&o);
}
END_TEST

/* One try of a member from its address, with a cookie if one is asked for. True if
 * it was answered. */
static bool try_once(struct outsider *o, const struct addr *from)
{
	uint8_t initiation[WIRE_INITIATION_LEN];
	size_t since = h.log_count;
	const struct flight *p;

	o->has_cookie = false;
	o->at = *from;
	outsider_initiate(o, HOSTS_WALL + h.log_count, initiation);
	host_receive(a, &o->at, initiation, sizeof(initiation));
	p = hosts_sent(&h, WIRE_COOKIE, a, NULL, since, 0);
	if (p && outsider_take_cookie(o, p->bytes, initiation))
		host_receive(a, &o->at, initiation, sizeof(initiation));
	return hosts_sent(&h, WIRE_RESPONSE, a, NULL, since, 0) != NULL;
}

static struct addr in_v6(uint8_t site, uint8_t subnet, uint32_t host)
{
	struct addr addr = { .ip = { 0x20, 0x01, [5] = site, [7] = subnet },
			     .port = WIRE_PORT };

	store_be32(addr.ip + 12, host);
	return addr;
}

/* From whom the floods come: one address; many; a prefix of IPv6. */
static struct addr flooder(int kind, uint32_t i)
{
	if (kind == 0)
		return addr_v4(0x0a090101, WIRE_PORT);
	if (kind == 1)
		return addr_v4(0x0a090200 + i % 64, WIRE_PORT);
	if (kind == 2)
		return in_v6(1, 1, i);
	return in_v6(1, (uint8_t)i, i);
}

START_TEST(attack_a_flood_of_handshakes_keeps_no_stranger_out)
{
	struct outsider o;
	uint32_t n = 0;

	/* Four a millisecond, half of them answered with a cookie. */
	outsider_init(&o, 9);
	host_start(a);
	host_start(b);
	for (int ms = 0; ms < 2000; ms++) {
		struct addr at = flooder(_i, n++);

		for (int i = 0; i < 2; i++)
			try_once(&o, &at);
		if (ms == 1000)
			host_dial(b, a);
		hosts_run(&h, CLOCK_MS);
	}
	ck_assert(hosts_pair_up(&h));
	ck_assert_uint_le(host_event(a, NODE_PEER_UP)->at_us,
			  HOSTS_START + 1500 * CLOCK_MS);
	ck_assert_uint_le(host_debug(a).half_open, NODE_DEBUG_HALF_OPEN_MAX);
	outsider_free(&o);
}
END_TEST

START_TEST(attack_one_bad_host_of_a_subnet_leaves_its_neighbours_their_part)
{
	struct addr bad = in_v6(1, 1, 1), neighbour = in_v6(1, 1, 2);
	struct outsider o;
	unsigned answered = 0;

	outsider_init(&o, 9);
	host_start(a);
	for (int ms = 0; ms < 1500; ms++) {
		for (int i = 0; i < 2; i++)
			try_once(&o, &bad);
		if (ms >= 500 && ms % 100 == 0)
			answered += try_once(&o, &neighbour);
		hosts_run(&h, CLOCK_MS);
	}
	ck_assert_uint_eq(answered, 10);
	outsider_free(&o);
}
END_TEST

/* Behind the address of a flood there is a host that is configured. */
START_TEST(attack_a_wanted_address_has_a_place_of_its_own)
{
	struct addr wanted = addr_v4(0x0a090101, 4444);
	struct addr bad = addr_v4(0x0a090101, WIRE_PORT);
	struct outsider o;
	unsigned answered = 0;

	outsider_init(&o, 9);
	host_start(a);
	host_want(a, &wanted, 1);
	for (int ms = 0; ms < 7000; ms++) {
		try_once(&o, &bad);
		if (ms % 1000 == 999)
			answered += try_once(&o, &wanted);
		hosts_run(&h, CLOCK_MS);
	}
	/* One place, for the five seconds that nothing comes of it. */
	ck_assert_uint_ge(answered, 2);
	outsider_free(&o);
}
END_TEST

START_TEST(attack_no_handshake_is_answered_with_more_than_it_was)
{
	size_t asked = 0, seen = 0;

	/* Whatever the state: new, known, stale, under load. */
	hosts_mesh(&h, 2);
	host_stop(b);
	b->wall_offset_us = -(int64_t)(1000 * CLOCK_S);
	host_start(b);
	host_dial(b, a);
	ck_assert(hosts_until(&h, hosts_pair_up, CLOCK_S));
	pile_up(300);
	for (size_t i = 0; i < h.log_count; i++) {
		const struct flight *p = h.log[i];

		if (p->bytes[0] == WIRE_INITIATION)
			asked = p->len;
		if (p->bytes[0] != WIRE_RESPONSE && p->bytes[0] != WIRE_COOKIE)
			continue;
		seen++;
		ck_assert_uint_ge(WIRE_INITIATION_LEN, p->len);
	}
	ck_assert_uint_eq(asked, WIRE_INITIATION_LEN);
	ck_assert_uint_gt(seen, 64);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("load", .setup = three_setup, .teardown = three_teardown,
		  .timeout_s = 60),
	UNIT_TEST(under_load_a_cookie_gets_an_honest_host_in),
	UNIT_TEST(a_cookie_is_kept_for_the_next_dial),
	UNIT_TEST(cookies_are_given_at_a_bounded_rate),
	UNIT_TEST(attack_replays_without_end_keep_no_honest_host_out),
	UNIT_TEST(attack_a_cookie_is_worth_nothing_elsewhere),
	UNIT_TEST(half_open_handshakes_are_bounded_even_with_cookies),
	UNIT_TEST(handshakes_are_answered_at_a_bounded_rate),
	UNIT_TEST(attack_a_member_that_says_no_hello_keeps_nobody_out),
	UNIT_LOOP(attack_a_flood_of_handshakes_keeps_no_stranger_out, 4),
	UNIT_TEST(
		attack_one_bad_host_of_a_subnet_leaves_its_neighbours_their_part),
	UNIT_TEST(attack_a_wanted_address_has_a_place_of_its_own),
	UNIT_TEST(attack_no_handshake_is_answered_with_more_than_it_was),
};

UNIT_MAIN("node load", tests)
