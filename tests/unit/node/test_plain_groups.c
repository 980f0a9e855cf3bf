/* lib/node: multicast between plain hosts, to members only where reports came. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/querier.h"
#include "bridge/router.h"
#include "ether/snoop.h"
#include "plain/vxlan.h"
#include "support/frames.h"
#include "support/main.h"
#include "support/plain_three.h"
#include "support/stations.h"

/* ---- what is sent, and to whom ---- */

static size_t packet_to(uint8_t frame[128], const struct group *group)
{
	static const uint8_t mac[ETH_ADDR_LEN] = { 2, 0, 0, 0, 0, 0xc0 };
	struct writer w = writer_init(frame, 128);

	put_group_udp(&w, group, mac, 5000, 0);
	ck_assert(writer_ok(&w));
	return w.len;
}

/* To which hosts a frame of that host's goes: a bit for each. */
static unsigned goes_to(struct host *from, const uint8_t *frame, size_t len)
{
	const size_t before = h.log_count;
	unsigned who = 0;

	host_tap(from, frame, len);
	for (size_t i = before; i < h.log_count; i++) {
		const unsigned bit = 1u << (hosts_at(&h, &h.log[i]->to) - a);

		ck_assert_uint_eq(who & bit, 0);
		who |= bit;
	}
	return who;
}

static unsigned sends(struct host *from, const struct group *group)
{
	uint8_t frame[128];

	return goes_to(from, frame, packet_to(frame, group));
}

enum { TO_A = 1, TO_B = 2, TO_C = 4 };

static const char *why_flooded(const struct host *host, const struct host *of)
{
	const char *name = plain_info(host, of).name;
	struct node_flooded_info info;
	struct node_iter it = { 0 };
	static char found[NODE_NAME_MAX + 1];

	strcpy(found, name);
	while (node_next_flooded(host->node, &it, &info))
		if (strcmp(info.peer, found) == 0)
			return info.reason;
	return NULL;
}

static void assert_why(const struct host *host, const struct host *of,
		       const char *why)
{
	const char *is = why_flooded(host, of);

	ck_assert_msg((is == NULL) == (why == NULL) &&
			      (!is || strcmp(is, why) == 0),
		      "%s", is ? is : "not flooded");
}

/* A host that is no node sends this. */
static void comes_from(struct host *to, const struct host *from,
		       const uint8_t *frame, size_t len)
{
	plain_send_from(to, &from->addrs[0], frame, len);
}

static void reports_from(struct host *to, const struct host *from,
			 enum report_type type, const struct group *groups,
			 size_t count)
{
	struct host_report r = { .mac = { 2, 0, 0, 0, 9, 9 },
				 .says = type,
				 .count = count };
	uint8_t frame[REPORT_MAX];

	memcpy(r.groups, groups, count * sizeof(*groups));
	comes_from(to, from, frame, report_build(frame, &r));
}

/* An answer to a general query, of a host that joined nothing else. */
static void answers_from(struct host *to, const struct host *from)
{
	const struct group mdns = group_parse(0, "224.0.0.251");

	reports_from(to, from, REPORT_ANSWER, &mdns, 1);
}

/* a lists that many of the others, which are no nodes, and they answer its queries. */
static void start_alone(size_t count)
{
	const struct addr list[] = { b->addrs[0], c->addrs[0] };

	station_start(a);
	host_want(a, list, count);
	hosts_run(&h, 1500 * CLOCK_MS);
	for (size_t i = 0; i < count; i++)
		answers_from(a, &h.host[1 + i]);
	hosts_run(&h, 2 * CLOCK_S);
}

/* ---- members ---- */

