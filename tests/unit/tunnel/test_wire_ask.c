/* tunnel/wire_ask: questions and answers, there and back, and hostile ones. */
#include <assert.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/alloc.h"
#include "support/main.h"
#include "tunnel/wire_ask.h"

static_assert(WIRE_ASK_LEN == 16, "a question is pinned");
static_assert(WIRE_ASK_TEST_LEN == 34, "one about a test, too");
static_assert(WIRE_ANSWER_TEST_LEN == 24, "its answer is pinned");
static_assert(WIRE_ANSWER_ROW_LEN == 18, "a row's fixed fields are pinned");
static_assert(WIRE_LINK_LEN == 14, "a link is pinned");

#define LINKS 5
#define LEN   (WIRE_ANSWER_ROW_LEN + LINKS * WIRE_LINK_LEN)

static const struct wire_ask asked[] = {
	{ WIRE_ASK_TEST, 0, 0x0123456789abcdef, 7, { 0xff, 0x0e, [15] = 1 } },
	{ WIRE_ASK_ROW, 300, 0xfedcba9876543210, 0, { 0 } },
	{ 77, 1, 2, 0, { 0 } }, /* a later version's */
};

static const struct wire_answer heard = {
	.kind = WIRE_ASK_TEST,
	.token = 5,
	.member = true,
	.any = true,
	.heard = 65535,
	.unicast = 3,
	.age_us = 4000000000,
};

static const struct wire_answer row = {
	.kind = WIRE_ASK_ROW, .first = 12, .token = 6, .next = 44
};

static struct wire_link link_of(unsigned i)
{
	struct wire_link out = { .rtt_us = 1000000 * i,
				 .loss = (uint16_t)(13107 * i) };

	memset(out.key, (int)i + 1, sizeof(out.key));
	return out;
}

static void pack_row(uint8_t bytes[LEN])
{
	wire_pack_answer_row(&row, LINKS, bytes);
	for (unsigned i = 0; i < LINKS; i++) {
		const struct wire_link one = link_of(i);

		wire_pack_link(&one,
			       bytes + WIRE_ANSWER_ROW_LEN + i * WIRE_LINK_LEN);
	}
}

static struct wire_record record_in(const uint8_t *bytes, size_t len)
{
	return (struct wire_record){ bytes[0], bytes[1],
				     (uint16_t)(len - WIRE_RECORD_LEN),
				     bytes + WIRE_RECORD_LEN };
}

/* And what a later version appends is ignored. */
START_TEST(a_question_comes_back_as_it_was)
{
	const struct wire_ask *a = &asked[_i];
	uint8_t bytes[WIRE_ASK_TEST_LEN + 3] = { 0 };
	size_t whole = wire_pack_ask(a, bytes);

	ck_assert_uint_eq(whole, a->kind == WIRE_ASK_TEST ? WIRE_ASK_TEST_LEN
							  : WIRE_ASK_LEN);
	ck_assert_uint_eq(load_be16(bytes + 2), whole - WIRE_RECORD_LEN);
	for (size_t len = WIRE_RECORD_LEN; len <= whole + 3; len++) {
		uint8_t *copy = test_copy(bytes, len);
		struct wire_record r = record_in(copy, len);
		struct wire_ask got;
		enum drop_reason reason = wire_unpack_ask(&got, &r);

		ck_assert_uint_eq(r.kind, WIRE_ASK);
		ck_assert_int_eq(reason,
				 len < whole ? DROP_record_bad : DROP_NONE);
		ck_assert_uint_eq(got.token, len < whole ? 0 : a->token);
		if (reason == DROP_NONE) {
			ck_assert_uint_eq(got.kind, a->kind);
			ck_assert_uint_eq(got.first, a->first);
			ck_assert_uint_eq(got.vlan, a->vlan);
			ck_assert_mem_eq(got.ip, a->ip, sizeof(got.ip));
		}
		free(copy);
	}
}
END_TEST

START_TEST(what_was_heard_comes_back_as_it_was)
{
	uint8_t bytes[WIRE_ANSWER_TEST_LEN + 3] = { 0 };

	wire_pack_answer_test(&heard, bytes);
	for (size_t len = WIRE_RECORD_LEN; len <= sizeof(bytes); len++) {
		uint8_t *copy = test_copy(bytes, len);
		struct wire_record r = record_in(copy, len);
		struct wire_answer got;
		bool whole = len >= WIRE_ANSWER_TEST_LEN;

		ck_assert_int_eq(wire_unpack_answer(&got, &r),
				 whole ? DROP_NONE : DROP_record_bad);
		ck_assert_uint_eq(got.heard, whole ? heard.heard : 0);
		ck_assert_uint_eq(got.unicast, whole ? heard.unicast : 0);
		ck_assert_uint_eq(got.age_us, whole ? heard.age_us : 0);
		ck_assert(got.member == whole && got.any == whole && !got.all);
		free(copy);
	}
}
END_TEST

