#include "support/main.h"
#include "support/rng.h"
#include "tapd/helper/helper_message.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct helper_message messages[] = {
	{ .type = HELPER_START,
	  .job = 7,
	  .kind = HELPER_LOOK_UP,
	  .wants = HELPER_WANTS_LINES,
	  .limit_s = 20 },
	{ .type = HELPER_START, .job = 1, .kind = HELPER_HOOK, .limit_s = 3 },
	{ .type = HELPER_START,
	  .job = 2,
	  .kind = HELPER_COMMAND,
	  .wants = HELPER_WANTS_BYTES,
	  .limit_s = 20 },
	{ .type = HELPER_TEXTS, .job = 7, .texts = "a\0bc", .texts_len = 5 },
	{ .type = HELPER_RUN, .job = UINT32_MAX },
	{ .type = HELPER_KILL, .job = 0 },
	{ .type = HELPER_LINE, .job = 7, .texts = "", .texts_len = 1 },
	{ .type = HELPER_DONE, .job = 7, .status = 256, .timed_out = true },
	{ .type = HELPER_FAILED, .job = 7, .status = 12 },
	{ .type = HELPER_OUTPUT, .job = 7, .texts = "a\0\xff", .texts_len = 3 },
	{ .type = HELPER_ERRORS, .job = 7, .texts = "\n", .texts_len = 1 },
};
#define MESSAGES (sizeof(messages) / sizeof(messages[0]))

/* Any bytes, and as many as there are. */
static bool is_raw(const struct helper_message *m)
{
	return m->type == HELPER_OUTPUT || m->type == HELPER_ERRORS;
}

/* A copy as long as the message is, so that reading past it is noticed. */
static bool unpack(struct helper_message *m, const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	bool ok;

	ck_assert_ptr_nonnull(copy);
	if (len)
		memcpy(copy, bytes, len);
	ok = helper_message_unpack(m, copy, len);
	if (ok && m->texts && !is_raw(m))
		ck_assert_uint_lt(strlen(m->texts), m->texts_len);
	free(copy);
	return ok;
}

START_TEST(what_was_packed_is_unpacked)
{
	const struct helper_message *sent = &messages[_i];
	uint8_t bytes[HELPER_MESSAGE_MAX];
	size_t len = helper_message_pack(sent, bytes);
	struct helper_message m;

	ck_assert_uint_gt(len, 0);
	ck_assert(helper_message_unpack(&m, bytes, len));
	ck_assert_int_eq(m.type, sent->type);
	ck_assert_uint_eq(m.job, sent->job);
	ck_assert_int_eq(m.kind, sent->kind);
	ck_assert_int_eq(m.wants, sent->wants);
	ck_assert_uint_eq(m.limit_s, sent->limit_s);
	ck_assert_uint_eq(m.status, sent->status);
	ck_assert_int_eq(m.timed_out, sent->timed_out);
	ck_assert_uint_eq(m.texts_len, sent->texts_len);
	if (sent->texts)
		ck_assert_mem_eq(m.texts, sent->texts, m.texts_len);
}
END_TEST

START_TEST(a_message_cut_short_is_none)
{
	uint8_t bytes[HELPER_MESSAGE_MAX];
	size_t len = helper_message_pack(&messages[_i], bytes);
	struct helper_message m;

	for (size_t i = 0; i < len; i++) {
		/* Of texts a shorter message may be one, too. */
		if (messages[_i].texts && i > 5 &&
		    (bytes[i - 1] == 0 || is_raw(&messages[_i])))
			continue;
		ck_assert(!unpack(&m, bytes, i));
		ck_assert_uint_eq(m.type, 0);
	}
	bytes[len] = 'x';
	ck_assert(unpack(&m, bytes, len + 1) == is_raw(&messages[_i]));
}
END_TEST

START_TEST(texts_that_do_not_end_are_none)
{
	static const uint8_t open[] = { HELPER_LINE, 0, 0, 0, 1, 'a' };
	static const uint8_t two[] = {
		HELPER_LINE, 0, 0, 0, 1, 'a', 0, 'b', 0
	};
	static const uint8_t empty[] = { HELPER_TEXTS, 0, 0, 0, 1 };
	static const uint8_t kind[] = { HELPER_START, 0, 0, 0, 1, 9, 0, 0, 1 };
	static const uint8_t wants[] = { HELPER_START, 0, 0, 0, 1, 1, 3, 0, 1 };
	static const uint8_t none[] = { HELPER_OUTPUT, 0, 0, 0, 1 };
	struct helper_message m;

	ck_assert(!unpack(&m, open, sizeof(open)));
	ck_assert(!unpack(&m, two, sizeof(two)));
	ck_assert(!unpack(&m, empty, sizeof(empty)));
	ck_assert(!unpack(&m, kind, sizeof(kind)));
	ck_assert(!unpack(&m, wants, sizeof(wants)));
	ck_assert(!unpack(&m, none, sizeof(none)));
}
END_TEST

START_TEST(any_bytes_are_a_message_or_none)
{
	struct rng rng = rng_init(1);
	uint8_t bytes[64];
	struct helper_message m;

	for (unsigned i = 0; i < 100000; i++) {
		size_t len = rng_below(&rng, sizeof(bytes));

		rng_bytes(&rng, bytes, len);
		bytes[0] %= HELPER_MESSAGE_TYPES + 1;
		unpack(&m, bytes, len);
	}
}
END_TEST

START_TEST(what_does_not_fit_is_not_packed)
{
	static const char texts[HELPER_MESSAGE_MAX];
	struct helper_message m = { .type = HELPER_TEXTS,
				    .texts = texts,
				    .texts_len = HELPER_TEXTS_MAX };
	uint8_t bytes[HELPER_MESSAGE_MAX];

	ck_assert_uint_eq(helper_message_pack(&m, bytes), HELPER_MESSAGE_MAX);
	m.texts_len++;
	ck_assert_uint_eq(helper_message_pack(&m, bytes), 0);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("helper_message", .timeout_s = 30),
	UNIT_LOOP(what_was_packed_is_unpacked, MESSAGES),
	UNIT_LOOP(a_message_cut_short_is_none, MESSAGES),
	UNIT_TEST(texts_that_do_not_end_are_none),
	UNIT_TEST(any_bytes_are_a_message_or_none),
	UNIT_TEST(what_does_not_fit_is_not_packed),
};

UNIT_MAIN("helper_message", tests)
