/* An event of monitor, as a line of text. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/ctl/answer.h"
#include "tapd/ctl/columns.h"
#include "tapd/ctl/render.h"

/* "23:04:05.123  ". */
#define TIME_LEN  12
#define TEXT_FROM (TIME_LEN + 2)

/* The time of day of "2026-11-29T23:04:05.123Z", or as much as there is. */
static void print_time(FILE *out, const json_t *event)
{
	const char *time = answer_text(event, "time");
	const char *day = strchr(time, 'T');
	int width = 0;

	for (const char *c = day ? day + 1 : ""; width < TIME_LEN; width++)
		fputc(*c >= '.' && *c <= ':' ? *c++ : ' ', out);
	fprintf(out, "  ");
}

static void __attribute__((format(printf, 3, 4)))
say(FILE *out, enum color color, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	if (color != COLOR_NONE)
		color_print(out, color);
	columns_wrap(out, TEXT_FROM, TEXT_FROM, text ? text : "out of memory");
	if (color != COLOR_NONE)
		color_print(out, COLOR_NONE);
	free(text);
}

/* " (VLAN 7)", or nothing. */
static const char *vlan_of(const json_t *event, char buf[UNITS_STRLEN + 16])
{
	char vlan[UNITS_STRLEN];
	const char *tag = answer_integer(event, "vlan", vlan);

	if (strcmp(tag, "0") == 0 || *tag == '-')
		return "";
	snprintf(buf, UNITS_STRLEN + 16, " (VLAN %s)", tag);
	return buf;
}

/* A peer, or this host. */
static const char *who(const json_t *event, const char *key)
{
	const char *name = answer_text(event, key);

	return strcmp(name, "local") == 0 ? "this host" : name;
}

static void peer_event(FILE *out, const json_t *e, const char *type)
{
	const bool relayed = json_is_string(json_object_get(e, "via"));
	const char *peer = answer_text(e, "peer");
	const char *at = answer_text(e, relayed ? "via" : "endpoint");
	const char *via = relayed ? "via " : "";

	if (strcmp(type, "peer_up") == 0)
		say(out, COLOR_GOOD, "%s (%s%s) is up", peer, via, at);
	else if (strcmp(type, "peer_down") == 0)
		say(out, COLOR_BAD, "%s (%s%s) is down: %s", peer, via, at,
		    answer_text(e, "why"));
	else if (strcmp(type, "peer_restarted") == 0)
		say(out, COLOR_NONE, "%s (%s%s) has restarted", peer, via, at);
	else if (strcmp(type, "peer_moved") == 0)
		say(out, COLOR_NONE, "%s moved to %s", peer, at);
	else if (relayed)
		say(out, COLOR_NONE, "%s is reached through %s", peer, at);
	else
		say(out, COLOR_NONE, "%s is reached directly at %s", peer, at);
}

static void table_event(FILE *out, const json_t *e, const char *type)
{
	char buf[UNITS_STRLEN + 16];
	const char *vlan = vlan_of(e, buf);

	if (strcmp(type, "mac_moved") == 0)
		say(out, COLOR_NONE, "%s moved from %s to %s%s",
		    answer_text(e, "mac"), who(e, "from"), who(e, "to"), vlan);
	else
		say(out, COLOR_NONE, "%s %s %s%s", who(e, "peer"),
		    strcmp(type, "group_joined") == 0 ? "joined" : "left",
		    answer_text(e, "group"), vlan);
}

static void source_event(FILE *out, const json_t *e)
{
	char now[UNITS_STRLEN], before[UNITS_STRLEN];

	say(out, COLOR_NONE, "%s lists %s endpoints, %s before",
	    answer_text(e, "source"), answer_integer(e, "endpoints", now),
	    answer_integer(e, "before", before));
}

static void lost_event(FILE *out, const json_t *e)
{
	char count[UNITS_STRLEN];

	say(out, COLOR_DOUBTFUL,
	    "%s events are missing here: they were not read in time",
	    answer_integer(e, "count", count));
}

/* One that this version does not know. */
static void other_event(FILE *out, const json_t *e, const char *type)
{
	char *text = json_dumps(e, JSON_COMPACT | JSON_ENCODE_ANY);

	say(out, COLOR_NONE, "%s %s", type, text ? text : "");
	free(text);
}

void render_event(FILE *out, json_t *event)
{
	const char *type = answer_text(event, "event");

	print_time(out, event);
	if (strcmp(type, "peer_up") == 0 || strcmp(type, "peer_down") == 0 ||
	    strcmp(type, "peer_restarted") == 0 ||
	    strcmp(type, "peer_moved") == 0 || strcmp(type, "peer_path") == 0)
		peer_event(out, event, type);
	else if (strcmp(type, "mac_moved") == 0 ||
		 strcmp(type, "group_joined") == 0 ||
		 strcmp(type, "group_left") == 0)
		table_event(out, event, type);
	else if (strcmp(type, "source_changed") == 0)
		source_event(out, event);
	else if (strcmp(type, "warning") == 0)
		say(out, COLOR_DOUBTFUL, "warning: %s",
		    answer_text(event, "text"));
	else if (strcmp(type, "lost") == 0)
		lost_event(out, event);
	else
		other_event(out, event, type);
}
