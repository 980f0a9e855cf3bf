/* Traffic per second, over the last few, without a clock of its own. */
#ifndef TAPD_RATES_H
#define TAPD_RATES_H

#include <stdint.h>

#include "node/node.h"
#include "tapd/report.h"

/*
 * Samples are taken when traffic passes, at most one a second, so that an idle
 * daemon sleeps. Zeroed before its first use.
 */
#define RATES_SAMPLES 6

struct rates {
	struct rates_sample {
		uint64_t at_us;
		struct node_counters tx, rx;
	} samples[RATES_SAMPLES]; /* a ring */
	unsigned next, count;
};

/* Takes a sample if the last one is a second old. */
void rates_sample(struct rates *r, const struct node *n, uint64_t now_us);
/* The rates from the oldest useful sample until now. */
struct report_rates rates_now(const struct rates *r, const struct node *n,
			      uint64_t now_us);

#endif
