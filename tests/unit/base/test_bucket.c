/* base/bucket: tokens, and when there are some again. */
#include <check.h>

#include "base/bucket.h"
#include "base/clock.h"
#include "support/main.h"

#define NOW (1000 * CLOCK_S)

START_TEST(a_full_bucket_gives_a_seconds_worth_at_once)
{
	struct bucket b = { 10, 10, NOW };

	for (int i = 0; i < 10; i++)
		ck_assert(bucket_take(&b, NOW));
	ck_assert(!bucket_take(&b, NOW));
}
END_TEST

START_TEST(tokens_come_at_the_rate_and_are_not_saved_beyond_a_second)
{
	struct bucket b = { 10, 0, NOW };
	int taken = 0;

	ck_assert(!bucket_take(&b, NOW + 99 * CLOCK_MS));
	ck_assert(bucket_take(&b, NOW + 101 * CLOCK_MS));
	while (bucket_take(&b, NOW + 3600 * CLOCK_S))
		taken++;
	ck_assert_int_eq(taken, 10);
}
END_TEST

START_TEST(low_is_less_than_half)
{
	struct bucket b = { 10, 10, NOW };

	for (int i = 0; i < 5; i++)
		bucket_take(&b, NOW);
	ck_assert(!bucket_low(&b, NOW));
	bucket_take(&b, NOW);
	ck_assert(bucket_low(&b, NOW));
	ck_assert(!bucket_low(&b, NOW + CLOCK_S));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_TEST(a_full_bucket_gives_a_seconds_worth_at_once),
	UNIT_TEST(tokens_come_at_the_rate_and_are_not_saved_beyond_a_second),
	UNIT_TEST(low_is_less_than_half),
};

UNIT_MAIN("bucket", tests)
