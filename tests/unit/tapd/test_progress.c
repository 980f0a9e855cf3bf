#include "support/main.h"
#include "tapd/manager/progress.h"

#include <check.h>

#define START 77000000ull
#define S     1000000ull

static struct progress p;

static void setup(void)
{
	p = (struct progress){ .started_us = START };
}

/* What is told so long after the start. */
static enum progress_news look(uint64_t after_us, struct progress_now now)
{
	now.us = START + after_us;
	return progress_look(&p, &now);
}

static struct progress_now wants(uint32_t up, uint32_t total)
{
	return (struct progress_now){ .link_up = true,
				      .wants_peers = true,
				      .peers_up = up,
				      .peers_total = total };
}

START_TEST(ready_with_the_first_peer)
{
	ck_assert_int_eq(look(0, wants(0, 3)), PROGRESS_STATUS);
	ck_assert_int_eq(look(S / 10, wants(0, 3)), PROGRESS_NOTHING);
	/* Not held up by what was shown a moment ago. */
	ck_assert_int_eq(look(S / 5, wants(1, 3)), PROGRESS_READY);
	ck_assert(p.ready);
	ck_assert_int_eq(look(9 * S, wants(1, 3)), PROGRESS_NOTHING);
	ck_assert_int_eq(look(10 * S, wants(0, 3)), PROGRESS_STATUS);
}
END_TEST

START_TEST(ready_at_once_if_no_peer_is_wanted)
{
	struct progress_now now = wants(0, 0);

	now.wants_peers = false;
	now.link_up = false;
	ck_assert_int_eq(look(0, now), PROGRESS_STATUS);
	now.link_up = true;
	ck_assert_int_eq(look(0, now), PROGRESS_READY);
}
END_TEST

START_TEST(nobody_waits_longer_than_that)
{
	struct progress_now now = wants(0, 3);

	look(0, now);
	ck_assert_int_eq(look(PROGRESS_WAIT_US - 1, now), PROGRESS_NOTHING);
	now.link_up = false;
	ck_assert_int_eq(look(PROGRESS_WAIT_US, now), PROGRESS_READY);
}
END_TEST

START_TEST(the_hook_is_waited_for)
{
	struct progress_now now = wants(1, 1);

	now.hook_runs = true;
	ck_assert_int_eq(look(0, now), PROGRESS_STATUS);
	ck_assert_int_eq(look(8 * S, now), PROGRESS_NOTHING);
	now.hook_runs = false;
	ck_assert_int_eq(look(8 * S, now), PROGRESS_READY);
}
END_TEST

START_TEST(numbers_are_shown_once_a_second_at_most)
{
	char text[PROGRESS_TEXT_LEN];

	look(0, wants(1, 1));
	ck_assert_int_eq(look(S / 2, wants(1, 2)), PROGRESS_NOTHING);
	ck_assert_str_eq(progress_print(&p, text), "1 of 1 peers up");
	ck_assert_int_eq(look(S, wants(2, 2)), PROGRESS_STATUS);
	ck_assert_str_eq(progress_print(&p, text), "2 of 2 peers up");
	ck_assert_int_eq(look(5 * S, wants(2, 2)), PROGRESS_NOTHING);
	ck_assert_int_eq(look(5 * S, wants(2, 3)), PROGRESS_STATUS);
	ck_assert_int_eq(look(6 * S - 1, wants(3, 3)), PROGRESS_NOTHING);
	ck_assert_int_eq(look(6 * S, wants(3, 3)), PROGRESS_STATUS);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("progress", .setup = setup),
	UNIT_TEST(ready_with_the_first_peer),
	UNIT_TEST(ready_at_once_if_no_peer_is_wanted),
	UNIT_TEST(nobody_waits_longer_than_that),
	UNIT_TEST(the_hook_is_waited_for),
	UNIT_TEST(numbers_are_shown_once_a_second_at_most),
};

UNIT_MAIN("progress", tests)
