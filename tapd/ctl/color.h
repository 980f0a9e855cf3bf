/* Colour on a terminal. */
#ifndef TAPD_CTL_COLOR_H
#define TAPD_CTL_COLOR_H

#include <stdbool.h>
#include <stdio.h>

enum color {
	COLOR_NONE,
	COLOR_TITLE,
	COLOR_GOOD,
	COLOR_DOUBTFUL,
	COLOR_BAD,
};

/* True if out is a terminal that knows how to show what ECMA-48 says. */
bool color_is_possible(FILE *out);
/* True where somebody may like to see colour there: that is possible,
 * and NO_COLOR is not set, or is empty (no-color.org). */
bool color_wanted(FILE *out);
/* Nothing is coloured before this is called with true. */
void color_use(bool on);
/* What is printed from here on; COLOR_NONE: as before. */
void color_print(FILE *out, enum color color);

#endif
