/* The mesh as a heat map, and as a graph: pictures in which a bad link stands out. */
#include <math.h>
#include <string.h>

#include "tapd/ctl/mesh.h"
#include "tapd/ctl/units.h"

/* Up to so many hosts, cells have room for a number; of more, for nothing. */
#define NUMBERS_MAX 24
#define CELL	    28
#define CELL_SMALL  14
/* In a font of 12 pixels a character is as wide, at most; names are turned by 60
 * degrees above the columns, where they take the height and the width. */
#define CHARACTER 7.2
#define UP	  0.87
#define ASIDE	  0.5
#define MARGIN	  40
#define BOTTOM	  60
#define WIDTH_MIN 520

/* Where all of it is, in pixels. */
struct layout {
	size_t cell, left, top, width, height;
};

static struct layout lay_out(const struct mesh *m)
{
	struct layout l = {
		.cell = m->count > NUMBERS_MAX ? CELL_SMALL : CELL,
	};
	size_t longest = 0, cells = m->count * l.cell, right;

	for (size_t i = 0; i < m->count; i++)
		if (strlen(m->names[i]) > longest)
			longest = strlen(m->names[i]);
	l.left = MARGIN / 2 + (size_t)(CHARACTER * (double)longest);
	l.top = MARGIN + (size_t)(CHARACTER * UP * (double)longest);
	right = MARGIN / 2 + (size_t)(CHARACTER * ASIDE * (double)longest);
	l.width = l.left + cells + right;
	if (l.width < WIDTH_MIN)
		l.width = WIDTH_MIN;
	l.height = l.top + cells + BOTTOM;
	return l;
}

/* From pale green, by yellow, to red. */
static void put_color(FILE *out, double bad)
{
	static const double stops[][3] = { { 214, 236, 214 },
					   { 253, 224, 139 },
					   { 240, 120, 60 },
					   { 178, 10, 28 } };
	const double at = 3 * fmin(1, fmax(0, bad));
	const int i = at >= 3 ? 2 : (int)at;
	unsigned c[3];

	for (int k = 0; k < 3; k++)
		c[k] = (unsigned)lround(
			stops[i][k] +
			(at - i) * (stops[i + 1][k] - stops[i][k]));
	fprintf(out, "#%02x%02x%02x", c[0], c[1], c[2]);
}

static void put_measure(FILE *out, const struct mesh_link *l)
{
	char rtt[UNITS_STRLEN], loss[UNITS_STRLEN];

	fprintf(out, "%s, loss %s", units_time(l->rtt_us, rtt),
		units_percent(l->loss, loss));
}

/* ---- SVG ---- */

static void svg_number(const struct mesh *m, const struct layout *at, FILE *out,
		       size_t from, size_t to, double bad)
{
	const struct mesh_link *l = mesh_link(m, from, to);
	const double ms = l->rtt_us / 1000;

	if (m->count > NUMBERS_MAX || isnan(bad))
		return;
	fprintf(out, "<text class=\"n\" x=\"%zu\" y=\"%zu\"%s>",
		at->left + to * at->cell + at->cell / 2,
		at->top + from * at->cell + at->cell / 2 + 3,
		bad >= MESH_BAD ? " fill=\"#fff\"" : "");
	if (l->loss >= 0.005)
		fprintf(out, "%.0f%%", 100 * l->loss);
	else if (!isnan(ms))
		fprintf(out, ms < 9.95 ? "%.1f" : "%.0f", ms);
	fputs("</text>\n", out);
}

static void svg_cell(const struct mesh *m, const struct layout *at, FILE *out,
		     size_t from, size_t to)
{
	const double bad = mesh_badness(m, from, to);

	if (from == to)
		return;
	fprintf(out,
		"<rect x=\"%zu\" y=\"%zu\" width=\"%zu\" height=\"%zu\" "
		"fill=\"",
		at->left + to * at->cell, at->top + from * at->cell,
		at->cell - 1, at->cell - 1);
	if (isnan(bad))
		fputs("#e4e4e4", out);
	else
		put_color(out, bad);
	fputs("\"><title>", out);
	fputs(m->names[from], out);
	fputs(" of ", out);
	fputs(m->names[to], out);
	fputs(": ", out);
	if (isnan(bad))
		fputs("not known", out);
	else
		put_measure(out, mesh_link(m, from, to));
	fputs("</title></rect>\n", out);
	svg_number(m, at, out, from, to, bad);
}

