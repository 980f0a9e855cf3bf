/* tunnel/session: one pair of keys, from the handshake to the wipe. */
#include <check.h>
#include <string.h>

#include "support/main.h"
#include "support/sessions.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define NOW (1000 * CLOCK_S)

static struct sessions s;

static void setup(void)
{
	sessions_init(&s, NULL, NOW);
}

static void teardown(void)
{
	sessions_free(&s);
}

/* ---- sealing and opening ---- */

static void pass(struct session *from, struct session *to, uint64_t counter)
{
	static const uint8_t text[] = "pieces of a datagram";
	const struct iovec pieces[] = {
		{ (void *)(uintptr_t)text, 7 },
		{ (void *)(uintptr_t)(text + 7), 0 },
		{ (void *)(uintptr_t)(text + 7), sizeof(text) - 7 },
	};
	uint8_t datagram[sizeof(text) + WIRE_DATA_OVERHEAD];
	struct wire_data header;
	enum wire_type type;
	const uint8_t *records;
	size_t len;
	uint64_t advance;

	ck_assert_uint_eq(session_seal(from, sessions_salt, pieces,
				       COUNT(pieces), datagram, NOW),
			  sizeof(datagram));
	ck_assert_int_eq(wire_classify(datagram, sizeof(datagram), &type),
			 DROP_NONE);
	ck_assert_int_eq(type, WIRE_DATA);
	wire_unpack_data(&header, datagram);
	ck_assert_uint_eq(header.receiver, to->local);
	ck_assert_uint_eq(header.counter, counter);
	ck_assert_int_eq(session_unseal(to, datagram, sizeof(datagram), NOW,
					&records, &len, &advance),
			 DROP_NONE);
	ck_assert_uint_eq(len, sizeof(text));
	ck_assert_mem_eq(records, text, sizeof(text));
	ck_assert_uint_eq(advance, 1);
}

START_TEST(both_roles_seal_what_the_other_opens)
{
	for (uint64_t counter = 0; counter < 5; counter++) {
		pass(&s.a, &s.b, counter);
		pass(&s.b, &s.a, counter);
	}
}
END_TEST

START_TEST(a_new_session_knows_its_role_and_its_secret)
{
	const struct noise noise = sessions_noise(true);

	ck_assert_int_eq(s.a.stage, SESSION_CONFIRMED);
	ck_assert_int_eq(s.b.stage, SESSION_HALF_OPEN);
	ck_assert(s.a.initiator && !s.b.initiator);
	ck_assert_mem_eq(s.a.psk, noise.psk, KEY_LEN);
	ck_assert_uint_eq(s.a.born_us, NOW);
	ck_assert_uint_eq(s.b.confirmed_us, NOW);
	ck_assert_uint_eq(s.a.retire_us, CLOCK_NEVER);
	ck_assert_uint_eq(s.a.local, SESSIONS_A_INDEX);
	ck_assert_uint_eq(s.a.remote, SESSIONS_B_INDEX);
}
END_TEST

START_TEST(attack_a_datagram_reflected_to_its_sender_does_not_open)
{
	uint8_t datagram[WIRE_DATA_OVERHEAD + 1];

	sessions_seal(&s.a, "x", 1, datagram, NOW);
	ck_assert_int_eq(sessions_unseal(&s.a, datagram, sizeof(datagram), NOW),
			 DROP_data_auth);
}
END_TEST

START_TEST(attack_a_replay_is_told_from_the_original)
{
	uint8_t datagram[WIRE_DATA_OVERHEAD + 1];

	sessions_seal(&s.a, "x", 1, datagram, NOW);
	ck_assert_int_eq(sessions_unseal(&s.b, datagram, sizeof(datagram), NOW),
			 DROP_NONE);
	ck_assert_int_eq(sessions_unseal(&s.b, datagram, sizeof(datagram), NOW),
			 DROP_replay);
}
END_TEST

