/* bridge/declaration: versions, order, forgotten leaves, messages of any length. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "bridge/declaration.h"
#include "support/main.h"
#include "support/rng.h"

#define CAPACITY 64

static const uint8_t seed[TABLE_SEED_LEN] = { 42 };
static struct declaration *d;

static void setup(void)
{
	d = declaration_new(CAPACITY, seed);
	ck_assert_ptr_nonnull(d);
}

static void teardown(void)
{
	declaration_free(d);
}

static struct group nth(uint32_t i)
{
	return group_v4(0, 0xef000000 + i);
}

static uint32_t number_of(const struct group *g)
{
	return load_be32(g->ip + 12) - 0xef000000;
}

static void set(uint32_t i, bool wanted)
{
	const struct group g = nth(i);

	declaration_set(d, &g, wanted);
}

/* The changes after a version, as text: "+1 -2" is 1 joined and 2 left. */
static const char *behind(uint32_t version)
{
	static char text[8 * CAPACITY];
	uint32_t at = declaration_after(d, version);
	struct declaration_entry e;
	size_t len = 0;

	text[0] = '\0';
	while (declaration_next(d, &at, &e)) {
		ck_assert_uint_gt(e.version, version);
		ck_assert_uint_le(e.version, declaration_version(d));
		version = e.version;
		len += (size_t)sprintf(text + len, "%s%c%u", len ? " " : "",
				       e.left ? '-' : '+', number_of(&e.group));
	}
	return text;
}

START_TEST(a_new_one_is_empty_and_has_version_1)
{
	ck_assert_uint_eq(declaration_version(d), 1);
	ck_assert_str_eq(behind(0), "");
	ck_assert_str_eq(behind(1), "");
	ck_assert(!declaration_is_incomplete(d));
	ck_assert_uint_eq(declaration_joined(d), 0);
	ck_assert_uint_eq(declaration_left(d), 0);
	declaration_free(NULL);
}
END_TEST

START_TEST(every_change_takes_one_version_and_what_is_so_takes_none)
{
	set(1, false);
	ck_assert_uint_eq(declaration_version(d), 1);
	set(1, true);
	set(1, true);
	ck_assert_uint_eq(declaration_version(d), 2);
	set(1, false);
	set(1, false);
	ck_assert_uint_eq(declaration_version(d), 3);
	declaration_touch(d);
	ck_assert_uint_eq(declaration_version(d), 4);
	ck_assert_str_eq(behind(0), "-1");
	set(1, true);
	ck_assert_uint_eq(declaration_version(d), 5);
	ck_assert_str_eq(behind(0), "+1");
}
END_TEST

START_TEST(groups_are_in_the_order_of_their_last_change)
{
	set(1, true);
	set(2, true);
	set(3, true); /* 4 */
	ck_assert_str_eq(behind(0), "+1 +2 +3");
	ck_assert_str_eq(behind(1), "+1 +2 +3");
	ck_assert_str_eq(behind(3), "+3");
	ck_assert_str_eq(behind(4), "");
	set(1, false); /* the first; 5 */
	ck_assert_str_eq(behind(0), "+2 +3 -1");
	set(3, false); /* the middle; 6 */
	set(3, true);  /* the last; 7 */
	ck_assert_str_eq(behind(0), "+2 -1 +3");
	ck_assert_str_eq(behind(4), "-1 +3");
	ck_assert_str_eq(behind(5), "+3");
	ck_assert_str_eq(behind(7), "");
	ck_assert_str_eq(behind(UINT32_MAX), "");
	ck_assert_uint_eq(declaration_joined(d), 2);
	ck_assert_uint_eq(declaration_left(d), 1);
}
END_TEST

START_TEST(the_same_group_in_another_vlan_is_another)
{
	const struct group tagged = group_v4(7, 0xef000001);

	set(1, true);
	declaration_set(d, &tagged, true);
	declaration_set(d, &tagged, false);
	ck_assert_str_eq(behind(0), "+1 -1");
}
END_TEST

