#include <check.h>
#include <string.h>

#include "support/main.h"
#include "tunnel/frag.h"

#define RECORD_MAX 65535
#define PORTS	   40
#define SESSION	   7

static uint64_t drops[DROP_REASON_COUNT];
static uint8_t bytes[RECORD_MAX + 1]; /* what every frame here is made of */
static struct frag *frag;
static uint64_t now_us;

static void setup_with(uint32_t buffers)
{
	memset(drops, 0, sizeof(drops));
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 31 + i / 256);
	frag = frag_new(buffers, RECORD_MAX, PORTS, drops);
	ck_assert_ptr_nonnull(frag);
	now_us = 1000 * CLOCK_S;
}

static void setup(void)
{
	setup_with(64);
}

static void teardown(void)
{
	frag_free(frag);
}

/* Piece start..end of a frame. */
static bool add(uint16_t port, uint32_t id, size_t start, size_t end, bool last,
		struct frag_done *done)
{
	struct wire_fragment piece = { .id = id,
				       .offset = (uint16_t)start,
				       .last = last,
				       .piece = bytes + start,
				       .len = end - start };

	return frag_add(frag, port, SESSION, &piece, now_us, done);
}

static bool put(uint16_t port, uint32_t id, size_t start, size_t end)
{
	struct frag_done done;

	return add(port, id, start, end, false, &done);
}

static bool put_last(uint16_t port, uint32_t id, size_t start, size_t end)
{
	struct frag_done done;

	return add(port, id, start, end, true, &done);
}

static void ck_assert_whole(const struct frag_done *done, size_t len)
{
	ck_assert_uint_eq(done->len, len);
	ck_assert_int_eq(memcmp(done->record, bytes, len), 0);
}

static void ck_assert_drops(uint64_t bad, uint64_t full, uint64_t timeout)
{
	ck_assert_uint_eq(drops[DROP_fragment_bad], bad);
	ck_assert_uint_eq(drops[DROP_fragment_full], full);
	ck_assert_uint_eq(drops[DROP_fragment_timeout], timeout);
}

/* A frame in two pieces arrives whole: what went before did no harm. */
static void ck_assert_works(uint16_t port, uint32_t id)
{
	struct frag_done done;

	ck_assert(!add(port, id, 0, 1000, false, &done));
	ck_assert_ptr_null(done.record);
	ck_assert(add(port, id, 1000, 1500, true, &done));
	ck_assert_whole(&done, 1500);
	frag_release(frag, done.slot);
}

/* ---- what honest peers do ---- */

START_TEST(pieces_in_order_become_the_record)
{
	ck_assert_works(0, 1);
	ck_assert_works(0, 2);
	ck_assert_drops(0, 0, 0);
	ck_assert_uint_eq(frag_deadline(frag), CLOCK_NEVER);
}
END_TEST

START_TEST(one_piece_may_be_all)
{
	struct frag_done done;

	ck_assert(add(0, 1, 0, 60, true, &done));
	ck_assert_whole(&done, 60);
	frag_release(frag, done.slot);
}
END_TEST

START_TEST(the_largest_record_fits)
{
	struct frag_done done;
	size_t at = 0;

	for (; at + 1150 < RECORD_MAX; at += 1150)
		ck_assert(!put(0, 1, at, at + 1150));
	ck_assert(add(0, 1, at, RECORD_MAX, true, &done));
	ck_assert_whole(&done, RECORD_MAX);
	frag_release(frag, done.slot);
	ck_assert_drops(0, 0, 0);
}
END_TEST

/* The n-th of count! orders, as an array of indices. */
static void permute(unsigned n, unsigned *order, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		order[i] = i;
	for (unsigned i = count; i > 1; i--) {
		unsigned j = n % i, swap = order[j];

		n /= i;
		order[j] = order[i - 1];
		order[i - 1] = swap;
	}
}

