#include "tapd/tap/ip_command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tapd/log/log.h"

void ip_command_log(int err, const char *format, ...)
{
	char command[160];
	va_list args;

	if (err >= 0)
		return;
	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (err == -EPERM)
		log_warning("no right to do this, it is left to you: ip %s",
			    command);
	else
		log_warning("%s%s: ip %s", strerror(-err),
			    err == -EACCES ? " (is disable_ipv6 set for it?)"
					   : "",
			    command);
}
