/* The program as scripts see it: exit codes, and what goes where. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/key.h"
#include "support/main.h"
#include "support/scratch.h"
#include "unit/ctl/fake_daemon.h"

/* What the last run printed. */
static char out[4096], err[4096];

static void slurp(const char *path, char text[4096])
{
	FILE *f = fopen(path, "r");
	size_t len;

	ck_assert_ptr_nonnull(f);
	len = fread(text, 1, 4095, f);
	text[len] = '\0';
	fclose(f);
}

/* Runs tapctl with these words; its exit code. */
static int tapctl(const char *words)
{
	char command[1024];
	int status;

	snprintf(command, sizeof(command), "'%s' %s >out 2>err", TEST_PROGRAM,
		 words);
	status = system(command);
	ck_assert(WIFEXITED(status));
	slurp("out", out);
	slurp("err", err);
	return WEXITSTATUS(status);
}

START_TEST(wrong_usage_is_2)
{
	static const char *const wrong[] = {
		"fry",
		"-x status",
		"status more",
		"-s",
		"genpsk more",
		"pubkey a b",
		"peers --all",
		"--sock",
		"status -s",
		"drops reload",
		"-i",
		"-i x -s s status",
		"-i ../x status",
		"-i '' status",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_msg(tapctl(wrong[i]) == 2, "%s", wrong[i]);
		ck_assert_str_eq(out, "");
		ck_assert_str_ne(err, "");
	}
}
END_TEST

START_TEST(wrong_usage_of_doctor_is_64)
{
	static const char *const wrong[] = { "doctor more", "-x doctor",
					     "doctor --all",
					     "-i x -s s doctor" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_msg(tapctl(wrong[i]) == 64, "%s", wrong[i]);
		ck_assert_str_eq(out, "");
		ck_assert_str_ne(err, "");
	}
}
END_TEST

START_TEST(doctor_says_that_no_daemon_runs)
{
	ck_assert_int_eq(tapctl("-s none doctor"), 2);
	ck_assert_str_eq(err, "");
	ck_assert_ptr_nonnull(strstr(out, "error: daemon-down\n"
					  "    no tapd runs for tap0: none:"));
	ck_assert_int_eq(tapctl("-s no-such-one.sock -j doctor"), 2);
	ck_assert_ptr_nonnull(strstr(out, "\"no tapd runs for no-such-one:"));
	ck_assert_ptr_nonnull(strstr(out, "tapd@no-such-one"));
}
END_TEST

START_TEST(doctor_says_what_a_daemon_of_another_version_says)
{
	static const char no[] = "{\"ok\":false,\"error\":\"not now\"}\n";
	pid_t child = fake_daemon("s", no, strlen(no));

	ck_assert_int_ge(tapctl("-s s doctor"), 1);
	ck_assert_ptr_nonnull(strstr(out, "warning: daemon-other\n    status:"
					  " the daemon says: not now"));
	ck_assert_ptr_null(strstr(out, "daemon-down"));
	fake_stop(child);
}
END_TEST

START_TEST(help_and_version_are_0)
{
	ck_assert_int_eq(tapctl("--help"), 0);
	ck_assert_ptr_nonnull(strstr(out, "usage: tapctl"));
	ck_assert_int_eq(tapctl("-h"), 0);
	ck_assert_int_eq(tapctl("--version"), 0);
	ck_assert_str_eq(out, "tapctl " TAPD_VERSION "\n");
}
END_TEST

START_TEST(no_daemon_is_3)
{
	ck_assert_int_eq(tapctl("-s none status"), 3);
	ck_assert_str_eq(out, "");
	ck_assert_str_eq(err, "tapctl: none: no tapd answers there (No such "
			      "file or directory)\n");
}
END_TEST

START_TEST(a_daemon_is_named_by_its_interface)
{
	ck_assert_int_eq(tapctl("-i no-such-one status"), 3);
	ck_assert_str_eq(err, "tapctl: /run/tapd/no-such-one.sock: no tapd "
			      "answers there (No such file or directory)\n");
	ck_assert_int_eq(tapctl("--instance=no-such-one reload"), 3);
}
END_TEST

START_TEST(without_a_command_it_is_status)
{
	static const char yes[] =
		"{\"ok\":true,\"result\":{\"name\":\"web1\"}}\n";
	pid_t child = fake_daemon("s", yes, strlen(yes));

	ck_assert_int_eq(tapctl("-s s"), 0);
	ck_assert_ptr_nonnull(strstr(out, "node       web1\n"));
	ck_assert_int_eq(tapctl("-j -s s"), 0);
	ck_assert_str_eq(out, "{\n  \"name\": \"web1\"\n}\n");
	ck_assert_int_eq(tapctl("-s none"), 3);
	ck_assert_int_eq(tapctl("-s s --all"), 2);
	fake_stop(child);
}
END_TEST