START_TEST(group_goes_to_its_members_alone)
{
	plain_mesh_asked(3);
	ck_assert_uint_eq(sends(a, &g1), 0);
	ck_assert_uint_eq(host_drops(a, DROP_no_member), 1);
	station_join(b, &g1);
	arrive();
	ck_assert_uint_eq(sends(a, &g1), TO_B);
	ck_assert_uint_eq(sends(c, &g1), TO_B);
	ck_assert_uint_eq(sends(a, &g2), 0);
	station_join(c, &g1);
	arrive();
	ck_assert_uint_eq(sends(a, &g1), TO_B | TO_C);
	ck_assert_uint_eq(sends(b, &g1), TO_C);
	station_leave(b, &g1);
	/* Who else is there is asked twice. */
	arrive();
	ck_assert_uint_eq(sends(a, &g1), TO_B | TO_C);
	hosts_run(&h, 3 * CLOCK_S);
	ck_assert_uint_eq(sends(a, &g1), TO_C);
	assert_why(a, b, NULL);
	/* It stays so, as the members answer. */
	hosts_run(&h, 1000 * CLOCK_S);
	ck_assert_uint_eq(sends(a, &g1), TO_C);
	ck_assert_uint_eq(sends(b, &g1), TO_C);
}
END_TEST

START_TEST(ipv6_groups_likewise)
{
	const struct group g6 = group_parse(0, "ff0e::1:1");

	plain_mesh_asked(3);
	ck_assert_uint_eq(sends(a, &g6), 0);
	station_join(c, &g6);
	arrive();
	ck_assert_uint_eq(sends(a, &g6), TO_C);
	station_leave(c, &g6);
	hosts_run(&h, 3 * CLOCK_S);
	ck_assert_uint_eq(sends(a, &g6), 0);
}
END_TEST

START_TEST(what_is_for_all_goes_to_all)
{
	const struct group vrrp = group_parse(0, "224.0.0.18");
	uint8_t *frame = hosts_frame(0xff, 1, 80, 1);

	plain_mesh_asked(3);
	ck_assert_uint_eq(sends(a, &vrrp), TO_B | TO_C);
	ck_assert_uint_eq(goes_to(a, frame, 80), TO_B | TO_C);
	free(frame);
}
END_TEST

START_TEST(what_was_joined_before_is_found)
{
	station_start(b);
	station_join(b, &g1);
	hosts_run(&h, 10 * CLOCK_S);
	host_want(b, a->addrs, 1);
	station_start(a);
	host_want(a, b->addrs, 1);
	ck_assert_uint_eq(sends(a, &g1), TO_B);
	hosts_run(&h, 3 * CLOCK_S);
	ck_assert_uint_eq(sends(a, &g1), TO_B);
	ck_assert_uint_eq(sends(a, &g2), 0);
}
END_TEST

START_TEST(joins_and_leaves_are_told_and_shown)
{
	struct node_group_info info;
	struct node_iter it = { 0 }, members = { 0 };

	plain_mesh_asked(2);
	station_join(b, &g1);
	arrive();
	while (node_next_group(a->node, &it, &info))
		if (memcmp(info.ip, g1.ip, 16) == 0)
			break;
	ck_assert_mem_eq(info.ip, g1.ip, 16);
	ck_assert(!info.local);
	ck_assert_str_eq(node_next_member(a->node, &info, &members),
			 "10.9.0.2");
}
END_TEST

/* ---- in doubt, all ---- */

START_TEST(port_that_never_answered_is_flooded)
{
	station_silence(c, true);
	plain_mesh(3);
	ck_assert_uint_eq(sends(a, &g1), TO_B | TO_C);
	assert_why(a, c, "it never answered a query");
	hosts_run(&h, 3 * CLOCK_S);
	ck_assert_uint_eq(sends(a, &g1), TO_C);
	ck_assert_uint_eq(sends(b, &g1), TO_C);
	assert_why(a, b, NULL);
	hosts_run(&h, 600 * CLOCK_S);
	ck_assert_uint_eq(sends(a, &g1), TO_C);
	assert_why(a, c, "it never answered a query");
	station_silence(c, false);
	hosts_run(&h, 130 * CLOCK_S);
	ck_assert_uint_eq(sends(a, &g1), 0);
}
END_TEST

/* Both startup queries are over. */
START_TEST(who_starts_later_is_asked_soon)
{
	station_start(a);
	host_want(a, b->addrs, 1);
	hosts_run(&h, 20 * CLOCK_S);
	assert_why(a, b, "it never answered a query");
	station_start(b);
	host_want(b, a->addrs, 1);
	station_join(b, &g1);
	hosts_run(&h, 6 * CLOCK_S);
	assert_why(a, b, NULL);
	ck_assert_uint_eq(sends(a, &g1), TO_B);
	ck_assert_uint_eq(sends(a, &g2), 0);
}
END_TEST

