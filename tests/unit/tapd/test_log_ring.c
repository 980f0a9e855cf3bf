#include "support/main.h"
#include "tapd/log/log_ring.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct log_ring ring;

static void setup(void)
{
	memset(&ring, 0, sizeof(ring));
}

static void put(const char *line)
{
	ck_assert(log_ring_put(&ring, line, strlen(line)));
}

static void assert_first(const char *expected)
{
	char line[LOG_LINE_SIZE];
	size_t len = log_ring_first(&ring, line);

	ck_assert_uint_eq(len, strlen(expected));
	ck_assert_mem_eq(line, expected, len);
}

START_TEST(lines_leave_in_order)
{
	assert_first("");
	put("a\n");
	put("bc\n");
	assert_first("a\n");
	assert_first("a\n");
	log_ring_take(&ring, 2);
	assert_first("bc\n");
	log_ring_take(&ring, 3);
	assert_first("");
	log_ring_take(&ring, 1);
	ck_assert_uint_eq(ring.used, 0);
}
END_TEST

START_TEST(line_leaves_in_parts)
{
	put("abcdef\n");
	put("next\n");
	log_ring_take(&ring, 1);
	assert_first("bcdef\n");
	log_ring_take(&ring, 5);
	assert_first("\n");
	log_ring_take(&ring, 99);
	assert_first("next\n");
}
END_TEST

START_TEST(full_ring_takes_no_more_and_keeps_what_it_has)
{
	static char line[LOG_LINE_SIZE];
	size_t n = 0;

	memset(line, 'x', sizeof(line));
	while (log_ring_put(&ring, line, sizeof(line)))
		n++;
	ck_assert_uint_eq(n, LOG_RING_SIZE / (LOG_LINE_SIZE + 2));
	ck_assert(!log_ring_put(&ring, line, sizeof(line)));
	for (; n > 0; n--)
		log_ring_take(&ring, sizeof(line));
	ck_assert_uint_eq(ring.used, 0);
	ck_assert(!log_ring_put(&ring, line, 0));
	ck_assert(!log_ring_put(&ring, line, sizeof(line) + 1));
}
END_TEST

/* Wherever the end of the bytes falls, in a length or in a line. */
START_TEST(lines_go_over_the_end_whole)
{
	char text[LOG_LINE_SIZE];
	unsigned int in = 0, out = 0;

	while (out < 20000) {
		snprintf(text, sizeof(text), "%*u\n", (int)(in % 37), in);
		if (log_ring_put(&ring, text, strlen(text))) {
			in++;
			continue;
		}
		for (int i = 0; i < 501; i++, out++) {
			snprintf(text, sizeof(text), "%*u\n", (int)(out % 37),
				 out);
			assert_first(text);
			if (out % 3 == 0) {
				log_ring_take(&ring, 1);
				assert_first(text + 1);
			}
			log_ring_take(&ring, LOG_LINE_SIZE);
		}
	}
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("log_ring", .setup = setup),
	UNIT_TEST(lines_leave_in_order),
	UNIT_TEST(line_leaves_in_parts),
	UNIT_TEST(full_ring_takes_no_more_and_keeps_what_it_has),
	UNIT_TEST(lines_go_over_the_end_whole),
};

UNIT_MAIN("log_ring", tests)
