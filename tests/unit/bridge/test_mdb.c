#include <check.h>
#include <string.h>

#include "bridge/mdb.h"
#include "support/group_equal.h"
#include "support/main.h"
#include "support/rng.h"

#define PORTS	 513
#define CAPACITY 20
#define PER_PORT 8

static const uint8_t seed[TABLE_SEED_LEN] = { 42 };
static const struct mdb_config config = { CAPACITY, PER_PORT, PORTS };
static struct mdb *mdb;
static struct group groups[1000];

static void setup(void)
{
	mdb = mdb_new(&config, seed);
	ck_assert_ptr_nonnull(mdb);
	for (uint32_t i = 0; i < 1000; i++)
		groups[i] = group_v4(0, 0xef000000 + i);
}

static void teardown(void)
{
	mdb_free(mdb);
}

static bool finds(const struct group *g, uint16_t port)
{
	struct port_set members = { { 0 } };

	mdb_find(mdb, g, &members);
	return port_set_has(&members, port);
}

static bool registered(const struct group *g, uint16_t port)
{
	struct port_set ports = { { 0 } };

	mdb_registered(mdb, g, &ports);
	return port_set_has(&ports, port);
}

static bool finds_nobody(const struct group *g)
{
	struct port_set members = { { 0 } };

	mdb_find(mdb, g, &members);
	return port_set_is_empty(&members);
}

START_TEST(only_ports_that_registered_a_group_are_its_members)
{
	ck_assert(finds_nobody(&groups[1]));
	ck_assert(mdb_join(mdb, &groups[1], 3));
	ck_assert(mdb_join(mdb, &groups[1], 512));
	ck_assert(mdb_join(mdb, &groups[2], 4));
	ck_assert(finds(&groups[1], 3));
	ck_assert(finds(&groups[1], 512));
	ck_assert(!finds(&groups[1], 4));
	ck_assert(finds(&groups[2], 4));
	ck_assert(finds_nobody(&groups[3]));
	ck_assert_uint_eq(mdb_count(mdb), 2);
	ck_assert_uint_eq(mdb_port_count(mdb, 3), 1);
}
END_TEST

START_TEST(members_are_added_to_who_gets_it_anyway)
{
	struct port_set members = { { 0 } };

	mdb_join(mdb, &groups[1], 3);
	port_set_add(&members, 7);
	mdb_find(mdb, &groups[1], &members);
	ck_assert_int_eq(port_set_next(&members, -1), 3);
	ck_assert_int_eq(port_set_next(&members, 3), 7);
	ck_assert_int_eq(port_set_next(&members, 7), -1);
}
END_TEST

START_TEST(groups_that_share_a_mac_and_vlans_are_apart)
{
	const struct group a = group_v4(0, 0xef010101);
	const struct group b = group_v4(0, 0xef810101);
	const struct group tagged = group_v4(5, 0xef010101);

	mdb_join(mdb, &a, 3);
	ck_assert(finds_nobody(&b));
	ck_assert(finds_nobody(&tagged));
}
END_TEST

START_TEST(group_goes_with_its_last_member)
{
	mdb_join(mdb, &groups[1], 3);
	mdb_join(mdb, &groups[1], 3); /* twice is once */
	mdb_join(mdb, &groups[1], 4);
	mdb_leave(mdb, &groups[1], 3);
	ck_assert(!finds(&groups[1], 3));
	ck_assert(finds(&groups[1], 4));
	mdb_leave(mdb, &groups[1], 3);
	mdb_leave(mdb, &groups[2], 4);
	ck_assert_uint_eq(mdb_count(mdb), 1);
	mdb_leave(mdb, &groups[1], 4);
	ck_assert_uint_eq(mdb_count(mdb), 0);
	ck_assert_uint_eq(mdb_port_count(mdb, 4), 0);
}
END_TEST

START_TEST(flush_forgets_one_port)
{
	for (int i = 0; i < PER_PORT; i++) {
		mdb_join(mdb, &groups[i], 3);
		mdb_join(mdb, &groups[i + 4], 4);
	}
	mdb_flush_port(mdb, 3);
	ck_assert_uint_eq(mdb_count(mdb), PER_PORT);
	ck_assert_uint_eq(mdb_port_count(mdb, 3), 0);
	ck_assert(!finds(&groups[5], 3));
	ck_assert(finds(&groups[5], 4));
}
END_TEST

