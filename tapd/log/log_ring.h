/* Lines of the log that wait until somebody takes them. */
#ifndef TAPD_LOG_LOG_RING_H
#define TAPD_LOG_LOG_RING_H

#include <stdbool.h>
#include <stddef.h>

#define LOG_RING_SIZE 65536
/* The longest line, with its end. POSIX writes as much to a pipe in one piece. */
#define LOG_LINE_SIZE 4096

/* First in, first out; each with its length before it. Zeroed, it is empty. */
struct log_ring {
	char bytes[LOG_RING_SIZE];
	size_t first, used;
};

/* Appends a line. False if it does not fit: then nothing has changed. */
bool log_ring_put(struct log_ring *r, const char *line, size_t len);
/* Copies the first line out, and leaves it there. Returns its length; 0: none. */
size_t log_ring_first(const struct log_ring *r, char line[LOG_LINE_SIZE]);
/* Removes the beginning of the first line; with its last byte, the line. */
void log_ring_take(struct log_ring *r, size_t len);

#endif
