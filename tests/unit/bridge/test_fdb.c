#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/fdb.h"
#include "support/main.h"

#define PORTS	 5
#define CAPACITY 20
#define PER_PORT 8
#define MAX_AGE	 (300 * CLOCK_S)

static const uint8_t seed[TABLE_SEED_LEN] = { 42 };
static const struct fdb_config config = { CAPACITY, PER_PORT, PORTS, MAX_AGE };
static struct fdb *fdb;

static void setup(void)
{
	fdb = fdb_new(&config, seed);
	ck_assert_ptr_nonnull(fdb);
}

static void teardown(void)
{
	fdb_free(fdb);
}

static const uint8_t *mac(unsigned int n)
{
	static uint8_t bytes[ETH_ADDR_LEN] = { 2 };

	bytes[4] = (uint8_t)(n >> 8);
	bytes[5] = (uint8_t)n;
	return bytes;
}

START_TEST(unknown_until_learned)
{
	ck_assert_int_eq(fdb_find(fdb, 0, mac(1), 0), -1);
	ck_assert(fdb_learn(fdb, 0, mac(1), 3, 0));
	ck_assert_int_eq(fdb_find(fdb, 0, mac(1), 0), 3);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(2), 0), -1);
	ck_assert_uint_eq(fdb_count(fdb), 1);
}
END_TEST

START_TEST(vlans_are_apart)
{
	fdb_learn(fdb, 1, mac(1), 3, 0);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(1), 0), -1);
	fdb_learn(fdb, 2, mac(1), 4, 0);
	ck_assert_int_eq(fdb_find(fdb, 1, mac(1), 0), 3);
	ck_assert_int_eq(fdb_find(fdb, 2, mac(1), 0), 4);
	ck_assert_uint_eq(fdb_count(fdb), 2);
}
END_TEST

/* A VRRP virtual MAC follows its master with the first frame. */
START_TEST(mac_moves_at_once)
{
	fdb_learn(fdb, 0, mac(1), 1, 0);
	ck_assert(fdb_learn(fdb, 0, mac(1), 2, 1));
	ck_assert_int_eq(fdb_find(fdb, 0, mac(1), 1), 2);
	ck_assert(fdb_learn(fdb, 0, mac(1), FDB_PORT_LOCAL, 2));
	ck_assert_int_eq(fdb_find(fdb, 0, mac(1), 2), FDB_PORT_LOCAL);
	ck_assert_uint_eq(fdb_count(fdb), 1);
}
END_TEST

START_TEST(entries_age_out_unless_refreshed)
{
	fdb_learn(fdb, 0, mac(1), 1, 0);
	fdb_learn(fdb, 0, mac(2), 1, 0);
	fdb_learn(fdb, 0, mac(1), 1, 10);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(2), MAX_AGE - 1), 1);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(2), MAX_AGE), -1);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(1), MAX_AGE), 1);
	ck_assert_uint_eq(fdb_count(fdb), 2);
	fdb_age(fdb, MAX_AGE);
	ck_assert_uint_eq(fdb_count(fdb), 1);
	fdb_age(fdb, MAX_AGE + 10);
	ck_assert_uint_eq(fdb_count(fdb), 0);
}
END_TEST

START_TEST(aged_mac_is_learned_again)
{
	fdb_learn(fdb, 0, mac(1), 1, 0);
	ck_assert(fdb_learn(fdb, 0, mac(1), 1, 2 * MAX_AGE));
	ck_assert_int_eq(fdb_find(fdb, 0, mac(1), 2 * MAX_AGE), 1);
}
END_TEST

/* A reading of the clock older than the entry makes no entry old. */
START_TEST(entry_from_the_future_is_fresh)
{
	fdb_learn(fdb, 0, mac(1), 1, 1000);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(1), 999), 1);
	fdb_age(fdb, 0);
	ck_assert_uint_eq(fdb_count(fdb), 1);
}
END_TEST

static void fill_port(uint16_t port)
{
	for (unsigned int i = 0; i < PER_PORT; i++)
		ck_assert(fdb_learn(fdb, 0, mac(port * 100u + i), port, 0));
}

START_TEST(port_that_invents_addresses_fills_its_share_only)
{
	fill_port(1);
	for (unsigned int i = 0; i < 1000; i++)
		ck_assert(!fdb_learn(fdb, 0, mac(1000 + i), 1, 0));
	ck_assert_uint_eq(fdb_count(fdb), PER_PORT);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(1000), 0), -1);
	/* Known MACs are refreshed, and other ports have room. */
	ck_assert(fdb_learn(fdb, 0, mac(100), 1, 5));
	fill_port(2);
}
END_TEST

START_TEST(full_table_learns_nothing_new_and_keeps_what_it_has)
{
	fill_port(1);
	fill_port(2);
	for (unsigned int i = 0; i < CAPACITY - 2 * PER_PORT; i++)
		ck_assert(fdb_learn(fdb, 0, mac(300 + i), 3, 0));
	ck_assert(!fdb_learn(fdb, 0, mac(400), 3, 0));
	ck_assert_int_eq(fdb_find(fdb, 0, mac(400), 0), -1);
	/* A move needs no new entry. */
	ck_assert(fdb_learn(fdb, 0, mac(100), 3, 0));
	ck_assert_int_eq(fdb_find(fdb, 0, mac(100), 0), 3);
	ck_assert_uint_eq(fdb_count(fdb), CAPACITY);
}
END_TEST

START_TEST(move_to_a_full_port_is_flooded_rather_than_lost)
{
	fill_port(1);
	fdb_learn(fdb, 0, mac(7), 2, 0);
	ck_assert(!fdb_learn(fdb, 0, mac(7), 1, 1));
	ck_assert_int_eq(fdb_find(fdb, 0, mac(7), 1), -1);
	/* Its old port has the room back: its share is exactly full again. */
	fill_port(2);
	ck_assert(!fdb_learn(fdb, 0, mac(8), 2, 1));
}
END_TEST

