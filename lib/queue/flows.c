#include "queue/flows.h"

#include <string.h>

void flows_init(struct flows *f)
{
	memset(f, 0, sizeof(*f));
	TAILQ_INIT(&f->active);
	for (size_t i = 0; i < FLOWS; i++)
		TAILQ_INIT(&f->all[i].slots);
}

struct flow *flows_add(struct flows *f, struct slot *s)
{
	struct flow *flow = &f->all[s->flow];

	if (TAILQ_EMPTY(&flow->slots))
		TAILQ_INSERT_TAIL(&f->active, flow, in_active);
	TAILQ_INSERT_TAIL(&flow->slots, s, in_flow);
	flow->cost += slot_cost(s);
	flow->counts[s->size]++;
	return flow;
}

void flows_remove(struct flows *f, struct slot *s)
{
	struct flow *flow = &f->all[s->flow];

	TAILQ_REMOVE(&flow->slots, s, in_flow);
	flow->cost -= slot_cost(s);
	flow->counts[s->size]--;
	if (TAILQ_EMPTY(&flow->slots))
		TAILQ_REMOVE(&f->active, flow, in_active);
}

struct flow *flows_with_most(const struct flows *f, enum slot_size size)
{
	struct flow *flow, *most = NULL;
	uint32_t count = 0;

	TAILQ_FOREACH(flow, &f->active, in_active)
	if (flow->counts[size] > count) {
		most = flow;
		count = flow->counts[size];
	}
	return most;
}

/* What a flow has before others have their turn: its only frame is no burden. */
static uint64_t burden(const struct flow *flow)
{
	uint32_t frames = 0;

	for (enum slot_size i = 0; i < SLOT_SIZES; i++)
		frames += flow->counts[i];
	return frames > 1 ? flow->cost : 0;
}

struct flow *flows_fattest(const struct flows *f)
{
	struct flow *flow, *fattest = NULL;
	uint64_t most = 0;

	TAILQ_FOREACH(flow, &f->active, in_active)
	if (!fattest || burden(flow) > most) {
		fattest = flow;
		most = burden(flow);
	}
	return fattest;
}
