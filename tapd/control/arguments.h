/* The arguments of a command that came through the control socket. */
#ifndef TAPD_CONTROL_ARGUMENTS_H
#define TAPD_CONTROL_ARGUMENTS_H

#include <jansson.h>
#include <stdbool.h>

enum argument_kind {
	ARGUMENT_TEXT,	 /* a string of 1 to ARGUMENT_TEXT_MAX bytes */
	ARGUMENT_NUMBER, /* a whole number from min to max */
	ARGUMENT_FLAG,	 /* true or false */
};

#define ARGUMENT_TEXT_MAX 255

struct argument {
	const char *name; /* NULL: ends a table of them */
	enum argument_kind kind;
	json_int_t min, max;
};

/*
 * Whether an object of foreign values has only arguments that `takes` lists, each of
 * its kind. None has to be there: given NULL, and takes NULL, are none. Text is
 * UTF-8 without control characters. Otherwise *error (to be freed) says which is
 * wrong with `command`. (jansson walks no const object.)
 */
bool arguments_check(json_t *given, const struct argument *takes,
		     const char *command, char **error);

/* After the check; what is not given is NULL, `otherwise`, false. */
const char *argument_text(const json_t *given, const char *name);
json_int_t argument_number(const json_t *given, const char *name,
			   json_int_t otherwise);
bool argument_flag(const json_t *given, const char *name);

#endif
