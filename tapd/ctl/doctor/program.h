/* What another program says, if it says it soon. */
#ifndef TAPD_CTL_DOCTOR_PROGRAM_H
#define TAPD_CTL_DOCTOR_PROGRAM_H

#include <stddef.h>

/*
 * Runs words[0], found by PATH, with the words up to a NULL, in the locale C and
 * without input. Returns what it printed to its end, at most size - 1 bytes, in buf;
 * "" if there is no such program, if it fails, or if it does not end within timeout_ms:
 * then it is killed.
 */
const char *program_output(const char *const *words, int timeout_ms, char *buf,
			   size_t size);

#endif
