#include "tapd/tap/address_from.h"

#include "support/main.h"
#include "support/netns.h"

static struct prefix prefix(const char *text)
{
	struct prefix p;

	ck_assert(prefix_parse(&p, text));
	return p;
}

START_TEST(host_bits_come_from_another_interface)
{
	static const struct {
		const char *configured, *expected;
	} table[] = {
		{ "10.77.0.0/16", "10.77.3.4/16" },
		{ "10.77.0.0/24", "10.77.0.4/24" },
		{ "10.77.0.0/20", "10.77.3.4/20" },
		{ "10.77.0.0/23", "10.77.1.4/23" },
		{ "10.77.0.9/32", "10.77.0.9/32" },
		{ "fd77::/64", "fd77::3:4/64" },
		{ "fd77::/112", "fd77::4/112" },
	};
	char text[PREFIX_STRLEN];
	char *error = NULL;

	netns_run("ip link add d0 type veth peer name d1");
	netns_run("ip link set d0 up; ip link set d1 up");
	netns_run("ip addr add 10.9.3.4/16 dev d0");
	netns_run("ip addr add fd09::3:4/64 dev d0 nodad");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct prefix p = prefix(table[i].configured);

		ck_assert(address_take_host_bits("d0", &p, &error));
		ck_assert_str_eq(prefix_print(&p, text), table[i].expected);
	}
}
END_TEST

START_TEST(link_local_host_bits_serve_where_there_are_no_global_ones)
{
	struct prefix p = prefix("fd77::/64");
	char text[PREFIX_STRLEN];
	char *error = NULL;

	netns_run("ip link add d0 address 02:00:00:00:00:09 type veth"
		  " peer name d1");
	netns_run("ip link set d0 up; ip link set d1 up");
	netns_run("ip addr add 10.9.3.4/16 dev d0");
	ck_assert(address_take_host_bits("d0", &p, &error));
	ck_assert_str_eq(prefix_print(&p, text), "fd77::ff:fe00:9/64");
}
END_TEST

START_TEST(interface_without_an_address_is_named)
{
	struct prefix p = prefix("10.77.0.0/16");
	char *error = NULL;

	ck_assert(!address_take_host_bits("eth9", &p, &error));
	ck_assert_ptr_nonnull(strstr(error, "eth9 has no IPv4 address"));
	free(error);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("address_from", .setup = netns_enter,
		  .allowed = netns_is_allowed),
	UNIT_TEST(host_bits_come_from_another_interface),
	UNIT_TEST(link_local_host_bits_serve_where_there_are_no_global_ones),
	UNIT_TEST(interface_without_an_address_is_named),
};

UNIT_MAIN("address_from", tests)
