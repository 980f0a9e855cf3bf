/* Text that fits a terminal: clean, wrapped, and in aligned columns. */
#ifndef TAPD_CTL_COLUMNS_H
#define TAPD_CTL_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "tapd/ctl/color.h"

#define COLUMNS_WIDTH 80
#define COLUMNS_MAX   9

/*
 * Nothing printed here is wider than COLUMNS_WIDTH, whatever the texts are; but for
 * columns_text, and names of labels.
 * Control bytes, which could drive the terminal, are printed as '?'; every
 * UTF-8 character counts as one column.
 */

/* Prints text from column `at` on, where the cursor is, to the end of the line;
 * more lines begin at column `indent`. */
void columns_wrap(FILE *out, size_t at, size_t indent, const char *text);

/* The same of a text that is left as wide as it is, and in its lines. */
void columns_text(FILE *out, const char *text);

/* A line of a form: its name, and from column COLUMNS_LABEL on its text. A name
 * "warning" is coloured as one. */
#define COLUMNS_LABEL 11
void columns_label(FILE *out, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

enum column_kind {
	COLUMN_TEXT,
	COLUMN_FLEXIBLE, /* text that gives way when the line is too long */
	COLUMN_NUMBER,	 /* aligned to the right */
};

struct column {
	const char *title;
	enum column_kind kind;
};

/* A table in the making. */
struct columns;

/* NULL if memory is short: so may be all that follows, which then does nothing.
 * n ≤ COLUMNS_MAX; columns is kept, not copied. */
struct columns *columns_new(const struct column *columns, size_t n);
/* A row: n cells, copied. NULL from one on: the row ends there, and its last
 * cell may run on. note, if not NULL, goes below it, indented. */
void columns_add(struct columns *c, const char *const *cells, const char *note);
/* Colours a cell of the row added last, where it fits into its column. */
void columns_color(struct columns *c, size_t cell, enum color color);
/*
 * The titles and the rows. A cell that is too wide for its column pushes the
 * rest of its row to a line of its own, where it is aligned again.
 */
void columns_print(const struct columns *c, FILE *out);
void columns_free(struct columns *c);

#endif
