#include "tapd/ctl/client.h"

#include <sys/stat.h>

#include "support/main.h"
#include "support/scratch.h"
#include "unit/ctl/fake_daemon.h"

/* Asks a daemon that answers with these bytes. */
static enum client_result ask_len(const char *answer, size_t len,
				  json_t **result, char **error)
{
	pid_t child = fake_daemon("s", answer, len);
	enum client_result r = client_ask("s", "status", NULL, result, error);

	fake_stop(child);
	ck_assert((r == CLIENT_OK) == (*error == NULL));
	ck_assert((r == CLIENT_OK) == (*result != NULL));
	unlink("s");
	return r;
}

static enum client_result ask(const char *answer, json_t **result, char **error)
{
	return ask_len(answer, strlen(answer), result, error);
}

START_TEST(result_is_handed_over)
{
	json_t *result;
	char *error;

	ck_assert_int_eq(ask("{\"ok\":true,\"result\":{\"a\":5}}\nmore",
			     &result, &error),
			 CLIENT_OK);
	ck_assert_int_eq(json_integer_value(json_object_get(result, "a")), 5);
	ck_assert_uint_eq(result->refcount, 1);
	json_decref(result);
}
END_TEST

START_TEST(refusal_is_the_daemons_own_words)
{
	json_t *result;
	char *error;

	ck_assert_int_eq(ask("{\"ok\":false,\"error\":\"no: a:3: b\"}\n",
			     &result, &error),
			 CLIENT_REFUSED);
	ck_assert_str_eq(error, "no: a:3: b");
	free(error);
}
END_TEST

START_TEST(what_is_no_tapd_is_told_apart)
{
	static const char *const answers[] = {
		"",	   "\n",
		"hello\n", "{\"ok\":true,\"result\":5}",
		"[]\n",	   "{\"ok\":true}\n",
		"5\n",	   "{\"ok\":false}\n",
		"{}\n",	   "{\"ok\":1,\"result\":{}}\n",
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		json_t *result;
		char *error;

		ck_assert_int_eq(ask(answers[i], &result, &error),
				 CLIENT_NO_DAEMON);
		ck_assert_int_eq(strncmp(error, "s: ", 3), 0);
		free(error);
	}
}
END_TEST

START_TEST(big_answer_is_read_whole)
{
	static const char head[] = "{\"ok\":true,\"result\":\"";
	const size_t len = 3000000;
	char *answer = malloc(len), *error;
	json_t *result;

	memset(answer, 'x', len);
	memcpy(answer, head, sizeof(head) - 1);
	memcpy(answer + len - 3, "\"}\n", 3);
	ck_assert_int_eq(ask_len(answer, len, &result, &error), CLIENT_OK);
	ck_assert_uint_eq(json_string_length(result),
			  len - 3 - (sizeof(head) - 1));
	json_decref(result);
	free(answer);
}
END_TEST

/* The daemon says these at once, and ends in the middle of a line. */
START_TEST(answers_are_taken_one_by_one)
{
	static const char said[] = "{\"ok\":true,\"result\":1}\n"
				   "{\"ok\":false,\"error\":\"no\"}\n"
				   "{\"ok\":true,\"result\":3}\n{\"ok\"";
	pid_t child = fake_daemon("s", said, strlen(said));
	struct client *client;
	json_t *answer;
	char *error;

	ck_assert_int_eq(client_open("s", "monitor", NULL, &client, &error),
			 CLIENT_OK);
	client_wait_forever(client);
	ck_assert_int_eq(client_next(client, &answer, &error), CLIENT_OK);
	ck_assert_int_eq(json_integer_value(answer), 1);
	json_decref(answer);
	ck_assert_int_eq(client_next(client, &answer, &error), CLIENT_REFUSED);
	ck_assert_str_eq(error, "no");
	free(error);
	ck_assert_int_eq(client_next(client, &answer, &error), CLIENT_OK);
	ck_assert_int_eq(json_integer_value(answer), 3);
	json_decref(answer);
	ck_assert_int_eq(client_next(client, &answer, &error),
			 CLIENT_NO_DAEMON);
	ck_assert_str_eq(error, "s: closed without an answer");
	free(error);
	client_close(client);
	fake_stop(child);
	unlink("s");
	ck_assert_int_eq(client_open("s", "monitor", NULL, &client, &error),
			 CLIENT_NO_DAEMON);
	ck_assert_ptr_null(client);
	free(error);
}
END_TEST

START_TEST(nobody_there_is_no_daemon)
{
	char *error, longer[200];
	json_t *result;

	ck_assert_int_eq(client_ask("none", "status", NULL, &result, &error),
			 CLIENT_NO_DAEMON);
	ck_assert_str_eq(error, "none: no tapd answers there (No such file or "
				"directory)");
	free(error);
	close(fake_listen("stale"));
	ck_assert_int_eq(client_ask("stale", "status", NULL, &result, &error),
			 CLIENT_NO_DAEMON);
	free(error);
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_int_eq(client_ask(longer, "status", NULL, &result, &error),
			 CLIENT_NO_DAEMON);
	free(error);
}
END_TEST

START_TEST(only_socket_is_found_and_of_several_the_live_one)
{
	char *path, *error;
	int a, b;

	ck_assert_int_eq(client_find("none", &path, &error), CLIENT_NO_DAEMON);
	ck_assert_ptr_nonnull(strstr(error, "no tapd runs here"));
	free(error);
	ck_assert_int_eq(mkdir("run", 0755), 0);
	scratch_put("run/file", "");
	ck_assert_int_eq(client_find("run", &path, &error), CLIENT_NO_DAEMON);
	free(error);

	a = fake_listen("run/tap0.sock");
	ck_assert_int_eq(client_find("run", &path, &error), CLIENT_OK);
	ck_assert_str_eq(path, "run/tap0.sock");
	free(path);

	/* metrics = "/run/tapd/tap0.metrics" */
	b = fake_listen("run/tap0.metrics");
	ck_assert_int_eq(client_find("run", &path, &error), CLIENT_OK);
	ck_assert_str_eq(path, "run/tap0.sock");
	free(path);
	close(b);

	b = fake_listen("run/tap1.sock");
	ck_assert_int_eq(client_find("run", &path, &error), CLIENT_USAGE);
	ck_assert_ptr_null(path);
	ck_assert_ptr_nonnull(strstr(error, "2 daemons"));
	free(error);

	close(a);
	ck_assert_int_eq(client_find("run", &path, &error), CLIENT_OK);
	ck_assert_str_eq(path, "run/tap1.sock");
	free(path);
	close(b);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("client", .setup = scratch_enter, .teardown = scratch_leave),
	UNIT_TEST(result_is_handed_over),
	UNIT_TEST(refusal_is_the_daemons_own_words),
	UNIT_TEST(what_is_no_tapd_is_told_apart),
	UNIT_TEST(big_answer_is_read_whole),
	UNIT_TEST(answers_are_taken_one_by_one),
	UNIT_TEST(nobody_there_is_no_daemon),
	UNIT_TEST(only_socket_is_found_and_of_several_the_live_one),
};

UNIT_MAIN("client", tests)