/* Two that have no answer do not keep asking each other. */
START_TEST(who_never_answers_is_asked_no_more_often)
{
	size_t since;

	station_silence(a, true);
	station_silence(b, true);
	plain_mesh(2);
	hosts_run(&h, 10 * CLOCK_S);
	since = h.log_count;
	hosts_run(&h, 250 * CLOCK_S);
	/* A query of each family, each way, each 125 s. */
	ck_assert_uint_le(h.log_count - since, 2 * 2 * 2);
}
END_TEST

/* As behind a firewall that lets no query in: what it joined before stays unknown. */
START_TEST(join_is_no_answer)
{
	station_start(a);
	host_want(a, b->addrs, 1);
	hosts_run(&h, 1500 * CLOCK_MS);
	reports_from(a, b, REPORT_JOIN, &g1, 1);
	hosts_run(&h, 10 * CLOCK_S);
	reports_from(a, b, REPORT_JOIN, &g1, 1);
	ck_assert_uint_eq(sends(a, &g2), TO_B);
	assert_why(a, b, "it never answered a query");
	hosts_run(&h, 300 * CLOCK_S);
	ck_assert_uint_eq(sends(a, &g2), TO_B);
}
END_TEST

/* … and where it lets in those of one family. */
START_TEST(port_that_is_silent_about_a_family_is_flooded)
{
	const struct group g6 = group_parse(0, "ff02::fb");

	station_start(a);
	host_want(a, b->addrs, 1);
	hosts_run(&h, 1500 * CLOCK_MS);
	reports_from(a, b, REPORT_ANSWER, &g6, 1);
	hosts_run(&h, 2 * CLOCK_S);
	ck_assert_uint_eq(sends(a, &g2), 0);
	reports_from(a, b, REPORT_JOIN, &g1, 1);
	for (int round = 0; round < 2; round++) {
		ck_assert_uint_eq(sends(a, &g2), 0);
		hosts_run(&h, 3 * CLOCK_S);
		reports_from(a, b, REPORT_ANSWER, &g6, 1);
	}
	hosts_run(&h, 1 * CLOCK_S);
	ck_assert_uint_eq(sends(a, &g2), TO_B);
	assert_why(a, b, "it does not answer for its groups: a firewall?");
}
END_TEST

START_TEST(port_is_flooded_until_it_was_asked)
{
	plain_mesh(2);
	station_join(b, &g2);
	arrive();
	ck_assert_uint_eq(sends(a, &g1), TO_B);
	assert_why(a, b, "its groups are being asked");
	hosts_run(&h, 3 * CLOCK_S);
	ck_assert_uint_eq(sends(a, &g1), 0);
	ck_assert_uint_eq(sends(a, &g2), TO_B);
}
END_TEST

START_TEST(more_groups_than_are_kept_of_a_port_flood_it)
{
	start_alone(1);
	ck_assert_uint_eq(sends(a, &g1), 0);
	for (uint32_t i = 0; i < 600; i++) {
		const struct group g = station_group(i);

		reports_from(a, b, REPORT_JOIN, &g, 1);
	}
	ck_assert_uint_gt(host_drops(a, DROP_groups_full), 0);
	ck_assert_uint_eq(sends(a, &g1), TO_B);
	assert_why(a, b, "more groups than fit");
}
END_TEST

START_TEST(port_that_found_no_room_gets_its_groups_when_there_is_some)
{
	struct group g;

	a->config.mdb_capacity = 16;
	start_alone(1);
	for (uint32_t i = 0; i < 20; i++) {
		g = station_group(i);
		reports_from(a, b, REPORT_JOIN, &g, 1);
	}
	ck_assert_uint_eq(sends(a, &g1), TO_B);
	assert_why(a, b, "it joined more groups than fit here");
	for (uint32_t i = 4; i < 20; i++) {
		g = station_group(i);
		reports_from(a, b, REPORT_LEAVE, &g, 1);
	}
	hosts_run(&h, 40 * CLOCK_S);
	ck_assert_uint_eq(sends(a, &g1), 0);
	g = station_group(3);
	ck_assert_uint_eq(sends(a, &g), TO_B);
	g = station_group(4);
	ck_assert_uint_eq(sends(a, &g), 0);
}
END_TEST

