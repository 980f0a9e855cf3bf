/* What must hold, where there is no Check to say so. */
#ifndef TAPD_TESTS_HOLDS_H
#define TAPD_TESTS_HOLDS_H

#include <stdio.h>
#include <stdlib.h>

#define HOLDS(condition)                                              \
	do {                                                          \
		if (!(condition)) {                                   \
			fprintf(stderr, "%s:%d: does not hold: %s\n", \
				__FILE__, __LINE__, #condition);      \
			abort();                                      \
		}                                                     \
	} while (0)

#endif
