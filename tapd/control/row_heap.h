/* Rows of one size that come in any order and leave in theirs. */
#ifndef TAPD_CONTROL_ROW_HEAP_H
#define TAPD_CONTROL_ROW_HEAP_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A binary heap: each row costs its share of the sorting when it comes and when it
 * leaves, and none of them much, so that a long table is sorted between other work.
 */
struct row_heap {
	size_t row_size;
	int (*compare)(const void *left, const void *right);
	char *rows; /* count of them, and room for more */
	size_t count, size;
};

/* Copies the row in. False if memory is short. */
bool row_heap_push(struct row_heap *h, const void *row);
/* Copies the least row out. False if there is none. */
bool row_heap_pop(struct row_heap *h, void *row);
void row_heap_free(struct row_heap *h);

#endif
