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
/* Where a MAC is that is behind no port: fdb_find. */
#define FDB_UNKNOWN (-1)
#define FDB_LOST    (-2)

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
 *
 * A MAC is lost for 60 s after its port was: its host is gone, and if frames to it
 * were flooded like those to any unknown MAC, a stream would cost as many copies as
 * there are hosts at the very moment when something has failed. So only a few go:
 * they find it if it has moved without a word. It is no longer lost when it is
 * learned again. Who resolves addresses has found it by then, or has stopped: what
 * still goes to it after 60 s is for a host that never speaks, and is flooded.
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

/* What is told of a MAC that is learned behind another port than before. from:
 * FDB_UNKNOWN if that port is nobody's any more. */
typedef void fdb_moved(void *user, uint16_t vlan,
		       const uint8_t mac[ETH_ADDR_LEN], int from, uint16_t to);
/* Calls it from fdb_learn, which it may not call; NULL: nothing is told, which costs
 * nothing. */
void fdb_on_move(struct fdb *f, fdb_moved *moved, void *user);
/* How many such there have been, told or not. */
uint64_t fdb_moves(const struct fdb *f);

/*
 * Learns or refreshes. False if an entry was forgotten for it, whose frames are
 * flooded from then on; or, where the TAP's port holds the whole table, if it was
 * not learned.
 */
bool fdb_learn(struct fdb *f, uint16_t vlan, const uint8_t mac[ETH_ADDR_LEN],
	       uint16_t port, uint64_t now_us);
/* The port of a MAC that has not aged out, FDB_LOST or FDB_UNKNOWN. */
int fdb_find(const struct fdb *f, uint16_t vlan,
	     const uint8_t mac[ETH_ADDR_LEN], uint64_t now_us);
/*
 * For a frame to a MAC that is lost, or is behind a port that cannot be sent to, by
 * which it counts as lost from now on. True if it may be flooded: eight frames at
 * once, then one in 100 ms. frames: how many it counts for. True if the MAC is not
 * known.
 */
bool fdb_may_search(struct fdb *f, uint16_t vlan,
		    const uint8_t mac[ETH_ADDR_LEN], uint32_t frames,
		    uint64_t now_us);
/* What is behind a port is lost. */
void fdb_lose_port(struct fdb *f, uint16_t port, uint64_t now_us);
/* What was lost with a port is unknown. */
void fdb_forget_lost(struct fdb *f, uint16_t port);
/* Forgets everything behind a port; what was lost with it stays lost. The three cost
 * as much as is behind the port. */
void fdb_flush_port(struct fdb *f, uint16_t port);
/* Forgets what has aged out; cost is one walk. */
void fdb_age(struct fdb *f, uint64_t now_us);
/* Those that are not lost. */
uint32_t fdb_count(const struct fdb *f);

struct fdb_entry {
	uint16_t vlan;
	uint8_t mac[ETH_ADDR_LEN];
	uint16_t port;
	uint64_t seen_us;
};

/* Walks those that are not lost, aged ones not yet swept included: *at starts at
 * TABLE_NONE. False at the end. */
bool fdb_next(const struct fdb *f, uint32_t *at, struct fdb_entry *out);

#endif