/* A port whose registration found no room gets every group, so nothing is lost. */
START_TEST(port_past_its_share_overflows_and_no_other_does)
{
	for (int i = 0; i < PER_PORT; i++)
		ck_assert(mdb_join(mdb, &groups[i], 3));
	ck_assert(port_set_is_empty(mdb_overflowing(mdb)));
	ck_assert(!mdb_join(mdb, &groups[500], 3));
	ck_assert(finds(&groups[500], 3));
	ck_assert(!registered(&groups[500], 3));
	ck_assert(finds(&groups[501], 3));
	ck_assert(!finds(&groups[500], 4));
	ck_assert(port_set_has(mdb_overflowing(mdb), 3));
	ck_assert(mdb_join(mdb, &groups[500], 4));
	/* What it has may be registered again, and nothing more. */
	ck_assert(mdb_join(mdb, &groups[0], 3));
	mdb_leave(mdb, &groups[1], 3);
	ck_assert(!mdb_join(mdb, &groups[1], 3));
	ck_assert_uint_eq(mdb_count(mdb), PER_PORT);
}
END_TEST

START_TEST(overflow_into_a_group_that_others_have_is_kept_too)
{
	mdb_join(mdb, &groups[500], 4);
	for (int i = 0; i < PER_PORT; i++)
		mdb_join(mdb, &groups[i], 3);
	ck_assert(!mdb_join(mdb, &groups[500], 3));
	ck_assert(finds(&groups[500], 3));
	mdb_leave(mdb, &groups[500], 4);
	ck_assert(finds(&groups[500], 3));
	ck_assert_uint_eq(mdb_count(mdb), PER_PORT);
}
END_TEST

START_TEST(full_table_keeps_what_it_has_and_floods_the_rest)
{
	for (uint16_t i = 0; i < CAPACITY; i++)
		ck_assert(mdb_join(mdb, &groups[i], (uint16_t)(1 + i / 5)));
	/* Who holds no less than any other overflows itself. */
	ck_assert(!mdb_join(mdb, &groups[500], 2));
	ck_assert(finds(&groups[500], 2));
	ck_assert(!finds(&groups[500], 1));
	ck_assert(finds(&groups[0], 1));
	/* A group that is there has room for any port. */
	ck_assert(mdb_join(mdb, &groups[0], 10));
	ck_assert(!port_set_has(mdb_overflowing(mdb), 10));
}
END_TEST

START_TEST(full_table_has_room_for_who_holds_less_than_others)
{
	for (int i = 0; i < PER_PORT; i++) {
		mdb_join(mdb, &groups[i], 1);
		mdb_join(mdb, &groups[100 + i], 2);
	}
	for (int i = 0; i < CAPACITY - 2 * PER_PORT; i++)
		mdb_join(mdb, &groups[200 + i], 3);
	mdb_leave(mdb, &groups[0], 1);
	mdb_join(mdb, &groups[204], 3);
	ck_assert(port_set_is_empty(mdb_overflowing(mdb)));
	ck_assert(mdb_join(mdb, &groups[300], 4));
	/* Port 2 held most: it gets all, and that is all that has changed. */
	ck_assert(port_set_has(mdb_overflowing(mdb), 2));
	ck_assert(finds(&groups[100], 2));
	ck_assert(finds(&groups[300], 2));
	ck_assert_uint_eq(mdb_port_count(mdb, 2), 0);
	ck_assert_uint_eq(mdb_port_count(mdb, 1), PER_PORT - 1);
	ck_assert(!finds(&groups[300], 1));
	ck_assert(!finds(&groups[300], 3));
	ck_assert(registered(&groups[300], 4));
}
END_TEST

/* Its members stay, and each may be charged for it in turn. */
START_TEST(group_of_who_overflows_stays_for_its_other_members)
{
	for (int i = 0; i < CAPACITY; i++)
		mdb_join(mdb, &groups[i], (uint16_t)(1 + i / PER_PORT));
	mdb_join(mdb, &groups[0], 3);
	mdb_join(mdb, &groups[0], 4);
	mdb_join(mdb, &groups[300], 4);
	ck_assert(port_set_has(mdb_overflowing(mdb), 1) ||
		  port_set_has(mdb_overflowing(mdb), 2));
	ck_assert(registered(&groups[0], 3));
	ck_assert(registered(&groups[0], 4));
	for (uint16_t port = 1; port <= 4; port++)
		mdb_flush_port(mdb, port);
	ck_assert_uint_eq(mdb_count(mdb), 0);
}
END_TEST

