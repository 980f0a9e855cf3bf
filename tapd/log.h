/* One line a message, to stderr or the journal. */
#ifndef TAPD_LOG_H
#define TAPD_LOG_H

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG /* everything: nothing is logged at this level alone */
};

/* Under systemd (JOURNAL_STREAM) lines carry an sd-daemon(3) priority prefix
 * and no time; elsewhere "tapd[tap0]: text". */
void log_open(const char *interface, enum log_level level);
void log_set_level(enum log_level level);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
