/* Messages for people, handed upward as allocated text. */
#ifndef TAPD_COMMON_ERROR_H
#define TAPD_COMMON_ERROR_H

/* Sets *error (to be freed), unless an earlier message is there: the first one
 * is nearest the cause. error may be NULL: nobody asks. */
void error_set(char **error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
