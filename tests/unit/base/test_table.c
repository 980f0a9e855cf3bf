#include <check.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "support/main.h"

static const uint8_t seed[TABLE_SEED_LEN] = { 0, 1, 2,	3,  4,	5,  6,	7,
					      8, 9, 10, 11, 12, 13, 14, 15 };

/*
 * Outputs of SipHash-2-4 for the messages "", 00, 00 01, … under the key
 * 00 01 … 0f: the reference implementation's vectors_sip64, as numbers. The
 * one for 15 bytes is also in the paper's appendix A.
 */
static const uint64_t sip_vectors[] = {
	UINT64_C(0x726fdb47dd0e0e31), UINT64_C(0x74f839c593dc67fd),
	UINT64_C(0x0d6c8009d9a94f5a), UINT64_C(0x85676696d7fb7e2d),
	UINT64_C(0xcf2794e0277187b7), UINT64_C(0x18765564cd99a68d),
	UINT64_C(0xcbc9466e58fee3ce), UINT64_C(0xab0200f58b01d137),
	UINT64_C(0x93f5f5799a932462), UINT64_C(0x9e0082df0ba9e4b0),
	UINT64_C(0x7a5dbbc594ddb9f3), UINT64_C(0xf4b32f46226bada7),
	UINT64_C(0x751e8fbc860ee5fb), UINT64_C(0x14ea5627c0843d90),
	UINT64_C(0xf723ca908e7af2ee), UINT64_C(0xa129ca6149be45e5),
	UINT64_C(0x3f2acc7f57c29bdb),
};

START_TEST(siphash_matches_published_vectors)
{
	uint8_t message[16];

	for (uint8_t i = 0; i < sizeof(message); i++)
		message[i] = i;
	ck_assert_uint_eq(siphash(seed, message, (size_t)_i), sip_vectors[_i]);
}
END_TEST

START_TEST(finds_what_was_inserted_until_removed)
{
	struct table *t = table_new(4, 3, sizeof(int), seed);
	int *v;

	ck_assert_ptr_nonnull(t);
	ck_assert_ptr_null(table_find(t, "abc"));
	v = table_insert(t, "abc");
	ck_assert_int_eq(*v, 0);
	*v = 7;
	ck_assert_ptr_eq(table_find(t, "abc"), v);
	ck_assert_ptr_eq(table_insert(t, "abc"), v);
	ck_assert_int_eq(*v, 7);
	ck_assert_uint_eq(table_count(t), 1);
	ck_assert(table_remove(t, "abc"));
	ck_assert(!table_remove(t, "abc"));
	ck_assert_ptr_null(table_find(t, "abc"));
	ck_assert_uint_eq(table_count(t), 0);
	v = table_insert(t, "abc");
	ck_assert_int_eq(*v, 0);
	table_free(t);
}
END_TEST

/* Sessions and their keys lie in tables. */
START_TEST(a_removed_value_leaves_no_byte_behind)
{
	static const uint8_t zero[200];
	struct table *t = table_new(2, 3, sizeof(zero), seed);
	uint8_t *a = table_insert(t, "abc"), *b = table_insert(t, "def");

	memset(a, 0x5a, sizeof(zero));
	memset(b, 0x5a, sizeof(zero));
	table_remove(t, "abc");
	ck_assert_mem_eq(a, zero, sizeof(zero));
	table_remove(t, "def");
	ck_assert_mem_eq(b, zero, sizeof(zero));
	table_free(t);
}
END_TEST

START_TEST(large_values_begin_cache_lines)
{
	struct table *t = table_new(3, 1, 65, seed);

	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq((uintptr_t)table_insert(t, &"abc"[i]) % 64,
				  0);
	table_free(t);
}
END_TEST

START_TEST(full_table_refuses_new_keys_and_keeps_the_old)
{
	struct table *t = table_new(3, 1, 1, seed);

	ck_assert_uint_eq(table_capacity(t), 3);
	ck_assert_ptr_nonnull(table_insert(t, "a"));
	ck_assert_ptr_nonnull(table_insert(t, "b"));
	ck_assert_ptr_nonnull(table_insert(t, "c"));
	ck_assert_ptr_null(table_insert(t, "d"));
	ck_assert_ptr_nonnull(table_insert(t, "a"));
	ck_assert(table_remove(t, "b"));
	ck_assert_ptr_nonnull(table_insert(t, "d"));
	ck_assert_ptr_null(table_insert(t, "b"));
	table_free(t);
}
END_TEST

START_TEST(slots_name_values)
{
	struct table *t = table_new(2, 1, 8, seed);
	void *a = table_insert(t, "a"), *b = table_insert(t, "b");
	uint32_t slot = table_slot(t, a);

	ck_assert_uint_lt(slot, 2);
	ck_assert_uint_ne(slot, table_slot(t, b));
	ck_assert_ptr_eq(table_at(t, slot), a);
	ck_assert_mem_eq(table_key(t, a), "a", 1);
	ck_assert_mem_eq(table_key(t, b), "b", 1);
	table_remove(t, "a");
	ck_assert_ptr_null(table_at(t, slot));
	ck_assert_ptr_null(table_at(t, 2));
	ck_assert_ptr_null(table_at(t, TABLE_NONE));
	table_free(t);
}
END_TEST

