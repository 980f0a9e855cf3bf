/* lib/node: multicast goes to members, routers, and whoever may be one. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/querier.h"
#include "support/frames.h"
#include "support/main.h"
#include "support/opened.h"
#include "support/parsed.h"
#include "support/stations.h"
#include "support/three.h"

static const struct group g6 = { .ip = { 0xff, 0x0e, [13] = 1, [15] = 1 } },
			  tagged = {
				  .vlan = 7,
				  .ip = { [10] = 0xff, 0xff, 239, 1, 1, 1 }
			  };

/* ---- members ---- */

START_TEST(a_group_goes_to_its_members_and_arrives_there)
{
	stations_mesh(&h, 3);
	station_join(b, &g1);
	station_join(c, &g6);
	arrive();
	ck_assert_str_eq(station_sends(a, &g1), "b");
	ck_assert_str_eq(station_sends(a, &g6), "c");
	ck_assert_str_eq(station_sends(a, &g2), "");
	ck_assert_uint_eq(host_drops(a, DROP_no_member), 1);
	/* Senders need not be members, nor are they spared. */
	ck_assert_str_eq(station_sends(b, &g1), "");
	station_join(a, &g1);
	arrive();
	ck_assert_str_eq(station_sends(c, &g1), "ab");
	arrive();
	ck_assert_uint_eq(station_received(a, &g1), 1);
	ck_assert_uint_eq(station_received(b, &g1), 2);
	ck_assert_uint_eq(station_received(c, &g1), 0);
	ck_assert_uint_eq(station_received(c, &g6), 1);
}
END_TEST

START_TEST(until_all_were_asked_everybody_gets_everything)
{
	hosts_mesh(&h, 3);
	hosts_run(&h, CLOCK_S);
	ck_assert_str_eq(station_sends(a, &g1), "bc");
	node_tap_up(b->node, hosts_clock(b));
	hosts_run(&h, 2200 * CLOCK_MS);
	ck_assert_str_eq(station_sends(a, &g1), "bc");
	hosts_run(&h, 100 * CLOCK_MS);
	ck_assert_str_eq(station_sends(a, &g1), "c");
}
END_TEST

START_TEST(who_joined_before_the_start_is_found_by_it)
{
	host_start(b);
	station_join(b, &g1);
	station_join(b, &g6);
	host_stop(b);
	stations_mesh(&h, 3);
	ck_assert_str_eq(station_sends(a, &g1), "b");
	ck_assert_str_eq(station_sends(a, &g6), "b");
	ck_assert_str_eq(station_sends(a, &g2), "");
}
END_TEST

START_TEST(a_join_is_told_before_the_next_frame)
{
	const struct flight *p;
	size_t since;

	stations_mesh(&h, 3);
	since = h.log_count;
	station_join(b, &g1);
	host_say(b, 1);
	p = hosts_sent(&h, WIRE_DATA, b, a, since, 0);
	ck_assert_ptr_nonnull(p);
	ck_assert(hosts_tells_one_change(&h, p));
	/* Whoever answers that frame sends to the member already. */
	hosts_run(&h, h.latency_us);
	ck_assert(host_heard(a, b, 1));
	ck_assert_str_eq(station_sends(a, &g1), "b");
	ck_assert_str_eq(station_sends(c, &g1), "b");
}
END_TEST

START_TEST(a_join_costs_one_small_record_for_each_peer)
{
	size_t since;

	stations_mesh(&h, 3);
	/* Between two probes of idle peers. */
	since = h.log_count;
	while (h.log_count == since)
		hosts_run(&h, 10 * CLOCK_MS);
	hosts_run(&h, 100 * CLOCK_MS);
	since = h.log_count;
	station_join(b, &g1);
	ck_assert_uint_eq(h.log_count - since, 2);
	arrive();
	arrive();
	/* … the probe it asked for, and the echo. */
	for (struct host *of = a; of; of = of == a ? c : NULL) {
		ck_assert_uint_eq(hosts_count_sent(&h, WIRE_DATA, b, of, since),
				  2);
		ck_assert_uint_eq(hosts_count_sent(&h, WIRE_DATA, of, b, since),
				  1);
	}
	ck_assert_uint_eq(h.log_count - since, 6);
	for (size_t i = since; i < h.log_count; i++)
		ck_assert(hosts_tells_one_change(&h, h.log[i]) ||
			  hosts_carries(&h, h.log[i], WIRE_PROBE));
	/* What is so already is not told. */
	since = h.log_count;
	station_join(b, &g1);
	ck_assert_uint_eq(h.log_count, since);
}
END_TEST

