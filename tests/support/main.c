#include "support/main.h"

#include <stdio.h>
#include <stdlib.h>

static TCase *begin_case(Suite *suite, const struct unit_test *row)
{
	TCase *tc = tcase_create(row->name);

	tcase_add_checked_fixture(tc, row->setup, row->teardown);
	if (row->timeout_s != 0)
		tcase_set_timeout(tc, row->timeout_s);
	suite_add_tcase(suite, tc);
	return tc;
}

static Suite *make_suite(const char *name, const struct unit_test *tests,
			 size_t count, bool *skipped)
{
	Suite *suite = suite_create(name);
	const struct unit_test unnamed = { .name = name };
	TCase *tc = NULL;
	bool allowed = true;

	for (const struct unit_test *t = tests; t < tests + count; t++) {
		if (t->test == NULL) {
			tc = begin_case(suite, t);
			allowed = t->allowed == NULL || t->allowed();
			*skipped |= !allowed;
			continue;
		}
		if (tc == NULL)
			tc = begin_case(suite, &unnamed);
		if (allowed)
			tcase_add_loop_test(tc, *t->test, t->first, t->end);
	}
	return suite;
}

int unit_main(const char *name, const struct unit_test *tests, size_t count)
{
	bool skipped = false;
	SRunner *sr = srunner_create(make_suite(name, tests, count, &skipped));
	int run, failed;

	srunner_run_all(sr, CK_NORMAL);
	run = srunner_ntests_run(sr);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	if (failed != 0)
		return EXIT_FAILURE;
	if (skipped)
		return UNIT_SKIPPED;
	if (run == 0) {
		fprintf(stderr, "%s: no test ran\n", name);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
