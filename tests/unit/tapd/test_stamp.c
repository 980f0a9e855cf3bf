/* TAPs known by their stamp, in this network namespace and in others. */
#include "tapd/tap/stamp.h"

#include <net/if.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "support/main.h"
#include "support/netns.h"
#include "tapd/tap/netns.h"
#include "tapd/tap/ours.h"
#include "tapd/tap/tap.h"

static const struct public_key key = { .bytes = { 1 } },
			       other_key = { .bytes = { 2 } };
static struct tap *tap;
static uint32_t stamp;

static struct tap *open_tap(const char *name)
{
	char *error = NULL;
	struct tap *t = tap_open(name, &error);

	ck_assert_msg(t != NULL, "%s", error);
	return t;
}

static void setup(void)
{
	netns_enter();
	tap = open_tap("t0");
	stamp = stamp_make(&key, "t0");
	ck_assert_int_eq(tap_set_group(tap, stamp), 0);
}

static void teardown(void)
{
	tap_close(tap);
}

START_TEST(stamps_are_of_a_key_and_a_name)
{
	ck_assert(stamp_is_one(stamp));
	ck_assert_uint_eq(stamp_make(&key, "t0"), stamp);
	ck_assert_uint_ne(stamp_make(&other_key, "t0"), stamp);
	ck_assert_uint_ne(stamp_make(&key, "t1"), stamp);
	ck_assert(!stamp_is_one(0));
	ck_assert(!stamp_is_one(100));
	ck_assert(!stamp_is_one(UINT32_MAX));
	netns_enter();
	ck_assert_uint_ne(stamp_make(&key, "t0"), stamp);
}
END_TEST

/* Where the process is, as ip-netns(8) sees it, and where the walk. */
static bool see_both(void *user, const struct netns_place *place)
{
	uint64_t *homes = user;
	struct stat s;

	(void)place;
	ck_assert_int_eq(stat("/proc/self/ns/net", &s), 0);
	ck_assert_uint_eq(s.st_ino, homes[0]);
	ck_assert_uint_ne(netns_own(), homes[0]);
	homes[1]++;
	return false;
}

START_TEST(the_process_stays_while_others_are_looked_into)
{
	uint64_t homes[2] = { netns_own(), 0 };
	bool hidden;

	ck_assert(!netns_visit_others(see_both, homes, &hidden));
	ck_assert(!hidden);
	ck_assert_uint_gt(homes[1], 0);
	ck_assert_uint_eq(netns_own(), homes[0]);
}
END_TEST

START_TEST(a_stamp_is_found_under_any_name)
{
	char name[IFNAMSIZ];
	struct tap *t1 = open_tap("t1");

	ck_assert(stamp_find(stamp, name));
	ck_assert_str_eq(name, "t0");
	ck_assert_uint_eq(stamp_read(if_nametoindex("t0")), stamp);
	ck_assert_uint_eq(stamp_read(if_nametoindex("t1")), 0);
	ck_assert_uint_eq(stamp_read(if_nametoindex("lo")), 0);
	netns_run("ip link set t0 alias x address 52:54:00:00:00:01 name y0");
	ck_assert(stamp_find(stamp, name));
	ck_assert_str_eq(name, "y0");
	ck_assert_int_eq(tap_read_name(tap_fd(tap), name), 0);
	ck_assert_str_eq(name, "y0");
	netns_run("ip link del y0");
	ck_assert(!stamp_find(stamp, name));
	ck_assert_int_lt(tap_read_name(tap_fd(tap), name), 0);
	tap_close(t1);
}
END_TEST

START_TEST(one_that_was_moved_is_found_elsewhere)
{
	const uint64_t here = netns_own();
	const pid_t child = netns_move_to_container("t0");
	char name[IFNAMSIZ], process[32], *error = NULL;

	snprintf(process, sizeof(process), "process %d", (int)child);
	ck_assert_int_eq(ours_find(stamp, "t0", name, &error), OURS_ELSEWHERE);
	ck_assert_str_eq(name, "t0");
	ck_assert_ptr_nonnull(strstr(error, process));
	free(error);
	error = NULL;
	ck_assert_int_eq(ours_of_descriptor(tap_fd(tap), "t0", name, &error),
			 OURS_ELSEWHERE);
	ck_assert_ptr_nonnull(strstr(error, process));
	free(error);
	error = NULL;
	/* Another's is nobody's, and one that stands ready is used. */
	ck_assert_int_eq(ours_find(stamp ^ 1, "t0", name, &error), OURS_NONE);
	ck_assert_int_eq(ours_find(stamp, "lo", name, &error), OURS_NONE);
	ck_assert_ptr_null(error);
	/* And we are where we were. */
	ck_assert(netns_own() == here);
	netns_end_container(child);
}
END_TEST

START_TEST(one_that_is_here_is_found_here)
{
	char name[IFNAMSIZ], *error = NULL;

	netns_run("ip link set t0 name y0");
	ck_assert_int_eq(ours_find(stamp, "t0", name, &error), OURS_HERE);
	ck_assert_str_eq(name, "y0");
	ck_assert_int_eq(ours_of_descriptor(tap_fd(tap), "t0", name, &error),
			 OURS_HERE);
	ck_assert_str_eq(name, "y0");
	ck_assert_int_eq(ours_of_descriptor(0, "t0", name, &error), OURS_NONE);
	netns_run("ip link del y0");
	ck_assert_int_eq(ours_of_descriptor(tap_fd(tap), "t0", name, &error),
			 OURS_NONE);
	ck_assert_ptr_null(error);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("stamps", .setup = setup, .teardown = teardown,
		  .allowed = netns_is_allowed),
	UNIT_TEST(stamps_are_of_a_key_and_a_name),
	UNIT_TEST(the_process_stays_while_others_are_looked_into),
	UNIT_TEST(a_stamp_is_found_under_any_name),
	UNIT_TEST(one_that_was_moved_is_found_elsewhere),
	UNIT_TEST(one_that_is_here_is_found_here),
};

UNIT_MAIN("stamp", tests)
