/*
 * Any frames read from the TAP, and anything that happens to it: what IGMP and
 * MLD say lies inside the frame, and the local set stays what was told.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "bridge/querier.h"
#include "bridge/router.h"
#include "ether/snoop.h"
#include "fuzz.h"
#include "support/group_equal.h"

#define FRAME_MAX 512

static const struct querier_config config = { 6, 4 };
static const uint8_t seed[TABLE_SEED_LEN] = { 1 };

static uint32_t wanted;

static void on_query(void *user, const struct querier_query *query)
{
	uint8_t frame[QUERIER_FRAME_MAX];
	struct report m;
	struct eth_view v;
	size_t len = querier_build(frame, query);

	(void)user;
	HOLDS(eth_parse(&v, frame, len) == DROP_NONE);
	HOLDS(snoop_parse(&m, &v, frame, len) == REPORT_QUERY);
	HOLDS(group_equal(&m.group, &query->group));
}

static void on_change(void *user, const struct group *group, bool wants)
{
	(void)user;
	HOLDS(!group_is_for_all(group));
	wanted += wants ? 1 : UINT32_MAX;
}

/* A fuzzer hardly finds a right checksum by itself. */
static void repair(const struct eth_view *v, uint8_t *frame)
{
	uint64_t sum = 0;

	if (v->l4_offset == 0 || v->l3_end - v->l4_offset < 4)
		return;
	store_be16(frame + v->l4_offset + 2, 0);
	if (v->l3 == ETH_L3_IPV6) {
		sum = checksum_add(sum, frame + v->l3_offset + 8, 32);
		sum += v->l3_end - v->l4_offset + 58u;
	}
	sum = checksum_add(sum, frame + v->l4_offset, v->l3_end - v->l4_offset);
	store_be16(frame + v->l4_offset + 2, checksum_fold(sum));
}

static void hear(struct querier *q, const uint8_t *bytes, size_t len,
		 bool repaired, uint64_t now_us)
{
	struct report m, copy;
	struct group_record record;
	struct eth_view v;
	uint8_t *frame = malloc(len ? len : 1);

	HOLDS(frame);
	memcpy(frame, bytes, len);
	if (eth_parse(&v, frame, len) == DROP_NONE) {
		if (repaired)
			repair(&v, frame);
		router_is_announced(&v, frame, len);
		HOLDS(snoop_parse(&m, &v, frame, len) == m.kind);
		copy = m;
		while (report_next(&copy, &record))
			HOLDS(record.group.vlan == v.vlan);
		querier_saw_vlan(q, v.vlan, now_us);
		if (m.kind == REPORT_MEMBERS)
			querier_report(q, &m, v.src, now_us);
	}
	free(frame);
}

static void on_vlan(void *user, uint16_t vlan, bool known)
{
	(void)user;
	(void)known;
	HOLDS(vlan != 0);
}

static void happen(struct querier *q, uint8_t what, uint64_t now_us)
{
	static const uint8_t listened[] = { 1, 0, 0x5e, 1, 2, 3 };

	switch (what) {
	case 0xf0:
		querier_start(q, now_us);
		break;
	case 0xf1:
		querier_stop(q);
		break;
	case 0xf2:
		querier_dropped(q, now_us);
		break;
	case 0xf3:
		querier_listening(q, listened, 1, now_us);
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct querier_ops ops = { on_query, on_change, on_vlan };
	struct querier *q = querier_new(&config, &ops, NULL, seed);
	struct cursor c = cursor_init(data, size);
	uint32_t at = TABLE_NONE, walked = 0;
	uint64_t now_us = CLOCK_S;
	struct group g;

	HOLDS(q);
	wanted = 0;
	querier_start(q, now_us);
	/* What happens(1) with the time before it and whether the checksum is
	 * to be repaired, and a frame: length(2), bytes. */
	while (c.left >= 3) {
		uint8_t what = cursor_u8(&c);
		size_t len = cursor_u16(&c) % FRAME_MAX;
		const uint8_t *frame;

		if (len > c.left)
			len = c.left;
		frame = cursor_take(&c, len);
		happen(q, what, now_us);
		hear(q, frame, len, what & 0x80, now_us);
		now_us += (uint64_t)(what & 0x0f) * 700 * CLOCK_MS;
		querier_tick(q, now_us);
		HOLDS(querier_count(q) == wanted);
	}
	while (querier_next(q, &at, &g)) {
		HOLDS(querier_wants(q, &g));
		walked++;
	}
	HOLDS(walked == wanted && walked <= config.groups_max);
	querier_free(q);
	return 0;
}
