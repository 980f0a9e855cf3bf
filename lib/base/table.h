/* The bounded, keyed-hash table behind the FDB, the peers and reassembly. */
#ifndef TAPD_BASE_TABLE_H
#define TAPD_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"

#define TABLE_SEED_LEN SIPHASH_KEY_LEN
#define TABLE_NONE     UINT32_MAX

/*
 * Fixed-size keys to fixed-size values, chained over a pool of entries that is
 * allocated once, at init. The hash is SipHash-2-4 (Aumasson, Bernstein 2012)
 * under a random seed, so that whoever chooses the keys cannot choose the
 * collisions. Entries do not move: a value's pointer and its slot number
 * (0..capacity-1) stay valid until it is removed, and a slot is free to serve
 * as the value's name elsewhere.
 */
struct table;

/* NULL if memory is short. capacity ≥ 1; key_len 1..64; the values are aligned
 * for any type, those of 64 bytes or more to a cache line, and start zeroed at each
 * insert. */
struct table *table_new(uint32_t capacity, size_t key_len, size_t value_len,
			const uint8_t seed[TABLE_SEED_LEN]);
void table_free(struct table *t);

/* The value, or NULL. */
void *table_find(const struct table *t, const void *key);
/* The value of key, zeroed if it is new; NULL if the table is full. */
void *table_insert(struct table *t, const void *key);
/* Removes key; false if it was not there. Its value is zeroed. */
bool table_remove(struct table *t, const void *key);

uint32_t table_count(const struct table *t);
uint32_t table_capacity(const struct table *t);

/* The slot of a value that table_find or table_insert returned. */
uint32_t table_slot(const struct table *t, const void *value);
/* The value in slot, or NULL if the slot is free or out of range. */
void *table_at(const struct table *t, uint32_t slot);
/* The key of a value in the table. */
const void *table_key(const struct table *t, const void *value);

/*
 * Walks the used slots: start with TABLE_NONE, pass what it returned; ends
 * with TABLE_NONE. The entry just returned may be removed; entries inserted
 * meanwhile may or may not be seen.
 */
uint32_t table_next(const struct table *t, uint32_t slot);

#endif