/* A batch of the TAP may hold the join and what follows it. */
START_TEST(a_join_is_told_before_the_frames_of_its_own_batch)
{
	uint8_t join[FRAME_HEADROOM + REPORT_MAX];
	uint8_t said[FRAME_HEADROOM + 60] = { 0 };
	uint8_t *frame = hosts_frame(0xff, 2, 60, 1);
	struct iovec iov[] = { { join + FRAME_HEADROOM, 0 },
			       { said + FRAME_HEADROOM, 60 } };
	const struct frame frames[] = { { &iov[1], 1, { 0 } },
					{ &iov[0], 1, { 0 } },
					{ &iov[1], 1, { 0 } } };
	const struct flight *p;
	size_t since;

	stations_mesh(&h, 2);
	iov[0].iov_len =
		report_frame(join + FRAME_HEADROOM, 3, REPORT_JOIN, &g1, 1);
	memcpy(said + FRAME_HEADROOM, frame, 60);
	since = h.log_count;
	node_from_tap(b->node, frames, 3, hosts_clock(b));
	p = hosts_sent(&h, WIRE_DATA, b, a, since, 0);
	ck_assert(hosts_tells_one_change(&h, p));
	ck_assert_uint_eq(h.log_count - since, 2);
	free(frame);
}
END_TEST

START_TEST(a_leave_is_told_once_nobody_answered_for_it)
{
	stations_mesh(&h, 2);
	station_join(b, &g1);
	hosts_run(&h, CLOCK_S);
	station_leave(b, &g1);
	hosts_run(&h, 1900 * CLOCK_MS);
	ck_assert_str_eq(station_sends(a, &g1), "b");
	hosts_run(&h, 200 * CLOCK_MS);
	ck_assert_str_eq(station_sends(a, &g1), "");
	/* All know: nothing is kept of it. */
	arrive();
	ck_assert_uint_eq(host_debug(b).left, 0);
	station_join(b, &g1);
	arrive();
	ck_assert_str_eq(station_sends(a, &g1), "b");
}
END_TEST

START_TEST(a_malformed_report_is_counted_and_goes_to_all)
{
	uint8_t frame[REPORT_MAX];
	size_t len = report_frame(frame, 3, REPORT_JOIN, &g1, 1);

	stations_mesh(&h, 3);
	frame[len - 1] ^= 1;
	ck_assert_str_eq(station_sends_frame(a, frame, len), "bc");
	ck_assert_uint_eq(host_drops(a, DROP_membership_bad), 1);
	arrive();
	ck_assert_uint_eq(host_drops(b, DROP_membership_bad), 1);
	ck_assert(!station_is_heard(a, &g1));
}
END_TEST

START_TEST(joins_of_one_batch_arrive_in_one_record)
{
	struct node_debug_peer known;

	stations_mesh(&h, 2);
	station_join_many(b, 0, 64);
	arrive();
	known = host_peer(a, b);
	ck_assert_uint_eq(known.registered, known.announced);
	ck_assert_uint_eq(known.registered, host_debug(b).version);
	for (uint32_t i = 0; i < 64; i++) {
		struct group g = station_group(i);

		ck_assert_str_eq(station_sends(a, &g), "b");
	}
}
END_TEST

/* ---- who wants everything, and why ---- */

static const char *why(const struct host *host)
{
	struct node_multicast_status s;

	node_multicast_status(host->node, &s);
	return s.wants_all ? s.wants_all : "";
}

static void tap_down(bool on)
{
	if (on)
		node_tap_down(b->node, hosts_clock(b));
	else
		node_tap_up(b->node, hosts_clock(b));
}

static void tap_dropped(bool on)
{
	if (on)
		node_tap_dropped(b->node, hosts_clock(b));
}

static void all_multi(bool on)
{
	node_set_tap_wants(b->node, on ? NODE_TAP_ALLMULTI : 0, hosts_clock(b));
}

static void bridged(bool on)
{
	node_set_tap_wants(b->node, on ? NODE_TAP_BRIDGED : 0, hosts_clock(b));
}

static void no_querier(bool on)
{
	node_set_multicast(b->node, true, !on, hosts_clock(b));
}

static void router(bool on)
{
	uint8_t frame[REPORT_MAX];

	if (on)
		host_tap(
			b, frame,
			igmp_frame(frame, 0, "11 64 0000 00000000 02 7d 0000"));
	else
		hosts_run(&h, 260 * CLOCK_S);
}

