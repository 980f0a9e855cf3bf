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

static struct {
	unsigned int count;
	uint16_t vlan, to;
	uint8_t mac[ETH_ADDR_LEN];
	int from;
} move;

static void on_move(void *user, uint16_t vlan,
		    const uint8_t bytes[ETH_ADDR_LEN], int from, uint16_t to)
{
	ck_assert_ptr_eq(user, &move);
	move.count++;
	move.vlan = vlan;
	move.from = from;
	move.to = to;
	memcpy(move.mac, bytes, sizeof(move.mac));
}

START_TEST(moves_are_told_while_somebody_listens)
{
	memset(&move, 0, sizeof(move));
	fdb_on_move(fdb, on_move, &move);
	fdb_learn(fdb, 7, mac(1), 1, 0);
	fdb_learn(fdb, 7, mac(1), 1, 1);
	ck_assert_uint_eq(move.count, 0);
	fdb_learn(fdb, 7, mac(1), 2, 2);
	ck_assert_uint_eq(move.count, 1);
	ck_assert_uint_eq(move.vlan, 7);
	ck_assert_mem_eq(move.mac, mac(1), ETH_ADDR_LEN);
	ck_assert_int_eq(move.from, 1);
	ck_assert_uint_eq(move.to, 2);
	/* Lost, it is found elsewhere: so a VRRP address follows its master. */
	fdb_lose_port(fdb, 2, 3);
	fdb_learn(fdb, 7, mac(1), FDB_PORT_LOCAL, 4);
	ck_assert_uint_eq(move.count, 2);
	ck_assert_int_eq(move.from, 2);
	/* Lost with a port that is nobody's. */
	fdb_learn(fdb, 7, mac(1), 3, 5);
	fdb_lose_port(fdb, 3, 6);
	fdb_flush_port(fdb, 3);
	fdb_learn(fdb, 7, mac(1), 1, 7);
	ck_assert_uint_eq(move.count, 4);
	ck_assert_int_eq(move.from, FDB_UNKNOWN);
	fdb_on_move(fdb, NULL, NULL);
	fdb_learn(fdb, 7, mac(1), 2, 8);
	ck_assert_uint_eq(move.count, 4);
	ck_assert_uint_eq(fdb_moves(fdb), 5);
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

static unsigned int held_by(uint16_t port)
{
	uint32_t at = TABLE_NONE;
	unsigned int count = 0;
	struct fdb_entry e;

	while (fdb_next(fdb, &at, &e))
		count += e.port == port;
	return count;
}

static void fill_port(uint16_t port)
{
	for (unsigned int i = 0; i < PER_PORT; i++)
		ck_assert(fdb_learn(fdb, 0, mac(port * 100u + i), port, 0));
}

START_TEST(bound_of_a_port_is_for_a_table_that_is_half_full)
{
	for (unsigned int i = 0; i < CAPACITY / 2; i++)
		ck_assert(fdb_learn(fdb, 0, mac(100 + i), 1, i));
	ck_assert(!fdb_learn(fdb, 0, mac(200), 1, 100));
	ck_assert_int_eq(fdb_find(fdb, 0, mac(200), 100), 1);
	ck_assert_uint_eq(held_by(1), CAPACITY / 2);
}
END_TEST

START_TEST(port_that_invents_addresses_loses_its_own)
{
	fill_port(2);
	for (unsigned int i = 0; i < 1000; i++)
		fdb_learn(fdb, 0, mac(1000 + i), 1, i);
	ck_assert_uint_eq(held_by(1), PER_PORT);
	ck_assert_uint_eq(held_by(2), PER_PORT);
	/* The newest is there, and the oldest of all is not. */
	ck_assert_int_eq(fdb_find(fdb, 0, mac(1999), 1000), 1);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(1000), 1000), -1);
	/* Known MACs are refreshed. */
	ck_assert(fdb_learn(fdb, 0, mac(200), 2, 5));
}
END_TEST

