#include "support/main.h"
#include "tapd/tap/uppers.h"
#include "tapd/underlay/routes.h"

#include <check.h>
#include <net/if.h>

static struct addr parse(const char *text)
{
	struct addr a;

	ck_assert(addr_parse(&a, text, 1));
	return a;
}

START_TEST(loopback_leaves_by_lo)
{
	struct routes *r = routes_open(&(struct routing){ .mark = 0 });
	struct addr a;

	ck_assert_ptr_nonnull(r);
	a = parse("127.0.0.1");
	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(routes_interface(r, &a),
				  if_nametoindex("lo"));
	/* Its scope says it. */
	a = parse("fe80::1%7");
	ck_assert_uint_eq(routes_interface(r, &a), 7);
	/* Where there is no route there is no interface. */
	a = parse("240.0.0.1");
	(void)routes_interface(r, &a);
	a = parse("127.0.0.1");
	ck_assert_uint_eq(routes_interface(r, &a), if_nametoindex("lo"));
	routes_read(r);
	ck_assert_int_ge(routes_fd(r), 0);
	routes_close(r);
}
END_TEST

START_TEST(device_and_mark_are_asked_with)
{
	/* Nobody's mark, and so the route is the host's. */
	const struct routing marked = { .mark = 0x7470 };
	const struct routing bound = { .device = "lo" };
	const struct routing gone = { .device = "no-such-0" };
	const struct routing *const all[] = { &marked, &bound, &gone };
	struct addr a = parse("127.0.0.1");

	for (unsigned i = 0; i < 3; i++) {
		struct routes *r = routes_open(all[i]);

		ck_assert_ptr_nonnull(r);
		ck_assert_uint_eq(routes_interface(r, &a),
				  all[i] == &gone ? 0 : if_nametoindex("lo"));
		routes_close(r);
	}
}
END_TEST

START_TEST(interface_is_the_first_of_those_above_it)
{
	unsigned above[UPPERS_MAX];

	ck_assert_uint_ge(uppers_find("lo", above), 1);
	ck_assert_uint_eq(above[0], if_nametoindex("lo"));
	ck_assert_uint_eq(uppers_find("no-such-0", above), 0);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("routes", .timeout_s = 10),
	UNIT_TEST(loopback_leaves_by_lo),
	UNIT_TEST(device_and_mark_are_asked_with),
	UNIT_TEST(interface_is_the_first_of_those_above_it),
};

UNIT_MAIN("routes", tests)
