/* The multicast database: (VLAN, group) → the ports that registered it. */
#ifndef TAPD_BRIDGE_MDB_H
#define TAPD_BRIDGE_MDB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/table.h"
#include "bridge/port_set.h"
#include "ether/group.h"

/*
 * A registration is what a port declared, as it stands here. There is nothing but
 * registrations: the caller adds router ports and flood ports. Nothing ages; a
 * registration is removed when its port leaves the group or is flushed.
 *
 * When there is no room for one, a port overflows: until mdb_flush_port it is
 * among the members of every group, and nothing more of it is registered. So a full
 * table costs copies and never a frame. It is the port itself if it has per_port
 * groups, or holds an equal share of the full table; else the one that holds most,
 * which gives up what it holds. So a peer that invents groups, under however many
 * identities, is sent all itself, and who holds no more than the share is not.
 */
struct mdb;

struct mdb_config {
	uint32_t capacity; /* groups in all, at least 1 */
	uint32_t per_port; /* groups of one port */
	uint16_t ports;	   /* port numbers are below; 1..PORT_SET_PORTS */
};

/* NULL if memory is short. A group costs some 130 bytes once it is used. */
struct mdb *mdb_new(const struct mdb_config *config,
		    const uint8_t seed[TABLE_SEED_LEN]);
void mdb_free(struct mdb *m);

/* False if there is no room: the port overflows. It costs no more than the joins
 * of others that it undoes. */
bool mdb_join(struct mdb *m, const struct group *group, uint16_t port);
void mdb_leave(struct mdb *m, const struct group *group, uint16_t port);
/* Removes all of a port's registrations; it does not overflow any more. */
void mdb_flush_port(struct mdb *m, uint16_t port);

/* Adds to *members the ports that registered the group, and those that
 * overflow. */
void mdb_find(const struct mdb *m, const struct group *group,
	      struct port_set *members);
/* Adds only those that registered it. */
void mdb_registered(const struct mdb *m, const struct group *group,
		    struct port_set *members);
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
