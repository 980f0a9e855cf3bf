/* The bridge: its ports, and who gets a frame. */
#ifndef TAPD_BRIDGE_BRIDGE_H
#define TAPD_BRIDGE_BRIDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/table.h"
#include "bridge/forward.h"

/*
 * A port is whatever frames can be sent to. Port 0 is the TAP; the others are
 * peers, each with an owner whom the bridge knows as a pointer only. The bridge
 * owns the FDB, the MDB and what is known of each port; whoever learns something
 * about a port says so here, and the verdict (forward.h) only reads.
 *
 * Invariant: a port that is not in use is not live, is a flood port, is no router
 * port, and nothing is behind it.
 */
struct bridge;

struct bridge_config {
	uint16_t ports; /* the TAP's among them; 2..PORT_SET_PORTS */
	bool snooping;
	uint32_t macs, macs_per_port; /* of the FDB: fdb.h */
	uint64_t mac_age_us;
	uint32_t groups, groups_per_port; /* of the MDB: mdb.h */
};

/* NULL if memory is short. */
struct bridge *bridge_new(const struct bridge_config *config,
			  const uint8_t seed[TABLE_SEED_LEN]);
void bridge_free(struct bridge *b);

/* ---- ports ---- */

/* A port for this owner, who is not NULL; 0 if all are in use. */
uint16_t bridge_port_add(struct bridge *b, void *owner);
/* Forgets all that was known of it, but for MACs that are lost; the number is used
 * again. */
void bridge_port_remove(struct bridge *b, uint16_t port);
/* NULL if the port is the TAP's, or nobody's. */
void *bridge_port_owner(const struct bridge *b, uint16_t port);
/* Frames can be sent to it now, or not. */
void bridge_port_set_live(struct bridge *b, uint16_t port, bool live);
/* A flood port gets every group's frames: it asked for that, or not all that it
 * joined is known. */
void bridge_port_set_flood(struct bridge *b, uint16_t port, bool flood);
bool bridge_port_is_flood(const struct bridge *b, uint16_t port);
/* A multicast router is behind it: a router port gets reports. */
void bridge_port_set_router(struct bridge *b, uint16_t port, bool router);
/* The ports that frames can be sent to. */
const struct port_set *bridge_live_ports(const struct bridge *b);

/* Its owner's own MAC: tap_macs_set. */
void bridge_port_set_mac(struct bridge *b, uint16_t port,
			 const uint8_t mac[ETH_ADDR_LEN]);
/* Its owner is gone, or is another process: what is behind it is lost, its own MAC
 * too. */
void bridge_port_lose_macs(struct bridge *b, uint16_t port, uint64_t now_us);
/* Its owner is there, with this MAC: what was lost is unknown, like any. */
void bridge_port_found(struct bridge *b, uint16_t port,
		       const uint8_t mac[ETH_ADDR_LEN]);
void bridge_port_forget_groups(struct bridge *b, uint16_t port);
/* mdb_join and mdb_leave. */
bool bridge_port_join(struct bridge *b, uint16_t port, const struct group *g);
void bridge_port_leave(struct bridge *b, uint16_t port, const struct group *g);

/* ---- the bridge itself ---- */

/* False: all multicast frames go to all ports, reports too. */
void bridge_set_snooping(struct bridge *b, bool snooping);
/* True: peers' router advertisements and redirects come in. False at first. */
void bridge_set_router_advertisements(struct bridge *b, bool let_in);
/* True: peers' queries come in, for they hear what answers them. False at first. */
void bridge_set_foreign_queries(struct bridge *b, bool let_in);
/* A multicast router is on our own side of the TAP. */
void bridge_set_router(struct bridge *b, bool router);
bool bridge_has_router(const struct bridge *b);
/* Forgets MACs that have aged out. */
void bridge_age(struct bridge *b, uint64_t now_us);

/* fdb_on_move. */
void bridge_on_move(struct bridge *b, fdb_moved *moved, void *user);

/* To read: borrowed while the bridge lives. */
const struct fdb *bridge_fdb(const struct bridge *b);
const struct mdb *bridge_mdb(const struct bridge *b);
/* For forward_from_tap and forward_from_port. */
const struct forward_tables *bridge_tables(const struct bridge *b);

#endif
