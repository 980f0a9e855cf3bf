#include "bridge/fdb.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "bridge/holders.h"

#define FDB_KEY_LEN (2 + ETH_ADDR_LEN)

/* Entries of a port that are compared to find an old one. */
#define LOOKS 8

#define LOST_US (60 * CLOCK_S)
/* How often a lost MAC is searched. */
#define SEARCH_MS    UINT64_C(100)
#define SEARCH_BURST 8

struct learned {
	struct holding held; /* its port */
	/* 0: it is not lost. Else 1 + how long after it was lost the frames that
	 * searched it so far would be through at an even pace. */
	uint32_t searched_ms;
	uint64_t seen_us; /* or when it was lost */
};

struct fdb {
	struct fdb_config config;
	struct table *table; /* VLAN and MAC → struct learned */
	struct holders *holders;
	uint32_t lost; /* entries that are */
	fdb_moved *moved;
	uint64_t moves;
	void *user;
};

struct fdb *fdb_new(const struct fdb_config *config,
		    const uint8_t seed[TABLE_SEED_LEN])
{
	struct fdb *f = calloc(1, sizeof(*f));

	assert(config->ports >= 1);
	if (!f)
		return NULL;
	f->config = *config;
	f->table = table_new(config->capacity, FDB_KEY_LEN,
			     sizeof(struct learned), seed);
	if (f->table)
		f->holders =
			holders_new(f->table, (uint16_t)(config->ports + 1));
	if (!f->holders) {
		fdb_free(f);
		return NULL;
	}
	return f;
}

void fdb_free(struct fdb *f)
{
	if (!f)
		return;
	holders_free(f->holders);
	table_free(f->table);
	free(f);
}

static void make_key(uint8_t key[FDB_KEY_LEN], uint16_t vlan,
		     const uint8_t mac[ETH_ADDR_LEN])
{
	store_be16(key, vlan);
	memcpy(key + 2, mac, ETH_ADDR_LEN);
}

static bool is_aged(const struct fdb *f, const struct learned *e,
		    uint64_t now_us)
{
	return now_us > e->seen_us &&
	       now_us - e->seen_us >=
		       (e->searched_ms ? LOST_US : f->config.max_age_us);
}

/* Who holds what was lost with a port that is another's now. */
static uint16_t orphanage(const struct fdb *f)
{
	return f->config.ports;
}

static void set_lost(struct fdb *f, struct learned *e, bool lost)
{
	f->lost += (lost ? 1u : 0u) - (e->searched_ms ? 1u : 0u);
	e->searched_ms = lost;
}

static void forget(struct fdb *f, struct learned *e)
{
	set_lost(f, e, false);
	holders_release(f->holders, &e->held);
	table_remove(f->table, table_key(f->table, e));
}

static struct learned *at_hand(const struct fdb *f, uint16_t port)
{
	return (struct learned *)holders_at_hand(f->holders, port);
}

static struct learned *next_of(const struct fdb *f, const struct learned *e)
{
	return (struct learned *)holders_next(f->holders, &e->held);
}

/* Forgets an entry of a port that holds one: the oldest of a few. */
static void forget_old(struct fdb *f, uint16_t port)
{
	struct learned *e = at_hand(f, port), *oldest = e;

	for (int looks = 1; looks < LOOKS; looks++) {
		e = next_of(f, e);
		if (e->seen_us < oldest->seen_us)
			oldest = e;
	}
	holders_set_hand(f->holders, &next_of(f, e)->held);
	forget(f, oldest);
}

/* What a port may hold at most; the peers' bound is for when there is little
 * room. */
static bool is_at_bound(const struct fdb *f, uint16_t port)
{
	const uint32_t half = (f->config.capacity + 1) / 2;
	const uint32_t count = holders_count(f->holders, port);

	if (port == FDB_PORT_LOCAL)
		return count >= half;
	return count >= f->config.per_port && table_count(f->table) >= half;
}

/* Which port has to forget an entry before the table takes one more of `port`;
 * HOLDERS_NONE: all of it is the TAP's. */
static uint16_t who_gives(const struct fdb *f, uint16_t port)
{
	const uint16_t most = holders_most(f->holders);
	const uint32_t count = holders_count(f->holders, port);

	if (holders_count(f->holders, orphanage(f)))
		return orphanage(f);
	if (port == FDB_PORT_LOCAL || most == HOLDERS_NONE)
		return most;
	return count >= holders_share(f->holders) ||
			       count >= holders_count(f->holders, most)
		       ? port
		       : most;
}

void fdb_on_move(struct fdb *f, fdb_moved *moved, void *user)
{
	f->moved = moved;
	f->user = user;
}

static void note_move(struct fdb *f, uint16_t vlan,
		      const uint8_t mac[ETH_ADDR_LEN], uint16_t from,
		      uint16_t to)
{
	f->moves++;
	if (f->moved)
		f->moved(f->user, vlan, mac,
			 from == orphanage(f) ? FDB_UNKNOWN : from, to);
}

