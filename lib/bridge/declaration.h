/* What this host declares to its peers: the groups it wants, in versions. */
#ifndef TAPD_BRIDGE_DECLARATION_H
#define TAPD_BRIDGE_DECLARATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/table.h"
#include "ether/group.h"

/*
 * A set of groups as a log. Every change takes the next version and moves its
 * group to the end of a list. So a peer that registered version v lacks the tail
 * of the list behind v, and a new one (v = 0) all of it: there is no other kind of
 * full set. That tail may be sent in parts of any length.
 *
 * A group that was left stays in the list, as a leave, until no peer can have the
 * join registered any more (declaration_forget). While peers are slow to
 * acknowledge leaves there may be no room for a join: the declaration is then
 * incomplete, and its owner has to want everything.
 *
 * Versions begin at 1 and grow. The last one there is, UINT32_MAX, makes the
 * declaration incomplete for good.
 */
struct declaration;

/* NULL if memory is short. capacity: groups joined and left, at least 1. */
struct declaration *declaration_new(uint32_t capacity,
				    const uint8_t seed[TABLE_SEED_LEN]);
void declaration_free(struct declaration *d);

/* A group is wanted, or no longer. Takes a version only if that is new. */
void declaration_set(struct declaration *d, const struct group *group,
		     bool wanted);
/* Something other than the groups changed: takes a version. */
void declaration_touch(struct declaration *d);
uint32_t declaration_version(const struct declaration *d);
/* A join found no room. True until declaration_retry succeeds, after which
 * declaration_set is to be called for every group that is wanted. */
bool declaration_is_incomplete(const struct declaration *d);
/* True if there is room again: it is complete from now on. */
bool declaration_retry(struct declaration *d);

struct declaration_entry {
	struct group group;
	bool left;
	uint32_t version;
};

/* Where the list continues behind a version: the first *at of
 * declaration_next. */
uint32_t declaration_after(const struct declaration *d, uint32_t version);
/* The change there; *at moves to the next. False at the end. */
bool declaration_next(const struct declaration *d, uint32_t *at,
		      struct declaration_entry *out);
/* Every peer has registered this version: removes leaves up to it. */
void declaration_forget(struct declaration *d, uint32_t version);
/* Groups joined; groups left and not yet forgotten. */
uint32_t declaration_joined(const struct declaration *d);
uint32_t declaration_left(const struct declaration *d);

#endif
