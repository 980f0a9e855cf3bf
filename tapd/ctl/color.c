#include "tapd/ctl/color.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of the first eight colours, which every terminal has and its user may have chosen
 * for a dark or a light screen. */
static const char *const sequences[] = {
	[COLOR_NONE] = "\033[0m",   [COLOR_TITLE] = "\033[1m",
	[COLOR_GOOD] = "\033[32m",  [COLOR_DOUBTFUL] = "\033[33m",
	[COLOR_BAD] = "\033[1;31m",
};
static_assert(sizeof(sequences) / sizeof(sequences[0]) == COLOR_BAD + 1,
	      "every colour has a sequence");

static bool used;

bool color_is_possible(FILE *out)
{
	const char *term = getenv("TERM");

	return isatty(fileno(out)) && term && *term &&
	       strcmp(term, "dumb") != 0;
}

bool color_wanted(FILE *out)
{
	const char *no = getenv("NO_COLOR");

	return color_is_possible(out) && (!no || !*no);
}

void color_use(bool on)
{
	used = on;
}

void color_print(FILE *out, enum color color)
{
	if (used)
		fputs(sequences[color], out);
}