START_TEST(newcomer_takes_the_place_of_who_holds_most)
{
	fill_port(1);
	fill_port(2);
	for (unsigned int i = 0; i < CAPACITY - 2 * PER_PORT; i++)
		ck_assert(fdb_learn(fdb, 0, mac(i), 4, 0));
	ck_assert(!fdb_learn(fdb, 0, mac(300), 3, 1));
	ck_assert(!fdb_learn(fdb, 0, mac(301), 3, 1));
	ck_assert_int_eq(fdb_find(fdb, 0, mac(300), 1), 3);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(301), 1), 3);
	ck_assert_uint_eq(held_by(1), PER_PORT - 1);
	ck_assert_uint_eq(held_by(2), PER_PORT - 1);
	/* A move needs no new entry. */
	ck_assert(fdb_learn(fdb, 0, mac(300), 4, 2));
	ck_assert_int_eq(fdb_find(fdb, 0, mac(300), 2), 4);
	ck_assert_uint_eq(fdb_count(fdb), CAPACITY);
}
END_TEST

START_TEST(no_peer_takes_the_place_of_a_local_mac)
{
	for (unsigned int i = 0; i < CAPACITY / 2; i++)
		fdb_learn(fdb, 0, mac(i), FDB_PORT_LOCAL, 0);
	for (unsigned int i = 0; i < 1000; i++)
		fdb_learn(fdb, 0, mac(1000 + i), (uint16_t)(1 + i % 4), 9);
	ck_assert_uint_eq(held_by(FDB_PORT_LOCAL), CAPACITY / 2);
}
END_TEST

START_TEST(local_mac_finds_room_in_a_table_that_peers_fill)
{
	for (unsigned int i = 0; i < 1000; i++)
		fdb_learn(fdb, 0, mac(1000 + i), (uint16_t)(1 + i % 4), 9);
	for (unsigned int i = 0; i < CAPACITY / 2; i++) {
		fdb_learn(fdb, 0, mac(i), FDB_PORT_LOCAL, 10);
		ck_assert_uint_eq(held_by(FDB_PORT_LOCAL), i + 1);
	}
	/* More than its half it does not take. */
	fdb_learn(fdb, 0, mac(100), FDB_PORT_LOCAL, 11);
	ck_assert_uint_eq(held_by(FDB_PORT_LOCAL), CAPACITY / 2);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(100), 11), FDB_PORT_LOCAL);
}
END_TEST

START_TEST(one_entry_is_the_first_ports_that_takes_it)
{
	struct fdb_config one = config;

	one.capacity = 1;
	fdb_free(fdb);
	fdb = fdb_new(&one, seed);
	ck_assert(fdb_learn(fdb, 0, mac(1), FDB_PORT_LOCAL, 0));
	ck_assert(!fdb_learn(fdb, 0, mac(2), 1, 0));
	ck_assert_int_eq(fdb_find(fdb, 0, mac(2), 0), -1);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(1), 0), FDB_PORT_LOCAL);
}
END_TEST

START_TEST(move_to_a_port_at_its_bound_costs_an_old_one_there)
{
	fill_port(1);
	fill_port(2);
	ck_assert(!fdb_learn(fdb, 0, mac(200), 1, 1));
	ck_assert_int_eq(fdb_find(fdb, 0, mac(200), 1), 1);
	ck_assert_uint_eq(held_by(1), PER_PORT);
	ck_assert_uint_eq(held_by(2), PER_PORT - 1);
}
END_TEST

/* The real bounds. Each honest host has fewer MACs than its equal share, and the
 * others show 100,000 of their own. */
#define KEYS   512
#define FORGED 100000
#define HONEST 20

static struct fdb *real_size(void)
{
	const struct fdb_config real = { 16384, 1024, KEYS + 1, MAX_AGE };

	fdb_free(fdb);
	fdb = fdb_new(&real, seed);
	ck_assert_ptr_nonnull(fdb);
	return fdb;
}

