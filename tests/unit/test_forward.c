#include <check.h>
#include <stdlib.h>

#include "bridge/forward.h"
#include "frames.h"

#define MAX_LEN eth_frame_max(1500)

static const uint8_t seed[TABLE_SEED_LEN] = { 42 };
static const struct fdb_config config = { 64, 8, 4, 300 * CLOCK_S };
static struct fdb *fdb;
static struct eth_view view;
static bool full;

static void setup(void)
{
	fdb = fdb_new(&config, seed);
	ck_assert_ptr_nonnull(fdb);
}

static void teardown(void)
{
	fdb_free(fdb);
}

/* An ARP-sized frame between stations of one byte each. */
struct frame_bytes {
	uint8_t bytes[60];
};

static struct frame_bytes station_frame(uint8_t dst, uint8_t src)
{
	struct frame_bytes f = { { 0 } };
	struct writer w = writer_init(f.bytes, sizeof(f.bytes));

	put_eth(&w, dst, src, ETH_TYPE_ARP);
	return f;
}

static struct verdict from_tap(uint8_t dst, uint8_t src)
{
	struct frame_bytes f = station_frame(dst, src);

	return forward_from_tap(fdb, f.bytes, sizeof(f.bytes), MAX_LEN, 0,
				&view, &full);
}

static enum drop_reason from_port(uint16_t port, uint8_t dst, uint8_t src)
{
	struct frame_bytes f = station_frame(dst, src);

	return forward_from_port(fdb, port, f.bytes, sizeof(f.bytes), MAX_LEN,
				 0, &view, &full);
}

static struct verdict sample_from_tap(const char *name)
{
	uint8_t frame[SAMPLE_MAX];
	size_t len = sample_decode(frame, name);

	return forward_from_tap(fdb, frame, len, MAX_LEN, 0, &view, &full);
}

static int owner(uint8_t station)
{
	const uint8_t mac[ETH_ADDR_LEN] = { 2, 0, 0, 0, 0, station };

	return fdb_find(fdb, 0, mac, 0);
}

START_TEST(unknown_unicast_goes_to_all)
{
	struct verdict v = from_tap(2, 1);

	ck_assert_int_eq(v.kind, VERDICT_FLOOD);
	ck_assert_int_eq(owner(1), FDB_PORT_LOCAL);
	ck_assert_uint_eq(view.src[5], 1);
}
END_TEST

START_TEST(known_unicast_goes_to_its_owner)
{
	struct verdict v;

	ck_assert_int_eq(from_port(3, 1, 2), DROP_NONE);
	v = from_tap(2, 1);
	ck_assert_int_eq(v.kind, VERDICT_PORT);
	ck_assert_uint_eq(v.port, 3);
}
END_TEST

START_TEST(unicast_follows_a_mac_that_moves)
{
	from_port(3, 1, 2);
	from_port(1, 1, 2);
	ck_assert_uint_eq(from_tap(2, 1).port, 1);
	from_tap(9, 2); /* it is ours now */
	ck_assert_int_eq(from_tap(2, 1).kind, VERDICT_DROP);
}
END_TEST

START_TEST(unicast_within_our_side_goes_nowhere)
{
	struct verdict v;

	from_tap(9, 1);
	v = from_tap(1, 2);
	ck_assert_int_eq(v.kind, VERDICT_DROP);
	ck_assert_int_eq(v.reason, DROP_frame_local);
	ck_assert_int_eq(owner(2), FDB_PORT_LOCAL);
}
END_TEST

START_TEST(every_group_frame_goes_to_all)
{
	for (size_t i = 0; i < samples_count; i++)
		ck_assert_msg(sample_from_tap(samples[i].name).kind ==
				      VERDICT_FLOOD,
			      "%s", samples[i].name);
}
END_TEST

START_TEST(virtual_mac_is_learned_from_its_advertisement)
{
	static const uint8_t vmac[] = { 0, 0, 0x5e, 0, 1, 0x2a };
	uint8_t frame[SAMPLE_MAX];
	size_t len = sample_decode(frame, "vrrp");

	forward_from_tap(fdb, frame, len, MAX_LEN, 0, &view, &full);
	ck_assert_int_eq(fdb_find(fdb, 0, vmac, 0), FDB_PORT_LOCAL);
	forward_from_port(fdb, 2, frame, len, MAX_LEN, 0, &view, &full);
	ck_assert_int_eq(fdb_find(fdb, 0, vmac, 0), 2);
}
END_TEST

/* The backup's macvlan answers queries with the virtual MAC it shares. */
START_TEST(membership_report_steals_no_mac)
{
	uint8_t frame[SAMPLE_MAX];
	size_t len = sample_decode(frame, "igmp report");
	const uint8_t *src = frame + ETH_ADDR_LEN;

	ck_assert(fdb_learn(fdb, 0, src, 3, 0));
	forward_from_tap(fdb, frame, len, MAX_LEN, 0, &view, &full);
	ck_assert_int_eq(fdb_find(fdb, 0, src, 0), 3);
	ck_assert_int_eq(
		forward_from_port(fdb, 1, frame, len, MAX_LEN, 0, &view, &full),
		DROP_NONE);
	ck_assert_int_eq(fdb_find(fdb, 0, src, 0), 3);
}
END_TEST

