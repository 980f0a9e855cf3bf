#include "tapd/tap/busy_poll.h"

void busy_poll_frames(struct busy_poll *p, enum busy_poll_side from,
		      const struct frame *frames, size_t count, uint64_t now_us)
{
	bool lone = count == 1 && frames[0].offload.gso == OFFLOAD_GSO_NONE;
	bool soon = now_us - p->last_us <= p->limit_us;
	unsigned *answered = &p->answered[p->from];

	if (!p->lone || !lone || from == p->from || !soon)
		*answered = 0;
	else if (*answered < BUSY_POLL_PROOF)
		++*answered;
	p->last_us = now_us;
	p->from = from;
	p->lone = lone;
}

uint64_t busy_poll_until(const struct busy_poll *p)
{
	if (!p->lone || p->answered[p->from] < BUSY_POLL_PROOF)
		return 0;
	return p->last_us + p->limit_us;
}
