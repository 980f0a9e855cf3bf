#include "tapd/ctl/columns.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define GAP	     2
#define INDENT	     4
#define FLEXIBLE_MIN 8

struct row {
	char *cells[COLUMNS_MAX]; /* NULL from one on: ends there */
	char *note;
	enum color colors[COLUMNS_MAX];
};

struct columns {
	const struct column *columns;
	size_t n;
	struct row *rows; /* the first: the titles */
	size_t rows_count, rows_size;
};

/* ---- characters ---- */

/* The bytes of the character at text, which is not empty: 1 unless it is whole
 * and valid as far as its lead byte says. */
static size_t char_len(const char *text)
{
	unsigned char lead = (unsigned char)*text;
	size_t len = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;

	if (lead >= 0xf5)
		return 1;
	for (size_t i = 1; i < len; i++)
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 1;
	return len;
}

/* C0, DEL, C1 (RFC 3629 encodes them as c2 80 … c2 9f), and stray bytes. */
static bool is_unprintable(const char *text, size_t len)
{
	unsigned char c = (unsigned char)*text;

	if (len == 1)
		return c < ' ' || c >= 0x7f;
	return len == 2 && c == 0xc2 && (unsigned char)text[1] < 0xa0;
}

static size_t width(const char *text)
{
	size_t n = 0;

	for (; *text; text += char_len(text))
		n++;
	return n;
}

/* The width up to a space or the end. */
static size_t word_width(const char *text)
{
	size_t n = 0;

	for (; *text && *text != ' '; text += char_len(text))
		n++;
	return n;
}

/* That of the first word: columns_wrap leaves out the spaces before it. */
static size_t first_word_width(const char *text)
{
	return word_width(text + strspn(text, " "));
}

/* Prints one character and returns what follows it. */
static const char *put_char(FILE *out, const char *text)
{
	size_t len = char_len(text);

	if (is_unprintable(text, len))
		fputc('?', out);
	else
		fwrite(text, 1, len, out);
	return text + len;
}

static void pad(FILE *out, size_t n)
{
	fprintf(out, "%*s", (int)n, "");
}

/* ---- wrapping ---- */

void columns_wrap(FILE *out, size_t at, size_t indent, const char *text)
{
	bool fresh = true; /* nothing on the line yet that could precede */

	while (*text) {
		size_t word;

		if (*text == ' ') {
			text++;
			continue;
		}
		word = word_width(text);
		if (!fresh && at + 1 + word > COLUMNS_WIDTH) {
			fputc('\n', out);
			pad(out, indent);
			at = indent;
			fresh = true;
		}
		if (!fresh) {
			fputc(' ', out);
			at++;
		}
		for (; word > 0; word--, at++) {
			if (at >= COLUMNS_WIDTH) {
				fputc('\n', out);
				pad(out, indent);
				at = indent;
			}
			text = put_char(out, text);
		}
		fresh = false;
	}
	fputc('\n', out);
}

void columns_text(FILE *out, const char *text)
{
	while (*text)
		if (*text == '\n')
			fputc(*text++, out);
		else
			text = put_char(out, text);
}

/* ---- labels ---- */

void columns_label(FILE *out, const char *name, const char *format, ...)
{
	const bool warns = strcmp(name, "warning") == 0;
	const size_t end = width(name);
	const size_t at = end < COLUMNS_LABEL ? COLUMNS_LABEL : end + 1;
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	color_print(out, warns ? COLOR_DOUBTFUL : COLOR_TITLE);
	columns_text(out, name);
	color_print(out, COLOR_NONE);
	pad(out, at - end);
	columns_wrap(out, at, COLUMNS_LABEL, text ? text : "out of memory");
	free(text);
}

/* ---- tables ---- */

void columns_add(struct columns *c, const char *const *cells, const char *note)
{
	struct row *row;

	if (!c)
		return;
	if (c->rows_count == c->rows_size) {
		size_t size = c->rows_size ? 2 * c->rows_size : 32;
		struct row *rows = reallocarray(c->rows, size, sizeof(*rows));

		if (!rows)
			return;
		c->rows = rows;
		c->rows_size = size;
	}
	row = &c->rows[c->rows_count++];
	*row = (struct row){ .note = note ? strdup(note) : NULL };
	for (size_t i = 0; i < c->n && cells[i]; i++)
		row->cells[i] = strdup(cells[i]);
}

void columns_color(struct columns *c, size_t cell, enum color color)
{
	if (c && c->rows_count > 1)
		c->rows[c->rows_count - 1].colors[cell] = color;
}

static void color_titles(struct columns *c)
{
	for (size_t i = 0; c->rows_count == 1 && i < c->n; i++)
		c->rows[0].colors[i] = COLOR_TITLE;
}

