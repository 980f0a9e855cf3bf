#include <check.h>

#include "node/path.h"
#include "support/main.h"

START_TEST(rtt_is_smoothed)
{
	struct path p = { .rtt_us = 0 };

	path_echoed(&p, 5 * CLOCK_S, 5 * CLOCK_S + 800);
	ck_assert_uint_eq(p.rtt_us, 800);
	path_echoed(&p, 5 * CLOCK_S, 5 * CLOCK_S + 1600);
	ck_assert_uint_eq(p.rtt_us, 900);
}
END_TEST

START_TEST(an_echo_within_the_clocks_resolution_is_known_not_unknown)
{
	struct path p = { .rtt_us = 0 };

	path_echoed(&p, 5 * CLOCK_S, 5 * CLOCK_S);
	ck_assert_uint_eq(p.rtt_us, 1);
	path_echoed(&p, 5 * CLOCK_S, 5 * CLOCK_S);
	ck_assert_uint_eq(p.rtt_us, 1);
}
END_TEST

START_TEST(attack_an_echo_of_nothing_we_sent_is_no_rtt)
{
	static const uint64_t times[] = { 0, 100 * CLOCK_S + 1, UINT64_MAX };
	struct path p = { .rtt_us = 0 };

	for (size_t i = 0; i < 3; i++) {
		path_echoed(&p, times[i], 100 * CLOCK_S);
		ck_assert_uint_eq(p.rtt_us, 0);
	}
}
END_TEST

START_TEST(another_way_has_a_size_and_an_rtt_of_its_own)
{
	const struct way way = { .remote = addr_v4(0x0a090001, 8273),
				 .local = addr_v4(0x0a090002, 8273) };
	struct path p = { .rtt_us = 0 };

	path_set_way(&p, &way, 1500, CLOCK_S);
	ck_assert(way_equal(&p.way, &way));
	ck_assert_uint_eq(p.pmtu.size, 1472);
	path_echoed(&p, CLOCK_S, CLOCK_S + 800);
	path_set_way(&p, &way, 0, CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, PMTU_MIN_V4);
	ck_assert_uint_eq(p.rtt_us, 0);
}
END_TEST

START_TEST(a_leg_takes_its_header_of_each_size)
{
	struct way way = { .remote = addr_v4(0x0a090001, 8273) };
	struct path p = { .rtt_us = 0 };

	way.remote.leg = 7;
	path_set_way(&p, &way, 1500, CLOCK_S);
	ck_assert(path_is_relayed(&p));
	ck_assert_int_eq(p.rank, PATH_RELAYED);
	ck_assert_uint_eq(p.pmtu.size, 1444);
	path_set_way(&p, &way, 0, CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, 540);
	/* The hop behind the relay may be IPv4's. */
	ck_assert(addr_parse(&way.remote, "[fd00::1]:8273", 0));
	way.remote.leg = 7;
	path_set_way(&p, &way, 0, CLOCK_S);
	ck_assert_uint_eq(p.pmtu.size, 540);
	ck_assert_uint_eq(pmtu_probe(&p.pmtu, 0, CLOCK_S), 1192);
	ck_assert(pmtu_echoed(&p.pmtu, 1192, CLOCK_S));
	ck_assert_uint_eq(pmtu_probe(&p.pmtu, 0, CLOCK_S), 1224);
	ck_assert_uint_eq(p.pmtu.max, PMTU_MAX - 8);
	way.remote.leg = 0;
	path_set_way(&p, &way, 0, CLOCK_S);
	ck_assert(!path_is_relayed(&p));
	ck_assert_int_eq(p.rank, PATH_DIRECT);
}
END_TEST

START_TEST(a_size_in_use_again_has_to_show_itself)
{
	struct pmtu p;

	pmtu_init(&p, false, 0, PMTU_MAX, 0, CLOCK_S);
	ck_assert_uint_eq(pmtu_probe(&p, 0, CLOCK_S), PMTU_BASE);
	ck_assert(pmtu_echoed(&p, PMTU_BASE, CLOCK_S));
	pmtu_resume(&p, 100 * CLOCK_S);
	ck_assert_uint_eq(p.size, PMTU_BASE);
	ck_assert_uint_eq(pmtu_probe(&p, 0, 100 * CLOCK_S), PMTU_BASE);
	pmtu_init(&p, false, 0, PMTU_MAX, 1333, CLOCK_S);
	pmtu_resume(&p, 100 * CLOCK_S);
	ck_assert_uint_eq(pmtu_deadline(&p), CLOCK_NEVER);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("path"),
	UNIT_TEST(rtt_is_smoothed),
	UNIT_TEST(an_echo_within_the_clocks_resolution_is_known_not_unknown),
	UNIT_TEST(attack_an_echo_of_nothing_we_sent_is_no_rtt),
	UNIT_TEST(another_way_has_a_size_and_an_rtt_of_its_own),
	UNIT_TEST(a_leg_takes_its_header_of_each_size),
	UNIT_TEST(a_size_in_use_again_has_to_show_itself),
};

UNIT_MAIN("path", tests)