/* All groups of the table are joined by each of several ports, so that one that
 * overflows frees nothing. */
START_TEST(groups_that_many_hold_are_freed_when_all_of_them_overflow)
{
	const struct mdb_config many = { CAPACITY, CAPACITY, PORTS };

	mdb_free(mdb);
	mdb = mdb_new(&many, seed);
	for (uint16_t port = 1; port <= 4; port++)
		for (int i = 0; i < CAPACITY; i++)
			ck_assert(mdb_join(mdb, &groups[i], port));
	ck_assert(mdb_join(mdb, &groups[500], 5));
	ck_assert_uint_eq(mdb_count(mdb), 1);
	ck_assert(!finds(&groups[0], 5));
	for (uint16_t port = 1; port <= 4; port++)
		ck_assert(finds(&groups[0], port));
}
END_TEST

/* The real bounds. _i: identities of whoever invents groups. */
static const int identities[] = { 7, 8, 17, 100, 511 };

START_TEST(made_up_groups_of_many_identities_leave_an_honest_host_alone)
{
	const struct mdb_config real = { 65536, 10256, PORTS };
	const uint16_t bad = (uint16_t)identities[_i];
	const uint16_t honest = PORTS - 1;
	uint32_t made = 0;

	mdb_free(mdb);
	mdb = mdb_new(&real, seed);
	for (int i = 0; i < 50; i++)
		ck_assert(mdb_join(mdb, &groups[i], honest));
	for (int round = 0; round < 3; round++)
		for (uint16_t port = 1; port <= bad; port++) {
			mdb_flush_port(mdb, port);
			for (int i = 0; i < 70000 / bad; i++) {
				struct group g = group_v4(
					0, 0xe8000000 + made++ % 0x1000000);

				(void)mdb_join(mdb, &g, port);
			}
		}
	for (int i = 50; i < 100; i++)
		(void)mdb_join(mdb, &groups[i], honest);
	ck_assert(!port_set_has(mdb_overflowing(mdb), honest));
	for (int i = 0; i < 100; i++)
		ck_assert(registered(&groups[i], honest));
	ck_assert(!finds(&groups[500], honest));
}
END_TEST

START_TEST(overflow_ends_with_a_flush_only)
{
	for (int i = 0; i < PER_PORT; i++)
		mdb_join(mdb, &groups[i], 3);
	mdb_join(mdb, &groups[500], 3);
	for (int i = 0; i < PER_PORT; i++)
		mdb_leave(mdb, &groups[i], 3);
	ck_assert(finds(&groups[500], 3));
	mdb_flush_port(mdb, 3);
	ck_assert(!finds(&groups[500], 3));
	ck_assert(mdb_join(mdb, &groups[500], 3));
}
END_TEST

START_TEST(walk_shows_every_group_and_may_take_it_back)
{
	uint32_t at = TABLE_NONE, seen = 0;
	struct mdb_entry e;

	ck_assert(!mdb_next(mdb, &at, &e));
	for (uint16_t i = 0; i < CAPACITY; i++)
		mdb_join(mdb, &groups[i], i);
	at = TABLE_NONE;
	while (mdb_next(mdb, &at, &e)) {
		int port = port_set_next(&e.ports, -1);

		ck_assert_int_ge(port, 0);
		ck_assert(group_equal(&e.group, &groups[port]));
		ck_assert_int_eq(port_set_next(&e.ports, port), -1);
		seen |= 1u << port;
		mdb_leave(mdb, &e.group, (uint16_t)port);
	}
	ck_assert_uint_eq(seen, (1u << CAPACITY) - 1);
	ck_assert_uint_eq(mdb_count(mdb), 0);
}
END_TEST

/* Against a model: which ports registered what, and which overflowed. */
#define MODEL_GROUPS 40
#define MODEL_PORTS  6

struct model {
	bool kept[MODEL_GROUPS][MODEL_PORTS];
	bool overflow[MODEL_PORTS];
};

