/* Where the log goes: stderr, written without ever waiting for its reader. */
#ifndef TAPD_LOG_LOG_OUTPUT_H
#define TAPD_LOG_LOG_OUTPUT_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Other processes hold the same open file, and O_NONBLOCK would be theirs too. So
 * it is not set on what was inherited:
 *
 *	socket	the journal's, for one: send(2) with MSG_DONTWAIT
 *	pipe	opened a second time, by /proc/self/fd/2, with O_NONBLOCK; where that
 *		is not allowed, written when poll(2) says that there is room
 *	terminal	the same
 *	other	files and /dev/null have no reader that could be waited for
 */
struct log_output {
	int fd;	     /* what to write to and to wait for */
	bool opened; /* fd is ours */
	bool socket; /* send, not write */
	bool ask;    /* poll before each write */
	bool terminal;
};

/* Finds out what stderr is. */
void log_output_open(struct log_output *o);
void log_output_close(struct log_output *o);
/* Writes at most len bytes. Returns how many; -EAGAIN: it would have to wait. */
ssize_t log_output_write(const struct log_output *o, const char *bytes,
			 size_t len);

#endif
