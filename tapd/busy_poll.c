#include "tapd/busy_poll.h"

void busy_poll_turn(struct busy_poll *p, enum busy_poll_side side, bool lone,
		    uint64_t now_us)
{
	bool soon = now_us - p->turn_us <= p->limit_us;
	unsigned *answered = &p->answered[p->side];

	if (!p->lone || !lone || side == p->side || !soon)
		*answered = 0;
	else if (*answered < BUSY_POLL_PROOF)
		++*answered;
	p->turn_us = now_us;
	p->side = side;
	p->lone = lone;
}

uint64_t busy_poll_until(const struct busy_poll *p)
{
	if (!p->lone || p->answered[p->side] < BUSY_POLL_PROOF)
		return 0;
	return p->turn_us + p->limit_us;
}
