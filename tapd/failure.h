/* Errors that go up as one line of text for the user. */
#ifndef TAPD_FAILURE_H
#define TAPD_FAILURE_H

/*
 * Sets *error to the formatted text (to be freed by whoever ends up with it),
 * unless error is NULL. The text says what is wrong, where, and what to do; it
 * has no newline. NULL in *error means that even the text found no memory.
 */
void failure_set(char **error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
