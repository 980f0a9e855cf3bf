/* The host's files, as the caller may read them. */
#ifndef TAPD_CTL_DOCTOR_HOST_H
#define TAPD_CTL_DOCTOR_HOST_H

#include <stdbool.h>
#include <stddef.h>

/*
 * root stands before each path: "" for this host, or a tree that a test planted. A
 * path is written as printf has it.
 */

/* A file's text, to be freed; NULL with errno if it cannot be read. No more than
 * its first MiB. */
char *host_text(const char *root, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The number that a file begins with; `otherwise` if there is none. */
long host_number(const char *root, long otherwise, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Whether a program of that name (at most 15 bytes, as in /proc/PID/comm) runs in
 * our network namespace, or where that cannot be seen. */
bool host_runs(const char *root, const char *name);

/* The next line of a text, without its end and cut to what fits; *at, which may be NULL,
 * is where it begins, and where the one after it does. False at the end. */
bool host_line(const char **at, char *line, size_t size);

/* The value of "KEY=value" on a line of its own, without quotation marks: to be
 * freed; NULL: there is none. text may be NULL. */
char *host_setting(const char *text, const char *key);

#endif