START_TEST(vlans_are_switched_apart)
{
	uint8_t frame[60] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };
	struct verdict v;

	from_port(3, 1, 2);
	store_be16(frame + 12, ETH_TYPE_VLAN);
	store_be16(frame + 14, 7);
	v = forward_from_tap(fdb, frame, sizeof(frame), MAX_LEN, 0, &view,
			     &full);
	ck_assert_int_eq(v.kind, VERDICT_FLOOD);
	ck_assert_uint_eq(view.vlan, 7);
}
END_TEST

START_TEST(aged_owner_is_flooded)
{
	struct frame_bytes f = station_frame(2, 1);
	struct verdict v;

	from_port(3, 1, 2);
	v = forward_from_tap(fdb, f.bytes, sizeof(f.bytes), MAX_LEN,
			     config.max_age_us, &view, &full);
	ck_assert_int_eq(v.kind, VERDICT_FLOOD);
}
END_TEST

/* Split horizon: what one peer sent to another's MAC is not passed on. */
START_TEST(frame_from_a_peer_goes_into_the_tap_wherever_its_mac_is)
{
	from_port(3, 1, 2);
	ck_assert_int_eq(from_port(1, 2, 4), DROP_NONE);
	ck_assert_int_eq(owner(2), 3);
	ck_assert_int_eq(owner(4), 1);
}
END_TEST

START_TEST(length_is_held_to_the_mtu_unless_it_is_a_super_frame)
{
	uint8_t frame[1523] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };
	struct verdict v;

	v = forward_from_tap(fdb, frame, 1522, MAX_LEN, 0, &view, &full);
	ck_assert_int_eq(v.kind, VERDICT_FLOOD);
	fdb_flush_port(fdb, FDB_PORT_LOCAL);
	v = forward_from_tap(fdb, frame, 1523, MAX_LEN, 0, &view, &full);
	ck_assert_int_eq(v.kind, VERDICT_DROP);
	ck_assert_int_eq(v.reason, DROP_frame_long);
	ck_assert_int_eq(owner(1), -1); /* what is dropped teaches nothing */
	ck_assert_int_eq(forward_from_port(fdb, 1, frame, 1523, MAX_LEN, 0,
					   &view, &full),
			 DROP_frame_long);
	v = forward_from_tap(fdb, frame, 1523, 0, 0, &view, &full);
	ck_assert_int_eq(v.kind, VERDICT_FLOOD);
}
END_TEST

START_TEST(malformed_frames_are_dropped_and_teach_nothing)
{
	struct frame_bytes f = station_frame(2, 1);
	struct verdict v;

	v = forward_from_tap(fdb, f.bytes, 13, MAX_LEN, 0, &view, &full);
	ck_assert_int_eq(v.kind, VERDICT_DROP);
	ck_assert_int_eq(v.reason, DROP_frame_short);
	ck_assert_int_eq(
		forward_from_port(fdb, 1, f.bytes, 0, MAX_LEN, 0, &view, &full),
		DROP_frame_short);
	f.bytes[6] |= 1;
	v = forward_from_tap(fdb, f.bytes, 60, MAX_LEN, 0, &view, &full);
	ck_assert_int_eq(v.reason, DROP_frame_bad_source);
	ck_assert_int_eq(forward_from_port(fdb, 1, f.bytes, 60, MAX_LEN, 0,
					   &view, &full),
			 DROP_frame_bad_source);
	ck_assert_uint_eq(fdb_count(fdb), 0);
}
END_TEST

START_TEST(full_share_is_reported_and_the_frame_still_goes)
{
	for (uint8_t n = 0; n < config.per_port; n++) {
		from_tap(200, (uint8_t)(100 + n));
		ck_assert(!full);
	}
	ck_assert_int_eq(from_tap(200, 1).kind, VERDICT_FLOOD);
	ck_assert(full);
	/* A frame that teaches nothing, and one already known, are not it. */
	ck_assert_int_eq(sample_from_tap("igmp report").kind, VERDICT_FLOOD);
	ck_assert(!full);
	from_tap(200, 100);
	ck_assert(!full);
	ck_assert_int_eq(from_port(1, 100, 50), DROP_NONE);
	ck_assert(!full);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("forward");
	TCase *tc = tcase_create("forward");
	SRunner *sr = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, unknown_unicast_goes_to_all);
	tcase_add_test(tc, known_unicast_goes_to_its_owner);
	tcase_add_test(tc, unicast_follows_a_mac_that_moves);
	tcase_add_test(tc, unicast_within_our_side_goes_nowhere);
	tcase_add_test(tc, every_group_frame_goes_to_all);
	tcase_add_test(tc, virtual_mac_is_learned_from_its_advertisement);
	tcase_add_test(tc, membership_report_steals_no_mac);
	tcase_add_test(tc, vlans_are_switched_apart);
	tcase_add_test(tc, aged_owner_is_flooded);
	tcase_add_test(tc,
		       frame_from_a_peer_goes_into_the_tap_wherever_its_mac_is);
	tcase_add_test(tc,
		       length_is_held_to_the_mtu_unless_it_is_a_super_frame);
	tcase_add_test(tc, malformed_frames_are_dropped_and_teach_nothing);
	tcase_add_test(tc, full_share_is_reported_and_the_frame_still_goes);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
