/* tapd/ctl/render_ask: what ping and test say to people. */
#include <string.h>

#include "support/main.h"
#include "tapd/ctl/render.h"
#include "unit/ctl/screen.h"

static json_t *json(const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

	ck_assert_msg(value != NULL, "%s", text);
	return value;
}

START_TEST(a_ping_is_a_line_and_its_sum_a_few)
{
	json_t *first =
		json("{\"peer\":\"web2\",\"endpoint\":\"10.9.0.2:8273\","
		     "\"local\":\"10.9.0.1:8273\",\"size\":100,"
		     "\"rtt_us\":412}");
	json_t *lost = json("{\"peer\":\"web2\",\"rtt_us\":null}");
	json_t *all = json("{\"peer\":\"web2\",\"sent\":2,\"received\":1,"
			   "\"rtt_us\":{\"min\":412,\"avg\":412,\"max\":412},"
			   "\"size_max\":1272,\"datagram_size\":1252}");
	struct screen s;
	char *text;

	screen_open(&s);
	render_ping(s.out, first, 1);
	render_ping(s.out, lost, 2);
	render_pings(s.out, all);
	text = screen_close(&s);
	ck_assert_str_eq(text,
			 "PING web2 (10.9.0.2:8273 from 10.9.0.1:8273) in the "
			 "tunnel: 100 bytes\n"
			 "echo: seq=1 time=412µs\n"
			 "no echo: seq=2\n"
			 "--- web2\n"
			 "2 sent, 1 received, 50% lost\n"
			 "round trip min/avg/max 412µs/412µs/412µs\n"
			 "largest datagram 1272 bytes, in use 1252\n");
	free(text);
	json_decref(first);
	json_decref(lost);
	json_decref(all);
}
END_TEST

START_TEST(a_test_is_a_line_for_each_host_and_says_why)
{
	json_t *test = json(
		"{\"group\":\"239.1.2.3\",\"sent\":10,\"hosts\":["
		"{\"name\":\"web2\",\"member\":true,\"heard\":10,\"unicast\":"
		"10,"
		"\"first_ms\":0.4,\"why\":null},"
		"{\"name\":\"web3\",\"member\":false,\"heard\":0,\"unicast\":"
		"10,"
		"\"first_ms\":null,\"why\":\"not a member: nobody there joined "
		"the group\"},"
		"{\"name\":\"web4\",\"member\":null,\"heard\":null,"
		"\"unicast\":null,\"first_ms\":null,\"why\":\"no answer: is "
		"UDP "
		"8273 open both ways?\"}]}");
	struct screen s;
	char *text;

	screen_open(&s);
	render_test(s.out, test);
	text = screen_close(&s);
	ck_assert_str_eq(text,
			 "10 frames to 239.1.2.3\n"
			 "HOST  MEMBER  HEARD  UNICAST  FIRST\n"
			 "web2  yes     10/10    10/10  400µs\n"
			 "web3  no       0/10    10/10      -\n"
			 "    not a member: nobody there joined the group\n"
			 "web4  -           -        -      -\n"
			 "    no answer: is UDP 8273 open both ways?\n");
	free(text);
	json_decref(test);
}
END_TEST

static const char *const odd[] = {
	"null",
	"[]",
	"{\"hosts\":[5,{\"name\":5,\"why\":6}],\"sent\":\"x\"}",
	"{\"peer\":\"\\u001b[2J\",\"sent\":0,\"received\":-1,\"rtt_us\":{}}",
	"{\"size_max\":1,\"group\":\"\\u0007\"}",
};

START_TEST(whatever_is_answered_can_be_shown)
{
	json_t *value = json(odd[_i]);
	struct screen s;

	screen_open(&s);
	render_ping(s.out, value, 1);
	render_pings(s.out, value);
	render_test(s.out, value);
	free(screen_close(&s));
	json_decref(value);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("render_ask"),
	UNIT_TEST(a_ping_is_a_line_and_its_sum_a_few),
	UNIT_TEST(a_test_is_a_line_for_each_host_and_says_why),
	UNIT_EACH(whatever_is_answered_can_be_shown, odd),
};

UNIT_MAIN("render_ask", tests)
