#include "tapd/common/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void error_set(char **error, const char *format, ...)
{
	va_list args;

	if (!error || *error)
		return;
	va_start(args, format);
	if (vasprintf(error, format, args) < 0)
		*error = strdup("out of memory");
	va_end(args);
}
