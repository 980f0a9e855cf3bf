/* What a person would see of printed text. */
#ifndef TEST_SCREEN_H
#define TEST_SCREEN_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* Text caught from whatever prints to `out`. */
struct screen {
	FILE *out;
	char *text;
	size_t len;
};

static inline void screen_open(struct screen *s)
{
	s->out = open_memstream(&s->text, &s->len);
	ck_assert_ptr_nonnull(s->out);
}

/* Closes it; the text is to be freed. No line is wider than 80, ends with a
 * space, or has a byte that drives the terminal. */
static inline char *screen_close(struct screen *s)
{
	size_t columns = 0;
	char before = 'x';

	ck_assert_int_eq(fclose(s->out), 0);
	for (const char *c = s->text; *c; c++) {
		unsigned char byte = (unsigned char)*c;

		if (byte == '\n') {
			ck_assert_msg(columns <= 80, "%zu columns:\n%.1500s",
				      columns, s->text);
			ck_assert_msg(before != ' ', "ends in space:\n%.1500s",
				      s->text);
			columns = 0;
		} else {
			ck_assert_msg(byte >= ' ' && byte != 0x7f,
				      "byte %02x:\n%.1500s", byte, s->text);
			columns += (byte & 0xc0) != 0x80;
		}
		before = *c;
	}
	ck_assert_msg(columns == 0, "last line does not end:\n%.1500s",
		      s->text);
	return s->text;
}

#endif
