#include "tapd/tap/above.h"

#include <net/if.h>
#include <stdlib.h>

#include "support/main.h"
#include "support/netns.h"
#include "tapd/tap/tap.h"

static struct tap *tap;
static struct above *a;

static void setup(void)
{
	char *error = NULL;

	netns_enter();
	tap = tap_open("t0", &error);
	ck_assert_msg(tap != NULL, "%s", error);
	netns_run("ip link add v0 type veth peer name v1");
	a = above_new();
	ck_assert_ptr_nonnull(a);
}

static void teardown(void)
{
	above_free(a);
	tap_close(tap);
}

static bool is_above(const char *name)
{
	ck_assert_int_eq(above_find(a, if_nametoindex("t0")), 0);
	ck_assert(!above_has(a, if_nametoindex("t0")));
	ck_assert(!above_has(a, 0));
	return above_has(a, if_nametoindex(name));
}

START_TEST(nothing_is_above_at_first)
{
	ck_assert(!is_above("lo"));
	ck_assert(!is_above("v0"));
}
END_TEST

START_TEST(a_bridge_is_above_its_port_and_not_its_other_ports)
{
	netns_run("ip link add br0 type bridge");
	netns_run("ip link set v0 master br0");
	ck_assert(!is_above("br0"));
	netns_run("ip link set t0 master br0");
	ck_assert(is_above("br0"));
	ck_assert(!is_above("v0"));
	ck_assert(!is_above("v1"));
	netns_run("ip link set t0 nomaster");
	ck_assert(!is_above("br0"));
}
END_TEST

/* Devices that a kernel may lack; true if it made one. */
static bool make(const char *command)
{
	bool made = system(command) == 0;

	if (!made)
		printf("failed: %s: skipped\n", command);
	return made;
}

START_TEST(what_is_made_upon_it_is_above)
{
	if (make("ip link add link t0 name t0.5 type vlan id 5"))
		ck_assert(is_above("t0.5"));
	if (make("ip link add link t0 name m0 type macvlan"))
		ck_assert(is_above("m0"));
	ck_assert(!is_above("v0"));
	ck_assert(!is_above("lo"));
}
END_TEST

START_TEST(and_so_is_what_is_upon_that)
{
	netns_run("ip link add br0 type bridge");
	netns_run("ip link set t0 master br0");
	if (make("ip link add link br0 name m1 type macvlan"))
		ck_assert(is_above("m1"));
	ck_assert(is_above("br0"));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("above", .setup = setup, .teardown = teardown,
		  .allowed = netns_is_allowed),
	UNIT_TEST(nothing_is_above_at_first),
	UNIT_TEST(a_bridge_is_above_its_port_and_not_its_other_ports),
	UNIT_TEST(what_is_made_upon_it_is_above),
	UNIT_TEST(and_so_is_what_is_upon_that),
};

UNIT_MAIN("above", tests)
