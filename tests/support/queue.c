/* The event queue: a binary heap by time, first come first served at a tie. */
#include "support/queue.h"

#include <stdbool.h>
#include <stdlib.h>

#include "support/alloc.h"

struct queue {
	struct event *heap;
	size_t count, capacity;
	uint64_t order;
};

struct queue *queue_new(void)
{
	struct queue *q = test_zalloc(1, sizeof(*q));

	return q;
}

void queue_free(struct queue *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < q->count; i++)
		free(q->heap[i].flight);
	free(q->heap);
	free(q);
}

static bool before(const struct event *a, const struct event *b)
{
	if (a->at_us != b->at_us)
		return a->at_us < b->at_us;
	return a->order < b->order;
}

void queue_push(struct queue *q, uint64_t at_us, unsigned kind, unsigned host,
		struct flight *flight)
{
	struct event e = { at_us, q->order++, kind, host, flight };
	size_t i;

	if (q->count == q->capacity) {
		q->capacity = q->capacity ? 2 * q->capacity : 4096;
		q->heap = test_realloc(q->heap, q->capacity * sizeof(e));
	}
	for (i = q->count++; i > 0; i = (i - 1) / 2) {
		struct event *parent = &q->heap[(i - 1) / 2];

		if (!before(&e, parent))
			break;
		q->heap[i] = *parent;
	}
	q->heap[i] = e;
}

const struct event *queue_first(const struct queue *q)
{
	return q->count > 0 ? &q->heap[0] : NULL;
}

struct event queue_pop(struct queue *q)
{
	struct event first = q->heap[0];
	struct event last = q->heap[--q->count];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= q->count)
			break;
		if (child + 1 < q->count &&
		    before(&q->heap[child + 1], &q->heap[child]))
			child++;
		if (!before(&q->heap[child], &last))
			break;
		q->heap[i] = q->heap[child];
		i = child;
	}
	q->heap[i] = last;
	return first;
}

size_t queue_count(const struct queue *q)
{
	return q->count;
}