START_TEST(every_order_of_pieces_becomes_the_record)
{
	static const size_t edges[] = { 0, 1, 700, 701, 1400, 1500, 2000 };

	for (unsigned count = 2; count <= 6; count++) {
		unsigned orders = 1, order[6];

		for (unsigned i = 2; i <= count; i++)
			orders *= i;
		for (unsigned n = 0; n < orders; n++) {
			struct frag_done done;

			permute(n, order, count);
			for (unsigned i = 0; i < count; i++) {
				unsigned piece = order[i];
				bool whole = add(0, n, edges[piece],
						 edges[piece + 1],
						 piece == count - 1, &done);

				ck_assert_msg(whole == (i == count - 1),
					      "order %u of %u", n, count);
			}
			ck_assert_whole(&done, edges[count]);
			frag_release(frag, done.slot);
		}
	}
	ck_assert_drops(0, 0, 0);
}
END_TEST

START_TEST(sets_are_told_apart_by_port_session_and_id)
{
	struct wire_fragment first = { 5, 0, false, bytes, 100 };
	struct wire_fragment last = { 5, 100, true, bytes + 100, 100 };
	struct wire_fragment other = { 6, 100, true, bytes + 100, 100 };
	struct frag_done done;

	ck_assert(!frag_add(frag, 1, 1, &first, now_us, &done));
	ck_assert(!frag_add(frag, 1, 2, &last, now_us, &done));
	ck_assert(!frag_add(frag, 2, 1, &last, now_us, &done));
	ck_assert(!frag_add(frag, 1, 1, &other, now_us, &done));
	ck_assert(frag_add(frag, 1, 1, &last, now_us, &done));
	ck_assert_whole(&done, 200);
	frag_release(frag, done.slot);
	ck_assert_drops(0, 0, 0);
}
END_TEST

START_TEST(a_record_stays_the_callers_until_released)
{
	struct frag_done held, done;

	ck_assert(add(0, 1, 0, 500, true, &held));
	/* Its id may even come again, its session end, time pass. */
	ck_assert(add(0, 1, 0, 400, true, &done));
	ck_assert_uint_ne(done.slot, held.slot);
	frag_release(frag, done.slot);
	frag_forget_session(frag, 0, SESSION);
	frag_age(frag, now_us + 100 * CLOCK_S);
	for (uint32_t id = 2; id < 1000; id++)
		put((uint16_t)(id % PORTS), id, 9, 10);
	ck_assert_whole(&held, 500);
	frag_release(frag, held.slot);
}
END_TEST

START_TEST(a_record_that_is_held_does_not_count_against_its_peer)
{
	struct frag_done held[FRAG_PER_PEER];

	for (uint32_t i = 0; i < FRAG_PER_PEER; i++)
		ck_assert(add(0, i, 0, 100, true, &held[i]));
	for (uint32_t i = 0; i < FRAG_PER_PEER; i++)
		ck_assert(!put(0, 100 + i, 0, 100));
	ck_assert_drops(0, 0, 0);
	for (uint32_t i = 0; i < FRAG_PER_PEER; i++)
		frag_release(frag, held[i].slot);
}
END_TEST

/* ---- time ---- */

START_TEST(what_stays_incomplete_is_dropped_after_a_second)
{
	put(0, 1, 0, 100);
	ck_assert_uint_eq(frag_deadline(frag), now_us + FRAG_LIFE_US);
	now_us += 10;
	put(1, 2, 0, 100);
	/* More pieces of the first do not prolong its life. */
	put(0, 1, 100, 200);
	frag_age(frag, frag_deadline(frag) - 1);
	ck_assert_drops(0, 0, 0);
	frag_age(frag, frag_deadline(frag));
	ck_assert_drops(0, 0, 1);
	ck_assert_uint_eq(frag_deadline(frag), now_us + FRAG_LIFE_US);
	frag_age(frag, now_us + FRAG_LIFE_US);
	ck_assert_drops(0, 0, 2);
	ck_assert_uint_eq(frag_deadline(frag), CLOCK_NEVER);
}
END_TEST

START_TEST(a_late_piece_does_not_complete_an_expired_set)
{
	put(0, 1, 0, 100);
	now_us += FRAG_LIFE_US;
	ck_assert(!put_last(0, 1, 100, 200));
	ck_assert_drops(0, 0, 1);
}
END_TEST