START_TEST(without_snooping_all_goes_to_all_and_nobody_is_asked)
{
	a->config.snooping = false;
	station_start(a);
	host_want(a, b->addrs, 1);
	hosts_run(&h, 10 * CLOCK_S);
	ck_assert_uint_eq(h.log_count, 0);
	answers_from(a, b);
	ck_assert_uint_eq(sends(a, &g1), TO_B);
	/* Reports too, both ways. */
	ck_assert_uint_eq(a->written_count, 1);
	node_set_multicast(a->node, true, true, hosts_clock(a));
	hosts_run(&h, 2 * CLOCK_S);
	answers_from(a, b);
	hosts_run(&h, CLOCK_S);
	ck_assert_uint_eq(sends(a, &g1), 0);
	node_set_multicast(a->node, false, true, hosts_clock(a));
	ck_assert_uint_eq(sends(a, &g1), TO_B);
}
END_TEST

START_TEST(without_a_querier_nobody_is_asked_and_all_are_flooded)
{
	a->config.querier = false;
	station_start(a);
	host_want(a, b->addrs, 1);
	hosts_run(&h, 10 * CLOCK_S);
	answers_from(a, b);
	ck_assert_uint_eq(sends(a, &g1), TO_B);
	assert_why(a, b, "multicast.querier = false: it is not asked");
	ck_assert_uint_eq(h.log_count, 1);
}
END_TEST

START_TEST(next_peer_at_a_port_begins_with_nothing)
{
	plain_mesh_asked(2);
	station_join(b, &g1);
	arrive();
	host_want(a, NULL, 0);
	ck_assert_uint_eq(sends(a, &g1), 0);
	station_silence(c, true);
	station_start(c);
	host_want(a, c->addrs, 1);
	hosts_run(&h, 10 * CLOCK_S);
	ck_assert_uint_eq(sends(a, &g2), TO_C);
	assert_why(a, c, "it never answered a query");
}
END_TEST

/* ---- routers ---- */

static size_t pim_hello(uint8_t out[64])
{
	static const uint8_t all_pim[ETH_ADDR_LEN] = { 1, 0, 0x5e, 0, 0, 13 };
	static const uint8_t from[ETH_ADDR_LEN] = { 2, 0, 0, 0, 7, 7 };
	struct writer w = writer_init(out, 64);
	const struct ip_header ip = {
		.src = { [10] = 0xff, 0xff, 10, 77, 0, 9 },
		.dst = { [10] = 0xff, 0xff, 224, 0, 0, 13 },
		.proto = INET_PROTO_PIM,
		.ttl = 1,
		.summed = true,
	};

	put_ethernet(&w, all_pim, from, 0, ETH_TYPE_IPV4);
	put_ip(&w, &ip, 4);
	writer_u32(&w, 0x2000dfff);
	ck_assert(writer_ok(&w));
	return w.len;
}

START_TEST(port_with_a_router_gets_all_and_our_reports)
{
	uint8_t frame[64];

	start_alone(1);
	ck_assert_uint_eq(sends(a, &g1), 0);
	comes_from(a, b, frame, pim_hello(frame));
	ck_assert_uint_eq(sends(a, &g1), TO_B);
	assert_why(a, b, "a multicast router is behind it");
	hosts_forget_log(&h);
	station_join(a, &g2);
	ck_assert_uint_eq(h.log_count, 1);
	hosts_run(&h, ROUTER_LIFE_US - CLOCK_S);
	ck_assert_uint_eq(sends(a, &g1), TO_B);
	hosts_run(&h, 2 * CLOCK_S);
	/* It is gone, and so seems who answered. */
	assert_why(a, b, "it does not answer for its groups: a firewall?");
	hosts_forget_log(&h);
	station_join(a, &g3);
	ck_assert_uint_eq(h.log_count, 0);
}
END_TEST

