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

struct flow *flows_fattest(const struct flows *f, enum slot_size size)
{
	struct flow *flow, *fattest = NULL;

	TAILQ_FOREACH(flow, &f->active, in_active)
	if ((size == SLOT_SIZES || flow->counts[size] > 0) &&
	    (!fattest || flow->cost > fattest->cost))
		fattest = flow;
	return fattest;
}
