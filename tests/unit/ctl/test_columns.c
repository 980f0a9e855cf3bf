#include "tapd/ctl/columns.h"

#include <string.h>

#include "support/main.h"
#include "support/rng.h"
#include "unit/ctl/screen.h"

static void assert_screen(struct screen *s, const char *expected)
{
	char *text = screen_close(s);

	ck_assert_str_eq(text, expected);
	free(text);
}

#define TEN "1234567890"

START_TEST(words_are_wrapped_with_an_indent)
{
	struct screen s;

	screen_open(&s);
	fputs("label ", s.out);
	columns_wrap(s.out, 6, 6,
		     TEN " " TEN " " TEN " " TEN " " TEN " " TEN " 12345678 "
			 "next   line");
	columns_wrap(s.out, 0, 0, "");
	assert_screen(&s, "label " TEN " " TEN " " TEN " " TEN " " TEN " " TEN
			  " 12345678\n      next line\n\n");
}
END_TEST

START_TEST(word_longer_than_a_line_is_cut)
{
	struct screen s;

	screen_open(&s);
	columns_wrap(s.out, 0, 2, TEN TEN TEN TEN TEN TEN TEN TEN "rest " TEN);
	assert_screen(&s, TEN TEN TEN TEN TEN TEN TEN TEN "\n  rest " TEN "\n");
}
END_TEST

START_TEST(bytes_that_drive_a_terminal_are_shown_as_question_marks)
{
	struct screen s;

	screen_open(&s);
	/* Escape, bell, DEL, a C1 control, half a character. */
	columns_wrap(s.out, 0, 0,
		     "a\033[2Jb\a\x7f\xc2\x9b"
		     "c\xff\xc3 \xe2\x82 µ");
	assert_screen(&s, "a?[2Jb???c?? ?? µ\n");
}
END_TEST

static const struct column columns[] = {
	{ "NAME", COLUMN_FLEXIBLE },
	{ "COUNT", COLUMN_NUMBER },
	{ "TEXT", COLUMN_TEXT },
};

static void add(struct columns *c, const char *name, const char *count,
		const char *text, const char *note)
{
	const char *cells[COLUMNS_MAX] = { name, count, text };

	columns_add(c, cells, note);
}

START_TEST(columns_are_as_wide_as_their_widest_cell)
{
	struct columns *c = columns_new(columns, 3);
	struct screen s;

	add(c, "web1", "1", "µs", NULL);
	add(c, "database", "123456", "x", "a note");
	screen_open(&s);
	columns_print(c, s.out);
	columns_free(c);
	assert_screen(&s, "NAME       COUNT  TEXT\n"
			  "web1           1  µs\n"
			  "database  123456  x\n"
			  "    a note\n");
}
END_TEST

START_TEST(row_that_ends_early_may_run_on)
{
	struct columns *c = columns_new(columns, 3);
	struct screen s;

	add(c, "web1", "1", "x", NULL);
	add(c, "longer than its column", NULL, NULL, NULL);
	screen_open(&s);
	columns_print(c, s.out);
	columns_free(c);
	assert_screen(&s, "NAME  COUNT  TEXT\n"
			  "web1      1  x\n"
			  "longer than its column\n");
}
END_TEST

START_TEST(cell_too_wide_pushes_the_rest_to_the_next_line)
{
	struct columns *c = columns_new(columns, 3);
	struct screen s;

	add(c, "web1", "1", TEN TEN TEN TEN TEN, NULL);
	add(c, TEN TEN TEN, "2", "x", NULL);
	screen_open(&s);
	columns_print(c, s.out);
	columns_free(c);
	assert_screen(&s, "NAME                   COUNT  TEXT\n"
			  "web1                       1  " TEN TEN TEN TEN TEN
			  "\n" TEN TEN TEN "\n"
			  "                           2  x\n");
}
END_TEST

/* A text of any length up to max, of letters, spaces and worse; it does not end
 * in a space. */
static void random_text(struct rng *r, char *buf, size_t max)
{
	static const char bytes[] = "abcdefgh   \033\n\x7f\xc2\x9b\xe2\x82\xac";
	size_t len = 1 + rng_below(r, max);

	for (size_t i = 0; i < len; i++)
		buf[i] = bytes[rng_below(r, sizeof(bytes) - 1)];
	buf[len - 1] = 'x';
	buf[len] = '\0';
}

START_TEST(spaces_before_the_first_word_leave_no_empty_lines)
{
	struct columns *c = columns_new(columns, 3);
	struct screen s;

	/* The last column begins at the edge. */
	add(c, "web1", TEN TEN TEN TEN TEN TEN TEN "12", "  x", NULL);
	screen_open(&s);
	columns_print(c, s.out);
	columns_free(c);
	free(screen_close(&s));
}
END_TEST

START_TEST(nothing_is_ever_wider_than_80)
{
	struct rng r = rng_init((uint64_t)_i);
	struct columns *c = columns_new(columns, 3);
	char a[200], b[200], d[200], note[300];
	struct screen s;

	for (int i = 0; i < 20; i++) {
		size_t max = 2 + rng_below(&r, 150);
		bool whole = rng_chance(&r, 0.8), noted = rng_chance(&r, 0.2);

		/* Not among the arguments: compilers differ in their order. */
		random_text(&r, a, max);
		random_text(&r, b, max);
		random_text(&r, d, max);
		random_text(&r, note, 290);
		add(c, a, whole ? b : NULL, d, noted ? note : NULL);
	}
	screen_open(&s);
	columns_print(c, s.out);
	columns_free(c);
	free(screen_close(&s));
}
END_TEST

START_TEST(colour_changes_no_place)
{
	struct columns *c = columns_new(columns, 2);
	const char *cells[COLUMNS_MAX] = { "web2", "17" };
	struct screen s;

	columns_add(c, cells, NULL);
	columns_color(c, 0, COLOR_GOOD);
	columns_color(c, 1, COLOR_BAD);
	color_use(true);
	s.out = open_memstream(&s.text, &s.len);
	columns_print(c, s.out);
	color_use(false);
	fclose(s.out);
	ck_assert_str_eq(s.text,
			 "\033[1mNAME\033[0m  \033[1mCOUNT\033[0m\n"
			 "\033[32mweb2\033[0m     \033[1;31m17\033[0m\n");
	free(s.text);
	/* And where nobody wants it there is none. */
	screen_open(&s);
	columns_print(c, s.out);
	columns_free(c);
	assert_screen(&s, "NAME  COUNT\nweb2     17\n");
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_TEST(words_are_wrapped_with_an_indent),
	UNIT_TEST(word_longer_than_a_line_is_cut),
	UNIT_TEST(bytes_that_drive_a_terminal_are_shown_as_question_marks),
	UNIT_TEST(columns_are_as_wide_as_their_widest_cell),
	UNIT_TEST(row_that_ends_early_may_run_on),
	UNIT_TEST(cell_too_wide_pushes_the_rest_to_the_next_line),
	UNIT_TEST(spaces_before_the_first_word_leave_no_empty_lines),
	UNIT_LOOP(nothing_is_ever_wider_than_80, 100),
	UNIT_TEST(colour_changes_no_place),
};

UNIT_MAIN("columns", tests)
