/* What is to happen, in the order of time; at a tie in the order it was queued. */
#ifndef TAPD_TESTS_QUEUE_H
#define TAPD_TESTS_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct flight; /* net.h */

/* What is the network's; other kinds are those of who lets time pass. */
enum { EVENT_ARRIVAL, EVENT_OTHERS };

struct event {
	uint64_t at_us, order;
	unsigned kind;
	unsigned host;
	struct flight *flight; /* of an arrival */
};

struct queue;

struct queue *queue_new(void);
/* And the flights in it. */
void queue_free(struct queue *q);
void queue_push(struct queue *q, uint64_t at_us, unsigned kind, unsigned host,
		struct flight *flight);
/* NULL: there is none. Borrowed until the queue changes. */
const struct event *queue_first(const struct queue *q);
struct event queue_pop(struct queue *q);
size_t queue_count(const struct queue *q);

#endif
