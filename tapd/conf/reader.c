#include "tapd/conf/reader.h"

#include <stdarg.h>
#include <stdlib.h>

#include "tapd/common/error.h"
#include "tapd/conf/source.h"

/* "FILE:LINE", or "command line". */
static char *where(const struct conf_reader *r, unsigned line)
{
	char *text = NULL;

	if (r->source)
		error_set(&text, "%s:%u", conf_source_file(r->source, line),
			  conf_source_line(r->source, line));
	else
		error_set(&text, "command line");
	return text;
}

char *conf_where(const struct conf_reader *r, const struct conf_key *key)
{
	const config_setting_t *at = config_lookup(r->config, key->path);

	return where(r, at ? config_setting_source_line(at) : 0);
}

bool conf_fail(struct conf_reader *r, const struct conf_key *key,
	       const config_setting_t *at, const char *format, ...)
{
	const char *name = !r->source && key->option ? key->option : key->path;
	char *place, *what = NULL;
	va_list args;

	if (!at)
		at = config_lookup(r->config, key->path);
	place = where(r, at ? config_setting_source_line(at) : 0);
	va_start(args, format);
	if (vasprintf(&what, format, args) < 0)
		what = NULL;
	va_end(args);
	error_set(r->error, "%s: %s: %s", place ? place : "?", name,
		  what ? what : "out of memory");
	/* What is quoted may be anything; the message is one line. */
	for (char *c = *r->error; c && *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	free(place);
	free(what);
	return false;
}
