#include "tunnel/salts.h"

#include <string.h>

#include "support/main.h"
#include "support/rng.h"

static struct salts salts;

static void setup(void)
{
	memset(&salts, 0, sizeof(salts));
}

static const uint8_t *salt(unsigned n)
{
	static uint8_t out[8][WIRE_SALT_LEN];
	static unsigned at;
	uint8_t *one = out[at++ % 8];

	memset(one, 0, WIRE_SALT_LEN);
	one[0] = (uint8_t)n;
	one[WIRE_SALT_LEN - 1] = (uint8_t)(n >> 8);
	return one;
}

START_TEST(nothing_is_known_of_what_did_not_come)
{
	ck_assert(!salts_differ(&salts, 0, salt(1)));
	salts_note(&salts, 10, salt(1));
	ck_assert(!salts_differ(&salts, 9, salt(2)));
}
END_TEST

START_TEST(a_counter_has_the_salt_of_its_run)
{
	for (uint32_t c = 0; c < 5; c++)
		salts_note(&salts, c, salt(1));
	for (uint32_t c = 5; c < 10; c++)
		salts_note(&salts, c, salt(2));
	for (uint32_t c = 0; c < 10; c++) {
		ck_assert(!salts_differ(&salts, c, salt(c < 5 ? 1 : 2)));
		ck_assert(salts_differ(&salts, c, salt(c < 5 ? 2 : 1)));
		ck_assert(salts_differ(&salts, c, salt(3)));
	}
}
END_TEST

START_TEST(the_oldest_run_is_forgotten)
{
	for (unsigned i = 0; i <= SALTS_RUNS; i++)
		salts_note(&salts, i, salt(i));
	ck_assert(!salts_differ(&salts, 0, salt(99)));
	for (unsigned i = 1; i <= SALTS_RUNS; i++) {
		ck_assert(salts_differ(&salts, i, salt(99)));
		ck_assert(!salts_differ(&salts, i, salt(i)));
	}
	/* One that is older still is not noted. */
	salts_note(&salts, 0, salt(0));
	ck_assert(!salts_differ(&salts, 0, salt(99)));
	ck_assert(salts_differ(&salts, 1, salt(99)));
}
END_TEST

/* Runs of up to five arrive in any order, some never: none that came is ever said to
 * have come with another salt, and those of the newest runs are known. */
START_TEST(no_order_of_arrival_is_a_copy)
{
	struct rng rng = rng_init((uint64_t)_i);
	unsigned run_of[400], run = 0, order[400];
	bool came[400] = { false };
	unsigned known = 0;

	for (unsigned c = 0; c < 400; c++) {
		run += rng_chance(&rng, 0.3);
		run_of[c] = run;
		order[c] = c;
	}
	/* Each is displaced by some places at most. */
	for (unsigned c = 0; c + 20 < 400; c++) {
		unsigned other = c + (unsigned)rng_below(&rng, 20);
		unsigned t = order[c];

		order[c] = order[other];
		order[other] = t;
	}
	for (unsigned i = 0; i < 400; i++) {
		unsigned c = order[i];

		if (rng_chance(&rng, 0.2))
			continue;
		salts_note(&salts, c, salt(run_of[c]));
		came[c] = true;
		known = 0;
		for (unsigned d = 0; d < 400; d++) {
			if (!came[d])
				continue;
			ck_assert(!salts_differ(&salts, d, salt(run_of[d])));
			known += salts_differ(&salts, d, salt(0xffff));
		}
	}
	ck_assert_uint_gt(known, SALTS_RUNS);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("salts", .setup = setup),
	UNIT_TEST(nothing_is_known_of_what_did_not_come),
	UNIT_TEST(a_counter_has_the_salt_of_its_run),
	UNIT_TEST(the_oldest_run_is_forgotten),
	UNIT_LOOP(no_order_of_arrival_is_a_copy, 50),
};

UNIT_MAIN("salts", tests)
