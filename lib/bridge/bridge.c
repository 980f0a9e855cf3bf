#include "bridge/bridge.h"

#include <assert.h>
#include <stdlib.h>

struct port {
	void *owner;	    /* NULL: not in use */
	uint16_t next_free; /* if it was in use before; 0: none */
};

struct bridge {
	struct forward_tables tables;
	struct mdb *mdb; /* tables.mdb, which is const, and so is … */
	struct tap_macs *tap_macs;
	struct port *ports;
	uint16_t count;
	uint16_t fresh; /* ports from here on were never used */
	uint16_t free;	/* the first to be used again; 0: none */
};

struct bridge *bridge_new(const struct bridge_config *config,
			  const uint8_t seed[TABLE_SEED_LEN])
{
	const struct fdb_config fdb = {
		.capacity = config->macs,
		.per_port = config->macs_per_port,
		.ports = config->ports,
		.max_age_us = config->mac_age_us,
	};
	const struct mdb_config mdb = {
		.capacity = config->groups,
		.per_port = config->groups_per_port,
		.ports = config->ports,
	};
	struct bridge *b = calloc(1, sizeof(*b));

	assert(config->ports >= 2 && config->ports <= PORT_SET_PORTS);
	if (!b)
		return NULL;
	b->count = config->ports;
	b->fresh = 1;
	b->ports = calloc(b->count, sizeof(*b->ports));
	b->mdb = mdb_new(&mdb, seed);
	b->tap_macs = tap_macs_new(b->count, seed);
	b->tables = (struct forward_tables){ .fdb = fdb_new(&fdb, seed),
					     .tap_macs = b->tap_macs,
					     .mdb = b->mdb,
					     .snooping = config->snooping };
	if (!b->ports || !b->mdb || !b->tap_macs || !b->tables.fdb) {
		bridge_free(b);
		return NULL;
	}
	for (uint16_t port = 1; port < b->count; port++)
		port_set_add(&b->tables.flood, port);
	return b;
}

void bridge_free(struct bridge *b)
{
	if (!b)
		return;
	fdb_free(b->tables.fdb);
	mdb_free(b->mdb);
	tap_macs_free(b->tap_macs);
	free(b->ports);
	free(b);
}

/* ---- ports ---- */

static const uint8_t no_mac[ETH_ADDR_LEN];

uint16_t bridge_port_add(struct bridge *b, void *owner)
{
	uint16_t port = b->free;

	assert(owner);
	if (port)
		b->free = b->ports[port].next_free;
	else if (b->fresh < b->count)
		port = b->fresh++;
	if (port)
		b->ports[port].owner = owner;
	return port;
}

void bridge_port_remove(struct bridge *b, uint16_t port)
{
	bridge_port_set_live(b, port, false);
	bridge_port_set_flood(b, port, true);
	bridge_port_set_router(b, port, false);
	bridge_port_set_mac(b, port, no_mac);
	fdb_flush_port(b->tables.fdb, port);
	bridge_port_forget_groups(b, port);
	b->ports[port] = (struct port){ .next_free = b->free };
	b->free = port;
}

void *bridge_port_owner(const struct bridge *b, uint16_t port)
{
	return port < b->count ? b->ports[port].owner : NULL;
}

void bridge_port_set_live(struct bridge *b, uint16_t port, bool live)
{
	port_set_put(&b->tables.live, port, live);
}

void bridge_port_set_flood(struct bridge *b, uint16_t port, bool flood)
{
	port_set_put(&b->tables.flood, port, flood);
}

bool bridge_port_is_flood(const struct bridge *b, uint16_t port)
{
	return port_set_has(&b->tables.flood, port);
}

void bridge_port_set_router(struct bridge *b, uint16_t port, bool router)
{
	port_set_put(&b->tables.routers, port, router);
}

const struct port_set *bridge_live_ports(const struct bridge *b)
{
	return &b->tables.live;
}

void bridge_port_set_mac(struct bridge *b, uint16_t port,
			 const uint8_t mac[ETH_ADDR_LEN])
{
	tap_macs_set(b->tap_macs, port, mac);
}

void bridge_port_lose_macs(struct bridge *b, uint16_t port, uint64_t now_us)
{
	struct fdb *fdb = b->tables.fdb;
	const uint8_t *own = tap_macs_of(b->tap_macs, port);

	/* It need not have been learned to be sent to. */
	if (own && fdb_find(fdb, 0, own, now_us) == FDB_UNKNOWN)
		fdb_learn(fdb, 0, own, port, now_us);
	fdb_lose_port(fdb, port, now_us);
	bridge_port_set_mac(b, port, no_mac);
}

void bridge_port_found(struct bridge *b, uint16_t port,
		       const uint8_t mac[ETH_ADDR_LEN])
{
	bridge_port_set_mac(b, port, mac);
	fdb_forget_lost(b->tables.fdb, port);
}

void bridge_port_forget_groups(struct bridge *b, uint16_t port)
{
	mdb_flush_port(b->mdb, port);
}

bool bridge_port_join(struct bridge *b, uint16_t port, const struct group *g)
{
	return mdb_join(b->mdb, g, port);
}

void bridge_port_leave(struct bridge *b, uint16_t port, const struct group *g)
{
	mdb_leave(b->mdb, g, port);
}

/* ---- the bridge itself ---- */

void bridge_set_snooping(struct bridge *b, bool snooping)
{
	b->tables.snooping = snooping;
}

void bridge_set_router_advertisements(struct bridge *b, bool let_in)
{
	b->tables.router_advertisements = let_in;
}

void bridge_set_foreign_queries(struct bridge *b, bool let_in)
{
	b->tables.foreign_queries = let_in;
}

void bridge_set_router(struct bridge *b, bool router)
{
	b->tables.router = router;
}

bool bridge_has_router(const struct bridge *b)
{
	return b->tables.router;
}

void bridge_age(struct bridge *b, uint64_t now_us)
{
	fdb_age(b->tables.fdb, now_us);
}

void bridge_on_move(struct bridge *b, fdb_moved *moved, void *user)
{
	fdb_on_move(b->tables.fdb, moved, user);
}

const struct fdb *bridge_fdb(const struct bridge *b)
{
	return b->tables.fdb;
}

const struct mdb *bridge_mdb(const struct bridge *b)
{
	return b->mdb;
}

const struct forward_tables *bridge_tables(const struct bridge *b)
{
	return &b->tables;
}