static void svg_names(const struct mesh *m, const struct layout *at, FILE *out)
{
	for (size_t i = 0; i < m->count; i++) {
		const size_t middle = i * at->cell + at->cell / 2 + 4;
		const size_t x = at->left + middle, y = at->top - 8;

		fprintf(out, "<text class=\"r\" x=\"%zu\" y=\"%zu\">",
			at->left - 6, at->top + middle);
		fputs(m->names[i], out);
		fprintf(out,
			"</text>\n<text x=\"%zu\" y=\"%zu\" "
			"transform=\"rotate(-60 %zu %zu)\">",
			x, y, x, y);
		fputs(m->names[i], out);
		fputs("</text>\n", out);
	}
}

static void svg_legend(const struct mesh *m, const struct layout *at, FILE *out)
{
	static const char *const words[] = { "as usual", "worth a look", "bad",
					     "10 % loss, or 20 times as long" };
	const size_t y = at->top + m->count * at->cell + 20;
	char rtt[UNITS_STRLEN];

	for (size_t i = 0; i < 4; i++) {
		fprintf(out,
			"<rect x=\"%zu\" y=\"%zu\" width=\"14\" height=\"14\" "
			"fill=\"",
			10 + i * 110, y);
		put_color(out, (double)i / 3);
		fprintf(out, "\"/>\n<text x=\"%zu\" y=\"%zu\">%s</text>\n",
			28 + i * 110, y + 12, words[i]);
	}
	fprintf(out,
		"<text x=\"10\" y=\"20\">A row is who measured. Usual round "
		"trip: %s; grey: not known.</text>\n",
		units_time(m->usual_rtt_us, rtt));
}

void mesh_svg(const struct mesh *m, FILE *out)
{
	const struct layout at = lay_out(m);

	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%zu\" "
		"height=\"%zu\">\n"
		"<style>text{font:12px sans-serif}.r{text-anchor:end}"
		".n{font-size:9px;text-anchor:middle}</style>\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
		at.width, at.height);
	svg_names(m, &at, out);
	for (size_t from = 0; from < m->count; from++)
		for (size_t to = 0; to < m->count; to++)
			svg_cell(m, &at, out, from, to);
	svg_legend(m, &at, out);
	fputs("</svg>\n", out);
}

/* ---- Graphviz ---- */

/* The worse of both directions. */
static void dot_edge(const struct mesh *m, FILE *out, size_t a, size_t b)
{
	const double there = mesh_badness(m, a, b);
	const double back = mesh_badness(m, b, a);
	const bool forth = isnan(back) || there >= back;
	const double bad = forth ? there : back;

	fprintf(out, "\t%zu -- %zu [", a, b);
	if (isnan(bad)) {
		fputs("style=dotted, color=\"#b0b0b0\", tooltip=\"not known\"];"
		      "\n",
		      out);
		return;
	}
	fputs("color=\"", out);
	put_color(out, bad);
	fprintf(out, "\", penwidth=%.1f, tooltip=\"", 1 + 3 * bad);
	put_measure(out, forth ? mesh_link(m, a, b) : mesh_link(m, b, a));
	fputc('"', out);
	if (bad >= MESH_DOUBTFUL) {
		fputs(", label=\"", out);
		put_measure(out,
			    forth ? mesh_link(m, a, b) : mesh_link(m, b, a));
		fputc('"', out);
	}
	fputs("];\n", out);
}

void mesh_dot(const struct mesh *m, FILE *out)
{
	fputs("graph mesh {\n\tlayout=circo;\n\tnode [shape=box];\n", out);
	for (size_t i = 0; i < m->count; i++) {
		fprintf(out, "\t%zu [label=\"", i);
		fputs(m->names[i], out);
		fprintf(out, "\"%s];\n",
			m->answered[i] ? "" : ", style=dashed");
	}
	for (size_t a = 0; a < m->count; a++)
		for (size_t b = a + 1; b < m->count; b++)
			dot_edge(m, out, a, b);
	fputs("}\n", out);
}
