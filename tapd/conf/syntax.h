/* What is wrong with the syntax of a configuration, and what to do. */
#ifndef TAPD_CONF_SYNTAX_H
#define TAPD_CONF_SYNTAX_H

#include <stdbool.h>

/*
 * libconfig says of every mistake only that there is one. This reads the same
 * text for the sake of the advice, and knows the mistakes that people make.
 */
struct syntax_mistake {
	unsigned line; /* of the text, from 1 */
	char *advice;  /* NULL: memory is short; to be freed */
	/* Where what it tells to close begins; 0: it is something else. */
	unsigned opened;
	/* libconfig does not mind: it takes two texts without a comma for one,
	 * all that follows an open comment for the comment, and of a number the
	 * last 32 bits. */
	bool accepted;
};

/* The first mistake. False if it finds none. */
bool syntax_find_mistake(const char *text, struct syntax_mistake *m);

#endif
