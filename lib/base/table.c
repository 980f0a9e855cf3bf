#include "base/table.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

/*
 * An entry is its value (first, so that a value's pointer is its entry's), the
 * link and the key. Slots that were never used are those from `fresh` on; freed
 * ones form a list through the same link that chains a bucket. So a table costs
 * no memory before it fills, and a walk ends at the highest slot ever used. A
 * free entry is all zeros but for its link.
 */
struct table_link {
	uint32_t next;	 /* slot, or TABLE_NONE */
	uint32_t bucket; /* while used */
	bool used;
};

struct table {
	uint8_t seed[TABLE_SEED_LEN];
	size_t key_len, link_offset, key_offset, stride;
	uint32_t capacity, count;
	uint32_t fresh;	   /* slots below it have been used */
	uint32_t free;	   /* the first freed slot, or TABLE_NONE */
	uint32_t mask;	   /* buckets - 1, a power of two */
	uint32_t *buckets; /* the first slot of each chain */
	uint32_t *recent;  /* slots found lately, by the key's last byte */
	/* The entries begin at the first multiple of their alignment. */
	void *memory;
	uint8_t *entries;
};

/* The packets of a batch ask for the same few keys again and again; comparing a
 * key is cheaper than hashing it. Colliding keys only lose the
 * shortcut. */
#define RECENT 8

/* Large values begin a cache line, so that their first members share one. */
#define LINE 64

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

struct table *table_new(uint32_t capacity, size_t key_len, size_t value_len,
			const uint8_t seed[TABLE_SEED_LEN])
{
	struct table *t;
	size_t align, buckets = 1;

	assert(capacity >= 1 && capacity <= UINT32_C(1) << 31);
	assert(key_len >= 1 && key_len <= 64);
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	while (buckets < capacity)
		buckets *= 2;
	memcpy(t->seed, seed, TABLE_SEED_LEN);
	t->capacity = capacity;
	t->key_len = key_len;
	t->link_offset = round_up(value_len, alignof(struct table_link));
	t->key_offset = t->link_offset + sizeof(struct table_link);
	align = value_len < LINE ? alignof(max_align_t) : LINE;
	t->stride = round_up(t->key_offset + key_len, align);
	t->mask = (uint32_t)(buckets - 1);
	t->buckets = calloc(buckets, sizeof(*t->buckets));
	t->recent = calloc(RECENT, sizeof(*t->recent));
	t->memory = calloc((size_t)capacity + 1, t->stride);
	if (!t->buckets || !t->recent || !t->memory) {
		table_free(t);
		return NULL;
	}
	t->entries = (uint8_t *)t->memory +
		     (align - (uintptr_t)t->memory % align) % align;
	memset(t->buckets, 0xff, buckets * sizeof(*t->buckets));
	t->free = TABLE_NONE;
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	free(t->buckets);
	free(t->recent);
	free(t->memory);
	free(t);
}

static void *value_at(const struct table *t, uint32_t slot)
{
	return t->entries + (size_t)slot * t->stride;
}

static struct table_link *link_of(const struct table *t, uint32_t slot)
{
	return (void *)((uint8_t *)value_at(t, slot) + t->link_offset);
}

static uint8_t *key_of(const struct table *t, uint32_t slot)
{
	return (uint8_t *)value_at(t, slot) + t->key_offset;
}

static uint32_t bucket_of(const struct table *t, const void *key)
{
	return (uint32_t)siphash(t->seed, key, t->key_len) & t->mask;
}

static uint32_t chain_find(const struct table *t, uint32_t bucket,
			   const void *key)
{
	uint32_t slot = t->buckets[bucket];

	while (slot != TABLE_NONE &&
	       memcmp(key_of(t, slot), key, t->key_len) != 0)
		slot = link_of(t, slot)->next;
	return slot;
}

void *table_find(const struct table *t, const void *key)
{
	const uint8_t *bytes = key;
	uint32_t *recent = &t->recent[bytes[t->key_len - 1] % RECENT];
	uint32_t slot = *recent;

	/* The slot may have been freed since, or never used. */
	if (link_of(t, slot)->used &&
	    memcmp(key_of(t, slot), key, t->key_len) == 0)
		return value_at(t, slot);
	slot = chain_find(t, bucket_of(t, key), key);
	if (slot == TABLE_NONE)
		return NULL;
	*recent = slot;
	return value_at(t, slot);
}

/* A slot off the free list or never used; the table is not full. */
static uint32_t slot_take(struct table *t)
{
	uint32_t slot = t->free;

	if (slot == TABLE_NONE)
		return t->fresh++;
	t->free = link_of(t, slot)->next;
	return slot;
}

void *table_insert(struct table *t, const void *key)
{
	uint32_t bucket = bucket_of(t, key);
	uint32_t slot = chain_find(t, bucket, key);

	if (slot != TABLE_NONE)
		return value_at(t, slot);
	if (t->count == t->capacity)
		return NULL;
	slot = slot_take(t);
	*link_of(t, slot) = (struct table_link){
		.next = t->buckets[bucket],
		.bucket = bucket,
		.used = true,
	};
	memcpy(key_of(t, slot), key, t->key_len);
	t->buckets[bucket] = slot;
	t->count++;
	return value_at(t, slot);
}

static void chain_unlink(struct table *t, uint32_t slot)
{
	uint32_t *at = &t->buckets[link_of(t, slot)->bucket];

	while (*at != slot)
		at = &link_of(t, *at)->next;
	*at = link_of(t, slot)->next;
}

bool table_remove(struct table *t, const void *key)
{
	uint32_t slot = chain_find(t, bucket_of(t, key), key);

	if (slot == TABLE_NONE)
		return false;
	chain_unlink(t, slot);
	/* key may point into the entry, so it must not be read after this. */
	memset(value_at(t, slot), 0, t->stride);
	link_of(t, slot)->next = t->free;
	t->free = slot;
	t->count--;
	return true;
}

uint32_t table_count(const struct table *t)
{
	return t->count;
}

uint32_t table_capacity(const struct table *t)
{
	return t->capacity;
}

uint32_t table_slot(const struct table *t, const void *value)
{
	size_t offset = (size_t)((const uint8_t *)value - t->entries);

	assert(offset % t->stride == 0 && offset / t->stride < t->capacity);
	return (uint32_t)(offset / t->stride);
}

void *table_at(const struct table *t, uint32_t slot)
{
	if (slot >= t->fresh || !link_of(t, slot)->used)
		return NULL;
	return value_at(t, slot);
}

const void *table_key(const struct table *t, const void *value)
{
	return key_of(t, table_slot(t, value));
}

uint32_t table_next(const struct table *t, uint32_t slot)
{
	/* TABLE_NONE + 1 is 0: the start. */
	for (slot++; slot < t->fresh; slot++)
		if (link_of(t, slot)->used)
			return slot;
	return TABLE_NONE;
}