START_TEST(leaves_are_forgotten_up_to_a_version_and_joins_never)
{
	set(1, true);
	set(2, true);
	set(3, true);
	set(4, true);  /* 5 */
	set(1, false); /* 6 */
	set(3, false); /* 7 */
	declaration_forget(d, 5);
	ck_assert_str_eq(behind(0), "+2 +4 -1 -3");
	declaration_forget(d, 6);
	ck_assert_str_eq(behind(0), "+2 +4 -3");
	ck_assert_uint_eq(declaration_left(d), 1);
	declaration_forget(d, UINT32_MAX);
	ck_assert_str_eq(behind(0), "+2 +4");
	ck_assert_uint_eq(declaration_left(d), 0);
	ck_assert_uint_eq(declaration_version(d), 7);
	/* It is a group like any other now. */
	set(1, false);
	ck_assert_uint_eq(declaration_version(d), 7);
	set(1, true);
	ck_assert_str_eq(behind(7), "+1");
}
END_TEST

START_TEST(what_came_back_is_not_forgotten_with_its_leave)
{
	set(1, true);
	set(1, false);
	set(1, true);
	ck_assert_uint_eq(declaration_left(d), 0);
	declaration_forget(d, UINT32_MAX);
	ck_assert_str_eq(behind(0), "+1");
}
END_TEST

/* The list has changed since it was walked. */
START_TEST(leaves_are_forgotten_wherever_they_moved)
{
	for (uint32_t i = 0; i < 6; i++)
		set(i, true);
	set(2, false);
	declaration_forget(d, UINT32_MAX);
	ck_assert_str_eq(behind(0), "+0 +1 +3 +4 +5");
	for (uint32_t i = 6; i-- > 3;)
		set(i, false);
	declaration_forget(d, declaration_version(d) - 1);
	ck_assert_str_eq(behind(0), "+0 +1 -3");
	set(0, false);
	set(1, false);
	set(7, true);
	declaration_forget(d, UINT32_MAX);
	ck_assert_str_eq(behind(0), "+7");
	set(7, false);
	declaration_forget(d, UINT32_MAX);
	ck_assert_str_eq(behind(0), "");
}
END_TEST

/* ---- full ---- */

static void fill_with_leaves(uint32_t from, uint32_t count)
{
	for (uint32_t i = from; i < from + count; i++) {
		set(i, true);
		set(i, false);
	}
}

START_TEST(a_join_without_room_makes_it_incomplete)
{
	uint32_t version;

	set(1000, true);
	fill_with_leaves(0, CAPACITY - 1);
	ck_assert(!declaration_is_incomplete(d));
	version = declaration_version(d);
	set(2000, true);
	ck_assert(declaration_is_incomplete(d));
	/* The groups that it has stay as they are. */
	ck_assert_uint_eq(declaration_version(d), version);
	ck_assert_uint_eq(declaration_joined(d), 1);
	/* Groups that are joined may still be left, and left ones joined again. */
	set(1000, false);
	set(5, true);
	ck_assert_uint_eq(declaration_version(d), version + 2);
	ck_assert(declaration_is_incomplete(d));
}
END_TEST

START_TEST(it_is_complete_again_once_there_is_room_and_not_before)
{
	fill_with_leaves(0, CAPACITY);
	set(2000, true);
	ck_assert(!declaration_retry(d));
	ck_assert(declaration_is_incomplete(d));
	declaration_forget(d, UINT32_MAX);
	ck_assert(declaration_is_incomplete(d));
	ck_assert(declaration_retry(d));
	ck_assert(!declaration_is_incomplete(d));
	ck_assert_str_eq(behind(0), "");
	set(2000, true);
	ck_assert_str_eq(behind(0), "+2000");
}
END_TEST

