#include "tapd/control/row_heap.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 64

static char *at(const struct row_heap *h, size_t i)
{
	return h->rows + i * h->row_size;
}

static bool is_less(const struct row_heap *h, const void *row, size_t i)
{
	return h->compare(row, at(h, i)) < 0;
}

static void put(struct row_heap *h, size_t i, const void *row)
{
	memcpy(at(h, i), row, h->row_size);
}

static bool make_room(struct row_heap *h)
{
	size_t size = h->size ? 2 * h->size : FIRST_SIZE;
	char *rows;

	if (h->count < h->size)
		return true;
	rows = reallocarray(h->rows, size, h->row_size);
	if (!rows)
		return false;
	h->rows = rows;
	h->size = size;
	return true;
}

bool row_heap_push(struct row_heap *h, const void *row)
{
	size_t i;

	if (!make_room(h))
		return false;
	for (i = h->count++; i > 0; i = (i - 1) / 2) {
		if (!is_less(h, row, (i - 1) / 2))
			break;
		put(h, i, at(h, (i - 1) / 2));
	}
	put(h, i, row);
	return true;
}

bool row_heap_pop(struct row_heap *h, void *row)
{
	const char *last;
	size_t i = 0, child;

	if (h->count == 0)
		return false;
	memcpy(row, h->rows, h->row_size);
	last = at(h, --h->count);
	while ((child = 2 * i + 1) < h->count) {
		if (child + 1 < h->count && is_less(h, at(h, child + 1), child))
			child++;
		if (h->compare(last, at(h, child)) <= 0)
			break;
		put(h, i, at(h, child));
		i = child;
	}
	if (at(h, i) != last)
		put(h, i, last);
	return true;
}

void row_heap_free(struct row_heap *h)
{
	free(h->rows);
	h->rows = NULL;
	h->count = h->size = 0;
}
