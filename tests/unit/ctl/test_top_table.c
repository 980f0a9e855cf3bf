#include "tapd/ctl/top_table.h"

#include <string.h>

#include "support/main.h"
#include "unit/ctl/screen.h"

/* A peer that has sent and received so many bytes. */
static json_t *peer(const char *name, int tx, int rx)
{
	return json_pack("{s:s, s:s, s:s, s:i, s:{s:i, s:i}, s:{s:i, s:i}}",
			 "name", name, "key", name, "state", "up", "rtt_us",
			 312, "tx", "frames", tx / 100, "bytes", tx, "rx",
			 "frames", rx / 100, "bytes", rx);
}

static double rate(const json_t *rows, size_t i, const char *name)
{
	const json_t *rates = json_object_get(json_array_get(rows, i), "rates");
	const json_t *value = json_object_get(rates, name);

	return json_is_null(value) ? -1 : json_number_value(value);
}

static const char *name(const json_t *rows, size_t i)
{
	return json_string_value(
		json_object_get(json_array_get(rows, i), "name"));
}

START_TEST(peers_without_keys_are_known_by_their_endpoints)
{
	json_t *before =
		json_pack("[o, o]", peer("a", 1000, 0), peer("b", 2000, 0));
	json_t *now =
		json_pack("[o, o]", peer("a", 1200, 0), peer("b", 5000, 0));
	json_t *rows;

	for (size_t i = 0; i < 4; i++) {
		json_t *p = json_array_get(i < 2 ? before : now, i % 2);

		json_object_set_new(p, "key", json_null());
		json_object_set_new(
			p, "endpoint",
			json_string(i % 2 ? "10.9.0.3:4789" : "10.9.0.2:4789"));
	}
	rows = top_rows(before, now, 1);
	ck_assert_str_eq(name(rows, 0), "b");
	ck_assert(rate(rows, 0, "tx_bytes") == 3000);
	ck_assert(rate(rows, 1, "tx_bytes") == 200);
	json_decref(rows);
	json_decref(before);
	json_decref(now);
}
END_TEST

START_TEST(rates_are_what_came_meanwhile_the_busiest_first)
{
	json_t *before = json_pack("[o, o, o]", peer("a", 1000, 0),
				   peer("b", 5000, 5000), peer("d", 900, 9));
	json_t *now = json_pack("[o, o, o, o]", peer("a", 1200, 0),
				peer("b", 5000, 9000), peer("c", 70, 70),
				peer("d", 100, 9));
	json_t *rows = top_rows(before, now, 2);

	ck_assert_uint_eq(json_array_size(rows), 4);
	ck_assert_str_eq(name(rows, 0), "b");
	ck_assert_str_eq(name(rows, 1), "a");
	ck_assert(rate(rows, 0, "rx_bytes") == 2000);
	ck_assert(rate(rows, 0, "rx_frames") == 20);
	ck_assert(rate(rows, 0, "tx_bytes") == 0);
	ck_assert(rate(rows, 1, "tx_bytes") == 100);
	/* New, and begun again: not known. */
	ck_assert_str_eq(name(rows, 2), "c");
	ck_assert(rate(rows, 2, "tx_bytes") == -1);
	ck_assert_str_eq(name(rows, 3), "d");
	ck_assert(rate(rows, 3, "tx_bytes") == -1);
	ck_assert(rate(rows, 3, "rx_bytes") == 0);
	json_decref(rows);
	rows = top_rows(NULL, now, 0);
	ck_assert_uint_eq(json_array_size(rows), 4);
	ck_assert(rate(rows, 0, "tx_bytes") == -1);
	json_decref(rows);
	json_decref(before);
	json_decref(now);
}
END_TEST

#define STATUS                                                                 \
	"{\"name\": \"web1\", \"interface\": {\"name\": \"tap0\"}, "           \
	"\"uptime_s\": 200, \"peers\": {\"up\": 2, \"total\": 3}, \"rates\": " \
	"{\"tx_bytes\": 2048, \"rx_bytes\": 10}, \"warnings\": [\"a\"]}"

/* What is printed of so many peers in so many lines; to be freed. */
static char *print(size_t count, size_t lines)
{
	json_t *status = json_loads(STATUS, 0, NULL), *now = json_array();
	json_t *before = json_array(), *rows;
	struct screen s;

	for (size_t i = 0; i < count; i++) {
		char text[8];

		sprintf(text, "web%zu", 2 + i);
		json_array_append_new(before, peer(text, 0, 0));
		json_array_append_new(now, peer(text, 100000, (int)i * 100));
	}
	rows = top_rows(before, now, 1);
	screen_open(&s);
	top_render(s.out, status, rows, lines);
	json_decref(rows);
	json_decref(before);
	json_decref(now);
	json_decref(status);
	return screen_close(&s);
}

START_TEST(table_is_one_screen)
{
	char *text = print(2, 0);

	ck_assert_str_eq(
		text,
		"tap0       web1, up 3m20s; 2 of 3 peers up\n"
		"traffic    sent 2.0KiB/s, received 10B/s; 1 warnings\n"
		"\n"
		"NAME  STATE    RTT  LOSS   TX/s  FRAMES  RX/s  FRAMES\n"
		"web3  up     312µs     -  98KiB    1000  100B       1\n"
		"web2  up     312µs     -  98KiB    1000    0B       0\n");
	free(text);
}
END_TEST

static size_t lines_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

START_TEST(table_of_many_fits_its_terminal)
{
	for (size_t lines = 0; lines < 30; lines++) {
		char *text = print(200, lines);

		if (lines == 0)
			ck_assert_uint_eq(lines_of(text), 204);
		else if (lines > 5)
			ck_assert_uint_eq(lines_of(text), lines);
		if (lines == 25)
			ck_assert_ptr_nonnull(strstr(text, "(and 180 more)\n"));
		free(text);
	}
}
END_TEST

START_TEST(any_answer_is_shown)
{
	static const char hostile[] =
		"{\"interface\": {\"name\": \"\\u001b]0;a longer name\"}}";
	static const char strange[] =
		"[5, {}, null, {\"key\": 5, \"tx\": [], \"name\": "
		"\"\\u001b\"}, {\"key\": \"a\"}, {\"key\": \"a\"}]";
	static const char *const answers[] = { "5", "{}", strange, hostile };

	for (size_t i = 0; i < UNIT_COUNT(answers); i++) {
		json_t *answer = json_loads(answers[i], JSON_DECODE_ANY, NULL);
		json_t *rows = top_rows(answer, answer, 1);
		struct screen s;

		screen_open(&s);
		top_render(s.out, answer, rows, 0);
		free(screen_close(&s));
		json_decref(rows);
		json_decref(answer);
	}
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("top"),
	UNIT_TEST(peers_without_keys_are_known_by_their_endpoints),
	UNIT_TEST(rates_are_what_came_meanwhile_the_busiest_first),
	UNIT_TEST(table_is_one_screen),
	UNIT_TEST(table_of_many_fits_its_terminal),
	UNIT_TEST(any_answer_is_shown),
};

UNIT_MAIN("top", tests)
