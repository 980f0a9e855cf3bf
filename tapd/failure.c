#include "tapd/failure.h"

#include <stdarg.h>
#include <stdio.h>

void failure_set(char **error, const char *format, ...)
{
	if (!error)
		return;
	va_list args;
	va_start(args, format);
	if (vasprintf(error, format, args) < 0)
		*error = NULL;
	va_end(args);
}