START_TEST(sets_die_with_their_session_uncounted)
{
	struct wire_fragment piece = { 1, 0, false, bytes, 100 };
	struct frag_done done;

	for (uint32_t id = 0; id < 3; id++) {
		put(0, id, 0, 100);
		piece.id = id;
		frag_add(frag, 0, SESSION + 1, &piece, now_us, &done);
		frag_add(frag, 1, SESSION, &piece, now_us, &done);
	}
	frag_forget_session(frag, 0, SESSION);
	ck_assert(!put_last(0, 0, 100, 200));
	piece = (struct wire_fragment){ 2, 100, true, bytes + 100, 100 };
	ck_assert(frag_add(frag, 0, SESSION + 1, &piece, now_us, &done));
	frag_release(frag, done.slot);
	ck_assert(frag_add(frag, 1, SESSION, &piece, now_us, &done));
	frag_release(frag, done.slot);
	ck_assert_drops(0, 0, 0);
}
END_TEST

/* ---- attacks ---- */

/* Pieces of one frame of which the last one must not be taken, nor anything
 * after it: the frame's whole rest is offered, and nothing comes of it. */
struct attack {
	const char *name;
	size_t count;
	struct {
		size_t start, end;
		bool last;
	} pieces[4];
};

static const struct attack attacks[] = {
	{ "empty", 1, { { 0, 0, false } } },
	{ "empty and LAST", 2, { { 0, 100, false }, { 100, 100, true } } },
	{ "a piece twice", 2, { { 0, 100, false }, { 0, 100, false } } },
	{ "overlaps the end", 2, { { 0, 100, false }, { 99, 200, false } } },
	{ "overlaps the start", 2, { { 99, 200, false }, { 0, 100, false } } },
	{ "inside another", 2, { { 0, 300, false }, { 100, 101, false } } },
	{ "around another", 2, { { 100, 101, false }, { 0, 300, false } } },
	{ "bridges two",
	  3,
	  { { 0, 100, false }, { 200, 300, false }, { 50, 250, false } } },
	{ "second LAST", 2, { { 900, 1000, true }, { 500, 600, true } } },
	{ "second LAST, further",
	  2,
	  { { 900, 1000, true }, { 1000, 1500, true } } },
	{ "LAST before data", 2, { { 900, 1000, false }, { 0, 100, true } } },
	{ "data past LAST", 2, { { 900, 1000, true }, { 1000, 1001, false } } },
	{ "data across LAST",
	  2,
	  { { 900, 1000, true }, { 800, 1001, false } } },
	{ "up to the limit and not LAST", 1, { { 65000, 65535, false } } },
	{ "past the limit", 1, { { 65000, 65536, false } } },
	{ "past the limit and LAST",
	  2,
	  { { 0, 100, false }, { 65000, 65536, true } } },
};

START_TEST(attack_no_malformed_frame_gets_through)
{
	const struct attack *a = &attacks[_i];

	for (size_t i = 0; i < a->count; i++) {
		ck_assert_msg(drops[DROP_fragment_bad] == 0, "%s: piece %zu",
			      a->name, i);
		if (a->pieces[i].last)
			ck_assert(!put_last(3, 1, a->pieces[i].start,
					    a->pieces[i].end));
		else
			ck_assert(!put(3, 1, a->pieces[i].start,
				       a->pieces[i].end));
	}
	ck_assert_msg(drops[DROP_fragment_bad] == 1, "%s", a->name);
	/* The rest of the frame neither revives it nor counts again. */
	for (size_t at = 0; at < 1000; at += 100)
		ck_assert(!put(3, 1, at, at + 100));
	ck_assert(!put_last(3, 1, 1000, 1100));
	frag_age(frag, now_us + FRAG_LIFE_US);
	ck_assert_drops(1, 0, 0);
	ck_assert_works(3, 1);
}
END_TEST

