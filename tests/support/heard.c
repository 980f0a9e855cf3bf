/* For tests: what snoop and report say of a frame. */
#include "support/heard.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ether/snoop.h"
#include "support/alloc.h"
#include "support/parsed.h"

static void hold_to_contract(const struct heard *h)
{
	const struct report *m = &h->m;
	const struct report silent = { .kind = m->kind };

	if (m->kind < REPORT_QUERY)
		ck_assert_msg(memcmp(&silent, m, sizeof(silent)) == 0,
			      "says more than its kind");
	if (m->kind != REPORT_MEMBERS)
		ck_assert_uint_eq(h->count, 0);
	for (size_t i = 0; i < h->count; i++) {
		const struct group *g = &h->records[i].group;

		ck_assert_int_eq(group_is_v4(g), !m->v6);
		ck_assert_uint_eq(g->vlan, m->vlan);
		ck_assert(m->v6 ? g->ip[0] == 0xff : g->ip[12] >> 4 == 0xe);
	}
}

struct heard hear(const uint8_t *frame, size_t len)
{
	struct group_record record;
	uint8_t *copy = test_copy(frame, len);
	struct heard h = { .count = 0 };
	struct eth_view v;

	memset(&h.m, 0xaa, sizeof(h.m));
	ck_assert_int_eq(eth_parse(&v, copy, len), DROP_NONE);
	ck_assert_int_eq(snoop_parse(&h.m, &v, copy, len), h.m.kind);
	while (report_next(&h.m, &record)) {
		ck_assert_uint_lt(h.count, RECORDS_MAX);
		h.records[h.count++] = record;
	}
	ck_assert_uint_eq(h.m.records, 0);
	free(copy);
	hold_to_contract(&h);
	return h;
}

struct heard hear_igmp(const char *hex)
{
	uint8_t frame[REPORT_MAX];
	size_t len = igmp_frame(frame, 0, hex);

	return hear(frame, len);
}

struct heard hear_mld(const char *hex)
{
	uint8_t frame[REPORT_MAX];
	size_t len = mld_frame(frame, 0, hex);

	return hear(frame, len);
}

void heard_assert(const struct heard *h, size_t i, const char *ip,
		  enum report_says says, bool current)
{
	ck_assert_uint_lt(i, h->count);
	frame_assert_ip(h->records[i].group.ip, ip);
	ck_assert_int_eq(h->records[i].says, says);
	ck_assert_int_eq(h->records[i].current, current);
}
