/* Peers by how much they send and receive, of two answers some time apart. */
#ifndef TAPD_CTL_TOP_TABLE_H
#define TAPD_CTL_TOP_TABLE_H

#include <jansson.h>
#include <stdio.h>

/*
 * The peers of `now`, an answer to peers, each with its rates since `before`, such
 * an answer `seconds` ago: a new array of
 * {name, key, endpoint, state, rtt_us, loss, rates: {tx_frames, tx_bytes, rx_frames,
 * rx_bytes}}, the busiest first. Rates are null where they are not known. NULL if
 * memory is short.
 */
json_t *top_rows(const json_t *before, const json_t *now, double seconds);

/* What status says in two lines, and the rows below, in so many lines at most; 0: no
 * bound. */
void top_render(FILE *out, const json_t *status, const json_t *rows,
		size_t lines);

#endif
