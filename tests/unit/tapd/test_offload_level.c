#include "tapd/tap/offload_level.h"

#include <string.h>

#include "node/debug.h"
#include "support/main.h"
#include "support/netns.h"
#include "tapd/log/log.h"

static struct tap *tap;
static struct udp *udp;
static struct node *node;
static struct conf conf;
static struct offload_levels offloads;

static void fill_random(void *user, void *buf, size_t len)
{
	(void)user;
	memset(buf, 7, len);
}

static void send_nothing(void *user, const struct datagram_run *runs, size_t n)
{
	(void)user;
	(void)runs;
	(void)n;
}

static void write_nothing(void *user, const struct frame *frames, size_t n)
{
	(void)user;
	(void)frames;
	(void)n;
}

static void hear_nothing(void *user, const struct node_event *event)
{
	(void)user;
	(void)event;
}

static const struct node_ops ops = { .random = fill_random,
				     .udp_send = send_nothing,
				     .tap_write = write_nothing,
				     .event = hear_nothing };

static void setup(void)
{
	const struct addr loopback = addr_v4(0x7f000001, 0);
	const struct node_config config = { .secrets_count = 1,
					    .name = "t",
					    .tap_mtu = 1500,
					    .interval_us = CLOCK_S,
					    .down_after = 3 };
	const char *why;
	char *error = NULL;

	log_set_level(LOG_LEVEL_ERROR);
	netns_enter();
	tap = tap_open("t0", &error);
	ck_assert_msg(tap != NULL, "%s", error);
	udp = udp_open(&loopback, 1, UDP_SEALED, NULL, &error);
	ck_assert_msg(udp != NULL, "%s", error);
	node = node_new(&config, &ops, NULL, (struct clock){ 1, 1 }, &why);
	ck_assert_msg(node != NULL, "%s", why);
	conf = (struct conf){ .offload = { .tap = TAP_OFFLOAD_ALL,
					   .merge = CONF_MERGE_ALL,
					   .send = UDP_RUNS,
					   .receive = UDP_RUNS } };
}

static void teardown(void)
{
	node_free(node);
	udp_close(udp);
	tap_close(tap);
}

static void apply(void)
{
	offload_level_apply(&offloads, &conf, tap, udp, node);
}

static void assert_levels(const char *tap_word, const char *merge,
			  const char *send, const char *receive)
{
	ck_assert_str_eq(tap_offload_words[offloads.tap], tap_word);
	ck_assert_str_eq(conf_merge_words[offloads.merge], merge);
	ck_assert_str_eq(udp_batching_words[udp_send_batching(udp)], send);
	ck_assert_str_eq(udp_batching_words[udp_receive_batching(udp)],
			 receive);
}

static void assert_takes(bool partial, bool tcp, bool udp_too)
{
	struct node_debug debug;

	node_debug(node, &debug);
	ck_assert_int_eq(debug.tap_takes.partial, partial);
	ck_assert_int_eq(debug.tap_takes.tcp, tcp);
	ck_assert_int_eq(debug.tap_takes.udp, udp_too);
}

/* Kernels before 6.2 have one level less. */
static bool kernel_has_all(void)
{
	bool has = tap_set_offload(tap, TAP_OFFLOAD_ALL) == TAP_OFFLOAD_ALL;

	if (!has)
		printf("no UDP GSO frames before Linux 6.2: skipped\n");
	return has;
}

START_TEST(by_default_all_of_it)
{
	if (!kernel_has_all())
		return;
	apply();
	assert_levels("all", "all", "all", "all");
	assert_takes(true, true, true);
}
END_TEST

static const char *const taps[] = { "none", "checksum", "tso", "all" };
static const char *const merges[] = { "none", "tcp", "all" };
static const char *const batchings[] = { "single", "batch", "all" };

/* No more is merged than the kernel gives of the kind. */
START_TEST(each_level_can_be_had_with_each_other)
{
	const int t = _i / 3, m = _i % 3;
	const int merge = t < TAP_OFFLOAD_TSO ? 0 : m < t - 1 ? m : t - 1;

	if (!kernel_has_all())
		return;
	conf.offload.tap = t;
	conf.offload.merge = m;
	for (int i = 0; i < 9; i++) {
		conf.offload.send = i / 3;
		conf.offload.receive = i % 3;
		apply();
		assert_levels(taps[t], merges[merge], batchings[i / 3],
			      batchings[i % 3]);
		assert_takes(t >= TAP_OFFLOAD_CHECKSUM, merge >= 1, merge >= 2);
	}
}
END_TEST

START_TEST(complete_checksums_leave_nothing_to_merge)
{
	conf.offload.complete_sums = true;
	conf.offload.tap = TAP_OFFLOAD_TSO;
	apply();
	assert_levels("tso", "none", "all", "all");
	assert_takes(false, false, false);
	conf.offload.complete_sums = false;
	apply();
	assert_levels("tso", "tcp", "all", "all");
	assert_takes(true, true, false);
}
END_TEST

