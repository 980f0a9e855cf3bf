#include "support/main.h"
#include "support/rng.h"
#include "tapd/discover/answer.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct answer a;
static uint16_t port = NODE_PORT;

/* A copy as long as the text is, so that reading past it is noticed. */
static void parse_bytes(const void *text, size_t len)
{
	char *copy = malloc(len ? len : 1);

	ck_assert_ptr_nonnull(copy);
	if (len)
		memcpy(copy, text, len);
	answer_free(&a);
	answer_parse(&a, copy, len, port);
	free(copy);
	ck_assert(a.count == 0 || a.error[0] == '\0');
	ck_assert((a.left_out_count > 0) == (a.left_out[0] != '\0'));
}

static void parse(const char *text)
{
	parse_bytes(text, strlen(text));
}

static void teardown(void)
{
	answer_free(&a);
}

/* What is read: "host:port" of each, with a space between. */
static const struct {
	const char *text, *peers;
} good[] = {
	{ "10.0.0.1", "10.0.0.1:8273" },
	{ "10.0.0.1\n10.0.0.2:9\r\n", "10.0.0.1:8273 10.0.0.2:9" },
	{ "web1 web2:9\tweb3.internal.",
	  "web1:8273 web2:9 web3.internal.:8273" },
	{ "[fd00::1]:9 fd00::2", "fd00::1:9 fd00::2:8273" },
	{ "[fd00::1]", "fd00::1:8273" },
	{ "fe80::1%eth0 [fe80::2%eth0]:9", "fe80::1%eth0:8273 fe80::2%eth0:9" },
	{ "# all\n 10.0.0.1 # the first\n#10.0.0.3\n10.0.0.2#",
	  "10.0.0.1:8273 10.0.0.2:8273" },
	{ "10.0.0.1 10.0.0.1:8273 WEB1 web1:8273 10.0.0.1:9",
	  "10.0.0.1:8273 WEB1:8273 10.0.0.1:9" },
	{ "\xef\xbb\xbf"
	  "10.0.0.1\n",
	  "10.0.0.1:8273" },
	{ "\v\f 10.0.0.1", "10.0.0.1:8273" },
	{ "", "" },
	{ " \n\t\r\n", "" },
	{ "# none yet\n", "" },
	{ "[]", "" },
	{ " [ ]\n", "" },
	{ "[{\"targets\": []}]", "" },
	{ "[{\"targets\": [\"10.0.0.2:8273\"]}]", "10.0.0.2:8273" },
	{ "\n [\n{\"labels\": {\"a\": \"b\"}, \"targets\": [\"10.0.0.2\", "
	  "\"web3:9\"]}, {\"targets\": [ \"[fd00::1]:9\" ]} ]\n",
	  "10.0.0.2:8273 web3:9 fd00::1:9" },
	{ "\xef\xbb\xbf[{\"targets\":[\"10.0.0.2\"]}]", "10.0.0.2:8273" },
	{ "[{\"targets\":[\"10.0.0.2\",\"10.0.0.2:8273\"]}]", "10.0.0.2:8273" },
	{ "[{\"targets\":[\"10.0.0\\u002e2\"]}]", "10.0.0.2:8273" },
};

START_TEST(endpoints_are_read)
{
	char text[1024] = "";
	size_t len = 0;

	parse(good[_i].text);
	ck_assert_str_eq(a.error, "");
	ck_assert_str_eq(a.left_out, "");
	for (size_t i = 0; i < a.count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"%s%s:%u", i ? " " : "",
					a.peers[i].host, a.peers[i].port);
	ck_assert_str_eq(text, good[_i].peers);
}
END_TEST

START_TEST(ports_are_left_out_where_hosts_have_none)
{
	port = 0;
	parse("10.0.0.1 10.0.0.2:1 web1 web2:2 [fd00::1]:2 fd00::2 [fd00::3]"
	      " fe80::1%eth0 [fe80::2%eth0]:1");
	port = NODE_PORT;
	ck_assert_uint_eq(a.count, 5);
	for (size_t i = 0; i < a.count; i++)
		ck_assert(a.peers[i].port == 0 && a.peers[i].addr.port == 0);
	ck_assert_uint_eq(a.left_out_count, 4);
	ck_assert_ptr_nonnull(strstr(a.left_out, "1: \"10.0.0.2:1\" has a port,"
						 " and GRE has none"));
}
END_TEST

