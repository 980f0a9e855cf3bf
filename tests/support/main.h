/* One main for every test program, and one table of its tests. A file ends:
 *
 *	static const struct unit_test tests[] = {
 *		UNIT_CASE("fdb", .setup = setup, .teardown = teardown),
 *		UNIT_TEST(unknown_until_learned),
 *		UNIT_LOOP(agrees_with_a_naive_model, 10),
 *	};
 *
 *	UNIT_MAIN("fdb", tests)
 */
#ifndef TEST_MAIN_H
#define TEST_MAIN_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>

#define UNIT_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A row is a test, or begins a case: what its tests have in common, up to the
 * next one. */
struct unit_test {
	const TTest **test; /* As START_TEST names it; NULL begins a case. */
	int first, end;	    /* Its _i: first, first + 1, ..., end - 1. */

	const char *name;	/* Of the case. */
	void (*setup)(void);	/* Before each of its tests, */
	void (*teardown)(void); /* and after; either may be NULL. */
	int timeout_s;		/* For each of its tests; 0: Check's own. */
	bool (*allowed)(void);	/* False: the whole case is skipped. */
};

#define UNIT_ROW(...)       \
	{                   \
		__VA_ARGS__ \
	}
#define UNIT_TEST(t) UNIT_ROW(.test = &(t), .end = 1)
/* Several times, _i counting up: from 0 to before n; once for each row of an
 * array; from a to before b. */
#define UNIT_LOOP(t, n)	    UNIT_ROW(.test = &(t), .end = (n))
#define UNIT_EACH(t, array) UNIT_ROW(.test = &(t), .end = UNIT_COUNT(array))
/* _i is a seed, one of n; where that takes long, UNIT_SEEDS_PERCENT of them: the
 * preset dev runs all. */
#define UNIT_SEEDS(t, n) \
	UNIT_ROW(.test = &(t), .end = ((n)*UNIT_SEEDS_PERCENT + 99) / 100)
#define UNIT_RANGE(t, a, b) UNIT_ROW(.test = &(t), .first = (a), .end = (b))
/* UNIT_CASE("name", .setup = setup, .timeout_s = 60) */
#define UNIT_CASE(...) UNIT_ROW(.name = __VA_ARGS__)

/* The exit status, also if no test ran; see UNIT_SKIPPED. */
int unit_main(const char *name, const struct unit_test *tests, size_t count);

/* The exit status where nothing failed and a case was not allowed: ctest
 * says "Skipped". */
enum { UNIT_SKIPPED = 77 };

#define UNIT_MAIN(name, tests)                                    \
	int main(void)                                            \
	{                                                         \
		return unit_main(name, tests, UNIT_COUNT(tests)); \
	}

#endif
