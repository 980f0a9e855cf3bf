/* Who holds how much of a table that all ports share, and who holds most. */
#ifndef TAPD_BRIDGE_HOLDERS_H
#define TAPD_BRIDGE_HOLDERS_H

#include <stdint.h>

#include "base/table.h"

/*
 * Each entry of the table is charged to one port. When the table is full, these
 * counts say who has to give something up, so that a port which invents entries
 * pays for them itself. Each call takes the same time however much is held: the
 * entries of a port form a ring with a hand, and the ports stand in lists by how
 * many they hold.
 */
struct holders;

/* The first member of the table's values; for holders.c. */
struct holding {
	uint32_t next, prev; /* slots: the ring of its port */
	uint16_t port;
};

/* No holder of most: HOLDERS_NONE. */
#define HOLDERS_NONE UINT16_MAX

/* Ports are numbered below `ports`. The table is borrowed. NULL if memory is
 * short. */
struct holders *holders_new(const struct table *table, uint16_t ports);
void holders_free(struct holders *h);

/* Charges an entry that nobody is charged for. */
void holders_take(struct holders *h, struct holding *e, uint16_t port);
/* No port is charged for it any more: to be done before it is removed. */
void holders_release(struct holders *h, struct holding *e);

/* The entries that a port is charged for. */
uint32_t holders_count(const struct holders *h, uint16_t port);
/* The port that is charged for most; port 0, the TAP's, never is. HOLDERS_NONE if
 * there is none. */
uint16_t holders_most(const struct holders *h);
/* An equal part for each port that holds something: a port that holds no more
 * has taken nothing from others. */
uint32_t holders_share(const struct holders *h);

/* The entry at the port's hand, or NULL if it holds none; the next one in its
 * ring; and the hand put to one of its entries. */
struct holding *holders_at_hand(const struct holders *h, uint16_t port);
struct holding *holders_next(const struct holders *h, const struct holding *e);
void holders_set_hand(struct holders *h, const struct holding *e);

#endif