START_TEST(every_place_can_be_used_again_and_again)
{
	for (uint32_t round = 0; round < 5; round++) {
		for (uint32_t i = 0; i < CAPACITY; i++)
			set(round + i, true);
		ck_assert(!declaration_is_incomplete(d));
		ck_assert_uint_eq(declaration_joined(d), CAPACITY);
		for (uint32_t i = 0; i < CAPACITY; i++)
			set(round + i, false);
		declaration_forget(d, declaration_version(d));
		ck_assert_str_eq(behind(0), "");
	}
}
END_TEST

/* ---- any cut is a valid message ---- */

#define GROUPS	  24
#define RECEIVERS 3
#define FLYING	  12
#define STEPS	  2000

/* A message as in docs/PROTOCOL: from a version to a version, and what of the
 * list is between them. */
struct message {
	uint32_t base, version, count;
	struct declaration_entry changes[GROUPS];
};

struct receiver {
	uint32_t registered;
	bool joined[GROUPS];
};

static struct message cut(uint32_t base, uint32_t changes)
{
	struct message m = { .base = base };
	uint32_t at = declaration_after(d, base);

	m.version = declaration_version(d);
	while (m.count < changes &&
	       declaration_next(d, &at, &m.changes[m.count]))
		m.version = m.changes[m.count++].version;
	if (at == TABLE_NONE)
		m.version = declaration_version(d);
	return m;
}

static void apply(struct receiver *r, const struct message *m)
{
	if (m->base == 0)
		memset(r->joined, 0, sizeof(r->joined));
	else if (m->base > r->registered || m->version <= r->registered)
		return;
	for (uint32_t i = 0; i < m->count; i++)
		r->joined[number_of(&m->changes[i].group)] =
			!m->changes[i].left;
	r->registered = m->version;
}

struct world {
	struct rng rng;
	bool wanted[GROUPS];
	struct receiver receivers[RECEIVERS];
	struct message flying[FLYING];
	size_t flying_count;
	uint32_t forgotten; /* leaves up to there may be */
};

static void change_something(struct world *w)
{
	uint32_t i = (uint32_t)rng_below(&w->rng, GROUPS);

	w->wanted[i] = rng_chance(&w->rng, 0.5);
	set(i, w->wanted[i]);
	if (rng_chance(&w->rng, 0.1))
		declaration_touch(d);
}

/* From a version that a receiver registered, or from any before it. */
static void send_something(struct world *w)
{
	const struct receiver *r = &w->receivers[rng_below(&w->rng, RECEIVERS)];
	uint32_t base = r->registered;

	if (rng_chance(&w->rng, 0.1))
		base = 0;
	else if (rng_chance(&w->rng, 0.3) && base > w->forgotten)
		base = w->forgotten +
		       (uint32_t)rng_below(&w->rng, base - w->forgotten);
	if (w->flying_count == FLYING || base == declaration_version(d))
		return;
	w->flying[w->flying_count++] =
		cut(base, 1 + (uint32_t)rng_below(&w->rng, GROUPS));
}

/* The message reaches one receiver or more, in any order, perhaps never. */
static void deliver_something(struct world *w)
{
	size_t i;

	if (!w->flying_count)
		return;
	i = rng_below(&w->rng, w->flying_count);
	for (int r = 0; r < RECEIVERS; r++)
		if (rng_chance(&w->rng, 0.6))
			apply(&w->receivers[r], &w->flying[i]);
	if (rng_chance(&w->rng, 0.7))
		w->flying[i] = w->flying[--w->flying_count];
}

/* What all hold they go on holding: a message that would take it from them is not
 * that late. */
static void forget_what_all_hold(struct world *w)
{
	uint32_t all_registered = UINT32_MAX;

	for (int r = 0; r < RECEIVERS; r++)
		if (w->receivers[r].registered < all_registered)
			all_registered = w->receivers[r].registered;
	if (all_registered <= w->forgotten)
		return;
	w->forgotten +=
		1 + (uint32_t)rng_below(&w->rng, all_registered - w->forgotten);
	declaration_forget(d, w->forgotten);
	for (size_t i = w->flying_count; i-- > 0;)
		if (w->flying[i].base == 0 &&
		    w->flying[i].version < w->forgotten)
			w->flying[i] = w->flying[--w->flying_count];
}