START_TEST(what_else_is_said_of_it_is_ignored)
{
	uint8_t bytes[WIRE_ANSWER_TEST_LEN] = { 0 };
	struct wire_answer got;

	wire_pack_answer_test(&heard, bytes);
	for (unsigned what = 0; what < 256; what++) {
		struct wire_record r = record_in(bytes, sizeof(bytes));

		bytes[WIRE_RECORD_LEN + 1] = (uint8_t)what;
		ck_assert_int_eq(wire_unpack_answer(&got, &r), DROP_NONE);
		ck_assert(got.member == (what & 1));
		ck_assert(got.all == (what >> 1 & 1));
		ck_assert(got.any == (what >> 2 & 1));
	}
}
END_TEST

START_TEST(a_row_comes_back_as_it_was)
{
	uint8_t bytes[LEN] = { 0 };
	struct cursor c = cursor_init(bytes, sizeof(bytes));
	struct wire_record r;
	struct wire_answer a;
	struct wire_link got;

	pack_row(bytes);
	ck_assert(wire_next_record(&c, &r));
	ck_assert(cursor_done(&c));
	ck_assert_int_eq(wire_unpack_answer(&a, &r), DROP_NONE);
	ck_assert_uint_eq(a.first, row.first);
	ck_assert_uint_eq(a.token, row.token);
	ck_assert_uint_eq(a.next, row.next);
	for (unsigned i = 0; i < LINKS; i++) {
		const struct wire_link one = link_of(i);

		ck_assert(wire_next_link(&a, &got));
		ck_assert_mem_eq(got.key, one.key, sizeof(got.key));
		ck_assert_uint_eq(got.rtt_us, one.rtt_us);
		ck_assert_uint_eq(got.loss, one.loss);
	}
	ck_assert(!wire_next_link(&a, &got));
}
END_TEST

/* What ends within a link is malformed as a whole. */
START_TEST(every_cut_of_a_row)
{
	uint8_t bytes[LEN] = { 0 };

	pack_row(bytes);
	for (size_t len = WIRE_RECORD_LEN; len <= LEN; len++) {
		uint8_t *copy = test_copy(bytes, len);
		struct wire_record r = record_in(copy, len);
		struct wire_answer a;
		struct wire_link got;
		bool whole = len >= WIRE_ANSWER_ROW_LEN &&
			     (len - WIRE_ANSWER_ROW_LEN) % WIRE_LINK_LEN == 0;
		size_t count = 0;

		ck_assert_int_eq(wire_unpack_answer(&a, &r),
				 whole ? DROP_NONE : DROP_record_bad);
		while (wire_next_link(&a, &got))
			count++;
		ck_assert_uint_eq(count, whole ? (len - WIRE_ANSWER_ROW_LEN) /
							 WIRE_LINK_LEN
					       : 0);
		free(copy);
	}
}
END_TEST

START_TEST(unknown_flags_drop_the_record)
{
	uint8_t bytes[LEN] = { 0 };
	struct wire_answer a;
	struct wire_ask q;

	pack_row(bytes);
	for (int flags = 1; flags < 256; flags++) {
		struct wire_record r = record_in(bytes, LEN);

		r.flags = (uint8_t)flags;
		ck_assert_int_eq(wire_unpack_answer(&a, &r), DROP_record_flag);
		ck_assert_int_eq(wire_unpack_ask(&q, &r), DROP_record_flag);
		ck_assert(!a.links.left && !q.token);
	}
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("wire_ask"),
	UNIT_EACH(a_question_comes_back_as_it_was, asked),
	UNIT_TEST(what_was_heard_comes_back_as_it_was),
	UNIT_TEST(what_else_is_said_of_it_is_ignored),
	UNIT_TEST(a_row_comes_back_as_it_was),
	UNIT_TEST(every_cut_of_a_row),
	UNIT_TEST(unknown_flags_drop_the_record),
};

UNIT_MAIN("wire_ask", tests)
