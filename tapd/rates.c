#include "tapd/rates.h"

#include "base/clock.h"

#define SAMPLE_US CLOCK_S
#define USEFUL_US (RATES_SAMPLES * SAMPLE_US)

/* The n-th newest sample. */
static const struct rates_sample *sample(const struct rates *r, unsigned n)
{
	return &r->samples[(r->next + RATES_SAMPLES - 1 - n) % RATES_SAMPLES];
}

void rates_sample(struct rates *r, const struct node *n, uint64_t now_us)
{
	struct node_status status;

	if (r->count > 0 && now_us - sample(r, 0)->at_us < SAMPLE_US)
		return;
	node_status(n, &status);
	r->samples[r->next] = (struct rates_sample){ .at_us = now_us,
						     .tx = status.tx,
						     .rx = status.rx };
	r->next = (r->next + 1) % RATES_SAMPLES;
	if (r->count < RATES_SAMPLES)
		r->count++;
}

static double per_second(uint64_t now, uint64_t then, uint64_t us)
{
	return (double)(now - then) * (double)CLOCK_S / (double)us;
}

struct report_rates rates_now(const struct rates *r, const struct node *n,
			      uint64_t now_us)
{
	struct node_status status;
	unsigned i = 0;

	if (r->count == 0)
		return (struct report_rates){ 0 };
	/* The newest if all are old: then there was little since. */
	while (i + 1 < r->count &&
	       now_us - sample(r, i + 1)->at_us <= USEFUL_US)
		i++;
	const struct rates_sample *base = sample(r, i);
	if (base->at_us >= now_us)
		return (struct report_rates){ 0 };

	uint64_t us = now_us - base->at_us;
	node_status(n, &status);
	return (struct report_rates){
		.tx_frames = per_second(status.tx.frames, base->tx.frames, us),
		.tx_bytes = per_second(status.tx.bytes, base->tx.bytes, us),
		.rx_frames = per_second(status.rx.frames, base->rx.frames, us),
		.rx_bytes = per_second(status.rx.bytes, base->rx.bytes, us),
	};
}
