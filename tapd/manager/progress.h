/* When the service is ready, and what is shown beside it. */
#ifndef TAPD_MANAGER_PROGRESS_H
#define TAPD_MANAGER_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Programs that are started after tapd (Keepalived, Corosync) decide by what they hear
 * first, so it is ready once the interface is up, interface.up has been run, and a peer
 * is up, if there are to be peers. Nobody waits for longer than PROGRESS_WAIT_US: a host
 * that is the first, or alone, starts as well. Only interface.up is waited for, as it
 * has a limit of its own.
 *
 * All zero but started_us at the start.
 */
struct progress {
	uint64_t started_us;
	bool ready;
	uint64_t shown_us; /* when the numbers were shown last; 0: never */
	uint32_t peers_up, peers_total; /* as they were shown */
};

#define PROGRESS_WAIT_US 5000000

/* How it is now. */
struct progress_now {
	uint64_t us;	  /* on the clock of started_us */
	bool link_up;	  /* the interface is set up */
	bool hook_runs;	  /* interface.up has not ended */
	bool wants_peers; /* the configuration names some, or who lists them */
	uint32_t peers_up, peers_total;
};

enum progress_news {
	PROGRESS_NOTHING,
	PROGRESS_STATUS, /* the numbers are others; at most once a second */
	PROGRESS_READY,	 /* it has become ready; once, with the numbers */
};

/* What there is to tell; it counts as told. */
enum progress_news progress_look(struct progress *p,
				 const struct progress_now *now);

#define PROGRESS_TEXT_LEN 64

/* "2 of 3 peers up", as shown last. */
const char *progress_print(const struct progress *p,
			   char text[PROGRESS_TEXT_LEN]);

#endif