static unsigned int model_count(const struct model *m, int port)
{
	unsigned int count = 0;

	for (int g = 0; g < MODEL_GROUPS; g++) {
		bool any = false;

		for (int p = 0; p < MODEL_PORTS; p++)
			any |= m->kept[g][p] && (port < 0 || p == port);
		count += any;
	}
	return count;
}

static bool model_has_group(const struct model *m, uint64_t g)
{
	for (int p = 0; p < MODEL_PORTS; p++)
		if (m->kept[g][p])
			return true;
	return false;
}

/* Ports that overflow since, for a group of another found no room, hold what they
 * are not charged for. */
static void model_give_up(struct model *m)
{
	for (uint16_t p = 0; p < MODEL_PORTS; p++) {
		m->overflow[p] |= port_set_has(mdb_overflowing(mdb), p);
		for (int g = 0; m->overflow[p] && g < MODEL_GROUPS; g++)
			m->kept[g][p] &= registered(&groups[g], p);
	}
}

static void model_join(struct model *m, uint64_t g, uint16_t port)
{
	const bool full =
		!model_has_group(m, g) && model_count(m, -1) == CAPACITY;
	const bool refused =
		m->overflow[port] || model_count(m, port) == PER_PORT;

	if (m->kept[g][port]) {
		ck_assert(mdb_join(mdb, &groups[g], port));
	} else if (!mdb_join(mdb, &groups[g], port)) {
		ck_assert(refused || full);
		m->overflow[port] = true;
	} else {
		ck_assert(!refused);
		m->kept[g][port] = true;
		if (full)
			model_give_up(m);
	}
}

static void model_flush(struct model *m, uint16_t port)
{
	m->overflow[port] = false;
	for (int g = 0; g < MODEL_GROUPS; g++)
		m->kept[g][port] = false;
}

static void model_compare(const struct model *m)
{
	for (int g = 0; g < MODEL_GROUPS; g++)
		for (uint16_t p = 0; p < MODEL_PORTS; p++) {
			ck_assert_int_eq(registered(&groups[g], p),
					 m->kept[g][p]);
			ck_assert_int_eq(finds(&groups[g], p),
					 m->kept[g][p] || m->overflow[p]);
		}
	ck_assert_uint_eq(mdb_count(mdb), model_count(m, -1));
}

START_TEST(agrees_with_a_naive_model)
{
	struct rng rng = rng_init((uint64_t)_i);
	struct model m = { .overflow = { false } };

	for (int step = 0; step < 1000; step++) {
		uint64_t g = rng_below(&rng, MODEL_GROUPS);
		uint16_t port = (uint16_t)rng_below(&rng, MODEL_PORTS);

		if (rng_chance(&rng, 0.01)) {
			mdb_flush_port(mdb, port);
			model_flush(&m, port);
		} else if (rng_chance(&rng, 0.4)) {
			mdb_leave(mdb, &groups[g], port);
			m.kept[g][port] = false;
		} else {
			model_join(&m, g, port);
		}
		model_compare(&m);
	}
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("mdb", .setup = setup, .teardown = teardown),
	UNIT_TEST(only_ports_that_registered_a_group_are_its_members),
	UNIT_TEST(members_are_added_to_who_gets_it_anyway),
	UNIT_TEST(groups_that_share_a_mac_and_vlans_are_apart),
	UNIT_TEST(group_goes_with_its_last_member),
	UNIT_TEST(flush_forgets_one_port),
	UNIT_TEST(port_past_its_share_overflows_and_no_other_does),
	UNIT_TEST(overflow_into_a_group_that_others_have_is_kept_too),
	UNIT_TEST(full_table_keeps_what_it_has_and_floods_the_rest),
	UNIT_TEST(full_table_has_room_for_who_holds_less_than_others),
	UNIT_TEST(group_of_who_overflows_stays_for_its_other_members),
	UNIT_TEST(groups_that_many_hold_are_freed_when_all_of_them_overflow),
	UNIT_EACH(made_up_groups_of_many_identities_leave_an_honest_host_alone,
		  identities),
	UNIT_TEST(overflow_ends_with_a_flush_only),
	UNIT_TEST(walk_shows_every_group_and_may_take_it_back),
	UNIT_LOOP(agrees_with_a_naive_model, 10),
};

UNIT_MAIN("mdb", tests)
