/* The mesh for people: who measures what of whom, and the worst of it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tapd/ctl/color.h"
#include "tapd/ctl/columns.h"
#include "tapd/ctl/mesh.h"
#include "tapd/ctl/units.h"

/* Hosts are numbered; a block of columns fits into a line. */
#define BLOCK	   16
#define CELL_WIDTH 4
#define NAME_WIDTH 8
/* Of more, a table shows nothing any more. */
#define TABLE_MAX 48
#define WORST_MAX 5
#define MUTE_MAX  8

/* In CELL_WIDTH - 1 columns, what makes the link bad, if anything does: "12%"; else
 * how long its round trip is, in milliseconds: "0.4", "12", or in seconds: "2s". */
static void print_cell(const struct mesh *m, size_t from, size_t to,
		       char out[16])
{
	const struct mesh_link *l = mesh_link(m, from, to);
	const double ms = l->rtt_us / 1000;

	if (from == to)
		snprintf(out, 16, "\\");
	else if (l->loss >= 0.005)
		snprintf(out, 16, "%.0f%%", fmin(99, 100 * l->loss));
	else if (isnan(ms))
		snprintf(out, 16, isnan(l->loss) ? "-" : "ok");
	else if (ms < 9.95)
		snprintf(out, 16, "%.1f", ms);
	else if (ms < 999.5)
		snprintf(out, 16, "%.0f", ms);
	else
		snprintf(out, 16, "%.0fs", fmin(99, ms / 1000));
}

static void table_row(const struct mesh *m, FILE *out, size_t from,
		      size_t first, size_t end)
{
	fprintf(out, "%3zu %-*.*s", from + 1, NAME_WIDTH, NAME_WIDTH,
		m->names[from]);
	for (size_t to = first; to < end; to++) {
		const double bad = from == to ? 0 : mesh_badness(m, from, to);
		char cell[16];

		print_cell(m, from, to, cell);
		fprintf(out, "%*s", CELL_WIDTH - (int)strlen(cell), "");
		color_print(out, bad >= MESH_BAD	? COLOR_BAD
				 : bad >= MESH_DOUBTFUL ? COLOR_DOUBTFUL
							: COLOR_NONE);
		fputs(cell, out);
		color_print(out, COLOR_NONE);
	}
	fputc('\n', out);
}

static void table(const struct mesh *m, FILE *out)
{
	for (size_t first = 0; first < m->count; first += BLOCK) {
		const size_t end =
			first + BLOCK < m->count ? first + BLOCK : m->count;

		fprintf(out, "%s%*s", first ? "\n" : "", 4 + NAME_WIDTH, "");
		for (size_t to = first; to < end; to++)
			fprintf(out, "%*zu", CELL_WIDTH, to + 1);
		fputc('\n', out);
		for (size_t from = 0; from < m->count; from++)
			table_row(m, out, from, first, end);
	}
	fputs("ms of round trip, or loss; a row is who measured, of what the "
	      "column sent\n",
	      out);
}

static void print_worst(const struct mesh *m, FILE *out)
{
	struct mesh_place worst[WORST_MAX + 1];
	const size_t n = mesh_worst(m, worst, WORST_MAX);

	for (size_t i = 0; i < n; i++) {
		const struct mesh_link *l =
			mesh_link(m, worst[i].from, worst[i].to);
		char rtt[UNITS_STRLEN], loss[UNITS_STRLEN];

		columns_label(out, "worst",
			      "%s measures of %s: round trip %s, loss %s",
			      m->names[worst[i].from], m->names[worst[i].to],
			      units_time(l->rtt_us, rtt),
			      units_percent(l->loss, loss));
	}
	if (n == 0)
		columns_label(out, "worst", "no link stands out");
}

/* Who said nothing. */
static void print_mute(const struct mesh *m, FILE *out)
{
	char *text = NULL;
	size_t len, n = 0;
	FILE *f = open_memstream(&text, &len);

	for (size_t i = 0; f && i < m->count; i++)
		if (!m->answered[i] && n++ < MUTE_MAX)
			fprintf(f, "%s%s", n > 1 ? ", " : "", m->names[i]);
	if (f && n > MUTE_MAX)
		fprintf(f, ", and %zu more", n - MUTE_MAX);
	if (f && fclose(f) == 0 && n > 0)
		columns_label(out, "no answer", "%s", text);
	free(text);
}

void mesh_table(const struct mesh *m, FILE *out)
{
	char rtt[UNITS_STRLEN];

	if (m->count <= TABLE_MAX)
		table(m, out);
	columns_label(out, "hosts", "%zu; usual round trip %s%s", m->count,
		      units_time(m->usual_rtt_us, rtt),
		      m->count > TABLE_MAX ? "; too many for a table: see --svg"
					   : "");
	print_mute(m, out);
	print_worst(m, out);
}
