/* One line a message, to stderr or the journal. */
#ifndef TAPD_LOG_H
#define TAPD_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* Under systemd (JOURNAL_STREAM) lines carry an sd-daemon(3) priority prefix
 * and no time; elsewhere "tapd[tap0]: text". */
void log_open(const char *interface, enum log_level level);
void log_set_level(enum log_level level);
/* "error", "warning", "info", "debug". False if text is none of them. */
bool log_level_parse(enum log_level *level, const char *text);
const char *log_level_name(enum log_level level);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
