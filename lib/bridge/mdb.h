/* The multicast database: (VLAN, group) → the ports behind which it is wanted. */
#ifndef TAPD_BRIDGE_MDB_H
#define TAPD_BRIDGE_MDB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/table.h"
#include "bridge/port_set.h"
#include "ether/group.h"

/*
 * Holds what each port declared, no more: the caller adds routers, and ports whose
 * declaration is not complete. Nothing ages here; a port's groups are removed when
 * it takes them back or is removed itself.
 *
 * A declaration that finds no room is not lost: from then on its port
 * overflows, which is to say that it is among the members of every group, until
 * mdb_flush_port. So a full table costs copies and never a frame. It is bounded
 * in all and per port, so that a peer that invents groups fills its share only.
 */
struct mdb;

struct mdb_config {
	uint32_t capacity; /* groups in all, at least 1 */
	uint32_t per_port; /* groups of one port */
	uint16_t ports;	   /* port numbers are below; 1..PORT_SET_PORTS */
};

/* NULL if memory is short. A group costs some 120 bytes once it is used. */
struct mdb *mdb_new(const struct mdb_config *config,
		    const uint8_t seed[TABLE_SEED_LEN]);
void mdb_free(struct mdb *m);

/* False if there is no room: the port overflows. */
bool mdb_join(struct mdb *m, const struct group *group, uint16_t port);
void mdb_leave(struct mdb *m, const struct group *group, uint16_t port);
/* Forgets all that a port declared, and that it overflowed. */
void mdb_flush_port(struct mdb *m, uint16_t port);

/* Adds to *members the ports that declared the group, and those that
 * overflow. */
void mdb_find(const struct mdb *m, const struct group *group,
	      struct port_set *members);
/* Adds only those that declared it. */
void mdb_declared(const struct mdb *m, const struct group *group,
		  struct port_set *members);
/* True if the port declared this group and there was room. */
bool mdb_has(const struct mdb *m, const struct group *group, uint16_t port);
const struct port_set *mdb_overflowing(const struct mdb *m);
/* Groups in all; groups of one port. */
uint32_t mdb_count(const struct mdb *m);
uint32_t mdb_port_count(const struct mdb *m, uint16_t port);

struct mdb_entry {
	struct group group;
	struct port_set ports;
};

/* Walks the groups: *at starts at TABLE_NONE. False at the end. The group just
 * returned may be left meanwhile. */
bool mdb_next(const struct mdb *m, uint32_t *at, struct mdb_entry *out);

#endif