START_TEST(attack_lengths_cannot_wrap)
{
	struct wire_fragment piece = { 1, 65535, true, bytes, SIZE_MAX };
	struct frag_done done;

	ck_assert(!frag_add(frag, 0, SESSION, &piece, now_us, &done));
	piece.id = 2;
	piece.len = SIZE_MAX - 65534; /* the sum is 0 */
	ck_assert(!frag_add(frag, 0, SESSION, &piece, now_us, &done));
	piece.id = 3;
	piece.offset = 10;
	piece.len = SIZE_MAX - 5; /* the sum is 4 */
	ck_assert(!frag_add(frag, 0, SESSION, &piece, now_us, &done));
	ck_assert_drops(3, 0, 0);
}
END_TEST

START_TEST(attack_a_small_record_limit_holds)
{
	struct frag *small = frag_new(2, 1000, 1, drops);
	struct wire_fragment fits = { 1, 0, true, bytes, 1000 };
	struct wire_fragment not = { 2, 1, true, bytes, 1000 };
	struct frag_done done;

	ck_assert(!frag_add(small, 0, 1, &not, now_us, &done));
	ck_assert(frag_add(small, 0, 1, &fits, now_us, &done));
	ck_assert_whole(&done, 1000);
	ck_assert_drops(1, 0, 0);
	frag_free(small);
}
END_TEST

START_TEST(attack_a_comb_of_holes_is_bounded)
{
	/* Every second byte: n pieces make n holes, and the tail is one. */
	for (size_t i = 0; i < FRAG_HOLES_MAX - 1; i++)
		put(0, 1, 2 * i + 1, 2 * i + 2);
	ck_assert_drops(0, 0, 0);
	put(0, 1, 1001, 1002);
	ck_assert_drops(0, 1, 0);
	/* A comb that just fits can be filled. */
	for (size_t i = 0; i < FRAG_HOLES_MAX - 1; i++)
		ck_assert(!put(0, 2, 2 * i + 1, 2 * i + 2));
	for (size_t i = 0; i < FRAG_HOLES_MAX - 1; i++)
		ck_assert(!put(0, 2, 2 * i, 2 * i + 1));
	ck_assert(put_last(0, 2, 2 * FRAG_HOLES_MAX - 2, 500));
	ck_assert_drops(0, 1, 0);
}
END_TEST

START_TEST(attack_a_ninth_frame_costs_the_peer_its_own_oldest)
{
	put(1, 1000, 0, 1000); /* a bystander's */
	for (uint32_t id = 0; id < FRAG_PER_PEER + 1; id++)
		put(0, id, 0, 100);
	ck_assert_drops(0, 1, 0);
	ck_assert(!put_last(0, 0, 100, 200));
	ck_assert_drops(0, 2, 0); /* the oldest was gone, and cost another */
	ck_assert(put_last(0, 2, 100, 200));
	ck_assert(put_last(1, 1000, 1000, 1500));
}
END_TEST

START_TEST(attack_one_peer_cannot_exhaust_the_pool)
{
	for (uint16_t port = 1; port < 8; port++)
		put(port, 1, 0, 1000);
	for (uint32_t id = 0; id < 100000; id++)
		put(0, id, 0, 100);
	ck_assert_drops(0, 100000 - FRAG_PER_PEER, 0);
	for (uint16_t port = 1; port < 8; port++)
		ck_assert(put_last(port, 1, 1000, 1500));
}
END_TEST

START_TEST(attack_an_empty_pool_costs_the_oldest_of_equals)
{
	uint32_t id = 0;

	frag_free(frag);
	setup_with(64);
	for (uint16_t port = 0; port < 8; port++)
		for (int i = 0; i < FRAG_PER_PEER; i++)
			put(port, id++, 0, 100);
	ck_assert_drops(0, 0, 0);
	ck_assert_works(20, 1);
	ck_assert_drops(0, 1, 0);
	ck_assert(!put_last(0, 0, 100, 200)); /* it was this one */
	ck_assert(put_last(7, id - 1, 100, 200));
}
END_TEST

/* Members begin frames under many keys, again and again: who began but one, and that
 * before any of theirs, completes it. */