START_TEST(removing_by_the_entry_s_own_key_works)
{
	struct table *t = table_new(2, 4, 4, seed);
	void *v = table_insert(t, "1234");

	ck_assert(table_remove(t, table_key(t, v)));
	ck_assert_uint_eq(table_count(t), 0);
	table_free(t);
}
END_TEST

START_TEST(values_are_aligned_for_any_type)
{
	for (size_t key_len = 1; key_len <= 64; key_len += 21) {
		struct table *t = table_new(3, key_len, 1, seed);
		uint8_t key[64] = { 0 };

		for (uint8_t i = 0; i < 3; i++) {
			key[0] = i;
			ck_assert_uint_eq((uintptr_t)table_insert(t, key) %
						  alignof(max_align_t),
					  0);
		}
		table_free(t);
	}
}
END_TEST

START_TEST(walk_survives_removal_of_what_it_returned)
{
	struct table *t = table_new(100, 1, 0, seed);
	unsigned int seen = 0;

	for (uint8_t i = 0; i < 100; i++)
		table_insert(t, &i);
	for (uint32_t s = table_next(t, TABLE_NONE); s != TABLE_NONE;
	     s = table_next(t, s)) {
		seen++;
		table_remove(t, table_key(t, table_at(t, s)));
	}
	ck_assert_uint_eq(seen, 100);
	ck_assert_uint_eq(table_count(t), 0);
	table_free(t);
}
END_TEST

START_TEST(freeing_nothing_is_allowed)
{
	table_free(NULL);
}
END_TEST

/*
 * Against a model: an array indexed by the key. The test's iteration, which
 * Check prints with a failure, is the seed.
 */

#define KEYS	 300
#define CAPACITY 200

struct model {
	uint64_t value[KEYS]; /* 0: not in the table */
	uint64_t *at[KEYS];   /* where the table keeps it */
	uint32_t count;
};

/* Few keys differ in more than their last bytes, as MACs do. */
static const uint8_t *key_of(uint32_t n)
{
	static uint8_t key[8];

	memset(key, 0x52, sizeof(key));
	key[6] = (uint8_t)(n >> 8);
	key[7] = (uint8_t)n;
	return key;
}

static void step_insert(struct table *t, struct model *m, uint32_t n)
{
	uint64_t *v = table_insert(t, key_of(n));

	if (m->value[n] == 0 && m->count == CAPACITY) {
		ck_assert_ptr_null(v);
		return;
	}
	ck_assert_ptr_nonnull(v);
	ck_assert_uint_eq(*v, m->value[n]);
	if (m->value[n] == 0) {
		m->count++;
		m->at[n] = v;
	}
	*v = m->value[n] = (uint64_t)random() + 1;
}

static void step_remove(struct table *t, struct model *m, uint32_t n)
{
	ck_assert_int_eq(table_remove(t, key_of(n)), m->value[n] != 0);
	if (m->value[n] != 0)
		m->count--;
	m->value[n] = 0;
	m->at[n] = NULL;
}

static void check_all(const struct table *t, const struct model *m)
{
	uint32_t walked = 0;

	for (uint32_t s = table_next(t, TABLE_NONE); s != TABLE_NONE;
	     s = table_next(t, s)) {
		ck_assert_ptr_nonnull(table_at(t, s));
		walked++;
	}
	ck_assert_uint_eq(walked, m->count);
	for (uint32_t n = 0; n < KEYS; n++) {
		uint64_t *v = table_find(t, key_of(n));

		ck_assert_ptr_eq(v, m->at[n]); /* entries do not move */
		if (!v)
			continue;
		ck_assert_uint_eq(*v, m->value[n]);
		ck_assert_mem_eq(table_key(t, v), key_of(n), 8);
		ck_assert_ptr_eq(table_at(t, table_slot(t, v)), v);
	}
}

START_TEST(agrees_with_a_naive_model)
{
	struct table *t;
	struct model m = { .count = 0 };
	uint8_t key[TABLE_SEED_LEN];

	srandom((unsigned int)_i);
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)random();
	t = table_new(CAPACITY, 8, sizeof(uint64_t), key);
	for (int step = 0; step < 4000; step++) {
		uint32_t n = (uint32_t)random() % KEYS;

		/* Fill for a while, then drain, and again. */
		if (random() % 10 < (step / 1000 % 2 ? 3 : 7))
			step_insert(t, &m, n);
		else
			step_remove(t, &m, n);
		ck_assert_msg(table_count(t) == m.count, "seed %d, step %d", _i,
			      step);
		if (step % 400 == 0)
			check_all(t, &m);
	}
	check_all(t, &m);
	table_free(t);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_EACH(siphash_matches_published_vectors, sip_vectors),
	UNIT_TEST(finds_what_was_inserted_until_removed),
	UNIT_TEST(a_removed_value_leaves_no_byte_behind),
	UNIT_TEST(large_values_begin_cache_lines),
	UNIT_TEST(full_table_refuses_new_keys_and_keeps_the_old),
	UNIT_TEST(slots_name_values),
	UNIT_TEST(removing_by_the_entry_s_own_key_works),
	UNIT_TEST(values_are_aligned_for_any_type),
	UNIT_TEST(walk_survives_removal_of_what_it_returned),
	UNIT_TEST(freeing_nothing_is_allowed),
	UNIT_LOOP(agrees_with_a_naive_model, 20),
};

UNIT_MAIN("table", tests)