static void unheard(bool on)
{
	static const uint8_t mac[] = { 1, 0, 0x5e, 9, 9, 9 };

	for (int i = 0; i < 3; i++) {
		node_tap_listening(b->node, mac, on ? 1 : 0, hosts_clock(b));
		hosts_run(&h, CLOCK_S);
	}
}

static void many_vlans(bool on)
{
	uint8_t frame[64];
	uint8_t *any = hosts_frame(9, 9, 64, 1); /* to itself */

	memcpy(frame, any, 64);
	store_be16(frame + 12, ETH_TYPE_VLAN);
	for (uint16_t vlan = 1; on && vlan <= QUERIER_VLANS_MAX + 1; vlan++) {
		store_be16(frame + 14, vlan);
		host_tap(b, frame, 64);
	}
	hosts_run(&h, 3 * CLOCK_S);
	free(any);
}

static const struct {
	void (*set)(bool on);
	const char *why;
	bool for_good;
} reasons[] = {
	{ tap_down, "the interface is down", false },
	{ tap_dropped, "this host's own groups are being asked", false },
	{ all_multi, "the interface is all-multicast", false },
	{ bridged, "the interface is a port of a bridge", false },
	{ no_querier, "multicast.querier = false", false },
	{ router, "a multicast router is on this side of the interface",
	  false },
	{ unheard, "a member is not heard: a firewall?", false },
	{ many_vlans, "more VLANs than can be asked", true },
};

START_TEST(who_may_want_anything_gets_everything_as_long_as_that_lasts)
{
	struct node_flooded_info info;
	struct node_iter at = { 0 };

	stations_mesh(&h, 3);
	station_join(c, &g1);
	arrive();
	ck_assert_str_eq(station_sends(a, &g1), "c");
	ck_assert_str_eq(why(b), "");
	ck_assert(!node_next_flooded(a->node, &at, &info));

	reasons[_i].set(true);
	ck_assert_str_eq(why(b), reasons[_i].why);
	/* It left at once, and no answer is needed for it to hold. */
	hosts_run(&h, h.latency_us);
	ck_assert_str_eq(station_sends(a, &g1), "bc");
	ck_assert_str_eq(station_sends(a, &g2), "b");
	at = (struct node_iter){ 0 };
	ck_assert(node_next_flooded(a->node, &at, &info));
	ck_assert_str_eq(info.peer, "b");
	ck_assert_str_eq(info.reason,
			 reasons[_i].set == router
				 ? "a multicast router is behind it"
				 : "it wants every group");
	ck_assert(!node_next_flooded(a->node, &at, &info));
	if (reasons[_i].for_good)
		return;

	reasons[_i].set(false);
	hosts_run(&h, 3 * CLOCK_S);
	ck_assert_str_eq(why(b), "");
	ck_assert_str_eq(station_sends(a, &g1), "c");
	ck_assert_str_eq(station_sends(a, &g2), "");
}
END_TEST

START_TEST(who_does_not_snoop_gets_and_sends_everything)
{
	uint8_t frame[REPORT_MAX];
	size_t len = report_frame(frame, 3, REPORT_JOIN, &g1, 1);
	struct node_multicast_status s;
	struct node_flooded_info info;
	struct node_iter at = { 0 };

	b->config.snooping = false;
	stations_mesh(&h, 3);
	station_join(c, &g1);
	arrive();
	ck_assert_str_eq(station_sends(a, &g1), "bc");
	ck_assert_str_eq(station_sends(a, &g2), "b");
	/* Its frames, and its reports, go to all; who snoops drops those. */
	ck_assert_str_eq(station_sends(b, &g1), "ac");
	ck_assert_str_eq(station_sends(b, &g2), "ac");
	host_forget_written(a);
	ck_assert_str_eq(station_sends_frame(b, frame, len), "ac");
	arrive();
	ck_assert_uint_eq(host_drops(a, DROP_report_foreign), 1);
	ck_assert(!node_next_flooded(b->node, &at, &info));
	node_multicast_status(b->node, &s);
	ck_assert(!s.snooping && s.querier);
	ck_assert_str_eq(s.wants_all, "multicast.snooping = false");

	node_set_multicast(b->node, true, true, hosts_clock(b));
	hosts_run(&h, 3 * CLOCK_S);
	ck_assert_str_eq(station_sends(a, &g2), "");
	ck_assert_str_eq(station_sends(b, &g1), "c");
	ck_assert_str_eq(station_sends_frame(b, frame, len), "");
	node_set_multicast(b->node, false, true, hosts_clock(b));
	arrive();
	ck_assert_str_eq(station_sends(a, &g2), "b");
	ck_assert_str_eq(station_sends(b, &g2), "ac");
}
END_TEST

