#include "bridge/fdb.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define FDB_KEY_LEN (2 + ETH_ADDR_LEN)

struct learned {
	uint64_t seen_us;
	uint16_t port;
};

struct fdb {
	struct fdb_config config;
	struct table *table; /* VLAN and MAC → struct learned */
	uint32_t *learned;   /* entries of each port */
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
	f->learned = calloc(config->ports, sizeof(*f->learned));
	if (!f->table || !f->learned) {
		fdb_free(f);
		return NULL;
	}
	return f;
}

void fdb_free(struct fdb *f)
{
	if (!f)
		return;
	table_free(f->table);
	free(f->learned);
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
	       now_us - e->seen_us >= f->config.max_age_us;
}

static void forget(struct fdb *f, const struct learned *e)
{
	f->learned[e->port]--;
	table_remove(f->table, table_key(f->table, e));
}

bool fdb_learn(struct fdb *f, uint16_t vlan, const uint8_t mac[ETH_ADDR_LEN],
	       uint16_t port, uint64_t now_us)
{
	uint8_t key[FDB_KEY_LEN];
	struct learned *e;

	assert(port < f->config.ports);
	make_key(key, vlan, mac);
	e = table_find(f->table, key);
	if (e && e->port == port) {
		e->seen_us = now_us;
		return true;
	}
	if (f->learned[port] >= f->config.per_port) {
		if (e)
			forget(f, e);
		return false;
	}
	if (e)
		f->learned[e->port]--;
	else
		e = table_insert(f->table, key);
	if (!e)
		return false;
	f->learned[port]++;
	*e = (struct learned){ .seen_us = now_us, .port = port };
	return true;
}

int fdb_find(const struct fdb *f, uint16_t vlan,
	     const uint8_t mac[ETH_ADDR_LEN], uint64_t now_us)
{
	uint8_t key[FDB_KEY_LEN];
	const struct learned *e;

	make_key(key, vlan, mac);
	e = table_find(f->table, key);
	return e && !is_aged(f, e, now_us) ? e->port : -1;
}

void fdb_flush_port(struct fdb *f, uint16_t port)
{
	assert(port < f->config.ports);
	for (uint32_t at = table_next(f->table, TABLE_NONE);
	     f->learned[port] > 0 && at != TABLE_NONE;
	     at = table_next(f->table, at)) {
		const struct learned *e = table_at(f->table, at);

		if (e->port == port)
			forget(f, e);
	}
}

void fdb_age(struct fdb *f, uint64_t now_us)
{
	for (uint32_t at = table_next(f->table, TABLE_NONE); at != TABLE_NONE;
	     at = table_next(f->table, at)) {
		const struct learned *e = table_at(f->table, at);

		if (is_aged(f, e, now_us))
			forget(f, e);
	}
}

uint32_t fdb_count(const struct fdb *f)
{
	return table_count(f->table);
}

bool fdb_next(const struct fdb *f, uint32_t *at, struct fdb_entry *out)
{
	const struct learned *e;
	const uint8_t *key;

	*at = table_next(f->table, *at);
	e = table_at(f->table, *at);
	if (!e)
		return false;
	key = table_key(f->table, e);
	*out = (struct fdb_entry){
		.vlan = load_be16(key),
		.port = e->port,
		.seen_us = e->seen_us,
	};
	memcpy(out->mac, key + 2, ETH_ADDR_LEN);
	return true;
}
