#include "tapd/underlay/neighbours.h"

#include <check.h>
#include <stdio.h>

#include "support/main.h"
#include "support/netns.h"
#include "support/scratch.h"

static struct neighbours *n;
static char text[96];

static void setup(void)
{
	netns_enter();
	netns_run("ip link add u0 type veth peer name u1");
	netns_run("ip link set u1 up && ip link set u0 up");
	netns_run("ip addr add 10.8.0.1/24 dev u0");
	netns_run("ip addr add fd08::1/64 dev u0 nodad");
	netns_run("ip route add 10.5.0.0/16 via 10.8.0.9");
	netns_run("ip route add fd05::/64 via fd08::9");
	n = neighbours_new(&(struct routing){ .mark = 0 });
	ck_assert_ptr_nonnull(n);
}

static void teardown(void)
{
	neighbours_free(n);
}

static bool why(const char *address)
{
	struct addr to;

	ck_assert(addr_parse(&to, address, 8273));
	return neighbours_why(n, &to, text, sizeof(text));
}

START_TEST(a_neighbour_that_does_not_answer_is_named)
{
	static const struct {
		const char *to, *says;
	} of[] = {
		{ "10.8.0.7", "neighbour 10.8.0.7 does not answer ARP on u0" },
		{ "fd08::7", "neighbour fd08::7 does not answer ND on u0" },
		/* By way of a router. */
		{ "10.5.1.1", "neighbour 10.8.0.9 does not answer ARP on u0" },
		{ "fd05::1", "neighbour fd08::9 does not answer ND on u0" },
	};
	const char *state = _i % 2 ? "failed" : "incomplete";
	char command[128];

	for (int i = 7; i <= 9; i += 2) {
		snprintf(command, sizeof(command),
			 "ip neigh replace 10.8.0.%d dev u0 nud %s && "
			 "ip neigh replace fd08::%d dev u0 nud %s",
			 i, state, i, state);
		netns_run(command);
	}
	ck_assert(why(of[_i / 2].to));
	ck_assert_str_eq(text, of[_i / 2].says);
}
END_TEST

START_TEST(of_others_nothing_is_said)
{
	static const char *const none[] = {
		"10.8.0.7",  "10.5.1.1",  "10.8.0.8", "10.8.0.1", "fd08::8",
		"192.0.2.1", "127.0.0.1", "::1",      "fd09::1"
	};

	netns_run("ip neigh replace 10.8.0.7 dev u0 lladdr 2:0:0:0:0:7"
		  " nud reachable");
	netns_run("ip neigh replace 10.8.0.9 dev u0 lladdr 2:0:0:0:0:9"
		  " nud permanent");
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		ck_assert_msg(!why(none[i]), "%s: %s", none[i], text);
		ck_assert_str_eq(text, "");
	}
	ck_assert(!neighbours_why(NULL, &(struct addr){ .port = 1 }, text,
				  sizeof(text)));
}
END_TEST

START_TEST(a_table_that_is_full_is_known_by_its_count)
{
	static const struct {
		const char *stat, *limit;
		unsigned full;
	} of[] = {
		{ "entries  allocs\n00000400  00000000\n00000400  1\n",
		  "1024\n", 1024 },
		{ "entries  allocs\n000003c0  00000000\n", "1024\n", 1024 },
		{ "entries  allocs\n000003bf  00000000\n", "1024\n", 0 },
		{ "entries  allocs\n00000003  00000000\n", "4096\n", 0 },
		{ "", "1024\n", 0 },
		{ "entries\n00000400\n", "", 0 },
		{ "entries\nnonsense\n", "1024", 0 },
	};

	scratch_put("stat", of[_i].stat);
	scratch_put("limit", of[_i].limit);
	ck_assert_uint_eq(neighbours_full("stat", "limit"), of[_i].full);
	ck_assert_uint_eq(neighbours_full("stat", "none"), 0);
	ck_assert_uint_eq(neighbours_full("none", "limit"), 0);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("table", .setup = scratch_enter, .teardown = scratch_leave),
	UNIT_LOOP(a_table_that_is_full_is_known_by_its_count, 7),
	UNIT_CASE("neighbours", .setup = setup, .teardown = teardown,
		  .allowed = netns_is_allowed),
	UNIT_LOOP(a_neighbour_that_does_not_answer_is_named, 8),
	UNIT_TEST(of_others_nothing_is_said),
};

UNIT_MAIN("neighbours", tests)