/* With neither, nothing is asked and nothing declared but this. */
START_TEST(who_neither_snoops_nor_asks_writes_nothing_into_its_tap)
{
	b->config.snooping = b->config.querier = false;
	stations_mesh(&h, 2);
	hosts_run(&h, 300 * CLOCK_S);
	ck_assert_uint_eq(b->written_count, 0);
	ck_assert_str_eq(station_sends(a, &g1), "b");
	ck_assert_uint_eq(host_peer(a, b).registered, 1);
}
END_TEST

START_TEST(what_is_set_twice_is_told_once)
{
	size_t since;

	stations_mesh(&h, 2);
	all_multi(true);
	since = h.log_count;
	all_multi(true);
	bridged(true);
	node_set_multicast(b->node, true, true, hosts_clock(b));
	ck_assert_uint_eq(h.log_count, since);
}
END_TEST

/* ---- routers ---- */

static size_t pim_hello(uint8_t frame[REPORT_MAX])
{
	struct writer w = writer_init(frame, REPORT_MAX);

	memset(frame, 0, REPORT_MAX);
	put_eth(&w, 0, 9, ETH_TYPE_IPV4);
	put_ipv4(&w, 103, 34);
	memcpy(frame, "\x01\0\x5e\0\0\x0d", ETH_ADDR_LEN);
	memcpy(frame + w.len - 4, "\xe0\0\0\x0d", 4);
	writer_u8(&w, 0x20);
	writer_zeros(&w, 33);
	return w.len;
}

/* What makes its sender a router, from its first byte on the TAP. */
static size_t announcement(int nth, uint8_t frame[REPORT_MAX])
{
	switch (nth) {
	case 0:
		return sample_decode(frame, "igmp query");
	case 1:
		return igmp_frame(frame, 0, "11 64 0000 00000000 02 7d 0000");
	case 2:
		return mld_frame(frame, 0,
				 "82 00 0000 03e8 0000"
				 "00000000000000000000000000000000");
	case 3:
		return pim_hello(frame);
	case 4:
		return igmp_frame(frame, 0, "30140000 007d0002");
	default:
		return mld_frame(frame, 0, "97140000 007d0002");
	}
}
#define ANNOUNCEMENTS 6

static bool is_router(const struct host *host)
{
	struct node_multicast_status s;

	node_multicast_status(host->node, &s);
	return s.router;
}

START_TEST(who_announces_a_router_is_one_for_255_s)
{
	uint8_t frame[REPORT_MAX];
	size_t len = announcement(_i, frame);

	stations_mesh(&h, 3);
	ck_assert_str_eq(station_sends_frame(b, frame, len), "ac");
	ck_assert(is_router(b));
	arrive();
	/* Having heard it from a peer makes nobody one. */
	ck_assert(!is_router(a));
	ck_assert_str_eq(station_sends(a, &g1), "b");
	hosts_run(&h, 200 * CLOCK_S);
	station_sends_frame(b, frame, len);
	hosts_run(&h, 254 * CLOCK_S);
	ck_assert_str_eq(station_sends(a, &g1), "b");
	ck_assert(is_router(b));
	hosts_run(&h, 2 * CLOCK_S);
	ck_assert(!is_router(b));
	/* Its own side is asked anew. */
	hosts_run(&h, 3 * CLOCK_S);
	ck_assert_str_eq(station_sends(a, &g1), "");
}
END_TEST

START_TEST(reports_go_to_routers_only)
{
	uint8_t frame[REPORT_MAX];
	size_t len = report_frame(frame, 3, REPORT_JOIN, &g1, 1);

	stations_mesh(&h, 3);
	ck_assert_str_eq(station_sends_frame(a, frame, len), "");
	ck_assert_uint_gt(host_drops(a, DROP_report_kept), 0);
	router(true);
	arrive();
	host_forget_written(b);
	ck_assert_str_eq(station_sends_frame(a, frame, len), "b");
	arrive();
	ck_assert_uint_eq(b->written_count, 1);
	ck_assert_mem_eq(b->written[0].bytes, frame, len);
	router(false);
	ck_assert_str_eq(station_sends_frame(a, frame, len), "");
}
END_TEST

/* ---- VLANs ---- */

