#include "node/shares.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

/* level(1), kind(1), leg(4), and the prefix of an IPv6 address, padded. */
#define PREFIX_KEY_LEN 22

static const uint8_t prefix_bytes[SHARES_LEVELS] = { 6, 8, 16 };

struct prefix_share {
	uint32_t held;
	uint32_t parts; /* that hold some: of the next level */
};

struct shares {
	struct table *prefixes;
	uint32_t parts; /* of the first level */
};

struct shares *shares_new(uint32_t holders, const uint8_t seed[TABLE_SEED_LEN])
{
	struct shares *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->prefixes = table_new(holders * SHARES_LEVELS, PREFIX_KEY_LEN,
				sizeof(struct prefix_share), seed);
	if (s->prefixes)
		return s;
	free(s);
	return NULL;
}

void shares_free(struct shares *s)
{
	if (!s)
		return;
	table_free(s->prefixes);
	free(s);
}

void shares_clear(struct shares *s)
{
	uint32_t at = TABLE_NONE;

	while ((at = table_next(s->prefixes, at)) != TABLE_NONE) {
		const void *value = table_at(s->prefixes, at);

		table_remove(s->prefixes, table_key(s->prefixes, value));
	}
	s->parts = 0;
}

enum { KIND_V4 = 1, KIND_LEG = 2 };

static void key_of(const struct addr *holder, int level,
		   uint8_t key[PREFIX_KEY_LEN])
{
	const bool v4 = addr_is_v4(holder);

	memset(key, 0, PREFIX_KEY_LEN);
	key[0] = (uint8_t)level;
	key[1] = (v4 ? KIND_V4 : 0) | (holder->leg ? KIND_LEG : 0);
	if (level == SHARES_LEVELS - 1)
		store_be32(key + 2, holder->leg);
	memcpy(key + 6, holder->ip, v4 ? 16 : prefix_bytes[level]);
}

/* False if it is as the level above: IPv4 has one, and its legs another. */
static bool is_level(const struct addr *holder, int level)
{
	return level == 0 || !addr_is_v4(holder) ||
	       (holder->leg && level == SHARES_LEVELS - 1);
}

static struct prefix_share *find(const struct shares *s,
				 const struct addr *holder, int level)
{
	uint8_t key[PREFIX_KEY_LEN];

	key_of(holder, level, key);
	return table_find(s->prefixes, key);
}

bool shares_add(struct shares *s, const struct addr *holder)
{
	uint32_t *parts = &s->parts;
	uint32_t room = table_capacity(s->prefixes) - table_count(s->prefixes);

	if (room < SHARES_LEVELS && !find(s, holder, SHARES_LEVELS - 1))
		return false;
	for (int level = 0; level < SHARES_LEVELS; level++) {
		uint8_t key[PREFIX_KEY_LEN];
		struct prefix_share *p;

		key_of(holder, level, key);
		p = table_insert(s->prefixes, key);
		if (!p->held++)
			++*parts;
		parts = &p->parts;
	}
	return true;
}

void shares_remove(struct shares *s, const struct addr *holder)
{
	/* From the inside out: what holds nothing any more is gone above it. */
	for (int level = SHARES_LEVELS - 1; level >= 0; level--) {
		uint8_t key[PREFIX_KEY_LEN];
		struct prefix_share *p, *above;

		key_of(holder, level, key);
		p = table_find(s->prefixes, key);
		if (!p || --p->held)
			continue;
		table_remove(s->prefixes, key);
		above = level ? find(s, holder, level - 1) : NULL;
		if (above)
			above->parts--;
		else if (!level)
			s->parts--;
	}
}

struct share_counts shares_of(const struct shares *s, const struct addr *holder)
{
	struct share_counts counts = { { 0 } };

	for (int level = 0; level < SHARES_LEVELS; level++) {
		const struct prefix_share *p = find(s, holder, level);

		counts.held[level] = p ? p->held : 0;
	}
	return counts;
}

int shares_compare(const struct share_counts *a, const struct share_counts *b)
{
	for (int level = 0; level < SHARES_LEVELS; level++)
		if (a->held[level] != b->held[level])
			return a->held[level] < b->held[level] ? -1 : 1;
	return 0;
}

bool shares_within(const struct shares *s, const struct addr *holder,
		   uint32_t total)
{
	uint32_t part = total, parts = s->parts;

	for (int level = 0; level < SHARES_LEVELS; level++) {
		const struct prefix_share *p = find(s, holder, level);
		uint32_t held = p ? p->held : 0;

		if (is_level(holder, level)) {
			/* Who holds nothing yet will be one more. */
			part /= parts + (held ? 1 : 2);
			if (held && held + 1 > part)
				return false;
		}
		parts = p ? p->parts : 0;
	}
	return true;
}
