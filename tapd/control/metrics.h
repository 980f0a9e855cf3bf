/* The daemon's numbers in the text format of Prometheus. */
#ifndef TAPD_CONTROL_METRICS_H
#define TAPD_CONTROL_METRICS_H

#include "tapd/control/control.h"
#include "tapd/control/snapshot.h"

/*
 * The text of one scrape, made line by line. Units are seconds, bytes and ratios.
 * Labels are bounded: interfaces, peers, and words of tables of our own; never a MAC,
 * a group or an endpoint. Peers that share a name are told apart by their keys; hosts
 * without a name are only counted, in tapd_peers. A value that is not known is left
 * out. Reasons and checks are all there, those at 0 too, so that a rate is right from
 * the first time.
 *
 * Each metric names the interface: an exporter that collects the files of several
 * daemons of one host tells them apart by it.
 *
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
struct metrics;

/* NULL if memory is short. Of the snapshot nothing is needed after it returns. */
struct metrics *metrics_new(const struct snapshot *s);
/* NULL is fine. */
void metrics_free(struct metrics *m);
/* The next line, or the two that say what follows, without the last line's end; in
 * some microseconds. Borrowed until the next call. NULL at the end. */
const char *metrics_next(struct metrics *m);

/* What metrics_next says, as strings: a table of tapctl's. */
struct control_list *list_metrics(const struct snapshot *s);

#endif
