#include <check.h>

#include "node/node.h"
#include "support/main.h"

START_TEST(what_is_left_of_ethernet)
{
	ck_assert_uint_eq(node_plain_mtu(NODE_VXLAN, true, 1500, false), 1450);
	ck_assert_uint_eq(node_plain_mtu(NODE_VXLAN, true, 1500, true), 1430);
	ck_assert_uint_eq(node_plain_mtu(NODE_GRE, false, 1500, false), 1462);
	ck_assert_uint_eq(node_plain_mtu(NODE_GRE, true, 1500, false), 1458);
	ck_assert_uint_eq(node_plain_mtu(NODE_GRE, false, 1500, true), 1442);
	ck_assert_uint_eq(node_plain_mtu(NODE_GRE, true, 1500, true), 1438);
}
END_TEST

START_TEST(nothing_fits_a_network_of_less_than_the_headers)
{
	ck_assert_uint_eq(node_plain_mtu(NODE_VXLAN, true, 50, false), 0);
	ck_assert_uint_eq(node_plain_mtu(NODE_VXLAN, true, 51, false), 1);
	ck_assert_uint_eq(node_plain_mtu(NODE_GRE, true, 0, true), 0);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("plain_mtu"),
	UNIT_TEST(what_is_left_of_ethernet),
	UNIT_TEST(nothing_fits_a_network_of_less_than_the_headers),
};

UNIT_MAIN("plain_mtu", tests)