START_TEST(attack_a_wrong_tag_leaves_the_window_untouched)
{
	uint8_t datagram[WIRE_DATA_OVERHEAD + 1], forged[sizeof(datagram)];
	struct replay before;

	for (int i = 0; i < 10; i++)
		sessions_seal(&s.a, "x", 1, datagram, NOW);
	memcpy(&before, &s.b.replay, sizeof(before));
	for (size_t bit = 0; bit < 8 * sizeof(datagram); bit++) {
		memcpy(forged, datagram, sizeof(forged));
		forged[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_int_ne(
			sessions_unseal(&s.b, forged, sizeof(forged), NOW),
			DROP_NONE);
		ck_assert_mem_eq(&before, &s.b.replay, sizeof(before));
	}
	ck_assert_int_eq(sessions_unseal(&s.b, datagram, sizeof(datagram), NOW),
			 DROP_NONE);
}
END_TEST

START_TEST(advance_counts_the_gap_and_is_zero_for_the_late)
{
	uint8_t datagrams[4][WIRE_DATA_OVERHEAD];
	static const struct {
		int which;
		uint64_t advance;
	} arrivals[] = { { 0, 1 }, { 3, 3 }, { 1, 0 }, { 2, 0 } };

	for (int i = 0; i < 4; i++)
		sessions_seal(&s.a, "", 0, datagrams[i], NOW);
	for (size_t i = 0; i < COUNT(arrivals); i++) {
		const uint8_t *records;
		size_t len;
		uint64_t advance;

		ck_assert_int_eq(session_unseal(&s.b,
						datagrams[arrivals[i].which],
						WIRE_DATA_OVERHEAD, NOW,
						&records, &len, &advance),
				 DROP_NONE);
		ck_assert_uint_eq(len, 0);
		ck_assert_uint_eq(advance, arrivals[i].advance);
	}
}
END_TEST

/* ---- counters and ages ---- */

/* More than OpenSSL can count: refused before a byte of it is read. */
static bool seal_fails(struct session *session)
{
	static uint8_t byte, out[WIRE_DATA_OVERHEAD];
	const struct iovec piece = { &byte, SIZE_MAX / 2 };

	return session_seal(session, sessions_salt, &piece, 1, out, NOW) == 0;
}

START_TEST(a_counter_is_not_used_again_after_a_seal_that_failed)
{
	uint8_t datagram[WIRE_DATA_OVERHEAD];
	struct wire_data header;

	sessions_free(&s);
	sessions_init(&s, "openssl", NOW);
	ck_assert(seal_fails(&s.a));
	ck_assert_uint_eq(s.a.counter, 1);
	sessions_seal(&s.a, "", 0, datagram, NOW);
	wire_unpack_data(&header, datagram);
	ck_assert_uint_eq(header.counter, 1);
}
END_TEST

START_TEST(the_last_counter_is_never_sealed)
{
	uint8_t datagram[WIRE_DATA_OVERHEAD];

	s.a.counter = SESSION_LAST_COUNTER - 1;
	ck_assert_uint_eq(sessions_seal(&s.a, "", 0, datagram, NOW),
			  sizeof(datagram));
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(sessions_seal(&s.a, "", 0, datagram, NOW), 0);
	ck_assert_uint_eq(s.a.counter, SESSION_LAST_COUNTER);
	ck_assert(!session_expired(&s.a, NOW));
}
END_TEST

START_TEST(keys_open_and_seal_nothing_after_180_seconds)
{
	uint8_t datagram[WIRE_DATA_OVERHEAD];
	uint64_t last = NOW + 180 * CLOCK_S - 1;

	sessions_seal(&s.a, "", 0, datagram, NOW);
	ck_assert(!session_expired(&s.b, last));
	ck_assert(session_expired(&s.b, last + 1));
	ck_assert_int_eq(
		sessions_unseal(&s.b, datagram, sizeof(datagram), last + 1),
		DROP_key_exhausted);
	ck_assert_uint_eq(sessions_seal(&s.b, "", 0, datagram, last + 1), 0);
	ck_assert_uint_eq(s.b.counter, 0);
	ck_assert_uint_ne(sessions_seal(&s.b, "", 0, datagram, last), 0);
}
END_TEST

START_TEST(a_retired_session_dies_at_its_hour)
{
	uint8_t datagram[WIRE_DATA_OVERHEAD];

	s.a.retire_us = NOW + SESSION_RETIRE_US;
	ck_assert_uint_eq(session_deadline(&s.a, NOW), s.a.retire_us);
	ck_assert(!session_expired(&s.a, s.a.retire_us - 1));
	ck_assert(session_expired(&s.a, s.a.retire_us));
	ck_assert_uint_eq(sessions_seal(&s.a, "", 0, datagram, s.a.retire_us),
			  0);
}
END_TEST

static const struct {
	bool initiator;
	uint32_t counter;
	uint64_t age_us;
	bool wants;
} rekeys[] = {
	{ true, 0, 0, false },
	{ true, 0, 120 * CLOCK_S - 1, false },
	{ true, 0, 120 * CLOCK_S, true },
	{ false, 0, 120 * CLOCK_S, false },
	{ false, 0, 150 * CLOCK_S - 1, false },
	{ false, 0, 150 * CLOCK_S, true },
	{ true, (UINT32_C(1) << 30) - 1, 0, false },
	{ true, UINT32_C(1) << 30, 0, true },
	{ false, (UINT32_C(1) << 30) - 1, 0, false },
	{ false, UINT32_C(1) << 30, 0, true },
};

START_TEST(the_initiator_renews_first_and_both_do_at_a_billion_datagrams)
{
	struct session *t = rekeys[_i].initiator ? &s.a : &s.b;

	t->counter = rekeys[_i].counter;
	ck_assert_int_eq(session_wants_rekey(t, NOW + rekeys[_i].age_us),
			 rekeys[_i].wants);
}
END_TEST

START_TEST(the_deadline_is_the_renewal_then_the_end)
{
	uint64_t first = NOW + 120 * CLOCK_S, end = NOW + 180 * CLOCK_S;

	ck_assert_uint_eq(session_deadline(&s.a, NOW), first);
	ck_assert_uint_eq(session_deadline(&s.a, first - 1), first);
	ck_assert_uint_eq(session_deadline(&s.a, first), end);
	ck_assert_uint_eq(session_deadline(&s.b, NOW), NOW + 150 * CLOCK_S);
	s.a.counter = SESSION_REKEY_COUNTER;
	ck_assert_uint_eq(session_deadline(&s.a, NOW), end);
}
END_TEST

/* ---- which of two ---- */

static const struct {
	bool a_ours;
	uint64_t a_us;
	bool b_ours;
	uint64_t b_us;
	bool we_are_smaller, a_better, b_better;
} choices[] = {
	/* One initiator: the later one. */
	{ true, 0, true, 1, true, false, true },
	{ true, 0, true, 1, false, false, true },
	{ false, 7, false, 3, true, true, false },
	/* Within five seconds: that of the smaller key, whatever the order. */
	{ true, 0, false, 4999999, true, true, false },
	{ true, 0, false, 4999999, false, false, true },
	{ false, 0, true, 4999999, true, false, true },
	{ true, 3, false, 3, true, true, false },
	{ true, 3, false, 3, false, false, true },
	/* Further apart: the later one again. */
	{ true, 0, false, 5000000, true, false, true },
	{ true, 5000000, false, 0, false, true, false },
	/* The same moment, the same initiator: neither. */
	{ true, 3, true, 3, true, false, false },
};

START_TEST(the_better_of_two_sessions_is_as_the_table_says)
{
	s.a.initiator = choices[_i].a_ours;
	s.a.confirmed_us = NOW + choices[_i].a_us;
	s.b.initiator = choices[_i].b_ours;
	s.b.confirmed_us = NOW + choices[_i].b_us;
	ck_assert_int_eq(session_better(&s.a, &s.b, choices[_i].we_are_smaller),
			 choices[_i].a_better);
	ck_assert_int_eq(session_better(&s.b, &s.a, choices[_i].we_are_smaller),
			 choices[_i].b_better);
}
END_TEST

START_TEST(both_ends_prefer_the_same_of_two_that_collided)
{
	/* What one end initiated the other did not, and they see the two
	 * confirmed in another order. */
	struct session x = { .initiator = true, .confirmed_us = 10 };
	struct session y = { .initiator = false, .confirmed_us = 20 };
	struct session x_there = { .initiator = false, .confirmed_us = 30 };
	struct session y_there = { .initiator = true, .confirmed_us = 5 };

	ck_assert_int_eq(session_better(&x, &y, true),
			 session_better(&x_there, &y_there, false));
	ck_assert_int_eq(session_better(&x, &y, false),
			 session_better(&x_there, &y_there, true));
}
END_TEST

START_TEST(of_two_with_different_secrets_the_later_is_better)
{
	/* Who made the second has no more use for the first one's secret. */
	struct session old = { .initiator = true, .confirmed_us = 10 };
	struct session new = { .confirmed_us = 20, .psk = { 1 } };

	ck_assert(session_better(&new, &old, true));
	ck_assert(!session_better(&old, &new, true));
	new.psk[0] = 0;
	ck_assert(session_better(&old, &new, true));
}
END_TEST

START_TEST(a_wiped_session_is_all_zero)
{
	static const struct session zero;
	uint8_t datagram[WIRE_DATA_OVERHEAD];

	sessions_seal(&s.a, "", 0, datagram, NOW);
	sessions_unseal(&s.b, datagram, sizeof(datagram), NOW);
	session_wipe(&s.a);
	session_wipe(&s.b);
	ck_assert_mem_eq(&s.a, &zero, sizeof(zero));
	ck_assert_mem_eq(&s.b, &zero, sizeof(zero));
	session_wipe(&s.a); /* once more does no harm */
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("session", .setup = setup, .teardown = teardown),
	UNIT_TEST(both_roles_seal_what_the_other_opens),
	UNIT_TEST(a_new_session_knows_its_role_and_its_secret),
	UNIT_TEST(attack_a_datagram_reflected_to_its_sender_does_not_open),
	UNIT_TEST(attack_a_replay_is_told_from_the_original),
	UNIT_TEST(attack_a_wrong_tag_leaves_the_window_untouched),
	UNIT_TEST(advance_counts_the_gap_and_is_zero_for_the_late),
	UNIT_TEST(a_counter_is_not_used_again_after_a_seal_that_failed),
	UNIT_TEST(the_last_counter_is_never_sealed),
	UNIT_TEST(keys_open_and_seal_nothing_after_180_seconds),
	UNIT_TEST(a_retired_session_dies_at_its_hour),
	UNIT_EACH(the_initiator_renews_first_and_both_do_at_a_billion_datagrams,
		  rekeys),
	UNIT_TEST(the_deadline_is_the_renewal_then_the_end),
	UNIT_TEST(of_two_with_different_secrets_the_later_is_better),
	UNIT_EACH(the_better_of_two_sessions_is_as_the_table_says, choices),
	UNIT_TEST(both_ends_prefer_the_same_of_two_that_collided),
	UNIT_TEST(a_wiped_session_is_all_zero),
};

UNIT_MAIN("session", tests)
