#include "tapd/ctl/answer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* ---- order ---- */

struct keys {
	const char *key, *other;
};

static const char *text_of(const json_t *row, const char *key)
{
	const char *t =
		json_string_value(key ? json_object_get(row, key) : row);

	return t ? t : "";
}

static int compare_rows(const void *left, const void *right, void *user)
{
	const json_t *const *a = left, *const *b = right;
	const struct keys *keys = user;
	const char *x = text_of(*a, keys->key), *y = text_of(*b, keys->key);
	int order = strverscmp(x, y);

	if (order && *x && *y)
		return order;
	if (order)
		return *x ? -1 : 1;
	return strverscmp(text_of(*a, keys->other), text_of(*b, keys->other));
}

void answer_sort(json_t *rows, const char *key, const char *other)
{
	struct keys keys = { key, other };
	const size_t count = json_array_size(rows);
	json_t **sorted = calloc(count + 1, sizeof(json_t *));

	for (size_t i = 0; sorted && i < count; i++)
		sorted[i] = json_incref(json_array_get(rows, i));
	if (sorted && count > 1) {
		qsort_r(sorted, count, sizeof(json_t *), compare_rows, &keys);
		for (size_t i = 0; i < count; i++)
			json_array_set(rows, i, sorted[i]);
	}
	for (size_t i = 0; sorted && i < count; i++)
		json_decref(sorted[i]);
	free(sorted);
}

/* ---- printing ---- */

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