START_TEST(metrics_are_printed_as_they_come)
{
	static const char yes[] =
		"{\"ok\":true,\"result\":[\"# HELP a b\\n# TYPE a gauge\","
		"\"a{b=\\\"c\\\"} 1\",7]}\n";
	pid_t child = fake_daemon("s", yes, strlen(yes));

	ck_assert_int_eq(tapctl("-s s metrics"), 0);
	ck_assert_str_eq(out, "# HELP a b\n# TYPE a gauge\na{b=\"c\"} 1\n");
	fake_stop(child);
}
END_TEST

/* script(1) gives it a terminal. */
static void on_terminal(const char *environment, const char *words)
{
	char command[1024];

	snprintf(command, sizeof(command),
		 "%s script -qec \"'%s' %s\" out >/dev/null </dev/null",
		 environment, TEST_PROGRAM, words);
	ck_assert_int_eq(system(command), 0);
	slurp("out", out);
}

static bool is_coloured(const char *environment)
{
	on_terminal(environment, "-s s peers");
	ck_assert_ptr_nonnull(strstr(out, "web2"));
	return strchr(strstr(out, "web2") - 20, '\033') != NULL;
}

START_TEST(colour_is_for_terminals_that_want_it)
{
	static const char yes[] = "{\"ok\":true,\"result\":[{\"name\":\"web2\","
				  "\"state\":\"up\"}]}\n";
	pid_t child = fake_daemon("s", yes, strlen(yes));

	ck_assert(is_coloured("NO_COLOR= TERM=linux"));
	ck_assert(!is_coloured("NO_COLOR=1 TERM=linux"));
	ck_assert(!is_coloured("NO_COLOR= TERM=dumb"));
	ck_assert_int_eq(tapctl("-s s peers"), 0);
	ck_assert_ptr_null(strchr(out, '\033'));
	fake_stop(child);
}
END_TEST

/* Only after the word ping -s is a size; before it, and of others, a socket. */
START_TEST(options_of_its_own_follow_the_command)
{
	static const char yes[] =
		"{\"ok\":true,\"result\":{\"peer\":\"web2\",\"size\":200,"
		"\"rtt_us\":500,\"size_max\":1472}}\n";
	pid_t child = fake_daemon("s", yes, strlen(yes));

	ck_assert_int_eq(tapctl("-s s ping web2 -c 1 -s 200"), 0);
	ck_assert_ptr_nonnull(strstr(out, "echo: seq=1 time=500"));
	ck_assert_ptr_nonnull(strstr(out, "1 sent, 1 received, 0% lost"));
	ck_assert_int_eq(tapctl("-j -s s ping -c 2 -s 200 web2"), 0);
	ck_assert_ptr_nonnull(strstr(out, "\"sent\": 2"));
	ck_assert_ptr_nonnull(strstr(out, "\"size_max\": 1472"));
	ck_assert_int_eq(tapctl("-s s test"), 2);
	ck_assert_int_eq(tapctl("-s s test 239.1.2.3 -c 101"), 2);
	ck_assert_int_eq(tapctl("-s s ping web2 -c 0"), 2);
	ck_assert_int_eq(tapctl("-s s mesh --dot --svg"), 2);
	ck_assert_int_eq(tapctl("-s s mesh -j --svg"), 2);
	ck_assert_int_eq(tapctl("-s s status --svg"), 2);
	/* What answers so knows no mesh. */
	ck_assert_int_eq(tapctl("-s s mesh"), 3);
	fake_stop(child);
}
END_TEST

START_TEST(refusal_is_1)
{
	static const char no[] = "{\"ok\":false,\"error\":\"not now\"}\n";
	pid_t child = fake_daemon("s", no, strlen(no));

	ck_assert_int_eq(tapctl("-j -s s groups"), 1);
	ck_assert_str_eq(out, "");
	ck_assert_str_eq(err, "tapctl: not now\n");
	fake_stop(child);
}
END_TEST

/* ESC, DEL, CSI in one byte's meaning, and what is no such thing. */
#define HOSTILE "\\u001b[2J\\u007f\\u009b3Jcaf\\u00e9"

START_TEST(a_daemon_does_not_drive_the_terminal)
{
	static const char no[] = "{\"ok\":false,\"error\":\"" HOSTILE "\"}\n";
	static const char yes[] =
		"{\"ok\":true,\"result\":[\"" HOSTILE "\"]}\n";
	pid_t child = fake_daemon("s", no, strlen(no));

	ck_assert_int_eq(tapctl("-s s groups"), 1);
	ck_assert_str_eq(err, "tapctl: ?[2J??3Jcaf\xc3\xa9\n");
	fake_stop(child);
	unlink("s");
	child = fake_daemon("s", yes, strlen(yes));
	ck_assert_int_eq(tapctl("-s s metrics"), 0);
	ck_assert_str_eq(out, "?[2J??3Jcaf\xc3\xa9\n");
	ck_assert_int_eq(tapctl("-j -s s metrics"), 0);
	ck_assert_str_eq(out, "[\n  \"\\u001B[2J\\u007f\xc2\x9b"
			      "3Jcaf\xc3\xa9\"\n]\n");
	on_terminal("TERM=linux", "-j -s s metrics");
	ck_assert_ptr_nonnull(
		strstr(out, "\"\\u001B[2J\\u007f\\u009B3Jcaf\\u00E9\""));
	fake_stop(child);
}
END_TEST

