/* Who holds how much of what strangers share, by address. */
#ifndef TAPD_NODE_SHARES_H
#define TAPD_NODE_SHARES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/table.h"

/*
 * A holder is an address, but addresses are cheap: whoever has an IPv6 prefix has
 * all in it. So an IPv6 address counts within its /64, which may be a whole subnet
 * of a cloud, and that within its /48; an IPv4 address stands by itself. Legs are
 * cheap too, to whoever runs the relay: each counts within all those at the relay's
 * address, apart from the relay itself. What there is is parted evenly between the /48s
 * that hold some, each one's part between its /64s, and so on, and a part of each is
 * left for who is still to come: who multiplies within his prefix takes from himself, and one bad host
 * in a subnet leaves its neighbours theirs.
 */
struct shares;

enum { SHARES_LEVELS = 3 }; /* /48, /64, /128 */

/* How much is held by those that a holder counts with, itself included. */
struct share_counts {
	uint32_t held[SHARES_LEVELS];
};

/* For so many holders at a time. NULL if memory is short. */
struct shares *shares_new(uint32_t holders, const uint8_t seed[TABLE_SEED_LEN]);
void shares_free(struct shares *s);
/* Nobody holds anything. */
void shares_clear(struct shares *s);
/* False if there are more holders than there may be: nothing was counted. */
bool shares_add(struct shares *s, const struct addr *holder);
/* What was added. */
void shares_remove(struct shares *s, const struct addr *holder);

struct share_counts shares_of(const struct shares *s,
			      const struct addr *holder);
/* Below 0, 0 or above: a holds less, as much, more, level by level. */
int shares_compare(const struct share_counts *a, const struct share_counts *b);
/* True if with one more the holder has, at each level, no more than its even part of
 * `total`, or is the first. */
bool shares_within(const struct shares *s, const struct addr *holder,
		   uint32_t total);

#endif