START_TEST(a_tagged_group_goes_to_all_who_do_not_know_its_vlan)
{
	struct group other = tagged;

	stations_mesh(&h, 3);
	ck_assert_str_eq(station_sends(a, &tagged), "bc");
	/* What others send names no VLAN to ask. */
	hosts_run(&h, 3 * CLOCK_S);
	ck_assert_str_eq(station_sends(a, &tagged), "bc");
	/* Having spoken there they ask, and know. */
	station_sends(b, &tagged);
	station_join(c, &tagged);
	hosts_run(&h, 2 * CLOCK_S);
	ck_assert_str_eq(station_sends(a, &tagged), "bc");
	hosts_run(&h, CLOCK_S);
	ck_assert_str_eq(station_sends(a, &tagged), "c");
	/* … which says nothing of other VLANs, nor of none. */
	ck_assert_str_eq(station_sends(a, &g1), "");
	other.vlan = 8;
	ck_assert_str_eq(station_sends(a, &other), "bc");
}
END_TEST

/* A host behind which many VLANs are seen once: it wants everything for a while,
 * and the others do not care. */
START_TEST(vlans_of_one_host_crowd_no_other)
{
	struct group g = tagged;
	struct node_multicast_status s;

	stations_mesh(&h, 2);
	for (g.vlan = 1; g.vlan <= 80; g.vlan++)
		station_sends(a, &g);
	hosts_run(&h, 3 * CLOCK_S);
	node_multicast_status(a->node, &s);
	ck_assert_str_eq(s.wants_all, "more VLANs than can be asked");
	node_multicast_status(b->node, &s);
	ck_assert(!s.wants_all);
	ck_assert_str_eq(station_sends(a, &g1), "");
	hosts_run(&h, 600 * CLOCK_S);
	node_multicast_status(a->node, &s);
	ck_assert(!s.wants_all);
	ck_assert_str_eq(station_sends(b, &g1), "");
	/* Those that found no room are flooded, as all that are not known. */
	g.vlan = 80;
	ck_assert_str_eq(station_sends(b, &g), "a");
}
END_TEST

START_TEST(while_a_new_vlan_is_asked_everything_is_wanted)
{
	stations_mesh(&h, 2);
	ck_assert_str_eq(station_sends(a, &g1), "");
	station_join(b, &tagged);
	arrive();
	ck_assert_str_eq(station_sends(a, &g1), "b");
	hosts_run(&h, 3 * CLOCK_S);
	ck_assert_str_eq(station_sends(a, &g1), "");
	ck_assert_str_eq(station_sends(a, &tagged), "b");
}
END_TEST

/* ---- what there is to see ---- */

/* The groups a host shows, sorted: "239.1.1.1 local b c, …". */
static const char *shown(const struct host *host)
{
	static char text[1024];
	char lines[16][64];
	struct node_group_info info;
	struct node_iter at = { 0 };
	size_t n = 0, len = 0;

	while (node_next_group(host->node, &at, &info)) {
		bool members[3] = { false };
		const char *name;
		struct node_iter member = { 0 };

		ck_assert_uint_lt(n, 16);
		snprintf(lines[n], sizeof(lines[n]), "%02x:%u.%u%s",
			 info.ip[0] ? info.ip[0] : info.ip[12], info.ip[15],
			 info.vlan, info.local ? " local" : "");
		while ((name = node_next_member(host->node, &info, &member)))
			members[name[0] - 'a'] = true;
		for (int i = 0; i < 3; i++)
			if (members[i])
				strcat(lines[n],
				       (const char *[]){ " a", " b", " c" }[i]);
		n++;
	}
	ck_assert(!node_next_group(host->node, &at, &info));
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++)
			if (strcmp(lines[j], lines[i]) < 0) {
				char line[64];

				memcpy(line, lines[i], sizeof(line));
				memcpy(lines[i], lines[j], sizeof(line));
				memcpy(lines[j], line, sizeof(line));
			}
	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
					i ? ", " : "", lines[i]);
	return text;
}

START_TEST(each_group_is_shown_once_with_its_members)
{
	stations_mesh(&h, 3);
	ck_assert_str_eq(shown(a), "");
	station_join(a, &g1);
	station_join(b, &g1);
	station_join(c, &g1);
	station_join(b, &g6);
	station_join(a, &g2);
	arrive();
	ck_assert_str_eq(shown(a), "ef:1.0 local b c, ef:2.0 local, ff:1.0 b");
	ck_assert_str_eq(shown(b), "ef:1.0 local a c, ef:2.0 a, ff:1.0 local");
	ck_assert_str_eq(shown(c), "ef:1.0 local a b, ef:2.0 a, ff:1.0 b");
	/* A VLAN that is known is no group. */
	station_join(c, &tagged);
	hosts_run(&h, 3 * CLOCK_S);
	ck_assert_str_eq(shown(b),
			 "ef:1.0 local a c, ef:1.7 c, ef:2.0 a, ff:1.0 local");
}
END_TEST

