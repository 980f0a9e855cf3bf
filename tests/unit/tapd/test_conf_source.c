#include <sys/stat.h>

#include "support/main.h"
#include "tapd/log.h"
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
	read_fails("/dev/zero", "/dev/zero: larger than 1 MiB; ", "");
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
	UNIT_TEST(error_in_an_included_file_names_that_file),
};

UNIT_MAIN("conf_source", tests)