static const uint8_t *forged(unsigned int n)
{
	static uint8_t bytes[ETH_ADDR_LEN] = { 6 };

	bytes[3] = (uint8_t)(n >> 16);
	bytes[4] = (uint8_t)(n >> 8);
	bytes[5] = (uint8_t)n;
	return bytes;
}

/* _i: identities of whoever forges. */
static const int identities[] = { 1, 16, 17, 100, 511 };

START_TEST(made_up_macs_of_many_identities_leave_honest_hosts_alone)
{
	const unsigned int bad = (unsigned int)identities[_i];

	real_size();
	for (unsigned int i = 0; i < HONEST; i++) {
		fdb_learn(fdb, 0, mac(i), KEYS, 0);
		fdb_learn(fdb, 0, mac(100 + i), FDB_PORT_LOCAL, 0);
	}
	for (unsigned int i = 0; i < FORGED; i++)
		fdb_learn(fdb, (uint16_t)(i % 7), forged(i),
			  (uint16_t)(1 + i % bad), i);
	ck_assert_uint_eq(held_by(KEYS), HONEST);
	ck_assert_uint_eq(held_by(FDB_PORT_LOCAL), HONEST);
}
END_TEST

START_TEST(honest_host_is_learned_after_the_table_was_filled)
{
	const unsigned int bad = (unsigned int)identities[_i];

	real_size();
	for (unsigned int i = 0; i < FORGED; i++)
		fdb_learn(fdb, 0, forged(i), (uint16_t)(1 + i % bad), i);
	for (unsigned int i = 0; i < HONEST; i++) {
		fdb_learn(fdb, 0, mac(i), KEYS, FORGED);
		fdb_learn(fdb, 0, mac(100 + i), FDB_PORT_LOCAL, FORGED);
	}
	for (unsigned int i = 0; i < FORGED; i++)
		fdb_learn(fdb, 0, forged(FORGED + i), (uint16_t)(1 + i % bad),
			  2 * FORGED);
	for (unsigned int i = 0; i < HONEST; i++) {
		ck_assert_int_eq(fdb_find(fdb, 0, mac(i), FORGED), KEYS);
		ck_assert_int_eq(fdb_find(fdb, 0, mac(100 + i), FORGED),
				 FDB_PORT_LOCAL);
	}
}
END_TEST

/* A search of the table for each would be 10^11 steps: Check's limit of time
 * ends it. */
START_TEST(what_is_given_up_is_found_without_a_search)
{
	const struct fdb_config large = { 1 << 18, 1 << 18, 3, MAX_AGE };

	fdb_free(fdb);
	fdb = fdb_new(&large, seed);
	for (unsigned int i = 0; i < 1u << 19; i++)
		fdb_learn(fdb, (uint16_t)(i >> 16 & 15), forged(i),
			  (uint16_t)(1 + (i & 1)), i);
	ck_assert_uint_eq(fdb_count(fdb), 1u << 18);
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

/* ---- MACs that are lost ---- */

#define MAC_LOST_US (60 * CLOCK_S)

/* How many of `count` frames, one each step_us, may search. */
static unsigned int searches(unsigned int n, unsigned int count,
			     uint64_t from_us, uint64_t step_us)
{
	unsigned int passed = 0;

	for (unsigned int i = 0; i < count; i++)
		passed += fdb_may_search(fdb, 0, mac(n), 1,
					 from_us + i * step_us);
	return passed;
}

START_TEST(lost_mac_is_searched_by_eight_frames_and_then_ten_a_second)
{
	fdb_learn(fdb, 0, mac(1), 1, 0);
	fdb_lose_port(fdb, 1, CLOCK_S);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(1), CLOCK_S), FDB_LOST);
	ck_assert_uint_eq(searches(1, 100, CLOCK_S, 0), 8);
	ck_assert_uint_eq(searches(1, 10000, CLOCK_S, CLOCK_MS), 99);
	/* After a while without a frame, eight may go again. */
	ck_assert_uint_eq(searches(1, 100, 14 * CLOCK_S, 0), 8);
	/* One that stands for many is paid for afterwards. */
	ck_assert(fdb_may_search(fdb, 0, mac(1), 44, 20 * CLOCK_S));
	ck_assert_uint_eq(searches(1, 36, 20 * CLOCK_S, 100 * CLOCK_MS), 0);
	ck_assert_uint_gt(searches(1, 10, 24 * CLOCK_S, 100 * CLOCK_MS), 0);
}
END_TEST

