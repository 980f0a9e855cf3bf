/* node/shares: who holds how much, by address. */
#include <check.h>

#include "node/shares.h"
#include "support/main.h"

static struct shares *s;

static void setup(void)
{
	static const uint8_t seed[TABLE_SEED_LEN] = { 3 };

	s = shares_new(1024, seed);
	ck_assert_ptr_nonnull(s);
}

static void teardown(void)
{
	shares_free(s);
}

static struct addr v6(uint8_t site, uint8_t subnet, uint8_t host)
{
	return (struct addr){
		.ip = { 0x20, 0x01, [5] = site, [7] = subnet, [15] = host },
		.port = 8273
	};
}

static void add(struct addr a, unsigned count)
{
	while (count--)
		ck_assert(shares_add(s, &a));
}

static void assert_counts(struct addr a, uint32_t site, uint32_t subnet,
			  uint32_t host)
{
	struct share_counts c = shares_of(s, &a);

	ck_assert_uint_eq(c.held[0], site);
	ck_assert_uint_eq(c.held[1], subnet);
	ck_assert_uint_eq(c.held[2], host);
}

START_TEST(what_one_holds_counts_at_each_level)
{
	struct addr a = v6(1, 1, 1), elsewhere = v6(1, 1, 1);

	add(a, 2);
	add(v6(1, 1, 2), 3);
	add(v6(1, 2, 1), 4);
	add(v6(2, 1, 1), 5);
	add(addr_v4(0x0a000001, 1), 6);
	add(addr_v4(0x0a000002, 1), 7);
	assert_counts(a, 9, 5, 2);
	assert_counts(v6(1, 2, 1), 9, 4, 4);
	assert_counts(v6(1, 2, 9), 9, 4, 0);
	assert_counts(addr_v4(0x0a000001, 2), 6, 6, 6);
	elsewhere.leg = 7;
	assert_counts(elsewhere, 0, 0, 0);
	add(elsewhere, 1);
	assert_counts(a, 9, 5, 2);
	shares_remove(s, &a);
	assert_counts(a, 8, 4, 1);
	shares_remove(s, &a);
	assert_counts(a, 7, 3, 0);
	shares_clear(s);
	assert_counts(v6(2, 1, 1), 0, 0, 0);
}
END_TEST

/* How many of `tries` one may have, one after the other. */
static unsigned granted(struct addr a, unsigned tries, uint32_t total)
{
	unsigned n = 0;

	while (tries--)
		if (shares_within(s, &a, total)) {
			add(a, 1);
			n++;
		}
	return n;
}

START_TEST(a_part_is_left_for_who_is_still_to_come)
{
	ck_assert_uint_eq(granted(addr_v4(1, 1), 500, 100), 50);
	ck_assert_uint_eq(granted(addr_v4(2, 1), 500, 100), 33);
	ck_assert_uint_eq(granted(addr_v4(1, 1), 500, 100), 0);
	/* A third has what is due to him whatever they took. */
	ck_assert_uint_eq(granted(addr_v4(3, 1), 500, 100), 25);
}
END_TEST

START_TEST(who_multiplies_in_his_prefix_takes_from_himself)
{
	for (uint8_t host = 1; host < 100; host++)
		granted(v6(1, host, host), 5, 100);
	ck_assert_uint_eq(granted(v6(2, 1, 1), 500, 100), 8);
	ck_assert_uint_eq(granted(v6(1, 200, 1), 500, 100), 0);
	/* Within a subnet too: one bad host, and its neighbour. */
	ck_assert_uint_eq(granted(v6(3, 1, 1), 500, 300), 18);
	ck_assert_uint_eq(granted(v6(3, 1, 2), 500, 300), 12);
}
END_TEST

/* A relay makes as many hosts as it has legs. */
START_TEST(who_multiplies_behind_his_relay_takes_from_himself)
{
	const struct addr relays[] = { addr_v4(1, 1), v6(1, 1, 1) };

	for (size_t i = 0; i < 2; i++) {
		struct addr leg = relays[i], other = relays[i];

		other.ip[15]++;
		other.leg = 7;
		for (leg.leg = 1; leg.leg < 100; leg.leg++)
			granted(leg, 5, 100);
		ck_assert_uint_eq(granted(leg, 500, 100), 0);
		ck_assert_uint_gt(granted(relays[i], 500, 200), 10);
		/* Within the /64 of an IPv6 relay, too. */
		ck_assert_uint_eq(granted(other, 500, 100) > 0, i == 0);
		assert_counts(leg, shares_of(s, &leg).held[1],
			      shares_of(s, &leg).held[1], 0);
		shares_clear(s);
	}
}
END_TEST

START_TEST(more_holders_than_parts_have_one_each)
{
	for (uint32_t i = 1; i <= 300; i++)
		ck_assert_uint_eq(granted(addr_v4(i, 1), 3, 100) > 0, 1);
	ck_assert_uint_eq(granted(addr_v4(999, 1), 3, 100), 1);
}
END_TEST

START_TEST(who_holds_more_is_told_level_by_level)
{
	struct share_counts a = { { 5, 1, 1 } }, b = { { 4, 4, 4 } };
	struct share_counts c = { { 4, 4, 3 } };

	ck_assert_int_gt(shares_compare(&a, &b), 0);
	ck_assert_int_lt(shares_compare(&c, &b), 0);
	ck_assert_int_eq(shares_compare(&c, &c), 0);
}
END_TEST

START_TEST(more_holders_than_there_may_be_are_not_counted)
{
	unsigned n = 0;

	for (uint32_t i = 1; i < 5000; i++) {
		struct addr a = addr_v4(i, 1);

		n += shares_add(s, &a);
	}
	ck_assert_uint_eq(n, 1024);
	assert_counts(addr_v4(4999, 1), 0, 0, 0);
	/* One that is there may hold more. */
	add(addr_v4(1, 1), 1);
	assert_counts(addr_v4(1, 1), 2, 2, 2);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("shares", .setup = setup, .teardown = teardown),
	UNIT_TEST(what_one_holds_counts_at_each_level),
	UNIT_TEST(a_part_is_left_for_who_is_still_to_come),
	UNIT_TEST(who_multiplies_in_his_prefix_takes_from_himself),
	UNIT_TEST(who_multiplies_behind_his_relay_takes_from_himself),
	UNIT_TEST(more_holders_than_parts_have_one_each),
	UNIT_TEST(who_holds_more_is_told_level_by_level),
	UNIT_TEST(more_holders_than_there_may_be_are_not_counted),
};

UNIT_MAIN("shares", tests)
