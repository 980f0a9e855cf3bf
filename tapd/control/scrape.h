/* One client that scrapes: its request in HTTP, and the metrics. */
#ifndef TAPD_CONTROL_SCRAPE_H
#define TAPD_CONTROL_SCRAPE_H

#include <stdbool.h>
#include <stdint.h>

struct bufferevent;
struct event;
struct event_base;
struct metrics;

/* The metrics of this moment, for whoever asked to free; NULL: not now. */
typedef struct metrics *scrape_ask(void *user);

/*
 * GET /metrics is answered, by HTTP 1.0 or 1.1, in chunks by the latter, and then the
 * connection is closed. All else is an error of HTTP, and so is a request that is
 * longer than 4 KiB. Each turn of the loop sends a bounded part, once the part before
 * it was taken. Whatever the client does, it is over after SCRAPE_S.
 */
#define SCRAPE_S 10

struct scrape {
	scrape_ask *ask;
	void *user;
	struct bufferevent *bev; /* NULL: it is closed */
	struct event *end;
	struct metrics *metrics; /* that are to be sent yet, or NULL */
	bool chunked, answered;
	uint64_t since_ms; /* by CLOCK_MONOTONIC */
};

/* Serves the client at fd, which it takes. False if memory is short: then fd is
 * closed. */
bool scrape_open(struct scrape *s, struct event_base *base, int fd,
		 scrape_ask *ask, void *user);
void scrape_close(struct scrape *s);
/* For how long it has asked nothing yet, in milliseconds; 0 if it has. */
uint64_t scrape_silence_ms(const struct scrape *s);

#endif