/* Messages in flight arrive; then each receiver is sent what it lacks. */
static void assert_all_agree(struct world *w)
{
	while (w->flying_count)
		deliver_something(w);
	for (int r = 0; r < RECEIVERS; r++) {
		struct receiver *receiver = &w->receivers[r];

		while (receiver->registered != declaration_version(d)) {
			struct message m = cut(receiver->registered, 3);

			apply(receiver, &m);
			ck_assert_uint_eq(receiver->registered, m.version);
		}
		ck_assert_mem_eq(receiver->joined, w->wanted,
				 sizeof(w->wanted));
	}
}

START_TEST(any_cuts_in_any_order_lead_to_the_same_set)
{
	struct world w = { .rng = rng_init((uint64_t)_i) };

	for (int step = 0; step < STEPS; step++) {
		switch (rng_below(&w.rng, 5)) {
		case 0:
			change_something(&w);
			break;
		case 1:
			forget_what_all_hold(&w);
			break;
		case 2:
			deliver_something(&w);
			break;
		default:
			send_something(&w);
			deliver_something(&w);
		}
		if (step % 500 == 499)
			assert_all_agree(&w);
	}
	ck_assert(!declaration_is_incomplete(d));
}
END_TEST

/* ---- what it costs ---- */

#define MANY 20000

/* Steps over a list of this many, by what they do: not measured but bounded by
 * the test's time. Each of these was quadratic once, or could be. */
START_TEST(attack_ten_thousands_of_acknowledgements_cost_no_walks)
{
	struct declaration *big = declaration_new(MANY, seed);
	struct group g;
	uint32_t version;

	ck_assert_ptr_nonnull(big);
	for (uint32_t i = 0; i < MANY; i++) {
		g = nth(i);
		declaration_set(big, &g, true);
	}
	g = nth(MANY - 1);
	declaration_set(big, &g, false);
	version = declaration_version(big);
	/* One leave that is never acknowledged, and joins that are, one by one,
	 * again and again. */
	for (uint32_t round = 0; round < 20; round++)
		for (uint32_t registered = 1; registered < version;
		     registered++)
			declaration_forget(big, registered);
	ck_assert_uint_eq(declaration_left(big), 1);
	/* A peer that lacks little gets the rest without a walk. */
	for (uint32_t i = 0; i < 1000000; i++)
		ck_assert_uint_ne(declaration_after(big, version - 2),
				  TABLE_NONE);
	declaration_forget(big, version);
	ck_assert_uint_eq(declaration_left(big), 0);
	declaration_free(big);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("declaration", .setup = setup, .teardown = teardown),
	UNIT_TEST(a_new_one_is_empty_and_has_version_1),
	UNIT_TEST(every_change_takes_one_version_and_what_is_so_takes_none),
	UNIT_TEST(groups_are_in_the_order_of_their_last_change),
	UNIT_TEST(the_same_group_in_another_vlan_is_another),
	UNIT_TEST(leaves_are_forgotten_up_to_a_version_and_joins_never),
	UNIT_TEST(what_came_back_is_not_forgotten_with_its_leave),
	UNIT_TEST(leaves_are_forgotten_wherever_they_moved),
	UNIT_TEST(a_join_without_room_makes_it_incomplete),
	UNIT_TEST(it_is_complete_again_once_there_is_room_and_not_before),
	UNIT_TEST(every_place_can_be_used_again_and_again),
	UNIT_LOOP(any_cuts_in_any_order_lead_to_the_same_set, 40),
	UNIT_TEST(attack_ten_thousands_of_acknowledgements_cost_no_walks),
};

UNIT_MAIN("declaration", tests)
