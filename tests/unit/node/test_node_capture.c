/* lib/node: frames are shown to who captures, as they are sent and as they came. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/main.h"
#include "support/three.h"

static struct {
	bool from_tap;
	char peer[16];
	enum drop_reason reason;
	size_t len;
	uint8_t bytes[4096];
} seen[64];
static size_t count;

static void note(void *user, const struct node_sight *sight)
{
	ck_assert_ptr_eq(user, a);
	ck_assert_uint_lt(count, UNIT_COUNT(seen));
	seen[count].from_tap = sight->from_tap;
	seen[count].reason = sight->reason;
	seen[count].len = 0;
	snprintf(seen[count].peer, sizeof(seen[count].peer), "%s",
		 sight->peer ? sight->peer : "nobody");
	ck_assert((sight->key != NULL) == (sight->peer != NULL));
	for (size_t i = 0; i < sight->count; i++) {
		ck_assert_uint_le(seen[count].len + sight->lens[i],
				  sizeof(seen[count].bytes));
		memcpy(seen[count].bytes + seen[count].len, sight->pieces[i],
		       sight->lens[i]);
		seen[count].len += sight->lens[i];
	}
	count++;
}

static void assert_seen(size_t i, bool from_tap, const char *peer,
			enum drop_reason reason, const uint8_t *frame,
			size_t len)
{
	ck_assert_uint_lt(i, count);
	ck_assert_int_eq(seen[i].from_tap, from_tap);
	ck_assert_str_eq(seen[i].peer, peer);
	ck_assert_int_eq(seen[i].reason, reason);
	ck_assert_uint_eq(seen[i].len, len);
	ck_assert_mem_eq(seen[i].bytes, frame, len);
}

static void capture_setup(void)
{
	three_setup();
	b->config.tap_mtu = 3000;
	hosts_mesh(&h, 3);
	count = 0;
	node_capture(a->node, note);
}

START_TEST(each_copy_is_shown_with_its_peer)
{
	uint8_t *frame = hosts_frame(0xff, 1, 900, 7);

	host_tap(a, frame, 900);
	arrive();
	ck_assert_uint_eq(count, 2);
	ck_assert_str_ne(seen[0].peer, seen[1].peer);
	for (size_t i = 0; i < 2; i++)
		assert_seen(i, true, seen[i].peer, DROP_NONE, frame, 900);
	free(frame);
}
END_TEST

START_TEST(what_came_is_shown_with_whom_it_is_from)
{
	uint8_t *frame = hosts_frame(0xff, 2, 1400, 7);

	host_tap(b, frame, 1400);
	arrive();
	ck_assert_uint_eq(count, 1);
	assert_seen(0, false, "b", DROP_NONE, frame, 1400);
	free(frame);
}
END_TEST

START_TEST(what_is_dropped_is_shown_with_its_reason)
{
	uint8_t *local = hosts_frame(9, 1, 60, 7);
	uint8_t *large = hosts_frame(0xff, 2, 2500, 8);

	/* 9 is on this side. */
	uint8_t *from = hosts_frame(0xff, 9, 60, 7);

	host_tap(a, from, 60);
	count = 0;
	host_tap(a, local, 60);
	ck_assert_uint_eq(count, 1);
	assert_seen(0, true, "nobody", DROP_frame_local, local, 60);
	/* Its MTU is larger than ours. */
	host_tap(b, large, 2500);
	arrive();
	ck_assert_uint_eq(count, 2);
	assert_seen(1, false, "b", DROP_frame_long, large, 2500);
	free(from);
	free(local);
	free(large);
}
END_TEST

START_TEST(nothing_is_shown_when_nobody_captures)
{
	uint8_t *frame = hosts_frame(0xff, 1, 900, 7);

	node_capture(a->node, NULL);
	host_tap(a, frame, 900);
	host_tap(b, frame, 900);
	arrive();
	ck_assert_uint_eq(count, 0);
	free(frame);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("node capture", .setup = capture_setup,
		  .teardown = three_teardown),
	UNIT_TEST(each_copy_is_shown_with_its_peer),
	UNIT_TEST(what_came_is_shown_with_whom_it_is_from),
	UNIT_TEST(what_is_dropped_is_shown_with_its_reason),
	UNIT_TEST(nothing_is_shown_when_nobody_captures),
};

UNIT_MAIN("node capture", tests)
