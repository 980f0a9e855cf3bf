#include "tapd/ctl/answer.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/main.h"

/* Sorts the rows of this text; their names, with spaces between. */
static char *sorted(const char *rows, char *out, size_t size)
{
	json_t *all = json_loads(rows, 0, NULL);
	size_t len = 0;

	ck_assert_ptr_nonnull(all);
	answer_sort(all, "name", "endpoint");
	out[0] = '\0';
	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *row = json_array_get(all, i);
		const char *name = answer_text(row, "name");

		if (strcmp(name, "-") == 0)
			name = answer_text(row, "endpoint");
		len += (size_t)snprintf(out + len, size - len, "%s%s",
					i ? " " : "", name);
	}
	json_decref(all);
	return out;
}

START_TEST(rows_are_sorted_as_people_count)
{
	char out[256];

	ck_assert_str_eq(sorted("[{\"name\": \"web10\"}, {\"name\": \"web2\"},"
				" {\"name\": \"db1\"}, {\"name\": \"web1\"}]",
				out, sizeof(out)),
			 "db1 web1 web2 web10");
}
END_TEST

START_TEST(those_without_a_name_come_last)
{
	char out[256];

	ck_assert_str_eq(
		sorted("[{\"name\": null, \"endpoint\": \"10.9.0.10:8273\"},"
		       " {\"endpoint\": \"10.9.0.9:8273\"},"
		       " {\"name\": \"web1\", \"endpoint\": "
		       "\"10.9.0.99:8273\"}]",
		       out, sizeof(out)),
		"web1 10.9.0.9:8273 10.9.0.10:8273");
}
END_TEST

START_TEST(rows_of_one_name_are_all_there)
{
	char out[256];

	ck_assert_str_eq(sorted("[{\"name\": \"a\", \"endpoint\": \"2\"},"
				" {\"name\": \"a\", \"endpoint\": \"1\"}]",
				out, sizeof(out)),
			 "a a");
	ck_assert_str_eq(sorted("[]", out, sizeof(out)), "");
	/* Whatever a daemon says. */
	ck_assert_str_eq(sorted("[1, null, {\"name\": 3}]", out, sizeof(out)),
			 "- - -");
	ck_assert_str_eq(sorted("{\"name\": \"a\"}", out, sizeof(out)), "");
}
END_TEST

START_TEST(texts_are_sorted_too)
{
	json_t *all = json_pack("[s, s, s]", "web10", "web2", "db1");

	answer_sort(all, NULL, NULL);
	ck_assert_str_eq(answer_shown(json_array_get(all, 0)), "db1");
	ck_assert_str_eq(answer_shown(json_array_get(all, 1)), "web2");
	ck_assert_str_eq(answer_shown(json_array_get(all, 2)), "web10");
	json_decref(all);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_TEST(rows_are_sorted_as_people_count),
	UNIT_TEST(those_without_a_name_come_last),
	UNIT_TEST(rows_of_one_name_are_all_there),
	UNIT_TEST(texts_are_sorted_too),
};

UNIT_MAIN("rows", tests)