/* True if frames of a's with that in them were sent to the host since. */
static size_t reports_sent(size_t since, const struct host *to)
{
	size_t count = 0;

	for (size_t i = since; i < h.log_count; i++) {
		const uint8_t *frame = NULL;
		struct eth_view v;
		struct report m;
		size_t len = 0;

		ck_assert_int_eq(vxlan_take(h.log[i]->bytes, h.log[i]->len,
					    PLAIN_VNI, &frame, &len),
				 DROP_NONE);
		ck_assert_int_eq(eth_parse(&v, frame, len), DROP_NONE);
		if (hosts_at(&h, &h.log[i]->to) == to &&
		    eth_is_membership(&v, frame, len) &&
		    snoop_parse(&m, &v, frame, len) == REPORT_MEMBERS)
			count++;
	}
	return count;
}

/* As a snooping switch asks, or a bridge. */
START_TEST(whoever_asks_gets_reports_and_no_one_else)
{
	static const char query[] = "1164 0000 00000000 027d0000";
	uint8_t frame[REPORT_MAX];
	size_t len = igmp_frame(frame, 0, query), since;

	/* Without a source. */
	memset(frame + 26, 0, 4);
	igmp_repair(frame, len);
	start_alone(2);
	station_join(a, &g1);
	ck_assert_uint_eq(reports_sent(0, b) + reports_sent(0, c), 0);
	ck_assert_uint_gt(host_drops(a, DROP_report_kept), 0);
	host_forget_written(a);
	comes_from(a, b, frame, len);
	/* It goes to the TAP, for its answers are heard. */
	ck_assert_uint_eq(a->written_count, 1);
	ck_assert_uint_eq(host_drops(a, DROP_query_foreign), 0);
	since = h.log_count;
	station_join(a, &g2);
	ck_assert_uint_eq(reports_sent(since, b), 1);
	ck_assert_uint_eq(reports_sent(since, c), 0);
	/* It wants no groups for that. */
	ck_assert_uint_eq(sends(a, &g3), 0);
	hosts_run(&h, ROUTER_LIFE_US + CLOCK_S);
	since = h.log_count;
	station_join(a, &g3);
	ck_assert_uint_eq(reports_sent(since, b), 0);
}
END_TEST

START_TEST(reports_of_others_stay_out_of_the_tap)
{
	size_t before;

	plain_mesh_asked(2);
	before = a->written_count;
	reports_from(a, b, REPORT_JOIN, &g1, 1);
	ck_assert_uint_eq(a->written_count, before);
	ck_assert_uint_gt(host_drops(a, DROP_report_foreign), 0);
	/* Unless a router there wants to know. */
	uint8_t frame[REPORT_MAX];

	host_tap(a, frame, pim_hello(frame));
	reports_from(a, b, REPORT_JOIN, &g2, 1);
	ck_assert_uint_eq(a->written_count, before + 1);
}
END_TEST

/* Each station's reports leave its own host alone, once to each who asked. */
START_TEST(reports_do_not_go_round)
{
	size_t reports = 0;

	plain_mesh_asked(3);
	station_join(b, &g1);
	station_join(c, &g1);
	arrive();
	hosts_forget_log(&h);
	hosts_run(&h, 1000 * CLOCK_S);
	for (size_t i = 0; i < h.log_count; i++) {
		const struct flight *f = h.log[i];
		const uint8_t *frame = NULL, *src;
		size_t len = 0;

		ck_assert_int_eq(
			vxlan_take(f->bytes, f->len, PLAIN_VNI, &frame, &len),
			DROP_NONE);
		src = frame + ETH_ADDR_LEN;
		if (memcmp(src, querier_mac, ETH_ADDR_LEN) == 0)
			continue;
		reports++;
		ck_assert_uint_eq(src[5], 'a' + f->sender);
	}
	/* Of three hosts, to two each: in each of nine rounds two families ask, each
	 * host answers its own querier's and two others' queries. */
	ck_assert_uint_gt(reports, 0);
	ck_assert_uint_le(reports, 3 * 2 * 9 * 2 * 3);
	ck_assert_uint_eq(host_drops(a, DROP_querier_own), 0);
}
END_TEST

