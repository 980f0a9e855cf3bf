#include "tapd/ctl/answer.h"

#include <math.h>
#include <stdio.h>

const char *answer_shown(const json_t *value)
{
	const char *t = json_string_value(value);

	return t && *t ? t : "-";
}

const char *answer_text(const json_t *object, const char *key)
{
	return answer_shown(json_object_get(object, key));
}

double answer_number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

const char *answer_integer(const json_t *object, const char *key,
			   char buf[UNITS_STRLEN])
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value))
		return "-";
	snprintf(buf, UNITS_STRLEN, "%" JSON_INTEGER_FORMAT,
		 json_integer_value(value));
	return buf;
}
