/* One line a message, to stderr or the journal. */
#ifndef TAPD_LOG_LOG_H
#define TAPD_LOG_LOG_H

#include <stdbool.h>
#include <stdint.h>

struct event_base;

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG /* everything: nothing is logged at this level alone */
};

/*
 * Under systemd (JOURNAL_STREAM) lines carry an sd-daemon(3) priority prefix and no
 * time; elsewhere they begin with "tapd[tap0]: ", and on a terminal with the time.
 *
 * Nothing waits for who reads them. What stderr does not take now is kept, up to
 * LOG_RING_SIZE bytes; what does not fit is lost, and once the rest is out a line
 * says how many were.
 */
void log_open(const char *interface, enum log_level level);
void log_set_level(enum log_level level);
/* In a forked process that has closed all descriptors but the first three. */
void log_open_again(void);
/* From here on the loop writes what is kept. Without it the next message does. False
 * if memory is short. */
bool log_watch(struct event_base *base);
/* Before the loop is freed. Writes what is kept, for 200 ms at most. */
void log_unwatch(void);
/* How many lines were lost since the start. */
uint64_t log_lost(void);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
