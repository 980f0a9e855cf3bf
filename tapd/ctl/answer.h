/* Values of what a daemon answered, of any version: whatever they are, there is one. */
#ifndef TAPD_CTL_ANSWER_H
#define TAPD_CTL_ANSWER_H

#include <jansson.h>

#include "tapd/ctl/units.h"

/* A text, or "-". */
const char *answer_shown(const json_t *value);
const char *answer_text(const json_t *object, const char *key);
/* NaN, which units_* show as "-", if it is not known. */
double answer_number(const json_t *object, const char *key);
/* An integer as it is, or "-". */
const char *answer_integer(const json_t *object, const char *key,
			   char buf[UNITS_STRLEN]);

#endif