START_TEST(answer_is_text_or_json)
{
	static const char yes[] = "{\"ok\":true,\"result\":{\"replay\":3,"
				  "\"mac1\":0,\"x\":0.05}}\n";
	pid_t child = fake_daemon("s", yes, strlen(yes));

	ck_assert_int_eq(tapctl("-s s drops"), 0);
	ck_assert_ptr_nonnull(strstr(out, "    3  replay  datagram already"));
	ck_assert_ptr_null(strstr(out, "mac1"));
	ck_assert_int_eq(tapctl("drops --all -s s"), 0);
	ck_assert_ptr_nonnull(strstr(out, "    0  mac1 "));
	ck_assert_int_eq(tapctl("drops -j --socket=s"), 0);
	ck_assert_str_eq(out, "{\n  \"replay\": 3,\n  \"mac1\": 0,\n"
			      "  \"x\": 0.05\n}\n");
	fake_stop(child);
}
END_TEST

/* The second question gets the same answer here, which says nothing. */
START_TEST(groups_are_shown_without_what_an_older_daemon_does_not_say)
{
	static const char yes[] = "{\"ok\":true,\"result\":[{\"group\":"
				  "\"239.1.1.1\",\"members\":[\"web2\"]}]}\n";
	pid_t child = fake_daemon("s", yes, strlen(yes));

	ck_assert_int_eq(tapctl("-s s groups"), 0);
	ck_assert_str_eq(out, "GROUP      VLAN  LOCAL  MEMBERS\n"
			      "239.1.1.1     -  no     web2\n");
	fake_stop(child);
}
END_TEST

START_TEST(output_that_cannot_be_written_is_an_error)
{
	char command[1024];

	snprintf(command, sizeof(command), "'%s' genpsk >/dev/full 2>err",
		 TEST_PROGRAM);
	ck_assert_int_eq(WEXITSTATUS(system(command)), 1);
}
END_TEST

START_TEST(genpsk_prints_a_secret_and_another)
{
	char first[64];
	uint8_t key[KEY_LEN];

	ck_assert_int_eq(tapctl("genpsk"), 0);
	ck_assert_uint_eq(strlen(out), 45);
	out[44] = '\0';
	ck_assert(key_parse(key, out));
	strcpy(first, out);
	ck_assert_int_eq(tapctl("genpsk"), 0);
	ck_assert_int_ne(strncmp(first, out, 44), 0);
}
END_TEST

/* RFC 7748, section 6.1: Alice. */
START_TEST(pubkey_prints_the_public_key_alone)
{
	scratch_put("k", "private_key = "
			 "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=\n");
	ck_assert_int_eq(system("chmod 600 k"), 0);
	ck_assert_int_eq(tapctl("pubkey k"), 0);
	ck_assert_str_eq(out, "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n");
	ck_assert_int_eq(tapctl("pubkey none"), 1);
	ck_assert_ptr_nonnull(strstr(err, "none: no such file"));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("tapctl", .setup = scratch_enter, .teardown = scratch_leave,
		  .timeout_s = 20),
	UNIT_TEST(wrong_usage_is_2),
	UNIT_TEST(wrong_usage_of_doctor_is_64),
	UNIT_TEST(doctor_says_that_no_daemon_runs),
	UNIT_TEST(doctor_says_what_a_daemon_of_another_version_says),
	UNIT_TEST(help_and_version_are_0),
	UNIT_TEST(no_daemon_is_3),
	UNIT_TEST(a_daemon_is_named_by_its_interface),
	UNIT_TEST(without_a_command_it_is_status),
	UNIT_TEST(metrics_are_printed_as_they_come),
	UNIT_TEST(colour_is_for_terminals_that_want_it),
	UNIT_TEST(options_of_its_own_follow_the_command),
	UNIT_TEST(refusal_is_1),
	UNIT_TEST(a_daemon_does_not_drive_the_terminal),
	UNIT_TEST(answer_is_text_or_json),
	UNIT_TEST(groups_are_shown_without_what_an_older_daemon_does_not_say),
	UNIT_TEST(output_that_cannot_be_written_is_an_error),
	UNIT_TEST(genpsk_prints_a_secret_and_another),
	UNIT_TEST(pubkey_prints_the_public_key_alone),
};

UNIT_MAIN("tapctl", tests)