struct columns *columns_new(const struct column *columns, size_t n)
{
	struct columns *c = calloc(1, sizeof(*c));
	const char *titles[COLUMNS_MAX];

	assert(n > 0 && n <= COLUMNS_MAX);
	if (!c)
		return NULL;
	c->columns = columns;
	c->n = n;
	for (size_t i = 0; i < n; i++)
		titles[i] = columns[i].title;
	columns_add(c, titles, NULL);
	color_titles(c);
	return c;
}

void columns_free(struct columns *c)
{
	if (!c)
		return;
	for (size_t r = 0; r < c->rows_count; r++) {
		for (size_t i = 0; i < c->n; i++)
			free(c->rows[r].cells[i]);
		free(c->rows[r].note);
	}
	free(c->rows);
	free(c);
}

static bool is_last(const struct columns *c, char *const *cells, size_t i)
{
	return i + 1 == c->n || !cells[i + 1];
}

/* Takes the excess from the flexible columns, the widest first. */
static void shrink(const struct columns *c, size_t widths[COLUMNS_MAX])
{
	for (;;) {
		size_t total = GAP * (c->n - 1), widest = c->n;

		for (size_t i = 0; i < c->n; i++) {
			total += widths[i];
			if (c->columns[i].kind == COLUMN_FLEXIBLE &&
			    widths[i] > FLEXIBLE_MIN &&
			    (widest == c->n || widths[i] > widths[widest]))
				widest = i;
		}
		if (total <= COLUMNS_WIDTH || widest == c->n)
			return;
		widths[widest]--;
	}
}

/* Where a column is on the screen. */
struct place {
	size_t start, width;
	bool right; /* its cells stand at its right edge */
};

static void lay_out(const struct columns *c, struct place places[COLUMNS_MAX])
{
	size_t widths[COLUMNS_MAX] = { 0 }, at = 0;

	for (size_t r = 0; r < c->rows_count; r++) {
		char *const *cells = c->rows[r].cells;

		for (size_t i = 0; i < c->n && cells[i]; i++) {
			/* What ends a row early may run on. */
			if (i + 1 < c->n && !cells[i + 1])
				break;
			if (width(cells[i]) > widths[i])
				widths[i] = width(cells[i]);
		}
	}
	shrink(c, widths);
	for (size_t i = 0; i < c->n; i++) {
		places[i] = (struct place){
			.start = at,
			.width = widths[i],
			.right = c->columns[i].kind == COLUMN_NUMBER,
		};
		at += widths[i] + GAP;
	}
}

static void print_colored(FILE *out, const char *cell, enum color color)
{
	if (color != COLOR_NONE)
		color_print(out, color);
	while (*cell)
		cell = put_char(out, cell);
	if (color != COLOR_NONE)
		color_print(out, COLOR_NONE);
}

/* One cell, the cursor being in column at; returns where it is then. */
static size_t print_cell(FILE *out, const char *cell, size_t at,
			 const struct place *place, bool last, enum color color)
{
	size_t w = width(cell), start = place->start;

	if (place->right && w < place->width)
		start += place->width - w;
	/* The cell before was too wide. */
	if (at > 0 && at + 1 > start) {
		fputc('\n', out);
		at = 0;
	}
	if (start + w > COLUMNS_WIDTH &&
	    (!last || start + first_word_width(cell) > COLUMNS_WIDTH)) {
		if (at > 0)
			fputc('\n', out);
		at = 0;
		start = INDENT;
	}
	pad(out, start - at);
	if (start + w > COLUMNS_WIDTH || (last && color == COLOR_NONE)) {
		columns_wrap(out, start, start, cell);
		return 0;
	}
	print_colored(out, cell, color);
	if (last)
		fputc('\n', out);
	return last ? 0 : start + w;
}

static void print_row(const struct columns *c, FILE *out,
		      const struct place places[COLUMNS_MAX],
		      const struct row *row)
{
	char *const *cells = row->cells;
	size_t at = 0;

	for (size_t i = 0; i < c->n && cells[i]; i++)
		at = print_cell(out, cells[i], at, &places[i],
				is_last(c, cells, i), row->colors[i]);
	if (at > 0)
		fputc('\n', out);
}

void columns_print(const struct columns *c, FILE *out)
{
	struct place places[COLUMNS_MAX];

	if (!c)
		return;
	lay_out(c, places);
	for (size_t r = 0; r < c->rows_count; r++) {
		const struct row *row = &c->rows[r];

		print_row(c, out, places, row);
		if (row->note) {
			pad(out, INDENT);
			columns_wrap(out, INDENT, INDENT, row->note);
		}
	}
}