START_TEST(our_own_queries_come_back_to_nobodys_harm)
{
	const struct querier_query q = { .response_ms = 1000 };
	uint8_t frame[QUERIER_FRAME_MAX];
	const size_t len = querier_build(frame, &q);

	plain_mesh_asked(2);
	host_forget_written(a);
	comes_from(a, b, frame, len);
	ck_assert_uint_eq(a->written_count, 1);
	/* Another node like us is no router. */
	assert_why(a, b, NULL);
	/* But from our own side it is ours. */
	host_tap(a, frame, len);
	ck_assert_uint_eq(host_drops(a, DROP_querier_own), 1);
	/* What bears that MAC and is no query has no business anywhere. */
	frame[12] = 0x88;
	frame[13] = 0xb5;
	comes_from(a, b, frame, len);
	ck_assert_uint_eq(host_drops(a, DROP_querier_own), 2);
}
END_TEST

/* ---- VLANs ---- */

START_TEST(vlans_are_asked_for_themselves)
{
	const struct group in_7 = group_parse(7, "239.1.1.1"),
			   other = group_parse(7, "239.1.1.2");

	plain_mesh_asked(3);
	/* Nothing is known there, of anyone. */
	ck_assert_uint_eq(sends(a, &in_7), TO_B | TO_C);
	station_join(b, &in_7);
	arrive();
	ck_assert_uint_eq(sends(a, &other), TO_B | TO_C);
	/* Whoever was heard in it is asked in it. */
	hosts_run(&h, 5 * CLOCK_S);
	ck_assert_uint_eq(sends(a, &in_7), TO_B);
	ck_assert_uint_eq(sends(a, &other), 0);
	/* Untagged it is another group. */
	ck_assert_uint_eq(sends(a, &g1), 0);
}
END_TEST

START_TEST(attack_a_port_with_all_vlans_floods_itself_alone)
{
	start_alone(2);
	ck_assert_uint_eq(sends(a, &g1), 0);
	for (uint16_t vlan = 1; vlan < 4095; vlan++) {
		struct group g = group_parse(vlan, "239.1.1.1");

		reports_from(a, b, REPORT_JOIN, &g, 1);
	}
	ck_assert_uint_eq(sends(a, &g1), TO_B);
	hosts_run(&h, 20 * CLOCK_S);
	ck_assert_uint_eq(sends(a, &g1), TO_B);
	assert_why(a, c, NULL);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("plain groups", .setup = plain_setup,
		  .teardown = three_teardown),
	UNIT_TEST(group_goes_to_its_members_alone),
	UNIT_TEST(ipv6_groups_likewise),
	UNIT_TEST(what_is_for_all_goes_to_all),
	UNIT_TEST(what_was_joined_before_is_found),
	UNIT_TEST(joins_and_leaves_are_told_and_shown),
	UNIT_TEST(port_that_never_answered_is_flooded),
	UNIT_TEST(who_starts_later_is_asked_soon),
	UNIT_TEST(who_never_answers_is_asked_no_more_often),
	UNIT_TEST(join_is_no_answer),
	UNIT_TEST(port_that_is_silent_about_a_family_is_flooded),
	UNIT_TEST(port_is_flooded_until_it_was_asked),
	UNIT_TEST(more_groups_than_are_kept_of_a_port_flood_it),
	UNIT_TEST(port_that_found_no_room_gets_its_groups_when_there_is_some),
	UNIT_TEST(without_snooping_all_goes_to_all_and_nobody_is_asked),
	UNIT_TEST(without_a_querier_nobody_is_asked_and_all_are_flooded),
	UNIT_TEST(next_peer_at_a_port_begins_with_nothing),
	UNIT_TEST(port_with_a_router_gets_all_and_our_reports),
	UNIT_TEST(whoever_asks_gets_reports_and_no_one_else),
	UNIT_TEST(reports_of_others_stay_out_of_the_tap),
	UNIT_TEST(reports_do_not_go_round),
	UNIT_TEST(our_own_queries_come_back_to_nobodys_harm),
	UNIT_TEST(vlans_are_asked_for_themselves),
	UNIT_TEST(attack_a_port_with_all_vlans_floods_itself_alone),
};

UNIT_MAIN("plain_groups", tests)