/* What is left out is named, with its line; the rest is good. */
static const struct {
	const char *text, *left_out;
	size_t count;
} partly[] = {
	{ "10.0.0.1\nweb,2\n", "2: \"web,2\" is neither a host's address nor",
	  1 },
	{ "10.0.0.1\n\n  web_2:port 10.0.0.2", "3: \"web_2:port\" is neither",
	  2 },
	{ "# x\n10.0.0.1 10.0.0.300 a..b 224.0.0.1 0.0.0.0",
	  "2: \"10.0.0.300\" is neither a host's address nor its name, and 3 "
	  "more",
	  1 },
	{ "10.0.0.1 10.0.0.2/24", "1: \"10.0.0.2/24\"", 1 },
	{ "10.0.0.1 fe80::1", "1: \"fe80::1\" is an address of a link", 1 },
	{ "10.0.0.1:0 10.0.0.2:65536 10.0.0.3:65535", "1: \"10.0.0.1:0\"", 1 },
	{ "10.0.0.1,10.0.0.2 10.0.0.3", "1: \"10.0.0.1,10.0.0.2\"", 1 },
	{ "10.0.0.1 http://10.0.0.2", "1: \"http://10.0.0.2\"", 1 },
	{ "10.0.0.1\n\x1b[31m", "2: \"?[31m\"", 1 },
	{ "10.0.0.1 caf\xc3\xa9", "1: \"caf??\"", 1 },
	{ "[{\"targets\":[\"10.0.0.1\"]},\n{\"targets\":[\"a b\"]}]",
	  "2: \"a b\" is neither", 1 },
	{ "\n\n[{\"targets\":[\n\"10.0.0.1\",\n\"\"]}]", "5: \"\" is neither",
	  1 },
	{ "[ fd00::1 ]", "1: \"[\" is neither", 1 },
};

START_TEST(what_is_no_endpoint_is_left_out_and_named)
{
	parse(partly[_i].text);
	ck_assert_str_eq(a.error, "");
	ck_assert_uint_eq(a.count, partly[_i].count);
	ck_assert_msg(strncmp(a.left_out, partly[_i].left_out,
			      strlen(partly[_i].left_out)) == 0,
		      "\"%s\"", a.left_out);
}
END_TEST

static const struct {
	const char *text, *error;
} bad[] = {
	{ "<!DOCTYPE html>\n<html><body>10.0.0.1</body></html>",
	  "is an HTML page" },
	{ "\n  <HTML>", "is an HTML page" },
	{ "<?xml version=\"1.0\"?><hosts/>", "is HTML or XML" },
	{ "\xef\xbb\xbf<html>", "is an HTML page" },
	{ "{\"targets\": [\"10.0.0.1\"]}", "begins with {" },
	{ "[\"10.0.0.1\"]", "entry 1 is no object" },
	{ "[[]]", "entry 1 is no object" },
	{ "[{}]", "entry 1 has no \"targets\"" },
	{ "[{\"targets\":[\"10.0.0.1\"]},{\"targets\":\"10.0.0.2\"}]",
	  "entry 2 has no \"targets\"" },
	{ "[{\"targets\":[\"10.0.0.1\", 5]}]",
	  "entry 1 has a target that is no text" },
	{ "[{\"targets\":[\"10.0.0.1\"", "is no whole JSON: line 1" },
	{ "\n[{\"targets\":[\n\"10.0.0.1\"]}", "is no whole JSON: line 3" },
	{ "[{\"targets\":[\"10.0.0.1\"]}] x", "is no whole JSON" },
	{ "[{\"targets\":[\"\xff\"]}]", "is no whole JSON" },
	{ "[", "is no whole JSON" },
	{ "Error: (403)", "names no host: line 1: \"Error:\"" },
	{ "a,b", "names no host: line 1: \"a,b\" is neither" },
	{ "[{\"targets\":[\"a,b\"]}]", "names no host: line 1: \"a,b\"" },
};

START_TEST(what_is_no_list_is_an_error_that_says_what_it_is)
{
	parse(bad[_i].text);
	ck_assert_uint_eq(a.count, 0);
	ck_assert_msg(strstr(a.error, bad[_i].error), "\"%s\"", a.error);
}
END_TEST