START_TEST(attack_an_empty_pool_costs_whoever_has_most)
{
	const uint16_t honest = PORTS - 1;
	uint32_t id = 0;

	put(honest, 1, 0, 1000);
	for (uint16_t each = 2; each <= FRAG_PER_PEER; each++)
		for (int i = 0; i < 100 * each; i++)
			put((uint16_t)(i / each % (PORTS - 1)), id++, 0, 100);
	ck_assert_uint_gt(drops[DROP_fragment_full], 100);
	ck_assert(put_last(honest, 1, 1000, 1500));
}
END_TEST

/* … and who has most already is the newcomer itself. */
START_TEST(attack_an_empty_pool_costs_a_newcomer_that_has_most)
{
	for (uint16_t port = 0; port < 32; port++)
		for (uint32_t id = 0; id < 2; id++)
			put(port, id, 0, 100);
	put(31, 2, 0, 100);
	ck_assert_drops(0, 1, 0);
	ck_assert(!put_last(31, 0, 100, 200));
	ck_assert(put_last(0, 0, 100, 200));
}
END_TEST

START_TEST(attack_frames_that_never_complete_leave_no_trace)
{
	for (uint32_t id = 0; id < 200000; id++) {
		uint16_t port = (uint16_t)(id % PORTS);

		now_us += 100;
		put(port, id, 3, 100);
		put(port, id, 10, 50); /* overlap */
	}
	ck_assert_uint_eq(drops[DROP_fragment_bad], 200000);
	ck_assert_drops(200000, 0, 0);
	frag_age(frag, now_us + FRAG_LIFE_US);
	ck_assert_uint_eq(frag_deadline(frag), CLOCK_NEVER);
	ck_assert_works(0, 1);
}
END_TEST

START_TEST(a_caller_that_holds_everything_costs_the_piece)
{
	struct frag_done held[2], done;

	frag_free(frag);
	setup_with(2);
	ck_assert(add(0, 1, 0, 100, true, &held[0]));
	ck_assert(add(0, 2, 0, 100, true, &held[1]));
	ck_assert(!add(0, 3, 0, 100, true, &done));
	ck_assert_drops(0, 1, 0);
	frag_release(frag, held[0].slot);
	frag_release(frag, held[1].slot);
	ck_assert_works(0, 4);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("honest", .setup = setup, .teardown = teardown),
	UNIT_TEST(pieces_in_order_become_the_record),
	UNIT_TEST(one_piece_may_be_all),
	UNIT_TEST(the_largest_record_fits),
	UNIT_TEST(every_order_of_pieces_becomes_the_record),
	UNIT_TEST(sets_are_told_apart_by_port_session_and_id),
	UNIT_TEST(a_record_stays_the_callers_until_released),
	UNIT_TEST(a_record_that_is_held_does_not_count_against_its_peer),
	UNIT_TEST(what_stays_incomplete_is_dropped_after_a_second),
	UNIT_TEST(a_late_piece_does_not_complete_an_expired_set),
	UNIT_TEST(sets_die_with_their_session_uncounted),
	UNIT_TEST(a_caller_that_holds_everything_costs_the_piece),
	UNIT_CASE("attacks", .setup = setup, .teardown = teardown),
	UNIT_EACH(attack_no_malformed_frame_gets_through, attacks),
	UNIT_TEST(attack_lengths_cannot_wrap),
	UNIT_TEST(attack_a_small_record_limit_holds),
	UNIT_TEST(attack_a_comb_of_holes_is_bounded),
	UNIT_TEST(attack_a_ninth_frame_costs_the_peer_its_own_oldest),
	UNIT_TEST(attack_one_peer_cannot_exhaust_the_pool),
	UNIT_TEST(attack_an_empty_pool_costs_the_oldest_of_equals),
	UNIT_TEST(attack_an_empty_pool_costs_whoever_has_most),
	UNIT_TEST(attack_an_empty_pool_costs_a_newcomer_that_has_most),
	UNIT_TEST(attack_frames_that_never_complete_leave_no_trace),
};

UNIT_MAIN("frag", tests)