START_TEST(status_counts_groups_and_warns_of_silence)
{
	struct node_multicast_status s;

	stations_mesh(&h, 2);
	station_join(b, &g1);
	station_join(b, &g6);
	hosts_run(&h, 3 * CLOCK_S);
	node_multicast_status(b->node, &s);
	ck_assert(s.snooping && s.querier && !s.router);
	ck_assert_uint_eq(s.groups, 2);
	ck_assert(!s.silent_v4 && !s.silent_v6 && !s.unknowable);
	station_silence(b, true);
	hosts_run(&h, 140 * CLOCK_S);
	node_multicast_status(b->node, &s);
	ck_assert(s.silent_v4 && s.silent_v6 && !s.unknowable);
	ck_assert_str_eq(station_sends(a, &g1), "b");
	unheard(true);
	node_multicast_status(b->node, &s);
	ck_assert(s.unknowable);
	node_set_multicast(b->node, true, false, hosts_clock(b));
	node_multicast_status(b->node, &s);
	ck_assert(!s.unknowable && !s.silent_v4 && !s.silent_v6);
}
END_TEST

START_TEST(a_peer_whose_groups_are_not_known_is_shown_so)
{
	struct node_flooded_info info;
	struct node_iter at = { 0 };

	stations_mesh(&h, 2);
	/* It is down, but its session lives: it is flooded. */
	host_stop(b);
	hosts_run(&h, 4 * CLOCK_S);
	ck_assert(!host_up(a, b));
	ck_assert(node_next_flooded(a->node, &at, &info));
	ck_assert_str_eq(info.peer, "b");
	ck_assert_str_eq(info.reason, "its groups are not known yet");
	ck_assert_str_eq(station_sends(a, &g1), "b");
	/* Not for long. */
	hosts_run(&h, 10 * CLOCK_S);
	at = (struct node_iter){ 0 };
	ck_assert(!node_next_flooded(a->node, &at, &info));
	ck_assert_str_eq(station_sends(a, &g1), "");
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("members", .setup = three_setup_stations,
		  .teardown = three_teardown),
	UNIT_TEST(a_group_goes_to_its_members_and_arrives_there),
	UNIT_TEST(until_all_were_asked_everybody_gets_everything),
	UNIT_TEST(who_joined_before_the_start_is_found_by_it),
	UNIT_TEST(a_join_is_told_before_the_next_frame),
	UNIT_TEST(a_join_costs_one_small_record_for_each_peer),
	UNIT_TEST(a_join_is_told_before_the_frames_of_its_own_batch),
	UNIT_TEST(a_leave_is_told_once_nobody_answered_for_it),
	UNIT_TEST(a_malformed_report_is_counted_and_goes_to_all),
	UNIT_TEST(joins_of_one_batch_arrive_in_one_record),
	UNIT_CASE("everything, routers, VLANs", .setup = three_setup_stations,
		  .teardown = three_teardown),
	UNIT_EACH(who_may_want_anything_gets_everything_as_long_as_that_lasts,
		  reasons),
	UNIT_TEST(who_does_not_snoop_gets_and_sends_everything),
	UNIT_TEST(who_neither_snoops_nor_asks_writes_nothing_into_its_tap),
	UNIT_TEST(what_is_set_twice_is_told_once),
	UNIT_LOOP(who_announces_a_router_is_one_for_255_s, ANNOUNCEMENTS),
	UNIT_TEST(reports_go_to_routers_only),
	UNIT_TEST(a_tagged_group_goes_to_all_who_do_not_know_its_vlan),
	UNIT_TEST(vlans_of_one_host_crowd_no_other),
	UNIT_TEST(while_a_new_vlan_is_asked_everything_is_wanted),
	UNIT_CASE("what there is to see", .setup = three_setup_stations,
		  .teardown = three_teardown),
	UNIT_TEST(each_group_is_shown_once_with_its_members),
	UNIT_TEST(status_counts_groups_and_warns_of_silence),
	UNIT_TEST(a_peer_whose_groups_are_not_known_is_shown_so),
};

UNIT_MAIN("node multicast", tests)
