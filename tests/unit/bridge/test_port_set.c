#include <check.h>

#include "bridge/port_set.h"
#include "support/main.h"
#include "support/rng.h"

START_TEST(every_port_is_its_own)
{
	for (uint16_t port = 0; port < PORT_SET_PORTS; port++) {
		struct port_set s = { { 0 } };

		ck_assert(port_set_is_empty(&s));
		port_set_add(&s, port);
		ck_assert(!port_set_is_empty(&s));
		for (uint16_t other = 0; other < PORT_SET_PORTS; other++)
			ck_assert_int_eq(port_set_has(&s, other),
					 other == port);
		ck_assert_int_eq(port_set_next(&s, -1), port);
		ck_assert_int_eq(port_set_next(&s, port), -1);
		port_set_remove(&s, port);
		ck_assert(port_set_is_empty(&s));
	}
}
END_TEST

START_TEST(walk_of_nobody_ends_at_once)
{
	struct port_set s = { { 0 } };

	ck_assert_int_eq(port_set_next(&s, -1), -1);
	ck_assert_int_eq(port_set_next(&s, PORT_SET_PORTS - 1), -1);
}
END_TEST

START_TEST(union_and_walk_agree_with_a_naive_model)
{
	struct rng rng = rng_init((uint64_t)_i);
	bool model[PORT_SET_PORTS] = { false };
	struct port_set sets[2] = { { { 0 } }, { { 0 } } };
	int at = -1;

	for (uint64_t n = rng_below(&rng, 100); n > 0; n--) {
		uint16_t port = (uint16_t)rng_below(&rng, PORT_SET_PORTS);

		port_set_add(&sets[n % 2], port);
		model[port] = true;
	}
	port_set_add_all(&sets[0], &sets[1]);
	for (int port = 0; port < PORT_SET_PORTS; port++) {
		if (!model[port])
			continue;
		at = port_set_next(&sets[0], at);
		ck_assert_int_eq(at, port);
	}
	ck_assert_int_eq(port_set_next(&sets[0], at), -1);
}
END_TEST

START_TEST(put_adds_or_removes)
{
	struct port_set s = { { 0 } };

	port_set_put(&s, 512, true);
	port_set_put(&s, 512, true);
	port_set_put(&s, 3, false);
	ck_assert_int_eq(port_set_next(&s, -1), 512);
	port_set_put(&s, 512, false);
	ck_assert(port_set_is_empty(&s));
}
END_TEST

START_TEST(keep_leaves_what_is_in_both)
{
	struct port_set a = { { 0 } }, b = { { 0 } };

	for (uint16_t port = 0; port < PORT_SET_PORTS; port++) {
		port_set_put(&a, port, port % 2 == 0);
		port_set_put(&b, port, port % 3 == 0);
	}
	port_set_keep(&a, &b);
	for (uint16_t port = 0; port < PORT_SET_PORTS; port++) {
		ck_assert_int_eq(port_set_has(&a, port), port % 6 == 0);
		ck_assert_int_eq(port_set_has(&b, port), port % 3 == 0);
	}
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_TEST(every_port_is_its_own),
	UNIT_TEST(walk_of_nobody_ends_at_once),
	UNIT_TEST(put_adds_or_removes),
	UNIT_TEST(keep_leaves_what_is_in_both),
	UNIT_LOOP(union_and_walk_agree_with_a_naive_model, 50),
};

UNIT_MAIN("port_set", tests)
