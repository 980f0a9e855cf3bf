/* lib/node: what changes in the tables is told to who watches. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/main.h"
#include "support/stations.h"
#include "support/three.h"

/* "moved 02:..:09 b c", a line each. */
static char told[4096];

static const char *name(const char *who)
{
	return who ? who : "nobody";
}

static void note(void *user, const struct node_change *said)
{
	size_t len = strlen(told);

	ck_assert_ptr_eq(user, a);
	ck_assert_uint_lt(len, sizeof(told) - 200);
	switch (said->type) {
	case NODE_MAC_MOVED:
		sprintf(told + len, "moved %02x vlan %u %s %s\n", said->mac[5],
			(unsigned)said->vlan, name(said->from), name(said->to));
		break;
	case NODE_GROUP_JOINED:
	case NODE_GROUP_LEFT:
		sprintf(told + len, "%s %u.%u vlan %u %s\n",
			said->type == NODE_GROUP_JOINED ? "joined" : "left",
			said->group[12], said->group[15], (unsigned)said->vlan,
			name(said->to));
		break;
	}
}

/* What was told meanwhile. */
static void assert_told(const char *expected)
{
	ck_assert_str_eq(told, expected);
	told[0] = '\0';
}

/* One broadcast, by which its source is learned. */
static void speak(struct host *host, uint8_t mac)
{
	uint8_t *frame = hosts_frame(0xff, mac, 60, 7);

	host_tap(host, frame, 60);
	arrive();
	free(frame);
}

static void watch_setup(void)
{
	three_setup_stations();
	stations_mesh(&h, 3);
	told[0] = '\0';
	node_watch(a->node, note);
}

START_TEST(a_mac_that_moves_is_told)
{
	speak(b, 9);
	speak(b, 9);
	assert_told("");
	speak(c, 9);
	assert_told("moved 09 vlan 0 b c\n");
	speak(a, 9);
	assert_told("moved 09 vlan 0 c local\n");
	speak(b, 9);
	assert_told("moved 09 vlan 0 local b\n");
}
END_TEST

START_TEST(a_mac_of_a_host_that_died_is_told_when_it_is_found)
{
	speak(b, 9);
	host_stop(b);
	hosts_run(&h, 20 * CLOCK_S);
	told[0] = '\0';
	speak(c, 9);
	assert_told("moved 09 vlan 0 b c\n");
}
END_TEST

START_TEST(groups_are_told_here_and_of_peers)
{
	station_join(b, &g1);
	arrive();
	assert_told("joined 239.1 vlan 0 b\n");
	station_join(a, &g1);
	arrive();
	assert_told("joined 239.1 vlan 0 local\n");
	/* Reported again, it is nothing new. */
	station_join(a, &g1);
	station_join(b, &g1);
	arrive();
	assert_told("");
	station_leave(b, &g1);
	hosts_run(&h, 5 * CLOCK_S);
	assert_told("left 239.1 vlan 0 b\n");
}
END_TEST

START_TEST(nothing_is_told_to_who_watches_no_more)
{
	node_watch(a->node, NULL);
	speak(b, 9);
	speak(c, 9);
	station_join(b, &g1);
	arrive();
	assert_told("");
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("node watch", .setup = watch_setup,
		  .teardown = three_teardown),
	UNIT_TEST(a_mac_that_moves_is_told),
	UNIT_TEST(a_mac_of_a_host_that_died_is_told_when_it_is_found),
	UNIT_TEST(groups_are_told_here_and_of_peers),
	UNIT_TEST(nothing_is_told_to_who_watches_no_more),
};

UNIT_MAIN("node watch", tests)
