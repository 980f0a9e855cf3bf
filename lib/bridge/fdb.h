/* The forwarding database: (VLAN, MAC) → port. IEEE 802.1Q-2018, 8.8. */
#ifndef TAPD_BRIDGE_FDB_H
#define TAPD_BRIDGE_FDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/table.h"
#include "ether/eth.h"

/* The TAP's port: bridge.h. */
#define FDB_PORT_LOCAL 0

/*
 * Learned from source addresses. A MAC seen behind another port moves at once:
 * that is how a VRRP virtual MAC follows its master. A look-up ignores entries that
 * have aged out; fdb_age removes them, and until then they count in their port's
 * share.
 *
 * The table is bounded, and a port that invents addresses loses its own:
 *
 *  - When the table is full, a port that holds an equal share of it or more gives
 *    up an old entry of its own for each new one; for a port that holds less, the
 *    peer's port that holds most does. So who holds no more than the share loses
 *    nothing, however many identities others have.
 *  - From half full on, a peer's port that holds per_port of them gives up its own.
 *  - The TAP's port may hold half of the table, and no peer's entry takes the place
 *    of one of its own.
 *
 * What a port gives up is the oldest of eight, found without a search: a forged
 * frame costs no more than any.
 */
struct fdb;

struct fdb_config {
	uint32_t capacity;   /* entries in all, at least 1 */
	uint32_t per_port;   /* entries of a peer's port, from half full on */
	uint16_t ports;	     /* port numbers are below this; at least 1 */
	uint64_t max_age_us; /* 300 s is usual */
};

/* NULL if memory is short. */
struct fdb *fdb_new(const struct fdb_config *config,
		    const uint8_t seed[TABLE_SEED_LEN]);
void fdb_free(struct fdb *f);

/*
 * Learns or refreshes. False if an entry was forgotten for it, whose frames are
 * flooded from then on; or, where the TAP's port holds the whole table, if it was
 * not learned.
 */
bool fdb_learn(struct fdb *f, uint16_t vlan, const uint8_t mac[ETH_ADDR_LEN],
	       uint16_t port, uint64_t now_us);
/* The port of a MAC that has not aged out; -1 if unknown. */
int fdb_find(const struct fdb *f, uint16_t vlan,
	     const uint8_t mac[ETH_ADDR_LEN], uint64_t now_us);
/* Forgets everything behind a port, at the cost of what is behind it. */
void fdb_flush_port(struct fdb *f, uint16_t port);
/* Forgets what has aged out; cost is one walk. */
void fdb_age(struct fdb *f, uint64_t now_us);
uint32_t fdb_count(const struct fdb *f);

struct fdb_entry {
	uint16_t vlan;
	uint8_t mac[ETH_ADDR_LEN];
	uint16_t port;
	uint64_t seen_us;
};

/* Walks the entries, aged ones not yet swept included: *at starts at TABLE_NONE.
 * False at the end. */
bool fdb_next(const struct fdb *f, uint32_t *at, struct fdb_entry *out);

#endif
