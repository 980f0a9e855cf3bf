#include <check.h>
#include <ctype.h>
#include <string.h>

#include "base/drop.h"
#include "support/main.h"

START_TEST(every_reason_has_a_name_fit_for_a_metric)
{
	for (int r = 0; r < DROP_REASON_COUNT; r++) {
		const char *name = drop_name((enum drop_reason)r);

		ck_assert_ptr_nonnull(name);
		ck_assert_uint_gt(strlen(name), 0);
		for (const char *p = name; *p; p++)
			ck_assert(islower((unsigned char)*p) ||
				  isdigit((unsigned char)*p) || *p == '_');
	}
}
END_TEST

START_TEST(names_are_unique)
{
	for (int r = 0; r < DROP_REASON_COUNT; r++)
		for (int s = 0; s < r; s++)
			ck_assert_str_ne(drop_name((enum drop_reason)r),
					 drop_name((enum drop_reason)s));
}
END_TEST

START_TEST(every_reason_explains_itself)
{
	for (int r = 0; r < DROP_REASON_COUNT; r++) {
		const char *text = drop_text((enum drop_reason)r);

		ck_assert_ptr_nonnull(text);
		ck_assert_uint_gt(strlen(text), 0);
	}
}
END_TEST

START_TEST(names_relied_on_from_outside_stay)
{
	ck_assert_int_eq(DROP_NONE, 0);
	ck_assert_str_eq(drop_name(DROP_NONE), "none");
	ck_assert_str_eq(drop_name(DROP_frame_short), "frame_short");
	ck_assert_str_eq(drop_name(DROP_recursion), "recursion");
	ck_assert_str_eq(drop_name(DROP_replay), "replay");
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_TEST(every_reason_has_a_name_fit_for_a_metric),
	UNIT_TEST(names_are_unique),
	UNIT_TEST(every_reason_explains_itself),
	UNIT_TEST(names_relied_on_from_outside_stay),
};

UNIT_MAIN("drop", tests)
