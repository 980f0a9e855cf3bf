#include "tapd/control/arguments.h"

#include "support/main.h"

static const struct argument takes[] = {
	{ "peer", ARGUMENT_TEXT, 0, 0 },
	{ "count", ARGUMENT_NUMBER, 1, 1000 },
	{ "all", ARGUMENT_FLAG, 0, 0 },
	{ NULL, ARGUMENT_FLAG, 0, 0 },
};

static json_t *parse(const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

	ck_assert_msg(value != NULL, "%s", text);
	return value;
}

START_TEST(what_is_given_is_had_and_the_rest_by_default)
{
	json_t *given = parse("{\"peer\": \"wéb\", \"count\": 1000}");
	char *error = NULL;

	ck_assert(arguments_check(given, takes, "ping", &error));
	ck_assert_ptr_null(error);
	ck_assert_str_eq(argument_text(given, "peer"), "wéb");
	ck_assert_int_eq(argument_number(given, "count", 4), 1000);
	ck_assert(!argument_flag(given, "all"));
	json_decref(given);

	given = parse("{\"all\": true}");
	ck_assert(arguments_check(given, takes, "ping", &error));
	ck_assert_ptr_null(argument_text(given, "peer"));
	ck_assert_int_eq(argument_number(given, "count", 4), 4);
	ck_assert(argument_flag(given, "all"));
	json_decref(given);
}
END_TEST

START_TEST(none_are_right_for_every_command)
{
	json_t *empty = json_object();
	char *error = NULL;

	ck_assert(arguments_check(NULL, takes, "ping", &error));
	ck_assert(arguments_check(NULL, NULL, "status", &error));
	ck_assert(arguments_check(empty, NULL, "status", &error));
	ck_assert_ptr_null(error);
	ck_assert_int_eq(argument_number(NULL, "count", 4), 4);
	ck_assert_ptr_null(argument_text(NULL, "peer"));
	ck_assert(!argument_flag(NULL, "all"));
	json_decref(empty);
}
END_TEST

static void refused(const char *text, const struct argument *table,
		    const char *why)
{
	json_t *given = parse(text);
	char *error = NULL;

	ck_assert_msg(!arguments_check(given, table, "ping", &error), "%s",
		      text);
	ck_assert_str_eq(error, why);
	free(error);
	json_decref(given);
}

#define NO_OBJECT "arguments: an object is needed"
#define NO_SUCH	  "ping takes no such argument"
#define NO_TEXT	  "peer: text of 1 to 255 bytes is needed"
#define NO_NUMBER "count: a number from 1 to 1000 is needed"
#define NO_FLAG	  "all: true or false is needed"

START_TEST(what_is_of_another_kind_or_too_much_is_refused)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{ "[]", NO_OBJECT },
		{ "null", NO_OBJECT },
		{ "5", NO_OBJECT },
		{ "{\"\": 1}", NO_SUCH },
		{ "{\"Peer\": \"a\"}", NO_SUCH },
		{ "{\"count\": 1, \"x\": 1}", NO_SUCH },
		{ "{\"peer\": 5}", NO_TEXT },
		{ "{\"peer\": null}", NO_TEXT },
		{ "{\"peer\": \"\"}", NO_TEXT },
		{ "{\"peer\": \"a\\nb\"}", NO_TEXT },
		{ "{\"peer\": \"\\u001b[2J\"}", NO_TEXT },
		{ "{\"peer\": \"\\u007f\"}", NO_TEXT },
		{ "{\"count\": 0}", NO_NUMBER },
		{ "{\"count\": 1001}", NO_NUMBER },
		{ "{\"count\": -1}", NO_NUMBER },
		{ "{\"count\": 4.0}", NO_NUMBER },
		{ "{\"count\": \"4\"}", NO_NUMBER },
		{ "{\"count\": true}", NO_NUMBER },
		{ "{\"all\": 1}", NO_FLAG },
		{ "{\"all\": \"true\"}", NO_FLAG },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		refused(wrong[i].text, takes, wrong[i].why);
	refused("{\"peer\": \"a\"}", NULL, NO_SUCH);
}
END_TEST

START_TEST(text_has_a_bound)
{
	char text[ARGUMENT_TEXT_MAX + 2];
	json_t *given;
	char *error = NULL;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	given = json_pack("{s:s}", "peer", text);
	ck_assert(!arguments_check(given, takes, "ping", &error));
	ck_assert_str_eq(error, NO_TEXT);
	free(error);
	json_decref(given);

	error = NULL;
	given = json_pack("{s:s}", "peer", text + 1);
	ck_assert(arguments_check(given, takes, "ping", &error));
	json_decref(given);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("arguments"),
	UNIT_TEST(what_is_given_is_had_and_the_rest_by_default),
	UNIT_TEST(none_are_right_for_every_command),
	UNIT_TEST(what_is_of_another_kind_or_too_much_is_refused),
	UNIT_TEST(text_has_a_bound),
};

UNIT_MAIN("arguments", tests)
