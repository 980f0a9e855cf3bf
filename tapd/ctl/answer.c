#include "tapd/ctl/answer.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

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

/* Jansson's callback. It leaves DEL, which is in strings only, as it is. */
static int put(const char *bytes, size_t len, void *out)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] == 0x7f)
			fputs("\\u007f", out);
		else
			fputc(bytes[i], out);
	return 0;
}

void answer_print(FILE *out, const json_t *value, size_t flags)
{
	flags |= JSON_REAL_PRECISION(9) | JSON_ENCODE_ANY;
	if (isatty(fileno(out)))
		flags |= JSON_ENSURE_ASCII;
	json_dump_callback(value, put, out, flags);
	fputc('\n', out);
}
