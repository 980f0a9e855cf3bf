/* Events as they happen, for tapctl monitor. */
#ifndef TAPD_CONTROL_MONITOR_H
#define TAPD_CONTROL_MONITOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "tapd/control/control.h"

/*
 * Each subscriber has a queue, so that one which reads slowly, or not at all, costs
 * no other anything. What does not fit is lost: until the queue was read, so that
 * what is lost is one gap, after which the number of events in it is told. There
 * are few subscribers, for each holds a client's place.
 *
 * A peer can make an event of each frame. So one that reads as fast as it can is told
 * MONITOR_RATE a second, and what nobody has room for is counted, not made.
 */
#define MONITOR_SUBSCRIBERS 4
#define MONITOR_QUEUE	    1024 /* events of one of them */
#define MONITOR_RATE	    2000

struct monitor;

/* watched: called when the first subscriber comes, and when the last has gone. NULL
 * if memory is short. */
struct monitor *monitor_new(void (*watched)(void *user, bool on), void *user);
/* After its lists: control_free. NULL is fine. */
void monitor_free(struct monitor *m);

/* To be called for each event before it is made. False: it would be told to nobody,
 * and those who have no room for it will be told that it is lost. */
bool monitor_wants(struct monitor *m, uint64_t wall_us);
/* To be called once a second: what was lost is told if nothing happens any more. */
void monitor_tick(struct monitor *m, uint64_t wall_us);
/* Takes the reference of an object, which may be NULL: memory is short. wall_us: its
 * time. */
void monitor_tell(struct monitor *m, const char *event, uint64_t wall_us,
		  json_t *what);
/* A subscriber, as a list of lines. NULL with *error (to be freed). */
struct control_list *monitor_subscribe(struct monitor *m, char **error);

/* "2026-11-29T23:04:05.123Z": RFC 3339, UTC. */
#define MONITOR_TIME_LEN 32
const char *monitor_time(uint64_t wall_us, char buf[MONITOR_TIME_LEN]);

#endif
