#include "queue/drr.h"

#include "ether/ecn.h"

void drr_init(struct drr *d, struct slots *slots, struct queue_stats *stats)
{
	flows_init(&d->flows);
	TAILQ_INIT(&d->fresh);
	TAILQ_INIT(&d->old);
	d->slots = slots;
	d->stats = stats;
	d->count = 0;
	d->bytes = 0;
}

void drr_put(struct drr *d, struct slot *s)
{
	struct flow *f = flows_add(&d->flows, s);

	d->count++;
	d->bytes += s->len;
	if (f->turn != FLOW_IDLE)
		return;
	f->turn = FLOW_NEW;
	f->deficit = DRR_QUANTUM;
	TAILQ_INSERT_TAIL(&d->fresh, f, in_turn);
}

static void leave_turns(struct drr *d, struct flow *f)
{
	if (f->turn == FLOW_NEW)
		TAILQ_REMOVE(&d->fresh, f, in_turn);
	else if (f->turn == FLOW_OLD)
		TAILQ_REMOVE(&d->old, f, in_turn);
	f->turn = FLOW_IDLE;
}

static void to_the_end(struct drr *d, struct flow *f)
{
	leave_turns(d, f);
	f->turn = FLOW_OLD;
	TAILQ_INSERT_TAIL(&d->old, f, in_turn);
}

/* Whose turn it is, with something to send and the right to. */
static struct flow *next_flow(struct drr *d)
{
	struct flow *f;

	for (;;) {
		f = TAILQ_FIRST(&d->fresh);
		if (!f)
			f = TAILQ_FIRST(&d->old);
		if (!f)
			return NULL;
		if (f->deficit <= 0) {
			f->deficit += DRR_QUANTUM;
			to_the_end(d, f);
		} else if (!TAILQ_EMPTY(&f->slots)) {
			return f;
		} else if (f->turn == FLOW_NEW && !TAILQ_EMPTY(&d->old)) {
			/* Else it would come back as new, before all others. */
			to_the_end(d, f);
		} else {
			leave_turns(d, f);
		}
	}
}

static void remove_slot(struct drr *d, struct slot *s)
{
	flows_remove(&d->flows, s);
	d->count--;
	d->bytes -= s->len;
}

static struct slot *take_first(struct drr *d, struct flow *f)
{
	struct slot *s = TAILQ_FIRST(&f->slots);

	remove_slot(d, s);
	return s;
}

/* False: it is to be dropped as a whole. */
static bool tell_sender(struct drr *d, struct slot *s)
{
	const bool gso = s->offload.gso != OFFLOAD_GSO_NONE;
	struct eth_view view;
	enum drop_reason reason = gso ? eth_parse_gso(&view, s->frame, s->len)
				      : eth_parse(&view, s->frame, s->len);

	if (reason == DROP_NONE && ecn_mark(&view, s->frame)) {
		d->stats->marks++;
		return true;
	}
	return stats_drop_first(d->stats, s, DROP_queue_delay);
}

struct slot *drr_take(struct drr *d, uint64_t now_us)
{
	struct flow *f;

	while ((f = next_flow(d)) != NULL) {
		struct slot *s = take_first(d, f);
		const size_t len = s->len;
		const bool last = TAILQ_EMPTY(&f->slots);

		if (!codel_signals(&f->codel, now_us - s->at_us, last,
				   now_us) ||
		    tell_sender(d, s)) {
			f->deficit -= (int64_t)len;
			return s;
		}
		slots_give(d->slots, s);
	}
	return NULL;
}

bool drr_make_room(struct drr *d, enum slot_size size)
{
	struct flow *f = flows_with_most(&d->flows, size);
	struct slot *s;

	if (!f)
		return false;
	s = TAILQ_FIRST(&f->slots);
	while (s->size != size)
		s = TAILQ_NEXT(s, in_flow);
	remove_slot(d, s);
	stats_drop(d->stats, s, DROP_queue_full);
	slots_give(d->slots, s);
	if (TAILQ_EMPTY(&f->slots))
		codel_is_empty(&f->codel);
	return true;
}