START_TEST(mac_that_was_never_learned_is_searched_by_every_frame)
{
	fdb_lose_port(fdb, 1, 0);
	ck_assert_uint_eq(searches(1, 1000, 0, 0), 1000);
	ck_assert_uint_eq(fdb_count(fdb), 0);
}
END_TEST

START_TEST(lost_mac_is_found_wherever_it_is_learned)
{
	fdb_learn(fdb, 0, mac(1), 1, 0);
	fdb_lose_port(fdb, 1, 1);
	ck_assert_uint_eq(fdb_count(fdb), 0);
	ck_assert(fdb_learn(fdb, 0, mac(1), (uint16_t)_i, 2));
	ck_assert_int_eq(fdb_find(fdb, 0, mac(1), 2), _i);
	ck_assert_uint_eq(fdb_count(fdb), 1);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(1), MAX_AGE), _i);
}
END_TEST

START_TEST(lost_mac_is_unknown_after_a_minute)
{
	fdb_learn(fdb, 0, mac(1), 1, 0);
	fdb_lose_port(fdb, 1, CLOCK_S);
	searches(1, 100, CLOCK_S, 0);
	/* Losing it again makes it no younger. */
	fdb_lose_port(fdb, 1, 2 * CLOCK_S);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(1), CLOCK_S + MAC_LOST_US - 1),
			 FDB_LOST);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(1), CLOCK_S + MAC_LOST_US),
			 FDB_UNKNOWN);
	ck_assert_uint_eq(searches(1, 100, CLOCK_S + MAC_LOST_US, 0), 100);
	fdb_age(fdb, CLOCK_S + MAC_LOST_US);
	ck_assert_uint_eq(held_by(1), 0);
}
END_TEST

START_TEST(what_was_lost_with_a_port_is_unknown_when_it_is_back)
{
	fdb_learn(fdb, 0, mac(1), 1, 0);
	fdb_learn(fdb, 0, mac(2), 1, 0);
	fdb_learn(fdb, 0, mac(3), 2, 0);
	fdb_lose_port(fdb, 1, 1);
	fdb_lose_port(fdb, 2, 1);
	fdb_learn(fdb, 0, mac(2), 1, 2);
	fdb_forget_lost(fdb, 1);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(1), 2), FDB_UNKNOWN);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(2), 2), 1);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(3), 2), FDB_LOST);
}
END_TEST

START_TEST(what_was_lost_stays_so_when_the_port_is_another_hosts)
{
	fdb_learn(fdb, 0, mac(1), 1, 0);
	fdb_lose_port(fdb, 1, 1);
	fdb_learn(fdb, 0, mac(2), 1, 1);
	fdb_flush_port(fdb, 1);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(1), 2), FDB_LOST);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(2), 2), FDB_UNKNOWN);
	fdb_forget_lost(fdb, 1);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(1), 2), FDB_LOST);
	fdb_age(fdb, MAC_LOST_US + 1);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(1), 0), FDB_UNKNOWN);
}
END_TEST

START_TEST(full_table_gives_up_what_is_lost_first)
{
	fill_port(1);
	fill_port(2);
	fdb_lose_port(fdb, 2, 1);
	fdb_flush_port(fdb, 2);
	for (unsigned int i = 0; i < 500; i++)
		fdb_learn(fdb, 0, mac(1000 + i), (uint16_t)(3 + i % 2), 2);
	ck_assert_uint_eq(held_by(1), CAPACITY / 3 + 1);
	ck_assert_uint_eq(fdb_count(fdb), CAPACITY);
	for (unsigned int i = 0; i < PER_PORT; i++)
		ck_assert_int_eq(fdb_find(fdb, 0, mac(200 + i), 2),
				 FDB_UNKNOWN);
}
END_TEST

