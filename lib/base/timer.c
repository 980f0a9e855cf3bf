#include "base/timer.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"

/*
 * heap[0] is the earliest; the children of heap[i] are 2i + 1 and 2i + 2 and
 * never earlier than it. Each timer knows its place (position - 1), so that it
 * can be moved or cancelled without a search.
 */

bool timers_init(struct timers *t, uint32_t capacity)
{
	*t = (struct timers){ .capacity = capacity };
	t->heap = calloc(capacity ? capacity : 1, sizeof(struct timer *));
	return t->heap != NULL;
}

void timers_free(struct timers *t)
{
	free(t->heap);
	*t = (struct timers){ 0 };
}

static void place(struct timers *t, uint32_t i, struct timer *timer)
{
	t->heap[i] = timer;
	timer->position = i + 1;
}

/* Puts a timer in at the hole i, or above if it is due earlier. */
static void sift_up(struct timers *t, uint32_t i, struct timer *timer)
{
	while (i > 0) {
		uint32_t parent = (i - 1) / 2;

		if (t->heap[parent]->due_us <= timer->due_us)
			break;
		place(t, i, t->heap[parent]);
		i = parent;
	}
	place(t, i, timer);
}

/* Puts a timer in at the hole i, or below if it is due later. */
static void sift_down(struct timers *t, uint32_t i, struct timer *timer)
{
	/* A leaf has no 2i + 1 below count; half is where they start. */
	while (i < t->count / 2) {
		uint32_t child = 2 * i + 1;

		if (child + 1 < t->count &&
		    t->heap[child + 1]->due_us < t->heap[child]->due_us)
			child++;
		if (timer->due_us <= t->heap[child]->due_us)
			break;
		place(t, i, t->heap[child]);
		i = child;
	}
	place(t, i, timer);
}

static void settle(struct timers *t, uint32_t i, struct timer *timer)
{
	if (i > 0 && timer->due_us < t->heap[(i - 1) / 2]->due_us)
		sift_up(t, i, timer);
	else
		sift_down(t, i, timer);
}

void timers_set(struct timers *t, struct timer *timer, uint64_t due_us)
{
	if (due_us == CLOCK_NEVER) {
		timers_cancel(t, timer);
		return;
	}
	timer->due_us = due_us;
	if (timer_armed(timer)) {
		settle(t, timer->position - 1, timer);
		return;
	}
	assert(t->count < t->capacity);
	sift_up(t, t->count++, timer);
}

void timers_cancel(struct timers *t, struct timer *timer)
{
	uint32_t hole = timer->position - 1;
	struct timer *last;

	if (!timer_armed(timer))
		return;
	assert(hole < t->count && t->heap[hole] == timer);
	timer->position = 0;
	last = t->heap[--t->count];
	if (last != timer)
		settle(t, hole, last);
}

bool timer_armed(const struct timer *timer)
{
	return timer->position != 0;
}

uint64_t timers_next(const struct timers *t)
{
	return t->count ? t->heap[0]->due_us : CLOCK_NEVER;
}

struct timer *timers_pop(struct timers *t, uint64_t now_us)
{
	struct timer *first;

	if (t->count == 0 || t->heap[0]->due_us > now_us)
		return NULL;
	first = t->heap[0];
	timers_cancel(t, first);
	return first;
}
