/* Findings as they are printed, and what doctor exits with. */
#include "tapd/ctl/doctor/diagnosis.h"

#include <stdlib.h>
#include <string.h>

#include "support/main.h"
#include "tapd/ctl/color.h"
#include "unit/ctl/screen.h"

static struct diagnosis *d;

static void setup(void)
{
	d = diagnosis_new();
	ck_assert_ptr_nonnull(d);
}

static void teardown(void)
{
	diagnosis_free(d);
}

static void assert_text(const char *expected)
{
	struct screen s;
	char *text;

	screen_open(&s);
	diagnosis_print(d, s.out);
	text = screen_close(&s);
	ck_assert_str_eq(text, expected);
	free(text);
}

START_TEST(nothing_found)
{
	json_t *all = diagnosis_json(d);

	assert_text("0 errors, 0 warnings, 0 notes\n");
	ck_assert_int_eq(diagnosis_status(d), 0);
	ck_assert(json_is_array(all));
	ck_assert_uint_eq(json_array_size(all), 0);
	json_decref(all);
}
END_TEST

START_TEST(the_worst_is_first_and_decides)
{
	diagnosis_add(d, KIND_ONE_CPU, "a");
	ck_assert_int_eq(diagnosis_status(d), 0);
	diagnosis_add(d, KIND_UFW, "b");
	ck_assert_int_eq(diagnosis_status(d), 1);
	diagnosis_add(d, KIND_DAD_FAILED, "c");
	diagnosis_add(d, KIND_OVERLAP_DNS, "d");
	ck_assert_int_eq(diagnosis_status(d), 2);
	diagnosis_sort(d);
	diagnosis_name(d, "tap9");
	assert_text("error: dad-failed\n"
		    "    c\n"
		    "    Another host answered for this address: give one of"
		    " the two another, then\n"
		    "    remove it here and add it again.\n"
		    "warning: ufw\n"
		    "    b\n"
		    "    ufw allow in on NAME, or ufw drops what its rules do"
		    " not name there: VRRP,\n"
		    "    IGMP, mDNS.\n"
		    "warning: overlap-dns\n"
		    "    d\n"
		    "    Use a DNS server outside of the interface's network:"
		    " this one is asked\n"
		    "    through tapd, which may need it to find its peers.\n"
		    "note: one-cpu\n"
		    "    a\n"
		    "    Nothing to do while it is idle; tapd and the"
		    " applications share it, so a\n"
		    "    busy host delays adverts.\n"
		    "1 error, 2 warnings, 1 note\n");
}
END_TEST

START_TEST(the_interface_is_named_in_the_advice)
{
	json_t *all;

	diagnosis_name(d, "tap9");
	diagnosis_add(d, KIND_UFW, "%s has no rule", "ufw");
	all = diagnosis_json(d);
	ck_assert_str_eq(json_string_value(json_object_get(
				 json_array_get(all, 0), "advice")),
			 "ufw allow in on tap9, or ufw drops what its rules do"
			 " not name there: VRRP, IGMP, mDNS.");
	json_decref(all);
}
END_TEST

START_TEST(findings_of_the_daemon_are_taken_as_they_are)
{
	json_t *one = json_pack("{s:s, s:s, s:s, s:s}", "id", "link-down",
				"severity", "error", "what", "tap0 is down",
				"advice", "Set it up, NAME.");
	json_t *odd = json_pack("{s:s, s:s, s:s, s:s}", "id", "x", "severity",
				"fatal", "what", "y", "advice", "z");
	json_t *all;

	diagnosis_take(d, one);
	diagnosis_take(d, odd);
	diagnosis_take(d, NULL);
	json_object_del(odd, "what");
	json_object_set_new(odd, "severity", json_string("note"));
	diagnosis_take(d, odd);
	all = diagnosis_json(d);
	ck_assert_uint_eq(json_array_size(all), 2);
	ck_assert(json_equal(json_array_get(all, 0), one));
	ck_assert(diagnosis_has(d, "link-down") && !diagnosis_has(d, "ufw"));
	json_decref(all);
	json_decref(one);
	json_decref(odd);
}
END_TEST

START_TEST(id_of_a_daemon_does_not_drive_the_terminal)
{
	json_t *odd = json_pack("{s:s, s:s, s:s, s:s}", "id", "x\x1b[2J",
				"severity", "note", "what", "y", "advice", "z");

	diagnosis_take(d, odd);
	assert_text("note: x?[2J\n    y\n    z\n"
		    "0 errors, 0 warnings, 1 note\n");
	json_decref(odd);
}
END_TEST

START_TEST(what_is_no_text_is_shown_anyway)
{
	json_t *all;

	diagnosis_add(d, KIND_UFW, "%s \x1b[31m red", "caf\xe9");
	diagnosis_add(d, KIND_UFW, "%s", "caf\xc3\xa9");
	all = diagnosis_json(d);
	ck_assert_uint_eq(json_array_size(all), 2);
	ck_assert_str_eq(json_string_value(json_object_get(
				 json_array_get(all, 1), "what")),
			 "caf\xc3\xa9");
	json_decref(all);
	assert_text("warning: ufw\n    caf? ?[31m red\n"
		    "    ufw allow in on NAME, or ufw drops what its rules do"
		    " not name there: VRRP,\n    IGMP, mDNS.\n"
		    "warning: ufw\n    caf\xc3\xa9\n"
		    "    ufw allow in on NAME, or ufw drops what its rules do"
		    " not name there: VRRP,\n    IGMP, mDNS.\n"
		    "0 errors, 2 warnings, 0 notes\n");
}
END_TEST

START_TEST(colour_is_for_terminals)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(out);
	diagnosis_add(d, KIND_DAD_FAILED, "c");
	color_use(true);
	diagnosis_print(d, out);
	color_use(false);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_ptr_nonnull(
		strstr(text, "\033[1;31merror\033[0m: dad-failed"));
	free(text);
}
END_TEST

START_TEST(many_findings_are_kept)
{
	json_t *all;

	for (int i = 0; i < 100; i++)
		diagnosis_add(d, KIND_UFW, "%d", i);
	all = diagnosis_json(d);
	ck_assert_uint_eq(json_array_size(all), 100);
	ck_assert_str_eq(json_string_value(json_object_get(
				 json_array_get(all, 99), "what")),
			 "99");
	json_decref(all);
}
END_TEST

START_TEST(every_kind_has_an_id_of_its_own_and_says_what_to_do)
{
	for (int i = 0; i < KIND_COUNT; i++) {
		ck_assert_ptr_nonnull(kinds[i].id);
		ck_assert_uint_gt(strlen(kinds[i].advice), 10);
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(kinds[i].id, kinds[j].id);
	}
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("diagnosis", .setup = setup, .teardown = teardown),
	UNIT_TEST(nothing_found),
	UNIT_TEST(the_worst_is_first_and_decides),
	UNIT_TEST(the_interface_is_named_in_the_advice),
	UNIT_TEST(findings_of_the_daemon_are_taken_as_they_are),
	UNIT_TEST(id_of_a_daemon_does_not_drive_the_terminal),
	UNIT_TEST(what_is_no_text_is_shown_anyway),
	UNIT_TEST(colour_is_for_terminals),
	UNIT_TEST(many_findings_are_kept),
	UNIT_TEST(every_kind_has_an_id_of_its_own_and_says_what_to_do),
};

UNIT_MAIN("diagnosis", tests)
