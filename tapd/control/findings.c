#include "tapd/control/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void findings_add(struct findings *f, const char *format, ...)
{
	char *what;
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&what, format, args);
	va_end(args);
	if (len < 0) {
		f->found(f->user, f->check, "out of memory");
		return;
	}
	f->found(f->user, f->check, what);
	free(what);
}

static const char *peer_label(const struct node_peer_info *p,
			      char text[ADDR_STRLEN])
{
	if (*p->name)
		return p->name;
	return p->has_endpoint ? addr_print(&p->endpoint, text) : "a peer";
}

void naming_add(struct naming *n, const struct node_peer_info *p,
		unsigned value, const char *unit)
{
	char label[ADDR_STRLEN];
	int len;

	if (n->count++ >= FINDINGS_NAMED_MAX)
		return;
	len = snprintf(n->text + n->len, sizeof(n->text) - n->len,
		       "%s%s (%u%s)", n->len ? ", " : "", peer_label(p, label),
		       value, unit);
	n->len += (size_t)len;
	if (n->len >= sizeof(n->text))
		n->len = sizeof(n->text) - 1;
}

void findings_add_named(struct findings *f, const char *what,
			const struct naming *n)
{
	if (n->count > FINDINGS_NAMED_MAX)
		findings_add(f, "%s: %s and %u more", what, n->text,
			     n->count - FINDINGS_NAMED_MAX);
	else if (n->count > 0)
		findings_add(f, "%s: %s", what, n->text);
}
