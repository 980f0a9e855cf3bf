/* Deadlines: a binary heap of timers embedded in the objects they wake. */
#ifndef TAPD_BASE_TIMER_H
#define TAPD_BASE_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed before its first use. One timer is in one heap at most. */
struct timer {
	uint64_t due_us;   /* monotonic; meaningful while armed */
	uint32_t position; /* 1-based place in the heap; 0: not armed */
	uint32_t kind;	   /* for the owner: which of its timers this is */
	void *owner;	   /* for the owner */
};

struct timers {
	struct timer **heap;
	uint32_t count, capacity;
};

/* The heap holds at most capacity timers. False if memory is short. */
bool timers_init(struct timers *t, uint32_t capacity);
void timers_free(struct timers *t);

/* Arms the timer, or moves it. CLOCK_NEVER disarms. Arming more timers than
 * the capacity is a bug of ours (assert). */
void timers_set(struct timers *t, struct timer *timer, uint64_t due_us);
void timers_cancel(struct timers *t, struct timer *timer);
bool timer_armed(const struct timer *timer);

/* The earliest deadline, or CLOCK_NEVER. */
uint64_t timers_next(const struct timers *t);
/* Disarms and returns the earliest timer that is due at now_us, or NULL. */
struct timer *timers_pop(struct timers *t, uint64_t now_us);

#endif
