#include "tapd/control/arguments.h"

#include <string.h>

#include "tapd/common/error.h"

static const struct argument *find(const struct argument *takes,
				   const char *name)
{
	for (; takes && takes->name; takes++)
		if (strcmp(takes->name, name) == 0)
			return takes;
	return NULL;
}

/* It will be compared, and shown in messages. */
static bool is_plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	return true;
}

static bool check_text(const json_t *value, const struct argument *a,
		       char **error)
{
	size_t len = json_string_length(value);

	if (json_is_string(value) && len >= 1 && len <= ARGUMENT_TEXT_MAX &&
	    is_plain(json_string_value(value), len))
		return true;
	error_set(error, "%s: text of 1 to %d bytes is needed", a->name,
		  ARGUMENT_TEXT_MAX);
	return false;
}

static bool check_number(const json_t *value, const struct argument *a,
			 char **error)
{
	json_int_t n = json_integer_value(value);

	if (json_is_integer(value) && n >= a->min && n <= a->max)
		return true;
	error_set(error,
		  "%s: a number from %" JSON_INTEGER_FORMAT
		  " to %" JSON_INTEGER_FORMAT " is needed",
		  a->name, a->min, a->max);
	return false;
}

static bool check_flag(const json_t *value, const struct argument *a,
		       char **error)
{
	if (json_is_boolean(value))
		return true;
	error_set(error, "%s: true or false is needed", a->name);
	return false;
}

static bool check(const json_t *value, const struct argument *a, char **error)
{
	switch (a->kind) {
	case ARGUMENT_TEXT:
		return check_text(value, a, error);
	case ARGUMENT_NUMBER:
		return check_number(value, a, error);
	case ARGUMENT_FLAG:
		return check_flag(value, a, error);
	}
	return false;
}

bool arguments_check(json_t *given, const struct argument *takes,
		     const char *command, char **error)
{
	const char *name;
	json_t *value;

	if (given && !json_is_object(given)) {
		error_set(error, "arguments: an object is needed");
		return false;
	}
	json_object_foreach(given, name, value)
	{
		const struct argument *a = find(takes, name);

		/* The name is foreign: it is not repeated. */
		if (!a) {
			error_set(error, "%s takes no such argument", command);
			return false;
		}
		if (!check(value, a, error))
			return false;
	}
	return true;
}

const char *argument_text(const json_t *given, const char *name)
{
	return json_string_value(json_object_get(given, name));
}

json_int_t argument_number(const json_t *given, const char *name,
			   json_int_t otherwise)
{
	const json_t *value = json_object_get(given, name);

	return value ? json_integer_value(value) : otherwise;
}

bool argument_flag(const json_t *given, const char *name)
{
	return json_is_true(json_object_get(given, name));
}
