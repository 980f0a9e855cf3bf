/* Values of what a daemon answered, of any version: whatever they are, there is one. */
#ifndef TAPD_CTL_ANSWER_H
#define TAPD_CTL_ANSWER_H

#include <jansson.h>
#include <stdio.h>

#include "tapd/ctl/units.h"

/* A text, or "-". */
const char *answer_shown(const json_t *value);
const char *answer_text(const json_t *object, const char *key);
/* NaN, which units_* show as "-", if it is not known. */
double answer_number(const json_t *object, const char *key);
/* An integer as it is, or "-". */
const char *answer_integer(const json_t *object, const char *key,
			   char buf[UNITS_STRLEN]);

/*
 * Puts the rows of an array in the order of that text of theirs, in which numbers count
 * as such: web2 before web10. Those that have none come last, by `other`. key NULL: the
 * rows are texts. Whatever else it is, and if memory is short, it stays as it is.
 */
void answer_sort(json_t *rows, const char *key, const char *other);

/*
 * Prints it as JSON, and the end of the line. flags: JSON_INDENT or JSON_COMPACT. What
 * could drive a terminal is escaped there: C0 and DEL everywhere, the rest, which is
 * C1 and every other character that is not ASCII, on a terminal.
 */
void answer_print(FILE *out, const json_t *value, size_t flags);

#endif
