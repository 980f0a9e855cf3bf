#include "bridge/declaration.h"

#include <stdlib.h>
#include <string.h>

/* In the list by slot; TABLE_NONE is its end, both ways. */
struct log_entry {
	uint32_t version;
	uint32_t before, after;
	bool left;
};

struct declaration {
	struct table *table; /* struct group → struct log_entry */
	uint32_t first, last;
	uint32_t settled; /* up to this one, all are joins */
	uint32_t version;
	uint32_t left;
	bool incomplete;
};

struct declaration *declaration_new(uint32_t capacity,
				    const uint8_t seed[TABLE_SEED_LEN])
{
	struct declaration *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->table =
		table_new(capacity, GROUP_LEN, sizeof(struct log_entry), seed);
	if (!d->table) {
		free(d);
		return NULL;
	}
	d->first = d->last = d->settled = TABLE_NONE;
	d->version = 1;
	return d;
}

void declaration_free(struct declaration *d)
{
	if (!d)
		return;
	table_free(d->table);
	free(d);
}

/* ---- the list ---- */

static void unlink_entry(struct declaration *d, const struct log_entry *e)
{
	struct log_entry *before = table_at(d->table, e->before);
	struct log_entry *after = table_at(d->table, e->after);

	if (d->settled == table_slot(d->table, e))
		d->settled = e->before;
	*(before ? &before->after : &d->first) = e->after;
	*(after ? &after->before : &d->last) = e->before;
}

static void append(struct declaration *d, struct log_entry *e)
{
	uint32_t slot = table_slot(d->table, e);
	struct log_entry *last = table_at(d->table, d->last);

	e->before = d->last;
	e->after = TABLE_NONE;
	*(last ? &last->after : &d->first) = slot;
	d->last = slot;
}

/* ---- changes ---- */

void declaration_touch(struct declaration *d)
{
	if (d->version < UINT32_MAX)
		d->version++;
	if (d->version == UINT32_MAX)
		d->incomplete = true;
}

static void change(struct declaration *d, struct log_entry *e, bool left)
{
	declaration_touch(d);
	e->version = d->version;
	e->left = left;
	append(d, e);
}

static void join(struct declaration *d, const struct group *group)
{
	struct log_entry *e = table_find(d->table, group);

	if (e && !e->left)
		return;
	if (e) {
		unlink_entry(d, e);
		d->left--;
	} else {
		e = table_insert(d->table, group);
	}
	if (e)
		change(d, e, false);
	else
		d->incomplete = true;
}

static void leave(struct declaration *d, const struct group *group)
{
	struct log_entry *e = table_find(d->table, group);

	if (!e || e->left)
		return;
	unlink_entry(d, e);
	d->left++;
	change(d, e, true);
}

void declaration_set(struct declaration *d, const struct group *group,
		     bool wanted)
{
	/* With the last version everything is wanted already. */
	if (d->version == UINT32_MAX)
		return;
	if (wanted)
		join(d, group);
	else
		leave(d, group);
}

uint32_t declaration_version(const struct declaration *d)
{
	return d->version;
}

bool declaration_is_incomplete(const struct declaration *d)
{
	return d->incomplete;
}

bool declaration_retry(struct declaration *d)
{
	if (d->version == UINT32_MAX ||
	    table_count(d->table) == table_capacity(d->table))
		return false;
	d->incomplete = false;
	return true;
}

/* ---- reading ---- */

uint32_t declaration_after(const struct declaration *d, uint32_t version)
{
	uint32_t at = d->last, found = TABLE_NONE;
	const struct log_entry *e;

	if (!version)
		return d->first;
	while ((e = table_at(d->table, at)) && e->version > version) {
		found = at;
		at = e->before;
	}
	return found;
}

bool declaration_next(const struct declaration *d, uint32_t *at,
		      struct declaration_entry *out)
{
	const struct log_entry *e = table_at(d->table, *at);

	if (!e)
		return false;
	out->version = e->version;
	out->left = e->left;
	memcpy(&out->group, table_key(d->table, e), GROUP_LEN);
	*at = e->after;
	return true;
}

/* Continues where it stopped the last time: a peer that acknowledges version
 * after version does not make us walk the whole list each time. */
void declaration_forget(struct declaration *d, uint32_t version)
{
	const struct log_entry *e = table_at(d->table, d->settled);
	uint32_t at = e ? e->after : d->first;

	while (d->left && (e = table_at(d->table, at)) &&
	       e->version <= version) {
		uint32_t after = e->after;

		if (e->left) {
			d->left--;
			unlink_entry(d, e);
			table_remove(d->table, table_key(d->table, e));
		} else {
			d->settled = at;
		}
		at = after;
	}
}

uint32_t declaration_joined(const struct declaration *d)
{
	return table_count(d->table) - d->left;
}

uint32_t declaration_left(const struct declaration *d)
{
	return d->left;
}
