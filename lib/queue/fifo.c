#include "queue/fifo.h"

/* Frames that come in drive out at most so many each, until the FIFO is short. */
#define TRIM_MAX 2

void fifo_init(struct fifo *f, struct slots *slots, struct queue_stats *stats)
{
	*f = (struct fifo){ .slots = slots, .stats = stats };
	TAILQ_INIT(&f->order);
	flows_init(&f->flows);
}

static void remove_slot(struct fifo *f, struct slot *s)
{
	TAILQ_REMOVE(&f->order, s, in_fifo);
	flows_remove(&f->flows, s);
	f->count--;
	f->bytes -= s->len;
}

/* The newest of that size. */
static void drop_newest(struct fifo *f, struct flow *flow, enum slot_size size)
{
	struct slot *s = TAILQ_LAST(&flow->slots, slot_list);

	while (s->size != size)
		s = TAILQ_PREV(s, slot_list, in_flow);
	remove_slot(f, s);
	stats_drop(f->stats, s, DROP_queue_full);
	slots_give(f->slots, s);
}

static void drop_newest_of_fattest(struct fifo *f)
{
	struct flow *fattest = flows_fattest(&f->flows);
	struct slot *s = TAILQ_LAST(&fattest->slots, slot_list);

	remove_slot(f, s);
	stats_drop(f->stats, s, DROP_queue_delay);
	slots_give(f->slots, s);
}

/* Without its newest frame, which may be a large one. */
static bool is_more_than(const struct fifo *f, uint32_t batches)
{
	const struct slot *last = TAILQ_LAST(&f->order, slot_list);

	return f->count > batches * FIFO_KEEP ||
	       (last &&
		f->bytes - last->len >= (uint64_t)batches * FIFO_KEEP_BYTES);
}

static bool is_too_long(const struct fifo *f, uint64_t now_us)
{
	return is_more_than(f, FIFO_MOST) ||
	       (is_more_than(f, 1) &&
		now_us - TAILQ_FIRST(&f->order)->at_us >= FIFO_TARGET_US);
}

bool fifo_stands(const struct fifo *f, uint64_t now_us)
{
	return now_us < f->stands_until_us;
}

static void trim(struct fifo *f, uint64_t now_us)
{
	if (!fifo_stands(f, now_us))
		return;
	for (int i = 0; i < TRIM_MAX && is_too_long(f, now_us); i++) {
		drop_newest_of_fattest(f);
		/* Trimmed, they do not wait for as long as would tell. */
		f->stands_until_us = now_us + FIFO_MEMORY_US;
	}
}

void fifo_put(struct fifo *f, struct slot *s, uint64_t now_us)
{
	TAILQ_INSERT_TAIL(&f->order, s, in_fifo);
	(void)flows_add(&f->flows, s);
	f->count++;
	f->bytes += s->len;
	trim(f, now_us);
}

/* Whether frames stand, by how long this one did. Behind the last one none does. */
static void watch(struct fifo *f, uint64_t sojourn_us, uint64_t now_us)
{
	if (sojourn_us < FIFO_TARGET_US || f->count == 0) {
		f->above_us = 0;
		return;
	}
	if (f->above_us == 0)
		f->above_us = now_us;
	if (now_us - f->above_us >= FIFO_INTERVAL_US || fifo_stands(f, now_us))
		f->stands_until_us = now_us + FIFO_MEMORY_US;
}

struct slot *fifo_take(struct fifo *f, uint64_t now_us)
{
	struct slot *s = TAILQ_FIRST(&f->order);

	if (!s)
		return NULL;
	remove_slot(f, s);
	watch(f, now_us - s->at_us, now_us);
	return s;
}

bool fifo_make_room(struct fifo *f, enum slot_size size, uint32_t number)
{
	const struct flow *flow = &f->flows.all[number];
	struct flow *most = flows_with_most(&f->flows, size);

	if (!most || most == flow ||
	    most->counts[size] < flow->counts[size] + 1)
		return false;
	drop_newest(f, most, size);
	return true;
}
