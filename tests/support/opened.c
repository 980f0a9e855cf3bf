/* For tests: what a data message between hosts says. */
#include "support/opened.h"

#include <check.h>
#include <stdlib.h>

#include "support/alloc.h"

static void count_changes(const struct wire_record *r, struct opened *out)
{
	struct wire_groups groups;
	struct wire_change change;

	if (wire_unpack_groups(&groups, r) != DROP_NONE)
		return;
	while (wire_next_change(&groups, &change))
		out->changes++;
}

static void count_records(const uint8_t *bytes, size_t len, struct opened *out)
{
	struct cursor at = cursor_init(bytes, len);
	struct wire_record r;

	while (wire_next_record(&at, &r)) {
		out->all++;
		if (r.kind <= WIRE_ADDRESSES)
			out->records[r.kind]++;
		if (r.kind == WIRE_GROUPS)
			count_changes(&r, out);
	}
}

bool hosts_open(struct hosts *h, const struct flight *f, struct opened *out)
{
	const struct host *to = hosts_at(h, &f->to);
	uint8_t *bytes = test_alloc(f->len);
	size_t len;
	bool opens = to && to->node &&
		     node_debug_open(to->node, f->bytes, f->len, bytes, &len);

	*out = (struct opened){ .all = 0 };
	if (opens)
		count_records(bytes, len, out);
	free(bytes);
	return opens;
}

bool hosts_carries(struct hosts *h, const struct flight *f, enum wire_kind kind)
{
	struct opened opened;

	return hosts_open(h, f, &opened) && opened.records[kind] > 0;
}

bool hosts_tells_one_change(struct hosts *h, const struct flight *f)
{
	struct opened opened;

	return hosts_open(h, f, &opened) && opened.all == 1 &&
	       opened.records[WIRE_GROUPS] == 1 && opened.changes == 1;
}