START_TEST(bytes_that_are_no_text_are_an_error)
{
	parse_bytes("10.0.0.1\0", 9);
	ck_assert_str_eq(a.error, "is no text: it has a byte 0");
	parse_bytes("\0", 1);
	ck_assert_str_eq(a.error, "is no text: it has a byte 0");
	parse_bytes("", 0);
	ck_assert_str_eq(a.error, "");
}
END_TEST

START_TEST(a_long_word_is_cut_where_it_is_named)
{
	char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "10.0.0.1 ", 9);
	parse(text);
	ck_assert_uint_eq(a.count, 1);
	ck_assert_uint_lt(strlen(a.left_out), 128);
	ck_assert_ptr_nonnull(strstr(a.left_out, "1: \"xxxx"));
}
END_TEST

/* n addresses, each on its line; or targets. To be freed. */
static char *many(unsigned n, const char *before, const char *between,
		  const char *after)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(f);
	fputs(before, f);
	for (unsigned i = 0; i < n; i++)
		fprintf(f, "%s10.%u.%u.%u", i ? between : "", i >> 16,
			i >> 8 & 255, i & 255);
	fputs(after, f);
	ck_assert_int_eq(fclose(f), 0);
	return text;
}

START_TEST(as_many_hosts_are_taken_as_there_is_room_for)
{
	static const char *const form[][3] = {
		{ "", "\n", "\n" },
		{ "[{\"targets\":[\"", "\",\"", "\"]}]" },
	};
	const char *const *f = form[_i];
	char *text = many(ANSWER_PEERS_MAX, f[0], f[1], f[2]);

	parse(text);
	ck_assert_uint_eq(a.count, ANSWER_PEERS_MAX);
	ck_assert_str_eq(a.left_out, "");
	free(text);
	text = many(ANSWER_PEERS_MAX + 500, f[0], f[1], f[2]);
	parse(text);
	ck_assert_uint_eq(a.count, ANSWER_PEERS_MAX);
	ck_assert_uint_eq(a.left_out_count, 500);
	ck_assert_ptr_nonnull(strstr(a.left_out, "is one more than there is"
						 " room for, and 499 more"));
	free(text);
}
END_TEST

START_TEST(what_is_too_long_is_an_error)
{
	char *text = malloc(ANSWER_BYTES_MAX + 1);

	ck_assert_ptr_nonnull(text);
	memset(text, '#', ANSWER_BYTES_MAX + 1);
	parse_bytes(text, ANSWER_BYTES_MAX);
	ck_assert_str_eq(a.error, "");
	parse_bytes(text, ANSWER_BYTES_MAX + 1);
	ck_assert_str_eq(a.error, "is longer than 256 KiB");
	free(text);
}
END_TEST

START_TEST(any_bytes_are_an_answer_or_an_error)
{
	static const char alphabet[] = "10.:[]{}\"ab,# \n%<\\-\xc3";
	static const char *const begin[] = { "", "[{\"targets\":[\"", "[",
					     "10.0.0.1 " };
	struct rng rng = rng_init((uint64_t)_i);
	char text[128];

	for (unsigned i = 0; i < 20000; i++) {
		const char *first = begin[rng_below(&rng, 4)];
		size_t len = strlen(first);

		memcpy(text, first, len);
		for (size_t n = rng_below(&rng, 60); n > 0; n--)
			text[len++] =
				alphabet[rng_below(&rng, sizeof(alphabet) - 1)];
		parse_bytes(text, len);
	}
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("answer", .teardown = teardown, .timeout_s = 30),
	UNIT_EACH(endpoints_are_read, good),
	UNIT_TEST(ports_are_left_out_where_hosts_have_none),
	UNIT_EACH(what_is_no_endpoint_is_left_out_and_named, partly),
	UNIT_EACH(what_is_no_list_is_an_error_that_says_what_it_is, bad),
	UNIT_TEST(bytes_that_are_no_text_are_an_error),
	UNIT_TEST(a_long_word_is_cut_where_it_is_named),
	UNIT_LOOP(as_many_hosts_are_taken_as_there_is_room_for, 2),
	UNIT_TEST(what_is_too_long_is_an_error),
	UNIT_LOOP(any_bytes_are_an_answer_or_an_error, 4),
};

UNIT_MAIN("answer", tests)
