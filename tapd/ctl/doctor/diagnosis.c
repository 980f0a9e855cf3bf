#include "tapd/ctl/doctor/diagnosis.h"

#include <net/if.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/ctl/color.h"
#include "tapd/ctl/columns.h"

#define INDENT 4

struct finding {
	char *id, *what, *advice;
	enum severity severity;
};

struct diagnosis {
	struct finding *findings;
	size_t count, size;
	char name[IF_NAMESIZE];
};

struct diagnosis *diagnosis_new(void)
{
	return calloc(1, sizeof(struct diagnosis));
}

static void finding_free(struct finding *f)
{
	free(f->id);
	free(f->what);
	free(f->advice);
}

void diagnosis_free(struct diagnosis *d)
{
	for (size_t i = 0; d && i < d->count; i++)
		finding_free(&d->findings[i]);
	if (d)
		free(d->findings);
	free(d);
}

/* What comes from files and from peers may be no UTF-8, and JSON has nothing else. */
static void clean(char *text)
{
	json_t *value = json_string(text);

	for (char *c = text; !value && *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	json_decref(value);
}

/* Takes what and advice, which may be NULL: memory was short. */
static void add(struct diagnosis *d, enum severity severity, const char *id,
		char *what, char *advice)
{
	struct finding f = { strdup(id), what, advice, severity };

	if (what)
		clean(what);
	if (d && d->count == d->size) {
		size_t size = d->size ? 2 * d->size : 16;
		struct finding *more =
			realloc(d->findings, size * sizeof(*more));

		if (more) {
			d->findings = more;
			d->size = size;
		}
	}
	if (!d || d->count == d->size || !f.id || !f.what || !f.advice)
		finding_free(&f);
	else
		d->findings[d->count++] = f;
}

void diagnosis_name(struct diagnosis *d, const char *interface)
{
	if (d)
		snprintf(d->name, sizeof(d->name), "%s", interface);
}

/* A copy of the text with each NAME replaced; NULL if memory is short. */
static char *expand(const struct diagnosis *d, const char *text)
{
	static const char mark[] = "NAME";
	char *copy = NULL;
	size_t len;
	FILE *out = open_memstream(&copy, &len);

	while (out && *text) {
		const char *at = strstr(text, mark);
		size_t n = at ? (size_t)(at - text) : strlen(text);

		fwrite(text, 1, n, out);
		text += n;
		if (at) {
			fputs(d && *d->name ? d->name : mark, out);
			text += strlen(mark);
		}
	}
	if (out && fclose(out) != 0) {
		free(copy);
		copy = NULL;
	}
	return copy;
}

void diagnosis_add(struct diagnosis *d, enum kind kind, const char *format, ...)
{
	va_list args;
	char *what;

	va_start(args, format);
	if (vasprintf(&what, format, args) < 0)
		what = NULL;
	va_end(args);
	add(d, kinds[kind].severity, kinds[kind].id, what,
	    expand(d, kinds[kind].advice));
}

void diagnosis_take(struct diagnosis *d, const json_t *finding)
{
	const char *id = json_string_value(json_object_get(finding, "id"));
	const char *severity =
		json_string_value(json_object_get(finding, "severity"));
	const char *what = json_string_value(json_object_get(finding, "what"));
	const char *advice =
		json_string_value(json_object_get(finding, "advice"));

	if (!id || !severity || !advice)
		return;
	if (!what) /* a name that is no text */
		what = id;
	for (int i = 0; i < SEVERITY_COUNT; i++)
		if (strcmp(severity, severity_names[i]) == 0)
			add(d, (enum severity)i, id, strdup(what),
			    strdup(advice));
}

bool diagnosis_has(const struct diagnosis *d, const char *id)
{
	for (size_t i = 0; d && i < d->count; i++)
		if (strcmp(d->findings[i].id, id) == 0)
			return true;
	return false;
}

void diagnosis_sort(struct diagnosis *d)
{
	/* They are few, and equal ones keep their order. */
	for (size_t i = 1; d && i < d->count; i++) {
		struct finding f = d->findings[i];
		size_t at = i;

		for (; at > 0 && d->findings[at - 1].severity > f.severity;
		     at--)
			d->findings[at] = d->findings[at - 1];
		d->findings[at] = f;
	}
}

static size_t count_of(const struct diagnosis *d, enum severity severity)
{
	size_t n = 0;

	for (size_t i = 0; d && i < d->count; i++)
		n += d->findings[i].severity == severity;
	return n;
}

int diagnosis_status(const struct diagnosis *d)
{
	if (count_of(d, SEVERITY_ERROR) > 0)
		return 2;
	return count_of(d, SEVERITY_WARNING) > 0 ? 1 : 0;
}

json_t *diagnosis_json(const struct diagnosis *d)
{
	json_t *all = json_array();

	for (size_t i = 0; d && i < d->count; i++) {
		const struct finding *f = &d->findings[i];

		json_array_append_new(
			all, json_pack("{s:s, s:s, s:s, s:s}", "id", f->id,
				       "severity", severity_names[f->severity],
				       "what", f->what, "advice", f->advice));
	}
	return all;
}

static const enum color colors[] = {
	[SEVERITY_ERROR] = COLOR_BAD,
	[SEVERITY_WARNING] = COLOR_DOUBTFUL,
	[SEVERITY_NOTE] = COLOR_NONE,
};

static void print_finding(const struct finding *f, FILE *out)
{
	color_print(out, colors[f->severity]);
	fputs(severity_names[f->severity], out);
	color_print(out, COLOR_NONE);
	fputs(": ", out);
	columns_text(out, f->id);
	fputc('\n', out);
	fprintf(out, "%*s", INDENT, "");
	columns_wrap(out, INDENT, INDENT, f->what);
	fprintf(out, "%*s", INDENT, "");
	columns_wrap(out, INDENT, INDENT, f->advice);
}

static void print_count(FILE *out, size_t count, const char *what,
			const char *end)
{
	fprintf(out, "%zu %s%s%s", count, what, count == 1 ? "" : "s", end);
}

void diagnosis_print(const struct diagnosis *d, FILE *out)
{
	for (size_t i = 0; d && i < d->count; i++)
		print_finding(&d->findings[i], out);
	print_count(out, count_of(d, SEVERITY_ERROR), "error", ", ");
	print_count(out, count_of(d, SEVERITY_WARNING), "warning", ", ");
	print_count(out, count_of(d, SEVERITY_NOTE), "note", "\n");
}