/* A header longer than the frame stands for what some kernels refuse. */
static void write_refused(enum offload_gso gso)
{
	uint8_t bytes[60] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45 };
	const struct iovec piece = { bytes, sizeof(bytes) };
	const struct frame frame = {
		&piece,
		1,
		{ .csum_partial = true,
		  .gso = gso,
		  .gso_size = 10,
		  .hdr_len = 1000,
		  .csum_start = 34,
		  .csum_offset = gso == OFFLOAD_GSO_UDP_L4 ? 6 : 16 }
	};

	ck_assert_uint_eq(tap_write(tap, &frame, 1), 1);
	offload_level_refused(&offloads, &conf, tap, node);
}

START_TEST(a_kind_that_was_refused_is_not_merged_again)
{
	if (!kernel_has_all())
		return;
	netns_run("ip link set t0 up");
	apply();
	/* An ordinary frame that was refused changes nothing. */
	write_refused(OFFLOAD_GSO_NONE);
	assert_levels("all", "all", "all", "all");
	write_refused(OFFLOAD_GSO_UDP_L4);
	assert_levels("all", "tcp", "all", "all");
	assert_takes(true, true, false);
	write_refused(OFFLOAD_GSO_TCPV4);
	assert_levels("all", "none", "all", "all");
	assert_takes(true, false, false);
	/* Not after a reload either. */
	apply();
	assert_levels("all", "none", "all", "all");
	assert_takes(true, false, false);
}
END_TEST

/* It is another descriptor, on what may be another kernel's driver. */
START_TEST(a_tap_that_was_made_again_is_tried_again)
{
	char *error = NULL;

	if (!kernel_has_all())
		return;
	netns_run("ip link set t0 up");
	apply();
	write_refused(OFFLOAD_GSO_TCPV6);
	assert_levels("all", "none", "all", "all");
	tap_close(tap);
	tap = tap_open("t0", &error);
	ck_assert_msg(tap != NULL, "%s", error);
	apply();
	assert_levels("all", "all", "all", "all");
	assert_takes(true, true, true);
}
END_TEST

/* ---- somebody captures ---- */

static void capture(uint16_t protocol, unsigned index)
{
	const struct capture c = { protocol, index };

	offload_level_capture(&offloads, &conf, tap, node, &c);
}

START_TEST(a_capture_sees_complete_frames_as_they_were_sent)
{
	if (!kernel_has_all())
		return;
	apply();
	ck_assert_str_eq(offloads.unmerged, "");
	capture(3, 7);
	assert_takes(false, false, false);
	ck_assert_str_eq(offloads.unmerged,
			 "a packet socket captures on it (protocol 0003)");
	/* Neither a reload nor a refused frame brings anything back. */
	apply();
	assert_takes(false, false, false);
	netns_run("ip link set t0 up");
	write_refused(OFFLOAD_GSO_UDP_L4);
	assert_takes(false, false, false);
	capture(0x86dd, 0);
	assert_takes(false, false, false);
	ck_assert_str_eq(offloads.unmerged, "a packet socket captures on every"
					    " interface (protocol 86dd)");
	capture(0, 0);
	assert_takes(true, true, false);
	ck_assert_str_eq(offloads.unmerged, "");
}
END_TEST

START_TEST(why_nothing_is_merged_is_said)
{
	conf.offload.merge = CONF_MERGE_NONE;
	apply();
	ck_assert_str_eq(offloads.unmerged, "offload.merge is \"none\"");
	conf.offload.complete_sums = true;
	apply();
	ck_assert_str_eq(offloads.unmerged,
			 "offload.checksums is \"complete\"");
	conf.offload.complete_sums = false;
	conf.offload.merge = CONF_MERGE_ALL;
	conf.offload.tap = TAP_OFFLOAD_CHECKSUM;
	apply();
	ck_assert_str_eq(offloads.unmerged, "offload.tap is below \"tso\"");
	capture(3, 0);
	capture(0, 0);
	ck_assert_str_eq(offloads.unmerged, "offload.tap is below \"tso\"");
	assert_takes(true, false, false);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("offloads", .setup = setup, .teardown = teardown,
		  .allowed = netns_is_allowed),
	UNIT_TEST(by_default_all_of_it),
	UNIT_LOOP(each_level_can_be_had_with_each_other, 12),
	UNIT_TEST(complete_checksums_leave_nothing_to_merge),
	UNIT_TEST(a_kind_that_was_refused_is_not_merged_again),
	UNIT_TEST(a_tap_that_was_made_again_is_tried_again),
	UNIT_TEST(a_capture_sees_complete_frames_as_they_were_sent),
	UNIT_TEST(why_nothing_is_merged_is_said),
};

UNIT_MAIN("offload_level", tests)