bool fdb_learn(struct fdb *f, uint16_t vlan, const uint8_t mac[ETH_ADDR_LEN],
	       uint16_t port, uint64_t now_us)
{
	uint8_t key[FDB_KEY_LEN];
	uint16_t gives = HOLDERS_NONE;
	struct learned *e;

	assert(port < f->config.ports);
	make_key(key, vlan, mac);
	e = table_find(f->table, key);
	if (e && e->held.port == port && !e->searched_ms) {
		e->seen_us = now_us;
		return true;
	}
	if (e)
		set_lost(f, e, false);
	if (e && e->held.port == port) {
		e->seen_us = now_us;
		return true;
	}
	if (e)
		note_move(f, vlan, mac, e->held.port, port);
	if (is_at_bound(f, port))
		gives = port;
	else if (!e && table_count(f->table) == f->config.capacity)
		gives = who_gives(f, port);
	if (gives != HOLDERS_NONE)
		forget_old(f, gives);
	if (e)
		holders_release(f->holders, &e->held);
	else
		e = table_insert(f->table, key);
	if (!e)
		return false;
	e->seen_us = now_us;
	holders_take(f->holders, &e->held, port);
	return gives == HOLDERS_NONE;
}

int fdb_find(const struct fdb *f, uint16_t vlan,
	     const uint8_t mac[ETH_ADDR_LEN], uint64_t now_us)
{
	uint8_t key[FDB_KEY_LEN];
	const struct learned *e;

	make_key(key, vlan, mac);
	e = table_find(f->table, key);
	if (!e || is_aged(f, e, now_us))
		return FDB_UNKNOWN;
	return e->searched_ms ? FDB_LOST : e->held.port;
}

/* ---- MACs that are lost ---- */

static void lose(struct fdb *f, struct learned *e, uint64_t now_us)
{
	set_lost(f, e, true);
	e->seen_us = now_us;
}

bool fdb_may_search(struct fdb *f, uint16_t vlan,
		    const uint8_t mac[ETH_ADDR_LEN], uint32_t frames,
		    uint64_t now_us)
{
	uint8_t key[FDB_KEY_LEN];
	struct learned *e;
	uint64_t elapsed_ms, through_ms;

	make_key(key, vlan, mac);
	e = table_find(f->table, key);
	if (!e || is_aged(f, e, now_us))
		return true;
	if (!e->searched_ms)
		lose(f, e, now_us);
	elapsed_ms = now_us > e->seen_us ? (now_us - e->seen_us) / CLOCK_MS : 0;
	through_ms = e->searched_ms - 1;
	if (through_ms < elapsed_ms)
		through_ms = elapsed_ms;
	if (through_ms > elapsed_ms + (SEARCH_BURST - 1) * SEARCH_MS)
		return false;
	e->searched_ms = (uint32_t)(through_ms + frames * SEARCH_MS + 1);
	return true;
}

void fdb_lose_port(struct fdb *f, uint16_t port, uint64_t now_us)
{
	struct learned *e;

	assert(port < f->config.ports);
	e = at_hand(f, port);
	for (uint32_t left = holders_count(f->holders, port); left > 0;
	     left--, e = next_of(f, e))
		if (!e->searched_ms)
			lose(f, e, now_us);
}

/* Of what a port holds, that is lost or all: to nobody, or the orphanage. */
static void clear_port(struct fdb *f, uint16_t port, bool all, bool keep_lost)
{
	struct learned *e = at_hand(f, port), *next;

	for (uint32_t left = holders_count(f->holders, port); left > 0;
	     left--, e = next) {
		next = next_of(f, e);
		if (!e->searched_ms && !all)
			continue;
		if (!e->searched_ms || !keep_lost) {
			forget(f, e);
			continue;
		}
		holders_release(f->holders, &e->held);
		holders_take(f->holders, &e->held, orphanage(f));
	}
}

void fdb_forget_lost(struct fdb *f, uint16_t port)
{
	assert(port < f->config.ports);
	clear_port(f, port, false, false);
}

void fdb_flush_port(struct fdb *f, uint16_t port)
{
	assert(port < f->config.ports);
	clear_port(f, port, true, true);
}

void fdb_age(struct fdb *f, uint64_t now_us)
{
	for (uint32_t at = table_next(f->table, TABLE_NONE); at != TABLE_NONE;
	     at = table_next(f->table, at)) {
		struct learned *e = table_at(f->table, at);

		if (is_aged(f, e, now_us))
			forget(f, e);
	}
}

uint64_t fdb_moves(const struct fdb *f)
{
	return f->moves;
}

uint32_t fdb_count(const struct fdb *f)
{
	return table_count(f->table) - f->lost;
}

bool fdb_next(const struct fdb *f, uint32_t *at, struct fdb_entry *out)
{
	const struct learned *e;
	const uint8_t *key;

	do {
		*at = table_next(f->table, *at);
		e = table_at(f->table, *at);
	} while (e && e->searched_ms);
	if (!e)
		return false;
	key = table_key(f->table, e);
	*out = (struct fdb_entry){
		.vlan = load_be16(key),
		.port = e->held.port,
		.seen_us = e->seen_us,
	};
	memcpy(out->mac, key + 2, ETH_ADDR_LEN);
	return true;
}
