#include <sys/stat.h>

#include "support/main.h"
#include "tapd/log/log.h"
#include "unit/tapd/conf_help.h"

START_TEST(comments_and_includes_are_followed)
{
	struct conf *c;

	ck_assert_int_eq(mkdir("sub", 0755), 0);
	scratch_put("sub/a.conf", "@include \"b.conf\" # beside it\n"
				  "name = \"a\";");
	scratch_put("sub/b.conf", "log_level = \"error\"; # \" not a text\n");
	scratch_put("tap0.conf", "// @include \"none\"\n"
				 "/*\n"
				 "@include \"none\"\n"
				 "*/ user = \"x\"; # /* \n"
				 "  @include \"sub/a.conf\"\n"
				 "secret_file = \"\\\"\n"
				 "@include \\\"none\\\"\"; // a text, too\n");
	read_fails("tap0.conf", "tap0.conf:6: secret_file: ", "control");
	scratch_put("tap0.conf", "@include \"sub/a.conf\"");
	c = read_ok("tap0.conf");
	ck_assert_str_eq(c->name, "a");
	ck_assert_int_eq(c->log_level, LOG_LEVEL_ERROR);
	conf_free(c);
}
END_TEST

START_TEST(absolute_include_is_absolute)
{
	char text[128];
	struct conf *c;

	ck_assert_int_eq(mkdir("sub", 0755), 0);
	scratch_put("b.conf", "name = \"b\";");
	snprintf(text, sizeof(text), "@include \"%s/b.conf\"\n", scratch_dir);
	scratch_put("sub/tap0.conf", text);
	c = read_ok("sub/tap0.conf");
	ck_assert_str_eq(c->name, "b");
	conf_free(c);
}
END_TEST

START_TEST(unreadable_file_is_named)
{
	read_fails("none.conf", "none.conf: No such file or directory; ", "");
	read_fails(scratch_dir, scratch_dir, ": is a directory; ");
	scratch_put_bytes("nul.conf", "name = \"a\";\0name", 16);
	read_fails("nul.conf", "nul.conf: not text", "");
	scratch_put_bytes("utf16.conf", "\xff\xfen\0a\0", 6);
	read_fails("utf16.conf", "utf16.conf: UTF-16; save it as UTF-8", "");
	read_fails("/dev/zero", "/dev/zero: larger than 1 MiB; ", "");
}
END_TEST

START_TEST(byte_order_mark_is_passed_over)
{
	struct conf *c;

	scratch_put("a.conf", "\xef\xbb\xbfname = \"a\";\n");
	scratch_put("tap0.conf", "\xef\xbb\xbf@include \"a.conf\"\n");
	c = read_ok("tap0.conf");
	ck_assert_str_eq(c->name, "a");
	conf_free(c);
	scratch_put("tap0.conf", "\xef\xbb\xbf");
	conf_free(read_ok("tap0.conf"));
}
END_TEST

START_TEST(files_without_end_are_refused_for_what_they_are)
{
	static char text[66 * 24];

	scratch_put("a.conf", "\n");
	for (int i = 0; i < 65; i++)
		strcat(text, "@include \"a.conf\"\n");
	scratch_put("tap0.conf", text);
	read_fails("tap0.conf", "tap0.conf:64: ", "more than 64 files");
}
END_TEST

START_TEST(line_of_what_is_not_closed_is_that_of_its_file)
{
	scratch_put("a.conf", "name = \"a\";\n\n\n");
	scratch_put("tap0.conf",
		    "@include \"a.conf\"\ninterface = {\nmtu = 1500;\n");
	read_fails("tap0.conf", "tap0.conf:", "close the '{' of line 2");
}
END_TEST

START_TEST(error_in_an_included_file_names_that_file)
{
	scratch_put("peers.conf", "\npeers = [ \"10.9.0.300\" ];\n");
	scratch_put("tap0.conf",
		    "name = \"a\";\n@include \"peers.conf\"\nuser = 5;");
	read_fails("tap0.conf", "peers.conf:2: peers: ", "10.9.0.300");
	scratch_put("peers.conf", "peers = [ ];\n\n");
	read_fails("tap0.conf", "tap0.conf:3: user: ", "must be text");
	scratch_put("peers.conf", "\n\npeers = ];\n");
	read_fails("tap0.conf", "peers.conf:3: syntax error", "");
	scratch_put("peers.conf", "\n@include \"more.conf\"\n");
	read_fails("tap0.conf",
		   "peers.conf:2: @include more.conf: ", "No such file");
	scratch_put("more.conf", "@include \"tap0.conf\"");
	read_fails("tap0.conf", "", "remove the circle");
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("conf_source", .setup = scratch_enter,
		  .teardown = scratch_leave),
	UNIT_TEST(comments_and_includes_are_followed),
	UNIT_TEST(absolute_include_is_absolute),
	UNIT_TEST(unreadable_file_is_named),
	UNIT_TEST(byte_order_mark_is_passed_over),
	UNIT_TEST(files_without_end_are_refused_for_what_they_are),
	UNIT_TEST(line_of_what_is_not_closed_is_that_of_its_file),
	UNIT_TEST(error_in_an_included_file_names_that_file),
};

UNIT_MAIN("conf_source", tests)
