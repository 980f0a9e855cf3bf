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
 * share. The table is bounded in all and per port, so that a peer that invents
 * addresses fills its own share only.
 */
struct fdb;

struct fdb_config {
	uint32_t capacity;   /* entries in all, at least 1 */
	uint32_t per_port;   /* entries of one port */
	uint16_t ports;	     /* port numbers are below this; at least 1 */
	uint64_t max_age_us; /* 300 s is usual */
};

/* NULL if memory is short. */
struct fdb *fdb_new(const struct fdb_config *config,
		    const uint8_t seed[TABLE_SEED_LEN]);
void fdb_free(struct fdb *f);

/*
 * Learns or refreshes. False if the table or the port's share is full. A MAC
 * that was behind another port is then forgotten: it is no longer there, so its
 * frames would be lost, while those to an unknown MAC are flooded.
 */
bool fdb_learn(struct fdb *f, uint16_t vlan, const uint8_t mac[ETH_ADDR_LEN],
	       uint16_t port, uint64_t now_us);
/* The port of a MAC that has not aged out; -1 if unknown. */
int fdb_find(const struct fdb *f, uint16_t vlan,
	     const uint8_t mac[ETH_ADDR_LEN], uint64_t now_us);
/* Forgets everything behind a port. */
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