START_TEST(flush_forgets_one_port_and_frees_its_share)
{
	fill_port(1);
	fill_port(2);
	fdb_flush_port(fdb, 1);
	ck_assert_uint_eq(fdb_count(fdb), PER_PORT);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(100), 0), -1);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(200), 0), 2);
	fill_port(1);
	fdb_flush_port(fdb, 4);
	ck_assert_uint_eq(fdb_count(fdb), 2 * PER_PORT);
}
END_TEST

START_TEST(ageing_frees_the_share)
{
	fill_port(1);
	fdb_age(fdb, MAX_AGE);
	ck_assert_uint_eq(fdb_count(fdb), 0);
	fill_port(1);
}
END_TEST

START_TEST(walk_shows_every_entry)
{
	uint32_t at = TABLE_NONE;
	struct fdb_entry e;
	unsigned int seen = 0;

	ck_assert(!fdb_next(fdb, &at, &e));
	fdb_learn(fdb, 7, mac(0x101), 1, 11);
	fdb_learn(fdb, 8, mac(0x102), 2, 12);
	fdb_learn(fdb, 9, mac(0x103), 3, 13);
	at = TABLE_NONE;
	while (fdb_next(fdb, &at, &e)) {
		ck_assert_uint_ge(e.port, 1);
		ck_assert_uint_le(e.port, 3);
		ck_assert_uint_eq(e.vlan, e.port + 6);
		ck_assert_uint_eq(e.seen_us, e.port + 10u);
		ck_assert_mem_eq(e.mac, mac(0x100u + e.port), ETH_ADDR_LEN);
		seen |= 1u << e.port;
	}
	ck_assert_uint_eq(seen, 0xe);
	ck_assert(!fdb_next(fdb, &at, &e) || at != TABLE_NONE);
}
END_TEST

/*
 * Against a model: for each of a few MACs its port and time. The test's
 * iteration, which Check prints with a failure, is the seed.
 */
#define MACS 40

struct model {
	int port[MACS]; /* -1: not in the table */
	uint64_t seen[MACS];
	unsigned int learned[PORTS], count;
};

static void model_forget(struct model *m, unsigned int n)
{
	m->learned[m->port[n]]--;
	m->count--;
	m->port[n] = -1;
}

static bool model_learn(struct model *m, unsigned int n, int port, uint64_t now)
{
	if (m->port[n] == port) {
		m->seen[n] = now;
		return true;
	}
	if (m->learned[port] >= PER_PORT) {
		if (m->port[n] >= 0)
			model_forget(m, n);
		return false;
	}
	if (m->port[n] < 0 && m->count == CAPACITY)
		return false;
	if (m->port[n] >= 0)
		model_forget(m, n);
	m->port[n] = port;
	m->seen[n] = now;
	m->learned[port]++;
	m->count++;
	return true;
}

static void model_age(struct model *m, uint64_t now)
{
	for (unsigned int n = 0; n < MACS; n++)
		if (m->port[n] >= 0 && now - m->seen[n] >= MAX_AGE)
			model_forget(m, n);
}

static void model_flush(struct model *m, int port)
{
	for (unsigned int n = 0; n < MACS; n++)
		if (m->port[n] == port)
			model_forget(m, n);
}

START_TEST(agrees_with_a_naive_model)
{
	struct model m = { .count = 0 };
	uint64_t now = 0;

	srandom((unsigned int)_i);
	memset(m.port, 0xff, sizeof(m.port));
	for (int step = 0; step < 3000; step++) {
		unsigned int n = (unsigned int)random() % MACS;
		int port = (int)(random() % PORTS), want;
		long action = random() % 100;

		now += (uint64_t)random() % (MAX_AGE / 20);
		if (action == 0) {
			fdb_flush_port(fdb, (uint16_t)port);
			model_flush(&m, port);
		} else if (action < 5) {
			fdb_age(fdb, now);
			model_age(&m, now);
		} else {
			want = model_learn(&m, n, port, now);
			ck_assert_int_eq(fdb_learn(fdb, (uint16_t)(n % 3),
						   mac(n), (uint16_t)port, now),
					 want);
		}
		n = (unsigned int)random() % MACS;
		want = m.port[n] >= 0 && now - m.seen[n] < MAX_AGE ? m.port[n]
								   : -1;
		ck_assert_int_eq(fdb_find(fdb, (uint16_t)(n % 3), mac(n), now),
				 want);
		ck_assert_uint_eq(fdb_count(fdb), m.count);
	}
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_CASE("fdb", .setup = setup, .teardown = teardown),
	UNIT_TEST(unknown_until_learned),
	UNIT_TEST(vlans_are_apart),
	UNIT_TEST(mac_moves_at_once),
	UNIT_TEST(entries_age_out_unless_refreshed),
	UNIT_TEST(aged_mac_is_learned_again),
	UNIT_TEST(entry_from_the_future_is_fresh),
	UNIT_TEST(port_that_invents_addresses_fills_its_share_only),
	UNIT_TEST(full_table_learns_nothing_new_and_keeps_what_it_has),
	UNIT_TEST(move_to_a_full_port_is_flooded_rather_than_lost),
	UNIT_TEST(flush_forgets_one_port_and_frees_its_share),
	UNIT_TEST(ageing_frees_the_share),
	UNIT_TEST(walk_shows_every_entry),
	UNIT_LOOP(agrees_with_a_naive_model, 10),
};

UNIT_MAIN("fdb", tests)