START_TEST(mac_behind_a_port_that_cannot_be_sent_to_is_lost)
{
	fdb_learn(fdb, 0, mac(1), 1, 0);
	ck_assert_uint_eq(searches(1, 100, 5, 0), 8);
	ck_assert_int_eq(fdb_find(fdb, 0, mac(1), 5), FDB_LOST);
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

static void model_learn(struct model *m, unsigned int n, int port, uint64_t now)
{
	if (m->port[n] >= 0)
		model_forget(m, n);
	m->port[n] = port;
	m->seen[n] = now;
	m->learned[port]++;
	m->count++;
}

/* The one that the table has lost. */
static unsigned int lost_one(const struct model *m)
{
	unsigned int lost = MACS, losses = 0;

	for (unsigned int n = 0; n < MACS; n++) {
		if (m->port[n] < 0 ||
		    fdb_find(fdb, (uint16_t)(n % 3), mac(n), 0) >= 0)
			continue;
		lost = n;
		losses++;
	}
	ck_assert_uint_eq(losses, 1);
	return lost;
}

/* It was its turn: the port's own, or of who holds most. */
static void model_lose(struct model *m, int port)
{
	unsigned int n = lost_one(m);
	int from = m->port[n];

	if (from != port) {
		ck_assert_int_ne(from, FDB_PORT_LOCAL);
		ck_assert_uint_eq(m->count, CAPACITY + 1);
		for (int i = 1; i < PORTS; i++)
			ck_assert_uint_le(m->learned[i] - (i == port),
					  m->learned[from]);
	}
	model_forget(m, n);
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
			model_learn(&m, n, port, now);
			if (!fdb_learn(fdb, (uint16_t)(n % 3), mac(n),
				       (uint16_t)port, now))
				model_lose(&m, port);
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
	UNIT_TEST(moves_are_told_while_somebody_listens),
	UNIT_TEST(entries_age_out_unless_refreshed),
	UNIT_TEST(aged_mac_is_learned_again),
	UNIT_TEST(entry_from_the_future_is_fresh),
	UNIT_TEST(bound_of_a_port_is_for_a_table_that_is_half_full),
	UNIT_TEST(port_that_invents_addresses_loses_its_own),
	UNIT_TEST(newcomer_takes_the_place_of_who_holds_most),
	UNIT_TEST(no_peer_takes_the_place_of_a_local_mac),
	UNIT_TEST(local_mac_finds_room_in_a_table_that_peers_fill),
	UNIT_TEST(one_entry_is_the_first_ports_that_takes_it),
	UNIT_TEST(move_to_a_port_at_its_bound_costs_an_old_one_there),
	UNIT_EACH(made_up_macs_of_many_identities_leave_honest_hosts_alone,
		  identities),
	UNIT_EACH(honest_host_is_learned_after_the_table_was_filled,
		  identities),
	UNIT_TEST(what_is_given_up_is_found_without_a_search),
	UNIT_TEST(flush_forgets_one_port_and_frees_its_share),
	UNIT_TEST(ageing_frees_the_share),
	UNIT_TEST(walk_shows_every_entry),
	UNIT_TEST(lost_mac_is_searched_by_eight_frames_and_then_ten_a_second),
	UNIT_TEST(mac_that_was_never_learned_is_searched_by_every_frame),
	UNIT_LOOP(lost_mac_is_found_wherever_it_is_learned, 3),
	UNIT_TEST(lost_mac_is_unknown_after_a_minute),
	UNIT_TEST(what_was_lost_with_a_port_is_unknown_when_it_is_back),
	UNIT_TEST(what_was_lost_stays_so_when_the_port_is_another_hosts),
	UNIT_TEST(full_table_gives_up_what_is_lost_first),
	UNIT_TEST(mac_behind_a_port_that_cannot_be_sent_to_is_lost),
	UNIT_LOOP(agrees_with_a_naive_model, 10),
};

UNIT_MAIN("fdb", tests)
